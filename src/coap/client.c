/* Requests we make. The phases of an exchange:
 *
 *   GATHERING ─block or end written─▶ ASKED ─2.31 Continue─▶ GATHERING
 *                                       ├─response─▶ TAKING ─taken, more─▶ ASKED (the next Block2)
 *                                       │               └─taken, whole─▶ closed, or IDLE ─notification─▶ TAKING
 *                                       └─4.01 with Echo, 4.13 with a smaller size─▶ ASKED (the same again) */
#include "coap/engine_int.h"

#include <string.h>

enum {
	CLASS_SHIFT = 5,
	SUCCESS = 2,
	CONTINUE = TH_COAP_CODE(2, 31),
	UNAUTHORIZED = TH_COAP_CODE(4, 1),
	TOO_LARGE = TH_COAP_CODE(4, 13),
};

static void new_token(struct th_coap *c, struct th_coap_token *out)
{
	uint64_t v = c->next_token++;

	out->n = 0;
	while (out->n < TH_COAP_TOKEN_MAX && v >> (8 * out->n))
		out->n++;
	for (size_t i = 0; i < out->n; i++)
		out->p[i] = (uint8_t)(v >> (8 * (out->n - 1 - i)));
}

static const struct th_coap_token *asked_token(const struct th_coap_exchange *x)
{
	return x->c.fetching && x->c.fetch_token.n ? &x->c.fetch_token : &x->token;
}

bool th_coap_client_awaits(const struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	return x->c.phase == TH_COAP_ASKED && th_coap_token_eq(asked_token(x), pdu->token, pdu->token_len);
}

bool th_coap_client_expects(const struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	return th_coap_client_awaits(x, pdu) ||
	       (x->c.observing && th_coap_token_eq(&x->token, pdu->token, pdu->token_len));
}

struct th_coap_exchange *th_coap_client_find(struct th_coap *c, const struct th_coap_peer *p,
					     const struct th_coap_pdu *pdu)
{
	struct th_coap_exchange *x = th_coap_exchange_named(c, p, true, pdu->token, pdu->token_len, NULL);
	uint64_t hash;

	if (x || c->by_fetch.n == 0)
		return x;
	hash = th_coap_token_hash(c, p, true, pdu->token, pdu->token_len);
	for (struct th_slot *n = th_table_next(&c->by_fetch, hash, NULL); n; n = th_table_next(&c->by_fetch, hash, n)) {
		x = TH_OWNER(n, struct th_coap_exchange, c.by_fetch);
		if (x->peer == p && th_coap_token_eq(&x->c.fetch_token, pdu->token, pdu->token_len))
			return x;
	}
	return NULL;
}

/* Asking */

static bool head_is_valid(const struct th_coap_head *head)
{
	if (head->code == TH_COAP_EMPTY || head->code >> CLASS_SHIFT != 0)
		return false;
	if (head->n_options > TH_COAP_OPTIONS_MAX - TH_COAP_ENGINE_OPTIONS)
		return false;
	for (size_t i = 0; i < head->n_options; i++) {
		uint16_t number = head->options[i].number;

		if (th_coap_option_is_engines(number) && number != TH_COAP_OPT_OBSERVE)
			return false;
	}
	return th_coap_options_valid(head->options, head->n_options);
}

static enum th_err set_up(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_head *head)
{
	const struct th_coap_option *observe = th_coap_option_find(head->options, head->n_options, TH_COAP_OPT_OBSERVE);
	bool registers = head->observe || (observe && th_coap_option_uint(observe) == 0);
	int szx;

	x->confirmable = head->confirmable;
	x->c.wants_observe = registers;
	x->c.tagged = head->tagged;
	x->c.fetch_szx = (uint8_t)c->params->szx;
	x->c.head = th_coap_head_keep(c, head, registers ? TH_COAP_OPT_OBSERVE : 0);
	if (!x->c.head)
		return TH_ERR_NO_MEMORY;
	szx = th_coap_fit_szx(c, x->c.head, c->params->szx);
	if (szx < 0)
		return TH_ERR_INVALID;
	x->out.szx = (uint8_t)szx;
	return TH_OK;
}

