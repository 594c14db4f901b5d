#include "sim/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 8, PERCENT = 100, PERMILLE = 1000, IDLE_TICKS_MAX = 1000 };

static void die(const char *who, const char *what)
{
	fprintf(stderr, "simulator: %s: %s\n", who, what);
	abort();
}

const char *sim_fate_text(enum sim_fate fate)
{
	static const char *const text[SIM_FATES] = { "sent",   "delivered", "lost",   "queue full",
						     "outage", "unrouted",  "doubled" };
	return text[fate];
}

struct th_addr sim_addr(uint8_t host, uint16_t port)
{
	struct th_addr a = { .port = port };

	memcpy(a.ip, (const uint8_t[]){ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, host }, sizeof(a.ip));
	return a;
}

void sim_net_init(struct sim_net *net, uint64_t seed)
{
	*net = (struct sim_net){ .rng_state = seed, .overhead = SIM_OVERHEAD_V4 };
	net->rng = th_rng_seeded(&net->rng_state);
	th_heap_init(&net->heap, &th_mem_libc);
	th_list_init(&net->hosts);
}

static void dgram_free(struct sim_dgram *d)
{
	d->free_next = d->net->free_dgrams;
	d->net->free_dgrams = d;
}

static void dgram_arrive(struct sim_event *e);

void sim_net_free(struct sim_net *net)
{
	struct th_timer *t;

	while ((t = th_heap_pop(&net->heap, TH_NEVER)) != NULL) {
		struct sim_event *e = TH_OWNER(t, struct sim_event, timer);

		if (e->fire == dgram_arrive)
			dgram_free(TH_OWNER(e, struct sim_dgram, event));
	}
	while (net->free_dgrams) {
		struct sim_dgram *d = net->free_dgrams;

		net->free_dgrams = d->free_next;
		free(d);
	}
	th_heap_free(&net->heap);
}

void sim_net_at(struct sim_net *net, struct sim_event *e, th_time at)
{
	if (th_heap_set(&net->heap, &e->timer, at) != TH_OK)
		die("net", "no memory");
}

void sim_net_cancel(struct sim_net *net, struct sim_event *e)
{
	th_heap_cancel(&net->heap, &e->timer);
}

/* Pipes */

void sim_pipe_init(struct sim_pipe *p, struct sim_net *net, const char *name, const struct sim_profile *profile)
{
	*p = (struct sim_pipe){ .name = name, .net = net };
	if (profile)
		p->profile = *profile;
}

void sim_pipe_outage(struct sim_pipe *p, th_time from, th_time to)
{
	if (p->n_outages == SIM_OUTAGES_MAX)
		die(p->name, "too many outages");
	p->outages[p->n_outages].from = from;
	p->outages[p->n_outages++].to = to;
}

static void account(struct sim_pipe *p, enum sim_fate fate, const struct sim_dgram *d)
{
	p->counts[fate].dgrams++;
	p->counts[fate].bytes += d->n + p->net->overhead;
	if (p->net->tap.see)
		p->net->tap.see(p->net->tap.user, fate, d);
}

static void drop(struct sim_dgram *d, enum sim_fate fate)
{
	account(d->pipe, fate, d);
	dgram_free(d);
}

static bool chance(struct sim_net *net, unsigned permille)
{
	return permille && th_rng_below(&net->rng, PERMILLE) < permille;
}

static bool lost_by_chance(struct sim_pipe *p)
{
	struct sim_profile *f = &p->profile;

	if (f->burst_enter_permille && chance(p->net, p->bad ? f->burst_leave_permille : f->burst_enter_permille))
		p->bad = !p->bad;
	return chance(p->net, p->bad ? f->burst_loss_permille : f->loss_permille);
}

static th_time airtime(const struct sim_pipe *p, size_t n)
{
	uint64_t bits = (uint64_t)(n + p->net->overhead) * BITS;

	return p->profile.rate_bps ? bits * TH_SEC / p->profile.rate_bps : 0;
}

/* Bytes still waiting, from the time the wire needs for them. */
static uint64_t backlog(const struct sim_pipe *p)
{
	th_time wait = th_time_until(p->free_at, p->net->now);

	return p->profile.rate_bps ? wait / TH_US * p->profile.rate_bps / BITS / (TH_SEC / TH_US) : 0;
}

