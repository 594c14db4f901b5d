/* RFC 7641, both roles. */
#include "coap/engine_int.h"

#include <string.h>

enum {
	REGISTER = 0,
	DEREGISTER = 1,
	SEQ_MASK = 0xffffff,
	SEQ_HALF = 1 << 23,
};

static const th_time seq_forgotten = 128 * TH_SEC;		     /* §3.4 */
static const th_time confirm_at_least = (th_time)24 * 3600 * TH_SEC; /* §4.5 */

static const struct th_coap_option *observe_of(const struct th_coap_pdu *pdu)
{
	return th_coap_option_find(pdu->options, pdu->n_options, TH_COAP_OPT_OBSERVE);
}

/* Client */

static bool is_fresh(const struct th_coap_client *cl, uint32_t seq, th_time now)
{
	uint32_t ahead = (seq - cl->observe_seq) & SEQ_MASK;

	return (ahead > 0 && ahead < SEQ_HALF) || now > th_time_add(cl->observed_at, seq_forgotten);
}

void th_coap_observe_begin(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = observe_of(pdu);

	x->c.observing = o && x->c.wants_observe && th_coap_class(pdu->code) == TH_COAP_CLASS_SUCCESS;
	if (!x->c.observing)
		return;
	x->c.observe_seq = th_coap_option_uint(o);
	x->c.observed_at = c->now;
}

/* Keeps one notification while the one before is being taken or fetched: always the freshest. */
static void hold(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = observe_of(pdu);
	size_t n = th_coap_pdu_write(pdu, c->scratch, c->scratch_n);
	uint8_t *held = n <= c->scratch_n ? th_alloc(c->mem, n) : NULL;

	if (!held)
		return;
	th_free(c->mem, x->c.held);
	x->c.held = memcpy(held, c->scratch, n);
	x->c.held_n = n;
	if (!o)
		return;
	x->c.observe_seq = th_coap_option_uint(o);
	x->c.observed_at = c->now;
}

void th_coap_observe_notified(struct th_coap *c, struct th_coap_exchange *x, struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = observe_of(pdu);

	if (o && !is_fresh(&x->c, th_coap_option_uint(o), c->now))
		return;
	if (x->c.phase == TH_COAP_IDLE)
		th_coap_client_begin(c, x, pdu);
	else
		hold(c, x, pdu);
}

void th_coap_observe_idle(struct th_coap *c, struct th_coap_exchange *x)
{
	uint8_t *held = x->c.held;
	struct th_coap_pdu pdu;

	x->c.phase = TH_COAP_IDLE;
	x->c.fetching = false;
	if (!held)
		return;
	x->c.held = NULL;
	if (th_coap_pdu_read(&pdu, held, x->c.held_n) == TH_OK)
		th_coap_client_begin(c, x, &pdu);
	th_free(c->mem, held);
}

/* §3.6: the registration's request with the same token, but Observe 1. Nobody waits for its answer; should it come as a
 * separate one it is reset, as any notification still under way. */
void th_coap_observe_deregister(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_draft d;

	th_coap_draft_head(&d, x->c.head, &x->token);
	th_coap_draft_uint(&d, TH_COAP_OPT_OBSERVE, DEREGISTER);
	if (x->c.tag.n)
		th_coap_draft_opaque(&d, TH_COAP_OPT_REQUEST_TAG, x->c.tag.p, x->c.tag.n);
	th_coap_message_send(c, x->peer, NULL, x->confirmable, &d.pdu);
}

/* Acknowledging late: the user says when, or that it has no use for the notification */

bool th_coap_observe_owes(const struct th_coap_exchange *x, const struct th_coap_pdu *pdu, th_time now)
{
	const struct th_coap_option *o = observe_of(pdu);

	if (!x->c.accepts || !o || th_coap_class(pdu->code) != TH_COAP_CLASS_SUCCESS)
		return false;
	return !x->c.observing || is_fresh(&x->c, th_coap_option_uint(o), now);
}

