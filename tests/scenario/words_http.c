/* The HTTP ends: clients near, the homeserver behind far. */
#include <stdio.h>
#include <stdlib.h>

#include "scenario/stage.h"
#include "scenario/value.h"

/* Clients */

static bool limit(struct args *a, const char *what, size_t *out)
{
	uint64_t v;

	if (!args_number(a, what, &v))
		return false;
	*out = (size_t)v;
	return true;
}

static bool request_word(struct args *a, struct sim_request *r)
{
	if (args_take(a, "body"))
		return args_body(a, &r->body);
	if (args_take(a, "header")) {
		if (r->n_fields == SIM_FIELDS_MAX)
			return stage_fail(a->s, "more than %d headers", SIM_FIELDS_MAX);
		return args_field(a, &r->fields[r->n_fields++]);
	}
	if (args_take(a, "chunked"))
		return r->chunked = true;
	if (args_take(a, "patient"))
		return r->patient = true;
	if (args_take(a, "sends"))
		return limit(a, "sends", &r->send_limit);
	if (args_take(a, "reads"))
		return limit(a, "reads", &r->read_limit);
	if (args_take(a, "non")) {
		r->fields[r->n_fields++] = (struct th_field){ TH_STR("NON"), TH_STR("1") };
		return true;
	}
	if (args_take(a, "tagged")) {
		r->fields[r->n_fields++] = (struct th_field){ TH_STR("TAGGED"), TH_STR("1") };
		return true;
	}
	return stage_fail(a->s, "unknown word: %s", a->w[a->i].p);
}

static bool parse_request(struct args *a, struct sim_request *r)
{
	struct th_str method, target;

	*r = (struct sim_request){ .send_limit = SIZE_MAX, .read_limit = SIZE_MAX, .body = { .text = "" } };
	if (!args_text(a, "the method", &method) || !args_text(a, "the target", &target))
		return false;
	r->method = method.p;
	r->target = target.p;
	while (a->i < a->n)
		if (!request_word(a, r))
			return false;
	return true;
}

static bool start(struct stage *s, struct actor *actor, const struct sim_request *r)
{
	struct th_flow_server *door = sim_world_door(&s->world);

	if (!door)
		return stage_fail(s, "near takes no clients here");
	sim_client_init(&actor->client, r, &s->world.net.now);
	sim_client_start(&actor->client, door);
	return true;
}

static bool act(struct args *a, struct actor *actor, const char *verb)
{
	struct stage *s = a->s;
	uint64_t n;

	if (!actor)
		return stage_fail(s, "no such client");
	if (strcmp(verb, "leaves") == 0) {
		if (actor->client.state != SIM_CLIENT_OPEN)
			return stage_fail(s, "client %s is %s", actor->name,
					  sim_client_state_text(actor->client.state));
		sim_client_leave(&actor->client);
		return args_end(a);
	}
	if (args_take(a, "rest"))
		n = SIZE_MAX;
	else if (!args_number(a, verb, &n))
		return false;
	if (strcmp(verb, "sends") == 0)
		sim_client_send_more(&actor->client, (size_t)n);
	else
		sim_client_read_more(&actor->client, (size_t)n);
	return args_end(a);
}

static bool play_client(struct stage *s, const struct word *w, size_t n)
{
	static const char *const verbs[] = { "leaves", "sends", "reads" };
	struct args a = { s, w, n, 0 };
	struct sim_request r;
	struct th_str name;
	struct actor *actor;

	if (!args_text(&a, "the client's name", &name))
		return false;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (args_take(&a, verbs[i]))
			return act(&a, stage_actor(s, name), verbs[i]);
	if (!parse_request(&a, &r))
		return false;
	actor = stage_actor_new(s, name.p);
	return actor && start(s, actor, &r);
}

/* name1, name2, …; `#` in the target stands for the number. */
static char *numbered(const char *text, uint64_t i)
{
	const char *hash = strchr(text, '#');
	char *out;
	int n = hash ? asprintf(&out, "%.*s%llu%s", (int)(hash - text), text, (unsigned long long)i, hash + 1)
		     : asprintf(&out, "%s", text);

	if (n < 0)
		abort();
	return out;
}

static bool play_clients(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	struct sim_request r;
	struct th_str prefix;
	uint64_t count;

	if (!args_number(&a, "how many", &count) || !args_text(&a, "the prefix", &prefix) || !parse_request(&a, &r))
		return false;
	for (uint64_t i = 1; i <= count; i++) {
		char name[64];
		struct sim_request one = r;
		struct actor *actor;

		snprintf(name, sizeof(name), "%s%llu", prefix.p, (unsigned long long)i);
		actor = stage_actor_new(s, name);
		if (!actor)
			return false;
		actor->name = actor->own_name = numbered(name, 0);
		one.target = actor->own_target = numbered(r.target, i);
		one.body.seed += r.body.text ? 0 : i;
		if (!start(s, actor, &one))
			return false;
	}
	return true;
}

