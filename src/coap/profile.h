/* What is known of the link to a peer, and what follows from it. Told by the configuration, told by the peer in the
 * handshake (th_link_profile_write), or nothing at all: then it is learned (path.h).
 *
 * Both ends must derive the same lifetimes: so each uses th_link_profile_join() of what it knows and what it was told,
 * and both of these only as they read after being written. */
#ifndef TH_COAP_PROFILE_H
#define TH_COAP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "coap/params.h"

/* All zero: nothing is known, others use the link too. */
struct th_link_profile {
	uint64_t up_bps, down_bps; /* bits a second from here to the peer, and back; 0: unknown */
	th_time latency;	   /* one way, without the airtime; 0: unknown */
	unsigned jitter_percent;   /* latency varies by this much up and down */
	unsigned loss_percent;	   /* expected, each way */
	size_t mtu;		   /* largest datagram, `overhead` included; 0: unknown */
	size_t overhead;   /* bytes that lower layers add to each datagram; 0: IP and UDP headers. Not written */
	uint64_t pace_bps; /* upwards, as configured, before it was rounded; 0: up_bps. Not written */
	size_t opening;	   /* and this many more as long as no session stands: its handshake. Not written */
	bool ours;	   /* the bottleneck is ours alone: a lost datagram says nothing of others' traffic */
	bool blocks;	   /* the peer is a thimble: large bodies travel as bursts with a map of what is missing */
};

enum { TH_LINK_PROFILE_BYTES = 6 }; /* at most */

/* One byte when nothing but flags is known, else four to six (docs/protocol.md); rates and latency are rounded to the
 * next of eight steps an octave. The upper three bits of the first byte are clear: others may use them. Returns the
 * length. */
size_t th_link_profile_write(const struct th_link_profile *l, uint8_t out[static TH_LINK_PROFILE_BYTES]);
/* As the peer wrote it, from the peer's side: its `up` is up. TH_ERR_MALFORMED. */
enum th_err th_link_profile_read(struct th_link_profile *l, const uint8_t *p, size_t n);
/* What holds here: the slower rate, the longer latency of both views. `told` is the peer's view, as read. */
struct th_link_profile th_link_profile_join(const struct th_link_profile *own, const struct th_link_profile *told);

/* How long so many bytes occupy a link; 0 when the rate is unknown. */
static inline th_time th_airtime(size_t bytes, uint64_t bps)
{
	enum { BITS = 8 };

	return bps ? (th_time)bytes * BITS * TH_SEC / bps : 0;
}

/* RFC 7252 §4.8.2's times, and some more, for one peer. */
struct th_coap_times {
	th_time span;	      /* MAX_TRANSMIT_SPAN: no copy leaves later than this after the first */
	th_time wait;	      /* MAX_TRANSMIT_WAIT */
	th_time lifetime;     /* EXCHANGE_LIFETIME */
	th_time non_lifetime; /* NON_LIFETIME */
	th_time mid_quiet;    /* how long a Message ID rests before it is used again */
	th_time patience;     /* how long a server waits for its user before it acknowledges */
	th_time response;     /* how long a client waits for a separate response, a server for its user */
	th_time body;	      /* silence after which a body under way is forgotten */
	th_time ping_after;
};

/* Without a profile: those of the params. The same on both ends of a joined profile. */
void th_coap_times_of(struct th_coap_times *t, const struct th_link_profile *l, const struct th_coap_params *params);

/* The round trip of messages of so many bytes (`overhead` included) that is hardly ever exceeded on that link. Counts
 * with the slowest link that is worth using where nothing is known. */
th_time th_link_round_trip(const struct th_link_profile *l, size_t up, size_t down);

#endif
