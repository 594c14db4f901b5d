/* What RFC 7252's retransmission makes of loss and of thin links: success rate, time and copies per exchange over seeds
 * × loss × rate, one exchange at a time, default parameters. After quicly's t/lossy.c.
 *
 *     lossy_test [SEEDS]        prints the table; the last one is kept in bench/sim.txt (meson compile bench-sim) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/load.h"

enum { EXCHANGES = 20, BODY_BYTES = 60, SEEDS_DEFAULT = 10, RATES = 5, LOSSES = 5 };

static const uint64_t rates[RATES] = { 100, 300, 1200, 9600, 1000000 };
static const unsigned losses[LOSSES] = { 0, 10, 20, 40, 50 };

struct cell {
	uint64_t done, all, wrong, retransmissions, up, down;
	double p50, p90; /* seconds, means over seeds */
};

static size_t body_size(uint64_t number)
{
	(void)number;
	return BODY_BYTES;
}

static void play(uint64_t seed, uint64_t rate, unsigned loss, struct cell *cell)
{
	const struct sim_profile link = {
		.rate_bps = rate,
		.latency = 100 * TH_MS,
		.jitter_percent = 40,
		.in_order = true,
		.loss_permille = loss * 10,
	};
	struct sim_load_config load = { 1, EXCHANGES, body_size, 0, TH_NEVER };
	struct sim_world *w = calloc(1, sizeof(*w));
	struct sim_world_config config;
	struct sim_load_result r;

	if (!w)
		abort();
	sim_world_config_default(&config);
	config.seed = seed;
	config.up = config.down = link;
	sim_world_init(w, &config);
	sim_load_run(w, &load, &r);
	cell->done += r.done;
	cell->all += EXCHANGES;
	cell->wrong += r.lost + r.doubled + r.wrong_up + r.wrong_down + (sim_world_bug(w) != NULL);
	cell->retransmissions += sim_world_stats(w, SIM_NEAR).retransmissions;
	cell->up += w->up.counts[SIM_SENT].bytes;
	cell->down += w->down.counts[SIM_SENT].bytes;
	cell->p50 += (double)sim_load_percentile(&r, 50) / (double)TH_SEC;
	cell->p90 += (double)sim_load_percentile(&r, 90) / (double)TH_SEC;
	free(r.took);
	sim_world_free(w);
	free(w);
}

static void print(const struct cell *c, uint64_t rate, unsigned loss, unsigned seeds)
{
	printf("%8" PRIu64 " %5u %% %8.1f %% %8.2f %9.1f %9.1f %9.2f %9.2f\n", rate, loss,
	       100.0 * (double)c->done / (double)c->all, (double)(c->all + c->retransmissions) / (double)c->all,
	       (double)c->up / (double)c->all, (double)c->down / (double)c->all, c->p50 / seeds, c->p90 / seeds);
}

/* What default parameters must reach: without loss everything arrives, and a lost exchange never does harm. */
static bool good(const struct cell *c, unsigned loss)
{
	return c->wrong == 0 && (loss > 0 || c->done == c->all);
}

int main(int argc, char **argv)
{
	unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SEEDS_DEFAULT;
	bool ok = true;

	printf("PUT of %d bytes, echoed, one at a time, %d exchanges × %u seeds each; latency 100 ms ± 40 %%, RFC 7252 "
	       "defaults.\nCopies: requests sent per exchange. Bytes at the IP level per exchange.\n\n",
	       BODY_BYTES, EXCHANGES, seeds);
	printf("%8s %7s %10s %8s %9s %9s %9s %9s\n", "bit/s", "loss", "success", "copies", "bytes up", "down", "p50 s",
	       "p90 s");
	for (size_t r = 0; r < RATES; r++) {
		for (size_t l = 0; l < LOSSES; l++) {
			struct cell cell = { 0 };

			for (unsigned seed = 1; seed <= seeds; seed++)
				play(seed, rates[r], losses[l], &cell);
			print(&cell, rates[r], losses[l], seeds);
			if (!good(&cell, losses[l])) {
				fprintf(stderr, "not good enough: %" PRIu64 " wrong\n", cell.wrong);
				ok = false;
			}
		}
	}
	return ok ? 0 : 1;
}
