/* One engine against hand-made datagrams: what RFC 7959 wants to come back for each. */
#include "raw.h"

#include "coap/block.h"

static void put_block(struct th_coap_pdu *pdu, uint8_t value[4], uint16_t number, uint32_t num, bool more, uint8_t szx)
{
	const struct th_coap_block b = { num, more, szx };

	pdu->options[pdu->n_options++] =
		(struct th_coap_option){ number, (uint16_t)th_coap_uint_put(value, th_coap_block_value(&b)), value };
}

static void send_block1(struct rig *r, uint32_t num, bool more, uint8_t szx, size_t n)
{
	static const uint8_t payload[1024];
	uint8_t value[4];
	struct th_coap_pdu pdu = message(r, TH_COAP_CON, TH_COAP_PUT);

	put_block(&pdu, value, TH_COAP_OPT_BLOCK1, num, more, szx);
	pdu.payload = payload;
	pdu.payload_len = n;
	feed(r, &pdu);
}

static void send_block2(struct rig *r, uint32_t num, uint8_t szx)
{
	uint8_t value[4];
	struct th_coap_pdu pdu = message(r, TH_COAP_CON, TH_COAP_GET);

	put_block(&pdu, value, TH_COAP_OPT_BLOCK2, num, false, szx);
	feed(r, &pdu);
}

static struct th_coap_block block_in(const struct th_coap_pdu *pdu, uint16_t number)
{
	const struct th_coap_option *o = th_coap_option_find(pdu->options, pdu->n_options, number);
	struct th_coap_block b;

	assert_non_null(o);
	assert_int_equal(th_coap_block_read(&b, o), TH_OK);
	return b;
}

static void assert_block(const struct th_coap_pdu *pdu, uint16_t number, uint32_t num, bool more, uint8_t szx)
{
	struct th_coap_block b = block_in(pdu, number);

	assert_int_equal(b.num, num);
	assert_int_equal(b.more, more);
	assert_int_equal(b.szx, szx);
}

/* Block1 */

static void block1_in_order(void **state)
{
	struct rig *r = make();

	(void)state;
	send_block1(r, 0, true, 2, 64);
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(2, 31));
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK1, 0, true, 2);
	send_block1(r, 1, true, 2, 64);
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(2, 31));
	send_block1(r, 2, false, 2, 10);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK1, 2, false, 2);
	assert_int_equal(r->requests, 1);
	assert_int_equal(r->got_n, 138);
	assert_int_equal(r->why, TH_OK);
	unmake(r);
}

static void block1_out_of_order(void **state)
{
	struct rig *r = make();

	(void)state;
	send_block1(r, 1, true, 2, 64); /* nothing before */
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(4, 8));
	send_block1(r, 0, true, 2, 64);
	send_block1(r, 2, true, 2, 64); /* one is missing */
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(4, 8));
	assert_int_equal(r->closed, 1);
	assert_int_equal(r->why, TH_ERR_CANCELLED);
	send_block1(r, 0, true, 2, 63); /* M without a whole block */
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(4, 0));
	send_block1(r, 0, true, 7, 1024);
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(4, 0));
	send_block1(r, 0, true, 2, 64);
	send_block1(r, 1, true, 2, 64);
	send_block1(r, 0, true, 2, 64); /* begins anew */
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(2, 31));
	assert_int_equal(r->closed, 2);
	assert_int_equal(r->why, TH_ERR_CANCELLED);
	send_block1(r, 1, false, 2, 64);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	assert_int_equal(r->got_n, 128);
	unmake(r);
}

static void server_prefers_smaller_blocks(void **state)
{
	struct rig *r = make();

	(void)state;
	th_coap_del(r->c);
	r->params.szx = 2;
	start(r);
	send_block1(r, 0, true, 4, 256);
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(2, 31));
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK1, 0, true, 2);
	send_block1(r, 4, true, 2, 64);
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(2, 31));
	send_block1(r, 5, false, 2, 5);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	assert_int_equal(r->got_n, 325);
	unmake(r);
}

static void abandoned_upload_is_forgotten(void **state)
{
	struct rig *r = make();

	(void)state;
	send_block1(r, 0, true, 2, 64);
	wait_for(r, r->params.body_timeout + TH_SEC);
	assert_int_equal(r->closed, 1);
	assert_int_equal(r->why, TH_ERR_TIMEOUT);
	send_block1(r, 1, true, 2, 64);
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(4, 8));
	unmake(r);
}

static void early_response_refuses_the_rest(void **state)
{
	struct rig *r = make();

	(void)state;
	r->quiet = true;
	send_block1(r, 0, true, 2, 64);
	respond(r, r->last, 3);
	drain(r);
	assert_int_equal(r->out_n, 0);
	send_block1(r, 1, true, 2, 64);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	assert_null(th_coap_option_find(r->out[0].options, r->out[0].n_options, TH_COAP_OPT_BLOCK1));
	assert_int_equal(r->got_n, 64);
	assert_int_equal(r->ends, 0);
	assert_int_equal(r->why, TH_OK);
	unmake(r);
}

