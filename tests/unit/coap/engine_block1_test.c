/* RFC 7959 Block1 and RFC 9175 Request-Tag, both roles, seen from the wire. Blocks read NUM/M/SIZE. */
#include "rig.h"

static struct rig r;
static struct wire w, q;

/* ---- engine as client: uploads ---- */

static struct rig_ex *upload(size_t n, bool tagged)
{
	struct th_addr to = rig_peer(0);
	struct th_coap_option o = { W_URI_PATH, 2, (const uint8_t *)"up" };
	struct th_coap_head head = {
		.code = W_PUT, .confirmable = true, .tagged = tagged, .options = &o, .n_options = 1
	};
	th_coap_id id = 0;
	struct rig_ex *ex;

	assert_int_equal(th_coap_request(r.c, &to, &head, r.now, &id), TH_OK);
	ex = rig_add(&r, id, false);
	assert_int_equal(rig_write(&r, id, 3, 0, n), n);
	rig_run(&r, 0);
	return ex;
}

/* The next request must be this block of body 3, of n bytes in all. */
static void expect_block(uint32_t num, bool more, size_t size, size_t n)
{
	struct wire_block b;
	size_t from = num * size;
	size_t len = n - from < size ? n - from : size;

	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_int_equal(q.code, W_PUT);
	assert_memory_equal(wire_find(&q, W_URI_PATH)->p, "up", 2);
	b = wire_block_of(&q, W_BLOCK1);
	assert_true(b.there);
	assert_int_equal(b.num, num);
	assert_int_equal(b.more, more);
	assert_int_equal(b.size, size);
	assert_int_equal(q.payload_len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(q.payload[i], rig_byte(3, from + i));
}

static void answer_block(uint8_t code, uint32_t num, bool more, unsigned size)
{
	rig_make_response(&w, &q, W_ACK, code, q.mid);
	wire_block(&w, W_BLOCK1, num, more, size);
	rig_rx(&r, 0, &w);
}

static void td_coap_block_03_an_upload_goes_block_by_block(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = upload(3000, false);
	expect_block(0, true, 1024, 3000);
	rig_expect_silence(&r);
	answer_block(W_231, 0, true, 1024);
	expect_block(1, true, 1024, 3000);
	answer_block(W_231, 1, true, 1024);
	expect_block(2, false, 1024, 3000);
	assert_int_equal(ex->heads, 0); /* 2.31 is the engine's own */
	answer_block(W_204, 2, false, 1024);
	assert_int_equal(ex->heads, 1);
	assert_int_equal(ex->code, W_204);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_OK);
	rig_run(&r, 100 * TH_SEC);
	rig_expect_silence(&r);
	rig_close(&r);
}

/* RFC 7959 §2.5, figure 8: the server answers the first block with a smaller size, the client goes on where it stood.
 */
static void the_server_may_ask_for_smaller_blocks(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = upload(2100, false);
	expect_block(0, true, 1024, 2100);
	answer_block(W_231, 0, true, 256);
	expect_block(4, true, 256, 2100);
	answer_block(W_231, 4, true, 256);
	expect_block(5, true, 256, 2100);
	answer_block(W_231, 5, true, 64); /* and again */
	for (uint32_t num = 24; num < 32; num++) {
		expect_block(num, true, 64, 2100);
		answer_block(W_231, num, true, 64);
	}
	expect_block(32, false, 64, 2100);
	answer_block(W_204, 32, false, 64);
	assert_int_equal(ex->why, TH_OK);
	assert_int_equal(ex->closes, 1);
	rig_close(&r);
}

static void a_lost_block_costs_one_block(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = upload(3000, false);
	expect_block(0, true, 1024, 3000);
	answer_block(W_231, 0, true, 1024);
	expect_block(1, true, 1024, 3000);
	rig_run(&r, 4 * TH_SEC);
	expect_block(1, true, 1024, 3000);
	answer_block(W_231, 1, true, 1024);
	while (r.out_n > 1)
		rig_pop(&r, &w);
	expect_block(2, false, 1024, 3000);
	answer_block(W_204, 2, false, 1024);
	assert_int_equal(ex->why, TH_OK);
	assert_int_equal(ex->closes, 1);
	rig_close(&r);
}

