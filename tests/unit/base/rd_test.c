#include "unit.h"
#include "guard.h"

#include "base/rd.h"
#include "base/wr.h"

enum { RANDOM_ROUNDS = 20000 };

static const uint8_t digits[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

static void reads_big_endian_of_every_size(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 8; n++) {
		struct th_rd r = th_rd_init(digits, sizeof(digits));
		uint64_t want = n ? 0x0123456789abcdefu >> (8 * (8 - n)) : 0;

		assert_true(th_rd_uint(&r, n) == want);
		assert_int_equal(r.err, TH_OK);
		assert_int_equal(th_rd_left(&r), 8 - n);
	}
}

static void a_short_read_gives_zero_and_takes_nothing(void **state)
{
	struct guard g = guard_new(8);

	(void)state;
	for (size_t have = 0; have < 8; have++) {
		for (size_t want = have + 1; want <= 8; want++) {
			struct th_rd r = th_rd_init(guard_put(&g, digits, have), have);

			assert_true(th_rd_uint(&r, want) == 0);
			assert_int_equal(r.err, TH_ERR_MALFORMED);
			assert_int_equal(th_rd_left(&r), have);
		}
	}
	guard_del(&g);
}

static void the_error_stays(void **state)
{
	struct th_rd r = th_rd_init(digits, sizeof(digits));
	struct th_str s;

	(void)state;
	assert_null(th_rd_bytes(&r, 9));
	assert_true(th_rd_uint(&r, 1) == 0);
	assert_null(th_rd_bytes(&r, 0));
	assert_true(th_rd_varint(&r, UINT64_MAX) == 0);
	s = th_rd_str(&r, 100);
	assert_non_null(s.p);
	assert_int_equal(s.n, 0);
	assert_int_equal(th_rd_left(&r), sizeof(digits));
	th_rd_fail(&r, TH_ERR_TOO_LARGE);
	assert_int_equal(r.err, TH_ERR_MALFORMED); /* the first error is the one that is told */
}

static void fail_sets_the_first_error(void **state)
{
	struct th_rd r = th_rd_init(digits, sizeof(digits));

	(void)state;
	th_rd_fail(&r, TH_ERR_UNSUPPORTED);
	assert_int_equal(r.err, TH_ERR_UNSUPPORTED);
	assert_true(th_rd_uint(&r, 4) == 0);
}

static void empty_input_may_be_null(void **state)
{
	struct th_rd r = th_rd_init(NULL, 0);

	(void)state;
	assert_int_equal(th_rd_left(&r), 0);
	th_rd_bytes(&r, 0);
	assert_int_equal(r.err, TH_OK);
	assert_true(th_rd_uint(&r, 0) == 0);
	assert_int_equal(r.err, TH_OK);
	assert_true(th_rd_uint(&r, 1) == 0);
	assert_int_equal(r.err, TH_ERR_MALFORMED);
}

static void a_length_near_the_end_of_memory_is_refused(void **state)
{
	struct th_rd r = th_rd_init(digits, sizeof(digits));

	(void)state;
	assert_null(th_rd_bytes(&r, SIZE_MAX));
	assert_int_equal(r.err, TH_ERR_MALFORMED);
}

/* Decodes by the definition of LEB128, with arithmetic wide enough to see an overflow. */
static bool slow_varint(const uint8_t *p, size_t n, uint64_t max, uint64_t *out, size_t *used)
{
	unsigned __int128 v = 0;

	for (size_t i = 0; i < n && i < 10; i++) {
		v += (unsigned __int128)(p[i] & 0x7f) << (7 * i);
		if (p[i] & 0x80)
			continue;
		if ((i > 0 && p[i] == 0) || v > max)
			return false;
		*out = (uint64_t)v;
		*used = i + 1;
		return true;
	}
	return false;
}

static void check_varint(const struct guard *g, const uint8_t *p, size_t n, uint64_t max)
{
	struct th_rd r = th_rd_init(guard_put(g, p, n), n);
	uint64_t want = 0, got;
	size_t used = 0;
	bool ok = slow_varint(p, n, max, &want, &used);

	got = th_rd_varint(&r, max);
	assert_int_equal(r.err, ok ? TH_OK : TH_ERR_MALFORMED);
	assert_true(got == want);
	if (ok)
		assert_int_equal(th_rd_left(&r), n - used);
}

