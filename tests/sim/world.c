#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/client.h"
#include "sim/node.h"

enum { NEAR_HOST = 1, FAR_HOST = 2, COAP_PORT = 5683, MOVED_HOST = 100, SEED_STEP = 0x51ed27 };

#define WALL_START ((th_time)1800000000 * TH_SEC)

void sim_world_config_default(struct sim_world_config *c)
{
	*c = (struct sim_world_config){
		.seed = 1,
		.kind = { SIM_NODE, SIM_NODE },
		.params = { th_coap_params_default, th_coap_params_default },
		.sync_check = TH_NEVER,
		.home_config = th_home_default,
	};
}

static void nobody_rx(void *ctx, const struct th_addr *from, const uint8_t *p, size_t n)
{
	(void)ctx, (void)from, (void)p, (void)n;
}

static size_t nobody_tx(void *ctx, struct th_addr *to, uint8_t *out, size_t cap)
{
	(void)ctx, (void)to, (void)out, (void)cap;
	return 0;
}

static th_time nobody_deadline(void *ctx)
{
	(void)ctx;
	return TH_NEVER;
}

static void nobody_tick(void *ctx)
{
	(void)ctx;
}

static const struct sim_machine nobody = { nobody_rx, nobody_tx, nobody_deadline, nobody_tick, NULL };

static struct th_flow_server *upstream_of(struct sim_world *w, int side)
{
	struct th_flow_server *own = w->config.homeserver;

	return side == SIM_FAR ? (own ? own : &w->server.server) : NULL;
}

void sim_world_start(struct sim_world *w, int side)
{
	struct sim_side *s = &w->side[side];
	const struct th_addr *peer = &w->side[!side].host.addr;

	if (s->up)
		return;
	s->up = w->config.kind[side] != SIM_NOBODY;
	switch (w->config.kind[side]) {
	case SIM_NOBODY:
		break;
	case SIM_RAW:
		sim_raw_init(&s->raw, w->config.mem, &w->config.params[side], &s->rng, &s->host.clock, peer,
			     upstream_of(w, side));
		if (side == SIM_FAR && w->config.require_echo)
			th_coap_require_echo(s->raw.coap, true);
		if (w->config.told[side] &&
		    th_coap_set_profile(s->raw.coap, peer, &w->config.profile[side], s->host.clock) != TH_OK)
			abort();
		s->host.machine = sim_raw_machine(&s->raw);
		break;
	case SIM_NODE:
		s->node = sim_node_new(w, side, upstream_of(w, side));
		sim_node_set_peer(s->node, w->config.peer_unknown ? NULL : peer,
				  w->config.secure && !w->config.first_contact ? w->trusted : NULL);
		if (w->config.told[side] && !w->config.secure) /* a session tells its engine itself */
			sim_node_set_profile(s->node, peer, &w->config.profile[side]);
		s->host.machine = sim_node_machine(s->node);
		break;
	}
}

void sim_world_kill(struct sim_world *w, int side)
{
	struct sim_side *s = &w->side[side];

	if (!s->up)
		return;
	s->up = false;
	s->host.machine = nobody;
	if (w->config.kind[side] == SIM_RAW)
		sim_raw_free(&s->raw);
	else
		sim_node_del(s->node);
	s->node = NULL;
}

static void side_init(struct sim_world *w, int side, const char *name, const struct th_addr *addr, struct sim_pipe *out)
{
	struct sim_side *s = &w->side[side];

	s->rng_state = w->config.seed * 2 + (uint64_t)side + SEED_STEP;
	s->rng = th_rng_seeded(&s->rng_state);
	s->wall = WALL_START;
	if (w->config.secure && !th_noise_keygen(&s->own, &s->rng))
		abort();
	sim_host_init(&s->host, &w->net, name, addr, out);
	s->host.machine = nobody;
}