static th_time draw_latency(struct sim_pipe *p)
{
	th_time spread = p->profile.latency / PERCENT * p->profile.jitter_percent;
	th_time latency = p->profile.latency;

	if (spread)
		latency = latency - (spread < latency ? spread : latency) + th_rng_below(&p->net->rng, 2 * spread + 1);
	if (chance(p->net, p->profile.reorder_permille))
		latency += p->profile.reorder_delay;
	return latency;
}

/* One nanosecond apart, so that equal times keep their order in the heap. */
static void schedule(struct sim_pipe *p, struct sim_dgram *d)
{
	th_time at = d->departs + draw_latency(p);
	bool may_overtake = p->profile.jitter_percent && !p->profile.in_order;

	if (at <= p->last_out && !may_overtake && !p->profile.reorder_permille)
		at = p->last_out + 1;
	if (at > p->last_out)
		p->last_out = at;
	sim_net_at(p->net, &d->event, at);
}

static struct sim_dgram *dgram_new(struct sim_net *net)
{
	struct sim_dgram *d = net->free_dgrams;

	if (d)
		net->free_dgrams = d->free_next;
	else
		d = malloc(sizeof(*d));
	if (!d)
		die("net", "no memory");
	d->event = (struct sim_event){ .fire = dgram_arrive };
	d->net = net;
	d->free_next = NULL;
	return d;
}

static struct sim_dgram *dgram_copy(const struct sim_dgram *from)
{
	struct sim_dgram *d = dgram_new(from->net);

	d->pipe = from->pipe;
	d->sender = from->sender;
	d->from = from->from;
	d->to = from->to;
	d->sent = from->sent;
	d->departs = from->departs;
	d->n = from->n;
	memcpy(d->bytes, from->bytes, from->n);
	return d;
}

/* Takes the datagram over. */
static void pipe_enter(struct sim_pipe *p, struct sim_dgram *d)
{
	struct sim_net *net = p->net;
	th_time start;

	d->pipe = p;
	account(p, SIM_SENT, d);
	switch (p->gate ? p->gate(p->gate_user, d) : SIM_GATE_PASS) {
	case SIM_GATE_LOSE:
		drop(d, SIM_LOST);
		return;
	case SIM_GATE_TAKE:
		dgram_free(d);
		return;
	case SIM_GATE_PASS:
		break;
	}
	if (p->profile.queue_bytes && backlog(p) + d->n + net->overhead > p->profile.queue_bytes) {
		drop(d, SIM_OVERFLOW);
		return;
	}
	start = p->free_at > net->now ? p->free_at : net->now;
	d->departs = p->free_at = start + airtime(p, d->n);
	if (lost_by_chance(p)) {
		drop(d, SIM_LOST);
		return;
	}
	if (chance(net, p->profile.dup_permille)) {
		struct sim_dgram *twin = dgram_copy(d);

		account(p, SIM_DOUBLED, twin);
		schedule(p, twin);
	}
	schedule(p, d);
}

static bool in_outage(const struct sim_pipe *p, th_time from, th_time to)
{
	for (size_t i = 0; i < p->n_outages; i++)
		if (from < p->outages[i].to && to >= p->outages[i].from)
			return true;
	return false;
}

static struct sim_host *host_of(struct sim_net *net, const struct th_addr *addr)
{
	TH_LIST_EACH(it, &net->hosts)
	{
		struct sim_host *h = TH_OWNER(it, struct sim_host, link);

		if (th_addr_eq(&h->addr, addr))
			return h;
	}
	return NULL;
}

static void set_clock(struct sim_host *h)
{
	h->clock = h->net->now + h->skew;
}

static void dgram_arrive(struct sim_event *e)
{
	struct sim_dgram *d = TH_OWNER(e, struct sim_dgram, event);
	struct sim_pipe *p = d->pipe;
	struct sim_host *h;

	if (in_outage(p, d->departs, p->net->now)) {
		drop(d, SIM_OUTAGE);
		return;
	}
	if (p->next) {
		account(p, SIM_DELIVERED, d);
		pipe_enter(p->next, d);
		return;
	}
	h = host_of(p->net, &d->to);
	if (!h) {
		drop(d, SIM_UNROUTED);
		return;
	}
	account(p, SIM_DELIVERED, d);
	h->machine.rx(h->machine.ctx, &d->from, d->bytes, d->n);
	dgram_free(d);
}

