/* The emulator on virtual time: a link that lies makes every figure taken over it worthless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"

#include "rig.h"

static struct rig rig; /* large */

static int teardown(void **state)
{
	(void)state;
	rig_balance(&rig);
	rig_free(&rig);
	return 0;
}

static void send_many(enum th_emu_way way, size_t bytes, unsigned n)
{
	while (n-- > 0)
		rig_send(&rig, way, bytes);
}

static void test_rate_is_exact(void **state)
{
	static const uint64_t rates[] = { 100, 300, 1000, 50000, 1000000, 123457 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		enum { N = 400, BYTES = 125 };
		char line[64];
		th_time want;

		rig_init(&rig, 1);
		snprintf(line, sizeof(line), "set rate %llu", (unsigned long long)rates[i]);
		rig_do(&rig, line);
		rig_do(&rig, "set latency 50ms");
		send_many(TH_EMU_UP, BYTES, N);
		rig_run(&rig, 100000 * TH_SEC);
		assert_int_equal(rig.n, N);
		for (unsigned k = 0; k < N; k++) {
			assert_int_equal(rig.got[k].number, k);
			want = (th_time)(k + 1) * BYTES * 8 * TH_SEC / rates[i] + 50 * TH_MS;
			/* less than a nanosecond is lost for each datagram */
			assert_in_range(rig.got[k].at, want - (k + 1), want);
		}
		rig_balance(&rig);
		if (i + 1 < sizeof(rates) / sizeof(rates[0]))
			rig_free(&rig);
	}
}

/* 100 bit/s stays 100.00 when datagrams come in their own time and whoever runs the emulator is always late. */
static void test_late_caller_does_not_slow_the_link(void **state)
{
	struct th_emu_stats s;

	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set rate 100");
	for (unsigned i = 0; i < 60; i++) {
		rig_run(&rig, i * 7 * TH_SEC + i % 3 * TH_MS);
		rig_send(&rig, TH_EMU_UP, 125);
	}
	rig_run(&rig, 599 * TH_SEC + 999 * TH_MS);
	assert_int_equal(rig.n, 59);
	rig_run(&rig, 600 * TH_SEC);
	assert_int_equal(rig.n, 60);
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(rig.got[i].at, (i + 1) * 10 * TH_SEC);
	s = rig_stats(&rig, TH_EMU_UP);
	assert_int_equal(s.airtime, 600 * TH_SEC);
	assert_int_equal(s.elapsed, 600 * TH_SEC);
	assert_int_equal(s.counts[TH_EMU_DELIVERED].bytes, 60 * 125);
	assert_int_equal(rig_stats(&rig, TH_EMU_DOWN).airtime, 0);
}

static void test_unlimited_link_is_instant_and_in_order(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	send_many(TH_EMU_DOWN, 100, 5000);
	assert_int_equal(rig.n, 5000);
	assert_int_equal(th_emu_deadline(&rig.control.emu), TH_NEVER);
	for (unsigned i = 0; i < 5000; i++) {
		assert_int_equal(rig.got[i].number, i);
		assert_int_equal(rig.got[i].at, 0);
	}
}

static void test_headers_count(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set rate 8000"); /* a byte each millisecond */
	rig.control.emu.overhead = 48; /* IPv6 */
	th_emu_enter(&rig.control.emu, TH_EMU_UP, 1, (const uint8_t[]){ 0, 0, 0, 0, 0, 0, 0, 0 }, 8, 0);
	rig_run(&rig, TH_SEC);
	assert_int_equal(rig.got[0].at, 56 * TH_MS);
	assert_int_equal(rig_stats(&rig, TH_EMU_UP).counts[TH_EMU_DELIVERED].bytes, 56);
	rig_free(&rig);
}

static void loss_figure(const char *setting, unsigned least, unsigned most)
{
	rig_init(&rig, 42);
	rig_do(&rig, setting);
	send_many(TH_EMU_UP, 100, 100000);
	assert_in_range(rig.seen[TH_EMU_LOST], least, most);
	assert_int_equal(rig.n, 100000 - rig.seen[TH_EMU_LOST]);
	rig_balance(&rig);
	rig_free(&rig);
}

/* Four standard deviations of 100,000 throws. */
static void test_loss_figures(void **state)
{
	(void)state;
	loss_figure("set loss 0", 0, 0);
	loss_figure("set loss 0.1 %", 60, 140);
	loss_figure("set loss 10 %", 9620, 10380);
	loss_figure("set loss 20 %", 19494, 20506);
	loss_figure("set loss 50 %", 49367, 50633);
	loss_figure("set loss 100 %", 100000, 100000);
	rig_init(&rig, 1);
}

