/* Early data once: clock, mark, remembered keys. */
#include "unit.h"
#include "failmem.h"

#include "session/early.h"

enum { PAST = 300, FUTURE = 30, MAX = 64, T0 = 1700000000 };

static struct failmem mem;
static struct th_early e;
static uint64_t disk;
static unsigned writes;
static bool disk_full;

static bool persist(void *user, uint64_t mark)
{
	(void)user;
	if (disk_full)
		return false;
	assert_true(mark > disk);
	disk = mark;
	writes++;
	return true;
}

static void start(uint64_t mark)
{
	failmem_init(&mem, 0);
	disk = mark;
	writes = 0;
	disk_full = false;
	assert_int_equal(th_early_init(&e, &mem.mem, MAX, mark, PAST, FUTURE, 1), TH_OK);
}

static void stop(void)
{
	th_early_free(&e);
	assert_int_equal(mem.live, 0);
}

static bool offer(uint32_t key, uint64_t time, th_time now)
{
	uint8_t k[TH_NOISE_DH] = { (uint8_t)key, (uint8_t)(key >> 8), (uint8_t)(key >> 16) };
	const uint32_t low = (uint32_t)time;
	uint64_t tag;

	return !th_early_seen(&e, k, &tag) && th_early_admit(&e, k, key, &low, now, persist, NULL);
}

static void window_has_its_edges(void **state)
{
	const struct {
		int64_t off;
		bool ok;
	} rows[] = { { 0, true },	   { FUTURE, true },   { FUTURE + 1, false }, { -PAST, true },
		     { -PAST - 1, false }, { 1 << 30, false }, { -(1 << 30), false }, { INT32_MIN, false } };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		start(0);
		th_early_wall(&e, T0, 5 * TH_SEC);
		assert_int_equal(offer(1, (uint64_t)(T0 + rows[i].off), 5 * TH_SEC), rows[i].ok);
		assert_int_equal(writes, rows[i].ok);
		if (rows[i].ok)
			assert_true(disk > (uint64_t)(T0 + rows[i].off)); /* before it is accepted */
		stop();
	}
}

static void a_key_is_good_once(void **state)
{
	uint8_t k[TH_NOISE_DH] = { 1 };
	uint64_t tag = 0;

	(void)state;
	start(0);
	th_early_wall(&e, T0, 0);
	assert_true(offer(1, T0, 0));
	assert_false(offer(1, T0, 0));
	assert_true(th_early_seen(&e, k, &tag) && tag == 1);
	assert_true(offer(2, T0, 0));
	stop();
}

static void a_restart_refuses_what_came_before(void **state)
{
	uint64_t mark;

	(void)state;
	start(0);
	th_early_wall(&e, T0, 0);
	assert_true(offer(1, T0, 0));
	mark = disk;
	stop();
	start(mark);
	th_early_wall(&e, T0, 0);
	for (uint64_t t = T0 - PAST; t <= mark; t++)
		assert_false(offer((uint32_t)t, t, 0));
	assert_true(offer(3, mark + 1, 0)); /* told the clock, an initiator is past it at once */
	assert_true(th_early_clock(&e, 0) > mark + 1);
	stop();
}

static void without_a_disk_nothing_is_accepted(void **state)
{
	(void)state;
	start(0);
	th_early_wall(&e, T0, 0);
	disk_full = true;
	assert_false(offer(1, T0, 0));
	disk_full = false;
	assert_true(offer(2, T0, 0));
	disk_full = true; /* what the mark covers still is */
	assert_true(offer(3, T0 + FUTURE - 1, 0));
	th_early_wall(&e, T0 + TH_EARLY_STEP, 0);
	assert_false(offer(4, T0 + TH_EARLY_STEP, 0));
	stop();
	start(0);
	th_early_wall(&e, T0, 0);
	assert_false(th_early_admit(&e, (const uint8_t[TH_NOISE_DH]){ 9 }, 1, &(const uint32_t){ T0 }, 0, NULL, NULL));
	stop();
}

static void the_clock_never_goes_back(void **state)
{
	uint64_t seed = unit_seed("early", 1), last = 0;
	struct th_rng rng = th_rng_seeded(&seed);
	th_time now = 0;

	(void)state;
	start(T0);
	for (int i = 0; i < 10000; i++) {
		uint64_t clock;

		now += th_rng_below(&rng, 3 * TH_SEC);
		if (th_rng_below(&rng, 10) == 0)
			th_early_wall(&e, th_rng_below(&rng, 2ull * T0), now);
		clock = th_early_clock(&e, now);
		assert_true(clock >= last && clock > T0);
		last = clock;
	}
	stop();
	start(0); /* and goes on by the monotonic one */
	th_early_wall(&e, T0, 10 * TH_SEC);
	assert_true(th_early_clock(&e, 1010 * TH_SEC + TH_MS) == T0 + 1000);
	th_early_wall(&e, T0 - 5000, 1020 * TH_SEC);
	assert_true(th_early_clock(&e, 1030 * TH_SEC) == T0 + 1020);
	stop();
}

