/* CoAP options: the table of those this engine knows, their rules (RFC 7252 §5.4) and their values (§3.2). */
#ifndef TH_COAP_OPTION_H
#define TH_COAP_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "coap/pdu.h"

enum {
	TH_COAP_OPT_IF_MATCH = 1,
	TH_COAP_OPT_URI_HOST = 3,
	TH_COAP_OPT_ETAG = 4,
	TH_COAP_OPT_IF_NONE_MATCH = 5,
	TH_COAP_OPT_OBSERVE = 6, /* RFC 7641 */
	TH_COAP_OPT_URI_PORT = 7,
	TH_COAP_OPT_LOCATION_PATH = 8,
	TH_COAP_OPT_URI_PATH = 11,
	TH_COAP_OPT_CONTENT_FORMAT = 12,
	TH_COAP_OPT_MAX_AGE = 14,
	TH_COAP_OPT_URI_QUERY = 15,
	TH_COAP_OPT_HOP_LIMIT = 16, /* RFC 8768 */
	TH_COAP_OPT_ACCEPT = 17,
	TH_COAP_OPT_QBLOCK1 = 19, /* RFC 9177; between thimbles only */
	TH_COAP_OPT_LOCATION_QUERY = 20,
	TH_COAP_OPT_BLOCK2 = 23, /* RFC 7959 */
	TH_COAP_OPT_BLOCK1 = 27,
	TH_COAP_OPT_SIZE2 = 28,
	TH_COAP_OPT_QBLOCK2 = 31,
	TH_COAP_OPT_PROXY_URI = 35,
	TH_COAP_OPT_PROXY_SCHEME = 39,
	TH_COAP_OPT_SIZE1 = 60,
	TH_COAP_OPT_ECHO = 252,	       /* RFC 9175 */
	TH_COAP_OPT_NO_RESPONSE = 258, /* RFC 7967 */
	TH_COAP_OPT_REQUEST_TAG = 292, /* RFC 9175 */
};

struct th_coap_option_rule {
	uint16_t number;
	bool repeatable;
	uint16_t min, max; /* bytes of the value */
};

/* NULL when the number is not known here. */
const struct th_coap_option_rule *th_coap_option_rule(uint16_t number);

/* §5.4.6: the number itself says how to treat an unknown option. */
static inline bool th_coap_option_is_critical(uint16_t number)
{
	return number & 1;
}

static inline bool th_coap_option_is_unsafe(uint16_t number)
{
	return number & 2;
}

static inline bool th_coap_option_is_no_cache_key(uint16_t number)
{
	return (number & 0x1e) == 0x1c;
}

/* Whether the engine sets and reads this option itself and hides it from its user. */
bool th_coap_option_is_engines(uint16_t number);

/* The first option of that number, NULL when there is none. */
const struct th_coap_option *th_coap_option_find(const struct th_coap_option *v, size_t n, uint16_t number);

/* §3.2 uint: big-endian, 0 to 4 bytes; longer values give their last 4 bytes. Leading zeros are accepted. */
uint32_t th_coap_option_uint(const struct th_coap_option *o);

/* The shortest form; returns its length, 0 to 4. */
size_t th_coap_uint_put(uint8_t out[static 4], uint32_t v);

/* Treats what was received as §5.4 wants: elective options that are malformed or repeated beyond their right are taken
 * out; TH_ERR_UNSUPPORTED for critical ones, and for unknown critical ones. */
enum th_err th_coap_options_screen(struct th_coap_pdu *pdu);

/* Whether options about to be sent are ascending and keep the table's rules. */
bool th_coap_options_valid(const struct th_coap_option *v, size_t n);

#endif
