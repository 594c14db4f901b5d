/* The air between near and far: captured datagram by datagram, or automatic with rules. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenario/stage.h"
#include "scenario/value.h"
#include "sim/trace.h"

/* A datagram that a rule holds back. */
struct late {
	struct th_list link;
	struct sim_event event;
	struct stage *stage;
	struct captured c;
};

static int dir_of(const struct stage *s, const struct sim_pipe *p)
{
	return p == &s->world.up ? SIM_NEAR : SIM_FAR;
}

static void deliver(struct stage *s, const struct captured *c, const char *what)
{
	stage_trace(s, s->world.net.now, c->dir, what, c->bytes, c->n);
	sim_net_deliver(&s->world.net, &c->from, &c->to, c->bytes, c->n);
}

static void late_fire(struct sim_event *e)
{
	struct late *l = TH_OWNER(e, struct late, event);

	deliver(l->stage, &l->c, "arrives");
	th_list_remove(&l->link);
	free(l);
}

static void fill(struct captured *c, int dir, const struct sim_dgram *d)
{
	c->dir = dir;
	c->sent = d->sent;
	c->from = d->from;
	c->to = d->to;
	c->n = d->n;
	memcpy(c->bytes, d->bytes, d->n);
}

static void hold_back(struct stage *s, int dir, const struct sim_dgram *d, th_time by)
{
	struct late *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->stage = s;
	l->event.fire = late_fire;
	fill(&l->c, dir, d);
	th_list_push(&s->late, &l->link);
	sim_net_at(&s->world.net, &l->event, s->world.net.now + by);
}

static enum sim_gate_verdict apply(struct stage *s, struct air_rule *r, const struct sim_dgram *d)
{
	r->used++;
	if (r->left != UINT64_MAX)
		r->left--;
	switch (r->action) {
	case AIR_LOSE:
		stage_trace(s, s->world.net.now, r->dir, "loses", d->bytes, d->n);
		return SIM_GATE_LOSE;
	case AIR_DELAY:
		stage_trace(s, s->world.net.now, r->dir, "delays", d->bytes, d->n);
		hold_back(s, r->dir, d, r->by);
		return SIM_GATE_TAKE;
	case AIR_DOUBLE:
		stage_trace(s, s->world.net.now, r->dir, "doubles", d->bytes, d->n);
		hold_back(s, r->dir, d, r->by);
		return SIM_GATE_PASS;
	}
	return SIM_GATE_PASS;
}

static enum sim_gate_verdict by_rules(struct stage *s, int dir, const struct sim_dgram *d)
{
	char why[MATCH_WHY_MAX];

	for (size_t i = 0; i < s->n_rules; i++) {
		struct air_rule *r = &s->rules[i];

		if (r->left == 0 || r->dir != dir)
			continue;
		switch (match_dgram(&s->vars, false, r->words, r->n, d->bytes, d->n, why)) {
		case MATCH_YES:
			return apply(s, r, d);
		case MATCH_NO:
			break;
		case MATCH_SYNTAX:
			s->line = r->line;
			stage_fail(s, "%s", why);
			return SIM_GATE_PASS;
		}
	}
	stage_trace(s, s->world.net.now, dir, "sends", d->bytes, d->n);
	return SIM_GATE_PASS;
}

static enum sim_gate_verdict gate(void *user, const struct sim_dgram *d)
{
	struct stage *s = user;
	int dir = dir_of(s, d->pipe);
	struct captured *c;

	if (s->automatic)
		return by_rules(s, dir, d);
	if (s->n_captured == CAPTURED_MAX) {
		stage_fail(s, "more than %d datagrams wait", CAPTURED_MAX);
		return SIM_GATE_LOSE;
	}
	c = malloc(sizeof(*c));
	if (!c)
		abort();
	fill(c, dir, d);
	s->captured[(s->first + s->n_captured++) % CAPTURED_MAX] = c;
	stage_trace(s, s->world.net.now, dir, "sends", d->bytes, d->n);
	return SIM_GATE_TAKE;
}

/* Chance, queue and outage speak only through the tap. */
static void see(void *user, enum sim_fate fate, const struct sim_dgram *d)
{
	struct stage *s = user;

	if (fate == SIM_SENT || !s->automatic)
		return;
	if (fate == SIM_LOST && s->n_traced && s->trace[(s->n_traced - 1) % TRACE_MAX].what[0] == 'l')
		return; /* `loses` was traced by its rule */
	stage_trace(s, s->world.net.now, dir_of(s, d->pipe), fate == SIM_DELIVERED ? "arrives" : sim_fate_text(fate),
		    d->bytes, d->n);
}

