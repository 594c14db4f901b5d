/* Timers: m->alarm, the retransmission of a CON (§4.2): first after the peer's timeout with its random part, counted
 * from when it left, then doubled up to MAX_RETRANSMIT times, or as path.h has it. While a copy waits to be sent there
 * is none. */
#include "coap/engine_int.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

/* Where a message has the length of its token (the low 4 bits), its Message ID and its token. */
enum { TOKEN_LEN_AT = 0, MID_AT = 2, TOKEN_AT = 4 };

static uint64_t hash_of(const struct th_coap_peer *p, uint16_t mid)
{
	return p->node.hash + mid; /* we choose them one by one: nobody aims at a bucket */
}

struct th_coap_message *th_coap_message_find(struct th_coap *c, const struct th_coap_peer *p, uint16_t mid)
{
	uint64_t hash = hash_of(p, mid);

	for (struct th_slot *n = th_table_next(&c->flying, hash, NULL); n; n = th_table_next(&c->flying, hash, n)) {
		struct th_coap_message *m = TH_OWNER(n, struct th_coap_message, node);

		if (m->peer == p && m->mid == mid)
			return m;
	}
	return NULL;
}

th_coap_id th_coap_numbered(struct th_coap *c, const struct th_addr *peer, uint64_t number)
{
	const struct th_coap_peer *p = th_coap_peer_find(c, peer);
	const struct th_coap_message *m = p ? th_coap_message_find(c, p, (uint16_t)number) : NULL;

	return m && m->datagram.numbered && m->datagram.number == number && m->exchange ? m->exchange->id : 0;
}

/* On a path that was told, time alone is the limit. */
static bool tries_left(const struct th_coap *c, const struct th_coap_message *m)
{
	return m->peer->path.told || m->tries <= c->params->max_retransmit;
}

/* The next retransmission, or the end of patience. A slow path's timeouts may be longer than the span leaves room for.
 */
static th_time next_at(const struct th_coap *c, const struct th_coap_message *m)
{
	th_time at = th_time_add(c->now, m->timeout);

	if (tries_left(c, m) && c->now < m->last_at)
		return th_time_min(at, m->last_at);
	return th_time_min(at, m->over_at);
}

static void rest_mid(struct th_coap *c, struct th_coap_message *m)
{
	th_time *rests = &m->peer->mid_rests[m->mid / TH_COAP_MID_GROUP];
	th_time at = c->numbering ? c->now : th_time_add(c->now, m->peer->path.times.mid_quiet);

	if (*rests < at)
		*rests = at;
}

/* How long the peer's user will hardly exceed before it accepts. */
static th_time accepting(const struct th_coap_peer *p)
{
	const struct th_coap_rtt *r = &p->accepting;

	return r->srtt ? th_time_min(r->srtt + 4 * r->rttvar, TH_COAP_ACCEPT_DELAY) : TH_COAP_ACCEPT_DELAY;
}

/* Timeouts count from when the first copy leaves: what waits here is not on its way. */
static th_time first_timeout(struct th_coap *c, const struct th_coap_message *m)
{
	const struct th_coap_peer *p = m->peer;
	th_time timeout, spread;

	if (p->path.told) {
		size_t overhead = th_coap_peer_overhead(p);
		unsigned others = p->in_flight - !m->accept; /* one that is to be accepted does not count (fly()) */

		timeout = th_coap_path_timeout(&p->path, m->datagram.n, m->asks, others, overhead, c->params);
		timeout = th_coap_path_opening(&p->path, m->datagram.n, overhead, timeout);
	} else {
		timeout = th_coap_rtt_timeout(&p->rtt, c->params);
	}
	if (m->accept)
		timeout = th_time_add(timeout, accepting(p));
	spread = timeout / 100 * th_coap_path_random(&p->path, c->params);
	return timeout + (spread ? th_rng_below(&c->rng, spread) : 0);
}

enum { COPIES_LEAST = 6 };

/* On a path that was told the last copy may still be answered for as long as the last timeout. */
static void set_patience(struct th_coap *c, struct th_coap_message *m)
{
	const struct th_coap_path *path = &m->peer->path;
	th_time span = th_coap_path_patience(path, m->timeout, c->params), wait = path->times.wait;

	/* A session recognises copies however late: then the peer that has lost its keys gets as many as a new handshake needs,
	 * also where round trips were far longer than what was told. */
	if (c->numbering && path->told && span < COPIES_LEAST * m->timeout) {
		span = COPIES_LEAST * m->timeout;
		wait = TH_NEVER;
	}
	if (path->told)
		wait = th_time_min(wait, span + (m->timeout > TH_SEC ? m->timeout : TH_SEC));
	m->last_at = th_time_add(c->now, span);
	m->over_at = th_time_add(c->now, wait);
}

