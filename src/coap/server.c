/* Requests we answer. One request of the peer is answered at a time (`ask`): the one that opened the exchange, then
 * those for the next block of either body. While `ask.owing`, an answer is owed: 2.31 Continue once the user has taken
 * the block, or the block of the response once the user has written it. */
#include "coap/engine_int.h"

#include <string.h>

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
	err = th_coap_record_reply(c, r, pdu, x ? x->priority : TH_COAP_INTERACTIVE);
	if (err == TH_OK)
		th_coap_charge_out(x, r->reply ? r->reply->datagram.n : 0);
	return err;
}

void th_coap_server_refuse(struct th_coap *c, struct th_coap_peer *p, const struct th_coap_ask *ask, uint8_t code)
{
	struct th_coap_draft d;

	th_coap_draft_init(&d, code, &ask->token);
	reply(c, p, NULL, ask, &d.pdu);
}

static void fail(struct th_coap *c, struct th_coap_exchange *x, enum th_err why)
{
	if (x->s.ask.owing)
		th_coap_server_refuse(c, x->peer, &x->s.ask,
				      why == TH_ERR_TIMEOUT ? TH_COAP_GATEWAY_TIMEOUT : TH_COAP_UNAVAILABLE);
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
	x->give_up_at = x->s.accept && x->s.last ? TH_NEVER : th_time_add(c->now, x->peer->path.times.body);
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

/* The response will be a message of its own. */
void th_coap_server_continue(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_ask *ask = &x->s.ask;
	uint8_t map[TH_COAP_BURST_REPORT_MAX];
	const struct th_coap_block block = { x->in.burst->first, false, x->in.burst->szx };
	struct th_coap_draft d;
	enum th_err err;

	if (!ask->owing || ask->acked) /* answered early: the rest is refused */
		return;
	th_coap_draft_init(&d, TH_COAP_CONTINUE, &ask->token);
	th_coap_draft_block(&d, TH_COAP_OPT_QBLOCK1, &block);
	d.pdu.payload = map;
	d.pdu.payload_len = th_coap_burst_map(x->in.burst, map);
	err = reply(c, x->peer, x, ask, &d.pdu);
	if (err != TH_OK) {
		th_coap_exchange_close(c, x, err);
		return;
	}
	ask->acked = true;
	x->ack_at = TH_NEVER;
	th_coap_exchange_arm(c, x);
}

static void answer_continue(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_block b = x->s.ask.block1;
	struct th_coap_draft d;

	b.szx = b.szx < c->params->szx ? b.szx : (uint8_t)c->params->szx;
	th_coap_draft_init(&d, TH_COAP_CONTINUE, &x->s.ask.token);
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

/* The sender knows when to give up. */
void th_coap_server_burst(struct th_coap *c, struct th_coap_exchange *x)
{
	if (th_coap_burst_start(c, x) != TH_OK) {
		th_coap_exchange_close(c, x, TH_ERR_NO_MEMORY);
		return;
	}
	x->give_up_at = TH_NEVER;
	th_coap_exchange_arm(c, x);
	th_coap_out_offer_room(c, x);
}

static void answer_block(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_server *s = &x->s;
	struct th_coap_slice slice;
	struct th_coap_draft d;
	struct th_coap_block b;
	bool burst;

	if (!th_coap_out_slice(&x->out, s->down_off, &slice))
		return;
	if (slice.more && s->down_off == 0)
		th_coap_observe_too_large(x);
	burst = slice.more && s->down_off == 0 && th_coap_burst_wanted(x) && !s->observing && !s->ask.has_block2 &&
		!s->ask.has_block1;
	b = (struct th_coap_block){ (uint32_t)(s->down_off >> (x->out.szx + 4)), slice.more, x->out.szx };
	th_coap_draft_head(&d, s->head, &s->ask.token);
	if (s->down_off == 0)
		th_coap_observe_mark(x, &d);
	if (s->ask.has_block1 && s->whole && s->ended)
		th_coap_draft_block(&d, TH_COAP_OPT_BLOCK1, &s->ask.block1);
	s->whole = true; /* or answered early: what comes now fetches the answer */
	if (burst)
		th_coap_draft_block(&d, TH_COAP_OPT_QBLOCK2, &b);
	else if (slice.more || s->down_off > 0 || s->ask.has_block2)
		th_coap_draft_block(&d, TH_COAP_OPT_BLOCK2, &b);
	d.pdu.payload = slice.p;
	d.pdu.payload_len = slice.n;
	s->down_end = s->down_off + slice.n;
	s->last = !slice.more;
	if (slice.more && !burst)
		th_coap_server_key(c, x);
	if (s->down_off >> (x->out.szx + 4) > TH_COAP_BLOCK_NUM_MAX) {
		fail(c, x, TH_ERR_TOO_LARGE);
		return;
	}
	answer(c, x, &d);
	if (burst && !x->closed)
		th_coap_server_burst(c, x);
}

void th_coap_server_pump(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->closed)
		return;
	if (x->out.burst)
		th_coap_burst_pump(c, x);
	else if (x->s.ask.owing && x->s.head)
		answer_block(c, x);
	else if (x->s.notify)
		th_coap_observe_notify(c, x);
}

/* An ACK for the request goes out, or something that does for one. */
static void note_acknowledged(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_ask *ask = &x->s.ask;
	struct th_coap_record *r = th_coap_record_find(c, x->peer, ask->mid, ask->key);

	x->ack_at = TH_NEVER;
	ask->acked = true;
	if (r)
		r->state = TH_COAP_RECORD_ACKED;
}

void th_coap_server_acknowledge(struct th_coap *c, struct th_coap_exchange *x)
{
	note_acknowledged(c, x);
	th_coap_send_empty(c, &x->peer->addr, TH_COAP_ACK, x->s.ask.mid);
	th_coap_charge_out(x, TH_COAP_EMPTY_BYTES);
}

/* The request body */

static void received(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->s.ended) /* responded meanwhile: the rest is refused */
		return;
	if (x->in.more && x->in.burst) {
		th_coap_burst_deliver(c, x);
		return;
	}
	if (x->in.more) {
		answer_continue(c, x);
		return;
	}
	if (x->in.burst) { /* from now on the user's time counts */
		x->give_up_at = th_time_add(c->now, x->peer->path.times.response);
		th_coap_exchange_arm(c, x);
	}
	x->s.ended = true;
	c->ops->end(c->user, x->id);
}

