/* Large bodies between thimbles: after RFC 9177, in a leaner form. The first block travels as it would without (a CON,
 * or a response to one); all others as NONs at the link's pace, as many as the receiver has room for. A block may ask
 * for a report; the report says what is missing, as a map. One lost block costs one block.
 *
 *     CON POST Q-Block1 0/1/6 ──────────▶
 *                             ◀────────── ACK 2.31 Q-Block1 1/0/6, room
 *     NON POST Q-Block1 1/1/6 ──────────▶
 *     NON POST Q-Block1 2/1/6 ────✕
 *     NON POST Q-Block1 3/1/6, report? ─▶
 *                             ◀────────── NON 2.31 Q-Block1 2/0/6, room, map: 3
 *     NON POST Q-Block1 2/1/6, report? ─▶ … */
#include "coap/engine_int.h"

bool th_coap_burst_wanted(const struct th_coap_exchange *x)
{
	return x->peer->path.profile.blocks && x->confirmable;
}

uint16_t th_coap_burst_mid(const struct th_coap *c, struct th_coap_peer *p)
{
	return c->numbering ? 0 : p->block_mid++;
}

void th_coap_burst_detach(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->out.burst)
		th_coap_burst_stop(c, x);
	if (x->in.burst)
		th_coap_unqueue(c, &x->in.burst->source);
}

void th_coap_burst_forget(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_burst_in *b = x->in.burst;

	if (!b)
		return;
	th_coap_unqueue(c, &b->source);
	for (size_t i = 0; i < TH_COAP_BURST; i++)
		th_free(c->mem, b->slot[i].p);
	th_free(c->mem, b);
	x->in.burst = NULL;
}

void th_coap_burst_free(struct th_coap *c, struct th_coap_exchange *x)
{
	th_free(c->mem, x->out.burst);
	th_coap_burst_forget(c, x);
}

/* The sender of that block need not go on. */
static void tell_gone(struct th_coap *c, const struct th_coap_arrival *a, uint16_t option)
{
	const struct th_coap_block gone = { TH_COAP_BURST_GONE, false, 0 };
	bool request = option == TH_COAP_OPT_QBLOCK1;
	struct th_coap_token token = { .n = a->pdu.token_len };
	struct th_coap_draft d;

	memcpy(token.p, a->pdu.token, a->pdu.token_len);
	th_coap_draft_init(&d, request ? TH_COAP_CONTINUE : TH_COAP_FETCH, &token);
	th_coap_draft_block(&d, option, &gone);
	d.pdu.mid = th_coap_burst_mid(c, a->peer);
	th_coap_send_once(c, a->peer, a->from, &d.pdu, NULL);
}

/* A server's exchange by its token, a client's by its. */
static struct th_coap_exchange *find(struct th_coap *c, const struct th_coap_arrival *a, bool client)
{
	struct th_coap_exchange *x;

	if (client)
		return th_coap_client_find(c, a->peer, &a->pdu);
	x = th_coap_exchange_named(c, a->peer, false, a->pdu.token, a->pdu.token_len, NULL);
	return x && !x->closed ? x : NULL;
}

static void rx_block(struct th_coap *c, struct th_coap_arrival *a, struct th_coap_exchange *x, uint16_t option,
		     const struct th_coap_block *b)
{
	bool expected = x && (x->client ? !x->c.observing : x->in.burst != NULL);

	if (!expected || a->pdu.payload_len == 0) {
		c->stats.rx_unmatched++;
		if (!expected)
			tell_gone(c, a, option);
		return;
	}
	th_coap_charge_in(x, a->n);
	th_coap_burst_block(c, x, b, a->pdu.payload, a->pdu.payload_len);
}

bool th_coap_burst_rx(struct th_coap *c, struct th_coap_arrival *a)
{
	static const uint16_t options[] = { TH_COAP_OPT_QBLOCK1, TH_COAP_OPT_QBLOCK2 };
	bool request = th_coap_class(a->pdu.code) == TH_COAP_CLASS_REQUEST;
	const struct th_coap_option *o = NULL;
	struct th_coap_exchange *x;
	struct th_coap_block b;

	for (size_t i = 0; i < 2 && !o; i++)
		o = th_coap_option_find(a->pdu.options, a->pdu.n_options, options[i]);
	if (!o)
		return false;
	if (th_coap_block_read(&b, o) != TH_OK) {
		c->stats.rx_malformed++;
		return true;
	}
	/* blocks go with their body's direction, reports against it */
	x = find(c, a, !request);
	if (request == (o->number == TH_COAP_OPT_QBLOCK1)) {
		rx_block(c, a, x, o->number, &b);
	} else if (x && x->out.burst) {
		th_coap_charge_in(x, a->n);
		th_coap_burst_report(c, x, &a->pdu, b.num);
	} else {
		c->stats.rx_unmatched++;
	}
	return true;
}
