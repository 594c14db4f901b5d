#include "sim/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEN = 10, JITTER = 40 };

struct sim_stage *sim_stage_new(uint64_t seed, const struct sim_stage_link *l)
{
	const struct sim_profile link = {
		.rate_bps = l->rate,
		.latency = l->latency,
		.jitter_percent = JITTER,
		.in_order = true,
		.loss_permille = l->loss * TEN,
	};
	struct sim_stage *g = calloc(1, sizeof(*g));
	struct sim_world_config config;

	if (!g)
		abort();
	sim_world_config_default(&config);
	config.seed = seed;
	config.up = config.down = link;
	config.secure = true;
	config.home = true;
	config.home_config = th_home_default;
	if (l->told)
		config.profile[SIM_NEAR] = (struct th_link_profile){ .up_bps = l->rate,
								     .down_bps = l->rate,
								     .latency = l->latency,
								     .jitter_percent = JITTER,
								     .loss_percent = l->loss,
								     .ours = l->ours };
	sim_world_init(&g->world, &config);
	sim_matrix_init(&g->matrix, &g->world, seed);
	return g;
}

void sim_stage_del(struct sim_stage *g)
{
	sim_world_free(&g->world);
	free(g);
}

void sim_stage_rest(struct sim_stage *g, th_time t)
{
	sim_net_run(&g->world.net, g->world.net.now + t);
}

void sim_stage_finish(struct sim_stage *g, struct sim_client *c)
{
	sim_net_flush(&g->world.net);
	while (c->state == SIM_CLIENT_OPEN && sim_net_step(&g->world.net, TH_NEVER))
		;
}

static th_time took(struct sim_stage *g, struct sim_client *c, const char *want)
{
	const struct sim_seen *seen = sim_server_seen(&g->world.server, c->req.method, c->req.target);
	bool good = c->state == SIM_CLIENT_DONE && c->status == 200 && !c->bug && !sim_world_bug(&g->world) &&
		    strcmp(c->text, want) == 0 && seen && seen->begun == 1 && seen->whole == 1;

	sim_client_leave(c);
	return good ? c->closed_at - c->opened_at : TH_NEVER;
}

th_time sim_stage_say(struct sim_stage *g, const char *text)
{
	char target[SIM_MATRIX_TARGET], body[SIM_MATRIX_BODY], txn[SIM_MATRIX_TXN], answer[128], want[128];
	size_t before = g->matrix.n_events % SIM_MATRIX_EVENTS;
	struct sim_request r;
	struct sim_client c;

	sim_matrix_txn(&g->matrix, txn);
	r = sim_matrix_send(&g->matrix, 0, text, txn, target, body);
	sim_client_init(&c, &r, &g->world.net.now);
	c.text = answer;
	c.text_cap = sizeof(answer);
	sim_client_start(&c, sim_world_door(&g->world));
	sim_stage_finish(g, &c);
	snprintf(want, sizeof(want), "{\"event_id\":\"%s\"}", g->matrix.events[before].id);
	if (strcmp(g->matrix.events[before].body, body) != 0)
		return TH_NEVER;
	return took(g, &c, want);
}

th_time sim_stage_ask(struct sim_stage *g, size_t chars)
{
	char target[SIM_MATRIX_TARGET], drawn[SIM_MATRIX_TARGET - 32], answer[SIM_MATRIX_TARGET];
	struct sim_request r;
	struct sim_client c;

	sim_matrix_draw(&g->matrix, drawn, chars);
	snprintf(target, sizeof(target), "/_matrix/client/v3/x/%s", drawn);
	r = sim_matrix_request(&g->matrix, 0, "PUT", target);
	sim_client_init(&c, &r, &g->world.net.now);
	c.text = answer;
	c.text_cap = sizeof(answer);
	sim_client_start(&c, sim_world_door(&g->world));
	sim_stage_finish(g, &c);
	return took(g, &c, g->matrix.answer);
}
