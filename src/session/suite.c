#include "session/suite.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/mem.h"

enum {
	SUITES = 2,
	NONCE_COUNTER = 8,
	HASH_BLOCK = 64, /* BLOCKLEN of BLAKE2s and SHA256 */
	HMAC_INNER = 0x36,
	HMAC_OUTER = 0x5c,
};

static const struct th_noise_suite suites[SUITES] = {
	{ TH_STR_INIT("25519_ChaChaPoly_BLAKE2s"), "ChaCha20-Poly1305", "BLAKE2S-256", true },
	{ TH_STR_INIT("25519_AESGCM_SHA256"), "AES-256-GCM", "SHA256", false },
};

const struct th_noise_suite *th_suite_find(struct th_str name)
{
	for (size_t i = 0; i < SUITES; i++)
		if (th_str_eq(suites[i].name, name))
			return &suites[i];
	return NULL;
}

/* Fetching an algorithm by name costs more than using it once, so each is fetched at its first use and kept. The
 * program has one thread that does cryptography. */
static struct {
	EVP_CIPHER *cipher; /* owned, as the digest is; NULL until used */
	EVP_MD *digest;
} fetched[SUITES];

static const EVP_CIPHER *cipher_of(const struct th_noise_suite *s)
{
	EVP_CIPHER **at = &fetched[s - suites].cipher;

	if (!*at)
		*at = EVP_CIPHER_fetch(NULL, s->cipher, NULL);
	return *at;
}

static const EVP_MD *digest_of(const struct th_noise_suite *s)
{
	EVP_MD **at = &fetched[s - suites].digest;

	if (!*at)
		*at = EVP_MD_fetch(NULL, s->hash, NULL);
	return *at;
}

void th_suite_release(void)
{
	for (size_t i = 0; i < SUITES; i++) {
		EVP_CIPHER_free(fetched[i].cipher);
		EVP_MD_free(fetched[i].digest);
		fetched[i].cipher = NULL;
		fetched[i].digest = NULL;
	}
}

/* ---- hash ---- */

