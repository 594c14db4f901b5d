#include "codec/slots.h"

#include <string.h>

_Static_assert(sizeof(struct th_line) == TH_LINE_BYTES, "a line is a cache line");

void th_slots_clear(struct th_slots *s)
{
	for (uint32_t i = 0; i < s->n_used; i++) {
		uint16_t line = s->used[i];

		memset(s->check[line], 0, sizeof(s->check[line]));
		s->turn[line] = 0;
	}
	s->n_used = 0;
}

static uint64_t load8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v)); /* little endian: tables.c refuses other machines */
	return v;
}

#define HIGH_BITS 0x8080808080808080u

/* The second check byte, out of the high bits of the first eight states. */
static uint8_t second_check(const uint8_t *states)
{
	return (uint8_t)(((load8(states) & HIGH_BITS) >> 7) * 0x0102040810204080u >> 56);
}

/* Copies what training left of a context; false when it left nothing. */
static bool recollect(const struct th_slots *s, uint32_t h, uint8_t *states)
{
	const struct th_line *line = &s->trained[th_slots_line(h, s->trained_bits)];
	uint8_t check = th_slots_check(h), second = th_slots_second_check(h);

	for (unsigned i = 0; i < TH_LINE_BUCKETS; i++) {
		if (line->check[i] == check && second_check(line->states[i]) == second) {
			uint64_t low = load8(line->states[i]) & ~HIGH_BITS,
				 high = load8(line->states[i] + TH_BUCKET_NODES - 8) & ~HIGH_BITS;

			memcpy(states, &low, 8);
			memcpy(states + TH_BUCKET_NODES - 8, &high, 8);
			return true;
		}
	}
	return false;
}

static unsigned free_bucket(struct th_slots *s, uint32_t line)
{
	for (unsigned i = 0; i < TH_LINE_BUCKETS; i++)
		if (s->check[line][i] == 0)
			return i;
	return s->turn[line]++ % TH_LINE_BUCKETS;
}

uint8_t *th_slots_find(struct th_slots *s, uint32_t h, bool trained)
{
	uint32_t line = th_slots_scratch_line(h);
	uint16_t check = (uint16_t)(h | !(uint16_t)h);
	unsigned i;

	for (i = 0; i < TH_LINE_BUCKETS; i++)
		if (s->check[line][i] == check)
			return s->states[line][i];
	if (s->check[line][0] == 0)
		s->used[s->n_used++] = (uint16_t)line;
	i = free_bucket(s, line);
	s->check[line][i] = check;
	if (!trained || !recollect(s, h, s->states[line][i]))
		memset(s->states[line][i], 0, TH_BUCKET_NODES + 1);
	return s->states[line][i];
}
