#include "codec/item.h"

#include "codec/base64.h"

enum {
	SIMPLE_1 = 20,	 /* values that take one byte */
	SIMPLE_2 = 32,	 /* the first simple value of two bytes */
	PACKED_MIN = 22, /* characters: 16 bytes; below that words look like base64 */
	DIGITS_MAX = 19, /* decimal digits that always fit 64 bits */
};

size_t th_item_utf8_at(const uint8_t *p, size_t n)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

bool th_item_is_utf8(struct th_str s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	for (size_t i = 0; i < s.n;) {
		size_t len = th_item_utf8_at(p + i, s.n - i);

		if (!len)
			return false;
		i += len;
	}
	return true;
}

/* Random bytes in base64 have letters of both cases and digits; names and words rarely do. */
static bool looks_random(struct th_str s)
{
	bool upper = false, lower = false, digit = false;

	for (size_t i = 0; i < s.n; i++) {
		upper |= s.p[i] >= 'A' && s.p[i] <= 'Z';
		lower |= s.p[i] >= 'a' && s.p[i] <= 'z';
		digit |= s.p[i] >= '0' && s.p[i] <= '9';
	}
	return s.n >= PACKED_MIN && upper && lower && digit;
}

static void write_packed(struct th_wr *w, struct th_str s, enum th_base64 kind)
{
	th_cbor_write(w, TH_CBOR_BYTES, s.n * 3 / 4);
	th_base64_decode(w, s, kind);
}

/* Writes s packed where it is canonical base64 of bytes that look random. */
static bool write_base64(struct th_wr *w, struct th_str s)
{
	struct th_str rest = { s.p + 1, s.n - 1 };

	if (s.n > PACKED_MIN && (s.p[0] == '$' || s.p[0] == '!') && looks_random(rest) &&
	    th_base64_is(rest, TH_BASE64_URL)) {
		if (s.p[0] == '!')
			th_cbor_write(w, TH_CBOR_TAG, TH_ITEM_TAG_ROOM);
		write_packed(w, rest, TH_BASE64_URL);
		return true;
	}
	if (!looks_random(s))
		return false;
	if (th_base64_is(s, TH_BASE64_STD)) {
		th_cbor_write(w, TH_CBOR_TAG, TH_ITEM_TAG_BASE64);
		write_packed(w, s, TH_BASE64_STD);
		return true;
	}
	if (th_base64_is(s, TH_BASE64_URL)) {
		th_cbor_write(w, TH_CBOR_TAG, TH_ITEM_TAG_BASE64URL);
		write_packed(w, s, TH_BASE64_URL);
		return true;
	}
	return false;
}

bool th_item_write_short(struct th_wr *w, const struct th_known *k, struct th_str s)
{
	unsigned known = th_known_value(k, s);

	if (known == TH_KNOWN_NONE)
		return write_base64(w, s);
	th_cbor_write(w, TH_CBOR_SIMPLE, known < SIMPLE_1 ? known : known + SIMPLE_2 - SIMPLE_1);
	return true;
}

void th_item_write(struct th_wr *w, const struct th_known *k, struct th_str s)
{
	if (!th_item_write_short(w, k, s)) {
		th_cbor_write(w, TH_CBOR_TEXT, s.n);
		th_wr_bytes(w, s.p, s.n);
	}
}

static void read_known(struct th_rd *r, uint64_t simple, struct th_wr *out)
{
	uint64_t n = simple < SIMPLE_1 ? simple : simple < SIMPLE_2 ? SIZE_MAX : simple - SIMPLE_2 + SIMPLE_1;

	if (n >= th_known_values_count)
		th_rd_fail(r, TH_ERR_MALFORMED);
	else
		th_wr_bytes(out, th_known_values[n].p, th_known_values[n].n);
}

struct th_str th_item_content(struct th_rd *r, uint64_t n)
{
	const uint8_t *p;

	if (n > th_rd_left(r))
		th_rd_fail(r, TH_ERR_MALFORMED);
	p = r->err == TH_OK ? th_rd_bytes(r, (size_t)n) : NULL;
	return p ? (struct th_str){ (const char *)p, (size_t)n } : TH_STR("");
}

static void read_packed(struct th_rd *r, struct th_cbor_head h, enum th_base64 kind, struct th_wr *out)
{
	struct th_str s;

	if (h.major != TH_CBOR_BYTES)
		th_rd_fail(r, TH_ERR_MALFORMED);
	s = th_item_content(r, h.value);
	th_base64_encode(out, (const uint8_t *)s.p, s.n, kind);
}

static void read_tagged(struct th_rd *r, uint64_t tag, struct th_wr *out)
{
	switch (tag) {
	case TH_ITEM_TAG_ROOM:
		th_wr_bytes(out, "!", 1);
		read_packed(r, th_cbor_read(r), TH_BASE64_URL, out);
		break;
	case TH_ITEM_TAG_BASE64URL:
		read_packed(r, th_cbor_read(r), TH_BASE64_URL, out);
		break;
	case TH_ITEM_TAG_BASE64:
		read_packed(r, th_cbor_read(r), TH_BASE64_STD, out);
		break;
	default:
		th_rd_fail(r, TH_ERR_MALFORMED);
	}
}

