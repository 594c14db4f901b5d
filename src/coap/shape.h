/* The table of shapes: what the first byte of a compact message says. Private to compact.c and print.c;
 * docs/protocol.md §6 has the same table, and a test compares them. */
#ifndef TH_COAP_SHAPE_H
#define TH_COAP_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coap/pdu.h"

/* How type, Message ID and token are said. */
enum th_compact_form {
	TH_FORM_ASK,	   /* CON; both are the record's number */
	TH_FORM_ASK_8,	   /* CON; the token is that of an earlier message of the sender, 1 byte says how far back */
	TH_FORM_ASK_16,	   /* 2 bytes */
	TH_FORM_TELL,	   /* NON; both are the record's number */
	TH_FORM_ACK_8,	   /* to the receiver's message of which 1 byte is given, which is the token too */
	TH_FORM_ACK_16,	   /* 2 bytes */
	TH_FORM_ACK_8_8,   /* the token is that of an earlier message, as far back as another byte says */
	TH_FORM_ACK_16_16, /* 2 and 2 bytes */
	TH_FORM_CON_8,	/* Message ID as of the record; the token is the receiver's message of which 1 byte is given */
	TH_FORM_CON_16, /* 2 bytes */
	TH_FORM_NON_8,
	TH_FORM_NON_16,
	TH_FORM_PING,	     /* Empty CON, Message ID as of the record */
	TH_FORM_EMPTY_ACK_8, /* Empty, to the receiver's message of which 1 byte is given */
	TH_FORM_EMPTY_ACK_16,
	TH_FORM_RST_8,
	TH_FORM_RST_16,
	TH_FORM_OWN_CON, /* Message ID as of the record, all else spelled out */
	TH_FORM_OWN_NON,
	TH_FORM_ALL_CON, /* all spelled out */
	TH_FORM_ALL_NON,
	TH_FORM_ALL_ACK,
	TH_FORM_ALL_RST,
	TH_FORM_LAST,
};

struct th_compact_form_rule {
	uint8_t type;
	uint8_t ref, back; /* bits of each */
	bool empty;	   /* code 0.00 */
	bool spelled;	   /* token in full */
	bool mid;	   /* Message ID in full */
};

extern const struct th_compact_form_rule th_compact_forms[TH_FORM_LAST];

/* How code, options and payload are said. E: Content-Format 65000. */
enum th_compact_content {
	TH_CONTENT_NONE,     /* Empty */
	TH_CONTENT_ANY,	     /* code, options and payload in full */
	TH_CONTENT_ENVELOPE, /* POST or 2.04, E, payload whose first byte is in the shape */
	TH_CONTENT_REGISTER, /* FETCH, Observe 0, E, payload likewise */
	TH_CONTENT_NOTIFY,   /* 2.05, Observe (varint), E, payload likewise */
	TH_CONTENT_BLOCK1,   /* POST or 2.04, E, Block1 (varint), payload */
	TH_CONTENT_BLOCK2,   /* POST or 2.04, E, Block2 (varint), payload */
	TH_CONTENT_BLOCKS,   /* POST or 2.04, E, Block2, Block1 (varints), payload */
	TH_CONTENT_CONTINUE, /* 2.31, Block1 (varint), no payload */
	TH_CONTENT_CANCEL_8, /* POST, Content-Format 65001; payload: the token of an earlier message of the sender */
	TH_CONTENT_CANCEL_16,
};

struct th_compact_shape {
	uint8_t first;	  /* the shape's byte; plus the coding, where the payload's first byte is in it */
	uint8_t form;	  /* enum th_compact_form */
	uint8_t content;  /* enum th_compact_content */
	const char *name; /* for logs and docs */
};

/* Whether eight values of the first byte belong to it: first + the payload's first byte. */
static inline bool th_compact_folds(unsigned content)
{
	return content == TH_CONTENT_ENVELOPE || content == TH_CONTENT_REGISTER || content == TH_CONTENT_NOTIFY;
}

/* The shape of that first byte; NULL while it has no meaning. */
const struct th_compact_shape *th_compact_shape_of(uint8_t first);

/* NULL: this content has no shape in that form. */
const struct th_compact_shape *th_compact_shape_for(unsigned form, unsigned content);

/* All of them, ascending. */
extern const struct th_compact_shape th_compact_shapes[];
extern const size_t th_compact_n_shapes;

#endif
