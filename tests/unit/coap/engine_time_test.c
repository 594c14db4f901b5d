/* RFC 7252 §4.2, §4.7 and §4.8: how often, when, and how many at a time. */
#include "rig.h"

static struct rig r;
static struct wire w, q;

static void the_derived_times_are_those_of_the_rfc(void **state)
{
	struct th_coap_params p = rig_params;

	(void)state;
	assert_true(th_coap_max_transmit_span(&p) == 45 * TH_SEC);
	assert_true(th_coap_max_transmit_wait(&p) == 93 * TH_SEC);
	assert_true(th_coap_exchange_lifetime(&p) == 247 * TH_SEC);
	assert_true(th_coap_non_lifetime(&p) == 145 * TH_SEC);
	p.ack_timeout = 20 * TH_SEC; /* a thin link: nothing is a constant */
	p.max_latency = 300 * TH_SEC;
	p.ack_random_percent = 0;
	assert_true(th_coap_max_transmit_span(&p) == 300 * TH_SEC);
	assert_true(th_coap_exchange_lifetime(&p) == 920 * TH_SEC);
	assert_true(th_coap_params_default.ack_timeout == 2 * TH_SEC);
	assert_int_equal(th_coap_params_default.max_retransmit, 4);
	assert_int_equal(th_coap_params_default.window_start, 1);
	assert_true(th_coap_exchange_lifetime(&th_coap_params_default) >= 247 * TH_SEC);
}

/* The gaps of one message nobody answers; checks that all copies are alike. Returns the first timeout. */
static th_time watch_retransmissions(unsigned copies, th_time slack)
{
	static struct rig_sent first, s;
	th_time timeout = 0, last;

	assert_true(rig_pop_raw(&r, &first));
	last = first.at;
	for (unsigned k = 1; k < copies; k++) {
		assert_true(rig_pop_raw(&r, &s));
		assert_int_equal(s.n, first.n);
		assert_memory_equal(s.bytes, first.bytes, s.n);
		assert_true(th_addr_eq(&s.to, &first.to));
		if (k == 1)
			timeout = s.at - last;
		assert_true(s.at - last + slack >= timeout << (k - 1));
		assert_true(s.at - last <= (timeout << (k - 1)) + slack);
		last = s.at;
	}
	rig_expect_silence(&r);
	return timeout;
}

static void td_coap_core_15_an_unanswered_con_is_sent_five_times_at_doubling_gaps(void **state)
{
	th_time shortest = TH_NEVER, longest = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct rig_ex *ex;
		th_time begin, t;

		rig_prepare(&r);
		r.seed = seed;
		rig_start(&r);
		begin = r.now;
		ex = rig_get(&r, 0, "x");
		rig_run(&r, 45 * TH_SEC + 1); /* MAX_TRANSMIT_SPAN */
		t = watch_retransmissions(5, 10);
		assert_true(t >= 2 * TH_SEC && t <= 3 * TH_SEC);
		shortest = t < shortest ? t : shortest;
		longest = t > longest ? t : longest;
		rig_run_to(&r, begin + 31 * t - 10 * TH_US);
		assert_int_equal(ex->closes, 0);	 /* the last copy has its full timeout, too */
		rig_run_to(&r, begin + 93 * TH_SEC + 1); /* MAX_TRANSMIT_WAIT */
		assert_int_equal(ex->closes, 1);
		assert_int_equal(ex->why, TH_ERR_TIMEOUT);
		rig_run(&r, 300 * TH_SEC);
		rig_expect_silence(&r);
		assert_int_equal(rig_stats(&r).retransmissions, 4);
		assert_int_equal(rig_stats(&r).exchanges, 0);
		rig_close(&r);
	}
	assert_true(shortest < 2100 * TH_MS); /* drawn from all of the range */
	assert_true(longest > 2900 * TH_MS);
}

static void the_sender_allows_for_the_servers_patience(void **state)
{
	th_time t;

	(void)state;
	rig_prepare(&r);
	r.params.piggyback_patience = 500 * TH_MS;
	r.params.ack_random_percent = 0;
	rig_start(&r);
	rig_get(&r, 0, "x");
	rig_run(&r, 93 * TH_SEC);
	t = watch_retransmissions(5, 2 * 8 * 500 * TH_MS);
	assert_true(t >= 2 * TH_SEC && t <= 2500 * TH_MS);
	rig_close(&r);
}

