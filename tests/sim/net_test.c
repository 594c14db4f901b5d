/* The simulator's own test: a link that lies makes every result after it worthless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "sim/net.h"

enum { SENT_MAX = 20000 };

/* Sends numbered datagrams when told, and notes when each one arrived. */
struct dummy {
	struct sim_host host;
	const struct sim_host *peer;
	unsigned to_send, sent, got;
	size_t size;
	th_time at[SENT_MAX];
	unsigned number[SENT_MAX];
};

static void dummy_rx(void *ctx, const struct th_addr *from, const uint8_t *p, size_t n)
{
	struct dummy *d = ctx;

	(void)from;
	assert_true(n >= sizeof(unsigned) && d->got < SENT_MAX);
	memcpy(&d->number[d->got], p, sizeof(unsigned));
	d->at[d->got++] = d->host.clock;
}

static size_t dummy_tx(void *ctx, struct th_addr *to, uint8_t *out, size_t cap)
{
	struct dummy *d = ctx;

	if (d->sent == d->to_send)
		return 0;
	assert_true(d->size <= cap);
	memset(out, 0, d->size);
	memcpy(out, &d->sent, sizeof(unsigned));
	d->sent++;
	*to = d->peer->addr;
	return d->size;
}

static th_time dummy_deadline(void *ctx)
{
	(void)ctx;
	return TH_NEVER;
}

static void dummy_tick(void *ctx)
{
	(void)ctx;
}

struct bench {
	struct sim_net net;
	struct sim_pipe pipe, back;
	struct dummy a, b;
};

static void bench_init(struct bench *t, const struct sim_profile *profile, uint64_t seed)
{
	struct th_addr a = sim_addr(1, 1), b = sim_addr(2, 2);

	memset(t, 0, sizeof(*t));
	sim_net_init(&t->net, seed);
	sim_pipe_init(&t->pipe, &t->net, "a>b", profile);
	sim_pipe_init(&t->back, &t->net, "b>a", NULL);
	sim_host_init(&t->a.host, &t->net, "a", &a, &t->pipe);
	sim_host_init(&t->b.host, &t->net, "b", &b, &t->back);
	t->a.host.machine = (struct sim_machine){ dummy_rx, dummy_tx, dummy_deadline, dummy_tick, &t->a };
	t->b.host.machine = (struct sim_machine){ dummy_rx, dummy_tx, dummy_deadline, dummy_tick, &t->b };
	t->a.peer = &t->b.host;
	t->b.peer = &t->a.host;
	t->a.size = t->b.size = 97; /* 125 bytes with IP and UDP: 1000 bits */
}

static void send(struct bench *t, unsigned n)
{
	t->a.to_send += n;
	sim_net_flush(&t->net);
}

static struct bench bench; /* large */