static void test_lost_ones_use_airtime(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set rate 1000");
	rig_do(&rig, "set loss 100 %");
	send_many(TH_EMU_UP, 125, 5);
	rig_run(&rig, 10 * TH_SEC);
	assert_int_equal(rig.n, 0);
	assert_int_equal(rig_stats(&rig, TH_EMU_UP).airtime, 5 * TH_SEC);
}

static void test_bursts_lose_in_runs(void **state)
{
	uint64_t runs = 0, lost;

	(void)state;
	rig_init(&rig, 5);
	rig_do(&rig, "set burst-enter 1 %");
	rig_do(&rig, "set burst-leave 10 %");
	rig_do(&rig, "set burst-loss 100 %");
	send_many(TH_EMU_UP, 100, 100000);
	lost = rig.seen[TH_EMU_LOST];
	for (size_t i = 1; i < rig.n; i++)
		runs += rig.got[i].number != rig.got[i - 1].number + 1;
	assert_in_range(lost, 8200, 10000);	    /* 1/11 of the time is bad */
	assert_in_range(lost * 10 / runs, 92, 108); /* ten in a row */
}

static void test_jitter_keeps_order_unless_told(void **state)
{
	static const char *const settings[][2] = { { "set jitter 40 %", "set jitter-reorders false" },
						   { "set jitter 40 %", "set jitter-reorders true" },
						   { "set jitter 40 ms", "set jitter-reorders true" } };

	(void)state;
	for (int i = 0; i < 3; i++) {
		unsigned overtaken = 0;
		th_time sum = 0, least = TH_NEVER, most = 0;

		rig_init(&rig, 3);
		rig_do(&rig, "set latency 100 ms");
		rig_do(&rig, settings[i][0]);
		rig_do(&rig, settings[i][1]);
		send_many(TH_EMU_UP, 100, 10000);
		rig_run(&rig, TH_SEC);
		assert_int_equal(rig.n, 10000);
		for (size_t k = 0; k < rig.n; k++) {
			sum += rig.got[k].at;
			least = th_time_min(least, rig.got[k].at);
			most = rig.got[k].at > most ? rig.got[k].at : most;
			overtaken += k > 0 && rig.got[k].number < rig.got[k - 1].number;
		}
		assert_in_range(least, 60 * TH_MS, 140 * TH_MS);
		assert_in_range(most, 139 * TH_MS, 140 * TH_MS + 10000);
		if (i == 0) {
			assert_int_equal(overtaken, 0);
		} else {
			assert_true(overtaken > 3000);
			assert_in_range(sum / rig.n, 99 * TH_MS, 101 * TH_MS); /* uniform around the latency */
			assert_true(least < 61 * TH_MS);
		}
		rig_balance(&rig);
		rig_free(&rig);
	}
	rig_init(&rig, 1);
}

static void test_jitter_never_goes_below_nothing(void **state)
{
	(void)state;
	rig_init(&rig, 3);
	rig_do(&rig, "set latency 10 ms");
	rig_do(&rig, "set jitter 1 s");
	rig_do(&rig, "set jitter-reorders yes");
	send_many(TH_EMU_UP, 100, 1000);
	rig_run(&rig, 2 * TH_SEC);
	assert_int_equal(rig.n, 1000);
	assert_in_range(rig.got[999].at, TH_SEC, 1010 * TH_MS);
}

static void test_duplicates(void **state)
{
	(void)state;
	rig_init(&rig, 9);
	rig_do(&rig, "set duplicate 5 %");
	rig_do(&rig, "set rate 8000");
	rig_do(&rig, "set queue-packets 0");
	send_many(TH_EMU_UP, 100, 10000);
	rig_run(&rig, 2000 * TH_SEC);
	assert_in_range(rig.seen[TH_EMU_DOUBLED], 413, 587);
	assert_int_equal(rig.n, 10000 + rig.seen[TH_EMU_DOUBLED]);
	assert_int_equal(rig_stats(&rig, TH_EMU_UP).airtime, 1000 * TH_SEC); /* copies use none */
}

