#include "session/number.h"

uint64_t th_number_restore(uint64_t expected, uint64_t low, unsigned bits)
{
	uint64_t win = (uint64_t)1 << bits, half = win / 2, mask = win - 1;
	uint64_t candidate = (expected & ~mask) | (low & mask);

	/* Compared by differences: sums could pass 2^64. */
	if (candidate < expected && expected - candidate >= half && candidate <= UINT64_MAX - win)
		return candidate + win;
	if (candidate > expected && candidate - expected > half && candidate >= win)
		return candidate - win;
	return candidate;
}

bool th_number_fits(uint64_t pn, uint64_t lowest, uint64_t highest, unsigned bits)
{
	uint64_t half = (uint64_t)1 << (bits - 1);

	return (pn <= lowest || pn - lowest <= half) && (pn >= highest || highest - pn < half);
}
