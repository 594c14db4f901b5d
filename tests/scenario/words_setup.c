/* Set-up: who stands where, parameters, the link. */
#include <stddef.h>

#include "scenario/stage.h"
#include "scenario/value.h"

static bool play_side(struct stage *s, const struct word *w, size_t n, int side)
{
	enum sim_kind *kind = &s->config.kind[side];

	if (n != 1)
		return false;
	if (word_is(&w[0], "node"))
		*kind = SIM_NODE;
	else if (word_is(&w[0], "engine"))
		*kind = SIM_RAW;
	else if (word_is(&w[0], "nobody"))
		*kind = SIM_NOBODY;
	else
		return false;
	return true;
}

static bool play_near(struct stage *s, const struct word *w, size_t n)
{
	return play_side(s, w, n, SIM_NEAR);
}

static bool play_far(struct stage *s, const struct word *w, size_t n)
{
	return play_side(s, w, n, SIM_FAR);
}

enum param_type { PARAM_TIME, PARAM_UNSIGNED, PARAM_SIZE };

#define PARAM(name, type)                                                                                              \
	{                                                                                                              \
#name, type, offsetof(struct th_coap_params, name)                                                     \
	}

static const struct {
	const char *name;
	enum param_type type;
	size_t offset;
} params[] = {
	PARAM(ack_timeout, PARAM_TIME),
	PARAM(ack_random_percent, PARAM_UNSIGNED),
	PARAM(max_retransmit, PARAM_UNSIGNED),
	PARAM(max_latency, PARAM_TIME),
	PARAM(rto_min, PARAM_TIME),
	PARAM(rto_max, PARAM_TIME),
	PARAM(piggyback_patience, PARAM_TIME),
	PARAM(ping_after, PARAM_TIME),
	PARAM(response_timeout, PARAM_TIME),
	PARAM(body_timeout, PARAM_TIME),
	PARAM(szx, PARAM_UNSIGNED),
	PARAM(max_message, PARAM_SIZE),
	PARAM(body_window, PARAM_SIZE),
	PARAM(window_start, PARAM_UNSIGNED),
	PARAM(window_max, PARAM_UNSIGNED),
	PARAM(max_peers, PARAM_SIZE),
	PARAM(max_exchanges, PARAM_SIZE),
	PARAM(max_observers, PARAM_SIZE),
	PARAM(max_records, PARAM_SIZE),
	PARAM(max_reply_bytes, PARAM_SIZE),
};

static bool set_param(struct stage *s, int side, size_t i, const struct word *w)
{
	char *at = (char *)&s->config.params[side] + params[i].offset;
	struct th_str text = { w->p, w->n };
	uint64_t v;

	if (params[i].type == PARAM_TIME) {
		if (th_str_eq(text, TH_STR("never")))
			v = TH_NEVER;
		else if (!value_time(text, &v))
			return stage_fail(s, "%s wants a time or never", params[i].name);
		memcpy(at, &v, sizeof(th_time));
		return true;
	}
	if (!value_number(text, &v))
		return stage_fail(s, "%s wants a number", params[i].name);
	if (params[i].type == PARAM_SIZE)
		memcpy(at, &(size_t){ v }, sizeof(size_t));
	else
		memcpy(at, &(unsigned){ (unsigned)v }, sizeof(unsigned));
	return true;
}

static bool play_param(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	bool only_near = args_take(&a, "near"), only_far = !only_near && args_take(&a, "far");

	if (n - a.i != 2)
		return false;
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		if (!word_is(&w[a.i], params[i].name))
			continue;
		return (only_far || set_param(s, SIM_NEAR, i, &w[a.i + 1])) &&
		       (only_near || set_param(s, SIM_FAR, i, &w[a.i + 1]));
	}
	return stage_fail(s, "unknown parameter %s", w[a.i].p);
}

static bool play_seed(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };

	return args_number(&a, "the seed", &s->config.seed) && args_end(&a);
}

static bool play_overhead(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	uint64_t v;

	if (!args_number(&a, "the overhead", &v) || !args_end(&a))
		return false;
	s->config.overhead = (size_t)v;
	return true;
}

static bool play_policy(struct stage *s, const struct word *w, size_t n)
{
	if (n != 1 || !word_is(&w[0], "pass-unknown"))
		return false;
	s->config.policy.pass_unknown = true;
	return true;
}

static bool play_peer(struct stage *s, const struct word *w, size_t n)
{
	if (n != 1 || !word_is(&w[0], "unknown"))
		return false;
	s->config.peer_unknown = true;
	return true;
}

/* The stages before the nodes, with the daemon's defaults; then options of theirs. */
static bool play_home(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	struct th_home_config *c = &s->config.home_config;
	uint64_t v;

	s->config.home = true;
	while (a.i < a.n) {
		if (args_take(&a, "grace")) {
			if (!args_time(&a, "the grace", &c->join.grace))
				return false;
		} else if (args_take(&a, "silence")) {
			if (!args_time(&a, "the silence", &c->gate.silence))
				return false;
		} else if (args_take(&a, "waiting")) {
			if (!args_number(&a, "how many may wait", &v))
				return false;
			c->gate.max_waiting = (size_t)v;
		} else if (args_take(&a, "max-media")) {
			if (!args_number(&a, "the size of media", &c->lean.max_media))
				return false;
		} else if (args_take(&a, "lean")) {
			c->lean.typing = c->lean.receipts = c->lean.presence = true;
		} else {
			return stage_fail(s, "unknown word: %s", a.w[a.i].p);
		}
	}
	return true;
}

static bool play_echo(struct stage *s, const struct word *w, size_t n)
{
	if (n != 1 || !word_is(&w[0], "required"))
		return false;
	s->config.require_echo = true;
	return true;
}

const struct verb setup_verbs[] = {
	{ "near", play_near, true, "near node|engine|nobody" },
	{ "far", play_far, true, "far node|engine|nobody" },
	{ "param", play_param, true, "param [near|far] NAME VALUE" },
	{ "seed", play_seed, true, "seed N" },
	{ "overhead", play_overhead, true, "overhead BYTES" },
	{ "policy", play_policy, true, "policy pass-unknown" },
	{ "peer", play_peer, true, "peer unknown" },
	{ "home", play_home, true, "home [grace TIME] [silence TIME] [waiting N] [max-media BYTES] [lean]" },
	{ "echo", play_echo, true, "echo required" },
	{ NULL, NULL, false, NULL },
};
