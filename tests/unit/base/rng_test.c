#include "unit.h"
#include "guard.h"

static void a_seed_repeats(void **state)
{
	uint64_t a = 42, b = 42, c = 43;
	struct th_rng ra = th_rng_seeded(&a), rb = th_rng_seeded(&b), rc = th_rng_seeded(&c);
	size_t same = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t v = th_rng_u64(&ra);

		assert_true(v == th_rng_u64(&rb));
		same += v == th_rng_u64(&rc) ? 1 : 0;
	}
	assert_int_equal(same, 0);
}

/* First outputs for seed 1234567 as Rosetta Code lists them for splitmix64. */
static void it_is_splitmix64(void **state)
{
	static const uint64_t want[] = { 6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
					 4593380528125082431u, 16408922859458223821u };
	uint64_t s = 1234567;
	struct th_rng r = th_rng_seeded(&s);

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(want); i++)
		assert_true(th_rng_u64(&r) == want[i]);
}

static void fill_writes_exactly_what_was_asked(void **state)
{
	struct guard g = guard_new(64);

	(void)state;
	for (size_t n = 0; n <= 64; n++) {
		uint64_t s = 7;
		struct th_rng r = th_rng_seeded(&s);
		uint8_t *head = guard_head(&g, n);
		uint8_t *tail = guard_tail(&g, n);

		r.fill(r.ctx, tail, n);
		th_rng_system.fill(th_rng_system.ctx, tail, n);
		head[n] = 0x5a;
		r.fill(r.ctx, head, n);
		assert_int_equal(head[n], 0x5a);
	}
	guard_del(&g);
}

static void below_stays_below_and_reaches_all(void **state)
{
	uint64_t s = 8;
	struct th_rng r = th_rng_seeded(&s);

	(void)state;
	for (uint64_t bound = 1; bound < 20; bound++) {
		unsigned seen[20] = { 0 };

		for (int i = 0; i < 2000; i++) {
			uint64_t v = th_rng_below(&r, bound);

			assert_true(v < bound);
			seen[v]++;
		}
		for (uint64_t v = 0; v < bound; v++)
			assert_true(seen[v] > 1000 / bound);
	}
}

static void the_system_does_not_repeat(void **state)
{
	(void)state;
	assert_true(th_rng_u64(&th_rng_system) != th_rng_u64(&th_rng_system));
	assert_true(th_rng_u32(&th_rng_system) != th_rng_u32(&th_rng_system) ||
		    th_rng_u32(&th_rng_system) != th_rng_u32(&th_rng_system));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_repeats),
		cmocka_unit_test(it_is_splitmix64),
		cmocka_unit_test(fill_writes_exactly_what_was_asked),
		cmocka_unit_test(below_stays_below_and_reaches_all),
		cmocka_unit_test(the_system_does_not_repeat),
	};

	return cmocka_run_group_tests_name("base/rng", tests, NULL, NULL);
}
