/* RFC 7641, both roles, seen from the wire. TD_COAP_OBS_nn: the matching case of ETSI's plugtest list. */
#include "rig.h"

static struct rig r;
static struct wire w, q;

/* ---- engine as server ---- */

static struct rig_ex *observe(unsigned peer, uint16_t mid, const char *token)
{
	rig_make_request(&w, W_CON, W_GET, mid, token, "obs");
	wire_number(&w, W_OBSERVE, 0);
	rig_rx(&r, peer, &w);
	return rig_last_request(&r);
}

static void notify(struct rig_ex *ex, bool con, bool last, unsigned tag, size_t n)
{
	struct th_coap_head head = { .code = last ? W_404 : W_205, .confirmable = con, .observe = !last };

	assert_int_equal(th_coap_respond(r.c, ex->id, &head, r.now), TH_OK);
	assert_int_equal(rig_write(&r, ex->id, tag, 0, n), n);
	rig_run(&r, 0);
}

/* 24-bit sequence numbers, fresher by RFC 7641 §3.4. */
static bool fresher(uint32_t then, uint32_t now)
{
	return (then < now && now - then < 1u << 23) || (then > now && then - now > 1u << 23);
}

static void open_server(void)
{
	rig_prepare(&r);
	r.params.piggyback_patience = 100 * TH_MS;
	rig_start(&r);
}

static void td_coap_obs_01_notifications_carry_token_and_rising_numbers(void **state)
{
	struct rig_ex *ex;
	uint32_t last;

	(void)state;
	open_server();
	ex = observe(0, 1, "obs");
	assert_true(ex->observe);
	assert_true(th_coap_wants_observe(r.c, ex->id));
	notify(ex, true, false, 1, 10);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_ACK);
	last = wire_uint(&q, W_OBSERVE);
	assert_true(last <= 0xffffff);
	for (int i = 0; i < 100; i++) {
		uint32_t seq;

		rig_run(&r, TH_SEC);
		notify(ex, i % 2 == 0, false, 1, 10);
		rig_pop(&r, &q);
		assert_int_equal(q.type, i % 2 == 0 ? W_CON : W_NON);
		assert_true(wire_token_is(&q, "obs"));
		seq = wire_uint(&q, W_OBSERVE);
		assert_true(seq <= 0xffffff);
		assert_true(fresher(last, seq));
		last = seq;
		if (q.type == W_CON)
			rig_rx_empty(&r, 0, W_ACK, q.mid);
	}
	assert_int_equal(ex->closes, 0);
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void td_coap_obs_06_a_reset_ends_the_observation(void **state)
{
	(void)state;
	for (int con = 0; con < 2; con++) {
		struct rig_ex *ex;

		open_server();
		ex = observe(0, 1, "obs");
		notify(ex, true, false, 1, 5);
		rig_pop(&r, &q);
		notify(ex, con, false, 1, 5);
		rig_pop(&r, &q);
		rig_rx_empty(&r, 0, W_RST, q.mid);
		assert_int_equal(ex->closes, 1);
		assert_int_not_equal(ex->why, TH_OK);
		rig_run(&r, 300 * TH_SEC);
		rig_expect_silence(&r);
		assert_int_equal(rig_stats(&r).exchanges, 0);
		rig_close(&r);
	}
}

static void td_coap_obs_05_a_client_that_is_gone_is_dropped(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_server();
	ex = observe(0, 1, "obs");
	notify(ex, true, false, 1, 5);
	notify(ex, true, false, 1, 5);
	rig_run(&r, 100 * TH_SEC);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_ERR_TIMEOUT);
	rig_forget_sent(&r);
	rig_run(&r, 300 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void a_deregistration_is_answered_once_and_ends_it(void **state)
{
	struct rig_ex *ex, *get;

	(void)state;
	open_server();
	ex = observe(0, 1, "obs");
	notify(ex, true, false, 1, 5);
	rig_pop(&r, &q);
	rig_make_request(&w, W_CON, W_GET, 2, "obs", "obs");
	wire_number(&w, W_OBSERVE, 1);
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->closes, 1);
	get = rig_last_request(&r);
	assert_true(get != ex);
	assert_false(th_coap_wants_observe(r.c, get->id));
	rig_reply(&r, get, W_205, 1, 5);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_205);
	assert_null(wire_find(&q, W_OBSERVE));
	rig_run(&r, 300 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

/* §4.1: the same client and token again updates the registration; there are never two. */
static void registering_again_replaces(void **state)
{
	struct th_addr peer = rig_peer(0);
	struct rig_ex *a, *b;

	(void)state;
	open_server();
	a = observe(0, 1, "obs");
	notify(a, true, false, 1, 5);
	rig_pop(&r, &q);
	b = observe(0, 2, "obs");
	if (b != a) {
		assert_int_equal(a->closes, 1);
		assert_true(th_coap_find(r.c, &peer, (const uint8_t *)"obs", 3) == b->id);
	}
	notify(b, true, false, 1, 5);
	rig_pop(&r, &q);
	assert_true(wire_uint(&q, W_OBSERVE) <= 0xffffff);
	rig_expect_silence(&r);
	assert_int_equal(rig_stats(&r).exchanges, 1);
	rig_close(&r);
}

/* td_coap_obs_08: an error notification is the last word and has no Observe option. */
static void td_coap_obs_08_an_error_ends_the_observation(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_server();
	ex = observe(0, 1, "obs");
	notify(ex, true, false, 1, 5);
	rig_pop(&r, &q);
	notify(ex, true, true, 1, 0);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_int_equal(q.code, W_404);
	assert_null(wire_find(&q, W_OBSERVE));
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_OK);
	rig_close(&r);
}

