/* Which exchange a request belongs to: a new one, or one whose body it continues in either direction. */
#include "coap/engine_int.h"

#include <string.h>

/* What says that a request continues an exchange: method and options but those of the transfer itself (RFC 7959 §2.4,
 * §2.5, RFC 9175 §3.3); Observe, as the rest of a notification is fetched without (RFC 7959 §2.6). */
static uint64_t block_key(struct th_coap *c, const struct th_coap_peer *p, const struct th_coap_pdu *pdu)
{
	struct th_wr w = th_wr_init(c->scratch, c->scratch_n);

	th_wr_uint(&w, p->node.hash, sizeof(p->node.hash));
	th_wr_uint(&w, pdu->code, 1);
	for (size_t i = 0; i < pdu->n_options; i++) {
		const struct th_coap_option *o = &pdu->options[i];

		if (c->numbering && o->number == TH_COAP_OPT_REQUEST_TAG)
			continue;
		if (th_coap_option_is_no_cache_key(o->number) || o->number == TH_COAP_OPT_BLOCK1 ||
		    o->number == TH_COAP_OPT_BLOCK2 || o->number == TH_COAP_OPT_OBSERVE)
			continue;
		th_wr_uint(&w, o->number, sizeof(o->number));
		th_wr_uint(&w, o->n, sizeof(o->n));
		th_wr_bytes(&w, o->p, o->n);
	}
	return th_table_hash(&c->by_key, c->scratch, w.n);
}

/* With c->numbering: blocks belong to the exchange of their token, or of the one they name. */
static struct th_coap_exchange *find_named(struct th_coap *c, const struct th_coap_peer *p,
					   const struct th_coap_pdu *pdu, uint64_t key, bool whole)
{
	const struct th_coap_option *tag = th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_REQUEST_TAG);
	const uint8_t *token = tag ? tag->p : pdu->token;
	size_t n = tag ? tag->n : pdu->token_len;
	struct th_coap_exchange *x = th_coap_exchange_named(c, p, false, token, n, NULL);

	while (x && !(x->s.keyed && x->s.key == key && x->s.whole == whole))
		x = th_coap_exchange_named(c, p, false, token, n, x);
	return x;
}

/* The youngest exchange of that key: one that still expects blocks, or one that has been received whole. */
static struct th_coap_exchange *find_keyed(struct th_coap *c, const struct th_coap_peer *p,
					   const struct th_coap_pdu *pdu, uint64_t key, bool whole)
{
	if (c->numbering)
		return find_named(c, p, pdu, key, whole);
	for (struct th_slot *n = th_table_next(&c->by_key, key, NULL); n; n = th_table_next(&c->by_key, key, n)) {
		struct th_coap_exchange *x = TH_OWNER(n, struct th_coap_exchange, s.by_key);

		if (x->peer == p && x->s.whole == whole)
			return x;
	}
	return NULL;
}

/* A body of many blocks would leave as many records. A late copy of a request for a later block can't execute anything,
 * as it names a block that has passed: all but the two newest are forgotten. The record of the first request stays. */
static void forget(struct th_coap *c, const struct th_coap_exchange *x, const struct th_coap_ask *ask)
{
	struct th_coap_record *r = ask->later ? th_coap_record_find(c, x->peer, ask->mid, ask->key) : NULL;

	if (r)
		th_coap_record_spent(c, r);
}

/* A new request to an exchange takes the place of the one before, whose answer must have arrived or is no longer
 * wanted. */
static void take_ask(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_ask *ask)
{
	struct th_coap_message *m = x->message;

	if (x->s.ask.owing && x->s.ask.con && !x->s.ask.acked)
		th_coap_server_acknowledge(c, x);
	if (m && !m->con) {
		th_coap_message_orphan(c, m);
	} else if (m) {
		m->exchange = NULL;
		x->message = NULL;
		th_coap_message_over(c, m, TH_COAP_ACKED, 0);
	}
	forget(c, x, &x->s.before);
	x->s.before = x->s.ask;
	x->s.ask = *ask;
	x->s.ask.owing = true;
	x->ack_at = ask->con ? th_time_add(c->now, x->peer->path.times.patience) : TH_NEVER;
	x->give_up_at = th_time_add(c->now, x->peer->path.times.response);
	th_coap_exchange_arm(c, x);
}

static void next_block1(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_ask *ask,
			const struct th_coap_pdu *pdu)
{
	if (x->in.held || th_coap_block_offset(&ask->block1) != x->in.next) {
		th_coap_server_refuse(c, x->peer, ask, TH_COAP_INCOMPLETE);
		if (th_coap_block_offset(&ask->block1) >= x->in.next) /* else it is a late copy */
			th_coap_exchange_close(c, x, TH_ERR_CANCELLED);
		return;
	}
	take_ask(c, x, ask);
	x->s.whole = !ask->block1.more;
	th_coap_server_receive(c, x, pdu, ask->block1.more);
}

