/* Full tables: which session goes, and longer connection IDs. */
#include "life.h"

static void unconfirmed_sessions_go_first(void **state)
{
	th_session_id good;

	(void)state;
	set_up(1);
	r.on_send = NULL;
	r.unchecked = true;
	r.b.config.sessions_max = 40;
	r.b.config.half_open_max = 10;
	r.b.config.load = 0;
	good = warm(TH_SESSION_NK);
	for (int i = 0; i < 300; i++) { /* each one exchange, never confirmed */
		th_session_id id = rig_connect(&r.a, TH_SESSION_NK, NULL);

		rig_exchange(&r, &r.a, id, PATIENCE);
		th_session_close(r.a.s, id);
		assert_true(stats(&r.b)->half_open <= 10 && stats(&r.b)->sessions <= 11);
	}
	assert_true(rig_exchange(&r, &r.a, good, PATIENCE) == 2 * r.delay);
	assert_int_equal(r.b.closed, 290);
	assert_int_equal(r.b.why, TH_SESSION_END_EVICTED);
	rig_free(&r);
}

/* An evicted session's initiator finds out with its next exchange, which succeeds. */
static void confirmed_sessions_are_evicted_by_age(void **state)
{
	enum { MAX = 20, MORE = 30 };
	th_session_id ids[MORE];

	(void)state;
	set_up(1);
	r.on_send = NULL;
	r.b.config.sessions_max = MAX;
	r.b.config.load = 0;
	start();
	for (int i = 0; i < MORE; i++) {
		ids[i] = rig_connect(&r.a, TH_SESSION_NK, NULL);
		rig_exchange(&r, &r.a, ids[i], PATIENCE);
		rig_exchange(&r, &r.a, ids[i], PATIENCE);
		assert_true(stats(&r.b)->sessions <= MAX);
	}
	assert_int_equal(stats(&r.b)->evicted, MORE - MAX);
	for (int i = MORE - MAX; i < MORE; i++)
		assert_true(rig_exchange(&r, &r.a, ids[i], PATIENCE) == 2 * r.delay);
	for (int i = 0; i < MORE - MAX; i++)
		rig_exchange(&r, &r.a, ids[i], PATIENCE);
	rig_free(&r);
}

/* More sessions than short connection IDs. */
static void the_251st_session_has_a_longer_id(void **state)
{
	enum { MANY = 300 };
	static th_session_id ids[MANY];

	(void)state;
	set_up(1);
	r.on_send = NULL;
	r.b.config.load = 0;
	r.b.config.half_open_max = MANY + 1;
	r.a.config.cids = true; /* without, so many sessions with one peer could not be told apart */
	start();
	for (int i = 0; i < MANY; i++) {
		ids[i] = rig_connect(&r.a, TH_SESSION_NK, NULL);
		rig_exchange(&r, &r.a, ids[i], PATIENCE);
	}
	for (int i = 0; i < MANY; i++) {
		r.a.sent_bytes = r.b.sent_bytes = 0;
		rig_exchange(&r, &r.a, ids[i], PATIENCE);
		assert_int_equal(r.a.sent_bytes, 30 + (i < 250 ? 10 : 11));
		assert_int_equal(r.b.sent_bytes, 20 + (i < 250 ? 10 : 11));
	}
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unconfirmed_sessions_go_first),
		cmocka_unit_test(confirmed_sessions_are_evicted_by_age),
		cmocka_unit_test(the_251st_session_has_a_longer_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
