/* Sync push (docs/internals/sync.md) on virtual time: first what one step must look like, datagram by datagram; then
 * kills of either half at any moment under loss. `sync_test [KILLS [FIRST_SEED]]` */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/node.h"
#include "sim/sync_home.h"
#include "sim/sync_loop.h"
#include "sim/world.h"

#define CHECK(what)                                                                                                    \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                                      \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

/* Memory that is short now and then. */
struct poor {
	struct th_rng rng;
	uint64_t rng_state;
	unsigned one_in; /* so many allocations fails; 0: none */
	uint64_t failed;
};

static void *poor_alloc(void *ctx, size_t n)
{
	struct poor *p = ctx;

	if (p->one_in && th_rng_below(&p->rng, p->one_in) == 0) {
		p->failed++;
		return NULL;
	}
	return th_mem_libc.alloc(th_mem_libc.ctx, n);
}

static void poor_release(void *ctx, void *p)
{
	(void)ctx;
	th_mem_libc.release(th_mem_libc.ctx, p);
}

struct stand {
	struct poor poor;
	struct th_mem mem;
	struct sim_world world;
	struct sync_home home;
	struct sync_loop loop;
	char last_line[256];
	unsigned reports;
};

static struct th_flow_server *door(void *user)
{
	struct stand *s = user;

	return sim_world_door(&s->world);
}

static void on_report(void *user, const struct th_report *r)
{
	struct stand *s = user;

	s->reports++;
	snprintf(s->last_line, sizeof(s->last_line), "%s %s %u up %u %" PRIu64 " down %u %" PRIu64, r->half, r->route,
		 r->status, r->datagrams_up, r->link_bytes_up, r->datagrams_down, r->link_bytes_down);
	if (getenv("SYNC_VERBOSE"))
		printf("%10.3f %s err %d\n", (double)s->world.net.now / 1e9, s->last_line, r->err);
}

static bool model; /* of new stands: codes by it, not by flate */

static struct stand *stand_new(uint64_t seed, bool push, unsigned loss_permille)
{
	struct stand *s = calloc(1, sizeof(*s));
	struct sim_world_config c;

	sim_world_config_default(&c);
	c.seed = seed;
	c.secure = true;
	c.sync_push = push;
	c.no_model = !model;
	c.up.latency = c.down.latency = 200 * TH_MS;
	c.up.jitter_percent = c.down.jitter_percent = 20;
	c.up.loss_permille = c.down.loss_permille = loss_permille;
	c.homeserver = &s->home.server;
	s->mem = (struct th_mem){ poor_alloc, poor_release, &s->poor };
	s->poor.rng_state = seed;
	s->poor.rng = th_rng_seeded(&s->poor.rng_state);
	c.mem = &s->mem;
	sync_home_init(&s->home, &s->world.net);
	sim_world_init(&s->world, &c);
	s->world.report = on_report;
	s->world.report_user = s;
	sync_loop_init(&s->loop, &s->world.net, &s->home, door, s);
	return s;
}

static void stand_del(struct stand *s)
{
	sync_loop_stop(&s->loop);
	sim_world_free(&s->world);
	sync_home_free(&s->home);
	free(s);
}

static void run(struct stand *s, th_time t)
{
	th_time until = s->world.net.now + t;

	while (sim_net_step(&s->world.net, until))
		sync_home_turn(&s->home);
}

static void send(struct stand *s)
{
	sync_home_send(&s->home);
	sim_net_flush(&s->world.net);
}

static uint64_t datagrams(const struct stand *s)
{
	return s->world.up.counts[SIM_SENT].dgrams + s->world.down.counts[SIM_SENT].dgrams;
}

static uint64_t bytes(const struct stand *s)
{
	return s->world.up.counts[SIM_SENT].bytes + s->world.down.counts[SIM_SENT].bytes;
}

static struct th_node_stats near(const struct stand *s)
{
	return sim_node_stats(s->world.side[SIM_NEAR].node);
}

static struct th_node_stats far(const struct stand *s)
{
	return sim_node_stats(s->world.side[SIM_FAR].node);
}

/* The loop has its first two answers, and the registration stands. */
static struct stand *running(bool push)
{
	struct stand *s = stand_new(7, push, 0);

	send(s);
	sync_loop_start(&s->loop);
	run(s, 40 * TH_SEC);
	send(s);
	run(s, 5 * TH_SEC);
	CHECK(s->loop.taken == 2);
	return s;
}

