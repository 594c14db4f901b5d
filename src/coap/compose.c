#include "coap/engine_int.h"

#include <assert.h>
#include <string.h>

enum { PAYLOAD_MARKER_BYTES = 1 };

struct th_coap_kept_head *th_coap_head_keep(struct th_coap *c, const struct th_coap_head *head, uint16_t except)
{
	struct th_coap_kept_head *h;
	uint8_t *at;
	size_t bytes = 0;

	for (size_t i = 0; i < head->n_options; i++)
		bytes += head->options[i].n;
	h = th_alloc(c->mem, sizeof(*h) + head->n_options * sizeof(h->options[0]) + bytes);
	if (!h)
		return NULL;
	h->code = head->code;
	at = (uint8_t *)(h->options + head->n_options);
	for (size_t i = 0; i < head->n_options; i++) {
		const struct th_coap_option *o = &head->options[i];

		if (o->number == except)
			continue;
		if (o->n)
			memcpy(at, o->p, o->n);
		h->options[h->n_options++] = (struct th_coap_option){ o->number, o->n, at };
		at += o->n;
	}
	return h;
}

void th_coap_draft_init(struct th_coap_draft *d, uint8_t code, const struct th_coap_token *token)
{
	d->used = 0;
	d->pdu.type = TH_COAP_NON;
	d->pdu.code = code;
	d->pdu.mid = 0;
	d->pdu.token_len = token->n;
	memcpy(d->pdu.token, token->p, token->n);
	d->pdu.n_options = 0;
	d->pdu.payload = NULL;
	d->pdu.payload_len = 0;
}

void th_coap_draft_head(struct th_coap_draft *d, const struct th_coap_kept_head *h, const struct th_coap_token *token)
{
	th_coap_draft_init(d, h->code, token);
	if (h->n_options)
		memcpy(d->pdu.options, h->options, h->n_options * sizeof(h->options[0]));
	d->pdu.n_options = h->n_options;
}

int th_coap_fit_szx(const struct th_coap *c, const struct th_coap_kept_head *h, unsigned szx)
{
	const struct th_coap_token token = { .n = TH_COAP_TOKEN_MAX };
	struct th_coap_draft d;
	size_t fixed;
	int fit = (int)szx;

	th_coap_draft_head(&d, h, &token);
	fixed = th_coap_pdu_write(&d.pdu, NULL, 0) + TH_COAP_ENGINE_BYTES + PAYLOAD_MARKER_BYTES;
	while (fit >= 0 && fixed + th_coap_block_size((unsigned)fit) > c->params->max_message)
		fit--;
	return fit;
}

void th_coap_draft_opaque(struct th_coap_draft *d, uint16_t number, const uint8_t *p, size_t n)
{
	size_t i = d->pdu.n_options;

	assert(i < TH_COAP_OPTIONS_MAX);
	for (; i > 0 && d->pdu.options[i - 1].number > number; i--)
		d->pdu.options[i] = d->pdu.options[i - 1];
	d->pdu.options[i] = (struct th_coap_option){ number, (uint16_t)n, p };
	d->pdu.n_options++;
}

void th_coap_draft_uint(struct th_coap_draft *d, uint16_t number, uint32_t v)
{
	uint8_t *at = d->values + d->used;
	size_t n = th_coap_uint_put(at, v);

	assert(d->used + n <= sizeof(d->values));
	d->used += n;
	th_coap_draft_opaque(d, number, at, n);
}

void th_coap_draft_block(struct th_coap_draft *d, uint16_t number, const struct th_coap_block *b)
{
	th_coap_draft_uint(d, number, th_coap_block_value(b));
}

struct th_coap_head th_coap_user_head(const struct th_coap_pdu *pdu, struct th_coap_option *v)
{
	struct th_coap_head head = { .code = pdu->code, .confirmable = pdu->type != TH_COAP_NON, .options = v };

	for (size_t i = 0; i < pdu->n_options; i++) {
		if (pdu->options[i].number == TH_COAP_OPT_REQUEST_TAG)
			head.tagged = true;
		if (!th_coap_option_is_engines(pdu->options[i].number))
			v[head.n_options++] = pdu->options[i];
	}
	return head;
}

enum th_err th_coap_screen(const struct th_coap_peer *p, struct th_coap_pdu *pdu)
{
	enum th_err err = th_coap_options_screen(pdu);
	bool bursts = th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_QBLOCK1) ||
		      th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_QBLOCK2);

	return err == TH_OK && bursts && !p->path.profile.blocks ? TH_ERR_UNSUPPORTED : err;
}

enum th_err th_coap_block_of(const struct th_coap_pdu *pdu, uint16_t number, struct th_coap_block *out)
{
	const struct th_coap_option *o = th_coap_option_find(pdu->options, pdu->n_options, number);

	return o ? th_coap_block_read(out, o) : TH_ERR_NOT_FOUND;
}
