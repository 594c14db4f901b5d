#include "random.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"

enum { RUN_MIN = 20, RUNS_MAX = 1 << 17, SEED = 1 };

static struct th_table seen = { .mem = &th_mem_libc };
static struct th_slot slots[RUNS_MAX]; /* by their hashes alone: two of 64 bits that are alike cost some bytes */
static size_t slots_n;

void random_begin(void)
{
	th_table_free(&seen);
	slots_n = 0;
	th_table_init(&seen, &th_mem_libc, RUNS_MAX, SEED);
}

enum { UPPER = 1, LOWER = 2, DIGIT = 4, OTHER = 8 };

static unsigned class_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return UPPER;
	if (c >= 'a' && c <= 'z')
		return LOWER;
	if (c >= '0' && c <= '9')
		return DIGIT;
	return c && strchr("+/_-", c) ? OTHER : 0;
}

static bool is_new(const uint8_t *p, size_t n)
{
	uint64_t hash = th_table_hash(&seen, p, n);

	if (th_table_next(&seen, hash, NULL) || slots_n == RUNS_MAX)
		return false;
	th_table_add(&seen, &slots[slots_n++], hash);
	return true;
}

size_t random_in(const uint8_t *p, size_t n)
{
	size_t start = 0, characters = 0;
	unsigned classes = 0;

	for (size_t i = 0; i <= n; i++) {
		unsigned c = i < n ? class_of(p[i]) : 0;

		if (c) {
			classes |= c;
			continue;
		}
		if (i - start >= RUN_MIN && (classes & (UPPER | LOWER | DIGIT)) == (UPPER | LOWER | DIGIT) &&
		    is_new(p + start, i - start))
			characters += i - start;
		start = i + 1;
		classes = 0;
	}
	return characters * 3 / 4;
}
