/* The stage on which one scenario plays: the world, the air between its sides, the clients, and what has happened so
 * far. */
#ifndef TH_SCENARIO_STAGE_H
#define TH_SCENARIO_STAGE_H

#include "scenario/match.h"
#include "scenario/script.h"
#include "sim/client.h"
#include "sim/world.h"

enum {
	CLIENTS_MAX = 512,
	CAPTURED_MAX = 1024,
	HELD_MAX = 16,
	RULES_MAX = 32,
	TRACE_MAX = 60, /* lines shown on a failure */
	FAILURE_MAX = 2048,
};

struct actor {
	struct th_list link;
	const char *name; /* borrowed from the script, or owned with `own_name` */
	char *own_name, *own_target;
	struct sim_client client;
};

/* A datagram on its way, as the gate saw it. */
struct captured {
	int dir; /* SIM_NEAR: near>far */
	th_time sent;
	struct th_addr from, to;
	size_t n;
	uint8_t bytes[SIM_DGRAM_MAX];
};

/* What `lose`, `delay` and `double` do to datagrams in automatic air. */
enum air_action { AIR_LOSE, AIR_DELAY, AIR_DOUBLE };

struct air_rule {
	enum air_action action;
	const struct line *line; /* where it stands */
	uint64_t left, used;
	int dir;
	th_time by;
	const struct word *words;
	size_t n;
};

struct traced {
	th_time at;
	int dir;
	const char *what;
	size_t n;
	uint8_t bytes[SIM_DGRAM_MAX];
};

struct stage {
	const struct script *script;
	const struct line *line; /* being played */
	struct sim_world_config config;
	struct sim_world world;
	bool built;
	bool automatic; /* the link carries datagrams by itself */
	bool trace_all; /* print every datagram as it goes */
	struct vars vars;
	struct th_list actors;
	size_t n_actors;
	struct captured *captured[CAPTURED_MAX]; /* a ring */
	size_t first, n_captured;
	struct {
		const char *name;
		struct captured *c;
	} held[HELD_MAX];
	size_t n_held;
	th_time mark; /* when the datagram matched last was sent */
	struct air_rule rules[RULES_MAX];
	size_t n_rules;
	struct traced *trace; /* a ring of TRACE_MAX */
	uint64_t n_traced;
	struct th_list late; /* datagrams that rules hold back */
	bool failed;
	char failure[FAILURE_MAX];
};

/* Plays the whole script. False with `failure` filled: where, what was expected, what came, and the trace. */
bool stage_play(struct stage *s, const struct script *script, bool trace_all);

/* For words. fail() returns false. */
__attribute__((format(printf, 2, 3))) bool stage_fail(struct stage *s, const char *fmt, ...);
bool stage_build(struct stage *s); /* ends the set-up */
bool stage_time_passes(struct stage *s, th_time until);
struct actor *stage_actor(struct stage *s, struct th_str name);
struct actor *stage_actor_new(struct stage *s, const char *name);
void stage_trace(struct stage *s, th_time at, int dir, const char *what, const uint8_t *p, size_t n);
/* Where datagrams of that direction go to and come from. */
const struct th_addr *stage_addr(const struct stage *s, int side);

/* air.c */
void air_init(struct stage *s);
void air_free(struct stage *s);

/* One word of the language. args are the words after it. */
struct verb {
	const char *name;
	bool (*play)(struct stage *s, const struct word *w, size_t n);
	bool setup; /* may stand before the world is built, and only there */
	const char *usage;
};

extern const struct verb setup_verbs[], http_verbs[], air_verbs[], fault_verbs[], expect_verbs[];

/* Shared parsing: a cursor over the words of a line. */
struct args {
	struct stage *s;
	const struct word *w;
	size_t n, i;
};

static inline const struct word *args_next(struct args *a)
{
	return a->i < a->n ? &a->w[a->i++] : NULL;
}

static inline bool args_take(struct args *a, const char *text)
{
	if (a->i == a->n || !word_is(&a->w[a->i], text))
		return false;
	a->i++;
	return true;
}

/* Each fails the stage when the next word is missing or of another kind. `what` names it in the message. */
bool args_text(struct args *a, const char *what, struct th_str *out);
bool args_number(struct args *a, const char *what, uint64_t *out);
bool args_time(struct args *a, const char *what, th_time *out);
bool args_side(struct args *a, int *out);
bool args_dir(struct args *a, int *out);
bool args_body(struct args *a, struct sim_body *out);
bool args_field(struct args *a, struct th_field *out); /* "Name: value" */
bool args_end(struct args *a);

#endif
