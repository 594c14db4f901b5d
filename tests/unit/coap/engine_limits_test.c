/* What the engine does at its caps, without memory, towards strangers, and to be sure who asks (RFC 9175 Echo). */
#include "rig.h"

static struct rig r;
static struct wire w, q;

/* ---- caps ---- */

static void a_client_at_its_cap_is_told(void **state)
{
	struct rig_ex *ex[8], *more = NULL;

	(void)state;
	rig_prepare(&r);
	r.params.max_exchanges = 8;
	rig_start(&r);
	for (unsigned i = 0; i < 8; i++)
		ex[i] = rig_get(&r, i % 3, "x");
	assert_int_equal(rig_try_request(&r, 0, W_GET, "x", true, &more), TH_ERR_FULL);
	assert_int_equal(rig_stats(&r).exchanges, 8);
	th_coap_cancel(r.c, ex[5]->id, r.now);
	assert_int_equal(rig_try_request(&r, 0, W_GET, "x", true, &more), TH_OK);
	rig_close(&r);
}

static void a_server_at_its_cap_answers_5_03(void **state)
{
	(void)state;
	rig_prepare(&r);
	r.params.max_exchanges = 8;
	rig_start(&r);
	for (uint16_t i = 0; i < 8; i++)
		rig_rx_request(&r, 0, W_CON, W_GET, i, "t", "x");
	rig_forget_sent(&r);
	assert_int_equal(r.requests, 8);
	for (int i = 0; i < 3; i++) {
		rig_rx_request(&r, 0, W_CON, W_GET, 100, "full", "x");
		rig_pop(&r, &q);
		assert_int_equal(q.type, W_ACK);
		assert_int_equal(q.code, W_503);
		assert_true(wire_token_is(&q, "full"));
	}
	assert_int_equal(r.requests, 8);
	assert_true(rig_stats(&r).refused_full >= 1);
	rig_reply(&r, &r.ex[0], W_205, 1, 1);
	rig_pop(&r, &q);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_rx_request(&r, 0, W_CON, W_GET, 101, "again", "x");
	assert_int_equal(r.requests, 9);
	rig_close(&r);
}

/* Whatever the flood: bounded memory, and nothing that was executed is executed again. */
static void records_are_bounded_and_duplicates_still_known(void **state)
{
	unsigned executed;

	(void)state;
	rig_prepare(&r);
	r.params.max_records = 50;
	r.params.max_reply_bytes = 4096;
	rig_start(&r);
	r.auto_reply = true;
	r.reply_n = 100;
	for (uint16_t mid = 0; mid < 200; mid++) {
		rig_rx_request(&r, mid % 5, W_CON, W_POST, mid, "t", "x");
		assert_true(rig_stats(&r).records <= 50);
		assert_true(rig_stats(&r).reply_bytes <= 4096);
		rig_forget_sent(&r);
	}
	executed = r.requests;
	assert_true(executed > 0 && executed <= 200);
	for (uint16_t mid = 0; mid < 200; mid++) {
		unsigned before = r.requests;

		rig_rx_request(&r, mid % 5, W_CON, W_POST, mid, "t", "x");
		rig_forget_sent(&r);
		if (mid < executed) /* these were executed: first come, first served */
			assert_int_equal(r.requests, before);
		assert_true(rig_stats(&r).records <= 50);
	}
	rig_run(&r, 248 * TH_SEC);
	rig_forget_sent(&r);
	rig_rx_request(&r, 0, W_CON, W_POST, 1000, "t", "x"); /* and then there is room again */
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_205);
	rig_close(&r);
}

