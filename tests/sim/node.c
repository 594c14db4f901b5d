#include "sim/node.h"

#include <stdlib.h>

#include "home/home.h"
#include "proxy/node.h"
#include "sim/world.h"

struct sim_node {
	struct th_node *node;
	struct sim_world *world;
	struct th_home *home;	 /* owned; NULL: the world has none, or this is the far side */
	struct th_home_far *far; /* owned; likewise */
};

static void on_report(void *user, const struct th_report *r)
{
	struct sim_node *n = user;

	if (n->world->report)
		n->world->report(n->world->report_user, r);
}

struct sim_node *sim_node_new(struct sim_world *w, int side, struct th_flow_server *upstream)
{
	struct sim_node *n = calloc(1, sizeof(*n));
	const th_time *now = &w->side[side].host.clock;
	struct th_node_config config = {
		.coap = w->config.params[side],
		.now = now,
		.upstream = upstream,
		.ingress = side == SIM_NEAR,
		.policy = w->config.policy,
		.report = on_report,
		.user = n,
	};

	if (!n)
		abort();
	n->world = w;
	if (w->config.home && side == SIM_FAR) {
		n->far = th_home_far_new(w->config.mem, now, &w->config.policy, &w->config.home_config, upstream);
		if (!n->far)
			abort();
		config.upstream = th_home_far_server(n->far);
	}
	n->node = th_node_new(w->config.mem, &w->side[side].rng, &config);
	if (!n->node)
		abort();
	if (w->config.home && side == SIM_NEAR) {
		n->home = th_home_new(w->config.mem, &w->side[side].rng, now, &w->config.policy, &w->config.home_config,
				      th_node_server(n->node));
		if (!n->home)
			abort();
		th_home_set_has_left(n->home, th_node_has_left);
	}
	return n;
}

void sim_node_del(struct sim_node *n)
{
	th_home_del(n->home);
	th_node_del(n->node);
	th_home_far_del(n->far);
	free(n);
}

void sim_node_set_peer(struct sim_node *n, const struct th_addr *peer, bool known)
{
	th_node_set_peer(n->node, peer, known);
}

static void node_rx(void *ctx, const struct th_addr *from, const uint8_t *p, size_t len)
{
	struct sim_node *n = ctx;

	if (n->home)
		th_gate_heard(th_home_gate(n->home));
	th_node_rx(n->node, from, p, len);
}

static size_t node_tx(void *ctx, struct th_addr *to, uint8_t *out, size_t cap)
{
	struct sim_node *n = ctx;

	if (n->home)
		th_home_turn(n->home);
	if (n->far)
		th_home_far_turn(n->far);
	return th_node_tx(n->node, to, out, cap);
}

static th_time node_deadline(void *ctx)
{
	const struct sim_node *n = ctx;
	th_time at = th_node_deadline(n->node);

	return n->home ? th_time_min(at, th_home_deadline(n->home)) : at;
}

static void node_tick(void *ctx)
{
	struct sim_node *n = ctx;

	th_node_tick(n->node);
	if (n->home)
		th_home_turn(n->home);
}

struct sim_machine sim_node_machine(struct sim_node *n)
{
	return (struct sim_machine){ node_rx, node_tx, node_deadline, node_tick, n };
}

struct th_flow_server *sim_node_server(struct sim_node *n)
{
	return n->home ? th_home_server(n->home) : th_node_server(n->node);
}

struct th_coap_stats sim_node_coap_stats(const struct sim_node *n)
{
	struct th_node_stats stats;

	th_node_stats(n->node, &stats);
	return stats.coap;
}

size_t sim_node_open(const struct sim_node *n)
{
	struct th_node_stats stats;

	th_node_stats(n->node, &stats);
	return stats.ingress_open + stats.egress_open;
}
