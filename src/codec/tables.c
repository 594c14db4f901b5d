#include "codec/tables.h"

#include <string.h>

static uint32_t little(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (uint32_t)p[i] << 8 * i;
	return v;
}

uint64_t th_tables_id(const uint8_t *p)
{
	return little(p + 16, 4) | (uint64_t)little(p + 20, 4) << 32;
}

enum th_err th_tables_read(struct th_tables *t, const uint8_t *p, size_t n)
{
	const uint16_t probe = 1;
	size_t lines, seed;

	if (n < TH_TABLES_LINES_AT || memcmp(p, "THMD", 4) != 0)
		return TH_ERR_MALFORMED;
	if (p[4] != TH_TABLES_FORMAT || p[6] != TH_CONTEXTS || p[7] != TH_RULES || p[8] != TH_SETS ||
	    little(p + 12, 4) != TH_ROWS || *(const uint8_t *)&probe != 1 || ((uintptr_t)p & 63) != 0)
		return TH_ERR_UNSUPPORTED;
	if (p[5] < 8 || p[5] > TH_TABLES_BITS_MAX)
		return TH_ERR_MALFORMED;
	lines = (size_t)TH_LINE_BYTES << p[5];
	seed = little(p + 24, 4);
	if (seed > TH_TABLES_SEED_MAX || n - TH_TABLES_LINES_AT != lines + seed)
		return TH_ERR_MALFORMED;
	*t = (struct th_tables){
		.id = th_tables_id(p),
		.bits = p[5],
		.next = (const uint8_t(*)[2])(const void *)(p + TH_TABLES_NEXT_AT),
		.squash = (const uint16_t *)(const void *)(p + TH_TABLES_SQUASH_AT),
		.inputs = (const int16_t *)(const void *)(p + TH_TABLES_INPUTS_AT),
		.weights = (const int16_t *)(const void *)(p + TH_TABLES_WEIGHTS_AT),
		.gates = (const int16_t *)(const void *)(p + TH_TABLES_GATES_AT),
		.bets = (const uint16_t *)(const void *)(p + TH_TABLES_BETS_AT),
		.lines = (const struct th_line *)(const void *)(p + TH_TABLES_LINES_AT),
		.seed = p + n - seed,
		.seed_n = seed,
	};
	return TH_OK;
}

bool th_tables_seed(const struct th_tables *t, size_t *at, struct th_seed *seed)
{
	const uint8_t *p = t->seed + *at;
	size_t left = t->seed_n - *at;

	if (left < TH_TABLES_SEED_HEAD || little(p + 5, 4) > left - TH_TABLES_SEED_HEAD)
		return false;
	*seed = (struct th_seed){ p[0] != 0, little(p + 1, 4), p + TH_TABLES_SEED_HEAD, little(p + 5, 4) };
	*at += TH_TABLES_SEED_HEAD + seed->n;
	return true;
}