bool th_suite_hash(const struct th_noise_suite *s, uint8_t out[TH_NOISE_HASH], const void *a, size_t a_len,
		   const void *b, size_t b_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = digest_of(s);
	bool ok = ctx && md && EVP_DigestInit_ex(ctx, md, NULL) && (a_len == 0 || EVP_DigestUpdate(ctx, a, a_len)) &&
		  (b_len == 0 || EVP_DigestUpdate(ctx, b, b_len)) && EVP_DigestFinal_ex(ctx, out, NULL);

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* Two hashes, where OpenSSL's own HMAC looks three algorithms up by name. */
bool th_suite_hmac(const struct th_noise_suite *s, const uint8_t key[TH_NOISE_HASH], const void *data, size_t n,
		   uint8_t out[TH_NOISE_HASH])
{
	uint8_t pad[HASH_BLOCK], inner[TH_NOISE_HASH];
	bool ok;

	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = (uint8_t)((i < TH_NOISE_HASH ? key[i] : 0) ^ HMAC_INNER);
	ok = th_suite_hash(s, inner, pad, sizeof(pad), data, n);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= HMAC_INNER ^ HMAC_OUTER;
	ok = ok && th_suite_hash(s, out, pad, sizeof(pad), inner, sizeof(inner));
	th_wipe(pad, sizeof(pad));
	th_wipe(inner, sizeof(inner));
	return ok;
}

bool th_suite_hkdf(const struct th_noise_suite *s, const struct th_noise_secret *ck, const void *ikm, size_t ikm_len,
		   uint8_t *out1, uint8_t *out2, uint8_t *out3)
{
	uint8_t temp[TH_NOISE_HASH], block[TH_NOISE_HASH + 1] = { 1 };
	bool ok = th_suite_hmac(s, ck->b, ikm, ikm_len, temp) && th_suite_hmac(s, temp, block, 1, out1);

	if (ok) {
		memcpy(block, out1, TH_NOISE_HASH);
		block[TH_NOISE_HASH] = 2;
		ok = th_suite_hmac(s, temp, block, sizeof(block), out2);
	}
	if (ok && out3) {
		memcpy(block, out2, TH_NOISE_HASH);
		block[TH_NOISE_HASH] = 3;
		ok = th_suite_hmac(s, temp, block, sizeof(block), out3);
	}
	th_wipe(temp, sizeof(temp));
	th_wipe(block, sizeof(block));
	return ok;
}

/* ---- cipher ---- */

static void write_nonce(const struct th_noise_suite *s, uint64_t n, uint8_t out[TH_NOISE_NONCE])
{
	memset(out, 0, TH_NOISE_NONCE);
	for (unsigned i = 0; i < NONCE_COUNTER; i++) {
		unsigned shift = 8 * (s->nonce_is_little ? i : NONCE_COUNTER - 1 - i);

		out[TH_NOISE_NONCE - NONCE_COUNTER + i] = (uint8_t)(n >> shift);
	}
}

static EVP_CIPHER_CTX *cipher_open(const struct th_noise_suite *s, const struct th_noise_secret *k,
				   const uint8_t nonce[TH_NOISE_NONCE], int enc, const void *ad, size_t ad_len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const EVP_CIPHER *c = cipher_of(s);
	int len;

	if (ctx && c && ad_len <= TH_NOISE_MESSAGE_MAX && EVP_CipherInit_ex(ctx, c, NULL, k->b, nonce, enc) &&
	    (ad_len == 0 || EVP_CipherUpdate(ctx, NULL, &len, ad, (int)ad_len)))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

bool th_suite_seal(const struct th_noise_suite *s, const struct th_noise_secret *k, const uint8_t nonce[TH_NOISE_NONCE],
		   const void *ad, size_t ad_len, const uint8_t *in, size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx;
	int len = 0, last;
	bool ok;

	if (n > TH_NOISE_MESSAGE_MAX)
		return false;
	ctx = cipher_open(s, k, nonce, 1, ad, ad_len);
	ok = ctx && (n == 0 || EVP_EncryptUpdate(ctx, out, &len, in, (int)n)) &&
	     EVP_EncryptFinal_ex(ctx, out + len, &last) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TH_NOISE_TAG, out + n);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

bool th_suite_open(const struct th_noise_suite *s, const struct th_noise_secret *k, const uint8_t nonce[TH_NOISE_NONCE],
		   const void *ad, size_t ad_len, const uint8_t *in, size_t n, uint8_t *out)
{
	uint8_t tag[TH_NOISE_TAG], none[1];
	EVP_CIPHER_CTX *ctx;
	int len = 0, last;
	size_t plain;
	bool ok;

	if (n < TH_NOISE_TAG || n > TH_NOISE_MESSAGE_MAX)
		return false;
	plain = n - TH_NOISE_TAG;
	memcpy(tag, in + plain, sizeof(tag));
	ctx = cipher_open(s, k, nonce, 0, ad, ad_len);
	ok = ctx && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TH_NOISE_TAG, tag) &&
	     (plain == 0 || EVP_DecryptUpdate(ctx, out, &len, in, (int)plain)) &&
	     EVP_DecryptFinal_ex(ctx, plain ? out + len : none, &last);
	EVP_CIPHER_CTX_free(ctx);
	if (!ok && plain)
		th_wipe(out, plain); /* OpenSSL decrypts before it compares the tag */
	return ok;
}

bool th_suite_encrypt(const struct th_noise_suite *s, const struct th_noise_secret *k, uint64_t nonce, const void *ad,
		      size_t ad_len, const uint8_t *in, size_t n, uint8_t *out)
{
	uint8_t whole[TH_NOISE_NONCE];

	write_nonce(s, nonce, whole);
	return th_suite_seal(s, k, whole, ad, ad_len, in, n, out);
}

bool th_suite_decrypt(const struct th_noise_suite *s, const struct th_noise_secret *k, uint64_t nonce, const void *ad,
		      size_t ad_len, const uint8_t *in, size_t n, uint8_t *out)
{
	uint8_t whole[TH_NOISE_NONCE];

	write_nonce(s, nonce, whole);
	return th_suite_open(s, k, whole, ad, ad_len, in, n, out);
}

/* ---- 25519 ---- */

bool th_suite_dh(uint8_t out[TH_NOISE_DH], const struct th_noise_secret *secret, const uint8_t public[TH_NOISE_DH])
{
	EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret->b, TH_NOISE_KEY);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public, TH_NOISE_DH);
	EVP_PKEY_CTX *ctx = mine ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
	size_t n = TH_NOISE_DH;
	/* OpenSSL refuses the all-zero result of small-order points itself (RFC 7748 §6.1). */
	bool ok = ctx && theirs && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer(ctx, theirs) > 0 &&
		  EVP_PKEY_derive(ctx, out, &n) > 0 && n == TH_NOISE_DH;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(theirs);
	return ok;
}

bool th_noise_public(uint8_t out[TH_NOISE_DH], const struct th_noise_secret *secret)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret->b, TH_NOISE_KEY);
	size_t n = TH_NOISE_DH;
	bool ok = key && EVP_PKEY_get_raw_public_key(key, out, &n) > 0 && n == TH_NOISE_DH;

	EVP_PKEY_free(key);
	return ok;
}

bool th_noise_keygen(struct th_noise_pair *out, const struct th_rng *rng)
{
	rng->fill(rng->ctx, out->secret.b, sizeof(out->secret.b));
	return th_noise_public(out->public, &out->secret);
}
