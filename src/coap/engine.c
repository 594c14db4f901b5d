#include "coap/engine_int.h"

#include <string.h>

enum { EMPTY_BYTES = 4, BUCKETS_MIN = 64, BUCKETS_MAX = 1 << 16, CLASS_SHIFT = 5 };

/* Timers */

enum th_err th_coap_alarm_init(struct th_coap *c, struct th_coap_alarm *a,
			       void (*fire)(struct th_coap *c, struct th_coap_alarm *a))
{
	a->fire = fire;
	a->timer = (struct th_timer){ 0 };
	return th_heap_set(&c->timers, &a->timer, TH_NEVER);
}

void th_coap_alarm_set(struct th_coap *c, struct th_coap_alarm *a, th_time at)
{
	if (a->timer.at != at)
		th_heap_set(&c->timers, &a->timer, at);
}

void th_coap_alarm_free(struct th_coap *c, struct th_coap_alarm *a)
{
	th_heap_cancel(&c->timers, &a->timer);
}

th_time th_coap_deadline(const struct th_coap *c)
{
	return th_heap_next(&c->timers);
}

void th_coap_tick(struct th_coap *c, th_time now)
{
	th_coap_enter(c, now);
	for (struct th_timer *t = th_heap_pop(&c->timers, now); t; t = th_heap_pop(&c->timers, now)) {
		struct th_coap_alarm *a = TH_OWNER(t, struct th_coap_alarm, timer);

		th_heap_set(&c->timers, t, TH_NEVER); /* its slot was just freed: cannot fail */
		a->fire(c, a);
	}
	th_coap_leave(c);
}

/* Verbs within events */

void th_coap_enter(struct th_coap *c, th_time now)
{
	c->depth++;
	if (now > c->now)
		c->now = now;
}

void th_coap_leave(struct th_coap *c)
{
	if (--c->depth > 0)
		return;
	for (struct th_list *l = th_list_pop(&c->dead); l; l = th_list_pop(&c->dead))
		th_coap_exchange_free(c, TH_OWNER(l, struct th_coap_exchange, dead));
	for (struct th_list *l = th_list_pop(&c->dead_peers); l; l = th_list_pop(&c->dead_peers))
		th_coap_peer_free(c, TH_OWNER(l, struct th_coap_peer, idle));
}

/* The out queue */

void th_coap_queue(struct th_coap *c, struct th_coap_datagram *d)
{
	if (!th_list_linked(&d->queue))
		th_list_push(&c->out, &d->queue);
}

void th_coap_unqueue(struct th_coap *c, struct th_coap_datagram *d)
{
	(void)c;
	th_list_remove(&d->queue);
}

/* Empty messages need no memory but a place in a ring: that they are sent does not depend on the allocator. When the
 * ring is full they are lost, as on the link. */
void th_coap_send_empty(struct th_coap *c, const struct th_addr *to, enum th_coap_type type, uint16_t mid)
{
	if (type == TH_COAP_RST)
		c->stats.rst_sent++;
	if (c->empty_n == TH_COAP_EMPTIES_MAX)
		return;
	c->empties[(c->empty_first + c->empty_n++) % TH_COAP_EMPTIES_MAX] =
		(struct th_coap_empty){ *to, mid, (uint8_t)type };
}

void th_coap_send_once(struct th_coap *c, const struct th_addr *to, const struct th_coap_pdu *pdu)
{
	size_t n = th_coap_pdu_write(pdu, c->scratch, c->scratch_n);
	struct th_coap_datagram *d;

	if (n > c->params->max_message || c->once >= TH_COAP_ONCE_MAX)
		return;
	d = th_alloc(c->mem, sizeof(*d) + n);
	if (!d)
		return;
	th_list_init(&d->queue);
	d->to = *to;
	d->n = n;
	d->p = memcpy(d + 1, c->scratch, n);
	c->once++;
	th_coap_queue(c, d);
}

