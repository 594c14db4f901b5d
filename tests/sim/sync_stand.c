#include "sim/sync_stand.h"

struct th_flow_server *stand_door(void *user)
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

struct stand *stand_new(uint64_t seed, bool push, bool model, unsigned loss_permille)
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
	s->rng_state = seed;
	s->rng = th_rng_seeded(&s->rng_state);
	s->poor = (struct sim_poor){ .rng = &s->rng, .fails = 1 };
	s->mem = sim_poor_mem(&s->poor);
	c.mem = &s->mem;
	sync_home_init(&s->home, &s->world.net);
	sim_world_init(&s->world, &c);
	s->world.report = on_report;
	s->world.report_user = s;
	sync_loop_init(&s->loop, &s->world.net, &s->home, stand_door, s);
	return s;
}

void stand_del(struct stand *s)
{
	sync_loop_stop(&s->loop);
	sim_world_free(&s->world);
	sync_home_free(&s->home);
	free(s);
}

void stand_run(struct stand *s, th_time t)
{
	th_time until = s->world.net.now + t;

	while (sim_net_step(&s->world.net, until))
		sync_home_turn(&s->home);
}

void stand_send(struct stand *s)
{
	sync_home_send(&s->home);
	sim_net_flush(&s->world.net);
}

void stand_renew(struct stand *s)
{
	for (int side = 0; side < SIM_SIDES; side++) {
		sim_world_kill(&s->world, side);
		sim_world_start(&s->world, side);
	}
}

uint64_t stand_datagrams(const struct stand *s)
{
	return s->world.up.counts[SIM_SENT].dgrams + s->world.down.counts[SIM_SENT].dgrams;
}

struct th_node_stats stand_near(const struct stand *s)
{
	return sim_node_stats(s->world.side[SIM_NEAR].node);
}

struct th_node_stats stand_far(const struct stand *s)
{
	return sim_node_stats(s->world.side[SIM_FAR].node);
}
