/* Sending a body in bursts (burst.c). Nothing waits in memory twice: the lane asks for a block when the link has room
 * for it, and gets what is then best sent, a missing one before a new one. */
#include "coap/engine_int.h"

#include <limits.h>
#include <string.h>

enum {
	POLL_PARTS = 16,
	POLL_MIN = 4,
	WINDOW_BONUS = 3,
	REPORT_BYTES = 24,
	POLLS_OPEN = 4,
	PROBES_SOON = 6,
	WAITS_MAX = 16,
};

static const th_time probe_rarely = 16 * TH_SEC;
static const th_time full_patience = 60 * TH_SEC;
static const th_time patience = (th_time)2 * 3600 * TH_SEC; /* a cut of an hour, and some more */

static struct th_coap_burst_out *burst_of(struct th_coap_datagram *d)
{
	return TH_OWNER(d, struct th_coap_burst_out, source);
}

static uint8_t *state_of(struct th_coap_burst_out *b, uint32_t num)
{
	return &b->state[num % TH_COAP_BURST];
}

static uint64_t place(const struct th_coap_exchange *x, uint32_t num)
{
	return (uint64_t)num << (x->out.szx + 4);
}

/* How many unsettled blocks the peer's bursts may have: all that the pace lets out where the link is ours, else what
 * congestion allows. */
static unsigned room(const struct th_coap_peer *p)
{
	unsigned most = p->window.size + WINDOW_BONUS;

	if (p->path.up_bps && p->path.profile.ours)
		most = th_coap_path_blocks(&p->path, th_coap_peer_lasting(p));
	return p->blocks_out < most ? most - p->blocks_out : 0;
}

/* The block to send next. */
static bool choose(struct th_coap_burst_out *b, uint32_t *num, struct th_coap_slice *s)
{
	struct th_coap_exchange *x = b->x;

	if (room(x->peer) == 0)
		return false;
	if (b->missing) {
		for (*num = b->base; *state_of(b, *num) != TH_COAP_BLOCK_MISSING; (*num)++)
			;
		return th_coap_out_slice(&x->out, place(x, *num), s);
	}
	*num = b->next;
	return b->next < b->limit && b->next - b->base < TH_COAP_BURST && b->next < TH_COAP_BURST_GONE &&
	       th_coap_out_slice(&x->out, place(x, b->next), s) && s->n > 0;
}

static unsigned poll_every(const struct th_coap_burst_out *b)
{
	unsigned n = b->window / POLL_PARTS;

	return n > POLL_MIN ? n : POLL_MIN;
}

/* Each so many blocks, and when nothing may follow for some time; but one report a block is too much. More than half of
 * the generations may never be open at a time. */
static bool wants_poll(struct th_coap_burst_out *b, bool pauses)
{
	unsigned open = (unsigned)(b->gen - b->told_gen - 1) % TH_COAP_BURST_GENS;

	b->since_poll++;
	if (open >= TH_COAP_BURST_GENS / 4)
		return false;
	return b->since_poll >= poll_every(b) || (pauses && open < POLLS_OPEN);
}

/* `lead` is the first byte of the payload. */
static size_t compose(struct th_coap *c, struct th_coap_burst_out *b, const struct th_coap_block *block, unsigned lead,
		      const struct th_coap_slice *s, uint8_t *out, size_t cap)
{
	struct th_coap_exchange *x = b->x;
	uint8_t *payload = c->scratch;
	struct th_coap_draft d;
	size_t n;

	th_coap_draft_init(&d, x->client ? x->c.head->code : x->s.head->code, &x->token);
	th_coap_draft_block(&d, x->client ? TH_COAP_OPT_QBLOCK1 : TH_COAP_OPT_QBLOCK2, block);
	payload[0] = (uint8_t)lead;
	if (s->n)
		memcpy(payload + 1, s->p, s->n);
	d.pdu.payload = payload;
	d.pdu.payload_len = s->n + 1;
	b->source.sent = false;
	d.pdu.mid = th_coap_burst_mid(c, x->peer);
	n = th_coap_pdu_write(&d.pdu, out, cap);
	if (n > cap)
		return 0;
	th_coap_charge_out(x, n);
	return n;
}

static void close_gen(struct th_coap_burst_out *b)
{
	b->asked_gen = b->gen;
	b->gen = (uint8_t)((b->gen + 1) % TH_COAP_BURST_GENS);
	b->since_poll = 0;
}

