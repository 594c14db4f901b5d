/* Receiving a body in bursts (burst.c): blocks come in any order, the user gets them in theirs. */
#include "coap/engine_int.h"

#include <limits.h>
#include <string.h>

static const th_time patience = (th_time)2 * 3600 * TH_SEC; /* as the sender's */

static size_t slot_of(uint32_t num)
{
	return num % TH_COAP_BURST;
}

size_t th_coap_burst_map(struct th_coap_burst_in *b, uint8_t out[static TH_COAP_BURST_REPORT_MAX])
{
	uint32_t room = b->taken + b->window > b->first ? b->taken + b->window - b->first : 0;
	uint8_t *map = out + TH_COAP_BURST_HEADER;
	size_t n = 0;

	b->told = b->first + room;
	out[0] = b->gen;
	out[1] = (uint8_t)(room >> 8);
	out[2] = (uint8_t)room;
	memset(map, 0, TH_COAP_BURST / CHAR_BIT);
	for (uint32_t i = 0; b->first + 1 + i < b->taken + b->window; i++) {
		if (!b->slot[slot_of(b->first + 1 + i)].p)
			continue;
		map[i / CHAR_BIT] |= (uint8_t)(1u << (i % CHAR_BIT));
		n = i / CHAR_BIT + 1;
	}
	return TH_COAP_BURST_HEADER + n;
}

static void draft_report(struct th_coap_exchange *x, struct th_coap_draft *d, uint8_t map[TH_COAP_BURST_REPORT_MAX])
{
	struct th_coap_burst_in *b = x->in.burst;
	const struct th_coap_block block = { b->first, false, b->szx };

	th_coap_draft_init(d, x->client ? TH_COAP_FETCH : TH_COAP_CONTINUE, &x->token);
	th_coap_draft_block(d, x->client ? TH_COAP_OPT_QBLOCK2 : TH_COAP_OPT_QBLOCK1, &block);
	d->pdu.payload = map;
	d->pdu.payload_len = th_coap_burst_map(b, map);
}

/* The newest state, when the link has room for it. */
static size_t fill(struct th_coap *c, struct th_coap_datagram *datagram, uint8_t *out, size_t cap)
{
	struct th_coap_exchange *x = TH_OWNER(datagram, struct th_coap_burst_in, source)->x;
	uint8_t map[TH_COAP_BURST_REPORT_MAX];
	struct th_coap_draft d;
	size_t n;

	draft_report(x, &d, map);
	datagram->sent = false;
	d.pdu.mid = th_coap_burst_mid(c, x->peer);
	n = th_coap_pdu_write(&d.pdu, out, cap);
	if (n > cap)
		return 0;
	c->stats.reports_sent++;
	th_coap_charge_out(x, n);
	return n;
}

void th_coap_burst_tell(struct th_coap *c, struct th_coap_exchange *x)
{
	uint8_t map[TH_COAP_BURST_REPORT_MAX];
	struct th_coap_draft d;

	draft_report(x, &d, map);
	d.pdu.mid = th_coap_burst_mid(c, x->peer);
	c->stats.reports_sent++;
	th_coap_charge_out(x, th_coap_pdu_write(&d.pdu, NULL, 0));
	th_coap_send_once(c, x->peer, &x->peer->addr, &d.pdu, NULL);
}

static struct th_coap_burst_in *make(struct th_coap *c, struct th_coap_exchange *x, uint8_t szx)
{
	struct th_coap_burst_in *b = th_alloc(c->mem, sizeof(*b));

	if (!b)
		return NULL;
	th_list_init(&b->source.queue);
	b->source.peer = x->peer;
	b->source.to = x->peer->addr;
	b->source.fill = fill;
	b->source.priority = TH_COAP_INTERACTIVE;
	b->source.kept = true;
	b->x = x;
	b->szx = szx;
	b->gen = TH_COAP_BURST_GENS - 1; /* no poll has come */
	b->window = th_coap_path_window(&x->peer->path, th_coap_block_size(szx));
	x->in.burst = b;
	if (szx > x->peer->path.peer_szx)
		x->peer->path.peer_szx = szx;
	return b;
}

/* The first block that has not come moves on. */
static void advance(struct th_coap_burst_in *b)
{
	while (b->first < b->taken + b->window && b->slot[slot_of(b->first)].p)
		b->first++;
}

static bool is_whole(const struct th_coap_burst_in *b)
{
	return b->total && b->first == b->total;
}

/* An upload that is there may be answered soon, which says as much as a report. */
static void answer_poll(struct th_coap *c, struct th_coap_exchange *x, bool was_whole)
{
	struct th_coap_burst_in *b = x->in.burst;

	if (!is_whole(b))
		th_coap_queue(c, &b->source);
	else if (x->client || was_whole)
		th_coap_burst_tell(c, x);
	else
		x->ack_at = th_time_add(c->now, x->peer->path.times.patience);
}

