/* Link profiles: their bytes, what both ends make of them, the times that follow. */
#include "unit.h"

#include "coap/profile.h"

static void nothing_known_is_one_byte(void **state)
{
	struct th_link_profile l = { .blocks = true }, back;
	uint8_t bytes[TH_LINK_PROFILE_BYTES];

	(void)state;
	assert_int_equal(th_link_profile_write(&l, bytes), 1);
	assert_int_equal(bytes[0], 2);
	assert_int_equal(th_link_profile_read(&back, bytes, 1), TH_OK);
	assert_true(back.blocks && !back.ours && !back.up_bps && !back.down_bps && !back.latency && !back.mtu);
}

/* docs/protocol.md has this example. */
static void the_example_of_the_page(void **state)
{
	static const uint8_t want[] = { 0x17, 0x37, 0x7c, 0x44, 0x0f };
	const struct th_link_profile l = { .up_bps = 100,
					   .down_bps = 100,
					   .latency = 4 * TH_SEC,
					   .jitter_percent = 40,
					   .loss_percent = 20,
					   .mtu = 250,
					   .ours = true,
					   .blocks = true };
	uint8_t bytes[TH_LINK_PROFILE_BYTES];

	(void)state;
	assert_int_equal(th_link_profile_write(&l, bytes), sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want));
}

/* The rate down and the largest datagram cost a byte where there is something to say. */
static void what_is_usual_is_not_written(void **state)
{
	static const struct {
		struct th_link_profile l;
		size_t n;
	} cases[] = {
		{ { .up_bps = 100, .down_bps = 100 }, 4 },
		{ { .up_bps = 100, .down_bps = 200 }, 5 },
		{ { .up_bps = 100 }, 5 },
		{ { .down_bps = 100 }, 5 },
		{ { .up_bps = 100, .down_bps = 100, .mtu = 250 }, 5 },
		{ { .mtu = 250 }, 5 },
		{ { .up_bps = 100, .down_bps = 200, .mtu = 250 }, 6 },
		{ { .loss_percent = 5 }, 4 },
		{ { .up_bps = 1, .down_bps = 2 }, 5 },
	};
	struct th_link_profile back;
	uint8_t bytes[TH_LINK_PROFILE_BYTES];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		size_t n = th_link_profile_write(&cases[i].l, bytes);

		assert_int_equal(n, cases[i].n);
		assert_int_equal(th_link_profile_read(&back, bytes, n), TH_OK);
		assert_int_equal(!back.up_bps, !cases[i].l.up_bps);
		assert_int_equal(back.down_bps == back.up_bps, cases[i].l.down_bps == cases[i].l.up_bps);
		assert_int_equal(back.mtu, cases[i].l.mtu / 16 * 16);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(th_link_profile_read(&back, bytes, k), TH_ERR_MALFORMED);
	}
}

/* Rounding loses less than a step, and only once. */
static void values_survive_to_a_step(void **state)
{
	uint64_t state64 = unit_seed("profile", 1);
	struct th_rng rng = th_rng_seeded(&state64);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct th_link_profile l = {
			.up_bps = 1 + th_rng_below(&rng, (uint64_t)1 << th_rng_below(&rng, 31)),
			.down_bps = 1 + th_rng_below(&rng, (uint64_t)1 << th_rng_below(&rng, 31)),
			.latency = th_rng_below(&rng, 20 * TH_SEC),
			.jitter_percent = (unsigned)th_rng_below(&rng, 150),
			.loss_percent = (unsigned)th_rng_below(&rng, 75),
		};
		struct th_link_profile a, b;
		uint8_t bytes[TH_LINK_PROFILE_BYTES], again[TH_LINK_PROFILE_BYTES];
		size_t n = th_link_profile_write(&l, bytes);

		assert_int_equal(th_link_profile_read(&a, bytes, n), TH_OK);
		assert_true(a.up_bps >= l.up_bps && a.up_bps <= l.up_bps + l.up_bps / 8 + 1);
		assert_true(a.latency >= l.latency && a.latency <= l.latency + l.latency / 8 + 200 * TH_US);
		assert_true(a.jitter_percent >= l.jitter_percent && a.jitter_percent < l.jitter_percent + 10);
		assert_true(a.loss_percent >= l.loss_percent && a.loss_percent < l.loss_percent + 5);
		assert_int_equal(th_link_profile_write(&a, again), n);
		assert_memory_equal(again, bytes, n);
		assert_int_equal(th_link_profile_read(&b, again, n), TH_OK);
		assert_true(a.up_bps == b.up_bps && a.down_bps == b.down_bps && a.latency == b.latency);
	}
}

