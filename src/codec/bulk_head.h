/* The envelope of a message whose body travels as a bulk stream:
 *
 *     3 (coding) · head length (varint) · head (that many bytes) · body stream (bulk.h)
 *     head: as identity codes it without body (envelope.h), or as th_flate_encode_head() does: its first byte says which */
#ifndef TH_CODEC_BULK_HEAD_H
#define TH_CODEC_BULK_HEAD_H

#include "codec/envelope.h"
#include "codec/flate.h"

enum {
	TH_CODING_BULK = 3,
	TH_BULK_HEAD_MAX = TH_ENVELOPE_PREFIX_MAX + TH_ENVELOPE_HEAD_MAX, /* of the head inside */
	TH_BULK_PREFIX_MAX = 4,						  /* coding and head length */
};

/* Writes coding, length and head: by flate (`coding` and `history` as there) where that is smaller, else, and with flate NULL, by identity.
 * Returns the bytes needed, nothing useful was written when that exceeds cap. `scratch` has TH_BULK_HEAD_MAX bytes. */
size_t th_bulk_head_write(struct th_flate *flate, unsigned coding, const struct th_head *head, struct th_flate_history history,
			  uint8_t *scratch, uint8_t *out, size_t cap);

/* How long coding, length and head are together: *len = 0 while p[0..n) is too short to tell. TH_ERR_UNSUPPORTED for another coding,
 * TH_ERR_TOO_LARGE, TH_ERR_MALFORMED. */
enum th_err th_bulk_head_length(const uint8_t *p, size_t n, size_t *len);

/* Reads a whole head of exactly n = *len bytes. The result borrows from p or flate. All or nothing: the errors of th_envelope_read_request(),
 * _response() and th_flate_decode(); TH_ERR_UNSUPPORTED also when the head is by flate and `flate` is NULL. */
enum th_err th_bulk_head_read(struct th_flate *flate, const uint8_t *p, size_t n, bool response, struct th_flate_history history,
			      struct th_flate_message *out);

#endif