/* When to ask (again). Patience is long, so probes soon grow rare. */
static void watch(struct th_coap *c, struct th_coap_burst_out *b, size_t n)
{
	const struct th_coap_path *path = &b->x->peer->path;
	th_time rarely = b->first_timeout > probe_rarely / 2 ? 2 * b->first_timeout : probe_rarely;

	if (b->probes == 0)
		b->first_timeout = b->timeout = th_coap_path_timeout(path, n + REPORT_BYTES, false, 0,
								     th_coap_peer_overhead(b->x->peer), c->params);
	else if (b->probes < PROBES_SOON)
		b->timeout = th_coap_path_back_off(path, b->timeout, b->first_timeout, b->probes + 1, path->times.span);
	else
		b->timeout = th_time_min(2 * b->timeout, rarely > b->timeout ? rarely : b->timeout);
	th_coap_alarm_set(c, &b->alarm, th_time_add(c->now, b->timeout));
}

static void ask(struct th_coap *c, struct th_coap_burst_out *b, size_t n)
{
	b->asked = true;
	b->asked_n = n;
	b->asked_at = c->now;
	watch(c, b, n);
}

/* No report has come: a few bytes ask again. */
static size_t fill_probe(struct th_coap *c, struct th_coap_burst_out *b, uint8_t *out, size_t cap)
{
	const struct th_coap_block block = { b->next, true, b->x->out.szx };
	const struct th_coap_slice nothing = { 0 };
	size_t n = compose(c, b, &block, b->asked_gen | TH_COAP_BURST_POLL, &nothing, out, cap);

	if (b->probe) {
		b->probes++;
		ask(c, b, n);
	}
	b->probe = b->twin = false;
	th_coap_burst_pump(c, b->x);
	return n;
}

static size_t fill(struct th_coap *c, struct th_coap_datagram *d, uint8_t *out, size_t cap)
{
	struct th_coap_burst_out *b = burst_of(d);
	struct th_coap_exchange *x = b->x;
	struct th_coap_slice s = { 0 }, after;
	struct th_coap_block block = { .szx = x->out.szx };
	uint32_t num = 0, next;
	bool poll;
	size_t n;

	if (!b->probe && !b->twin && !choose(b, &num, &s))
		return 0;
	if (b->probe || b->twin)
		return fill_probe(c, b, out, cap);
	if (*state_of(b, num) == TH_COAP_BLOCK_MISSING) {
		b->missing--;
		c->stats.blocks_again++;
	} else {
		b->next++;
	}
	*state_of(b, num) = TH_COAP_BLOCK_SENT;
	b->gens[num % TH_COAP_BURST] = b->gen;
	b->out++;
	x->peer->blocks_out++;
	c->stats.blocks_sent++;
	/* with little room left others may take it before it is our turn again */
	poll = !choose(b, &next, &after) || room(x->peer) <= x->peer->n_bursts;
	poll = wants_poll(b, poll);
	block.num = num;
	block.more = s.more;
	n = compose(c, b, &block, b->gen | (poll ? TH_COAP_BURST_POLL : 0u), &s, out, cap);
	if (poll) {
		close_gen(b);
		ask(c, b, n);
		b->twin = b->lossy && !choose(b, &next, &after) && x->peer->path.profile.ours;
	} else if (b->alarm.timer.at == TH_NEVER) {
		watch(c, b, n);
	}
	th_coap_burst_pump(c, x);
	return n;
}

static void due(struct th_coap *c, struct th_coap_alarm *a)
{
	struct th_coap_burst_out *b = TH_OWNER(a, struct th_coap_burst_out, alarm);
	struct th_coap_peer *p = b->x->peer;

	if (c->now > th_time_add(b->progress_at, patience)) {
		c->stats.timeouts++;
		th_coap_exchange_close(c, b->x, TH_ERR_TIMEOUT);
		return;
	}
	if (b->asked)
		th_coap_window_lost(&p->window, b->timeout, c->now, c->params);
	else
		close_gen(b); /* what was sent since the last poll waits, and nothing follows that could ask */
	/* A session notices that the peer has other keys by messages that are not acknowledged. */
	if (c->numbering && b->probes >= PROBES_SOON / 2)
		th_coap_peer_ping(c, p);
	b->probe = true;
	th_coap_queue(c, &b->source);
}