static void varint_agrees_with_the_definition(void **state)
{
	uint64_t seed = unit_seed("rd varint", 1);
	struct th_rng rng = th_rng_seeded(&seed);
	struct guard g = guard_new(16);

	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			uint8_t two[2] = { (uint8_t)a, (uint8_t)b };

			check_varint(&g, two, 2, UINT64_MAX);
			check_varint(&g, two, 2, 200);
			check_varint(&g, two, 1, 100);
		}
	}
	for (int i = 0; i < RANDOM_ROUNDS; i++) {
		uint8_t b[12];
		size_t n = (size_t)th_rng_below(&rng, sizeof(b) + 1);

		rng.fill(rng.ctx, b, sizeof(b));
		for (size_t k = 0; k < sizeof(b) && th_rng_below(&rng, 8); k++)
			b[k] |= 0x80;
		if (th_rng_below(&rng, 2))
			b[9] &= 0x01;
		check_varint(&g, b, n, th_rng_below(&rng, 2) ? UINT64_MAX : th_rng_u64(&rng));
	}
	guard_del(&g);
}

static void varint_edges(void **state)
{
	static const uint8_t top[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
	static const uint8_t over[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
	static const uint8_t endless[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 };
	static const uint8_t padded[] = { 0x81, 0x00 };
	static const uint8_t zero[] = { 0x00 };
	struct guard g = guard_new(16);

	(void)state;
	struct th_rd r = th_rd_init(guard_put(&g, top, sizeof(top)), sizeof(top));
	assert_true(th_rd_varint(&r, UINT64_MAX) == UINT64_MAX);
	assert_int_equal(r.err, TH_OK);
	check_varint(&g, over, sizeof(over), UINT64_MAX);
	check_varint(&g, endless, sizeof(endless), UINT64_MAX);
	check_varint(&g, padded, sizeof(padded), UINT64_MAX);
	check_varint(&g, zero, sizeof(zero), 0);
	for (size_t n = 0; n < sizeof(top); n++)
		check_varint(&g, top, n, UINT64_MAX);
	guard_del(&g);
}

static void str_reads_length_then_bytes(void **state)
{
	static const uint8_t in[] = { 3, 'a', 'b', 'c', 0, 1, 'z' };
	struct guard g = guard_new(16);
	struct th_rd r = th_rd_init(guard_put(&g, in, sizeof(in)), sizeof(in));

	(void)state;
	assert_str_is(th_rd_str(&r, 3), "abc");
	assert_str_is(th_rd_str(&r, 3), "");
	assert_str_is(th_rd_str(&r, 3), "z");
	assert_int_equal(r.err, TH_OK);
	assert_int_equal(th_rd_left(&r), 0);

	r = th_rd_init(guard_put(&g, in, sizeof(in)), sizeof(in));
	assert_int_equal(th_rd_str(&r, 2).n, 0); /* longer than allowed */
	assert_int_equal(r.err, TH_ERR_MALFORMED);
	guard_del(&g);
}

static void every_prefix_of_a_message_fails_cleanly(void **state)
{
	uint8_t msg[256];
	struct th_wr w = th_wr_init(msg, sizeof(msg));
	struct guard g = guard_new(sizeof(msg));

	(void)state;
	th_wr_uint(&w, 0x1234, 2);
	th_wr_varint(&w, 300);
	th_wr_str(&w, TH_STR("a string of some length"));
	th_wr_uint(&w, 0x55, 1);
	assert_true(th_wr_ok(&w));
	for (size_t n = 0; n <= w.n; n++) {
		struct th_rd r = th_rd_init(guard_put(&g, msg, n), n);
		uint64_t a = th_rd_uint(&r, 2);
		uint64_t b = th_rd_varint(&r, 1000);
		struct th_str s = th_rd_str(&r, 100);
		uint64_t c = th_rd_uint(&r, 1);

		assert_int_equal(r.err, n == w.n ? TH_OK : TH_ERR_MALFORMED);
		assert_true(a == (n >= 2 ? 0x1234 : 0));
		assert_true(b == (n >= 4 ? 300 : 0));
		assert_int_equal(s.n, n >= w.n - 1 ? 23 : 0);
		assert_true(c == (n == w.n ? 0x55 : 0));
	}
	guard_del(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_big_endian_of_every_size),
		cmocka_unit_test(a_short_read_gives_zero_and_takes_nothing),
		cmocka_unit_test(the_error_stays),
		cmocka_unit_test(fail_sets_the_first_error),
		cmocka_unit_test(empty_input_may_be_null),
		cmocka_unit_test(a_length_near_the_end_of_memory_is_refused),
		cmocka_unit_test(varint_agrees_with_the_definition),
		cmocka_unit_test(varint_edges),
		cmocka_unit_test(str_reads_length_then_bytes),
		cmocka_unit_test(every_prefix_of_a_message_fails_cleanly),
	};

	return cmocka_run_group_tests_name("base/rd", tests, NULL, NULL);
}
