/* A peer whose link was told: pace, order, timeouts, what supersedes what, and bodies in bursts. */
#include "rig.h"

#include "coap/profile.h"

enum { W_QBLOCK1 = 19, W_QBLOCK2 = 31, W_FETCH = 5 };

static struct rig r;
static struct wire w, q;

static const struct th_link_profile thin = {
	.up_bps = 100, .down_bps = 100, .latency = 4 * TH_SEC, .jitter_percent = 40, .ours = true, .blocks = true
};
static const struct th_link_profile fast = {
	.up_bps = 1000000, .down_bps = 1000000, .latency = 100 * TH_MS, .ours = true, .blocks = true
};

static void open_pinging(const struct th_link_profile *l, th_time ping_after)
{
	struct th_addr peer = rig_peer(0);

	rig_prepare(&r);
	r.params.ping_after = ping_after;
	r.params.window_max = 32;
	rig_start(&r);
	assert_int_equal(th_coap_set_profile(r.c, &peer, l, r.now), TH_OK);
}

static void open_to(const struct th_link_profile *l)
{
	open_pinging(l, TH_NEVER);
}

/* A request with a priority and a body of n bytes. */
static struct rig_ex *ask(const char *path, enum th_coap_priority priority, size_t n, uint64_t state)
{
	struct th_addr to = rig_peer(0);
	struct th_coap_option o = { W_URI_PATH, (uint16_t)strlen(path), (const uint8_t *)path };
	struct th_coap_head head = {
		.code = W_PUT, .confirmable = true, .options = &o, .n_options = 1, .priority = priority
	};
	struct rig_ex *ex;
	th_coap_id id;

	assert_int_equal(th_coap_request(r.c, &to, &head, r.now, &id), TH_OK);
	ex = rig_add(&r, id, false);
	if (state)
		th_coap_supersede(r.c, id, state, r.now);
	rig_write(&r, id, 1, 0, n);
	rig_run(&r, 0);
	return ex;
}

/* The first letter of the path of what is sent next, with its time since t. */
static char next_path(th_time since, th_time *at)
{
	static struct rig_sent s;

	assert_true(rig_pop_raw(&r, &s));
	memcpy(w.pool, s.bytes, s.n);
	assert_true(wire_get(&w, w.pool, s.n));
	*at = s.at - since;
	for (size_t i = 0; i < w.n_options; i++)
		if (w.options[i].number == W_URI_PATH)
			return (char)w.options[i].p[0];
	return '?';
}

static void datagrams_leave_at_the_links_pace(void **state)
{
	th_time begin, at, airtime, before = 0;

	(void)state;
	open_to(&thin);
	begin = r.now;
	ask("a", TH_COAP_INTERACTIVE, 20, 0);
	ask("b", TH_COAP_INTERACTIVE, 20, 0);
	ask("c", TH_COAP_INTERACTIVE, 20, 0);
	assert_int_equal(r.out_n, 1); /* the link has room for one */
	rig_run(&r, 15 * TH_SEC);
	assert_int_equal(r.out_n, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(next_path(begin, &at), 'a' + i);
		airtime = (4 + w.token_len + 2 + 1 + 20 + 28) * 80 * TH_MS; /* 100 bit/s */
		if (i > 0)
			assert_true(at - before <= airtime && at - before + 3 * TH_MS >= airtime);
		before = at;
	}
	rig_close(&r);
}

/* Nothing is copied while it waits here, is on the wire, or its answer may be: more than 23 s for these. */
static void nothing_on_the_wire_is_sent_again(void **state)
{
	struct th_coap_stats stats;

	(void)state;
	open_to(&thin);
	for (int i = 0; i < 3; i++)
		ask("x", TH_COAP_INTERACTIVE, 40, 0);
	rig_run(&r, 23 * TH_SEC);
	stats = rig_stats(&r);
	assert_int_equal(stats.retransmissions, 0);
	rig_run(&r, 40 * TH_SEC); /* silence: now they are */
	stats = rig_stats(&r);
	assert_true(stats.retransmissions > 0);
	rig_close(&r);
}

/* A message that was given long for copies, by a profile whose round trip was told far too long, which is then put
 * right: some 50, as ever, in all that time. */
