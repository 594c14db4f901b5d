/* The rules of proxy/accounts.h: whatever is lost, overtaken or forgotten, a slot never stands for another account. */
#include "unit.h"

#include "failmem.h"
#include "proxy/accounts.h"

#define A TH_STR("Bearer syt_alice")
#define B TH_STR("Bearer syt_bob")

static struct th_accounts near, far;

static int setup(void **state)
{
	(void)state;
	th_accounts_init(&near, &th_mem_libc);
	th_accounts_init(&far, &th_mem_libc);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	th_accounts_clear(&near);
	th_accounts_clear(&far);
	return 0;
}

static void assert_value(const struct th_accounts *a, int slot, struct th_str want)
{
	struct th_str got;

	assert_int_equal(th_accounts_value(a, slot, &got), TH_OK);
	assert_true(th_str_eq(got, want));
}

static void test_what_fits(void **state)
{
	static char longest[TH_ACCOUNT_VALUE_MAX + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "Bearer ", 7);
	assert_true(th_account_fits(A));
	assert_true(th_account_fits(TH_STR("bearer x")));
	assert_false(th_account_fits(TH_STR("Bearer ")));
	assert_false(th_account_fits(TH_STR("")));
	assert_false(th_account_fits(TH_STR("X-Matrix origin=a,key=\"ed25519:1\",sig=\"x\"")));
	assert_true(th_account_fits((struct th_str){ longest, TH_ACCOUNT_VALUE_MAX }));
	assert_false(th_account_fits((struct th_str){ longest, TH_ACCOUNT_VALUE_MAX + 1 }));
}

/* Not before the request that told it was answered. */
static void test_used_once_answered(void **state)
{
	(void)state;
	assert_int_equal(th_accounts_slot(&near, A), -1);
	th_accounts_told(&near, 300, A);
	assert_int_equal(th_accounts_slot(&near, A), -1);
	th_accounts_answered(&near, 300);
	assert_int_equal(th_accounts_slot(&near, A), 300 % 256);
	assert_int_equal(th_accounts_slot(&near, B), -1);
	th_accounts_heard(&far, 300, A);
	assert_value(&far, 300 % 256, A);
}

/* The answer to another request with these low bits proves nothing. */
static void test_answer_of_another_number(void **state)
{
	(void)state;
	th_accounts_told(&near, 300, A);
	th_accounts_answered(&near, 300 + 256);
	assert_int_equal(th_accounts_slot(&near, A), -1);
}

static void test_spoilt(void **state)
{
	(void)state;
	th_accounts_told(&near, 300, A);
	th_accounts_told(&near, 300 + 256, B); /* overtakes, maybe */
	th_accounts_answered(&near, 300);
	th_accounts_answered(&near, 300 + 256);
	assert_int_equal(th_accounts_slot(&near, A), -1);
	assert_int_equal(th_accounts_slot(&near, B), -1);
}

static void test_first_wins(void **state)
{
	(void)state;
	th_accounts_heard(&far, 300, A);
	th_accounts_heard(&far, 300 + 256, B);
	assert_value(&far, 300 % 256, A);
	th_accounts_told(&near, 300, A);
	th_accounts_answered(&near, 300);
	th_accounts_told(&near, 300 + 256, B);
	th_accounts_answered(&near, 300 + 256);
	assert_int_equal(th_accounts_slot(&near, A), 300 % 256);
	assert_int_equal(th_accounts_slot(&near, B), -1);
}

/* What the peer may still have by a slot keeps that slot from meaning anything else. */
static void test_forgotten_is_not_told_anew(void **state)
{
	(void)state;
	th_accounts_told(&near, 300, A);
	th_accounts_answered(&near, 300);
	th_accounts_forget(&near);
	assert_int_equal(th_accounts_slot(&near, A), -1);
	th_accounts_told(&near, 300 + 256, B);
	th_accounts_answered(&near, 300 + 256);
	assert_int_equal(th_accounts_slot(&near, B), -1);
	th_accounts_told(&near, 301 + 256, B);
	th_accounts_answered(&near, 301 + 256);
	assert_int_equal(th_accounts_slot(&near, B), 301 % 256);
}

