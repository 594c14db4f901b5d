#include "unit.h"
#include "guard.h"

#include "coap/block.h"
#include "coap/option.h"

static enum th_err read_bytes(struct th_coap_block *b, const char *p, uint16_t n)
{
	struct guard g = guard_new(8);
	struct th_coap_option o = { 23, n, guard_put(&g, p, n) };
	enum th_err err = th_coap_block_read(b, &o);

	guard_del(&g);
	return err;
}

/* RFC 7959 §2.2 and the examples of its §3: "0/1/128" is 0x0b, "3/0/16" … */
static void values_of_the_rfc(void **state)
{
	static const struct {
		const char *bytes;
		uint16_t n;
		uint32_t num;
		bool more;
		size_t size;
	} cases[] = {
		{ "", 0, 0, false, 16 },
		{ "\x0b", 1, 0, true, 128 },
		{ "\x1b", 1, 1, true, 128 },
		{ "\x26", 1, 2, false, 1024 },
		{ "\x06", 1, 0, false, 1024 },
		{ "\x00\x06", 2, 0, false, 1024 },
		{ "\xff\xff\xfe", 3, 0xfffff, true, 1024 },
		{ "\xff\xff\xf0", 3, 0xfffff, false, 16 },
	};
	struct th_coap_block b;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		assert_int_equal(read_bytes(&b, cases[i].bytes, cases[i].n), TH_OK);
		assert_int_equal(b.num, cases[i].num);
		assert_int_equal(b.more, cases[i].more);
		assert_int_equal(th_coap_block_size(b.szx), cases[i].size);
		assert_true(th_coap_block_offset(&b) == (uint64_t)cases[i].num * cases[i].size);
	}
}

static void reserved_and_long_values_are_refused(void **state)
{
	struct th_coap_block b = { 77, true, 3 };

	(void)state;
	assert_int_equal(read_bytes(&b, "\x07", 1), TH_ERR_MALFORMED);
	assert_int_equal(read_bytes(&b, "\x0f", 1), TH_ERR_MALFORMED);
	assert_int_equal(read_bytes(&b, "\x01\xff\xff", 3), TH_ERR_MALFORMED);
	assert_int_equal(read_bytes(&b, "\x00\x00\x00\x06", 4), TH_ERR_MALFORMED);
	assert_int_equal(b.num, 77); /* all or nothing */
}

static void all_values_go_there_and_back(void **state)
{
	(void)state;
	for (uint32_t num = 0; num <= TH_COAP_BLOCK_NUM_MAX; num += num < 5000 ? 1 : 997) {
		for (uint8_t low = 0; low < 14; low++) {
			struct th_coap_block in = { num, low >= 7, (uint8_t)(low % 7) }, out;
			uint8_t bytes[4];
			struct th_coap_option o = { 27, (uint16_t)th_coap_uint_put(bytes, th_coap_block_value(&in)),
						    bytes };

			assert_true(o.n <= 3);
			assert_int_equal(th_coap_block_read(&out, &o), TH_OK);
			assert_int_equal(out.num, in.num);
			assert_int_equal(out.more, in.more);
			assert_int_equal(out.szx, in.szx);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_the_rfc),
		cmocka_unit_test(reserved_and_long_values_are_refused),
		cmocka_unit_test(all_values_go_there_and_back),
	};

	return cmocka_run_group_tests_name("coap/block", tests, NULL, NULL);
}
