#include "session/cipher.h"

#include <assert.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "base/wr.h"

enum { NONCE_ZEROES = TH_CIPHER_NONCE - sizeof(uint64_t) };

/* CCM needs the lengths of nonce and tag before it takes the key. The direction comes with the key too and stays:
 * OpenSSL 3.0 chooses its inner loop by it then. */
static bool set_up(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *aes, const struct th_noise_secret *k, size_t nonce_len,
		   size_t tag_len, int seal)
{
	return EVP_CipherInit_ex(ctx, aes, NULL, NULL, NULL, seal) > 0 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce_len, NULL) > 0 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, NULL) > 0 &&
	       EVP_CipherInit_ex(ctx, NULL, NULL, k->b, NULL, seal) > 0;
}

bool th_cipher_init_ccm(struct th_cipher *c, const struct th_noise_secret *k, size_t nonce_len, size_t tag_len,
			enum th_cipher_way way)
{
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-CCM", NULL);
	bool ok;

	*c = (struct th_cipher){ .ctx = EVP_CIPHER_CTX_new(),
				 .nonce_len = (uint8_t)nonce_len,
				 .tag_len = (uint8_t)tag_len,
				 .way = (uint8_t)way };
	ok = c->ctx && aes && set_up(c->ctx, aes, k, nonce_len, tag_len, way == TH_CIPHER_SEAL);
	EVP_CIPHER_free(aes); /* the context holds its own reference */
	if (!ok) {
		ERR_clear_error(); /* or TLS connections would find it in this thread's queue */
		th_cipher_free(c);
	}
	return ok;
}

void th_cipher_free(struct th_cipher *c)
{
	EVP_CIPHER_CTX_free(c->ctx);
	*c = (struct th_cipher){ 0 };
}

static bool start(struct th_cipher *c, const uint8_t *nonce)
{
	return EVP_CipherInit_ex(c->ctx, NULL, NULL, NULL, nonce, c->way == TH_CIPHER_SEAL) > 0;
}

/* In CCM one Update call takes the whole payload. When it opens, it compares the tag too and gives nothing if that
 * differs. */
static bool run(struct th_cipher *c, const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t n, uint8_t *out)
{
	int len;

	/* CCM must know the payload's length before the associated data. OpenSSL 3.0 takes the new nonce over with this
	 * call, and after a packet that failed only with it: without it the next would run under the old nonce. */
	if (EVP_CipherUpdate(c->ctx, NULL, &len, NULL, (int)n) <= 0 ||
	    (ad_len > 0 && EVP_CipherUpdate(c->ctx, NULL, &len, ad, (int)ad_len) <= 0))
		return false;
	return EVP_CipherUpdate(c->ctx, out, &len, in, (int)n) > 0;
}

bool th_cipher_seal_ccm(struct th_cipher *c, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, const uint8_t *in,
			size_t n, uint8_t *out)
{
	bool ok;

	assert(c->way == TH_CIPHER_SEAL);
	/* A NULL input would mean something else to the library. */
	ok = n <= TH_CIPHER_MAX && start(c, nonce) && run(c, ad, ad_len, n ? in : out, n, out) &&
	     EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, c->tag_len, out + n) > 0;

	if (!ok)
		ERR_clear_error();
	return ok;
}

bool th_cipher_open_ccm(struct th_cipher *c, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, const uint8_t *in,
			size_t n, uint8_t *out)
{
	uint8_t tag[TH_NOISE_TAG], none = 0;
	bool ok;

	assert(c->way == TH_CIPHER_OPEN);
	if (n > TH_CIPHER_MAX)
		return false;
	memcpy(tag, in + n, c->tag_len);
	ok = start(c, nonce) && EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, c->tag_len, tag) > 0 &&
	     run(c, ad, ad_len, in, n, n ? out : &none);
	if (!ok) {
		ERR_clear_error();
		if (n)
			th_wipe(out, n);
	}
	return ok;
}

/* ---- packet numbers ---- */

bool th_cipher_init(struct th_cipher *c, const struct th_noise_secret *k, size_t tag_len, enum th_cipher_way way)
{
	return th_cipher_init_ccm(c, k, TH_CIPHER_NONCE, tag_len, way);
}

static void write_nonce(uint64_t number, uint8_t nonce[TH_CIPHER_NONCE])
{
	struct th_wr w = th_wr_init(nonce + NONCE_ZEROES, sizeof(number));

	memset(nonce, 0, NONCE_ZEROES);
	th_wr_uint(&w, number, sizeof(number));
}

bool th_cipher_seal(struct th_cipher *c, uint64_t number, const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t n,
		    uint8_t *out)
{
	uint8_t nonce[TH_CIPHER_NONCE];

	write_nonce(number, nonce);
	return th_cipher_seal_ccm(c, nonce, ad, ad_len, in, n, out);
}

bool th_cipher_open(struct th_cipher *c, uint64_t number, const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t n,
		    uint8_t *out)
{
	uint8_t nonce[TH_CIPHER_NONCE];

	write_nonce(number, nonce);
	return th_cipher_open_ccm(c, nonce, ad, ad_len, in, n, out);
}
