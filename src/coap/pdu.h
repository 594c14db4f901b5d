/* One CoAP message as bytes: RFC 7252 §3. Parsing borrows from the datagram; nothing is allocated. */
#ifndef TH_COAP_PDU_H
#define TH_COAP_PDU_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

enum { TH_COAP_TOKEN_MAX = 8, TH_COAP_OPTIONS_MAX = 64 };

enum th_coap_type { TH_COAP_CON = 0, TH_COAP_NON = 1, TH_COAP_ACK = 2, TH_COAP_RST = 3 };

/* Code c.dd as one byte: class in the top 3 bits (§3). */
#define TH_COAP_CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))

enum {
	TH_COAP_EMPTY = 0,
	TH_COAP_GET = 1,
	TH_COAP_POST = 2,
	TH_COAP_PUT = 3,
	TH_COAP_DELETE = 4,
	TH_COAP_FETCH = 5,  /* RFC 8132 */
	TH_COAP_PATCH = 6,
	TH_COAP_IPATCH = 7,
};

struct th_coap_option {
	uint16_t number;
	uint16_t n;
	const uint8_t *p; /* borrowed */
};

struct th_coap_pdu {
	enum th_coap_type type;
	uint8_t code;
	uint16_t mid;
	uint8_t token_len;
	uint8_t token[TH_COAP_TOKEN_MAX];
	size_t n_options;
	struct th_coap_option options[TH_COAP_OPTIONS_MAX]; /* ascending by number, as on the wire */
	const uint8_t *payload; /* borrowed; NULL when there is none */
	size_t payload_len;
};

/* All or nothing. TH_ERR_MALFORMED for what §3 calls a format error (the caller still gets type and MID in `*out` when the first
 * four bytes were readable, for §4.2's RST), TH_ERR_UNSUPPORTED for another version, TH_ERR_TOO_LARGE for more than TH_COAP_OPTIONS_MAX options. */
enum th_err th_coap_pdu_read(struct th_coap_pdu *out, const uint8_t *p, size_t n);

/* Returns the bytes needed; nothing useful was written when that exceeds cap. Options must be ascending. */
size_t th_coap_pdu_write(const struct th_coap_pdu *pdu, uint8_t *out, size_t cap);

/* What follows the token: options and payload, to the end of `r`. Errors as th_coap_pdu_read(). */
enum th_err th_coap_pdu_read_tail(struct th_coap_pdu *out, struct th_rd *r);
void th_coap_pdu_write_tail(const struct th_coap_pdu *pdu, struct th_wr *w);

#endif
