#include <setjmp.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "codec/secret.h"

static size_t mask(const char *text, size_t n, char *out)
{
	uint8_t *in = malloc(n ? n : 1), *to = malloc(n ? n : 1);
	size_t m;

	memcpy(in, text, n);
	m = th_secret_mask(in, n, to, n);
	assert_true(m <= n);
	memcpy(out, to, m);
	for (size_t cap = 0; cap < m; cap++) { /* less room: the same as far as that goes */
		uint8_t *less = malloc(cap ? cap : 1);

		assert_int_equal(th_secret_mask(in, n, less, cap), cap);
		assert_memory_equal(less, out, cap);
		free(less);
	}
	free(in);
	free(to);
	return m;
}

static void masks_to(const char *text, const char *expected)
{
	char got[1000];
	size_t n = mask(text, strlen(text), got);

	assert_int_equal(n, strlen(expected));
	assert_memory_equal(got, expected, n);
}

static void test_heads(void **state)
{
	(void)state;
	masks_to("GET /x\nAuthorization: Bearer abc\nA: b\n\n{}", "GET /x\nAuthorization: \nA: b\n\n{}");
	masks_to("GET /x\nauthorization: Basic abc\n\n", "GET /x\nauthorization: \n\n");
	masks_to("\x01sync\n\x14"
		 "abc\n\x06\n",
		 "\x01sync\n\x14\n\x06\n");
	masks_to("#0 \x01sync\n\x13\n", "#0 \x01sync\n\x13\n");
	masks_to("PUT /x\nAuthorization: X-Matrix origin=a,sig=b\n\n",
		 "PUT /x\nAuthorization: X-Matrix origin=a,sig=b\n\n");
	masks_to("PUT /x\n\x15\"a\",sig=\"b\"\n\n", "PUT /x\n\x15\"a\",sig=\"b\"\n\n");
	masks_to("200\nSet-Cookie: a=b\n\x06\n{}", "200\nSet-Cookie: \n\x06\n{}");
	masks_to("GET /x\nCOOKIE: a=b\n:\n\n", "GET /x\nCOOKIE: \n:\n\n");
}

static void test_queries(void **state)
{
	(void)state;
	masks_to("GET /x?access_token=abc&a=b\n\n", "GET /x?access_token=&a=b\n\n");
	masks_to("GET /x?a=b&access_token=abc\n\n", "GET /x?a=b&access_token=\n\n");
	masks_to("GET /x?loginToken=abc\n\n", "GET /x?loginToken=\n\n");
	masks_to("GET /x?access_tokens=abc\n\n", "GET /x?access_tokens=abc\n\n");
}

static void test_bodies(void **state)
{
	(void)state;
	masks_to("200\n\n{\"user_id\":\"@a:b\",\"access_token\":\"syt_1\",\"x\":1}",
		 "200\n\n{\"user_id\":\"@a:b\",\"access_token\":\"\",\"x\":1}");
	masks_to("P /\n\n{\"password\" : \"a\\\"b\\\\\" }", "P /\n\n{\"password\" : \"\" }");
	masks_to("P /\n\n{\"pass\\u0077ord\":\"abc\"}", "P /\n\n{\"pass\\u0077ord\":\"\"}");
	masks_to("P /\n\n{\"auth\":{\"type\":\"m.login.password\",\"password\":\"abc\"}}",
		 "P /\n\n{\"auth\":{\"type\":\"m.login.password\",\"password\":\"\"}}");
	masks_to("P /\n\n{\"body\":\"my password: abc\"}", "P /\n\n{\"body\":\"my password: abc\"}");
	masks_to("P /\n\n{\"password\":\"unended", "P /\n\n{\"password\":\"");
	masks_to("P /\n\n{\"password\":1}", "P /\n\n{\"password\":1}");
	masks_to("P /\n\n[\"password\",\"abc\"]", "P /\n\n[\"password\",\"abc\"]");
}

static void test_every_key_in_every_place(void **state)
{
	(void)state;
	for (const char *const *key = th_secret_keys; *key; key++) {
		char text[300], got[300];
		int n = snprintf(text, sizeof(text),
				 "POST /x?%s=SECRET&%s=SECRET\n\n{\"%s\":\"SECRET\",\"a\":{\"%s\": \"SECRET\"}}", *key,
				 *key, *key, *key);
		size_t m = mask(text, (size_t)n, got);

		assert_int_equal(m, (size_t)n - 24);
		assert_null(memmem(got, m, "SECRET", 6));
	}
}

/* Any bytes: no more come out than went in, and masking what is masked changes nothing. */
static void test_random_bytes(void **state)
{
	static const char *const pieces[] = {
		"\"password\":",   "\"",   "\\",   "{",	   "}", "\n", "?", "access_token=", "&", "a",
		"Authorization: ", "\x14", "\x04", "\\u00"
	};
	uint64_t seed = 20261128;
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	print_message("seed=%llu\n", (unsigned long long)seed);
	for (int i = 0; i < 200000; i++) {
		char text[400], once[400], twice[400];
		size_t n = 0, m;

		for (size_t k = th_rng_below(&rng, 20); k > 0; k--) {
			const char *piece = pieces[th_rng_below(&rng, sizeof(pieces) / sizeof(pieces[0]))];

			memcpy(text + n, piece, strlen(piece));
			n += strlen(piece);
		}
		m = mask(text, n, once);
		assert_int_equal(mask(once, m, twice), m);
		assert_memory_equal(once, twice, m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),	     cmocka_unit_test(test_queries),
		cmocka_unit_test(test_bodies),	     cmocka_unit_test(test_every_key_in_every_place),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
