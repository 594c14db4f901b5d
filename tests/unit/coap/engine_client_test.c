/* RFC 7252's client, seen from the wire: matching, separate responses, resets, and what must be ignored. */
#include "rig.h"

static struct rig r;
static struct wire w, q;

static void expect_empty(unsigned type, uint16_t mid)
{
	rig_pop(&r, &w);
	assert_int_equal(w.type, type);
	assert_int_equal(w.code, W_EMPTY);
	assert_int_equal(w.mid, mid);
}

static void expect_closed(const struct rig_ex *ex, enum th_err why)
{
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, why);
}

static void expect_content(const struct rig_ex *ex, const char *text)
{
	assert_int_equal(ex->heads, 1);
	assert_int_equal(ex->code, W_205);
	assert_int_equal(ex->ends, 1);
	assert_int_equal(ex->body_n, strlen(text));
	assert_memory_equal(ex->body, text, ex->body_n);
}

static void a_request_and_its_piggybacked_answer(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "temperature");
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_int_equal(q.code, W_GET);
	assert_int_equal(q.n_options, 1);
	assert_int_equal(q.options[0].number, W_URI_PATH);
	assert_memory_equal(q.options[0].p, "temperature", 11);
	assert_int_equal(q.payload_len, 0);
	rig_expect_silence(&r);
	rig_run(&r, TH_SEC);
	rig_rx_ack(&r, 0, &q, W_205, "22.3 C");
	expect_content(ex, "22.3 C");
	expect_closed(ex, TH_OK);
	rig_run(&r, 200 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void answers_of_all_codes_reach_the_user(void **state)
{
	static const uint8_t codes[] = { 0x41, 0x42, 0x43, 0x44, 0x45, 0x80, 0x83, 0x84,
					 0x85, 0x86, 0xa0, 0xa3, 0xa5, 0x9f, 0xbf };

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < UNIT_COUNT(codes); i++) {
		struct rig_ex *ex = rig_get(&r, 0, "x");

		rig_pop(&r, &q);
		rig_rx_ack(&r, 0, &q, codes[i], "");
		assert_int_equal(ex->heads, 1);
		assert_int_equal(ex->code, codes[i]);
		assert_int_equal(ex->ends, 1);
		expect_closed(ex, TH_OK);
	}
	rig_close(&r);
}

static void td_coap_core_09_a_separate_answer_is_acknowledged(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "slow");
	rig_pop(&r, &q);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_run(&r, 20 * TH_SEC);
	rig_expect_silence(&r); /* acknowledged: not sent again */
	rig_make_response(&w, &q, W_CON, W_205, 0xad7b);
	wire_payload(&w, "22.3 C", 6);
	rig_rx(&r, 0, &w);
	expect_empty(W_ACK, 0xad7b);
	expect_content(ex, "22.3 C");
	expect_closed(ex, TH_OK);
	for (int i = 0; i < 3; i++) { /* our ACK was lost */
		rig_run(&r, 3 * TH_SEC);
		rig_make_response(&w, &q, W_CON, W_205, 0xad7b);
		wire_payload(&w, "22.3 C", 6);
		rig_rx(&r, 0, &w);
		expect_empty(W_ACK, 0xad7b);
		assert_int_equal(ex->heads, 1);
	}
	rig_close(&r);
}

