/* A long body in JSON, piece by piece: each is a text (text.h) that the model codes against those before it, with the
 * IDs of events left out (lineage.h). It takes a third to a sixth of what zstd makes of an initial sync.
 *
 *     stream: *( varint (2 * LENGTH + raw) · LENGTH bytes )
 *     raw 0:  the text's check (check.h), then the text, as the model codes a response
 *     raw 1:  a piece that is no text, as it is
 *     text:   of a response with status 200 and no fields, whose body is the piece; of the second piece and later ones
 *             with "{" before it: an object goes on
 *
 * Pieces end where a room begins, if one does, so that their events are whole and it is known whose they are. Push
 * bytes, get bytes, as in bulk.h. */
#ifndef TH_CODEC_PIECES_H
#define TH_CODEC_PIECES_H

#include "codec/bulk.h"
#include "codec/lineage.h"
#include "codec/model.h"

enum {
	TH_PIECES_LEAST = 64,
	TH_PIECES_MAX = 128 * 1024, /* bytes of a piece */
	TH_PIECES_CODE_MAX = TH_PIECES_MAX + 32 * 1024,
};

/* What both directions work with: a process has one of each, and no call leaves anything in it. */
struct th_piece_tools {
	struct th_model *model;	    /* borrowed */
	struct th_lineage *lineage; /* borrowed */
	struct th_text *text;	    /* scratch */
};

/* 0.8 MB each. `most`: bytes of a piece, from TH_PIECES_LEAST to TH_PIECES_MAX; long ones cost less. NULL without
 * memory. */
struct th_pieces_encoder;
struct th_pieces_encoder *th_pieces_encoder_new(const struct th_mem *mem, const struct th_piece_tools *tools,
						size_t most);
void th_pieces_encoder_del(struct th_pieces_encoder *e);

/* As th_bulk_encode(); with TH_BULK_FLUSH, too, bytes stay inside: short pieces cost too much. */
enum th_err th_pieces_encode(struct th_pieces_encoder *e, const uint8_t *in, size_t n, enum th_bulk_op op, uint8_t *out,
			     size_t cap, struct th_bulk_step *step);

struct th_pieces_decoder;
struct th_pieces_decoder *th_pieces_decoder_new(const struct th_mem *mem, const struct th_piece_tools *tools);
void th_pieces_decoder_del(struct th_pieces_decoder *d);

/* As th_bulk_decode(), but for how much may come out. */
enum th_err th_pieces_decode(struct th_pieces_decoder *d, const uint8_t *in, size_t n, uint8_t *out, size_t cap,
			     struct th_bulk_step *step);
/* Whether the stream may end here. */
bool th_pieces_whole(const struct th_pieces_decoder *d);

#endif
