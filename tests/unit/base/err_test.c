#include "unit.h"

#include "base/err.h"

static void every_error_has_its_own_words(void **state)
{
	(void)state;
	for (int e = TH_OK; e > TH_ERR_LAST; e--) {
		const char *text = th_strerror((enum th_err)e);

		assert_non_null(text);
		assert_string_not_equal(text, "unknown error");
		assert_true(strlen(text) > 2);
		assert_true(text[strlen(text) - 1] != '.');
		for (int other = TH_OK; other > e; other--)
			assert_string_not_equal(text, th_strerror((enum th_err)other));
	}
}

static void what_is_no_error_says_so(void **state)
{
	static const int strange[] = { 1, 100, TH_ERR_LAST, TH_ERR_LAST - 1, -1000, INT32_MAX, INT32_MIN + 1 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(strange); i++)
		assert_string_equal(th_strerror((enum th_err)strange[i]), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_its_own_words),
		cmocka_unit_test(what_is_no_error_says_so),
	};

	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