static void measure(const char *what, struct stand *s, uint64_t n0, uint64_t b0)
{
	printf("%-44s %4" PRIu64 " datagrams %6" PRIu64 " bytes\n", what, datagrams(s) - n0, bytes(s) - b0);
}

/* A batch: a notification and its ACK. An hour of nothing: nothing. */
static void figures(bool push)
{
	struct stand *s = running(push);
	uint64_t n0 = datagrams(s), b0 = bytes(s), polls;

	printf("sync push %s\n", push ? "on" : "off");
	send(s);
	run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 3);
	measure("  a batch", s, n0, b0);
	if (push)
		CHECK(datagrams(s) - n0 == 2);
	run(s, 60 * TH_SEC);
	n0 = datagrams(s), b0 = bytes(s), polls = s->loop.polls;
	run(s, 30 * TH_SEC);
	measure("  an idle poll", s, n0, b0);
	run(s, 3570 * TH_SEC);
	measure("  an idle hour", s, n0, b0);
	CHECK(s->loop.polls - polls >= 110);
	if (push)
		CHECK(datagrams(s) == n0 && far(s).sync_pollers == 1 && near(s).sync_idle >= 110);
	send(s);
	run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 4 && s->loop.doubled == 0 && s->loop.failures == 0);
	stand_del(s);
}

/* What a poll in vain gets is what the homeserver would say, by the byte. */
static void idle_answer(void)
{
	struct stand *s = running(true);
	char direct[512];

	run(s, 100 * TH_SEC);
	snprintf(direct, sizeof(direct),
		 "{\"next_batch\":\"%s\",\"device_one_time_keys_count\":{\"signed_curve25519\":50}}", s->loop.since);
	CHECK(strcmp(s->loop.last, direct) == 0);
	/* that keys were used up is news, though it wakes nobody */
	s->home.keys = 49;
	run(s, 110 * TH_SEC);
	CHECK(strstr(s->loop.last, "49") != NULL);
	/* that the stream has moved on is none: the client keeps its token */
	snprintf(direct, sizeof(direct), "%s", s->loop.since);
	sync_home_move(&s->home);
	uint64_t n0 = datagrams(s);
	run(s, 200 * TH_SEC);
	CHECK(strcmp(direct, s->loop.since) == 0 && datagrams(s) == n0);
	send(s);
	run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 3);
	stand_del(s);
}

struct copies {
	struct sim_dgram first;
	unsigned sent, same;
};

static enum sim_gate_verdict lose_first(void *user, const struct sim_dgram *d)
{
	struct copies *c = user;

	if (c->sent++ == 0) {
		c->first = *d;
		return SIM_GATE_LOSE;
	}
	c->same += d->n == c->first.n && memcmp(d->bytes, c->first.bytes, d->n) == 0;
	return SIM_GATE_PASS;
}

/* A copy is the datagram that was sent, also when the request that it answers is so long ago that its name is long. */
static void copies_are_the_same(void)
{
	struct stand *s = running(true);
	struct copies c = { .sent = 0 };

	for (unsigned i = 0; i < 100; i++) {
		send(s);
		run(s, 3 * TH_SEC);
	}
	CHECK(s->loop.taken == 102 && far(s).sync_pollers == 1);
	s->world.down.gate = lose_first;
	s->world.down.gate_user = &c;
	send(s);
	run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 103 && s->loop.doubled == 0);
	CHECK(c.sent == 2 && c.same == 1);
	s->world.down.gate = NULL;
	stand_del(s);
}

/* A client that does not come back: the notification is reset, nobody polls for it any more; when it returns it has
 * lost nothing. */
static void client_leaves(void)
{
	struct stand *s = running(true);

	sync_loop_stop(&s->loop);
	run(s, 60 * TH_SEC);
	CHECK(far(s).sync_pollers == 1);
	send(s);
	run(s, 30 * TH_SEC);
	CHECK(far(s).sync_pollers == 0 && near(s).sync_refused == 1);
	send(s);
	run(s, 30 * TH_SEC);
	sync_loop_start(&s->loop);
	run(s, 10 * TH_SEC);
	CHECK(s->loop.taken == 4 && s->loop.doubled == 0 && s->home.lost == 0 && far(s).sync_pollers == 1);
	stand_del(s);
}

/* One that is gone for good is not polled for: to others it would seem to be online for ever. What comes then it gets
 * when it returns. */
