/* One engine against hand-made datagrams: what RFC 7252 wants to come back for each. */
#include "raw.h"

static void duplicates_get_the_same_answer(void **state)
{
	struct rig *r = make();
	struct th_coap_pdu con = message(r, TH_COAP_CON, TH_COAP_POST);
	struct th_coap_pdu non = message(r, TH_COAP_NON, TH_COAP_POST);
	uint8_t first[MESSAGE_MAX];
	size_t n;

	(void)state;
	feed(r, &con);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	n = r->len[0];
	memcpy(first, r->bytes[0], n);
	wait_for(r, 200 * TH_SEC);
	feed(r, &con);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	assert_int_equal(r->len[0], n);
	assert_memory_equal(r->bytes[0], first, n);
	assert_int_equal(r->requests, 1);
	feed(r, &non);
	assert_one(r, TH_COAP_NON, CODE_CONTENT);
	feed(r, &non);
	assert_int_equal(r->out_n, 0);
	assert_int_equal(r->requests, 2);
	con.token[0]++; /* the Message ID was reused early */
	feed(r, &con);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	assert_int_equal(r->requests, 3);
	wait_for(r, 300 * TH_SEC); /* forgotten */
	feed(r, &con);
	assert_int_equal(r->requests, 4);
	unmake(r);
}

static void duplicate_while_undecided_is_acknowledged_once(void **state)
{
	struct rig *r = make();
	struct th_coap_pdu con = message(r, TH_COAP_CON, TH_COAP_POST);

	(void)state;
	r->quiet = true;
	feed(r, &con);
	assert_int_equal(r->out_n, 0);
	feed(r, &con);
	assert_int_equal(r->out_n, 0);
	wait_for(r, r->params.piggyback_patience);
	assert_one(r, TH_COAP_ACK, TH_COAP_EMPTY);
	feed(r, &con);
	assert_one(r, TH_COAP_ACK, TH_COAP_EMPTY);
	assert_int_equal(r->requests, 1);
	respond(r, r->last, 10);
	drain(r);
	assert_one(r, TH_COAP_CON, CODE_CONTENT);
	assert_int_equal(r->closed, 0);
	con = reply_to(&r->out[0], TH_COAP_ACK, TH_COAP_EMPTY);
	con.token_len = 0;
	feed(r, &con);
	assert_int_equal(r->closed, 1);
	assert_int_equal(r->why, TH_OK);
	unmake(r);
}

static void full_records_refuse_silently(void **state)
{
	struct rig *r = make();
	struct th_coap_stats stats;

	(void)state;
	th_coap_del(r->c);
	r->params.max_records = 10;
	start(r);
	for (int i = 0; i < 20; i++) {
		struct th_coap_pdu con = message(r, TH_COAP_CON, TH_COAP_POST);

		feed(r, &con);
		assert_int_equal(r->out_n, i < 10);
	}
	th_coap_stats(r->c, &stats);
	assert_int_equal(stats.refused_full, 10);
	assert_int_equal(stats.records, 10);
	assert_int_equal(r->requests, 10);
	unmake(r);
}

static void evicted_replies_never_lead_to_a_second_execution(void **state)
{
	struct rig *r = make();
	struct th_coap_pdu first, con;
	struct th_coap_stats stats;

	(void)state;
	th_coap_del(r->c);
	r->params.max_reply_bytes = 1000;
	r->body_n = 400;
	start(r);
	first = message(r, TH_COAP_CON, TH_COAP_POST);
	feed(r, &first);
	for (int i = 0; i < 2; i++) {
		con = message(r, TH_COAP_CON, TH_COAP_POST);
		feed(r, &con);
	}
	th_coap_stats(r->c, &stats);
	assert_true(stats.reply_bytes <= 1000);
	feed(r, &con);
	assert_int_equal(r->out_n, 1);
	feed(r, &first);
	assert_int_equal(r->out_n, 0);
	assert_int_equal(r->requests, 3);
	unmake(r);
}

