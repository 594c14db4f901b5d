/* CoAP messages inside a session: what follows from packet numbers (naming.h) is left out, what thimble sends most is
 * one byte. docs/protocol.md §6 has the table of shapes. Pure functions; nothing is allocated.
 *
 *     shape (1 byte) · references · [code] · [options, as RFC 7252 §3.1] · [payload]
 *
 * Every CoAP message has a compact form, and the message that comes out is the one that went in, byte for byte. What is
 * read is the only form of its message (given how its references are written), or it is refused. */
#ifndef TH_COAP_COMPACT_H
#define TH_COAP_COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "coap/naming.h"
#include "coap/pdu.h"

enum {
	TH_COMPACT_ENVELOPE = 65000, /* Content-Format of the shapes that thimble's own messages have */
	TH_COMPACT_CANCEL = 65001,
	TH_COMPACT_CODINGS = 8,	    /* first bytes of an envelope that become part of the shape */
	TH_COMPACT_FOLD_MAX = 1536, /* bytes of payload up to which that is done */
	TH_COMPACT_EXTRA = 1,	    /* a compact form is at most so much longer than the ordinary one */
};

/* What a message that was read borrows from, beside the bytes it was read from. */
struct th_compact_room {
	uint8_t values[16];
	uint8_t payload[TH_COMPACT_FOLD_MAX];
	bool refers;	   /* the message refers to one of ours, */
	uint64_t referred; /* this one: th_naming_proven() */
};

/* `number`: the record it will travel in (of a CON or NON that has flown: the one it was given). `heard`: the largest
 * number received from the peer + 1, 0 when none was. Returns the bytes needed; nothing useful was written when that
 * exceeds cap. */
size_t th_compact_write(const struct th_coap_pdu *pdu, uint64_t number, uint64_t heard, uint8_t *out, size_t cap);

/* `number`: the record it came in; `ours` says what its references stand for. TH_ERR_MALFORMED, TH_ERR_TOO_LARGE as
 * th_coap_pdu_read(), TH_ERR_UNSUPPORTED for a shape that has no meaning yet, TH_ERR_NOT_FOUND for a reference that
 * stands for nothing of ours, or could be meant for another message: drop it silently, it is an old or delayed one. */
enum th_err th_compact_read(struct th_coap_pdu *pdu, struct th_compact_room *room, const struct th_naming *ours,
			    uint64_t number, const uint8_t *p, size_t n);

#endif