static size_t tx_empty(struct th_coap *c, struct th_addr *to, uint8_t *out, size_t cap)
{
	const struct th_coap_empty *e = &c->empties[c->empty_first];
	const struct th_coap_pdu pdu = { .type = (enum th_coap_type)e->type, .mid = e->mid };

	*to = e->to;
	c->empty_first = (c->empty_first + 1) % TH_COAP_EMPTIES_MAX;
	c->empty_n--;
	return th_coap_pdu_write(&pdu, out, cap);
}

size_t th_coap_tx(struct th_coap *c, struct th_addr *to, uint8_t *out, size_t cap, th_time now)
{
	struct th_list *l;
	struct th_coap_datagram *d;
	size_t n;

	(void)now;
	if (c->empty_n > 0)
		return tx_empty(c, to, out, cap);
	l = th_list_pop(&c->out);
	if (!l)
		return 0;
	d = TH_OWNER(l, struct th_coap_datagram, queue);
	n = d->n <= cap ? d->n : 0;
	*to = d->to;
	if (n)
		memcpy(out, d->p, n);
	if (!d->kept) {
		c->once--;
		th_free(c->mem, d);
	}
	return n;
}

/* Receiving */

static void reject(struct th_coap *c, const struct th_addr *from, const struct th_coap_pdu *pdu)
{
	if (pdu->type == TH_COAP_CON || pdu->type == TH_COAP_NON)
		th_coap_send_empty(c, from, TH_COAP_RST, pdu->mid);
}

static struct th_coap_record *find_record(struct th_coap *c, const struct th_coap_arrival *a, uint64_t *key)
{
	*key = 0;
	if (!a->peer)
		return NULL;
	*key = th_coap_record_key(c, a);
	return th_coap_record_find(c, a->peer, a->pdu.mid, *key);
}

static void rx_duplicate(struct th_coap *c, const struct th_coap_arrival *a, struct th_coap_record *r)
{
	th_coap_charge_in(th_coap_exchange_find(c, r->exchange), a->n);
	th_coap_record_replay(c, r);
}

static void rx_request(struct th_coap *c, struct th_coap_arrival *a)
{
	uint64_t key;
	struct th_coap_record *r = find_record(c, a, &key);

	if (r) {
		rx_duplicate(c, a, r);
		return;
	}
	if (c->require_echo && !(a->peer && a->peer->echoed) && !th_coap_echo_admit(c, a->from, &a->pdu))
		return;
	if (!a->peer) {
		a->peer = th_coap_peer_get(c, a->from);
		key = a->peer ? th_coap_record_key(c, a) : 0;
	}
	r = a->peer ? th_coap_record_add(c, a, key) : NULL;
	if (!r) { /* no answer: the peer's retransmission asks again when there may be room */
		c->stats.refused_full++;
		return;
	}
	a->peer->echoed = a->peer->echoed || c->require_echo;
	th_coap_server_request(c, a, r);
}

/* A separate response or a notification (§5.2.2, RFC 7641 §3.2). */
static void rx_response(struct th_coap *c, struct th_coap_arrival *a)
{
	uint64_t key;
	struct th_coap_record *r = find_record(c, a, &key);
	struct th_coap_exchange *x;

	if (r) {
		rx_duplicate(c, a, r);
		return;
	}
	x = a->peer ? th_coap_client_find(c, a->peer, &a->pdu) : NULL;
	if (!x || !th_coap_client_expects(x, &a->pdu)) {
		c->stats.rx_unmatched++;
		reject(c, a->from, &a->pdu);
		return;
	}
	th_coap_charge_in(x, a->n);
	if (th_coap_options_screen(&a->pdu) != TH_OK) { /* §5.4.1: reject */
		reject(c, a->from, &a->pdu);
		th_coap_exchange_close(c, x, TH_ERR_UNSUPPORTED);
		return;
	}
	r = th_coap_record_add(c, a, key);
	if (!r) {
		c->stats.refused_full++;
		return;
	}
	r->exchange = x->id;
	if (a->pdu.type == TH_COAP_CON) {
		r->state = TH_COAP_RECORD_ACKED;
		th_coap_send_empty(c, a->from, TH_COAP_ACK, a->pdu.mid);
		th_coap_charge_out(x, EMPTY_BYTES);
	}
	th_coap_client_response(c, x, &a->pdu);
}