void th_item_read(struct th_rd *r, struct th_cbor_head h, struct th_wr *out)
{
	struct th_str s;

	switch (h.major) {
	case TH_CBOR_BYTES:
		th_wr_bytes(out, "$", 1);
		read_packed(r, h, TH_BASE64_URL, out);
		break;
	case TH_CBOR_TEXT:
		s = th_item_content(r, h.value);
		if (!th_item_is_utf8(s))
			th_rd_fail(r, TH_ERR_MALFORMED);
		th_wr_bytes(out, s.p, s.n);
		break;
	case TH_CBOR_TAG:
		read_tagged(r, h.value, out);
		break;
	case TH_CBOR_SIMPLE:
		read_known(r, h.value, out);
		break;
	default:
		th_rd_fail(r, TH_ERR_MALFORMED);
	}
}

/* Decimal digits without a leading zero that fit 64 bits. */
static bool is_number(struct th_str s, uint64_t *v)
{
	*v = 0;
	if (s.n == 0 || s.n > DIGITS_MAX || (s.p[0] == '0' && s.n > 1))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*v = *v * 10 + (uint64_t)(s.p[i] - '0');
	}
	return true;
}

static bool is_base64_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
	       c == '-' || c == '_';
}

/* The first run of characters from `at` on that write_base64() would pack as a whole. */
static bool find_packable(struct th_str s, size_t at, struct th_str *run)
{
	while (at < s.n) {
		size_t end = at;

		while (end < s.n && is_base64_char(s.p[end]))
			end++;
		*run = (struct th_str){ s.p + at, end - at };
		if (looks_random(*run) && (th_base64_is(*run, TH_BASE64_STD) || th_base64_is(*run, TH_BASE64_URL)))
			return true;
		at = end > at ? end : at + 1;
	}
	return false;
}

/* Signatures and keys inside a longer string (X-Matrix, filters): packed, the text around them as it is. Returns the
 * number of parts, 1 when there is nothing to pack. */
static size_t split(struct th_str s, struct th_str parts[static TH_ITEM_PARTS_MAX])
{
	size_t n = 0, at = 0;
	struct th_str run;

	while (n + 3 <= TH_ITEM_PARTS_MAX && find_packable(s, at, &run)) {
		size_t start = (size_t)(run.p - s.p);

		if (start > at)
			parts[n++] = (struct th_str){ s.p + at, start - at };
		parts[n++] = run;
		at = start + run.n;
	}
	if (at < s.n || n == 0)
		parts[n++] = (struct th_str){ s.p + at, s.n - at };
	return n;
}

void th_item_write_head(struct th_wr *w, const struct th_known *k, struct th_str s)
{
	struct th_str parts[TH_ITEM_PARTS_MAX];
	struct th_wr alone = th_wr_init(NULL, 0);
	uint64_t v;
	size_t n;

	if (!th_item_is_utf8(s)) {
		th_cbor_write(w, TH_CBOR_TAG, TH_ITEM_TAG_VERBATIM);
		th_cbor_write(w, TH_CBOR_BYTES, s.n);
		th_wr_bytes(w, s.p, s.n);
		return;
	}
	if (is_number(s, &v)) {
		th_cbor_write(w, TH_CBOR_UINT, v);
		return;
	}
	th_item_write(&alone, k, s);
	n = alone.n < s.n ? 1 : split(s, parts); /* shorter as a whole already? */
	if (n == 1) {
		th_item_write(w, k, s);
		return;
	}
	th_cbor_write(w, TH_CBOR_ARRAY, n);
	for (size_t i = 0; i < n; i++)
		th_item_write(w, k, parts[i]);
}

void th_item_write_decimal(struct th_wr *out, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	th_wr_bytes(out, digits + at, sizeof(digits) - at);
}

void th_item_read_head(struct th_rd *r, struct th_wr *out)
{
	struct th_cbor_head h = th_cbor_read(r);
	struct th_str s;

	if (h.major == TH_CBOR_UINT) {
		th_item_write_decimal(out, h.value);
	} else if (h.major == TH_CBOR_ARRAY) {
		if (h.value > TH_ITEM_PARTS_MAX)
			th_rd_fail(r, TH_ERR_MALFORMED);
		for (uint64_t i = 0; i < h.value && r->err == TH_OK; i++)
			th_item_read(r, th_cbor_read(r), out);
	} else if (h.major == TH_CBOR_TAG && h.value == TH_ITEM_TAG_VERBATIM) {
		h = th_cbor_read(r);
		if (h.major != TH_CBOR_BYTES)
			th_rd_fail(r, TH_ERR_MALFORMED);
		s = th_item_content(r, h.value);
		th_wr_bytes(out, s.p, s.n);
	} else {
		th_item_read(r, h, out);
	}
}
