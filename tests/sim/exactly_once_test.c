/* Nothing is done twice, nothing is lost, no body is mixed up: PUT and POST under 40 % loss each way, 5 % doubling and
 * heavy reordering, with 8 to 64 exchanges in flight.
 *
 * Parameters, and why: at 40 % loss each way a transmission is acknowledged with 0.6 × 0.6 = 36 %. RFC 7252's four
 * retransmissions leave 0.64^5 = 11 % of all messages unacknowledged: these exchanges fail, and rightly so. To show
 * that none is lost, the sender must not give up: with 40 retransmissions 0.64^41 = 1e-8 of the messages fail (20 would
 * leave 8e-5, several of 10^5 exchanges). As each one doubles the wait, times are small, ACK_TIMEOUT 2 ms on a 1 ms
 * link, and what waits for the peer (response, body) is as patient as the longest row of retransmissions. The window is
 * as large as the number of exchanges in flight, so that they really are in flight: NSTART 1 would send one after the
 * other.
 *
 * Encrypted nodes are told the profile of a link that is theirs alone instead, which gives up by time and not by count.
 *
 *     exactly_once_test [EXCHANGES [FIRST_SEED [IN_FLIGHT [model]]]]; with IN_FLIGHT encrypted nodes only, always so many;
 *     they code without the model unless told */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/load.h"

enum { PER_SEED = 2500, DEFAULT_EXCHANGES = 10000 };

static size_t body_size(uint64_t number)
{
	static const size_t sizes[] = { 0, 1, 20, 60, 120, 300, 700, 1024, 1025, 3000 };
	size_t base = sizes[number % (sizeof(sizes) / sizeof(sizes[0]))];

	return base + (base > 1 ? (size_t)(number / 10 % 17) : 0);
}

static bool with_model;

static void configure(struct sim_world_config *c, enum sim_kind kind, bool secure, uint64_t seed, unsigned in_flight)
{
	const th_time patient = TH_NEVER;
	const struct sim_profile link = {
		.latency = TH_MS,
		.jitter_percent = 90,
		.loss_permille = 400,
		.dup_permille = 50,
		.reorder_permille = 50,
		.reorder_delay = 15 * TH_MS,
	};

	sim_world_config_default(c);
	c->seed = seed;
	c->secure = secure;
	c->no_model = !with_model;
	c->up = c->down = link;
	for (int side = 0; side < SIM_SIDES; side++) {
		struct th_coap_params *p = &c->params[side];

		c->kind[side] = kind;
		c->profile[side].ours = secure; /* what is lost is lost to noise: nobody gives up early */
		p->ack_timeout = 2 * TH_MS;
		p->max_retransmit = 40;
		p->rto_min = 2 * TH_MS;
		p->piggyback_patience = TH_MS / 2;
		p->max_latency = 10 * TH_SEC;
		p->response_timeout = p->body_timeout = patient;
		p->ping_after = TH_NEVER;
		p->window_start = p->window_max = in_flight;
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const th_time uptime = 600 * TH_SEC;

/* Returns how many things went wrong. */
static uint64_t play(enum sim_kind kind, bool secure, uint64_t seed, unsigned in_flight, uint64_t exchanges)
{
	struct sim_load_config load = { in_flight, exchanges, body_size, 0, TH_NEVER };
	struct sim_world *w = calloc(1, sizeof(*w));
	struct sim_world_config config;
	struct sim_load_result r;
	struct th_coap_stats near, far;
	double started = seconds();
	uint64_t wrong;
	const char *bug;

	if (!w)
		abort();
	configure(&config, kind, secure, seed, in_flight);
	sim_world_init(w, &config);
	if (secure) /* who has just begun could as well have been restarted with the request (docs/internals/session.md) */
		sim_net_run(&w->net, uptime);
	sim_load_run(w, &load, &r);
	near = sim_world_stats(w, SIM_NEAR);
	far = sim_world_stats(w, SIM_FAR);
	bug = sim_world_bug(w);
	printf("%-6s seed %3" PRIu64 " in flight %2u: %6" PRIu64 " done, %" PRIu64 " failed, %" PRIu64
	       " unfinished, %" PRIu64 " lost, %" PRIu64 " doubled, %" PRIu64 " wrong up, %" PRIu64
	       " wrong down; %" PRIu64 " retransmissions, %" PRIu64 " duplicates seen; %.2f s%s%s\n",
	       kind == SIM_RAW ? "engine" : secure ? "secure" : "node", seed, in_flight, r.done, r.failed, r.unfinished, r.lost, r.doubled,
	       r.wrong_up, r.wrong_down, near.retransmissions + far.retransmissions,
	       near.rx_duplicate + far.rx_duplicate, seconds() - started, bug ? "; " : "", bug ? bug : "");
	for (int i = 0; i < SIM_ERRORS; i++)
		if (r.failed_with[i])
			printf("    %" PRIu64 " failed: %s\n", r.failed_with[i], th_strerror((enum th_err) - i));
	wrong = r.failed + r.unfinished + r.lost + r.doubled + r.wrong_up + r.wrong_down + (bug != NULL);
	free(r.took);
	sim_world_free(w);
	free(w);
	fflush(stdout);
	return wrong;
}

int main(int argc, char **argv)
{
	static const unsigned in_flight[] = { 8, 16, 32, 64 };
	uint64_t exchanges = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_EXCHANGES;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned secure_only = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	uint64_t wrong = 0, played = 0, runs = 0, failed = 0;
	double started = seconds();

	with_model = argc > 4 && strcmp(argv[4], "model") == 0;
	for (size_t i = 0; played < exchanges; i++, seed++) {
		uint64_t bad, n = exchanges - played < PER_SEED ? exchanges - played : PER_SEED;

		/* the bare engine is one of five: it is what the nodes stand on */
		if (secure_only)
			bad = play(SIM_NODE, true, seed, secure_only, n);
		else
			bad = play(i % 5 == 4 ? SIM_RAW : SIM_NODE, i % 2 == 0, seed, in_flight[i % 4], n);
		wrong += bad;
		failed += bad > 0;
		runs++;
		played += n;
	}
	printf("%" PRIu64 " exchanges, %" PRIu64 " wrong, %.1f s\n", played, wrong, seconds() - started);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", runs - failed, failed);
	return wrong || played == 0 ? 1 : 0;
}