static void test_reordering_holds_back_and_lets_pass(void **state)
{
	unsigned late = 0;

	(void)state;
	rig_init(&rig, 9);
	rig_do(&rig, "set latency 10 ms");
	rig_do(&rig, "set reorder 10 %");
	rig_do(&rig, "set reorder-delay 5 ms");
	for (unsigned i = 0; i < 10000; i++) {
		rig_run(&rig, i * TH_MS);
		rig_send(&rig, TH_EMU_UP, 100);
	}
	rig_run(&rig, 20 * TH_SEC);
	assert_int_equal(rig.n, 10000);
	for (size_t i = 0; i < rig.n; i++) {
		th_time took = rig.got[i].at - rig.got[i].number * TH_MS;

		assert_true(took == 10 * TH_MS || took == 15 * TH_MS);
		late += took == 15 * TH_MS;
	}
	assert_in_range(late, 880, 1120);
}

static void test_queue_drops_its_tail(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set rate 1000");
	rig_do(&rig, "set queue-bytes 1000");
	send_many(TH_EMU_UP, 125, 20); /* one on the air, eight wait */
	assert_int_equal(rig.seen[TH_EMU_OVERFLOW], 11);
	rig_run(&rig, 3 * TH_SEC + 1);
	send_many(TH_EMU_UP, 125, 5); /* three have gone */
	assert_int_equal(rig.seen[TH_EMU_OVERFLOW], 13);
	rig_run(&rig, 100 * TH_SEC);
	assert_int_equal(rig.n, 12);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(rig.got[i].number, i);
	rig_do(&rig, "set queue-bytes 0");
	rig_do(&rig, "set queue-packets 2");
	send_many(TH_EMU_UP, 125, 5);
	assert_int_equal(rig.seen[TH_EMU_OVERFLOW], 15);
	assert_int_equal(rig_stats(&rig, TH_EMU_UP).waiting.dgrams, 2);
	rig_run(&rig, 200 * TH_SEC);
	rig_do(&rig, "set queue-bytes 10"); /* smaller than any: what can be sent at once still is */
	send_many(TH_EMU_UP, 125, 2);
	assert_int_equal(rig.seen[TH_EMU_OVERFLOW], 16);
	assert_int_equal(rig_stats(&rig, TH_EMU_UP).waited_max, 8 * TH_SEC);
}

static void test_mtu(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set mtu 255");
	rig_send(&rig, TH_EMU_UP, 255);
	rig_send(&rig, TH_EMU_UP, 256);
	rig_send(&rig, TH_EMU_UP, 65535);
	assert_int_equal(rig.n, 1);
	assert_int_equal(rig.seen[TH_EMU_TOO_LARGE], 2);
}

static void test_outage_loses_what_is_sent_or_under_way(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set rate 1000");
	rig_do(&rig, "set latency 500 ms");
	rig_do(&rig, "at 3s down");
	rig_do(&rig, "at 5 s up");
	send_many(TH_EMU_UP, 125, 10); /* one departs each second */
	rig_run(&rig, 100 * TH_SEC);
	/* the third departs at 3 s; the fourth and fifth are sent into the void, the fifth ends as it comes back */
	assert_int_equal(rig.seen[TH_EMU_OUTAGE], 3);
	assert_int_equal(rig.n, 7);
	assert_int_equal(rig.got[1].number, 1);
	assert_int_equal(rig.got[2].number, 5);
	assert_int_equal(rig.told, 2);
	assert_int_equal(rig_stats(&rig, TH_EMU_UP).airtime, 10 * TH_SEC);
}

/* Down and up again while a datagram is under way: it is lost all the same. */
static void test_short_outage(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set latency 1 s");
	rig_send(&rig, TH_EMU_UP, 100);
	rig_send(&rig, TH_EMU_DOWN, 100);
	rig_run(&rig, 100 * TH_MS);
	rig_do(&rig, "set up.outage true");
	rig_do(&rig, "set up.outage false");
	rig_send(&rig, TH_EMU_UP, 100);
	rig_run(&rig, 10 * TH_SEC);
	assert_int_equal(rig.n, 2);
	assert_int_equal(rig.got[0].way, TH_EMU_DOWN);
	assert_int_equal(rig.got[1].number, 2);
}

static void test_directions_are_their_own(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set up.rate 100");
	rig_do(&rig, "set down.rate 1000");
	rig_send(&rig, TH_EMU_UP, 125);
	rig_send(&rig, TH_EMU_DOWN, 125);
	rig_run(&rig, 100 * TH_SEC);
	assert_int_equal(rig.got[0].way, TH_EMU_DOWN);
	assert_int_equal(rig.got[0].at, TH_SEC);
	assert_int_equal(rig.got[1].at, 10 * TH_SEC);
}