static void client_is_gone(void)
{
	struct stand *s = running(true);
	uint64_t n0;

	sync_loop_stop(&s->loop);
	run(s, 300 * TH_SEC);
	CHECK(far(s).sync_pollers == 0);
	n0 = datagrams(s);
	send(s);
	run(s, 300 * TH_SEC);
	CHECK(datagrams(s) == n0);
	sync_loop_start(&s->loop);
	run(s, 10 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0 && s->home.lost == 0 && far(s).sync_pollers == 1);
	stand_del(s);
}

/* So is one whose ingress half died without a word. */
static void near_is_gone(void)
{
	struct stand *s = stand_new(7, true, 0);

	s->world.config.sync_check = 600 * TH_SEC;
	sim_world_kill(&s->world, SIM_NEAR);
	sim_world_start(&s->world, SIM_NEAR);
	sim_world_kill(&s->world, SIM_FAR);
	sim_world_start(&s->world, SIM_FAR);
	sync_loop_start(&s->loop);
	run(s, 3600 * TH_SEC);
	CHECK(far(s).sync_pollers == 1 && s->loop.failures == 0);
	sim_world_kill(&s->world, SIM_NEAR);
	run(s, 1800 * TH_SEC);
	CHECK(far(s).sync_pollers == 0);
	stand_del(s);
}

/* One that thinks for longer than its turn may take registers anew, every time. */
static void client_is_slow(void)
{
	struct stand *s = running(true);

	s->loop.think_most = 20 * TH_SEC;
	for (unsigned i = 0; i < 200; i++) {
		send(s);
		run(s, 13 * TH_SEC);
	}
	run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 202 && s->loop.doubled == 0 && s->home.lost == 0 && !s->home.bug);
	CHECK(near(s).sync_refused > 20);
	stand_del(s);
}

/* 401 reaches the client; so does the way back. */
static void logged_out(void)
{
	struct stand *s = running(true);

	s->home.status = 401;
	sync_home_crash(&s->home);
	run(s, 100 * TH_SEC);
	CHECK(s->loop.last_status == 401 && strstr(s->loop.last, "M_UNKNOWN_TOKEN"));
	s->home.status = 0;
	send(s);
	run(s, 30 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

/* A client that logs out itself: its next poll gets 401, and so does the one that is held, no later than without us. */
static void logs_out(bool held)
{
	struct stand *s = running(true);
	struct sync_loop other;

	if (!held)
		sync_loop_stop(&s->loop);
	sync_loop_init(&other, &s->world.net, &s->home, door, s);
	other.target = "/_matrix/client/v3/logout";
	sync_loop_start(&other);
	run(s, 2 * TH_SEC);
	CHECK(other.last_status == 200);
	sync_loop_stop(&other);
	sync_loop_start(&s->loop);
	run(s, 2 * TH_SEC);
	CHECK(s->loop.last_status == 401 && strstr(s->loop.last, "M_UNKNOWN_TOKEN"));
	run(s, 200 * TH_SEC);
	CHECK(far(s).sync_pollers == 0 && s->loop.last_status == 401);
	stand_del(s);
}

/* A client that changes its request with every poll has no more than a few registrations. */
static void restless(void)
{
	struct stand *s = running(true);
	char query[32];

	s->loop.query = query;
	s->loop.timeout_ms = 1000;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(query, sizeof(query), "x=%u&", i);
		run(s, TH_SEC);
	}
	send(s);
	run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0 && s->loop.failures == 0 && s->home.lost == 0);
	CHECK(far(s).sync_pollers <= 8);
	stand_del(s);
}

/* A homeserver that restarts is waited for; one that is gone for long is reported. */
static void homeserver_restarts(void)
{
	struct stand *s = running(true);
	uint64_t failures = s->loop.failures, n0;

	s->home.down = true;
	sync_home_crash(&s->home);
	run(s, 60 * TH_SEC);
	s->home.down = false;
	n0 = datagrams(s);
	run(s, 60 * TH_SEC);
	CHECK(s->loop.failures == failures && datagrams(s) == n0);
	send(s);
	run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 3);
	s->home.down = true;
	sync_home_crash(&s->home);
	run(s, 300 * TH_SEC);
	CHECK(s->loop.failures > failures && s->loop.last_status == 502);
	s->home.down = false;
	send(s);
	run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 4 && s->loop.doubled == 0);
	stand_del(s);
}