static void peers_are_bounded(void **state)
{
	unsigned known = 0;

	(void)state;
	rig_prepare(&r);
	r.params.max_peers = 10;
	rig_start(&r);
	for (unsigned i = 0; i < 40; i++) {
		rig_rx_request(&r, i, W_CON, W_GET, 1, "t", "x");
		assert_true(rig_stats(&r).peers <= 10);
		while (r.out_n) {
			rig_pop(&r, &q);
			assert_true(q.code == W_EMPTY || q.code == W_503);
		}
	}
	known = r.requests;
	assert_true(known >= 1 && known <= 10); /* all are waiting for an answer: none may be pushed out */
	for (unsigned i = 0; i < 40; i++)	/* from nobody a second execution */
		rig_rx_request(&r, i, W_CON, W_GET, 1, "t", "x");
	assert_int_equal(r.requests, known);
	rig_forget_sent(&r);
	rig_close(&r);
}

static void a_client_towards_too_many_peers_is_told(void **state)
{
	struct rig_ex *ex = NULL;
	enum th_err err = TH_OK;
	unsigned i;

	(void)state;
	rig_prepare(&r);
	r.params.max_peers = 10;
	rig_start(&r);
	for (i = 0; i < 40 && err == TH_OK; i++)
		err = rig_try_request(&r, i, W_GET, "x", true, &ex);
	assert_int_equal(err, TH_ERR_FULL);
	assert_int_equal(i, 11);
	rig_close(&r);
}

static void idle_peers_make_room(void **state)
{
	(void)state;
	rig_prepare(&r);
	r.params.max_peers = 10;
	rig_start(&r);
	r.auto_reply = true;
	for (unsigned i = 0; i < 200; i++) {
		rig_rx_request(&r, i, W_CON, W_GET, 1, "t", "x");
		rig_pop(&r, &q);
		assert_int_equal(q.code, W_205);
		rig_run(&r, 30 * TH_SEC); /* more than 10 peers within a lifetime is too many, fewer is not */
		assert_true(rig_stats(&r).peers <= 10);
	}
	rig_close(&r);
}

static void when_all_is_over_nothing_is_left(void **state)
{
	size_t start;

	(void)state;
	rig_open(&r);
	start = r.mem.live;
	r.auto_reply = true;
	for (unsigned i = 0; i < 20; i++) {
		rig_rx_request(&r, i, W_CON, W_GET, (uint16_t)i, "t", "x");
		rig_get(&r, i, "y");
	}
	rig_run(&r, 2000 * TH_SEC);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	assert_int_equal(rig_stats(&r).records, 0);
	assert_int_equal(rig_stats(&r).reply_bytes, 0);
	assert_true(th_coap_deadline(r.c) == TH_NEVER); /* an idle engine sleeps */
	assert_true(r.mem.live <= start + 2 * 20 + 10);
	rig_close(&r);
}

/* ---- strangers ---- */

/* Whatever a stranger sends, one datagram draws at most one, and none that is larger than a small error. */
static void noise_is_not_amplified(void **state)
{
	uint64_t seed = unit_seed("engine noise", 20);
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	rig_open(&r);
	th_coap_require_echo(r.c, true);
	for (int i = 0; i < 20000; i++) {
		uint8_t bytes[64];
		size_t n = (size_t)th_rng_below(&rng, sizeof(bytes));
		static struct rig_sent s;

		rng.fill(rng.ctx, bytes, sizeof(bytes));
		bytes[0] = (uint8_t)(0x40 | (bytes[0] & 0x33));
		if (th_rng_below(&rng, 2))
			bytes[1] &= 0x07;
		rig_rx_bytes(&r, (unsigned)(i % 30), bytes, n);
		if (rig_pop_raw(&r, &s))
			assert_true(s.n <= 3 * n || s.n <= 136); /* RFC 9175 §2.4 */
		rig_expect_silence(&r);
		r.now += TH_MS * 20;
	}
	assert_int_equal(r.requests, 0);
	rig_run(&r, 300 * TH_SEC);
	rig_expect_silence(&r); /* and no repetitions */
	rig_close(&r);
}