/* §5.2.2: the response says that the request arrived, whichever comes first. */
static void a_separate_answer_that_overtakes_the_ack(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "slow");
	rig_pop(&r, &q);
	rig_make_response(&w, &q, W_CON, W_205, 700);
	wire_payload(&w, "first", 5);
	rig_rx(&r, 0, &w);
	expect_empty(W_ACK, 700);
	expect_content(ex, "first");
	expect_closed(ex, TH_OK);
	rig_run(&r, 30 * TH_SEC);
	rig_expect_silence(&r); /* the request is not sent again */
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_run(&r, 200 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void a_separate_answer_may_be_non(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_make_response(&w, &q, W_NON, W_205, 800);
	wire_payload(&w, "non", 3);
	rig_rx(&r, 0, &w);
	expect_content(ex, "non");
	expect_closed(ex, TH_OK);
	rig_run(&r, 100 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void a_reset_closes(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_rx_empty(&r, 0, W_RST, q.mid);
	expect_closed(ex, TH_ERR_RESET);
	assert_int_equal(ex->heads, 0);
	rig_run(&r, 100 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void a_reset_after_the_empty_ack_is_ignored_or_closes(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_rx_empty(&r, 0, W_RST, q.mid);
	rig_rx_empty(&r, 0, W_RST, (uint16_t)(q.mid + 1));
	if (!ex->closes) {
		rig_make_response(&w, &q, W_NON, W_205, 1);
		rig_rx(&r, 0, &w);
		expect_closed(ex, TH_OK);
	} else {
		expect_closed(ex, TH_ERR_RESET);
	}
	rig_close(&r);
}

/* §5.3.2: a piggybacked response must match by Message ID and by token. */
static void an_answer_with_a_wrong_token_is_not_delivered(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	wire_init(&w, W_ACK, W_205, q.mid, "wrong");
	wire_payload(&w, "evil", 4);
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->heads, 0);
	assert_int_equal(ex->body_n, 0);
	while (r.out_n)
		rig_pop(&r, &w);
	if (!ex->closes) {
		rig_make_response(&w, &q, W_CON, W_205, 901);
		wire_payload(&w, "good", 4);
		rig_rx(&r, 0, &w);
		expect_content(ex, "good");
		expect_closed(ex, TH_OK);
	}
	rig_close(&r);
}

static void an_ack_with_a_wrong_message_id_is_not_delivered(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_make_response(&w, &q, W_ACK, W_205, (uint16_t)(q.mid + 1));
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->heads, 0);
	rig_rx_empty(&r, 0, W_ACK, (uint16_t)(q.mid + 1));
	rig_run(&r, 3 * TH_SEC + 1);
	rig_pop(&r, &w); /* still waiting: it is sent again */
	assert_int_equal(w.mid, q.mid);
	rig_close(&r);
}

static void bytes_of_another_address_do_not_count(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_rx_ack(&r, 1, &q, W_205, "evil");
	rig_rx_empty(&r, 1, W_RST, q.mid);
	rig_make_response(&w, &q, W_NON, W_205, 5);
	rig_rx(&r, 1, &w);
	assert_int_equal(ex->heads + ex->closes, 0);
	rig_forget_sent(&r);
	rig_run(&r, 3 * TH_SEC + 1);
	rig_pop(&r, &w);
	assert_int_equal(w.mid, q.mid);
	rig_rx_ack(&r, 0, &q, W_205, "good");
	expect_content(ex, "good");
	rig_close(&r);
}

static void unexpected_answers_are_reset_if_con_and_ignored_if_not(void **state)
{
	(void)state;
	rig_open(&r);
	wire_init(&w, W_CON, W_205, 321, "none");
	rig_rx(&r, 0, &w);
	expect_empty(W_RST, 321);
	wire_init(&w, W_ACK, W_205, 322, "none");
	rig_rx(&r, 0, &w);
	rig_expect_silence(&r);
	wire_init(&w, W_NON, W_205, 323, "none");
	rig_rx(&r, 0, &w);
	while (r.out_n) { /* §4.3 allows a RST */
		rig_pop(&r, &w);
		assert_int_equal(w.type, W_RST);
	}
	assert_int_equal(r.n_ex, 0);
	rig_close(&r);
}

/* §5.4.1: such a response is rejected. */
static void an_answer_with_an_unknown_critical_option_is_not_delivered(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_make_response(&w, &q, W_CON, W_205, 950);
	wire_text(&w, 65001, "?");
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->heads, 0);
	expect_empty(W_RST, 950);
	rig_run(&r, r.params.response_timeout + 100 * TH_SEC);
	assert_int_equal(ex->closes, 1);
	assert_int_not_equal(ex->why, TH_OK);

	ex = rig_get(&r, 0, "y");
	rig_pop(&r, &q);
	rig_make_response(&w, &q, W_ACK, W_205, q.mid);
	wire_text(&w, 65001, "?");
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->heads, 0);
	rig_run(&r, r.params.response_timeout + 100 * TH_SEC);
	assert_int_equal(ex->closes, 1);
	assert_int_not_equal(ex->why, TH_OK);
	rig_close(&r);
}

static void crossing_answers_find_their_exchanges(void **state)
{
	enum { N = 8 };
	static struct wire asked[N];
	struct rig_ex *ex[N];

	(void)state;
	rig_prepare(&r);
	r.params.window_start = N;
	r.params.window_max = N;
	rig_start(&r);
	for (size_t i = 0; i < N; i++) {
		char path[2] = { (char)('a' + i), '\0' };

		ex[i] = rig_get(&r, 0, path);
		rig_pop(&r, &asked[i]);
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(asked[i].mid, asked[k].mid);
			assert_false(asked[i].token_len == asked[k].token_len &&
				     memcmp(asked[i].token, asked[k].token, asked[i].token_len) == 0);
		}
	}
	for (size_t i = N; i > 0; i--) {
		char text[2] = { (char)('a' + i - 1), '\0' };

		rig_rx_ack(&r, 0, &asked[i - 1], W_205, text);
	}
	for (size_t i = 0; i < N; i++) {
		char text[2] = { (char)('a' + i), '\0' };

		expect_content(ex[i], text);
		expect_closed(ex[i], TH_OK);
	}
	rig_close(&r);
}

