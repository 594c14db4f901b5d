#include "codec/states.h"

enum { LEVELS = 10 };

/* Trained states by how often the node was seen: from `from` times on, `cells` states from all zeros to all ones. */
static const struct {
	uint32_t from, to;
	uint8_t first, cells;
} levels[LEVELS] = {
	{ 1, 1, 1, 2 },	   { 2, 2, 3, 3 },     { 3, 3, 6, 4 },	   { 4, 5, 10, 6 },	{ 6, 8, 16, 8 },
	{ 9, 14, 24, 10 }, { 15, 29, 34, 13 }, { 30, 79, 47, 17 }, { 80, 299, 64, 23 }, { 300, 511, 87, 31 },
};

int32_t th_log2(uint32_t v)
{
	uint64_t m = v;
	int32_t whole = 0, r;

	while (m >= 2) {
		m >>= 1;
		whole++;
	}
	m = ((uint64_t)v << 30) >> whole; /* 1 <= m < 2 in 1 << 30 */
	r = whole;
	for (unsigned i = 0; i < 8; i++) {
		m = m * m >> 30;
		r *= 2;
		if (m >> 31) {
			m >>= 1;
			r++;
		}
	}
	return r;
}

static int32_t range_of(unsigned level)
{
	return th_log2(2 * levels[level].to + 1);
}

uint8_t th_states_trained(uint32_t n0, uint32_t n1)
{
	unsigned level = 0;
	int32_t odds, range, cell, last;

	if (n0 + n1 == 0)
		return 0;
	while (level + 1 < LEVELS && n0 + n1 >= levels[level + 1].from)
		level++;
	odds = th_log2(2 * n1 + 1) - th_log2(2 * n0 + 1);
	range = range_of(level);
	last = levels[level].cells - 1;
	if (odds < -range)
		odds = -range;
	if (odds > range)
		odds = range;
	cell = ((odds + range) * last + range) / (2 * range);
	return (uint8_t)(levels[level].first + cell);
}

static unsigned level_of(uint8_t state)
{
	unsigned level = 0;

	while (level + 1 < LEVELS && state >= levels[level + 1].first)
		level++;
	return level;
}

int32_t th_states_odds(uint8_t state)
{
	unsigned level = level_of(state);
	int32_t range = range_of(level);

	if (state == 0 || state >= TH_STATES_TRAINED)
		return 0;
	return (2 * range * (state - levels[level].first)) / (levels[level].cells - 1) - range;
}

static unsigned class_of(uint8_t state)
{
	int32_t odds = th_states_odds(state);
	int32_t size = odds < 0 ? -odds : odds;
	unsigned strength = size > 5 * 256 ? 3 : size > 2 * 256 ? 2 : size > 160 ? 1 : 0;

	if (state == 0)
		return 0;
	return odds < 0 ? 4 - strength : 4 + strength; /* 1..7 */
}

/* What the message's own bits were at a node: which history follows on each bit.
 * 0 "0", 1 "1", 2 "00", 3 "01", 4 "10", 5 "11", 6 "000", 7 "111", 8 "0" four to six times, 9 "1" so, 10 "0" more often,
 * 11 "1" so, 12..13 mostly zeros and then a 0, a 1; 14..15 mostly ones and then a 0, a 1. */
static const uint8_t histories[TH_FRESH_HISTORIES][2] = {
	{ 2, 3 },   { 4, 5 },	{ 6, 13 },  { 12, 15 }, { 12, 15 }, { 14, 7 },	{ 8, 13 },  { 14, 9 },
	{ 10, 13 }, { 14, 11 }, { 10, 13 }, { 14, 11 }, { 12, 13 }, { 12, 15 }, { 12, 15 }, { 14, 15 },
};

void th_states_next(uint8_t next[256][2])
{
	for (unsigned state = 0; state < 256; state++) {
		for (unsigned bit = 0; bit < 2; bit++) {
			if (state < 128)
				next[state][bit] = (uint8_t)(128 + 16 * class_of((uint8_t)state) + bit);
			else
				next[state][bit] = (uint8_t)((state & 0xf0) | histories[state & 15][bit]);
		}
	}
}
