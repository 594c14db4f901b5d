#include "codec/base64.h"

static const char alphabet[2][65] = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

/* The six bits of a character, 64 when it is none of the alphabet. */
static unsigned bits(char c, enum th_base64 kind)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == alphabet[kind][62] ? 62 : c == alphabet[kind][63] ? 63 : 64;
}

bool th_base64_is(struct th_str s, enum th_base64 kind)
{
	for (size_t i = 0; i < s.n; i++)
		if (bits(s.p[i], kind) > 63)
			return false;
	if (s.n % 4 == 1)
		return false;
	/* The bits left over must be zero. */
	return s.n % 4 == 0 || (bits(s.p[s.n - 1], kind) & (s.n % 4 == 2 ? 15u : 3u)) == 0;
}

void th_base64_decode(struct th_wr *w, struct th_str s, enum th_base64 kind)
{
	uint32_t acc = 0;
	unsigned have = 0;

	for (size_t i = 0; i < s.n; i++) {
		acc = acc << 6 | bits(s.p[i], kind);
		have += 6;
		if (have >= 8) {
			have -= 8;
			th_wr_uint(w, acc >> have & 0xff, 1);
		}
	}
}

/* The first n characters of the group of three bytes. */
static void put_group(struct th_wr *w, uint32_t bytes, size_t n, const char *digits)
{
	const char group[4] = { digits[bytes >> 18 & 63], digits[bytes >> 12 & 63], digits[bytes >> 6 & 63],
				digits[bytes & 63] };

	th_wr_bytes(w, group, n);
}

void th_base64_encode(struct th_wr *w, const uint8_t *p, size_t n, enum th_base64 kind)
{
	for (; n >= 3; p += 3, n -= 3)
		put_group(w, (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2], 4, alphabet[kind]);
	if (n > 0)
		put_group(w, (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0), n + 1, alphabet[kind]);
}
