/* The parts of a response's head as text. */
#ifndef TH_HTTP_RESPONSE_HEAD_H
#define TH_HTTP_RESPONSE_HEAD_H

#include "base/wr.h"
#include "exchange/head.h"

enum {
	TH_RESPONSE_STATUS_MAX = 64, /* room for a status line */
	TH_RESPONSE_OWN_MAX = 64,    /* and for our own fields */
};

void th_response_status(struct th_wr *w, uint16_t status);

/* The flow's fields in order, names as given, without those that would break the head apart or speak of this hop or of
 * framing. `length_ok`: a Content-Length may pass, since it describes a body that does not follow (RFC 9110 §8.6). True
 * when a Date was among them. */
bool th_response_fields(struct th_wr *w, const struct th_head *h, bool length_ok);

/* Server, and Date unless `date` is empty. */
void th_response_own(struct th_wr *w, struct th_str date);

void th_response_put_field(struct th_wr *w, struct th_str name, struct th_str value);

#endif
