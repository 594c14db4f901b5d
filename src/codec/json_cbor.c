#include "codec/json_cbor.h"

#include "codec/cbor.h"
#include "codec/item.h"

struct frame {
	size_t head;  /* where in the output the container's head stands: one byte until it is closed */
	size_t count; /* items, or pairs */
	bool map;
};

struct conv {
	struct th_wr *w;
	const struct th_known *k;
	const char *p, *end;
	unsigned style;
	size_t depth;
	struct frame stack[TH_JSON_DEPTH_MAX];
};

static bool take(struct conv *c, char want)
{
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

/* A comma or colon and what the style puts behind it. */
static bool take_separator(struct conv *c, char want)
{
	const char *at = c->p;

	if (take(c, want) && (!(c->style & TH_JSON_SPACED) || take(c, ' ')))
		return true;
	c->p = at;
	return false;
}

static void write_verbatim(struct conv *c, const char *from)
{
	size_t n = (size_t)(c->p - from);

	th_cbor_write(c->w, TH_CBOR_TAG, TH_ITEM_TAG_VERBATIM);
	th_cbor_write(c->w, TH_CBOR_BYTES, n);
	th_wr_bytes(c->w, from, n);
}

static int32_t utf8_character(const char *p, const char *end, size_t *len)
{
	static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	int32_t v;

	*len = th_item_utf8_at((const uint8_t *)p, (size_t)(end - p));
	if (*len == 0) {
		*len = 1;
		return TH_JSON_NO_CHARACTER;
	}
	v = (uint8_t)p[0] & mask[*len];
	for (size_t i = 1; i < *len; i++)
		v = v << 6 | ((uint8_t)p[i] & 0x3f);
	return v;
}

struct scanned {
	size_t bytes; /* of the characters in UTF-8 */
	bool exact;   /* the style writes the characters just so */
	bool escapes; /* a backslash occurs */
};

/* Reads over a string from behind its opening quote to behind its closing one. */
static bool scan_string(struct conv *c, struct scanned *out)
{
	*out = (struct scanned){ .exact = true };
	while (c->p < c->end && *c->p != '"') {
		char styled[TH_JSON_ESCAPE_MAX], plain[TH_JSON_ESCAPE_MAX];
		bool escape = *c->p == '\\';
		size_t len;
		int32_t v = escape ? th_json_escaped(c->p, c->end, &len) : utf8_character(c->p, c->end, &len);

		if (v == TH_JSON_BAD_CHARACTER || (!escape && (uint8_t)*c->p < 0x20))
			return false;
		if (v < 0) {
			out->exact = false;
		} else if (out->exact) {
			size_t n = th_json_escape((uint32_t)v, c->style, styled);

			out->exact = n == len && memcmp(styled, c->p, n) == 0;
			out->bytes += escape ? th_json_escape_plain((uint32_t)v, plain) : len;
		}
		out->escapes |= escape;
		c->p += len;
	}
	return take(c, '"');
}

/* The characters of a string that was scanned and found exact. */
static void write_characters(struct conv *c, const char *p, const char *end)
{
	while (p < end) {
		const char *from = p;
		size_t len;

		while (p < end && *p != '\\')
			p++;
		th_wr_bytes(c->w, from, (size_t)(p - from));
		if (p < end) {
			char plain[TH_JSON_ESCAPE_MAX];
			int32_t v = th_json_escaped(p, end, &len);

			th_wr_bytes(c->w, plain, th_json_escape_plain((uint32_t)v, plain));
			p += len;
		}
	}
}

static bool string(struct conv *c, bool key)
{
	const char *quote = c->p;
	struct scanned seen;
	struct th_str raw;
	unsigned known;

	if (!take(c, '"') || !scan_string(c, &seen))
		return false;
	raw = (struct th_str){ quote + 1, (size_t)(c->p - quote) - 2 };
	known = key && !seen.escapes ? th_known_key(c->k, raw) : TH_KNOWN_NONE;
	if (known != TH_KNOWN_NONE) {
		th_cbor_write_key(c->w, known);
	} else if (!seen.escapes && th_item_write_short(c->w, c->k, raw)) {
		return true;
	} else if (seen.exact) {
		th_cbor_write(c->w, TH_CBOR_TEXT, seen.bytes);
		write_characters(c, raw.p, raw.p + raw.n);
	} else {
		write_verbatim(c, quote);
	}
	return true;
}

static size_t take_digits(struct conv *c)
{
	const char *from = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return (size_t)(c->p - from);
}

/* The value of n digits, false when 64 bits do not hold it. */
static bool value_of(const char *p, size_t n, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < n; i++)
		if (__builtin_mul_overflow(*v, 10u, v) || __builtin_add_overflow(*v, (uint64_t)(p[i] - '0'), v))
			return false;
	return true;
}

