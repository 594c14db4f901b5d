#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "codec/model.h"
#include "codec/tables.h"

static struct th_model *model;
static const struct th_model_about of_request = { false, 0, -1 };

static int setup(void **state)
{
	(void)state;
	model = th_model_new(&th_mem_libc, th_tables_builtin, (size_t)(th_tables_builtin_end - th_tables_builtin));
	return model ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	th_model_free(model);
	return 0;
}

/* Codes and decodes in blocks of exactly the sizes needed; returns the code's length. */
static size_t round_trip(const struct th_view *view, const struct th_model_about *about, const void *text, size_t n)
{
	size_t need, again, got;
	uint8_t *code, *back = malloc(n ? n : 1);

	(void)th_model_encode(model, view, about, text, n, NULL, 0, &need);
	code = malloc(need ? need : 1);
	assert_int_equal(th_model_encode(model, view, about, text, n, code, need, &again), TH_OK);
	assert_true(again <= need);
	assert_int_equal(th_model_decode(model, view, about, code, again, back, n, &got), TH_OK);
	assert_int_equal(got, n);
	assert_memory_equal(back, text, n);
	if (n > 0)
		assert_int_equal(th_model_decode(model, view, about, code, again, back, n - 1, &got), TH_ERR_TOO_LARGE);
	free(code);
	free(back);
	return again;
}

#define REQUEST(lit) round_trip(NULL, &of_request, lit, sizeof(lit) - 1)

static void test_round_trips(void **state)
{
	(void)state;
	assert_true(REQUEST("") < 8);
	assert_true(REQUEST("GET /_matrix/client/versions\n\n") < 8);
	REQUEST("\0");
	REQUEST("\0\0\0\0a\0");
	REQUEST("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{\"b\":1}");
	REQUEST("\\u00e4\\u\\\\\\ud83d\xf0\x9f\x98\x80\xff\xc3");
}

/* Zeros behind the code are padding; anything else is refused. */
static void test_padding(void **state)
{
	static const char text[] = "GET /_matrix/client/v3/sync?since=s72594_4483_1934\nAuthorization: #\n\n";
	uint8_t code[128] = { 0 }, back[sizeof(text)];
	size_t n, got;

	(void)state;
	assert_int_equal(th_model_encode(model, NULL, &of_request, (const uint8_t *)text, sizeof(text) - 1, code,
					 sizeof(code) - 64, &n),
			 TH_OK);
	for (size_t more = 0; more <= 64; more++) {
		assert_int_equal(th_model_decode(model, NULL, &of_request, code, n + more, back, sizeof(back), &got), TH_OK);
		assert_int_equal(got, sizeof(text) - 1);
		assert_memory_equal(back, text, got);
	}
	code[n + 20] = 1;
	assert_int_equal(th_model_decode(model, NULL, &of_request, code, n + 64, back, sizeof(back), &got), TH_ERR_MALFORMED);
}

static void test_random_bytes(void **state)
{
	uint64_t seed = 20261128;
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	print_message("seed=%llu\n", (unsigned long long)seed);
	for (int i = 0; i < 60; i++) {
		uint8_t text[600];
		size_t n = th_rng_below(&rng, sizeof(text));

		rng.fill(rng.ctx, text, n);
		if (i % 2)
			for (size_t k = 0; k < n; k++)
				text[k] = (uint8_t) "{}[]\":,\\u\n /%#$!0"[text[k] % 18];
		round_trip(NULL, &of_request, text, n);
	}
}

static const char event[] = "200\n\x04\n{\"event_id\":\"$lebEJABvaqLF7hQCn4CM-DaMRE3BV76kphSP_MWW40U\"}";
static const char receipt[] = "#0 "
			      "\x1c!miskWrNDugTBbDEL8vgVdV3I1a4IDrsaaCOTtpyHAaI/receipt/m.read/"
			      "$lebEJABvaqLF7hQCn4CM-DaMRE3BV76kphSP_MWW40U\n\x13\x06\n{}";

static struct th_view *view_of(const char *const *texts)
{
	static struct th_view v;

	v.n = 0;
	for (; *texts; texts++)
		v.texts[v.n++] = (struct th_view_text){ (const uint8_t *)*texts, strlen(*texts), of_request, NULL, 0 };
	return &v;
}

static void test_history_makes_it_shorter(void **state)
{
	const char *texts[] = {
		"#0 \x02!miskWrNDugTBbDEL8vgVdV3I1a4IDrsaaCOTtpyHAaI/send/m.room.message/1\n\x13\x06\n{}", event, NULL
	};
	size_t cold = round_trip(NULL, &of_request, receipt, sizeof(receipt) - 1);
	size_t warm = round_trip(view_of(texts), &of_request, receipt, sizeof(receipt) - 1);

	(void)state;
	print_message("receipt: %zu bytes, with history %zu\n", cold, warm);
	assert_true(cold > 60);
	assert_true(warm <= 12);
}