static void left(struct th_coap *c, struct th_coap_datagram *d)
{
	struct th_coap_message *m = TH_OWNER(d, struct th_coap_message, datagram);

	if (m->tries == 0) {
		/* The peer keeps its record for EXCHANGE_LIFETIME, which counts on MAX_TRANSMIT_SPAN: a copy sent later
		 * could be executed again. A profile that is told meanwhile changes nothing. */
		m->sent_at = c->now;
		m->alone = m->peer->in_flight <= 1;
		if (m->con)
			m->timeout = m->first_timeout = first_timeout(c, m);
		set_patience(c, m);
	}
	if (m->tries < UINT8_MAX)
		m->tries++;
	m->before_at = m->copy_at;
	m->copy_at = c->now;
	rest_mid(c, m);
	if (m->con)
		th_coap_alarm_set(c, &m->alarm, next_at(c, m));
	th_coap_charge_out(m->exchange, d->n);
}

/* What was counted on when the first copy left may have been a guess, or a worse time. Only where the difference is
 * large, or a steady improvement would undo the back-off. */
static void reconsider(struct th_coap *c, struct th_coap_message *m)
{
	const struct th_coap_path *path = &m->peer->path;
	th_time timeout = path->rtt.srtt && !path->guessed ? first_timeout(c, m) : TH_NEVER;

	if (timeout < m->first_timeout / 2)
		m->timeout = m->first_timeout = timeout;
}

static void due(struct th_coap *c, struct th_coap_alarm *a)
{
	struct th_coap_message *m = TH_OWNER(a, struct th_coap_message, alarm);
	struct th_coap_peer *p = m->peer;

	if (!tries_left(c, m) || c->now > m->last_at) {
		c->stats.timeouts++;
		th_coap_message_over(c, m, TH_COAP_TIMED_OUT, 0);
		return;
	}
	c->stats.retransmissions++;
	if (m->accept) { /* nobody knows whether it was lost */
		m->timeout = th_time_add(m->timeout, m->timeout);
	} else if (p->path.told) {
		th_coap_window_lost(&p->window, p->path.rtt.srtt ? p->path.rtt.srtt : m->timeout, c->now, c->params);
		reconsider(c, m);
		m->timeout = th_coap_path_back_off(&p->path, m->timeout, m->first_timeout, m->tries + 1u,
						   m->last_at - m->sent_at);
	} else {
		th_coap_window_lost(&p->window, p->rtt.srtt ? p->rtt.srtt : c->params->ack_timeout, c->now, c->params);
		m->timeout = th_time_add(m->timeout, m->timeout);
	}
	th_coap_queue(c, &m->datagram);
}

void th_coap_message_hurry(struct th_coap *c, struct th_coap_message *m)
{
	if (m->con && m->tries > 0 && tries_left(c, m) && c->now <= m->last_at && !th_list_linked(&m->datagram.queue))
		due(c, &m->alarm);
}

static void put_token(struct th_coap_message *m, const struct th_coap_token *t)
{
	memmove(m->bytes + TOKEN_AT + t->n, m->bytes + TOKEN_AT, m->datagram.n - TOKEN_AT);
	memcpy(m->bytes + TOKEN_AT, t->p, t->n);
	m->bytes[TOKEN_LEN_AT] |= t->n;
	m->datagram.n += t->n;
	m->unnamed = false;
}

static void fly(struct th_coap *c, struct th_coap_message *m, uint64_t number)
{
	struct th_coap_peer *p = m->peer;
	uint16_t mid = (uint16_t)number;

	if (m->unnamed)
		put_token(m, th_coap_client_name(c, m->exchange, number));
	m->datagram.numbered = c->numbering != NULL;
	m->datagram.number = number;
	m->mid = mid;
	m->bytes[MID_AT] = (uint8_t)(mid >> 8);
	m->bytes[MID_AT + 1] = (uint8_t)mid;
	th_list_remove(&m->link);
	p->waiting_n--;
	if (m->con && !m->accept)
		p->in_flight++;
	th_list_push(&p->flying, &m->link);
	m->flying = m->flown = true;
	th_table_add(&c->flying, &m->node, hash_of(p, mid));
	rest_mid(c, m);
	th_coap_queue(c, &m->datagram);
	if (!m->con && !m->exchange)
		th_coap_message_orphan(c, m);
}

/* Whoever waits for an interactive exchange does not wait for answers to others, as long as these are not many. */
enum { RESERVE = 2 };