void air_init(struct stage *s)
{
	s->world.up.gate = s->world.down.gate = gate;
	s->world.up.gate_user = s->world.down.gate_user = s;
	s->world.net.tap = (struct sim_tap){ see, s };
}

void air_free(struct stage *s)
{
	for (; s->n_captured; s->n_captured--)
		free(s->captured[s->first++ % CAPTURED_MAX]);
	for (size_t i = 0; i < s->n_held; i++)
		free(s->held[i].c);
	TH_LIST_EACH(it, &s->late)
	free(TH_OWNER(it, struct late, link));
}

/* pass, drop, dup, hold: the next datagram must be this one */

static struct captured *take(struct stage *s)
{
	struct captured *c = s->captured[s->first];

	s->first = (s->first + 1) % CAPTURED_MAX;
	s->n_captured--;
	return c;
}

static bool wait_for_one(struct stage *s, th_time until)
{
	while (s->n_captured == 0 && sim_net_step(&s->world.net, until))
		;
	return s->n_captured > 0;
}

/* "+2s..3s": after the datagram before; "@1s": by the clock. Absent: now. */
static bool parse_when(struct args *a, struct range *when)
{
	struct stage *s = a->s;
	const struct word *w = &a->w[a->i];

	*when = (struct range){ 0, s->world.net.now };
	if (a->i == a->n || (w->p[0] != '+' && w->p[0] != '@'))
		return true;
	a->i++;
	if (!value_time_range((struct th_str){ w->p + 1, w->n - 1 }, when))
		return stage_fail(s, "a time like +2s..3s or @1s expected, not %s", w->p);
	if (w->p[0] == '+') {
		when->low += s->mark;
		when->high += s->mark;
	}
	return true;
}

static struct captured *expect_next(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	char why[MATCH_WHY_MAX], got[SIM_TRACE_LINE], at[32], low[32], high[32];
	struct range when;
	struct captured *c;
	int dir;

	if (s->automatic) {
		stage_fail(s, "the air is automatic here");
		return NULL;
	}
	if (!parse_when(&a, &when) || !args_dir(&a, &dir))
		return NULL;
	if (!wait_for_one(s, when.high)) {
		stage_fail(s, "nothing was sent until %s", sim_trace_time(at, when.high));
		return NULL;
	}
	c = s->captured[s->first];
	sim_trace_dgram(got, sizeof(got), c->bytes, c->n);
	sim_trace_time(at, c->sent);
	if (c->dir != dir) {
		stage_fail(s, "got, at %s: %s %s", at, c->dir == SIM_NEAR ? "near>far" : "far>near", got);
		return NULL;
	}
	if (match_dgram(&s->vars, true, w + a.i, n - a.i, c->bytes, c->n, why) != MATCH_YES) {
		stage_fail(s, "%s\n    got, at %s: %s", why, at, got);
		return NULL;
	}
	if (!range_has(&when, c->sent)) {
		stage_fail(s, "sent at %s, expected %s to %s: %s", at, sim_trace_time(low, when.low),
			   sim_trace_time(high, when.high), got);
		return NULL;
	}
	s->mark = c->sent;
	return take(s);
}

static bool play_pass(struct stage *s, const struct word *w, size_t n)
{
	struct captured *c = expect_next(s, w, n);

	if (!c)
		return false;
	deliver(s, c, "passes");
	free(c);
	return true;
}

static bool play_drop(struct stage *s, const struct word *w, size_t n)
{
	struct captured *c = expect_next(s, w, n);

	if (!c)
		return false;
	stage_trace(s, s->world.net.now, c->dir, "drops", c->bytes, c->n);
	free(c);
	return true;
}

static bool play_dup(struct stage *s, const struct word *w, size_t n)
{
	struct captured *c = expect_next(s, w, n);

	if (!c)
		return false;
	deliver(s, c, "passes");
	deliver(s, c, "again");
	free(c);
	return true;
}

static bool play_hold(struct stage *s, const struct word *w, size_t n)
{
	struct captured *c;

	if (n < 2)
		return false;
	if (s->n_held == HELD_MAX)
		return stage_fail(s, "more than %d are held", HELD_MAX);
	for (size_t i = 0; i < s->n_held; i++)
		if (strcmp(s->held[i].name, w[0].p) == 0)
			return stage_fail(s, "%s is taken", w[0].p);
	c = expect_next(s, w + 1, n - 1);
	if (!c)
		return false;
	s->held[s->n_held].name = w[0].p;
	s->held[s->n_held++].c = c;
	return true;
}

static bool play_release(struct stage *s, const struct word *w, size_t n)
{
	if (n != 1)
		return false;
	for (size_t i = 0; i < s->n_held; i++) {
		if (strcmp(s->held[i].name, w[0].p) == 0) {
			deliver(s, s->held[i].c, "releases");
			return true;
		}
	}
	return stage_fail(s, "nothing is held as %s", w[0].p);
}

