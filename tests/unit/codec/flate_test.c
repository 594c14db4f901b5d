#include "unit.h"

#include <zlib.h>

#include "codec/envelope.h"
#include "codec/flate.h"
#include "failmem.h"
#include "guard.h"

enum { CAP = 256 * 1024 };

static struct th_flate *flate;
static struct th_flate_message got;
static uint8_t coded[CAP], body_out[TH_FLATE_BODY_MAX];
static const struct th_flate_history none;

static const struct th_field request_fields[] = {
	{ TH_STR_INIT("Authorization"), TH_STR_INIT("Bearer syt_YWxpY2U_abcdefghijklmnop_0aBcDe") },
	{ TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") },
	{ TH_STR_INIT("X-Custom"), TH_STR_INIT("a, b\t\xc3\xa9 \xff") },
};

static const struct th_head send_head = {
	.method = TH_STR_INIT("PUT"),
	.target = TH_STR_INIT("/_matrix/client/v3/rooms/!abc%3Ahs.example/send/m.room.message/m1763?x=%21"),
	.body_len = 51,
	.fields = request_fields,
	.n_fields = 3,
};
static const struct th_str send_body =
	TH_STR_INIT("{\"msgtype\":\"m.text\",\"body\":\"Gr\\u00fc\xc3\x9f Gott, 1.10\"}");

static const struct th_field response_fields[] = {
	{ TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") },
	{ TH_STR_INIT("Cache-Control"), TH_STR_INIT("no-cache, no-store, must-revalidate") },
	{ TH_STR_INIT("Access-Control-Allow-Origin"), TH_STR_INIT("*") },
	{ TH_STR_INIT("Access-Control-Allow-Methods"), TH_STR_INIT("GET, HEAD, POST, PUT, DELETE, OPTIONS") },
	{ TH_STR_INIT("Access-Control-Allow-Headers"),
	  TH_STR_INIT("X-Requested-With, Content-Type, Authorization, Date") },
	{ TH_STR_INIT("Access-Control-Expose-Headers"), TH_STR_INIT("Synapse-Trace-Id, Server") },
};
static const struct th_head answer_head = { .status = 200, .body_len = 62, .fields = response_fields, .n_fields = 6 };
static const struct th_str answer_body =
	TH_STR_INIT("{\"event_id\":\"$F0n7cX2mE4pLrQ9sT1uVwXyZabcdefghij-_klmnopQ\"}\r\n ");

static void assert_same(const struct th_head *a, const struct th_head *b)
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

static size_t round_trip(unsigned coding, const struct th_head *head, struct th_str body,
			 struct th_flate_history history)
{
	size_t n = th_flate_encode(flate, coding, head, body, history, coded, sizeof(coded));

	if (n == 0)
		return 0;
	assert_int_equal(coded[0], coding);
	assert_int_equal(th_flate_decode(flate, coded, n, head->status != 0, history, &got, body_out, sizeof(body_out)),
			 TH_OK);
	assert_same(&got.head, head);
	assert_true(th_str_eq(got.body, body));
	assert_false(got.body_outside);
	return n;
}

static void test_round_trip(void **state)
{
	struct th_head unknown = send_head;

	(void)state;
	assert_int_equal(send_body.n, send_head.body_len);
	assert_int_equal(answer_body.n, answer_head.body_len);
	for (unsigned coding = TH_CODING_FLATE; coding <= TH_CODING_FLATE_BARE; coding += 2) {
		assert_true(round_trip(coding, &send_head, send_body, none) > 0);
		assert_true(round_trip(coding, &answer_head, answer_body, none) > 0);
		unknown.body_len = TH_BODY_UNKNOWN;
		assert_true(round_trip(coding, &unknown, send_body, none) > 0);
	}
}

/* An answer to a send: head and event ID. 32 random bytes and little more. */
static void test_an_event_id_costs_its_bytes(void **state)
{
	struct th_str body = { answer_body.p, answer_body.n - 3 };
	struct th_head head = answer_head;

	(void)state;
	head.body_len = (int64_t)body.n;
	assert_in_range(round_trip(TH_CODING_FLATE, &head, body, none), 34, 44);
	assert_in_range(round_trip(TH_CODING_FLATE_BARE, &head, body, none), 34, 44);
}

static void test_every_kind_of_body(void **state)
{
	static const struct th_str bodies[] = {
		TH_STR_INIT(""),
		TH_STR_INIT("{}"),
		TH_STR_INIT("{ \"a\" : [ ] }"),
		TH_STR_INIT("not JSON, but text, but text"),
		TH_STR_INIT("\xff\x00\x01"),
		TH_STR_INIT("{\"a\": 1, \"b\": \"\\u00e9\"}\n"),
		TH_STR_INIT("[1.10,1e2,-0,\"\\/\"]"),
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bodies); i++)
		for (int unknown = 0; unknown < 2; unknown++) {
			struct th_head q = send_head, a = answer_head;

			q.body_len = a.body_len = unknown ? TH_BODY_UNKNOWN : (int64_t)bodies[i].n;
			assert_true(round_trip(TH_CODING_FLATE, &q, bodies[i], none) > 0);
			assert_true(round_trip(TH_CODING_FLATE, &a, bodies[i], none) > 0);
		}
}

static void test_history_helps_and_has_to_agree(void **state)
{
	uint8_t form[1024];
	size_t n = th_flate_form(flate, &send_head, send_body, form, sizeof(form));
	struct th_flate_history history = { form, n };
	size_t cold = round_trip(TH_CODING_FLATE, &send_head, send_body, none);
	size_t warm = round_trip(TH_CODING_FLATE, &send_head, send_body, history);
	enum th_err err;

	(void)state;
	assert_in_range(n, 1, sizeof(form));
	assert_true(warm < 12 && cold > 60);
	/* Another history: an error or other bytes, never a crash. */
	form[n / 2] ^= 1;
	err = th_flate_decode(flate, coded, warm, false, history, &got, body_out, sizeof(body_out));
	assert_true(err != TH_OK || !th_str_eq(got.body, send_body) || !th_str_eq(got.head.target, send_head.target) ||
		    !th_str_eq(got.head.fields[0].value, request_fields[0].value));
	/* Without the preset: history alone does it as well. */
	form[n / 2] ^= 1;
	assert_true(round_trip(TH_CODING_FLATE_BARE, &send_head, send_body, history) < 14);
}

/* Of a history that is too long both ends use the same end. */
static void test_long_history(void **state)
{
	uint8_t *p = malloc(100000);
	uint64_t seed = 1;
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	rng.fill(rng.ctx, p, 100000);
	for (size_t n = TH_FLATE_HISTORY_MAX - 1; n <= 100000; n += 8000)
		assert_true(round_trip(TH_CODING_FLATE, &send_head, send_body, (struct th_flate_history){ p, n }) > 0);
	free(p);
}

static void test_not_used_where_it_does_not_pay(void **state)
{
	static char noise[1000];
	struct th_head head = { .method = TH_STR("GET"), .target = TH_STR("/"), .body_len = sizeof(noise) };
	struct th_head wrong = send_head;
	uint64_t seed = 7;
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	rng.fill(rng.ctx, noise, sizeof(noise));
	assert_int_equal(round_trip(TH_CODING_FLATE, &head, (struct th_str){ noise, sizeof(noise) }, none), 0);
	wrong.body_len = 5; /* not the body's */
	assert_int_equal(round_trip(TH_CODING_FLATE, &wrong, send_body, none), 0);
}

static void test_largest_body(void **state)
{
	char *p = malloc(TH_FLATE_BODY_MAX + 1);
	struct th_head head = answer_head;

	(void)state;
	memset(p, '[', 40);
	for (size_t i = 40; i < TH_FLATE_BODY_MAX + 1; i++)
		p[i] = "0.5,"[i % 4]; /* CBOR is longer than this: it has to fall back */
	head.body_len = TH_FLATE_BODY_MAX;
	assert_true(round_trip(TH_CODING_FLATE, &head, (struct th_str){ p, TH_FLATE_BODY_MAX }, none) > 0);
	head.body_len++;
	assert_int_equal(round_trip(TH_CODING_FLATE, &head, (struct th_str){ p, TH_FLATE_BODY_MAX + 1 }, none), 0);
	free(p);
}

static void test_head_alone(void **state)
{
	struct th_head head = answer_head;
	size_t n;

	(void)state;
	for (int unknown = 0; unknown < 2; unknown++) {
		head.body_len = unknown ? TH_BODY_UNKNOWN : 50000000;
		n = th_flate_encode_head(flate, TH_CODING_FLATE, &head, none, coded, sizeof(coded));
		assert_in_range(n, 1, 16);
		assert_int_equal(th_flate_decode(flate, coded, n, true, none, &got, body_out, 0), TH_OK);
		assert_same(&got.head, &head);
		assert_true(got.body_outside);
		assert_int_equal(got.body.n, 0);
	}
}

static void test_every_size_of_output(void **state)
{
	struct guard g = guard_new(4096);
	size_t n = round_trip(TH_CODING_FLATE, &send_head, send_body, none);
	uint8_t whole[512];

	(void)state;
	memcpy(whole, coded, n);
	for (size_t cap = 0; cap < n; cap++)
		assert_int_equal(
			th_flate_encode(flate, TH_CODING_FLATE, &send_head, send_body, none, guard_tail(&g, cap), cap),
			0);
	assert_int_equal(th_flate_encode(flate, TH_CODING_FLATE, &send_head, send_body, none, guard_tail(&g, n), n), n);
	for (size_t cap = 0; cap < send_body.n; cap++)
		assert_int_equal(th_flate_decode(flate, whole, n, false, none, &got, guard_tail(&g, cap), cap),
				 TH_ERR_TOO_LARGE);
	guard_del(&g);
}

static void test_every_prefix_and_every_flipped_bit(void **state)
{
	struct guard g = guard_new(4096);
	size_t n = round_trip(TH_CODING_FLATE, &send_head, send_body, none);
	uint8_t whole[512];

	(void)state;
	memcpy(whole, coded, n);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_not_equal(th_flate_decode(flate, guard_put(&g, whole, cut), cut, false, none, &got, body_out,
						     sizeof(body_out)),
				     TH_OK);
	memset(whole + n, 0, 40); /* padding */
	for (size_t more = 0; more <= 40; more++)
		assert_int_equal(th_flate_decode(flate, guard_put(&g, whole, n + more), n + more, false, none, &got,
						 body_out, sizeof(body_out)),
				 TH_OK);
	whole[n] = 1; /* a byte too many */
	assert_int_equal(th_flate_decode(flate, whole, n + 1, false, none, &got, body_out, sizeof(body_out)),
			 TH_ERR_MALFORMED);
	for (size_t bit = 8; bit < n * 8; bit++) {
		whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
		(void)th_flate_decode(flate, guard_put(&g, whole, n), n, bit & 1, none, &got, body_out,
				      sizeof(body_out));
		whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	whole[0] = 0;
	assert_int_equal(th_flate_decode(flate, whole, n, false, none, &got, body_out, sizeof(body_out)),
			 TH_ERR_UNSUPPORTED);
	guard_del(&g);
}

/* 50 MB of zeros in 50 kB: stopped at the bound on the form. */
static void test_bombs_are_stopped(void **state)
{
	static uint8_t zeros[64 * 1024], bomb[64 * 1024] = { TH_CODING_FLATE_BARE };
	z_stream z = { .next_out = bomb + 1, .avail_out = sizeof(bomb) - 1 };
	size_t n;

	(void)state;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (int i = 0; i < 800; i++) {
		z.next_in = zeros;
		z.avail_in = sizeof(zeros);
		assert_int_equal(deflate(&z, i < 799 ? Z_NO_FLUSH : Z_FINISH), i < 799 ? Z_OK : Z_STREAM_END);
	}
	n = sizeof(bomb) - z.avail_out;
	deflateEnd(&z);
	assert_int_equal(th_flate_decode(flate, bomb, n, true, none, &got, body_out, sizeof(body_out)),
			 TH_ERR_TOO_LARGE);
	bomb[0] = TH_CODING_FLATE;
	assert_int_equal(th_flate_decode(flate, bomb, n, true, none, &got, body_out, sizeof(body_out)),
			 TH_ERR_TOO_LARGE);
}

/* What deflate hides is checked like a plain envelope. */
static void test_splitting_is_refused(void **state)
{
	static const struct th_str values[] = { TH_STR_INIT("a\r\nb: c"), TH_STR_INIT("a\n"), TH_STR_INIT("a\0b") };
	static const struct th_str names[] = { TH_STR_INIT("A B"), TH_STR_INIT(""), TH_STR_INIT("A\r\nB") };
	static const struct th_str targets[] = { TH_STR_INIT("/a b"), TH_STR_INIT("/\r\n"), TH_STR_INIT("") };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct th_field bad[] = { { TH_STR("Accept"), values[i] }, { names[i], TH_STR("v") } };
		struct th_head heads[] = {
			{ .method = TH_STR("GET"),
			  .target = TH_STR("/some/longer/target/to/make/it/pay"),
			  .fields = &bad[0],
			  .n_fields = 1 },
			{ .method = TH_STR("GET"),
			  .target = TH_STR("/some/longer/target/to/make/it/pay"),
			  .fields = &bad[1],
			  .n_fields = 1 },
			{ .method = TH_STR("GET"), .target = targets[i] },
			{ .method = TH_STR("G T"), .target = TH_STR("/") },
		};

		for (size_t j = 0; j < UNIT_COUNT(heads); j++) {
			size_t n = th_flate_encode_head(flate, TH_CODING_FLATE, &heads[j], none, coded, sizeof(coded));

			assert_int_not_equal(n, 0);
			assert_int_equal(
				th_flate_decode(flate, coded, n, false, none, &got, body_out, sizeof(body_out)),
				TH_ERR_MALFORMED);
		}
	}
	for (unsigned status = 1; status < 700; status++) {
		struct th_head head = { .status = (uint16_t)status };
		size_t n = th_flate_encode_head(flate, TH_CODING_FLATE, &head, none, coded, sizeof(coded));
		enum th_err err = th_flate_decode(flate, coded, n, true, none, &got, body_out, sizeof(body_out));

		assert_int_equal(err == TH_OK, status >= 200 && status <= 599);
	}
}

static void test_too_many_fields(void **state)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX + 1];
	struct th_head head = { .status = 200, .fields = fields, .n_fields = TH_HEAD_FIELDS_MAX };

	(void)state;
	for (size_t i = 0; i <= TH_HEAD_FIELDS_MAX; i++)
		fields[i] = (struct th_field){ TH_STR("X-A"), TH_STR("some value") };
	assert_true(round_trip(TH_CODING_FLATE, &head, TH_STR(""), none) > 0);
	head.n_fields++;
	assert_int_equal(round_trip(TH_CODING_FLATE, &head, TH_STR(""), none), 0);
}