enum th_err th_coap_burst_start(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_burst_out *b = th_alloc(c->mem, sizeof(*b));
	size_t size = th_coap_block_size(x->out.szx);

	if (!b)
		return TH_ERR_NO_MEMORY;
	if (th_coap_alarm_init(c, &b->alarm, due) != TH_OK) {
		th_free(c->mem, b);
		return TH_ERR_NO_MEMORY;
	}
	th_list_init(&b->source.queue);
	b->source.peer = x->peer;
	b->source.to = x->peer->addr;
	b->source.fill = fill;
	b->source.priority = x->priority;
	b->source.kept = true;
	b->x = x;
	b->next = 1;
	b->asked_gen = b->told_gen = TH_COAP_BURST_GENS - 1;
	b->state[0] = TH_COAP_BLOCK_THERE; /* whoever sent it will see to that */
	b->window = th_coap_path_window(&x->peer->path, size);
	b->limit = b->window;
	b->progress_at = c->now;
	if (x->out.buf.max < (b->window + 1) * size)
		x->out.buf.max = (b->window + 1) * size;
	x->out.burst = b;
	th_list_init(&b->link);
	th_list_push(&x->peer->bursts, &b->link);
	x->peer->n_bursts++;
	th_coap_burst_pump(c, x);
	return TH_OK;
}

size_t th_coap_burst_unsent(const struct th_coap_exchange *x)
{
	uint64_t end = x->out.base + x->out.buf.n, sent = place(x, x->out.burst->next);

	return sent < end ? (size_t)(end - sent) : 0;
}

void th_coap_burst_pump(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_burst_out *b = x->out.burst;
	struct th_coap_slice s;
	uint32_t num;

	if (b && !x->closed && (b->probe || b->twin || choose(b, &num, &s)))
		th_coap_queue(c, &b->source);
}

/* Room for one is room for all: whose turn it is, the lane decides. */
void th_coap_burst_pump_all(struct th_coap *c, struct th_coap_peer *p)
{
	TH_LIST_EACH(l, &p->bursts)
	th_coap_burst_pump(c, TH_OWNER(l, struct th_coap_burst_out, link)->x);
}

void th_coap_burst_stop(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_burst_out *b = x->out.burst;

	if (!b->x)
		return;
	th_coap_unqueue(c, &b->source);
	th_coap_alarm_free(c, &b->alarm);
	x->peer->blocks_out -= b->out;
	b->out = 0;
	b->x = NULL;
	th_list_remove(&b->link);
	x->peer->n_bursts--;
	th_coap_burst_pump_all(c, x->peer);
}

/* Reports */

static bool settle(struct th_coap_burst_out *b, uint32_t num, enum th_coap_block_state to)
{
	uint8_t *state = state_of(b, num);

	if (*state == to || *state == TH_COAP_BLOCK_THERE)
		return false;
	if (*state == TH_COAP_BLOCK_SENT) {
		b->out--;
		b->x->peer->blocks_out--;
	} else {
		b->missing--;
	}
	*state = (uint8_t)to;
	b->missing += to == TH_COAP_BLOCK_MISSING;
	return true;
}

/* What is there by this report; returns how many blocks that were not before. */
static unsigned mark_there(struct th_coap_burst_out *b, uint32_t first, const uint8_t *map, size_t n)
{
	unsigned fresh = 0;

	for (; b->base < first; b->base++) {
		fresh += settle(b, b->base, TH_COAP_BLOCK_THERE);
		*state_of(b, b->base) = TH_COAP_BLOCK_NEW;
	}
	for (size_t i = 0; i < n * CHAR_BIT && first + 1 + i < b->next; i++)
		if (map[i / CHAR_BIT] >> (i % CHAR_BIT) & 1)
			fresh += settle(b, first + 1 + (uint32_t)i, TH_COAP_BLOCK_THERE);
	return fresh;
}

/* What left before the poll was answered, and is not there, is missing. */
static unsigned mark_missing(struct th_coap_burst_out *b, uint8_t gen)
{
	unsigned lost = 0;

	for (uint32_t num = b->base; num < b->next; num++)
		if (*state_of(b, num) == TH_COAP_BLOCK_SENT && !th_coap_gen_is_newer(b->gens[num % TH_COAP_BURST], gen))
			lost += settle(b, num, TH_COAP_BLOCK_MISSING);
	return lost;
}

static void answered(struct th_coap *c, struct th_coap_burst_out *b, uint8_t gen, size_t n)
{
	struct th_coap_peer *p = b->x->peer;
	struct th_coap_trip trip = { .up = b->asked_n, .down = n, .copies = 1, .alone = true };
	th_time queue;

	if (!b->asked || gen != b->asked_gen)
		return;
	b->asked = false;
	th_coap_alarm_set(c, &b->alarm, TH_NEVER);
	trip.since_first = trip.since_last = c->now - b->asked_at;
	if (b->probes == 0)
		th_coap_path_trip(&p->path, &trip, th_coap_peer_overhead_at(p, b->asked_at));
	queue = b->probes == 0 && b->asked_at >= p->drained_at ? th_coap_path_queue(&p->path) : 0;
	if (queue) {
		th_coap_lane_pause(c, p, queue);
		p->drained_at = p->lane.free_at;
	}
	b->probes = 0;
	b->probe = false;
}

