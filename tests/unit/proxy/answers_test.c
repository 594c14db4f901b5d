/* Answers kept for an ingress half that could not read them. */
#include "unit.h"

#include "proxy/answers.h"

static uint8_t bytes[TH_ANSWERS_BYTES + 1];

static void assert_kept(const struct th_answers *a, uint64_t number, size_t want)
{
	const uint8_t *p;
	size_t n = 0;

	assert_int_equal(th_answers_find(a, number, &p, &n), want ? TH_OK : TH_ERR_NOT_FOUND);
	assert_int_equal(n, want);
}

static void test_the_newest_are_kept(void **state)
{
	struct th_answers a;

	(void)state;
	th_answers_init(&a, &th_mem_libc);
	assert_kept(&a, 1, 0);
	for (uint64_t i = 0; i < TH_ANSWERS_MAX + 5; i++)
		th_answers_keep(&a, i, bytes, 10 + i);
	assert_kept(&a, 4, 0);
	assert_kept(&a, 5, 15);
	assert_kept(&a, TH_ANSWERS_MAX + 4, 10 + TH_ANSWERS_MAX + 4);
	th_answers_clear(&a);
	assert_kept(&a, 5, 0);
	assert_int_equal(a.bytes, 0);
}

/* With a dozen clients at once a copy of an answer was read when 83 others had gone: it has to be there still. */
static void test_one_is_there_when_hundreds_went(void **state)
{
	struct th_answers a;

	(void)state;
	th_answers_init(&a, &th_mem_libc);
	for (uint64_t i = 0; i < 400; i++)
		th_answers_keep(&a, i, bytes, 500);
	assert_kept(&a, 0, 500);
	th_answers_clear(&a);
}

static void test_bytes_are_bounded(void **state)
{
	struct th_answers a;

	(void)state;
	th_answers_init(&a, &th_mem_libc);
	th_answers_keep(&a, 1, bytes, TH_ANSWERS_BYTES + 1);
	assert_kept(&a, 1, 0);
	th_answers_keep(&a, 2, bytes, TH_ANSWERS_BYTES / 2);
	th_answers_keep(&a, 3, bytes, TH_ANSWERS_BYTES / 2);
	assert_kept(&a, 2, TH_ANSWERS_BYTES / 2);
	th_answers_keep(&a, 4, bytes, 1);
	assert_kept(&a, 2, 0);
	assert_kept(&a, 3, TH_ANSWERS_BYTES / 2);
	th_answers_keep(&a, 5, bytes, TH_ANSWERS_BYTES);
	assert_kept(&a, 3, 0);
	assert_kept(&a, 4, 0);
	assert_int_equal(a.n, 1);
	th_answers_clear(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_newest_are_kept),
		cmocka_unit_test(test_one_is_there_when_hundreds_went),
		cmocka_unit_test(test_bytes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
