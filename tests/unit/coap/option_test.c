#include "unit.h"
#include "guard.h"

#include "coap/option.h"

static struct th_coap_option opt(uint16_t number, const char *text)
{
	return (struct th_coap_option){ number, (uint16_t)strlen(text), (const uint8_t *)text };
}

/* Number, repeatable, least and most bytes: RFC 7252 table 4, RFC 7641 §2, RFC 7959 §2.1 and §4, RFC 9175 §2.2 and
 * §3.2, RFC 8768 §3, RFC 7967 §2. */
static const struct {
	uint16_t number;
	bool critical, repeatable;
	uint16_t min, max;
} published[] = {
	{ 1, true, true, 0, 8 },    { 3, true, false, 1, 255 },	  { 4, false, true, 1, 8 },
	{ 5, true, false, 0, 0 },   { 6, false, false, 0, 3 },	  { 7, true, false, 0, 2 },
	{ 8, false, true, 0, 255 }, { 11, true, true, 0, 255 },	  { 12, false, false, 0, 2 },
	{ 14, false, false, 0, 4 }, { 15, true, true, 0, 255 },	  { 16, false, false, 1, 1 },
	{ 17, true, false, 0, 2 },  { 19, true, false, 0, 3 },	  { 20, false, true, 0, 255 },
	{ 31, true, false, 0, 3 },  { 23, true, false, 0, 3 },	  { 27, true, false, 0, 3 },
	{ 28, false, false, 0, 4 }, { 35, true, false, 1, 1034 }, { 39, true, false, 1, 255 },
	{ 60, false, false, 0, 4 }, { 252, false, false, 1, 40 }, { 258, false, false, 0, 1 },
	{ 292, false, true, 0, 8 },
};

static void the_table_is_the_published_one(void **state)
{
	size_t known = 0;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(published); i++) {
		const struct th_coap_option_rule *r = th_coap_option_rule(published[i].number);

		assert_non_null(r);
		assert_int_equal(r->number, published[i].number);
		assert_int_equal(r->repeatable, published[i].repeatable);
		assert_int_equal(r->min, published[i].min);
		assert_int_equal(r->max, published[i].max);
		assert_int_equal(th_coap_option_is_critical(r->number), published[i].critical);
	}
	for (unsigned n = 0; n <= UINT16_MAX; n++)
		known += th_coap_option_rule((uint16_t)n) ? 1 : 0;
	assert_int_equal(known, UNIT_COUNT(published));
}

static void numbers_say_their_class(void **state)
{
	(void)state;
	assert_true(th_coap_option_is_unsafe(3));  /* Uri-Host: proxies must understand it */
	assert_false(th_coap_option_is_unsafe(4)); /* ETag */
	assert_true(th_coap_option_is_no_cache_key(28));
	assert_true(th_coap_option_is_no_cache_key(60));
	assert_true(th_coap_option_is_no_cache_key(252));
	assert_false(th_coap_option_is_no_cache_key(292)); /* Request-Tag is part of the key, that is its point */
	assert_false(th_coap_option_is_no_cache_key(11));
}

static void numbers_are_shortest_big_endian(void **state)
{
	static const struct {
		uint32_t v;
		size_t n;
	} cases[] = { { 0, 0 },	    { 1, 1 },	     { 255, 1 },       { 256, 2 },	 { 65535, 2 },
		      { 65536, 3 }, { 0xffffff, 3 }, { 0x1000000, 4 }, { UINT32_MAX, 4 } };
	struct guard g = guard_new(8);

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		uint8_t b[4];
		size_t n = th_coap_uint_put(b, cases[i].v);
		struct th_coap_option o = { 14, (uint16_t)n, guard_put(&g, b, n) };

		assert_int_equal(n, cases[i].n);
		assert_true(th_coap_option_uint(&o) == cases[i].v);
	}
	assert_true(th_coap_option_uint(&(struct th_coap_option){ 14, 3, (const uint8_t *)"\0\0\x05" }) == 5);
	assert_true(th_coap_option_uint(&(struct th_coap_option){ 14, 0, NULL }) == 0);
	guard_del(&g);
}

static void find_gives_the_first(void **state)
{
	const struct th_coap_option v[] = { opt(4, "e"), opt(11, "a"), opt(11, "b"), opt(60, "s") };

	(void)state;
	assert_ptr_equal(th_coap_option_find(v, 4, 11), &v[1]);
	assert_ptr_equal(th_coap_option_find(v, 4, 60), &v[3]);
	assert_null(th_coap_option_find(v, 4, 12));
	assert_null(th_coap_option_find(v, 3, 60));
	assert_null(th_coap_option_find(NULL, 0, 1));
}

