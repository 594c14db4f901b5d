/* Everything at once, at random: requests of all kinds and sizes, homeserver answers of all kinds, clients that leave,
 * send or read slowly, links that change, outages; with some seeds also restarts, new addresses, clock jumps, and
 * allocations that fail. Half of the seeds are encrypted, half are told a profile of their link. Whatever happens:
 *
 * - the rules of flow.h hold, no client waits for ever, nobody crashes or leaks (run it with ASan);
 * - who got a whole answer got the right one;
 * - without restart, new address, or clock jump no request is executed twice;
 * - in the end nothing is left open on either side, and who comes then is served;
 * - on calm seeds (no loss, nobody leaves) every client gets exactly what its homeserver's rule says.
 *
 *     chaos_test [SEEDS [FIRST_SEED [home]]], `home`: with the stages of src/home; a failing seed is printed, and `chaos_test 1 SEED` plays it alone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/client.h"
#include "sim/poor.h"
#include "sim/world.h"

enum { CLIENTS = 120, LATE = CLIENTS, SEEDS_DEFAULT = 200, TARGET_BYTES = 32, PERCENT = 100 };

/* Patience is longer than that of a body in bursts, which survives a cut of an hour. */
static const th_time stage_time = 600 * TH_SEC, patience = 3 * 3600 * TH_SEC, cool_down = 3 * 3600 * TH_SEC;

struct chaos;

struct guest {
	struct sim_client client;
	struct sim_event event;
	struct chaos *chaos;
	unsigned number;
	char target[TARGET_BYTES];
	unsigned steps;
	char kind;
};

struct chaos {
	struct sim_world world;
	struct sim_poor poor;
	struct th_mem mem;
	uint64_t seed, rng_state;
	struct th_rng rng;
	struct sim_event trouble;
	bool calm;
	bool unsteady; /* restarts, new addresses, clock jumps may happen */
	struct guest guests[CLIENTS + 1]; /* the last one comes when all is over */
	unsigned wrong;
};

static unsigned pick(struct chaos *c, unsigned below)
{
	return (unsigned)th_rng_below(&c->rng, below);
}

static bool maybe(struct chaos *c, unsigned percent)
{
	return pick(c, PERCENT) < percent;
}

static void complain(struct chaos *c, const char *what, unsigned number)
{
	c->wrong++;
	printf("seed %" PRIu64 ": client %u: %s\n", c->seed, number, what);
}

static size_t some_size(struct chaos *c)
{
	switch (pick(c, 6)) {
	case 0:
		return 0;
	case 1:
		return pick(c, 60);
	case 2:
		return 900 + pick(c, 250);
	case 3:
		return pick(c, 5000);
	case 4:
		return pick(c, 40000);
	default:
		return pick(c, 400);
	}
}

/* Clients */

static void guest_step(struct sim_event *e)
{
	struct guest *g = TH_OWNER(e, struct guest, event);
	struct chaos *c = g->chaos;

	if (g->client.state != SIM_CLIENT_OPEN)
		return;
	if (!c->calm && maybe(c, 5)) {
		sim_client_leave(&g->client);
		return;
	}
	sim_client_send_more(&g->client, g->steps > 20 ? SIZE_MAX : pick(c, 3000));
	sim_client_read_more(&g->client, g->steps > 20 ? SIZE_MAX : pick(c, 3000));
	g->steps++;
	sim_net_at(&c->world.net, &g->event, c->world.net.now + pick(c, 4000) * TH_MS);
}

static void guest_start(struct sim_event *e)
{
	static const char *const methods[] = { "GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS" };
	struct guest *g = TH_OWNER(e, struct guest, event);
	struct chaos *c = g->chaos;
	struct th_flow_server *door = sim_world_door(&c->world);
	struct sim_request r = { .method = methods[pick(c, c->world.config.kind[SIM_NEAR] == SIM_NODE ? 6 : 5)],
				 .target = g->target };

	r.body = (struct sim_body){ .n = some_size(c), .seed = g->number + 1 };
	r.chunked = maybe(c, 20);
	r.patient = maybe(c, 30);
	r.send_limit = maybe(c, 70) ? SIZE_MAX : pick(c, 500);
	r.read_limit = maybe(c, 70) ? SIZE_MAX : pick(c, 500);
	sim_client_init(&g->client, &r, &c->world.net.now);
	sim_client_start(&g->client, door);
	g->event.fire = guest_step;
	if (maybe(c, 60))
		sim_net_at(&c->world.net, &g->event, c->world.net.now + pick(c, 20000) * TH_MS);
	else if (r.send_limit != SIZE_MAX || r.read_limit != SIZE_MAX)
		sim_net_at(&c->world.net, &g->event, c->world.net.now + TH_SEC);
}

