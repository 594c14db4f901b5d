#include "unit.h"
#include "guard.h"
#include "wire.h"

#include "base/wr.h"
#include "coap/pdu.h"

enum { ROUNDS = 30000 };

/* What src/coap reads must be what the slow reader of wire.h reads, or both must refuse. */
static void compare(const struct guard *g, const uint8_t *bytes, size_t n)
{
	static struct wire w;
	static struct th_coap_pdu pdu;
	const uint8_t *p = guard_put(g, bytes, n);
	bool good = wire_get(&w, p, n);
	enum th_err err = th_coap_pdu_read(&pdu, p, n);

	if (good && w.n_options > TH_COAP_OPTIONS_MAX) {
		assert_int_equal(err, TH_ERR_TOO_LARGE);
		return;
	}
	if (!good) {
		assert_int_not_equal(err, TH_OK);
		if (err == TH_ERR_MALFORMED && n >= 4) {
			assert_int_equal(pdu.type, p[0] / 16 % 4);
			assert_int_equal(pdu.mid, p[2] * 256 + p[3]);
		}
		return;
	}
	assert_int_equal(err, TH_OK);
	assert_int_equal(pdu.type, w.type);
	assert_int_equal(pdu.code, w.code);
	assert_int_equal(pdu.mid, w.mid);
	assert_int_equal(pdu.token_len, w.token_len);
	assert_memory_equal(pdu.token, w.token, w.token_len);
	assert_int_equal(pdu.n_options, w.n_options);
	for (size_t i = 0; i < w.n_options; i++) {
		assert_int_equal(pdu.options[i].number, w.options[i].number);
		assert_int_equal(pdu.options[i].n, w.options[i].n);
		if (w.options[i].n)
			assert_ptr_equal(pdu.options[i].p, w.options[i].p);
	}
	assert_int_equal(pdu.payload_len, w.payload_len);
	if (w.payload_len)
		assert_ptr_equal(pdu.payload, w.payload);
	else
		assert_null(pdu.payload);
}

/* Writing what was read gives the same bytes, as long as the sender used the shortest forms (there are no others,
 * §3.1). */
static void write_back(const uint8_t *bytes, size_t n)
{
	static struct th_coap_pdu pdu;
	struct guard g = guard_new(WIRE_MAX);

	assert_int_equal(th_coap_pdu_read(&pdu, bytes, n), TH_OK);
	for (size_t cap = n > 12 ? n - 12 : 0; cap <= n + 3; cap++) {
		uint8_t *out = guard_tail(&g, cap);

		assert_int_equal(th_coap_pdu_write(&pdu, out, cap), n);
		if (cap >= n)
			assert_memory_equal(out, bytes, n);
	}
	assert_int_equal(th_coap_pdu_write(&pdu, NULL, 0), n);
	guard_del(&g);
}

static void every_prefix(const uint8_t *bytes, size_t n)
{
	struct guard g = guard_new(WIRE_MAX);

	for (size_t k = 0; k <= n; k++)
		compare(&g, bytes, k);
	guard_del(&g);
}

static void random_message(struct wire *w, const struct th_rng *rng, const uint8_t *payload, size_t max_payload)
{
	static const uint32_t steps[] = { 0, 1, 12, 13, 14, 200, 268, 269, 270, 1000 };
	static const size_t lens[] = { 0, 1, 8, 12, 13, 14, 100, 268, 269, 270, 400 };
	uint8_t value[400];
	char token[9] = "abcdefgh";
	uint32_t number = 0;
	size_t n = (size_t)th_rng_below(rng, 8);

	token[th_rng_below(rng, 9)] = '\0';
	wire_init(w, (unsigned)th_rng_below(rng, 4), (uint8_t)(1 + th_rng_below(rng, 255)), (uint16_t)th_rng_u32(rng),
		  token);
	for (size_t i = 0; i < n; i++) {
		size_t len = lens[th_rng_below(rng, UNIT_COUNT(lens))];

		number += steps[th_rng_below(rng, UNIT_COUNT(steps))];
		rng->fill(rng->ctx, value, len);
		wire_option(w, number, value, len);
	}
	if (th_rng_below(rng, 2))
		wire_payload(w, payload, 1 + (size_t)th_rng_below(rng, max_payload));
}

