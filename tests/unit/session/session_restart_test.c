/* A responder that has been restarted, and what is still under way from before: its numbers go on past all that the
 * initiator has seen, and the initiator hears that it is a new one, whatever was lost, late or kept. */
#include "rig.h"

enum { USED_NUMBERS = 4100 }; /* past the first place where a new responder's numbers may begin */

#define HOUR (3600 * TH_SEC)
#define DAY (24 * HOUR)

static struct rig r;

static const struct th_session_stats *stats(const struct rig_end *e)
{
	return th_sessions_stats(e->s);
}

static th_session_id warm(bool rides)
{
	th_session_id id;

	rig_init(&r, 1);
	if (!rides)
		r.a.config.early_max = 0;
	rig_start(&r.a);
	rig_start(&r.b);
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_exchange(&r, &r.a, id, HOUR);
	rig_exchange(&r, &r.a, id, HOUR);
	r.a.opened = r.a.rekeyed = r.a.continued = 0;
	return id;
}

static void restart_b(void)
{
	rig_stop(&r.b);
	rig_start(&r.b);
}

static void use_numbers(void)
{
	for (int i = 0; i < USED_NUMBERS; i++)
		th_session_number(r.b.s, r.b.sessions[0]);
}

/* ---- a handshake of ours that was begun before the restart ---- */

static bool initiated; /* a has sent an initiation */
static struct rig_datagram first;

static void only_records(struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	(void)e;
	rig->down = (d->b[0] & 0xc0) == 0xc0;
	if (rig->down && !initiated) {
		initiated = true;
		first = *d;
	}
}

/* b thinks for so long that a tries a new handshake, which does not arrive; then the answer comes under the old keys,
 * with a number that the handshake does not know of. */
static th_session_id with_an_old_flight(bool rides)
{
	th_session_id id = warm(rides);

	use_numbers();
	initiated = false;
	r.on_send = only_records;
	r.b.answer_after = 12 * TH_SEC;
	rig_exchange(&r, &r.a, id, HOUR);
	assert_true(initiated && r.a.opened == 0);
	r.on_send = NULL;
	r.down = false;
	r.b.answer_after = 0;
	return id;
}

static void numbers_rise_though_the_handshake_is_old(void **state)
{
	(void)state;
	for (int rides = 0; rides < 2; rides++) {
		th_session_id id = with_an_old_flight(rides);

		restart_b();
		rig_exchange(&r, &r.a, id, HOUR);
		assert_true(r.a.opened == 1 && r.a.rekeyed == 1 && r.a.continued == 0);
		assert_true(th_session_next(r.b.s, r.b.sessions[0]) > USED_NUMBERS);
		rig_free(&r);
	}
}

static void numbers_rise_though_the_handshake_is_late(void **state)
{
	(void)state;
	for (int rides = 0; rides < 2; rides++) {
		th_session_id id = with_an_old_flight(rides);

		restart_b();
		rig_inject(&r, &r.b, &first.from, first.b, first.n);
		rig_run(&r, r.now + TH_SEC);
		rig_exchange(&r, &r.a, id, HOUR);
		assert_true(r.a.opened == 1 && r.a.rekeyed == 1 && r.a.continued == 0);
		rig_exchange(&r, &r.a, id, HOUR);
		rig_free(&r);
	}
}

static void numbers_rise_after_an_idle_week(void **state)
{
	th_session_id id;

	(void)state;
	id = warm(true);
	use_numbers();
	rig_exchange(&r, &r.a, id, HOUR);
	rig_run(&r, r.now + 8 * DAY);
	restart_b();
	assert_true(rig_exchange(&r, &r.a, id, HOUR) == 2 * r.delay);
	assert_true(r.a.opened == 1 && r.a.rekeyed == 1 && r.a.continued == 0);
	assert_true(th_session_next(r.b.s, r.b.sessions[0]) > USED_NUMBERS);
	rig_free(&r);
}

/* ---- a new responder is known for one ---- */

static void only_a(struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	(void)d;
	rig->down = e == &rig->b;
}

/* Also when the attempt that told so was answered in vain, and another one follows. */
static void a_restart_is_told_though_its_answer_is_lost(void **state)
{
	th_session_id id;
	uint32_t q;

	(void)state;
	id = warm(true);
	restart_b();
	r.on_send = only_a;
	q = rig_request(&r.a, id, 30);
	rig_run(&r, r.now + 400 * TH_SEC);
	assert_true(stats(&r.b)->early_accepted > 0 && r.executed[q] == 1 && !r.answered[q]);
	assert_true(stats(&r.b)->initiations_in - stats(&r.b)->replayed > 1); /* several attempts */
	r.on_send = NULL;
	r.down = false;
	assert_true(rig_settle(&r, HOUR));
	assert_true(r.a.opened == 1 && r.a.rekeyed == 1 && r.a.continued == 0);
	assert_int_equal(r.b.sessions_n, 1);
	assert_int_equal(r.executed[q], 1);
	rig_free(&r);
}

/* ---- what may not be delivered twice (TH_SESSION_ONCE) ---- */

