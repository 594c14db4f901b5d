#include "emulator/emulator.h"

#include <assert.h>
#include <string.h>

#include "base/rng.h"

enum { BITS = 8 };

static const char *const kind_text[TH_EMU_KINDS] = { "started",	 "doubled",   "delivered", "lost",
						     "overflow", "too-large", "outage" };

const char *th_emu_kind_text(enum th_emu_event_kind kind)
{
	return kind_text[kind];
}

static void air_end(struct th_emu *e, struct th_emu_event *ev);
static void arrive(struct th_emu *e, struct th_emu_event *ev);

void th_emu_init(struct th_emu *e, const struct th_mem *mem, const struct th_emu_ops *ops, void *user, uint64_t seed,
		 size_t overhead, th_time now)
{
	*e = (struct th_emu){ .mem = mem, .ops = ops, .user = user, .seed = seed, .overhead = overhead };
	e->begun = e->now = e->since = now;
	e->talked = -1;
	th_heap_init(&e->events, mem);
	for (int w = 0; w < TH_EMU_WAYS; w++) {
		th_emu_profile_init(&e->way[w].profile);
		th_list_init(&e->way[w].queue);
		e->way[w].air_end.fire = air_end;
	}
}

static void release(struct th_emu *e, struct th_emu_dgram *d)
{
	e->held--;
	e->held_bytes -= d->n;
	th_free(e->mem, d);
}

void th_emu_free(struct th_emu *e)
{
	struct th_timer *t;

	while ((t = th_heap_pop(&e->events, TH_NEVER)) != NULL) {
		struct th_emu_event *ev = TH_OWNER(t, struct th_emu_event, timer);

		if (ev->fire == arrive)
			release(e, TH_OWNER(ev, struct th_emu_dgram, arrival));
	}
	for (int w = 0; w < TH_EMU_WAYS; w++) {
		TH_LIST_EACH(it, &e->way[w].queue)
		release(e, TH_OWNER(it, struct th_emu_dgram, link));
		if (e->way[w].on_air)
			release(e, e->way[w].on_air);
	}
	assert(e->held == 0 && e->held_bytes == 0);
	th_heap_free(&e->events);
}

/* ---- accounting ---- */

static void count(const struct th_emu *e, struct th_emu_count *c, size_t n)
{
	c->dgrams++;
	c->bytes += n + e->overhead;
}

static void uncount(const struct th_emu *e, struct th_emu_count *c, size_t n)
{
	c->dgrams--;
	c->bytes -= n + e->overhead;
}

static void note(struct th_emu *e, enum th_emu_event_kind kind, const struct th_emu_dgram *d)
{
	count(e, &e->way[d->way].stats.counts[kind], d->n);
	if (e->ops->seen)
		e->ops->seen(e->user, kind, d, e->now);
}

/* Its end while it was under way. */
static void finish(struct th_emu *e, struct th_emu_dgram *d, enum th_emu_event_kind kind)
{
	uncount(e, &e->way[d->way].stats.under_way, d->n);
	note(e, kind, d);
	if (kind == TH_EMU_DELIVERED)
		e->ops->deliver(e->user, d, e->now);
	release(e, d);
}

/* ---- chance ---- */

static bool chance(const struct th_rng *r, unsigned ppm)
{
	return th_rng_below(r, TH_PPM) < ppm;
}

static th_time draw_latency(const struct th_rng *r, const struct th_emu_profile *p)
{
	th_time spread = p->jitter.ppm ? p->latency / TH_PPM * p->jitter.ppm : p->jitter.time;
	th_time least = spread < p->latency ? p->latency - spread : 0;

	return least + th_rng_below(r, p->latency + spread - least + 1);
}

/* The same draws in the same order for each, whether they matter or not. */
static void roll(const struct th_emu *e, struct th_emu_direction *w, struct th_emu_dgram *d)
{
	const struct th_emu_profile *p = &w->profile;
	uint64_t state = e->seed ^ (d->number * TH_EMU_WAYS + (uint64_t)d->way) * 0xd1342543de82ef95u;
	struct th_rng r = th_rng_seeded(&state);
	bool twin;

	(void)th_rng_u64(&r);
	if (chance(&r, w->bad ? p->burst_leave : p->burst_enter))
		w->bad = !w->bad;
	w->bad = w->bad && p->burst_enter; /* bursts were turned off */
	d->lost = chance(&r, w->bad ? p->burst_loss : p->loss);
	twin = chance(&r, p->duplicate);
	d->held_back = chance(&r, p->reorder);
	d->latency = draw_latency(&r, p);
	d->twin_latency = draw_latency(&r, p);
	if (!twin)
		d->twin_latency = TH_NEVER;
}

/* ---- on the air ---- */

th_time th_emu_airtime(const struct th_emu *e, enum th_emu_way way, size_t n)
{
	uint64_t rate = e->way[way].profile.rate_bps;

	return rate ? (uint64_t)(n + e->overhead) * BITS * TH_SEC / rate : 0;
}

