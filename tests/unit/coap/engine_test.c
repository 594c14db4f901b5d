/* Two engines on a good link: exchanges, blocks, Echo, observing, walking away. With the argument "named", as inside a
 * session. */
#include "pair.h"

static void small_exchange_takes_two_datagrams(void **state)
{
	struct world *w = make(1);
	struct seen *x;
	struct th_coap_stats stats;

	(void)state;
	start(w);
	w->body_n = 100;
	x = request(w, TH_COAP_POST, true, 7, 50, false, false);
	run(w, 10 * TH_SEC);
	assert_good(x, 100);
	assert_int_equal(w->sent, 2);
	assert_int_equal(x->account.datagrams_out, 1);
	assert_int_equal(x->account.datagrams_in, 1);
	assert_int_equal(x->account.bytes_out + x->account.bytes_in, w->bytes);
	assert_int_equal(w->side[1].seen[0].got_n, 50);
	assert_true(w->side[1].seen[0].closed);
	assert_int_equal(w->side[1].seen[0].account.bytes_out, x->account.bytes_in);
	run(w, 300 * TH_SEC);
	th_coap_stats(w->side[1].c, &stats);
	assert_int_equal(stats.records, 0);
	assert_int_equal(stats.exchanges, 0);
	unmake(w);
}

static void slow_server_answers_separately(void **state)
{
	struct world *w = make(2);
	struct seen *x;

	(void)state;
	w->slow = true;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, false, false);
	run(w, 65 * TH_SEC);
	assert_false(x->closed);
	assert_int_equal(w->sent, 2 + 2 * 2); /* request, empty ACK; two pings */
	assert_int_equal(answer_with(&w->side[1], &w->side[1].seen[0], 10, false), TH_OK);
	run(w, TH_SEC);
	assert_good(x, 10);
	assert_int_equal(w->sent, 8);
	assert_true(w->side[1].seen[0].closed);
	assert_int_equal(w->side[1].seen[0].why, TH_OK);
	unmake(w);
}

static void dead_server_is_noticed_by_ping(void **state)
{
	struct world *w = make(3);
	struct seen *x;

	(void)state;
	w->slow = true;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, false, false);
	run(w, 5 * TH_SEC);
	w->loss = 100;
	run(w, 200 * TH_SEC);
	assert_true(x->closed);
	assert_int_equal(x->why, TH_ERR_TIMEOUT);
	unmake(w);
}

static void silence_ends_in_timeout(void **state)
{
	struct world *w = make(4);
	struct seen *x;

	(void)state;
	w->loss = 100;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, false, false);
	run(w, 61 * TH_SEC);
	assert_false(x->closed);
	run(w, 33 * TH_SEC); /* MAX_TRANSMIT_WAIT is 93 s */
	assert_true(x->closed);
	assert_int_equal(x->why, TH_ERR_TIMEOUT);
	assert_int_equal(w->sent, 5);
	unmake(w);
}

static void non_exchange(void **state)
{
	struct world *w = make(5);
	struct seen *x;

	(void)state;
	w->body_n = 5000;
	start(w);
	x = request(w, TH_COAP_POST, false, 7, 3000, false, true);
	run(w, 10 * TH_SEC);
	assert_good(x, 5000);
	assert_int_equal(w->side[1].seen[0].got_n, 3000);
	assert_int_equal(w->side[1].requests, 1);
	assert_true(w->side[1].seen[0].closed);
	unmake(w);
}

static void blocks_both_ways(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 63, 64, 65, 128, 1000, 1024, 1025, 2048, 100000 };

	(void)state;
	for (unsigned szx = 0; szx <= 6; szx += 2)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct world *w = make(6 + szx);
			struct seen *x;
			size_t n = szx == 0 && sizes[i] > 2048 ? 2048 : sizes[i];

			w->params.szx = szx;
			w->body_n = n;
			start(w);
			x = request(w, TH_COAP_PUT, true, 7, n, false, true);
			run(w, 200 * TH_SEC);
			assert_good(x, n);
			assert_int_equal(w->side[1].seen[0].got_n, n);
			assert_true(w->side[1].seen[0].closed);
			assert_int_equal(w->side[1].seen[0].why, TH_OK);
			unmake(w);
		}
}

static void slow_readers_hold_back(void **state)
{
	struct world *w = make(9);
	struct seen *x;

	(void)state;
	w->body_n = 20000;
	w->side[0].greed = 100;
	w->side[1].greed = 300;
	start(w);
	x = request(w, TH_COAP_PUT, true, 7, 30000, false, true);
	run(w, 200 * TH_SEC);
	assert_good(x, 20000);
	assert_int_equal(w->side[1].seen[0].got_n, 30000);
	unmake(w);
}

static void echo_is_repeated_unseen(void **state)
{
	struct world *w = make(11);
	struct seen *x;

	(void)state;
	w->body_n = 3000;
	start(w);
	th_coap_require_echo(w->side[1].c, true);
	x = request(w, TH_COAP_PUT, true, 7, 3000, false, false);
	run(w, 10 * TH_SEC);
	assert_good(x, 3000);
	assert_int_equal(w->side[1].requests, 1);
	assert_int_equal(w->sent, 2 + 2 * 3 + 2 * 2);
	unmake(w);
}

