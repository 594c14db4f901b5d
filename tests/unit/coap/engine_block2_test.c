/* RFC 7959 Block2, both roles, seen from the wire. Blocks read NUM/M/SIZE. */
#include "rig.h"

static struct rig r;
static struct wire w, q;
static uint16_t next_mid = 1;

/* ---- engine as server ---- */

static void ask(unsigned peer, const char *token, uint32_t num, unsigned size)
{
	rig_make_request(&w, W_CON, W_GET, next_mid++, token, "big");
	if (size)
		wire_block(&w, W_BLOCK2, num, false, size);
	rig_rx(&r, peer, &w);
}

/* The next datagram answers with this block of body 9, of n bytes in all. */
static void expect_block(const char *token, uint32_t num, size_t size, size_t n)
{
	size_t from = num * size;
	size_t len = n - from < size ? n - from : size;
	struct wire_block b;

	rig_pop(&r, &q);
	assert_int_equal(q.type, W_ACK);
	assert_int_equal(q.code, W_205);
	assert_true(wire_token_is(&q, token));
	b = wire_block_of(&q, W_BLOCK2);
	assert_true(b.there);
	assert_int_equal(b.num, num);
	assert_int_equal(b.more, from + len < n);
	assert_int_equal(b.size, size);
	assert_int_equal(q.payload_len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(q.payload[i], rig_byte(9, from + i));
	rig_expect_silence(&r);
}

static void open_server(size_t n)
{
	rig_open(&r);
	r.auto_reply = true;
	r.reply_n = n;
}

static void td_coap_block_02_late_negotiation(void **state)
{
	(void)state;
	open_server(2500);
	ask(0, "t", 0, 0);
	expect_block("t", 0, 1024, 2500);
	ask(0, "t", 1, 1024);
	expect_block("t", 1, 1024, 2500);
	ask(0, "t", 2, 1024);
	expect_block("t", 2, 1024, 2500);
	assert_int_equal(r.requests, 1);
	rig_run(&r, 10 * TH_SEC);
	assert_int_equal(rig_last_request(&r)->closes, 1);
	assert_int_equal(rig_last_request(&r)->why, TH_OK);
	rig_close(&r);
}

static void td_coap_block_01_early_negotiation(void **state)
{
	(void)state;
	open_server(300);
	ask(0, "t", 0, 64);
	expect_block("t", 0, 64, 300);
	for (uint32_t num = 1; num < 5; num++) {
		ask(0, "t", num, 64);
		expect_block("t", num, 64, 300);
	}
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

/* RFC 7959 §2.4, figure 3: the client wants smaller blocks from the second one on. */
static void the_client_may_change_to_smaller_blocks(void **state)
{
	(void)state;
	open_server(2000);
	ask(0, "t", 0, 0);
	expect_block("t", 0, 1024, 2000);
	ask(0, "t", 4, 256);
	expect_block("t", 4, 256, 2000);
	ask(0, "t", 20, 64);
	expect_block("t", 20, 64, 2000);
	for (uint32_t num = 21; num * 64 < 2000; num++) {
		ask(0, "t", num, 64);
		expect_block("t", num, 64, 2000);
	}
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void tokens_may_change_from_block_to_block(void **state)
{
	(void)state;
	open_server(300);
	ask(0, "one", 0, 128);
	expect_block("one", 0, 128, 300);
	ask(0, "two", 1, 128);
	expect_block("two", 1, 128, 300);
	ask(0, "", 2, 128);
	expect_block("", 2, 128, 300);
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void a_repeated_block_request_gets_the_same_bytes(void **state)
{
	static struct rig_sent first, again;

	(void)state;
	open_server(500);
	ask(0, "t", 0, 128);
	expect_block("t", 0, 128, 500);
	ask(0, "t", 1, 128);
	assert_true(rig_pop_raw(&r, &first));
	ask(0, "t", 2, 128);
	expect_block("t", 2, 128, 500);
	next_mid = (uint16_t)(next_mid - 2);
	ask(0, "t", 1, 128); /* a duplicate that was under way for long */
	assert_true(rig_pop_raw(&r, &again));
	assert_int_equal(again.n, first.n);
	assert_memory_equal(again.bytes, first.bytes, first.n);
	next_mid++;
	ask(0, "t", 3, 128);
	expect_block("t", 3, 128, 500);
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

/* The block before the last one, asked for in a new message: its content or a clear no, and no harm to the rest. */
static void an_earlier_block_again(void **state)
{
	(void)state;
	open_server(500);
	ask(0, "t", 0, 128);
	expect_block("t", 0, 128, 500);
	ask(0, "t", 1, 128);
	expect_block("t", 1, 128, 500);
	ask(0, "t", 1, 128);
	if (r.out[r.out_head].bytes[1] == W_205) {
		expect_block("t", 1, 128, 500);
		ask(0, "t", 2, 128);
		expect_block("t", 2, 128, 500);
	} else {
		rig_pop(&r, &q);
		assert_true(q.code >= W_400);
	}
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void a_block_out_of_the_blue_is_right_or_refused(void **state)
{
	(void)state;
	open_server(2000);
	ask(0, "t", 5, 128);
	rig_pop(&r, &q);
	if (q.code == W_205) {
		struct wire_block b = wire_block_of(&q, W_BLOCK2);

		assert_int_equal(b.num * b.size, 5 * 128);
		for (size_t i = 0; i < q.payload_len; i++)
			assert_int_equal(q.payload[i], rig_byte(9, 5 * 128 + i));
	} else {
		assert_true(q.code >= W_400);
	}
	rig_run(&r, 400 * TH_SEC);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	rig_close(&r);
}

static void a_block_past_the_end_is_refused(void **state)
{
	(void)state;
	open_server(300);
	ask(0, "t", 0, 128);
	expect_block("t", 0, 128, 300);
	ask(0, "t", 7, 128);
	rig_pop(&r, &q);
	assert_int_equal(q.code >> 5, 4);
	ask(0, "u", 0xfffff, 1024);
	rig_pop(&r, &q);
	assert_true(q.code >= W_400);
	rig_close(&r);
}

static void two_peers_fetch_side_by_side(void **state)
{
	(void)state;
	open_server(300);
	ask(0, "a", 0, 128);
	expect_block("a", 0, 128, 300);
	ask(1, "a", 0, 128);
	expect_block("a", 0, 128, 300);
	for (uint32_t num = 1; num < 3; num++) {
		ask(1, "a", num, 128);
		expect_block("a", num, 128, 300);
		ask(0, "a", num, 128);
		expect_block("a", num, 128, 300);
	}
	assert_int_equal(r.requests, 2);
	rig_close(&r);
}

static void a_body_that_fits_needs_no_blocks(void **state)
{
	static const size_t sizes[] = { 0, 1, 1023, 1024 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
		struct wire_block b;

		open_server(sizes[i]);
		ask(0, "t", 0, 0);
		rig_pop(&r, &q);
		assert_int_equal(q.payload_len, sizes[i]);
		b = wire_block_of(&q, W_BLOCK2);
		assert_false(b.more);
		rig_expect_silence(&r);
		assert_int_equal(rig_last_request(&r)->why, TH_OK);
		rig_close(&r);
	}
}

static void a_body_left_unfetched_is_forgotten(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_server(5000);
	ask(0, "t", 0, 0);
	expect_block("t", 0, 1024, 5000);
	ex = rig_last_request(&r);
	rig_run(&r, r.params.body_timeout + TH_SEC);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_ERR_TIMEOUT);
	ask(0, "t", 1, 1024);
	rig_pop(&r, &q);
	if (q.code == W_205) /* executed anew, then the right bytes */
		assert_int_equal(q.payload[0], rig_byte(9, 1024));
	else
		assert_true(q.code >= W_400);
	rig_close(&r);
}

static void a_separate_first_block(void **state)
{
	(void)state;
	rig_open(&r);
	ask(0, "t", 0, 0);
	rig_pop(&r, &w);
	assert_int_equal(w.code, W_EMPTY);
	rig_run(&r, 3 * TH_SEC);
	rig_reply(&r, rig_last_request(&r), W_205, 9, 2000);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_int_equal(q.payload_len, 1024);
	assert_true(wire_block_of(&q, W_BLOCK2).more);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_expect_silence(&r);
	ask(0, "t", 1, 1024);
	expect_block("t", 1, 1024, 2000);
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

/* The user writes as there is room; the client fetches as it likes. */
static void a_long_answer_streams_through_its_window(void **state)
{
	enum { N = 60000 };
	struct th_coap_head head = { .code = W_205, .confirmable = true };
	struct rig_ex *ex;
	size_t written, got = 0;

	(void)state;
	rig_prepare(&r);
	r.params.piggyback_patience = 50 * TH_MS;
	rig_start(&r);
	ask(0, "t", 0, 0);
	ex = rig_last_request(&r);
	assert_int_equal(th_coap_respond(r.c, ex->id, &head, r.now), TH_OK);
	written = rig_write(&r, ex->id, 9, 0, N);
	assert_true(written > 0 && written < N);
	rig_run(&r, 0);
	for (uint32_t num = 0;; num++) {
		struct wire_block b;

		rig_pop(&r, &q);
		b = wire_block_of(&q, W_BLOCK2);
		assert_int_equal(b.num, num);
		for (size_t i = 0; i < q.payload_len; i++)
			assert_int_equal(q.payload[i], rig_byte(9, got + i));
		got += q.payload_len;
		if (!b.more)
			break;
		if (written < N && ex->resumes) {
			ex->resumes = 0;
			written = rig_write(&r, ex->id, 9, written, N);
		}
		ask(0, "t", num + 1, 1024);
		if (r.out_n == 0 && written < N) { /* asked for what is not written yet */
			assert_true(ex->resumes > 0);
			ex->resumes = 0;
			written = rig_write(&r, ex->id, 9, written, N);
			rig_run(&r, 0);
		}
	}
	assert_int_equal(got, N);
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void td_coap_block_05_blocks_in_both_directions(void **state)
{
	uint8_t bytes[128];

	(void)state;
	open_server(300);
	for (uint32_t num = 0; num < 3; num++) {
		rig_make_request(&w, W_CON, W_POST, next_mid++, "t", "both");
		wire_block(&w, W_BLOCK1, num, num < 2, 128);
		wire_block(&w, W_BLOCK2, 0, false, 128);
		rig_fill(bytes, 128, 4, num * 128);
		wire_payload(&w, bytes, 128);
		rig_rx(&r, 0, &w);
		if (num < 2) {
			rig_pop(&r, &q);
			assert_int_equal(q.code, W_231);
		}
	}
	rig_assert_body(rig_last_request(&r), 4, 384);
	assert_int_equal(r.out_n, 1);
	expect_block("t", 0, 128, 300);
	assert_int_equal(wire_block_of(&q, W_BLOCK1).num, 2);
	for (uint32_t num = 1; num < 3; num++) {
		rig_make_request(&w, W_CON, W_POST, next_mid++, "t", "both");
		wire_block(&w, W_BLOCK2, num, false, 128);
		rig_rx(&r, 0, &w);
		expect_block("t", num, 128, 300);
	}
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

/* ---- engine as client ---- */

static void answer(uint32_t num, bool more, unsigned size, size_t n, const char *etag)
{
	uint8_t bytes[1024];
	size_t from = num * size;
	size_t len = more ? size : n - from;

	rig_make_response(&w, &q, W_ACK, W_205, q.mid);
	wire_block(&w, W_BLOCK2, num, more, size);
	if (etag)
		wire_text(&w, W_ETAG, etag);
	rig_fill(bytes, len, 9, from);
	wire_payload(&w, bytes, len);
	rig_rx(&r, 0, &w);
}

static void expect_ask(uint32_t num, size_t size)
{
	struct wire_block b;

	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_int_equal(q.code, W_GET);
	assert_memory_equal(wire_find(&q, W_URI_PATH)->p, "big", 3);
	b = wire_block_of(&q, W_BLOCK2);
	assert_true(b.there);
	assert_int_equal(b.num, num);
	assert_false(b.more);
	assert_int_equal(b.size, size);
	assert_int_equal(q.payload_len, 0);
	rig_expect_silence(&r);
}

static void td_coap_block_02_a_download_goes_block_by_block(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "big");
	rig_pop(&r, &q);
	answer(0, true, 1024, 2500, "e1");
	assert_int_equal(ex->heads, 1);
	assert_int_equal(ex->body_n, 1024);
	expect_ask(1, 1024);
	answer(1, true, 1024, 2500, "e1");
	expect_ask(2, 1024);
	answer(2, false, 1024, 2500, "e1");
	rig_assert_body(ex, 9, 2500);
	assert_int_equal(ex->heads, 1);
	assert_int_equal(ex->ends, 1);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_OK);
	rig_run(&r, 100 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

static void td_coap_block_01_the_client_may_name_its_size(void **state)
{
	struct rig_ex *ex;
	struct wire_block b;

	(void)state;
	rig_prepare(&r);
	r.params.szx = 2;
	rig_start(&r);
	ex = rig_get(&r, 0, "big");
	rig_pop(&r, &q);
	b = wire_block_of(&q, W_BLOCK2);
	assert_true(!b.there || (b.num == 0 && !b.more && b.size == 64));
	answer(0, true, 64, 200, NULL);
	for (uint32_t num = 1; num < 4; num++) {
		expect_ask(num, 64);
		answer(num, num < 3, 64, 200, NULL);
	}
	rig_assert_body(ex, 9, 200);
	rig_close(&r);
}

static void the_servers_smaller_size_is_followed(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "big");
	rig_pop(&r, &q);
	answer(0, true, 32, 100, NULL);
	expect_ask(1, 32);
	answer(1, true, 32, 100, NULL);
	expect_ask(2, 32);
	answer(4, true, 16, 100, NULL); /* smaller still: offset 64 */
	expect_ask(5, 16);
	answer(5, true, 16, 100, NULL);
	expect_ask(6, 16);
	answer(6, false, 16, 100, NULL);
	rig_assert_body(ex, 9, 100);
	assert_int_equal(ex->why, TH_OK);
	rig_close(&r);
}

static void a_changed_representation_is_not_pieced_together(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "big");
	rig_pop(&r, &q);
	answer(0, true, 64, 200, "old");
	expect_ask(1, 64);
	answer(1, true, 64, 200, "new");
	rig_run(&r, 400 * TH_SEC);
	assert_int_equal(ex->ends, 0);
	assert_int_equal(ex->closes, 1);
	assert_int_not_equal(ex->why, TH_OK);
	rig_close(&r);
}

static void a_wrong_block_is_not_taken(void **state)
{
	(void)state;
	for (uint32_t wrong = 0; wrong < 4; wrong++) {
		struct rig_ex *ex;

		if (wrong == 1)
			continue;
		rig_open(&r);
		ex = rig_get(&r, 0, "big");
		rig_pop(&r, &q);
		answer(0, true, 64, 300, NULL);
		expect_ask(1, 64);
		answer(wrong, true, 64, 300, NULL);
		assert_int_equal(ex->body_n, 64);
		rig_forget_sent(&r);
		rig_run(&r, 400 * TH_SEC);
		assert_int_equal(ex->ends, 0);
		assert_int_equal(ex->closes, 1);
		assert_int_not_equal(ex->why, TH_OK);
		rig_close(&r);
	}
}

static void an_error_in_the_middle_is_a_failure(void **state)
{
	static const uint8_t codes[] = { W_404, W_408, W_500 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(codes); i++) {
		struct rig_ex *ex;

		rig_open(&r);
		ex = rig_get(&r, 0, "big");
		rig_pop(&r, &q);
		answer(0, true, 64, 200, NULL);
		expect_ask(1, 64);
		rig_rx_ack(&r, 0, &q, codes[i], "sorry");
		assert_int_equal(ex->ends, 0);
		assert_int_equal(ex->closes, 1);
		assert_int_not_equal(ex->why, TH_OK);
		rig_close(&r);
	}
}

static void a_block_shorter_than_it_says_is_not_taken(void **state)
{
	struct rig_ex *ex;
	uint8_t bytes[100] = { 0 };

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "big");
	rig_pop(&r, &q);
	answer(0, true, 64, 300, NULL);
	expect_ask(1, 64);
	rig_make_response(&w, &q, W_ACK, W_205, q.mid);
	wire_block(&w, W_BLOCK2, 1, true, 64);
	wire_payload(&w, bytes, 40);
	rig_rx(&r, 0, &w);
	rig_run(&r, 400 * TH_SEC);
	assert_int_equal(ex->ends, 0);
	assert_int_equal(ex->closes, 1);
	assert_int_not_equal(ex->why, TH_OK);
	rig_close(&r);
}

static void a_slow_user_holds_the_fetching_up(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "big");
	rig_pop(&r, &q);
	r.appetite = 10;
	answer(0, true, 64, 150, NULL);
	assert_int_equal(ex->body_n, 10);
	rig_run(&r, 5 * TH_SEC);
	rig_expect_silence(&r);
	r.appetite = SIZE_MAX;
	th_coap_resume(r.c, ex->id, r.now);
	rig_run(&r, 0);
	assert_int_equal(ex->body_n, 64);
	expect_ask(1, 64);
	answer(1, true, 64, 150, NULL);
	expect_ask(2, 64);
	r.appetite = 0;
	answer(2, false, 64, 150, NULL);
	assert_int_equal(ex->ends, 0); /* not before all was taken */
	assert_int_equal(ex->closes, 0);
	r.appetite = SIZE_MAX;
	th_coap_resume(r.c, ex->id, r.now);
	rig_run(&r, 0);
	rig_assert_body(ex, 9, 150);
	assert_int_equal(ex->why, TH_OK);
	assert_int_equal(ex->closes, 1);
	rig_close(&r);
}

static void a_lost_block_request_costs_one_block(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = rig_get(&r, 0, "big");
	rig_pop(&r, &q);
	answer(0, true, 64, 150, NULL);
	expect_ask(1, 64);
	rig_run(&r, 310 * TH_MS); /* measured round trips were short: RTO_MIN × at most 1.5 */
	expect_ask(1, 64);
	answer(1, true, 64, 150, NULL);
	answer(1, true, 64, 150, NULL); /* the answer came twice */
	expect_ask(2, 64);
	answer(2, false, 64, 150, NULL);
	rig_assert_body(ex, 9, 150);
	assert_int_equal(ex->why, TH_OK);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(td_coap_block_02_late_negotiation),
		cmocka_unit_test(td_coap_block_01_early_negotiation),
		cmocka_unit_test(the_client_may_change_to_smaller_blocks),
		cmocka_unit_test(tokens_may_change_from_block_to_block),
		cmocka_unit_test(a_repeated_block_request_gets_the_same_bytes),
		cmocka_unit_test(an_earlier_block_again),
		cmocka_unit_test(a_block_out_of_the_blue_is_right_or_refused),
		cmocka_unit_test(a_block_past_the_end_is_refused),
		cmocka_unit_test(two_peers_fetch_side_by_side),
		cmocka_unit_test(a_body_that_fits_needs_no_blocks),
		cmocka_unit_test(a_body_left_unfetched_is_forgotten),
		cmocka_unit_test(a_separate_first_block),
		cmocka_unit_test(a_long_answer_streams_through_its_window),
		cmocka_unit_test(td_coap_block_05_blocks_in_both_directions),
		cmocka_unit_test(td_coap_block_02_a_download_goes_block_by_block),
		cmocka_unit_test(td_coap_block_01_the_client_may_name_its_size),
		cmocka_unit_test(the_servers_smaller_size_is_followed),
		cmocka_unit_test(a_changed_representation_is_not_pieced_together),
		cmocka_unit_test(a_wrong_block_is_not_taken),
		cmocka_unit_test(an_error_in_the_middle_is_a_failure),
		cmocka_unit_test(a_block_shorter_than_it_says_is_not_taken),
		cmocka_unit_test(a_slow_user_holds_the_fetching_up),
		cmocka_unit_test(a_lost_block_request_costs_one_block),
	};

	return cmocka_run_group_tests_name("coap/engine: block2", tests, NULL, NULL);
}
