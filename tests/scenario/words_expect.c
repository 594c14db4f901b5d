/* What must be true: now (`expect`), or before some time has passed (`await`). */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "exchange/failure.h"
#include "scenario/stage.h"
#include "scenario/value.h"

enum { WHY_MAX = 600 };

/* One check. A misfit fills `why` and may come true later; a wrong word fails the stage at once. */
struct check {
	struct args a;
	char why[WHY_MAX];
};

__attribute__((format(printf, 2, 3))) static bool misfit(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return false;
}

static bool next_range(struct check *c, const char *what, struct range *out)
{
	struct th_str t;

	return args_text(&c->a, what, &t) &&
	       (value_range(t, out) || stage_fail(c->a.s, "%s wants N, N..M or N.., not %s", what, t.p));
}

static bool in_range(struct check *c, const char *what, uint64_t got)
{
	struct range r;

	if (!next_range(c, what, &r))
		return false;
	return range_has(&r, got) || misfit(c, "%s is %" PRIu64, what, got);
}

static bool same_body(struct check *c, const struct sim_sum *got)
{
	struct sim_body want;
	struct sim_sum sum;
	char got_text[256], want_text[256];

	if (!args_body(&c->a, &want))
		return false;
	sim_sum_of(&sum, &want);
	if (sim_sum_eq(&sum, got))
		return true;
	return misfit(c, "the body is %s\n    expected   %s", sim_sum_text(got, got_text, sizeof(got_text)),
		      sim_sum_text(&sum, want_text, sizeof(want_text)));
}

/* "Name: value" as a whole line of the text, or the name alone. */
static bool has_field(const char *text, const char *field)
{
	size_t n = strlen(field);

	for (const char *at = text; *at; at += strcspn(at, "\n") + (strchr(at, '\n') ? 1 : 0))
		if (strncasecmp(at, field, n) == 0 && (at[n] == '\n' || at[n] == ':'))
			return true;
	return false;
}

static bool field_word(struct check *c, const char *text, bool wanted)
{
	struct th_str t;

	if (!args_text(&c->a, "header", &t))
		return false;
	return has_field(text, t.p) == wanted ||
	       misfit(c, "header %s is %s among:\n%s", t.p, wanted ? "not" : "there", text);
}

/* Clients */

static const char *outcome(const struct sim_client *cl, char out[WHY_MAX / 2])
{
	switch (cl->state) {
	case SIM_CLIENT_DONE:
		snprintf(out, WHY_MAX / 2, "done with %u, %" PRIu64 " bytes", cl->status, cl->sum.n);
		break;
	case SIM_CLIENT_FAILED:
		snprintf(out, WHY_MAX / 2, "failed with %u %s: %s", cl->fail_status, value_error_name(cl->err),
			 cl->reason);
		break;
	default:
		snprintf(out, WHY_MAX / 2, "%s, status so far %u, %" PRIu64 " bytes in, %zu out",
			 sim_client_state_text(cl->state), cl->status, cl->sum.n, cl->sent);
		break;
	}
	return out;
}

static bool client_failed(struct check *c, const struct sim_client *cl)
{
	char text[WHY_MAX / 2];
	uint64_t status;
	enum th_err err;

	if (!args_number(&c->a, "the status", &status))
		return false;
	if (cl->state != SIM_CLIENT_FAILED || cl->fail_status != status)
		return misfit(c, "it is %s", outcome(cl, text));
	if (c->a.i < c->a.n && value_error((struct th_str){ c->a.w[c->a.i].p, c->a.w[c->a.i].n }, &err)) {
		c->a.i++;
		if (err != cl->err)
			return misfit(c, "it is %s", outcome(cl, text));
	}
	return true;
}

/* pending | left | failed STATUS [ERROR] | head STATUS | STATUS */
static bool client_outcome(struct check *c, const struct sim_client *cl)
{
	char text[WHY_MAX / 2];
	uint64_t status;

	if (args_take(&c->a, "pending"))
		return cl->state == SIM_CLIENT_OPEN || misfit(c, "it is %s", outcome(cl, text));
	if (args_take(&c->a, "left"))
		return cl->state == SIM_CLIENT_LEFT || misfit(c, "it is %s", outcome(cl, text));
	if (args_take(&c->a, "failed"))
		return client_failed(c, cl);
	if (args_take(&c->a, "head"))
		return args_number(&c->a, "the status", &status) &&
		       (cl->status == status || misfit(c, "it is %s", outcome(cl, text)));
	if (!args_number(&c->a, "the status", &status))
		return false;
	return (cl->state == SIM_CLIENT_DONE && cl->status == status) || misfit(c, "it is %s", outcome(cl, text));
}