/* Hosts */

static void host_wake(struct sim_event *e)
{
	struct sim_host *h = TH_OWNER(e, struct sim_host, wake);

	if (h->last_tick == h->net->now) {
		if (++h->idle_ticks > IDLE_TICKS_MAX)
			die(h->name, "its deadline never moves on: tick does not do what was due");
	} else {
		h->idle_ticks = 0;
	}
	h->last_tick = h->net->now;
	h->machine.tick(h->machine.ctx);
}

void sim_host_init(struct sim_host *h, struct sim_net *net, const char *name, const struct th_addr *addr,
		   struct sim_pipe *out)
{
	*h = (struct sim_host){ .name = name, .net = net, .addr = *addr, .out = out, .last_tick = TH_NEVER };
	h->wake.fire = host_wake;
	th_list_push(&net->hosts, &h->link);
	set_clock(h);
}

void sim_host_remove(struct sim_host *h)
{
	sim_net_cancel(h->net, &h->wake);
	th_list_remove(&h->link);
}

void sim_host_rebind(struct sim_host *h, const struct th_addr *addr)
{
	h->addr = *addr;
}

void sim_host_jump(struct sim_host *h, th_time by)
{
	h->skew += by;
	set_clock(h);
}

/* Returns whether it sent anything. */
static bool pump(struct sim_host *h)
{
	struct sim_net *net = h->net;
	bool any = false;

	for (;;) {
		struct sim_dgram *d = dgram_new(net);

		d->n = h->machine.tx(h->machine.ctx, &d->to, d->bytes, sizeof(d->bytes));
		if (d->n == 0) {
			dgram_free(d);
			break;
		}
		any = true;
		d->from = h->addr;
		d->sender = h;
		d->sent = net->now;
		pipe_enter(h->out, d);
	}
	return any;
}

static void arm(struct sim_host *h)
{
	th_time at = h->machine.deadline(h->machine.ctx);

	if (at == TH_NEVER) {
		sim_net_cancel(h->net, &h->wake);
		return;
	}
	at = at > h->skew ? at - h->skew : 0;
	if (at < h->net->now)
		at = h->net->now;
	if (!th_timer_is_set(&h->wake.timer) || h->wake.timer.at != at)
		sim_net_at(h->net, &h->wake, at);
}

void sim_net_flush(struct sim_net *net)
{
	bool again = true;

	while (again) {
		again = false;
		TH_LIST_EACH(it, &net->hosts)
		again |= pump(TH_OWNER(it, struct sim_host, link));
	}
	TH_LIST_EACH(it, &net->hosts)
	arm(TH_OWNER(it, struct sim_host, link));
}

void sim_net_deliver(struct sim_net *net, const struct th_addr *from, const struct th_addr *to, const uint8_t *p,
		     size_t n)
{
	struct sim_host *h = host_of(net, to);

	if (!h)
		return;
	h->machine.rx(h->machine.ctx, from, p, n);
	sim_net_flush(net);
}

/* Every host's clock moves, as clients and homeservers call into machines between their own events. */
static void set_time(struct sim_net *net, th_time now)
{
	if (now <= net->now)
		return;
	net->now = now;
	TH_LIST_EACH(it, &net->hosts)
		set_clock(TH_OWNER(it, struct sim_host, link));
}

bool sim_net_step(struct sim_net *net, th_time limit)
{
	struct th_timer *t;

	sim_net_flush(net);
	if (th_heap_next(&net->heap) > limit) {
		if (limit != TH_NEVER)
			set_time(net, limit);
		return false;
	}
	t = th_heap_pop(&net->heap, TH_NEVER);
	if (!t)
		return false;
	set_time(net, t->at);
	net->events++;
	TH_OWNER(t, struct sim_event, timer)->fire(TH_OWNER(t, struct sim_event, timer));
	sim_net_flush(net);
	return true;
}

void sim_net_run(struct sim_net *net, th_time until)
{
	while (sim_net_step(net, until))
		;
}
