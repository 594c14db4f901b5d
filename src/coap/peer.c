/* Timers: p->alarm, when a client exchange has waited for a separate response in silence (ping), and when the next
 * Message ID comes free. */
#include "coap/engine_int.h"

#include <string.h>

enum { NUMBERED_HEADERS = 10 }; /* of a block in the compact form: shape, token, block, generation */

static uint64_t hash_of(const struct th_coap *c, const struct th_addr *addr)
{
	uint8_t key[sizeof(addr->ip) + sizeof(addr->scope) + sizeof(addr->port)]; /* without the struct's padding */

	memcpy(key, addr->ip, sizeof(addr->ip));
	memcpy(key + sizeof(addr->ip), &addr->scope, sizeof(addr->scope));
	memcpy(key + sizeof(addr->ip) + sizeof(addr->scope), &addr->port, sizeof(addr->port));
	return th_table_hash(&c->peers, key, sizeof(key));
}

static struct th_coap_peer *find(const struct th_coap *c, const struct th_addr *addr, uint64_t hash)
{
	for (struct th_slot *n = th_table_next(&c->peers, hash, NULL); n; n = th_table_next(&c->peers, hash, n)) {
		struct th_coap_peer *p = TH_OWNER(n, struct th_coap_peer, node);

		if (th_addr_eq(&p->addr, addr))
			return p;
	}
	return NULL;
}

struct th_coap_peer *th_coap_peer_find(const struct th_coap *c, const struct th_addr *addr)
{
	return find(c, addr, hash_of(c, addr));
}

void th_coap_peer_ping(struct th_coap *c, struct th_coap_peer *p)
{
	const struct th_coap_pdu pdu = { .code = TH_COAP_EMPTY };
	struct th_list *l;

	/* what is in flight asks the same question */
	if (p->ping || p->in_flight > 0 || th_coap_peer_con_waits(p))
		return;
	if (th_coap_message_send(c, p, NULL, true, &pdu) != TH_OK)
		return;
	/* it is the only CON */
	l = th_coap_peer_con_waits(p) ? p->waiting_con[TH_COAP_INTERACTIVE].prev : p->flying.prev;
	p->ping = TH_OWNER(l, struct th_coap_message, link);
}

static th_time ping_at(const struct th_coap_peer *p)
{
	if (th_list_empty(&p->awaiting) || p->ping || p->path.times.ping_after == TH_NEVER)
		return TH_NEVER;
	return th_time_add(p->heard_at, p->path.times.ping_after);
}

bool th_coap_peer_con_waits(const struct th_coap_peer *p)
{
	for (unsigned i = 0; i < TH_COAP_PRIORITIES; i++)
		if (!th_list_empty(&p->waiting_con[i]))
			return true;
	return false;
}

size_t th_coap_peer_overhead(const struct th_coap_peer *p)
{
	return th_coap_peer_lasting(p) + p->path.profile.opening;
}

size_t th_coap_peer_overhead_at(const struct th_coap_peer *p, th_time left)
{
	return th_coap_peer_lasting(p) + (left < p->opened_at ? p->opening : p->path.profile.opening);
}

size_t th_coap_peer_lasting(const struct th_coap_peer *p)
{
	return p->path.profile.overhead ? p->path.profile.overhead : th_addr_overhead(&p->addr);
}

void th_coap_peer_arm(struct th_coap *c, struct th_coap_peer *p)
{
	th_time at = th_time_min(p->mid_at, ping_at(p));

	/* moved to later only when it fires: cheaper, as the peer is heard all the time */
	if (at < p->alarm.timer.at)
		th_coap_alarm_set(c, &p->alarm, at);
}

static void due(struct th_coap *c, struct th_coap_alarm *a)
{
	struct th_coap_peer *p = TH_OWNER(a, struct th_coap_peer, alarm);

	if (c->now >= p->mid_at)
		th_coap_peer_pump(c, p);
	if (c->now >= ping_at(p)) {
		th_coap_peer_ping(c, p);
		p->heard_at = c->now;
	}
	th_coap_peer_arm(c, p);
}