/* The same input gives the same bytes, whatever came before. */
static void test_no_state_between_messages(void **state)
{
	struct th_flate *fresh = th_flate_new(&th_mem_libc);
	uint8_t first[512];
	size_t n = th_flate_encode(fresh, TH_CODING_FLATE, &send_head, send_body, none, first, sizeof(first));

	(void)state;
	assert_int_equal(round_trip(TH_CODING_FLATE, &send_head, send_body, none), n);
	assert_memory_equal(first, coded, n);
	th_flate_del(fresh);
}

static void test_memory_fails(void **state)
{
	(void)state;
	for (size_t k = 1;; k++) {
		struct failmem f;
		struct th_flate *x;

		failmem_init(&f, k);
		x = th_flate_new(&f.mem);
		assert_int_equal(x == NULL, f.hit);
		if (x)
			assert_in_range(f.peak, 1, 1300 * 1024);
		th_flate_del(x);
		assert_int_equal(f.live, 0);
		if (!f.hit)
			break;
	}
}

static void test_random_bytes(void **state)
{
	uint64_t seed = unit_seed("flate", 20261129);
	struct th_rng rng = th_rng_seeded(&seed);
	struct guard g = guard_new(4096);

	(void)state;
	for (int i = 0; i < 50000; i++) {
		size_t n = 1 + th_rng_below(&rng, 60);
		uint8_t *p = guard_tail(&g, n);

		rng.fill(rng.ctx, p, n);
		p[0] = i & 1 ? TH_CODING_FLATE : TH_CODING_FLATE_BARE;
		if (i & 2 && n > 6) { /* a stored block: the form itself is random */
			p[1] = 1;
			p[2] = (uint8_t)(n - 6);
			p[3] = 0;
			p[4] = (uint8_t)~p[2];
			p[5] = 0xff;
		}
		(void)th_flate_decode(flate, p, n, i & 4, none, &got, body_out, 1000);
	}
	guard_del(&g);
}

static int set_up(void **state)
{
	(void)state;
	flate = th_flate_new(&th_mem_libc);
	return flate ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	th_flate_del(flate);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),	     cmocka_unit_test(test_an_event_id_costs_its_bytes),
		cmocka_unit_test(test_every_kind_of_body),   cmocka_unit_test(test_history_helps_and_has_to_agree),
		cmocka_unit_test(test_long_history),	     cmocka_unit_test(test_not_used_where_it_does_not_pay),
		cmocka_unit_test(test_largest_body),	     cmocka_unit_test(test_head_alone),
		cmocka_unit_test(test_every_size_of_output), cmocka_unit_test(test_every_prefix_and_every_flipped_bit),
		cmocka_unit_test(test_bombs_are_stopped),    cmocka_unit_test(test_splitting_is_refused),
		cmocka_unit_test(test_too_many_fields),	     cmocka_unit_test(test_no_state_between_messages),
		cmocka_unit_test(test_memory_fails),	     cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
