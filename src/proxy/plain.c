#include "proxy/plain.h"

static const struct {
	uint16_t status;
	uint8_t code;
	enum th_err err;
} codes[] = {
	{ 400, TH_COAP_CODE(4, 0), TH_ERR_MALFORMED }, { 413, TH_COAP_CODE(4, 13), TH_ERR_TOO_LARGE },
	{ 500, TH_COAP_CODE(5, 0), TH_ERR_IO },	       { 501, TH_COAP_CODE(5, 1), TH_ERR_UNSUPPORTED },
	{ 502, TH_COAP_CODE(5, 2), TH_ERR_REFUSED },   { 503, TH_COAP_CODE(5, 3), TH_ERR_FULL },
	{ 504, TH_COAP_CODE(5, 4), TH_ERR_TIMEOUT },
};

struct th_coap_option th_plain_option(uint16_t number, uint16_t value, uint8_t bytes[static 2])
{
	struct th_coap_option o = { .number = number, .p = bytes };

	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
	o.n = value > 0xff ? 2 : value > 0 ? 1 : 0;
	if (o.n < 2)
		bytes[0] = bytes[1];
	return o;
}

long th_plain_find(const struct th_coap_option *options, size_t n, uint16_t number)
{
	for (size_t i = 0; i < n; i++) {
		long v = 0;

		if (options[i].number != number)
			continue;
		for (size_t j = 0; j < options[i].n && j < 4; j++)
			v = v << 8 | options[i].p[j];
		return v;
	}
	return -1;
}

uint8_t th_plain_code(uint16_t status)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return TH_COAP_CODE(5, 0);
}

uint16_t th_plain_status(uint8_t code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].status;
	return 502;
}

enum th_err th_plain_err(uint8_t code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].err;
	return TH_ERR_UNSUPPORTED;
}
