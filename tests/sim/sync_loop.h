/* A Matrix client's sync loop: polls, takes messages, polls with the next token; tries again after failures. Counts
 * what it gets twice. */
#ifndef TH_SIM_SYNC_LOOP_H
#define TH_SIM_SYNC_LOOP_H

#include "exchange/flow.h"
#include "sim/net.h"
#include "sim/sync_home.h"

enum { SYNC_LOOP_BODY = 1 << 20 };

struct sync_loop {
	struct th_flow flow;
	struct sim_net *net;			    /* borrowed, as the others */
	struct sync_home *home;			    /* hears what the client has asked with */
	struct th_flow_server *(*door)(void *user); /* where polls go; NULL while nobody is there */
	void *user;
	struct sim_event wake; /* the next poll, or the end of patience */
	char since[64];	       /* "" before the first answer */
	const char *target;    /* NULL: of a sync */
	const char *query;     /* what each poll has besides since and timeout */
	const char *token;
	bool sliding; /* by MSC4186 */
	const char *connection;
	unsigned rooms; /* that it wants to see */
	char ask[256]; /* that request's body */
	size_t ask_n, asked; /* of it: what was taken */
	unsigned timeout_ms;
	th_time think_most; /* it thinks for a random time up to this before it polls again */
	bool polling, stopped, whole;
	unsigned status;
	char body[SYNC_LOOP_BODY];
	char last[4096]; /* the last body, cut */
	size_t n;
	uint64_t newest; /* message taken */
	uint64_t taken, doubled, polls, empty, failures;
	unsigned last_status; /* of the last answer; a failure's too */
	th_time polled_at, answered_at;
};

void sync_loop_init(struct sync_loop *l, struct sim_net *net, struct sync_home *home,
		    struct th_flow_server *(*door)(void *user), void *user);
void sync_loop_start(struct sync_loop *l);
/* It leaves in the middle of a poll and does not come back until it is started again. */
void sync_loop_stop(struct sync_loop *l);

#endif
