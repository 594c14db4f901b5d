/* The compact form of one message: what flate compresses.
 *
 *     request:  method (3 bits) | body kind (3 bits) | path style (2 bits) · [method as a string] · target (target.h) · fields · body
 *     response: status (5 bits) | body kind (3 bits) · [status, varint] · fields · body
 *     fields:   each 1 to 127: a known name (exchange/fields.h), its value; 128 to 254: a run (known.h) of fields; 255: name, value;
 *               0 ends them. Values and names are strings (item.h)
 *     body:     by its kind
 *
 * The head is safe bytes only after it was read through the envelope, as th_flate_decode() does. */
#ifndef TH_CODEC_FORM_H
#define TH_CODEC_FORM_H

#include "base/err.h"
#include "base/rd.h"
#include "codec/known.h"
#include "codec/target.h"
#include "exchange/head.h"

enum th_form_body {
	TH_FORM_NONE,
	TH_FORM_VERBATIM,	  /* to the end */
	TH_FORM_CBOR,		  /* JSON of style 0 */
	TH_FORM_CBOR_STYLED,	  /* style (1 byte), then JSON of that style */
	TH_FORM_NONE_UNKNOWN,	  /* these three: the same with the body length unknown in the head */
	TH_FORM_VERBATIM_UNKNOWN,
	TH_FORM_CBOR_UNKNOWN,	  /* with the style */
	TH_FORM_OUTSIDE,	  /* body length + 1, 0 unknown (varint); the body travels elsewhere */
};

/* What both directions work with: the index, and scratch. About 84 kB; no state between calls. */
struct th_form {
	struct th_known known;
	struct th_target_scratch scratch;
	char strings[TH_HEAD_BYTES_MAX + TH_TARGET_MAX]; /* of the head read last */
	struct th_field fields[TH_HEAD_FIELDS_MAX];
};

void th_form_init(struct th_form *f);

/* Appends the form of a message. `w` is full (th_wr_ok) when there was no room. With `outside` the body is not part of it. */
void th_form_write(struct th_form *f, struct th_wr *w, const struct th_head *head, struct th_str body, bool outside, bool verbatim);

/* Reads a form of exactly n bytes: the head borrows from f until the next call, the body goes to out[0..cap). All or nothing:
 * TH_ERR_MALFORMED, TH_ERR_TOO_LARGE. `outside` says whether the body travels elsewhere. */
enum th_err th_form_read(struct th_form *f, const uint8_t *p, size_t n, bool response, struct th_head *head, struct th_wr *body,
			 bool *outside);

#endif
