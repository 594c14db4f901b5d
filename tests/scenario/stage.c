#include "scenario/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenario/value.h"
#include "sim/trace.h"

static const char *const dir_names[] = { "near>far", "far>near" };

/* Failing */

bool stage_fail(struct stage *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (s->failed)
		return false;
	s->failed = true;
	n = snprintf(s->failure, sizeof(s->failure), "%s:%d: %s\n    ", s->script->path, s->line ? s->line->number : 0,
		     s->line ? s->line->text : "");
	if (n < 0 || (size_t)n >= sizeof(s->failure))
		return false;
	va_start(ap, fmt);
	vsnprintf(s->failure + n, sizeof(s->failure) - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static void print_trace_line(FILE *f, const struct traced *t)
{
	char text[SIM_TRACE_LINE], time[32];

	fprintf(f, "    %14s  %s  %-10s %s\n", sim_trace_time(time, t->at), dir_names[t->dir], t->what,
		sim_trace_dgram(text, sizeof(text), t->bytes, t->n));
}

static void print_trace(const struct stage *s)
{
	uint64_t first = s->n_traced > TRACE_MAX ? s->n_traced - TRACE_MAX : 0;
	char time[32];

	fprintf(stderr, "  at %s; the last %llu steps of datagrams:\n", sim_trace_time(time, s->world.net.now),
		(unsigned long long)(s->n_traced - first));
	for (uint64_t i = first; i < s->n_traced; i++)
		print_trace_line(stderr, &s->trace[i % TRACE_MAX]);
}

void stage_trace(struct stage *s, th_time at, int dir, const char *what, const uint8_t *p, size_t n)
{
	struct traced *t = &s->trace[s->n_traced++ % TRACE_MAX];

	t->at = at;
	t->dir = dir;
	t->what = what;
	t->n = n;
	memcpy(t->bytes, p, n);
	if (s->trace_all)
		print_trace_line(stdout, t);
}

/* Reading words */

bool args_text(struct args *a, const char *what, struct th_str *out)
{
	const struct word *w = args_next(a);

	if (!w)
		return stage_fail(a->s, "%s is missing", what);
	*out = (struct th_str){ w->p, w->n };
	return true;
}

bool args_number(struct args *a, const char *what, uint64_t *out)
{
	struct th_str t;

	return args_text(a, what, &t) &&
	       (value_number(t, out) || stage_fail(a->s, "%s must be a number, not %s", what, t.p));
}

bool args_time(struct args *a, const char *what, th_time *out)
{
	struct th_str t;

	return args_text(a, what, &t) &&
	       (value_time(t, out) || stage_fail(a->s, "%s must be a time like 2.5s, not %s", what, t.p));
}

bool args_side(struct args *a, int *out)
{
	*out = args_take(a, "near") ? SIM_NEAR : args_take(a, "far") ? SIM_FAR : SIM_SIDES;
	return *out != SIM_SIDES || stage_fail(a->s, "near or far expected");
}

bool args_dir(struct args *a, int *out)
{
	*out = args_take(a, dir_names[0]) ? SIM_NEAR : args_take(a, dir_names[1]) ? SIM_FAR : SIM_SIDES;
	return *out != SIM_SIDES || stage_fail(a->s, "near>far or far>near expected");
}

/* body "text", or body SIZE/SEED. The word `body` itself is taken already. */
bool args_body(struct args *a, struct sim_body *out)
{
	const struct word *w = args_next(a);
	const char *slash;
	uint64_t size, seed;

	if (!w)
		return stage_fail(a->s, "body wants \"text\" or SIZE/SEED");
	if (w->quoted) {
		*out = (struct sim_body){ .text = w->p, .n = w->n };
		return true;
	}
	slash = strchr(w->p, '/');
	if (!slash || !value_number((struct th_str){ w->p, (size_t)(slash - w->p) }, &size) ||
	    !value_number(th_str_of(slash + 1), &seed))
		return stage_fail(a->s, "body wants \"text\" or SIZE/SEED, not %s", w->p);
	*out = (struct sim_body){ .n = size, .seed = seed };
	return true;
}

bool args_field(struct args *a, struct th_field *out)
{
	struct th_str t = { NULL, 0 };
	const char *colon;

	if (!args_text(a, "header", &t))
		return false;
	colon = strstr(t.p, ": ");
	if (!colon)
		return stage_fail(a->s, "header wants \"Name: value\", not %s", t.p);
	out->name = (struct th_str){ t.p, (size_t)(colon - t.p) };
	out->value = th_str_of(colon + 2);
	return true;
}

bool args_end(struct args *a)
{
	return a->i == a->n || stage_fail(a->s, "unknown word: %s", a->w[a->i].p);
}

/* People */

struct actor *stage_actor(struct stage *s, struct th_str name)
{
	TH_LIST_EACH(it, &s->actors)
	{
		struct actor *a = TH_OWNER(it, struct actor, link);

		if (th_str_eq(th_str_of(a->name), name))
			return a;
	}
	return NULL;
}

static void actor_del(struct stage *s, struct actor *a)
{
	sim_client_leave(&a->client);
	th_list_remove(&a->link);
	free(a->own_name);
	free(a->own_target);
	free(a);
	s->n_actors--;
}

/* A name may be used again once its exchange is over. */
struct actor *stage_actor_new(struct stage *s, const char *name)
{
	struct actor *a = stage_actor(s, th_str_of(name));

	if (a && a->client.state == SIM_CLIENT_OPEN) {
		stage_fail(s, "client %s is still under way", name);
		return NULL;
	}
	if (a)
		actor_del(s, a);
	if (s->n_actors == CLIENTS_MAX) {
		stage_fail(s, "more than %d clients", CLIENTS_MAX);
		return NULL;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		abort();
	a->name = name;
	th_list_push(&s->actors, &a->link);
	s->n_actors++;
	return a;
}

const struct th_addr *stage_addr(const struct stage *s, int side)
{
	return &s->world.side[side].host.addr;
}

/* Playing */

bool stage_build(struct stage *s)
{
	if (s->built)
		return true;
	s->built = true;
	sim_world_init(&s->world, &s->config);
	air_init(s);
	return true;
}

bool stage_time_passes(struct stage *s, th_time until)
{
	while (sim_net_step(&s->world.net, until))
		if (s->failed)
			return false;
	return !s->failed;
}

static const struct verb *verb_find(const struct word *w)
{
	static const struct verb *const tables[] = { setup_verbs, http_verbs, air_verbs, fault_verbs, expect_verbs };

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct verb *v = tables[t]; v->name; v++)
			if (word_is(w, v->name))
				return v;
	return NULL;
}

static bool play_line(struct stage *s, const struct line *line)
{
	const struct verb *v = verb_find(&line->words[0]);

	s->line = line;
	if (!v)
		return stage_fail(s, "unknown word: %s", line->words[0].p);
	if (v->setup && s->built)
		return stage_fail(s, "%s belongs to the set-up, before anything happens", v->name);
	if (!v->setup && !stage_build(s))
		return false;
	if (!v->play(s, line->words + 1, line->n - 1))
		return s->failed ? false : stage_fail(s, "usage: %s", v->usage);
	/* everything that follows at this very instant */
	return !s->built || stage_time_passes(s, s->world.net.now);
}

/* The line that ends the block after `from`; n when there is none. */
static size_t block_end(const struct script *script, size_t from)
{
	size_t depth = 0;

	for (size_t i = from; i < script->n; i++) {
		const struct word *w = &script->lines[i].words[0];

		if (word_is(w, "repeat"))
			depth++;
		else if (word_is(w, "end") && depth-- == 0)
			return i;
	}
	return script->n;
}

static bool play_lines(struct stage *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct line *line = &s->script->lines[i];
		uint64_t times;
		size_t end;

		if (!word_is(&line->words[0], "repeat")) {
			if (!play_line(s, line))
				return false;
			continue;
		}
		s->line = line;
		end = block_end(s->script, i + 1);
		if (end >= to || line->n != 2 ||
		    !value_number((struct th_str){ line->words[1].p, line->words[1].n }, &times))
			return stage_fail(s, "usage: repeat N … end");
		while (times-- > 0)
			if (!play_lines(s, i + 1, end))
				return false;
		i = end;
	}
	return true;
}

/* What every scenario expects at its end without saying so. */
static bool final_checks(struct stage *s)
{
	const char *bug = sim_world_bug(&s->world);
	char text[SIM_TRACE_LINE];

	if (bug)
		return stage_fail(s, "at the end: %s", bug);
	TH_LIST_EACH(it, &s->actors)
	{
		struct actor *a = TH_OWNER(it, struct actor, link);

		if (a->client.bug)
			return stage_fail(s, "at the end: client %s: %s", a->name, a->client.bug);
	}
	if (s->n_captured) {
		struct captured *c = s->captured[s->first];

		return stage_fail(s, "at the end: %zu datagrams nobody asked about, the first: %s %s", s->n_captured,
				  dir_names[c->dir], sim_trace_dgram(text, sizeof(text), c->bytes, c->n));
	}
	for (size_t i = 0; i < s->n_rules; i++) {
		s->line = s->rules[i].line;
		if (s->rules[i].used == 0)
			return stage_fail(s, "at the end: this rule was never used");
	}
	return true;
}

static void stage_init(struct stage *s, const struct script *script, bool trace_all)
{
	memset(s, 0, sizeof(*s));
	s->script = script;
	s->trace_all = trace_all;
	sim_world_config_default(&s->config);
	th_list_init(&s->actors);
	th_list_init(&s->late);
	s->trace = calloc(TRACE_MAX, sizeof(*s->trace));
	if (!s->trace)
		abort();
}

static void stage_free(struct stage *s)
{
	if (s->built)
		sim_world_free(&s->world);
	TH_LIST_EACH(it, &s->actors)
	actor_del(s, TH_OWNER(it, struct actor, link));
	air_free(s);
	free(s->trace);
}

bool stage_play(struct stage *s, const struct script *script, bool trace_all)
{
	bool ok;

	stage_init(s, script, trace_all);
	ok = play_lines(s, 0, script->n) && stage_build(s) && final_checks(s);
	if (!ok && s->built)
		print_trace(s);
	stage_free(s);
	return ok;
}
