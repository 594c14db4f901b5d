/* The budget of an address that is not shown, beside a plain count. */
#include "unit.h"

#include "base/rng.h"
#include "session/path.h"

static const struct th_addr home = { .ip = { [15] = 1 }, .port = 1 }, home_again = { .ip = { [15] = 1 }, .port = 2 },
			    away = { .ip = { [15] = 2 }, .port = 1 }, away_again = { .ip = { [15] = 2 }, .port = 2 },
			    zone = { .ip = { [15] = 1 }, .scope = 3, .port = 1 };

static struct th_path p;

static void begin(void)
{
	memset(&p, 0xff, sizeof(p));
	th_path_trust(&p, &home);
}

static void another_port_is_no_move(void **state)
{
	(void)state;
	begin();
	assert_false(th_path_follow(&p, &home, 7));
	assert_true(th_path_follow(&p, &home_again, 7));
	assert_false(p.open);
	assert_true(th_path_take(&p, 1000));
	assert_false(th_path_came(&p, 10, 0));
	assert_true(th_path_follow(&p, &zone, 7)); /* the same bits in another zone are another host */
	assert_true(p.open);
}

static void no_more_than_came(void **state)
{
	(void)state;
	begin();
	th_path_follow(&p, &away, 7);
	assert_false(th_path_take(&p, 1));
	assert_true(th_path_came(&p, 40, 0)); /* IPv6 and UDP: 48 bytes each */
	assert_false(th_path_take(&p, 41));
	assert_true(th_path_take(&p, 10));
	assert_false(th_path_take(&p, 1)); /* its headers are more than what is left */
	th_path_came(&p, 20, 0);
	assert_false(th_path_take(&p, 51));
	assert_true(th_path_take(&p, 50));
	th_path_follow(&p, &away_again, 9); /* the same host has no new budget, and no new floor */
	assert_false(th_path_take(&p, 1));
	assert_int_equal(p.floor, 7);
}

static void what_went_before_shows_nothing(void **state)
{
	(void)state;
	begin();
	assert_false(th_path_shows(&p, 100));
	th_path_follow(&p, &away, 7);
	assert_false(th_path_shows(&p, 6));
	assert_true(th_path_shows(&p, 7));
	assert_true(!p.open && th_path_take(&p, 1000));
	th_path_follow(&p, &home, 20); /* that was long ago */
	assert_false(th_path_shows(&p, 19));
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
	th_path_follow(&p, &away, 7);
	th_path_follow(&p, &home_again, 8);
	assert_true(!p.open && th_addr_eq(&p.to, &home_again));
	th_path_follow(&p, &away, 9);
	assert_false(th_path_shows(&p, 8));
	assert_true(th_path_shows(&p, 9));
}

static void asks_less_and_less_often(void **state)
{
	unsigned asked = 0;

	(void)state;
	begin();
	th_path_follow(&p, &away, 7);
	for (th_time now = 0; now < 60 * TH_SEC; now += TH_SEC)
		asked += th_path_came(&p, 10, now);
	assert_int_equal(asked, 4); /* at 0, 4, 12 and 28 */
}

static void beside_a_count(void **state)
{
	uint64_t seed = 1;
	struct th_rng rng = th_rng_seeded(&seed);
	size_t sent = 0, refused = 0;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		size_t in = 0, in_n = 0, out = 0, out_n = 0;

		begin();
		th_path_follow(&p, &away, 7);
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
		cmocka_unit_test(another_port_is_no_move),	  cmocka_unit_test(no_more_than_came),
		cmocka_unit_test(what_went_before_shows_nothing), cmocka_unit_test(back_home),
		cmocka_unit_test(asks_less_and_less_often),	  cmocka_unit_test(beside_a_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
