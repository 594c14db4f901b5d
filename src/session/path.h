/* Where the peer is, and whether it has shown to be there.
 *
 * A session follows the newest record (WireGuard; RFC 9146 §6), which whoever catches it may send on from a false address.
 * So a host that the session has moved to gets no more bytes than came from it, UDP payload and headers, until the peer
 * has shown that it received there what was sent there after the move (RFC 9000 §8.2, §9.3). Another port of a host that
 * has shown it is no move: that is how NATs rebind, and nobody else is burdened. */
#ifndef TH_SESSION_PATH_H
#define TH_SESSION_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"

struct th_path {
	struct th_addr to;    /* the peer */
	struct th_addr shown; /* its host was there, or is configured to be */
	bool open;	      /* `to` is not shown; else the following means nothing */
	int64_t bytes;	      /* UDP payload that may still go to `to` */
	int64_t datagrams;    /* came from there more than went */
	uint64_t floor;	      /* who shows that this number was received, or a later one, is there */
	th_time probed;	      /* last; TH_NEVER: not yet */
	th_time patience;     /* until the next probe */
};

void th_path_trust(struct th_path *p, const struct th_addr *to);

/* A new record came from there. `next`: the number that the next record towards there will have, at least. True: the
 * address is another one. */
bool th_path_follow(struct th_path *p, const struct th_addr *from, uint64_t next);

/* n bytes came from `to`. True: now is the time to send something that will be acknowledged. */
bool th_path_came(struct th_path *p, size_t n, th_time now);

/* Whether n bytes may go to `to`; then they count as gone. */
bool th_path_take(struct th_path *p, size_t n);

/* The peer has shown that it received this number. True: that shows its address, too. */
bool th_path_shows(struct th_path *p, uint64_t number);

/* The peer has shown that it received something at this address. */
void th_path_reached(struct th_path *p, const struct th_addr *at);

#endif
