#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include "link/sockaddr.h"

static void numeric_text_is_parsed(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1:7" },
		{ "0.0.0.0", "0.0.0.0:7" },
		{ "::1", "[::1]:7" },
		{ "[::1]", "[::1]:7" },
		{ "::", "[::]:7" },
		{ "2001:db8::1", "[2001:db8::1]:7" },
		{ "::ffff:192.0.2.1", "192.0.2.1:7" },
		{ "fe80::1%3", "[fe80::1%3]:7" },
		{ "[fe80::1%3]", "[fe80::1%3]:7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[TH_ADDR_TEXT];
		struct th_addr a;

		assert_true(th_addr_parse(&a, cases[i].in, 7));
		assert_string_equal(th_addr_text(&a, text), cases[i].out);
	}
}

static void everything_else_is_not(void **state)
{
	static const char *const cases[] = { "",	   "localhost",	 "127.1",      "127.0.0.01",
					     "1.2.3.4.5",  "[127.0.0.1", "[::1",       "::1]",
					     "[]",	   "[",		 "]",	       "::1%",
					     "fe80::1%zz", "fe80::1%-1", "fe80::1%3x", "fe80::1%4294967296",
					     "1.2.3.4 ",   " ::1",	 "1.2.3.4%1",  ":::",
					     "12345::" };
	char longest[400];
	struct th_addr a = { .port = 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(th_addr_parse(&a, cases[i], 7));
	memset(longest, '1', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_false(th_addr_parse(&a, longest, 7));
	assert_int_equal(a.port, 9); /* untouched */
}

static void a_zone_name_is_its_index(void **state)
{
	struct th_addr a;

	(void)state;
	if (!if_nametoindex("lo"))
		skip();
	assert_true(th_addr_parse(&a, "fe80::1%lo", 7));
	assert_int_equal(a.scope, if_nametoindex("lo"));
}

static void round_trips_through_the_system(void **state)
{
	static const struct {
		const char *host;
		int family;
		socklen_t len;
	} cases[] = {
		{ "192.0.2.1", AF_INET, sizeof(struct sockaddr_in) },
		{ "192.0.2.1", AF_INET6, sizeof(struct sockaddr_in6) },
		{ "2001:db8::1", AF_INET6, sizeof(struct sockaddr_in6) },
		{ "fe80::1%3", AF_INET6, sizeof(struct sockaddr_in6) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_storage sa;
		struct th_addr a, b;

		assert_true(th_addr_parse(&a, cases[i].host, 5683));
		assert_int_equal(th_sockaddr_of(&sa, &a, cases[i].family), cases[i].len);
		assert_int_equal(sa.ss_family, cases[i].family);
		assert_true(th_sockaddr_read(&b, &sa));
		assert_true(th_addr_eq(&a, &b));
	}
}

static void families_that_cannot_hold_it(void **state)
{
	struct sockaddr_storage sa = { .ss_family = AF_UNIX };
	struct th_addr a;

	(void)state;
	assert_false(th_sockaddr_read(&a, &sa));
	assert_true(th_addr_parse(&a, "::1", 1));
	assert_int_equal(th_sockaddr_of(&sa, &a, AF_INET), 0);
	assert_int_equal(th_sockaddr_of(&sa, &a, AF_UNIX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numeric_text_is_parsed),	cmocka_unit_test(everything_else_is_not),
		cmocka_unit_test(a_zone_name_is_its_index),	cmocka_unit_test(round_trips_through_the_system),
		cmocka_unit_test(families_that_cannot_hold_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