static void test_half_duplex_takes_turns(void **state)
{
	static const th_time want[] = { 1000, 3500, 6000, 7000 }; /* ms */

	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set rate 1000");
	rig_do(&rig, "set half-duplex true");
	rig_do(&rig, "set turnaround 1500 ms");
	rig_send(&rig, TH_EMU_UP, 125);
	rig_send(&rig, TH_EMU_DOWN, 125);
	rig_send(&rig, TH_EMU_UP, 125);
	rig_send(&rig, TH_EMU_UP, 125);
	rig_run(&rig, 100 * TH_SEC);
	assert_int_equal(rig.n, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(rig.got[i].number, i);
		assert_int_equal(rig.got[i].at, want[i] * TH_MS);
	}
	rig_send(&rig, TH_EMU_DOWN, 125); /* silence was long enough */
	rig_run(&rig, 200 * TH_SEC);
	assert_int_equal(rig.got[4].at, 101 * TH_SEC);
	assert_int_equal(rig_stats(&rig, TH_EMU_UP).airtime + rig_stats(&rig, TH_EMU_DOWN).airtime, 5 * TH_SEC);
}

static void test_rate_changes_hold_for_the_next(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set rate 100");
	send_many(TH_EMU_UP, 125, 3);
	rig_run(&rig, 5 * TH_SEC);
	rig_do(&rig, "set rate 1000");
	rig_run(&rig, 100 * TH_SEC);
	assert_int_equal(rig.got[0].at, 10 * TH_SEC);
	assert_int_equal(rig.got[1].at, 11 * TH_SEC);
	assert_int_equal(rig.got[2].at, 12 * TH_SEC);
}

static void test_reset_counts_anew(void **state)
{
	struct th_emu_stats s;

	(void)state;
	rig_init(&rig, 1);
	rig_do(&rig, "set rate 1000");
	send_many(TH_EMU_UP, 125, 4);
	rig_run(&rig, 1500 * TH_MS);
	s = rig_stats(&rig, TH_EMU_UP);
	assert_int_equal(s.airtime, 1500 * TH_MS);
	assert_int_equal(s.under_way.dgrams, 1);
	rig_do(&rig, "reset");
	rig_run(&rig, 4500 * TH_MS);
	s = rig_stats(&rig, TH_EMU_UP);
	assert_int_equal(s.airtime, 2500 * TH_MS);
	assert_int_equal(s.elapsed, 3000 * TH_MS);
	assert_int_equal(s.entered.dgrams, 0);
	assert_int_equal(s.counts[TH_EMU_DELIVERED].dgrams, 3);
	rig_free(&rig);
	rig_init(&rig, 1); /* after a reset the balance is another */
}

/* The n-th datagram of a direction meets the same fate whatever else happens, and another with another seed. */
static void test_seed_decides(void **state)
{
	static uint64_t first[RIG_MAX];
	size_t n = 0, same = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		rig_init(&rig, i == 2 ? 8 : 7);
		rig_do(&rig, "preset hf");
		rig_do(&rig, "set half-duplex false");
		rig_do(&rig, "set queue-bytes 0");
		for (unsigned k = 0; k < 2000; k++) {
			rig_run(&rig, k * (i == 1 ? 17 : 3) * TH_SEC);
			rig_send(&rig, TH_EMU_UP, 100);
			if (i == 1)
				send_many(TH_EMU_DOWN, 60, 2);
		}
		rig_run(&rig, 1000000 * TH_SEC);
		for (size_t k = 0, up = 0; k < rig.n; k++) {
			uint64_t number = rig.got[k].number / (i == 1 ? 3 : 1);

			if (rig.got[k].way != TH_EMU_UP)
				continue;
			if (i == 0)
				first[n++] = number;
			else if (i == 1)
				assert_int_equal(number, first[up]);
			else
				same += up < n && number == first[up];
			up++;
		}
		rig_balance(&rig);
		rig_free(&rig);
	}
	assert_in_range(n, 1800, 1900);
	assert_true(same < n / 2);
	rig_init(&rig, 1);
}

