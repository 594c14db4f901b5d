/* The envelope: one exchange's request or response as the body of a CoAP message, in the `identity` coding.
 *
 *     coding (1 byte, 0 = identity) · head length (varint) · head · body
 *     request head:  body length + 1, 0 unknown (varint) · method · target · fields
 *     response head: body length + 1, 0 unknown (varint) · status (varint) · fields
 *
 * docs/protocol.md has every byte. */
#ifndef TH_CODEC_ENVELOPE_H
#define TH_CODEC_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "exchange/head.h"

enum {
	TH_CODING_IDENTITY = 0,
	TH_ENVELOPE_PREFIX_MAX = 4, /* coding and head length */
	TH_ENVELOPE_HEAD_MAX = TH_HEAD_BYTES_MAX + TH_HEAD_FIELDS_MAX * 6 + 64,
};

/* Writes coding, length and head. Returns the bytes needed; nothing useful was written when that exceeds cap. */
size_t th_envelope_write(const struct th_head *head, uint8_t *out, size_t cap);

/* How long coding, length and head are together: *len = 0 while p[0..n) is too short to tell. TH_ERR_UNSUPPORTED for an
 * unknown coding, TH_ERR_TOO_LARGE past TH_ENVELOPE_HEAD_MAX, TH_ERR_MALFORMED. */
enum th_err th_envelope_length(const uint8_t *p, size_t n, size_t *len);

/* Reads a whole head of exactly n = *len bytes. The result borrows from p and from `fields` (room for
 * TH_HEAD_FIELDS_MAX). All or nothing: TH_ERR_MALFORMED, TH_ERR_TOO_LARGE. What comes back is safe to write into an
 * HTTP head: methods and names are tokens, targets hold no white space or control bytes, values no CR, LF or NUL. */
enum th_err th_envelope_read_request(struct th_head *out, struct th_field *fields, const uint8_t *p, size_t n);
enum th_err th_envelope_read_response(struct th_head *out, struct th_field *fields, const uint8_t *p, size_t n);

#endif
