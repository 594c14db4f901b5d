/* The hook through which a layer below names what the engine sends. */
#include "rig.h"

enum { OVERS = 64, W_QBLOCK1 = 19, W_QBLOCK2 = 31 };

struct below {
	uint64_t next;
	unsigned asked, jump; /* what each question adds to `next` beside 1 */
	uint64_t over[OVERS];
	size_t n_over;
};

static bool on_number(void *user, const struct th_addr *peer, uint64_t *number)
{
	struct below *b = user;
	struct th_addr one = rig_peer(1);

	assert_true(th_addr_eq(peer, &one));
	b->asked++;
	*number = b->next;
	b->next += 1 + b->jump;
	return true;
}

static void on_over(void *user, const struct th_addr *peer, uint64_t number)
{
	struct below *b = user;
	struct th_addr one = rig_peer(1);

	assert_true(th_addr_eq(peer, &one));
	assert_true(b->n_over < OVERS);
	b->over[b->n_over++] = number;
}

static const struct th_coap_numbering numbering = { on_number, on_over };

static void open_on(struct rig *r, struct below *b, uint64_t next, unsigned window)
{
	*b = (struct below){ .next = next };
	rig_prepare(r);
	r->params.window_start = window;
	rig_start(r);
	th_coap_number_by(r->c, &numbering, b);
}

static void message_id_and_token_are_the_number(void **state)
{
	static struct rig r;
	static struct wire w;
	struct below b;

	(void)state;
	open_on(&r, &b, 0x123456, 4);
	rig_get(&r, 1, "a");
	rig_pop(&r, &w);
	assert_int_equal(w.mid, 0x3456);
	assert_int_equal(w.token_len, 3);
	assert_memory_equal(w.token, "\x12\x34\x56", 3);
	assert_non_null(wire_find(&w, W_URI_PATH));
	assert_int_equal(b.asked, 1);
	rig_close(&r);
	open_on(&r, &b, 0, 4);
	rig_get(&r, 1, "a");
	rig_pop(&r, &w);
	assert_int_equal(w.mid, 0);
	assert_int_equal(w.token_len, 1); /* never empty */
	assert_int_equal(w.token[0], 0);
	rig_close(&r);
}