void th_coap_observe_owe(struct th_coap_exchange *x, struct th_coap_record *r)
{
	x->c.owes = true;
	x->c.owed_mid = r->mid;
	x->c.owed_key = r->node.hash;
}

void th_coap_observe_settle(struct th_coap *c, struct th_coap_exchange *x, bool accept)
{
	struct th_coap_record *r;

	if (!x->c.owes)
		return;
	x->c.owes = false;
	r = th_coap_record_find(c, x->peer, x->c.owed_mid, x->c.owed_key);
	if (!r) /* we were slower than EXCHANGE_LIFETIME */
		return;
	r->state = accept ? TH_COAP_RECORD_ACKED : TH_COAP_RECORD_RESET;
	th_coap_send_empty(c, &x->peer->addr, accept ? TH_COAP_ACK : TH_COAP_RST, r->mid);
	th_coap_charge_out(x, TH_COAP_EMPTY_BYTES);
}

void th_coap_accept(struct th_coap *c, th_coap_id id, th_time now)
{
	struct th_coap_exchange *x = th_coap_exchange_find(c, id);

	if (!x || !x->client)
		return;
	th_coap_enter(c, now);
	th_coap_observe_settle(c, x, true);
	th_coap_leave(c);
}

/* Server */

void th_coap_observe_replace(struct th_coap *c, struct th_coap_peer *p, const struct th_coap_pdu *pdu)
{
	struct th_coap_exchange *x = NULL;

	if (p->observers == 0 || !observe_of(pdu))
		return;
	do
		x = th_coap_exchange_named(c, p, false, pdu->token, pdu->token_len, x);
	while (x && !x->s.observing);
	if (x)
		th_coap_exchange_close(c, x, TH_ERR_CANCELLED);
}

bool th_coap_observe_wanted(const struct th_coap *c, const struct th_coap_peer *p, const struct th_coap_pdu *pdu)
{
	const struct th_coap_option *o = observe_of(pdu);

	return o && th_coap_option_uint(o) == REGISTER && (pdu->code == TH_COAP_GET || pdu->code == TH_COAP_FETCH) &&
	       p->observers < c->params->max_observers;
}

bool th_coap_wants_observe(const struct th_coap *c, th_coap_id id)
{
	const struct th_coap_exchange *x = th_coap_exchange_find(c, id);

	return x && !x->client && x->s.wants_observe;
}

void th_coap_observe_respond(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_head *head)
{
	struct th_coap_server *s = &x->s;

	s->notify = s->observing; /* the first goes as the answer to the request */
	s->confirm = head->confirmable;
	if (!head->observe || !s->wants_observe || th_coap_class(head->code) != TH_COAP_CLASS_SUCCESS) {
		th_coap_observe_stop(x);
		return;
	}
	if (s->observing)
		return;
	s->observing = true;
	s->confirmed_at = c->now;
	x->peer->observers++;
}

void th_coap_observe_stop(struct th_coap_exchange *x)
{
	if (!x->s.observing)
		return;
	x->s.observing = false;
	x->peer->observers--;
}

void th_coap_observe_end(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_draft d;

	th_coap_draft_init(&d, TH_COAP_UNAVAILABLE, &x->token); /* an error ends it (§3.2) */
	th_coap_message_send(c, x->peer, NULL, true, &d.pdu);
}

void th_coap_observe_mark(struct th_coap_exchange *x, struct th_coap_draft *d)
{
	if (!x->s.observing)
		return;
	x->s.observe_seq = (x->s.observe_seq + 1) & SEQ_MASK;
	th_coap_draft_uint(d, TH_COAP_OPT_OBSERVE, x->s.observe_seq);
}

/* §4.5: now and then the client must show that it still wants them. The last one must arrive. */
static bool must_confirm(const struct th_coap *c, const struct th_coap_server *s)
{
	return s->confirm || !s->observing || s->unconfirmed + 1 >= TH_COAP_CONFIRM_EVERY ||
	       c->now >= th_time_add(s->confirmed_at, confirm_at_least);
}

