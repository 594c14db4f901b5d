/* An exchange's request or response as one flat text, the form that the model codes and history keeps.
 *
 *     request:  [#SLOT SP] METHOD SP TARGET LF *(NAME ": " VALUE LF) [":" LF] LF BODY
 *     response: STATUS LF                      *(NAME ": " VALUE LF) [":" LF] LF BODY
 *
 * Left out is what both ends can compute: the checksums of access tokens (access_token.h), and in a BODY that has
 * events of federation these events' content hashes instead (computed.h).
 *
 * A line of ":" alone says that the body's length was not known when the head was sent. Runs of text that heads repeat
 * (th_text_lines) are one control byte each; but for the marks of access_token.h nothing else in a head can hold one.
 * #SLOT names an account of the session whose Authorization value both ends know: the field's line then reads
 * "Authorization: #". A real Authorization value that begins with '#' gets one more. A request without slot whose
 * method begins with '#' is led by "#- ". docs/protocol.md has examples. */
#ifndef TH_CODEC_TEXT_H
#define TH_CODEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "exchange/head.h"

enum {
	TH_SLOT_NONE = -1,
	TH_SLOT_MAX = 255,
	TH_TEXT_HEAD_MAX = TH_HEAD_BYTES_MAX + TH_HEAD_FIELDS_MAX * 4 + 64, /* bytes of a head as text, unpacked */
	TH_TEXT_WHOLE_MAX = 64 * 1024, /* bytes of a message that is coded whole; longer ones stream, */
	TH_TEXT_LONG_MAX = 300 * 1024, /* but for answers in JSON: they take a third of what they would then */
};

/* The one of the last two that is for a message with that head. */
size_t th_text_whole_max(const struct th_head *head);

/* What one control byte stands for; {NULL, 0} where a byte has no meaning. Index = byte. */
extern const struct th_str th_text_lines[32];

/* Writes head and body. With a slot, the first Authorization field's value is left out. *need is the length of the
 * whole text; nothing useful was written when that exceeds cap. TH_ERR_INVALID when the head holds what a text cannot
 * carry (or what is unsafe in an HTTP head), or slot without an Authorization field: such a message goes in the
 * identity coding. */
enum th_err th_text_write(const struct th_head *head, int slot, const uint8_t *body, size_t body_n, uint8_t *out,
			  size_t cap, size_t *need);

struct th_text {
	struct th_head head;			    /* borrows from `bytes`, `fields` and the text */
	struct th_field fields[TH_HEAD_FIELDS_MAX]; /* with a slot, the first Authorization value is empty */
	int slot;				    /* TH_SLOT_NONE without */
	const uint8_t *body; /* as the text has it, and borrows from there: see th_text_restore() */
	size_t body_n;
	uint8_t bytes[TH_TEXT_HEAD_MAX]; /* the head, unpacked */
};

/* All or nothing: TH_ERR_MALFORMED, TH_ERR_TOO_LARGE. What comes back is safe to write into an HTTP head, as
 * th_envelope_read_request promises, and heads written and read again are equal byte for byte. */
enum th_err th_text_read_request(struct th_text *out, const uint8_t *p, size_t n);
enum th_err th_text_read_response(struct th_text *out, const uint8_t *p, size_t n);

/* Puts back what the text left out of the body: from here on `body` may borrow from `buf`. TH_ERR_MALFORMED,
 * TH_ERR_TOO_LARGE, TH_ERR_NO_MEMORY. */
enum th_err th_text_restore(struct th_text *t, uint8_t *buf, size_t cap);

#endif