static void td_coap_core_05_a_non_request_is_sent_once(void **state)
{
	struct rig_ex *a, *b;

	(void)state;
	rig_open(&r);
	a = rig_request(&r, 0, W_GET, "x", false);
	assert_int_equal(th_coap_end(r.c, a->id, r.now), TH_OK);
	rig_run(&r, 0);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_NON);
	rig_make_response(&w, &q, W_NON, W_205, 3);
	wire_payload(&w, "fine", 4);
	rig_rx(&r, 0, &w);
	expect_content(a, "fine");
	expect_closed(a, TH_OK);

	b = rig_request(&r, 0, W_GET, "y", false);
	assert_int_equal(th_coap_end(r.c, b->id, r.now), TH_OK);
	rig_run(&r, r.params.response_timeout + th_coap_non_lifetime(&r.params));
	rig_pop(&r, &q);
	rig_expect_silence(&r);
	expect_closed(b, TH_ERR_TIMEOUT);
	rig_close(&r);
}

static void a_cancelled_request_falls_silent_and_its_late_answer_is_reset(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	th_coap_cancel(r.c, ex->id, r.now);
	rig_run(&r, 50 * TH_SEC);
	rig_expect_silence(&r);
	rig_make_response(&w, &q, W_CON, W_205, 333);
	rig_rx(&r, 0, &w);
	expect_empty(W_RST, 333);
	assert_int_equal(ex->heads + ex->closes, 0);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	rig_close(&r);
}

static void cancelled_before_it_was_sent_it_is_never_sent(void **state)
{
	struct rig_ex *a, *b;

	(void)state;
	rig_open(&r); /* window 1: the second one waits */
	a = rig_get(&r, 0, "a");
	b = rig_get(&r, 0, "b");
	rig_pop(&r, &q);
	rig_expect_silence(&r);
	th_coap_cancel(r.c, b->id, r.now);
	rig_rx_ack(&r, 0, &q, W_205, "a");
	expect_closed(a, TH_OK);
	rig_run(&r, 100 * TH_SEC);
	rig_expect_silence(&r);
	assert_int_equal(b->closes, 0);
	rig_close(&r);
}

static void an_answer_that_never_comes_times_out(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_run(&r, r.params.response_timeout - TH_SEC);
	assert_int_equal(ex->closes, 0);
	rig_run(&r, 10 * TH_SEC);
	expect_closed(ex, TH_ERR_TIMEOUT);
	rig_close(&r);
}