static void odd_messages(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t n;
		bool reset;
	} cases[] = {
		{ { 0x40, 0x00, 1, 1 }, 4, true },	  /* ping */
		{ { 0x50, 0x00, 1, 2 }, 4, false },	  /* empty NON */
		{ { 0x60, 0x00, 1, 3 }, 4, false },	  /* ACK of nothing */
		{ { 0x70, 0x00, 1, 4 }, 4, false },	  /* RST of nothing */
		{ { 0x60, 0x45, 1, 5 }, 4, false },	  /* piggybacked response to nothing */
		{ { 0x70, 0x45, 1, 6 }, 4, false },	  /* RST with a code */
		{ { 0x60, 0x01, 1, 7 }, 4, false },	  /* ACK with a request */
		{ { 0x49, 0x01, 1, 8 }, 4, true },	  /* token length 9 */
		{ { 0x59, 0x01, 1, 9 }, 4, false },	  /* in a NON */
		{ { 0x40, 0x00, 1, 10, 0 }, 5, true },	  /* empty with bytes behind */
		{ { 0x40, 0x01, 1, 11, 0xff }, 5, true }, /* marker without payload */
		{ { 0x40, 0x01, 1, 12, 0xf0 }, 5, true }, /* delta 15 */
		{ { 0x40, 0x20, 1, 13 }, 4, true },	  /* class 1 */
		{ { 0x40, 0xe0, 1, 14 }, 4, true },	  /* class 7 */
		{ { 0x50, 0xc0, 1, 15 }, 4, false },	  /* class 6 in a NON */
		{ { 0x80, 0x01, 1, 16 }, 4, false },	  /* version 2 */
		{ { 0x40, 0x01, 1 }, 3, false },	  /* short */
		{ { 0x40, 0x45, 1, 17 }, 4, true },	  /* response to nothing */
	};
	struct rig *r = make();
	struct th_coap_stats stats;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		feed_bytes(r, cases[i].bytes, cases[i].n);
		assert_int_equal(r->out_n, cases[i].reset);
		if (!cases[i].reset)
			continue;
		assert_one(r, TH_COAP_RST, TH_COAP_EMPTY);
		assert_int_equal(r->out[0].mid, 256 + cases[i].bytes[3]);
	}
	th_coap_stats(r->c, &stats);
	assert_int_equal(stats.peers, 0);
	assert_int_equal(r->requests, 0);
	unmake(r);
}

static void unknown_critical_options(void **state)
{
	struct rig *r = make();
	const struct th_coap_option critical = { 9, 0, NULL }, elective = { 10, 0, NULL };
	struct th_coap_pdu pdu = message(r, TH_COAP_CON, TH_COAP_GET);

	(void)state;
	pdu.options[pdu.n_options++] = critical;
	feed(r, &pdu);
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(4, 2));
	pdu.type = TH_COAP_NON;
	pdu.mid++;
	feed(r, &pdu);
	assert_int_equal(r->out_n, 0);
	assert_int_equal(r->requests, 0);
	pdu = message(r, TH_COAP_CON, TH_COAP_GET);
	pdu.mid += 10;
	pdu.options[pdu.n_options++] = elective;
	feed(r, &pdu);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	ask(r, TH_COAP_GET, 0);
	pdu = reply_to(&r->out[0], TH_COAP_CON, CODE_CONTENT);
	pdu.options[pdu.n_options++] = critical;
	feed(r, &pdu);
	assert_one(r, TH_COAP_RST, TH_COAP_EMPTY);
	assert_int_equal(r->why, TH_ERR_UNSUPPORTED);
	unmake(r);
}