static void continue_may_come_separately(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_open(&r);
	ex = upload(2000, false);
	expect_block(0, true, 1024, 2000);
	rig_rx_empty(&r, 0, W_ACK, q.mid);
	rig_run(&r, 5 * TH_SEC);
	rig_expect_silence(&r);
	rig_make_response(&w, &q, W_CON, W_231, 555);
	wire_block(&w, W_BLOCK1, 0, true, 1024);
	rig_rx(&r, 0, &w);
	rig_pop(&r, &w);
	assert_int_equal(w.type, W_ACK);
	assert_int_equal(w.mid, 555);
	expect_block(1, false, 1024, 2000);
	answer_block(W_204, 1, false, 1024);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_OK);
	rig_close(&r);
}

static void sizes_around_one_block(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 1023, 1024, 1025, 2047, 2048, 2049 };

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
		size_t n = sizes[i], got = 0;
		struct rig_ex *ex = upload(n, false);

		while (!ex->closes) {
			struct wire_block b;

			rig_pop(&r, &q);
			b = wire_block_of(&q, W_BLOCK1);
			assert_true(b.there || n <= 1024);
			assert_int_equal(b.num * b.size, got);
			for (size_t k = 0; k < q.payload_len; k++)
				assert_int_equal(q.payload[k], rig_byte(3, got + k));
			got += q.payload_len;
			assert_int_equal(b.more, got < n);
			if (b.there)
				answer_block(b.more ? W_231 : W_204, b.num, b.more, (unsigned)b.size);
			else
				rig_rx_ack(&r, 0, &q, W_204, "");
		}
		assert_int_equal(got, n);
		assert_int_equal(ex->why, TH_OK);
	}
	rig_close(&r);
}

static void a_final_answer_to_an_early_block_ends_the_upload(void **state)
{
	static const uint8_t codes[] = { W_401, W_413, W_408, W_204, W_500 };

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < UNIT_COUNT(codes); i++) {
		struct rig_ex *ex = upload(5000, false);

		expect_block(0, true, 1024, 5000);
		answer_block(W_231, 0, true, 1024);
		expect_block(1, true, 1024, 5000);
		rig_rx_ack(&r, 0, &q, codes[i], "");
		assert_int_equal(ex->heads, 1);
		assert_int_equal(ex->code, codes[i]);
		assert_int_equal(ex->ends, 1);
		rig_run(&r, 300 * TH_SEC);
		rig_expect_silence(&r);
		assert_int_equal(ex->closes, 1);
	}
	rig_close(&r);
}

/* What was not sent must not count as sent. */
static void a_continue_for_another_block_does_not_skip(void **state)
{
	(void)state;
	rig_open(&r);
	upload(5000, false);
	expect_block(0, true, 1024, 5000);
	answer_block(W_231, 3, true, 1024);
	rig_run(&r, 10 * TH_SEC);
	while (r.out_n) {
		struct wire_block b;

		rig_pop(&r, &w);
		b = wire_block_of(&w, W_BLOCK1);
		if (w.code == W_PUT)
			assert_true(b.num * b.size <= 1024);
	}
	rig_close(&r);
}

static void a_larger_size_is_not_obeyed(void **state)
{
	struct rig_ex *ex;

	(void)state;
	rig_prepare(&r);
	r.params.szx = 2;
	rig_start(&r);
	ex = upload(200, false);
	expect_block(0, true, 64, 200);
	answer_block(W_231, 0, true, 1024);
	expect_block(1, true, 64, 200);
	answer_block(W_231, 1, true, 64);
	expect_block(2, true, 64, 200);
	answer_block(W_231, 2, true, 64);
	expect_block(3, false, 64, 200);
	answer_block(W_204, 3, false, 64);
	assert_int_equal(ex->why, TH_OK);
	rig_close(&r);
}