static void an_observation_may_be_declined(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_server();
	ex = observe(0, 1, "obs");
	rig_reply(&r, ex, W_205, 1, 5);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_205);
	assert_null(wire_find(&q, W_OBSERVE));
	assert_int_equal(ex->closes, 1);
	rig_close(&r);
}

static void observing_by_post_is_no_observation(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_server();
	rig_make_request(&w, W_CON, W_DELETE, 1, "t", "obs");
	wire_number(&w, W_OBSERVE, 0);
	rig_rx(&r, 0, &w);
	ex = rig_last_request(&r);
	rig_reply(&r, ex, W_202, 1, 0);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_202);
	assert_null(wire_find(&q, W_OBSERVE));
	rig_close(&r);
}

/* RFC 7959 §2.6, figure 12: the first block is pushed, the client fetches the rest in requests of its own. */
static void a_large_notification_is_fetched(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_server();
	ex = observe(0, 1, "obs");
	notify(ex, true, false, 1, 5);
	rig_pop(&r, &q);
	notify(ex, true, false, 7, 2000);
	rig_pop(&r, &q);
	assert_int_equal(q.payload_len, 1024);
	assert_true(wire_block_of(&q, W_BLOCK2).more);
	assert_true(wire_uint(&q, W_OBSERVE) <= 0xffffff);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_make_request(&w, W_CON, W_GET, 2, "rest", "obs");
	wire_block(&w, W_BLOCK2, 1, false, 1024);
	rig_rx(&r, 0, &w);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_205);
	assert_true(wire_token_is(&q, "rest"));
	assert_null(wire_find(&q, W_OBSERVE)); /* only the first block carries it */
	assert_int_equal(q.payload_len, 2000 - 1024);
	for (size_t i = 0; i < q.payload_len; i++)
		assert_int_equal(q.payload[i], rig_byte(7, 1024 + i));
	assert_int_equal(r.requests, 1);
	notify(ex, true, false, 1, 5); /* and the observation goes on */
	rig_pop(&r, &q);
	assert_true(wire_token_is(&q, "obs"));
	rig_close(&r);
}

static void observers_per_peer_are_bounded(void **state)
{
	(void)state;
	rig_prepare(&r);
	r.params.max_observers = 3;
	r.params.piggyback_patience = 100 * TH_MS;
	rig_start(&r);
	for (uint16_t i = 0; i < 5; i++) {
		char token[2] = { (char)('a' + i), '\0' };
		struct rig_ex *ex = observe(0, i, token);

		assert_int_equal(th_coap_wants_observe(r.c, ex->id), i < 3); /* beyond: an ordinary request (§4.1) */
		if (i < 3)
			notify(ex, true, false, 1, 2);
		else
			rig_reply(&r, ex, W_205, 1, 2);
		rig_pop(&r, &q);
		assert_int_equal(q.code, W_205);
	}
	assert_true(th_coap_wants_observe(r.c, observe(1, 1, "z")->id));
	rig_close(&r);
}

/* ---- engine as client ---- */

static struct rig_ex *watch(void)
{
	struct th_addr to = rig_peer(0);
	struct th_coap_option o = { W_URI_PATH, 3, (const uint8_t *)"obs" };
	struct th_coap_head head = {
		.code = W_GET, .confirmable = true, .observe = true, .options = &o, .n_options = 1
	};
	th_coap_id id = 0;
	struct rig_ex *ex;