static struct th_coap_message *first_of(struct th_list *waiting)
{
	return th_list_empty(waiting) ? NULL : TH_OWNER(waiting->next, struct th_coap_message, link);
}

static bool has_room(const struct th_coap_peer *p, unsigned extra)
{
	unsigned window = p->window.size, holds;

	if (!p->path.told)
		return p->in_flight < window;
	holds = th_coap_path_holds(&p->path, th_coap_peer_overhead(p));
	/* where the link is ours loss is no congestion: the pace alone keeps it from filling */
	if (holds != UINT_MAX && (p->path.profile.ours || holds < window))
		window = holds;
	return p->in_flight < window + extra;
}

/* The next one that may go: a NON does not wait for the window. */
static struct th_coap_message *next_waiting(struct th_coap_peer *p)
{
	struct th_coap_message *m = first_of(&p->waiting_non);

	if (m)
		return m;
	if (has_room(p, 0) && th_coap_peer_con_waits(p))
		return first_of(&p->waiting_con[th_coap_turn(p->waiting_con, &p->turns)]);
	m = first_of(&p->waiting_con[TH_COAP_INTERACTIVE]);
	/* but not before anything is known of a link: each would be copied in vain on a slow one */
	return m && (p->path.rtt.srtt || p->path.up_bps) && has_room(p, RESERVE) ? m : NULL;
}

void th_coap_peer_pump(struct th_coap *c, struct th_coap_peer *p)
{
	for (struct th_coap_message *m = next_waiting(p); m; m = next_waiting(p)) {
		uint64_t number;

		if (!th_coap_peer_number(c, p, &number)) {
			th_coap_peer_arm(c, p);
			return;
		}
		fly(c, m, number);
	}
	p->mid_at = TH_NEVER;
}

enum th_err th_coap_message_send(struct th_coap *c, struct th_coap_peer *p, struct th_coap_exchange *x, bool con,
				 const struct th_coap_pdu *pdu)
{
	struct th_coap_pdu typed = *pdu;
	bool unnamed = x && x->client && th_coap_client_is_unnamed(c, x);
	size_t room = unnamed ? TH_COAP_TOKEN_MAX : 0;
	struct th_coap_message *m;
	size_t n;

	typed.type = con ? TH_COAP_CON : TH_COAP_NON;
	n = th_coap_pdu_write(&typed, c->scratch, c->params->max_message);
	if (n + room > c->params->max_message)
		return TH_ERR_TOO_LARGE;
	if (p->waiting_n >= c->params->max_exchanges)
		return TH_ERR_FULL;
	m = th_alloc(c->mem, sizeof(*m) + n + room);
	if (!m)
		return TH_ERR_NO_MEMORY;
	if (con && th_coap_alarm_init(c, &m->alarm, due) != TH_OK) {
		th_free(c->mem, m);
		return TH_ERR_NO_MEMORY;
	}
	memcpy(m->bytes, c->scratch, n);
	th_list_init(&m->datagram.queue);
	m->datagram.peer = p;
	m->datagram.to = p->addr;
	m->datagram.p = m->bytes;
	m->datagram.n = n;
	m->datagram.left = left;
	m->datagram.priority = x ? x->priority : TH_COAP_INTERACTIVE;
	m->datagram.kept = true;
	m->datagram.once = x && x->once;
	m->con = con;
	m->asks = con && pdu->code != TH_COAP_EMPTY && th_coap_class(pdu->code) == TH_COAP_CLASS_REQUEST;
	m->unnamed = unnamed;
	m->accept = con && x && !x->client && x->s.accept;
	m->peer = p;
	m->exchange = x;
	th_coap_peer_hold(p);
	if (x) {
		assert(!x->message);
		x->message = m;
	}
	th_list_init(&m->link);
	th_list_push(con ? &p->waiting_con[m->datagram.priority] : &p->waiting_non, &m->link);
	p->waiting_n++;
	th_coap_peer_pump(c, p);
	return TH_OK;
}

/* Out of everything but the out queue. */
static void leave(struct th_coap *c, struct th_coap_message *m)
{
	struct th_coap_peer *p = m->peer;

	if (m->flown && m->con) {
		p->in_flight -= !m->accept;
		if (c->numbering && c->numbering->over)
			c->numbering->over(c->numberer, &p->addr, m->datagram.number);
	}
	if (!m->flown)
		p->waiting_n--;
	if (m->flying)
		th_table_remove(&c->flying, &m->node);
	if (m->con)
		th_coap_alarm_free(c, &m->alarm);
	if (m->exchange)
		m->exchange->message = NULL;
	if (p->ping == m)
		p->ping = NULL;
	th_list_remove(&m->link);
	th_coap_peer_release(c, p);
}