static void test_rate_is_kept_to_the_nanosecond(void **state)
{
	struct sim_profile p = { .rate_bps = 100, .latency = 50 * TH_MS };

	(void)state;
	bench_init(&bench, &p, 1);
	send(&bench, 3);
	sim_net_run(&bench.net, 100 * TH_SEC);
	assert_int_equal(bench.b.got, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(bench.b.at[i], (i + 1) * 10 * TH_SEC + 50 * TH_MS);
	assert_int_equal(bench.pipe.counts[SIM_SENT].bytes, 3 * 125);
	assert_int_equal(bench.net.now, 100 * TH_SEC);
	sim_net_free(&bench.net);
}

static void test_instant_link_keeps_order(void **state)
{
	(void)state;
	bench_init(&bench, NULL, 1);
	send(&bench, 5000);
	sim_net_run(&bench.net, TH_SEC);
	assert_int_equal(bench.b.got, 5000);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(bench.b.number[i], i);
	sim_net_free(&bench.net);
}

static void test_loss_and_doubling_come_out_as_asked(void **state)
{
	struct sim_profile p = { .loss_permille = 400, .dup_permille = 50 };
	uint64_t lost;

	(void)state;
	bench_init(&bench, &p, 7);
	send(&bench, 10000);
	sim_net_run(&bench.net, TH_SEC);
	lost = bench.pipe.counts[SIM_LOST].dgrams;
	assert_in_range(lost, 3850, 4150);
	assert_in_range(bench.pipe.counts[SIM_DOUBLED].dgrams, 240, 360);
	assert_int_equal(bench.b.got, 10000 - lost + bench.pipe.counts[SIM_DOUBLED].dgrams);
	sim_net_free(&bench.net);
}

static void test_jitter_stays_in_bounds_and_reorders_unless_told(void **state)
{
	struct sim_profile p = { .latency = 100 * TH_MS, .jitter_percent = 40 };
	unsigned overtaken = 0;

	(void)state;
	for (int in_order = 0; in_order < 2; in_order++) {
		p.in_order = in_order != 0;
		bench_init(&bench, &p, 3);
		send(&bench, 1000);
		sim_net_run(&bench.net, TH_SEC);
		assert_int_equal(bench.b.got, 1000);
		overtaken = 0;
		for (unsigned i = 0; i < 1000; i++) {
			assert_in_range(bench.b.at[i], 60 * TH_MS, 140 * TH_MS + 1000);
			overtaken += i > 0 && bench.b.number[i] < bench.b.number[i - 1];
		}
		assert_true(in_order ? overtaken == 0 : overtaken > 300);
		sim_net_free(&bench.net);
	}
}

static void test_queue_drops_its_tail(void **state)
{
	struct sim_profile p = { .rate_bps = 1000, .queue_bytes = 1000 };

	(void)state;
	bench_init(&bench, &p, 1);
	send(&bench, 20);
	sim_net_run(&bench.net, 100 * TH_SEC);
	assert_int_equal(bench.b.got, 8); /* eight times 125 bytes */
	assert_int_equal(bench.pipe.counts[SIM_OVERFLOW].dgrams, 12);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(bench.b.number[i], i);
	sim_net_free(&bench.net);
}

static void test_bursts_lose_in_runs(void **state)
{
	struct sim_profile p = { .burst_enter_permille = 10, .burst_leave_permille = 100, .burst_loss_permille = 1000 };
	unsigned lost, runs = 0;

	(void)state;
	bench_init(&bench, &p, 5);
	send(&bench, 10000);
	sim_net_run(&bench.net, TH_SEC);
	lost = (unsigned)bench.pipe.counts[SIM_LOST].dgrams;
	for (unsigned i = 1; i < bench.b.got; i++)
		runs += bench.b.number[i] != bench.b.number[i - 1] + 1;
	assert_in_range(lost, 500, 1500);    /* 1/11 of the time is bad */
	assert_in_range(lost / runs, 7, 13); /* ten in a row */
	sim_net_free(&bench.net);
}

static void test_outage_loses_what_is_under_way(void **state)
{
	struct sim_profile p = { .rate_bps = 1000, .latency = 500 * TH_MS };

	(void)state;
	bench_init(&bench, &p, 1);
	sim_pipe_outage(&bench.pipe, 3 * TH_SEC, 5 * TH_SEC);
	send(&bench, 10); /* one departs each second */
	sim_net_run(&bench.net, 100 * TH_SEC);
	assert_int_equal(bench.pipe.counts[SIM_OUTAGE].dgrams, 2);
	assert_int_equal(bench.b.got, 8);
	assert_int_equal(bench.b.number[1], 1);
	assert_int_equal(bench.b.number[2], 4);
	sim_net_free(&bench.net);
}

static void test_rebind_moves_the_address(void **state)
{
	struct th_addr fresh = sim_addr(9, 9);

	(void)state;
	bench_init(&bench, NULL, 1);
	send(&bench, 1);
	sim_host_rebind(&bench.b.host, &fresh); /* on its way to the old one */
	sim_net_run(&bench.net, TH_SEC);
	assert_int_equal(bench.b.got, 0);
	assert_int_equal(bench.pipe.counts[SIM_UNROUTED].dgrams, 1);
	send(&bench, 1);
	sim_net_run(&bench.net, 2 * TH_SEC);
	assert_int_equal(bench.b.got, 1);
	sim_net_free(&bench.net);
}

static void test_pipes_in_a_row_add_up(void **state)
{
	struct sim_profile slow = { .rate_bps = 1000 }, far = { .latency = 250 * TH_MS };
	struct sim_pipe second;

	(void)state;
	bench_init(&bench, &slow, 1);
	sim_pipe_init(&second, &bench.net, "second", &far);
	bench.pipe.next = &second;
	send(&bench, 2);
	sim_net_run(&bench.net, 10 * TH_SEC);
	assert_int_equal(bench.b.got, 2);
	assert_int_equal(bench.b.at[0], TH_SEC + 250 * TH_MS);
	assert_int_equal(bench.b.at[1], 2 * TH_SEC + 250 * TH_MS);
	sim_net_free(&bench.net);
}

static void test_skewed_clock_is_the_hosts_own(void **state)
{
	(void)state;
	bench_init(&bench, NULL, 1);
	sim_host_jump(&bench.b.host, 3600 * TH_SEC);
	send(&bench, 1);
	sim_net_run(&bench.net, TH_SEC);
	assert_in_range(bench.b.at[0], 3600 * TH_SEC, 3600 * TH_SEC + 10);
	assert_int_equal(bench.net.now, TH_SEC);
	sim_net_free(&bench.net);
}

static uint64_t fingerprint(uint64_t seed)
{
	struct sim_profile p = {
		.rate_bps = 50000,
		.latency = 80 * TH_MS,
		.jitter_percent = 50,
		.loss_permille = 200,
		.dup_permille = 50,
		.reorder_permille = 100,
		.reorder_delay = 200 * TH_MS,
		.queue_bytes = 20000,
	};
	uint64_t sum = 0;

	bench_init(&bench, &p, seed);
	for (int i = 0; i < 20; i++) {
		send(&bench, 50);
		sim_net_run(&bench.net, bench.net.now + TH_SEC / 2);
	}
	for (unsigned i = 0; i < bench.b.got; i++)
		sum = sum * 31 + bench.b.at[i] + bench.b.number[i];
	sim_net_free(&bench.net);
	return sum;
}

static void test_same_seed_same_run(void **state)
{
	(void)state;
	assert_true(fingerprint(11) == fingerprint(11));
	assert_true(fingerprint(11) != fingerprint(12));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_is_kept_to_the_nanosecond),
		cmocka_unit_test(test_instant_link_keeps_order),
		cmocka_unit_test(test_loss_and_doubling_come_out_as_asked),
		cmocka_unit_test(test_jitter_stays_in_bounds_and_reorders_unless_told),
		cmocka_unit_test(test_queue_drops_its_tail),
		cmocka_unit_test(test_bursts_lose_in_runs),
		cmocka_unit_test(test_outage_loses_what_is_under_way),
		cmocka_unit_test(test_rebind_moves_the_address),
		cmocka_unit_test(test_pipes_in_a_row_add_up),
		cmocka_unit_test(test_skewed_clock_is_the_hosts_own),
		cmocka_unit_test(test_same_seed_same_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
