/* What the answers to our requests mean: go on with the upload, ask again, or take the response and fetch its next
 * block. */
#include "coap/engine_int.h"

#include <string.h>

static void upload_on(struct th_coap *c, struct th_coap_exchange *x, uint8_t szx)
{
	x->c.up_off += x->c.up_n;
	if (szx < x->out.szx)
		x->out.szx = szx;
	th_coap_out_consume(&x->out, x->c.up_off);
	x->c.phase = TH_COAP_GATHERING;
	th_coap_client_pump(c, x);
	th_coap_out_offer_room(c, x);
}

static void keep_etag(struct th_coap_client *cl, const struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_ETAG);

	cl->etag_n = o ? (uint8_t)o->n : 0;
	if (o)
		memcpy(cl->etag, o->p, o->n);
}

static bool same_etag(const struct th_coap_client *cl, const struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_ETAG);

	return (o ? o->n : 0) == cl->etag_n && (!o || memcmp(o->p, cl->etag, o->n) == 0);
}

static void taken(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->in.more && x->in.burst) {
		th_coap_burst_deliver(c, x);
		return;
	}
	if (x->in.more) {
		x->c.fetching = true;
		if (x->c.observing)
			th_coap_client_fetch_apart(c, x);
		th_coap_client_ask(c, x);
		return;
	}
	c->ops->end(c->user, x->id);
	th_coap_out_offer_room(c, x); /* for a cut upload only now: who has the response may not care for the rest */
	if (x->closed)
		return;
	if (x->c.observing)
		th_coap_observe_idle(c, x);
	else
		th_coap_exchange_close(c, x, TH_OK);
}

void th_coap_client_resumed(struct th_coap *c, struct th_coap_exchange *x)
{
	taken(c, x);
}

static void deliver(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	bool all;
	enum th_err err;

	x->c.phase = TH_COAP_TAKING;
	x->in.next += pdu->payload_len;
	err = th_coap_in_give(c, x, pdu->payload, pdu->payload_len, &all);
	if (x->closed)
		return;
	if (err != TH_OK)
		th_coap_exchange_close(c, x, err);
	else if (all)
		taken(c, x);
}

/* The first block of a response in bursts. */
static bool take_qblock2(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	struct th_coap_block b = { 0 };

	if (th_coap_block_of(pdu, TH_COAP_OPT_QBLOCK2, &b) != TH_OK || b.num != 0 || !b.more ||
	    th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_OBSERVE) ||
	    pdu->payload_len != th_coap_block_size(b.szx) || th_coap_burst_expect(c, x, b.szx) != TH_OK)
		return false;
	x->in.more = true;
	return true;
}

/* Reads Block2 for the bytes at in.next. False when it is not what must come here. */
static bool take_block2(struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	struct th_coap_block b = { 0 };
	enum th_err err = th_coap_block_of(pdu, TH_COAP_OPT_BLOCK2, &b);

	x->in.more = b.more;
	if (err == TH_ERR_NOT_FOUND)
		return x->in.next == 0;
	if (err != TH_OK || th_coap_block_offset(&b) != x->in.next)
		return false;
	if (b.more && pdu->payload_len != th_coap_block_size(b.szx))
		return false;
	if (b.szx < x->c.fetch_szx)
		x->c.fetch_szx = b.szx;
	return true;
}

void th_coap_client_begin(struct th_coap *c, struct th_coap_exchange *x, struct th_coap_pdu *pdu)
{
	struct th_coap_option options[TH_COAP_OPTIONS_MAX];
	struct th_coap_head head = th_coap_user_head(pdu, options);

	bool bursts = th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_QBLOCK2) != NULL;

	if (x->out.burst)
		th_coap_burst_stop(c, x);
	th_free(c->mem, x->out.burst);
	x->out.burst = NULL;
	if (!bursts)
		th_coap_burst_forget(c, x);
	x->out.cut = true; /* a final response ends the upload, wherever it stands (RFC 7959 §2.9) */
	th_buf_consume(&x->out.buf, x->out.buf.n);
	x->in.next = 0;
	x->c.fetching = false;
	if (!(bursts ? take_qblock2(c, x, pdu) : take_block2(x, pdu))) {
		th_coap_exchange_close(c, x, TH_ERR_MALFORMED);
		return;
	}
	x->c.response_code = pdu->code;
	keep_etag(&x->c, pdu);
	th_coap_observe_begin(c, x, pdu);
	head.observe = x->c.observing;
	x->c.phase = TH_COAP_TAKING;
	c->ops->response(c->user, x->id, &head);
	if (!x->closed)
		deliver(c, x, pdu);
}

