#include "sim/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_MAX = 64, PERCENT = 100 };

struct slot {
	struct sim_client client;
	struct sim_event next;
	struct load *load;
	uint64_t number;
	char target[TARGET_MAX];
	bool busy;
};

struct load {
	struct sim_world *world;
	const struct sim_load_config *config;
	struct sim_load_result *out;
	uint64_t begun;
	bool *answered; /* by number */
	struct slot slots[SIM_LOAD_SLOTS_MAX];
};

static const char *method_of(uint64_t number)
{
	return number % 2 ? "PUT" : "POST";
}

static struct sim_body body_of(const struct load *l, uint64_t number)
{
	return (struct sim_body){ .n = l->config->size(number), .seed = number + 1 };
}

static void target_of(uint64_t number, char out[TARGET_MAX])
{
	snprintf(out, TARGET_MAX, "/x/%" PRIu64, number);
}

static void judge(struct load *l, const struct slot *s)
{
	struct sim_load_result *r = l->out;
	struct sim_body body = body_of(l, s->number);
	struct sim_sum want;

	if (s->client.state != SIM_CLIENT_DONE) {
		r->failed++;
		r->failed_with[-(int)s->client.err]++;
		return;
	}
	sim_sum_of(&want, &body);
	r->wrong_down += !sim_sum_eq(&want, &s->client.sum);
	l->answered[s->number] = true;
	r->took[r->done++] = s->client.closed_at - s->client.opened_at;
	if (s->client.bug) {
		fprintf(stderr, "exchange %" PRIu64 ": %s\n", s->number, s->client.bug);
		abort();
	}
}

static void slot_done(struct sim_client *c)
{
	struct slot *s = c->user;

	sim_net_at(&s->load->world->net, &s->next, s->load->world->net.now + s->load->config->pause);
}

static void slot_begin(struct load *l, struct slot *s)
{
	struct sim_request req = { .target = s->target, .send_limit = SIZE_MAX, .read_limit = SIZE_MAX };

	s->number = l->begun++;
	s->busy = true;
	target_of(s->number, s->target);
	req.method = method_of(s->number);
	req.body = body_of(l, s->number);
	sim_client_init(&s->client, &req, &l->world->net.now);
	s->client.done = slot_done;
	s->client.user = s;
	sim_client_start(&s->client, sim_world_door(l->world));
}

static void slot_next(struct sim_event *e)
{
	struct slot *s = TH_OWNER(e, struct slot, next);
	struct load *l = s->load;

	judge(l, s);
	s->busy = false;
	if (l->begun < l->config->exchanges)
		slot_begin(l, s);
}

static bool all_done(const struct load *l)
{
	return l->out->done + l->out->failed == l->config->exchanges;
}

/* The homeserver's side of the story. */
static void audit(struct load *l)
{
	struct sim_load_result *r = l->out;

	for (uint64_t i = 0; i < l->begun; i++) {
		struct sim_body body = body_of(l, i);
		const struct sim_seen *seen;
		char target[TARGET_MAX];
		struct sim_sum want;

		target_of(i, target);
		seen = sim_server_seen(&l->world->server, method_of(i), target);
		if (!seen || seen->whole == 0) {
			r->lost += l->answered[i];
			continue;
		}
		sim_sum_of(&want, &body);
		r->executed++;
		r->doubled += seen->whole > 1 || seen->begun > 1;
		r->wrong_up += !sim_sum_eq(&want, &seen->last);
	}
}

static int by_time(const void *a, const void *b)
{
	th_time x = *(const th_time *)a, y = *(const th_time *)b;

	return x < y ? -1 : x > y;
}

void sim_load_run(struct sim_world *w, const struct sim_load_config *config, struct sim_load_result *out)
{
	struct sim_rule echo = { .kind = SIM_ECHO, .status = 200, .times = -1 };
	struct load *l = calloc(1, sizeof(*l));

	*out = (struct sim_load_result){ .took = calloc(config->exchanges, sizeof(*out->took)) };
	if (!l || !out->took || !(l->answered = calloc(config->exchanges, sizeof(bool))) || config->in_flight > SIM_LOAD_SLOTS_MAX)
		abort();
	l->world = w;
	l->config = config;
	l->out = out;
	w->server.keep_heads = false;
	if (w->config.kind[SIM_NEAR] == SIM_RAW)
		echo.status = 205;
	sim_server_rule(&w->server, &echo);
	for (unsigned i = 0; i < config->in_flight && l->begun < config->exchanges; i++) {
		l->slots[i].load = l;
		l->slots[i].next.fire = slot_next;
		slot_begin(l, &l->slots[i]);
	}
	while (!all_done(l) && sim_net_step(&w->net, config->limit))
		;
	out->unfinished = config->exchanges - out->done - out->failed;
	out->events = w->net.events;
	out->virtual_time = w->net.now;
	for (unsigned i = 0; i < config->in_flight; i++) {
		l->slots[i].client.done = NULL;
		sim_client_leave(&l->slots[i].client);
		sim_net_cancel(&w->net, &l->slots[i].next);
	}
	audit(l);
	qsort(out->took, out->done, sizeof(*out->took), by_time);
	free(l->answered);
	free(l);
}

th_time sim_load_percentile(const struct sim_load_result *r, unsigned percent)
{
	return r->done ? r->took[(r->done - 1) * percent / PERCENT] : 0;
}