void th_coap_server_resumed(struct th_coap *c, struct th_coap_exchange *x)
{
	received(c, x);
}

void th_coap_server_receive(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu, bool more)
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

/* The user's verbs */

static bool head_is_valid(const struct th_coap_head *head)
{
	unsigned class = th_coap_class(head->code);

	if (class < TH_COAP_CLASS_SUCCESS || class > TH_COAP_CLASS_LAST || head->priority >= TH_COAP_PRIORITIES ||
	    head->n_options > TH_COAP_OPTIONS_MAX - TH_COAP_ENGINE_OPTIONS)
		return false;
	for (size_t i = 0; i < head->n_options; i++)
		if (th_coap_option_is_engines(head->options[i].number))
			return false;
	return th_coap_options_valid(head->options, head->n_options);
}

size_t th_coap_room(struct th_coap *c, th_coap_id id, const struct th_coap_head *head)
{
	const struct th_coap_exchange *x = th_coap_exchange_find(c, id);
	struct th_coap_kept_head *kept = x ? th_coap_head_keep(c, head, 0) : NULL;
	int szx;

	if (!kept)
		return 0;
	szx = th_coap_fit_szx(c, kept, th_coap_path_szx(&x->peer->path, true, x->out.szx, th_coap_peer_overhead(x->peer)));
	th_free(c->mem, kept);
	return szx < 0 ? 0 : th_coap_block_size((unsigned)szx);
}

/* Its answer is a CON of its own, which says that the request is there as well as an ACK (RFC 7252 §5.2.2). */
static void answer_apart(struct th_coap *c, struct th_coap_exchange *x)
{
	const struct th_coap_ask *ask = &x->s.ask;

	if (ask->owing && ask->con && !ask->acked)
		note_acknowledged(c, x);
}

/* Of an observation: the notification before is still to be sent, fetched or accepted. */
static bool is_notifying(const struct th_coap_exchange *x)
{
	return x->s.notify || x->give_up_at != TH_NEVER ||
	       (x->s.accept && (x->message || th_list_linked(&x->s.lapsed)));
}

static enum th_err respond(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_head *head)
{
	struct th_coap_kept_head *kept;
	int szx;

	if (!head_is_valid(head) || x->client || (x->s.head && !x->s.observing))
		return TH_ERR_INVALID;
	if (x->s.head && is_notifying(x)) {
		x->out.wants_room = true;
		return TH_ERR_FULL;
	}
	kept = th_coap_head_keep(c, head, 0);
	if (!kept)
		return TH_ERR_NO_MEMORY;
	szx = th_coap_fit_szx(c, kept,
			      th_coap_path_szx(&x->peer->path, true, x->out.szx, th_coap_peer_lasting(x->peer)));
	if (szx < 0) {
		th_free(c->mem, kept);
		return TH_ERR_INVALID;
	}
	th_coap_observe_respond(c, x, head);
	x->s.accept = head->accept && x->s.observing;
	if (x->s.accept)
		answer_apart(c, x);
	th_free(c->mem, x->s.head);
	x->s.head = kept;
	x->priority = (uint8_t)head->priority;
	x->s.ended = true;
	x->s.down_off = x->s.down_end = 0;
	x->s.last = false;
	th_coap_out_reset(&x->out);
	x->out.szx = (uint8_t)szx;
	th_coap_fit_whole(c, x);
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
	else if (outcome == TH_COAP_RESET || !th_coap_observe_lapse(x))
		th_coap_exchange_close(c, x, outcome == TH_COAP_RESET ? TH_ERR_RESET : TH_ERR_TIMEOUT);
}

void th_coap_server_due(struct th_coap *c, struct th_coap_exchange *x)
{
	if (c->now >= x->ack_at && x->in.burst && x->s.ask.acked) {
		x->ack_at = TH_NEVER;
		th_coap_burst_tell(c, x);
	} else if (c->now >= x->ack_at) {
		th_coap_server_acknowledge(c, x);
	}
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

/* A burst asks for nothing block by block, so nothing else would tell the client that no more comes. */
static void tell_broken(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_draft d;

	th_coap_draft_init(&d, TH_COAP_BAD_GATEWAY, &x->token);
	(void)th_coap_message_send(c, x->peer, NULL, true, &d.pdu); /* without memory it is as if lost for good */
}

void th_coap_server_cancel(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->s.ask.owing) /* nothing has left of a response that was begun: it broke off */
		th_coap_server_refuse(c, x->peer, &x->s.ask, x->s.head ? TH_COAP_BAD_GATEWAY : TH_COAP_UNAVAILABLE);
	else if (x->s.observing)
		th_coap_observe_end(c, x);
	else if (x->out.burst && !x->out.ended)
		tell_broken(c, x);
}

void th_coap_server_detach(struct th_coap *c, struct th_coap_exchange *x)
{
	if (x->message)
		th_coap_message_orphan(c, x->message);
	th_list_remove(&x->s.lapsed);
	th_coap_observe_stop(x);
	th_coap_server_unkey(c, x);
}
