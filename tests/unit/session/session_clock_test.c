/* Early data where a clock is missing, wrong or jumps, and the mark on disk that it needs. */
#include "life.h"

static void without_a_clock_early_data_costs_a_round_trip(void **state)
{
	(void)state;
	for (int who = 0; who < 3; who++) {
		th_session_id id;

		set_up(1);
		r.a.no_wall = who != 1;
		r.b.no_wall = who != 0;
		start();
		id = rig_connect(&r.a, TH_SESSION_NK, NULL);
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 4 * r.delay);
		assert_int_equal(r.b.early, 0);
		assert_true(stats(&r.b)->early_refused == 1);
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
		rig_free(&r);
	}
}

/* Told once, the initiator knows the responder's time, however its own clock jumps. */
static void a_wrong_clock_pays_once(void **state)
{
	const int64_t wrong[] = { 10LL * YEAR_S, -10LL * YEAR_S, 3600, -3600, 31, -301 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
		th_session_id id;

		set_up(1);
		r.a.wall_offset = wrong[i];
		r.a.config.rekey_packets = 1; /* a new handshake every second exchange */
		start();
		id = rig_connect(&r.a, TH_SESSION_NK, NULL);
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 4 * r.delay);
		for (int k = 0; k < 10; k++) {
			r.a.wall_offset = k & 1 ? 10LL * YEAR_S : -10LL * YEAR_S;
			rig_run(&r, r.now + HOUR);
			assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
		}
		assert_true(stats(&r.b)->early_refused == 1 && stats(&r.b)->early_accepted >= 5);
		rig_free(&r);
	}
}

static void the_responders_clock_jumps(void **state)
{
	const int64_t jumps[] = { 10LL * YEAR_S, 0, -10LL * YEAR_S, 10LL * YEAR_S, -10LL * YEAR_S, 0 };
	th_session_id id;

	(void)state;
	set_up(1);
	r.a.config.rekey_packets = 1;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	for (size_t i = 0; i < UNIT_COUNT(jumps); i++) {
		r.b.wall_offset = jumps[i];
		if (i & 1) {
			rig_stop(&r.b);
			rig_start(&r.b);
		}
		for (int k = 0; k < 3; k++)
			rig_exchange(&r, &r.a, id, PATIENCE);
		/* The clock that early data is judged by never goes back, so once told is enough. */
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	}
	rig_free(&r);
}

static void without_a_disk_early_data_is_refused(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.b.persist_fails = true;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 4 * r.delay);
	assert_int_equal(r.b.early, 0);
	rig_free(&r);
}

static void the_mark_is_written_rarely(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.a.config.rekey_packets = 1;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	for (int i = 0; i < 600; i++) {
		rig_exchange(&r, &r.a, id, PATIENCE);
		rig_run(&r, r.now + TH_SEC);
	}
	assert_true(r.b.persisted >= 10 && r.b.persisted <= 14); /* once a minute */
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_clock_early_data_costs_a_round_trip),
		cmocka_unit_test(a_wrong_clock_pays_once),
		cmocka_unit_test(the_responders_clock_jumps),
		cmocka_unit_test(without_a_disk_early_data_is_refused),
		cmocka_unit_test(the_mark_is_written_rarely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
