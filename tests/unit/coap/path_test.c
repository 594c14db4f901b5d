/* Round trips of a path that was told, where copies cannot be told apart. */
#include "unit.h"

#include "coap/params.h"
#include "coap/path.h"

enum { OVERHEAD = 28, UP = 100, DOWN = 90 };

static void open_path(struct th_coap_path *p, unsigned jitter_percent)
{
	const struct th_link_profile l = { .up_bps = 10000000,
					   .down_bps = 10000000,
					   .latency = 20 * TH_MS,
					   .jitter_percent = jitter_percent,
					   .ours = true };

	th_coap_path_init(p, &th_coap_params_default);
	th_coap_path_tell(p, &l, &th_coap_params_default);
}

static th_time timeout(const struct th_coap_path *p)
{
	return th_coap_path_timeout(p, UP, true, 0, OVERHEAD, &th_coap_params_default);
}

static void answer(struct th_coap_path *p, unsigned copies, th_time since_last, th_time apart)
{
	const struct th_coap_trip t = {
		.up = UP,
		.down = DOWN,
		.since_first = since_last + (copies - 1) * apart,
		.since_last = since_last,
		.since_before = copies > 1 ? since_last + apart : 0,
		.copies = copies,
		.alone = true,
	};

	th_coap_path_sample(p, &t, OVERHEAD);
}

/* A lossy link with jitter: the third copy is answered, a little faster than any was before. */
static void a_quick_answer_is_not_taken_for_a_slow_one(void **state)
{
	struct th_coap_path p;
	th_time before;

	(void)state;
	open_path(&p, 80);
	answer(&p, 1, 47 * TH_MS, 0);
	before = timeout(&p);
	for (unsigned i = 0; i < 20; i++)
		answer(&p, 3, 20 * TH_MS, timeout(&p));
	assert_true(timeout(&p) <= before);
}

static struct th_link_profile thin(void)
{
	return (struct th_link_profile){ .up_bps = 100,
					 .down_bps = 100,
					 .latency = 2 * TH_SEC,
					 .jitter_percent = 40,
					 .loss_percent = 20,
					 .ours = true };
}

/* At 100 bit/s a block holds 64 bytes; a message that is worth 20 s goes whole, but bulk does not. */
static void a_message_may_be_longer_than_a_block(void **state)
{
	const struct th_coap_params *params = &th_coap_params_default;
	struct th_link_profile l = thin();
	struct th_coap_path p;
	unsigned szx;

	(void)state;
	th_coap_path_init(&p, params);
	assert_int_equal(th_coap_path_whole(&p, false, 2, 41), 64); /* nothing was told: RFC 7959 */
	th_coap_path_tell(&p, &l, params);
	p.headers = 10;
	szx = th_coap_path_szx(&p, true, 6, 41);
	assert_int_equal(szx, 2);
	assert_int_equal(th_coap_path_whole(&p, false, szx, 41), 250 - 10 - 41);
	assert_int_equal(th_coap_path_whole(&p, true, szx, 41), 125 - 10 - 41);
	l.mtu = 128;
	th_coap_path_tell(&p, &l, params);
	assert_int_equal(th_coap_path_whole(&p, false, szx, 41), 128 - 10 - 41);
	l = (struct th_link_profile){ .up_bps = 1000000, .down_bps = 1000000 };
	th_coap_path_tell(&p, &l, params);
	assert_int_equal(th_coap_path_whole(&p, false, 6, 41), 1024);
}

/* Jitter that was told bounds the slack of a timeout, unless what is measured speaks against it. */
static void told_jitter_bounds_the_slack(void **state)
{
	struct th_link_profile l = thin();
	struct th_coap_path p;
	th_time tight;

	(void)state;
	th_coap_path_init(&p, &th_coap_params_default);
	th_coap_path_tell(&p, &l, &th_coap_params_default);
	p.rtt = (struct th_coap_rtt){ .srtt = 4 * TH_SEC, .rttvar = TH_SEC };
	tight = timeout(&p);
	l.jitter_percent = 0;
	th_coap_path_tell(&p, &l, &th_coap_params_default);
	assert_true(timeout(&p) >= tight + 2 * TH_SEC);
	l.jitter_percent = 10; /* wrong: what was measured says more */
	th_coap_path_tell(&p, &l, &th_coap_params_default);
	assert_true(timeout(&p) >= tight);
}

/* While no session stands, a copy follows on a link that loses as soon as the one before should have arrived. */
static void a_handshake_does_not_wait_for_its_answer(void **state)
{
	const th_time patient = 40 * TH_SEC, there = 2 * TH_SEC + th_airtime(150, 100);
	struct th_link_profile l = thin();
	struct th_coap_path p;

	(void)state;
	th_coap_path_init(&p, &th_coap_params_default);
	th_coap_path_tell(&p, &l, &th_coap_params_default);
	assert_true(th_coap_path_opening(&p, 50, 100, patient) == patient);
	l.opening = 60;
	th_coap_path_tell(&p, &l, &th_coap_params_default);
	assert_true(th_coap_path_opening(&p, 50, 100, patient) == there);
	assert_true(th_coap_path_opening(&p, 50, 100, TH_SEC) == TH_SEC);
	l.loss_percent = 10;
	th_coap_path_tell(&p, &l, &th_coap_params_default);
	assert_true(th_coap_path_opening(&p, 50, 100, patient) == patient);
	l.loss_percent = 20;
	l.ours = false;
	th_coap_path_tell(&p, &l, &th_coap_params_default);
	assert_true(th_coap_path_opening(&p, 50, 100, patient) == patient);
}

/* Nothing was clear yet, and every answer comes after several copies: the guess does not grow with the timeouts that it
 * makes. */
static void a_guess_does_not_grow(void **state)
{
	const struct th_link_profile l = { .ours = true };
	struct th_coap_path p;
	th_time before;

	(void)state;
	th_coap_path_init(&p, &th_coap_params_default);
	th_coap_path_tell(&p, &l, &th_coap_params_default);
	answer(&p, 4, 20 * TH_SEC, 20 * TH_SEC);
	before = timeout(&p);
	for (unsigned i = 0; i < 20; i++)
		answer(&p, 3, 5 * TH_SEC, timeout(&p));
	assert_true(timeout(&p) <= before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quick_answer_is_not_taken_for_a_slow_one),
		cmocka_unit_test(a_message_may_be_longer_than_a_block),
		cmocka_unit_test(a_guess_does_not_grow),
		cmocka_unit_test(told_jitter_bounds_the_slack),
		cmocka_unit_test(a_handshake_does_not_wait_for_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
