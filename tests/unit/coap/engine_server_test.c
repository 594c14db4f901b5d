/* RFC 7252 messages and requests, seen from the wire. TD_COAP_CORE_nn: the matching case of ETSI's plugtest list. */
#include "rig.h"

static struct rig r;
static struct wire w, q;

static void expect_ack(uint8_t code, uint16_t mid, const char *token)
{
	rig_pop(&r, &w);
	assert_int_equal(w.type, W_ACK);
	assert_int_equal(w.code, code);
	assert_int_equal(w.mid, mid);
	assert_true(wire_token_is(&w, token));
}

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

/* ---- server ---- */

static void td_coap_core_01_to_04_con_requests_are_answered_in_the_ack(void **state)
{
	static const struct {
		uint8_t method, answer;
		const char *body;
	} cases[] = {
		{ W_GET, W_205, "" }, { W_DELETE, W_202, "" }, { W_PUT, W_204, "new state" }, { W_POST, W_201, "more" }
	};

	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	r.reply_n = 5;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		struct rig_ex *ex;

		r.reply_code = cases[i].answer;
		rig_make_request(&w, W_CON, cases[i].method, (uint16_t)(100 + i), "tk", "test");
		wire_payload(&w, cases[i].body, strlen(cases[i].body));
		rig_rx(&r, 0, &w);
		assert_int_equal(r.requests, i + 1);
		ex = rig_last_request(&r);
		assert_int_equal(ex->code, cases[i].method);
		assert_string_equal(ex->path, "/test");
		assert_int_equal(ex->body_n, strlen(cases[i].body));
		assert_memory_equal(ex->body, cases[i].body, ex->body_n);
		assert_int_equal(ex->ends, 1);
		expect_ack(cases[i].answer, (uint16_t)(100 + i), "tk");
		assert_int_equal(w.payload_len, 5);
		rig_expect_silence(&r);
		expect_closed(ex, TH_OK);
	}
	rig_close(&r);
}

static void td_coap_core_05_to_08_non_requests_are_answered_with_non(void **state)
{
	static const uint8_t methods[] = { W_GET, W_DELETE, W_PUT, W_POST };

	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	for (size_t i = 0; i < UNIT_COUNT(methods); i++) {
		rig_rx_request(&r, 0, W_NON, methods[i], (uint16_t)(200 + i), "tok", "test");
		rig_pop(&r, &w);
		assert_int_equal(w.type, W_NON);
		assert_int_equal(w.code, W_205);
		assert_true(wire_token_is(&w, "tok"));
		rig_expect_silence(&r);
	}
	rig_run(&r, 300 * TH_SEC);
	rig_expect_silence(&r); /* nothing of it is sent twice */
	assert_int_equal(r.requests, UNIT_COUNT(methods));
	rig_close(&r);
}

