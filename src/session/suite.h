/* The primitives that Noise and the records stand on, all OpenSSL 3's: 25519, ChaChaPoly and AESGCM, BLAKE2s and
 * SHA256. */
#ifndef TH_SESSION_SUITE_H
#define TH_SESSION_SUITE_H

#include "session/noise.h"

struct th_noise_suite {
	struct th_str name; /* "25519_ChaChaPoly_BLAKE2s" */
	const char *cipher; /* OpenSSL's names */
	const char *hash;
	bool nonce_is_little; /* ChaChaPoly's nonce is little-endian, AESGCM's big-endian (§12) */
};

/* NULL when there is none of that name. */
const struct th_noise_suite *th_suite_find(struct th_str name);

/* Gives the library's objects back that the calls below have fetched and kept. For the end of the program. */
void th_suite_release(void);

/* HASH(a || b). All of these return false only when the library fails. */
bool th_suite_hash(const struct th_noise_suite *s, uint8_t out[TH_NOISE_HASH], const void *a, size_t a_len,
		   const void *b, size_t b_len);

/* HMAC-HASH (RFC 2104) with a key of one hash length, as §4.3 has it. */
bool th_suite_hmac(const struct th_noise_suite *s, const uint8_t key[TH_NOISE_HASH], const void *data, size_t n,
		   uint8_t out[TH_NOISE_HASH]);

/* HKDF of §4.3 with `outputs` 2 or 3; out3 may be NULL for 2. */
bool th_suite_hkdf(const struct th_noise_suite *s, const struct th_noise_secret *ck, const void *ikm, size_t ikm_len,
		   uint8_t *out1, uint8_t *out2, uint8_t *out3);

/* ENCRYPT and DECRYPT of §4.2: ciphertext is n + TH_NOISE_TAG bytes; n and ad_len are at most TH_NOISE_MESSAGE_MAX.
 * decrypt returns false for what does not authenticate. */
bool th_suite_encrypt(const struct th_noise_suite *s, const struct th_noise_secret *k, uint64_t nonce, const void *ad,
		      size_t ad_len, const uint8_t *in, size_t n, uint8_t *out);
bool th_suite_decrypt(const struct th_noise_suite *s, const struct th_noise_secret *k, uint64_t nonce, const void *ad,
		      size_t ad_len, const uint8_t *in, size_t n, uint8_t *out);

/* What those two are made of: the same under a whole nonce. What travels takes the counter's, never one of its own
 * choice. */
bool th_suite_seal(const struct th_noise_suite *s, const struct th_noise_secret *k, const uint8_t nonce[TH_NOISE_NONCE],
		   const void *ad, size_t ad_len, const uint8_t *in, size_t n, uint8_t *out);
bool th_suite_open(const struct th_noise_suite *s, const struct th_noise_secret *k, const uint8_t nonce[TH_NOISE_NONCE],
		   const void *ad, size_t ad_len, const uint8_t *in, size_t n, uint8_t *out);

/* DH of §4.1. False for an all-zero result too (a public key of small order). */
bool th_suite_dh(uint8_t out[TH_NOISE_DH], const struct th_noise_secret *secret, const uint8_t public[TH_NOISE_DH]);

#endif
