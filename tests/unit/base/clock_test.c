#include "unit.h"

#include "base/clock.h"

static void never_and_overflow_stay_never(void **state)
{
	(void)state;
	assert_true(th_time_add(1, 2) == 3);
	assert_true(th_time_add(TH_NEVER, 0) == TH_NEVER);
	assert_true(th_time_add(TH_NEVER, 5) == TH_NEVER);
	assert_true(th_time_add(5, TH_NEVER) == TH_NEVER);
	assert_true(th_time_add(TH_NEVER - 1, 1) == TH_NEVER);
	assert_true(th_time_add(TH_NEVER - 1, 2) == TH_NEVER);
	assert_true(th_time_add(TH_NEVER - 2, 1) == TH_NEVER - 1);
}

static void until_is_never_negative(void **state)
{
	(void)state;
	assert_true(th_time_until(10, 4) == 6);
	assert_true(th_time_until(4, 10) == 0);
	assert_true(th_time_until(4, 4) == 0);
	assert_true(th_time_until(TH_NEVER, 4) == TH_NEVER);
	assert_true(th_time_until(TH_NEVER, TH_NEVER) == TH_NEVER);
}

static void units_and_min(void **state)
{
	(void)state;
	assert_true(TH_SEC == 1000 * TH_MS && TH_MS == 1000 * TH_US);
	assert_true(th_time_min(1, TH_NEVER) == 1);
	assert_true(th_time_min(2, 1) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_and_overflow_stay_never),
		cmocka_unit_test(until_is_never_negative),
		cmocka_unit_test(units_and_min),
	};

	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