	assert_int_equal(th_coap_request(r.c, &to, &head, r.now, &id), TH_OK);
	ex = rig_add(&r, id, false);
	assert_int_equal(th_coap_end(r.c, id, r.now), TH_OK);
	rig_run(&r, 0);
	rig_pop(&r, &q);
	assert_int_equal(wire_uint(&q, W_OBSERVE), 0);
	return ex;
}

static void push(unsigned type, uint16_t mid, uint32_t seq, const char *text)
{
	rig_make_response(&w, &q, type, W_205, mid);
	if (seq != UINT32_MAX)
		wire_number(&w, W_OBSERVE, seq);
	wire_payload(&w, text, strlen(text));
	rig_rx(&r, 0, &w);
}

static void td_coap_obs_02_notifications_reach_the_user(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = watch();
	push(W_ACK, q.mid, 100, "one");
	assert_int_equal(ex->heads, 1);
	assert_true(ex->observe);
	assert_int_equal(ex->closes, 0);
	for (uint16_t i = 1; i <= 100; i++) {
		rig_run(&r, TH_SEC);
		push(i % 2 ? W_CON : W_NON, i, 100u + i, "more");
		assert_int_equal(ex->heads, 1 + i);
		assert_int_equal(ex->ends, 1 + i);
		assert_int_equal(ex->body_n, 4);
		if (i % 2) {
			struct wire ack;

			rig_pop(&r, &ack);
			assert_int_equal(ack.type, W_ACK);
			assert_int_equal(ack.mid, i);
		}
		rig_expect_silence(&r);
	}
	rig_close(&r);
}

/* §3.4: what was overtaken is acknowledged and dropped; after 128 s any number is news. */
static void old_notifications_are_not_delivered(void **state)
{
	static const struct {
		uint32_t seq;
		unsigned after_s;
		bool news;
	} cases[] = {
		{ 5, 1, false },	{ 10, 1, false },	{ 11, 1, true },
		{ 10, 1, false },	{ 0x7fffff, 1, true },	{ 12, 1, false }, /* half the space away is neither */
		{ 0xfffffe, 1, true },	{ 0x7fffff, 1, false }, { 3, 1, true },	  /* wrapped around */
		{ 0xffffff, 1, false }, { 2, 129, true },	{ 1, 1, false },
	};
	struct rig_ex *ex;
	unsigned heads = 1;

	(void)state;
	rig_open(&r);
	ex = watch();
	push(W_ACK, q.mid, 10, "first");
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		struct wire ack;

		rig_run(&r, cases[i].after_s * TH_SEC);
		push(W_CON, (uint16_t)(50 + i), cases[i].seq, "x");
		heads += cases[i].news ? 1 : 0;
		if (ex->heads != heads)
			printf("case %zu: %u\n", i, cases[i].seq);
		assert_int_equal(ex->heads, heads);
		rig_pop(&r, &ack);
		assert_int_equal(ack.type, W_ACK);
		rig_expect_silence(&r);
	}
	rig_close(&r);
}

static void a_duplicate_notification_is_delivered_once(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = watch();
	push(W_ACK, q.mid, 10, "first");
	for (int i = 0; i < 3; i++) {
		struct wire ack;

		push(W_CON, 70, 11, "x");
		rig_pop(&r, &ack);
		assert_int_equal(ack.mid, 70);
		assert_int_equal(ex->heads, 2);
	}
	rig_close(&r);
}

static void cancelling_deregisters(void **state)
{
	struct rig_ex *ex;
	struct wire late;

	(void)state;
	rig_open(&r);
	ex = watch();
	push(W_ACK, q.mid, 10, "first");
	th_coap_cancel(r.c, ex->id, r.now);
	rig_run(&r, 0);
	rig_forget_sent(&r); /* a GET with Observe 1 would be as good */
	push(W_CON, 80, 11, "late");
	rig_pop(&r, &late);
	assert_int_equal(late.type, W_RST);
	assert_int_equal(late.mid, 80);
	assert_int_equal(ex->heads, 1);
	assert_int_equal(ex->closes, 0);
	rig_close(&r);
}

static void an_answer_without_observe_ends_it(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = watch();
	push(W_ACK, q.mid, UINT32_MAX, "only");
	assert_int_equal(ex->heads, 1);
	assert_false(ex->observe);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_OK);

	ex = watch();
	push(W_ACK, q.mid, 10, "first");
	assert_int_equal(ex->closes, 0);
	rig_make_response(&w, &q, W_CON, W_404, 90);
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->heads, 2);
	assert_int_equal(ex->code, W_404);
	assert_int_equal(ex->closes, 1);
	rig_close(&r);
}

