/* The value of Block1 and Block2: RFC 7959 §2.2. */
#ifndef TH_COAP_BLOCK_H
#define TH_COAP_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "coap/pdu.h"

enum { TH_COAP_SZX_MAX = 6, TH_COAP_BLOCK_NUM_MAX = 0xfffff };

struct th_coap_block {
	uint32_t num; /* NUM: which block, counted in blocks of this size */
	bool more;    /* M */
	uint8_t szx;  /* SZX: 0..6 */
};

static inline size_t th_coap_block_size(unsigned szx)
{
	return (size_t)16 << szx;
}

static inline uint64_t th_coap_block_offset(const struct th_coap_block *b)
{
	return (uint64_t)b->num << (b->szx + 4);
}

/* TH_ERR_MALFORMED for more than 3 bytes and for the reserved SZX 7. */
enum th_err th_coap_block_read(struct th_coap_block *out, const struct th_coap_option *o);

/* The option's uint value; num <= TH_COAP_BLOCK_NUM_MAX. */
uint32_t th_coap_block_value(const struct th_coap_block *b);

#endif