static void a_long_body_streams_through_its_window(void **state)
{
	enum { N = 60000 };
	struct rig_ex *ex;
	size_t written, got = 0;

	(void)state;
	rig_open(&r);
	ex = rig_request(&r, 0, W_PUT, "up", true);
	written = rig_write(&r, ex->id, 3, 0, N);
	assert_true(written > 0 && written < N);
	assert_true(written <= r.params.body_window);
	rig_run(&r, 0);
	while (!ex->closes) {
		struct wire_block b;
		unsigned resumes = ex->resumes;

		rig_pop(&r, &q);
		b = wire_block_of(&q, W_BLOCK1);
		assert_int_equal(b.num * b.size, got);
		for (size_t k = 0; k < q.payload_len; k++)
			assert_int_equal(q.payload[k], rig_byte(3, got + k));
		got += q.payload_len;
		answer_block(b.more ? W_231 : W_204, b.num, b.more, (unsigned)b.size);
		if (written < N && ex->resumes > resumes) {
			written = rig_write(&r, ex->id, 3, written, N);
			rig_run(&r, 0);
		}
	}
	assert_int_equal(got, N);
	assert_int_equal(ex->why, TH_OK);
	rig_close(&r);
}

/* RFC 9175 §3: one tag per body; bodies under way at the same time have different ones. */
static void tagged_uploads_carry_different_tags(void **state)
{
	enum { N = 4 };
	uint8_t tags[N][8];
	size_t tag_n[N], seen = 0;

	(void)state;
	rig_prepare(&r);
	r.params.window_start = 4;
	rig_start(&r);
	for (size_t i = 0; i < N; i++)
		upload(3000, true);
	while (seen < N) {
		const struct wire_option *o;

		rig_pop(&r, &q);
		o = wire_find(&q, W_REQUEST_TAG);
		assert_non_null(o);
		assert_true(o->n <= 8);
		for (size_t k = 0; k < seen; k++)
			assert_false(tag_n[k] == o->n && memcmp(tags[k], o->p, o->n) == 0);
		memcpy(tags[seen], o->p, o->n);
		tag_n[seen++] = o->n;
	}
	answer_block(W_231, 0, true, 1024);
	rig_pop(&r, &q);
	assert_int_equal(wire_find(&q, W_REQUEST_TAG)->n, tag_n[N - 1]); /* the same on the body's later blocks */
	assert_memory_equal(wire_find(&q, W_REQUEST_TAG)->p, tags[N - 1], tag_n[N - 1]);
	rig_close(&r);
}

/* ---- engine as server ---- */

struct body {
	unsigned peer, tag; /* tag: of the bytes */
	const char *request_tag, *path, *token;
	size_t n;
};

static uint16_t next_mid = 1;

static void send_block(const struct body *b, uint32_t num, bool more, size_t size, uint16_t mid)
{
	uint8_t bytes[1024];
	size_t from = num * size;
	size_t len = more ? size : b->n - from;

	rig_make_request(&w, W_CON, W_PUT, mid, b->token ? b->token : "t", b->path ? b->path : "up");
	wire_block(&w, W_BLOCK1, num, more, (unsigned)size);
	if (b->request_tag)
		wire_text(&w, W_REQUEST_TAG, b->request_tag);
	rig_fill(bytes, len, b->tag, from);
	wire_payload(&w, bytes, len);
	rig_rx(&r, b->peer, &w);
}

static void expect_answer(uint8_t code, uint32_t num, bool more, size_t size)
{
	struct wire_block b;

	rig_pop(&r, &q);
	assert_int_equal(q.type, W_ACK);
	assert_int_equal(q.code, code);
	b = wire_block_of(&q, W_BLOCK1);
	assert_true(b.there);
	assert_int_equal(b.num, num);
	assert_int_equal(b.more, more);
	assert_int_equal(b.size, size);
	rig_expect_silence(&r);
}

