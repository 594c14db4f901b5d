#include "codec/canonical.h"

#include <stdint.h>
#include <stdlib.h>

#include "codec/json_cbor.h"

enum {
	MEMBERS_MAX = 64,
	NESTED_MAX = 12,
	NAME_EXTRA = 3, /* two quotes and the colon */
	EMPTY_ARRAY = 2,
};

static void put(const struct th_canonical *to, struct th_str s)
{
	to->put(to->ctx, s.p, s.n);
}

/* ---- strings ---- */

bool th_canonical_string(const struct th_canonical *to, struct th_str s)
{
	const char *p = s.p, *end = s.p + s.n;

	while (p < end) {
		const char *escape = memchr(p, '\\', (size_t)(end - p)), *plain_end = escape ? escape : end;
		char written[TH_JSON_ESCAPE_MAX];
		size_t len = 0;

		put(to, (struct th_str){ p, (size_t)(plain_end - p) });
		if (escape) {
			int32_t c = th_json_escaped(escape, end, &len);

			if (c <= 0) /* none, or U+0000 */
				return false;
			put(to, (struct th_str){ written, th_json_escape((uint32_t)c, 0, written) });
		}
		p = plain_end + len;
	}
	return true;
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
