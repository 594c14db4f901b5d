/* Round trips of a path that was told, where copies cannot be told apart. */
#include "unit.h"

#include "coap/params.h"
#include "coap/path.h"

enum { OVERHEAD = 28, UP = 100, DOWN = 90 };

static void open_path(struct th_coap_path *p, unsigned jitter_percent)
{
	const struct th_link_profile l = {
		.up_bps = 10000000, .down_bps = 10000000, .latency = 20 * TH_MS, .jitter_percent = jitter_percent,
		.ours = true
	};

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quick_answer_is_not_taken_for_a_slow_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
