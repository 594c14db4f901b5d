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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_rise_though_the_handshake_is_old),
		cmocka_unit_test(numbers_rise_though_the_handshake_is_late),
		cmocka_unit_test(numbers_rise_after_an_idle_week),
		cmocka_unit_test(a_restart_is_told_though_its_answer_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