/* What must hold whatever is set and sent; the seed is printed. */
static void test_random_links_balance(void **state)
{
	static const char *const changes[] = {
		"set rate 1000",
		"set rate unlimited",
		"set latency 300 ms",
		"set jitter 50 %",
		"set loss 30 %",
		"set duplicate 20 %",
		"set reorder 20 %",
		"set reorder-delay 1 s",
		"set queue-packets 3",
		"set mtu 500",
		"down",
		"up",
		"set half-duplex yes",
		"set half-duplex no",
		"preset lora",
		"set down.rate 50",
		"set burst-enter 10 %",
		"set burst-leave 30 %",
		"set burst-loss 90 %",
		"set jitter-reorders yes",
		"rebind",
		"preset geo",
		"set turnaround 2 s",
	};
	const char *given = getenv("SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : 1;

	(void)state;
	for (uint64_t round = 0; round < 200; round++, seed++) {
		uint64_t s = seed;
		struct th_rng r = th_rng_seeded(&s);
		size_t last = 0;

		rig_init(&rig, seed);
		for (int step = 0; step < 300; step++) {
			if (th_rng_below(&r, 10) == 0)
				rig_do(&rig, changes[th_rng_below(&r, sizeof(changes) / sizeof(changes[0]))]);
			if (th_rng_below(&r, 2) == 0)
				rig_send(&rig, th_rng_below(&r, 2) ? TH_EMU_UP : TH_EMU_DOWN,
					 40 + th_rng_below(&r, 600));
			rig_run(&rig, rig.now + th_rng_below(&r, 2 * TH_SEC));
			rig_balance(&rig);
			for (; last + 1 < rig.n; last++)
				if (rig.got[last].at > rig.got[last + 1].at)
					fail_msg("SEED=%llu: time goes back", (unsigned long long)seed);
			if (th_emu_control_deadline(&rig.control) <= rig.now)
				fail_msg("SEED=%llu: deadline in the past", (unsigned long long)seed);
		}
		rig_do(&rig, "up");
		rig_run(&rig, rig.now + 1000000 * TH_SEC);
		assert_int_equal(rig_stats(&rig, TH_EMU_UP).waiting.dgrams, 0);
		assert_int_equal(rig_stats(&rig, TH_EMU_UP).under_way.dgrams, 0);
		assert_int_equal(rig.control.emu.held, 0);
		rig_free(&rig);
	}
	rig_init(&rig, 1);
}

static void *no_memory(void *ctx, size_t n)
{
	unsigned *left = ctx;

	return (*left)-- == 1 ? NULL : calloc(1, n);
}

static void give_back(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

/* Each allocation fails in turn: datagrams are counted as dropped, nothing is lost track of. */
static void test_without_memory(void **state)
{
	unsigned left;
	const struct th_mem mem = { no_memory, give_back, &left };

	(void)state;
	for (unsigned k = 1; k < 60; k++) {
		left = k;
		rig_init(&rig, 1);
		rig.control.emu.mem = &mem;
		th_heap_init(&rig.control.emu.events, &mem);
		rig_do(&rig, "set rate 8000");
		rig_do(&rig, "set latency 30 ms");
		rig_do(&rig, "set duplicate 50 %");
		send_many(TH_EMU_UP, 100, 20);
		rig_run(&rig, 10 * TH_SEC);
		rig_balance(&rig);
		assert_int_equal(rig.control.emu.held, 0);
		rig_free(&rig);
	}
	rig_init(&rig, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_rate_is_exact, teardown),
		cmocka_unit_test_teardown(test_late_caller_does_not_slow_the_link, teardown),
		cmocka_unit_test_teardown(test_unlimited_link_is_instant_and_in_order, teardown),
		cmocka_unit_test(test_headers_count),
		cmocka_unit_test_teardown(test_loss_figures, teardown),
		cmocka_unit_test_teardown(test_lost_ones_use_airtime, teardown),
		cmocka_unit_test_teardown(test_bursts_lose_in_runs, teardown),
		cmocka_unit_test_teardown(test_jitter_keeps_order_unless_told, teardown),
		cmocka_unit_test_teardown(test_jitter_never_goes_below_nothing, teardown),
		cmocka_unit_test_teardown(test_duplicates, teardown),
		cmocka_unit_test_teardown(test_reordering_holds_back_and_lets_pass, teardown),
		cmocka_unit_test_teardown(test_queue_drops_its_tail, teardown),
		cmocka_unit_test_teardown(test_mtu, teardown),
		cmocka_unit_test_teardown(test_outage_loses_what_is_sent_or_under_way, teardown),
		cmocka_unit_test_teardown(test_short_outage, teardown),
		cmocka_unit_test_teardown(test_directions_are_their_own, teardown),
		cmocka_unit_test_teardown(test_half_duplex_takes_turns, teardown),
		cmocka_unit_test_teardown(test_rate_changes_hold_for_the_next, teardown),
		cmocka_unit_test_teardown(test_reset_counts_anew, teardown),
		cmocka_unit_test_teardown(test_seed_decides, teardown),
		cmocka_unit_test_teardown(test_random_links_balance, teardown),
		cmocka_unit_test_teardown(test_without_memory, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