/* A login that failed leaves its low byte to others, but not one that was overtaken. */
static void test_given_back(void **state)
{
	(void)state;
	th_accounts_asked(&near, 300);
	th_accounts_given(&near, 300, TH_STR(""));
	th_accounts_answered(&near, 300);
	th_accounts_told(&near, 300 + 256, B);
	th_accounts_answered(&near, 300 + 256);
	assert_int_equal(th_accounts_slot(&near, B), 300 % 256);
	th_accounts_asked(&near, 301);
	th_accounts_told(&near, 301 + 256, A);
	th_accounts_given(&near, 301, TH_STR(""));
	th_accounts_answered(&near, 301);
	th_accounts_answered(&near, 301 + 256);
	th_accounts_told(&near, 301 + 512, A);
	th_accounts_answered(&near, 301 + 512);
	assert_int_equal(th_accounts_slot(&near, A), -1);
	/* An answer that waited for another one had been answered before it could be read. */
	th_accounts_asked(&near, 302);
	th_accounts_answered(&near, 302);
	th_accounts_given(&near, 302, A);
	assert_int_equal(th_accounts_slot(&near, A), 302 % 256);
}

/* A login: nobody knows the value before its answer. */
static void test_given(void **state)
{
	(void)state;
	th_accounts_asked(&near, 300);
	assert_int_equal(th_accounts_slot(&near, A), -1);
	th_accounts_heard(&far, 300, A); /* the answer leaves */
	th_accounts_given(&near, 300, A);
	th_accounts_answered(&near, 300);
	assert_int_equal(th_accounts_slot(&near, A), 300 % 256);
	assert_value(&far, 300 % 256, A);
	/* What comes later with those low bits means nothing. */
	th_accounts_told(&near, 300 + 256, B);
	th_accounts_answered(&near, 300 + 256);
	th_accounts_asked(&near, 300 + 512);
	th_accounts_given(&near, 300 + 512, B);
	assert_int_equal(th_accounts_slot(&near, B), -1);
	assert_int_equal(th_accounts_slot(&near, A), 300 % 256);
}

/* An answer that gave nothing, to that request or to another one; one that came when the request had been forgotten. */
static void test_not_given(void **state)
{
	(void)state;
	th_accounts_asked(&near, 300);
	th_accounts_given(&near, 300 + 256, A);
	assert_int_equal(th_accounts_slot(&near, A), -1);
	th_accounts_answered(&near, 300); /* so that slots took no part */
	assert_int_equal(th_accounts_slot(&near, TH_STR("")), -1);
	assert_int_equal(th_accounts_slot(&near, TH_STR("Bearer ")), -1);
	th_accounts_told(&near, 300 + 256, B);
	th_accounts_answered(&near, 300 + 256);
	assert_int_equal(th_accounts_slot(&near, B), -1);
	th_accounts_asked(&near, 301);
	th_accounts_forget(&near);
	th_accounts_given(&near, 301, A);
	assert_int_equal(th_accounts_slot(&near, A), -1);
	th_accounts_asked(&near, 302);
	th_accounts_given(&near, 302, TH_STR("Basic x"));
	assert_int_equal(th_accounts_slot(&near, TH_STR("Basic x")), -1);
	assert_int_equal(near.n, 0);
}

static void test_given_and_told(void **state)
{
	(void)state;
	th_accounts_asked(&near, 300);
	th_accounts_told(&near, 300 + 256, B); /* overtakes, maybe */
	th_accounts_given(&near, 300, A);
	th_accounts_answered(&near, 300 + 256);
	th_accounts_told(&near, 301, A);
	th_accounts_asked(&near, 301 + 256); /* the same */
	th_accounts_answered(&near, 301);
	th_accounts_asked(&near, 302);
	th_accounts_asked(&near, 302 + 256); /* nobody knows which of the two is answered first */
	th_accounts_given(&near, 302, A);
	assert_int_equal(th_accounts_slot(&near, A), -1);
	assert_int_equal(th_accounts_slot(&near, B), -1);
}

