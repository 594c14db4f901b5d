/* Sync push (docs/internals/sync.md) in trouble: kills of either half at any moment under loss, memory that is short, thin
 * links that lose. Nothing is lost or doubled. `sync_trouble_test [KILLS [FIRST_SEED]]` */
#include "sim/sync_stand.h"

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

static void kills(uint64_t seed, unsigned count, bool sliding)
{
	struct stand *s = stand_new(seed, true, false, 200);
	uint64_t pushed = 0;

	s->loop.sliding = sliding;

	s->world.config.sync_check = 60 * TH_SEC;
	sim_world_kill(&s->world, SIM_NEAR);
	sim_world_start(&s->world, SIM_NEAR);
	sync_loop_start(&s->loop);
	for (unsigned i = 0; i < count; i++) {
		int side = below(s, 2) ? SIM_NEAR : SIM_FAR;

		s->loop.think_most = below(s, 3) ? 0 : 8 * TH_SEC;
		s->home.padding = below(s, 8) ? 0 : 2000;
		if (below(s, 4))
			stand_run(s, below(s, 90000) * TH_MS); /* it may have come to rest */
		for (uint64_t more = below(s, 4); more > 0; more--) {
			stand_send(s);
			stand_run(s, below(s, 3000) * TH_MS);
		}
		if (below(s, 4) == 0)
			sync_home_move(&s->home);
		if (below(s, 20) == 0)
			s->home.keys--;
		if (below(s, 20) == 0)
			sync_home_crash(&s->home);
		steps(s, 1 + below(s, 40));
		if (below(s, 2))
			stand_send(s);
		steps(s, 1 + below(s, 12));
		pushed += side == SIM_NEAR ? stand_near(s).sync_pushed : 0;
		sim_world_kill(&s->world, side);
		if (below(s, 4) == 0)
			stand_run(s, below(s, 5000) * TH_MS);
		sim_world_start(&s->world, side);
		sim_net_flush(&s->world.net);
		if (s->home.bug || s->loop.doubled) {
			printf("seed %" PRIu64 ", kill %u: %s, %" PRIu64 " doubled\n", seed, i,
			       s->home.bug ? s->home.bug : "-", s->loop.doubled);
			exit(1);
		}
	}
	s->loop.think_most = 0;
	stand_run(s, 1800 * TH_SEC);
	if (s->loop.taken != s->home.sent || s->home.lost || s->home.bug || s->loop.doubled) {
		printf("seed %" PRIu64 ": %" PRIu64 " sent, %" PRIu64 " taken, %" PRIu64 " doubled, %s\n", seed,
		       s->home.sent, s->loop.taken, s->loop.doubled, s->home.bug ? s->home.bug : "-");
		exit(1);
	}
	pushed += stand_near(s).sync_pushed;
	CHECK(pushed > count / 4 && stand_far(s).sync_pollers >= 1);
	printf("%s, seed %" PRIu64 ": %u kills in %.0f h, %" PRIu64 " messages, %" PRIu64 " polls, %" PRIu64
	       " pushed, 0 lost, 0 doubled\n",
	       sliding ? "sliding" : "sync", seed, count, (double)s->world.net.now / 3.6e12, s->home.sent, s->loop.polls, pushed);
	stand_del(s);
}

/* Allocations fail at both ends, at any step; then there is memory again. */
static void short_of_memory(uint64_t seed, bool sliding)
{
	struct stand *s = stand_new(seed, true, false, 100);
	uint64_t failed;

	s->loop.sliding = sliding;

	s->world.config.sync_check = 60 * TH_SEC;
	sim_world_kill(&s->world, SIM_NEAR);
	sim_world_start(&s->world, SIM_NEAR);
	sync_loop_start(&s->loop);
	for (unsigned i = 0; i < 300; i++) {
		s->poor.of = below(s, 3) ? 4 + (unsigned)below(s, 60) : 0;
		s->loop.think_most = below(s, 3) ? 0 : 8 * TH_SEC;
		s->home.padding = below(s, 8) ? 0 : 6000;
		stand_send(s);
		stand_run(s, below(s, 4) ? below(s, 5000) * TH_MS : below(s, 90) * TH_SEC);
		if (below(s, 10) == 0)
			sync_home_crash(&s->home);
		if (below(s, 30) == 0) {
			s->poor.of = 0;
			sim_world_kill(&s->world, SIM_NEAR);
			sim_world_start(&s->world, SIM_NEAR);
		}
	}
	failed = s->poor.failed;
	s->poor.of = 0;
	s->loop.think_most = 0;
	stand_run(s, 1800 * TH_SEC);
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
static void thin(uint64_t seed, unsigned loss_percent, bool sliding)
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
	struct stand *s = stand_new(seed, true, false, 0);

	s->loop.sliding = sliding;
	s->world.config.profile[SIM_NEAR] = s->world.config.profile[SIM_FAR] = told;
	s->world.up.profile = s->world.down.profile = link;
	stand_renew(s);
	sync_loop_start(&s->loop);
	for (unsigned i = 0; i < TURNS; i++) {
		s->loop.think_most = below(s, 3) ? 0 : 8 * TH_SEC;
		for (uint64_t more = below(s, 3); more > 0; more--) {
			s->home.padding = below(s, 4) ? 0 : (unsigned)below(s, 3000);
			stand_send(s);
			stand_run(s, below(s, 30000) * TH_MS);
		}
		s->loop.think_most = 0;
		if (below(s, 8) == 0) {
			th_time now = s->world.net.now;

			sim_pipe_outage(below(s, 2) ? &s->world.up : &s->world.down, now, now + 1200 * TH_SEC);
			stand_send(s);
			stand_run(s, 3000 * TH_SEC);
		}
		stand_send(s);
		stand_run(s, 1800 * TH_SEC);
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

	for (uint64_t i = 0; i < 20; i++)
		short_of_memory(seed + i, i % 2);
	/* each has found something: a session without a dialogue, an answer whose rest never comes */
	short_of_memory(305, false);
	short_of_memory(1259, false);
	for (uint64_t i = 0; i < 2 + total / 200; i++)
		for (unsigned loss = 0; loss <= 40; loss += 10)
			thin(seed + i, loss, i % 2);
	for (unsigned long done = 0; done < total; done += KILLS_EACH)
		kills(seed++, KILLS_EACH, done / KILLS_EACH % 2);
	return 0;
}
