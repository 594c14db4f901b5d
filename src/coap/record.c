/* Timers: c->record_alarm, when the oldest record has outlived EXCHANGE_LIFETIME (CON) or NON_LIFETIME (NON). */
#include "coap/engine_int.h"

#include <string.h>

enum { TICK_SHIFT = 26 };

_Static_assert(sizeof(struct th_coap_record) <= 64, "there is one record for each recent message of every peer");

static const th_time crowded_life = 25 * TH_SEC; /* no record is forgotten sooner */
static const th_time expiry_grain = TH_SEC;	 /* the alarm fires no more often */

uint64_t th_coap_record_key(const struct th_coap *c, const struct th_coap_arrival *a)
{
	size_t payload_n = a->pdu.payload ? a->pdu.payload_len + 1 : 0;

	return a->peer->node.hash ^ th_table_hash(&c->records, a->dgram, a->n - payload_n);
}

struct th_coap_record *th_coap_record_find(struct th_coap *c, const struct th_coap_peer *p, uint16_t mid, uint64_t key)
{
	for (struct th_slot *n = th_table_next(&c->records, key, NULL); n; n = th_table_next(&c->records, key, n)) {
		struct th_coap_record *r = TH_OWNER(n, struct th_coap_record, node);

		if (r->peer == p && r->mid == mid)
			return r;
	}
	return NULL;
}

static void forget_reply(struct th_coap *c, struct th_coap_reply *reply)
{
	c->stats.reply_bytes -= reply->datagram.n;
	th_list_remove(&reply->age);
	reply->record->reply = NULL;
	if (th_list_linked(&reply->datagram.queue)) { /* not even sent once: the out queue has it now */
		reply->datagram.kept = false;
		reply->datagram.left = NULL;
		c->once++;
	} else {
		th_free(c->mem, reply);
	}
}

void th_coap_record_spent(struct th_coap *c, struct th_coap_record *r)
{
	th_list_remove(&r->age);
	if (r->reply)
		forget_reply(c, r->reply);
	th_table_remove(&c->records, &r->node);
	th_coap_peer_release(c, r->peer);
	th_free(c->mem, r);
}

/* Lives of one length stand in one queue, so its oldest is always its next to go. */
static th_time expire(struct th_coap *c, struct th_list *records)
{
	while (!th_list_empty(records)) {
		struct th_coap_record *r = TH_OWNER(records->next, struct th_coap_record, age);
		th_time at = (th_time)r->expires << TICK_SHIFT;

		if (at > c->now)
			return at + expiry_grain;
		th_coap_record_spent(c, r);
	}
	return TH_NEVER;
}

void th_coap_records_expire(struct th_coap *c, struct th_coap_alarm *a)
{
	th_time at = TH_NEVER;

	for (size_t i = 0; i < c->n_lives; i++)
		at = th_time_min(at, expire(c, &c->lives[i].age));
	th_coap_alarm_set(c, a, at);
}

static void free_all(struct th_coap *c, struct th_list *records)
{
	while (!th_list_empty(records))
		th_coap_record_spent(c, TH_OWNER(records->next, struct th_coap_record, age));
}

void th_coap_records_free(struct th_coap *c)
{
	for (size_t i = 0; i < c->n_lives; i++)
		free_all(c, &c->lives[i].age);
}

/* The queue of that life; of the next longer one when there are too many. NULL: none is that long. */
static struct th_coap_life *life_of(struct th_coap *c, th_time life)
{
	struct th_coap_life *best = NULL;

	for (size_t i = 0; i < c->n_lives; i++)
		if (c->lives[i].life >= life && (!best || c->lives[i].life < best->life))
			best = &c->lives[i];
	if ((best && best->life == life) || c->n_lives == TH_COAP_LIVES)
		return best;
	best = &c->lives[c->n_lives++];
	best->life = life;
	th_list_init(&best->age);
	return best;
}

/* A path that was told lets records live long, for a slow link's sake; a fast one that fills the table with them has
 * sent its last copy long before. */
static void make_room(struct th_coap *c)
{
	for (size_t i = 0; i < c->n_lives; i++) {
		struct th_list *l = c->lives[i].age.next;
		struct th_coap_record *r = TH_OWNER(l, struct th_coap_record, age);

		if (th_list_empty(&c->lives[i].age) || !r->peer->path.told)
			continue;
		if (th_time_add(c->now, c->lives[i].life) >= ((th_time)r->expires << TICK_SHIFT) + crowded_life) {
			th_coap_record_spent(c, r);
			return;
		}
	}
}