/* The response in an ACK matches by Message ID and by token (§5.3.2). */
static void rx_piggybacked(struct th_coap *c, struct th_coap_arrival *a, struct th_coap_message *m)
{
	struct th_coap_exchange *x = m->exchange;

	m->exchange = NULL;
	x->message = NULL;
	th_coap_message_over(c, m, TH_COAP_ACKED, true);
	if (th_coap_options_screen(&a->pdu) == TH_OK)
		th_coap_client_response(c, x, &a->pdu);
	else
		th_coap_exchange_close(c, x, TH_ERR_UNSUPPORTED);
}

/* ACK or RST: never answered, so whatever does not fit is dropped (§4.2). */
static void rx_reply(struct th_coap *c, struct th_coap_arrival *a)
{
	struct th_coap_message *m = a->peer ? th_coap_message_find(c, a->peer, a->pdu.mid) : NULL;
	struct th_coap_exchange *x = m ? m->exchange : NULL;
	bool reset = a->pdu.type == TH_COAP_RST;
	bool empty = a->pdu.code == TH_COAP_EMPTY;
	bool fits = m && (reset ? empty : m->con);

	if (fits && !empty && x) /* nobody waits for the response to an orphan */
		fits = a->pdu.code >> CLASS_SHIFT >= 2 && x->client && th_coap_client_awaits(x, &a->pdu);
	if (!fits) {
		c->stats.rx_unmatched++;
		return;
	}
	th_coap_charge_in(x, a->n);
	if (!empty && x)
		rx_piggybacked(c, a, m);
	else
		th_coap_message_over(c, m, reset ? TH_COAP_RESET : TH_COAP_ACKED, true);
}

static void rx_message(struct th_coap *c, struct th_coap_arrival *a)
{
	unsigned class = a->pdu.code >> CLASS_SHIFT;

	if (a->pdu.type == TH_COAP_ACK || a->pdu.type == TH_COAP_RST) {
		rx_reply(c, a);
	} else if (a->pdu.code == TH_COAP_EMPTY) {
		if (a->pdu.type == TH_COAP_CON) /* a ping (§4.3) */
			reject(c, a->from, &a->pdu);
	} else if (class == 0) {
		rx_request(c, a);
	} else if (class >= 2 && class <= 5) {
		rx_response(c, a);
	} else { /* reserved (§12.1) */
		c->stats.rx_malformed++;
		if (a->pdu.type == TH_COAP_CON)
			reject(c, a->from, &a->pdu);
	}
}

void th_coap_rx(struct th_coap *c, const struct th_addr *from, const uint8_t *dgram, size_t n, th_time now)
{
	struct th_coap_arrival a; /* not initialised: most of it is room for options */
	enum th_err err = th_coap_pdu_read(&a.pdu, dgram, n);

	th_coap_enter(c, now);
	if (err == TH_OK && n > c->params->max_message)
		err = TH_ERR_TOO_LARGE;
	if (err == TH_OK) {
		a.from = from;
		a.peer = th_coap_peer_find(c, from);
		a.dgram = dgram;
		a.n = n;
		if (a.peer)
			a.peer->heard_at = c->now;
		rx_message(c, &a);
	} else {
		c->stats.rx_malformed++;
		if (err != TH_ERR_UNSUPPORTED && n >= EMPTY_BYTES && a.pdu.type == TH_COAP_CON)
			reject(c, from, &a.pdu);
	}
	th_coap_leave(c);
}

/* Birth and death */

static size_t buckets_for(size_t cap)
{
	if (cap < BUCKETS_MIN)
		return BUCKETS_MIN;
	return cap < BUCKETS_MAX ? cap : BUCKETS_MAX;
}