static void retransmissions_are_identical_and_back_off(void **state)
{
	struct rig *r = make();
	struct th_coap_pdu pdu;
	uint8_t first[MESSAGE_MAX];
	th_time at[5];

	(void)state;
	ask(r, TH_COAP_POST, 20);
	memcpy(first, r->bytes[0], r->len[0]);
	at[0] = r->now;
	pdu = reply_to(&r->out[0], TH_COAP_ACK, CODE_CONTENT);
	pdu.token[0]++; /* §5.3.2: not ours */
	feed(r, &pdu);
	assert_int_equal(r->responses, 0);
	for (int i = 1; i <= 4; i++) {
		r->now = th_coap_deadline(r->c);
		th_coap_tick(r->c, r->now);
		drain(r);
		assert_int_equal(r->out_n, 1);
		assert_memory_equal(r->bytes[0], first, r->len[0]);
		at[i] = r->now;
	}
	assert_in_range(at[1] - at[0], 2 * TH_SEC, 3 * TH_SEC);
	for (int i = 2; i <= 4; i++)
		assert_int_equal(at[i] - at[i - 1], 2 * (at[i - 1] - at[i - 2]));
	pdu.token[0]--;
	feed(r, &pdu);
	assert_int_equal(r->responses, 1);
	assert_int_equal(r->why, TH_OK);
	unmake(r);
}

static void separate_response_overtakes_its_ack(void **state)
{
	struct rig *r = make();
	struct th_coap_pdu ack, con;

	(void)state;
	ask(r, TH_COAP_GET, 0);
	ack = reply_to(&r->out[0], TH_COAP_ACK, TH_COAP_EMPTY);
	ack.token_len = 0;
	con = reply_to(&r->out[0], TH_COAP_CON, CODE_CONTENT);
	con.mid = 4711;
	feed(r, &con);
	assert_one(r, TH_COAP_ACK, TH_COAP_EMPTY);
	assert_int_equal(r->out[0].mid, 4711);
	assert_int_equal(r->closed, 1);
	assert_int_equal(r->why, TH_OK);
	feed(r, &ack);
	assert_int_equal(r->out_n, 0);
	feed(r, &con);
	assert_one(r, TH_COAP_ACK, TH_COAP_EMPTY);
	wait_for(r, 100 * TH_SEC);
	assert_int_equal(r->out_n, 0);
	unmake(r);
}

static void reset_ends_a_request(void **state)
{
	struct rig *r = make();
	struct th_coap_pdu rst;

	(void)state;
	ask(r, TH_COAP_GET, 0);
	rst = reply_to(&r->out[0], TH_COAP_RST, TH_COAP_EMPTY);
	rst.token_len = 0;
	feed(r, &rst);
	assert_int_equal(r->closed, 1);
	assert_int_equal(r->why, TH_ERR_RESET);
	unmake(r);
}

static void window_holds_back_and_opens(void **state)
{
	struct rig *r = make();
	const struct th_coap_head head = { .code = TH_COAP_GET, .confirmable = true };
	size_t most = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		th_coap_id id;

		assert_int_equal(th_coap_request(r->c, &peer, &head, r->now, &id), TH_OK);
		assert_int_equal(th_coap_end(r->c, id, r->now), TH_OK);
	}
	drain(r);
	assert_int_equal(r->out_n, 1); /* NSTART */
	while (r->out_n > 0) {
		struct th_coap_pdu acks[OUT_MAX];
		size_t n = r->out_n;
		uint8_t bytes[MESSAGE_MAX];

		most = n > most ? n : most;
		for (size_t i = 0; i < n; i++)
			acks[i] = reply_to(&r->out[i], TH_COAP_ACK, CODE_CONTENT);
		for (size_t i = 0; i < n; i++)
			th_coap_rx(r->c, &peer, bytes, th_coap_pdu_write(&acks[i], bytes, sizeof(bytes)), r->now);
		drain(r);
	}
	assert_int_equal(r->closed, 200);
	assert_int_equal(most, r->params.window_max);
	unmake(r);
}

