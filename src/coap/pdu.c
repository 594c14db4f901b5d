#include "coap/pdu.h"

#include <string.h>

enum {
	VERSION = 1,
	PAYLOAD_MARKER = 0xff,
	EXT_8 = 13,  /* nibble: one more byte follows, minus 13 (§3.1) */
	EXT_16 = 14, /* nibble: two more bytes follow, minus 269 */
	EXT_8_BASE = 13,
	EXT_16_BASE = 269,
};

/* What a nibble of an option's first byte stands for; 15 is reserved. */
static uint32_t read_extended(struct th_rd *r, unsigned nibble)
{
	switch (nibble) {
	case EXT_8:
		return (uint32_t)th_rd_uint(r, 1) + EXT_8_BASE;
	case EXT_16:
		return (uint32_t)th_rd_uint(r, 2) + EXT_16_BASE;
	case 15:
		th_rd_fail(r, TH_ERR_MALFORMED);
		return 0;
	default:
		return nibble;
	}
}

static enum th_err read_options(struct th_coap_pdu *out, struct th_rd *r)
{
	uint32_t number = 0;

	out->n_options = 0;
	while (th_rd_left(r) > 0 && *r->p != PAYLOAD_MARKER) {
		unsigned first = (unsigned)th_rd_uint(r, 1);
		uint32_t delta = read_extended(r, first >> 4);
		uint32_t n = read_extended(r, first & 0xf);
		const uint8_t *p = th_rd_bytes(r, n);

		number += delta;
		if (r->err != TH_OK || number > UINT16_MAX)
			return TH_ERR_MALFORMED;
		if (out->n_options == TH_COAP_OPTIONS_MAX)
			return TH_ERR_TOO_LARGE;
		out->options[out->n_options++] = (struct th_coap_option){ (uint16_t)number, (uint16_t)n, p };
	}
	return TH_OK;
}

static enum th_err read_payload(struct th_coap_pdu *out, struct th_rd *r)
{
	out->payload = NULL;
	out->payload_len = 0;
	if (th_rd_left(r) == 0)
		return TH_OK;
	th_rd_uint(r, 1);
	out->payload_len = th_rd_left(r);
	out->payload = th_rd_bytes(r, out->payload_len);
	return out->payload_len > 0 ? TH_OK : TH_ERR_MALFORMED; /* a marker needs a payload (§3) */
}

enum th_err th_coap_pdu_read_tail(struct th_coap_pdu *out, struct th_rd *r)
{
	enum th_err err = read_options(out, r);

	return err == TH_OK ? read_payload(out, r) : err;
}

enum th_err th_coap_pdu_read(struct th_coap_pdu *out, const uint8_t *p, size_t n)
{
	struct th_rd r = th_rd_init(p, n);
	unsigned first = (unsigned)th_rd_uint(&r, 1);
	const uint8_t *token;

	out->type = (enum th_coap_type)(first >> 4 & 3);
	out->code = (uint8_t)th_rd_uint(&r, 1);
	out->mid = (uint16_t)th_rd_uint(&r, 2);
	out->token_len = 0;
	out->n_options = 0;
	out->payload = NULL;
	out->payload_len = 0;
	if (r.err != TH_OK)
		return TH_ERR_MALFORMED;
	if (first >> 6 != VERSION)
		return TH_ERR_UNSUPPORTED;
	if ((first & 0xf) > TH_COAP_TOKEN_MAX)
		return TH_ERR_MALFORMED;
	if (out->code == TH_COAP_EMPTY) /* §4.1: an Empty message ends after its Message ID */
		return (first & 0xf) == 0 && th_rd_left(&r) == 0 ? TH_OK : TH_ERR_MALFORMED;
	token = th_rd_bytes(&r, first & 0xf);
	if (!token)
		return TH_ERR_MALFORMED;
	out->token_len = (uint8_t)(first & 0xf);
	memcpy(out->token, token, out->token_len);
	return th_coap_pdu_read_tail(out, &r);
}

static unsigned nibble_of(uint32_t v)
{
	if (v < EXT_8_BASE)
		return v;
	return v < EXT_16_BASE ? EXT_8 : EXT_16;
}

static void write_extended(struct th_wr *w, uint32_t v)
{
	if (v >= EXT_16_BASE)
		th_wr_uint(w, v - EXT_16_BASE, 2);
	else if (v >= EXT_8_BASE)
		th_wr_uint(w, v - EXT_8_BASE, 1);
}

void th_coap_pdu_write_tail(const struct th_coap_pdu *pdu, struct th_wr *w)
{
	uint32_t number = 0;

	for (size_t i = 0; i < pdu->n_options; i++) {
		const struct th_coap_option *o = &pdu->options[i];
		uint32_t delta = o->number - number;

		th_wr_uint(w, nibble_of(delta) << 4 | nibble_of(o->n), 1);
		write_extended(w, delta);
		write_extended(w, o->n);
		th_wr_bytes(w, o->p, o->n);
		number = o->number;
	}
	if (pdu->payload_len > 0) {
		th_wr_uint(w, PAYLOAD_MARKER, 1);
		th_wr_bytes(w, pdu->payload, pdu->payload_len);
	}
}

size_t th_coap_pdu_write(const struct th_coap_pdu *pdu, uint8_t *out, size_t cap)
{
	struct th_wr w = th_wr_init(out, cap);

	th_wr_uint(&w, (uint64_t)VERSION << 6 | (uint64_t)pdu->type << 4 | pdu->token_len, 1);
	th_wr_uint(&w, pdu->code, 1);
	th_wr_uint(&w, pdu->mid, 2);
	th_wr_bytes(&w, pdu->token, pdu->token_len);
	th_coap_pdu_write_tail(pdu, &w);
	return w.n;
}