void th_coap_message_drop(struct th_coap *c, struct th_coap_message *m)
{
	struct th_coap_peer *p = m->peer;

	leave(c, m);
	th_coap_unqueue(c, &m->datagram);
	th_free(c->mem, m);
	th_coap_peer_pump(c, p);
}

void th_coap_message_orphan(struct th_coap *c, struct th_coap_message *m)
{
	if (m->exchange)
		m->exchange->message = NULL;
	m->exchange = NULL;
	if (m->con || !m->flown)
		return;
	leave(c, m);
	if (th_list_linked(&m->datagram.queue)) {
		m->datagram.kept = false;
		m->datagram.left = NULL;
		c->once++;
	} else {
		th_free(c->mem, m);
	}
}

/* The round trip of the path is known from others. */
static void learn_accepting(const struct th_coap_message *m, th_time took)
{
	struct th_coap_peer *p = m->peer;
	const struct th_coap_rtt *r = p->path.told ? &p->path.rtt : &p->rtt;
	th_time usual = r->srtt + th_airtime(m->datagram.n + th_coap_peer_overhead(p), p->path.told ? p->path.up_bps : 0);

	if (m->tries == 1)
		th_coap_rtt_sample(&p->accepting, th_time_until(took, usual));
}

static void learn(struct th_coap *c, const struct th_coap_message *m, size_t reply_n)
{
	struct th_coap_peer *p = m->peer;
	const struct th_coap_trip trip = {
		.up = m->datagram.n,
		.down = reply_n,
		.since_first = c->now - m->sent_at,
		.since_last = c->now - m->copy_at,
		.since_before = m->before_at ? c->now - m->before_at : 0,
		.copies = m->tries,
		.alone = m->alone && p->in_flight <= 1,
		.handshake = m->sent_at < p->opened_at || p->path.profile.opening > 0,
	};

	if (m->accept) {
		learn_accepting(m, trip.since_first);
		return;
	}
	if (p->path.told)
		th_coap_path_sample(&p->path, &trip, th_coap_peer_overhead_at(p, m->copy_at));
	else if (m->tries == 1)
		th_coap_rtt_sample(&p->rtt, trip.since_first);
	else
		th_coap_rtt_ambiguous(&p->rtt, trip.since_first);
	if (!th_coap_path_queues(&p->path))
		th_coap_window_acked(&p->window, p->in_flight >= p->window.size);
}

/* A response in bursts has patience of its own. */
static struct th_coap_exchange *impatient(const struct th_coap_peer *p)
{
	TH_LIST_EACH(l, &p->awaiting)
	{
		struct th_coap_exchange *x = TH_OWNER(l, struct th_coap_exchange, c.awaiting);

		if (!x->in.burst)
			return x;
	}
	return NULL;
}

static void ping_over(struct th_coap *c, struct th_coap_peer *p, enum th_coap_outcome outcome)
{
	if (outcome == TH_COAP_TIMED_OUT)
		for (struct th_coap_exchange *x = impatient(p); x; x = impatient(p))
			th_coap_exchange_close(c, x, TH_ERR_TIMEOUT);
	th_coap_peer_arm(c, p);
}

void th_coap_message_over(struct th_coap *c, struct th_coap_message *m, enum th_coap_outcome outcome, size_t reply_n)
{
	struct th_coap_peer *p = m->peer;
	struct th_coap_exchange *x = m->exchange;
	bool was_ping = p->ping == m;

	if (reply_n && m->con && m->tries)
		learn(c, m, reply_n);
	th_coap_peer_hold(p);
	th_coap_message_drop(c, m);
	if (was_ping)
		ping_over(c, p, outcome);
	else if (x && x->client)
		th_coap_client_over(c, x, outcome);
	else if (x)
		th_coap_server_over(c, x, outcome);
	th_coap_peer_release(c, p);
}

/* Only what is chatter is superseded, and only little of it can wait: so a search will do. */
void th_coap_message_supersede(struct th_coap *c, struct th_coap_peer *p, const struct th_coap_exchange *x,
			       uint64_t state)
{
	struct th_list *lists[] = { &p->waiting_con[x->priority], &p->waiting_non, &p->flying };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct th_list *l = lists[i]->next;

		while (l != lists[i]) {
			struct th_coap_message *m = TH_OWNER(l, struct th_coap_message, link);
			struct th_coap_exchange *old = m->exchange;

			l = l->next;
			if (m->tries > 0 || !old || old == x || !old->client || old->state != state)
				continue;
			th_coap_exchange_close(c, old, TH_ERR_CANCELLED);
			l = lists[i]->next; /* what the user does then may change the list */
		}
	}
}
