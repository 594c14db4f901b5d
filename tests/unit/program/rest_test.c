/* A process at rest: what was only read leaves memory and is still there, what was written stays. */
#include "unit.h"

#include "program/rest.h"

enum { PAGE = 4096, PAGES = 512 };

#define REPEAT8(...)                                                                                                   \
	__VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define REPEAT64(...) REPEAT8(REPEAT8_(__VA_ARGS__))
#define REPEAT8_(...)                                                                                                  \
	__VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__

/* 2 MiB that nobody writes to. */
static const unsigned table[PAGES * PAGE / sizeof(unsigned)] = { REPEAT64(0x12345678) };

static unsigned written[PAGE] = { 1, 2, 3 };

static long resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size, resident = -1;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
	fclose(f);
	return resident;
}

static unsigned sum(void)
{
	const volatile unsigned *p = table;
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		n += p[i];
	return n;
}

static void test_rest(void **state)
{
	unsigned before = sum();
	long busy, idle;
	char *heap = malloc(100);

	(void)state;
	assert_non_null(heap);
	strcpy(heap, "kept");
	written[2] = 7;
	busy = resident_pages();
	th_process_rest();
	idle = resident_pages();
	print_message("pages: %ld busy, %ld at rest\n", busy, idle);
#if !defined(__SANITIZE_ADDRESS__)
	assert_true(idle + PAGES <= busy);
#endif
	assert_int_equal(sum(), before);
	assert_int_equal(before, 64u * 0x12345678u);
	assert_int_equal(written[1], 2);
	assert_int_equal(written[2], 7);
	assert_string_equal(heap, "kept");
	free(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
