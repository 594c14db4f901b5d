/* Truncated packet numbers: exhaustive for small numbers beside a search for the closest, and the borders of 64 bits.
 */
#include "unit.h"

#include "session/number.h"

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The slow model: of all numbers with these low bits the closest one, the larger of two. */
static uint64_t closest(uint64_t expected, uint64_t low, unsigned bits)
{
	uint64_t best = low;

	for (uint64_t c = low; c <= expected + ((uint64_t)2 << bits); c += (uint64_t)1 << bits)
		if (distance(c, expected) <= distance(best, expected))
			best = c;
	return best;
}

static void closest_of_all(void **state)
{
	(void)state;
	for (unsigned bits = 1; bits <= 6; bits++)
		for (uint64_t expected = 0; expected < 300; expected++)
			for (uint64_t low = 0; low < (uint64_t)1 << bits; low++)
				assert_int_equal(th_number_restore(expected, low, bits), closest(expected, low, bits));
}

/* RFC 9000 A.3 gives this one. */
static void example_of_the_rfc(void **state)
{
	(void)state;
	assert_int_equal(th_number_restore(0xa82f30ea + 1, 0x9b32, 16), 0xa82f9b32);
}

static void borders_of_64_bits(void **state)
{
	(void)state;
	assert_true(th_number_restore(UINT64_MAX, 31, 5) == UINT64_MAX);
	assert_true(th_number_restore(UINT64_MAX, 0, 5) == UINT64_MAX - 31); /* nothing lies beyond */
	assert_true(th_number_restore(UINT64_MAX - 31, 31, 5) == UINT64_MAX - 32);
	assert_true(th_number_restore(0, 31, 5) == 31); /* nor before */
	assert_true(th_number_restore((uint64_t)1 << 63, 31, 5) == ((uint64_t)1 << 63) - 1);
	assert_true(th_number_restore(((uint64_t)1 << 63) - 1, 0, 5) == (uint64_t)1 << 63);
	assert_true(th_number_restore(0, (1 << 21) - 1, 21) == (1 << 21) - 1);
}

/* What fits is restored by every receiver in the range, and what does not is mistaken by one of them. */
static void fits_is_exact(void **state)
{
	enum { BITS = 4, BASE = 200, SPAN = 30 };

	(void)state;
	for (uint64_t pn = BASE; pn < BASE + SPAN; pn++)
		for (uint64_t lo = BASE; lo < BASE + SPAN; lo++)
			for (uint64_t hi = lo; hi < BASE + SPAN; hi++) {
				bool all = true;

				for (uint64_t e = lo; e <= hi; e++)
					all = all && th_number_restore(e, pn & 15, BITS) == pn;
				assert_int_equal(th_number_fits(pn, lo, hi, BITS), all);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closest_of_all),
		cmocka_unit_test(example_of_the_rfc),
		cmocka_unit_test(borders_of_64_bits),
		cmocka_unit_test(fits_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
