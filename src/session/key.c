#include "session/key.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/mem.h"
#include "session/suite.h"

enum { SEXTET = 0x3f, SHOWN = 16, GROUP = 2 };

/* 0xff when lo <= v <= hi, else 0; no branch, as v may come from a secret. */
static unsigned within(unsigned v, unsigned lo, unsigned hi)
{
	return ((lo - 1 - v) & (v - hi - 1)) >> 8 & 0xff;
}

static char digit_of(unsigned v)
{
	return (char)((within(v, 0, 25) & (v + 'A')) | (within(v, 26, 51) & (v - 26 + 'a')) |
		      (within(v, 52, 61) & (v - 52 + '0')) | (within(v, 62, 62) & '+') | (within(v, 63, 63) & '/'));
}

/* The value, or 0x100 and more for what is not in the alphabet. */
static unsigned value_of(char digit)
{
	unsigned c = (unsigned char)digit;
	unsigned upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), number = within(c, '0', '9');
	unsigned plus = within(c, '+', '+'), slash = within(c, '/', '/');
	unsigned v =
		(upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (number & (c - '0' + 52)) | (plus & 62) | (slash & 63);

	return v | (~(upper | lower | number | plus | slash) & 0xff) << 8;
}

const char *th_key_text(char out[TH_KEY_TEXT], const uint8_t key[TH_NOISE_KEY])
{
	unsigned held = 0, bits = 0;
	size_t at = 0;

	for (size_t i = 0; i < TH_NOISE_KEY; i++) {
		held = (held << 8 | key[i]) & 0xffff;
		for (bits += 8; bits >= 6; bits -= 6)
			out[at++] = digit_of(held >> (bits - 6) & SEXTET);
	}
	out[at++] = digit_of(held << (6 - bits) & SEXTET);
	out[at] = '\0';
	return out;
}

enum th_err th_key_parse(uint8_t out[TH_NOISE_KEY], struct th_str text)
{
	unsigned held = 0, bits = 0, bad = 0;
	size_t at = 0;

	memset(out, 0, TH_NOISE_KEY);
	if (text.n != TH_KEY_CHARS)
		return TH_ERR_MALFORMED;
	for (size_t i = 0; i < TH_KEY_CHARS; i++) {
		unsigned v = value_of(text.p[i]);

		bad |= v >> 8;
		held = (held << 6 | (v & SEXTET)) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[at++] = (uint8_t)(held >> bits);
		}
	}
	bad |= held & ((1u << bits) - 1);
	if (!bad)
		return TH_OK;
	th_wipe(out, TH_NOISE_KEY);
	return TH_ERR_MALFORMED;
}

const char *th_key_fingerprint(char out[TH_KEY_FINGERPRINT], const uint8_t public[TH_NOISE_DH])
{
	static const char hex[] = "0123456789abcdef";
	const struct th_noise_suite *s = th_suite_find(TH_STR("25519_ChaChaPoly_BLAKE2s"));
	uint8_t hash[TH_NOISE_HASH];
	size_t at = 0;

	if (!s || !th_suite_hash(s, hash, public, TH_NOISE_DH, NULL, 0))
		return NULL;
	for (size_t i = 0; i < SHOWN; i++) {
		if (i > 0 && i % GROUP == 0)
			out[at++] = '-';
		out[at++] = hex[hash[i] >> 4];
		out[at++] = hex[hash[i] & 0xf];
	}
	out[at] = '\0';
	return out;
}

bool th_bytes_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
