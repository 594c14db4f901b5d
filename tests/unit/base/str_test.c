#include "unit.h"

static void equality_is_about_bytes(void **state)
{
	static const char a[] = { 'x', '\0', 'y' }, b[] = { 'x', '\0', 'z' };

	(void)state;
	assert_true(th_str_eq((struct th_str){ NULL, 0 }, TH_STR("")));
	assert_true(th_str_eq(TH_STR("abc"), th_str_of("abc")));
	assert_false(th_str_eq(TH_STR("abc"), TH_STR("ab")));
	assert_false(th_str_eq(TH_STR("abc"), TH_STR("abC")));
	assert_false(th_str_eq((struct th_str){ a, 3 }, (struct th_str){ b, 3 }));
	assert_true(th_str_eq((struct th_str){ a, 2 }, (struct th_str){ b, 2 }));
}

static void case_is_ascii_only(void **state)
{
	(void)state;
	assert_true(th_str_ieq(TH_STR("Content-TYPE"), TH_STR("content-type")));
	assert_false(th_str_ieq(TH_STR("a"), TH_STR("ab")));
	assert_true(th_str_ieq((struct th_str){ NULL, 0 }, TH_STR("")));
	for (int c = 0; c < 256; c++) {
		for (int d = 0; d < 256; d++) {
			char x = (char)c, y = (char)d;
			bool letters = (c | 32) >= 'a' && (c | 32) <= 'z' && (c | 32) == (d | 32);

			assert_int_equal(th_str_ieq((struct th_str){ &x, 1 }, (struct th_str){ &y, 1 }),
					 c == d || letters);
		}
	}
}

static void prefixes(void **state)
{
	(void)state;
	assert_true(th_str_starts(TH_STR("abc"), TH_STR("")));
	assert_true(th_str_starts((struct th_str){ NULL, 0 }, (struct th_str){ NULL, 0 }));
	assert_true(th_str_starts(TH_STR("abc"), TH_STR("abc")));
	assert_false(th_str_starts(TH_STR("abc"), TH_STR("abcd")));
	assert_false(th_str_starts(TH_STR("abc"), TH_STR("b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_is_about_bytes),
		cmocka_unit_test(case_is_ascii_only),
		cmocka_unit_test(prefixes),
	};

	return cmocka_run_group_tests_name("base/str", tests, NULL, NULL);
}
