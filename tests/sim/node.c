#include "sim/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "home/home.h"
#include "proxy/node.h"
#include "sim/world.h"

struct sim_node {
	struct th_node *node;
	struct sim_world *world;
	struct sim_side *side;
	struct th_home *home;	 /* owned; NULL: the world has none, or this is the far side */
	struct th_home_far *far; /* owned; likewise */
};

static void on_report(void *user, const struct th_report *r)
{
	struct sim_node *n = user;

	if (n->world->report)
		n->world->report(n->world->report_user, r);
}

static bool on_trust(void *user, const uint8_t key[TH_NOISE_DH], char why[TH_SECURE_WHY])
{
	const struct sim_node *n = user;

	if (memcmp(key, n->world->trusted, TH_NOISE_DH) == 0)
		return true;
	snprintf(why, TH_SECURE_WHY, "It is not the key that is known.");
	return false;
}

static bool on_persist(void *user, uint64_t mark)
{
	struct sim_node *n = user;

	n->side->mark = mark;
	return true;
}

static struct th_secure_config secure_config(struct sim_node *n, bool accept)
{
	struct th_secure_config c = { .keepalive = TH_NEVER, .trust = on_trust, .persist = on_persist, .user = n };

	th_sessions_config_default(&c.sessions);
	c.sessions.own = &n->side->own;
	c.sessions.accept = c.sessions.accept_xx = c.sessions.cids = accept;
	c.sessions.early_mark = n->side->mark;
	c.sessions.rekey_packets = n->world->config.rekey_packets;
	if (n->world->config.rekey_age)
		c.sessions.rekey_age = n->world->config.rekey_age;
	return c;
}

/* The host's clock may jump, and its wall clock with it. */
static void tell_time(struct sim_node *n)
{
	th_node_wall(n->node, (n->side->wall + n->side->host.clock) / TH_SEC);
}

struct sim_node *sim_node_new(struct sim_world *w, int side, struct th_flow_server *upstream)
{
	struct sim_node *n = calloc(1, sizeof(*n));
	const th_time *now = &w->side[side].host.clock;
	struct th_secure_config secure;
	struct th_node_config config = {
		.coap = w->config.params[side],
		.now = now,
		.upstream = upstream,
		.ingress = side == SIM_NEAR,
		.sync_push = w->config.sync_push,
		.sync_check = w->config.sync_check,
		.policy = w->config.policy,
		.no_model = w->config.no_model || (w->config.no_model_far && side == SIM_FAR),
		.other_version = w->config.other_version && side == SIM_FAR,
		.padding = w->config.padding,
		.link = w->config.profile[side],
		.report = on_report,
		.user = n,
	};

	if (!n)
		abort();
	n->world = w;
	n->side = &w->side[side];
	if (w->config.secure) {
		secure = secure_config(n, side == SIM_FAR);
		config.secure = &secure;
	}
	if (w->config.home && side == SIM_FAR) {
		n->far = th_home_far_new(w->config.mem, now, &w->config.policy, &w->config.home_config, upstream);
		if (!n->far)
			abort();
		config.upstream = th_home_far_server(n->far);
	}
	n->node = th_node_new(w->config.mem, &w->side[side].rng, &config);
	if (!n->node)
		abort();
	tell_time(n);
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

void sim_node_set_peer(struct sim_node *n, const struct th_addr *peer, const uint8_t *key)
{
	th_node_set_peer(n->node, peer, key);
}

void sim_node_set_profile(struct sim_node *n, const struct th_addr *peer, const struct th_link_profile *l)
{
	if (th_node_set_profile(n->node, peer, l) != TH_OK)
		abort();
}

static void node_rx(void *ctx, const struct th_addr *from, const uint8_t *p, size_t len)
{
	struct sim_node *n = ctx;

	bool heard = th_node_rx(n->node, from, p, len);

	if (heard && n->home)
		th_gate_heard(th_home_gate(n->home));
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

void sim_node_drain(struct sim_node *n)
{
	th_node_drain(n->node);
}

struct th_node_stats sim_node_stats(const struct sim_node *n)
{
	struct th_node_stats stats;

	th_node_stats(n->node, &stats);
	return stats;
}

size_t sim_node_open(const struct sim_node *n)
{
	struct th_node_stats stats;

	th_node_stats(n->node, &stats);
	return stats.ingress_open + stats.egress_open;
}

struct th_node *sim_node_inside(const struct sim_node *n)
{
	return n->node;
}
