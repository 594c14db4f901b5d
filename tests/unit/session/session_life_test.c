/* Sessions over days: idle, thirty days of use, and everything at once. Argument: ROUNDS, times the usual number of
 * seeds. */
#include "life.h"

static void idle_sessions_end(void **state)
{
	th_session_id id;
	struct th_session_info info;

	(void)state;
	set_up(1);
	r.a.config.idle = r.b.config.idle = 48 * HOUR;
	id = warm(TH_SESSION_NK);
	rig_run(&r, r.now + 49 * HOUR);
	assert_int_equal(stats(&r.b)->sessions, 0);
	assert_int_equal(r.b.why, TH_SESSION_END_IDLE);
	assert_true(th_session_look(r.a.s, id, &info, r.now) && !info.established); /* its keys are gone, it is not */
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	rig_free(&r);
}

static void thirty_days(void **state)
{
	th_session_id id;
	size_t live;

	(void)state;
	set_up(1);
	r.on_send = NULL;
	id = warm(TH_SESSION_NK);
	live = r.b.mem.live;
	r.loss = 10;
	for (int hour = 0; hour < 30 * 24; hour++) {
		for (int i = 0; i < 10; i++) {
			rig_request(&r.a, id, 30);
			rig_run(&r, r.now + 360 * TH_SEC);
		}
		assert_true(rig_settle(&r, HOUR));
		assert_true(r.b.mem.live <= live + 16);
	}
	/* one a day, and where all copies of a message were lost */
	assert_true(stats(&r.a)->rekeys >= 28 && stats(&r.a)->rekeys <= 75);
	assert_int_equal(r.again, 0);
	assert_int_equal(stats(&r.b)->sessions, 1);
	rig_free(&r);
}

/* Loss, doubling, reordering, restarts of the responder, moves, outages, clocks, rekeying by use: every exchange ends
 * well, and only a restarted responder executes one again. */
static void chaos(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40 * rounds; seed++) {
		th_session_id id;

		set_up(seed);
		r.on_send = NULL;
		r.unchecked = true;
		r.loss = (unsigned)(seed % 5) * 10;
		r.doubled = 10;
		r.jitter = seed % 3 * TH_SEC;
		r.a.config.rekey_packets = 1 + seed % 7 * 10;
		r.b.answer_size = seed & 1 ? 20 : 600;
		r.b.answer_after = seed & 2 ? 500 * TH_MS : 0;
		r.b.config.accept_xx = true;
		start();
		id = rig_connect(&r.a, seed % 4 == 3 ? TH_SESSION_XX : TH_SESSION_IK, NULL);
		for (int i = 0; i < 60; i++) {
			unsigned what = (unsigned)th_rng_below(&r.rng, 12);

			for (uint64_t n = th_rng_below(&r.rng, 5); n > 0; n--)
				rig_request(&r.a, id, 30);
			rig_run(&r, r.now + th_rng_below(&r.rng, 4 * TH_SEC));
			if (what == 0) {
				rig_stop(&r.b);
				rig_start(&r.b);
			} else if (what == 1) {
				r.a.addr.port++;
			} else if (what == 2) {
				r.down = true;
				rig_run(&r, r.now + th_rng_below(&r.rng, HOUR));
				r.down = false;
			} else if (what == 3) {
				r.a.wall_offset = (int64_t)th_rng_below(&r.rng, 2 * YEAR_S) - YEAR_S;
			} else if (what == 4) {
				r.b.wall_offset = (int64_t)th_rng_below(&r.rng, 2 * YEAR_S) - YEAR_S;
			} else if (what == 5) {
				rig_run(&r, r.now + th_rng_below(&r.rng, 30 * HOUR));
			}
			assert_true(rig_settle(&r, 24 * HOUR));
		}
		for (uint32_t q = 1; q <= r.last_id; q++)
			assert_int_equal(r.answered[q], 1);
		rig_free(&r);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_sessions_end),
		cmocka_unit_test(thirty_days),
		cmocka_unit_test(chaos),
	};

	take_rounds(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
