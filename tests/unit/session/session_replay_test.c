/* Datagrams that come again, late, from elsewhere or in another order. */
#include "life.h"

/* ---- copies ---- */

/* Everything that was ever sent, from elsewhere, in any order: nothing is executed, nothing moves. */
static void replays_from_elsewhere_do_nothing(void **state)
{
	const struct th_addr elsewhere = rig_addr("192.0.2.66:666");
	struct th_addr at_a, at_b;
	th_session_id id;
	size_t n;

	(void)state;
	set_up(1);
	r.a.config.rekey_packets = 50;
	id = warm(TH_SESSION_NK);
	for (int i = 0; i < 200; i++)
		rig_exchange(&r, &r.a, id, PATIENCE);
	at_a = address_of(&r.a, id);
	at_b = address_of(&r.b, r.b.sessions[0]);
	n = tape_n;
	r.on_send = NULL;
	for (size_t i = 0; i < 5 * n; i++) {
		const struct rig_datagram *d = &tape[th_rng_below(&r.rng, n)];

		rig_inject(&r, &r.b, &elsewhere, d->b, d->n);
		rig_inject(&r, &r.a, &elsewhere, d->b, d->n);
		rig_inject(&r, &r.a, &r.b.addr, d->b, d->n); /* even with the right address */
		r.flying_n = 0;
	}
	assert_true(th_addr_eq(&at_a, &(struct th_addr[]){ address_of(&r.a, id) }[0]));
	assert_true(th_addr_eq(&at_b, &(struct th_addr[]){ address_of(&r.b, r.b.sessions[0]) }[0]));
	assert_true(stats(&r.b)->roamed == 0 && stats(&r.a)->roamed == 0);
	for (uint32_t q = 1; q <= r.last_id; q++)
		assert_int_equal(r.executed[q], 1);
	rig_exchange(&r, &r.a, id, PATIENCE);
	rig_free(&r);
}

static void replay_first(unsigned times, bool elsewhere)
{
	struct th_addr from = r.a.addr;

	for (unsigned i = 0; i < times; i++) {
		if (elsewhere)
			from.port = (uint16_t)(1000 + i % 50);
		rig_inject(&r, &r.b, &from, tape[0].b, tape[0].n);
		r.flying_n = 0;
		if (i % 100 == 0)
			rig_run(&r, r.now + TH_SEC);
	}
}

/* A captured first datagram, a thousand times: now, later, after restarts, from anywhere. */
static void a_captured_first_datagram_is_worthless(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.b.config.load = 0; /* no cookies: each is looked at */
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_exchange(&r, &r.a, id, PATIENCE);
	assert_int_equal(r.executed[1], 1);
	rig_exchange(&r, &r.a, id, PATIENCE); /* confirmed now */
	r.b.sent = 0;
	replay_first(1000, false);
	replay_first(1000, true);
	assert_int_equal(r.b.sent, 0);
	for (int i = 0; i < 4; i++) {
		rig_stop(&r.b);
		if (i == 2)
			rig_run(&r, r.now + HOUR);
		if (i == 3)
			r.b.wall_offset = -2 * 3600; /* the clock is set back to before that time */
		r.b.sent = 0;
		rig_start(&r.b);
		replay_first(1000, i & 1);
		assert_true(r.b.sent <= 17); /* told that it is late: once, or as often as it comes again from there */
		assert_int_equal(r.b.opened, 1);
	}
	assert_int_equal(r.executed[1], 1);
	rig_free(&r);
}

/* The same in the seconds before its answer is confirmed: the answer is repeated to where it came from, nowhere else.
 */
static void a_first_datagram_in_flight_is_answered_at_home_only(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_exchange(&r, &r.a, id, PATIENCE);
	r.b.sent = 0;
	replay_first(50, true);
	assert_int_equal(r.b.sent, 0);
	replay_first(50, false);
	assert_int_equal(r.b.sent, 16); /* not for ever */
	assert_int_equal(r.executed[1], 1);
	rig_free(&r);
}

