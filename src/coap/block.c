#include "coap/block.h"

#include "coap/option.h"

enum { BLOCK_BYTES_MAX = 3, SZX_MASK = 7, MORE_BIT = 8, NUM_SHIFT = 4 };

enum th_err th_coap_block_read(struct th_coap_block *out, const struct th_coap_option *o)
{
	uint32_t v = th_coap_option_uint(o);

	if (o->n > BLOCK_BYTES_MAX || (v & SZX_MASK) > TH_COAP_SZX_MAX)
		return TH_ERR_MALFORMED;
	*out = (struct th_coap_block){ v >> NUM_SHIFT, (v & MORE_BIT) != 0, (uint8_t)(v & SZX_MASK) };
	return TH_OK;
}

uint32_t th_coap_block_value(const struct th_coap_block *b)
{
	return b->num << NUM_SHIFT | (b->more ? MORE_BIT : 0) | b->szx;
}
