#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "codec/envelope.h"

static const struct th_field request_fields[] = {
	{ TH_STR_INIT("authorization"), TH_STR_INIT("Bearer syt_x") },
	{ TH_STR_INIT("X-Custom"), TH_STR_INIT("a, b\t\xc3\xa9") },
};

static const struct th_head request = {
	.method = TH_STR_INIT("PUT"),
	.target = TH_STR_INIT("/_matrix/client/v3/rooms/%21a:b/send/m.room.message/1?x=&x=+\xff"),
	.body_len = 3,
	.fields = request_fields,
	.n_fields = 2,
};

static const struct th_field response_fields[] = { { TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") } };

static const struct th_head response = {
	.status = 200, .body_len = TH_BODY_UNKNOWN, .fields = response_fields, .n_fields = 1
};

static void assert_heads(const struct th_head *a, const struct th_head *b)
{
	assert_true(th_str_eq(a->method, b->method));
	assert_true(th_str_eq(a->target, b->target));
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->body_len, b->body_len);
	assert_int_equal(a->n_fields, b->n_fields);
	for (size_t i = 0; i < a->n_fields; i++) {
		assert_true(th_str_ieq(a->fields[i].name, b->fields[i].name));
		assert_true(th_str_eq(a->fields[i].value, b->fields[i].value));
	}
}

static size_t write_exact(const struct th_head *h, uint8_t **out)
{
	size_t need = th_envelope_write(h, NULL, 0);

	*out = malloc(need); /* exact, so that the sanitizer sees a byte too far */
	assert_int_equal(th_envelope_write(h, *out, need), need);
	return need;
}

static void test_round_trip(void **state)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head got;
	uint8_t *p;
	size_t n = write_exact(&request, &p);
	size_t len;

	(void)state;
	assert_int_equal(th_envelope_length(p, n, &len), TH_OK);
	assert_int_equal(len, n);
	assert_int_equal(th_envelope_read_request(&got, fields, p, n), TH_OK);
	assert_heads(&got, &request);
	free(p);

	n = write_exact(&response, &p);
	assert_int_equal(th_envelope_read_response(&got, fields, p, n), TH_OK);
	assert_heads(&got, &response);
	free(p);
}

/* The example of docs/protocol.md. */
static void test_documented_bytes(void **state)
{
	static const struct th_head h = { .method = TH_STR_INIT("GET"),
					  .target = TH_STR_INIT("/_matrix/client/versions") };
	uint8_t got[64];
	size_t n = th_envelope_write(&h, got, sizeof(got));

	(void)state;
	assert_int_equal(got[0], 0);
	assert_int_equal(got[1], n - 2);
	assert_int_equal(got[2], 1); /* body length 0, plus 1 */
	assert_int_equal(got[3], 1); /* GET */
	assert_int_equal(got[4], h.target.n);
	assert_memory_equal(got + 5, h.target.p, h.target.n);
	assert_int_equal(got[5 + h.target.n], 0);
	assert_int_equal(n, 6 + h.target.n);
}

static void test_known_names_are_numbers(void **state)
{
	static const struct th_field f = { TH_STR_INIT("AUTHORIZATION"), TH_STR_INIT("") };
	struct th_head h = { .method = TH_STR_INIT("GET"), .target = TH_STR_INIT("/"), .fields = &f, .n_fields = 1 };
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head got;
	uint8_t *p;
	size_t n = write_exact(&h, &p);

	(void)state;
	assert_int_equal(n, 2 + 1 + 1 + 2 + 1 + 2);
	assert_int_equal(th_envelope_read_request(&got, fields, p, n), TH_OK);
	assert_true(th_str_eq(got.fields[0].name, TH_STR("Authorization")));
	free(p);
}

static void test_every_prefix_is_refused(void **state)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	const struct th_head *heads[] = { &request, &response };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t *p;
		size_t n = write_exact(heads[i], &p);

		for (size_t cut = 0; cut < n; cut++) {
			uint8_t *copy = malloc(cut ? cut : 1);
			struct th_head got;
			size_t len;

			memcpy(copy, p, cut);
			assert_int_equal(th_envelope_length(copy, cut, &len), TH_OK);
			assert_true(len == 0 || len == n);
			assert_int_not_equal(th_envelope_read_request(&got, fields, copy, cut), TH_OK);
			assert_int_not_equal(th_envelope_read_response(&got, fields, copy, cut), TH_OK);
			free(copy);
		}
		free(p);
	}
}