/* The homeserver: what it does follows from the last letter of the target. */
static void rules(struct chaos *c)
{
	static const struct sim_rule all[] = {
		{ .kind = SIM_ECHO, .status = 200 },
		{ .target = "/a*", .kind = SIM_ECHO, .status = 200, .delay = 3 * TH_SEC },
		{ .target = "/b*", .kind = SIM_ECHO, .status = 200, .chunked = true },
		{ .target = "/c*", .kind = SIM_ANSWER, .status = 204 },
		{ .target = "/d*",
		  .kind = SIM_ANSWER,
		  .status = 200,
		  .body = { .n = 30000, .seed = 4 },
		  .chunked = true },
		{ .target = "/e*", .kind = SIM_ANSWER_EARLY, .status = 413, .body = { .n = 100, .seed = 5 } },
		{ .target = "/f*", .kind = SIM_STALL },
		{ .target = "/g*", .kind = SIM_FAIL, .err = TH_ERR_CLOSED, .status = 502, .delay = TH_SEC },
		{ .target = "/h*",
		  .kind = SIM_BREAK,
		  .err = TH_ERR_CLOSED,
		  .status = 502,
		  .body = { .n = 9000, .seed = 6 } },
		{ .target = "/i*", .kind = SIM_ECHO, .status = 200, .read_limit = 700, .read_pause = TH_SEC / 2 },
		{ .target = "/j*",
		  .kind = SIM_ANSWER,
		  .status = 200,
		  .delay = 90 * TH_SEC,
		  .body = { .n = 10, .seed = 7 } },
		{ .target = "/k*",
		  .kind = SIM_ANSWER_EARLY,
		  .status = 200,
		  .body = { .n = 20000, .seed = 8 },
		  .delay = 100 * TH_MS },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct sim_rule r = all[i];

		r.times = -1;
		sim_server_rule(&c->world.server, &r);
	}
}

/* Trouble */


static struct sim_profile some_link(struct chaos *c)
{
	static const uint64_t rates[] = { 0, 0, 1000000, 100000, 9600 };
	struct sim_profile calm = { .latency = pick(c, 500) * TH_MS, .jitter_percent = pick(c, 100) };
	struct sim_profile p = {
		.rate_bps = rates[pick(c, 5)],
		.latency = pick(c, 500) * TH_MS,
		.jitter_percent = pick(c, 100),
		.in_order = maybe(c, 30),
		.dup_permille = maybe(c, 30) ? pick(c, 200) : 0,
		.loss_permille = maybe(c, 60) ? pick(c, 400) : 0,
		.reorder_permille = maybe(c, 30) ? pick(c, 100) : 0,
		.reorder_delay = pick(c, 3000) * TH_MS,
	};

	if (c->calm)
		return calm;
	/* no longer than MAX_LATENCY (RFC 7252 §4.8.2), whatever rate the ends were told: nothing is promised beyond it */
	p.queue_bytes = p.rate_bps / 8 * (th_coap_params_default.max_latency / TH_SEC);
	if (p.rate_bps && maybe(c, 40))
		p.queue_bytes = 2000 + pick(c, 20000);
	return p;
}

static void trouble(struct sim_event *e)
{
	struct chaos *c = TH_OWNER(e, struct chaos, trouble);
	struct sim_world *w = &c->world;
	th_time now = w->net.now;
	int side = (int)pick(c, 2);

	if (now >= stage_time || c->calm)
		return;
	if (maybe(c, 40))
		w->up.profile = some_link(c);
	if (maybe(c, 40))
		w->down.profile = some_link(c);
	if (maybe(c, 10) && w->up.n_outages < SIM_OUTAGES_MAX / 2)
		sim_pipe_outage(&w->up, now, now + pick(c, 40) * TH_SEC);
	if (maybe(c, 10) && w->down.n_outages < SIM_OUTAGES_MAX / 2)
		sim_pipe_outage(&w->down, now, now + pick(c, 40) * TH_SEC);
	if (maybe(c, 3))
		sim_server_crash(&w->server, TH_ERR_CLOSED, 502);
	if (c->unsteady && maybe(c, 10)) {
		unsigned permille = c->poor.fails;

		c->poor.fails = 0;
		sim_world_kill(w, side);
		sim_world_start(w, side);
		c->poor.fails = permille;
	}
	if (c->unsteady && maybe(c, 10))
		sim_world_wander(w, SIM_NEAR);
	if (c->unsteady && maybe(c, 5))
		sim_host_jump(&w->side[side].host, pick(c, 10000) * TH_SEC);
	sim_net_at(&w->net, &c->trouble, now + pick(c, 30000) * TH_MS);
}

