/* What every unit test begins with: cmocka with the headers it needs, and the seed of a randomised test.
 *
 * Seeds are fixed, so runs repeat; TH_SEED=n in the environment tries another one. The seed is printed either way. */
#ifndef TH_UNIT_H
#define TH_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/str.h"

#define UNIT_COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline uint64_t unit_seed(const char *name, uint64_t fallback)
{
	const char *env = getenv("TH_SEED");
	uint64_t seed = env ? strtoull(env, NULL, 0) : fallback;

	printf("%s: seed %llu\n", name, (unsigned long long)seed);
	return seed;
}

#define assert_str_is(s, lit)                                                                                          \
	do {                                                                                                           \
		struct th_str got_ = (s);                                                                              \
		assert_int_equal(got_.n, sizeof(lit) - 1);                                                             \
		assert_memory_equal(got_.p, lit, sizeof(lit) - 1);                                                     \
	} while (0)

#endif
