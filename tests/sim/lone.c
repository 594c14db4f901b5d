#include "sim/lone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WRONG_MAX = 20 };

void lone_complain(struct lone *p, const char *what)
{
	if (p->wrong++ < WRONG_MAX)
		printf("%s seed %" PRIu64 " (%s, %s): exchange %u, %.1f to %.1f s: %s: %s %u, %s\n", p->name, p->seed,
		       p->first_contact ? "first contact" : "known key", p->cold ? "cold" : "warm", p->number,
		       (double)p->client.opened_at / TH_SEC, (double)p->world.net.now / TH_SEC, what,
		       sim_client_state_text(p->client.state), p->client.fail_status, p->client.reason);
}

void lone_begin(struct lone *p)
{
	struct sim_request r = { .method = "PUT", .target = p->target, .send_limit = SIZE_MAX, .read_limit = SIZE_MAX };

	snprintf(p->target, sizeof(p->target), "/x/%u", ++p->number);
	r.body = (struct sim_body){ .n = 30, .seed = p->number };
	sim_client_init(&p->client, &r, &p->world.net.now);
	sim_client_start(&p->client, sim_world_door(&p->world));
	sim_net_flush(&p->world.net);
}

th_time lone_wait(struct lone *p, th_time most)
{
	th_time begun = p->world.net.now;

	while (p->client.state == SIM_CLIENT_OPEN && sim_net_step(&p->world.net, begun + most))
		;
	return p->world.net.now - begun;
}

void lone_end(struct lone *p)
{
	sim_client_leave(&p->client);
	sim_net_flush(&p->world.net);
}

th_time lone_exchange(struct lone *p)
{
	th_time took;

	lone_begin(p);
	took = lone_wait(p, p->patience);
	lone_end(p);
	return took;
}

th_time lone_succeeds(struct lone *p)
{
	th_time took = lone_exchange(p);

	if (p->client.state != SIM_CLIENT_DONE)
		lone_complain(p, "should succeed");
	return took;
}

struct lone *lone_new(uint64_t seed, const char *name, const struct sim_profile *link, const struct th_link_profile *told,
		      bool first_contact, bool cold, th_time patience)
{
	struct sim_rule echo = { .kind = SIM_ECHO, .status = 200, .times = -1 };
	struct lone *p = calloc(1, sizeof(*p));
	struct sim_world_config config;

	if (!p)
		abort();
	p->name = name;
	p->patience = patience;
	p->seed = seed;
	p->first_contact = first_contact;
	p->cold = cold;
	sim_world_config_default(&config);
	config.seed = seed;
	config.secure = true;
	config.first_contact = first_contact;
	config.no_model = true;
	config.up = config.down = *link;
	config.profile[SIM_NEAR] = config.profile[SIM_FAR] = *told;
	sim_world_init(&p->world, &config);
	sim_server_rule(&p->world.server, &echo);
	return p;
}

unsigned lone_free(struct lone *p)
{
	unsigned wrong;

	if (sim_world_bug(&p->world))
		lone_complain(p, sim_world_bug(&p->world));
	wrong = p->wrong;
	sim_world_free(&p->world);
	free(p);
	return wrong;
}
