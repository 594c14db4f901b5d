/* The fake homeserver: the server end of flows. Counts how often each request (method + target) was begun and executed,
 * remembers what bodies came, and answers by rules, at once or after a delay of virtual time. */
#ifndef TH_SIM_SERVER_H
#define TH_SIM_SERVER_H

#include <stdbool.h>

#include "base/list.h"
#include "base/table.h"
#include "exchange/flow.h"
#include "sim/body.h"
#include "sim/net.h"

enum {
	SIM_RULES_MAX = 32,
	SIM_RULE_FIELDS_MAX = 8,
	SIM_KEY_MAX = 512, /* method, space, target; longer ones are cut */
};

enum sim_rule_kind {
	SIM_ANSWER,	  /* when the request is whole */
	SIM_ANSWER_EARLY, /* when its head is there; the rest of the request is read and dropped */
	SIM_ECHO,	  /* as SIM_ANSWER, the body being the request's */
	SIM_STALL,	  /* never */
	SIM_FAIL,	  /* closes with err and status instead of answering */
	SIM_BREAK,	  /* answers, but closes with err after half of the body */
	SIM_REFUSE,	  /* open() itself fails */
	SIM_ASK,	  /* as ask() of the server says */
};

struct sim_rule {
	const char *method, *target; /* borrowed; NULL: any. A target ending in * is a prefix */
	enum sim_rule_kind kind;
	uint16_t status;
	enum th_err err;
	struct sim_body body; /* text borrowed */
	bool chunked;
	th_time delay;
	struct th_field fields[SIM_RULE_FIELDS_MAX]; /* borrowed */
	size_t n_fields;
	size_t read_limit; /* request bytes taken before it pauses for read_pause; 0: no limit */
	th_time read_pause;
	int times; /* how often it may still be used; negative: for ever */
};

/* One request as the homeserver has seen it, all its executions together. */
struct sim_seen {
	struct th_slot node;
	struct th_list link; /* in the order they came first */
	unsigned begun, whole, answered, cancelled;
	struct sim_sum last;  /* body of the last whole one */
	char head_text[1024]; /* fields of the last one, "Name: value\n" each, cut */
	char key[];
};

/* One exchange under way. */
struct sim_conn;

struct sim_server {
	struct th_flow_server server;
	struct sim_net *net;		      /* borrowed */
	struct sim_rule rules[SIM_RULES_MAX]; /* the last one that matches counts */
	size_t n_rules;
	struct th_table seen;
	struct th_list seen_order;
	struct th_list conns;
	bool keep_heads;       /* remember request fields: off in mass tests */
	size_t open, open_max; /* exchanges under way; the cap, 0 for none */
	uint64_t begun, whole, answered, cancelled;
	const char *bug; /* a rule of flow.h that the other end broke; NULL: none */
	/* For SIM_ASK: the request is whole; sim_server_answer() now or later. `left`: its client has gone before. The
	 * body is borrowed during the call. */
	void (*ask)(void *user, struct sim_conn *c, const struct sim_seen *seen, const uint8_t *body, size_t n);
	void (*left)(void *user, struct sim_conn *c);
	void *user;
};

void sim_server_init(struct sim_server *s, struct sim_net *net);
void sim_server_free(struct sim_server *s); /* closes what is open */

/* The rule is copied. False when there are too many. */
bool sim_server_rule(struct sim_server *s, const struct sim_rule *rule);

/* The answer to what ask() was told of, after its rule's delay; the text is copied. */
void sim_server_answer(struct sim_conn *c, uint16_t status, const char *text, size_t n);

/* NULL when it never came. */
const struct sim_seen *sim_server_seen(const struct sim_server *s, const char *method, const char *target);

/* The homeserver dies: every open exchange fails with err. */
void sim_server_crash(struct sim_server *s, enum th_err err, uint16_t status);

#endif
