#include "unit.h"
#include "failmem.h"

static void libc_gives_zeroed_memory(void **state)
{
	(void)state;
	for (size_t n = 0; n < 3000; n = n * 2 + 1) {
		unsigned char *p = th_alloc(&th_mem_libc, n);

		assert_non_null(p);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
		th_free(&th_mem_libc, p);
	}
	th_free(&th_mem_libc, NULL);
}

static void multiplying_sees_overflow(void **state)
{
	size_t out = 0;

	(void)state;
	assert_true(th_mul(6, 7, &out));
	assert_int_equal(out, 42);
	assert_true(th_mul(0, SIZE_MAX, &out));
	assert_true(th_mul(1, SIZE_MAX, &out));
	assert_true(out == SIZE_MAX);
	assert_false(th_mul(2, SIZE_MAX / 2 + 1, &out));
	assert_false(th_mul(SIZE_MAX, SIZE_MAX, &out));
}

static void wiping_leaves_zeroes(void **state)
{
	char secret[40];

	(void)state;
	memset(secret, 'k', sizeof(secret));
	th_wipe(secret, 39);
	for (size_t i = 0; i < 39; i++)
		assert_int_equal(secret[i], 0);
	assert_int_equal(secret[39], 'k');
	th_wipe(secret, 0);
}

/* The helper of the other tests. */
static void failmem_fails_what_it_is_told_and_counts(void **state)
{
	struct failmem f;
	void *a, *b, *c;

	(void)state;
	failmem_init(&f, 2);
	a = th_alloc(&f.mem, 10);
	b = th_alloc(&f.mem, 20);
	c = th_alloc(&f.mem, 30);
	assert_non_null(a);
	assert_null(b);
	assert_non_null(c);
	assert_true(f.hit);
	assert_int_equal(f.live, 2);
	assert_int_equal(f.peak, 40);
	th_free(&f.mem, a);
	th_free(&f.mem, NULL);
	assert_int_equal(f.bytes, 30);
	th_free(&f.mem, c);
	assert_int_equal(f.live, 0);

	failmem_init(&f, 1);
	f.fail_on = true;
	for (int i = 0; i < 3; i++)
		assert_null(th_alloc(&f.mem, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libc_gives_zeroed_memory),
		cmocka_unit_test(multiplying_sees_overflow),
		cmocka_unit_test(wiping_leaves_zeroes),
		cmocka_unit_test(failmem_fails_what_it_is_told_and_counts),
	};

	return cmocka_run_group_tests_name("base/mem", tests, NULL, NULL);
}
