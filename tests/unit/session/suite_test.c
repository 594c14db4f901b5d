/* The primitives against answers from elsewhere: RFC 7748 for the curve, OpenSSL's own HKDF for ours. */
#include "../unit.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "session/suite.h"

static const char *const names[] = { "25519_ChaChaPoly_BLAKE2s", "25519_AESGCM_SHA256" };

static int teardown(void **state)
{
	(void)state;
	th_suite_release();
	th_suite_release(); /* twice is once */
	return 0;
}

static void unhex(const char *hex, uint8_t *out, size_t n)
{
	assert_int_equal(strlen(hex), 2 * n);
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)strtoul((const char[]){ hex[2 * i], hex[2 * i + 1], '\0' }, NULL, 16);
}

/* RFC 7748 §5.2 and §6.1. */
static void test_curve(void **state)
{
	static const char *const table[][3] = {
		{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		  "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
		  "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
		{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
		  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
		  "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
	};
	/* Bob's pair of §6.1 */
	static const char secret[] = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
	static const char public[] = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
	struct th_noise_secret k;
	uint8_t u[TH_NOISE_DH], want[TH_NOISE_DH], got[TH_NOISE_DH];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(table); i++) {
		unhex(table[i][0], k.b, sizeof(k.b));
		unhex(table[i][1], u, sizeof(u));
		unhex(table[i][2], want, sizeof(want));
		assert_true(th_suite_dh(got, &k, u));
		assert_memory_equal(got, want, sizeof(want));
	}
	unhex(secret, k.b, sizeof(k.b));
	unhex(public, want, sizeof(want));
	assert_true(th_noise_public(got, &k));
	assert_memory_equal(got, want, sizeof(want));
}

/* RFC 5869 with an empty info is what §4.3 defines. */
static void reference_hkdf(const char *hash, const uint8_t *salt, const void *ikm, size_t n, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)hash, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, TH_NOISE_HASH),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)ikm, n),
		OSSL_PARAM_construct_end(),
	};

	assert_int_equal(EVP_KDF_derive(ctx, out, len, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void test_hkdf(void **state)
{
	uint64_t seed = unit_seed("hkdf", 3);
	const struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(names); i++) {
		const struct th_noise_suite *s = th_suite_find(th_str_of(names[i]));

		assert_non_null(s);
		for (size_t n = 0; n <= 200; n += n < 70 ? 1 : 13) {
			uint8_t ikm[200], want[3 * TH_NOISE_HASH], got[3 * TH_NOISE_HASH];
			struct th_noise_secret ck;

			rng.fill(rng.ctx, ck.b, sizeof(ck.b));
			rng.fill(rng.ctx, ikm, n);
			reference_hkdf(s->hash, ck.b, ikm, n, want, sizeof(want));
			assert_true(th_suite_hkdf(s, &ck, ikm, n, got, got + 32, got + 64));
			assert_memory_equal(got, want, sizeof(want));
			memset(got, 0, sizeof(got));
			assert_true(th_suite_hkdf(s, &ck, ikm, n, got, got + 32, NULL));
			assert_memory_equal(got, want, 64);
		}
	}
}

/* BLAKE2s and SHA256 of "abc" (RFC 7693 Appendix B, FIPS 180). */
static void test_hash(void **state)
{
	static const char *const want[] = { "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
					    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(names); i++) {
		const struct th_noise_suite *s = th_suite_find(th_str_of(names[i]));
		uint8_t out[TH_NOISE_HASH], right[TH_NOISE_HASH];

		unhex(want[i], right, sizeof(right));
		for (size_t cut = 0; cut <= 3; cut++) {
			assert_true(th_suite_hash(s, out, "abc", cut, &"abc"[cut], 3 - cut));
			assert_memory_equal(out, right, sizeof(right));
		}
	}
}

static void test_cipher(void **state)
{
	uint8_t plain[100], sealed[100 + TH_NOISE_TAG], got[100 + TH_NOISE_TAG], ad[5] = "ad of";
	struct th_noise_secret k = { { 1, 2, 3 } };

	(void)state;
	memset(plain, 'x', sizeof(plain));
	for (size_t i = 0; i < UNIT_COUNT(names); i++) {
		const struct th_noise_suite *s = th_suite_find(th_str_of(names[i]));

		for (size_t n = 0; n <= sizeof(plain); n++) {
			assert_true(th_suite_encrypt(s, &k, n, ad, n % 6, plain, n, sealed));
			assert_true(th_suite_decrypt(s, &k, n, ad, n % 6, sealed, n + TH_NOISE_TAG, got));
			assert_memory_equal(got, plain, n);
			/* in place */
			memcpy(got, sealed, n + TH_NOISE_TAG);
			assert_true(th_suite_decrypt(s, &k, n, ad, n % 6, got, n + TH_NOISE_TAG, got));
			assert_memory_equal(got, plain, n);
			assert_false(th_suite_decrypt(s, &k, n + 1, ad, n % 6, sealed, n + TH_NOISE_TAG, got));
			assert_false(
				th_suite_decrypt(s, &k, n + (1ull << 32), ad, n % 6, sealed, n + TH_NOISE_TAG, got));
			assert_false(th_suite_decrypt(s, &k, n, ad, (n + 1) % 6, sealed, n + TH_NOISE_TAG, got));
		}
		for (size_t n = 0; n < TH_NOISE_TAG; n++)
			assert_false(th_suite_decrypt(s, &k, 0, NULL, 0, sealed, n, got));
		assert_false(th_suite_encrypt(s, &k, 0, NULL, 0, plain, TH_NOISE_MESSAGE_MAX + 1, sealed));
		assert_false(th_suite_decrypt(s, &k, 0, NULL, 0, sealed, TH_NOISE_MESSAGE_MAX + 1, got));
	}
}

static void test_find(void **state)
{
	(void)state;
	assert_null(th_suite_find(TH_STR("")));
	assert_null(th_suite_find(TH_STR("25519_ChaChaPoly_SHA256")));
	assert_null(th_suite_find(TH_STR("25519_ChaChaPoly_BLAKE2s ")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_curve),  cmocka_unit_test(test_hkdf), cmocka_unit_test(test_hash),
		cmocka_unit_test(test_cipher), cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
