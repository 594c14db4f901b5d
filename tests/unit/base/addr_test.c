#include "unit.h"
#include "guard.h"

#include "base/addr.h"

static struct th_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (struct th_addr){ .ip = { [10] = 0xff, [11] = 0xff, [12] = a, [13] = b, [14] = c, [15] = d },
				 .port = port };
}

static void text_of_both_families(void **state)
{
	struct th_addr doc = { .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, .port = 5683 };
	struct th_addr local = { .ip = { 0xfe, 0x80, [15] = 2 }, .port = 1, .scope = 3 };
	struct th_addr any = { .port = 0 };
	struct th_addr v4_any = v4(192, 0, 2, 1, 5683);
	char out[TH_ADDR_TEXT];

	(void)state;
	assert_string_equal(th_addr_text(&v4_any, out), "192.0.2.1:5683");
	assert_string_equal(th_addr_text(&doc, out), "[2001:db8::1]:5683");
	assert_string_equal(th_addr_text(&local, out), "[fe80::2%3]:1");
	assert_string_equal(th_addr_text(&any, out), "[::]:0");
	assert_string_equal(th_addr_host(&v4_any, out), "192.0.2.1");
	assert_string_equal(th_addr_host(&local, out), "fe80::2%3");
	assert_string_equal(th_addr_host(&any, out), "::");
}

static void the_longest_text_fits(void **state)
{
	struct th_addr a = { .port = 65535, .scope = UINT32_MAX };
	struct guard g = guard_new(TH_ADDR_TEXT);
	char *out = (char *)guard_tail(&g, TH_ADDR_TEXT);

	(void)state;
	memset(a.ip, 0xff, sizeof(a.ip));
	assert_string_equal(th_addr_text(&a, out), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
	a = v4(255, 255, 255, 255, 65535);
	assert_string_equal(th_addr_text(&a, out), "255.255.255.255:65535");
	guard_del(&g);
}

static void loopback_is_127_slash_8_and_one(void **state)
{
	struct th_addr one = { .ip = { [15] = 1 } };
	struct th_addr two = { .ip = { [15] = 2 } };
	struct th_addr compat = { .ip = { [12] = 127, [15] = 1 } };
	struct th_addr a = v4(127, 0, 0, 1, 1), b = v4(127, 255, 1, 2, 1), c = v4(128, 0, 0, 1, 1),
		       d = v4(0, 0, 0, 1, 1);

	(void)state;
	assert_true(th_addr_is_loopback(&a));
	assert_true(th_addr_is_loopback(&b));
	assert_true(th_addr_is_loopback(&one));
	assert_false(th_addr_is_loopback(&two));
	assert_false(th_addr_is_loopback(&c));
	assert_false(th_addr_is_loopback(&d));
	assert_false(th_addr_is_loopback(&compat)); /* ::127.0.0.1 is no loopback address */
}

static void equality_looks_at_all_parts(void **state)
{
	struct th_addr a = v4(192, 0, 2, 1, 5683), b = a;

	(void)state;
	assert_true(th_addr_eq(&a, &b));
	b.port++;
	assert_false(th_addr_eq(&a, &b));
	b = a;
	b.scope = 1;
	assert_false(th_addr_eq(&a, &b));
	for (size_t i = 0; i < sizeof(a.ip); i++) {
		b = a;
		b.ip[i] ^= 1;
		assert_false(th_addr_eq(&a, &b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_both_families),
		cmocka_unit_test(the_longest_text_fits),
		cmocka_unit_test(loopback_is_127_slash_8_and_one),
		cmocka_unit_test(equality_looks_at_all_parts),
	};

	return cmocka_run_group_tests_name("base/addr", tests, NULL, NULL);
}
