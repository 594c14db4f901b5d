#include "codec/access_token.h"

#include <zlib.h>

enum {
	DIGITS = 6,
	BASE = 62,
	REST_LEAST = 18, /* with the "_" behind it */
	REST_MOST = 249,
};

static bool is_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Whether the run that has come to `at` goes on there. */
static bool goes_on(struct th_str s, size_t at)
{
	return at < s.n && (is_digit(s.p[at]) || s.p[at] == '_' || s.p[at] == '-');
}

/* ---- checksums ---- */

/* What of a token stands in front of its checksum, the "_" included, if a run's part that ends there can be that;
 * else empty. */
static struct th_str rest_before(struct th_str s, size_t end)
{
	size_t n = 0;

	while (n < end && n <= REST_MOST && goes_on(s, end - n - 1))
		n++;
	return (struct th_str){ s.p + end - n, n >= REST_LEAST && n <= REST_MOST ? n : 0 };
}

/* 32 bits have at most six digits. MAS reverses the digits that there are, and then puts zeros in front. */
static void checksum(struct th_str rest, int mark, char out[static DIGITS])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	unsigned long left = crc32(0, (const Bytef *)rest.p, (uInt)rest.n - 1);
	size_t n = 0;

	memset(out, digits[0], DIGITS);
	for (unsigned long v = left; v > 0; v /= BASE)
		n++;
	for (size_t i = 0; i < n; i++, left /= BASE)
		out[mark == TH_ACCESS_TOKEN_MAS ? DIGITS - n + i : DIGITS - 1 - i] = digits[left % BASE];
}

/* ---- places ---- */

/* Behind the next "_" from `at` on; the end without. */
static size_t behind_next(struct th_str s, size_t at)
{
	const char *hit = at < s.n ? memchr(s.p + at, '_', s.n - at) : NULL;

	return hit ? (size_t)(hit - s.p) + 1 : s.n;
}

/* The next mark from `at` on; the end without. */
static size_t next_mark(struct th_str s, size_t at)
{
	for (at = behind_next(s, at); at < s.n; at = behind_next(s, at))
		if ((s.p[at] == TH_ACCESS_TOKEN_SYNAPSE || s.p[at] == TH_ACCESS_TOKEN_MAS) && !goes_on(s, at + 1) &&
		    rest_before(s, at).n > 0)
			break;
	return at;
}

/* Whether a run ends with six digits that begin there. Mostly the look behind them says no, so this costs next to
 * nothing. */
static bool are_last_digits(struct th_str s, size_t at)
{
	if (s.n - at < DIGITS || goes_on(s, at + DIGITS))
		return false;
	for (size_t i = 0; i < DIGITS; i++)
		if (!is_digit(s.p[at + i]))
			return false;
	return true;
}

/* The mark for the digits there; 0: they are no checksum. */
static int mark_for(struct th_str s, size_t at)
{
	static const int marks[] = { TH_ACCESS_TOKEN_SYNAPSE, TH_ACCESS_TOKEN_MAS };
	struct th_str rest = rest_before(s, at);
	char right[DIGITS];

	if (rest.n == 0)
		return 0;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		checksum(rest, marks[i], right);
		if (memcmp(s.p + at, right, DIGITS) == 0)
			return marks[i];
	}
	return 0;
}

/* ---- out and in ---- */

enum th_err th_access_token_cut(struct th_wr *w, struct th_str plain)
{
	size_t done = 0;

	if (th_access_token_is_cut(plain)) /* or looks like it */
		return TH_ERR_INVALID;
	for (size_t at = behind_next(plain, 0); at < plain.n; at = behind_next(plain, at)) {
		int mark = are_last_digits(plain, at) ? mark_for(plain, at) : 0;

		if (mark == 0)
			continue;
		th_wr_bytes(w, plain.p + done, at - done);
		th_wr_uint(w, (uint64_t)mark, 1);
		done = at + DIGITS;
	}
	th_wr_bytes(w, plain.p + done, plain.n - done);
	return TH_OK;
}

bool th_access_token_is_cut(struct th_str cut)
{
	return next_mark(cut, 0) < cut.n;
}

void th_access_token_restore(struct th_wr *w, struct th_str cut)
{
	char right[DIGITS];
	size_t done = 0;

	for (size_t at = next_mark(cut, 0); at < cut.n; at = next_mark(cut, at)) {
		checksum(rest_before(cut, at), cut.p[at], right);
		th_wr_bytes(w, cut.p + done, at - done);
		th_wr_bytes(w, right, DIGITS);
		done = at + 1;
	}
	th_wr_bytes(w, cut.p + done, cut.n - done);
}
