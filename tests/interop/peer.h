/* What the two interop programs share: the engine on a UDP socket and a loop, and its parameters from the command line.
 */
#ifndef TH_INTEROP_PEER_H
#define TH_INTEROP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/str.h"
#include "coap/engine.h"
#include "link/udp.h"

enum { PEER_DATAGRAM_MAX = 2048 };

struct peer {
	struct th_coap_params params; /* set before peer_open() */
	struct th_loop *loop;	      /* owned */
	struct th_udp *udp;	      /* owned */
	struct th_coap *coap;	      /* owned */
	struct th_hook hook;
	struct th_alarm alarm;
	struct th_addr held_to; /* the datagram that the system did not take */
	size_t held;
	uint8_t out[PEER_DATAGRAM_MAX];
};

/* One "name=value" (ack_ms, rto_min_ms, rto_max_ms, retransmit, szx, window, patience_ms, ping_ms). TH_ERR_INVALID. */
enum th_err peer_param(struct th_coap_params *params, const char *text);

/* Binds and joins engine, socket and loop. Errors as th_udp_new(), TH_ERR_NO_MEMORY. */
enum th_err peer_open(struct peer *p, const char *host, uint16_t port, const struct th_coap_ops *ops, void *user);
void peer_close(struct peer *p);

/* Sends what the engine has and sets its next alarm. Happens by itself after each batch of the loop's events. */
void peer_flush(struct peer *p);

static inline th_time peer_now(const struct peer *p)
{
	return th_loop_now(p->loop);
}

/* Decimal number of at most `max`, the whole text. */
bool peer_number(struct th_str s, uint64_t max, uint64_t *out);

/* The body of n bytes that both sides of a test agree on: byte i depends on `seed` and on every byte of i, so that a
 * block in the wrong place shows. tests/interop/peers.py has the same formula. */
void peer_pattern(uint8_t *out, size_t n, unsigned seed);

/* A CoAP uint option value (RFC 7252 §3.2): shortest big-endian form, into out. Returns its length. */
size_t peer_uint(uint8_t out[static 4], uint32_t v);
uint32_t peer_uint_read(const struct th_coap_option *o);

/* RFC 7252 §5.10 and RFC 7641 */
enum {
	OPT_IF_MATCH = 1,
	OPT_ETAG = 4,
	OPT_IF_NONE_MATCH = 5,
	OPT_OBSERVE = 6,
	OPT_LOCATION_PATH = 8,
	OPT_URI_PATH = 11,
	OPT_CONTENT_FORMAT = 12,
	OPT_MAX_AGE = 14,
	OPT_URI_QUERY = 15,
	OPT_ACCEPT = 17,
	OPT_LOCATION_QUERY = 20,
	OPT_PROXY_URI = 35,
	OPT_PROXY_SCHEME = 39,
};

#endif