/* Blocks have their exchange's token and numbers of their own; no Request-Tag. */
static void blocks_keep_the_token(void **state)
{
	static struct rig r;
	static struct wire w, a;
	struct below b;
	struct rig_ex *ex;
	struct th_addr to = rig_peer(1);
	struct th_coap_head head = { .code = W_PUT, .confirmable = true, .tagged = true };
	th_coap_id id;

	(void)state;
	open_on(&r, &b, 500, 1);
	assert_int_equal(th_coap_request(r.c, &to, &head, r.now, &id), TH_OK);
	ex = rig_add(&r, id, false);
	rig_write(&r, ex->id, 1, 0, 3000);
	rig_run(&r, 0);
	for (unsigned i = 0; i < 3; i++) {
		rig_pop(&r, &w);
		assert_int_equal(w.mid, 500 + i);
		assert_int_equal(w.token_len, 2);
		assert_memory_equal(w.token, "\x01\xf4", 2);
		assert_null(wire_find(&w, W_REQUEST_TAG));
		rig_make_response(&a, &w, W_ACK, i < 2 ? W_231 : W_204, w.mid);
		wire_block(&a, W_BLOCK1, i, i < 2, 1024);
		rig_rx(&r, 1, &a);
	}
	assert_int_equal(ex->closes, 1);
	assert_int_equal(ex->why, TH_OK);
	assert_int_equal(b.n_over, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(b.over[i] == 500 + i);
	rig_close(&r);
}

static void the_end_of_each_con_is_told_once(void **state)
{
	static struct rig r;
	static struct wire w;
	struct below b;
	struct rig_ex *ex;

	(void)state;
	open_on(&r, &b, 10, 4);
	rig_get(&r, 1, "acked");
	rig_pop(&r, &w);
	assert_int_equal(b.n_over, 0);
	rig_rx_ack(&r, 1, &w, W_205, "x");
	assert_int_equal(b.n_over, 1);
	rig_get(&r, 1, "reset");
	rig_rx_empty(&r, 1, W_RST, 11);
	assert_int_equal(b.n_over, 2);
	ex = rig_get(&r, 1, "cancelled");
	th_coap_cancel(r.c, ex->id, r.now);
	assert_int_equal(b.n_over, 3);
	rig_get(&r, 1, "silence");
	rig_run(&r, 100 * TH_SEC);
	assert_int_equal(b.n_over, 4);
	ex = rig_request(&r, 1, W_GET, "non", false);
	th_coap_end(r.c, ex->id, r.now);
	rig_run(&r, 1000 * TH_SEC);
	assert_int_equal(b.n_over, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_true(b.over[i] == 10 + i);
	rig_get(&r, 1, "deleted");
	rig_close(&r);
	assert_int_equal(b.n_over, 4); /* no events from del */
}

static size_t next_sent(struct rig *r, struct th_coap_sent *sent)
{
	struct th_addr to;
	uint8_t out[1400];

	return th_coap_tx_named(r->c, &to, out, sizeof(out), r->now, sent);
}

static void retransmissions_are_told(void **state)
{
	static struct rig r;
	struct below b;
	struct rig_ex *ex;
	struct th_coap_sent sent;

	(void)state;
	open_on(&r, &b, 70000, 4);
	ex = rig_request(&r, 1, W_GET, "a", true);
	th_coap_end(r.c, ex->id, r.now);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(next_sent(&r, &sent) > 0);
		assert_true(sent.numbered && sent.number == 70000);
		assert_int_equal(sent.again, i > 0);
		assert_int_equal(next_sent(&r, &sent), 0);
		r.now = th_coap_deadline(r.c);
		th_coap_tick(r.c, r.now);
	}
	assert_int_equal(next_sent(&r, &sent), 0);
	rig_close(&r);
}

static void replies_to_duplicates_are_told(void **state)
{
	static struct rig r;
	static struct wire w;
	uint8_t bytes[100];
	struct below b;
	struct th_addr from = rig_peer(1);
	struct th_coap_sent sent;
	size_t n;

	(void)state;
	open_on(&r, &b, 1, 4);
	r.auto_reply = true;
	rig_make_request(&w, W_CON, W_GET, 5, "t", "a");
	n = wire_put(&w, bytes, sizeof(bytes));
	for (unsigned i = 0; i < 3; i++) {
		th_coap_rx(r.c, &from, bytes, n, r.now);
		assert_true(next_sent(&r, &sent) > 0);
		assert_false(sent.numbered);
		assert_int_equal(sent.again, i > 0);
	}
	rig_rx_empty(&r, 1, W_CON, 9);
	assert_int_equal(b.asked, 0); /* ACKs and RSTs take no numbers here */
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

static void burst_to(struct rig *r, struct below *b)
{
	const struct th_link_profile l = { .ours = true, .blocks = true };
	struct th_addr to = rig_peer(1);

	open_on(r, b, 500, 1);
	assert_int_equal(th_coap_set_profile(r->c, &to, &l, r->now), TH_OK);
}

/* There would soon be no numbers left that a reference could not be mistaken for. */
static void blocks_of_a_burst_take_no_numbers(void **state)
{
	static struct rig r;
	static struct wire w, a;
	const uint8_t room[] = { 127, 0, 100 };
	uint8_t bytes[100];
	struct below b;
	struct th_addr to = rig_peer(1);
	struct th_coap_head head = { .code = W_PUT, .confirmable = true };
	struct th_coap_sent sent;
	unsigned blocks = 0;
	th_coap_id id;

	(void)state;
	burst_to(&r, &b);
	assert_int_equal(th_coap_request(r.c, &to, &head, r.now, &id), TH_OK);
	rig_add(&r, id, false);
	rig_write(&r, id, 1, 0, 5000);
	rig_run(&r, 0);
	rig_pop(&r, &w);
	assert_int_equal(w.mid, 500);
	rig_make_response(&a, &w, W_ACK, W_231, w.mid);
	wire_block(&a, W_QBLOCK1, 1, false, 1 << (4 + (wire_find(&w, W_QBLOCK1)->p[0] & 7)));
	wire_payload(&a, room, sizeof(room));
	th_coap_rx(r.c, &to, bytes, wire_put(&a, bytes, sizeof(bytes)), r.now);
	while (next_sent(&r, &sent) > 0) {
		assert_false(sent.numbered || sent.again);
		blocks++;
	}
	assert_true(blocks > 3);
	assert_int_equal(b.asked, 1);
	rig_close(&r);
}

/* Blocks and probes are never sent again, so nothing below would notice that the peer has other keys. */
static void silence_is_asked_about_with_a_message(void **state)
{
	static struct rig r;
	static struct wire w, a;
	const uint8_t room[] = { 127, 0, 100 };
	struct below b;
	struct th_addr to = rig_peer(1);
	struct th_coap_head head = { .code = W_PUT, .confirmable = true };
	unsigned pings = 0;
	th_coap_id id;

	(void)state;
	burst_to(&r, &b);
	assert_int_equal(th_coap_request(r.c, &to, &head, r.now, &id), TH_OK);
	rig_add(&r, id, false);
	rig_write(&r, id, 1, 0, 5000);
	rig_run(&r, 0);
	rig_pop(&r, &w);
	rig_make_response(&a, &w, W_ACK, W_231, w.mid);
	wire_block(&a, W_QBLOCK1, 1, false, 1 << (4 + (wire_find(&w, W_QBLOCK1)->p[0] & 7)));
	wire_payload(&a, room, sizeof(room));
	rig_rx(&r, 1, &a);
	rig_run(&r, 1800 * TH_SEC);
	while (r.out_n > 0) {
		rig_pop(&r, &w);
		pings += w.type == W_CON && w.code == W_EMPTY;
	}
	assert_true(pings > 3);
	rig_close(&r);
}

/* An RST to one would be taken for one to another message: of what was numbered last with the same low bits. */
static void blocks_of_a_burst_are_never_reset(void **state)
{
	static struct rig r;
	static struct wire w;
	struct below b;
	const uint8_t poll[] = { 0x80, 1, 2, 3 };

	(void)state;
	open_on(&r, &b, 500, 1); /* nobody has told us of bursts */
	rig_get(&r, 1, "a");
	rig_pop(&r, &w);
	for (unsigned option = W_QBLOCK1; option <= W_QBLOCK2; option += W_QBLOCK2 - W_QBLOCK1) {
		wire_init(&w, W_NON, W_205, 77, "zz");
		wire_block(&w, (uint16_t)option, 1, true, 64);
		wire_payload(&w, poll, sizeof(poll));
		rig_rx(&r, 1, &w);
		rig_expect_silence(&r);
	}
	wire_init(&w, W_NON, W_205, 78, "zz"); /* as others are */
	rig_rx(&r, 1, &w);
	rig_pop(&r, &w);
	assert_int_equal(w.type, W_RST);
	rig_close(&r);
}

/* Numbers 65536 apart are one Message ID (RFC 7252 §4.4). */
static void a_message_id_waits_for_its_old_message(void **state)
{
	static struct rig r;
	static struct wire w;
	struct below b;
	struct rig_ex *ex;
	th_time free_at;

	(void)state;
	open_on(&r, &b, 2000, 4);
	rig_get(&r, 1, "old");
	rig_pop(&r, &w);
	free_at = r.now + 202 * TH_SEC; /* 2 MAX_LATENCY + ACK_TIMEOUT */
	b.next += 65536 - 10;
	ex = rig_get(&r, 1, "new");
	rig_expect_silence(&r);
	rig_run(&r, TH_SEC);
	rig_expect_silence(&r);
	rig_rx_ack(&r, 1, &w, W_205, "x"); /* over, but copies may be under way */
	rig_run_to(&r, free_at - 1);
	rig_expect_silence(&r);
	assert_true(b.asked < 5); /* numbers that cannot be used yet are not burnt */
	rig_run_to(&r, free_at);
	rig_pop(&r, &w);
	assert_int_equal(ex->closes, 0);
	assert_true(w.mid >= 1990 && w.mid < 2000 + 5);
	rig_close(&r);
}

static void other_groups_do_not_wait(void **state)
{
	static struct rig r;
	static struct wire w;
	struct below b;

	(void)state;
	open_on(&r, &b, 2000, 32);
	b.jump = 1024; /* each in the next group of Message IDs */
	for (unsigned i = 0; i < 32; i++) {
		rig_get(&r, 1, "a");
		rig_pop(&r, &w);
		assert_int_equal(w.mid, (uint16_t)(2000 + i * 1025));
	}
	rig_close(&r);
}

/* A layer below that begins to count anew, as after a restart: nothing breaks, Message IDs still wait. */
static void numbers_may_begin_again(void **state)
{
	static struct rig r;
	static struct wire w;
	struct below b;

	(void)state;
	open_on(&r, &b, 100000, 4);
	rig_get(&r, 1, "a");
	rig_pop(&r, &w);
	b.next = 3;
	rig_get(&r, 1, "b");
	rig_pop(&r, &w);
	assert_int_equal(w.mid, 3);
	b.next = 100000; /* the group of the first, whose copies may be under way */
	rig_get(&r, 1, "c");
	rig_expect_silence(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_id_and_token_are_the_number),
		cmocka_unit_test(blocks_keep_the_token),
		cmocka_unit_test(the_end_of_each_con_is_told_once),
		cmocka_unit_test(retransmissions_are_told),
		cmocka_unit_test(replies_to_duplicates_are_told),
		cmocka_unit_test(blocks_of_a_burst_take_no_numbers),
		cmocka_unit_test(blocks_of_a_burst_are_never_reset),
		cmocka_unit_test(silence_is_asked_about_with_a_message),
		cmocka_unit_test(a_message_id_waits_for_its_old_message),
		cmocka_unit_test(other_groups_do_not_wait),
		cmocka_unit_test(numbers_may_begin_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