static void a_faster_link_makes_no_more_copies(void **state)
{
	const struct th_link_profile wrong = { .up_bps = 1000000, .down_bps = 1000000, .latency = 15 * TH_SEC, .ours = true };
	struct th_addr peer = rig_peer(0);
	struct rig_sent s;
	unsigned copies = 0;

	(void)state;
	open_to(&wrong);
	for (int i = 0; i < 20; i++) {
		ask("a", TH_COAP_INTERACTIVE, 20, 0);
		rig_pop(&r, &q);
		rig_run(&r, 50 * TH_MS);
		rig_rx_ack(&r, 0, &q, W_204, "");
	}
	ask("a", TH_COAP_INTERACTIVE, 20, 0);
	assert_true(rig_pop_raw(&r, &s));
	assert_int_equal(th_coap_set_profile(r.c, &peer, &fast, r.now), TH_OK);
	for (int i = 0; i < 4000; i++) {
		rig_run(&r, TH_SEC);
		while (rig_pop_raw(&r, &s))
			copies++;
	}
	assert_in_range(copies, 10, 80);
	rig_close(&r);
}

static void the_urgent_overtake_what_waits(void **state)
{
	th_time begin, at;
	char order[8] = { 0 };

	(void)state;
	open_to(&thin);
	begin = r.now;
	ask("0", TH_COAP_BULK, 30, 0); /* leaves at once */
	ask("b", TH_COAP_BULK, 30, 0);
	ask("c", TH_COAP_CHATTER, 30, 0);
	ask("s", TH_COAP_SYNC, 30, 0);
	ask("i", TH_COAP_INTERACTIVE, 30, 0);
	rig_run(&r, 20 * TH_SEC);
	for (size_t i = 0; r.out_n > 0 && i < sizeof(order) - 1; i++)
		order[i] = next_path(begin, &at);
	assert_int_equal(order[0], '0');
	assert_int_equal(order[1], 'i');
	rig_close(&r);
}

static void nobody_starves(void **state)
{
	const struct th_link_profile l = { .up_bps = 1000, .down_bps = 1000, .latency = 60 * TH_SEC, .ours = true };
	th_time begin, at;
	unsigned before = 0;
	bool seen = false;

	(void)state;
	open_to(&l);
	begin = r.now;
	ask("0", TH_COAP_BULK, 10, 0);
	ask("b", TH_COAP_BULK, 10, 0);
	for (int i = 0; i < 30; i++)
		ask("i", TH_COAP_INTERACTIVE, 10, 0);
	rig_run(&r, 20 * TH_SEC);
	while (r.out_n > 0 && !seen) {
		seen = next_path(begin, &at) == 'b';
		before += !seen;
	}
	assert_true(seen);
	assert_true(before <= 10); /* "0", eight urgent ones, and one to spare */
	rig_close(&r);
}

static void a_newer_state_supersedes_one_that_waits(void **state)
{
	struct rig_ex *on_the_wire, *old, *other, *new;

	(void)state;
	open_to(&thin);
	on_the_wire = ask("t", TH_COAP_CHATTER, 10, 77);
	old = ask("t", TH_COAP_CHATTER, 11, 77);
	other = ask("t", TH_COAP_CHATTER, 12, 78);
	new = ask("t", TH_COAP_CHATTER, 13, 77);
	assert_int_equal(old->closes, 1);
	assert_int_equal(old->why, TH_ERR_CANCELLED);
	assert_int_equal(on_the_wire->closes + other->closes + new->closes, 0);
	rig_run(&r, 60 * TH_SEC);
	while (r.out_n > 0) {
		rig_pop(&r, &w);
		assert_int_not_equal(w.payload_len, 11);
	}
	rig_close(&r);
}

/* Without a profile nothing may be paced, reordered or put into bursts: a foreign peer gets RFC 7252 and 7959. */
static void strangers_get_plain_block1(void **state)
{
	(void)state;
	rig_open(&r);
	ask("x", TH_COAP_BULK, 3000, 0);
	rig_pop(&r, &w);
	assert_non_null(wire_find(&w, W_BLOCK1));
	assert_null(wire_find(&w, W_QBLOCK1));
	rig_close(&r);
	/* and their Q-Block is a critical option that nobody knows */
	rig_open(&r);
	rig_make_request(&q, W_CON, W_PUT, 1, "t", "x");
	wire_block(&q, W_QBLOCK1, 0, true, 16);
	wire_payload(&q, "0123456789abcdef", 16);
	rig_rx(&r, 0, &q);
	rig_pop(&r, &w);
	assert_int_equal(w.code, W_402);
	assert_int_equal(r.requests, 0);
	rig_close(&r);
}

