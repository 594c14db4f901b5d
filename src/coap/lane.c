/* The way out to one peer: datagrams wait by priority, and leave when the link has room.
 *
 * Timers: lane.clock, when the link is idle again. A datagram leaves when what left before has gone out at the link's
 * rate: so nothing waits where a more urgent one could not overtake it. Without a known rate everything leaves at once.
 */
#include "coap/engine_int.h"

enum { TURNS = 8 }; /* so often the more urgent go first, then one of those that wait */

static const th_time lead = 2 * TH_MS; /* timers are late by about as much */

unsigned th_coap_turn(const struct th_list *queues, struct th_coap_turns *t)
{
	unsigned chosen = TH_COAP_PRIORITIES;

	for (unsigned i = 0; i < TH_COAP_PRIORITIES; i++) {
		if (th_list_empty(&queues[i]))
			continue;
		if (chosen == TH_COAP_PRIORITIES || (t->passed[i] >= TURNS && t->passed[i] > t->passed[chosen]))
			chosen = i;
	}
	for (unsigned i = 0; i < TH_COAP_PRIORITIES; i++)
		if (i > chosen && !th_list_empty(&queues[i]) && t->passed[i] < UINT8_MAX)
			t->passed[i]++;
	if (chosen < TH_COAP_PRIORITIES)
		t->passed[chosen] = 0;
	return chosen;
}

static struct th_coap_peer *peer_of(struct th_coap_lane *lane)
{
	return TH_OWNER(lane, struct th_coap_peer, lane);
}

static void wake(struct th_coap *c, struct th_coap_lane *lane)
{
	if (th_list_linked(&lane->ready) || lane->n == 0)
		return;
	if (lane->free_at <= c->now + lead)
		th_list_push(&c->ready, &lane->ready);
	else
		th_coap_alarm_set(c, &lane->clock, lane->free_at - lead);
}

static void due(struct th_coap *c, struct th_coap_alarm *a)
{
	wake(c, TH_OWNER(a, struct th_coap_lane, clock));
}

enum th_err th_coap_lane_init(struct th_coap *c, struct th_coap_lane *lane)
{
	th_list_init(&lane->ready);
	for (unsigned i = 0; i < TH_COAP_PRIORITIES; i++)
		th_list_init(&lane->queue[i]);
	return th_coap_alarm_init(c, &lane->clock, due);
}

void th_coap_lane_free(struct th_coap *c, struct th_coap_lane *lane)
{
	for (unsigned i = 0; i < TH_COAP_PRIORITIES; i++) {
		for (struct th_list *l = th_list_pop(&lane->queue[i]); l; l = th_list_pop(&lane->queue[i])) {
			struct th_coap_datagram *d = TH_OWNER(l, struct th_coap_datagram, queue);

			if (d->kept)
				continue;
			c->once--;
			th_free(c->mem, d);
		}
	}
	th_list_remove(&lane->ready);
	th_coap_alarm_free(c, &lane->clock);
}

void th_coap_queue(struct th_coap *c, struct th_coap_datagram *d)
{
	struct th_coap_lane *lane;

	if (th_list_linked(&d->queue))
		return;
	if (!d->peer) {
		th_list_push(&c->out, &d->queue);
		return;
	}
	lane = &d->peer->lane;
	if (lane->n++ == 0)
		th_coap_peer_hold(d->peer);
	th_list_push(&lane->queue[d->priority], &d->queue);
	wake(c, lane);
}

void th_coap_unqueue(struct th_coap *c, struct th_coap_datagram *d)
{
	if (!th_list_linked(&d->queue))
		return;
	th_list_remove(&d->queue);
	if (d->peer && --d->peer->lane.n == 0)
		th_coap_peer_release(c, d->peer);
}

void th_coap_lane_charge(struct th_coap *c, struct th_coap_peer *p, size_t n)
{
	th_time from = p->lane.free_at > c->now ? p->lane.free_at : c->now;

	if (p->path.up_bps)
		p->lane.free_at = from + th_airtime(n + th_coap_peer_overhead(p), p->path.up_bps);
}

struct th_coap_datagram *th_coap_lane_next(struct th_coap *c)
{
	for (struct th_list *l = th_list_pop(&c->ready); l; l = th_list_pop(&c->ready)) {
		struct th_coap_lane *lane = TH_OWNER(l, struct th_coap_lane, ready);

		if (lane->n == 0)
			continue;
		if (lane->free_at > c->now + lead) { /* an empty message went meanwhile */
			wake(c, lane);
			continue;
		}
		l = lane->queue[th_coap_turn(lane->queue, &lane->turns)].next;
		th_list_remove(l);
		return TH_OWNER(l, struct th_coap_datagram, queue);
	}
	return NULL;
}

void th_coap_lane_went(struct th_coap *c, struct th_coap_lane *lane)
{
	if (--lane->n == 0)
		th_coap_peer_release(c, peer_of(lane));
	else
		wake(c, lane);
}