static void random_datagrams_to_an_open_server_do_no_harm(void **state)
{
	uint64_t seed = unit_seed("engine hostile", 21);
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	rig_prepare(&r);
	r.params.max_exchanges = 16;
	rig_start(&r);
	r.auto_reply = true;
	r.reply_n = 3000;
	for (int i = 0; i < 400 && r.n_ex < RIG_EX - 8; i++) {
		char token[3] = { (char)('a' + th_rng_below(&rng, 3)), 'x', '\0' };

		rig_make_request(&w, (unsigned)th_rng_below(&rng, 2), (uint8_t)(1 + th_rng_below(&rng, 4)),
				 (uint16_t)th_rng_below(&rng, 300), token, "x");
		for (uint64_t k = th_rng_below(&rng, 3); k > 0; k--)
			wire_number(&w, th_rng_below(&rng, 2) ? W_BLOCK1 : W_BLOCK2,
				    (uint32_t)th_rng_below(&rng, 3) << 4 | (uint32_t)th_rng_below(&rng, 16));
		if (th_rng_below(&rng, 3) == 0)
			wire_number(&w, W_OBSERVE, (uint32_t)th_rng_below(&rng, 3));
		if (th_rng_below(&rng, 3) == 0)
			wire_text(&w, W_REQUEST_TAG, th_rng_below(&rng, 2) ? "r" : "");
		wire_payload(&w, "0123456789abcdef0123456789abcdef", 16 + (size_t)th_rng_below(&rng, 17));
		rig_rx(&r, (unsigned)th_rng_below(&rng, 3), &w);
		rig_forget_sent(&r);
		rig_run(&r, th_rng_below(&rng, 5) * TH_SEC);
		rig_forget_sent(&r);
	}
	rig_run(&r, 1000 * TH_SEC);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	rig_close(&r);
}

/* ---- Echo ---- */

static void ask(unsigned peer, uint16_t mid, const uint8_t *echo, size_t n)
{
	rig_make_request(&w, W_CON, W_POST, mid, "e", "x");
	if (echo)
		wire_option(&w, W_ECHO, echo, n);
	rig_rx(&r, peer, &w);
}

static size_t challenge(unsigned peer, uint16_t mid, uint8_t *echo)
{
	const struct wire_option *o;
	size_t asked = r.sent_bytes;

	ask(peer, mid, NULL, 0);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_ACK);
	assert_int_equal(q.code, W_401);
	o = wire_find(&q, W_ECHO);
	assert_non_null(o);
	assert_true(o->n >= 1 && o->n <= 40);
	assert_true(r.sent_bytes - asked <= 136);
	memcpy(echo, o->p, o->n);
	return o->n;
}

static void a_new_peer_must_echo_before_it_is_served(void **state)
{
	uint8_t echo[40];
	size_t n;

	(void)state;
	rig_open(&r);
	th_coap_require_echo(r.c, true);
	r.auto_reply = true;
	n = challenge(0, 1, echo);
	assert_int_equal(r.requests, 0);
	ask(0, 2, echo, n);
	assert_int_equal(r.requests, 1);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_205);
	ask(0, 3, NULL, 0); /* known now */
	assert_int_equal(r.requests, 2);
	rig_close(&r);
}

static void an_echo_of_another_peer_or_a_guess_does_not_count(void **state)
{
	uint8_t echo[40], other[40];
	size_t n, m;

	(void)state;
	rig_open(&r);
	th_coap_require_echo(r.c, true);
	r.auto_reply = true;
	n = challenge(0, 1, echo);
	m = challenge(1, 1, other);
	assert_false(n == m && memcmp(echo, other, n) == 0);
	ask(1, 2, echo, n);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_401);
	echo[0] ^= 1;
	ask(0, 2, echo, n);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_401);
	echo[0] ^= 1;
	ask(0, 3, echo, n - 1);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_401);
	assert_int_equal(r.requests, 0);
	ask(1, 4, other, m);
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void the_client_echoes_by_itself(void **state)
{
	struct rig_ex *ex;
	const struct wire_option *o;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_make_response(&w, &q, W_ACK, W_401, q.mid);
	wire_text(&w, W_ECHO, "say this");
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->heads, 0);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_GET);
	o = wire_find(&q, W_ECHO);
	assert_non_null(o);
	assert_int_equal(o->n, 8);
	assert_memory_equal(o->p, "say this", 8);
	assert_non_null(wire_find(&q, W_URI_PATH));
	rig_rx_ack(&r, 0, &q, W_205, "ok");
	assert_int_equal(ex->heads, 1);
	assert_int_equal(ex->code, W_205);
	assert_int_equal(ex->closes, 1);
	rig_close(&r);
}

