#include "coap/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "coap/block.h"
#include "coap/option.h"
#include "coap/shape.h"

static const char cut[] = "...";

struct line {
	char *p;
	size_t n; /* < TH_COAP_LINE */
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...)
{
	size_t room = TH_COAP_LINE - l->n;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->p + l->n, room, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < room) {
		l->n += (size_t)n;
		return;
	}
	l->n = TH_COAP_LINE - 1;
	memcpy(l->p + TH_COAP_LINE - sizeof(cut), cut, sizeof(cut));
}

static void add_hex(struct line *l, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(l, "%02x", p[i]);
}

/* Options with a uint value; Block1 and Block2 as NUM/M/SIZE (RFC 7959 §2.2). */
static const struct {
	uint16_t number;
	const char *name;
} uints[] = {
	{ TH_COAP_OPT_OBSERVE, "observe" }, { TH_COAP_OPT_URI_PORT, "uri-port" },
	{ TH_COAP_OPT_ACCEPT, "accept" },   { TH_COAP_OPT_CONTENT_FORMAT, "content-format" },
	{ TH_COAP_OPT_MAX_AGE, "max-age" }, { TH_COAP_OPT_HOP_LIMIT, "hop-limit" },
	{ TH_COAP_OPT_SIZE1, "size1" },	    { TH_COAP_OPT_SIZE2, "size2" },
};

static void add_option(struct line *l, const struct th_coap_option *o)
{
	bool block = o->number == TH_COAP_OPT_BLOCK1 || o->number == TH_COAP_OPT_BLOCK2;
	struct th_coap_block b;

	if (block && th_coap_block_read(&b, o) == TH_OK) {
		add(l, " %s=%u/%d/%zu", o->number == TH_COAP_OPT_BLOCK1 ? "block1" : "block2", b.num, b.more,
		    th_coap_block_size(b.szx));
		return;
	}
	for (size_t i = 0; i < sizeof(uints) / sizeof(uints[0]); i++) {
		if (uints[i].number == o->number && o->n <= 4) {
			add(l, " %s=%u", uints[i].name, th_coap_option_uint(o));
			return;
		}
	}
	add(l, " option-%u=%u-bytes", o->number, o->n);
}

static void add_pdu(struct line *l, const struct th_coap_pdu *pdu)
{
	static const char types[][4] = { "CON", "NON", "ACK", "RST" };

	add(l, "%s %u.%02u mid=%u", types[pdu->type], pdu->code >> 5, pdu->code & 0x1f, pdu->mid);
	if (pdu->token_len) {
		add(l, " token=");
		add_hex(l, pdu->token, pdu->token_len);
	}
	for (size_t i = 0; i < pdu->n_options; i++)
		add_option(l, &pdu->options[i]);
	if (pdu->payload_len)
		add(l, " payload=%zu", pdu->payload_len);
}

const char *th_coap_print(char out[static TH_COAP_LINE], const struct th_coap_pdu *pdu)
{
	struct line l = { out, 0 };

	add_pdu(&l, pdu);
	return out;
}

/* What stands before options and payload in full. */
static size_t head_bytes(const struct th_compact_shape *s, const struct th_coap_pdu *pdu, size_t n)
{
	const struct th_compact_form_rule *f = &th_compact_forms[s->form];
	size_t payload = pdu->payload_len, head;

	if (s->content == TH_CONTENT_ANY) {
		head = 2u + (f->ref + f->back) / 8u + (f->mid ? 2 : 0);
		head += f->spelled && pdu->code != TH_COAP_EMPTY ? 1u + pdu->token_len : 0;
		return head < n ? head : n;
	}
	if (th_compact_folds(s->content))
		payload--; /* its first byte is in the shape */
	if (s->content == TH_CONTENT_CANCEL_8 || s->content == TH_CONTENT_CANCEL_16)
		payload = 0;
	return payload < n ? n - payload : 0;
}

const char *th_compact_print(char out[static TH_COAP_LINE], const struct th_coap_pdu *pdu, const uint8_t *p, size_t n)
{
	const struct th_compact_shape *s = n ? th_compact_shape_of(p[0]) : NULL;
	struct line l = { out, 0 };

	if (!s) {
		add(&l, "shape=none");
		return out;
	}
	add(&l, "shape=%s head=", s->name);
	add_hex(&l, p, head_bytes(s, pdu, n));
	add(&l, " ");
	add_pdu(&l, pdu);
	return out;
}