static bool play_drain(struct stage *s, const struct word *w, size_t n)
{
	(void)w;
	if (n)
		return false;
	while (wait_for_one(s, s->world.net.now)) {
		struct captured *c = take(s);

		s->mark = c->sent;
		deliver(s, c, "passes");
		free(c);
	}
	return true;
}

static bool play_quiet(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	char got[SIM_TRACE_LINE], at[32];
	th_time span;

	if (!args_time(&a, "the time", &span) || !args_end(&a))
		return false;
	if (s->automatic)
		return stage_fail(s, "the air is automatic here");
	if (!wait_for_one(s, th_time_add(s->world.net.now, span)))
		return true;
	return stage_fail(s, "sent at %s: %s %s", sim_trace_time(at, s->captured[s->first]->sent),
			  s->captured[s->first]->dir == SIM_NEAR ? "near>far" : "far>near",
			  sim_trace_dgram(got, sizeof(got), s->captured[s->first]->bytes, s->captured[s->first]->n));
}

static bool play_send(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	char why[MATCH_WHY_MAX] = "";
	struct captured c;
	int dir;

	if (!args_dir(&a, &dir))
		return false;
	c = (struct captured){ .dir = dir, .from = *stage_addr(s, dir), .to = *stage_addr(s, !dir) };
	c.n = match_build(&s->vars, w + a.i, n - a.i, c.bytes, sizeof(c.bytes), why);
	if (c.n == 0)
		return stage_fail(s, "%s", why);
	deliver(s, &c, "script");
	return true;
}

static bool play_air(struct stage *s, const struct word *w, size_t n)
{
	if (n != 1 || (!word_is(&w[0], "auto") && !word_is(&w[0], "manual")))
		return false;
	if (s->n_captured)
		return stage_fail(s, "%zu datagrams wait: say what becomes of them first", s->n_captured);
	s->automatic = word_is(&w[0], "auto");
	return true;
}

/* lose, delay, double */

static bool add_rule(struct stage *s, struct args *a, enum air_action action, th_time by)
{
	struct air_rule *r = &s->rules[s->n_rules];
	char why[MATCH_WHY_MAX];
	struct vars scratch = { .n = 0 };

	if (s->n_rules == RULES_MAX)
		return stage_fail(s, "more than %d rules", RULES_MAX);
	if (!s->automatic)
		return stage_fail(s, "rules want `air auto`");
	*r = (struct air_rule){ .action = action, .line = s->line, .left = 1, .by = by };
	if (args_take(a, "all"))
		r->left = UINT64_MAX;
	else if (a->i < a->n && value_number((struct th_str){ a->w[a->i].p, a->w[a->i].n }, &r->left))
		a->i++;
	if (!args_dir(a, &r->dir))
		return false;
	r->words = a->w + a->i;
	r->n = a->n - a->i;
	if (match_dgram(&scratch, false, r->words, r->n, (const uint8_t *)"\x40\x00\x00\x00", 4, why) == MATCH_SYNTAX)
		return stage_fail(s, "%s", why);
	s->n_rules++;
	return true;
}

static bool play_lose(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };

	return add_rule(s, &a, AIR_LOSE, 0);
}

static bool play_delay(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	th_time by;

	return args_time(&a, "the delay", &by) && add_rule(s, &a, AIR_DELAY, by);
}

static bool play_double(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	th_time by;

	return args_time(&a, "the delay", &by) && add_rule(s, &a, AIR_DOUBLE, by);
}

#define PATTERN "near>far|far>near TYPE CODE FIELD…"

const struct verb air_verbs[] = {
	{ "air", play_air, false, "air auto|manual" },
	{ "pass", play_pass, false, "pass [+TIME|@TIME] " PATTERN },
	{ "drop", play_drop, false, "drop [+TIME|@TIME] " PATTERN },
	{ "dup", play_dup, false, "dup [+TIME|@TIME] " PATTERN },
	{ "hold", play_hold, false, "hold NAME [+TIME|@TIME] " PATTERN },
	{ "release", play_release, false, "release NAME" },
	{ "drain", play_drain, false, "drain" },
	{ "quiet", play_quiet, false, "quiet TIME" },
	{ "send", play_send, false, "send near>far|far>near TYPE CODE FIELD… | raw x'…'" },
	{ "lose", play_lose, false, "lose [N|all] " PATTERN },
	{ "delay", play_delay, false, "delay TIME [N|all] " PATTERN },
	{ "double", play_double, false, "double TIME [N|all] " PATTERN },
	{ NULL, NULL, false, NULL },
};