static void the_rest_of_a_large_notification_is_fetched(void **state)
{
	struct rig_ex *ex;
	uint8_t bytes[1024];
	struct wire reg;
	struct wire_block b;

	(void)state;
	rig_open(&r);
	ex = watch();
	reg = q;
	push(W_ACK, q.mid, 10, "first");
	rig_make_response(&w, &reg, W_NON, W_205, 95);
	wire_number(&w, W_OBSERVE, 11);
	wire_block(&w, W_BLOCK2, 0, true, 1024);
	rig_fill(bytes, 1024, 9, 0);
	wire_payload(&w, bytes, 1024);
	rig_rx(&r, 0, &w);
	rig_pop(&r, &q);
	b = wire_block_of(&q, W_BLOCK2);
	assert_int_equal(b.num, 1);
	assert_null(wire_find(&q, W_OBSERVE)); /* RFC 7959 §2.6: or it would register anew */
	rig_make_response(&w, &q, W_ACK, W_205, q.mid);
	wire_block(&w, W_BLOCK2, 1, false, 1024);
	rig_fill(bytes, 500, 9, 1024);
	wire_payload(&w, bytes, 500);
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->heads, 2);
	assert_int_equal(ex->ends, 2);
	rig_assert_body(ex, 9, 1524);
	assert_int_equal(ex->closes, 0);
	q = reg;
	push(W_NON, 96, 12, "next");
	assert_int_equal(ex->heads, 3);
	rig_close(&r);
}

/* ---- acknowledged by the users (engine.h, `accept`) ---- */

static struct rig_ex *watch_and_accept(void)
{
	struct th_addr to = rig_peer(0);
	struct th_coap_head head = { .code = W_GET, .confirmable = true, .observe = true, .accept = true };
	th_coap_id id = 0;
	struct rig_ex *ex;

	rig_open(&r);
	assert_int_equal(th_coap_request(r.c, &to, &head, r.now, &id), TH_OK);
	ex = rig_add(&r, id, false);
	assert_int_equal(th_coap_end(r.c, id, r.now), TH_OK);
	rig_run(&r, 0);
	rig_pop(&r, &q);
	push(W_ACK, q.mid, 1, "registered");
	assert_int_equal(ex->ends, 1);
	return ex;
}

static void the_user_says_when_to_acknowledge(void **state)
{
	struct rig_ex *ex = watch_and_accept();
	struct wire ack;

	(void)state;
	push(W_CON, 7, 2, "news");
	assert_int_equal(ex->ends, 2);
	rig_run(&r, 4 * TH_SEC);
	rig_expect_silence(&r);
	push(W_CON, 7, 2, "news"); /* a copy: still nothing to say */
	assert_int_equal(ex->ends, 2);
	rig_expect_silence(&r);
	th_coap_accept(r.c, ex->id, r.now);
	rig_run(&r, 0);
	rig_pop(&r, &ack);
	assert_int_equal(ack.type, W_ACK);
	assert_int_equal(ack.mid, 7);
	th_coap_accept(r.c, ex->id, r.now); /* only once */
	rig_run(&r, 0);
	rig_expect_silence(&r);
	push(W_CON, 7, 2, "news"); /* the ACK was lost */
	rig_pop(&r, &ack);
	assert_int_equal(ack.type, W_ACK);
	assert_int_equal(ex->ends, 2);
	assert_int_equal(ex->closes, 0);
	rig_close(&r);
}

static void the_user_may_refuse(void **state)
{
	struct rig_ex *ex = watch_and_accept();
	struct wire rst;

	(void)state;
	push(W_CON, 7, 2, "news");
	th_coap_cancel(r.c, ex->id, r.now);
	rig_run(&r, 0);
	for (int i = 0; i < 2; i++) { /* a copy, too: the RST may be lost */
		rig_pop(&r, &rst);
		assert_int_equal(rst.type, W_RST);
		assert_int_equal(rst.mid, 7);
		rig_expect_silence(&r);
		push(W_CON, 7, 2, "news");
	}
	assert_int_equal(ex->closes, 0);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	rig_close(&r);
}

/* What ends the observation is acknowledged at once, and so is what is old. */
static void only_notifications_wait_for_the_user(void **state)
{
	struct rig_ex *ex = watch_and_accept();
	struct wire ack;

	(void)state;
	push(W_CON, 8, 1, "old");
	rig_pop(&r, &ack);
	assert_int_equal(ack.type, W_ACK);
	push(W_CON, 9, UINT32_MAX, "the last");
	rig_pop(&r, &ack);
	assert_int_equal(ack.type, W_ACK);
	assert_int_equal(ex->closes, 1);
	rig_close(&r);
}