/* Bursts, upwards: we send */

static void answer_continue(uint32_t first, unsigned room, const char *map, size_t map_n, uint8_t gen, bool piggyback)
{
	uint8_t payload[64] = { gen, (uint8_t)(room >> 8), (uint8_t)room };

	rig_make_response(&w, &q, piggyback ? W_ACK : W_NON, W_231, piggyback ? q.mid : 0x7000);
	wire_block(&w, W_QBLOCK1, first, false, 1024);
	memcpy(payload + 3, map, map_n);
	wire_payload(&w, payload, 3 + map_n);
	rig_rx(&r, 0, &w);
}

/* Takes a block that was sent; returns its number. */
static uint32_t pop_block(uint16_t option, bool *poll, uint8_t *gen)
{
	const struct wire_option *o;
	uint32_t v = 0;

	rig_pop(&r, &w);
	o = wire_find(&w, option);
	assert_non_null(o);
	for (size_t i = 0; i < o->n; i++)
		v = v << 8 | o->p[i];
	assert_int_equal(w.type, W_NON);
	*poll = w.payload[0] & 0x80;
	*gen = w.payload[0] & 0x7f;
	return v >> 4;
}

static void one_lost_block_costs_one_block(void **state)
{
	struct rig_ex *ex;
	uint8_t gen;
	bool poll;
	uint32_t num;

	(void)state;
	open_to(&fast);
	ex = ask("x", TH_COAP_BULK, 5 * 1024 + 100, 0); /* six blocks */
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_CON);
	assert_non_null(wire_find(&q, W_QBLOCK1));
	assert_int_equal(q.payload_len, 1024);
	rig_expect_silence(&r); /* what follows waits until the server knows of it */
	answer_continue(1, 100, "", 0, 127, true);
	rig_run(&r, 100 * TH_MS);
	for (num = 1; num <= 5; num++) {
		assert_int_equal(pop_block(W_QBLOCK1, &poll, &gen), num);
	}
	assert_true(poll);
	rig_expect_silence(&r);
	answer_continue(3, 100, "\x03", 1, gen, false); /* 3 is missing, 4 and 5 are there */
	rig_run(&r, 100 * TH_MS);
	assert_int_equal(pop_block(W_QBLOCK1, &poll, &gen), 3);
	assert_true(poll);
	assert_int_equal(rig_stats(&r).blocks_again, 1);
	answer_continue(6, 100, "", 0, gen, false);
	rig_forget_sent(&r); /* the poll of a lossy body is repeated */
	rig_make_response(&w, &q, W_CON, W_204, 0x7001);
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_OK);
	rig_close(&r);
}

static void room_bounds_what_is_sent(void **state)
{
	uint8_t gen;
	bool poll;

	(void)state;
	open_to(&fast);
	ask("x", TH_COAP_BULK, 7 * 1024, 0);
	rig_pop(&r, &q);
	answer_continue(1, 2, "", 0, 127, true);
	rig_run(&r, 200 * TH_MS);
	assert_int_equal(pop_block(W_QBLOCK1, &poll, &gen), 1);
	assert_int_equal(pop_block(W_QBLOCK1, &poll, &gen), 2);
	assert_true(poll);
	rig_expect_silence(&r);
	answer_continue(3, 0, "", 0, gen, false);
	rig_run(&r, TH_SEC);
	rig_expect_silence(&r);
	rig_run(&r, 61 * TH_SEC); /* the report of new room may have been lost: a probe asks */
	pop_block(W_QBLOCK1, &poll, &gen);
	assert_true(poll && w.payload_len == 1);
	rig_forget_sent(&r);
	answer_continue(3, 1, "", 0, gen, false);
	rig_run(&r, 200 * TH_MS);
	assert_int_equal(pop_block(W_QBLOCK1, &poll, &gen), 3);
	rig_close(&r);
}

static void a_peer_that_forgot_ends_it(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_to(&fast);
	ex = ask("x", TH_COAP_BULK, 7 * 1024, 0);
	rig_pop(&r, &q);
	answer_continue(1, 100, "", 0, 127, true);
	answer_continue(0xfffff, 0, "", 0, 0, false);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_ERR_RESET);
	rig_close(&r);
}

