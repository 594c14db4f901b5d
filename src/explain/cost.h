/* A text and what each of its bytes costs, made fit to be shown: credentials stand in it as "***". */
#ifndef TH_EXPLAIN_COST_H
#define TH_EXPLAIN_COST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum { TH_COST_BIT = 65536 }; /* costs are in 1/65536 bit, as th_model_cost has them */

/* Both blocks are owned, and as long as n + 1: the last cost is that of the text's end. */
struct th_costs {
	uint8_t *text;
	uint32_t *cost;
	size_t n;
	uint32_t bases; /* what naming the messages that it builds on costs, and the check of the text */
};

/* Takes a text of n bytes and n + 1 costs. What codec/secret.h masks becomes "***", whatever its length; what it cost
 * stays with the first star. TH_ERR_NO_MEMORY: `out` is empty. */
enum th_err th_costs_make(struct th_costs *out, const struct th_mem *mem, const uint8_t *text, const uint32_t *cost,
			  size_t n);
void th_costs_free(struct th_costs *c, const struct th_mem *mem);

/* All of it, bases included (0 when there is nothing), in 1/65536 bit. */
uint64_t th_costs_sum(const struct th_costs *c);

#endif
