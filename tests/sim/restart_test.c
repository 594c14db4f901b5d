/* The far side is restarted at random moments under load: several requests under way at once, answers that take the
 * homeserver a while, loss, doubling and reordering. A POST is never executed twice: when nobody knows whether it was
 * executed, the client is told so. All else is answered in the end, in time. An idle restart costs nobody anything.
 *
 *     restart_test [SEEDS [FIRST_SEED]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/client.h"
#include "sim/world.h"

enum { CLIENTS = 6, EXCHANGES = 120, TARGET_BYTES = 32, WRONG_MAX = 20 };

static const char *const methods[] = { "POST", "PUT", "POST", "GET" };
static const size_t sizes[] = { 0, 40, 300, 900, 1500, 5000 };
static const th_time delays[] = { 0, 50 * TH_MS, 700 * TH_MS, 3 * TH_SEC };

struct play {
	struct sim_world world;
	uint64_t seed, rng_state;
	struct th_rng rng;
	struct sim_client clients[CLIENTS];
	char targets[CLIENTS][TARGET_BYTES];
	unsigned begun, ended, restarts, doubts, wrong;
	bool quiet; /* no restarts any more */
	th_time restarted_at;
	struct sim_event restart;
};

static void complain(struct play *p, const struct sim_client *c, const char *what)
{
	if (p->wrong++ < WRONG_MAX)
		printf("seed %" PRIu64 ": %s %s, %.1f to %.1f s: %s: %s %u %u, %s\n", p->seed, c->req.method,
		       c->req.target, (double)c->opened_at / TH_SEC, (double)p->world.net.now / TH_SEC, what,
		       sim_client_state_text(c->state), c->status, c->fail_status, c->reason);
}

static uint64_t pick(struct play *p, uint64_t below)
{
	return th_rng_below(&p->rng, below);
}

static void on_restart(struct sim_event *e)
{
	struct play *p = TH_OWNER(e, struct play, restart);

	sim_server_crash(&p->world.server, TH_ERR_RESET, 502);
	sim_world_kill(&p->world, SIM_FAR);
	sim_world_start(&p->world, SIM_FAR);
	p->restarts++;
	p->restarted_at = p->world.net.now;
	sim_net_flush(&p->world.net);
	sim_net_at(&p->world.net, e, p->world.net.now + pick(p, 20 * TH_SEC));
}

static void start(struct play *p, unsigned i)
{
	struct sim_client *c = &p->clients[i];
	struct sim_request r = { .send_limit = SIZE_MAX, .read_limit = SIZE_MAX };

	snprintf(p->targets[i], TARGET_BYTES, "/%u/%u", (unsigned)pick(p, sizeof(delays) / sizeof(delays[0])),
		 p->begun++);
	r.method = methods[pick(p, sizeof(methods) / sizeof(methods[0]))];
	r.target = p->targets[i];
	if (strcmp(r.method, "GET") != 0)
		r.body = (struct sim_body){ .n = sizes[pick(p, sizeof(sizes) / sizeof(sizes[0]))], .seed = p->begun };
	sim_client_init(c, &r, &p->world.net.now);
	sim_client_start(c, sim_world_door(&p->world));
}

static void finish(struct play *p, unsigned i)
{
	struct sim_client *c = &p->clients[i];
	const struct sim_seen *seen = sim_server_seen(&p->world.server, c->req.method, c->req.target);
	bool post = strcmp(c->req.method, "POST") == 0;
	bool doubt =
		post && c->state == SIM_CLIENT_FAILED && c->fail_status == 502 && strstr(c->reason, "executed or not");

	p->doubts += doubt;
	if (post && seen && seen->begun > 1)
		complain(p, c, "executed twice");
	/* An answer that breaks off after its head can only be cut. */
	if (c->state == SIM_CLIENT_DONE ? c->status != 200 : !doubt && c->status != 200)
		complain(p, c, "failed");
	if (doubt && p->quiet && c->opened_at > p->restarted_at + TH_SEC)
		complain(p, c, "no reason to doubt");
	p->ended++;
	sim_client_leave(c);
}

static struct play *play_new(uint64_t seed)
{
	static const struct sim_profile link = { .latency = 20 * TH_MS,
						 .jitter_percent = 50,
						 .loss_permille = 100,
						 .dup_permille = 50,
						 .reorder_permille = 50,
						 .reorder_delay = 200 * TH_MS };
	static const struct th_link_profile told = {
		.up_bps = 10000000, .down_bps = 10000000, .latency = 20 * TH_MS, .jitter_percent = 50, .ours = true
	};
	static const char *const prefixes[] = { "/0/*", "/1/*", "/2/*", "/3/*" };
	struct play *p = calloc(1, sizeof(*p));
	struct sim_world_config config;

	if (!p)
		abort();
	p->seed = seed;
	p->rng_state = seed * 77 + 5;
	p->rng = th_rng_seeded(&p->rng_state);
	sim_world_config_default(&config);
	config.seed = seed;
	config.secure = config.no_model = true;
	config.first_contact = seed % 2;
	config.up = config.down = link;
	config.profile[SIM_NEAR] = config.profile[SIM_FAR] = told;
	sim_world_init(&p->world, &config);
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++)
		sim_server_rule(&p->world.server, &(struct sim_rule){ .target = prefixes[i],
								      .kind = SIM_ECHO,
								      .status = 200,
								      .delay = delays[i],
								      .times = -1 });
	p->restart.fire = on_restart;
	return p;
}

static void run(struct play *p, unsigned exchanges)
{
	unsigned until = p->begun + exchanges;

	while (p->ended < until) {
		for (unsigned i = 0; i < CLIENTS; i++) {
			if (p->clients[i].state > SIM_CLIENT_OPEN)
				finish(p, i);
			if (p->clients[i].state != SIM_CLIENT_OPEN && p->begun < until)
				start(p, i);
		}
		sim_net_flush(&p->world.net);
		if (p->ended < until && !sim_net_step(&p->world.net, p->world.net.now + 3600 * TH_SEC)) {
			printf("seed %" PRIu64 ": stands still\n", p->seed);
			p->wrong++;
			return;
		}
	}
}

static unsigned play(uint64_t seed, unsigned *restarts, unsigned *doubts)
{
	struct play *p = play_new(seed);
	unsigned wrong;

	sim_net_at(&p->world.net, &p->restart, 5 * TH_SEC);
	run(p, EXCHANGES);
	sim_net_cancel(&p->world.net, &p->restart);
	/* Nothing is under way when it is restarted. */
	p->quiet = true;
	for (int i = 0; i < 5; i++) {
		sim_net_run(&p->world.net, p->world.net.now + 30 * TH_SEC);
		on_restart(&p->restart);
		sim_net_cancel(&p->world.net, &p->restart);
		sim_net_run(&p->world.net, p->world.net.now + (2 + pick(p, 100)) * TH_SEC);
		run(p, 1);
	}
	if (sim_world_bug(&p->world)) {
		printf("seed %" PRIu64 ": %s\n", seed, sim_world_bug(&p->world));
		p->wrong++;
	}
	*restarts += p->restarts;
	*doubts += p->doubts;
	wrong = p->wrong;
	sim_world_free(&p->world);
	free(p);
	return wrong;
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 10;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned wrong = 0, restarts = 0, doubts = 0;

	for (uint64_t seed = first; seed < first + seeds; seed++)
		wrong += play(seed, &restarts, &doubts);
	printf("%" PRIu64 " exchanges, %u restarts of the far side, %u POSTs that may have been executed, %u wrong\n",
	       seeds * EXCHANGES, restarts, doubts, wrong);
	return wrong ? 1 : 0;
}