static void a_server_that_is_never_content_does_not_loop_the_client(void **state)
{
	struct rig_ex *ex;
	unsigned asked = 0;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	while (!ex->closes && asked < 100) {
		rig_pop(&r, &q);
		asked++;
		rig_make_response(&w, &q, W_ACK, W_401, q.mid);
		wire_text(&w, W_ECHO, "again");
		rig_rx(&r, 0, &w);
	}
	assert_true(asked <= 5);
	assert_int_equal(ex->closes, 1);
	rig_close(&r);
}

static void a_plain_4_01_is_the_users(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_rx_ack(&r, 0, &q, W_401, "no");
	assert_int_equal(ex->code, W_401);
	assert_int_equal(ex->closes, 1);
	rig_close(&r);
}

/* ---- memory ---- */

/* Both roles at work: requests answered at once and late, blocks both ways, an observation, a cancelled exchange.
 * Tolerates any call to fail; what must hold is that nothing is lost track of. */
static void script(void)
{
	struct th_addr to = rig_peer(9);
	struct th_coap_option o = { W_URI_PATH, 1, (const uint8_t *)"u" };
	struct th_coap_head get = {
		.code = W_GET, .confirmable = true, .options = &o, .n_options = 1, .observe = true
	};
	struct th_coap_head put = { .code = W_PUT, .confirmable = true, .options = &o, .n_options = 1, .tagged = true };
	static uint8_t body[3000];
	th_coap_id a = 0, b = 0;

	r.auto_reply = false;
	rig_rx_request(&r, 0, W_CON, W_GET, 1, "one", "x");
	for (uint32_t num = 0; num < 3; num++) {
		rig_make_request(&w, W_CON, W_PUT, (uint16_t)(10 + num), "blk", "y");
		wire_block(&w, W_BLOCK1, num, num < 2, 64);
		wire_text(&w, W_REQUEST_TAG, "r");
		wire_payload(&w, body, 64);
		rig_rx(&r, 1, &w);
	}
	rig_make_request(&w, W_CON, W_GET, 20, "obs", "z");
	wire_number(&w, W_OBSERVE, 0);
	rig_rx(&r, 2, &w);
	for (size_t i = 0; i < r.n_ex; i++) {
		struct th_coap_head head = { .code = W_205, .confirmable = true, .observe = i == 2 };

		if (th_coap_respond(r.c, r.ex[i].id, &head, r.now) == TH_OK) {
			th_coap_write(r.c, r.ex[i].id, body, 2000, r.now);
			th_coap_end(r.c, r.ex[i].id, r.now);
		}
	}
	rig_run(&r, TH_SEC);
	if (th_coap_request(r.c, &to, &get, r.now, &a) == TH_OK) {
		rig_add(&r, a, false);
		th_coap_end(r.c, a, r.now);
	}
	if (th_coap_request(r.c, &to, &put, r.now, &b) == TH_OK) {
		size_t at = 0, took;

		rig_add(&r, b, false);
		while (at < sizeof(body) && (took = th_coap_write(r.c, b, body + at, sizeof(body) - at, r.now)) > 0)
			at += took;
		th_coap_end(r.c, b, r.now);
	}
	rig_run(&r, TH_SEC);
	for (unsigned i = 0; i < 60 && r.out_n; i++) { /* answer what comes: ACKs, blocks, a notification */
		struct wire_block b1;

		rig_pop(&r, &q);
		b1 = wire_block_of(&q, W_BLOCK1);
		if (q.type != W_CON)
			continue;
		if (q.code >= W_201) {
			for (unsigned peer = 0; peer < 3; peer++)
				rig_rx_empty(&r, peer, W_ACK, q.mid);
			continue;
		}
		rig_make_response(&w, &q, W_ACK, b1.there && b1.more ? W_231 : W_205, q.mid);
		if (b1.there)
			wire_block(&w, W_BLOCK1, b1.num, b1.more, (unsigned)b1.size);
		if (q.code == W_GET && wire_find(&q, W_OBSERVE))
			wire_number(&w, W_OBSERVE, 1);
		rig_rx(&r, 9, &w);
		rig_run(&r, TH_SEC);
	}
	th_coap_cancel(r.c, a, r.now);
	for (size_t i = 0; i < r.n_ex; i++)
		if (strcmp(r.ex[i].path, "/z") == 0)
			th_coap_cancel(r.c, r.ex[i].id, r.now); /* an observation lives on without end else */
	rig_run(&r, 100 * TH_SEC);
	rig_rx_request(&r, 0, W_CON, W_GET, 1, "one", "x"); /* a duplicate of the very first */
	rig_run(&r, 1000 * TH_SEC);
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	for (int for_good = 0; for_good < 2; for_good++) {
		for (size_t k = 1;; k++) {
			unsigned first = 0;

			assert_true(k < 2000);
			rig_prepare(&r);
			r.mem.fail_at = k;
			r.mem.fail_on = for_good;
			if (!rig_try_start(&r)) {
				assert_true(r.mem.hit);
				rig_close(&r);
				continue;
			}
			script();
			for (size_t i = 0; i < r.n_ex; i++)
				first += r.ex[i].server && strcmp(r.ex[i].path, "/x") == 0;
			assert_true(first <= 1); /* no memory is no reason to execute twice */
			assert_int_equal(rig_stats(&r).exchanges, 0);
			if (!r.mem.hit) {
				rig_close(&r);
				break;
			}
			rig_close(&r);
		}
	}
}