static bool client_word(struct check *c, const struct sim_client *cl)
{
	struct th_str t;
	th_time took = cl->closed_at - cl->opened_at;
	struct range r;

	if (args_take(&c->a, "body"))
		return same_body(c, &cl->sum);
	if (args_take(&c->a, "header"))
		return field_word(c, cl->head_text, true);
	if (args_take(&c->a, "no-header"))
		return field_word(c, cl->head_text, false);
	if (args_take(&c->a, "sent"))
		return in_range(c, "sent", cl->sent);
	if (args_take(&c->a, "received"))
		return in_range(c, "received", cl->sum.n);
	if (args_take(&c->a, "length"))
		return in_range(c, "length", (uint64_t)cl->body_len);
	if (args_take(&c->a, "retry-after"))
		return in_range(c, "retry-after", cl->retry_after);
	if (args_take(&c->a, "errcode"))
		return args_text(&c->a, "errcode", &t) &&
		       (strcmp(th_failure_errcode(cl->fail_status), t.p) == 0 ||
			misfit(c, "its errcode is %s", th_failure_errcode(cl->fail_status)));
	if (args_take(&c->a, "reason"))
		return args_text(&c->a, "reason", &t) &&
		       (strstr(cl->reason, t.p) || misfit(c, "its reason is: %s", cl->reason));
	if (args_take(&c->a, "took")) {
		if (!args_text(&c->a, "took", &t))
			return false;
		if (!value_time_range(t, &r))
			return stage_fail(c->a.s, "took wants a time range");
		return range_has(&r, took) || misfit(c, "it took %.6f s", (double)took / (double)TH_SEC);
	}
	return stage_fail(c->a.s, "unknown word: %s", c->a.w[c->a.i].p);
}

static bool check_client(struct check *c)
{
	struct th_str name;
	struct actor *actor;

	if (!args_text(&c->a, "the client's name", &name))
		return false;
	actor = stage_actor(c->a.s, name);
	if (!actor)
		return stage_fail(c->a.s, "no such client: %s", name.p);
	if (!client_outcome(c, &actor->client))
		return false;
	while (c->a.i < c->a.n)
		if (!client_word(c, &actor->client))
			return false;
	return true;
}

/* clients PREFIX RANGE OUTCOME: how many of the clients whose names begin so have that outcome */
static bool check_clients(struct check *c)
{
	struct stage *s = c->a.s;
	struct th_str prefix;
	struct range r;
	uint64_t hits = 0, all = 0;
	size_t at;

	if (!args_text(&c->a, "the prefix", &prefix) || !next_range(c, "how many", &r))
		return false;
	at = c->a.i;
	TH_LIST_EACH(it, &s->actors)
	{
		struct actor *actor = TH_OWNER(it, struct actor, link);
		struct check one = { .a = c->a };

		if (!th_str_starts(th_str_of(actor->name), prefix))
			continue;
		all++;
		one.a.i = at;
		hits += client_outcome(&one, &actor->client);
		if (s->failed)
			return false;
		c->a.i = one.a.i;
	}
	c->a.i = all ? c->a.n : c->a.i;
	return range_has(&r, hits) || misfit(c, "%" PRIu64 " of %" PRIu64 " clients are so", hits, all);
}

/* The homeserver */

static bool upstream_word(struct check *c, const struct sim_seen *seen, const struct sim_server *srv)
{
	if (args_take(&c->a, "begun"))
		return in_range(c, "begun", seen ? seen->begun : srv ? srv->begun : 0);
	if (args_take(&c->a, "count"))
		return in_range(c, "count", seen ? seen->whole : srv ? srv->whole : 0);
	if (args_take(&c->a, "answered"))
		return in_range(c, "answered", seen ? seen->answered : srv ? srv->answered : 0);
	if (args_take(&c->a, "cancelled"))
		return in_range(c, "cancelled", seen ? seen->cancelled : srv ? srv->cancelled : 0);
	if (srv && args_take(&c->a, "open"))
		return in_range(c, "open", srv->open);
	if (!srv && !seen)
		return misfit(c, "it never came");
	if (seen && args_take(&c->a, "body"))
		return same_body(c, &seen->last);
	if (seen && args_take(&c->a, "header"))
		return field_word(c, seen->head_text, true);
	if (seen && args_take(&c->a, "no-header"))
		return field_word(c, seen->head_text, false);
	return stage_fail(c->a.s, "unknown word: %s", c->a.w[c->a.i].p);
}

static bool check_upstream(struct check *c)
{
	static const char *const totals[] = { "begun", "count", "answered", "cancelled", "open" };
	const struct sim_server *srv = &c->a.s->world.server;
	const struct sim_seen *seen = NULL;
	struct th_str method, target;
	bool total = false;

	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
		total = total || (c->a.i < c->a.n && word_is(&c->a.w[c->a.i], totals[i]));
	if (!total) {
		if (!args_text(&c->a, "the method", &method) || !args_text(&c->a, "the target", &target))
			return false;
		seen = sim_server_seen(srv, method.p, target.p);
		srv = NULL;
	}
	if (c->a.i == c->a.n)
		return stage_fail(c->a.s, "begun, count, answered, cancelled, open, body or header expected");
	while (c->a.i < c->a.n)
		if (!upstream_word(c, seen, srv))
			return false;
	return true;
}

