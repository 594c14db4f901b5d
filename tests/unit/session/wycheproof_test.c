/* The primitives against Project Wycheproof's vectors. Argument: tests/vectors/wycheproof, whose README says which
 * vectors are not there and why. BLAKE2s has none.
 *
 * A vector's result is what its authors say of the input. "valid": the answer must be this one. "invalid": what is
 * shown does not authenticate, and must be refused. "acceptable" is used for X25519 alone, see dh(). */
#include "wycheproof.h"

#include "session/cipher.h"
#include "session/key.h"
#include "session/suite.h"

static const char *folder;
static const struct th_noise_suite *chachapoly, *aesgcm;

/* ---- X25519 ---- */

enum { PRIVATE, PUBLIC, SHARED, DH_FIELDS };

static unsigned refused;

/* "Acceptable" are public keys that a library may refuse: on the twist, not canonical, of small order. We go by RFC
 * 7748: §5 and §7 compute with all of them, so the answer must be the vector's; §6.1 and Noise §12 let an end refuse
 * an all-zero one, and we must. */
static const char *dh(const struct wyche_vector *v)
{
	static const uint8_t zero[TH_NOISE_DH];
	const struct wyche_bytes *shared = &v->field[SHARED];
	struct th_noise_secret secret;
	uint8_t got[TH_NOISE_DH];
	bool ok;

	if (v->field[PRIVATE].n != sizeof(secret.b) || v->field[PUBLIC].n != TH_NOISE_DH || shared->n != sizeof(got))
		return "has another length";
	memcpy(secret.b, v->field[PRIVATE].b, sizeof(secret.b));
	ok = th_suite_dh(got, &secret, v->field[PUBLIC].b);
	if (v->result == WYCHE_ACCEPTABLE && memcmp(shared->b, zero, sizeof(zero)) == 0) {
		refused += !ok;
		return ok ? "an all-zero answer was taken" : NULL;
	}
	if (!ok)
		return "refused";
	return memcmp(got, shared->b, sizeof(got)) == 0 ? NULL : "another answer";
}

static void x25519(void **state)
{
	(void)state;
	wyche_play(folder, "x25519", DH_FIELDS, dh, (const unsigned[]){ 264, 254, 0 });
	assert_int_equal(refused, 31);
}

/* ---- ciphers ---- */

enum { KEY, IV, AAD, MSG, CT, TAG, AEAD_FIELDS };

struct buffer {
	uint8_t b[WYCHE_BYTES_MAX + TH_NOISE_TAG];
};

/* `sealed` is what the key's owner makes of the message, `opened` what comes of the vector's ciphertext and tag. An
 * invalid vector has another tag than the message's: neither may it be made, nor opened, nor anything come out. */
static const char *judge(const struct wyche_vector *v, bool ok_sealed, const struct buffer *sealed, bool ok_opened,
			 const struct buffer *opened, const struct buffer *shown)
{
	static const struct buffer zero;
	size_t n = v->field[MSG].n, tag = v->field[TAG].n;

	if (!ok_sealed)
		return "not sealed";
	if (v->result == WYCHE_INVALID) {
		if (memcmp(sealed->b, shown->b, n + tag) == 0)
			return "made";
		if (memcmp(opened->b, zero.b, n) != 0)
			return "plaintext came out";
		return ok_opened ? "opened" : NULL;
	}
	if (memcmp(sealed->b, shown->b, n + tag) != 0)
		return "sealed to something else";
	if (!ok_opened)
		return "not opened";
	return memcmp(opened->b, v->field[MSG].b, n) == 0 ? NULL : "opened to something else";
}

/* The vector's ciphertext and tag as one, as they travel. False when they are none of that cipher. */
static bool join(const struct wyche_vector *v, struct th_noise_secret *k, struct buffer *shown)
{
	const struct wyche_bytes *ct = &v->field[CT], *tag = &v->field[TAG];

	if (v->field[KEY].n != sizeof(k->b) || ct->n != v->field[MSG].n || tag->n > TH_NOISE_TAG)
		return false;
	memcpy(k->b, v->field[KEY].b, sizeof(k->b));
	memcpy(shown->b, ct->b, ct->n);
	memcpy(shown->b + ct->n, tag->b, tag->n);
	return true;
}

static const char *noise_cipher(const struct th_noise_suite *s, const struct wyche_vector *v)
{
	const struct wyche_bytes *iv = &v->field[IV], *ad = &v->field[AAD], *msg = &v->field[MSG];
	struct buffer shown, sealed, opened = { { 0 } };
	struct th_noise_secret k;
	bool seals, opens;

	if (!join(v, &k, &shown) || iv->n != TH_NOISE_NONCE || v->field[TAG].n != TH_NOISE_TAG)
		return "has another length";
	seals = th_suite_seal(s, &k, iv->b, ad->b, ad->n, msg->b, msg->n, sealed.b);
	opens = th_suite_open(s, &k, iv->b, ad->b, ad->n, shown.b, msg->n + TH_NOISE_TAG, opened.b);
	return judge(v, seals, &sealed, opens, &opened, &shown);
}

static const char *noise_chachapoly(const struct wyche_vector *v)
{
	return noise_cipher(chachapoly, v);
}

static const char *noise_aesgcm(const struct wyche_vector *v)
{
	return noise_cipher(aesgcm, v);
}

static unsigned short_tags;