/* A later block of the response (RFC 7959 §2.4). */
static void fetched(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	bool changed = pdu->code != x->c.response_code || !same_etag(&x->c, pdu);

	if (!changed && take_block2(x, pdu))
		deliver(c, x, pdu);
	else if (x->c.observing) /* its newer state comes as a notification */
		th_coap_observe_idle(c, x);
	else
		th_coap_exchange_close(c, x, changed ? TH_ERR_RESET : TH_ERR_MALFORMED);
}

static void answered(struct th_coap *c, struct th_coap_exchange *x, struct th_coap_pdu *pdu)
{
	struct th_coap_block b = { 0 };
	bool echoes = th_coap_block_of(pdu, TH_COAP_OPT_BLOCK1, &b) == TH_OK;
	bool ours = echoes && b.num == x->c.up_off >> (x->out.szx + 4);

	if (pdu->code == TH_COAP_CONTINUE && x->c.up_more && !x->out.burst &&
	    th_coap_block_of(pdu, TH_COAP_OPT_QBLOCK1, &b) == TH_OK) {
		enum th_err err = th_coap_burst_start(c, x);

		if (err == TH_OK)
			th_coap_burst_report(c, x, pdu, b.num);
		else
			th_coap_exchange_close(c, x, err);
	} else if (pdu->code == TH_COAP_CONTINUE) {
		if (x->c.up_more && ours)
			upload_on(c, x, b.szx);
		else
			th_coap_exchange_close(c, x, TH_ERR_MALFORMED);
	} else if (th_coap_class(pdu->code) == TH_COAP_CLASS_SUCCESS && x->c.up_more && ours && !b.more) {
		upload_on(c, x, b.szx); /* a server that handles each block on its own (RFC 7959 §2.3) */
	} else if (pdu->code == TH_COAP_TOO_LARGE && echoes && x->c.up_off == 0 && x->c.up_n > 0 &&
		   b.szx < x->out.szx) {
		x->out.szx = b.szx;
		x->out.whole = 0;
		x->c.phase = TH_COAP_GATHERING;
		th_coap_client_pump(c, x);
	} else {
		th_coap_client_begin(c, x, pdu);
	}
}

/* RFC 9175 §2.3: the server wants to know whether we are where we say; once for each request we show it. */
static bool repeat_with_echo(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_ECHO);

	if (pdu->code != TH_COAP_UNAUTHORIZED || !o || x->c.echo_used)
		return false;
	x->c.echo_used = true;
	x->c.echo_n = (uint8_t)o->n;
	memcpy(x->c.echo, o->p, o->n);
	th_coap_client_ask(c, x);
	return true;
}

void th_coap_client_response(struct th_coap *c, struct th_coap_exchange *x, struct th_coap_pdu *pdu)
{
	struct th_coap_message *m = x->message;

	if (!th_coap_client_awaits(x, pdu)) {
		th_coap_observe_notified(c, x, pdu);
		return;
	}
	if (m) { /* it overtook the ACK, and says as much (§5.2.2) */
		m->exchange = NULL;
		x->message = NULL;
		th_coap_message_over(c, m, TH_COAP_ACKED, 0);
	}
	th_coap_client_unawait(c, x);
	if (repeat_with_echo(c, x, pdu))
		return;
	if (x->c.fetching)
		fetched(c, x, pdu);
	else
		answered(c, x, pdu);
}