static bool half_duplex(const struct th_emu *e)
{
	return e->way[TH_EMU_UP].profile.half_duplex || e->way[TH_EMU_DOWN].profile.half_duplex;
}

static struct th_emu_dgram *head(const struct th_emu_direction *w)
{
	if (w->on_air || th_list_empty(&w->queue))
		return NULL;
	return TH_OWNER(w->queue.next, struct th_emu_dgram, link);
}

/* Who may send next: the one that came first, where both could. */
static struct th_emu_dgram *next_to_send(const struct th_emu *e)
{
	const struct th_emu_direction *up = &e->way[TH_EMU_UP], *down = &e->way[TH_EMU_DOWN];
	struct th_emu_dgram *a = head(up), *b = head(down);

	if (half_duplex(e) && (up->on_air || down->on_air))
		return NULL;
	if (!a || !b)
		return a ? a : b;
	return a->order < b->order ? a : b;
}

/* Silence that half duplex asks for before `way` may send. */
static th_time pause_before(const struct th_emu *e, enum th_emu_way way)
{
	if (!half_duplex(e) || e->talked < 0 || e->talked == (int)way)
		return 0;
	return th_time_until(e->silent_since + e->way[way].profile.turnaround, e->now);
}

static void end_sending(struct th_emu *e, struct th_emu_direction *w);

static void send_next(struct th_emu *e)
{
	struct th_emu_dgram *d;

	while ((d = next_to_send(e)) != NULL) {
		struct th_emu_direction *w = &e->way[d->way];
		th_time waited = e->now - d->entered;

		th_list_remove(&d->link);
		uncount(e, &w->stats.waiting, d->n);
		count(e, &w->stats.under_way, d->n);
		w->stats.waited += waited;
		if (waited > w->stats.waited_max)
			w->stats.waited_max = waited;
		d->number = ++w->sent;
		d->cuts = w->cuts;
		d->doomed = w->profile.outage;
		roll(e, w, d);
		d->started = e->now + pause_before(e, d->way);
		d->departs = d->started + th_emu_airtime(e, d->way, d->n);
		w->on_air = d;
		note(e, TH_EMU_STARTED, d);
		if (d->departs == e->now || th_heap_set(&e->events, &w->air_end.timer, d->departs) != TH_OK)
			end_sending(e, w);
	}
}

static bool cut(const struct th_emu *e, const struct th_emu_dgram *d)
{
	return d->doomed || d->cuts != e->way[d->way].cuts;
}

/* Behind those under way, one nanosecond apart, so that equal times keep their order in the heap. */
static th_time arrival_time(struct th_emu *e, const struct th_emu_dgram *d)
{
	struct th_emu_direction *w = &e->way[d->way];
	th_time at = e->now + d->latency;

	if (at <= w->last_arrival && w->in_order && !w->profile.jitter_reorders)
		at = w->last_arrival + 1;
	if (at > w->last_arrival)
		w->last_arrival = at;
	return d->held_back ? at + w->profile.reorder_delay : at;
}

static void fly(struct th_emu *e, struct th_emu_dgram *d)
{
	th_time at = arrival_time(e, d);

	d->arrival = (struct th_emu_event){ .fire = arrive };
	if (at == e->now) {
		finish(e, d, TH_EMU_DELIVERED);
		return;
	}
	if (th_heap_set(&e->events, &d->arrival.timer, at) != TH_OK) {
		finish(e, d, TH_EMU_OVERFLOW);
		return;
	}
	e->way[d->way].in_order += !d->held_back;
}

static bool room(const struct th_emu *e, size_t n)
{
	return e->held < TH_EMU_HELD_MAX && n <= TH_EMU_HELD_BYTES_MAX - e->held_bytes;
}

static struct th_emu_dgram *dgram_new(struct th_emu *e, const uint8_t *p, size_t n)
{
	struct th_emu_dgram *d = room(e, n) ? th_alloc(e->mem, sizeof(*d) + n) : NULL;

	if (!d)
		return NULL;
	th_list_init(&d->link);
	d->n = n;
	if (n)
		memcpy(d->bytes, p, n);
	e->held++;
	e->held_bytes += n;
	return d;
}

/* NULL without memory: then there is no copy. */
static struct th_emu_dgram *twin_of(struct th_emu *e, const struct th_emu_dgram *d)
{
	struct th_emu_dgram *t = dgram_new(e, d->bytes, d->n);

	if (!t)
		return NULL;
	t->way = d->way;
	t->client = d->client;
	t->order = d->order;
	t->number = d->number;
	t->entered = d->entered;
	t->started = d->started;
	t->departs = d->departs;
	t->cuts = d->cuts;
	t->latency = d->twin_latency;
	t->twin_latency = TH_NEVER;
	t->twin = true;
	return t;
}