/* Whoever turns this side's clock 2^32 s ahead makes an old time of 32 bits look new. */
static void a_clock_too_far_ahead_of_the_mark(void **state)
{
	const uint64_t turn = (uint64_t)1 << 32;

	(void)state;
	start(0);
	th_early_wall(&e, T0, 0);
	assert_true(offer(1, T0, 0));
	stop();
	for (unsigned turns = 1; turns < 4; turns++) {
		start(T0 + TH_EARLY_STEP);
		th_early_wall(&e, T0 + turns * turn, 0);
		assert_false(offer(1, T0, 0));
		assert_int_equal(writes, 0);
		stop();
	}
	start(T0);
	th_early_wall(&e, T0 + turn / 2 - 1, 0); /* a battery that was empty is another thing */
	assert_true(offer(1, T0 + turn / 2 - 1, 0));
	stop();
}

static void times_of_32_bits(void **state)
{
	(void)state;
	assert_true(th_early_time(T0, (uint32_t)T0) == T0);
	assert_true(th_early_time(T0, (uint32_t)(T0 - 1000)) == T0 - 1000);
	assert_true(th_early_time(0x100000005u, 0xfffffff0u) == 0xfffffff0u);
	assert_true(th_early_time(0xfffffff0u, 5) == 0x100000005u);
	assert_true(th_early_time(3, 0xfffffff0u) == 0); /* before 1970: never in a window that ends after it */
}

/* Full of keys that still matter: no more early data, none forgotten. Others make room first. */
static void full_memory_forgets_nothing_that_matters(void **state)
{
	(void)state;
	start(0);
	th_early_wall(&e, T0, 0);
	for (uint32_t i = 0; i < MAX / 2; i++)
		assert_true(offer(i, T0, 0));
	for (uint32_t i = MAX / 2; i < MAX; i++)
		assert_false(offer(i, T0 - 10000, 0)); /* refused, remembered all the same */
	for (uint32_t i = MAX; i < 10 * MAX; i++)
		assert_true(offer(i, T0, 0) == (i < MAX + MAX / 2)); /* these take the places of the refused */
	for (uint32_t i = 0; i < MAX / 2; i++)
		assert_false(offer(i, T0, 0));
	th_early_wall(&e, T0 + PAST + FUTURE, 0); /* at the last second that matters */
	assert_false(offer(20 * MAX, T0 + PAST + FUTURE, 0));
	th_early_wall(&e, T0 + PAST + FUTURE + 1, 0);
	assert_true(offer(20 * MAX + 1, T0 + PAST + FUTURE, 0));
	for (uint32_t i = 1; i < MAX / 2; i++) /* what is forgotten now is too old anyway */
		assert_false(offer(i, T0, 0));
	stop();
}

/* Beside a model that remembers everything: nothing accepted twice, over restarts, jumps of the wall clock and replays.
 */
static void never_twice_beside_a_model(void **state)
{
	enum { KEYS = 3000, ROUNDS = 60000 };
	static uint64_t times[KEYS];
	static bool accepted[KEYS];
	uint64_t seed = unit_seed("early_model", 2), wall = T0;
	struct th_rng rng = th_rng_seeded(&seed);
	unsigned fresh = 0, all = 0;
	th_time now = 0;

	(void)state;
	memset(accepted, 0, sizeof(accepted));
	start(0);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t key = (uint32_t)th_rng_below(&rng, all ? all : 1);

		now += th_rng_below(&rng, TH_SEC);
		wall += th_rng_below(&rng, 2);
		if (th_rng_below(&rng, 2000) == 0)
			wall = T0 + th_rng_below(&rng, 100000);
		th_early_wall(&e, wall, now);
		if (th_rng_below(&rng, 1000) == 0) {
			uint64_t mark = disk;

			stop();
			start(mark);
			th_early_wall(&e, wall, now);
		}
		if (all < KEYS && th_rng_below(&rng, 20) == 0) {
			key = all++;
			times[key] = th_early_clock(&e, now) + th_rng_below(&rng, 40);
			times[key] -= th_rng_below(&rng, 310);
		}
		if (key < all && offer(key, times[key], now)) {
			assert_false(accepted[key]);
			accepted[key] = true;
			fresh++;
		}
	}
	printf("%u of %u accepted\n", fresh, all);
	assert_true(fresh > all / 3);
	stop();
}

static void without_memory(void **state)
{
	(void)state;
	for (size_t k = 1; k <= 2; k++) {
		failmem_init(&mem, k);
		assert_int_equal(th_early_init(&e, &mem.mem, MAX, 0, PAST, FUTURE, 1), TH_ERR_NO_MEMORY);
		assert_int_equal(mem.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_has_its_edges),
		cmocka_unit_test(a_key_is_good_once),
		cmocka_unit_test(a_restart_refuses_what_came_before),
		cmocka_unit_test(without_a_disk_nothing_is_accepted),
		cmocka_unit_test(the_clock_never_goes_back),
		cmocka_unit_test(times_of_32_bits),
		cmocka_unit_test(a_clock_too_far_ahead_of_the_mark),
		cmocka_unit_test(full_memory_forgets_nothing_that_matters),
		cmocka_unit_test(never_twice_beside_a_model),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