enum th_err th_coap_burst_expect(struct th_coap *c, struct th_coap_exchange *x, uint8_t szx)
{
	struct th_coap_burst_in *b = x->in.burst ? x->in.burst : make(c, x, szx);

	if (!b)
		return TH_ERR_NO_MEMORY;
	if (b->szx != szx || b->taken > 0)
		return TH_ERR_MALFORMED;
	b->taken = b->first = 1;
	advance(b);
	if (b->first > 1) /* others were faster, and were reported without it */
		answer_poll(c, x, true);
	x->give_up_at = th_time_add(c->now, patience);
	th_coap_exchange_arm(c, x);
	if (x->client) { /* silence may mean that the way here must be found anew, which only a message of ours brings about */
		th_list_push(&x->peer->awaiting, &x->c.awaiting);
		th_coap_peer_arm(c, x->peer);
	}
	return TH_OK;
}

/* False: it says what cannot be. */
static bool fits(const struct th_coap_burst_in *b, const struct th_coap_block *block, size_t n)
{
	size_t size = th_coap_block_size(b->szx);

	if (block->szx != b->szx || n > size || (block->more && n != size))
		return false;
	if (b->total)
		return block->num < b->total && block->more == (block->num + 1 < b->total);
	return true;
}

static void keep(struct th_coap *c, struct th_coap_burst_in *b, const struct th_coap_block *block, const uint8_t *p,
		 size_t n)
{
	size_t slot = slot_of(block->num);

	if (block->num < b->first || block->num >= b->taken + b->window || b->slot[slot].p) {
		c->stats.rx_duplicate++;
		return;
	}
	b->slot[slot].p = th_alloc(c->mem, n);
	if (!b->slot[slot].p)
		return; /* as if it had been lost */
	memcpy(b->slot[slot].p, p, n);
	b->slot[slot].n = n;
	if (!block->more)
		b->total = block->num + 1;
	advance(b);
}

/* The user has answered before the body's end: the rest is of no use. */
static bool refused(const struct th_coap_exchange *x)
{
	return !x->client && x->s.ended;
}

void th_coap_burst_block(struct th_coap *c, struct th_coap_exchange *x, const struct th_coap_block *block,
			 const uint8_t *payload, size_t n)
{
	struct th_coap_burst_in *b = x->in.burst ? x->in.burst : make(c, x, block->szx);
	uint8_t gen = payload[0] % TH_COAP_BURST_GENS;
	bool poll = payload[0] & TH_COAP_BURST_POLL;
	bool was_whole;

	if (!b || refused(x))
		return;
	was_whole = is_whole(b);
	if (n > 1 && !fits(b, block, n - 1)) {
		c->stats.rx_malformed++;
		return;
	}
	if (n > 1)
		keep(c, b, block, payload + 1, n - 1);
	x->give_up_at = th_time_add(c->now, patience);
	if (poll && (b->taken == 0 || !th_coap_gen_is_newer(b->gen, gen))) {
		b->gen = gen;
		answer_poll(c, x, was_whole);
	}
	th_coap_exchange_arm(c, x);
	if (b->taken > 0)
		th_coap_burst_deliver(c, x);
}

/* A sender that was told of little room waits for more. */
static void offer_room(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_burst_in *b = x->in.burst;

	if (b->total == 0 && b->taken + b->window / 2 > b->told && b->told > 0 && b->told <= b->first + b->window / 4)
		th_coap_queue(c, &b->source);
}

static void end(struct th_coap *c, struct th_coap_exchange *x)
{
	x->in.more = false;
	if (x->client)
		th_coap_client_resumed(c, x);
	else
		th_coap_server_resumed(c, x);
}

void th_coap_burst_deliver(struct th_coap *c, struct th_coap_exchange *x)
{
	struct th_coap_burst_in *b = x->in.burst;
	bool all = true;

	while (!x->closed && !refused(x) && !x->in.held && !x->in.offering && b->taken < b->first) {
		size_t slot = slot_of(b->taken), n = b->slot[slot].n;
		uint8_t *p = b->slot[slot].p;
		enum th_err err;

		b->slot[slot].p = NULL;
		b->taken++;
		err = th_coap_in_give(c, x, p, n, &all);
		th_free(c->mem, p);
		if (!x->closed && err != TH_OK)
			th_coap_exchange_close(c, x, err);
	}
	if (x->closed || x->in.offering || refused(x))
		return;
	advance(b);
	if (all && !x->in.held && b->total && b->taken == b->total)
		end(c, x);
	else
		offer_room(c, x);
}
