/* How many exchanges two engines do in a second, without a link between them. */
#include <time.h>

#include "pair.h"

static void speed(void **state)
{
	struct world *w;
	const unsigned n = 200000;
	struct timespec a, b;
	double seconds;

	(void)state;
	w = make(16);
	w->params.max_latency = 100 * TH_MS;
	w->params.ack_timeout = 100 * TH_MS;
	w->body_n = 100;
	start(w);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (unsigned i = 0; i < n; i++) {
		struct seen *x;
		uint8_t out[MESSAGE_MAX];
		struct th_addr to, zero = addr_of(0), one = addr_of(1);
		size_t len;

		w->side[0].n_seen = w->side[1].n_seen = 0;
		x = request(w, TH_COAP_POST, true, 7, 100, false, false);
		len = th_coap_tx(w->side[0].c, &to, out, sizeof(out), w->now);
		th_coap_rx(w->side[1].c, &zero, out, len, w->now);
		len = th_coap_tx(w->side[1].c, &to, out, sizeof(out), w->now);
		th_coap_rx(w->side[0].c, &one, out, len, w->now);
		assert_true(x->closed);
		w->now += 50 * TH_US;
		th_coap_tick(w->side[0].c, w->now);
		th_coap_tick(w->side[1].c, w->now);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%.0f exchanges a second\n", n / seconds);
	unmake(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
