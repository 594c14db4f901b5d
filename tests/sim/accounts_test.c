/* Many users on one near daemon: whatever is lost, overtaken, given up, restarted or too random to be coded, the
 * homeserver sees each request with the token of the user whose it is, or not at all. Every request names its user in
 * its target.
 *
 *     accounts_test [EXCHANGES [FIRST_SEED [spoil]]]; a seed plays PER_SEED of them. `spoil`: now and then the far
 * side's slots come to stand for other values, which no fault should ever do: its check tells it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/core.h"
#include "sim/client.h"
#include "sim/node.h"
#include "sim/world.h"

enum { PER_SEED = 2000, EXCHANGES_DEFAULT = 4000, IN_FLIGHT = 10, USERS = 40, TARGET = 48, TOKEN = 48, PERCENT = 100 };

struct play;

struct slot {
	struct sim_client client;
	struct sim_event next, leave;
	struct play *play;
	char target[TARGET], token[TOKEN];
};

struct play {
	struct sim_world world;
	uint64_t rng_state, begun, answered;
	struct th_rng rng;
	struct sim_event trouble;
	struct sim_rule logins[USERS];
	char login_targets[USERS][TARGET], tokens[USERS][2 * TOKEN];
	unsigned restarts;
	bool spoils;
	uint64_t told; /* by checks */
	struct slot slots[IN_FLIGHT];
};

static unsigned pick(struct play *p, unsigned below)
{
	return (unsigned)th_rng_below(&p->rng, below);
}

static void token_of(unsigned user, char out[TOKEN])
{
	snprintf(out, TOKEN, "Bearer syt_dXNlcg_%08x_%u", user * 2654435761u, user);
}

static void done(struct sim_client *c)
{
	struct slot *s = c->user;
	struct play *p = s->play;

	p->answered += c->state == SIM_CLIENT_DONE;
	sim_net_cancel(&p->world.net, &s->leave);
	sim_net_at(&p->world.net, &s->next, p->world.net.now + pick(p, 40) * TH_MS);
}

static void leave(struct sim_event *e)
{
	struct slot *s = TH_OWNER(e, struct slot, leave);

	sim_client_leave(&s->client);
}

static size_t some_size(struct play *p)
{
	/* of so many random bytes the model makes more, so they go as they are */
	return pick(p, 12) ? pick(p, 60) : 12000 + pick(p, 4000);
}

static void begin(struct sim_event *e)
{
	struct slot *s = TH_OWNER(e, struct slot, next);
	struct play *p = s->play;
	struct sim_world *w = &p->world;
	unsigned user = pick(p, 4) ? pick(p, 4) : pick(p, USERS); /* some are busy */
	bool login = pick(p, 12) == 0, empty = !login && pick(p, 20) == 0;
	struct sim_request r = { .method = pick(p, 2) ? "PUT" : "GET",
				 .target = s->target,
				 .send_limit = SIZE_MAX,
				 .read_limit = SIZE_MAX };

	if (p->begun == PER_SEED)
		return;
	if (login)
		r.method = "POST";
	snprintf(s->target, sizeof(s->target), "/_matrix/client/v3/u%u/%s%" PRIu64, user,
		 !login	      ? empty ? "none/" : ""
		 : pick(p, 3) ? "login/"
			      : "wrong/",
		 p->begun++);
	token_of(user, s->token);
	r.body = (struct sim_body){ .n = some_size(p), .seed = p->begun };
	if (!login && pick(p, 10)) { /* some ask without, and some with nothing in it */
		r.fields[0] = (struct th_field){ TH_STR("Authorization"), empty ? TH_STR("") : th_str_of(s->token) };
		r.n_fields = 1;
	}
	sim_client_init(&s->client, &r, &w->net.now);
	s->client.done = done;
	s->client.user = s;
	sim_client_start(&s->client, sim_world_door(w));
	if (s->client.state == SIM_CLIENT_OPEN && pick(p, 8) == 0)
		sim_net_at(&w->net, &s->leave, w->net.now + pick(p, 300) * TH_MS);
}

static void spoil(struct th_node *n)
{
	TH_LIST_EACH(it, &n->dialogues)
	{
		struct th_accounts *a = &TH_OWNER(it, struct th_dialogue, link)->accounts;

		for (unsigned i = 0; i < TH_ACCOUNTS_SLOTS; i++)
			if (a->slot[i])
				a->slot[i]->value[a->slot[i]->n - 1] ^= 1;
	}
}

static void trouble(struct sim_event *e)
{
	struct play *p = TH_OWNER(e, struct play, trouble);
	struct sim_world *w = &p->world;

	if (p->spoils)
		spoil(sim_node_inside(w->side[SIM_FAR].node));
	if (pick(p, 3) == 0) {
		p->told += sim_node_stats(w->side[SIM_FAR].node).wrong_texts;
		sim_world_kill(w, SIM_FAR);
		sim_world_start(w, SIM_FAR);
		p->restarts++;
	}
	if (p->begun < PER_SEED)
		sim_net_at(&w->net, &p->trouble, w->net.now + TH_SEC + pick(p, 3000) * TH_MS);
}