static void random_messages_go_there_and_back(void **state)
{
	uint64_t seed = unit_seed("pdu round trip", 10);
	struct th_rng rng = th_rng_seeded(&seed);
	uint8_t payload[64], bytes[WIRE_MAX];
	static struct wire w;

	(void)state;
	memset(payload, 0xff, sizeof(payload)); /* markers in a payload are payload */
	for (int i = 0; i < 1000; i++) {
		size_t n;

		random_message(&w, &rng, payload, sizeof(payload));
		n = wire_put(&w, bytes, sizeof(bytes));
		if (i % 10 == 0)
			every_prefix(bytes, n);
		write_back(bytes, n);
	}
}

static void mutated_messages_read_the_same_by_both(void **state)
{
	uint64_t seed = unit_seed("pdu mutation", 11);
	struct th_rng rng = th_rng_seeded(&seed);
	struct guard g = guard_new(WIRE_MAX);
	uint8_t payload[16] = { 1, 2, 3, 0xff, 0xff }, bytes[WIRE_MAX];
	static struct wire w;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		size_t n;

		random_message(&w, &rng, payload, sizeof(payload));
		n = wire_put(&w, bytes, sizeof(bytes));
		for (uint64_t k = th_rng_below(&rng, 4); k > 0; k--)
			bytes[th_rng_below(&rng, n < 40 ? n : 40)] = (uint8_t)th_rng_u32(&rng);
		compare(&g, bytes, th_rng_below(&rng, 4) ? n : (size_t)th_rng_below(&rng, n + 1));
	}
	guard_del(&g);
}

static void random_bytes_read_the_same_by_both(void **state)
{
	uint64_t seed = unit_seed("pdu noise", 12);
	struct th_rng rng = th_rng_seeded(&seed);
	struct guard g = guard_new(WIRE_MAX);
	uint8_t bytes[64];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = (size_t)th_rng_below(&rng, sizeof(bytes) + 1);

		rng.fill(rng.ctx, bytes, n);
		if (n && th_rng_below(&rng, 4))
			bytes[0] =
				(uint8_t)(0x40 | (bytes[0] & 0x33)); /* version 1, a short token: get past the header */
		compare(&g, bytes, n);
	}
	guard_del(&g);
}

static void all_first_bytes(void **state)
{
	struct guard g = guard_new(WIRE_MAX);
	uint8_t bytes[24] = { 0, 1, 0x12, 0x34 };

	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		for (size_t n = 0; n <= sizeof(bytes); n++) {
			bytes[0] = (uint8_t)first;
			compare(&g, bytes, n);
		}
	}
	guard_del(&g);
}

