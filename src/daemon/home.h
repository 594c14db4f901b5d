/* The stages of src/home on the daemon's loop: what stands between listener and node, and between node and upstream. */
#ifndef TH_DAEMON_HOME_H
#define TH_DAEMON_HOME_H

#include "base/loop.h"
#include "daemon/options.h"
#include "proxy/node.h"

struct th_home_wire {
	struct th_loop *loop;	 /* borrowed */
	struct th_home *near;	 /* owned; NULL before th_home_wire_near() */
	struct th_home_far *far; /* owned; NULL before th_home_wire_far() */
	struct th_hook hook;
	struct th_alarm alarm;
	void (*on_down)(void *user); /* the link was found down; NULL: of no interest */
	void *user;
};

void th_home_wire_init(struct th_home_wire *w, struct th_loop *loop);
/* Registers the hook: call after the listener and upstream have registered theirs, which lead to timers and to what is
 * to be freed. */
void th_home_wire_start(struct th_home_wire *w);

/* Each puts its stages before a server and gives the server to use instead; NULL without memory. `o` is borrowed for
 * life: its policy is read as it then is. */
struct th_flow_server *th_home_wire_near(struct th_home_wire *w, const struct th_mem *mem, const struct th_options *o,
					 struct th_flow_server *node);
struct th_flow_server *th_home_wire_far(struct th_home_wire *w, const struct th_mem *mem, const struct th_options *o,
					struct th_flow_server *upstream);

/* Something of the far side has come over the link. */
void th_home_wire_heard(struct th_home_wire *w);
void th_home_wire_reload(struct th_home_wire *w, const struct th_options *o);
/* Gives up what no client waits for. */
void th_home_wire_drain(struct th_home_wire *w);
/* Counters to the log. */
void th_home_wire_stats(const struct th_home_wire *w);

/* The near stages go before the node does, the far ones after it. */
void th_home_wire_free_near(struct th_home_wire *w);
void th_home_wire_free_far(struct th_home_wire *w);

#endif
