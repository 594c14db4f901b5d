#include "coap/params.h"

#define COMMON                                                                                                         \
	.ack_random_percent = 50, .max_retransmit = 4, .rto_min = 200 * TH_MS, .rto_max = 60 * TH_SEC,                 \
	.piggyback_patience = 100 * TH_MS, .ping_after = 30 * TH_SEC,                                                  \
	.body_timeout = 247 * TH_SEC,			     /* EXCHANGE_LIFETIME, as RFC 7959 §2.4 advises */        \
		.szx = 6, .max_message = 1152,		     /* §4.6 */                                               \
		.body_window = 16 * 1024, .window_start = 1, /* NSTART */                                              \
		.window_max = 32, .max_peers = 1024, .max_exchanges = 4096, .max_observers = 64,                       \
	.max_reply_bytes = 8 * 1024 * 1024

const struct th_coap_params th_coap_params_default = {
	COMMON,
	.ack_timeout = 2 * TH_SEC,
	.max_latency = 100 * TH_SEC,
	.response_timeout = 300 * TH_SEC,
	.max_records = 256 * 1024,
};

/* A message ID is free again after 2 × MAX_LATENCY + ACK_TIMEOUT: RFC 7252's values allow 320 messages a second to a
 * peer, these 21,000. Duplicates are remembered for 25.5 s instead of 247 s: max_records lasts for 20,000 requests a
 * second. */
const struct th_coap_params th_coap_params_loopback = {
	COMMON,
	.ack_timeout = TH_SEC,
	.max_latency = TH_SEC,
	.response_timeout = 900 * TH_SEC,
	.max_records = 512 * 1024,
};

/* ACK_TIMEOUT × (2^doublings - 1) × ACK_RANDOM_FACTOR; TH_NEVER past what th_time holds, as many retransmissions soon
 * are. */
static th_time backed_off(const struct th_coap_params *p, unsigned doublings)
{
	enum { PERCENT = 100, BITS = 64 };
	th_time t, steps = doublings < BITS ? ((th_time)1 << doublings) - 1 : TH_NEVER;

	if (__builtin_mul_overflow(p->ack_timeout, steps, &t) ||
	    __builtin_mul_overflow(t / PERCENT, (th_time)PERCENT + p->ack_random_percent, &t))
		return TH_NEVER;
	return t;
}

th_time th_coap_max_transmit_span(const struct th_coap_params *p)
{
	return backed_off(p, p->max_retransmit);
}

th_time th_coap_max_transmit_wait(const struct th_coap_params *p)
{
	return backed_off(p, p->max_retransmit + 1);
}

th_time th_coap_exchange_lifetime(const struct th_coap_params *p)
{
	/* PROCESSING_DELAY is ACK_TIMEOUT (§4.8.2) */
	return th_time_add(th_coap_max_transmit_span(p), 2 * p->max_latency + p->ack_timeout);
}

th_time th_coap_non_lifetime(const struct th_coap_params *p)
{
	return th_time_add(th_coap_max_transmit_span(p), p->max_latency);
}