/* Link and engines */

static bool check_datagrams(struct check *c)
{
	struct stage *s = c->a.s;
	int dir;

	if (!args_dir(&c->a, &dir))
		return false;
	return in_range(c, "datagrams", (dir == SIM_NEAR ? &s->world.up : &s->world.down)->counts[SIM_SENT].dgrams) &&
	       args_end(&c->a);
}

static bool check_bytes(struct check *c)
{
	struct stage *s = c->a.s;
	int dir;

	if (!args_dir(&c->a, &dir))
		return false;
	return in_range(c, "bytes", (dir == SIM_NEAR ? &s->world.up : &s->world.down)->counts[SIM_SENT].bytes) &&
	       args_end(&c->a);
}

#define STAT64(name)                                                                                                   \
	{                                                                                                              \
#name, offsetof(struct th_coap_stats, name)                                                            \
	}

static const struct {
	const char *name;
	size_t offset;
} stats[] = {
	STAT64(rx_malformed), STAT64(rx_duplicate), STAT64(rx_unmatched), STAT64(retransmissions), STAT64(timeouts),
	STAT64(rst_sent),     STAT64(refused_full), STAT64(peers),	  STAT64(exchanges),	   STAT64(records),
	STAT64(reply_bytes),  STAT64(blocks_sent),  STAT64(blocks_again), STAT64(reports_sent),
};

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "the counters are read alike");

static bool check_stats(struct check *c)
{
	struct th_coap_stats got;
	int side;

	if (!args_side(&c->a, &side))
		return false;
	got = sim_world_stats(&c->a.s->world, side);
	while (c->a.i < c->a.n) {
		const struct word *w = args_next(&c->a);
		bool known = false;

		if (word_is(w, "open")) {
			if (!in_range(c, "open", sim_world_node_open(&c->a.s->world, side)))
				return false;
			continue;
		}
		for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
			uint64_t v;

			if (!word_is(w, stats[i].name))
				continue;
			known = true;
			memcpy(&v, (const char *)&got + stats[i].offset, sizeof(v));
			if (!in_range(c, stats[i].name, v))
				return false;
		}
		if (!known)
			return stage_fail(c->a.s, "unknown counter %s", w->p);
	}
	return true;
}

static bool check_closed(struct check *c)
{
	struct stage *s = c->a.s;
	struct th_str name;
	enum th_err err;
	int side;

	if (!args_side(&c->a, &side) || !args_text(&c->a, "the error", &name))
		return false;
	if (!value_error(name, &err) || s->config.kind[side] != SIM_RAW)
		return stage_fail(s, "closed wants a bare engine and the name of an error");
	return in_range(c, "closed", s->world.side[side].raw.closed[-(int)err]) && args_end(&c->a);
}

static const struct {
	const char *word;
	bool (*check)(struct check *c);
} checks[] = {
	{ "client", check_client }, { "clients", check_clients },     { "upstream", check_upstream },
	{ "stats", check_stats },   { "datagrams", check_datagrams }, { "bytes", check_bytes },
	{ "closed", check_closed },
};

static bool check(struct check *c)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (args_take(&c->a, checks[i].word))
			return checks[i].check(c);
	return stage_fail(c->a.s, "client, clients, upstream, stats, datagrams, bytes or closed expected");
}

static bool play_expect(struct stage *s, const struct word *w, size_t n)
{
	struct check c = { .a = { s, w, n, 0 } };

	return check(&c) || stage_fail(s, "%s", c.why);
}

static bool play_await(struct stage *s, const struct word *w, size_t n)
{
	struct check c = { .a = { s, w, n, 0 } };
	th_time patience, until;

	if (!args_time(&c.a, "the patience", &patience))
		return false;
	until = th_time_add(s->world.net.now, patience);
	for (;;) {
		struct check one = c;

		if (check(&one))
			return true;
		if (s->failed)
			return false;
		if (!sim_net_step(&s->world.net, until))
			return check(&c) || stage_fail(s, "not within that time: %s", c.why);
	}
}

#define CHECK                                                                                                          \
	"client NAME pending|left|failed STATUS [ERROR]|head STATUS|STATUS …, clients PREFIX N OUTCOME, "            \
	"upstream [METHOD TARGET] begun|count|answered|cancelled|open N …, stats SIDE COUNTER N …, "               \
	"datagrams|bytes DIR N, closed SIDE ERROR N"

const struct verb expect_verbs[] = {
	{ "expect", play_expect, false, "expect " CHECK },
	{ "await", play_await, false, "await TIME " CHECK },
	{ NULL, NULL, false, NULL },
};