static enum th_err screen(struct th_coap_pdu *pdu, const struct th_coap_option *v, size_t n)
{
	pdu->n_options = n;
	memcpy(pdu->options, v, n * sizeof(*v));
	return th_coap_options_screen(pdu);
}

static void screening_keeps_what_is_right(void **state)
{
	const struct th_coap_option v[] = { opt(3, "host"), opt(11, "a"), opt(11, ""), opt(15, "q=1"),
					    opt(60, "\x10") };
	static struct th_coap_pdu pdu;

	(void)state;
	assert_int_equal(screen(&pdu, v, UNIT_COUNT(v)), TH_OK);
	assert_int_equal(pdu.n_options, UNIT_COUNT(v));
	for (size_t i = 0; i < UNIT_COUNT(v); i++)
		assert_int_equal(pdu.options[i].number, v[i].number);
}

static void screening_refuses_unknown_and_broken_critical_ones(void **state)
{
	char long_host[257];
	const struct th_coap_option bad[][2] = {
		{ opt(11, "a"), opt(65001, "") },				 /* unknown */
		{ opt(9, "x"), opt(11, "a") },					 /* OSCORE is not ours */
		{ opt(3, "a"), opt(3, "b") },					 /* one too many (§5.4.5) */
		{ opt(17, "a"), opt(17, "b") },	   { opt(3, ""), opt(11, "a") }, /* too short (§5.4.3) */
		{ opt(11, "a"), opt(17, "abc") },				 /* too long */
		{ opt(11, "a"), opt(27, "abcd") }, { opt(5, "x"), opt(11, "a") },
	};
	static struct th_coap_pdu pdu;
	struct th_coap_option o;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bad); i++)
		assert_int_equal(screen(&pdu, bad[i], 2), TH_ERR_UNSUPPORTED);
	memset(long_host, 'h', 256);
	long_host[256] = '\0';
	o = opt(3, long_host);
	assert_int_equal(screen(&pdu, &o, 1), TH_ERR_UNSUPPORTED);
	o.n = 255;
	assert_int_equal(screen(&pdu, &o, 1), TH_OK);
}

static void screening_drops_broken_elective_ones(void **state)
{
	const struct th_coap_option v[] = {
		opt(4, "123456789"),				 /* ETag of 9 bytes */
		opt(6, "abcd"),					 /* Observe of 4 */
		opt(11, "a"),	     opt(12, "a"), opt(12, "b"), /* the second one is one too many */
		opt(14, "12345"),    opt(60, "1"),
	};
	static struct th_coap_pdu pdu;

	(void)state;
	assert_int_equal(screen(&pdu, v, UNIT_COUNT(v)), TH_OK);
	assert_int_equal(pdu.n_options, 3);
	assert_int_equal(pdu.options[0].number, 11);
	assert_int_equal(pdu.options[1].number, 12);
	assert_memory_equal(pdu.options[1].p, "a", 1);
	assert_int_equal(pdu.options[2].number, 60);
}

static void validity_of_what_is_sent(void **state)
{
	const struct th_coap_option down[] = { opt(11, "a"), opt(4, "e") };
	const struct th_coap_option twice[] = { opt(12, "a"), opt(12, "a") };
	const struct th_coap_option good[] = { opt(11, "a"), opt(11, "b"), opt(2050, "mine"),
					       opt(2051, "mine, critical") };

	(void)state;
	assert_false(th_coap_options_valid(down, 2));
	assert_false(th_coap_options_valid(twice, 2));
	assert_true(th_coap_options_valid(good, 4));
	assert_true(th_coap_options_valid(NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_the_published_one),
		cmocka_unit_test(numbers_say_their_class),
		cmocka_unit_test(numbers_are_shortest_big_endian),
		cmocka_unit_test(find_gives_the_first),
		cmocka_unit_test(screening_keeps_what_is_right),
		cmocka_unit_test(screening_refuses_unknown_and_broken_critical_ones),
		cmocka_unit_test(screening_drops_broken_elective_ones),
		cmocka_unit_test(validity_of_what_is_sent),
	};

	return cmocka_run_group_tests_name("coap/option", tests, NULL, NULL);
}