static void observe_delivers_in_order(void **state)
{
	(void)state;
	for (int con = 0; con < 2; con++) {
		struct world *w = make(12);
		struct seen *x, *y;

		w->body_n = 10;
		w->observe_con = con;
		start(w);
		x = request(w, TH_COAP_GET, true, 7, 0, true, false);
		run(w, TH_SEC);
		assert_int_equal(x->responses, 1);
		assert_true(x->observe);
		y = &w->side[1].seen[0];
		for (size_t i = 0; i < 100; i++) {
			assert_int_equal(answer_with(&w->side[1], y, 10 + i * 50, true), TH_OK);
			run(w, 2 * TH_SEC);
			assert_int_equal(x->responses, 2 + i);
			assert_true(x->ended);
			assert_int_equal(x->got_n, 10 + i * 50);
		}
		assert_false(x->closed);
		th_coap_cancel(w->side[0].c, x->id, w->now);
		x->closed = true;
		run(w, TH_SEC);
		assert_true(y->closed);
		assert_int_equal(y->why, TH_ERR_CANCELLED);
		run(w, 500 * TH_SEC);
		unmake(w);
	}
}

static void observer_that_vanishes_is_forgotten(void **state)
{
	struct world *w = make(13);
	struct seen *x, *y;

	(void)state;
	w->body_n = 10;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, true, false);
	run(w, TH_SEC);
	y = &w->side[1].seen[0];
	th_coap_del(w->side[0].c);
	open_engine(&w->side[0]);
	assert_int_equal(answer_with(&w->side[1], y, 10, true), TH_OK);
	run(w, TH_SEC);
	assert_true(y->closed);
	assert_int_equal(y->why, TH_ERR_RESET);
	assert_int_equal(x->responses, 1);
	unmake(w);
}

static void cancelled_by_either_side(void **state)
{
	struct world *w = make(14);
	struct seen *x;

	(void)state;
	w->slow = true;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, false, false);
	run(w, TH_SEC);
	th_coap_cancel(w->side[1].c, w->side[1].seen[0].id, w->now);
	w->side[1].seen[0].closed = true;
	run(w, TH_SEC);
	assert_int_equal(x->code, TH_COAP_CODE(5, 3));
	assert_true(x->closed);
	x = request(w, TH_COAP_GET, true, 8, 0, false, false);
	run(w, TH_SEC);
	th_coap_cancel(w->side[0].c, x->id, w->now);
	x->closed = true;
	assert_int_equal(answer_with(&w->side[1], &w->side[1].seen[1], 10, false), TH_OK);
	run(w, TH_SEC);
	assert_true(w->side[1].seen[1].closed);
	assert_int_equal(w->side[1].seen[1].why, TH_ERR_RESET);
	unmake(w);
}

/* Two bodies for one target at the same time: the Request-Tag keeps them apart (RFC 9175 §3). */
static void tagged_bodies_do_not_mix(void **state)
{
	struct world *w = make(17);
	size_t sum = 0;

	(void)state;
	w->body_n = 6000;
	w->params.window_start = 8;
	start(w);
	for (size_t i = 0; i < 8; i++)
		request(w, TH_COAP_PUT, true, 7, 5000 + i, false, true);
	run(w, 100 * TH_SEC);
	assert_int_equal(w->side[1].n_seen, 8);
	for (size_t i = 0; i < 8; i++) {
		assert_good(&w->side[0].seen[i], 6000);
		sum += w->side[1].seen[i].got_n - 5000;
		assert_in_range(w->side[1].seen[i].got_n, 5000, 5007);
	}
	assert_int_equal(sum, 7 * 8 / 2);
	unmake(w);
}

static void token_names_the_exchange_on_both_sides(void **state)
{
	struct world *w = make(18);
	struct th_addr from = addr_of(0);
	const uint8_t *token;
	struct seen *x;
	size_t n;

	(void)state;
	w->slow = true;
	start(w);
	x = request(w, TH_COAP_PUT, true, 7, 5000, false, true);
	run(w, TH_SEC);
	assert_int_equal(th_coap_token(w->side[0].c, x->id, &token, &n), TH_OK);
	assert_int_equal(th_coap_find(w->side[1].c, &from, token, n), w->side[1].seen[0].id);
	assert_int_equal(th_coap_find(w->side[1].c, &from, token, n - 1), 0);
	unmake(w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_exchange_takes_two_datagrams),
		cmocka_unit_test(slow_server_answers_separately),
		cmocka_unit_test(dead_server_is_noticed_by_ping),
		cmocka_unit_test(silence_ends_in_timeout),
		cmocka_unit_test(non_exchange),
		cmocka_unit_test(blocks_both_ways),
		cmocka_unit_test(slow_readers_hold_back),
		cmocka_unit_test(echo_is_repeated_unseen),
		cmocka_unit_test(observe_delivers_in_order),
		cmocka_unit_test(observer_that_vanishes_is_forgotten),
		cmocka_unit_test(cancelled_by_either_side),
		cmocka_unit_test(tagged_bodies_do_not_mix),
		cmocka_unit_test(token_names_the_exchange_on_both_sides),
	};

	take_named(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