/* Killed again and again, under loss: rig.c checks that nothing is executed twice. What is not answered is doubted. */
static void once_is_never_twice(void **state)
{
	unsigned answered = 0, doubted = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		enum th_session_pattern pattern[] = { TH_SESSION_NK, TH_SESSION_IK, TH_SESSION_XX };
		th_session_id id;

		rig_init(&r, seed);
		r.loss = (unsigned)(seed % 5) * 10;
		r.doubled = 10;
		r.jitter = seed % 4 * TH_SEC;
		r.a.once = true;
		r.a.config.rekey_packets = seed % 2 ? 0 : 1 + seed % 30;
		r.a.config.early_max = seed % 3 ? 1024 : 20;
		r.a.wall_offset = seed % 7 ? 0 : -100000;
		r.b.config.accept_xx = true;
		r.b.answer_after = seed & 4 ? 700 * TH_MS : 0;
		r.b.plain_answers = seed & 8;
		rig_start(&r.a);
		rig_start(&r.b);
		id = rig_connect(&r.a, pattern[seed % 3], NULL);
		for (int i = 0; i < 20; i++) {
			for (uint64_t n = th_rng_below(&r.rng, 3); n > 0; n--)
				rig_request(&r.a, id, 30);
			rig_run(&r, r.now + th_rng_below(&r.rng, 5 * TH_SEC));
			if (th_rng_below(&r.rng, 4) == 0)
				restart_b();
			if (th_rng_below(&r.rng, 8) == 0)
				rig_run(&r, r.now + th_rng_below(&r.rng, 300 * TH_SEC));
			if (th_rng_below(&r.rng, 8) == 0)
				restart_b();
			if (th_rng_below(&r.rng, 2))
				assert_true(rig_settle(&r, DAY));
		}
		assert_true(rig_settle(&r, DAY));
		for (uint32_t q = 1; q <= r.last_id; q++) {
			assert_true(r.executed[q] <= 1 && r.answered[q] + r.doubted[q] == 1);
			answered += r.answered[q];
			doubted += r.doubted[q];
		}
		rig_free(&r);
	}
	print_message("%u answered, %u doubted\n", answered, doubted);
	assert_true(answered > doubted && doubted > 0);
}

/* Nothing was under way when b was restarted: the next request finds that out, and is answered. */
static void a_restart_before_it_is_no_doubt(void **state)
{
	(void)state;
	for (int seconds = 3; seconds < 2000; seconds += 97) {
		th_session_id id = warm(true);
		uint32_t q;

		r.a.once = true;
		restart_b();
		rig_run(&r, r.now + (th_time)seconds * TH_SEC);
		q = rig_request(&r.a, id, 30);
		assert_true(rig_settle(&r, 60 * TH_SEC));
		assert_true(r.executed[q] == 1 && r.answered[q] == 1 && r.doubted[q] == 0);
		rig_free(&r);
	}
}

static void doubt_about_a_request(bool cold)
{
	th_session_id id;
	uint32_t q;

	id = warm(true);
	if (cold) {
		rig_stop(&r.a);
		rig_start(&r.a);
		id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	}
	r.a.once = true;
	r.on_send = only_a;
	q = rig_request(&r.a, id, 30);
	rig_run(&r, r.now + TH_SEC);
	assert_int_equal(r.executed[q], 1);
	restart_b();
	r.on_send = NULL;
	r.down = false;
	assert_true(rig_settle(&r, 200 * TH_SEC));
	assert_true(r.executed[q] == 1 && r.answered[q] == 0 && r.doubted[q] == 1);
	rig_exchange(&r, &r.a, id, HOUR);
	rig_free(&r);
}

static void doubt_is_told(void **state)
{
	(void)state;
	doubt_about_a_request(false);
	doubt_about_a_request(true);
}

/* Refused early data was not executed before, if its responder has been running since before it was sent. */
static void a_wrong_clock_is_no_doubt(void **state)
{
	(void)state;
	for (int none = 0; none < 2; none++) {
		th_session_id id;
		uint32_t q;

		rig_init(&r, 1);
		r.a.no_wall = none;
		r.a.wall_offset = -1000000;
		r.a.once = true;
		rig_start(&r.a);
		rig_start(&r.b);
		rig_run(&r, r.now + 60 * TH_SEC);
		id = rig_connect(&r.a, TH_SESSION_NK, NULL);
		r.on_send = only_a;
		q = rig_request(&r.a, id, 30);
		rig_run(&r, r.now + 10 * TH_SEC);
		r.on_send = NULL;
		r.down = false;
		assert_true(rig_settle(&r, HOUR));
		assert_true(r.executed[q] == 1 && r.answered[q] == 1);
		rig_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_rise_though_the_handshake_is_old),
		cmocka_unit_test(numbers_rise_though_the_handshake_is_late),
		cmocka_unit_test(numbers_rise_after_an_idle_week),
		cmocka_unit_test(a_restart_is_told_though_its_answer_is_lost),
		cmocka_unit_test(once_is_never_twice),
		cmocka_unit_test(a_restart_before_it_is_no_doubt),
		cmocka_unit_test(doubt_is_told),
		cmocka_unit_test(a_wrong_clock_is_no_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