/* A deletion in the middle of anything leaves nothing behind. */
static void deleting_at_any_moment_leaves_nothing(void **state)
{
	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	r.reply_n = 5000;
	rig_rx_request(&r, 0, W_CON, W_GET, 1, "t", "x");
	r.auto_reply = false;
	rig_rx_request(&r, 1, W_CON, W_GET, 1, "t", "x");
	rig_get(&r, 2, "x");
	rig_get(&r, 2, "waiting");
	rig_write(&r, rig_request(&r, 3, W_PUT, "half", true)->id, 1, 0, 20000);
	rig_run(&r, TH_SEC);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_at_its_cap_is_told),
		cmocka_unit_test(a_server_at_its_cap_answers_5_03),
		cmocka_unit_test(records_are_bounded_and_duplicates_still_known),
		cmocka_unit_test(peers_are_bounded),
		cmocka_unit_test(a_client_towards_too_many_peers_is_told),
		cmocka_unit_test(idle_peers_make_room),
		cmocka_unit_test(when_all_is_over_nothing_is_left),
		cmocka_unit_test(noise_is_not_amplified),
		cmocka_unit_test(random_datagrams_to_an_open_server_do_no_harm),
		cmocka_unit_test(a_new_peer_must_echo_before_it_is_served),
		cmocka_unit_test(an_echo_of_another_peer_or_a_guess_does_not_count),
		cmocka_unit_test(the_client_echoes_by_itself),
		cmocka_unit_test(a_server_that_is_never_content_does_not_loop_the_client),
		cmocka_unit_test(a_plain_4_01_is_the_users),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(deleting_at_any_moment_leaves_nothing),
	};

	return cmocka_run_group_tests_name("coap/engine: limits", tests, NULL, NULL);
}