/* More than a message holds: the answer ends the observation, streams, and the next poll begins another. */
static void large_batches(void)
{
	struct stand *s = running(true);

	s->home.padding = 3000;
	for (unsigned i = 0; i < 20; i++) {
		send(s);
		run(s, 20 * TH_SEC);
	}
	CHECK(s->loop.taken == 22 && s->loop.doubled == 0);
	s->home.padding = 8000; /* ten of them are no notification at all */
	for (unsigned i = 0; i < 10; i++)
		sync_home_send(&s->home);
	sim_net_flush(&s->world.net);
	run(s, 1200 * TH_SEC);
	CHECK(s->loop.taken == 32 && s->loop.doubled == 0 && s->loop.failures == 0);
	s->home.padding = 0;
	send(s);
	run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 33 && far(s).sync_pollers == 1);
	stand_del(s);
}

/* timeout=0, full_state and another filter are asked over the link, and give what the homeserver says now. */
static void other_polls(void)
{
	struct stand *s = running(true);
	uint64_t asked = s->home.asked;

	s->loop.timeout_ms = 0;
	s->loop.think_most = 10 * TH_SEC;
	run(s, 120 * TH_SEC);
	CHECK(s->home.asked > asked + 5);
	asked = s->home.asked;
	s->loop.query = "full_state=true&";
	run(s, 120 * TH_SEC);
	CHECK(s->home.asked > asked + 5 && s->loop.failures == 0);
	s->loop.query = "filter=1&";
	s->loop.timeout_ms = 30000;
	s->loop.think_most = 0;
	run(s, 60 * TH_SEC);
	send(s);
	run(s, 5 * TH_SEC);
	CHECK(s->loop.taken == 3 && far(s).sync_pollers == 1 && near(s).sync_watches == 2);
	s->loop.token = "Bearer other";
	run(s, 120 * TH_SEC);
	send(s);
	run(s, 20 * TH_SEC);
	CHECK(s->loop.taken == 4 && near(s).sync_watches == 3);
	stand_del(s);
}

/* A far half that knows nothing of this: the homeserver itself answers each poll. */
static void deaf(void)
{
	struct stand *s = stand_new(7, true, 0);
	uint64_t asked;

	s->world.config.sync_push = false;
	sim_world_kill(&s->world, SIM_FAR);
	sim_world_start(&s->world, SIM_FAR);
	send(s);
	sync_loop_start(&s->loop);
	run(s, 40 * TH_SEC);
	asked = s->home.asked;
	run(s, 300 * TH_SEC);
	CHECK(near(s).sync_idle == 0 && s->home.asked >= asked + 9);
	send(s);
	run(s, 2 * TH_SEC);
	CHECK(s->loop.taken == 2 && s->loop.doubled == 0 && s->loop.failures == 0);
	stand_del(s);
}

