#include "codec/canonical.h"

#include <stdint.h>
#include <stdlib.h>

enum {
	MEMBERS_MAX = 64,
	NESTED_MAX = 12,
	NAME_EXTRA = 3, /* two quotes and the colon */
	EMPTY_ARRAY = 2,
	HEX4 = 4,
	UTF8_MAX = 4,
};

static void put(const struct th_canonical *to, struct th_str s)
{
	to->put(to->ctx, s.p, s.n);
}

/* ---- strings ---- */

static bool hex4(struct th_str s, size_t at, uint32_t *v)
{
	*v = 0;
	if (at + HEX4 > s.n)
		return false;
	for (size_t i = at; i < at + HEX4; i++) {
		int digit = th_hex_value(s.p[i]);

		if (digit < 0)
			return false;
		*v = *v << 4 | (uint32_t)digit;
	}
	return true;
}

static bool is_between(uint32_t v, uint32_t first, uint32_t last)
{
	return v >= first && v <= last;
}

/* What "\u" at `at` begins, a pair of surrogates as one; 0: no character. *end is behind it. */
static uint32_t escaped(struct th_str s, size_t at, size_t *end)
{
	uint32_t high, low;

	if (!hex4(s, at + 2, &high))
		return 0;
	*end = at + 2 + HEX4;
	if (!is_between(high, 0xD800, 0xDFFF))
		return high;
	if (high > 0xDBFF || *end + 2 > s.n || s.p[*end] != '\\' || s.p[*end + 1] != 'u' || !hex4(s, *end + 2, &low) ||
	    !is_between(low, 0xDC00, 0xDFFF))
		return 0;
	*end += 2 + HEX4;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

static size_t utf8(char out[UTF8_MAX], uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)c;
		return 1;
	}
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)((0xF00 >> n & 0xFF) | c);
	return n;
}

/* A character that was escaped and may have to stay so. */
static void put_character(const struct th_canonical *to, uint32_t c)
{
	static const char short_names[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	static const char hex[] = "0123456789abcdef";
	char out[UTF8_MAX];

	for (const char *s = short_names; *s; s += 2)
		if (c == (uint32_t)(unsigned char)*s) {
			put(to, TH_STR("\\"));
			put(to, (struct th_str){ s + 1, 1 });
			return;
		}
	if (c >= ' ') {
		put(to, (struct th_str){ out, utf8(out, c) });
		return;
	}
	put(to, TH_STR("\\u00"));
	put(to, (struct th_str){ &hex[c >> 4], 1 });
	put(to, (struct th_str){ &hex[c & 15], 1 });
}

/* What '\\' at `at` begins; 0: nothing that JSON has. */
static uint32_t character(struct th_str s, size_t at, size_t *end)
{
	static const char names[] = "b\bf\fn\nr\rt\t\"\"\\\\//";

	if (at + 1 >= s.n)
		return 0;
	if (s.p[at + 1] == 'u')
		return escaped(s, at, end);
	*end = at + 2;
	for (const char *n = names; *n; n += 2)
		if (s.p[at + 1] == *n)
			return (uint32_t)(unsigned char)n[1];
	return 0;
}

bool th_canonical_string(const struct th_canonical *to, struct th_str s)
{
	size_t done = 0;

	for (;;) {
		const char *escape = done < s.n ? memchr(s.p + done, '\\', s.n - done) : NULL;
		size_t at = escape ? (size_t)(escape - s.p) : s.n;
		uint32_t c;

		put(to, (struct th_str){ s.p + done, at - done });
		if (!escape)
			return true;
		c = character(s, at, &done);
		if (c == 0)
			return false;
		put_character(to, c);
	}
}

/* ---- the rest ---- */

static bool put_value(const struct th_canonical *to, struct th_str value, unsigned depth);

static int by_name(const void *a, const void *b)
{
	const struct th_event_member *x = a, *y = b;
	int order = memcmp(x->name.p, y->name.p, x->name.n < y->name.n ? x->name.n : y->name.n);

	if (order == 0 && x->name.n == y->name.n) /* as they stand, whatever qsort does with what is equal */
		return (x->name.p > y->name.p) - (x->name.p < y->name.p);
	return order ? order : x->name.n < y->name.n ? -1 : 1;
}

/* `whole`: "name":value. */
static bool put_member(const struct th_canonical *to, const struct th_event_member *m, struct th_str whole,
		       unsigned depth)
{
	size_t value = m->name.n + NAME_EXTRA;

	if (!th_canonical_string(to, (struct th_str){ whole.p, value - 1 }))
		return false;
	put(to, TH_STR(":"));
	return put_value(to, (struct th_str){ whole.p + value, whole.n - value }, depth + 1);
}

static struct th_str as_it_is(const void *ctx, const struct th_event_member *m)
{
	(void)ctx;
	return m->whole;
}

static bool put_object(const struct th_canonical *to, struct th_str object, th_canonical_part *part, const void *ctx,
		       unsigned depth)
{
	struct th_event_member m[MEMBERS_MAX], next;
	size_t n = 0, at = 0;

	while (th_event_member_next(object, &at, &next)) {
		if (part(ctx, &next).n == 0)
			continue;
		if (n == MEMBERS_MAX)
			return false;
		m[n++] = next;
	}
	if (at == 0 || at != object.n)
		return false;
	qsort(m, n, sizeof(m[0]), by_name);
	put(to, TH_STR("{"));
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			put(to, TH_STR(","));
		if (!put_member(to, &m[i], part(ctx, &m[i]), depth))
			return false;
	}
	put(to, TH_STR("}"));
	return true;
}

static bool put_array(const struct th_canonical *to, struct th_str array, unsigned depth)
{
	struct th_str element;
	size_t at = 0;

	while (th_event_element_next(array, &at, &element)) {
		put(to, (struct th_str){ element.p - 1, 1 }); /* '[' or ',' */
		if (!put_value(to, element, depth + 1))
			return false;
	}
	if (at != array.n)
		return false;
	put(to, array.n == EMPTY_ARRAY ? array : TH_STR("]"));
	return true;
}

static bool put_value(const struct th_canonical *to, struct th_str value, unsigned depth)
{
	if (depth == NESTED_MAX || value.n == 0)
		return false;
	if (value.p[0] == '{')
		return put_object(to, value, as_it_is, NULL, depth);
	if (value.p[0] == '[')
		return put_array(to, value, depth);
	if (value.p[0] == '"')
		return th_canonical_string(to, value);
	put(to, value);
	return true;
}

bool th_canonical_value(const struct th_canonical *to, struct th_str value)
{
	return put_value(to, value, 0);
}

bool th_canonical_object(const struct th_canonical *to, struct th_str object, th_canonical_part *part, const void *ctx)
{
	return put_object(to, object, part, ctx, 0);
}
