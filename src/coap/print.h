/* CoAP messages as a line of text, for the log at debug level. Payloads and opaque option values appear as lengths
 * only: they may hold secrets. Needs no memory and never fails; what does not fit the line is cut and ends in "...". */
#ifndef TH_COAP_PRINT_H
#define TH_COAP_PRINT_H

#include <stddef.h>
#include <stdint.h>

#include "coap/pdu.h"

enum { TH_COAP_LINE = 400 };

/* `CON 0.02 mid=7 token=07 content-format=65000 payload=53`. Returns out. */
const char *th_coap_print(char out[static TH_COAP_LINE], const struct th_coap_pdu *pdu);

/* The compact form p of pdu beside it: `shape=response head=102a ACK 2.04 mid=298 …`, in hex what stands before options
 * and payload. Returns out. */
const char *th_compact_print(char out[static TH_COAP_LINE], const struct th_coap_pdu *pdu, const uint8_t *p, size_t n);

#endif