/* A peer that has restarted does not know of the request any more: its RST to our ping says so. */
static void a_ping_finds_a_peer_that_forgot(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_prepare(&r);
	r.params.ping_after = 30 * TH_SEC;
	rig_start(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_run(&r, 29 * TH_SEC);
	rig_expect_silence(&r);
	rig_run(&r, 2 * TH_SEC);
	rig_pop(&r, &w);
	assert_int_equal(w.type, W_CON);
	assert_int_equal(w.code, W_EMPTY);
	rig_rx_empty(&r, 0, W_RST, w.mid); /* what any living peer answers */
	assert_int_equal(ex->closes, 0);
	rig_run(&r, 31 * TH_SEC);
	rig_pop(&r, &w);
	assert_int_equal(w.code, W_EMPTY);
	rig_run(&r, 93 * TH_SEC); /* silence now: the peer is gone */
	expect_closed(ex, TH_ERR_TIMEOUT);
	rig_close(&r);
}

static void the_account_counts_what_the_exchange_cost(void **state)
{
	struct th_coap_account a;
	struct rig_ex *ex;
	static struct rig_sent s;
	size_t n;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	assert_true(rig_pop_raw(&r, &s));
	assert_true(wire_get(&q, s.bytes, s.n));
	n = s.n;
	rig_run(&r, 3 * TH_SEC + 1);
	assert_true(rig_pop_raw(&r, &s));
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	assert_int_equal(th_coap_account(r.c, ex->id, &a), TH_OK);
	assert_int_equal(a.datagrams_out, 2);
	assert_int_equal(a.bytes_out, 2 * n);
	assert_int_equal(a.datagrams_in, 1);
	assert_int_equal(a.bytes_in, 4);
	rig_close(&r);
}

static void dead_ids_are_harmless(void **state)
{
	struct th_coap_head head = { .code = W_205 };
	struct th_coap_account a;
	th_coap_id ids[] = { 0, 1, 12345, UINT64_MAX, 0 };
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_rx_ack(&r, 0, &q, W_205, "");
	ids[4] = ex->id;
	for (size_t i = 0; i < UNIT_COUNT(ids); i++) {
		assert_int_equal(th_coap_respond(r.c, ids[i], &head, r.now), TH_ERR_NOT_FOUND);
		assert_int_equal(th_coap_end(r.c, ids[i], r.now), TH_ERR_NOT_FOUND);
		th_coap_write(r.c, ids[i], (const uint8_t *)"x", 1, r.now);
		th_coap_resume(r.c, ids[i], r.now);
		th_coap_cancel(r.c, ids[i], r.now);
		assert_int_equal(th_coap_account(r.c, ids[i], &a), TH_ERR_NOT_FOUND);
		assert_false(th_coap_wants_observe(r.c, ids[i]));
	}
	rig_run(&r, 0);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void options_that_break_their_rules_are_not_sent(void **state)
{
	const struct th_coap_option down[] = { { 11, 1, (const uint8_t *)"a" }, { 4, 1, (const uint8_t *)"e" } };
	const struct th_coap_option twice[] = { { 12, 1, (const uint8_t *)"a" }, { 12, 1, (const uint8_t *)"a" } };
	static const uint8_t big[1100];
	const struct th_coap_option fat[] = { { 2048, sizeof(big), big }, { 2050, sizeof(big), big } };
	const struct th_coap_option *const bad[] = { down, twice, fat };
	struct th_addr to = rig_peer(0);

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		struct th_coap_head head = { .code = W_GET, .confirmable = true, .options = bad[i], .n_options = 2 };
		th_coap_id id = 0;

		assert_int_equal(th_coap_request(r.c, &to, &head, r.now, &id), TH_ERR_INVALID);
	}
	rig_run(&r, TH_SEC);
	rig_expect_silence(&r);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_and_its_piggybacked_answer),
		cmocka_unit_test(answers_of_all_codes_reach_the_user),
		cmocka_unit_test(td_coap_core_09_a_separate_answer_is_acknowledged),
		cmocka_unit_test(a_separate_answer_that_overtakes_the_ack),
		cmocka_unit_test(a_separate_answer_may_be_non),
		cmocka_unit_test(a_reset_closes),
		cmocka_unit_test(a_reset_after_the_empty_ack_is_ignored_or_closes),
		cmocka_unit_test(an_answer_with_a_wrong_token_is_not_delivered),
		cmocka_unit_test(an_ack_with_a_wrong_message_id_is_not_delivered),
		cmocka_unit_test(bytes_of_another_address_do_not_count),
		cmocka_unit_test(unexpected_answers_are_reset_if_con_and_ignored_if_not),
		cmocka_unit_test(an_answer_with_an_unknown_critical_option_is_not_delivered),
		cmocka_unit_test(crossing_answers_find_their_exchanges),
		cmocka_unit_test(td_coap_core_05_a_non_request_is_sent_once),
		cmocka_unit_test(a_cancelled_request_falls_silent_and_its_late_answer_is_reset),
		cmocka_unit_test(cancelled_before_it_was_sent_it_is_never_sent),
		cmocka_unit_test(an_answer_that_never_comes_times_out),
		cmocka_unit_test(a_ping_finds_a_peer_that_forgot),
		cmocka_unit_test(the_account_counts_what_the_exchange_cost),
		cmocka_unit_test(dead_ids_are_harmless),
		cmocka_unit_test(options_that_break_their_rules_are_not_sent),
	};

	return cmocka_run_group_tests_name("coap/engine: client", tests, NULL, NULL);
}