static enum th_err open_request(struct th_coap *c, const struct th_addr *peer, const struct th_coap_head *head,
				th_coap_id *out)
{
	struct th_coap_peer *p;
	struct th_coap_exchange *x;
	struct th_coap_token token;
	enum th_err err;

	if (!head_is_valid(head))
		return TH_ERR_INVALID;
	p = th_coap_peer_get(c, peer);
	if (!p)
		return c->peers.n >= c->params->max_peers ? TH_ERR_FULL : TH_ERR_NO_MEMORY;
	new_token(c, &token);
	x = th_coap_exchange_new(c, p, true, &token, &err);
	if (!x)
		return err;
	err = set_up(c, x, head);
	if (err == TH_OK)
		*out = x->id;
	else
		th_coap_exchange_drop(c, x);
	return err;
}

enum th_err th_coap_request(struct th_coap *c, const struct th_addr *peer, const struct th_coap_head *head, th_time now,
			    th_coap_id *out)
{
	enum th_err err;

	th_coap_enter(c, now);
	err = open_request(c, peer, head, out);
	th_coap_leave(c);
	return err;
}

/* False when the body has more blocks than NUM can count. */
static bool draft_block(struct th_coap_draft *d, uint16_t option, uint64_t off, bool more, uint8_t szx)
{
	uint64_t num = off >> (szx + 4);
	const struct th_coap_block block = { (uint32_t)num, more, szx };

	if (num > TH_COAP_BLOCK_NUM_MAX)
		return false;
	th_coap_draft_block(d, option, &block);
	return true;
}

static bool draft_upload(struct th_coap_exchange *x, struct th_coap_draft *d)
{
	struct th_coap_slice s = { 0 };

	if (x->c.wants_observe)
		th_coap_draft_uint(d, TH_COAP_OPT_OBSERVE, 0);
	th_coap_out_slice(&x->out, x->c.up_off, &s);
	x->c.up_n = s.n;
	x->c.up_more = s.more;
	x->out.blockwise = x->out.blockwise || s.more;
	d->pdu.payload = s.p;
	d->pdu.payload_len = s.n;
	return !x->out.blockwise || draft_block(d, TH_COAP_OPT_BLOCK1, x->c.up_off, s.more, x->out.szx);
}

/* A client that waits for a separate response watches whether its peer is alive. */
static void await(struct th_coap *c, struct th_coap_exchange *x)
{
	x->give_up_at = th_time_add(c->now, c->params->response_timeout);
	th_coap_exchange_arm(c, x);
	if (!th_list_linked(&x->c.awaiting))
		th_list_push(&x->peer->awaiting, &x->c.awaiting);
	th_coap_peer_arm(c, x->peer);
}

static void unawait(struct th_coap *c, struct th_coap_exchange *x)
{
	x->give_up_at = TH_NEVER;
	th_coap_exchange_arm(c, x);
	th_list_remove(&x->c.awaiting);
}

void th_coap_client_ask(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_client *cl = &x->c;
	struct th_coap_draft d;
	bool fits;
	enum th_err err;

	th_coap_draft_head(&d, cl->head, asked_token(x));
	if (cl->fetching)
		fits = draft_block(&d, TH_COAP_OPT_BLOCK2, x->in.next, false, cl->fetch_szx);
	else
		fits = draft_upload(x, &d);
	if (cl->tagged) /* a token names one exchange for ever, so it makes a good tag (RFC 9175 §3.4) */
		th_coap_draft_opaque(&d, TH_COAP_OPT_REQUEST_TAG, x->token.p, x->token.n);
	if (cl->echo_n)
		th_coap_draft_opaque(&d, TH_COAP_OPT_ECHO, cl->echo, cl->echo_n);
	cl->phase = TH_COAP_ASKED;
	err = fits ? th_coap_message_send(c, x->peer, x, x->confirmable, &d.pdu) : TH_ERR_TOO_LARGE;
	cl->echo_n = 0;
	if (err != TH_OK)
		th_coap_exchange_close(c, x, err);
	else if (!x->confirmable)
		await(c, x);
}

