#include "codec/access_token.h"

#include <string.h>
#include <zlib.h>

#include "codec/base64.h"

enum {
	DIGITS = 6,
	BASE = 62,
	REST_LEAST = 18, /* with the "_" behind it */
	REST_MOST = 249,
	KIND = 4, /* "syt_" */
	DRAWN = 20,
	NAME_MOST = 167, /* so that REST is no longer than it may be */
	NAME_TEXT_MOST = (NAME_MOST * 4 + 2) / 3,
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

/* ---- Synapse's names ---- */

/* What of a token stands between its kind and its checksum: NAME "_" 20 LETTERS "_", as it is or as "@" and localpart.
 */
struct named {
	struct th_str name; /* without the "@" */
	size_t at;	    /* of the name or its "@" */
};

static bool is_localpart(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("._=/+-", c));
}

static bool is_letter(char c)
{
	return is_digit(c) && c > '9';
}

/* Where the "_" before the 20 letters stands, if they and a "_" end there; else 0. */
static size_t name_end(struct th_str s, size_t end)
{
	if (end < DRAWN + 2 || s.p[end - 1] != '_' || s.p[end - DRAWN - 2] != '_')
		return 0;
	for (size_t i = end - DRAWN - 1; i < end - 1; i++)
		if (!is_letter(s.p[i]))
			return 0;
	return end - DRAWN - 2;
}

/* Whether a run begins with a kind that ends there. */
static bool is_kind(struct th_str s, size_t end)
{
	const char *p;

	if (end < KIND || (end > KIND && goes_on(s, end - KIND - 1)))
		return false;
	p = s.p + end - KIND;
	return p[0] == 's' && p[1] == 'y' && is_letter(p[2]) && p[3] == '_';
}

/* A token as it is, whose checksum begins at `end`; `out` has its localpart. */
static bool find_name(struct th_str s, size_t end, struct named *name, struct th_wr *out)
{
	struct th_str rest = rest_before(s, end);
	size_t from = end - rest.n + KIND, to = name_end(s, end);

	if (rest.n < KIND || from >= to || !is_kind(s, from))
		return false;
	name->at = from;
	name->name = (struct th_str){ s.p + from, to - from };
	if (!th_base64_is(name->name, TH_BASE64_STD))
		return false;
	th_base64_decode(out, name->name, TH_BASE64_STD);
	for (size_t i = 0; i < out->n; i++)
		if (!is_localpart((char)out->p[i]))
			return false;
	return th_wr_ok(out) && out->n > 0;
}

/* One that was cut, whose mark is at `end`. */
static bool find_localpart(struct th_str s, size_t end, struct named *name)
{
	size_t to = name_end(s, end), from = to;

	while (from > 0 && to - from <= NAME_MOST && is_localpart(s.p[from - 1]))
		from--;
	if (from == to || to - from > NAME_MOST || from == 0 || s.p[from - 1] != '@' || !is_kind(s, from - 1))
		return false;
	*name = (struct named){ { s.p + from, to - from }, from - 1 };
	return true;
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

/* The part from *done to `to`, with something else in the place of the name's. */
static void put_named(struct th_wr *w, struct th_str s, size_t *done, const struct named *name, struct th_str as,
		      size_t to)
{
	size_t behind = (size_t)(name->name.p - s.p) + name->name.n;

	th_wr_bytes(w, s.p + *done, name->at - *done);
	th_wr_put(w, as);
	th_wr_bytes(w, s.p + behind, to - behind);
	*done = to;
}

enum th_err th_access_token_cut(struct th_wr *w, struct th_str plain)
{
	size_t done = 0;

	if (th_access_token_is_cut(plain)) /* or looks like it */
		return TH_ERR_INVALID;
	for (size_t at = behind_next(plain, 0); at < plain.n; at = behind_next(plain, at)) {
		int mark = are_last_digits(plain, at) ? mark_for(plain, at) : 0;
		char local[1 + NAME_MOST] = "@";
		struct th_wr local_w = th_wr_init(local + 1, NAME_MOST);
		struct named name;

		if (mark == 0)
			continue;
		if (mark == TH_ACCESS_TOKEN_SYNAPSE) {
			if (find_name(plain, at, &name, &local_w))
				put_named(w, plain, &done, &name, (struct th_str){ local, 1 + local_w.n }, at);
			else if (find_localpart(plain, at, &name))
				continue; /* it would be read as that */
		}
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

/* What of the token stands before its mark, name in base64 and all, appended to `w`. */
static void put_whole(struct th_wr *w, struct th_str cut, size_t at, const struct named *name)
{
	char text[NAME_TEXT_MOST];
	struct th_wr text_w = th_wr_init(text, sizeof(text));
	size_t from = name->at - KIND;

	th_base64_encode(&text_w, (const uint8_t *)name->name.p, name->name.n, TH_BASE64_STD);
	put_named(w, cut, &from, name, (struct th_str){ text, text_w.n }, at);
}

void th_access_token_restore(struct th_wr *w, struct th_str cut)
{
	char right[DIGITS], whole[REST_MOST];
	size_t done = 0;

	for (size_t at = next_mark(cut, 0); at < cut.n; at = next_mark(cut, at)) {
		struct th_wr whole_w = th_wr_init(whole, sizeof(whole));
		struct named name;

		if (cut.p[at] == TH_ACCESS_TOKEN_SYNAPSE && find_localpart(cut, at, &name)) {
			put_whole(&whole_w, cut, at, &name);
			th_wr_bytes(w, cut.p + done, name.at - KIND - done);
		} else {
			struct th_str rest = rest_before(cut, at);

			th_wr_bytes(&whole_w, rest.p, rest.n);
			th_wr_bytes(w, cut.p + done, at - rest.n - done);
		}
		checksum((struct th_str){ whole, whole_w.n }, cut.p[at], right);
		th_wr_bytes(w, whole, whole_w.n);
		th_wr_bytes(w, right, DIGITS);
		done = at + 1;
	}
	th_wr_bytes(w, cut.p + done, cut.n - done);
}
