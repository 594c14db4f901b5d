/* Messages that build on each other, between two nodes: whatever overtakes what, is lost or forgotten, each request and
 * each answer is read as it was written.
 *
 *     coding_test [SEEDS [FIRST [KIND]]]; each plays EXCHANGES over each kind of link, or that one. A long poll is
 * answered with what other requests have just said, as a sync is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/core.h"
#include "proxy/dialogue.h"
#include "sim/client.h"
#include "sim/node.h"
#include "sim/world.h"

enum { EXCHANGES = 400, IN_FLIGHT = 10, TEXT = 20000, TARGET = 64, PADDING = 32 };

static const struct kind {
	const char *name;
	unsigned loss_permille, reorder_permille, jitter_percent, kill_percent, window, long_permille, padding;
	bool spoil; /* texts in an end's history, now and then: what must not be, and is told by the check if it is */
	unsigned often_ms; /* trouble comes within such a time; 0: within 8 to 11 s */
} kinds[] = {
	{ "in order", 0, 0, 0, 0, 16, 0, 0, false, 0 },	       { "overtaking", 0, 300, 90, 0, 16, 0, 0, false, 0 },
	{ "waiting", 0, 0, 40, 0, 4, 0, 0, false, 0 },	       { "lossy", 100, 50, 40, 0, 8, 0, 0, false, 0 },
	{ "restarts", 20, 50, 40, 100, 8, 0, 0, false, 0 },    { "long ones", 0, 100, 40, 0, 8, 120, 0, false, 0 },
	{ "padded", 0, 0, 0, 0, 16, 0, PADDING, false, 0 },    { "spoilt", 0, 0, 0, 0, 16, 0, 0, true, 0 },
	{ "restless", 20, 300, 90, 100, 8, 0, 0, false, 900 },
};

static uint64_t long_plain, long_bytes; /* of all plays with long texts */

struct play;

struct slot {
	struct sim_client client;
	struct sim_event next;
	struct play *play;
	char target[TARGET], text[TEXT];
};

struct play {
	struct sim_world world;
	const struct kind *kind;
	uint64_t rng_state, begun, answered, failed, wrong, told, bytes, plain;
	struct th_rng rng;
	struct sim_event trouble;
	uint32_t rests; /* bit n: a request of one datagram had n bytes more than a multiple of PADDING */
	char last[256]; /* what somebody said last */
	struct slot slots[IN_FLIGHT];
};

static unsigned pick(struct play *p, unsigned below)
{
	return (unsigned)th_rng_below(&p->rng, below);
}

/* A message as people write, with an identifier that no model knows; or a long one. */
static size_t compose(struct play *p, char *out)
{
	static const char *const words[] = { "hello", "world", "tomorrow", "the", "boat", "comes", "late", "again" };
	size_t n = (size_t)snprintf(out, TEXT, "{\"event_id\":\"$%016" PRIx64 "\",\"after\":\"%.40s\",\"body\":\"",
				    th_rng_u64(&p->rng), p->last);
	unsigned more = pick(p, 1000) < p->kind->long_permille ? 2500 : pick(p, 12);

	for (unsigned i = 0; i < more && n < TEXT - 40; i++)
		n += (size_t)snprintf(out + n, TEXT - n, "%s ", words[pick(p, 8)]);
	snprintf(p->last, sizeof(p->last), "$%.36s", out + 14);
	for (char *c = p->last; *c; c++)
		if (*c == '"')
			*c = '_';
	return n + (size_t)snprintf(out + n, TEXT - n, "\"}");
}

static void done(struct sim_client *c)
{
	struct slot *s = c->user;
	struct play *p = s->play;
	struct sim_sum want;

	sim_sum_of(&want, &c->req.body);
	if (c->state != SIM_CLIENT_DONE) {
		p->failed++;
	} else if (c->status != 200 || !sim_sum_eq(&want, &c->sum)) {
		char is[512];

		p->wrong++;
		printf("    %s: status %u, %s\n", s->target, c->status, sim_sum_text(&c->sum, is, sizeof(is)));
	} else {
		p->answered++;
	}
	sim_net_at(&p->world.net, &s->next, p->world.net.now + pick(p, 40) * TH_MS);
}

static void begin(struct sim_event *e)
{
	struct slot *s = TH_OWNER(e, struct slot, next);
	struct play *p = s->play;
	struct sim_world *w = &p->world;
	struct sim_request r = { .method = "PUT", .target = s->target, .send_limit = SIZE_MAX, .read_limit = SIZE_MAX };

	if (p->begun == EXCHANGES)
		return;
	snprintf(s->target, sizeof(s->target), "/_matrix/client/v3/%s/%" PRIu64,
		 pick(p, 4) ? "rooms/!abc:example.org/send/m.room.message" : "sync", p->begun++);
	r.body = (struct sim_body){ .text = s->text, .n = compose(p, s->text) };
	sim_client_init(&s->client, &r, &w->net.now);
	s->client.done = done;
	s->client.user = s;
	sim_client_start(&s->client, sim_world_door(w));
}

/* Changes a letter of each text that the node would code its next message against. */
static void spoil(struct sim_node *node)
{
	static struct th_view view;
	struct th_list *dialogues = &sim_node_inside(node)->dialogues;
	struct th_history_base base;

	for (struct th_list *i = dialogues->next; i != dialogues; i = i->next) {
		struct th_dialogue *d = TH_OWNER(i, struct th_dialogue, link);

		if (!d->history)
			continue;
		th_history_choose(d->history, UINT32_MAX, TH_HISTORY_NONE, false, &base, &view);
		for (size_t k = 0; k < view.n; k++)
			((uint8_t *)(uintptr_t)view.texts[k].p)[view.texts[k].n / 2] ^= 1;
	}
}

