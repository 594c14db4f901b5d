/* Keys as text: every spelling but one is refused. */
#include "../guard.h"
#include "../unit.h"

#include "session/key.h"
#include "session/suite.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int teardown(void **state)
{
	(void)state;
	th_suite_release();
	return 0;
}

static void test_known(void **state)
{
	static const struct {
		uint8_t first, rest;
		const char *text;
	} cases[] = {
		{ 0x00, 0x00, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
		{ 0xff, 0xff, "//////////////////////////////////////////8" },
		{ 0x01, 0x00, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
		{ 0xfb, 0xef, "++/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+8" },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		uint8_t key[TH_NOISE_KEY], back[TH_NOISE_KEY];
		char text[TH_KEY_TEXT];

		memset(key, cases[i].rest, sizeof(key));
		key[0] = cases[i].first;
		assert_string_equal(th_key_text(text, key), cases[i].text);
		assert_int_equal(th_key_parse(back, th_str_of(cases[i].text)), TH_OK);
		assert_memory_equal(back, key, sizeof(key));
	}
}

/* A slow model: bit by bit. */
static void model_text(char out[TH_KEY_TEXT], const uint8_t *key)
{
	for (size_t i = 0; i < TH_KEY_CHARS; i++) {
		unsigned v = 0;

		for (size_t bit = 6 * i; bit < 6 * i + 6; bit++) {
			unsigned byte = bit < 256 ? key[bit / 8] : 0;

			v = v << 1 | (byte >> (7 - bit % 8) & 1);
		}
		out[i] = alphabet[v];
	}
	out[TH_KEY_CHARS] = '\0';
}

static void test_random(void **state)
{
	uint64_t seed = unit_seed("key", 1);
	const struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint8_t key[TH_NOISE_KEY], back[TH_NOISE_KEY];
		char text[TH_KEY_TEXT], want[TH_KEY_TEXT];

		rng.fill(rng.ctx, key, sizeof(key));
		model_text(want, key);
		assert_string_equal(th_key_text(text, key), want);
		assert_int_equal(th_key_parse(back, th_str_of(text)), TH_OK);
		assert_memory_equal(back, key, sizeof(key));
	}
}

/* Every byte at every place: what is taken is in the alphabet and is printed back the same. */
static void test_every_byte(void **state)
{
	uint8_t key[TH_NOISE_KEY], zero[TH_NOISE_KEY] = { 0 };
	char text[TH_KEY_TEXT], again[TH_KEY_TEXT];
	unsigned taken = 0;

	(void)state;
	memset(key, 0x5a, sizeof(key));
	for (size_t at = 0; at < TH_KEY_CHARS; at++)
		for (int c = 0; c < 256; c++) {
			enum th_err err;

			memset(key, 0x5a, sizeof(key));
			th_key_text(text, key);
			text[at] = (char)c;
			err = th_key_parse(key, (struct th_str){ text, TH_KEY_CHARS });
			if (err == TH_OK) {
				assert_true(c && strchr(alphabet, c));
				assert_memory_equal(th_key_text(again, key), text, TH_KEY_TEXT);
				taken++;
			} else {
				assert_int_equal(err, TH_ERR_MALFORMED);
				assert_memory_equal(key, zero, sizeof(key));
			}
		}
	/* two bits of the last character must be zero */
	assert_int_equal(taken, 42 * 64 + 16);
}

static void test_lengths(void **state)
{
	static const char longer[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	struct guard wall = guard_new(64);
	uint8_t key[TH_NOISE_KEY];

	(void)state;
	for (size_t n = 0; n < sizeof(longer); n++) {
		struct th_str text = { (const char *)guard_put(&wall, longer, n), n };

		assert_int_equal(th_key_parse(key, text), n == TH_KEY_CHARS ? TH_OK : TH_ERR_MALFORMED);
	}
	assert_int_equal(th_key_parse(key, TH_STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")), TH_ERR_MALFORMED);
	assert_int_equal(th_key_parse(key, TH_STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")), TH_ERR_MALFORMED);
	assert_int_equal(th_key_parse(key, TH_STR("-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")), TH_ERR_MALFORMED);
	guard_del(&wall);
}

static void test_fingerprint(void **state)
{
	uint8_t key[TH_NOISE_DH] = { 0 };
	char a[TH_KEY_FINGERPRINT], b[TH_KEY_FINGERPRINT];

	(void)state;
	/* hashlib.blake2s(bytes(32)).hexdigest() */
	assert_string_equal(th_key_fingerprint(a, key), "320b-5ea9-9e65-3bc2-b593-db41-30d1-0a4e");
	for (size_t i = 0; i < 8 * sizeof(key); i++) {
		key[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_string_not_equal(th_key_fingerprint(b, key), a);
		assert_int_equal(strlen(b), TH_KEY_FINGERPRINT - 1);
		key[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

static void test_equal(void **state)
{
	struct th_noise_secret a = { { 1, 2, 3 } }, b = a;

	(void)state;
	assert_true(th_bytes_equal(a.b, b.b, sizeof(a.b)));
	for (size_t i = 0; i < 8 * sizeof(a.b); i++) {
		b.b[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_false(th_bytes_equal(a.b, b.b, sizeof(a.b)));
		b.b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	cmocka_unit_test(test_random),	    cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_fingerprint), cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