/* Bursts, upwards: we receive */

static void rx_first(uint16_t mid, unsigned size)
{
	uint8_t bytes[1024];

	rig_fill(bytes, size, 3, 0);
	rig_make_request(&q, W_CON, W_PUT, mid, "tok", "x");
	wire_block(&q, W_QBLOCK1, 0, true, size);
	wire_payload(&q, bytes, size);
	rig_rx(&r, 0, &q);
}

static void rx_block(uint32_t num, bool more, unsigned size, size_t n, uint8_t lead)
{
	uint8_t bytes[1 + 1024] = { lead };
	static struct wire b;

	rig_fill(bytes + 1, n, 3, (size_t)num * size);
	wire_init(&b, W_NON, W_PUT, (uint16_t)(0x100 + num), "tok");
	wire_block(&b, W_QBLOCK1, num, more, size);
	wire_payload(&b, bytes, n + 1);
	rig_rx(&r, 0, &b);
}

static void blocks_arrive_in_any_order(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_to(&fast);
	rx_first(1, 64);
	ex = rig_last_request(&r);
	rig_pop(&r, &w);
	assert_true(w.type == W_ACK && w.code == W_231 && w.mid == 1);
	assert_non_null(wire_find(&w, W_QBLOCK1));
	rx_block(3, false, 64, 10, 0x80);
	assert_int_equal(ex->body_n, 64);
	rig_pop(&r, &w); /* 1 is missing first; 3 is there */
	assert_int_equal(w.code, W_231);
	assert_int_equal(w.payload_len, 4);
	assert_int_equal(w.payload[3], 2);
	rx_block(2, true, 64, 64, 1);
	rx_block(2, true, 64, 64, 1); /* doubled */
	assert_int_equal(ex->ends, 0);
	rx_block(1, true, 64, 64, 1);
	assert_int_equal(ex->ends, 1);
	rig_assert_body(ex, 3, 3 * 64 + 10);
	rig_reply(&r, ex, W_204, 0, 0);
	rig_pop(&r, &w);
	assert_true(w.type == W_CON && w.code == W_204);
	rig_close(&r);
}

/* docs/protocol.md §8. */
static void the_examples_of_the_page(void **state)
{
	static const uint8_t block[] = { 0x51, 0x02, 0x01, 0x02, 0x61, 0xd1, 0x06, 0x2a, 0xff, 0x85 };
	static const uint8_t report[] = {
		0x51, 0x5f, 0x01, 0x03, 0x61, 0xd1, 0x06, 0x12, 0xff, 0x05, 0x00, 0x64, 0x03
	};
	enum { MID_AT = 2, ROOM_AT = 10 };
	uint8_t bytes[sizeof(block) + 64];
	static struct rig_sent s;

	(void)state;
	open_to(&fast);
	rig_fill(bytes, 64, 3, 0);
	rig_make_request(&q, W_CON, W_POST, 1, "a", "x");
	wire_block(&q, W_QBLOCK1, 0, true, 64);
	wire_payload(&q, bytes, 64);
	rig_rx(&r, 0, &q);
	rig_forget_sent(&r);
	memcpy(bytes, block, sizeof(block));
	bytes[7] = 0x3a; /* block 3, without asking */
	bytes[9] = 0x05;
	rig_fill(bytes + sizeof(block), 64, 3, 192);
	rig_rx_bytes(&r, 0, bytes, sizeof(bytes));
	rig_expect_silence(&r);
	memcpy(bytes, block, sizeof(block));
	rig_fill(bytes + sizeof(block), 64, 3, 128);
	rig_rx_bytes(&r, 0, bytes, sizeof(bytes));
	rig_run(&r, 10 * TH_MS);
	assert_true(rig_pop_raw(&r, &s));
	assert_int_equal(s.n, sizeof(report));
	for (size_t i = 0; i < s.n; i++)
		if (i != MID_AT && i != MID_AT + 1 && i != ROOM_AT && i != ROOM_AT + 1)
			assert_int_equal(s.bytes[i], report[i]);
	rig_close(&r);
}

