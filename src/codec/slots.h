/* Bit statistics by context: a trained table that is only read, and a scratch table for what the message itself adds.
 *
 * A bucket holds, for one context and one half of a byte, a state for each of the 15 nodes of its tree: node 1 is the
 * first bit, nodes 2..3 the second, and so on. A trained line of 64 bytes has four buckets: a check byte each, then 15
 * bytes each whose low seven bits are the states. The high bits of the first eight are a second check byte, bit n in
 * the n-th. A state says what was seen at that node:
 *
 *     0          nothing
 *     1..117     trained: how often, and how many ones (th_states_trained)
 *     128..255   seen in this message: 128 + 16 * class of the trained state + what the message's own bits were */
#ifndef TH_CODEC_SLOTS_H
#define TH_CODEC_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TH_BUCKET_NODES = 15,
	TH_LINE_BUCKETS = 4,
	TH_LINE_BYTES = 64,
	TH_STATE_FRESH = 128,
	TH_SCRATCH_BITS = 13, /* lines of the scratch table */
};

/* check[4], then four times 15 states */
struct th_line {
	uint8_t check[TH_LINE_BUCKETS];
	uint8_t states[TH_LINE_BUCKETS][TH_BUCKET_NODES];
};

struct th_slots {
	const struct th_line *trained; /* borrowed: 1 << trained_bits lines */
	unsigned trained_bits;
	const uint8_t (*next)[2]; /* borrowed: 256 states, the one after a bit */
	uint8_t states[1 << TH_SCRATCH_BITS][TH_LINE_BUCKETS][TH_BUCKET_NODES + 1];
	uint16_t check[1 << TH_SCRATCH_BITS][TH_LINE_BUCKETS]; /* 0: free */
	uint8_t turn[1 << TH_SCRATCH_BITS];		       /* which bucket of a full line goes next */
	uint16_t used[1 << TH_SCRATCH_BITS];		       /* lines to clear */
	uint32_t n_used;
};

/* Forgets what the last message added. */
void th_slots_clear(struct th_slots *s);

/* The 15 states of a context, in the scratch table: valid until cleared; another call may give the bucket to another
 * context once its line is full, which harms nothing but statistics. Node n is at [n - 1]. `trained`: may be in the
 * trained table. */
uint8_t *th_slots_find(struct th_slots *s, uint32_t h, bool trained);

/* Where a context stands in a trained table. */
static inline uint32_t th_slots_line(uint32_t h, unsigned bits)
{
	return h >> (32 - bits);
}

static inline uint8_t th_slots_check(uint32_t h)
{
	uint8_t c = (uint8_t)h;

	return c ? c : 1;
}

static inline uint8_t th_slots_second_check(uint32_t h)
{
	return (uint8_t)(h >> 8);
}

static inline uint32_t th_slots_scratch_line(uint32_t h)
{
	return (h * 0x2545f491u) >> (32 - TH_SCRATCH_BITS);
}

/* Says that the context will be looked up soon. Only what training left of it is far away. */
static inline void th_slots_prefetch(const struct th_slots *s, uint32_t h)
{
	__builtin_prefetch(&s->trained[th_slots_line(h, s->trained_bits)]);
}

#endif