static void td_coap_core_09_a_late_answer_comes_separately(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_prepare(&r);
	r.params.piggyback_patience = 100 * TH_MS;
	rig_start(&r);
	rig_rx_request(&r, 0, W_CON, W_GET, 7, "sep", "separate");
	ex = rig_last_request(&r);
	rig_run(&r, 99 * TH_MS);
	rig_expect_silence(&r);
	rig_run(&r, 2 * TH_MS);
	expect_empty(W_ACK, 7);
	rig_run(&r, 5 * TH_SEC);
	rig_expect_silence(&r);
	rig_reply(&r, ex, W_205, 1, 20);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_int_equal(q.code, W_205);
	assert_true(wire_token_is(&q, "sep"));
	assert_int_equal(q.payload_len, 20);
	assert_int_equal(ex->closes, 0); /* not before it is acknowledged */
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	expect_closed(ex, TH_OK);
	rig_run(&r, 100 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void an_answer_within_patience_is_piggybacked(void **state)
{
	(void)state;
	rig_prepare(&r);
	r.params.piggyback_patience = 100 * TH_MS;
	rig_start(&r);
	rig_rx_request(&r, 0, W_CON, W_GET, 8, "p", "quick");
	rig_run(&r, 90 * TH_MS);
	rig_reply(&r, rig_last_request(&r), W_205, 1, 3);
	expect_ack(W_205, 8, "p");
	rig_run(&r, TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void td_coap_core_10_and_11_tokens_of_every_length_come_back(void **state)
{
	static const char all[] = "abcdefgh";

	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	for (size_t n = 0; n <= 8; n++) {
		char token[9] = { 0 };

		memcpy(token, all, n);
		rig_rx_request(&r, 0, W_CON, W_GET, (uint16_t)n, token, "test");
		expect_ack(W_205, (uint16_t)n, token);
	}
	rig_close(&r);
}

static void td_coap_core_12_and_13_path_and_query_arrive_in_order(void **state)
{
	(void)state;
	rig_open(&r);
	wire_init(&w, W_CON, W_GET, 1, "t");
	wire_text(&w, W_URI_PATH, "seg1");
	wire_text(&w, W_URI_PATH, "");
	wire_text(&w, W_URI_PATH, "seg3");
	wire_text(&w, W_URI_QUERY, "first=1");
	wire_text(&w, W_URI_QUERY, "second=2");
	rig_rx(&r, 0, &w);
	assert_string_equal(rig_last_request(&r)->path, "/seg1//seg3");
	assert_int_equal(rig_last_request(&r)->options, 5);
	rig_close(&r);
}

static void td_coap_core_31_a_ping_is_reset(void **state)
{
	(void)state;
	rig_open(&r);
	rig_rx_empty(&r, 3, W_CON, 0xbeef);
	expect_empty(W_RST, 0xbeef);
	rig_rx_empty(&r, 3, W_NON, 1); /* an Empty NON is nothing */
	rig_rx_empty(&r, 3, W_ACK, 2);
	rig_rx_empty(&r, 3, W_RST, 3);
	rig_run(&r, 300 * TH_SEC);
	rig_expect_silence(&r);
	assert_int_equal(r.requests, 0);
	rig_close(&r);
}

/* §4.5: over the whole EXCHANGE_LIFETIME, one execution and one and the same reply. */
static void a_duplicate_is_answered_alike_and_executed_once(void **state)
{
	static const unsigned at_s[] = { 0, 0, 1, 3, 45, 93, 150, 202, 240, 246 };
	static struct rig_sent first, again;
	th_time begin;

	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	r.reply_n = 500;
	begin = r.now;
	rig_rx_request(&r, 0, W_CON, W_POST, 42, "dup", "once");
	assert_true(rig_pop_raw(&r, &first));
	for (size_t i = 0; i < UNIT_COUNT(at_s); i++) {
		rig_run_to(&r, begin + at_s[i] * TH_SEC);
		rig_expect_silence(&r);
		rig_rx_request(&r, 0, W_CON, W_POST, 42, "dup", "once");
		assert_true(rig_pop_raw(&r, &again));
		assert_int_equal(again.n, first.n);
		assert_memory_equal(again.bytes, first.bytes, first.n);
		rig_expect_silence(&r);
		assert_int_equal(r.requests, 1);
	}
	assert_int_equal(rig_stats(&r).rx_duplicate, UNIT_COUNT(at_s));
	rig_close(&r);
}

static void after_the_lifetime_a_message_id_is_free_again(void **state)
{
	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	rig_rx_request(&r, 0, W_CON, W_POST, 42, "a", "first");
	expect_ack(W_205, 42, "a");
	rig_run(&r, th_coap_exchange_lifetime(&r.params) + TH_SEC);
	assert_int_equal(rig_stats(&r).records, 0);
	rig_rx_request(&r, 0, W_CON, W_POST, 42, "b", "second");
	expect_ack(W_205, 42, "b");
	assert_int_equal(r.requests, 2);
	rig_close(&r);
}

static void the_same_message_id_of_another_peer_is_no_duplicate(void **state)
{
	struct th_addr other_port = rig_peer(0);

	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	rig_rx_request(&r, 0, W_CON, W_POST, 5, "t", "x");
	rig_rx_request(&r, 1, W_CON, W_POST, 5, "t", "x");
	assert_int_equal(r.requests, 2);
	other_port.port++;
	static const uint8_t raw[] = { 0x41, 0x02, 0, 5, 't' };
	th_coap_rx(r.c, &other_port, raw, sizeof(raw), r.now); /* an endpoint is address and port (§1.2) */
	assert_int_equal(r.requests, 3);
	rig_close(&r);
}

static void duplicates_before_the_answer_get_the_empty_ack_again(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	rig_rx_request(&r, 0, W_CON, W_POST, 9, "t", "slow");
	expect_empty(W_ACK, 9);
	for (int i = 0; i < 3; i++) {
		rig_run(&r, TH_SEC);
		rig_rx_request(&r, 0, W_CON, W_POST, 9, "t", "slow");
		expect_empty(W_ACK, 9);
		rig_expect_silence(&r);
	}
	assert_int_equal(r.requests, 1);
	ex = rig_last_request(&r);
	rig_reply(&r, ex, W_204, 1, 0);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	expect_closed(ex, TH_OK);
	rig_rx_request(&r, 0, W_CON, W_POST, 9, "t", "slow"); /* a straggler when all is over */
	rig_pop(&r, &w);
	assert_int_equal(w.type, W_ACK);
	assert_int_equal(w.mid, 9);
	rig_run(&r, 100 * TH_SEC);
	rig_expect_silence(&r);
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void duplicates_within_patience_do_not_hasten_the_ack(void **state)
{
	(void)state;
	rig_prepare(&r);
	r.params.piggyback_patience = 500 * TH_MS;
	rig_start(&r);
	rig_rx_request(&r, 0, W_CON, W_GET, 9, "t", "x");
	rig_run(&r, 100 * TH_MS);
	rig_rx_request(&r, 0, W_CON, W_GET, 9, "t", "x");
	rig_forget_sent(&r); /* an empty ACK now would be right, too */
	rig_run(&r, 100 * TH_MS);
	rig_reply(&r, rig_last_request(&r), W_205, 1, 4);
	rig_pop(&r, &w);
	assert_int_equal(w.code, W_205);
	rig_expect_silence(&r);
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void a_duplicate_non_is_executed_once(void **state)
{
	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	for (int i = 0; i < 5; i++) {
		rig_rx_request(&r, 0, W_NON, W_POST, 77, "n", "x");
		rig_run(&r, 30 * TH_SEC); /* 120 s in all: within NON_LIFETIME of 145 s */
	}
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

/* By §4.5 it is a duplicate; taking it for a client that has started anew is sensible, too. A mixture is neither. */
static void message_id_with_another_token(void **state)
{
	static struct rig_sent first, second;

	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	rig_rx_request(&r, 0, W_CON, W_POST, 42, "one", "x");
	assert_true(rig_pop_raw(&r, &first));
	rig_rx_request(&r, 0, W_CON, W_POST, 42, "two", "x");
	if (r.requests == 1) {
		if (rig_pop_raw(&r, &second)) {
			assert_int_equal(second.n, first.n);
			assert_memory_equal(second.bytes, first.bytes, first.n);
		}
	} else {
		assert_int_equal(r.requests, 2);
		expect_ack(W_205, 42, "two");
	}
	rig_expect_silence(&r);
	rig_close(&r);
}

static void a_malformed_con_is_reset_and_all_else_malformed_is_dropped(void **state)
{
	static const char *const bad[] = {
		"40011234ff",			/* marker without payload */
		"4901123461616161616161616161", /* token of 9 */
		"4f011234",
		"40011234f0", /* delta 15 */
		"400112340f",
		"4001123451", /* value missing */
		"44011234aa", /* token cut off */
		"4000123461", /* Empty with bytes after it (§4.1) */
		"41001234aa",
	};

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		for (unsigned type = W_CON; type <= W_RST; type++) {
			uint8_t bytes[32];
			size_t n = strlen(bad[i]) / 2;

			for (size_t k = 0; k < n; k++) {
				char two[3] = { bad[i][2 * k], bad[i][2 * k + 1], '\0' };

				bytes[k] = (uint8_t)strtoul(two, NULL, 16);
			}
			bytes[0] = (uint8_t)((bytes[0] & 0xcf) | type << 4);
			rig_rx_bytes(&r, 0, bytes, n);
			if (type == W_CON)
				expect_empty(W_RST, 0x1234);
			rig_expect_silence(&r);
		}
	}
	assert_int_equal(r.requests, 0);
	assert_int_equal(rig_stats(&r).rx_malformed, 4 * UNIT_COUNT(bad));
	rig_close(&r);
}

static void what_is_no_coap_1_is_met_with_silence(void **state)
{
	static const uint8_t versions[] = { 0x00, 0x80, 0xc0 };
	uint8_t bytes[16] = { 0, 1, 2, 3 };

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < UNIT_COUNT(versions); i++) {
		bytes[0] = versions[i];
		rig_rx_bytes(&r, 0, bytes, 4);
		rig_rx_bytes(&r, 0, bytes, sizeof(bytes));
	}
	bytes[0] = 0x40;
	for (size_t n = 0; n < 4; n++)
		rig_rx_bytes(&r, 0, bytes, n);
	rig_run(&r, 100 * TH_SEC);
	rig_expect_silence(&r);
	assert_int_equal(r.requests, 0);
	rig_close(&r);
}

/* §4.2: a CON with a code of class 1, 6 or 7 is rejected; §4.3: a NON silently (or with RST). */
static void reserved_code_classes_are_rejected(void **state)
{
	static const uint8_t codes[] = { 0x20, 0x21, 0x3f, 0xc0, 0xdf, 0xe0, 0xff };

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < UNIT_COUNT(codes); i++) {
		wire_init(&w, W_CON, codes[i], (uint16_t)(50 + i), "t");
		rig_rx(&r, 0, &w);
		expect_empty(W_RST, (uint16_t)(50 + i));
		wire_init(&w, W_ACK, codes[i], (uint16_t)(150 + i), "t");
		rig_rx(&r, 0, &w);
		rig_expect_silence(&r);
	}
	assert_int_equal(r.requests, 0);
	rig_close(&r);
}

static void requests_in_ack_or_rst_are_ignored(void **state)
{
	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	rig_rx_request(&r, 0, W_ACK, W_GET, 1, "t", "x");
	rig_rx_request(&r, 0, W_RST, W_GET, 2, "t", "x");
	rig_expect_silence(&r);
	assert_int_equal(r.requests, 0);
	rig_close(&r);
}

static void an_unknown_critical_option_gives_4_02(void **state)
{
	static struct rig_sent a, b;

	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	for (int i = 0; i < 2; i++) {
		rig_make_request(&w, W_CON, W_GET, 60, "crit", "x");
		wire_text(&w, 65001, "?");
		rig_rx(&r, 0, &w);
		assert_true(rig_pop_raw(&r, i ? &b : &a));
		rig_expect_silence(&r);
	}
	assert_true(wire_get(&w, a.bytes, a.n));
	assert_int_equal(w.type, W_ACK);
	assert_int_equal(w.code, W_402);
	assert_int_equal(w.mid, 60);
	assert_true(wire_token_is(&w, "crit"));
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.bytes, b.bytes, a.n);
	assert_int_equal(r.requests, 0);

	rig_make_request(&w, W_CON, W_GET, 61, "crit", "x"); /* one Accept too many is treated alike (§5.4.5) */
	wire_number(&w, W_ACCEPT, 50);
	wire_number(&w, W_ACCEPT, 60);
	rig_rx(&r, 0, &w);
	expect_ack(W_402, 61, "crit");
	rig_make_request(&w, W_NON, W_GET, 62, "crit", "x"); /* §5.4.1: a NON is rejected, not answered */
	wire_text(&w, 65001, "?");
	rig_rx(&r, 0, &w);
	while (r.out_n) {
		rig_pop(&r, &w);
		assert_int_equal(w.type, W_RST);
	}
	assert_int_equal(r.requests, 0);
	rig_close(&r);
}

static void an_unknown_elective_option_is_no_obstacle(void **state)
{
	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	rig_make_request(&w, W_CON, W_GET, 63, "el", "x");
	wire_text(&w, 65000, "whatever");
	wire_text(&w, W_ETAG, "an etag that is too long is ignored");
	rig_rx(&r, 0, &w);
	expect_ack(W_205, 63, "el");
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void an_unknown_method_is_the_users_or_4_05(void **state)
{
	(void)state;
	rig_open(&r);
	r.auto_reply = true;
	rig_rx_request(&r, 0, W_CON, 0x1f, 64, "m", "x");
	rig_pop(&r, &w);
	assert_int_equal(w.type, W_ACK);
	assert_true(r.requests == 1 || w.code == 0x85);
	rig_close(&r);
}

static void an_application_that_never_answers_does_not_hang_the_client(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	rig_rx_request(&r, 0, W_CON, W_GET, 65, "h", "hang");
	expect_empty(W_ACK, 65);
	ex = rig_last_request(&r);
	rig_run(&r, r.params.response_timeout + TH_SEC);
	rig_pop(&r, &q);
	assert_true(q.code >= W_500);
	assert_true(wire_token_is(&q, "h"));
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_run(&r, 600 * TH_SEC);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	rig_close(&r);
}

static void a_server_that_cancels_answers_5_03(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	rig_rx_request(&r, 0, W_CON, W_GET, 66, "c", "x");
	expect_empty(W_ACK, 66);
	ex = rig_last_request(&r);
	th_coap_cancel(r.c, ex->id, r.now);
	rig_run(&r, 0);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_503);
	assert_true(wire_token_is(&q, "c"));
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	assert_int_equal(ex->closes, 0);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	th_coap_cancel(r.c, ex->id, r.now);
	rig_close(&r);
}

static void a_separate_answer_that_is_reset_ends_the_exchange(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	rig_rx_request(&r, 0, W_CON, W_GET, 67, "s", "x");
	expect_empty(W_ACK, 67);
	ex = rig_last_request(&r);
	rig_reply(&r, ex, W_205, 1, 10);
	rig_pop(&r, &q);
	rig_rx_empty(&r, 0, W_RST, q.mid);
	expect_closed(ex, TH_ERR_RESET);
	rig_run(&r, 100 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void find_and_token_name_an_open_exchange(void **state)
{
	struct th_addr a = rig_peer(0), b = rig_peer(1);
	const uint8_t *token = NULL;
	struct rig_ex *ex;
	size_t n = 0;

	(void)state;
	rig_open(&r);
	rig_rx_request(&r, 0, W_CON, W_GET, 68, "name", "x");
	ex = rig_last_request(&r);
	assert_true(th_coap_find(r.c, &a, (const uint8_t *)"name", 4) == ex->id);
	assert_true(th_coap_find(r.c, &b, (const uint8_t *)"name", 4) == 0);
	assert_true(th_coap_find(r.c, &a, (const uint8_t *)"nam", 3) == 0);
	assert_int_equal(th_coap_token(r.c, ex->id, &token, &n), TH_OK);
	assert_int_equal(n, 4);
	assert_memory_equal(token, "name", 4);
	th_coap_cancel(r.c, ex->id, r.now);
	rig_run(&r, 200 * TH_SEC);
	assert_int_equal(th_coap_token(r.c, ex->id, &token, &n), TH_ERR_NOT_FOUND);
	assert_true(th_coap_find(r.c, &a, (const uint8_t *)"name", 4) == 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(td_coap_core_01_to_04_con_requests_are_answered_in_the_ack),
		cmocka_unit_test(td_coap_core_05_to_08_non_requests_are_answered_with_non),
		cmocka_unit_test(td_coap_core_09_a_late_answer_comes_separately),
		cmocka_unit_test(an_answer_within_patience_is_piggybacked),
		cmocka_unit_test(td_coap_core_10_and_11_tokens_of_every_length_come_back),
		cmocka_unit_test(td_coap_core_12_and_13_path_and_query_arrive_in_order),
		cmocka_unit_test(td_coap_core_31_a_ping_is_reset),
		cmocka_unit_test(a_duplicate_is_answered_alike_and_executed_once),
		cmocka_unit_test(after_the_lifetime_a_message_id_is_free_again),
		cmocka_unit_test(the_same_message_id_of_another_peer_is_no_duplicate),
		cmocka_unit_test(duplicates_before_the_answer_get_the_empty_ack_again),
		cmocka_unit_test(duplicates_within_patience_do_not_hasten_the_ack),
		cmocka_unit_test(a_duplicate_non_is_executed_once),
		cmocka_unit_test(message_id_with_another_token),
		cmocka_unit_test(a_malformed_con_is_reset_and_all_else_malformed_is_dropped),
		cmocka_unit_test(what_is_no_coap_1_is_met_with_silence),
		cmocka_unit_test(reserved_code_classes_are_rejected),
		cmocka_unit_test(requests_in_ack_or_rst_are_ignored),
		cmocka_unit_test(an_unknown_critical_option_gives_4_02),
		cmocka_unit_test(an_unknown_elective_option_is_no_obstacle),
		cmocka_unit_test(an_unknown_method_is_the_users_or_4_05),
		cmocka_unit_test(an_application_that_never_answers_does_not_hang_the_client),
		cmocka_unit_test(a_server_that_cancels_answers_5_03),
		cmocka_unit_test(a_separate_answer_that_is_reset_ends_the_exchange),
		cmocka_unit_test(find_and_token_name_an_open_exchange),
	};

	return cmocka_run_group_tests_name("coap/engine: server", tests, NULL, NULL);
}