/* The cache of first datagrams is full: more are taken, but without early data; none is ever forgotten too soon. */
static void a_full_cache_refuses_early_data(void **state)
{
	enum { MAX = 16 };

	(void)state;
	set_up(1);
	r.b.config.guard_max = MAX;
	r.b.config.load = 0;
	start();
	for (unsigned i = 0; i < 3 * MAX; i++) {
		th_session_id id = rig_connect(&r.a, TH_SESSION_NK, NULL);
		th_time took = rig_exchange(&r, &r.a, id, PATIENCE);

		assert_true(took == (i < MAX ? 2 : 4) * r.delay);
		th_session_close(r.a.s, id);
	}
	for (size_t i = 0; i < tape_n; i++)
		if (tape[i].b[0] == 0xc0)
			rig_inject(&r, &r.b, &r.a.addr, tape[i].b, tape[i].n);
	r.flying_n = 0;
	for (uint32_t q = 1; q <= r.last_id; q++)
		assert_int_equal(r.executed[q], 1);
	rig_run(&r, r.now + 400 * TH_SEC); /* their time is over */
	assert_true(rig_exchange(&r, &r.a, rig_connect(&r.a, TH_SESSION_NK, NULL), PATIENCE) == 2 * r.delay);
	rig_free(&r);
}

/* ---- out of order ---- */

/* Lets time pass until there is an initiation on the tape, at `from` or later, that is not `old`; its place. */
static size_t next_initiation(size_t from, const struct rig_datagram *old)
{
	for (int i = 0; i < 1000; i++) {
		for (; from < tape_n; from++)
			if ((tape[from].b[0] & 0xf0) == 0xc0 && !(old && memcmp(tape[from].b, old->b, old->n) == 0))
				return from;
		rig_run(&r, r.now + TH_SEC);
	}
	fail_msg("no initiation");
	return 0;
}

/* The first attempt arrives after the second one, which named the same session, or after that is in use. */
static void attempts_out_of_order_are_one_session(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		bool restarted = i & 1, confirmed = i & 2;
		size_t first, second;
		th_session_id id;

		set_up(1);
		if (restarted) {
			id = warm(TH_SESSION_NK);
			rig_stop(&r.b);
			rig_run(&r, r.now + 100 * TH_SEC);
			rig_start(&r.b);
			tape_n = 0;
		} else {
			start();
			id = rig_connect(&r.a, TH_SESSION_NK, NULL);
		}
		r.down = true;
		rig_request(&r.a, id, 30);
		first = next_initiation(0, NULL);
		second = next_initiation(first, &tape[first]);
		r.down = false;
		r.on_send = NULL;
		rig_inject(&r, &r.b, &r.a.addr, tape[second].b, tape[second].n);
		if (confirmed) {
			assert_true(rig_settle(&r, PATIENCE));
			rig_exchange(&r, &r.a, id, PATIENCE);
		}
		rig_inject(&r, &r.b, &r.a.addr, tape[first].b, tape[first].n);
		assert_true(rig_settle(&r, PATIENCE));
		rig_exchange(&r, &r.a, id, PATIENCE);
		assert_int_equal(r.again, 0);
		assert_int_equal(stats(&r.b)->sessions, 1);
		rig_free(&r);
	}
}

/* XX: the third message is late, and arrives after the handshake that followed it. */
static void a_late_third_message_is_no_session(void **state)
{
	struct rig_datagram third;
	th_session_id id;
	uint32_t q;

	(void)state;
	set_up(1);
	r.b.config.accept_xx = true;
	start();
	id = rig_connect(&r.a, TH_SESSION_XX, NULL);
	q = rig_request(&r.a, id, 30);
	while (r.a.sent < 2)
		rig_run(&r, r.now + r.delay / 10);
	assert_true(tape_n == 3 && tape[2].b[0] == 0xe0);
	third = tape[2];
	r.flying_n = 0;
	r.down = true;
	next_initiation(2, NULL); /* with the other pattern, and the request in it */
	r.down = false;
	r.on_send = NULL;
	rig_run(&r, r.now + 100 * TH_SEC);
	assert_int_equal(r.executed[q], 1);
	rig_inject(&r, &r.b, &third.from, third.b, third.n);
	assert_true(rig_settle(&r, PATIENCE));
	assert_int_equal(r.executed[q], 1);
	assert_true(stats(&r.b)->sessions == 1);
	rig_exchange(&r, &r.a, id, PATIENCE);
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replays_from_elsewhere_do_nothing),
		cmocka_unit_test(a_captured_first_datagram_is_worthless),
		cmocka_unit_test(a_first_datagram_in_flight_is_answered_at_home_only),
		cmocka_unit_test(a_full_cache_refuses_early_data),
		cmocka_unit_test(attempts_out_of_order_are_one_session),
		cmocka_unit_test(a_late_third_message_is_no_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