static void td_coap_core_16_a_separate_answer_is_repeated_until_acknowledged(void **state)
{
	struct rig_ex *ex;
	th_time t;

	(void)state;
	rig_open(&r);
	rig_rx_request(&r, 0, W_CON, W_GET, 1, "t", "x");
	ex = rig_last_request(&r);
	rig_pop(&r, &w);
	rig_reply(&r, ex, W_205, 1, 30);
	rig_run(&r, 46 * TH_SEC);
	t = watch_retransmissions(5, 10);
	assert_true(t >= 2 * TH_SEC && t <= 3 * TH_SEC);
	rig_run(&r, 50 * TH_SEC);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_ERR_TIMEOUT);
	rig_close(&r);
}

static void an_ack_ends_the_retransmissions_whenever_it_comes(void **state)
{
	(void)state;
	for (unsigned copies = 1; copies <= 5; copies++) {
		struct rig_ex *ex;
		unsigned got = 0;

		rig_open(&r);
		ex = rig_get(&r, 0, "x");
		for (got = 0; got < copies;) {
			if (r.out_n) {
				rig_pop(&r, &q);
				got++;
			} else {
				rig_run_to(&r, th_coap_deadline(r.c));
			}
		}
		rig_rx_empty(&r, 0, W_ACK, q.mid);
		rig_run(&r, 100 * TH_SEC);
		rig_expect_silence(&r);
		assert_int_equal(ex->closes, 0);
		rig_make_response(&w, &q, W_NON, W_205, 9);
		rig_rx(&r, 0, &w);
		assert_int_equal(ex->closes, 1);
		rig_close(&r);
	}
}

/* §4.7: NSTART = 1 towards one peer; other peers are not concerned. */
static void one_message_at_a_time_per_peer(void **state)
{
	struct rig_ex *a, *b, *other;

	(void)state;
	rig_open(&r);
	a = rig_get(&r, 0, "a");
	b = rig_get(&r, 0, "b");
	other = rig_get(&r, 1, "c");
	rig_pop(&r, &q);
	rig_pop(&r, &w);
	assert_memory_equal(w.options[0].p, "c", 1);
	rig_expect_silence(&r);
	rig_rx_ack(&r, 1, &w, W_205, "");
	rig_expect_silence(&r);
	rig_rx_ack(&r, 0, &q, W_205, "");
	assert_int_equal(a->closes, 1);
	assert_int_equal(other->closes, 1);
	rig_pop(&r, &q);
	assert_memory_equal(q.options[0].p, "b", 1);
	rig_rx_ack(&r, 0, &q, W_205, "");
	assert_int_equal(b->closes, 1);
	rig_close(&r);
}

static void who_waits_in_line_comes_up_after_a_timeout(void **state)
{
	struct rig_ex *a, *b;

	(void)state;
	rig_open(&r);
	a = rig_get(&r, 0, "a");
	b = rig_get(&r, 0, "b");
	rig_run(&r, 94 * TH_SEC);
	assert_int_equal(a->why, TH_ERR_TIMEOUT);
	if (!b->closes) { /* giving up on all that is queued to a dead peer would be right, too */
		rig_run(&r, 94 * TH_SEC + 60 * TH_SEC);
		assert_int_equal(b->closes, 1);
	}
	assert_int_equal(b->why, TH_ERR_TIMEOUT);
	rig_close(&r);
}

/* Round trip of `rtt` for n exchanges, each answered to every copy; returns how many copies were sent. */
static unsigned talk(unsigned n, th_time rtt)
{
	unsigned before = (unsigned)r.sent_total;

	for (unsigned i = 0; i < n; i++) {
		struct rig_ex *ex = rig_get(&r, 0, "x");

		rig_pop(&r, &q);
		rig_run(&r, rtt);
		rig_forget_sent(&r);
		rig_rx_ack(&r, 0, &q, W_205, "");
		assert_int_equal(ex->closes, 1);
		rig_run(&r, TH_SEC);
		rig_forget_sent(&r);
	}
	return (unsigned)r.sent_total - before;
}

static void measured_round_trips_shorten_the_timeout(void **state)
{
	th_time t;

	(void)state;
	rig_open(&r);
	assert_int_equal(talk(20, 50 * TH_MS), 20);
	rig_get(&r, 0, "lost");
	rig_run(&r, 60 * TH_SEC);
	t = watch_retransmissions(5, 20);
	assert_true(t >= r.params.rto_min && t < TH_SEC);
	rig_close(&r);
}

/* A path slower than ACK_TIMEOUT: after a while nothing is sent twice for nothing. */
static void a_slow_path_is_learned_in_spite_of_ambiguity(void **state)
{
	(void)state;
	rig_open(&r);
	talk(10, 8 * TH_SEC);
	assert_int_equal(talk(10, 8 * TH_SEC), 10);
	rig_close(&r);
}

