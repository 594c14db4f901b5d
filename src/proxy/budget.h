/* How much is coded where bytes cost less than the time to code them: on a link with a round trip of next to nothing. Private to src/proxy.
 *
 * Counted in bytes; coding one at one end and reading it at the other takes about 2 µs in all. Past what is saved up, a small share of the
 * time goes into coding, and the rest of the messages leaves as it is. */
#ifndef TH_PROXY_BUDGET_H
#define TH_PROXY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum {
	TH_BUDGET_A_SECOND = 64 * 1024, /* an eighth of the time */
	TH_BUDGET_BURST = 512 * 1024,	/* saved up: a client's start, or some hundred exchanges in a row */
	TH_BUDGET_EXCHANGE = 1024,	/* of request and response together, whatever their length: taking in the history */
};

/* A link with a round trip up to this is quick. */
#define TH_BUDGET_ROUND_TRIP (3 * TH_MS)

/* All zero: nothing was spent yet. */
struct th_budget {
	th_time at;	/* of `spent` */
	uint64_t spent; /* of the burst */
};

/* Whether anything is left. */
bool th_budget_left(struct th_budget *b, th_time now);

/* May take more than is left: what a response costs is known when it has come. */
void th_budget_spend(struct th_budget *b, size_t n);

#endif
