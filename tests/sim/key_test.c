/* Another key behind the far side's address: the near side notices, sends it nothing, and says so within seconds (as a
 * link counts them); it goes on by itself when the old key is back, or when the new one is trusted.
 *
 *     key_test [SEEDS [FIRST_SEED]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/session.h"
#include "sim/lone.h"

static const th_time patience = 3600 * TH_SEC;

struct link {
	const char *name;
	struct sim_profile link;
	struct th_link_profile told;
	th_time notice; /* how soon the first exchange fails */
	th_time again;	/* and those that follow */
};

static const struct link links[] = {
	{ "fast, not told", { .latency = TH_MS }, { .latency = 0 }, 6 * TH_SEC, TH_SEC },
	{ "40 ms, not told", { .latency = 20 * TH_MS }, { .latency = 0 }, 6 * TH_SEC, TH_SEC },
	{ "satellite", { .latency = 300 * TH_MS }, { .latency = 300 * TH_MS }, 75 * TH_SEC, 2 * TH_SEC },
	{ "9600 bit/s",
	  { .rate_bps = 9600, .latency = 100 * TH_MS },
	  { .up_bps = 9600, .down_bps = 9600, .latency = 100 * TH_MS, .ours = true },
	  15 * TH_SEC,
	  2 * TH_SEC },
	{ "100 bit/s",
	  { .rate_bps = 100, .latency = 4 * TH_SEC },
	  { .up_bps = 100, .down_bps = 100, .latency = 4 * TH_SEC, .ours = true },
	  400 * TH_SEC,
	  120 * TH_SEC },
};

static void is_refused(struct lone *p, th_time within)
{
	if (lone_exchange(p) > within)
		lone_complain(p, "refused too late");
	if (p->client.state != SIM_CLIENT_FAILED || p->client.err != TH_ERR_REFUSED || p->client.fail_status != 502 ||
	    !strstr(p->client.reason, "not the key that is known"))
		lone_complain(p, "should be refused");
	if (sim_server_seen(&p->world.server, "PUT", p->target))
		lone_complain(p, "reached the homeserver");
}

static void restart(struct lone *p, int side, const struct th_noise_pair *own)
{
	sim_world_kill(&p->world, side);
	if (own)
		p->world.side[side].own = *own;
	sim_world_start(&p->world, side);
	sim_net_flush(&p->world.net);
}

static void wait(struct lone *p, th_time t)
{
	sim_net_run(&p->world.net, p->world.net.now + t);
}

static unsigned play(uint64_t seed, const struct link *l, bool first_contact, bool cold)
{
	struct lone *p = lone_new(seed, l->name, &l->link, &l->told, first_contact, cold, patience);
	struct th_noise_pair old = p->world.side[SIM_FAR].own, new;

	if (!th_noise_keygen(&new, &p->world.side[SIM_NEAR].rng))
		abort();
	lone_succeeds(p);
	lone_succeeds(p);
	restart(p, SIM_FAR, &new);
	if (cold)
		restart(p, SIM_NEAR, NULL);
	is_refused(p, l->notice);
	is_refused(p, l->again);
	is_refused(p, l->again);
	wait(p, 100 * TH_SEC);
	is_refused(p, l->again);
	restart(p, SIM_FAR, &old);	      /* whoever stood between is gone */
	wait(p, TH_SEC); /* it asks no more than once a second */
	lone_succeeds(p);
	lone_succeeds(p);
	restart(p, SIM_FAR, &new);
	is_refused(p, l->notice);
	memcpy(p->world.trusted, new.public, sizeof(new.public)); /* whoever runs it has been asked */
	wait(p, 10 * TH_SEC);
	lone_exchange(p);
	lone_succeeds(p);
	if (lone_succeeds(p) > l->again)
		lone_complain(p, "goes on too slowly");
	return lone_free(p);
}

/* ---- so many refusals that the session gives no further message a number ---- */

