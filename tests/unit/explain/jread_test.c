#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "explain/jread.h"
#include "explain/recording.h"
#include "guard.h"

static struct th_arena arena;

static struct th_str string_of(const char *json, const char **why)
{
	struct th_jread r = th_jread_of(th_str_of(json), &arena);
	struct th_str s = th_jread_string(&r);

	th_jread_end(&r);
	*why = r.why;
	return s;
}

static void test_strings(void **state)
{
	static const struct {
		const char *json, *want; /* NULL: refused */
	} cases[] = {
		{ "\"\"", "" },
		{ " \"a\\\"\\\\\\/\\b\\f\\n\\r\\t\" ", "a\"\\/\b\f\n\r\t" },
		{ "\"\\u00e4\\u4e2d\\ud83d\\ude00\"", "\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80" },
		{ "\"\\ud83dx\"", "\xef\xbf\xbdx" },
		{ "\"\\ude00\"", "\xef\xbf\xbd" },
		{ "\"\\ud83d\\u0041\"", "\xef\xbf\xbd" },
		{ "\"\\u12\"", NULL },
		{ "\"\\u12g4\"", NULL },
		{ "\"\\x\"", NULL },
		{ "\"\\", NULL },
		{ "\"a", NULL },
		{ "\"a\\\"", NULL },
		{ "\"\n\"", NULL },
		{ "a", NULL },
		{ "", NULL },
		{ "\"a\" b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why;
		struct th_str s = string_of(cases[i].json, &why);

		assert_int_equal(!why, cases[i].want != NULL);
		if (cases[i].want)
			assert_true(th_str_eq(s, th_str_of(cases[i].want)));
	}
}

static void test_numbers(void **state)
{
	static const char *const wrong[] = { "", "x", "1x", "--1", "1e999", "-", "\"1\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct th_jread r = th_jread_of(th_str_of(wrong[i]), &arena);

		(void)th_jread_number(&r);
		th_jread_end(&r);
		assert_non_null(r.why);
	}
	for (int i = -3; i < 4; i++) {
		char text[20];
		struct th_jread r;

		snprintf(text, sizeof(text), " %d.5e1 ", i);
		r = th_jread_of(th_str_of(text), &arena);
		assert_true(th_jread_number(&r) == (i < 0 ? i * 10 - 5 : i * 10 + 5));
		th_jread_end(&r);
		assert_null(r.why);
	}
}

static const char line[] = "{\"t\": 2.5, \"dur\": 1, \"method\": \"PUT\", \"target\": \"/a\\u00e4\", \"status\": 200, "
			   "\"other\": [1, {\"a\": null}],"
			   "\"req_headers\": [[\"A\", \" b \"], [\"C\", \"\"]], \"resp_headers\": [], \"req_body\": "
			   "\"aGk=\", \"resp_body\": \"\"}";

static void test_a_line(void **state)
{
	struct th_recorded r;
	char why[TH_RECORDING_WHY];

	(void)state;
	assert_int_equal(th_recording_read(&r, th_str_of(line), &arena, why), TH_OK);
	assert_true(r.start == 2.5 && r.end == 3.5 && r.status == 200);
	assert_true(th_str_eq(r.method, TH_STR("PUT")) && th_str_eq(r.target, TH_STR("/a\xe4")));
	assert_int_equal(r.n_request_fields, 2);
	assert_true(th_str_eq(r.request_fields[0].value, TH_STR("b")));
	assert_true(th_str_eq(r.request_body, TH_STR("hi")) && r.response_body.n == 0 && r.n_response_fields == 0);
}

/* Every beginning of a line and every changed byte is read or refused with a reason, and never read past its end. */
static void test_broken_lines(void **state)
{
	struct guard g = guard_new(sizeof(line));
	uint64_t seed = 5;
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	for (size_t i = 0; i < 2000 + sizeof(line); i++) {
		struct th_arena a;
		char copy[sizeof(line)], why[TH_RECORDING_WHY] = "";
		size_t n = i < sizeof(line) - 1 ? i : sizeof(line) - 1;
		struct th_recorded r;

		memcpy(copy, line, sizeof(line));
		if (i >= sizeof(line))
			copy[th_rng_below(&rng, sizeof(line) - 1)] = "\"\\{}[],: x\x01\xff"[th_rng_below(&rng, 12)];
		th_arena_init(&a, &th_mem_libc, 1 << 20);
		if (th_recording_read(&r, (struct th_str){ (const char *)guard_put(&g, copy, n), n }, &a, why) != TH_OK)
			assert_true(strlen(why) > 5);
		th_arena_free(&a);
	}
	guard_del(&g);
}

static void test_no_memory(void **state)
{
	struct th_arena small;
	struct th_recorded r;
	char why[TH_RECORDING_WHY];
	enum th_err err = TH_ERR_NO_MEMORY;

	(void)state;
	for (size_t max = 0; err != TH_OK; max += 8) {
		assert_true(max < 1 << 16);
		th_arena_init(&small, &th_mem_libc, max);
		err = th_recording_read(&r, th_str_of(line), &small, why);
		assert_true(err == TH_OK || err == TH_ERR_NO_MEMORY);
		th_arena_free(&small);
	}
}

static int setup(void **state)
{
	(void)state;
	th_arena_init(&arena, &th_mem_libc, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	th_arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),	     cmocka_unit_test(test_numbers),   cmocka_unit_test(test_a_line),
		cmocka_unit_test(test_broken_lines), cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
