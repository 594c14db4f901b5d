/* How exchanges look as plain CoAP between two thimbles (docs/protocol.md): content formats, and error codes both ways. */
#ifndef TH_PROXY_PLAIN_H
#define TH_PROXY_PLAIN_H

#include "coap/pdu.h"
#include "exchange/flow.h"

enum {
	TH_OPTION_CONTENT_FORMAT = 12,
	TH_OPTION_MAX_AGE = 14,
	TH_FORMAT_ENVELOPE = 65000, /* from the range for experiments (RFC 7252 §12.3) */
	TH_FORMAT_CANCEL = 65001,   /* payload: the token of the exchange to give up */
	TH_FORMAT_REPEAT = 65002,   /* payload: the token of the exchange whose answer could not be read */
	/* not executed: it refers to what the far half has not got (4.12); it is in a coding or by tables that the far
	 * half has not got (4.15) */
	TH_CODE_FORGOTTEN = TH_COAP_CODE(4, 12),
	TH_CODE_CODING = TH_COAP_CODE(4, 15),
};

/* An option whose value is a 16-bit number; `bytes` must outlive the option. */
struct th_coap_option th_plain_option(uint16_t number, uint16_t value, uint8_t bytes[static 2]);

/* The number in such an option, or -1 when it is absent. */
long th_plain_find(const struct th_coap_option *options, size_t n, uint16_t number);

/* The CoAP code that carries a failure's status to the ingress half, and back. */
uint8_t th_plain_code(uint16_t status);
uint16_t th_plain_status(uint8_t code);
/* What the far half met, for the log: TH_ERR_UNSUPPORTED for a code that no thimble sends. */
enum th_err th_plain_err(uint8_t code);

#endif
