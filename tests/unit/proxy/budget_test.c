/* What is coded where bytes cost less than time. */
#include "unit.h"

#include "proxy/budget.h"

static const th_time start = 1000 * TH_SEC;

/* Spends as one exchange after another does, `each` bytes at a time, one every `gap`, for `span`. Returns how many were
 * coded. */
static unsigned load(struct th_budget *b, th_time from, th_time span, th_time gap, size_t each)
{
	unsigned coded = 0;

	for (th_time t = from; t < from + span; t += gap)
		if (th_budget_left(b, t)) {
			th_budget_spend(b, each);
			coded++;
		}
	return coded;
}

static void test_usual_traffic_is_coded_whole(void **state)
{
	struct th_budget b = { 0 };

	(void)state;
	/* 50 exchanges of 1 kB a second for an hour */
	assert_int_equal(load(&b, start, 3600 * TH_SEC, TH_SEC / 50, 1024), 3600 * 50);
}

static void test_a_load_gets_its_share(void **state)
{
	enum { EACH = 512, SECONDS = 10, BURST = TH_BUDGET_BURST / EACH, A_SECOND = TH_BUDGET_A_SECOND / EACH };
	struct th_budget b = { 0 };
	unsigned coded;

	(void)state;
	assert_int_equal(load(&b, start, TH_MS, TH_US, EACH), 1000);
	coded = load(&b, start + TH_MS, SECONDS * TH_SEC, 37 * TH_US, EACH) + 1000;
	assert_in_range(coded, BURST + SECONDS * A_SECOND - 1, BURST + SECONDS * A_SECOND + 2);
}

static void test_all_comes_back(void **state)
{
	struct th_budget b = { 0 };

	(void)state;
	th_budget_spend(&b, TH_BUDGET_BURST);
	assert_true(th_budget_left(&b, start)); /* it has had since the beginning of time */
	th_budget_spend(&b, TH_BUDGET_BURST);
	assert_false(th_budget_left(&b, start));
	assert_false(th_budget_left(&b, start + 1));
	assert_true(th_budget_left(&b, start + TH_SEC));
	th_budget_spend(&b, 3 * (size_t)TH_BUDGET_BURST); /* a large response: debts */
	assert_false(th_budget_left(&b, start + 2 * TH_SEC));
	assert_true(th_budget_left(&b, start + 60 * TH_SEC));
	assert_int_equal(b.spent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual_traffic_is_coded_whole),
		cmocka_unit_test(test_a_load_gets_its_share),
		cmocka_unit_test(test_all_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