static struct th_coap_peer *make(struct th_coap *c, const struct th_addr *addr, uint64_t hash)
{
	struct th_coap_peer *p = th_alloc(c->mem, sizeof(*p));

	if (!p)
		return NULL;
	if (th_coap_alarm_init(c, &p->alarm, due) != TH_OK)
		goto no_alarm;
	if (th_coap_lane_init(c, &p->lane) != TH_OK)
		goto no_lane;
	p->addr = *addr;
	p->next_mid = (uint16_t)th_rng_u32(&c->rng);
	p->heard_at = c->now;
	p->mid_at = TH_NEVER;
	for (unsigned i = 0; i < TH_COAP_PRIORITIES; i++)
		th_list_init(&p->waiting_con[i]);
	th_list_init(&p->waiting_non);
	th_list_init(&p->flying);
	th_list_init(&p->awaiting);
	th_list_init(&p->bursts);
	th_list_init(&p->lapsed);
	th_coap_window_init(&p->window, c->params);
	th_coap_path_init(&p->path, c->params);
	th_list_init(&p->idle);
	th_list_push(&c->idle_peers, &p->idle);
	th_table_add(&c->peers, &p->node, hash);
	return p;
no_lane:
	th_coap_alarm_free(c, &p->alarm);
no_alarm:
	th_free(c->mem, p);
	return NULL;
}

/* Room for one more: the peer that has been idle longest goes, and its round trips with it. */
static bool make_room(struct th_coap *c)
{
	struct th_list *l;
	struct th_coap_peer *p;

	if (c->peers.n < c->params->max_peers)
		return true;
	l = th_list_pop(&c->idle_peers);
	if (!l)
		return false;
	p = TH_OWNER(l, struct th_coap_peer, idle);
	th_table_remove(&c->peers, &p->node);
	th_list_push(&c->dead_peers, &p->idle);
	return true;
}

struct th_coap_peer *th_coap_peer_get(struct th_coap *c, const struct th_addr *addr)
{
	uint64_t hash = hash_of(c, addr);
	struct th_coap_peer *p = find(c, addr, hash);

	if (p)
		return p;
	return make_room(c) ? make(c, addr, hash) : NULL;
}

void th_coap_peer_hold(struct th_coap_peer *p)
{
	p->uses++;
	th_list_remove(&p->idle);
}

void th_coap_peer_release(struct th_coap *c, struct th_coap_peer *p)
{
	if (--p->uses == 0)
		th_list_push(&c->idle_peers, &p->idle);
}

static void drop_all(struct th_coap *c, struct th_list *messages)
{
	while (!th_list_empty(messages))
		th_coap_message_drop(c, TH_OWNER(messages->next, struct th_coap_message, link));
}

void th_coap_peer_free(struct th_coap *c, struct th_coap_peer *p)
{
	drop_all(c, &p->waiting_non);
	for (unsigned i = 0; i < TH_COAP_PRIORITIES; i++) /* a drop lets others fly */
		drop_all(c, &p->waiting_con[i]);
	drop_all(c, &p->flying);
	th_coap_lane_free(c, &p->lane);
	th_list_remove(&p->idle);
	th_coap_alarm_free(c, &p->alarm);
	th_free(c->mem, p);
}

/* Numbers and their tokens come but once, and a reference that is late is refused (compact.h). What a rest keeps apart
 * is Empty ACKs and RSTs that the way held up: so it follows the way as it is by now, not as it may be. */
static th_time number_rest(const struct th_coap_peer *p)
{
	enum { ROUND_TRIPS = 32 };
	const struct th_coap_rtt *r = p->path.told ? &p->path.rtt : &p->rtt;

	if (r->srtt == 0)
		return p->path.times.mid_quiet;
	return th_time_min(p->path.times.mid_quiet, TH_SEC + ROUND_TRIPS * (r->srtt + 4 * r->rttvar));
}

/* Message IDs go up one by one, so groups of them come free in turn: a group is free when none of it is in flight and
 * the last transmission of any of them cannot be under way any more, nor its answer (§4.4). */
