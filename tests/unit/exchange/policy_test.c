#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exchange/fields.h"
#include "exchange/policy.h"

struct row {
	const char *name, *value;
	bool crosses;
};

static void check(const struct row *rows, size_t n, uint16_t status, bool pass_unknown)
{
	struct th_policy policy = { .pass_unknown = pass_unknown };

	for (size_t i = 0; i < n; i++) {
		struct th_field in = { th_str_of(rows[i].name), th_str_of(rows[i].value) };
		struct th_head h = { .status = status, .fields = &in, .n_fields = 1 };
		struct th_field out;
		size_t got = th_policy_filter(&policy, &h, &out);

		if (got != rows[i].crosses)
			fail_msg("%s: %s", rows[i].name, rows[i].value);
		if (got)
			assert_true(th_str_eq(out.value, in.value));
	}
}

static void test_requests(void **state)
{
	static const struct row rows[] = {
		{ "Authorization", "Bearer x", true },
		{ "AUTHORIZATION", "X-Matrix origin=\"a\",key=\"b\",sig=\"c\"", true },
		{ "Content-Type", "text/plain; charset=\"utf-8\"", true },
		{ "If-None-Match", "\"1\"", true },
		{ "Range", "bytes=0-99", true },
		{ "Origin", "http://127.0.0.1:8190", true },
		{ "Access-Control-Request-Headers", "authorization,content-type", true },
		{ "Cookie", "a=b", true },
		{ "Accept", "*/*", false },
		{ "Accept", "application/json", false },
		{ "Accept", "image/avif", true },
		{ "Accept-Language", "*", false },
		{ "Accept-Language", "de", true },
		{ "Accept-Encoding", "gzip", false },
		{ "User-Agent", "Element", false },
		{ "Host", "matrix.example", false },
		{ "Referer", "http://x/", false },
		{ "sec-ch-ua", "x", false },
		{ "Connection", "keep-alive", false },
		{ "Proxy-Authorization", "Basic x", false },
		{ "TE", "trailers", false },
		{ "Transfer-Encoding", "chunked", false },
		{ "X-Forwarded-For", "10.0.0.1", false },
		{ "X-Own", "1", false },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]), 0, false);
}

static void test_responses(void **state)
{
	static const struct row rows[] = {
		{ "Content-Disposition", "inline; filename*=utf-8''a%20b.txt", true },
		{ "Location", "/_matrix/static", true },
		{ "ETag", "1", true },
		{ "Last-Modified", "Mon, 23 Nov 2026 09:05:26 GMT", true },
		{ "Cache-Control", "no-cache, no-store, must-revalidate", true },
		{ "Retry-After", "3", true },
		{ "WWW-Authenticate", "Bearer", true },
		{ "Content-Range", "bytes 0-99/200", true },
		{ "Access-Control-Allow-Origin", "*", true },
		{ "Content-Security-Policy", "sandbox;", true },
		{ "Cross-Origin-Resource-Policy", "cross-origin", true },
		{ "Set-Cookie", "a=b", true },
		{ "Content-Encoding", "gzip", true },
		{ "Date", "Mon, 23 Nov 2026 09:05:26 GMT", false },
		{ "Server", "Synapse/1.163.2", false },
		{ "Keep-Alive", "timeout=5", false },
		{ "Alt-Svc", "h3=\":443\"", false },
		{ "Synapse-Trace-Id", "1", false },
	};

	(void)state;
	check(rows, sizeof(rows) / sizeof(rows[0]), 200, false);
}

static void test_unknown_by_option(void **state)
{
	static const struct row rows[] = { { "X-Own", "1", true },
					   { "Synapse-Trace-Id", "1", true },
					   { "Date", "x", false },
					   { "Upgrade", "x", false } };

	(void)state;
	check(rows, 4, 0, true);
	check(rows, 4, 200, true);
}

static void test_repeated_fields_keep_their_order(void **state)
{
	static const struct th_field in[] = {
		{ TH_STR_INIT("Set-Cookie"), TH_STR_INIT("a=1") },
		{ TH_STR_INIT("Date"), TH_STR_INIT("x") },
		{ TH_STR_INIT("set-cookie"), TH_STR_INIT("b=2") },
	};
	struct th_head h = { .status = 200, .fields = in, .n_fields = 3 };
	struct th_policy policy = { 0 };
	struct th_field out[3];

	(void)state;
	assert_int_equal(th_policy_filter(&policy, &h, out), 2);
	assert_true(th_str_eq(out[0].value, TH_STR("a=1")));
	assert_true(th_str_eq(out[1].value, TH_STR("b=2")));
}

/* Wire numbers are a promise: names may be appended, never moved. */
static void test_numbers_are_unique_and_stable(void **state)
{
	(void)state;
	assert_int_equal(th_fields_find(TH_STR("Authorization")), 1);
	assert_int_equal(th_fields_find(TH_STR("Content-Type")), 2);
	assert_int_equal(th_fields_find(TH_STR("Retry-After")), 26);
	assert_int_equal(th_fields_find(TH_STR("Accept-Language")), 58);
	assert_int_equal(th_fields_find(TH_STR("")), 0);
	for (size_t i = 1; i < th_fields_count; i++)
		assert_int_equal(th_fields_find(th_fields[i].name), i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_unknown_by_option),
		cmocka_unit_test(test_repeated_fields_keep_their_order),
		cmocka_unit_test(test_numbers_are_unique_and_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
