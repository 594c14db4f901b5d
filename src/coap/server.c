/* Requests we answer. One request of the peer is answered at a time (`ask`): the one that opened the exchange, then
 * those for the next block of either body. While `ask.owing`, an answer is owed: 2.31 Continue once the user has taken
 * the block, or the block of the response once the user has written it. */
#include "coap/engine_int.h"

#include <string.h>

enum {
	CLASS_SHIFT = 5,
	SUCCESS = 2,
	LAST_CLASS = 5,
	EMPTY_BYTES = 4,
	CONTINUE = TH_COAP_CODE(2, 31),
	BAD_REQUEST = TH_COAP_CODE(4, 0),
	BAD_OPTION = TH_COAP_CODE(4, 2),
	INCOMPLETE = TH_COAP_CODE(4, 8),
	UNAVAILABLE = TH_COAP_CODE(5, 3),
};

/* Answering */

static enum th_err reply(struct th_coap *c, struct th_coap_peer *p, struct th_coap_exchange *x,
			 const struct th_coap_ask *ask, struct th_coap_pdu *pdu)
{
	struct th_coap_record *r;
	enum th_err err;

	if (!ask->con || ask->acked)
		return th_coap_message_send(c, p, x, ask->con, pdu);
	r = th_coap_record_find(c, p, ask->mid, ask->key);
	if (!r) /* we were slower than EXCHANGE_LIFETIME */
		return TH_ERR_NOT_FOUND;
	pdu->type = TH_COAP_ACK;
	pdu->mid = ask->mid;
	err = th_coap_record_reply(c, r, pdu);
	if (err == TH_OK)
		th_coap_charge_out(x, r->reply ? r->reply->datagram.n : 0);
	return err;
}

/* An error without options or body, from nobody but the engine. */
static void refuse(struct th_coap *c, struct th_coap_peer *p, const struct th_coap_ask *ask, uint8_t code)
{
	struct th_coap_draft d;

	th_coap_draft_init(&d, code, &ask->token);
	reply(c, p, NULL, ask, &d.pdu);
}

static void fail(struct th_coap *c, struct th_coap_exchange *x, enum th_err why)
{
	if (x->s.ask.owing)
		refuse(c, x->peer, &x->s.ask, UNAVAILABLE);
	th_coap_exchange_close(c, x, why);
}

static void answer(struct th_coap *c, struct th_coap_exchange *x, struct th_coap_draft *d)
{
	bool separate = x->s.ask.con && x->s.ask.acked;
	enum th_err err = reply(c, x->peer, x, &x->s.ask, &d->pdu);

	if (err != TH_OK) {
		th_coap_exchange_close(c, x, err);
		return;
	}
	x->s.ask.owing = false;
	x->ack_at = TH_NEVER;
	x->give_up_at = th_time_add(c->now, c->params->body_timeout);
	th_coap_exchange_arm(c, x);
	if (separate)
		return; /* the peer's ACK will tell */
	if (x->message)
		th_coap_message_orphan(c, x->message);
	th_coap_server_delivered(c, x);
}

void th_coap_server_delivered(struct th_coap *c, struct th_coap_exchange *x)
{
	if (!x->s.last)
		return;
	if (x->s.observing)
		th_coap_observe_ready(c, x);
	else
		th_coap_exchange_close(c, x, TH_OK);
}

static void answer_continue(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_block b = x->s.ask.block1;
	struct th_coap_draft d;

	b.szx = b.szx < c->params->szx ? b.szx : (uint8_t)c->params->szx;
	th_coap_draft_init(&d, CONTINUE, &x->s.ask.token);
	th_coap_draft_block(&d, TH_COAP_OPT_BLOCK1, &b);
	x->s.last = false;
	answer(c, x, &d);
}

void th_coap_server_key(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->s.keyed)
		return;
	x->s.keyed = true;
	th_table_add(&c->by_key, &x->s.by_key, x->s.key);
}

void th_coap_server_unkey(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->s.keyed)
		th_table_remove(&c->by_key, &x->s.by_key);
	x->s.keyed = false;
}

