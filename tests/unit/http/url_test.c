#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "http/url.h"

static void urls_are_taken_apart(void **state)
{
	static const struct {
		const char *in;
		bool tls, numeric;
		const char *host, *authority, *where, *base;
	} good[] = {
		{ "http://localhost", false, false, "localhost", "localhost", "localhost:80", "" },
		{ "HTTPS://Example.org/", true, false, "Example.org", "Example.org", "Example.org:443", "" },
		{ "http://a:80/", false, false, "a", "a", "a:80", "" },
		{ "https://a:80", true, false, "a", "a:80", "a:80", "" },
		{ "http://127.0.0.1:8008", false, true, "127.0.0.1", "127.0.0.1:8008", "127.0.0.1:8008", "" },
		{ "http://[::1]:8008/x/y//", false, true, "::1", "[::1]:8008", "[::1]:8008", "/x/y" },
		{ "https://[2001:db8::1]", true, true, "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443", "" },
		{ "http://[fe80::1%3]:1", false, true, "fe80::1%3", "[fe80::1]:1", "[fe80::1]:1", "" },
		{ "http://a_b-c.d:65535/%2F\xc3\xa9", false, false, "a_b-c.d", "a_b-c.d:65535", "a_b-c.d:65535",
		  "/%2F\xc3\xa9" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct th_url u;

		assert_int_equal(th_url_parse(&u, good[i].in), TH_OK);
		assert_int_equal(u.tls, good[i].tls);
		assert_int_equal(u.numeric, good[i].numeric);
		assert_string_equal(u.host, good[i].host);
		assert_string_equal(u.authority, good[i].authority);
		assert_string_equal(u.where, good[i].where);
		assert_string_equal(u.base, good[i].base);
	}
}

static void others_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"localhost",
		"ftp://a",
		"http:/a",
		"http://",
		"http:///x",
		"http://a:",
		"http://a:0",
		"http://a:65536",
		"http://a:080000",
		"http://a:8x",
		"http://u@a",
		"http://u:p@a",
		"http://a?x",
		"http://a/?x",
		"http://a/#x",
		"http://a/b c",
		"http://a/\r\nX: y",
		"http://a\r\n",
		"http://[::1",
		"http://[::1]x",
		"http://[a]",
		"http://[]",
		"http://::1",
		"http://a b",
		"http://\xc3\xa9",
		"http://[127.0.0.1",
		"https//a",
		"http://a/\x7f",
	};
	struct th_url u = { .port = 7 };
	char longest[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(th_url_parse(&u, bad[i]), TH_ERR_INVALID);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "http://", 7);
	longest[7 + TH_URL_HOST_MAX + 1] = '\0';
	assert_int_equal(th_url_parse(&u, longest), TH_ERR_INVALID);
	longest[7 + TH_URL_HOST_MAX] = '\0';
	longest[7 + 1] = '/';
	assert_int_equal(th_url_parse(&u, longest), TH_OK);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "http://a/", 9);
	longest[8 + TH_URL_BASE_MAX + 1] = '\0';
	assert_int_equal(th_url_parse(&u, longest), TH_ERR_INVALID);
	longest[8 + TH_URL_BASE_MAX] = '\0';
	assert_int_equal(th_url_parse(&u, longest), TH_OK);
	assert_int_equal(strlen(u.base), TH_URL_BASE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_taken_apart),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
