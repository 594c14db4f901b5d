/* The Date field, read: against the system's calendar for every month of 400 years, and what is none. */
#define _DEFAULT_SOURCE
#include "unit.h"

#include <time.h>

#include "exchange/date.h"

static int64_t seconds(const char *s)
{
	size_t n = strlen(s);
	char *copy = malloc(n ? n : 1); /* of exactly its size */
	int64_t v;

	assert_non_null(copy);
	memcpy(copy, s, n);
	v = th_date_seconds((struct th_str){ copy, n });
	free(copy);
	return v;
}

static void test_known(void **state)
{
	(void)state;
	assert_int_equal(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
	assert_int_equal(seconds("Thu, 01 Jan 1970 00:00:01 GMT"), 1);
	assert_int_equal(seconds("Tue, 29 Feb 2000 12:00:00 GMT"), 951825600);
	assert_int_equal(seconds("Tue, 19 Jan 2038 03:14:08 GMT"), 2147483648);
	assert_int_equal(seconds("Fri, 31 Dec 9999 23:59:59 GMT"), 253402300799);
}

static void test_every_month(void **state)
{
	(void)state;
	for (int year = 1970; year < 2400; year++)
		for (int month = 0; month < 12; month++) {
			struct tm tm = { .tm_year = year - 1900,
					 .tm_mon = month,
					 .tm_mday = 28,
					 .tm_hour = 23,
					 .tm_min = 59,
					 .tm_sec = 58 };
			time_t then = timegm(&tm);
			char text[64];

			for (int day = 0; day < 2; day++, then += 86400) { /* 28th, and 29th or 1st */
				assert_non_null(gmtime_r(&then, &tm));
				assert_true(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
				assert_int_equal(seconds(text), then);
			}
		}
}

static void test_none(void **state)
{
	static const char *const none[] = {
		"",
		"GMT",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GM",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 6  Nov 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1969 08:49:37 GMT",
		"Sun, 06 Nov 19x4 08:49:37 GMT",
		"Sun, 06 Nov 1994 08-49-37 GMT",
		"Sun, 06 Nov 1994 -8:49:37 GMT",
		"Sun, 06 Nov 1994 08:49: 7 GMT",
		"Sun, 06 Foo 1994 08:49:37 GMT",
		"Sun, 32 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun,x06xNovx1994x08:49:37 GMT",
		"Sun; 06 Nov 1994 08:49:37 GMT",
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(none); i++)
		if (seconds(none[i]) != 0)
			fail_msg("%s", none[i]);
}

static void test_of_a_head(void **state)
{
	static const struct th_field fields[] = {
		{ TH_STR_INIT("Content-Type"), TH_STR_INIT("text/plain") },
		{ TH_STR_INIT("date"), TH_STR_INIT("Sun, 06 Nov 1994 08:49:37 GMT") },
	};
	struct th_head head = { .status = 200, .fields = fields, .n_fields = 2 };

	(void)state;
	assert_int_equal(th_date_of(&head), 784111777);
	head.n_fields = 1;
	assert_int_equal(th_date_of(&head), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_every_month),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_of_a_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