static bool group_is_free(struct th_coap *c, struct th_coap_peer *p, unsigned group)
{
	th_time free_at = p->mid_rests[group];

	if (c->numbering && free_at)
		free_at = th_time_add(free_at, number_rest(p));
	p->mid_at = TH_NEVER;
	if (c->now < free_at) {
		p->mid_at = free_at;
		return false;
	}
	TH_LIST_EACH(l, &p->flying)
	{
		struct th_coap_message *m = TH_OWNER(l, struct th_coap_message, link);

		if (m->mid / TH_COAP_MID_GROUP != group)
			continue;
		if (m->con)
			return false; /* pumped again when that one is over */
		if (m->flying) {      /* a NON that only an RST could still concern */
			th_table_remove(&c->flying, &m->node);
			m->flying = false;
		}
	}
	return true;
}

/* Numbers come from below, and records that are no messages take some: a group may be entered in its middle, and is
 * checked then. A number that is not free yet is let go; until p->mid_at none is asked for, so that few are. */
static bool number_from_below(struct th_coap *c, struct th_coap_peer *p, uint64_t *out)
{
	bool blocked = p->mid_at != TH_NEVER && c->now < p->mid_at;
	uint64_t group;

	if (blocked || !c->numbering->number(c->numberer, &p->addr, out))
		return false;
	group = *out / TH_COAP_MID_GROUP + 1;
	if (group != p->number_group && !group_is_free(c, p, (unsigned)((group - 1) % TH_COAP_MID_GROUPS))) {
		if (p->mid_at == TH_NEVER) /* a message of it is in flight */
			p->mid_at = th_time_add(c->now, c->params->ack_timeout);
		return false;
	}
	p->number_group = group;
	return true;
}

bool th_coap_peer_number(struct th_coap *c, struct th_coap_peer *p, uint64_t *out)
{
	if (c->numbering)
		return number_from_below(c, p, out);
	if (p->next_mid % TH_COAP_MID_GROUP == 0 && !group_is_free(c, p, p->next_mid / TH_COAP_MID_GROUP))
		return false;
	*out = p->next_mid++;
	return true;
}

/* Links */

enum th_err th_coap_set_profile(struct th_coap *c, const struct th_addr *peer, const struct th_link_profile *l,
				th_time now)
{
	struct th_coap_peer *p;
	enum th_err err = TH_OK;

	th_coap_enter(c, now);
	p = th_coap_peer_get(c, peer);
	if (p) {
		if (p->path.profile.opening > 0 && l->opening == 0) {
			p->opening = p->path.profile.opening;
			p->opened_at = c->now;
		}
		th_coap_path_tell(&p->path, l, c->params);
		if (c->numbering)
			p->path.headers = NUMBERED_HEADERS;
		p->window.most = p->window.threshold = TH_COAP_WINDOW_TOLD;
	} else {
		err = c->peers.n >= c->params->max_peers ? TH_ERR_FULL : TH_ERR_NO_MEMORY;
	}
	c->paced = c->paced || l->up_bps || l->down_bps;
	th_coap_leave(c);
	return err;
}

static size_t length(const struct th_list *list)
{
	size_t n = 0;

	TH_LIST_EACH(l, list)
	n++;
	return n;
}

th_time th_coap_shortest_trip(const struct th_coap *c, const struct th_addr *peer)
{
	const struct th_coap_peer *p = th_coap_peer_find(c, peer);

	return p ? p->path.least : 0;
}

enum th_err th_coap_link(const struct th_coap *c, const struct th_addr *peer, struct th_coap_link *out)
{
	const struct th_coap_peer *p = th_coap_peer_find(c, peer);

	if (!p)
		return TH_ERR_NOT_FOUND;
	*out = (struct th_coap_link){
		.up_bps = p->path.up_bps,
		.down_bps = p->path.down_bps,
		.round_trip = p->path.told ? p->path.rtt.srtt : p->rtt.srtt,
		.heard_at = p->heard_at,
		.busy_until = p->lane.free_at,
		.in_flight = p->in_flight,
	};
	for (unsigned i = 0; i < TH_COAP_PRIORITIES; i++)
		out->queued[i] = length(&p->waiting_con[i]) + length(&p->lane.queue[i]);
	return TH_OK;
}