static void what_does_not_fit_is_dropped(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_to(&fast);
	rx_first(1, 64);
	ex = rig_last_request(&r);
	rx_block(1, true, 64, 63, 0);	 /* not whole */
	rx_block(1, true, 128, 128, 0);	 /* another size */
	rx_block(5000, true, 64, 64, 0); /* beyond the window */
	rx_block(3, false, 64, 10, 0);
	rx_block(3, true, 64, 64, 0);  /* it was the last */
	rx_block(4, false, 64, 10, 0); /* beyond the last */
	assert_int_equal(ex->body_n, 64);
	rx_block(1, true, 64, 64, 0);
	rx_block(2, true, 64, 64, 0);
	assert_int_equal(ex->ends, 1);
	rig_assert_body(ex, 3, 3 * 64 + 10);
	rig_close(&r);
}

/* The user answers before the body has ended: it hears no more of it. */
static void an_early_answer_refuses_the_rest(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_to(&fast);
	rx_first(1, 64);
	ex = rig_last_request(&r);
	rx_block(1, true, 64, 64, 0);
	assert_int_equal(ex->body_n, 128);
	rig_reply(&r, ex, W_413, 0, 0);
	rx_block(2, true, 64, 64, 0);
	th_coap_resume(r.c, ex->id, r.now);
	rx_block(3, false, 64, 10, 0x80);
	rig_run(&r, TH_SEC);
	assert_int_equal(ex->body_n, 128);
	assert_int_equal(ex->ends, 0);
	rig_close(&r);
}

static void a_slow_user_closes_the_window(void **state)
{
	struct rig_ex *ex;
	unsigned room = 0;

	(void)state;
	open_to(&fast);
	r.appetite = 64;
	rx_first(1, 64);
	ex = rig_last_request(&r);
	rig_forget_sent(&r);
	for (uint32_t num = 1; num < 400; num++) {
		rx_block(num, true, 64, 64, (uint8_t)(0x80 | (num % 128)));
		rig_run(&r, TH_MS);
		if (r.out_n == 0)
			break;
		rig_pop(&r, &w);
		room = (unsigned)w.payload[1] << 8 | w.payload[2];
		if (room == 0)
			break;
	}
	assert_int_equal(room, 0);
	assert_int_equal(ex->body_n, 64);
	r.appetite = SIZE_MAX;
	th_coap_resume(r.c, ex->id, r.now);
	rig_run(&r, 0);
	rig_pop(&r, &w); /* new room is told without being asked */
	assert_true((w.payload[1] << 8 | w.payload[2]) > 0);
	assert_true(ex->body_n > 100 * 64);
	rig_close(&r);
}

/* Bursts, downwards: we receive. The first block, with the head, comes last. */
static void a_head_may_come_last(void **state)
{
	uint8_t bytes[1 + 64] = { 0x80 };
	struct rig_ex *ex;

	(void)state;
	open_to(&fast);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_fill(bytes + 1, 20, 3, 64);
	rig_make_response(&w, &q, W_NON, W_205, 9);
	wire_block(&w, W_QBLOCK2, 1, false, 64);
	wire_payload(&w, bytes, 21);
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->heads, 0);
	rig_forget_sent(&r);
	rig_fill(bytes, 64, 3, 0);
	rig_make_response(&w, &q, W_ACK, W_205, q.mid);
	wire_block(&w, W_QBLOCK2, 0, true, 64);
	wire_payload(&w, bytes, 64);
	rig_rx(&r, 0, &w);
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_OK);
	rig_assert_body(ex, 3, 84);
	rig_pop(&r, &w); /* the sender hears that all is there */
	assert_int_equal(w.code, W_FETCH);
	rig_close(&r);
}

/* The sender may be unable to reach us, and what we say may be what it waits for. Its silence for a while ends nothing.
 */
static void silence_in_a_burst_is_asked_about(void **state)
{
	static const char body[64];
	struct rig_ex *ex;
	unsigned pings = 0;

	(void)state;
	open_pinging(&fast, 30 * TH_SEC);
	ex = rig_get(&r, 0, "x");
	rig_pop(&r, &q);
	rig_make_response(&w, &q, W_ACK, W_205, q.mid);
	wire_block(&w, W_QBLOCK2, 0, true, 64);
	wire_payload(&w, body, 64);
	rig_rx(&r, 0, &w);
	rig_run(&r, 29 * TH_SEC);
	rig_expect_silence(&r);
	rig_run(&r, 3600 * TH_SEC);
	while (r.out_n > 0) {
		rig_pop(&r, &w);
		pings += w.type == W_CON && w.code == W_EMPTY;
	}
	assert_true(pings > 3);
	assert_int_equal(ex->closes, 0);
	rig_close(&r);
}