/* A Message ID is not used again while an earlier message with it, or its answer, may be under way. */
static void message_ids_wait_until_they_are_free(void **state)
{
	struct rig *r = make();
	const struct th_coap_head head = { .code = TH_COAP_GET };
	const th_time begin = r->now;
	size_t sent = 0;

	(void)state;
	r->params.ping_after = TH_NEVER;
	for (int i = 0; i < 70000; i++) {
		th_coap_id id;

		assert_int_equal(th_coap_request(r->c, &peer, &head, r->now, &id), TH_OK);
		assert_int_equal(th_coap_end(r->c, id, r->now), TH_OK);
		drain(r);
		if (r->out_n == 0)
			break;
		sent++;
		th_coap_cancel(r->c, id, r->now);
	}
	assert_in_range(sent, 65536 - 1024, 65536);
	wait_for(r, 2 * r->params.max_latency);
	assert_int_equal(r->out_n, 0);
	wait_for(r, r->params.ack_timeout);
	assert_int_equal(r->out_n, 1);
	assert_int_equal(r->now - begin, 2 * r->params.max_latency + r->params.ack_timeout);
	unmake(r);
}

static void idle_peers_make_room(void **state)
{
	struct rig *r = make();
	struct th_coap_stats stats;

	(void)state;
	th_coap_del(r->c);
	r->params.max_peers = 4;
	start(r);
	for (uint16_t i = 0; i < 100; i++) {
		const struct th_coap_pdu con = { .code = TH_COAP_GET, .mid = i };
		const struct th_addr from = { .ip = { 2 }, .port = i };
		uint8_t bytes[MESSAGE_MAX];

		th_coap_rx(r->c, &from, bytes, th_coap_pdu_write(&con, bytes, sizeof(bytes)), r->now);
		drain(r);
		assert_int_equal(r->out_n, i < 4 || i >= 50);
		if (i >= 49)
			wait_for(r, 300 * TH_SEC);
		th_coap_stats(r->c, &stats);
		assert_true(stats.peers <= 4);
	}
	unmake(r);
}

static void wrong_users_calls_are_refused(void **state)
{
	struct rig *r = make();
	struct th_coap_head head = { .code = TH_COAP_GET, .confirmable = true };
	const struct th_coap_option bad[] = { { TH_COAP_OPT_BLOCK1, 0, NULL }, { TH_COAP_OPT_URI_HOST, 0, NULL } };
	th_coap_id id;

	(void)state;
	head.n_options = 1;
	for (size_t i = 0; i < 2; i++) {
		head.options = &bad[i];
		assert_int_equal(th_coap_request(r->c, &peer, &head, r->now, &id), TH_ERR_INVALID);
	}
	head = (struct th_coap_head){ .code = CODE_CONTENT };
	assert_int_equal(th_coap_request(r->c, &peer, &head, r->now, &id), TH_ERR_INVALID);
	assert_int_equal(th_coap_respond(r->c, 77, &head, r->now), TH_ERR_NOT_FOUND);
	assert_int_equal(th_coap_write(r->c, 77, (const uint8_t *)"x", 1, r->now), 0);
	assert_int_equal(th_coap_end(r->c, 77, r->now), TH_ERR_NOT_FOUND);
	th_coap_resume(r->c, 77, r->now);
	th_coap_cancel(r->c, 77, r->now);
	unmake(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duplicates_get_the_same_answer),
		cmocka_unit_test(duplicate_while_undecided_is_acknowledged_once),
		cmocka_unit_test(full_records_refuse_silently),
		cmocka_unit_test(evicted_replies_never_lead_to_a_second_execution),
		cmocka_unit_test(odd_messages),
		cmocka_unit_test(unknown_critical_options),
		cmocka_unit_test(retransmissions_are_identical_and_back_off),
		cmocka_unit_test(separate_response_overtakes_its_ack),
		cmocka_unit_test(reset_ends_a_request),
		cmocka_unit_test(window_holds_back_and_opens),
		cmocka_unit_test(message_ids_wait_until_they_are_free),
		cmocka_unit_test(idle_peers_make_room),
		cmocka_unit_test(wrong_users_calls_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
