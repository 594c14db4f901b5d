/* Strings of the compact form as CBOR items, each in the shortest of these ways:
 *
 *     simple value n       number n of th_known_values (n < 20), number n - 12 from 32 on
 *     byte string          "$", then the bytes in base64url: an event ID
 *     tag 8 byte string    "!", then the bytes in base64url: a room ID (room version 12)
 *     tag 21 byte string   base64url (RFC 8949 §3.4.5.2), unpadded
 *     tag 22 byte string   base64, unpadded
 *     text string          as it is, UTF-8
 *     tag 262 byte string  bytes that are not UTF-8; in bodies, the JSON text of a string or number (json_cbor.h)
 *
 * and in heads (never in bodies, where arrays and integers are JSON's):
 *
 *     unsigned integer     its decimal digits
 *     array                the strings of its items one after the other: at most 16, none an array
 */
#ifndef TH_CODEC_ITEM_H
#define TH_CODEC_ITEM_H

#include "codec/cbor.h"
#include "codec/known.h"

enum {
	TH_ITEM_TAG_ROOM = 8,
	TH_ITEM_TAG_BASE64URL = 21,
	TH_ITEM_TAG_BASE64 = 22,
	TH_ITEM_TAG_VERBATIM = 262,
	TH_ITEM_PARTS_MAX = 16,
};

bool th_item_is_utf8(struct th_str s);

/* Length of the UTF-8 sequence at p[0..n), n > 0 (RFC 3629); 0 when there is none. */
size_t th_item_utf8_at(const uint8_t *p, size_t n);

/* Writes s as a known value or packed base64, and says whether it could. */
bool th_item_write_short(struct th_wr *w, const struct th_known *k, struct th_str s);

/* Writes one string as an item that may stand in a body; s is UTF-8. */
void th_item_write(struct th_wr *w, const struct th_known *k, struct th_str s);

/* Appends to `out` what an item stands for, whose head was read already. Fails the reader with TH_ERR_MALFORMED on anything not listed
 * above, and on tag 262. */
void th_item_read(struct th_rd *r, struct th_cbor_head h, struct th_wr *out);

/* The same for heads: any bytes. */
void th_item_write_head(struct th_wr *w, const struct th_known *k, struct th_str s);
void th_item_read_head(struct th_rd *r, struct th_wr *out);

/* The n bytes of a byte or text string whose head was read; empty once the reader failed. Borrowed from the input. */
struct th_str th_item_content(struct th_rd *r, uint64_t n);

void th_item_write_decimal(struct th_wr *out, uint64_t v);

#endif