static void a_timeout_never_exceeds_its_bound(void **state)
{
	th_time t;

	(void)state;
	rig_prepare(&r);
	r.params.rto_max = 10 * TH_SEC;
	r.params.ack_timeout = 10 * TH_SEC; /* so that MAX_TRANSMIT_SPAN has room for all copies */
	rig_start(&r);
	talk(20, 30 * TH_SEC);
	rig_get(&r, 0, "lost");
	rig_run(&r, 500 * TH_SEC);
	t = watch_retransmissions(5, 20);
	assert_true(t <= 15 * TH_SEC); /* × ACK_RANDOM_FACTOR */
	rig_close(&r);
}

/* The window grows by need and shrinks by loss, within its bounds. */
static void the_window_stays_within_its_bounds(void **state)
{
	enum { WAITING = 12 };
	unsigned most = 0;

	(void)state;
	rig_open(&r);
	for (int round = 0; round < 30; round++) {
		static struct wire asked[64];
		unsigned n = 0;

		for (int i = 0; i < WAITING; i++)
			rig_get(&r, 0, "x");
		for (unsigned done = 0; done < WAITING; done += n) {
			n = 0;
			rig_run(&r, 50 * TH_MS);
			while (r.out_n)
				rig_pop(&r, &asked[n++]);
			assert_true(n >= 1 && n <= r.params.window_max);
			most = n > most ? n : most;
			for (unsigned i = 0; i < n; i++) { /* acknowledge all before more is let out */
				rig_make_response(&w, &asked[i], W_ACK, W_205, asked[i].mid);
				uint8_t bytes[64];
				struct th_addr from = rig_peer(0);
				th_coap_rx(r.c, &from, bytes, wire_put(&w, bytes, sizeof(bytes)), r.now);
			}
		}
		rig_drain(&r);
		rig_expect_silence(&r);
	}
	assert_true(most > 1);
	rig_close(&r);
}

/* §4.4: a Message ID must not be used again towards a peer within EXCHANGE_LIFETIME, however fast exchanges run. */
static void message_ids_are_not_reused_within_the_lifetime(void **state)
{
	static uint8_t seen[65536];
	struct th_addr to = rig_peer(0);
	struct th_coap_head head = { .code = W_GET, .confirmable = true };
	unsigned done = 0, refused = 0;
	th_time begin;

	(void)state;
	memset(seen, 0, sizeof(seen));
	rig_open(&r);
	begin = r.now;
	for (unsigned i = 0; i < 70000; i++) {
		th_coap_id id = 0;
		uint8_t bytes[32];
		enum th_err err = th_coap_request(r.c, &to, &head, r.now, &id);
		size_t n;

		if (err != TH_OK) {
			assert_int_equal(err, TH_ERR_FULL);
			refused++;
			break;
		}
		r.n_ex = 0; /* the rig's notes are not needed for all of them */
		free(r.ex[0].body);
		rig_add(&r, id, false);
		assert_int_equal(th_coap_end(r.c, id, r.now), TH_OK);
		rig_drain(&r);
		if (r.out_n == 0)
			break; /* it waits for an ID to come free */
		rig_pop(&r, &q);
		assert_int_equal(seen[q.mid], 0);
		seen[q.mid] = 1;
		done++;
		rig_make_response(&w, &q, W_ACK, W_205, q.mid);
		n = wire_put(&w, bytes, sizeof(bytes));
		th_coap_rx(r.c, &to, bytes, n, r.now);
		rig_drain(&r);
		assert_int_equal(r.ex[0].closes, 1);
		r.now += TH_MS;
	}
	assert_true(r.now - begin < 247 * TH_SEC);
	assert_true(done > 60000 && done <= 65536);
	rig_run(&r, 248 * TH_SEC); /* then it goes on */
	if (refused) {
		rig_get(&r, 0, "again");
	}
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_GET);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_derived_times_are_those_of_the_rfc),
		cmocka_unit_test(td_coap_core_15_an_unanswered_con_is_sent_five_times_at_doubling_gaps),
		cmocka_unit_test(the_sender_allows_for_the_servers_patience),
		cmocka_unit_test(td_coap_core_16_a_separate_answer_is_repeated_until_acknowledged),
		cmocka_unit_test(an_ack_ends_the_retransmissions_whenever_it_comes),
		cmocka_unit_test(one_message_at_a_time_per_peer),
		cmocka_unit_test(who_waits_in_line_comes_up_after_a_timeout),
		cmocka_unit_test(measured_round_trips_shorten_the_timeout),
		cmocka_unit_test(a_slow_path_is_learned_in_spite_of_ambiguity),
		cmocka_unit_test(a_timeout_never_exceeds_its_bound),
		cmocka_unit_test(the_window_stays_within_its_bounds),
		cmocka_unit_test(message_ids_are_not_reused_within_the_lifetime),
	};

	return cmocka_run_group_tests_name("coap/engine: times", tests, NULL, NULL);
}