/* Bursts, downwards: we send */

static void rx_report(uint32_t first, uint8_t gen, const char *map, size_t map_n)
{
	static uint16_t mid = 0x4000;
	uint8_t payload[64] = { gen, 0, 100 };

	wire_init(&w, W_NON, W_FETCH, mid++, "tok");
	wire_block(&w, W_QBLOCK2, first, false, 1024);
	memcpy(payload + 3, map, map_n);
	wire_payload(&w, payload, 3 + map_n);
	rig_rx(&r, 0, &w);
}

/* The first block of a separate response is a CON. A report that tells of those behind it, and not of it, says that it
 * is lost: it does not wait for its timeout, which may be long where the link was not known when it left. */
static void a_first_block_that_is_missed_is_sent_again(void **state)
{
	const struct th_link_profile unknown = { .ours = true, .blocks = true };
	uint8_t gen;
	bool poll;

	(void)state;
	open_to(&unknown);
	rig_rx_request(&r, 0, W_CON, W_GET, 7, "tok", "x");
	rig_run(&r, TH_SEC);
	rig_pop(&r, &w);
	assert_true(w.type == W_ACK && w.code == W_EMPTY);
	rig_reply(&r, rig_last_request(&r), W_205, 1, 3 * 128);
	rig_run(&r, TH_MS);
	rig_pop(&r, &q);
	assert_true(q.type == W_CON && wire_find(&q, W_QBLOCK2) && q.payload_len == 128);
	assert_int_equal(pop_block(W_QBLOCK2, &poll, &gen), 1);
	assert_false(poll);
	assert_int_equal(pop_block(W_QBLOCK2, &poll, &gen), 2);
	assert_true(poll);
	rig_expect_silence(&r);
	rx_report(0, gen, "\x03", 1);
	rig_pop(&r, &w);
	assert_true(w.type == W_CON && w.mid == q.mid);
	rx_report(0, gen, "\x03", 1); /* another copy of that report says nothing new */
	rig_expect_silence(&r);
	rig_close(&r);
}

/* Nobody told the rate. We ask, and so have measured it; the peer answers, and has not: it is told once, where it matters. */
static void a_client_says_how_large_blocks_may_be(void **state)
{
	const struct th_link_profile unknown = { .blocks = true };

	(void)state;
	open_to(&unknown);
	ask("a", TH_COAP_BULK, 0, 0);
	rig_pop(&r, &q);
	assert_false(wire_find(&q, W_QBLOCK2)); /* not known yet */
	rig_run(&r, 100 * TH_MS);
	rig_make_response(&w, &q, W_ACK, W_205, q.mid);
	rig_rx(&r, 0, &w);
	ask("b", TH_COAP_INTERACTIVE, 0, 0);
	rig_pop(&r, &q);
	assert_false(wire_find(&q, W_QBLOCK2)); /* short answers need no blocks */
	rig_run(&r, 100 * TH_MS);
	rig_make_response(&w, &q, W_ACK, W_205, q.mid);
	rig_rx(&r, 0, &w);
	ask("c", TH_COAP_BULK, 0, 0);
	rig_pop(&r, &q);
	assert_true(wire_find(&q, W_QBLOCK2));
	rig_run(&r, 100 * TH_MS);
	rig_make_response(&w, &q, W_ACK, W_205, q.mid);
	rig_rx(&r, 0, &w);
	ask("d", TH_COAP_BULK, 0, 0);
	rig_pop(&r, &q);
	assert_false(wire_find(&q, W_QBLOCK2)); /* it knows */
	rig_close(&r);
}

