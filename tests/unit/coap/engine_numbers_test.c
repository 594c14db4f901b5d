/* Two engines inside a session: what only packet numbers give. */
#include "pair.h"

/* The same without tags: where tokens are unique, blocks belong to the exchange of their token. */
static void untagged_bodies_do_not_mix_when_named(void **state)
{
	struct world *w;
	bool seen[8] = { false };

	(void)state;
	w = make(19);
	w->body_n = 6000;
	w->params.window_start = 8;
	w->loss = w->dup = 15;
	w->jitter = 100 * TH_MS;
	start(w);
	for (size_t i = 0; i < 8; i++)
		request(w, TH_COAP_PUT, true, 7, 5000 + i, false, false);
	run(w, 1000 * TH_SEC);
	assert_int_equal(w->side[1].n_seen, 8);
	for (size_t i = 0; i < 8; i++) {
		size_t n = w->side[1].seen[i].got_n;

		assert_good(&w->side[0].seen[i], 6000);
		assert_in_range(n, 5000, 5007);
		assert_false(seen[n - 5000]);
		seen[n - 5000] = true;
	}
	unmake(w);
}

/* The rest of notifications is fetched under tokens of their own, of observations that differ in nothing but theirs. */
static void large_notifications_do_not_mix_when_named(void **state)
{
	struct world *w;
	struct seen *x[4];

	(void)state;
	w = make(20);
	w->body_n = 10;
	w->params.window_start = 8;
	w->loss = w->dup = 10;
	w->observe_con = true;
	start(w);
	for (size_t i = 0; i < 4; i++)
		x[i] = request(w, TH_COAP_FETCH, true, 7, 0, true, true);
	run(w, 30 * TH_SEC);
	for (size_t round = 0; round < 10; round++) {
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(answer_with(&w->side[1], &w->side[1].seen[i], 3000 + 1000 * i, true), TH_OK);
		run(w, 200 * TH_SEC);
		for (size_t i = 0; i < 4; i++) {
			size_t mine = 0; /* of the server's exchanges, which came in any order */

			while (mine < 4 && x[i]->got_n != 3000 + 1000 * mine)
				mine++;
			assert_true(mine < 4);
			for (size_t k = 0; k < i; k++)
				assert_true(x[k]->got_n != x[i]->got_n);
			assert_true(x[i]->ended);
			assert_false(x[i]->closed);
		}
	}
	unmake(w);
}

static void names_come_with_the_first_flight(void **state)
{
	struct world *w;
	struct seen *x, *y;
	const uint8_t *token;
	uint64_t number;
	size_t n;

	(void)state;
	w = make(21);
	w->slow = true;
	start(w);
	th_naming_init(&w->side[0].end.naming, 256);
	x = request(w, TH_COAP_PUT, true, 7, 10, false, true);
	y = request(w, TH_COAP_PUT, true, 8, 10, false, true); /* NSTART is 1 */
	assert_int_equal(th_coap_token(w->side[0].c, x->id, &token, &n), TH_OK);
	assert_true(th_naming_number(token, n, &number) && number == 256);
	assert_int_equal(th_coap_token(w->side[0].c, y->id, &token, &n), TH_ERR_NOT_FOUND);
	run(w, TH_SEC);
	assert_int_equal(th_coap_token(w->side[0].c, y->id, &token, &n), TH_OK);
	assert_true(th_naming_number(token, n, &number) && number == 257);
	assert_int_equal(w->side[1].requests, 2);
	unmake(w);
}

static void without_numbers_messages_wait(void **state)
{
	struct world *w;
	struct th_addr far = addr_of(1), nobody = addr_of(7);
	struct seen *x, *y;

	(void)state;
	w = make(22);
	w->body_n = 10;
	start(w);
	w->side[0].end.shut = true;
	x = request(w, TH_COAP_PUT, true, 7, 10, false, true);
	y = request(w, TH_COAP_PUT, false, 8, 10, false, true);
	run(w, 50 * TH_SEC);
	assert_int_equal(w->sent, 0);
	assert_false(x->closed);
	assert_int_equal(x->account.datagrams_out, 0);
	w->side[0].end.shut = false;
	th_coap_renumber(w->side[0].c, &nobody, w->now);
	run(w, TH_SEC);
	assert_int_equal(w->sent, 0);
	th_coap_renumber(w->side[0].c, &far, w->now);
	run(w, TH_SEC);
	assert_good(x, 10);
	assert_good(y, 10);
	w->side[0].end.shut = true;
	x = request(w, TH_COAP_PUT, true, 9, 10, false, true);
	th_coap_cancel(w->side[0].c, x->id, w->now); /* before it had a name */
	x->closed = true;
	w->side[0].end.shut = false;
	th_coap_renumber(w->side[0].c, &far, w->now);
	run(w, TH_SEC);
	assert_int_equal(w->side[1].requests, 2);
	unmake(w);
}

/* Thousands of exchanges and other records: Message IDs wrap, responses are separate, tokens grow. */
static void numbers_go_on_past_message_ids(void **state)
{
	struct world *w;
	size_t good = 0;

	(void)state;
	w = make(23);
	w->body_n = 20;
	w->loss = w->dup = 5;
	w->params.max_latency = TH_SEC;
	w->params.ack_timeout = 500 * TH_MS;
	start(w);
	for (unsigned i = 0; i < 3000; i++) {
		struct named_end *e = &w->side[0].end;

		request(w, TH_COAP_POST, true, i, 20, false, false);
		run(w, 300 * TH_MS);
		for (unsigned k = 0; k < 97; k++) /* what other records take */
			th_naming_record(&e->naming);
	}
	run(w, 100 * TH_SEC);
	for (size_t i = 0; i < w->side[0].n_seen; i++)
		good += w->side[0].seen[i].why == TH_OK && w->side[0].seen[i].got_n == 20;
	assert_true(w->side[0].end.naming.next > 4 * 65536);
	assert_true(good >= 2990);
	assert_int_equal(w->side[0].end.stale + w->side[1].end.stale, 0);
	assert_int_equal(w->side[0].end.kept_n, 0);
	printf("%zu bytes of compact messages, %zu of ordinary ones\n",
	       w->side[0].end.compact_bytes + w->side[1].end.compact_bytes, w->bytes);
	unmake(w);
}

/* Two hundred thousand numbers in a minute, with RFC 7252's MAX_LATENCY: their Message IDs rest as long as this way
 * needs, not for the 202 s that any may. */
static void a_quick_way_takes_many_numbers(void **state)
{
	struct world *w;

	(void)state;
	w = make(24);
	w->body_n = 20;
	start(w);
	for (unsigned i = 0; i < 200; i++) {
		request(w, TH_COAP_POST, true, i, 20, false, false);
		run(w, 300 * TH_MS);
		assert_int_equal(w->side[0].n_seen, i + 1);
		assert_true(w->side[0].seen[i].why == TH_OK && w->side[0].seen[i].got_n == 20);
		for (unsigned k = 0; k < 999; k++)
			th_naming_record(&w->side[0].end.naming);
	}
	assert_true(w->side[0].end.naming.next > 3 * 65536);
	unmake(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untagged_bodies_do_not_mix_when_named),
		cmocka_unit_test(large_notifications_do_not_mix_when_named),
		cmocka_unit_test(names_come_with_the_first_flight),
		cmocka_unit_test(without_numbers_messages_wait),
		cmocka_unit_test(a_quick_way_takes_many_numbers),
		cmocka_unit_test(numbers_go_on_past_message_ids),
	};

	named = true;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