static enum th_err read_hex(struct th_coap_pdu *pdu, const char *hex)
{
	static uint8_t bytes[256];
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		bytes[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return th_coap_pdu_read(pdu, bytes, n);
}

static void reserved_token_lengths_are_format_errors(void **state)
{
	static struct th_coap_pdu pdu;

	(void)state;
	for (unsigned tkl = 9; tkl <= 15; tkl++) {
		uint8_t bytes[32] = { (uint8_t)(0x40 | tkl), 0x01, 0xab, 0xcd };

		assert_int_equal(th_coap_pdu_read(&pdu, bytes, sizeof(bytes)), TH_ERR_MALFORMED);
		assert_int_equal(pdu.type, TH_COAP_CON);
		assert_int_equal(pdu.mid, 0xabcd);
	}
	assert_int_equal(read_hex(&pdu, "48010001"
					"0102030405060708"),
			 TH_OK);
	assert_int_equal(pdu.token_len, 8);
	assert_int_equal(read_hex(&pdu, "48010001"
					"01020304050607"),
			 TH_ERR_MALFORMED);
}

static void other_versions_are_told_apart(void **state)
{
	static struct th_coap_pdu pdu;

	(void)state;
	assert_int_equal(read_hex(&pdu, "00010001"), TH_ERR_UNSUPPORTED);
	assert_int_equal(read_hex(&pdu, "80010001"), TH_ERR_UNSUPPORTED);
	assert_int_equal(read_hex(&pdu, "c0010001"), TH_ERR_UNSUPPORTED);
}

static void format_errors_of_section_3(void **state)
{
	static const char *const bad[] = {
		"40", /* shorter than a header */
		"400100",
		"40010001ff", /* a payload marker without payload */
		"41010001aaff",
		"40010001f0", /* delta 15 that is no marker */
		"40010001f100",
		"400100010f", /* length 15 */
		"40010001d0", /* the extension byte is missing */
		"40010001e000",
		"400100010d",
		"400100010e00",
		"4001000101",		/* the value is missing */
		"40010001b36162",	/* … or too short */
		"40010001e0fef3e00000", /* number 65536: 65024 + 269 + 243 … */
		"4000000100",		/* Empty, but not empty (§4.1) */
		"41000001aa",
		"40000001ff00",
	};
	static struct th_coap_pdu pdu;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		enum th_err err = read_hex(&pdu, bad[i]);

		if (err != TH_ERR_MALFORMED)
			printf("not refused: %s\n", bad[i]);
		assert_int_equal(err, TH_ERR_MALFORMED);
	}
}

static void option_numbers_end_at_65535(void **state)
{
	static struct th_coap_pdu pdu;

	(void)state;
	assert_int_equal(read_hex(&pdu, "40010001"
					"e0fef2"),
			 TH_OK); /* 269 + 0xfef2 = 65535 */
	assert_int_equal(pdu.options[0].number, 65535);
	assert_int_equal(read_hex(&pdu, "40010001"
					"e0fef3"),
			 TH_ERR_MALFORMED);
	assert_int_equal(read_hex(&pdu, "40010001"
					"e0fef2"
					"00"),
			 TH_OK); /* delta 0 */
	assert_int_equal(pdu.n_options, 2);
	assert_int_equal(read_hex(&pdu, "40010001"
					"e0fef2"
					"10"),
			 TH_ERR_MALFORMED);
	assert_int_equal(read_hex(&pdu, "40010001"
					"e0ffff"),
			 TH_ERR_MALFORMED);
}

static void option_forms_at_their_edges(void **state)
{
	static const struct {
		const char *hex;
		uint16_t number, n;
	} cases[] = {
		{ "40010001"
		  "c0",
		  12, 0 },
		{ "40010001"
		  "d000",
		  13, 0 },
		{ "40010001"
		  "d0ff",
		  268, 0 },
		{ "40010001"
		  "e00000",
		  269, 0 },
		{ "40010001"
		  "e00001",
		  270, 0 },
		{ "40010001"
		  "10",
		  1, 0 },
		{ "40010001"
		  "1d0061616161616161616161616161",
		  1, 13 },
	};
	static struct th_coap_pdu pdu;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		assert_int_equal(read_hex(&pdu, cases[i].hex), TH_OK);
		assert_int_equal(pdu.n_options, 1);
		assert_int_equal(pdu.options[0].number, cases[i].number);
		assert_int_equal(pdu.options[0].n, cases[i].n);
	}
}