static void answer_block(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_server *s = &x->s;
	struct th_coap_slice slice;
	struct th_coap_draft d;
	struct th_coap_block b;

	if (!th_coap_out_slice(&x->out, s->down_off, &slice))
		return;
	b = (struct th_coap_block){ (uint32_t)(s->down_off >> (x->out.szx + 4)), slice.more, x->out.szx };
	th_coap_draft_head(&d, s->head, &s->ask.token);
	if (s->down_off == 0)
		th_coap_observe_mark(x, &d);
	if (s->ask.has_block1 && s->whole && s->ended)
		th_coap_draft_block(&d, TH_COAP_OPT_BLOCK1, &s->ask.block1);
	if (slice.more || s->down_off > 0 || s->ask.has_block2)
		th_coap_draft_block(&d, TH_COAP_OPT_BLOCK2, &b);
	d.pdu.payload = slice.p;
	d.pdu.payload_len = slice.n;
	s->down_end = s->down_off + slice.n;
	s->last = !slice.more;
	if (slice.more)
		th_coap_server_key(c, x);
	if (s->down_off >> (x->out.szx + 4) > TH_COAP_BLOCK_NUM_MAX)
		fail(c, x, TH_ERR_TOO_LARGE);
	else
		answer(c, x, &d);
}

void th_coap_server_pump(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->closed)
		return;
	if (x->s.ask.owing && x->s.head)
		answer_block(c, x);
	else if (x->s.notify)
		th_coap_observe_notify(c, x);
}

static void acknowledge(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_ask *ask = &x->s.ask;
	struct th_coap_record *r = th_coap_record_find(c, x->peer, ask->mid, ask->key);

	x->ack_at = TH_NEVER;
	ask->acked = true;
	if (r)
		r->state = TH_COAP_RECORD_ACKED;
	th_coap_send_empty(c, &x->peer->addr, TH_COAP_ACK, ask->mid);
	th_coap_charge_out(x, EMPTY_BYTES);
}

/* The request body */

static void received(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->s.ended) /* responded meanwhile: the rest is refused */
		return;
	if (x->in.more) {
		answer_continue(c, x);
		return;
	}
	x->s.ended = true;
	c->ops->end(c->user, x->id);
}

void th_coap_server_resumed(struct th_coap *c, struct th_coap_exchange *x)
{
	received(c, x);
}

static void receive(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu, bool more)
{
	bool all;
	enum th_err err;

	x->in.more = more;
	x->in.next += pdu->payload_len;
	if (x->s.ended) {
		th_coap_server_pump(c, x);
		return;
	}
	err = th_coap_in_give(c, x, pdu->payload, pdu->payload_len, &all);
	if (x->closed)
		return;
	if (err != TH_OK)
		fail(c, x, err);
	else if (all)
		received(c, x);
}

/* Requests */

/* What says that a request continues an exchange: method and options but those of the transfer itself (RFC 7959 §2.4,
 * §2.5, RFC 9175 §3.3); Observe, as the rest of a notification is fetched without (RFC 7959 §2.6). */
static uint64_t block_key(struct th_coap *c, const struct th_coap_peer *p, const struct th_coap_pdu *pdu)
{
	struct th_wr w = th_wr_init(c->scratch, c->scratch_n);

	th_wr_bytes(&w, &p, sizeof(p));
	th_wr_uint(&w, pdu->code, 1);
	for (size_t i = 0; i < pdu->n_options; i++) {
		const struct th_coap_option *o = &pdu->options[i];

		if (th_coap_option_is_no_cache_key(o->number) || o->number == TH_COAP_OPT_BLOCK1 ||
		    o->number == TH_COAP_OPT_BLOCK2 || o->number == TH_COAP_OPT_OBSERVE)
			continue;
		th_wr_uint(&w, o->number, sizeof(o->number));
		th_wr_uint(&w, o->n, sizeof(o->n));
		th_wr_bytes(&w, o->p, o->n);
	}
	return th_table_hash(&c->by_key, c->scratch, w.n);
}

/* The youngest exchange of that key: one that still expects blocks, or one that has been received whole. */
static struct th_coap_exchange *find_keyed(struct th_coap *c, const struct th_coap_peer *p, uint64_t key, bool whole)
{
	for (struct th_slot *n = th_table_next(&c->by_key, key, NULL); n; n = th_table_next(&c->by_key, key, n)) {
		struct th_coap_exchange *x = TH_OWNER(n, struct th_coap_exchange, s.by_key);

		if (x->peer == p && x->s.whole == whole)
			return x;
	}
	return NULL;
}

/* A new request to an exchange takes the place of the one before, whose answer must have arrived or is no longer
 * wanted. */
static void take_ask(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_ask *ask)
{
	struct th_coap_message *m = x->message;

	if (x->s.ask.owing && x->s.ask.con && !x->s.ask.acked)
		acknowledge(c, x);
	if (m && !m->con) {
		th_coap_message_orphan(c, m);
	} else if (m) {
		m->exchange = NULL;
		x->message = NULL;
		th_coap_message_over(c, m, TH_COAP_ACKED, false);
	}
	x->s.ask = *ask;
	x->s.ask.owing = true;
	x->ack_at = ask->con ? th_time_add(c->now, c->params->piggyback_patience) : TH_NEVER;
	x->give_up_at = th_time_add(c->now, c->params->response_timeout);
	th_coap_exchange_arm(c, x);
}

