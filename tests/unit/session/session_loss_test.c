/* Sessions over a link that loses, doubles and reorders. Argument: ROUNDS, times the usual number of seeds. */
#include "life.h"

static void a_lost_reply_is_sent_again(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.on_send = drop_one;
	drop.of = &r.b;
	drop.n = 1;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_exchange(&r, &r.a, id, PATIENCE);
	assert_int_equal(r.a.sent, 2);
	assert_int_equal(r.b.sent, 2);
	assert_int_equal(r.b.opened, 1);
	assert_true(stats(&r.b)->replayed == 1);
	assert_true(stats(&r.b)->initiations_in == 2 && stats(&r.b)->handshakes == 0); /* not confirmed yet */
	rig_exchange(&r, &r.a, id, PATIENCE);
	assert_true(stats(&r.b)->handshakes == 1);
	rig_free(&r);
}

static void a_lost_first_datagram_is_sent_again(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.on_send = drop_one;
	drop.of = &r.a;
	drop.n = 1;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == r.rto + 2 * r.delay);
	assert_int_equal(r.a.sent, 2);
	assert_int_equal(r.b.sent, 1);
	rig_free(&r);
}

/* An answer too large for the first reply, and the record that confirms is lost: the engine's resend brings both on. */
static void a_lost_confirmation_is_made_up_for(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.on_send = drop_one;
	drop.of = &r.a;
	drop.n = 2;
	r.b.answer_size = 1200;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_exchange(&r, &r.a, id, PATIENCE);
	rig_exchange(&r, &r.a, id, PATIENCE);
	assert_true(stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

/* Each single datagram of the first exchanges lost in turn, with each pattern. */
static void any_one_datagram_may_be_lost(void **state)
{
	(void)state;
	for (int pattern = TH_SESSION_NK; pattern <= TH_SESSION_XX; pattern += pattern == TH_SESSION_IK ? 2 : 1)
		for (uint64_t n = 1; n <= 8; n++)
			for (int who = 0; who < 2; who++) {
				th_session_id id;

				set_up(n);
				r.on_send = drop_one;
				drop.of = who ? &r.a : &r.b;
				drop.n = n;
				r.b.config.accept_xx = true;
				r.b.answer_size = n & 1 ? 20 : 400;
				start();
				id = rig_connect(&r.a, (enum th_session_pattern)pattern, NULL);
				for (int i = 0; i < 5; i++)
					rig_exchange(&r, &r.a, id, PATIENCE);
				assert_int_equal(r.again, 0);
				rig_free(&r);
			}
}

/* Nothing lost, nothing doubled; and once the link is good again nothing is sent that the other end can't open. */
static void play(uint64_t seed, unsigned loss, enum th_session_pattern pattern, bool both)
{
	uint64_t ua, ub;
	th_session_id ab, ba = 0;

	set_up(seed);
	r.on_send = NULL;
	r.loss = loss;
	r.doubled = 10;
	r.jitter = seed & 1 ? 5 * TH_SEC : 0;
	r.b.config.accept_xx = true;
	r.b.answer_size = seed & 2 ? 20 : 300;
	r.b.answer_after = seed & 4 ? 700 * TH_MS : 0;
	r.b.plain_answers = seed & 8;
	if (both)
		r.a.config.accept = r.a.config.cids = true;
	start();
	ab = rig_connect(&r.a, pattern, NULL);
	if (both)
		ba = rig_connect(&r.b, TH_SESSION_NK, NULL);
	for (int i = 0; i < 30; i++) {
		for (int k = 0; k < 4; k++) {
			rig_request(&r.a, ab, 30);
			if (both)
				rig_request(&r.b, ba, 30);
		}
		assert_true(rig_settle(&r, 24 * HOUR));
	}
	assert_int_equal(r.again, 0);
	r.loss = r.doubled = 0;
	rig_run(&r, r.now + HOUR);
	rig_exchange(&r, &r.a, ab, PATIENCE);
	ua = stats(&r.a)->unauthentic + stats(&r.a)->unknown_cid;
	ub = stats(&r.b)->unauthentic + stats(&r.b)->unknown_cid;
	for (int i = 0; i < 20; i++)
		assert_true(rig_exchange(&r, &r.a, ab, PATIENCE) < r.rto + 11 * TH_SEC);
	assert_true(stats(&r.a)->unauthentic + stats(&r.a)->unknown_cid == ua);
	assert_true(stats(&r.b)->unauthentic + stats(&r.b)->unknown_cid == ub);
	rig_free(&r);
}

static void loss_doubling_and_reordering(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 60 * rounds; seed++)
		play(seed, 40, (enum th_session_pattern[]){ TH_SESSION_NK, TH_SESSION_IK, TH_SESSION_XX }[seed % 3],
		     seed % 5 == 0);
}

static void both_initiate_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20 * rounds; seed++)
		play(seed, (unsigned)seed % 50, TH_SESSION_NK, true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_reply_is_sent_again),
		cmocka_unit_test(a_lost_first_datagram_is_sent_again),
		cmocka_unit_test(a_lost_confirmation_is_made_up_for),
		cmocka_unit_test(any_one_datagram_may_be_lost),
		cmocka_unit_test(loss_doubling_and_reordering),
		cmocka_unit_test(both_initiate_at_once),
	};

	take_rounds(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
