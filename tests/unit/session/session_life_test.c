/* The life of a session: losses, restarts, blackouts, clocks, rekeying, roaming, replays, full tables. */
#include "rig.h"

enum { KEPT_DATAGRAMS = 4096, YEAR_S = 365 * 24 * 3600 };

#define HOUR (3600 * TH_SEC)
#define PATIENCE HOUR

static struct rig r;
static unsigned rounds = 1; /* how many times the usual number of seeds */

/* What was sent, for replays. */
static struct rig_datagram tape[KEPT_DATAGRAMS];
static size_t tape_n;

static void record(struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	(void)rig, (void)e;
	if (tape_n < KEPT_DATAGRAMS)
		tape[tape_n++] = *d;
}

static void set_up(uint64_t seed)
{
	rig_init(&r, seed);
	tape_n = 0;
	r.on_send = record;
}

static void start(void)
{
	rig_start(&r.a);
	rig_start(&r.b);
}

static const struct th_session_stats *stats(const struct rig_end *e)
{
	return th_sessions_stats(e->s);
}

static th_session_id warm(enum th_session_pattern pattern)
{
	th_session_id id;

	start();
	id = rig_connect(&r.a, pattern, NULL);
	rig_exchange(&r, &r.a, id, PATIENCE);
	rig_exchange(&r, &r.a, id, PATIENCE);
	return id;
}

static struct th_addr address_of(const struct rig_end *e, th_session_id id)
{
	struct th_session_info info = { 0 };

	assert_true(th_session_look(e->s, id, &info, r.now));
	return info.address;
}

/* ---- losses ---- */

/* Drops the n-th datagram of one end, counted from 1. */
static struct {
	struct rig_end *of;
	uint64_t n;
} drop;

static void drop_one(struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	(void)d;
	rig->down = e == drop.of && e->sent == drop.n;
}

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

/* ---- clocks ---- */

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

/* ---- rekeying ---- */

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
 * newest, does. Else they would be gone when that is not answered, and what the initiator then sends be sent in vain. */
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

/* ---- roaming ---- */

