/* Captures byte by byte: checksums are computed here in another way than there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "emulator/pcap.h"

static uint8_t out[TH_PCAP_RECORD_MAX];

static struct th_addr v4(uint8_t last, uint16_t port)
{
	struct th_addr a = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = last }, .port = port };

	return a;
}

static void test_head(void **state)
{
	static const uint8_t want[TH_PCAP_HEAD] = { 0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4,	 0, 0, 0, 0,
						    0,	  0,	0,    0,    0, 1, 0, 47, 0, 0, 0, 101 };
	struct th_wr w = th_wr_init(out, sizeof(out));

	(void)state;
	th_pcap_head(&w);
	assert_int_equal(w.n, TH_PCAP_HEAD);
	assert_memory_equal(out, want, sizeof(want));
}

/* A right checksum makes the sum of all words 0xffff. */
static unsigned word_sum(const uint8_t *p, size_t n, unsigned s)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (unsigned)p[i] << 8;
	while (s > 0xffff)
		s = s % 0x10000 + s / 0x10000;
	return s;
}

static void test_v4(void **state)
{
	static const uint8_t want[] = { 0, 0, 0,  7,	0, 0, 0,  9, 0, 0,    0, 31, 0,
					0, 0, 31, 0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17 };
	const struct th_addr from = v4(1, 5683), to = v4(2, 40000);
	struct th_wr w = th_wr_init(out, sizeof(out));
	const uint8_t *ip = out + 16, *udp = ip + 20;

	(void)state;
	th_pcap_record(&w, 7 * TH_SEC + 9, &from, &to, (const uint8_t *)"abc", 3);
	assert_int_equal(w.n, 16 + 31);
	assert_memory_equal(out, want, sizeof(want));
	assert_memory_equal(ip + 12, ((const uint8_t[]){ 192, 0, 2, 1, 192, 0, 2, 2 }), 8);
	assert_int_equal(word_sum(ip, 20, 0), 0xffff);
	assert_memory_equal(udp, ((const uint8_t[]){ 5683 >> 8, 5683 & 255, 40000 >> 8, 40000 & 255, 0, 11 }), 6);
	assert_memory_equal(udp + 8, "abc", 3);
	assert_int_equal(word_sum(udp, 11, word_sum(ip + 12, 8, 17 + 11)), 0xffff);
}

static void test_v6_and_mixed(void **state)
{
	struct th_addr from = { .ip = { [15] = 1 }, .port = 1 }, to = v4(2, 2);
	uint8_t payload[1000];

	(void)state;
	memset(payload, 0xfe, sizeof(payload));
	for (size_t n = 0; n <= sizeof(payload); n += 111) {
		struct th_wr w = th_wr_init(out, sizeof(out));
		const uint8_t *ip = out + 16;

		th_pcap_record(&w, 0, &from, &to, payload, n);
		assert_int_equal(w.n, 16 + 48 + n);
		assert_int_equal(ip[0], 0x60);
		assert_int_equal(ip[4] << 8 | ip[5], 8 + n);
		assert_memory_equal(ip + 8, from.ip, 16);
		assert_memory_equal(ip + 24, to.ip, 16);
		assert_int_equal(word_sum(ip + 40, 8 + n, word_sum(ip + 8, 32, (unsigned)(17 + 8 + n))), 0xffff);
	}
}

static void test_small_buffer(void **state)
{
	const struct th_addr a = v4(1, 1);
	struct th_wr w = th_wr_init(out, 40);

	(void)state;
	th_pcap_record(&w, 0, &a, &a, (const uint8_t *)"abc", 3);
	assert_false(th_wr_ok(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_v4),
		cmocka_unit_test(test_v6_and_mixed),
		cmocka_unit_test(test_small_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