static bool make_tables(struct th_coap *c)
{
	const struct th_coap_params *p = c->params;
	const struct {
		struct th_table *table;
		size_t cap;
	} all[] = {
		{ &c->peers, p->max_peers },	    { &c->flying, p->max_exchanges },
		{ &c->by_id, p->max_exchanges },    { &c->by_token, p->max_exchanges },
		{ &c->by_fetch, p->max_observers }, { &c->by_key, p->max_exchanges },
		{ &c->records, p->max_records },
	};
	uint64_t seed = th_rng_u64(&c->rng);
	bool made = true;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) /* all of them, for th_table_free() */
		made = th_table_init(all[i].table, c->mem, buckets_for(all[i].cap), seed) == TH_OK && made;
	return made;
}

struct th_coap *th_coap_new(const struct th_coap_params *params, const struct th_mem *mem, const struct th_rng *rng,
			    const struct th_coap_ops *ops, void *user)
{
	struct th_coap *c = th_alloc(mem, sizeof(*c));

	if (!c)
		return NULL;
	c->params = params;
	c->mem = mem;
	c->rng = *rng;
	c->ops = ops;
	c->user = user;
	th_heap_init(&c->timers, mem);
	th_list_init(&c->out);
	th_list_init(&c->dead);
	th_list_init(&c->dead_peers);
	th_list_init(&c->idle_peers);
	th_list_init(&c->replies);
	/* at least 32 random bits of token against off-path spoofing (§5.3.1), counted up so that none is reused (RFC
	 * 9175 §4.2) */
	c->next_token = (uint64_t)th_rng_u32(rng) | 1u << 31;
	rng->fill(rng->ctx, c->echo_secret, sizeof(c->echo_secret));
	/* the longest use: a cache key's options with their numbers and lengths */
	c->scratch_n = params->max_message + TH_COAP_OPTIONS_MAX * sizeof(uint32_t) + sizeof(uint64_t);
	c->scratch = th_alloc(mem, c->scratch_n);
	if (!make_tables(c) || !c->scratch ||
	    th_coap_alarm_init(c, &c->record_alarm, th_coap_records_expire) != TH_OK) {
		th_coap_del(c);
		return NULL;
	}
	return c;
}

static void free_all(struct th_coap *c)
{
	for (size_t i = 0; c->by_id.buckets && i <= c->by_id.mask; i++) {
		while (c->by_id.buckets[i])
			th_coap_exchange_drop(c, TH_OWNER(c->by_id.buckets[i], struct th_coap_exchange, by_id));
	}
	th_coap_records_free(c);
	for (size_t i = 0; c->peers.buckets && i <= c->peers.mask; i++) {
		while (c->peers.buckets[i]) {
			struct th_coap_peer *p = TH_OWNER(c->peers.buckets[i], struct th_coap_peer, node);

			th_table_remove(&c->peers, &p->node);
			th_list_remove(&p->idle);
			th_list_push(&c->dead_peers, &p->idle);
		}
	}
}

void th_coap_del(struct th_coap *c)
{
	if (!c)
		return;
	th_coap_enter(c, c->now);
	free_all(c);
	th_coap_leave(c);
	for (struct th_list *l = th_list_pop(&c->out); l; l = th_list_pop(&c->out)) {
		struct th_coap_datagram *d = TH_OWNER(l, struct th_coap_datagram, queue);

		if (!d->kept)
			th_free(c->mem, d);
	}
	th_heap_free(&c->timers);
	th_table_free(&c->peers);
	th_table_free(&c->flying);
	th_table_free(&c->records);
	th_table_free(&c->by_id);
	th_table_free(&c->by_token);
	th_table_free(&c->by_fetch);
	th_table_free(&c->by_key);
	th_free(c->mem, c->scratch);
	th_wipe(c->echo_secret, sizeof(c->echo_secret));
	th_free(c->mem, c);
}

void th_coap_stats(const struct th_coap *c, struct th_coap_stats *out)
{
	*out = c->stats;
	out->peers = c->peers.n;
	out->exchanges = c->by_id.n;
	out->records = c->records.n;
}