/* The homeserver */

static bool error_and_status(struct args *a, struct sim_rule *r)
{
	struct th_str err;
	uint64_t status;

	if (!args_text(a, "the error", &err) || !args_number(a, "the status", &status))
		return false;
	if (!value_error(err, &r->err))
		return stage_fail(a->s, "unknown error %s", err.p);
	r->status = (uint16_t)status;
	return true;
}

static const struct {
	const char *word;
	enum sim_rule_kind kind;
	enum { WANTS_NOTHING, WANTS_STATUS, WANTS_ERROR } wants;
} kinds[] = {
	{ "answer", SIM_ANSWER, WANTS_STATUS }, { "answer-early", SIM_ANSWER_EARLY, WANTS_STATUS },
	{ "echo", SIM_ECHO, WANTS_STATUS },	{ "stall", SIM_STALL, WANTS_NOTHING },
	{ "fail", SIM_FAIL, WANTS_ERROR },	{ "break", SIM_BREAK, WANTS_ERROR },
	{ "refuse", SIM_REFUSE, WANTS_ERROR },
};

static bool rule_kind(struct args *a, struct sim_rule *r)
{
	uint64_t status;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!args_take(a, kinds[i].word))
			continue;
		r->kind = kinds[i].kind;
		if (kinds[i].wants == WANTS_ERROR)
			return error_and_status(a, r);
		if (kinds[i].wants == WANTS_NOTHING)
			return true;
		if (!args_number(a, "the status", &status))
			return false;
		r->status = (uint16_t)status;
		return true;
	}
	return stage_fail(a->s, "answer, answer-early, echo, stall, fail, break or refuse expected");
}

static bool rule_word(struct args *a, struct sim_rule *r)
{
	uint64_t v;

	if (args_take(a, "body"))
		return args_body(a, &r->body);
	if (args_take(a, "header")) {
		if (r->n_fields == SIM_RULE_FIELDS_MAX)
			return stage_fail(a->s, "more than %d headers", SIM_RULE_FIELDS_MAX);
		return args_field(a, &r->fields[r->n_fields++]);
	}
	if (args_take(a, "after"))
		return args_time(a, "after", &r->delay);
	if (args_take(a, "chunked"))
		return r->chunked = true;
	if (args_take(a, "times")) {
		if (!args_number(a, "times", &v))
			return false;
		r->times = (int)v;
		return true;
	}
	if (args_take(a, "reads"))
		return args_number(a, "reads", &v) && (r->read_limit = (size_t)v) &&
		       (args_take(a, "every") || stage_fail(a->s, "reads N every TIME")) &&
		       args_time(a, "every", &r->read_pause);
	return stage_fail(a->s, "unknown word: %s", a->w[a->i].p);
}

static bool is_kind(const struct word *w)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (word_is(w, kinds[i].word))
			return true;
	return false;
}

static bool play_upstream(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	struct sim_rule r = { .times = -1, .body = { .text = "" } };
	struct th_str text;
	uint64_t v;

	if (args_take(&a, "limit")) {
		if (!args_number(&a, "the limit", &v))
			return false;
		s->world.server.open_max = (size_t)v;
		return args_end(&a);
	}
	if (args_take(&a, "crash")) {
		if (!error_and_status(&a, &r))
			return false;
		sim_server_crash(&s->world.server, r.err, r.status);
		return args_end(&a);
	}
	if (n > 0 && !is_kind(&w[0])) {
		if (!args_text(&a, "the method", &text))
			return false;
		r.method = strcmp(text.p, "*") ? text.p : NULL;
		if (!args_text(&a, "the target", &text))
			return false;
		r.target = strcmp(text.p, "*") ? text.p : NULL;
	}
	if (!rule_kind(&a, &r))
		return false;
	while (a.i < n)
		if (!rule_word(&a, &r))
			return false;
	return sim_server_rule(&s->world.server, &r) || stage_fail(s, "too many rules");
}

#define REQUEST                                                                                                        \
	"METHOD TARGET [body \"…\"|SIZE/SEED] [header \"N: v\"] [chunked] [patient] [sends N] [reads N] [non] "      \
	"[tagged]"

const struct verb http_verbs[] = {
	{ "client", play_client, false, "client NAME " REQUEST " | leaves | sends N|rest | reads N|rest" },
	{ "clients", play_clients, false, "clients COUNT PREFIX " REQUEST },
	{ "upstream", play_upstream, false,
	  "upstream [METHOD TARGET] answer|answer-early|echo STATUS | stall | fail|break|refuse ERROR STATUS … "
	  "| limit N | crash ERROR STATUS" },
	{ NULL, NULL, false, NULL },
};