struct th_coap_record *th_coap_record_add(struct th_coap *c, const struct th_coap_arrival *a, uint64_t key)
{
	bool con = a->pdu.type == TH_COAP_CON;
	const struct th_coap_times *times = &a->peer->path.times;
	struct th_coap_life *life = life_of(c, con ? times->lifetime : times->non_lifetime);
	th_time until = life ? th_time_add(c->now, life->life) : TH_NEVER;
	th_time ticks = until >> TICK_SHIFT;
	struct th_coap_record *r;

	if (c->records.n >= c->params->max_records)
		th_coap_records_expire(c, &c->record_alarm);
	if (c->records.n >= c->params->max_records)
		make_room(c);
	if (c->records.n >= c->params->max_records || !life)
		return NULL;
	r = th_alloc(c->mem, sizeof(*r));
	if (!r)
		return NULL;
	r->peer = a->peer;
	r->mid = a->pdu.mid;
	r->state = TH_COAP_RECORD_PENDING;
	r->expires = ticks < UINT32_MAX ? (uint32_t)ticks + 1 : UINT32_MAX; /* nine years: as good as never */
	th_coap_peer_hold(a->peer);
	th_table_add(&c->records, &r->node, key);
	th_list_init(&r->age);
	th_list_push(&life->age, &r->age);
	if (c->record_alarm.timer.at > th_time_add(until, expiry_grain))
		th_coap_alarm_set(c, &c->record_alarm, th_time_add(until, expiry_grain));
	return r;
}

void th_coap_record_replay(struct th_coap *c, struct th_coap_record *r)
{
	struct th_coap_exchange *x = th_coap_exchange_find(c, r->exchange);

	c->stats.rx_duplicate++;
	if (c->numbering && c->numbering->repeated)
		c->numbering->repeated(c->numberer, &r->peer->addr);
	if (r->state == TH_COAP_RECORD_ACKED) {
		th_coap_send_empty(c, &r->peer->addr, TH_COAP_ACK, r->mid);
		th_coap_charge_out(x, TH_COAP_EMPTY_BYTES);
	} else if (r->state == TH_COAP_RECORD_RESET) {
		th_coap_send_empty(c, &r->peer->addr, TH_COAP_RST, r->mid);
	} else if (r->reply && !th_list_linked(&r->reply->datagram.queue) && c->now >= r->reply->arrives_at) {
		th_coap_charge_out(x, r->reply->datagram.n);
		th_coap_queue(c, &r->reply->datagram);
	}
}

/* While a reply is on the wire a duplicate was sent in haste: one more reply would not arrive sooner. */
static void left(struct th_coap *c, struct th_coap_datagram *d)
{
	struct th_coap_reply *reply = TH_OWNER(d, struct th_coap_reply, datagram);
	const struct th_coap_path *path = &d->peer->path;

	if (path->told)
		reply->arrives_at = c->now + path->profile.latency / 2 + th_airtime(d->n, path->up_bps);
}

enum th_err th_coap_record_reply(struct th_coap *c, struct th_coap_record *r, const struct th_coap_pdu *pdu,
				 uint8_t priority)
{
	size_t n = th_coap_pdu_write(pdu, c->scratch, c->params->max_message);
	struct th_coap_reply *reply;

	if (n > c->params->max_message)
		return TH_ERR_TOO_LARGE;
	reply = th_alloc(c->mem, sizeof(*reply) + n);
	if (!reply)
		return TH_ERR_NO_MEMORY;
	memcpy(reply->bytes, c->scratch, n);
	th_list_init(&reply->datagram.queue);
	reply->datagram.peer = r->peer;
	reply->datagram.to = r->peer->addr;
	reply->datagram.p = reply->bytes;
	reply->datagram.n = n;
	reply->datagram.left = left;
	reply->datagram.priority = priority;
	reply->datagram.kept = true;
	reply->record = r;
	r->reply = reply;
	r->state = TH_COAP_RECORD_REPLIED;
	th_list_init(&reply->age);
	th_list_push(&c->replies, &reply->age);
	c->stats.reply_bytes += n;
	th_coap_queue(c, &reply->datagram);
	/* the oldest replies go; their records stay, so that nothing is done twice */
	while (c->stats.reply_bytes > c->params->max_reply_bytes)
		forget_reply(c, TH_OWNER(c->replies.next, struct th_coap_reply, age));
	return TH_OK;
}