static unsigned many(uint64_t seed)
{
	enum { REFUSALS = 600 }; /* names in a session: 256 (coap/naming.h) */
	const struct link *l = &links[0];
	struct lone *p = lone_new(seed, "many refusals", &l->link, &l->told, false, false, patience);
	struct th_noise_pair new;
	uint64_t sent;

	if (!th_noise_keygen(&new, &p->world.side[SIM_NEAR].rng))
		abort();
	lone_succeeds(p);
	restart(p, SIM_FAR, &new);
	is_refused(p, l->notice);
	sent = p->world.up.counts[SIM_SENT].dgrams;
	for (unsigned i = 0; i < REFUSALS; i++) {
		is_refused(p, l->again);
		is_refused(p, 0); /* a moment later nothing is sent */
		wait(p, TH_SEC);
	}
	if (p->world.up.counts[SIM_SENT].dgrams - sent > 5 * REFUSALS)
		lone_complain(p, "sends much to whom it refuses");
	memcpy(p->world.trusted, new.public, sizeof(new.public));
	wait(p, 10 * TH_SEC);
	lone_exchange(p);
	lone_succeeds(p);
	return lone_free(p);
}

/* ---- a stranger on the way who is faster, but can't keep the far side silent ---- */

struct stranger {
	struct lone *p;
	struct th_sessions *sessions;
	struct sim_event say; /* what it has to say comes a while later */
	unsigned asked, said;
};

static void on_say(struct sim_event *e)
{
	struct stranger *x = TH_OWNER(e, struct stranger, say);
	const struct sim_world *w = &x->p->world;
	uint8_t out[TH_SESSION_DATAGRAM_MAX];
	struct th_addr to;
	size_t n;

	while ((n = th_sessions_tx(x->sessions, &to, out, sizeof(out), w->net.now)) > 0) {
		x->said++;
		sim_net_deliver(&x->p->world.net, &w->side[SIM_FAR].host.addr, &to, out, n);
	}
}

static enum sim_gate_verdict hears(void *user, const struct sim_dgram *d)
{
	struct stranger *x = user;

	if (d->bytes[0] != 0xc3)
		return SIM_GATE_PASS;
	x->asked++;
	th_sessions_rx(x->sessions, &d->from, d->bytes, d->n, x->p->world.net.now);
	sim_net_at(&x->p->world.net, &x->say, x->p->world.net.now + TH_SEC);
	return SIM_GATE_LOSE;
}

/* The far side's answers are lost until the near side asks for the key. */
static enum sim_gate_verdict holds_back(void *user, const struct sim_dgram *d)
{
	const struct stranger *x = user;

	(void)d;
	return x->asked ? SIM_GATE_PASS : SIM_GATE_LOSE;
}

static unsigned faster_stranger(uint64_t seed)
{
	static const struct th_session_ops ops = { .deliver = NULL };
	struct lone *p = lone_new(seed, links[1].name, &links[1].link, &links[1].told, false, false, patience);
	struct stranger x = { .p = p, .say = { .fire = on_say } };
	struct sim_side *side = &p->world.side[SIM_NEAR];
	struct th_sessions_config config;
	struct th_noise_pair own;

	th_sessions_config_default(&config);
	config.own = &own;
	config.accept_xx = true;
	if (!th_noise_keygen(&own, &side->rng))
		abort();
	x.sessions = th_sessions_new(&th_mem_libc, &side->rng, &config, &ops, &x);
	if (!x.sessions)
		abort();
	lone_succeeds(p);
	p->world.up.gate = hears;
	p->world.down.gate = holds_back;
	p->world.up.gate_user = p->world.down.gate_user = &x;
	lone_succeeds(p);
	wait(p, 10 * TH_SEC);
	lone_succeeds(p);
	if (x.asked == 0 || x.said == 0)
		lone_complain(p, "the stranger was not asked");
	th_sessions_del(x.sessions);
	sim_net_cancel(&p->world.net, &x.say);
	return lone_free(p);
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 5;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned wrong = 0, plays = 0;

	for (uint64_t seed = first; seed < first + seeds; seed++) {
		wrong += faster_stranger(seed) + many(seed);
		for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
			for (unsigned how = 0; how < 4; how++, plays++)
				/* a near side that is cold at first contact can't know that there was another key */
				if (how != 3)
					wrong += play(seed, &links[i], how & 1, how & 2);
	}
	printf("%u changed keys, %u wrong\n", plays, wrong);
	return wrong ? 1 : 0;
}