void sim_world_init(struct sim_world *w, const struct sim_world_config *config)
{
	struct th_addr near = sim_addr(NEAR_HOST, COAP_PORT), far = sim_addr(FAR_HOST, COAP_PORT);

	memset(w, 0, sizeof(*w));
	w->config = *config;
	if (!w->config.mem)
		w->config.mem = &th_mem_libc;
	sim_net_init(&w->net, config->seed);
	if (config->overhead)
		w->net.overhead = config->overhead;
	sim_pipe_init(&w->up, &w->net, "near>far", &config->up);
	sim_pipe_init(&w->down, &w->net, "far>near", &config->down);
	sim_server_init(&w->server, &w->net);
	side_init(w, SIM_NEAR, "near", &near, &w->up);
	side_init(w, SIM_FAR, "far", &far, &w->down);
	memcpy(w->trusted, w->side[SIM_FAR].own.public, sizeof(w->trusted));
	sim_world_start(w, SIM_FAR);
	sim_world_start(w, SIM_NEAR);
}

void sim_world_free(struct sim_world *w)
{
	for (int side = 0; side < SIM_SIDES; side++) {
		sim_world_kill(w, side);
		sim_host_remove(&w->side[side].host);
	}
	sim_server_free(&w->server);
	sim_net_free(&w->net);
}

struct th_flow_server *sim_world_door(struct sim_world *w)
{
	struct sim_side *s = &w->side[SIM_NEAR];

	if (!s->up)
		return NULL;
	return w->config.kind[SIM_NEAR] == SIM_RAW ? &s->raw.server : sim_node_server(s->node);
}

void sim_world_rebind(struct sim_world *w, int side)
{
	struct th_addr addr = w->side[side].host.addr;

	addr.port = (uint16_t)(COAP_PORT + ++w->rebinds);
	sim_host_rebind(&w->side[side].host, &addr);
}

void sim_world_move(struct sim_world *w, int side)
{
	struct th_addr addr;

	w->rebinds++;
	addr = sim_addr((uint8_t)(MOVED_HOST + w->rebinds % MOVED_HOST), (uint16_t)(COAP_PORT + w->rebinds));
	sim_host_rebind(&w->side[side].host, &addr);
}

void sim_world_wander(struct sim_world *w, int side)
{
	if (w->rebinds % 2)
		sim_world_rebind(w, side);
	else
		sim_world_move(w, side);
}

struct th_coap_stats sim_world_stats(const struct sim_world *w, int side)
{
	const struct sim_side *s = &w->side[side];
	struct th_coap_stats stats = { 0 };

	if (s->up && w->config.kind[side] == SIM_RAW)
		th_coap_stats(s->raw.coap, &stats);
	else if (s->up)
		stats = sim_node_coap_stats(s->node);
	return stats;
}

size_t sim_world_node_open(const struct sim_world *w, int side)
{
	const struct sim_side *s = &w->side[side];

	return s->up && w->config.kind[side] == SIM_NODE ? sim_node_open(s->node) : 0;
}

bool sim_world_echoes(struct sim_world *w, const char *target, const char *text)
{
	static struct sim_client client;
	struct sim_request r = { .method = "PUT", .target = target, .send_limit = SIZE_MAX, .read_limit = SIZE_MAX };
	struct sim_sum want;
	char is[512];

	r.body = (struct sim_body){ .text = text, .n = strlen(text) };
	sim_sum_of(&want, &r.body);
	sim_client_init(&client, &r, &w->net.now);
	sim_client_start(&client, sim_world_door(w));
	sim_net_run(&w->net, w->net.now + 60 * TH_SEC);
	if (client.state == SIM_CLIENT_DONE && client.status == 200 && sim_sum_eq(&want, &client.sum))
		return true;
	printf("PUT %s: %s, status %u, %s\n", target, sim_client_state_text(client.state), client.status,
	       sim_sum_text(&client.sum, is, sizeof(is)));
	sim_client_leave(&client);
	return false;
}

const char *sim_world_bug(const struct sim_world *w)
{
	if (w->server.bug)
		return w->server.bug;
	for (int side = 0; side < SIM_SIDES; side++)
		if (w->side[side].up && w->config.kind[side] == SIM_RAW && w->side[side].raw.bug)
			return w->side[side].raw.bug;
	return NULL;
}
