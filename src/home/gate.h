/* Fails fast while the link is down: the last stage before the ingress half.
 *
 * An exchange waits from its request on until its answer's head. A new one is refused with 503 and Retry-After when as
 * many wait as may, or when the link is down. It is down when its owner says so (th_gate_set_link), or when exchanges
 * wait and nothing at all has been heard for `silence`, counted from the last thing heard (th_gate_heard) or from the
 * moment that the first of them began to wait, whichever is later. It is up again with the next thing heard; and when
 * no exchange waits any more, the next one is let through to find out. */
#ifndef TH_HOME_GATE_H
#define TH_HOME_GATE_H

#include "home/relay.h"

enum th_link_state { TH_LINK_UNKNOWN, TH_LINK_UP, TH_LINK_DOWN }; /* unknown: silence decides */

struct th_gate_config {
	size_t max_waiting;  /* 0: any number */
	th_time silence;     /* TH_NEVER: the link is not found to be down by silence */
	th_time retry_after; /* told to who is refused, in whole seconds */
};

struct th_gate {
	struct th_stage stage;
	struct th_gate_config config;
	enum th_link_state told;
	th_time heard;	       /* last; 0: never */
	th_time waiting_since; /* when `waiting` rose from 0 */
	size_t waiting;
	bool refusing; /* as last told to `changed` */
	/* The link was found down or up: for the log. NULL: none. */
	void (*changed)(void *user, bool down, size_t waiting, th_time silent);
	void *user;
	uint64_t refused_down, refused_full;
};

void th_gate_init(struct th_gate *g, struct th_home_env *env, struct th_flow_server *below,
		  const struct th_gate_config *config);
void th_gate_set_config(struct th_gate *g, const struct th_gate_config *config);

/* Something authentic has come from the far side. */
void th_gate_heard(struct th_gate *g);
/* What the transport knows; TH_LINK_UNKNOWN takes it back. */
void th_gate_set_link(struct th_gate *g, enum th_link_state state);
bool th_gate_is_down(const struct th_gate *g);

static inline struct th_flow_server *th_gate_server(struct th_gate *g)
{
	return &g->stage.server;
}

#endif
