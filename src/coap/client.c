/* Requests we make. The phases of an exchange:
 *
 *   GATHERING ─block or end written─▶ ASKED ─2.31 Continue─▶ GATHERING
 *                                       ├─response─▶ TAKING ─taken, more─▶ ASKED (the next Block2)
 *                                       │               └─taken, whole─▶ closed, or IDLE ─notification─▶ TAKING
 *                                       └─4.01 with Echo, 4.13 with a smaller size─▶ ASKED (the same again) */
#include "coap/engine_int.h"

#include <string.h>

/* Names: the token of an exchange, and the one under which the rest of notifications is asked for. With c->numbering
 * they are the number of the first message that carries them, else a counter. */

static const struct th_coap_token *asked_token(const struct th_coap_exchange *x)
{
	return x->c.fetching && x->c.fetch_apart ? &x->c.fetch_token : &x->token;
}

static void name_fetches(struct th_coap *c, struct th_coap_exchange *x, uint64_t number)
{
	struct th_coap_token *t = &x->c.fetch_token;

	t->n = th_naming_token(number, t->p);
	th_table_add(&c->by_fetch, &x->c.by_fetch, th_coap_token_hash(c, x->peer, true, t->p, t->n));
}

void th_coap_client_fetch_apart(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->c.fetch_apart)
		return;
	x->c.fetch_apart = true;
	if (!c->numbering)
		name_fetches(c, x, c->next_token++);
}

bool th_coap_client_is_unnamed(const struct th_coap *c, const struct th_coap_exchange *x)
{
	return c->numbering && asked_token(x)->n == 0;
}

const struct th_coap_token *th_coap_client_name(struct th_coap *c, struct th_coap_exchange *x, uint64_t number)
{
	if (x->token.n) {
		name_fetches(c, x, number);
		return &x->c.fetch_token;
	}
	x->token.n = th_naming_token(number, x->token.p);
	th_table_add(&c->by_token, &x->by_token, th_coap_token_hash(c, x->peer, true, x->token.p, x->token.n));
	return &x->token;
}

static bool is_named(const struct th_coap_token *t, const struct th_coap_pdu *pdu)
{
	return t->n > 0 && th_coap_token_eq(t, pdu->token, pdu->token_len);
}

bool th_coap_client_awaits(const struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	return x->c.phase == TH_COAP_ASKED && is_named(asked_token(x), pdu);
}

bool th_coap_client_expects(const struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	return th_coap_client_awaits(x, pdu) || (x->c.observing && is_named(&x->token, pdu));
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
	if (head->code == TH_COAP_EMPTY || th_coap_class(head->code) != 0 || head->priority >= TH_COAP_PRIORITIES)
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
	const struct th_coap_path *path = &x->peer->path;
	size_t overhead = th_coap_peer_lasting(x->peer);
	int szx;

	x->confirmable = head->confirmable;
	x->once = head->once;
	x->priority = (uint8_t)head->priority;
	x->c.wants_observe = registers;
	x->c.accepts = head->accept;
	/* a token names one exchange for ever, so it makes a good tag (RFC 9175 §3.4); where both ends know that, it is
	 * the tag */
	if (head->tagged && !c->numbering)
		x->c.tag = x->token;
	x->c.fetch_szx = (uint8_t)th_coap_path_szx(path, false, c->params->szx, overhead);
	x->c.head = th_coap_head_keep(c, head, registers ? TH_COAP_OPT_OBSERVE : 0);
	if (!x->c.head)
		return TH_ERR_NO_MEMORY;
	szx = th_coap_fit_szx(c, x->c.head, th_coap_path_szx(path, true, c->params->szx, overhead));
	if (szx < 0)
		return TH_ERR_INVALID;
	x->out.szx = (uint8_t)szx;
	th_coap_fit_whole(c, x);
	return TH_OK;
}