static void what_is_no_profile_is_refused(void **state)
{
	static const struct {
		uint8_t p[8];
		size_t n;
	} cases[] = {
		{ { 0 }, 0 },
		{ { 4, 1, 1 }, 3 },	   /* cut short */
		{ { 4, 1, 1, 0, 0 }, 5 },  /* a byte left over */
		{ { 4, 0, 0, 0 }, 4 },	   /* nothing, said at length */
		{ { 8 }, 1 },		   /* a rate down without one up */
		{ { 12, 1, 1, 1, 0 }, 5 }, /* the same rate twice */
		{ { 12, 0, 0, 0, 0 }, 5 },
		{ { 16 }, 1 },
		{ { 20, 1, 1, 0, 0 }, 5 }, /* no largest datagram */
		{ { 28, 1, 2, 1, 0, 7, 7 }, 7 },
		{ { 0x20 }, 1 },
		{ { 0x40 }, 1 },
		{ { 0x80 }, 1 },
	};
	struct th_link_profile l = { .mtu = 7 };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++)
		assert_int_equal(th_link_profile_read(&l, cases[i].p, cases[i].n), TH_ERR_MALFORMED);
	assert_int_equal(l.mtu, 7); /* all or nothing */
}

/* Each end joins what it knows with what it was told: both must find the same times. */
static void both_ends_derive_the_same(void **state)
{
	const struct th_coap_params *p = &th_coap_params_default;
	const struct th_link_profile thin = { .up_bps = 137,
					      .down_bps = 1203,
					      .latency = 3217 * TH_MS,
					      .jitter_percent = 33,
					      .ours = true,
					      .blocks = true };
	const struct th_link_profile knows_nothing = { .blocks = true };
	struct th_link_profile told_thin, told_nothing, a, b;
	struct th_coap_times ta, tb;
	uint8_t bytes[TH_LINK_PROFILE_BYTES];

	(void)state;
	assert_int_equal(th_link_profile_read(&told_thin, bytes, th_link_profile_write(&thin, bytes)), TH_OK);
	assert_int_equal(th_link_profile_read(&told_nothing, bytes, th_link_profile_write(&knows_nothing, bytes)),
			 TH_OK);
	a = th_link_profile_join(&thin, &told_nothing);
	b = th_link_profile_join(&knows_nothing, &told_thin);
	assert_true(a.up_bps == b.down_bps && a.down_bps == b.up_bps && a.latency == b.latency && a.ours && b.ours);
	assert_true(a.blocks && b.blocks);
	th_coap_times_of(&ta, &a, p);
	th_coap_times_of(&tb, &b, p);
	assert_memory_equal(&ta, &tb, sizeof(ta));
}

static void times_follow_from_the_link(void **state)
{
	const struct th_coap_params *p = &th_coap_params_default;
	const struct th_link_profile thin = {
		.up_bps = 100, .down_bps = 100, .latency = 4 * TH_SEC, .jitter_percent = 40, .ours = true
	};
	const struct th_link_profile fast = {
		.up_bps = 1000000, .down_bps = 1000000, .latency = 10 * TH_MS, .ours = true
	};
	const struct th_link_profile unknown = { 0 };
	struct th_coap_times none, t, f, u;

	(void)state;
	th_coap_times_of(&none, NULL, p);
	assert_true(none.span == 45 * TH_SEC && none.lifetime == 247 * TH_SEC && none.mid_quiet == 202 * TH_SEC);
	th_coap_times_of(&t, &thin, p);
	th_coap_times_of(&f, &fast, p);
	th_coap_times_of(&u, &unknown, p);
	/* 36.8 s there and back with 160 bytes each way */
	assert_true(t.span > 2200 * TH_SEC && t.span < 2300 * TH_SEC);
	assert_true(f.span == 120 * TH_SEC);
	assert_true(u.span > 900 * TH_SEC);
	assert_true(t.patience > 1700 * TH_MS && t.patience < 1900 * TH_MS && f.patience == p->piggyback_patience &&
		    u.patience == p->piggyback_patience);
	for (int i = 0; i < 3; i++) {
		const struct th_coap_times *x = i == 0 ? &t : i == 1 ? &f : &u;

		/* a copy sent at the end of the span, delayed by MAX_LATENCY, still finds its record */
		assert_true(x->lifetime >= x->span + 200 * TH_SEC);
		assert_true(x->body >= x->lifetime && x->response >= p->response_timeout + x->span);
		assert_true(x->wait > x->span);
	}
	assert_true(t.ping_after > none.ping_after);
}

/* A peer may claim what it likes. */
static void absurd_links_give_bounded_times(void **state)
{
	struct th_link_profile l = { 0 };
	uint8_t bytes[TH_LINK_PROFILE_BYTES] = { 28, 1, 2, 255, 255, 255 };
	struct th_coap_times t;

	(void)state;
	assert_int_equal(th_link_profile_read(&l, bytes, sizeof(bytes)), TH_OK);
	th_coap_times_of(&t, &l, &th_coap_params_default);
	assert_true(t.lifetime < 24 * 3600 * TH_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_known_is_one_byte),	 cmocka_unit_test(the_example_of_the_page),
		cmocka_unit_test(values_survive_to_a_step),	 cmocka_unit_test(what_is_usual_is_not_written),
		cmocka_unit_test(what_is_no_profile_is_refused), cmocka_unit_test(both_ends_derive_the_same),
		cmocka_unit_test(times_follow_from_the_link),	 cmocka_unit_test(absurd_links_give_bounded_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