/* RFC 8259 §6. */
static bool number(struct conv *c)
{
	const char *from = c->p, *digits;
	bool minus = take(c, '-'), whole = true;
	size_t n;
	uint64_t v;

	digits = c->p;
	n = take_digits(c);
	if (n == 0 || (n > 1 && *digits == '0'))
		return false;
	if (take(c, '.')) {
		whole = false;
		if (take_digits(c) == 0)
			return false;
	}
	if (take(c, 'e') || take(c, 'E')) {
		whole = false;
		if (!take(c, '+'))
			take(c, '-');
		if (take_digits(c) == 0)
			return false;
	}
	if (!whole || !value_of(digits, n, &v) || (minus && v == 0))
		write_verbatim(c, from);
	else
		th_cbor_write(c->w, minus ? TH_CBOR_NINT : TH_CBOR_UINT, minus ? v - 1 : v);
	return true;
}

static bool word(struct conv *c, struct th_str text, unsigned simple)
{
	if (!th_str_starts((struct th_str){ c->p, (size_t)(c->end - c->p) }, text))
		return false;
	c->p += text.n;
	th_cbor_write(c->w, TH_CBOR_SIMPLE, simple);
	return true;
}

static bool key(struct conv *c)
{
	return string(c, true) && take_separator(c, ':');
}

/* Puts the number of items into the head of the innermost container, which moves when it needs more than the byte left
 * for it. */
static void close_container(struct conv *c)
{
	struct frame *f = &c->stack[--c->depth];
	size_t more = th_cbor_head_size(f->count) - 1;
	size_t behind = f->head + 1;
	struct th_wr head;

	if (c->w->n > c->w->cap || more > c->w->cap - c->w->n) {
		c->w->n = c->w->cap + 1; /* full: nothing of this will be used */
		return;
	}
	if (more)
		memmove(c->w->p + behind + more, c->w->p + behind, c->w->n - behind);
	c->w->n += more;
	head = th_wr_init(c->w->p + f->head, more + 1);
	th_cbor_write(&head, f->map ? TH_CBOR_MAP : TH_CBOR_ARRAY, f->count);
}

/* Opens a container and reads the key of its first pair. An empty one is closed at once: *open says. */
static bool open_container(struct conv *c, bool map, bool *open)
{
	if (c->depth == TH_JSON_DEPTH_MAX)
		return false;
	c->p++;
	c->stack[c->depth++] = (struct frame){ .head = c->w->n, .map = map };
	th_wr_uint(c->w, 0, 1);
	*open = !take(c, map ? '}' : ']');
	if (!*open) {
		close_container(c);
		return true;
	}
	c->stack[c->depth - 1].count = 1;
	return !map || key(c);
}

static bool value(struct conv *c, bool *open)
{
	*open = false;
	switch (c->p < c->end ? *c->p : 0) {
	case '{':
		return open_container(c, true, open);
	case '[':
		return open_container(c, false, open);
	case '"':
		return string(c, false);
	case 't':
		return word(c, TH_STR("true"), TH_CBOR_TRUE);
	case 'f':
		return word(c, TH_STR("false"), TH_CBOR_FALSE);
	case 'n':
		return word(c, TH_STR("null"), TH_CBOR_NULL);
	default:
		return number(c);
	}
}

/* What may follow a whole value: ends of containers, then a comma and the next key. False when the text is broken or at
 * its end. */
static bool next(struct conv *c)
{
	while (c->depth) {
		struct frame *f = &c->stack[c->depth - 1];

		if (take_separator(c, ',')) {
			f->count++;
			return !f->map || key(c);
		}
		if (!take(c, f->map ? '}' : ']'))
			return false;
		close_container(c);
	}
	return false;
}

enum th_err th_json_to_cbor(struct th_wr *w, const struct th_known *k, struct th_str json, unsigned style)
{
	struct conv c = { .w = w, .k = k, .p = json.p, .end = json.p + json.n, .style = style };
	bool open;

	do {
		if (!value(&c, &open))
			return TH_ERR_UNSUPPORTED;
		if (!th_wr_ok(w))
			return TH_ERR_TOO_LARGE;
	} while (open || next(&c));
	if (style & TH_JSON_NEWLINE && !take(&c, '\n'))
		return TH_ERR_UNSUPPORTED;
	if (c.depth != 0 || c.p != c.end)
		return TH_ERR_UNSUPPORTED;
	return th_wr_ok(w) ? TH_OK : TH_ERR_TOO_LARGE;
}