void th_coap_client_pump(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_slice s;

	if (x->c.phase == TH_COAP_GATHERING && th_coap_out_slice(&x->out, x->c.up_off, &s))
		th_coap_client_ask(c, x);
}

/* Being answered */

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
	if (x->in.more) {
		x->c.fetching = true;
		if (x->c.observing && x->c.fetch_token.n == 0) {
			new_token(c, &x->c.fetch_token);
			th_table_add(&c->by_fetch, &x->c.by_fetch,
				     th_coap_token_hash(c, x->peer, true, x->c.fetch_token.p, x->c.fetch_token.n));
		}
		th_coap_client_ask(c, x);
		return;
	}
	c->ops->end(c->user, x->id);
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

	x->out.cut = true; /* a final response ends the upload, wherever it stands (RFC 7959 §2.9) */
	th_buf_consume(&x->out.buf, x->out.buf.n);
	x->in.next = 0;
	x->c.fetching = false;
	if (!take_block2(x, pdu)) {
		th_coap_exchange_close(c, x, TH_ERR_MALFORMED);
		return;
	}
	x->c.response_code = pdu->code;
	keep_etag(&x->c, pdu);
	th_coap_observe_begin(c, x, pdu);
	head.observe = x->c.observing;
	x->c.phase = TH_COAP_TAKING;
	c->ops->response(c->user, x->id, &head);
	th_coap_out_offer_room(c, x);
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

	if (pdu->code == CONTINUE) {
		if (x->c.up_more && ours)
			upload_on(c, x, b.szx);
		else
			th_coap_exchange_close(c, x, TH_ERR_MALFORMED);
	} else if (pdu->code >> CLASS_SHIFT == SUCCESS && x->c.up_more && ours && !b.more) {
		upload_on(c, x, b.szx); /* a server that handles each block on its own (RFC 7959 §2.3) */
	} else if (pdu->code == TOO_LARGE && echoes && x->c.up_off == 0 && x->c.up_n > 0 && b.szx < x->out.szx) {
		x->out.szx = b.szx;
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

	if (pdu->code != UNAUTHORIZED || !o || x->c.echo_used)
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
		th_coap_message_over(c, m, TH_COAP_ACKED, false);
	}
	unawait(c, x);
	if (repeat_with_echo(c, x, pdu))
		return;
	if (x->c.fetching)
		fetched(c, x, pdu);
	else
		answered(c, x, pdu);
}

void th_coap_client_over(struct th_coap *c, struct th_coap_exchange *x, enum th_coap_outcome outcome)
{
	if (outcome == TH_COAP_ACKED)
		await(c, x);
	else
		th_coap_exchange_close(c, x, outcome == TH_COAP_RESET ? TH_ERR_RESET : TH_ERR_TIMEOUT);
}

void th_coap_client_due(struct th_coap *c, struct th_coap_exchange *x)
{
	if (c->now < x->give_up_at) {
		th_coap_exchange_arm(c, x);
		return;
	}
	c->stats.timeouts++;
	th_coap_exchange_close(c, x, TH_ERR_TIMEOUT);
}

void th_coap_client_cancel(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->c.observing)
		th_coap_observe_deregister(c, x);
}

void th_coap_client_detach(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->message)
		th_coap_message_drop(c, x->message);
	th_list_remove(&x->c.awaiting);
	if (x->c.fetch_token.n)
		th_table_remove(&c->by_fetch, &x->c.by_fetch);
}