static enum th_err open_request(struct th_coap *c, const struct th_addr *peer, const struct th_coap_head *head,
				th_coap_id *out)
{
	struct th_coap_peer *p;
	struct th_coap_exchange *x;
	struct th_coap_token token = { 0 };
	enum th_err err;

	if (!head_is_valid(head))
		return TH_ERR_INVALID;
	p = th_coap_peer_get(c, peer);
	if (!p)
		return c->peers.n >= c->params->max_peers ? TH_ERR_FULL : TH_ERR_NO_MEMORY;
	if (!c->numbering)
		token.n = th_naming_token(c->next_token++, token.p);
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

void th_coap_supersede(struct th_coap *c, th_coap_id id, uint64_t state, th_time now)
{
	struct th_coap_exchange *x = th_coap_exchange_find(c, id);

	if (!x || !x->client || state == 0)
		return;
	th_coap_enter(c, now);
	x->state = state;
	th_coap_message_supersede(c, x->peer, x, state);
	th_coap_leave(c);
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

/* Before a long answer: how large its blocks may be (RFC 9177 §4.1, Q-Block2 in a request), if the peer can't know. */
static bool draft_news(const struct th_coap *c, struct th_coap_exchange *x, struct th_coap_draft *d)
{
	enum { SMALL = 512 }; /* a request with room for the option */
	struct th_coap_path *path = &x->peer->path;
	unsigned szx = th_coap_path_news(path, c->params->szx, th_coap_peer_lasting(x->peer));

	if (szx == 0 || !x->confirmable || x->priority != TH_COAP_BULK || x->c.wants_observe || d->pdu.payload_len > SMALL)
		return true;
	path->said_szx = (uint8_t)szx;
	return draft_block(d, TH_COAP_OPT_QBLOCK2, 0, false, (uint8_t)szx);
}

static bool draft_upload(const struct th_coap *c, struct th_coap_exchange *x, struct th_coap_draft *d)
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
	if (s.more && x->c.up_off == 0 && th_coap_burst_wanted(x) && !x->c.wants_observe)
		return draft_block(d, TH_COAP_OPT_QBLOCK1, 0, true, x->out.szx);
	if (!x->out.blockwise)
		return draft_news(c, x, d);
	return draft_block(d, TH_COAP_OPT_BLOCK1, x->c.up_off, s.more, x->out.szx);
}

/* A client that waits for a separate response watches whether its peer is alive. Who asked with a NON has settled for
 * losing it. */
void th_coap_client_await(struct th_coap *c, struct th_coap_exchange *x)
{
	x->give_up_at = th_time_add(c->now, x->peer->path.times.response);
	th_coap_exchange_arm(c, x);
	if (x->confirmable && !th_list_linked(&x->c.awaiting))
		th_list_push(&x->peer->awaiting, &x->c.awaiting);
	th_coap_peer_arm(c, x->peer);
}

bool th_coap_awaits(const struct th_coap *c, th_coap_id id)
{
	const struct th_coap_exchange *x = th_coap_exchange_find(c, id);

	return x && x->client && th_list_linked(&x->c.awaiting);
}

void th_coap_client_unawait(struct th_coap *c, struct th_coap_exchange *x)
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
		fits = draft_upload(c, x, &d);
	if (cl->tag.n)
		th_coap_draft_opaque(&d, TH_COAP_OPT_REQUEST_TAG, cl->tag.p, cl->tag.n);
	else if (c->numbering && asked_token(x) != &x->token) /* names the exchange, which the token here does not */
		th_coap_draft_opaque(&d, TH_COAP_OPT_REQUEST_TAG, x->token.p, x->token.n);
	if (cl->echo_n)
		th_coap_draft_opaque(&d, TH_COAP_OPT_ECHO, cl->echo, cl->echo_n);
	cl->phase = TH_COAP_ASKED;
	err = fits ? th_coap_message_send(c, x->peer, x, x->confirmable, &d.pdu) : TH_ERR_TOO_LARGE;
	cl->echo_n = 0;
	if (err != TH_OK)
		th_coap_exchange_close(c, x, err);
	else if (!x->confirmable)
		th_coap_client_await(c, x);
}

void th_coap_client_pump(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_slice s;

	if (x->out.burst && !x->out.cut)
		th_coap_burst_pump(c, x);
	else if (x->c.phase == TH_COAP_GATHERING && th_coap_out_slice(&x->out, x->c.up_off, &s))
		th_coap_client_ask(c, x);
}

void th_coap_client_over(struct th_coap *c, struct th_coap_exchange *x, enum th_coap_outcome outcome)
{
	if (outcome == TH_COAP_ACKED)
		th_coap_client_await(c, x);
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
	if (x->c.observing && !x->c.owes) /* else an RST says so */
		th_coap_observe_deregister(c, x);
}

void th_coap_client_detach(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->message)
		th_coap_message_drop(c, x->message);
	th_coap_observe_settle(c, x, false);
	th_list_remove(&x->c.awaiting);
	if (x->c.fetch_token.n)
		th_table_remove(&c->by_fetch, &x->c.by_fetch);
}