static void client_follows_smaller_blocks(void **state)
{
	struct rig *r = make();
	struct th_coap_pdu pdu;
	uint8_t value[4];

	(void)state;
	ask(r, TH_COAP_PUT, 3000);
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK1, 0, true, 6);
	pdu = reply_to(&r->out[0], TH_COAP_ACK, TH_COAP_CODE(4, 13));
	put_block(&pdu, value, TH_COAP_OPT_BLOCK1, 0, true, 4);
	feed(r, &pdu);
	assert_int_equal(r->out_n, 1);
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK1, 0, true, 4);
	assert_int_equal(r->out[0].payload_len, 256);
	pdu = reply_to(&r->out[0], TH_COAP_ACK, TH_COAP_CODE(2, 31));
	put_block(&pdu, value, TH_COAP_OPT_BLOCK1, 0, true, 2);
	feed(r, &pdu);
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK1, 4, true, 2);
	pdu = reply_to(&r->out[0], TH_COAP_ACK, CODE_CHANGED); /* each block on its own */
	put_block(&pdu, value, TH_COAP_OPT_BLOCK1, 4, false, 2);
	feed(r, &pdu);
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK1, 5, true, 2);
	pdu = reply_to(&r->out[0], TH_COAP_ACK, TH_COAP_CODE(4, 8));
	put_block(&pdu, value, TH_COAP_OPT_BLOCK1, 5, false, 2);
	feed(r, &pdu);
	assert_int_equal(r->out_n, 0);
	assert_int_equal(r->code, TH_COAP_CODE(4, 8));
	assert_int_equal(r->why, TH_OK);
	unmake(r);
}

/* Block2 */

static void block2_at_the_clients_size(void **state)
{
	struct rig *r = make();

	(void)state;
	r->body_n = 200;
	send_block2(r, 0, 2);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK2, 0, true, 2);
	assert_int_equal(r->out[0].payload_len, 64);
	send_block2(r, 2, 1); /* later negotiation, in smaller units */
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK2, 2, true, 1);
	assert_int_equal(r->out[0].payload_len, 32);
	assert_int_equal(r->out[0].payload[0], 4);
	send_block2(r, 2, 1); /* again, with another Message ID */
	assert_int_equal(r->out[0].payload[0], 4);
	send_block2(r, 0, 2); /* a new request */
	assert_int_equal(r->requests, 2);
	send_block2(r, 1, 2);
	send_block2(r, 7, 2); /* nobody was there */
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(4, 0));
	send_block2(r, 2, 2);
	send_block2(r, 3, 2);
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK2, 3, false, 2);
	assert_int_equal(r->out[0].payload_len, 8);
	unmake(r);
}

static void block2_without_state(void **state)
{
	struct rig *r = make();

	(void)state;
	send_block2(r, 3, 2);
	assert_one(r, TH_COAP_ACK, TH_COAP_CODE(4, 8));
	assert_int_equal(r->requests, 0);
	r->body_n = 10;
	send_block2(r, 0, 6);
	assert_one(r, TH_COAP_ACK, CODE_CONTENT);
	assert_block(&r->out[0], TH_COAP_OPT_BLOCK2, 0, false, 6);
	assert_int_equal(r->closed, 1);
	unmake(r);
}

static void changed_etag_ends_a_fetch(void **state)
{
	static const uint8_t payload[64], one = 1, two = 2;
	struct rig *r = make();
	uint8_t value[4];
	struct th_coap_pdu pdu;

	(void)state;
	ask(r, TH_COAP_GET, 0);
	for (uint32_t i = 0; i < 3; i++) {
		pdu = reply_to(&r->out[0], TH_COAP_ACK, CODE_CONTENT);
		pdu.options[pdu.n_options++] = (struct th_coap_option){ TH_COAP_OPT_ETAG, 1, i < 2 ? &one : &two };
		put_block(&pdu, value, TH_COAP_OPT_BLOCK2, i, true, 2);
		pdu.payload = payload;
		pdu.payload_len = sizeof(payload);
		feed(r, &pdu);
		if (i < 2)
			assert_block(&r->out[0], TH_COAP_OPT_BLOCK2, i + 1, false, 2);
	}
	assert_int_equal(r->out_n, 0);
	assert_int_equal(r->got_n, 128);
	assert_int_equal(r->why, TH_ERR_RESET);
	unmake(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block1_in_order),
		cmocka_unit_test(block1_out_of_order),
		cmocka_unit_test(server_prefers_smaller_blocks),
		cmocka_unit_test(abandoned_upload_is_forgotten),
		cmocka_unit_test(early_response_refuses_the_rest),
		cmocka_unit_test(client_follows_smaller_blocks),
		cmocka_unit_test(block2_at_the_clients_size),
		cmocka_unit_test(block2_without_state),
		cmocka_unit_test(changed_etag_ends_a_fetch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
