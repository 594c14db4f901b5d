/* Nobody at the other end: how long a client waits for its 504, and that service comes back by itself.
 *
 *     unreachable_test [SEEDS [FIRST_SEED]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/client.h"
#include "sim/world.h"

enum { TARGET_BYTES = 32, WRONG_MAX = 20 };

static const th_time patience = 7200 * TH_SEC;

struct link {
	const char *name;
	struct sim_profile link;
	struct th_link_profile told;
	th_time cold, warm; /* the longest wait where nothing was heard yet, and where something was */
};

static const struct link links[] = {
	{ "fast, not told", { .latency = TH_MS }, { .latency = 0 }, 130 * TH_SEC, 50 * TH_SEC },
	{ "40 ms, not told", { .latency = 20 * TH_MS }, { .latency = 0 }, 130 * TH_SEC, 50 * TH_SEC },
	{ "satellite, not told", { .latency = 300 * TH_MS }, { .latency = 0 }, 140 * TH_SEC, 140 * TH_SEC },
	{ "fast, told",
	  { .latency = TH_MS },
	  { .up_bps = 100000000, .down_bps = 100000000, .latency = TH_MS },
	  50 * TH_SEC,
	  50 * TH_SEC },
	{ "9600 bit/s, ours",
	  { .rate_bps = 9600, .latency = 100 * TH_MS },
	  { .up_bps = 9600, .down_bps = 9600, .latency = 100 * TH_MS, .ours = true },
	  130 * TH_SEC,
	  130 * TH_SEC },
	{ "100 bit/s",
	  { .rate_bps = 100, .latency = 4 * TH_SEC },
	  { .up_bps = 100, .down_bps = 100, .latency = 4 * TH_SEC },
	  1200 * TH_SEC,
	  1200 * TH_SEC },
};

struct play {
	struct sim_world world;
	struct sim_client client;
	const char *name;
	uint64_t seed;
	bool first_contact, cold;
	char target[TARGET_BYTES];
	unsigned number, wrong;
};

static void complain(struct play *p, const char *what)
{
	if (p->wrong++ < WRONG_MAX)
		printf("%s seed %" PRIu64 " (%s, %s): exchange %u, %.1f to %.1f s: %s: %s %u, %s\n", p->name, p->seed,
		       p->first_contact ? "first contact" : "known key", p->cold ? "cold" : "warm", p->number,
		       (double)p->client.opened_at / TH_SEC, (double)p->world.net.now / TH_SEC, what,
		       sim_client_state_text(p->client.state), p->client.fail_status, p->client.reason);
}

/* How long it took. */
static th_time exchange(struct play *p)
{
	struct sim_request r = { .method = "PUT", .target = p->target, .send_limit = SIZE_MAX, .read_limit = SIZE_MAX };
	th_time begun = p->world.net.now;

	snprintf(p->target, sizeof(p->target), "/x/%u", ++p->number);
	r.body = (struct sim_body){ .n = 30, .seed = p->number };
	sim_client_init(&p->client, &r, &p->world.net.now);
	sim_client_start(&p->client, sim_world_door(&p->world));
	sim_net_flush(&p->world.net);
	while (p->client.state == SIM_CLIENT_OPEN && sim_net_step(&p->world.net, begun + patience))
		;
	sim_client_leave(&p->client);
	sim_net_flush(&p->world.net);
	return p->world.net.now - begun;
}

static th_time succeeds(struct play *p)
{
	th_time took = exchange(p);

	if (p->client.state != SIM_CLIENT_DONE)
		complain(p, "should succeed");
	return took;
}

static struct play *play_new(uint64_t seed, const struct link *l, bool first_contact, bool cold)
{
	struct sim_rule echo = { .kind = SIM_ECHO, .status = 200, .times = -1 };
	struct play *p = calloc(1, sizeof(*p));
	struct sim_world_config config;

	if (!p)
		abort();
	p->name = l->name;
	p->seed = seed;
	p->first_contact = first_contact;
	p->cold = cold;
	sim_world_config_default(&config);
	config.seed = seed;
	config.secure = true;
	config.first_contact = first_contact;
	config.no_model = true;
	config.up = config.down = l->link;
	config.profile[SIM_NEAR] = config.profile[SIM_FAR] = l->told;
	sim_world_init(&p->world, &config);
	sim_server_rule(&p->world.server, &echo);
	return p;
}

static unsigned play_free(struct play *p)
{
	unsigned wrong;

	if (sim_world_bug(&p->world))
		complain(p, sim_world_bug(&p->world));
	wrong = p->wrong;
	sim_world_free(&p->world);
	free(p);
	return wrong;
}

static void play(struct play *p, const struct link *l, unsigned before)
{
	th_time most = before ? l->warm : l->cold, took;

	for (unsigned i = 0; i < before; i++)
		succeeds(p);
	sim_world_kill(&p->world, SIM_FAR);
	for (int i = 0; i < 2; i++) {
		took = exchange(p);
		if (p->client.state != SIM_CLIENT_FAILED || p->client.fail_status != 504)
			complain(p, "should be given up");
		if (took > most)
			complain(p, "waits too long");
		most = l->cold; /* the next one begins a session of its own */
	}
	sim_world_start(&p->world, SIM_FAR);
	sim_net_flush(&p->world.net);
	succeeds(p);
	succeeds(p);
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 5;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned wrong = 0, plays = 0;

	for (uint64_t seed = first; seed < first + seeds; seed++)
		for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
			for (unsigned before = 0; before < 4; before += 3, plays++) {
				struct play *p = play_new(seed, &links[i], seed % 2, before == 0);

				play(p, &links[i], before);
				wrong += play_free(p);
			}
	printf("%u far sides that are not there, %u wrong\n", plays, wrong);
	return wrong ? 1 : 0;
}
