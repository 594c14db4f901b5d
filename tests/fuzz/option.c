/* The options of one datagram: screening keeps the order and only what its table allows; values are read within bounds.
 */
#include "fuzz.h"

#include <string.h>

#include "coap/block.h"
#include "coap/option.h"

static void check_value(const struct th_coap_option *o)
{
	uint8_t bytes[4];
	uint32_t v = th_coap_option_uint(o);
	struct th_coap_option again = { o->number, (uint16_t)th_coap_uint_put(bytes, v), bytes };

	FUZZ_CHECK(th_coap_option_uint(&again) == v);
}

static void check_block(const struct th_coap_option *o)
{
	struct th_coap_block b, again;
	uint8_t bytes[4];
	struct th_coap_option put = { o->number, 0, bytes };

	if (th_coap_block_read(&b, o) != TH_OK)
		return;
	FUZZ_CHECK(b.szx <= TH_COAP_SZX_MAX && b.num <= TH_COAP_BLOCK_NUM_MAX);
	FUZZ_CHECK(th_coap_block_offset(&b) == (uint64_t)b.num * th_coap_block_size(b.szx));
	put.n = (uint16_t)th_coap_uint_put(bytes, th_coap_block_value(&b));
	FUZZ_CHECK(th_coap_block_read(&again, &put) == TH_OK);
	FUZZ_CHECK(again.num == b.num && again.more == b.more && again.szx == b.szx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct th_coap_pdu pdu;
	size_t before;

	if (th_coap_pdu_read(&pdu, data, n) != TH_OK)
		return 0;
	before = pdu.n_options;
	for (size_t i = 0; i < before; i++) {
		check_value(&pdu.options[i]);
		check_block(&pdu.options[i]);
	}
	if (th_coap_options_screen(&pdu) != TH_OK)
		return 0;
	FUZZ_CHECK(pdu.n_options <= before);
	FUZZ_CHECK(th_coap_options_valid(pdu.options, pdu.n_options));
	for (size_t i = 0; i < pdu.n_options; i++) {
		uint16_t number = pdu.options[i].number;

		FUZZ_CHECK(!th_coap_option_is_critical(number) || th_coap_option_rule(number));
		FUZZ_CHECK(th_coap_option_find(pdu.options, pdu.n_options, number));
	}
	return 0;
}
