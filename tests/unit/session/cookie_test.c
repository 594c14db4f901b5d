/* Cookies, and what counts as load. */
#include "unit.h"

#include "session/cookie.h"

static const uint8_t KEY[TH_NOISE_DH] = { 1, 2, 3 };

static struct th_addr v4(uint8_t last, uint16_t port)
{
	struct th_addr a = { .port = port };

	a.ip[10] = a.ip[11] = 0xff;
	a.ip[12] = 10;
	a.ip[15] = last;
	return a;
}

static void only_the_same_address_and_key(void **state)
{
	uint64_t seed = 1;
	struct th_rng rng = th_rng_seeded(&seed);
	struct th_cookies c = { 0 };
	struct th_addr a = v4(1, 7), b;
	uint8_t cookie[TH_COOKIE_LEN], other[TH_NOISE_DH];

	(void)state;
	assert_false(th_cookie_check(&c, &rng, &a, KEY, 0, (const uint8_t[TH_COOKIE_LEN]){ 0 }));
	th_cookie_make(&c, &rng, &a, KEY, 10 * TH_SEC, cookie);
	assert_true(th_cookie_check(&c, &rng, &a, KEY, 10 * TH_SEC, cookie));
	for (size_t i = 0; i < sizeof(a.ip); i++) {
		b = a;
		b.ip[i] ^= 1;
		assert_false(th_cookie_check(&c, &rng, &b, KEY, 10 * TH_SEC, cookie));
	}
	b = v4(1, 8);
	assert_false(th_cookie_check(&c, &rng, &b, KEY, 10 * TH_SEC, cookie));
	b = a;
	b.scope = 1;
	assert_false(th_cookie_check(&c, &rng, &b, KEY, 10 * TH_SEC, cookie));
	for (size_t i = 0; i < sizeof(other); i++) {
		memcpy(other, KEY, sizeof(other));
		other[i] ^= 0x80;
		assert_false(th_cookie_check(&c, &rng, &a, other, 10 * TH_SEC, cookie));
	}
	for (size_t i = 0; i < sizeof(cookie); i++) {
		cookie[i] ^= 1;
		assert_false(th_cookie_check(&c, &rng, &a, KEY, 10 * TH_SEC, cookie));
		cookie[i] ^= 1;
	}
	th_cookies_wipe(&c);
	assert_false(th_cookie_check(&c, &rng, &a, KEY, 10 * TH_SEC, cookie));
}

static void cookies_last_two_to_four_minutes(void **state)
{
	uint64_t seed = 1;
	struct th_rng rng = th_rng_seeded(&seed);
	struct th_addr a = v4(1, 7);

	(void)state;
	for (th_time made = 0; made < 120 * TH_SEC; made += 7 * TH_SEC)
		for (th_time later = 0; later < 600 * TH_SEC; later += 11 * TH_SEC) {
			struct th_cookies c = { 0 };
			uint8_t first[TH_COOKIE_LEN], cookie[TH_COOKIE_LEN];
			bool ok;

			th_cookie_make(&c, &rng, &a, KEY, 0, first);
			th_cookie_make(&c, &rng, &a, KEY, made, cookie);
			ok = th_cookie_check(&c, &rng, &a, KEY, made + later, cookie);
			if (later < 120 * TH_SEC)
				assert_true(ok);
			if (later > 240 * TH_SEC)
				assert_false(ok);
		}
}

static void load_is_counted_by_the_second(void **state)
{
	struct th_load l = { .limit = 10 };
	th_time now = 100 * TH_SEC;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(th_load_count(&l, now));
	assert_true(th_load_count(&l, now));
	now += TH_SEC; /* still in the second after */
	assert_true(th_load_count(&l, now));
	now += TH_SEC;
	assert_false(th_load_count(&l, now));
	for (int i = 0; i < 20; i++)
		th_load_count(&l, now);
	now += 100 * TH_SEC;
	assert_false(th_load_count(&l, now));
	l = (struct th_load){ 0 };
	for (int i = 0; i < 1000; i++)
		assert_false(th_load_count(&l, now));
}

static void one_place_has_its_share(void **state)
{
	struct th_load l = { .limit = 1 };
	th_time now = 100 * TH_SEC;

	(void)state;
	th_load_count(&l, now);
	for (int i = 0; i < TH_LOAD_PER_PLACE; i++)
		assert_true(th_load_allows(&l, 5));
	assert_false(th_load_allows(&l, 5));
	assert_false(th_load_allows(&l, 5 + TH_LOAD_PLACES));
	assert_true(th_load_allows(&l, 6));
	th_load_count(&l, now + TH_SEC);
	assert_true(th_load_allows(&l, 5));
}

static void places_are_addresses_or_networks(void **state)
{
	struct th_addr a = v4(1, 7), b = { .ip = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 } };
	const uint8_t *p;

	(void)state;
	assert_int_equal(th_load_place(&a, &p), 4);
	assert_memory_equal(p, ((const uint8_t[]){ 10, 0, 0, 1 }), 4);
	assert_int_equal(th_load_place(&b, &p), 8);
	assert_ptr_equal(p, b.ip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_same_address_and_key),    cmocka_unit_test(cookies_last_two_to_four_minutes),
		cmocka_unit_test(load_is_counted_by_the_second),    cmocka_unit_test(one_place_has_its_share),
		cmocka_unit_test(places_are_addresses_or_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