static void refuse_request(struct th_head h)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head got;
	uint8_t *p;
	size_t n = write_exact(&h, &p);

	assert_int_equal(th_envelope_read_request(&got, fields, p, n), TH_ERR_MALFORMED);
	free(p);
}

static void test_request_splitting_is_refused(void **state)
{
	static const struct th_str bad_names[] = { TH_STR_INIT(""), TH_STR_INIT("A B"), TH_STR_INIT("A:"),
						   TH_STR_INIT("A\r\nB") };
	static const struct th_str bad_values[] = { TH_STR_INIT("a\r\nb: c"), TH_STR_INIT("a\n"), TH_STR_INIT("\0") };
	static const struct th_str bad_targets[] = { TH_STR_INIT(""), TH_STR_INIT("/a b"), TH_STR_INIT("/a\r\n"),
						     TH_STR_INIT("/\t") };
	static const struct th_str bad_methods[] = { TH_STR_INIT("GE T"), TH_STR_INIT("GET\n"), TH_STR_INIT("G/T"),
						     TH_STR_INIT("") };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct th_field f = { bad_names[i], TH_STR("v") };
		struct th_head h = { .method = TH_STR("GET"), .target = TH_STR("/"), .fields = &f, .n_fields = 1 };

		refuse_request(h);
		refuse_request((struct th_head){ .method = TH_STR("GET"), .target = bad_targets[i] });
		refuse_request((struct th_head){ .method = bad_methods[i], .target = TH_STR("/") });
	}
	for (size_t i = 0; i < 3; i++) {
		struct th_field f = { TH_STR("Accept"), bad_values[i] };

		refuse_request((struct th_head){
			.method = TH_STR("GET"), .target = TH_STR("/"), .fields = &f, .n_fields = 1 });
	}
}

static void test_lengths(void **state)
{
	static const uint8_t unknown_coding[] = { 7, 1, 0 };
	static const uint8_t too_long[] = { 0, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t not_shortest[] = { 0, 0x81, 0x00 };
	size_t len;

	(void)state;
	assert_int_equal(th_envelope_length(unknown_coding, 3, &len), TH_ERR_UNSUPPORTED);
	assert_int_equal(th_envelope_length(too_long, 5, &len), TH_ERR_TOO_LARGE);
	assert_int_not_equal(th_envelope_length(not_shortest, 3, &len), TH_OK);
	for (size_t n = 0; n < 2; n++) {
		assert_int_equal(th_envelope_length(too_long, n, &len), TH_OK);
		assert_int_equal(len, 0);
	}
}

static void test_statuses(void **state)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];

	(void)state;
	for (unsigned status = 1; status < 700; status++) {
		struct th_head h = { .status = (uint16_t)status };
		struct th_head got;
		uint8_t p[16];
		size_t n = th_envelope_write(&h, p, sizeof(p));
		bool good = th_envelope_read_response(&got, fields, p, n) == TH_OK;

		assert_int_equal(good, status >= 200 && status <= 599);
	}
}

static void test_random_bytes(void **state)
{
	uint64_t seed = 20261123;
	struct th_rng rng = th_rng_seeded(&seed);
	struct th_field fields[TH_HEAD_FIELDS_MAX];

	(void)state;
	print_message("seed=%llu\n", (unsigned long long)seed);
	for (int i = 0; i < 200000; i++) {
		size_t n = th_rng_below(&rng, 40);
		uint8_t *p = malloc(n ? n : 1);
		struct th_head got;
		size_t len;

		rng.fill(rng.ctx, p, n);
		if (n > 1) {
			p[0] = 0;
			p[1] = (uint8_t)(n - 2);
		}
		(void)th_envelope_length(p, n, &len);
		(void)th_envelope_read_request(&got, fields, p, n);
		(void)th_envelope_read_response(&got, fields, p, n);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_documented_bytes),
		cmocka_unit_test(test_known_names_are_numbers),
		cmocka_unit_test(test_every_prefix_is_refused),
		cmocka_unit_test(test_request_splitting_is_refused),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