static void test_bounded(void **state)
{
	char value[32];

	(void)state;
	for (int i = 0; i < TH_ACCOUNTS_SLOTS; i++) {
		int n = snprintf(value, sizeof(value), "Bearer %d", i);

		th_accounts_heard(&far, (uint64_t)i, (struct th_str){ value, (size_t)n });
		if (i % 2) {
			th_accounts_asked(&near, (uint64_t)i);
			th_accounts_given(&near, (uint64_t)i, (struct th_str){ value, (size_t)n });
		} else {
			th_accounts_told(&near, (uint64_t)i, (struct th_str){ value, (size_t)n });
		}
	}
	assert_int_equal(near.n, TH_ACCOUNTS_MAX);
	assert_int_equal(far.n, TH_ACCOUNTS_HEARD_MAX);
	assert_value(&far, 7, TH_STR("Bearer 7"));
	assert_int_equal(th_accounts_value(&far, TH_ACCOUNTS_HEARD_MAX, &(struct th_str){ 0 }), TH_ERR_NOT_FOUND);
	assert_int_equal(th_accounts_value(&far, -1, &(struct th_str){ 0 }), TH_ERR_NOT_FOUND);
	assert_int_equal(th_accounts_value(&far, TH_ACCOUNTS_SLOTS, &(struct th_str){ 0 }), TH_ERR_NOT_FOUND);
}

/* An end that had no memory for a value takes no other one in its place. */
static void test_without_memory(void **state)
{
	struct failmem mem;

	(void)state;
	failmem_init(&mem, 1);
	far.mem = &mem.mem;
	th_accounts_heard(&far, 300, A);
	far.mem = &th_mem_libc;
	th_accounts_heard(&far, 300 + 256, B);
	assert_int_equal(th_accounts_value(&far, 300 % 256, &(struct th_str){ 0 }), TH_ERR_NOT_FOUND);
}

/* ---- wiped ---- */

static size_t seen_zero, seen_other;

static void *count_alloc(void *ctx, size_t n)
{
	(void)ctx;
	return calloc(1, n);
}

/* What is freed holds no byte of a value. */
static void count_free(void *ctx, void *p)
{
	const struct th_account *x = p;

	(void)ctx;
	if (memcmp(x->value, "\0\0\0\0\0\0\0\0", 8) == 0)
		seen_zero++;
	else
		seen_other++;
	free(p);
}

static void test_wiped(void **state)
{
	const struct th_mem mem = { .alloc = count_alloc, .release = count_free };

	(void)state;
	near.mem = &mem;
	th_accounts_told(&near, 1, A);
	th_accounts_told(&near, 2, B);
	th_accounts_forget(&near);
	th_accounts_told(&near, 3, A);
	th_accounts_clear(&near);
	assert_int_equal(seen_other, 0);
	assert_int_equal(seen_zero, 3);
	near.mem = &th_mem_libc;
}

/* ---- two ends ---- */

enum { FLIGHT = 24, VALUES = 5, STEPS = 400000 };

static const char *const tokens[VALUES] = { "Bearer a", "Bearer b", "Bearer c", "Bearer d", "Bearer e" };

struct datagram {
	enum { EMPTY, REQUEST, ANSWER, LACKS } what;
	uint64_t number;
	unsigned value, life; /* life of the far end that the sender knew: what refers to another one is refused */
	int slot;
	bool in_slots; /* coded so that slots take part */
	bool gives;    /* a login: its answer has the value, */
	bool fails;    /* or not */
};

static struct datagram flight[FLIGHT];
static struct th_rng rng;

static uint64_t next_number = 1;
static unsigned far_life;
static size_t used, used_given, refused;
static bool given[TH_ACCOUNTS_SLOTS];