/* A homeserver that has the same news again and again: not all the time over the link, and only while somebody polls. */
static void stuck(void)
{
	struct stand *s = running(true);
	uint64_t n0;

	s->home.stuck = true;
	send(s);
	run(s, 60 * TH_SEC);
	n0 = datagrams(s);
	run(s, 300 * TH_SEC);
	CHECK(datagrams(s) - n0 < 150);
	sync_loop_stop(&s->loop);
	run(s, 300 * TH_SEC);
	n0 = datagrams(s);
	run(s, 300 * TH_SEC);
	CHECK(datagrams(s) == n0 && far(s).sync_pollers == 0);
	s->home.stuck = false;
	sync_loop_start(&s->loop);
	run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

/* The far half stops in order: it says so, and the poll that is held asks anew at once. */
static void far_drains(void)
{
	struct stand *s = running(true);

	sim_node_drain(s->world.side[SIM_FAR].node);
	sim_net_flush(&s->world.net);
	run(s, TH_SEC);
	sim_world_kill(&s->world, SIM_FAR);
	run(s, 2 * TH_SEC);
	sim_world_start(&s->world, SIM_FAR);
	run(s, 60 * TH_SEC);
	send(s);
	run(s, 5 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

/* An outage longer than the far half's patience: it tries again now and then. When the near half is heard before, at once. */
static void outage(bool heard)
{
	struct stand *s = running(true);
	th_time now = s->world.net.now;

	sim_pipe_outage(&s->world.up, now, now + 600 * TH_SEC);
	sim_pipe_outage(&s->world.down, now, now + 600 * TH_SEC);
	send(s);
	run(s, 599 * TH_SEC);
	CHECK(s->loop.taken == 2);
	if (heard) {
		s->loop.timeout_ms = 0; /* makes it say something */
		run(s, 31 * TH_SEC);
		s->loop.timeout_ms = 30000;
		run(s, 30 * TH_SEC);
	} else {
		run(s, 700 * TH_SEC);
	}
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

static void roams(void)
{
	struct stand *s = running(true);

	sim_world_rebind(&s->world, SIM_NEAR);
	send(s); /* to the old address: nobody gets it, until the near half says something */
	run(s, 100 * TH_SEC);
	s->loop.timeout_ms = 0;
	run(s, 31 * TH_SEC);
	s->loop.timeout_ms = 30000;
	run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

/* ---- kills ---- */

enum { KILLS_EACH = 250 };

static uint64_t below(struct stand *s, uint64_t n)
{
	return th_rng_below(&s->world.net.rng, n);
}

static void steps(struct stand *s, uint64_t n)
{
	for (uint64_t i = 0; i < n && sim_net_step(&s->world.net, s->world.net.now + 20 * TH_SEC); i++)
		sync_home_turn(&s->home);
}

static void kills(uint64_t seed, unsigned count)
{
	struct stand *s = stand_new(seed, true, 200);
	uint64_t pushed = 0;

	s->world.config.sync_check = 60 * TH_SEC;
	sim_world_kill(&s->world, SIM_NEAR);
	sim_world_start(&s->world, SIM_NEAR);
	sync_loop_start(&s->loop);
	for (unsigned i = 0; i < count; i++) {
		int side = below(s, 2) ? SIM_NEAR : SIM_FAR;

		s->loop.think_most = below(s, 3) ? 0 : 8 * TH_SEC;
		s->home.padding = below(s, 8) ? 0 : 2000;
		if (below(s, 4))
			run(s, below(s, 90000) * TH_MS); /* it may have come to rest */
		for (uint64_t more = below(s, 4); more > 0; more--) {
			send(s);
			run(s, below(s, 3000) * TH_MS);
		}
		if (below(s, 4) == 0)
			sync_home_move(&s->home);
		if (below(s, 20) == 0)
			s->home.keys--;
		if (below(s, 20) == 0)
			sync_home_crash(&s->home);
		steps(s, 1 + below(s, 40));
		if (below(s, 2))
			send(s);
		steps(s, 1 + below(s, 12));
		pushed += side == SIM_NEAR ? near(s).sync_pushed : 0;
		sim_world_kill(&s->world, side);
		if (below(s, 4) == 0)
			run(s, below(s, 5000) * TH_MS);
		sim_world_start(&s->world, side);
		sim_net_flush(&s->world.net);
		if (s->home.bug || s->loop.doubled) {
			printf("seed %" PRIu64 ", kill %u: %s, %" PRIu64 " doubled\n", seed, i,
			       s->home.bug ? s->home.bug : "-", s->loop.doubled);
			exit(1);
		}
	}
	s->loop.think_most = 0;
	run(s, 1800 * TH_SEC);
	if (s->loop.taken != s->home.sent || s->home.lost || s->home.bug || s->loop.doubled) {
		printf("seed %" PRIu64 ": %" PRIu64 " sent, %" PRIu64 " taken, %" PRIu64 " doubled, %s\n", seed,
		       s->home.sent, s->loop.taken, s->loop.doubled, s->home.bug ? s->home.bug : "-");
		exit(1);
	}
	pushed += near(s).sync_pushed;
	CHECK(pushed > count / 4 && far(s).sync_pollers >= 1);
	printf("seed %" PRIu64 ": %u kills in %.0f h, %" PRIu64 " messages, %" PRIu64 " polls, %" PRIu64
	       " pushed, 0 lost, 0 doubled\n",
	       seed, count, (double)s->world.net.now / 3.6e12, s->home.sent, s->loop.polls, pushed);
	stand_del(s);
}

/* Allocations fail at both ends, at any step; then there is memory again. */
static void short_of_memory(uint64_t seed)
{
	struct stand *s = stand_new(seed, true, 100);
	uint64_t failed;

	s->world.config.sync_check = 60 * TH_SEC;
	sim_world_kill(&s->world, SIM_NEAR);
	sim_world_start(&s->world, SIM_NEAR);
	sync_loop_start(&s->loop);
	for (unsigned i = 0; i < 300; i++) {
		s->poor.one_in = below(s, 3) ? 4 + (unsigned)below(s, 60) : 0;
		s->loop.think_most = below(s, 3) ? 0 : 8 * TH_SEC;
		s->home.padding = below(s, 8) ? 0 : 6000;
		send(s);
		run(s, below(s, 4) ? below(s, 5000) * TH_MS : below(s, 90) * TH_SEC);
		if (below(s, 10) == 0)
			sync_home_crash(&s->home);
		if (below(s, 30) == 0) {
			s->poor.one_in = 0;
			sim_world_kill(&s->world, SIM_NEAR);
			sim_world_start(&s->world, SIM_NEAR);
		}
	}
	failed = s->poor.failed;
	s->poor.one_in = 0;
	s->loop.think_most = 0;
	run(s, 1800 * TH_SEC);
	if (s->loop.taken != s->home.sent || s->home.lost || s->home.bug || s->loop.doubled) {
		printf("short of memory, seed %" PRIu64 ": %" PRIu64 " sent, %" PRIu64 " taken, %" PRIu64
		       " doubled, %s\n",
		       seed, s->home.sent, s->loop.taken, s->loop.doubled, s->home.bug ? s->home.bug : "-");
		exit(1);
	}
	CHECK(failed > 20);
	stand_del(s);
}

/* A thin link that loses, both ends told so: what is there to be told arrives within minutes, though nothing else is ever
 * said. Now and then only one way is left, for longer than anything is sent again for. */
static void thin(uint64_t seed, unsigned loss_percent)
{
	enum { TURNS = 40 };
	const struct sim_profile link = {
		.rate_bps = 1000, .latency = 500 * TH_MS, .jitter_percent = 40, .loss_permille = loss_percent * 10
	};
	const struct th_link_profile told = { .up_bps = 1000,
					      .down_bps = 1000,
					      .latency = 500 * TH_MS,
					      .jitter_percent = 40,
					      .loss_percent = loss_percent,
					      .ours = true };
	struct stand *s = stand_new(seed, true, 0);

	s->world.config.profile[SIM_NEAR] = s->world.config.profile[SIM_FAR] = told;
	s->world.up.profile = s->world.down.profile = link;
	for (int side = 0; side < SIM_SIDES; side++) {
		sim_world_kill(&s->world, side);
		sim_world_start(&s->world, side);
	}
	sync_loop_start(&s->loop);
	for (unsigned i = 0; i < TURNS; i++) {
		s->loop.think_most = below(s, 3) ? 0 : 8 * TH_SEC;
		for (uint64_t more = below(s, 3); more > 0; more--) {
			s->home.padding = below(s, 4) ? 0 : (unsigned)below(s, 3000);
			send(s);
			run(s, below(s, 30000) * TH_MS);
		}
		s->loop.think_most = 0;
		if (below(s, 8) == 0) {
			th_time now = s->world.net.now;

			sim_pipe_outage(below(s, 2) ? &s->world.up : &s->world.down, now, now + 1200 * TH_SEC);
			send(s);
			run(s, 3000 * TH_SEC);
		}
		send(s);
		run(s, 1800 * TH_SEC);
		if (s->loop.taken == s->home.sent && s->loop.doubled == 0 && !s->home.bug)
			continue;
		printf("thin, %u %% loss, seed %" PRIu64 ", turn %u: %" PRIu64 " sent, %" PRIu64 " taken, %" PRIu64 " doubled, %s\n",
		       loss_percent, seed, i, s->home.sent, s->loop.taken, s->loop.doubled, s->home.bug ? s->home.bug : "-");
		exit(1);
	}
	stand_del(s);
}

int main(int argc, char **argv)
{

	unsigned long total = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	model = true; /* as daemons do */
	figures(false);
	figures(true);
	model = false;
	idle_answer();
	copies_are_the_same();
	client_leaves();
	client_is_gone();
	near_is_gone();
	client_is_slow();
	logged_out();
	logs_out(true);
	logs_out(false);
	restless();
	homeserver_restarts();
	large_batches();
	other_polls();
	deaf();
	stuck();
	far_drains();
	outage(true);
	outage(false);
	roams();
	for (uint64_t i = 0; i < 20; i++)
		short_of_memory(seed + i);
	/* each has found something: a session without a dialogue, an answer whose rest never comes */
	short_of_memory(305);
	short_of_memory(1259);
	for (uint64_t i = 0; i < 2 + total / 200; i++)
		for (unsigned loss = 0; loss <= 40; loss += 10)
			thin(seed + i, loss);
	for (unsigned long done = 0; done < total; done += KILLS_EACH)
		kills(seed++, KILLS_EACH);
	return 0;
}