static void open_server(void)
{
	rig_open(&r);
	r.auto_reply = true;
	r.reply_code = W_204;
}

static void td_coap_block_03_a_body_is_received_block_by_block(void **state)
{
	const struct body b = { .tag = 5, .n = 300 };

	(void)state;
	open_server();
	send_block(&b, 0, true, 128, next_mid++);
	expect_answer(W_231, 0, true, 128);
	assert_int_equal(r.requests, 1);
	send_block(&b, 1, true, 128, next_mid++);
	expect_answer(W_231, 1, true, 128);
	send_block(&b, 2, false, 128, next_mid++);
	expect_answer(W_204, 2, false, 128);
	assert_int_equal(r.requests, 1);
	rig_assert_body(rig_last_request(&r), 5, 300);
	assert_int_equal(rig_last_request(&r)->ends, 1);
	assert_int_equal(rig_last_request(&r)->why, TH_OK);
	rig_close(&r);
}

static void a_body_of_one_block_says_so(void **state)
{
	const struct body b = { .tag = 5, .n = 64 };

	(void)state;
	open_server();
	send_block(&b, 0, false, 64, next_mid++);
	expect_answer(W_204, 0, false, 64);
	rig_assert_body(rig_last_request(&r), 5, 64);
	rig_close(&r);
}

static void a_repeated_block_is_taken_once(void **state)
{
	const struct body b = { .tag = 6, .n = 300 };
	static struct rig_sent first, again;

	(void)state;
	open_server();
	for (uint32_t num = 0; num < 3; num++) {
		uint16_t mid = next_mid++;

		send_block(&b, num, num < 2, 128, mid);
		assert_true(rig_pop_raw(&r, &first));
		for (int i = 0; i < 3; i++) {
			rig_run(&r, TH_SEC);
			send_block(&b, num, num < 2, 128, mid);
			assert_true(rig_pop_raw(&r, &again));
			assert_int_equal(first.n, again.n);
			assert_memory_equal(first.bytes, again.bytes, again.n);
		}
	}
	assert_int_equal(r.requests, 1);
	rig_assert_body(rig_last_request(&r), 6, 300);
	rig_close(&r);
}

/* The same NUM in a new message: the client's message layer gave up on the first. Never twice into the body. */
static void a_block_sent_anew_is_not_taken_twice(void **state)
{
	const struct body b = { .tag = 7, .n = 300 };

	(void)state;
	open_server();
	send_block(&b, 0, true, 128, next_mid++);
	expect_answer(W_231, 0, true, 128);
	send_block(&b, 1, true, 128, next_mid++);
	expect_answer(W_231, 1, true, 128);
	send_block(&b, 1, true, 128, next_mid++);
	rig_pop(&r, &q);
	assert_true(q.code == W_231 || q.code == W_408);
	if (q.code == W_231) {
		send_block(&b, 2, false, 128, next_mid++);
		rig_pop(&r, &q);
		assert_int_equal(q.code, W_204);
		rig_assert_body(rig_last_request(&r), 7, 300);
	} else {
		assert_int_equal(rig_last_request(&r)->ends, 0);
	}
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void a_missing_block_gives_4_08(void **state)
{
	const struct body b = { .tag = 8, .n = 600 };
	struct rig_ex *ex;

	(void)state;
	open_server();
	send_block(&b, 0, true, 128, next_mid++);
	expect_answer(W_231, 0, true, 128);
	ex = rig_last_request(&r);
	send_block(&b, 2, true, 128, next_mid++);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_408);
	rig_expect_silence(&r);
	assert_true(ex->body_n <= 128);
	assert_int_equal(ex->ends, 0);
	send_block(&b, 4, false, 128, next_mid++); /* the last one does not make it whole */
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_408);
	assert_int_equal(ex->ends, 0);
	rig_run(&r, r.params.body_timeout + 2 * TH_SEC);
	assert_int_equal(ex->closes, 1);
	assert_int_not_equal(ex->why, TH_OK);
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void a_body_must_begin_at_its_beginning(void **state)
{
	const struct body b = { .tag = 8, .n = 600 };

	(void)state;
	open_server();
	send_block(&b, 3, true, 128, next_mid++);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_408);
	send_block(&b, 4, false, 128, next_mid++);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_408);
	assert_int_equal(r.requests, 0);
	rig_close(&r);
}

