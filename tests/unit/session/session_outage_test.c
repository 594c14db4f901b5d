/* An end that is killed and started again, a link that is away for an hour. Argument: ROUNDS, times the usual number of
 * seeds. */
#include "life.h"

/* ---- restarts ---- */

static void responder_restarts(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		th_session_id id;

		set_up(1);
		id = warm(i & 1 ? TH_SESSION_IK : TH_SESSION_NK);
		rig_stop(&r.b);
		if (i & 2)
			rig_run(&r, r.now + HOUR);
		rig_start(&r.b);
		r.a.opened = r.a.continued = r.a.rekeyed = 0;
		/* two resends, the new handshake with the third; it carries the request and brings the answer */
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) <
			    r.rto * 5 + (i & 2 ? 0u : 1u) * r.rto * 5 + 4 * r.delay);
		assert_true(r.a.opened == 1 && r.a.rekeyed == 1 && r.a.continued == 0);
		assert_true(stats(&r.a)->initiations_out == 2);
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
		assert_int_equal(r.a.closed, 0); /* the session's id stays */
		rig_free(&r);
	}
}

/* The numbers of the peer go on, too: the session has one space of them, whatever restarts. */
static void numbers_rise_across_restarts(void **state)
{
	th_session_id id;
	uint64_t before;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	for (int i = 0; i < 5; i++) {
		before = th_session_next(r.a.s, id);
		rig_stop(&r.b);
		rig_start(&r.b);
		rig_exchange(&r, &r.a, id, PATIENCE);
		assert_true(th_session_next(r.a.s, id) > before);
		assert_int_equal(r.b.sessions_n, 1);
		assert_true(th_session_next(r.b.s, r.b.sessions[0]) > 4096u * (unsigned)(i + 1));
		assert_true(th_session_next(r.b.s, r.b.sessions[0]) < 4096u * (unsigned)(i + 2));
	}
	rig_free(&r);
}

static void initiator_restarts(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	warm(TH_SESSION_IK);
	rig_stop(&r.a);
	rig_start(&r.a);
	id = rig_connect(&r.a, TH_SESSION_IK, NULL);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	assert_int_equal(stats(&r.b)->sessions, 2); /* the old one is evicted some day */
	rig_free(&r);
}

/* Under loss, killed again and again: every exchange still succeeds, and is executed twice only if its server was
 * killed meanwhile (rig.c checks that). */
static void restarts_under_way(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30 * rounds; seed++) {
		th_session_id id;

		set_up(seed);
		r.loss = 20;
		start();
		id = rig_connect(&r.a, TH_SESSION_NK, NULL);
		for (int i = 0; i < 20; i++) {
			uint32_t q = rig_request(&r.a, id, 30);

			rig_run(&r, r.now + th_rng_below(&r.rng, 3 * TH_SEC));
			rig_stop(&r.b);
			rig_start(&r.b);
			assert_true(rig_settle(&r, PATIENCE));
			assert_int_equal(r.answered[q], 1);
		}
		rig_free(&r);
	}
}

/* ---- blackouts ---- */

static void an_hour_of_blackout(void **state)
{
	(void)state;
	for (int cold = 0; cold < 2; cold++)
		for (int restart = 0; restart < 2; restart++) {
			th_session_id id;
			uint64_t handshakes;
			uint32_t q;

			set_up(1);
			if (cold) {
				start();
				id = rig_connect(&r.a, TH_SESSION_NK, NULL);
			} else {
				id = warm(TH_SESSION_NK);
			}
			r.down = true;
			r.on_send = NULL;
			q = rig_request(&r.a, id, 30);
			rig_run(&r, r.now + HOUR);
			if (restart) {
				rig_stop(&r.b);
				rig_start(&r.b);
			}
			handshakes = stats(&r.a)->handshakes;
			r.down = false;
			/* what waits is resent after a minute at the most */
			assert_true(rig_settle(&r, 62 * TH_SEC));
			assert_int_equal(r.answered[q], 1);
			assert_int_equal(r.executed[q], 1);
			assert_true(stats(&r.a)->handshakes <= handshakes + 2);
			assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
			rig_free(&r);
		}
}

/* Requests whose users gave up during the blackout leave nothing behind that holds up the next. */
static void given_up_during_a_blackout(void **state)
{
	th_session_id id;

	(void)state;
	for (int cold = 0; cold < 2; cold++) {
		set_up(1);
		r.on_send = NULL;
		if (cold) {
			start();
			id = rig_connect(&r.a, TH_SESSION_NK, NULL);
		} else {
			id = warm(TH_SESSION_NK);
		}
		r.down = true;
		for (int i = 0; i < 6; i++) {
			rig_request(&r.a, id, 30);
			rig_run(&r, r.now + 60 * TH_SEC);
			th_session_forget(r.a.s, id, r.a.requests[0].number);
			r.a.requests[0].active = false;
		}
		r.down = false;
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) <= 2 * r.rto + 2 * r.delay);
		rig_free(&r);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responder_restarts),  cmocka_unit_test(numbers_rise_across_restarts),
		cmocka_unit_test(initiator_restarts),  cmocka_unit_test(restarts_under_way),
		cmocka_unit_test(an_hour_of_blackout), cmocka_unit_test(given_up_during_a_blackout),
	};

	take_rounds(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
