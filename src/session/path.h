/* Where the peer is, and whether it has shown to be there.
 *
 * A session follows the newest record (WireGuard; RFC 9146 §6), which whoever catches it may send on from a false address.
 * So a host that the session has moved to gets no more bytes than came from it, UDP payload and headers, until somebody
 * has answered a challenge that was sent there, which nobody can guess (RFC 9000 §8.2, §9.3). Another port of a host that
 * has shown it is no move: that is how NATs rebind, and nobody else is burdened. */
#ifndef TH_SESSION_PATH_H
#define TH_SESSION_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/rng.h"

enum { TH_PATH_CHALLENGE = 4 }; /* bytes */

struct th_path {
	struct th_addr to;    /* the peer */
	struct th_addr shown; /* its host was there, or is configured to be */
	bool open;	      /* `to` is not shown; else the following means nothing */
	int64_t bytes;	      /* UDP payload that may still go to `to` */
	int64_t datagrams;    /* came from there more than went */
	uint8_t challenge[TH_PATH_CHALLENGE];
	th_time probed;	  /* last; TH_NEVER: not yet */
	th_time patience; /* until the next probe */
};

void th_path_trust(struct th_path *p, const struct th_addr *to);

/* A new record came from there. True: the address is another one. */
bool th_path_follow(struct th_path *p, const struct th_addr *from, const struct th_rng *rng);

/* n bytes came from `to`. True: now is the time to send the challenge; th_path_probed() when it went. */
bool th_path_came(struct th_path *p, size_t n, th_time now);
void th_path_probed(struct th_path *p, th_time now);

/* Whether n bytes may go to `to`; th_path_take: then they count as gone. */
bool th_path_admits(const struct th_path *p, size_t n);
bool th_path_take(struct th_path *p, size_t n);

/* The peer says the challenge: that shows its address. False: it is another one, or none was made. */
bool th_path_answered(struct th_path *p, const uint8_t challenge[TH_PATH_CHALLENGE]);

/* The peer has shown that it received something at this address. */
void th_path_reached(struct th_path *p, const struct th_addr *at);

#endif
