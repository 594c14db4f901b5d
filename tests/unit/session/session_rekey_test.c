/* New keys: by use, by age, under loss, and when nobody answers. Argument: ROUNDS, times the usual number of seeds. */
#include "life.h"

static void rekey_by_use(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.a.config.rekey_packets = 20;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	for (int i = 0; i < 200; i++)
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay); /* nobody notices */
	assert_true(stats(&r.a)->rekeys >= 8 && stats(&r.a)->rekeys <= 11);
	assert_int_equal(stats(&r.b)->sessions, 1);
	assert_true(r.a.continued == stats(&r.a)->rekeys);
	rig_free(&r);
}

static void rekey_by_age(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_IK);
	for (int day = 0; day < 5; day++) {
		rig_run(&r, r.now + 25 * HOUR);
		for (int i = 0; i < 5; i++)
			assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	}
	assert_int_equal(stats(&r.a)->rekeys, 5);
	assert_int_equal(stats(&r.b)->sessions, 1);
	rig_free(&r);
}

static void rekey_under_loss_loses_and_doubles_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40 * rounds; seed++) {
		th_session_id id;

		set_up(seed);
		r.on_send = NULL;
		r.loss = 40;
		r.doubled = 20;
		r.jitter = seed & 1 ? 4 * TH_SEC : 0;
		r.a.config.rekey_packets = 10;
		r.b.answer_size = seed & 2 ? 20 : 500;
		r.b.answer_after = seed & 4 ? 300 * TH_MS : 0;
		start();
		id = rig_connect(&r.a, TH_SESSION_NK, NULL);
		for (int i = 0; i < 30; i++) {
			for (int k = 0; k < 8; k++)
				rig_request(&r.a, id, 30);
			assert_true(rig_settle(&r, 24 * HOUR));
		}
		assert_true(stats(&r.a)->rekeys > 5);
		assert_int_equal(r.again, 0);
		rig_free(&r);
	}
}

/* Each exchange makes new keys, and no record confirms any: the next handshake, which gives the session the name of the
 * newest, does. Else they would be gone when that is not answered, and what the initiator then sends be sent in vain.
 */
static void keys_that_a_handshake_names_are_in_use(void **state)
{
	struct th_session_info info;
	th_session_id id;

	(void)state;
	set_up(1);
	r.on_send = drop_one;
	r.a.config.rekey_age = TH_SEC;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	for (int i = 0; i < 3; i++) {
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
		rig_run(&r, r.now + HOUR);
	}
	assert_true(stats(&r.a)->handshakes == 3 && stats(&r.b)->handshakes == 2);
	drop.of = &r.b;
	drop.n = r.b.sent + 1;
	rig_request(&r.a, id, 30);
	rig_run(&r, r.now + 2 * r.delay);
	assert_true(th_session_look(r.b.s, r.b.sessions[0], &info, r.now) && info.established);
	assert_true(stats(&r.b)->handshakes == 3);
	assert_true(rig_settle(&r, HOUR));
	assert_true(stats(&r.b)->unknown_cid == 0 && stats(&r.b)->sessions == 1);
	rig_free(&r);
}

static void rekey_that_nobody_answers_holds_nothing_up(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	rig_run(&r, r.now + 25 * HOUR);
	r.on_send = NULL;
	for (int i = 0; i < 5; i++) {
		rig_request(&r.a, id, 30);
		/* initiations are lost, records are not */
		for (int k = 0; k < 20 && !rig_idle(&r); k++) {
			for (size_t d = 0; d < r.flying_n;)
				if (r.flying[d].b[0] == 0xc0)
					r.flying[d] = r.flying[--r.flying_n];
				else
					d++;
			rig_run(&r, r.now + 10 * TH_MS);
			rig_settle(&r, TH_SEC);
		}
		assert_true(rig_idle(&r));
	}
	rig_free(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rekey_by_use),
		cmocka_unit_test(rekey_by_age),
		cmocka_unit_test(rekey_under_loss_loses_and_doubles_nothing),
		cmocka_unit_test(keys_that_a_handshake_names_are_in_use),
		cmocka_unit_test(rekey_that_nobody_answers_holds_nothing_up),
	};

	take_rounds(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
