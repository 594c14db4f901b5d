/* JSON text ⇄ CBOR, byte for byte or not at all.
 *
 * One pass, no tree: order and repetition of keys stay. What differs between writers of JSON is a style of the whole body; what a style
 * does not cover in one string or number travels as its own text (tag 262); white space that no style makes is refused.
 *
 *     object   map, keys in their order: a known key as an integer, another as a string (item.h)
 *     array    array
 *     string   as item.h has it; text strings hold the characters, the others stand for text without escapes
 *     number   integer without exponent, fraction or "-0", from -2^64 + 1 to 2^64 - 1: integer; any other: tag 262, its text
 *     true, false, null: simple values 21, 20, 22
 *
 * What comes back depends on the CBOR alone; but only what was compared with the original may be sent in its place. */
#ifndef TH_CODEC_JSON_CBOR_H
#define TH_CODEC_JSON_CBOR_H

#include "base/err.h"
#include "codec/cbor.h"
#include "codec/known.h"

/* How a writer of JSON writes what it may write in several ways. */
enum th_json_style {
	TH_JSON_ASCII = 1,    /* characters from U+0080 on as \uxxxx, surrogate pairs above U+FFFF (Python) */
	TH_JSON_SPACED = 2,   /* ", " and ": " (Python) */
	TH_JSON_SLASH = 4,    /* "/" as "\/" (Foundation, PHP) */
	TH_JSON_HTML = 8,     /* <, >, &, U+2028 and U+2029 as \uxxxx (Go) */
	TH_JSON_NEWLINE = 16, /* a line feed after the value (Go) */
	TH_JSON_STYLES = 32,  /* styles are below this */
};

enum { TH_JSON_DEPTH_MAX = 64, TH_JSON_ESCAPE_MAX = 12 };

/* The style that fits if any does. */
unsigned th_json_style(struct th_str json);

/* Appends the CBOR of a whole JSON text. TH_ERR_UNSUPPORTED: no JSON, too deep, or white space of another style; TH_ERR_TOO_LARGE: w is
 * full (w must not be a measuring writer: lengths are put in afterwards). On errors w holds rubbish. */
enum th_err th_json_to_cbor(struct th_wr *w, const struct th_known *k, struct th_str json, unsigned style);

/* Appends the JSON text of one CBOR item to `out`. The reader's error becomes TH_ERR_MALFORMED on anything th_json_to_cbor() has no way to
 * write. Work is bounded by input and out->cap: it stops once `out` is full (check th_wr_ok()). */
void th_cbor_to_json(struct th_wr *out, struct th_rd *r, unsigned style);

enum {
	TH_JSON_NO_CHARACTER = -1,  /* valid JSON that stands for none: half of a surrogate pair */
	TH_JSON_BAD_CHARACTER = -2, /* no JSON */
};

/* The character of an escape that begins with the backslash at p, its length in *len; or one of those. */
int32_t th_json_escaped(const char *p, const char *end, size_t *len);

/* One character as a style writes it inside a string; returns the length, 1 to 12. */
size_t th_json_escape(uint32_t character, unsigned style, char out[static TH_JSON_ESCAPE_MAX]);

/* The same in plain UTF-8, without escapes. */
size_t th_json_escape_plain(uint32_t character, char out[static TH_JSON_ESCAPE_MAX]);

/* Known keys as CBOR integers: number n is n below 24, -1 - (n - 24) below 48, n - 24 from there on. */
static inline void th_cbor_write_key(struct th_wr *w, unsigned n)
{
	th_cbor_write(w, n >= 24 && n < 48 ? TH_CBOR_NINT : TH_CBOR_UINT, n < 24 ? n : n - 24);
}

/* The number of such an integer; SIZE_MAX when it stands for none. */
static inline size_t th_cbor_key(struct th_cbor_head h)
{
	if (h.value > UINT16_MAX || (h.major == TH_CBOR_NINT && h.value >= 24))
		return SIZE_MAX;
	return (size_t)h.value + (h.major == TH_CBOR_NINT || h.value >= 24 ? 24 : 0);
}

#endif
