/* The address behind coap-target: looked up at start and at each SIGHUP, again and again with back-off while that fails,
 * and while the peer is silent: its name may mean another address by now, or several, of which the next is tried. */
#ifndef TH_DAEMON_PEER_H
#define TH_DAEMON_PEER_H

#include <stdbool.h>

#include "base/loop.h"
#include "daemon/identity.h"
#include "daemon/options.h"
#include "link/resolve.h"
#include "proxy/node.h"

struct th_peer {
	struct th_loop *loop; /* borrowed, as the following three */
	const struct th_mem *mem;
	struct th_node *node; /* is told the address */
	const struct th_identity *identity; /* NULL in the plain profile */
	struct th_addr local; /* of the socket: its family bounds what can be reached */
	bool only_loopback;
	struct th_target target;
	struct th_resolve *looking; /* owned; NULL when no lookup is under way */
	struct th_alarm again;
	th_time patience; /* until the next try */
	bool silent;	  /* nothing is heard from the address in use */
	bool known;
	struct th_addr in_use; /* if it is known */
};

/* The caller has set the first six. */
void th_peer_init(struct th_peer *p);
void th_peer_free(struct th_peer *p);

/* Looks this target up from now on; without a host the node has no peer. An address known for the same target stays in
 * use until a better one is found. */
void th_peer_set(struct th_peer *p, const struct th_target *target);

/* Nothing was heard from the peer for long; and it was heard. */
void th_peer_silent(struct th_peer *p);
void th_peer_heard(struct th_peer *p);

#endif