static void a_server_takes_its_word(void **state)
{
	const struct th_link_profile unknown = { .blocks = true };

	(void)state;
	open_to(&unknown);
	wire_init(&w, W_CON, W_GET, 7, "tok");
	wire_option(&w, W_URI_PATH, "x", 1);
	wire_block(&w, W_QBLOCK2, 0, false, 1024);
	rig_rx(&r, 0, &w);
	rig_reply(&r, rig_last_request(&r), W_205, 1, 3 * 1024);
	rig_run(&r, TH_MS);
	rig_pop(&r, &q);
	assert_true(q.type == W_ACK && q.code == W_EMPTY); /* the rig's user has no patience */
	rig_pop(&r, &q);
	assert_int_equal(q.payload_len, 1024);
	assert_true(wire_find(&q, W_QBLOCK2));
	rig_close(&r);
}

/* The first block is in the ACK: only the client can have it sent again. Until it does, a few bytes ask, ever more
 * rarely. */
static void a_first_block_is_asked_for_rarely(void **state)
{
	unsigned asked = 0;
	uint8_t gen;
	bool poll;

	(void)state;
	open_to(&fast);
	r.params.piggyback_patience = TH_SEC;
	rig_rx_request(&r, 0, W_CON, W_GET, 7, "tok", "x");
	rig_reply(&r, rig_last_request(&r), W_205, 1, 2 * 1024);
	rig_run(&r, 100 * TH_MS);
	rig_pop(&r, &q);
	assert_int_equal(q.type, W_ACK);
	assert_int_equal(pop_block(W_QBLOCK2, &poll, &gen), 1);
	for (th_time end = r.now + 600 * TH_SEC; r.now < end; rig_run(&r, 50 * TH_MS)) {
		rx_report(0, gen, "\x01", 1);
		rig_run(&r, 50 * TH_MS);
		while (r.out_n > 0) {
			pop_block(W_QBLOCK2, &poll, &gen);
			assert_true(poll && w.payload_len == 1);
			asked++;
		}
	}
	assert_true(asked >= 8 && asked < 30);
	rx_report(2, gen, "", 0); /* there it is */
	assert_int_equal(rig_stats(&r).exchanges, 0);
	rig_close(&r);
}

static void blocks_for_nobody_are_answered_once_each(void **state)
{
	(void)state;
	open_to(&fast);
	rx_block(4, true, 64, 64, 0x80);
	rig_pop(&r, &w);
	assert_int_equal(w.type, W_NON);
	assert_int_equal(w.code, W_231);
	assert_int_equal(w.payload_len, 0);
	rig_expect_silence(&r);
	assert_int_equal(r.requests, 0);
	rig_close(&r);
}

static void without_memory_a_block_is_as_lost(void **state)
{
	struct rig_ex *ex;

	(void)state;
	open_to(&fast);
	rx_first(1, 64);
	ex = rig_last_request(&r);
	r.mem.fail_at = r.mem.count + 1;
	rx_block(1, true, 64, 64, 0);
	assert_int_equal(ex->body_n, 64);
	rx_block(1, true, 64, 64, 0);
	assert_int_equal(ex->body_n, 128);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_leave_at_the_links_pace),
		cmocka_unit_test(nothing_on_the_wire_is_sent_again),
		cmocka_unit_test(a_faster_link_makes_no_more_copies),
		cmocka_unit_test(the_urgent_overtake_what_waits),
		cmocka_unit_test(nobody_starves),
		cmocka_unit_test(a_newer_state_supersedes_one_that_waits),
		cmocka_unit_test(strangers_get_plain_block1),
		cmocka_unit_test(one_lost_block_costs_one_block),
		cmocka_unit_test(room_bounds_what_is_sent),
		cmocka_unit_test(a_peer_that_forgot_ends_it),
		cmocka_unit_test(blocks_arrive_in_any_order),
		cmocka_unit_test(the_examples_of_the_page),
		cmocka_unit_test(what_does_not_fit_is_dropped),
		cmocka_unit_test(an_early_answer_refuses_the_rest),
		cmocka_unit_test(a_slow_user_closes_the_window),
		cmocka_unit_test(a_head_may_come_last),
		cmocka_unit_test(silence_in_a_burst_is_asked_about),
		cmocka_unit_test(a_first_block_that_is_missed_is_sent_again),
		cmocka_unit_test(a_first_block_is_asked_for_rarely),
		cmocka_unit_test(a_client_says_how_large_blocks_may_be),
		cmocka_unit_test(a_server_takes_its_word),
		cmocka_unit_test(blocks_for_nobody_are_answered_once_each),
		cmocka_unit_test(without_memory_a_block_is_as_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
