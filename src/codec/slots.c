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

static void store8(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

#define HIGH_BITS 0x8080808080808080u
#define EACH_BYTE 0x01010101u
#define EACH_16 0x0001000100010001u

/* The second check byte, out of the high bits of the first eight states. */
static uint8_t second_check(uint64_t states)
{
	return (uint8_t)(((states & HIGH_BITS) >> 7) * 0x0102040810204080u >> 56);
}

/* The high bit of each byte that is zero. */
static uint32_t zero_bytes(uint32_t v)
{
	const uint32_t low = 0x7fu * EACH_BYTE;

	return ~(((v & low) + low) | v | low);
}

/* The high bit of the first 16 bits that are zero; those after it mean nothing. 0: none are. */
static uint64_t zero_16(uint64_t v)
{
	return (v - EACH_16) & ~v & (EACH_16 << 15);
}

/* Copies what training left of a context, or zeros. The line is far away as a rule, and so are those of the contexts
 * that are looked up next: nothing here branches on what is in it but what hardly ever happens, or each would wait for
 * the one before. */
static void recollect(const struct th_slots *s, uint32_t h, uint8_t *states)
{
	const struct th_line *line = &s->trained[th_slots_line(h, s->trained_bits)];
	uint8_t second = th_slots_second_check(h);
	uint32_t checks, fits;
	const uint8_t *from;
	uint64_t low, high, good;

	memcpy(&checks, line->check, sizeof(checks));
	fits = zero_bytes(checks ^ EACH_BYTE * th_slots_check(h));
	from = line->states[(unsigned)__builtin_ctz(fits | 1u << 31) / 8];
	low = load8(from);
	good = -(uint64_t)((fits != 0) & (second_check(low) == second));
	while (__builtin_expect(!good & ((fits & (fits - 1)) != 0), 0)) {
		fits &= fits - 1;
		from = line->states[(unsigned)__builtin_ctz(fits) / 8];
		low = load8(from);
		good = -(uint64_t)(second_check(low) == second);
	}
	low &= ~HIGH_BITS & good;
	high = load8(from + TH_BUCKET_NODES - 8) & ~HIGH_BITS & good;
	store8(states, low);
	store8(states + TH_BUCKET_NODES - 8, high);
}

uint8_t *th_slots_find(struct th_slots *s, uint32_t h, bool trained)
{
	uint32_t line = th_slots_scratch_line(h);
	uint16_t check = (uint16_t)(h | !(uint16_t)h);
	uint64_t checks, found;
	uint8_t *states;
	unsigned i;

	memcpy(&checks, s->check[line], sizeof(checks));
	found = zero_16(checks ^ EACH_16 * check);
	if (found)
		return s->states[line][__builtin_ctzll(found) / 16];
	found = zero_16(checks);
	i = found ? (unsigned)__builtin_ctzll(found) / 16 : s->turn[line]++ % TH_LINE_BUCKETS;
	if (checks == 0)
		s->used[s->n_used++] = (uint16_t)line;
	s->check[line][i] = check;
	states = s->states[line][i];
	if (trained)
		recollect(s, h, states);
	else
		memset(states, 0, TH_BUCKET_NODES + 1);
	return states;
}
