/* What RFC 7252's retransmission makes of loss and of thin links: success rate, time and copies per exchange over seeds
 * × loss × rate, one exchange at a time. After quicly's t/lossy.c. Twice: with the RFC's default times, and with an
 * ACK_TIMEOUT that knows the link's rate, as a link profile shared by both ends would give it.
 *
 *     lossy_test [SEEDS]        prints the tables; the last ones are kept in bench/sim.txt (meson compile bench-sim) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/load.h"

enum { EXCHANGES = 20, BODY_BYTES = 60, SEEDS_DEFAULT = 10, EXCHANGE_BITS = 250 * 8, RATES = 5, LOSSES = 5 };

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

static void play(uint64_t seed, uint64_t rate, unsigned loss, bool knows_rate, struct cell *cell)
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
	for (int side = 0; side < SIM_SIDES && knows_rate; side++)
		config.params[side].ack_timeout += EXCHANGE_BITS * TH_SEC / rate;
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

/* One exchange is one message with a piggybacked answer: it fails when all five transmissions of it fail. */
static double rfc_success(unsigned loss)
{
	double arrives = (100.0 - loss) / 100, fails = 1 - arrives * arrives;

	return 1 - fails * fails * fails * fails * fails;
}

/* Nothing may ever go wrong silently, and without loss everything arrives with few copies. On links that are fast
 * enough for the times used, the success rate is the one that chance allows; 0.1 is what few seeds may deviate, and
 * what inflated timeouts cost within MAX_TRANSMIT_SPAN. */
static bool good(const struct cell *c, uint64_t rate, unsigned loss, bool knows_rate)
{
	double success = (double)c->done / (double)c->all;
	double copies = (double)(c->all + c->retransmissions) / (double)c->all;

	if (c->wrong)
		return false;
	if (loss == 0)
		return c->done == c->all && copies <= (knows_rate || rate >= 1200 ? 1.0 : 1.25);
	return (!knows_rate && rate < 1200) || success > rfc_success(loss) - 0.1;
}

/* Returns how many of the rows are not good enough. */
static unsigned table(unsigned seeds, bool knows_rate)
{
	unsigned failed = 0;

	printf("%s\n%8s %7s %10s %8s %9s %9s %9s %9s\n",
	       knows_rate ? "\nACK_TIMEOUT = 2 s + airtime of 250 bytes:\n" : "\nRFC 7252's times:\n", "bit/s", "loss",
	       "success", "copies", "bytes up", "down", "p50 s", "p90 s");
	for (size_t r = 0; r < RATES; r++) {
		for (size_t l = 0; l < LOSSES; l++) {
			struct cell cell = { 0 };

			for (unsigned seed = 1; seed <= seeds; seed++)
				play(seed, rates[r], losses[l], knows_rate, &cell);
			print(&cell, rates[r], losses[l], seeds);
			if (good(&cell, rates[r], losses[l], knows_rate))
				continue;
			fprintf(stderr, "not good enough: %" PRIu64 " of %" PRIu64 ", %" PRIu64 " wrong\n", cell.done,
				cell.all, cell.wrong);
			failed++;
		}
	}
	return failed;
}

int main(int argc, char **argv)
{
	unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SEEDS_DEFAULT;
	unsigned failed;

	printf("PUT of %d bytes, echoed, through two nodes, one at a time; %d exchanges × %u seeds per row; latency "
	       "100 ms ± "
	       "40 %%.\nCopies: requests sent per exchange. Bytes: at the IP level, per exchange, acknowledgements "
	       "included. "
	       "p50, p90: seconds,\nof the exchanges that succeeded.\n",
	       BODY_BYTES, EXCHANGES, seeds);
	failed = table(seeds, false) + table(seeds, true);
	fprintf(stderr, "%u passed, %u failed\n", 2 * RATES * LOSSES - failed, failed); /* not part of the table */
	return failed ? 1 : 0;
}