void th_coap_observe_notify(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_server *s = &x->s;
	struct th_coap_slice slice;
	struct th_coap_draft d;
	bool con = must_confirm(c, s), burst;
	enum th_err err;

	if (!th_coap_out_slice(&x->out, 0, &slice))
		return;
	if (slice.more)
		th_coap_observe_too_large(x);
	con = con || !s->observing;
	th_coap_draft_head(&d, s->head, &x->token);
	th_coap_observe_mark(x, &d);
	burst = slice.more && !s->observing && th_coap_burst_wanted(x);
	if (slice.more) {
		const struct th_coap_block b = { 0, true, x->out.szx };

		th_coap_draft_block(&d, burst ? TH_COAP_OPT_QBLOCK2 : TH_COAP_OPT_BLOCK2, &b);
		if (!burst)
			th_coap_server_key(c, x);
	}
	d.pdu.payload = slice.p;
	d.pdu.payload_len = slice.n;
	s->notify = false;
	s->down_end = slice.n;
	s->last = !slice.more;
	s->unconfirmed = con ? 0 : s->unconfirmed + 1;
	s->confirmed_at = con ? c->now : s->confirmed_at;
	/* for an answer that is to be accepted the message's own end counts */
	x->give_up_at = s->accept && s->last ? TH_NEVER : th_time_add(c->now, x->peer->path.times.body);
	th_coap_exchange_arm(c, x);
	if (x->message) /* the NON before, kept in case it is reset */
		th_coap_message_orphan(c, x->message);
	err = th_coap_message_send(c, x->peer, x, con, &d.pdu);
	if ((err == TH_ERR_FULL || err == TH_ERR_NO_MEMORY) && th_coap_observe_lapse(x))
		return; /* there may be room when it goes anew */
	if (err != TH_OK)
		th_coap_exchange_close(c, x, err);
	else if (burst)
		th_coap_server_burst(c, x);
	else if (!con)
		th_coap_server_delivered(c, x);
}

void th_coap_observe_too_large(struct th_coap_exchange *x)
{
	if (x->s.accept)
		th_coap_observe_stop(x);
	x->s.accept = false;
}

bool th_coap_observe_lapse(struct th_coap_exchange *x)
{
	if (!x->s.accept || !x->s.observing)
		return false;
	x->give_up_at = TH_NEVER;
	th_list_remove(&x->s.lapsed);
	th_list_push(&x->peer->lapsed, &x->s.lapsed);
	return true;
}

bool th_coap_renotify(struct th_coap *c, th_coap_id id, th_time now)
{
	struct th_coap_exchange *x = th_coap_exchange_find(c, id);

	if (!x || x->client || !th_list_linked(&x->s.lapsed))
		return false;
	th_list_remove(&x->s.lapsed);
	th_coap_enter(c, now);
	th_coap_observe_notify(c, x);
	th_coap_leave(c);
	return true;
}

void th_coap_observe_revive(struct th_coap *c, struct th_coap_peer *p)
{
	struct th_list *l;
	size_t n = 0;

	TH_LIST_EACH(it, &p->lapsed)
	n++;
	/* those that can't go now are put behind the others */
	for (; n > 0 && (l = th_list_pop(&p->lapsed)) != NULL; n--)
		th_coap_observe_notify(c, TH_OWNER(l, struct th_coap_exchange, s.lapsed));
}

void th_coap_observe_ready(struct th_coap *c, struct th_coap_exchange *x)
{
	x->give_up_at = TH_NEVER;
	th_coap_exchange_arm(c, x);
	th_coap_server_unkey(c, x);
	th_coap_out_reset(&x->out);
	x->out.ended = true; /* nothing to write before the next head */
	x->out.wants_room = x->out.wants_room || x->s.accept;
	th_coap_out_offer_room(c, x);
}