static const char *record_ccm(const struct wyche_vector *v)
{
	const struct wyche_bytes *iv = &v->field[IV], *ad = &v->field[AAD], *msg = &v->field[MSG];
	struct buffer shown, sealed, opened = { { 0 } };
	size_t tag = v->field[TAG].n;
	struct th_cipher tx, rx;
	struct th_noise_secret k;
	bool seals, opens;

	if (!join(v, &k, &shown) || (tag != 8 && tag != TH_NOISE_TAG) || iv->n < 7 || iv->n > TH_CIPHER_NONCE)
		return "has another length";
	short_tags += tag == 8;
	assert_true(th_cipher_init_ccm(&tx, &k, iv->n, tag, TH_CIPHER_SEAL));
	assert_true(th_cipher_init_ccm(&rx, &k, iv->n, tag, TH_CIPHER_OPEN));
	seals = th_cipher_seal_ccm(&tx, iv->b, ad->b, ad->n, msg->b, msg->n, sealed.b);
	opens = th_cipher_open_ccm(&rx, iv->b, ad->b, ad->n, shown.b, msg->n, opened.b);
	th_cipher_free(&tx);
	th_cipher_free(&rx);
	return judge(v, seals, &sealed, opens, &opened, &shown);
}

static void chacha20_poly1305(void **state)
{
	(void)state;
	wyche_play(folder, "chacha20_poly1305", AEAD_FIELDS, noise_chachapoly, (const unsigned[]){ 256, 0, 60 });
}

static void aes_256_gcm(void **state)
{
	(void)state;
	wyche_play(folder, "aes_gcm", AEAD_FIELDS, noise_aesgcm, (const unsigned[]){ 39, 0, 27 });
}

static void aes_256_ccm(void **state)
{
	(void)state;
	wyche_play(folder, "aes_ccm", AEAD_FIELDS, record_ccm, (const unsigned[]){ 95, 0, 27 });
	assert_int_equal(short_tags, 8);
}

/* ---- HMAC and HKDF ---- */

enum { MAC_KEY, MAC_MSG, MAC_TAG, MAC_FIELDS };

/* HMAC fills its key up with zeroes (RFC 2104 §2), so a shorter one is one of a hash's length that ends in zeroes.
 * False when it is longer. */
static bool fill_up(const struct wyche_bytes *key, uint8_t out[TH_NOISE_HASH])
{
	if (key->n > TH_NOISE_HASH)
		return false;
	memset(out, 0, TH_NOISE_HASH);
	memcpy(out, key->b, key->n);
	return true;
}

/* Tags of 16 bytes are the first half of the whole. */
static const char *hmac(const struct wyche_vector *v)
{
	const struct wyche_bytes *msg = &v->field[MAC_MSG], *tag = &v->field[MAC_TAG];
	uint8_t key[TH_NOISE_HASH], got[TH_NOISE_HASH];
	bool same;

	if (!fill_up(&v->field[MAC_KEY], key) || (tag->n != sizeof(got) && tag->n != sizeof(got) / 2))
		return "has another length";
	if (!th_suite_hmac(aesgcm, key, msg->b, msg->n, got))
		return "not made";
	same = th_bytes_equal(got, tag->b, tag->n);
	if (v->result == WYCHE_INVALID)
		return same ? "made" : NULL;
	return same ? NULL : "another tag";
}

static void hmac_sha256(void **state)
{
	(void)state;
	wyche_play(folder, "hmac_sha256", MAC_FIELDS, hmac, (const unsigned[]){ 60, 0, 108 });
}

enum { SALT, IKM, OKM, KDF_FIELDS };

static const char *hkdf(const struct wyche_vector *v)
{
	const struct wyche_bytes *ikm = &v->field[IKM], *okm = &v->field[OKM];
	uint8_t got[3 * TH_NOISE_HASH], two[2 * TH_NOISE_HASH];
	struct th_noise_secret ck;

	if (!fill_up(&v->field[SALT], ck.b) || okm->n == 0 || okm->n > sizeof(got))
		return "has another length";
	if (!th_suite_hkdf(aesgcm, &ck, ikm->b, ikm->n, got, got + TH_NOISE_HASH, got + 2 * (size_t)TH_NOISE_HASH) ||
	    !th_suite_hkdf(aesgcm, &ck, ikm->b, ikm->n, two, two + TH_NOISE_HASH, NULL))
		return "not made";
	if (memcmp(got, okm->b, okm->n) != 0)
		return "another answer";
	return memcmp(got, two, sizeof(two)) == 0 ? NULL : "two outputs are not the first two of three";
}

static void hkdf_sha256(void **state)
{
	(void)state;
	wyche_play(folder, "hkdf_sha256", KDF_FIELDS, hkdf, (const unsigned[]){ 28, 0, 0 });
}

static int teardown(void **state)
{
	(void)state;
	th_suite_release();
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x25519),      cmocka_unit_test(chacha20_poly1305), cmocka_unit_test(aes_256_gcm),
		cmocka_unit_test(aes_256_ccm), cmocka_unit_test(hmac_sha256),	    cmocka_unit_test(hkdf_sha256),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	chachapoly = th_suite_find(TH_STR("25519_ChaChaPoly_BLAKE2s"));
	aesgcm = th_suite_find(TH_STR("25519_AESGCM_SHA256"));
	return cmocka_run_group_tests(tests, NULL, teardown);
}