/* A random event ID of 43 characters is 258 bits. */
static void test_random_identifiers_cost_their_entropy(void **state)
{
	const struct th_model_about about = { .is_response = true, .account = -1 };
	size_t n = round_trip(NULL, &about, event, sizeof(event) - 1);

	(void)state;
	print_message("event ID: %zu bytes\n", n);
	assert_true(n <= 37);
}

/* What was coded before leaves no trace: the same message gives the same bytes. */
static void test_scratch_is_undone(void **state)
{
	static uint8_t big[50000];
	uint8_t first[300], second[300];
	size_t a, b, need;

	(void)state;
	assert_int_equal(th_model_encode(model, NULL, &of_request, (const uint8_t *)receipt, sizeof(receipt), first,
					 sizeof(first), &a),
			 TH_OK);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * i >> 7);
	(void)th_model_encode(model, NULL, &of_request, big, sizeof(big), NULL, 0, &need);
	assert_int_equal(th_model_encode(model, NULL, &of_request, (const uint8_t *)receipt, sizeof(receipt), second,
					 sizeof(second), &b),
			 TH_OK);
	assert_int_equal(a, b);
	assert_memory_equal(first, second, a);
}

static void test_limits(void **state)
{
	static uint8_t text[TH_MODEL_TEXT_MAX + 1];
	static struct th_view v;
	size_t need;

	(void)state;
	assert_int_equal(th_model_encode(model, NULL, &of_request, text, sizeof(text), NULL, 0, &need),
			 TH_ERR_TOO_LARGE);
	v.n = 2;
	v.texts[0] = v.texts[1] = (struct th_view_text){ text, TH_MODEL_VIEW_MAX / 2, of_request, NULL, 0 };
	assert_int_equal(th_model_encode(model, &v, &of_request, text, 1, NULL, 0, &need), TH_ERR_TOO_LARGE);
	v.n = 1;
	v.texts[0].n = TH_MODEL_VIEW_MAX - 1;
	memset(text, 'a', sizeof(text));
	round_trip(&v, &of_request, text, 60000);
	v.n = TH_MODEL_VIEW_TEXTS + 1;
	assert_int_equal(th_model_encode(model, &v, &of_request, text, 1, NULL, 0, &need), TH_ERR_TOO_LARGE);
}

static void test_hostile_codes(void **state)
{
	uint64_t seed = 4;
	struct th_rng rng = th_rng_seeded(&seed);
	uint8_t *out = malloc(3000);

	(void)state;
	for (int i = 0; i < 300; i++) {
		size_t n = th_rng_below(&rng, 60), got;
		uint8_t *code = malloc(n ? n : 1);
		enum th_err err;

		rng.fill(rng.ctx, code, n);
		err = th_model_decode(model, NULL, &of_request, code, n, out, 3000, &got);
		assert_true(err == TH_OK || err == TH_ERR_MALFORMED || err == TH_ERR_TOO_LARGE);
		free(code);
	}
	free(out);
}

static void sum_cost(void *ctx, size_t at, uint8_t byte, uint32_t cost)
{
	uint64_t *sum = ctx;

	(void)at;
	(void)byte;
	*sum += cost;
}

static void test_costs_add_up(void **state)
{
	uint64_t sum = 0;
	size_t n;

	(void)state;
	th_model_watch(model, sum_cost, &sum);
	(void)th_model_encode(model, NULL, &of_request, (const uint8_t *)receipt, sizeof(receipt) - 1, NULL, 0, &n);
	th_model_watch(model, NULL, NULL);
	assert_in_range(n, sum / 65536 / 8, sum / 65536 / 8 + 2);
}

static void test_tables_are_checked(void **state)
{
	size_t n = (size_t)(th_tables_builtin_end - th_tables_builtin);
	uint8_t *copy = aligned_alloc(64, (n + 63) / 64 * 64);
	struct th_tables t;

	(void)state;
	memcpy(copy, th_tables_builtin, n);
	assert_int_equal(th_tables_read(&t, copy, n), TH_OK);
	assert_int_equal(t.id, th_model_id(model));
	assert_int_equal(th_tables_read(&t, copy, n - 1), TH_ERR_MALFORMED);
	assert_int_equal(th_tables_read(&t, copy, 10), TH_ERR_MALFORMED);
	copy[6]++;
	assert_int_equal(th_tables_read(&t, copy, n), TH_ERR_UNSUPPORTED);
	copy[0]++;
	assert_int_equal(th_tables_read(&t, copy, n), TH_ERR_MALFORMED);
	free(copy);
}

static void *no_memory(void *ctx, size_t n)
{
	(void)ctx;
	(void)n;
	return NULL;
}

static void test_no_memory(void **state)
{
	struct th_mem mem = th_mem_libc;

	(void)state;
	mem.alloc = no_memory;
	assert_null(th_model_new(&mem, th_tables_builtin, (size_t)(th_tables_builtin_end - th_tables_builtin)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_history_makes_it_shorter),
		cmocka_unit_test(test_random_identifiers_cost_their_entropy),
		cmocka_unit_test(test_scratch_is_undone),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_hostile_codes),
		cmocka_unit_test(test_costs_add_up),
		cmocka_unit_test(test_tables_are_checked),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