static void end_sending(struct th_emu *e, struct th_emu_direction *w)
{
	struct th_emu_dgram *d = w->on_air, *twin = NULL;

	w->on_air = NULL;
	w->stats.airtime += th_time_until(d->departs, d->started > e->since ? d->started : e->since);
	e->talked = (int)d->way;
	e->silent_since = e->now;
	if (cut(e, d)) {
		finish(e, d, TH_EMU_OUTAGE);
		return;
	}
	if (d->lost) {
		finish(e, d, TH_EMU_LOST);
		return;
	}
	if (d->twin_latency != TH_NEVER)
		twin = twin_of(e, d);
	if (twin) {
		count(e, &w->stats.under_way, twin->n);
		note(e, TH_EMU_DOUBLED, twin);
	}
	fly(e, d);
	if (twin)
		fly(e, twin);
}

static void air_end(struct th_emu *e, struct th_emu_event *ev)
{
	end_sending(e, TH_OWNER(ev, struct th_emu_direction, air_end));
	send_next(e);
}

static void arrive(struct th_emu *e, struct th_emu_event *ev)
{
	struct th_emu_dgram *d = TH_OWNER(ev, struct th_emu_dgram, arrival);

	e->way[d->way].in_order -= !d->held_back;
	finish(e, d, cut(e, d) ? TH_EMU_OUTAGE : TH_EMU_DELIVERED);
}

/* ---- from outside ---- */

void th_emu_run(struct th_emu *e, th_time now)
{
	struct th_timer *t;

	while ((t = th_heap_pop(&e->events, now)) != NULL) {
		struct th_emu_event *ev = TH_OWNER(t, struct th_emu_event, timer);

		if (t->at > e->now)
			e->now = t->at;
		ev->fire(e, ev);
	}
	if (now > e->now)
		e->now = now;
}

void th_emu_run_before(struct th_emu *e, th_time now)
{
	if (now > e->now)
		th_emu_run(e, now - 1);
	if (now > e->now)
		e->now = now;
}

th_time th_emu_deadline(const struct th_emu *e)
{
	return th_heap_next(&e->events);
}

/* A datagram that is sent at once never waits, however small the queue. */
static bool queue_full(const struct th_emu *e, const struct th_emu_direction *w, size_t n)
{
	const struct th_emu_profile *p = &w->profile;
	const struct th_emu_count *q = &w->stats.waiting;
	bool idle =
		th_list_empty(&w->queue) && !w->on_air && (!half_duplex(e) || (!e->way[0].on_air && !e->way[1].on_air));

	if (idle)
		return false;
	if (p->queue_packets && q->dgrams >= p->queue_packets)
		return true;
	return p->queue_bytes && (q->bytes > p->queue_bytes || n + e->overhead > p->queue_bytes - q->bytes);
}

/* One that never got into the queue. */
static void refuse(struct th_emu *e, enum th_emu_event_kind kind, const struct th_emu_dgram *like, size_t n)
{
	struct th_emu_dgram d = { .way = like->way, .client = like->client, .order = like->order, .n = n };

	d.entered = d.started = d.departs = e->now;
	note(e, kind, &d);
}

void th_emu_enter(struct th_emu *e, enum th_emu_way way, uint64_t client, const uint8_t *p, size_t n, th_time now)
{
	struct th_emu_direction *w = &e->way[way];
	const struct th_emu_dgram like = { .way = way, .client = client, .order = ++e->order };
	struct th_emu_dgram *d;

	th_emu_run(e, now);
	count(e, &w->stats.entered, n);
	if (w->profile.mtu && n + e->overhead > w->profile.mtu) {
		refuse(e, TH_EMU_TOO_LARGE, &like, n);
		return;
	}
	d = queue_full(e, w, n) ? NULL : dgram_new(e, p, n);
	if (!d) {
		refuse(e, TH_EMU_OVERFLOW, &like, n);
		return;
	}
	d->way = way;
	d->client = client;
	d->order = like.order;
	d->entered = e->now;
	th_list_push(&w->queue, &d->link);
	count(e, &w->stats.waiting, n);
	send_next(e);
}

void th_emu_set_profile(struct th_emu *e, enum th_emu_way way, const struct th_emu_profile *p, th_time now)
{
	struct th_emu_direction *w = &e->way[way];

	th_emu_run_before(e, now);
	w->cuts += p->outage && !w->profile.outage;
	w->profile = *p;
	send_next(e); /* half duplex may have ended */
}

/* How long the one on the air has been so since `since`. */
static th_time so_far(const struct th_emu *e, const struct th_emu_direction *w)
{
	return w->on_air ? th_time_until(e->now, w->on_air->started > e->since ? w->on_air->started : e->since) : 0;
}

void th_emu_stats(const struct th_emu *e, enum th_emu_way way, struct th_emu_stats *out)
{
	*out = e->way[way].stats;
	out->elapsed = e->now - e->since;
	out->airtime += so_far(e, &e->way[way]);
}

void th_emu_reset_stats(struct th_emu *e)
{
	e->since = e->now;
	for (int w = 0; w < TH_EMU_WAYS; w++) {
		const struct th_emu_stats *s = &e->way[w].stats;

		e->way[w].stats = (struct th_emu_stats){ .waiting = s->waiting, .under_way = s->under_way };
	}
}
