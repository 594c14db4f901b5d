#include "codec/cbor.h"
#include "codec/json_cbor.h"
#include "codec/item.h"

struct frame {
	uint64_t left; /* values still to come, keys not counted */
	bool map, first;
};

struct conv {
	struct th_wr *out;
	struct th_rd *r;
	unsigned style;
	size_t depth;
	struct frame stack[TH_JSON_DEPTH_MAX];
};

static void put(struct conv *c, const char *z)
{
	th_wr_bytes(c->out, z, strlen(z));
}

/* Whether a style leaves a byte of a string as it is. */
static bool is_plain(uint8_t b, unsigned style)
{
	if (b < 0x20 || b == '"' || b == '\\' || b >= 0x80)
		return false;
	return !(b == '/' && style & TH_JSON_SLASH) && !((b == '<' || b == '>' || b == '&') && style & TH_JSON_HTML);
}

static void put_characters(struct conv *c, struct th_str s)
{
	static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const uint8_t *p = (const uint8_t *)s.p;

	for (size_t i = 0; i < s.n && th_wr_ok(c->out);) {
		char styled[TH_JSON_ESCAPE_MAX];
		size_t from = i, len;
		uint32_t v;

		while (i < s.n && is_plain(p[i], c->style))
			i++;
		th_wr_bytes(c->out, p + from, i - from);
		if (i == s.n)
			break;
		len = th_item_utf8_at(p + i, s.n - i);
		if (len == 0) {
			th_rd_fail(c->r, TH_ERR_MALFORMED);
			return;
		}
		v = p[i] & mask[len];
		for (size_t j = 1; j < len; j++)
			v = v << 6 | (p[i + j] & 0x3fu);
		th_wr_bytes(c->out, styled, th_json_escape(v, c->style, styled));
		i += len;
	}
}

static void verbatim(struct conv *c)
{
	struct th_cbor_head h = th_cbor_read(c->r);
	struct th_str s;

	if (h.major != TH_CBOR_BYTES)
		th_rd_fail(c->r, TH_ERR_MALFORMED);
	s = th_item_content(c->r, h.value);
	th_wr_bytes(c->out, s.p, s.n);
}

/* A string, or with tag 262 the text of any scalar. */
static void string(struct conv *c, struct th_cbor_head h)
{
	if (h.major == TH_CBOR_TAG && h.value == TH_ITEM_TAG_VERBATIM) {
		verbatim(c);
		return;
	}
	put(c, "\"");
	if (h.major == TH_CBOR_TEXT)
		put_characters(c, th_item_content(c->r, h.value));
	else
		th_item_read(c->r, h, c->out);
	put(c, "\"");
}

static void key(struct conv *c)
{
	struct th_cbor_head h = th_cbor_read(c->r);
	size_t known;

	if (h.major == TH_CBOR_UINT || h.major == TH_CBOR_NINT) {
		known = th_cbor_key(h);
		if (known >= th_known_keys_count) {
			th_rd_fail(c->r, TH_ERR_MALFORMED);
			return;
		}
		put(c, "\"");
		th_wr_bytes(c->out, th_known_keys[known].p, th_known_keys[known].n);
		put(c, "\"");
	} else {
		string(c, h);
	}
	put(c, c->style & TH_JSON_SPACED ? ": " : ":");
}

static void open_container(struct conv *c, bool map, uint64_t n)
{
	if (c->depth == TH_JSON_DEPTH_MAX || n > th_rd_left(c->r)) {
		th_rd_fail(c->r, TH_ERR_MALFORMED);
		return;
	}
	c->stack[c->depth++] = (struct frame){ .left = n, .map = map, .first = true };
	put(c, map ? "{" : "[");
}

static void negative(struct conv *c, uint64_t v)
{
	if (v == UINT64_MAX) {
		th_rd_fail(c->r, TH_ERR_MALFORMED); /* -2^64 */
		return;
	}
	put(c, "-");
	th_item_write_decimal(c->out, v + 1);
}

static void value(struct conv *c)
{
	struct th_cbor_head h = th_cbor_read(c->r);

	if (h.major == TH_CBOR_MAP || h.major == TH_CBOR_ARRAY)
		open_container(c, h.major == TH_CBOR_MAP, h.value);
	else if (h.major == TH_CBOR_UINT)
		th_item_write_decimal(c->out, h.value);
	else if (h.major == TH_CBOR_NINT)
		negative(c, h.value);
	else if (h.major == TH_CBOR_SIMPLE && h.value == TH_CBOR_TRUE)
		put(c, "true");
	else if (h.major == TH_CBOR_SIMPLE && h.value == TH_CBOR_FALSE)
		put(c, "false");
	else if (h.major == TH_CBOR_SIMPLE && h.value == TH_CBOR_NULL)
		put(c, "null");
	else
		string(c, h);
}

/* Closes what is complete; then, inside a container, the comma and the key before its next value. False at the end. */
static bool next(struct conv *c)
{
	while (c->depth) {
		struct frame *f = &c->stack[c->depth - 1];

		if (f->left > 0) {
			f->left--;
			if (!f->first)
				put(c, c->style & TH_JSON_SPACED ? ", " : ",");
			f->first = false;
			if (f->map)
				key(c);
			return true;
		}
		put(c, f->map ? "}" : "]");
		c->depth--;
	}
	return false;
}

void th_cbor_to_json(struct th_wr *out, struct th_rd *r, unsigned style)
{
	struct conv c = { .out = out, .r = r, .style = style };

	do
		value(&c);
	while (r->err == TH_OK && th_wr_ok(out) && next(&c));
	if (style & TH_JSON_NEWLINE)
		put(&c, "\n");
}
