/* Every time and limit of the CoAP engine in one place (RFC 7252 §4.8). Both ends of a link are meant to agree on the times. */
#ifndef TH_COAP_PARAMS_H
#define TH_COAP_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct th_coap_params {
	/* RFC 7252 §4.8: times */
	th_time ack_timeout;          /* ACK_TIMEOUT: the first timeout while no round trip has been measured */
	unsigned ack_random_percent;  /* ACK_RANDOM_FACTOR 1.5 = 50: each first timeout is drawn from [1, 1 + this] × timeout */
	unsigned max_retransmit;      /* MAX_RETRANSMIT */
	th_time max_latency;          /* MAX_LATENCY: the longest a datagram can be under way */
	th_time rto_min, rto_max;     /* bounds of the timeout once round trips are measured */
	/* how long the server waits for an answer before it acknowledges with an empty ACK; the sender adds it to its timeout */
	th_time piggyback_patience;
	/* a client that waits for a separate response pings a peer that was silent for this long; TH_NEVER: never */
	th_time ping_after;
	/* a client gives up on a separate response after this, a server on its application */
	th_time response_timeout;
	/* unfinished incoming bodies (Block1) and unfetched outgoing ones (Block2) are forgotten after this silence; below
	 * EXCHANGE_LIFETIME a peer that still retransmits may find its body forgotten */
	th_time body_timeout;

	/* sizes */
	unsigned szx;                 /* preferred block size exponent 0..6: 16 << szx bytes (RFC 7959 §2.2) */
	size_t max_message;           /* largest datagram sent or taken, in bytes */
	size_t body_window;           /* bytes of one outgoing body kept for sending; at least two blocks */

	/* counts */
	unsigned window_start;        /* NSTART: messages awaiting an acknowledgement per peer, at first */
	unsigned window_max;          /* and at most, when round trips go well */
	size_t max_peers;
	size_t max_exchanges;         /* both roles together */
	size_t max_observers;         /* per peer */
	size_t max_records;           /* remembered messages for duplicate rejection, all peers together */
	size_t max_reply_bytes;       /* replies kept for duplicates, all peers together */
};

/* RFC 7252's values, sizes for Ethernet, limits for a daemon. */
extern const struct th_coap_params th_coap_params_default;

/* For two thimbles on one host, which is where the plain profile may run: nothing is under way for longer than a second. */
extern const struct th_coap_params th_coap_params_loopback;

/* MAX_TRANSMIT_SPAN, MAX_TRANSMIT_WAIT, EXCHANGE_LIFETIME, NON_LIFETIME as §4.8.2 derives them from the above. */
th_time th_coap_max_transmit_span(const struct th_coap_params *p);
th_time th_coap_max_transmit_wait(const struct th_coap_params *p);
th_time th_coap_exchange_lifetime(const struct th_coap_params *p);
th_time th_coap_non_lifetime(const struct th_coap_params *p);

#endif
