#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "explain/frame.h"
#include "guard.h"

static struct th_frame sample(uint8_t *text, uint32_t *cost, size_t n)
{
	for (size_t i = 0; i <= n; i++) {
		if (i < n)
			text[i] = (uint8_t)(i * 7);
		cost[i] = (uint32_t)i * 100003u;
	}
	return (struct th_frame){
		.is_response = n & 1, .is_ours = n & 2, .left_out = 7, .coded = 300, .costs = { text, cost, n, 12345 }
	};
}

static void test_round_trips(void **state)
{
	static uint8_t text[300], bytes[TH_FRAME_HEAD + 5 * 300 + 4];
	static uint32_t cost[301];

	(void)state;
	for (size_t n = 0; n <= 300; n += 1 + n / 9) {
		struct th_frame f = sample(text, cost, n), got;
		size_t need = th_frame_write(&f, NULL, 0), used;

		assert_int_equal(need, TH_FRAME_HEAD + 5 * n + 4);
		assert_int_equal(th_frame_write(&f, bytes, sizeof(bytes)), need);
		assert_int_equal(th_frame_read(&got, &th_mem_libc, bytes, need + 3, &used), TH_OK);
		assert_int_equal(used, need);
		assert_true(got.is_response == f.is_response && got.is_ours == f.is_ours);
		assert_true(got.left_out == 7 && got.coded == 300 && got.costs.bases == 12345 && got.costs.n == n);
		assert_memory_equal(got.costs.text, text, n);
		assert_memory_equal(got.costs.cost, cost, (n + 1) * sizeof(*cost));
		th_costs_free(&got.costs, &th_mem_libc);
	}
}

/* Every beginning of a frame waits for the rest. */
static void test_parts_wait(void **state)
{
	static uint8_t text[20], bytes[300];
	static uint32_t cost[21];
	struct th_frame f = sample(text, cost, 20), got;
	size_t need = th_frame_write(&f, bytes, sizeof(bytes)), used;
	struct guard g = guard_new(sizeof(bytes));

	(void)state;
	for (size_t n = 0; n < need; n++) {
		assert_int_equal(th_frame_read(&got, &th_mem_libc, guard_put(&g, bytes, n), n, &used), TH_OK);
		assert_int_equal(used, 0);
		assert_null(got.costs.text);
	}
	guard_del(&g);
}

static void test_others_are_refused(void **state)
{
	static uint8_t text[20], bytes[300];
	static uint32_t cost[21];
	struct th_frame f = sample(text, cost, 20), got;
	size_t need = th_frame_write(&f, bytes, sizeof(bytes)), used;

	(void)state;
	bytes[4]++;
	assert_int_equal(th_frame_read(&got, &th_mem_libc, bytes, need, &used), TH_ERR_UNSUPPORTED);
	bytes[4]--;
	bytes[21]++; /* a text that is longer than the frame */
	assert_int_equal(th_frame_read(&got, &th_mem_libc, bytes, need, &used), TH_ERR_MALFORMED);
	bytes[21]--;
	bytes[0] = 0xff;
	assert_int_equal(th_frame_read(&got, &th_mem_libc, bytes, need, &used), TH_ERR_MALFORMED);
}

static void test_any_bytes(void **state)
{
	uint64_t seed = 20261129;
	struct th_rng rng = th_rng_seeded(&seed);
	struct guard g = guard_new(200);

	(void)state;
	print_message("seed=%llu\n", (unsigned long long)seed);
	for (int i = 0; i < 20000; i++) {
		uint8_t bytes[200];
		size_t n = th_rng_below(&rng, sizeof(bytes)), used;
		struct th_frame got;

		rng.fill(rng.ctx, bytes, n);
		memset(bytes, 0, n < 3 ? n : 3); /* a length that could be */
		if (n > 4)
			bytes[4] = TH_FRAME_VERSION;
		if (th_frame_read(&got, &th_mem_libc, guard_put(&g, bytes, n), n, &used) == TH_OK)
			assert_true(used <= n);
		th_costs_free(&got.costs, &th_mem_libc);
	}
	guard_del(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_parts_wait),
		cmocka_unit_test(test_others_are_refused),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
