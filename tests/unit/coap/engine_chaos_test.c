/* Two engines on a bad link, without memory, and with users who walk away. With the argument "named", as inside a
 * session. */
#include "pair.h"

static void bad_link(unsigned loss, unsigned n, size_t body_up, size_t body_down, bool con)
{
	struct world *w = make(100 + loss);
	unsigned good = 0, lost = 0;
	th_time sum = 0, worst = 0;

	w->loss = loss;
	w->dup = 20;
	w->jitter = 500 * TH_MS;
	w->body_n = body_down;
	w->params.max_retransmit = 8;
	w->params.body_timeout = th_coap_exchange_lifetime(&w->params);
	start(w);
	for (unsigned i = 0; i < n; i++) {
		request(w, TH_COAP_POST, con, i, body_up, false, i % 2);
		run(w, TH_SEC / 4);
	}
	run(w, 40000 * TH_SEC);
	for (unsigned i = 0; i < n; i++) {
		const struct seen *x = &w->side[0].seen[i];

		assert_true(x->closed);
		sum += x->closed_at - x->opened_at;
		if (x->closed_at - x->opened_at > worst)
			worst = x->closed_at - x->opened_at;
		if (x->why == TH_OK) {
			assert_int_equal(x->got_n, body_down);
			assert_true(x->ended);
			good++;
		} else {
			lost++;
		}
		assert_true(w->side[1].executed[i] <= 1);
	}
	for (size_t i = 0; i < w->side[1].n_seen; i++)
		assert_true(w->side[1].seen[i].closed);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(w->side[i].end.kept_n, 0); /* the session was told of the end of every CON */
		assert_int_equal(w->side[i].end.stale, 0);
	}
	printf("loss %u %%: %u good, %u lost, %.2f datagrams an exchange, %.2f s mean, %.2f s worst\n", loss, good,
	       lost, (double)w->sent / (double)n, (double)sum / n / TH_SEC, (double)worst / TH_SEC);
	if (con)
		assert_true(good >= n - n / 50);
	unmake(w);
}

static void bad_link_small(void **state)
{
	(void)state;
	for (unsigned loss = 0; loss <= 40; loss += 10)
		bad_link(loss, 300, 200, 200, true);
}

static void bad_link_blocks(void **state)
{
	(void)state;
	bad_link(20, 40, 5000, 5000, true);
	bad_link(20, 100, 500, 500, false);
}

/* Every allocation fails in turn: nothing leaks, nothing hangs. */
static void memory_runs_out(void **state)
{
	(void)state;
	for (size_t k = 20; k < 120; k++) {
		struct world *w = make(15);
		struct seen *x;
		th_coap_id id;
		struct th_addr to = addr_of(1);
		const struct th_coap_head head = { .code = TH_COAP_PUT, .confirmable = true };

		w->body_n = 3000;
		start(w);
		w->allocs_left = k - 20;
		if (th_coap_request(w->side[0].c, &to, &head, w->now, &id) == TH_OK) {
			x = add(&w->side[0], id);
			x->want_n = 3000;
			write_on(&w->side[0], x);
			run(w, 20 * TH_SEC);
			w->allocs_left = SIZE_MAX;
			run(w, 2000 * TH_SEC);
			assert_true(x->closed);
		}
		unmake(w);
	}
}

/* Users that walk away, answer early or ask for more from within any event, on a link that also flips bits: whatever
 * happens, all ends, and nothing is left. */
static void chaos(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct world *w = make(seed);

		w->loss = 10;
		w->dup = 10;
		w->mutate = seed % 3 ? 10 : 0;
		w->chaos = 5;
		w->jitter = 300 * TH_MS;
		w->body_n = 3000;
		w->params.szx = 4;
		w->params.max_exchanges = 100;
		w->side[0].greed = 200;
		w->side[1].greed = 200;
		start(w);
		th_coap_require_echo(w->side[1].c, seed % 2);
		for (uint32_t i = 0; i < 60; i++) {
			request(w, i % 2 ? TH_COAP_PUT : TH_COAP_GET, i % 3, i, i % 5 * 700, i % 4 == 0, i % 2);
			run(w, TH_SEC);
		}
		w->chaos = 0;
		for (size_t i = 0; i < w->side[0].n_seen; i++) {
			struct seen *x = &w->side[0].seen[i];

			if (!x->closed && x->observe && i % 2) {
				th_coap_cancel(w->side[0].c, x->id, w->now);
				x->closed = true;
			}
		}
		run(w, 3000 * TH_SEC);
		for (int k = 0; k < 2; k++)
			for (size_t i = 0; i < w->side[k].n_seen; i++)
				assert_true(w->side[k].seen[i].closed || w->side[k].seen[i].observe);
		unmake(w);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_link_small),
		cmocka_unit_test(bad_link_blocks),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(chaos),
	};

	take_named(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