static void launch(const struct datagram *d)
{
	if (th_rng_below(&rng, 100) < 80)
		flight[th_rng_below(&rng, FLIGHT)] = *d; /* what was there is lost */
}

static void ask(void)
{
	struct datagram d = { .what = REQUEST, .value = (unsigned)th_rng_below(&rng, VALUES), .life = far_life };

	next_number += 1 + th_rng_below(&rng, 60); /* slots are met again soon */
	d.number = next_number;
	d.in_slots = th_rng_below(&rng, 4) > 0;
	d.gives = th_rng_below(&rng, 6) == 0;
	d.fails = th_rng_below(&rng, 3) == 0;
	d.slot = -1;
	if (d.gives) {
		if (d.in_slots)
			th_accounts_asked(&near, d.number);
		launch(&d);
		return;
	}
	d.slot = d.in_slots ? th_accounts_slot(&near, th_str_of(tokens[d.value])) : -1;
	if (d.in_slots && d.slot < 0)
		th_accounts_told(&near, d.number, th_str_of(tokens[d.value]));
	launch(&d);
}

static void serve(struct datagram d)
{
	struct th_str got = TH_STR("");

	d.what = ANSWER;
	if (d.in_slots && d.slot < 0) {
		if (!d.gives || !d.fails)
			th_accounts_heard(&far, d.number, th_str_of(tokens[d.value]));
	} else if (d.slot >= 0 && (d.life != far_life || th_accounts_value(&far, d.slot, &got) != TH_OK)) {
		d.what = LACKS;
		refused++;
	} else if (d.slot >= 0) {
		used++;
		used_given += given[d.slot];
		if (!th_str_eq(got, th_str_of(tokens[d.value])))
			fail_msg("slot %d of number %llu: %.*s instead of %s", d.slot, (unsigned long long)d.number,
				 (int)got.n, got.p, tokens[d.value]);
	}
	launch(&d);
}

static void take_answer(const struct datagram *d)
{
	struct th_str value = th_str_of(tokens[d->value]);
	int before = th_accounts_slot(&near, value);

	if (d->gives && th_rng_below(&rng, 8)) /* else it came so that slots took no part */
		th_accounts_given(&near, d->number, d->fails ? TH_STR("") : value);
	th_accounts_answered(&near, d->number);
	if (before < 0 && th_accounts_slot(&near, value) >= 0)
		given[th_accounts_slot(&near, value)] = d->gives;
}

static void deliver(void)
{
	struct datagram *at = &flight[th_rng_below(&rng, FLIGHT)], d = *at;

	if (th_rng_below(&rng, 8)) /* else a copy comes again */
		at->what = EMPTY;
	if (d.what == REQUEST)
		serve(d);
	else if (d.what == ANSWER && d.in_slots)
		take_answer(&d);
	else if (d.what == LACKS)
		th_accounts_forget(&near);
}

static void test_two_ends(void **state)
{
	uint64_t seed = unit_seed("accounts", 20261129);

	(void)state;
	rng = th_rng_seeded(&seed);
	for (int i = 0; i < STEPS; i++) {
		if (th_rng_below(&rng, 2))
			ask();
		deliver();
		if (th_rng_below(&rng, 400) == 0) { /* the far one has restarted, and its peer hears of it */
			th_accounts_clear(&far);
			far_life++;
			th_accounts_forget(&near);
		} else if (th_rng_below(&rng, 400) == 0) { /* it lacks something else */
			th_accounts_forget(&near);
		}
		if (th_rng_below(&rng, 4000) == 0) { /* a new session */
			memset(flight, 0, sizeof(flight));
			th_accounts_clear(&far);
			th_accounts_clear(&near);
		}
	}
	printf("%zu slots used, %zu of them given by logins, %zu refused\n", used, used_given, refused);
	assert_true(used > STEPS / 100);
	assert_true(used_given > STEPS / 1000);
	assert_true(refused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_fits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_used_once_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_of_another_number, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spoilt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten_is_not_told_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_given, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_and_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wiped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_ends, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