/* The first block goes by other means, which have patience of their own. One that had left before the poll that is
 * answered here, and has not come, need not wait for it. */
static void hurry_first(struct th_coap *c, struct th_coap_burst_out *b, uint32_t num, uint8_t gen)
{
	struct th_coap_message *m = b->x->message;

	if (num == 0 && m && b->asked && gen == b->asked_gen && m->copy_at <= b->asked_at)
		th_coap_message_hurry(c, m);
}

/* Nothing but the first block is missing: asking brings nothing, and is done ever more rarely. */
static th_time first_delay(struct th_coap_burst_out *b)
{
	b->waits += b->waits < WAITS_MAX;
	return th_time_min(b->timeout << (b->waits - 1), full_patience);
}

/* What else needs a report: what left since the poll; the first block; a peer without room, should the report that
 * tells of new room be lost. */
static void keep_watch(struct th_coap *c, struct th_coap_burst_out *b)
{
	if (b->alarm.timer.at != TH_NEVER)
		return;
	if (b->out)
		watch(c, b, b->asked_n);
	else if (b->base == 0)
		th_coap_alarm_set(c, &b->alarm, th_time_add(c->now, first_delay(b)));
	else if (b->next >= b->limit)
		th_coap_alarm_set(c, &b->alarm, th_time_add(c->now, full_patience));
}

/* Every byte is there. */
static void finish(struct th_coap *c, struct th_coap_exchange *x)
{
	th_coap_alarm_set(c, &x->out.burst->alarm, TH_NEVER);
	x->out.burst->asked = false;
	if (x->client) {
		if (x->c.phase == TH_COAP_ASKED && x->give_up_at == TH_NEVER)
			th_coap_client_await(c, x);
	} else {
		x->s.last = true;
		th_coap_server_delivered(c, x);
	}
}

static bool is_whole(const struct th_coap_exchange *x)
{
	return x->out.ended && place(x, x->out.burst->base) >= x->out.base + x->out.buf.n;
}

void th_coap_burst_report(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_pdu *pdu, uint32_t num)
{
	struct th_coap_burst_out *b = x->out.burst;
	const uint8_t *p = pdu->payload;
	struct th_coap_peer *peer = x->peer;
	unsigned fresh, lost;
	uint32_t room;

	if (num == TH_COAP_BURST_GONE) {
		if (!x->client && b->missing == 0 && x->out.ended && b->next > b->base &&
		    place(x, b->next) >= x->out.base + x->out.buf.n) {
			x->s.last = true; /* it has the last block, and has gone home */
			th_coap_server_delivered(c, x);
		} else {
			th_coap_exchange_close(c, x, TH_ERR_RESET);
		}
		return;
	}
	if (pdu->payload_len < TH_COAP_BURST_HEADER || num > b->next || p[0] >= TH_COAP_BURST_GENS ||
	    th_coap_gen_is_newer(p[0], b->asked_gen)) {
		c->stats.rx_malformed++;
		return;
	}
	if (num < b->base)
		return; /* an old one */
	room = (uint32_t)p[1] << 8 | p[2];
	fresh = mark_there(b, num, p + TH_COAP_BURST_HEADER, pdu->payload_len - TH_COAP_BURST_HEADER);
	lost = mark_missing(b, p[0]);
	if (th_coap_gen_is_newer(p[0], b->told_gen))
		b->told_gen = p[0];
	b->limit = num + room;
	hurry_first(c, b, num, p[0]);
	answered(c, b, p[0], pdu->payload_len);
	if (fresh)
		b->progress_at = c->now;
	for (unsigned i = 0; i < fresh && !th_coap_path_queues(&peer->path); i++)
		th_coap_window_acked(&peer->window, true);
	b->lossy = b->lossy || lost;
	if (lost)
		th_coap_window_lost(&peer->window, peer->path.rtt.srtt ? peer->path.rtt.srtt : c->params->ack_timeout,
				    c->now, c->params);
	th_coap_out_consume(&x->out, place(x, b->base) < x->out.base + x->out.buf.n ? place(x, b->base)
										    : x->out.base + x->out.buf.n);
	th_coap_burst_pump_all(c, peer);
	if (is_whole(x)) {
		finish(c, x);
		return;
	}
	keep_watch(c, b);
	th_coap_out_offer_room(c, x);
}