/* Two thimbles that know something of their link, or think they do. */
static void tell(struct chaos *c, struct sim_world_config *config)
{
	static const uint64_t rates[] = { 0, 0, 9600, 64000, 1000000 };
	struct th_link_profile l = {
		.up_bps = rates[pick(c, 5)],
		.latency = pick(c, 500) * TH_MS,
		.jitter_percent = pick(c, 100),
		.ours = maybe(c, 50),
		.blocks = maybe(c, 80),
	};

	l.down_bps = l.up_bps;
	config->told[SIM_NEAR] = config->told[SIM_FAR] = !config->secure; /* a session tells its engine itself */
	config->profile[SIM_NEAR] = config->profile[SIM_FAR] = l;
}

static void configure(struct chaos *c, struct sim_world_config *config)
{
	struct th_coap_params *p = &config->params[0];

	sim_world_config_default(config);
	config->seed = c->seed;
	config->mem = &c->mem;
	config->up = some_link(c);
	config->down = some_link(c);
	config->secure = c->seed / 8 % 2;
	config->no_model = true;
	config->first_contact = config->secure && maybe(c, 30);
	if (maybe(c, 20) && !config->secure)
		config->kind[SIM_NEAR] = config->kind[SIM_FAR] = SIM_RAW;
	p->szx = 2 + pick(c, 5);
	p->window_start = 1 + pick(c, 8);
	p->max_retransmit = 4 + pick(c, 3);
	p->body_window = 2048u << pick(c, 4);
	if (!c->calm && maybe(c, 20))
		p->max_exchanges = 5 + pick(c, 30);
	if (maybe(c, 10))
		p->max_reply_bytes = 20000;
	config->params[1] = *p;
	config->params[1].szx = 2 + pick(c, 5);
	if (c->seed / 4 % 2)
		tell(c, config);
}

/* Judgement */

static bool echoes(const struct guest *g)
{
	return strchr("abi", g->kind) || g->kind > 'k';
}

/* What rules() gives this client, when nothing comes in between. */
static bool served_well(const struct guest *g)
{
	const struct sim_client *cl = &g->client;

	switch (g->kind) {
	case 'f':
		return cl->fail_status == 504 || cl->status == 504;
	case 'g':
	case 'h':
		return cl->state == SIM_CLIENT_FAILED || cl->status == 502;
	case 'c':
		return cl->state == SIM_CLIENT_DONE && cl->status == 204 && cl->sum.n == 0;
	case 'd':
		return cl->state == SIM_CLIENT_DONE && cl->status == 200 && cl->sum.n == 30000;
	case 'e':
		return cl->state == SIM_CLIENT_DONE && cl->status == 413 && cl->sum.n == 100;
	case 'j':
		return cl->state == SIM_CLIENT_DONE && cl->status == 200 && cl->sum.n == 10;
	case 'k':
		return cl->state == SIM_CLIENT_DONE && cl->status == 200 && cl->sum.n == 20000;
	default:
		return cl->state == SIM_CLIENT_DONE && cl->status == 200;
	}
}

/* Without a session a profile belongs to an address: at its new one the near side is a stranger, and bursts are refused. */
static bool is_told_wrong(const struct chaos *c)
{
	return c->world.config.told[SIM_FAR] && c->world.rebinds > 0;
}

static void judge_guest(struct chaos *c, struct guest *g)
{
	const struct sim_seen *seen = sim_server_seen(&c->world.server, g->client.req.method, g->target);
	struct sim_sum want;

	if (g->client.bug)
		complain(c, g->client.bug, g->number);
	if (g->client.state == SIM_CLIENT_OPEN)
		complain(c, "still waits", g->number);
	if (seen && seen->begun > 1 && !c->unsteady)
		complain(c, "its request was executed twice", g->number);
	if ((c->calm || (g->number == LATE && !is_told_wrong(c))) && !served_well(g)) {
		printf("/%c: %s, status %u, failed with %u %s, %" PRIu64 " bytes, %s %zu bytes%s\n", g->kind,
		       sim_client_state_text(g->client.state), g->client.status, g->client.fail_status,
		       g->client.reason, g->client.sum.n, g->client.req.method, g->client.req.body.n,
		       g->client.req.patient ? ", patient" : "");
		complain(c, "did not get what it should", g->number);
	}
	if (g->client.state != SIM_CLIENT_DONE)
		return;
	if (!seen && g->client.status / 100 == 2)
		complain(c, "was answered by nobody", g->number);
	else if (seen && echoes(g) && g->client.status / 100 == 2) {
		sim_sum_of(&want, &g->client.req.body);
		if (!sim_sum_eq(&want, &g->client.sum))
			complain(c, "the wrong body came back", g->number);
	}
}