static void offer(struct rig_ex *ex, size_t n)
{
	struct th_coap_head head = { .code = W_205, .confirmable = true, .observe = true, .accept = true };

	assert_int_equal(th_coap_respond(r.c, ex->id, &head, r.now), TH_OK);
	assert_int_equal(rig_write(&r, ex->id, 1, 0, n), n);
	rig_run(&r, 0);
}

static void an_accepted_notification_resumes(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_server();
	ex = observe(0, 1, "obs");
	offer(ex, 10); /* a message of its own though nothing was acknowledged: it says as much */
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_true(wire_uint(&q, W_OBSERVE) > 0);
	rig_expect_silence(&r);
	assert_int_equal(ex->resumes, 0);
	rig_run(&r, 6 * TH_SEC); /* the peer's user has its time, beside the first timeout of 2 s */
	rig_expect_silence(&r);
	rig_run(&r, 4 * TH_SEC);
	rig_pop(&r, &w);
	assert_int_equal(w.mid, q.mid);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	assert_int_equal(ex->resumes, 1);
	rig_make_request(&w, W_CON, W_GET, 1, "obs", "obs"); /* a copy of the request gets an ACK */
	wire_number(&w, W_OBSERVE, 0);
	rig_rx(&r, 0, &w);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_ACK);
	assert_int_equal(q.code, 0);
	rig_close(&r);
}

static void what_nobody_acknowledged_is_sent_when_the_peer_is_heard(void **state)
{
	struct rig_ex *ex;
	uint16_t mid;

	(void)state;
	open_server();
	ex = observe(0, 1, "obs");
	offer(ex, 10);
	rig_pop(&r, &q);
	mid = q.mid;
	rig_run(&r, 600 * TH_SEC);
	rig_forget_sent(&r);
	assert_int_equal(ex->closes, 0);
	assert_int_equal(ex->resumes, 0);
	rig_run(&r, 600 * TH_SEC);
	rig_expect_silence(&r);
	rig_rx_empty(&r, 0, W_CON, 99); /* a ping */
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_RST);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_int_equal(q.code, W_205);
	assert_int_not_equal(q.mid, mid);
	assert_int_equal(q.payload_len, 10);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	assert_int_equal(ex->resumes, 1);
	rig_close(&r);
}

static void more_than_a_message_is_the_last(void **state)
{
	struct th_coap_head head = { .code = W_205, .confirmable = true, .observe = true, .accept = true };
	struct rig_ex *ex;

	(void)state;
	open_server();
	ex = observe(0, 1, "obs");
	assert_int_equal(th_coap_room(r.c, ex->id, &head), 1024);
	offer(ex, 1024);
	rig_pop(&r, &q);
	assert_true(wire_uint(&q, W_OBSERVE) > 0);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	offer(ex, 1500);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_null(wire_find(&q, W_OBSERVE));
	assert_true(wire_block_of(&q, W_BLOCK2).more);
	assert_int_equal(ex->resumes, 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(td_coap_obs_01_notifications_carry_token_and_rising_numbers),
		cmocka_unit_test(td_coap_obs_06_a_reset_ends_the_observation),
		cmocka_unit_test(td_coap_obs_05_a_client_that_is_gone_is_dropped),
		cmocka_unit_test(a_deregistration_is_answered_once_and_ends_it),
		cmocka_unit_test(registering_again_replaces),
		cmocka_unit_test(td_coap_obs_08_an_error_ends_the_observation),
		cmocka_unit_test(an_observation_may_be_declined),
		cmocka_unit_test(observing_by_post_is_no_observation),
		cmocka_unit_test(a_large_notification_is_fetched),
		cmocka_unit_test(observers_per_peer_are_bounded),
		cmocka_unit_test(td_coap_obs_02_notifications_reach_the_user),
		cmocka_unit_test(old_notifications_are_not_delivered),
		cmocka_unit_test(a_duplicate_notification_is_delivered_once),
		cmocka_unit_test(cancelling_deregisters),
		cmocka_unit_test(an_answer_without_observe_ends_it),
		cmocka_unit_test(the_rest_of_a_large_notification_is_fetched),
		cmocka_unit_test(the_user_says_when_to_acknowledge),
		cmocka_unit_test(the_user_may_refuse),
		cmocka_unit_test(only_notifications_wait_for_the_user),
		cmocka_unit_test(an_accepted_notification_resumes),
		cmocka_unit_test(what_nobody_acknowledged_is_sent_when_the_peer_is_heard),
		cmocka_unit_test(more_than_a_message_is_the_last),
	};

	return cmocka_run_group_tests_name("coap/engine: observe", tests, NULL, NULL);
}