static void next_block1(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_ask *ask,
			const struct th_coap_pdu *pdu)
{
	if (x->in.held || th_coap_block_offset(&ask->block1) != x->in.next) {
		refuse(c, x->peer, ask, INCOMPLETE);
		th_coap_exchange_close(c, x, TH_ERR_CANCELLED);
		return;
	}
	take_ask(c, x, ask);
	x->s.whole = !ask->block1.more;
	receive(c, x, pdu, ask->block1.more);
}

static void next_block2(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_ask *ask)
{
	uint64_t off = th_coap_block_offset(&ask->block2);

	if (!x->s.head || x->s.notify || off < x->out.base) {
		refuse(c, x->peer, ask, INCOMPLETE);
		return;
	}
	if (off > x->s.down_end || (x->s.last && off == x->s.down_end)) {
		refuse(c, x->peer, ask, BAD_REQUEST);
		return;
	}
	take_ask(c, x, ask);
	if (ask->block2.szx < x->out.szx)
		x->out.szx = ask->block2.szx;
	x->s.down_off = off;
	th_coap_out_consume(&x->out, off);
	th_coap_server_pump(c, x);
	th_coap_out_offer_room(c, x);
}

static void new_request(struct th_coap *c, const struct th_coap_arrival *a, const struct th_coap_ask *ask,
			struct th_coap_record *r, uint64_t key)
{
	struct th_coap_option options[TH_COAP_OPTIONS_MAX];
	struct th_coap_head head = th_coap_user_head(&a->pdu, options);
	bool more = ask->has_block1 && ask->block1.more;
	struct th_coap_exchange *x;
	enum th_err err;

	th_coap_observe_replace(c, a->peer, &a->pdu);
	x = ask->has_block1 ? find_keyed(c, a->peer, key, false) : NULL;
	if (x) /* its body begins anew (RFC 7959 §2.5) */
		th_coap_exchange_close(c, x, TH_ERR_CANCELLED);
	x = th_coap_exchange_new(c, a->peer, false, &ask->token, &err);
	if (!x) {
		c->stats.refused_full++;
		refuse(c, a->peer, ask, UNAVAILABLE);
		return;
	}
	r->exchange = x->id;
	th_coap_charge_in(x, a->n);
	x->out.ended = true; /* nothing to write before there is a head */
	x->confirmable = ask->con;
	x->s.key = key;
	x->s.whole = !more;
	if (more)
		th_coap_server_key(c, x);
	if (ask->has_block2 && ask->block2.szx < x->out.szx)
		x->out.szx = ask->block2.szx;
	x->s.wants_observe = head.observe = th_coap_observe_wanted(c, a->peer, &a->pdu);
	take_ask(c, x, ask);
	c->ops->request(c->user, x->id, a->from, &head);
	if (!x->closed)
		receive(c, x, &a->pdu, more);
}

static struct th_coap_ask ask_of(const struct th_coap_pdu *pdu, uint64_t key)
{
	struct th_coap_ask ask = { .key = key, .mid = pdu->mid, .con = pdu->type == TH_COAP_CON };

	ask.token.n = pdu->token_len;
	memcpy(ask.token.p, pdu->token, pdu->token_len);
	return ask;
}

static bool read_blocks(struct th_coap_ask *ask, const struct th_coap_pdu *pdu)
{
	enum th_err err1 = th_coap_block_of(pdu, TH_COAP_OPT_BLOCK1, &ask->block1);
	enum th_err err2 = th_coap_block_of(pdu, TH_COAP_OPT_BLOCK2, &ask->block2);

	ask->has_block1 = err1 == TH_OK;
	ask->has_block2 = err2 == TH_OK;
	if (err1 == TH_ERR_MALFORMED || err2 == TH_ERR_MALFORMED)
		return false;
	return !ask->has_block1 || !ask->block1.more || pdu->payload_len == th_coap_block_size(ask->block1.szx);
}

/* A request for another block of either body. */
static void next_block(struct th_coap *c, const struct th_coap_arrival *a, const struct th_coap_ask *ask,
		       struct th_coap_record *r, uint64_t key)
{
	bool later1 = ask->has_block1 && ask->block1.num > 0;
	struct th_coap_exchange *x = find_keyed(c, a->peer, key, !later1);

