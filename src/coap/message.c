/* Timers: m->alarm, the retransmission of a CON (§4.2): first after the peer's timeout with its random part, then
 * doubled up to MAX_RETRANSMIT times. */
#include "coap/engine_int.h"

#include <assert.h>
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

/* When the last copy may leave. The peer keeps its record for EXCHANGE_LIFETIME, which counts on MAX_TRANSMIT_SPAN: a
 * copy sent later could be executed again. */
static th_time last_at(const struct th_coap *c, const struct th_coap_message *m)
{
	return th_time_add(m->sent_at, th_coap_max_transmit_span(c->params));
}

/* The next retransmission, or the end of patience. A slow path's timeouts may be longer than the span leaves room for.
 */
static th_time next_at(const struct th_coap *c, const struct th_coap_message *m)
{
	th_time at = th_time_add(c->now, m->timeout);

	if (m->tries <= c->params->max_retransmit && c->now < last_at(c, m))
		return th_time_min(at, last_at(c, m));
	return th_time_min(at, th_time_add(m->sent_at, th_coap_max_transmit_wait(c->params)));
}

static void transmit(struct th_coap *c, struct th_coap_message *m)
{
	struct th_coap_peer *p = m->peer;
	/* it may arrive until MAX_LATENCY from now, its answer as long again, PROCESSING_DELAY in between */
	th_time free_at = th_time_add(c->now, 2 * c->params->max_latency + c->params->ack_timeout);

	m->tries++;
	if (p->mid_free_at[m->mid / TH_COAP_MID_GROUP] < free_at)
		p->mid_free_at[m->mid / TH_COAP_MID_GROUP] = free_at;
	if (m->con)
		th_coap_alarm_set(c, &m->alarm, next_at(c, m));
	th_coap_charge_out(m->exchange, m->datagram.n);
	th_coap_queue(c, &m->datagram);
}

static void due(struct th_coap *c, struct th_coap_alarm *a)
{
	struct th_coap_message *m = TH_OWNER(a, struct th_coap_message, alarm);
	struct th_coap_peer *p = m->peer;

	if (m->tries > c->params->max_retransmit || c->now > last_at(c, m)) {
		c->stats.timeouts++;
		th_coap_message_over(c, m, TH_COAP_TIMED_OUT, false);
		return;
	}
	c->stats.retransmissions++;
	th_coap_window_lost(&p->window, p->rtt.srtt ? p->rtt.srtt : c->params->ack_timeout, c->now, c->params);
	m->timeout = th_time_add(m->timeout, m->timeout);
	transmit(c, m);
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
	th_time timeout = th_coap_rtt_timeout(&p->rtt, c->params);
	th_time spread = timeout / 100 * c->params->ack_random_percent;

	if (m->unnamed)
		put_token(m, th_coap_client_name(c, m->exchange, number));
	m->datagram.numbered = c->numbering != NULL;
	m->datagram.number = number;
	m->mid = mid;
	m->bytes[MID_AT] = (uint8_t)(mid >> 8);
	m->bytes[MID_AT + 1] = (uint8_t)mid;
	m->sent_at = c->now;
	th_list_remove(&m->link);
	p->waiting_n--;
	if (m->con) {
		p->in_flight++;
		m->timeout = timeout + (spread ? th_rng_below(&c->rng, spread) : 0);
	}
	th_list_push(&p->flying, &m->link);
	m->flying = true;
	th_table_add(&c->flying, &m->node, hash_of(p, mid));
	transmit(c, m);
	if (!m->con && !m->exchange)
		th_coap_message_orphan(c, m);
}

/* The next one that may go: a NON does not wait for the window. */
static struct th_coap_message *next_waiting(struct th_coap_peer *p)
{
	if (!th_list_empty(&p->waiting_non))
		return TH_OWNER(p->waiting_non.next, struct th_coap_message, link);
	if (!th_list_empty(&p->waiting_con) && p->in_flight < p->window.size)
		return TH_OWNER(p->waiting_con.next, struct th_coap_message, link);
	return NULL;
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
	m->datagram.to = p->addr;
	m->datagram.p = m->bytes;
	m->datagram.n = n;
	m->datagram.kept = true;
	m->con = con;
	m->unnamed = unnamed;
	m->peer = p;
	m->exchange = x;
	th_coap_peer_hold(p);
	if (x) {
		assert(!x->message);
		x->message = m;
	}
	th_list_init(&m->link);
	th_list_push(con ? &p->waiting_con : &p->waiting_non, &m->link);
	p->waiting_n++;
	th_coap_peer_pump(c, p);
	return TH_OK;
}

/* Out of everything but the out queue. */
static void leave(struct th_coap *c, struct th_coap_message *m)
{
	struct th_coap_peer *p = m->peer;

	if (m->tries > 0 && m->con) {
		p->in_flight--;
		if (c->numbering && c->numbering->over)
			c->numbering->over(c->numberer, &p->addr, m->datagram.number);
	}
	if (m->tries == 0)
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
	th_list_remove(&m->datagram.queue);
	th_free(c->mem, m);
	th_coap_peer_pump(c, p);
}

void th_coap_message_orphan(struct th_coap *c, struct th_coap_message *m)
{
	if (m->exchange)
		m->exchange->message = NULL;
	m->exchange = NULL;
	if (m->con || m->tries == 0)
		return;
	leave(c, m);
	if (th_list_linked(&m->datagram.queue)) {
		m->datagram.kept = false;
		c->once++;
	} else {
		th_free(c->mem, m);
	}
}

static void learn(struct th_coap *c, const struct th_coap_message *m)
{
	struct th_coap_peer *p = m->peer;

	if (m->tries == 1)
		th_coap_rtt_sample(&p->rtt, c->now - m->sent_at);
	else
		th_coap_rtt_ambiguous(&p->rtt, c->now - m->sent_at);
	th_coap_window_acked(&p->window, p->in_flight >= p->window.size, c->params);
}

static void ping_over(struct th_coap *c, struct th_coap_peer *p, enum th_coap_outcome outcome)
{
	if (outcome == TH_COAP_TIMED_OUT)
		while (!th_list_empty(&p->awaiting))
			th_coap_exchange_close(c, TH_OWNER(p->awaiting.next, struct th_coap_exchange, c.awaiting),
					       TH_ERR_TIMEOUT);
	th_coap_peer_arm(c, p);
}

void th_coap_message_over(struct th_coap *c, struct th_coap_message *m, enum th_coap_outcome outcome, bool direct)
{
	struct th_coap_peer *p = m->peer;
	struct th_coap_exchange *x = m->exchange;
	bool was_ping = p->ping == m;

	if (direct && m->con)
		learn(c, m);
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
