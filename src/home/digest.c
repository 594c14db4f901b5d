#include "home/digest.h"

#include <openssl/evp.h>

/* Fetching an algorithm by name costs more than using it once. */
static EVP_MD *sha256;

void th_digest_begin(struct th_digest *d)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!sha256)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	d->ctx = ctx;
	d->broken = !ctx || !sha256 || EVP_DigestInit_ex(ctx, sha256, NULL) != 1;
}

void th_digest_bytes(struct th_digest *d, const void *p, size_t n)
{
	if (!d->broken && n > 0 && EVP_DigestUpdate(d->ctx, p, n) != 1)
		d->broken = true;
}

static void length(struct th_digest *d, size_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((uint64_t)n >> (8 * i));
	th_digest_bytes(d, bytes, sizeof(bytes));
}

void th_digest_str(struct th_digest *d, struct th_str s)
{
	length(d, s.n);
	th_digest_bytes(d, s.p, s.n);
}

void th_digest_lower(struct th_digest *d, struct th_str s)
{
	char piece[64];

	length(d, s.n);
	while (s.n > 0) {
		size_t n = s.n < sizeof(piece) ? s.n : sizeof(piece);

		for (size_t i = 0; i < n; i++)
			piece[i] = th_lower(s.p[i]);
		th_digest_bytes(d, piece, n);
		s.p += n;
		s.n -= n;
	}
}

bool th_digest_end(struct th_digest *d, uint8_t out[static TH_DIGEST_BYTES])
{
	uint8_t whole[EVP_MAX_MD_SIZE];
	bool ok = !d->broken && EVP_DigestFinal_ex(d->ctx, whole, NULL) == 1;

	EVP_MD_CTX_free(d->ctx);
	d->ctx = NULL;
	if (ok)
		memcpy(out, whole, TH_DIGEST_BYTES);
	return ok;
}

void th_digest_release(void)
{
	EVP_MD_free(sha256);
	sha256 = NULL;
}