static void the_initiator_moves(void **state)
{
	const char *const places[] = { "10.0.0.1:40001", "10.0.0.9:40001", "[2001:db8::1]:40001", "[2001:db8::2]:1",
				       "10.0.0.1:40000" };
	th_session_id id;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	for (size_t i = 0; i < UNIT_COUNT(places); i++) {
		r.a.addr = rig_addr(places[i]);
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
		assert_true(th_addr_eq(&(struct th_addr){ 0 }, &r.a.addr) == false);
		assert_int_equal(stats(&r.b)->roamed, i + 1);
	}
	assert_true(stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

/* The move comes while an answer is awaited: one exchange is late by two resends, and no handshake is needed. */
static void the_initiator_moves_while_it_waits(void **state)
{
	th_session_id id;
	uint32_t q;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	q = rig_request(&r.a, id, 30);
	r.a.addr = rig_addr("[2001:db8::7]:7");
	assert_true(rig_settle(&r, r.rto * 5 / 2 + 3 * r.delay));
	assert_int_equal(r.executed[q], 1);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	assert_true(stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

static void a_keepalive_tells_the_address(void **state)
{
	th_session_id id;
	size_t sent;

	(void)state;
	set_up(1);
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	assert_int_equal(th_session_keepalive(r.a.s, id, r.now), TH_ERR_NOT_FOUND);
	rig_exchange(&r, &r.a, id, PATIENCE);
	rig_exchange(&r, &r.a, id, PATIENCE);
	r.a.addr = rig_addr("10.0.0.1:9");
	sent = r.b.sent;
	r.a.sent_bytes = 0;
	assert_int_equal(th_session_keepalive(r.a.s, id, r.now), TH_OK);
	rig_run(&r, r.now + TH_SEC);
	assert_int_equal(r.a.sent_bytes, 10);
	assert_int_equal(r.b.sent, sent);
	assert_true(th_addr_eq(&r.a.addr, &(const struct th_addr[]){ address_of(&r.b, r.b.sessions[0]) }[0]));
	rig_free(&r);
}

static void the_responder_moves(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	r.b.addr = rig_addr("[2001:db8::5]:5683");
	assert_int_equal(th_sessions_set_address(r.a.s, id, &r.b.addr), TH_OK);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	assert_true(stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

/* Somebody in between catches an answer and hands it on from his own address. He gets what follows, until the silence
 * sends the initiator back to where its peer is configured to be. */
static void an_initiator_led_astray_comes_back(void **state)
{
	const struct th_addr elsewhere = rig_addr("192.0.2.66:666");
	th_session_id id;

	(void)state;
	set_up(1);
	r.a.config.cids = true;
	id = warm(TH_SESSION_NK);
	rig_request(&r.a, id, 30);
	rig_run(&r, r.now + 60 * TH_MS);
	assert_int_equal(r.flying_n, 1);
	r.flying_n = 0;
	rig_inject(&r, &r.a, &elsewhere, tape[tape_n - 1].b, tape[tape_n - 1].n);
	assert_true(rig_idle(&r));
	assert_true(th_addr_eq(&elsewhere, &(const struct th_addr[]){ address_of(&r.a, id) }[0]));
	rig_exchange(&r, &r.a, id, 60 * TH_SEC);
	assert_true(th_addr_eq(&r.b.addr, &(const struct th_addr[]){ address_of(&r.a, id) }[0]));
	rig_free(&r);
}

/* A new address during the handshake itself. */
static void moves_before_the_answer_came(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.a.config.rekey_age = TH_NEVER;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_request(&r.a, id, 30);
	r.a.addr = rig_addr("10.0.0.1:2");
	assert_true(rig_settle(&r, 15 * 60 * TH_SEC));
	assert_int_equal(r.again, 0);
	assert_int_equal(stats(&r.b)->sessions, 1); /* the later attempts named the same session */
	rig_free(&r);
}

/* ---- replays ---- */

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

/* ---- full tables ---- */

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

/* ---- age ---- */

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

/* ---- all of it together ---- */

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
		cmocka_unit_test(a_lost_reply_is_sent_again),
		cmocka_unit_test(a_lost_first_datagram_is_sent_again),
		cmocka_unit_test(a_lost_confirmation_is_made_up_for),
		cmocka_unit_test(any_one_datagram_may_be_lost),
		cmocka_unit_test(loss_doubling_and_reordering),
		cmocka_unit_test(both_initiate_at_once),
		cmocka_unit_test(responder_restarts),
		cmocka_unit_test(numbers_rise_across_restarts),
		cmocka_unit_test(initiator_restarts),
		cmocka_unit_test(restarts_under_way),
		cmocka_unit_test(an_hour_of_blackout),
		cmocka_unit_test(given_up_during_a_blackout),
		cmocka_unit_test(without_a_clock_early_data_costs_a_round_trip),
		cmocka_unit_test(a_wrong_clock_pays_once),
		cmocka_unit_test(the_responders_clock_jumps),
		cmocka_unit_test(without_a_disk_early_data_is_refused),
		cmocka_unit_test(the_mark_is_written_rarely),
		cmocka_unit_test(rekey_by_use),
		cmocka_unit_test(rekey_by_age),
		cmocka_unit_test(rekey_under_loss_loses_and_doubles_nothing),
		cmocka_unit_test(keys_that_a_handshake_names_are_in_use),
		cmocka_unit_test(rekey_that_nobody_answers_holds_nothing_up),
		cmocka_unit_test(the_initiator_moves),
		cmocka_unit_test(the_initiator_moves_while_it_waits),
		cmocka_unit_test(a_keepalive_tells_the_address),
		cmocka_unit_test(the_responder_moves),
		cmocka_unit_test(an_initiator_led_astray_comes_back),
		cmocka_unit_test(moves_before_the_answer_came),
		cmocka_unit_test(replays_from_elsewhere_do_nothing),
		cmocka_unit_test(a_captured_first_datagram_is_worthless),
		cmocka_unit_test(a_first_datagram_in_flight_is_answered_at_home_only),
		cmocka_unit_test(a_full_cache_refuses_early_data),
		cmocka_unit_test(attempts_out_of_order_are_one_session),
		cmocka_unit_test(a_late_third_message_is_no_session),
		cmocka_unit_test(unconfirmed_sessions_go_first),
		cmocka_unit_test(confirmed_sessions_are_evicted_by_age),
		cmocka_unit_test(the_251st_session_has_a_longer_id),
		cmocka_unit_test(idle_sessions_end),
		cmocka_unit_test(thirty_days),
		cmocka_unit_test(chaos),
	};

	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