static void interleave(const struct body *a, const struct body *b)
{
	struct rig_ex *first, *second;

	open_server();
	send_block(a, 0, true, 64, next_mid++);
	first = rig_last_request(&r);
	send_block(b, 0, true, 64, next_mid++);
	second = rig_last_request(&r);
	assert_true(first != second);
	for (uint32_t num = 1; num < 4; num++) {
		send_block(b, num, num < 3, 64, next_mid++);
		send_block(a, num, num < 3, 64, next_mid++);
	}
	for (int i = 0; i < 8; i++) {
		rig_pop(&r, &q);
		assert_int_equal(q.code, i < 6 ? W_231 : W_204);
	}
	rig_expect_silence(&r);
	assert_int_equal(r.requests, 2);
	rig_assert_body(first, a->tag, a->n);
	rig_assert_body(second, b->tag, b->n);
	assert_int_equal(first->ends + second->ends, 2);
	rig_close(&r);
}

static void bodies_with_different_request_tags_do_not_mix(void **state)
{
	const struct body a = { .tag = 1, .n = 250, .request_tag = "A" },
			  b = { .tag = 2, .n = 230, .request_tag = "B" };
	const struct body none = { .tag = 3, .n = 200 }, empty = { .tag = 4, .n = 222, .request_tag = "" };

	(void)state;
	interleave(&a, &b);
	interleave(&a, &none);
	interleave(&empty, &none); /* an empty tag is not a missing one (RFC 9175 §3.3) */
}

static void bodies_of_different_peers_or_paths_do_not_mix(void **state)
{
	const struct body a = { .tag = 1, .n = 250 }, b = { .tag = 2, .n = 230, .peer = 1 };
	const struct body c = { .tag = 3, .n = 200, .path = "other" };
	const struct body d = { .tag = 1, .n = 250, .request_tag = "X", .token = "d" };
	const struct body e = { .tag = 2, .n = 250, .request_tag = "X", .token = "e", .peer = 1 };

	(void)state;
	interleave(&a, &b);
	interleave(&a, &c);
	interleave(&d, &e);
}

static void tokens_may_change_from_block_to_block(void **state)
{
	struct body b = { .tag = 5, .n = 300, .token = "one" };

	(void)state;
	open_server();
	send_block(&b, 0, true, 128, next_mid++);
	expect_answer(W_231, 0, true, 128);
	b.token = "two";
	send_block(&b, 1, true, 128, next_mid++);
	expect_answer(W_231, 1, true, 128);
	assert_true(wire_token_is(&q, "two"));
	b.token = "";
	send_block(&b, 2, false, 128, next_mid++);
	expect_answer(W_204, 2, false, 128);
	assert_true(wire_token_is(&q, ""));
	assert_int_equal(r.requests, 1);
	rig_assert_body(rig_last_request(&r), 5, 300);
	rig_close(&r);
}

/* RFC 7959 §2.4: block 0 again begins a new body and discards what was there. */
static void block_0_again_starts_over(void **state)
{
	const struct body old = { .tag = 1, .n = 300, .request_tag = "S" },
			  new = { .tag = 2, .n = 280, .request_tag = "S" };
	struct rig_ex *a, *b;

	(void)state;
	open_server();
	send_block(&old, 0, true, 128, next_mid++);
	expect_answer(W_231, 0, true, 128);
	send_block(&old, 1, true, 128, next_mid++);
	expect_answer(W_231, 1, true, 128);
	a = rig_last_request(&r);
	send_block(&new, 0, true, 128, next_mid++);
	expect_answer(W_231, 0, true, 128);
	b = rig_last_request(&r);
	assert_true(a != b);
	assert_int_equal(a->closes, 1);
	assert_int_not_equal(a->why, TH_OK);
	assert_int_equal(a->ends, 0);
	send_block(&new, 1, true, 128, next_mid++);
	expect_answer(W_231, 1, true, 128);
	send_block(&new, 2, false, 128, next_mid++);
	expect_answer(W_204, 2, false, 128);
	rig_assert_body(b, 2, 280);
	rig_close(&r);
}

