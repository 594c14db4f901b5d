/* The budget of an address that is not shown, beside a plain count. */
#include "unit.h"

#include "base/rng.h"
#include "session/path.h"

static const struct th_addr home = { .ip = { [15] = 1 }, .port = 1 }, home_again = { .ip = { [15] = 1 }, .port = 2 },
			    away = { .ip = { [15] = 2 }, .port = 1 }, away_again = { .ip = { [15] = 2 }, .port = 2 },
			    far = { .ip = { [15] = 3 }, .port = 1 },
			    zone = { .ip = { [15] = 1 }, .scope = 3, .port = 1 };

static struct th_path p;
static uint64_t seed = 1;
static struct th_rng rng;

static void begin(void)
{
	rng = th_rng_seeded(&seed);
	memset(&p, 0xff, sizeof(p));
	th_path_trust(&p, &home);
}

static void another_port_is_no_move(void **state)
{
	(void)state;
	begin();
	assert_false(th_path_follow(&p, &home, &rng));
	assert_true(th_path_follow(&p, &home_again, &rng));
	assert_false(p.open);
	assert_true(th_path_take(&p, 1000));
	assert_false(th_path_came(&p, 10, 0));
	assert_true(th_path_follow(&p, &zone, &rng)); /* the same bits in another zone are another host */
	assert_true(p.open);
}

static void no_more_than_came(void **state)
{
	(void)state;
	begin();
	th_path_follow(&p, &away, &rng);
	assert_false(th_path_take(&p, 1));
	assert_true(th_path_came(&p, 40, 0)); /* IPv6 and UDP: 48 bytes each */
	assert_false(th_path_take(&p, 41));
	assert_true(th_path_take(&p, 10));
	assert_false(th_path_take(&p, 1)); /* its headers are more than what is left */
	th_path_came(&p, 20, 0);
	assert_false(th_path_take(&p, 51));
	assert_true(th_path_take(&p, 50));
	th_path_follow(&p, &away_again, &rng); /* the same host has no new budget */
	assert_false(th_path_take(&p, 1));
}

/* Only the challenge of this move shows it, once it was sent. */
static void only_its_challenge_shows_it(void **state)
{
	uint8_t first[TH_PATH_CHALLENGE], other[TH_PATH_CHALLENGE];

	(void)state;
	begin();
	memcpy(other, p.challenge, sizeof(other));
	assert_false(th_path_answered(&p, other)); /* there is none */
	th_path_follow(&p, &away, &rng);
	memcpy(first, p.challenge, sizeof(first));
	assert_false(th_path_answered(&p, first)); /* not sent yet */
	th_path_probed(&p, 0);
	memcpy(other, first, sizeof(other));
	other[3] ^= 1;
	assert_false(th_path_answered(&p, other));
	th_path_follow(&p, &far, &rng);
	th_path_probed(&p, 0);
	assert_false(th_path_answered(&p, first)); /* of the move before */
	memcpy(first, p.challenge, sizeof(first));
	assert_true(th_path_answered(&p, first));
	assert_true(!p.open && th_path_take(&p, 1000));
	th_path_reached(&p, &away);
	th_path_follow(&p, &home, &rng); /* that was long ago */
	assert_true(p.open);
	th_path_reached(&p, &away);
	assert_true(p.open);
	th_path_reached(&p, &home_again);
	assert_false(p.open);
}

/* Whoever comes back to where it was shown to be needs not show it again. */
static void back_home(void **state)
{
	(void)state;
	begin();
	th_path_follow(&p, &away, &rng);
	th_path_follow(&p, &home_again, &rng);
	assert_true(!p.open && th_addr_eq(&p.to, &home_again));
}

static void asks_less_and_less_often(void **state)
{
	unsigned asked = 0;

	(void)state;
	begin();
	th_path_follow(&p, &away, &rng);
	for (th_time now = 0; now < 60 * TH_SEC; now += TH_SEC) {
		if (!th_path_came(&p, 10, now))
			continue;
		th_path_probed(&p, now);
		asked++;
	}
	assert_true(th_path_came(&p, 10, 60 * TH_SEC)); /* and as long as it did not go */
	assert_true(th_path_came(&p, 10, 61 * TH_SEC));
	assert_int_equal(asked, 4); /* at 0, 4, 12 and 28 */
}

static void beside_a_count(void **state)
{
	size_t sent = 0, refused = 0;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		size_t in = 0, in_n = 0, out = 0, out_n = 0;

		begin();
		th_path_follow(&p, &away, &rng);
		for (int i = 0; i < 200; i++) {
			size_t n = th_rng_below(&rng, 300);

			if (th_rng_below(&rng, 2)) {
				th_path_came(&p, n, 0);
				in += n;
				in_n++;
			} else if (th_path_take(&p, n)) {
				out += n;
				out_n++;
			} else {
				refused++;
				assert_true(out + n > in || out + n + 48 * (out_n + 1) > in + 48 * in_n);
			}
			assert_true(out <= in && out + 48 * out_n <= in + 48 * in_n);
		}
		sent += out_n;
	}
	assert_true(sent > 10000 && refused > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_port_is_no_move),     cmocka_unit_test(no_more_than_came),
		cmocka_unit_test(only_its_challenge_shows_it), cmocka_unit_test(back_home),
		cmocka_unit_test(asks_less_and_less_often),    cmocka_unit_test(beside_a_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
