/* Cache-Control and Pragma, as servers and clients write them, and as nobody should. */
#include "home/cache_control.h"

#include "rig.h"

static struct th_cache_control of(const char *fields)
{
	char *text = strdup(fields);
	struct th_cache_control c;
	struct th_field f[8];
	struct th_head h = { .fields = f };

	h.n_fields = rig_fields(text, f, UNIT_COUNT(f));
	th_cache_control_read(&c, &h);
	free(text);
	return c;
}

static void test_directives(void **state)
{
	struct th_cache_control c = of("Cache-Control: public,max-age=86400,s-maxage=0,proxy-revalidate\n");

	(void)state;
	assert_true(c.present && c.is_public);
	assert_int_equal(c.max_age, 86400);
	assert_int_equal(c.s_maxage, 0);
	assert_false(c.no_cache || c.no_store || c.is_private);

	c = of("cache-control: No-Cache , NO-STORE\nCache-Control: private=\"a, b\", max-age=\"10\"\n");
	assert_true(c.no_cache && c.no_store && c.is_private);
	assert_int_equal(c.max_age, 10);
	assert_int_equal(c.s_maxage, TH_DELTA_NONE);

	c = of("Cache-Control: only-if-cached, min-fresh=5\n");
	assert_true(c.only_if_cached);
	assert_int_equal(c.min_fresh, 5);
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(of("Cache-Control: max-age=99999999999999999999\n").max_age, (int64_t)1 << 31);
	/* what is no number is stale (RFC 9111 4.2.1) */
	assert_int_equal(of("Cache-Control: max-age=soon\n").max_age, 0);
	assert_int_equal(of("Cache-Control: max-age=-1\n").max_age, 0);
	assert_int_equal(of("Cache-Control: max-age\n").max_age, 0);
	/* the first of two counts */
	assert_int_equal(of("Cache-Control: max-age=1, max-age=2\n").max_age, 1);
	assert_int_equal(th_delta_seconds(TH_STR("")), -1);
	assert_int_equal(th_delta_seconds(TH_STR("7 ")), -1);
}

static void test_pragma(void **state)
{
	(void)state;
	assert_true(of("Pragma: no-cache\n").no_cache);
	assert_false(of("Pragma: no-cache\nCache-Control: max-age=5\n").no_cache);
	assert_false(of("X: y\n").present);
}

static void test_odd(void **state)
{
	struct th_cache_control c = of("Cache-Control: ,, x=\"no-store, no-cache\\\", private\" ,\t,max-age=3\n");

	(void)state;
	assert_false(c.no_store || c.no_cache || c.is_private);
	assert_int_equal(c.max_age, 3);
	c = of("Cache-Control: \"\n");
	assert_false(c.no_store);
	c = of("Cache-Control: \"no-store\n");
	assert_false(c.no_store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directives),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_pragma),
		cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
