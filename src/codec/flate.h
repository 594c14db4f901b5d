/* The flate codings: the compact form of a message (form.h) under raw deflate (RFC 1951) with a dictionary.
 *
 *     coding (1 byte) · deflate stream
 *
 * The dictionary is the preset of this build (coding TH_CODING_FLATE; only between ends that have the same) or nothing
 * (TH_CODING_FLATE_BARE), in both cases followed by what history the caller gives: bytes both ends hold. Window 32 kB, so history pushes the
 * oldest, least useful part of the preset out. What is encoded was decoded and compared before: byte-exact or not used.
 *
 * One instance serves the whole process, single-threaded; no state passes from one message to the next. About 1.1 MB. */
#ifndef TH_CODEC_FLATE_H
#define TH_CODEC_FLATE_H

#include "base/err.h"
#include "base/mem.h"
#include "exchange/head.h"

enum {
	TH_CODING_FLATE = 2,
	TH_CODING_FLATE_BARE = 4,
	TH_FLATE_BODY_MAX = 64 * 1024,	  /* larger bodies are bulk.h's */
	TH_FLATE_HISTORY_MAX = 24 * 1024, /* of a longer history the end is used */
};

/* The preset dictionary, and the first 8 bytes of the SHA-256 over it and the tables of known.c: ends whose numbers differ use
 * TH_CODING_FLATE_BARE. */
extern const uint8_t th_flate_preset[];
extern const size_t th_flate_preset_len;
extern const uint64_t th_flate_preset_id;

struct th_flate; /* owned by who made it */

/* NULL without memory. */
struct th_flate *th_flate_new(const struct th_mem *mem);
void th_flate_del(struct th_flate *f);

/* What both ends hold already; {0} for nothing. */
struct th_flate_history {
	const uint8_t *p; /* borrowed during the call */
	size_t n;
};

/* Encodes a message, coding byte first. Returns the bytes written; 0 when it does not restore exactly, is not smaller than with coding
 * identity, does not fit cap, or its body is too large: then use another coding. head->body_len is body.n or TH_BODY_UNKNOWN; `coding` is
 * TH_CODING_FLATE or TH_CODING_FLATE_BARE. */
size_t th_flate_encode(struct th_flate *f, unsigned coding, const struct th_head *head, struct th_str body,
		       struct th_flate_history history, uint8_t *out, size_t cap);

/* The same for a head alone, whose body of head->body_len bytes travels elsewhere (bulk.h). */
size_t th_flate_encode_head(struct th_flate *f, unsigned coding, const struct th_head *head, struct th_flate_history history,
			    uint8_t *out, size_t cap);

struct th_flate_message {
	struct th_head head;
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_str body;
	bool body_outside; /* encoded by th_flate_encode_head() */
};

/* Decodes p[0..n), coding byte first, of a request or a response. The head borrows from f until its next call, the body is in
 * body[0..cap). All or nothing: TH_ERR_UNSUPPORTED (another coding), TH_ERR_MALFORMED, TH_ERR_TOO_LARGE (also when cap is too
 * small). Work and memory are bounded whatever the input is. The head passed the checks of th_envelope_read_request() or _response(). */
enum th_err th_flate_decode(struct th_flate *f, const uint8_t *p, size_t n, bool response, struct th_flate_history history,
			    struct th_flate_message *out, uint8_t *body, size_t cap);

/* The compact form of a message, for those who keep history: what two messages have in common shows best in it. Returns the bytes
 * needed; they were written when that is at most cap. Both ends get the same bytes for the same head and body. 0: body too large. */
size_t th_flate_form(struct th_flate *f, const struct th_head *head, struct th_str body, uint8_t *out, size_t cap);

#endif