static void next_block2(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_ask *ask)
{
	uint64_t off = th_coap_block_offset(&ask->block2);

	if (!x->s.head || x->s.notify || off < x->out.base) {
		th_coap_server_refuse(c, x->peer, ask, TH_COAP_INCOMPLETE);
		return;
	}
	if (off > x->s.down_end || (x->s.last && off == x->s.down_end)) {
		th_coap_server_refuse(c, x->peer, ask, TH_COAP_BAD_REQUEST);
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
	bool more = ask->bursts || (ask->has_block1 && ask->block1.more);
	struct th_coap_exchange *x;
	enum th_err err;

	th_coap_observe_replace(c, a->peer, &a->pdu);
	x = ask->has_block1 ? find_keyed(c, a->peer, &a->pdu, key, false) : NULL;
	if (x) /* its body begins anew (RFC 7959 §2.5) */
		th_coap_exchange_close(c, x, TH_ERR_CANCELLED);
	x = th_coap_exchange_new(c, a->peer, false, &ask->token, &err);
	if (!x) {
		c->stats.refused_full++;
		th_coap_server_refuse(c, a->peer, ask, TH_COAP_UNAVAILABLE);
		return;
	}
	r->exchange = x->id;
	th_coap_charge_in(x, a->n);
	x->out.ended = true; /* nothing to write before there is a head */
	x->confirmable = ask->con;
	x->s.key = key;
	x->s.whole = !more || ask->bursts;
	if (!x->s.whole)
		th_coap_server_key(c, x);
	if (ask->news > a->peer->path.peer_szx)
		a->peer->path.peer_szx = ask->news;
	if (ask->has_block2 && ask->block2.szx < x->out.szx)
		x->out.szx = ask->block2.szx;
	x->out.asked_for = ask->has_block2;
	x->s.wants_observe = head.observe = th_coap_observe_wanted(c, a->peer, &a->pdu);
	take_ask(c, x, ask);
	err = ask->bursts ? th_coap_burst_expect(c, x, ask->block1.szx) : TH_OK;
	if (err != TH_OK) {
		th_coap_server_refuse(c, a->peer, ask, TH_COAP_UNAVAILABLE);
		th_coap_exchange_drop(c, x); /* its user has not heard of it */
		return;
	}
	c->ops->request(c->user, x->id, a->from, &head);
	if (!x->closed)
		th_coap_server_receive(c, x, &a->pdu, more);
	if (!x->closed && ask->bursts)
		th_coap_server_continue(c, x);
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
	struct th_coap_block news;

	ask->has_block1 = err1 == TH_OK;
	ask->has_block2 = err2 == TH_OK;
	ask->later = (ask->has_block1 && ask->block1.num > 0) || (ask->has_block2 && ask->block2.num > 0);
	if (err1 == TH_ERR_MALFORMED || err2 == TH_ERR_MALFORMED)
		return false;
	err2 = th_coap_block_of(pdu, TH_COAP_OPT_QBLOCK2, &news);
	if (err2 != TH_ERR_NOT_FOUND && (err2 != TH_OK || news.num > 0 || news.more || ask->later))
		return false;
	ask->news = err2 == TH_OK ? news.szx : 0;
	err1 = th_coap_block_of(pdu, TH_COAP_OPT_QBLOCK1, &ask->block1);
	if (err1 != TH_ERR_NOT_FOUND) {
		/* the others of a burst are no CONs, and do not come here */
		ask->bursts = true;
		return err1 == TH_OK && !ask->has_block1 && ask->con && ask->block1.num == 0 && ask->block1.more &&
		       pdu->payload_len == th_coap_block_size(ask->block1.szx);
	}
	return !ask->has_block1 || !ask->block1.more || pdu->payload_len == th_coap_block_size(ask->block1.szx);
}

/* A request for another block of either body. */
static void next_block(struct th_coap *c, const struct th_coap_arrival *a, const struct th_coap_ask *ask,
		       struct th_coap_record *r, uint64_t key)
{
	bool later1 = ask->has_block1 && ask->block1.num > 0;
	struct th_coap_exchange *x = find_keyed(c, a->peer, &a->pdu, key, !later1);

	if (!x) { /* we have forgotten, or never had, what came before: the client may begin again (RFC 7959 §2.9.2) */
		th_coap_server_refuse(c, a->peer, ask, TH_COAP_INCOMPLETE);
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

	if (th_coap_screen(a->peer, &a->pdu) != TH_OK) { /* §5.4.1: a NON is dropped */
		if (ask.con)
			th_coap_server_refuse(c, a->peer, &ask, TH_COAP_BAD_OPTION);
		return;
	}
	if (!read_blocks(&ask, &a->pdu)) {
		th_coap_server_refuse(c, a->peer, &ask, TH_COAP_BAD_REQUEST);
		return;
	}
	key = block_key(c, a->peer, &a->pdu);
	if (ask.later)
		next_block(c, a, &ask, r, key);
	else
		new_request(c, a, &ask, r, key);
}
