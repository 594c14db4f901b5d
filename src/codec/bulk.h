/* Bodies that the message coders are not for: large ones, and those that are compressed already. Streams in flat
 * memory.
 *
 *     0 · bytes as they are (stored)
 *     1 · one zstd frame (RFC 8878): window at most 256 kB, no dictionary, no checksum
 *     2 · pieces that the model codes (pieces.h)
 *
 * Media stays stored, the rest goes through zstd: a content type that names text or JSON decides at once, otherwise the
 * first kilobyte does. Push bytes, get bytes: both directions take what they can and say how much. */
#ifndef TH_CODEC_BULK_H
#define TH_CODEC_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	TH_BULK_STORED = 0,
	TH_BULK_ZSTD = 1,
	TH_BULK_PIECES = 2,
	TH_BULK_WINDOW_LOG = 18,
	TH_BULK_SAMPLE = 1024, /* bytes looked at before it is chosen */
};

enum th_bulk_op {
	TH_BULK_MORE,  /* more follows soon; at most 32 kB are kept back */
	TH_BULK_FLUSH, /* the other end shall have all so far: end of a burst */
	TH_BULK_END,   /* that was all */
};

struct th_bulk_step {
	size_t taken, written;
	bool done; /* encoder: all was taken, and all that `op` asks for is out. Decoder: nothing more comes out of what
		      was taken */
};

struct th_piece_tools;

/* 1.4 MB while a zstd stream is open, 0.8 MB for pieces, 1 kB when stored. */
struct th_bulk_encoder;

/* content_type: the field's value, empty when there is none; borrowed during the call, as tools, with which JSON goes
 * in pieces; NULL: not. NULL without memory. */
struct th_bulk_encoder *th_bulk_encoder_new(const struct th_mem *mem, struct th_str content_type,
					    const struct th_piece_tools *tools);
void th_bulk_encoder_del(struct th_bulk_encoder *e);

/* Takes from in[0..n), writes to out[0..cap), cap > 0. Until step->done, call again with the bytes not taken, the same
 * op and room. With TH_BULK_MORE bytes may stay inside. TH_ERR_NO_MEMORY ends the stream. After TH_BULK_END was done:
 * nothing more. */
enum th_err th_bulk_encode(struct th_bulk_encoder *e, const uint8_t *in, size_t n, enum th_bulk_op op, uint8_t *out,
			   size_t cap, struct th_bulk_step *step);

/* 0.8 MB while a zstd stream is open, 0.8 MB for pieces. */
struct th_bulk_decoder;

/* No more than `max` bytes come out in all. `tools`: NULL, or what reads pieces, which has to stay. NULL without
 * memory. */
struct th_bulk_decoder *th_bulk_decoder_new(const struct th_mem *mem, uint64_t max, const struct th_piece_tools *tools);
void th_bulk_decoder_del(struct th_bulk_decoder *d);

/* Takes from in[0..n), writes to out[0..cap), cap > 0: however much a stream expands, a call yields at most cap bytes.
 * Call again until step->done. TH_ERR_MALFORMED, TH_ERR_TOO_LARGE (past max), TH_ERR_NO_MEMORY end the stream for good.
 */
enum th_err th_bulk_decode(struct th_bulk_decoder *d, const uint8_t *in, size_t n, uint8_t *out, size_t cap,
			   struct th_bulk_step *step);

/* The stream ended here: TH_OK, or TH_ERR_CLOSED when something is missing. */
enum th_err th_bulk_decoder_end(const struct th_bulk_decoder *d);

/* Whether bytes look like text or records rather than like compressed or encrypted data. */
bool th_bulk_looks_compressible(const uint8_t *p, size_t n);

#endif