static void configure(struct sim_world_config *c, uint64_t seed)
{
	const struct sim_profile link = {
		.latency = 15 * TH_MS,
		.jitter_percent = 90,
		.loss_permille = 100,
		.dup_permille = 50,
		.reorder_permille = 50,
		.reorder_delay = 100 * TH_MS,
	};

	sim_world_config_default(c);
	c->seed = seed;
	c->secure = true;
	c->up = c->down = link;
	for (int side = 0; side < SIM_SIDES; side++) {
		c->profile[side].ours = true;
		c->params[side].window_start = c->params[side].window_max = 6; /* less than are asked: some wait */
		c->params[side].ack_timeout = c->params[side].rto_min = 50 * TH_MS;
	}
}

/* Whoever logs in is given the token of the user. */
static void add_logins(struct play *p)
{
	for (unsigned user = 0; user < USERS; user++) {
		char token[TOKEN];
		int n;

		token_of(user, token);
		snprintf(p->login_targets[user], TARGET, "/_matrix/client/v3/u%u/login/*", user);
		n = snprintf(p->tokens[user], sizeof(p->tokens[user]), "{\"access_token\":\"%s\"}",
			     token + strlen("Bearer "));
		p->logins[user] = (struct sim_rule){ .target = p->login_targets[user],
						     .kind = SIM_ANSWER,
						     .status = 200,
						     .times = -1,
						     .body = { .text = p->tokens[user], .n = (size_t)n } };
		sim_server_rule(&p->world.server, &p->logins[user]);
	}
}

/* Returns how many requests came with another token than their user's. */
static unsigned audit(const struct sim_world *w, uint64_t *seen, uint64_t *with)
{
	unsigned wrong = 0;

	TH_LIST_EACH(it, &w->server.seen_order)
	{
		const struct sim_seen *s = TH_OWNER(it, struct sim_seen, link);
		const char *user = strstr(s->key, "/u"), *got = strstr(s->head_text, "Authorization: ");
		char want[TOKEN + 2];
		int n;

		++*seen;
		if (!got)
			continue;
		++*with;
		got += strlen("Authorization: ");
		if (strstr(s->key, "/none/"))
			want[0] = '\0';
		else
			token_of((unsigned)strtoul(user + 2, NULL, 10), want);
		n = (int)strlen(want);
		if (strncmp(got, want, (size_t)n) == 0 && got[n] == '\n')
			continue;
		wrong++;
		printf("    %s came with %.*s\n", s->key, (int)strcspn(got, "\n"), got);
	}
	return wrong;
}

/* Of all seeds, with `spoil`: texts that the check told, and such that it let pass, one of 256. */
static uint64_t told, passed;

static unsigned play(uint64_t seed, bool spoils)
{
	struct sim_rule answer = {
		.kind = SIM_ANSWER, .status = 200, .times = -1, .body = { .text = "{\"event_id\":\"$e\"}", .n = 17 }
	};
	struct sim_rule slow = {
		.target = "/_matrix/client/v3/u7*", .kind = SIM_ANSWER, .status = 200, .times = -1, .delay = 2 * TH_SEC
	};
	struct play *p = calloc(1, sizeof(*p));
	struct sim_world_config config;
	uint64_t seen = 0, with = 0;
	unsigned wrong;

	if (!p)
		abort();
	p->rng_state = seed * 31;
	p->rng = th_rng_seeded(&p->rng_state);
	configure(&config, seed);
	sim_world_init(&p->world, &config);
	sim_server_rule(&p->world.server, &answer);
	sim_server_rule(&p->world.server, &slow);
	add_logins(p);
	p->trouble.fire = trouble;
	p->spoils = spoils;
	sim_net_at(&p->world.net, &p->trouble, TH_SEC);
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		struct slot *s = &p->slots[i];

		s->play = p;
		s->next.fire = begin;
		s->leave.fire = leave;
		sim_net_at(&p->world.net, &s->next, i * TH_MS);
	}
	sim_net_run(&p->world.net, 3600 * TH_SEC);
	wrong = audit(&p->world, &seen, &with);
	printf("seed %" PRIu64 ": %" PRIu64 " begun, %" PRIu64 " answered, %u restarts; %" PRIu64 " seen, %" PRIu64
	       " with a token, %u with another's\n",
	       seed, p->begun, p->answered, p->restarts, seen, with, wrong);
	p->told += sim_node_stats(p->world.side[SIM_FAR].node).wrong_texts;
	if (spoils) {
		told += p->told;
		passed += wrong;
		wrong = 0;
	}
	if ((p->told > 0) != spoils) {
		printf("    %" PRIu64 " texts were wrong\n", p->told);
		wrong++;
	}
	if (p->begun < PER_SEED || p->answered < PER_SEED / 2 || with < PER_SEED / 2)
		wrong++; /* it has to have been worth it */
	sim_world_free(&p->world);
	free(p);
	return wrong;
}

int main(int argc, char **argv)
{
	uint64_t exchanges = argc > 1 ? strtoull(argv[1], NULL, 10) : EXCHANGES_DEFAULT;
	bool spoils = argc > 3 && strcmp(argv[3], "spoil") == 0;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, failed = 0, played = 0;

	for (; played * PER_SEED < exchanges; played++)
		failed += play(first + played, spoils) > 0;
	if (passed > 1 + told / 64) {
		printf("%" PRIu64 " passed the check, which told %" PRIu64 "\n", passed, told);
		failed++;
	}
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", played - failed, failed);
	return failed || played == 0 ? 1 : 0;
}
