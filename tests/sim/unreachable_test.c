/* Nobody at the other end: how long a client waits for its 504, and that service comes back by itself; or at another one.
 *
 *     unreachable_test [SEEDS [FIRST_SEED]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lone.h"
#include "sim/node.h"

static const th_time patience = 7200 * TH_SEC;

struct link {
	const char *name;
	struct sim_profile link;
	struct th_link_profile told;
	th_time cold, warm; /* the longest wait where nothing was heard yet, and where something was */
	th_time elsewhere;  /* the longest from the word that the far side is at another address to the answer */
};

static const struct link links[] = {
	{ "fast, not told", { .latency = TH_MS }, { .latency = 0 }, 130 * TH_SEC, 50 * TH_SEC, TH_SEC },
	{ "40 ms, not told", { .latency = 20 * TH_MS }, { .latency = 0 }, 130 * TH_SEC, 50 * TH_SEC, TH_SEC },
	{ "satellite, not told", { .latency = 300 * TH_MS }, { .latency = 0 }, 140 * TH_SEC, 140 * TH_SEC, 2 * TH_SEC },
	{ "fast, told",
	  { .latency = TH_MS },
	  { .up_bps = 100000000, .down_bps = 100000000, .latency = TH_MS },
	  50 * TH_SEC,
	  50 * TH_SEC,
	  TH_SEC },
	{ "9600 bit/s, ours",
	  { .rate_bps = 9600, .latency = 100 * TH_MS },
	  { .up_bps = 9600, .down_bps = 9600, .latency = 100 * TH_MS, .ours = true },
	  130 * TH_SEC,
	  130 * TH_SEC,
	  2 * TH_SEC },
	{ "100 bit/s",
	  { .rate_bps = 100, .latency = 4 * TH_SEC },
	  { .up_bps = 100, .down_bps = 100, .latency = 4 * TH_SEC },
	  1200 * TH_SEC,
	  1200 * TH_SEC,
	  70 * TH_SEC },
};

static void play(struct lone *p, const struct link *l, unsigned before)
{
	th_time most = before ? l->warm : l->cold, took;

	for (unsigned i = 0; i < before; i++)
		lone_succeeds(p);
	sim_world_kill(&p->world, SIM_FAR);
	for (int i = 0; i < 2; i++) {
		took = lone_exchange(p);
		if (p->client.state != SIM_CLIENT_FAILED || p->client.fail_status != 504)
			lone_complain(p, "should be given up");
		if (took > most)
			lone_complain(p, "waits too long");
		most = l->cold; /* the next one begins a session of its own */
	}
	sim_world_start(&p->world, SIM_FAR);
	sim_net_flush(&p->world.net);
	lone_succeeds(p);
	lone_succeeds(p);
}

/* The far side's name means another address by now: what waits for the old one goes to it at once, and is executed once. */
static void play_elsewhere(struct lone *p, const struct link *l, unsigned before, th_time after)
{
	const uint8_t *key = p->first_contact ? NULL : p->world.trusted;
	const struct th_addr nobody = sim_addr(200, 5683), real = p->world.side[SIM_FAR].host.addr;
	struct sim_node *near = p->world.side[SIM_NEAR].node;
	th_time took;

	for (unsigned i = 0; i < before; i++)
		lone_succeeds(p);
	sim_node_set_peer(near, &nobody, key);
	lone_begin(p);
	lone_wait(p, after);
	sim_node_set_peer(near, &real, key);
	sim_net_flush(&p->world.net);
	took = lone_wait(p, patience);
	if (p->client.state != SIM_CLIENT_DONE)
		lone_complain(p, "should succeed elsewhere");
	if (took > l->elsewhere)
		lone_complain(p, "waits too long for an address that is known");
	lone_end(p);
	lone_succeeds(p);
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 5;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned wrong = 0, plays = 0;

	for (uint64_t seed = first; seed < first + seeds; seed++)
		for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
			for (unsigned before = 0; before < 4; before += 3, plays++) {
				struct lone *p = lone_new(seed, links[i].name, &links[i].link, &links[i].told, seed % 2, before == 0, patience);

				play(p, &links[i], before);
				wrong += lone_free(p);
				p = lone_new(seed, links[i].name, &links[i].link, &links[i].told, seed % 2, before == 0, patience);
				play_elsewhere(p, &links[i], before, (4 + 7 * (seed % 5)) * TH_SEC);
				wrong += lone_free(p);
			}
	printf("%u far sides that are not there, %u wrong\n", plays, wrong);
	return wrong ? 1 : 0;
}