static void judge(struct chaos *c)
{
	struct sim_world *w = &c->world;
	const char *bug = sim_world_bug(w);

	if (bug)
		complain(c, bug, 0);
	for (unsigned i = 0; i < CLIENTS; i++)
		judge_guest(c, &c->guests[i]);
	judge_guest(c, &c->guests[LATE]);
	if (w->server.open)
		complain(c, "the homeserver still has open exchanges", (unsigned)w->server.open);
	for (int side = 0; side < SIM_SIDES; side++) {
		if (sim_world_stats(w, side).exchanges)
			complain(c, side ? "far has exchanges left" : "near has exchanges left",
				 (unsigned)sim_world_stats(w, side).exchanges);
		if (sim_world_node_open(w, side))
			complain(c, side ? "far has legs left" : "near has legs left",
				 (unsigned)sim_world_node_open(w, side));
	}
}

static void leave_all(struct chaos *c)
{
	/* these wait for a stalled or patient world with reason: only who was not slow by itself must have ended */
	for (unsigned i = 0; i < CLIENTS; i++) {
		sim_client_send_more(&c->guests[i].client, SIZE_MAX);
		sim_client_read_more(&c->guests[i].client, SIZE_MAX);
	}
}

static void invite(struct chaos *c, unsigned number, char kind, th_time at)
{
	struct guest *g = &c->guests[number];

	g->chaos = c;
	g->number = number;
	g->kind = kind;
	snprintf(g->target, sizeof(g->target), "/%c%u", kind, number);
	g->event.fire = guest_start;
	sim_net_at(&c->world.net, &g->event, at);
}

static unsigned play(uint64_t seed, unsigned poverty, bool unsteady, bool calm, bool with_home)
{
	struct chaos *c = calloc(1, sizeof(*c));
	struct sim_world_config config;
	unsigned wrong;

	if (!c)
		abort();
	c->seed = seed;
	c->rng_state = seed * 77;
	c->rng = th_rng_seeded(&c->rng_state);
	c->unsteady = unsteady;
	c->calm = calm;
	c->poor.rng = &c->rng;
	c->poor.of = 1000;
	c->mem = sim_poor_mem(&c->poor);
	configure(c, &config);
	config.home = with_home;
	sim_world_init(&c->world, &config);
	c->poor.fails = poverty;
	rules(c);
	for (unsigned i = 0; i < CLIENTS; i++) {
		char kind = (char)('a' + pick(c, 14));

		invite(c, i, kind, pick(c, 400000) * TH_MS);
	}
	c->trouble.fire = trouble;
	sim_net_at(&c->world.net, &c->trouble, 0);
	sim_net_run(&c->world.net, stage_time);
	c->world.up.profile = c->world.down.profile = (struct sim_profile){ .latency = 10 * TH_MS };
	c->poor.fails = 0;
	leave_all(c);
	sim_net_run(&c->world.net, stage_time + patience);
	c->calm = true;
	invite(c, LATE, 'z', c->world.net.now);
	sim_net_run(&c->world.net, stage_time + patience + cool_down);
	c->calm = calm;
	judge(c);
	wrong = c->wrong;
	sim_world_free(&c->world);
	free(c);
	return wrong;
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : SEEDS_DEFAULT;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	bool with_home = argc > 3 && strcmp(argv[3], "home") == 0;
	uint64_t wrong = 0, failed = 0;

	for (uint64_t seed = first; seed < first + seeds; seed++) {
		unsigned bad = play(seed, seed % 4 == 3 ? 5 : 0, seed % 4 == 2, seed % 4 == 1, with_home);

		if (bad)
			printf("seed %" PRIu64 ": %u wrong\n", seed, bad);
		wrong += bad;
		failed += bad > 0;
	}
	printf("%" PRIu64 " seeds of %d exchanges, %" PRIu64 " wrong\n", seeds, CLIENTS, wrong);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", seeds - failed, failed);
	return wrong ? 1 : 0;
}