static void trouble(struct sim_event *e)
{
	struct play *p = TH_OWNER(e, struct play, trouble);

	if (p->kind->spoil)
		spoil(p->world.side[pick(p, SIM_SIDES)].node);
	if (pick(p, 100) < p->kind->kill_percent) {
		p->told += sim_node_stats(p->world.side[SIM_FAR].node).wrong_texts;
		sim_world_kill(&p->world, SIM_FAR);
		sim_world_start(&p->world, SIM_FAR);
	}
	if (p->begun < EXCHANGES)
		sim_net_at(&p->world.net, &p->trouble,
			   p->world.net.now + (p->kind->often_ms ? pick(p, p->kind->often_ms) * TH_MS
								 : 8 * TH_SEC + pick(p, 3000) * TH_MS));
}

static void report(void *user, const struct th_report *r)
{
	struct play *p = user;

	if (r->half[0] != 'i')
		return;
	if (r->datagrams_up == 1)
		p->rests |= (uint32_t)1 << r->link_bytes_up % PADDING;
	p->bytes += r->link_bytes_up + r->link_bytes_down;
	p->plain += r->http_bytes_up + r->http_bytes_down;
}

static unsigned play(uint64_t seed, const struct kind *kind)
{
	const struct sim_profile link = {
		.latency = 30 * TH_MS,
		.jitter_percent = kind->jitter_percent,
		.loss_permille = kind->loss_permille,
		.reorder_permille = kind->reorder_permille,
		.reorder_delay = 100 * TH_MS,
	};
	struct sim_rule answer = { .kind = SIM_ECHO, .status = 200, .times = -1 };
	struct sim_rule sync = { .target = "/_matrix/client/v3/sync*", .kind = SIM_ECHO, .status = 200, .times = -1 };
	struct play *p = calloc(1, sizeof(*p));
	struct sim_world_config config;
	struct th_node_stats stats;
	unsigned bad;

	if (!p)
		abort();
	p->kind = kind;
	p->rng_state = seed * 131;
	p->rng = th_rng_seeded(&p->rng_state);
	sim_world_config_default(&config);
	config.seed = seed;
	config.secure = true;
	config.padding = kind->padding;
	config.up = config.down = link;
	for (int side = 0; side < SIM_SIDES; side++) {
		config.profile[side].ours = true;
		config.params[side].window_start = config.params[side].window_max = kind->window;
		config.params[side].ack_timeout = config.params[side].rto_min = 50 * TH_MS;
	}
	sim_world_init(&p->world, &config);
	p->world.report = report;
	p->world.report_user = p;
	sync.delay = 300 * TH_MS;
	sim_server_rule(&p->world.server, &answer);
	sim_server_rule(&p->world.server, &sync);
	p->trouble.fire = trouble;
	sim_net_at(&p->world.net, &p->trouble, TH_SEC);
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		p->slots[i].play = p;
		p->slots[i].next.fire = begin;
		sim_net_at(&p->world.net, &p->slots[i].next, i * TH_MS);
	}
	sim_net_run(&p->world.net, 3600 * TH_SEC);
	stats = sim_node_stats(p->world.side[SIM_NEAR].node);
	p->told += stats.wrong_texts + sim_node_stats(p->world.side[SIM_FAR].node).wrong_texts;
	printf("seed %" PRIu64 ", %-10s: %" PRIu64 " answered, %" PRIu64 " failed, %" PRIu64 " wrong; %" PRIu64
	       " bytes of %" PRIu64 "; answers: %" PRIu64 " waited, %" PRIu64 " asked for again; requests: %" PRIu64
	       " again, %" PRIu64 " late; %" PRIu64 " wrong texts told\n",
	       seed, kind->name, p->answered, p->failed, p->wrong, p->bytes, p->plain, stats.answers_waited,
	       stats.answers_again, stats.requests_again, stats.requests_late, p->told);
	/* one of 256 spoilt ones may pass */
	bad = p->wrong > kind->spoil || (kind->spoil ? p->told < 3 : p->told > 0);
	bad |= p->answered + p->failed + p->wrong != EXCHANGES || stats.ingress_open > 0;
	bad |= kind->kill_percent == 0 && p->failed > 0;
	/* it has to have been worth it */
	bad |= !kind->spoil && kind->loss_permille + kind->reorder_permille == 0 &&
	       stats.answers_again + stats.requests_again > 0;
	bad |= kind->reorder_permille > 100 && stats.answers_waited < 10;
	bad |= !kind->spoil && kind->loss_permille == 0 && kind->long_permille == 0 && stats.answers_again > 0;
	bad |= kind->spoil && (stats.answers_again == 0 || stats.requests_again == 0);
	bad |= kind->window < 4 && stats.requests_late == 0;
	bad |= kind->kill_percent > 0 && stats.requests_again == 0;
	if (kind->long_permille > 0) {
		long_plain += p->plain;
		long_bytes += p->bytes;
	}
	/* lengths tell the header's, and no more */
	bad |= (__builtin_popcount(p->rests) > 6) == (kind->padding > 0);
	sim_world_free(&p->world);
	free(p);
	return bad;
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, failed = 0, played = 0;

	for (; played < seeds; played++)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (argc <= 3 || strcmp(argv[3], kinds[i].name) == 0)
				failed += play(first + played, &kinds[i]);
	/* of all seeds: one may have lost more than others */
	failed += long_plain < 8 * long_bytes;
	printf("%" PRIu64 " seeds, %" PRIu64 " failed; long ones %.2f times shorter\n", played, failed,
	       (double)long_plain / (double)long_bytes);
	return failed || played == 0 ? 1 : 0;
}
