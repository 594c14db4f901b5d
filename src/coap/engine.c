#include "coap/engine_int.h"

#include <string.h>

enum { BUCKETS_MIN = 64, BUCKETS_MAX = 1 << 16 };

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

void th_coap_send_once(struct th_coap *c, struct th_coap_peer *p, const struct th_addr *to,
		       const struct th_coap_pdu *pdu, const uint64_t *number)
{
	size_t n = th_coap_pdu_write(pdu, c->scratch, c->scratch_n);
	struct th_coap_datagram *d;

	if (n > c->params->max_message || c->once >= TH_COAP_ONCE_MAX)
		return;
	d = th_alloc(c->mem, sizeof(*d) + n);
	if (!d)
		return;
	th_list_init(&d->queue);
	d->peer = p;
	d->to = *to;
	d->n = n;
	d->p = memcpy(d + 1, c->scratch, n);
	d->numbered = number != NULL;
	d->number = number ? *number : 0;
	c->once++;
	th_coap_queue(c, d);
}

void th_coap_number_by(struct th_coap *c, const struct th_coap_numbering *ops, void *user)
{
	c->numbering = ops;
	c->numberer = user;
}

void th_coap_renumber(struct th_coap *c, const struct th_addr *peer, th_time now)
{
	struct th_coap_peer *p = th_coap_peer_find(c, peer);

	if (!p)
		return;
	th_coap_enter(c, now);
	th_coap_peer_pump(c, p);
	th_coap_leave(c);
}

void th_coap_hurry(struct th_coap *c, const struct th_addr *peer, th_time now)
{
	struct th_coap_peer *p = th_coap_peer_find(c, peer);

	if (!p)
		return;
	th_coap_enter(c, now);
	th_coap_peer_hold(p);
	for (struct th_list *l = p->flying.next, *next; l != &p->flying; l = next) {
		struct th_coap_message *m = TH_OWNER(l, struct th_coap_message, link);

		next = l->next;
		m->timeout = m->first_timeout;
		th_coap_message_hurry(c, m);
	}
	th_coap_peer_release(c, p);
	th_coap_leave(c);
}

static size_t tx_empty(struct th_coap *c, struct th_addr *to, uint8_t *out, size_t cap)
{
	const struct th_coap_empty *e = &c->empties[c->empty_first];
	const struct th_coap_pdu pdu = { .type = (enum th_coap_type)e->type, .mid = e->mid };

	*to = e->to;
	if (c->paced) {
		struct th_coap_peer *p = th_coap_peer_find(c, to);

		if (p)
			th_coap_lane_charge(c, p, TH_COAP_EMPTY_BYTES);
	}
	c->empty_first = (c->empty_first + 1) % TH_COAP_EMPTIES_MAX;
	c->empty_n--;
	return th_coap_pdu_write(&pdu, out, cap);
}

static struct th_coap_datagram *tx_next(struct th_coap *c)
{
	struct th_list *l = th_list_pop(&c->out);

	return l ? TH_OWNER(l, struct th_coap_datagram, queue) : th_coap_lane_next(c);
}

static size_t tx_one(struct th_coap *c, struct th_coap_datagram *d, uint8_t *out, size_t cap, struct th_coap_sent *sent)
{
	size_t n;

	if (d->fill) {
		n = d->fill(c, d, out, cap);
	} else {
		n = d->n <= cap ? d->n : 0;
		if (n)
			memcpy(out, d->p, n);
	}
	*sent = (struct th_coap_sent){ d->numbered, d->sent, d->once, d->number };
	d->sent = true;
	if (n && d->peer)
		th_coap_lane_charge(c, d->peer, n);
	if (d->left)
		d->left(c, d);
	if (!d->kept) {
		c->once--;
		th_free(c->mem, d);
	}
	return n;
}

static size_t tx(struct th_coap *c, struct th_addr *to, uint8_t *out, size_t cap, struct th_coap_sent *sent)
{
	*sent = (struct th_coap_sent){ 0 };
	if (c->empty_n > 0)
		return tx_empty(c, to, out, cap);
	for (struct th_coap_datagram *d = tx_next(c); d; d = tx_next(c)) {
		struct th_coap_lane *lane = d->peer ? &d->peer->lane : NULL;
		size_t n;

		*to = d->to;
		n = tx_one(c, d, out, cap, sent);
		if (lane)
			th_coap_lane_went(c, lane);
		if (n)
			return n;
	}
	return 0;
}

size_t th_coap_tx_named(struct th_coap *c, struct th_addr *to, uint8_t *out, size_t cap, th_time now,
			struct th_coap_sent *sent)
{
	size_t n;

	th_coap_enter(c, now);
	n = tx(c, to, out, cap, sent);
	th_coap_leave(c);
	return n;
}

size_t th_coap_tx(struct th_coap *c, struct th_addr *to, uint8_t *out, size_t cap, th_time now)
{
	struct th_coap_sent sent;

	return th_coap_tx_named(c, to, out, cap, now, &sent);
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
	th_list_init(&c->ready);
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
	c->numbering = NULL; /* nobody is told any more */
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
