#include "unit.h"
#include "guard.h"

#include "base/rd.h"
#include "base/wr.h"

static void write_sample(struct th_wr *w)
{
	th_wr_bytes(w, "head", 4);
	th_wr_uint(w, 0xdeadbeef, 4);
	th_wr_bytes(w, NULL, 0);
	th_wr_varint(w, 300);
	th_wr_str(w, TH_STR("tail"));
}

static void a_small_buffer_gets_a_prefix_and_the_need(void **state)
{
	uint8_t whole[64];
	struct th_wr w = th_wr_init(whole, sizeof(whole));
	struct guard g = guard_new(sizeof(whole));
	size_t need;

	(void)state;
	write_sample(&w);
	need = w.n;
	assert_int_equal(need, 15);
	for (size_t cap = 0; cap <= need; cap++) {
		uint8_t *out = guard_tail(&g, cap);
		struct th_wr s = th_wr_init(out, cap);

		memset(out, 0xee, cap);
		write_sample(&s);
		assert_int_equal(s.n, need);
		assert_int_equal(th_wr_ok(&s), cap == need);
		for (size_t i = 0; i < cap; i++)
			assert_true(out[i] == whole[i] || out[i] == 0xee);
	}
	assert_memory_equal(guard_tail(&g, need), whole, need);
	guard_del(&g);
}

static void counting_alone_needs_no_buffer(void **state)
{
	struct th_wr w = th_wr_init(NULL, 0);

	(void)state;
	write_sample(&w);
	assert_int_equal(w.n, 15);
	assert_false(th_wr_ok(&w));
}

static void uint_writes_the_low_bytes(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 8; n++) {
		uint8_t out[8] = { 0 };
		struct th_wr w = th_wr_init(out, sizeof(out));
		struct th_rd r;
		uint64_t mask = n == 8 ? UINT64_MAX : ((uint64_t)1 << (8 * n)) - 1;

		th_wr_uint(&w, 0xfedcba9876543210u, n);
		assert_int_equal(w.n, n);
		r = th_rd_init(out, n);
		assert_true(th_rd_uint(&r, n) == (0xfedcba9876543210u & mask));
	}
}

static void varint_is_as_short_as_can_be(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 64; bits++) {
		for (int off = -1; off <= 1; off++) {
			uint64_t v = ((uint64_t)1 << bits) + (uint64_t)(int64_t)off;
			uint8_t out[16];
			struct th_wr w = th_wr_init(out, sizeof(out));
			struct th_rd r;
			size_t len = 1;

			for (uint64_t rest = v >> 7; rest; rest >>= 7)
				len++;
			th_wr_varint(&w, v);
			assert_int_equal(w.n, len);
			r = th_rd_init(out, w.n);
			assert_true(th_rd_varint(&r, UINT64_MAX) == v);
			assert_int_equal(r.err, TH_OK);
			assert_int_equal(th_rd_left(&r), 0);
		}
	}
}

static void the_need_never_wraps(void **state)
{
	uint8_t out[4] = { 1, 2, 3, 4 };
	struct th_wr w = th_wr_init(out, sizeof(out));

	(void)state;
	th_wr_bytes(&w, out, 4);
	w.n = SIZE_MAX - 2;
	th_wr_bytes(&w, out, 4);
	assert_true(w.n == SIZE_MAX);
	th_wr_bytes(&w, out, 1);
	assert_true(w.n == SIZE_MAX);
	assert_false(th_wr_ok(&w));
}

static void once_too_long_nothing_follows(void **state)
{
	uint8_t out[4] = { 0 };
	struct th_wr w = th_wr_init(out, sizeof(out));

	(void)state;
	th_wr_bytes(&w, "abc", 3);
	th_wr_bytes(&w, "toolong", 7);
	th_wr_bytes(&w, "z", 1); /* would fit, but is not where it belongs */
	assert_int_equal(w.n, 11);
	assert_memory_equal(out, "abc\0", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_buffer_gets_a_prefix_and_the_need),
		cmocka_unit_test(counting_alone_needs_no_buffer),
		cmocka_unit_test(uint_writes_the_low_bytes),
		cmocka_unit_test(varint_is_as_short_as_can_be),
		cmocka_unit_test(the_need_never_wraps),
		cmocka_unit_test(once_too_long_nothing_follows),
	};

	return cmocka_run_group_tests_name("base/wr", tests, NULL, NULL);
}
