#include "explain/jread.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { DEPTH_MAX = 64, NUMBER_MAX = 40, SURROGATES = 0xd800, SURROGATES_LOW = 0xdc00, SURROGATES_END = 0xe000 };

struct th_jread th_jread_of(struct th_str text, struct th_arena *arena)
{
	return (struct th_jread){ .begin = text.p, .p = text.p, .end = text.p + text.n, .arena = arena };
}

static void fail(struct th_jread *r, const char *why)
{
	if (!r->why)
		r->why = why;
}

static void white(struct th_jread *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

bool th_jread_take(struct th_jread *r, char c)
{
	if (r->why)
		return false;
	white(r);
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

void th_jread_expect(struct th_jread *r, char c, const char *why)
{
	if (!th_jread_take(r, c))
		fail(r, why);
}

/* Four hex digits; -1 when there are none. */
static int32_t hex4(struct th_jread *r)
{
	int32_t v = 0;

	if (r->end - r->p < 4)
		return -1;
	for (unsigned i = 0; i < 4; i++) {
		int digit = th_hex_value(r->p[i]);

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	r->p += 4;
	return v;
}

static char *put_utf8(char *out, uint32_t cp)
{
	static const uint8_t leads[] = { 0, 0xc0, 0xe0, 0xf0 };
	unsigned more = cp < 0x80 ? 0 : cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;

	*out++ = (char)(leads[more] | cp >> 6 * more);
	while (more--)
		*out++ = (char)(0x80 | (cp >> 6 * more & 0x3f));
	return out;
}

/* Behind `\u`: a character, a pair of surrogates, or a lone one, which becomes U+FFFD. */
static char *unicode(struct th_jread *r, char *out)
{
	int32_t cp = hex4(r);

	if (cp < 0) {
		fail(r, "no four hex digits behind \\u");
		return out;
	}
	if (cp >= SURROGATES && cp < SURROGATES_END) {
		bool pair = cp < SURROGATES_LOW && r->end - r->p >= 2 && r->p[0] == '\\' && r->p[1] == 'u';
		int32_t low = -1;

		if (pair) {
			r->p += 2;
			low = hex4(r);
		}
		cp = low >= SURROGATES_LOW && low < SURROGATES_END
			     ? 0x10000 + ((cp - SURROGATES) << 10 | (low - SURROGATES_LOW))
			     : 0xfffd;
	}
	return put_utf8(out, (uint32_t)cp);
}

static char *escape(struct th_jread *r, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	char c = *r->p++;

	if (c == 'u')
		return unicode(r, out);
	at = c ? strchr(from, c) : NULL;
	if (!at) {
		fail(r, "a backslash before what needs none");
		return out;
	}
	*out++ = to[at - from];
	return out;
}

/* The end of a string that begins at r->p; NULL when it does not end. */
static const char *string_end(const struct th_jread *r)
{
	const char *p = r->p;

	while (p < r->end && *p != '"')
		p += *p == '\\' && p + 1 < r->end ? 2 : 1;
	return p < r->end ? p : NULL;
}

struct th_str th_jread_string(struct th_jread *r)
{
	const char *end;
	char *copy, *out;

	th_jread_expect(r, '"', "a string was expected");
	if (r->why)
		return TH_STR("");
	end = string_end(r);
	if (!end) {
		fail(r, "a string does not end");
		return TH_STR("");
	}
	copy = out = th_arena_alloc(r->arena, (size_t)(end - r->p) + 1); /* decoded it is never longer */
	if (!copy) {
		r->no_memory = true;
		fail(r, "no memory");
		return TH_STR("");
	}
	while (r->p < end && !r->why) {
		char c = *r->p++;

		if ((uint8_t)c < ' ')
			fail(r, "a control byte inside a string");
		else if (c == '\\')
			out = escape(r, out);
		else
			*out++ = c;
	}
	r->p = end + 1;
	return r->why ? TH_STR("") : (struct th_str){ copy, (size_t)(out - copy) };
}

double th_jread_number(struct th_jread *r)
{
	char text[NUMBER_MAX];
	size_t n = 0;
	char *end;
	double v;

	white(r);
	while (!r->why && r->p < r->end && n + 1 < sizeof(text) && *r->p && strchr("+-.0123456789eE", *r->p))
		text[n++] = *r->p++;
	text[n] = '\0';
	v = strtod(text, &end);
	if (n == 0 || *end || !isfinite(v))
		fail(r, "a number was expected");
	return r->why ? 0 : v;
}

bool th_jread_item_next(struct th_jread *r, bool *first)
{
	if (th_jread_take(r, ']'))
		return false;
	if (!*first)
		th_jread_expect(r, ',', "\",\" or \"]\" was expected");
	*first = false;
	return !r->why;
}

bool th_jread_member_next(struct th_jread *r, bool *first, struct th_str *name)
{
	if (th_jread_take(r, '}'))
		return false;
	if (!*first)
		th_jread_expect(r, ',', "\",\" or \"}\" was expected");
	*first = false;
	*name = th_jread_string(r);
	th_jread_expect(r, ':', "\":\" was expected");
	return !r->why;
}

static void skip(struct th_jread *r, unsigned depth)
{
	bool first = true;
	struct th_str name;

	if (depth > DEPTH_MAX) {
		fail(r, "too deeply nested");
	} else if (th_jread_take(r, '{')) {
		while (th_jread_member_next(r, &first, &name))
			skip(r, depth + 1);
	} else if (th_jread_take(r, '[')) {
		while (th_jread_item_next(r, &first))
			skip(r, depth + 1);
	} else {
		white(r);
		if (r->why || r->p == r->end) {
			fail(r, "a value was expected");
		} else if (*r->p == '"') {
			(void)th_jread_string(r);
		} else if (*r->p >= 'a' && *r->p <= 'z') { /* true, false, null */
			while (r->p < r->end && *r->p >= 'a' && *r->p <= 'z')
				r->p++;
		} else {
			(void)th_jread_number(r);
		}
	}
}

void th_jread_skip(struct th_jread *r)
{
	skip(r, 0);
}

void th_jread_end(struct th_jread *r)
{
	white(r);
	if (r->p != r->end)
		fail(r, "something follows the end");
}