/* RFC 7959 §2.4: a block that says more follows has exactly its size. */
static void a_short_or_long_block_is_refused(void **state)
{
	static const size_t lens[] = { 0, 1, 63, 65, 200 };
	uint8_t bytes[200] = { 0 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
		open_server();
		rig_make_request(&w, W_CON, W_PUT, next_mid++, "t", "up");
		wire_block(&w, W_BLOCK1, 0, true, 64);
		wire_payload(&w, bytes, lens[i]);
		rig_rx(&r, 0, &w);
		rig_pop(&r, &q);
		assert_true(q.code == W_400 || q.code == W_408);
		for (size_t k = 0; k < r.n_ex; k++)
			assert_int_equal(r.ex[k].ends, 0);
		rig_close(&r);
	}
}

static void the_reserved_size_is_refused(void **state)
{
	(void)state;
	open_server();
	rig_make_request(&w, W_CON, W_PUT, next_mid++, "t", "up");
	wire_number(&w, W_BLOCK1, 0x0f);
	wire_payload(&w, "x", 1);
	rig_rx(&r, 0, &w);
	rig_pop(&r, &q);
	assert_true(q.code == W_400 || q.code == W_402);
	rig_make_request(&w, W_CON, W_GET, next_mid++, "t", "up");
	wire_number(&w, W_BLOCK2, 0x07);
	rig_rx(&r, 0, &w);
	rig_pop(&r, &q);
	assert_true(q.code == W_400 || q.code == W_402);
	assert_int_equal(r.requests, 0);
	rig_close(&r);
}

static void a_server_that_wants_smaller_blocks_gets_them(void **state)
{
	const struct body b = { .tag = 5, .n = 1200 };
	struct wire_block got;

	(void)state;
	rig_prepare(&r);
	r.params.szx = 2;
	rig_start(&r);
	r.auto_reply = true;
	r.reply_code = W_204;
	send_block(&b, 0, true, 1024, next_mid++);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_231);
	got = wire_block_of(&q, W_BLOCK1);
	assert_int_equal(got.num, 0);
	assert_true(got.size == 64 || got.size == 1024); /* it may ask for less; the block was taken whole either way */
	for (uint32_t num = (uint32_t)(1024 / got.size);; num++) {
		bool more = (num + 1) * got.size < b.n;

		send_block(&b, num, more, got.size, next_mid++);
		rig_pop(&r, &q);
		assert_int_equal(q.code, more ? W_231 : W_204);
		if (!more)
			break;
	}
	rig_assert_body(rig_last_request(&r), 5, 1200);
	rig_close(&r);
}

static void a_body_left_unfinished_is_forgotten(void **state)
{
	const struct body b = { .tag = 5, .n = 300 };
	struct rig_ex *ex;

	(void)state;
	open_server();
	send_block(&b, 0, true, 128, next_mid++);
	expect_answer(W_231, 0, true, 128);
	ex = rig_last_request(&r);
	rig_run(&r, r.params.body_timeout - TH_SEC);
	assert_int_equal(ex->closes, 0);
	rig_run(&r, 2 * TH_SEC);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_ERR_TIMEOUT);
	send_block(&b, 1, true, 128, next_mid++);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_408);
	rig_run(&r, 300 * TH_SEC);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	rig_close(&r);
}