	if (!x) { /* we have forgotten, or never had, what came before: the client may begin again (RFC 7959 §2.9.2) */
		refuse(c, a->peer, ask, INCOMPLETE);
		return;
	}
	r->exchange = x->id;
	th_coap_charge_in(x, a->n);
	if (later1)
		next_block1(c, x, ask, &a->pdu);
	else
		next_block2(c, x, ask);
}

void th_coap_server_request(struct th_coap *c, struct th_coap_arrival *a, struct th_coap_record *r)
{
	struct th_coap_ask ask = ask_of(&a->pdu, r->node.hash);
	uint64_t key;

	if (th_coap_options_screen(&a->pdu) != TH_OK) { /* §5.4.1: a NON is dropped */
		if (ask.con)
			refuse(c, a->peer, &ask, BAD_OPTION);
		return;
	}
	if (!read_blocks(&ask, &a->pdu)) {
		refuse(c, a->peer, &ask, BAD_REQUEST);
		return;
	}
	key = block_key(c, a->peer, &a->pdu);
	if ((ask.has_block1 && ask.block1.num > 0) || (ask.has_block2 && ask.block2.num > 0))
		next_block(c, a, &ask, r, key);
	else
		new_request(c, a, &ask, r, key);
}

/* The user's verbs */

static bool head_is_valid(const struct th_coap_head *head)
{
	unsigned class = head->code >> CLASS_SHIFT;

	if (class < SUCCESS || class > LAST_CLASS || head->n_options > TH_COAP_OPTIONS_MAX - TH_COAP_ENGINE_OPTIONS)
		return false;
	for (size_t i = 0; i < head->n_options; i++)
		if (th_coap_option_is_engines(head->options[i].number))
			return false;
	return th_coap_options_valid(head->options, head->n_options);
}

static enum th_err respond(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_head *head)
{
	struct th_coap_kept_head *kept;
	int szx;

	if (!head_is_valid(head) || x->client || (x->s.head && !x->s.observing))
		return TH_ERR_INVALID;
	if (x->s.head && (x->s.notify || x->give_up_at != TH_NEVER)) {
		x->out.wants_room = true;
		return TH_ERR_FULL;
	}
	kept = th_coap_head_keep(c, head, 0);
	if (!kept)
		return TH_ERR_NO_MEMORY;
	szx = th_coap_fit_szx(c, kept, x->out.szx);
	if (szx < 0) {
		th_free(c->mem, kept);
		return TH_ERR_INVALID;
	}
	th_coap_observe_respond(c, x, head);
	th_free(c->mem, x->s.head);
	x->s.head = kept;
	x->s.ended = true;
	x->s.down_off = x->s.down_end = 0;
	x->s.last = false;
	th_coap_out_reset(&x->out);
	x->out.szx = (uint8_t)szx;
	return TH_OK;
}

enum th_err th_coap_respond(struct th_coap *c, th_coap_id id, const struct th_coap_head *head, th_time now)
{
	struct th_coap_exchange *x = th_coap_exchange_find(c, id);
	enum th_err err;

	if (!x)
		return TH_ERR_NOT_FOUND;
	th_coap_enter(c, now);
	err = respond(c, x, head);
	th_coap_leave(c);
	return err;
}

void th_coap_server_over(struct th_coap *c, struct th_coap_exchange *x, enum th_coap_outcome outcome)
{
	if (outcome == TH_COAP_ACKED)
		th_coap_server_delivered(c, x);
	else
		th_coap_exchange_close(c, x, outcome == TH_COAP_RESET ? TH_ERR_RESET : TH_ERR_TIMEOUT);
}

void th_coap_server_due(struct th_coap *c, struct th_coap_exchange *x)
{
	if (c->now >= x->ack_at)
		acknowledge(c, x);
	if (c->now < x->give_up_at) {
		th_coap_exchange_arm(c, x);
		return;
	}
	c->stats.timeouts++;
	if (x->s.observing && !x->s.ask.owing)
		th_coap_observe_ready(c, x); /* nobody fetches the rest of that notification */
	else
		fail(c, x, TH_ERR_TIMEOUT);
}

void th_coap_server_cancel(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->s.ask.owing)
		refuse(c, x->peer, &x->s.ask, UNAVAILABLE);
	else if (x->s.observing)
		th_coap_observe_end(c, x);
}

void th_coap_server_detach(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->message)
		th_coap_message_orphan(c, x->message);
	th_coap_observe_stop(x);
	th_coap_server_unkey(c, x);
}