static void too_many_options_are_too_large(void **state)
{
	static struct th_coap_pdu pdu;
	uint8_t bytes[4 + TH_COAP_OPTIONS_MAX + 1] = { 0x40, 0x01 };

	(void)state;
	memset(bytes + 4, 0x10, sizeof(bytes) - 4);
	assert_int_equal(th_coap_pdu_read(&pdu, bytes, sizeof(bytes) - 1), TH_OK);
	assert_int_equal(pdu.n_options, TH_COAP_OPTIONS_MAX);
	assert_int_equal(th_coap_pdu_read(&pdu, bytes, sizeof(bytes)), TH_ERR_TOO_LARGE);
}

/* RFC 7252 Appendix A, figures 16 to 24. */
static void the_rfcs_examples(void **state)
{
	static const struct {
		const char *hex;
		unsigned type;
		uint8_t code;
		uint16_t mid;
		const char *token;
		const char *path, *payload;
	} cases[] = {
		{ "40017d34bb74656d7065726174757265", 0, 0x01, 0x7d34, "", "temperature", NULL },
		{ "60457d34ff32322e332043", 2, 0x45, 0x7d34, "", NULL, "22.3 C" },
		{ "41017d3520bb74656d7065726174757265", 0, 0x01, 0x7d35, "\x20", "temperature", NULL },
		{ "61457d3520ff32322e332043", 2, 0x45, 0x7d35, "\x20", NULL, "22.3 C" },
		{ "41017d3831bb74656d7065726174757265", 0, 0x01, 0x7d38, "\x31", "temperature", NULL },
		{ "60007d38", 2, 0x00, 0x7d38, "", NULL, NULL },
		{ "4145ad7b53ff32322e332043", 0, 0x45, 0xad7b, "\x53", NULL, "22.3 C" },
		{ "6000ad7b", 2, 0x00, 0xad7b, "", NULL, NULL },
		{ "7000ad7c", 3, 0x00, 0xad7c, "", NULL, NULL },
		{ "51017d4075bb74656d7065726174757265", 1, 0x01, 0x7d40, "\x75", "temperature", NULL },
		{ "5145ad7d75ff32322e332043", 1, 0x45, 0xad7d, "\x75", NULL, "22.3 C" },
	};
	static struct th_coap_pdu pdu;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		assert_int_equal(read_hex(&pdu, cases[i].hex), TH_OK);
		assert_int_equal(pdu.type, cases[i].type);
		assert_int_equal(pdu.code, cases[i].code);
		assert_int_equal(pdu.mid, cases[i].mid);
		assert_int_equal(pdu.token_len, strlen(cases[i].token));
		assert_memory_equal(pdu.token, cases[i].token, pdu.token_len);
		assert_int_equal(pdu.n_options, cases[i].path ? 1 : 0);
		if (cases[i].path) {
			assert_int_equal(pdu.options[0].number, 11);
			assert_int_equal(pdu.options[0].n, strlen(cases[i].path));
			assert_memory_equal(pdu.options[0].p, cases[i].path, pdu.options[0].n);
		}
		assert_int_equal(pdu.payload_len, cases[i].payload ? strlen(cases[i].payload) : 0);
		if (cases[i].payload)
			assert_memory_equal(pdu.payload, cases[i].payload, pdu.payload_len);
		if (pdu.n_options == 0 && pdu.payload_len == 0)
			assert_int_equal(th_coap_pdu_write(&pdu, NULL, 0), 4 + pdu.token_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_messages_go_there_and_back),
		cmocka_unit_test(mutated_messages_read_the_same_by_both),
		cmocka_unit_test(random_bytes_read_the_same_by_both),
		cmocka_unit_test(all_first_bytes),
		cmocka_unit_test(reserved_token_lengths_are_format_errors),
		cmocka_unit_test(other_versions_are_told_apart),
		cmocka_unit_test(format_errors_of_section_3),
		cmocka_unit_test(option_numbers_end_at_65535),
		cmocka_unit_test(option_forms_at_their_edges),
		cmocka_unit_test(too_many_options_are_too_large),
		cmocka_unit_test(the_rfcs_examples),
	};

	return cmocka_run_group_tests_name("coap/pdu", tests, NULL, NULL);
}