/* A user that takes less than it is given holds the sender up and loses nothing. */
static void a_slow_user_holds_the_sender_up(void **state)
{
	const struct body b = { .tag = 5, .n = 300 };
	struct rig_ex *ex;
	uint16_t mid;

	(void)state;
	open_server();
	r.appetite = 50;
	mid = next_mid++;
	send_block(&b, 0, true, 128, mid);
	ex = rig_last_request(&r);
	assert_int_equal(ex->body_n, 50);
	while (r.out_n) {
		rig_pop(&r, &q);
		assert_int_equal(q.code, W_EMPTY); /* it has the block, but does not ask for more */
	}
	r.appetite = SIZE_MAX;
	th_coap_resume(r.c, ex->id, r.now);
	rig_run(&r, 0);
	assert_int_equal(ex->body_n, 128);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_231);
	if (q.type == W_CON)
		rig_rx_empty(&r, 0, W_ACK, q.mid);
	send_block(&b, 1, true, 128, next_mid++);
	expect_answer(W_231, 1, true, 128);
	send_block(&b, 2, false, 128, next_mid++);
	expect_answer(W_204, 2, false, 128);
	rig_assert_body(ex, 5, 300);
	rig_close(&r);
}

/* Answered before its body has ended: the rest is refused, and the client has its answer. */
static void an_early_answer_refuses_the_rest(void **state)
{
	const struct body b = { .tag = 5, .n = 1000 };
	struct rig_ex *ex;

	(void)state;
	rig_prepare(&r);
	r.params.piggyback_patience = 100 * TH_MS;
	rig_start(&r);
	send_block(&b, 0, true, 128, next_mid++);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_231);
	ex = rig_last_request(&r);
	rig_reply(&r, ex, W_413, 1, 0);
	rig_forget_sent(&r);
	send_block(&b, 1, true, 128, next_mid++);
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_413);
	assert_int_equal(ex->ends, 0);
	rig_run(&r, 400 * TH_SEC);
	assert_int_equal(rig_stats(&r).exchanges, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(td_coap_block_03_an_upload_goes_block_by_block),
		cmocka_unit_test(the_server_may_ask_for_smaller_blocks),
		cmocka_unit_test(a_lost_block_costs_one_block),
		cmocka_unit_test(continue_may_come_separately),
		cmocka_unit_test(sizes_around_one_block),
		cmocka_unit_test(a_final_answer_to_an_early_block_ends_the_upload),
		cmocka_unit_test(a_continue_for_another_block_does_not_skip),
		cmocka_unit_test(a_larger_size_is_not_obeyed),
		cmocka_unit_test(a_long_body_streams_through_its_window),
		cmocka_unit_test(tagged_uploads_carry_different_tags),
		cmocka_unit_test(td_coap_block_03_a_body_is_received_block_by_block),
		cmocka_unit_test(a_body_of_one_block_says_so),
		cmocka_unit_test(a_repeated_block_is_taken_once),
		cmocka_unit_test(a_block_sent_anew_is_not_taken_twice),
		cmocka_unit_test(a_missing_block_gives_4_08),
		cmocka_unit_test(a_body_must_begin_at_its_beginning),
		cmocka_unit_test(bodies_with_different_request_tags_do_not_mix),
		cmocka_unit_test(bodies_of_different_peers_or_paths_do_not_mix),
		cmocka_unit_test(tokens_may_change_from_block_to_block),
		cmocka_unit_test(block_0_again_starts_over),
		cmocka_unit_test(a_short_or_long_block_is_refused),
		cmocka_unit_test(the_reserved_size_is_refused),
		cmocka_unit_test(a_server_that_wants_smaller_blocks_gets_them),
		cmocka_unit_test(a_body_left_unfinished_is_forgotten),
		cmocka_unit_test(a_slow_user_holds_the_sender_up),
		cmocka_unit_test(an_early_answer_refuses_the_rest),
	};

	return cmocka_run_group_tests_name("coap/engine: block1", tests, NULL, NULL);
}
