/* The figures that a thin link must reach, measured: the exchange of 60 bytes, copies, large bodies, chat beside them.
 * On virtual time; each row says what was asked. Bare engines, but where routes matter.
 *
 *     thin_test [SEEDS]      prints the table that is kept in bench/thin.txt (meson compile -C build bench-thin); ends
 *                            with 1 when a figure is missed */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/figure.h"
#include "sim/load.h"

enum { SEEDS_DEFAULT = 5, PER_SEED = 200, PERCENT = 100, KB = 1000, MB = 1000 * KB };

static unsigned seeds;

/* Worlds */

struct setting {
	uint64_t rate;
	th_time latency;
	unsigned loss; /* percent */
	bool told, ours, knows_rate;
	enum sim_kind kind;
};

static struct sim_world *world_new(uint64_t seed, const struct setting *s)
{
	const struct sim_profile link = {
		.rate_bps = s->rate,
		.latency = s->latency,
		.jitter_percent = 40,
		.in_order = true,
		.loss_permille = s->loss * 10,
	};
	const struct th_link_profile profile = {
		.up_bps = s->knows_rate ? s->rate : 0,
		.down_bps = s->knows_rate ? s->rate : 0,
		.latency = s->knows_rate ? s->latency : 0,
		.jitter_percent = s->knows_rate ? 40 : 0,
		.ours = s->ours,
		.blocks = true,
	};
	struct sim_world *w = calloc(1, sizeof(*w));
	struct sim_world_config config;

	if (!w)
		abort();
	sim_world_config_default(&config);
	config.seed = seed;
	config.up = config.down = link;
	for (int side = 0; side < SIM_SIDES; side++) {
		config.kind[side] = s->kind;
		config.told[side] = s->told;
		config.profile[side] = profile;
	}
	sim_world_init(w, &config);
	return w;
}

static void world_del(struct sim_world *w)
{
	sim_world_free(w);
	free(w);
}

static bool is_wrong(const struct sim_world *w, const struct sim_load_result *r)
{
	return r->lost || r->doubled || r->wrong_up || r->wrong_down || sim_world_bug(w);
}

/* Small exchanges */

static size_t body_bytes;

static size_t body_size(uint64_t number)
{
	(void)number;
	return body_bytes;
}

struct outcome {
	uint64_t done, failed, wrong, copies, up, down;
};

static struct outcome exchanges(const struct setting *s, unsigned in_flight, unsigned per_seed)
{
	struct outcome o = { 0 };

	sim_figure_clear();
	for (unsigned seed = 1; seed <= seeds; seed++) {
		const struct sim_load_config load = { in_flight, per_seed, body_size, 0, TH_NEVER };
		struct sim_world *w = world_new(seed, s);
		struct sim_load_result r;

		sim_load_run(w, &load, &r);
		for (uint64_t i = 0; i < r.done; i++)
			sim_figure_sample(r.took[i]);
		o.done += r.done;
		o.failed += r.failed;
		o.wrong += is_wrong(w, &r);
		o.copies += r.done + r.failed + sim_world_stats(w, SIM_NEAR).retransmissions;
		o.up += w->up.counts[SIM_SENT].bytes;
		o.down += w->down.counts[SIM_SENT].bytes;
		free(r.took);
		world_del(w);
	}
	return o;
}

static void one_exchange(void)
{
	static const struct {
		unsigned loss;
		double asked;
	} all[] = { { 0, 22 }, { 10, 46 }, { 20, 75 }, { 40, 140 }, { 50, -1 } };
	struct setting s = { 100, 4 * TH_SEC, 0, true, true, true, SIM_RAW };
	char what[80];

	body_bytes = 23; /* 66 bytes up and 60 down, headers included */
	printf("\nOne exchange at 100 bit/s, 4 s +- 40 %% each way, datagrams of 60 bytes (up 66), IP and UDP headers "
	       "included; "
	       "%u exchanges:\n",
	       seeds * PER_SEED);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct outcome o;

		s.loss = all[i].loss;
		o = exchanges(&s, 1, PER_SEED);
		snprintf(what, sizeof(what), "%u %% loss: p90", s.loss);
		sim_figure_row(what, sim_figure_percentile(90), all[i].asked, false, "s");
		snprintf(what, sizeof(what), "%u %% loss: exchanges that failed or went wrong", s.loss);
		sim_figure_row(what, (double)(o.failed + o.wrong), 0, false, "");
		snprintf(what, sizeof(what), "%u %% loss: copies of a request", s.loss);
		sim_figure_row(what, (double)o.copies / (double)(o.done + o.failed),
			       s.loss == 0    ? 1.05
			       : s.loss == 10 ? 1.3
					      : -1,
			       false, "");
	}
	body_bytes = 51;
	printf("\nThe same with 60 bytes beside the headers, 88 in all (up 94). At 0 %% nothing can be below 23.9 "
	       "s:\n");
	for (size_t i = 0; i < 4; i++) {
		s.loss = all[i].loss;
		exchanges(&s, 1, PER_SEED);
		snprintf(what, sizeof(what), "%u %% loss: p90", s.loss);
		sim_figure_row(what, sim_figure_percentile(90), -1, false, "s");
	}
}

static void copies(void)
{
	static const uint64_t rates[] = { 100, 300, 1200, 9600, 64000, 1000000 };
	static const char *const knows[] = { "ours, profile told", "shared, profile told", "nothing known" };
	char what[80];

	body_bytes = 60;
	printf("\nCopies of a request of 60 bytes, 1 s +- 40 %% each way; each way 4 at a time and one by one:\n");
	for (unsigned know = 0; know < 3; know++) {
		for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
			for (unsigned loss = 0; loss <= 10; loss += 10) {
				const struct setting s = { rates[i], TH_SEC, loss, true, know == 0, know < 2, SIM_RAW };
				struct outcome a = exchanges(&s, 1, 100), b = exchanges(&s, 4, 100);

				snprintf(what, sizeof(what), "%s, %" PRIu64 " bit/s, %u %%", knows[know], rates[i],
					 loss);
				sim_figure_row(what,
					       (double)(a.copies + b.copies) /
						       (double)(a.done + a.failed + b.done + b.failed),
					       loss ? 1.3 : 1.05, false, "");
			}
		}
	}
}

static void half_is_lost(void)
{
	static const uint64_t rates[] = { 100, 300, 1200, 9600 };
	char what[80];

	body_bytes = 60;
	printf("\n50 %% loss each way, the link is ours, 100 ms: exchanges that fail, of %u:\n", seeds * 100);
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const struct setting s = { rates[i], 100 * TH_MS, 50, true, true, true, SIM_RAW };
		struct outcome o = exchanges(&s, 1, 100);

		snprintf(what, sizeof(what), "%" PRIu64 " bit/s", rates[i]);
		sim_figure_row(what, (double)(o.failed + o.wrong), 0, false, "");
	}
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const struct setting s = { rates[i], 100 * TH_MS, 50, true, true, false, SIM_RAW };
		struct outcome o = exchanges(&s, 1, 100);

		snprintf(what, sizeof(what), "%" PRIu64 " bit/s, rate and latency not told", rates[i]);
		sim_figure_row(what, (double)(o.failed + o.wrong), -1, false, "");
	}
}

/* Large bodies */

struct transfer {
	double seconds, share; /* share: of the link's time that its bytes need without any header */
	bool good;
	struct sim_count out;
};

/* One body up (PUT) or down (GET), between two engines that have exchanged a little before. */
static struct transfer transfer(uint64_t seed, const struct setting *s, bool up, size_t bytes, th_time cut)
{
	const struct sim_rule echo = { .kind = SIM_ECHO, .status = 205, .times = -1 };
	struct sim_rule rule = { .target = "/big", .kind = SIM_ANSWER, .status = 205, .times = -1 };
	struct sim_request first = { .method = "PUT",
				     .target = "/small",
				     .body = { .n = 60, .seed = 1 },
				     .send_limit = SIZE_MAX,
				     .read_limit = SIZE_MAX };
	struct sim_request big = {
		.method = up ? "PUT" : "GET", .target = "/big", .send_limit = SIZE_MAX, .read_limit = SIZE_MAX
	};
	struct sim_body body = { .n = bytes, .seed = 7 };
	struct sim_world *w = world_new(seed, s);
	struct sim_pipe *pipe = up ? &w->up : &w->down;
	struct transfer t = { 0 };
	struct sim_client c;
	struct sim_sum want;
	th_time begun;

	if (up)
		big.body = body;
	else
		rule.body = body;
	sim_server_rule(&w->server, &echo);
	sim_server_rule(&w->server, &rule);
	sim_client_init(&c, &first, &w->net.now);
	sim_client_start(&c, sim_world_door(w));
	while (c.state == SIM_CLIENT_OPEN && sim_net_step(&w->net, TH_NEVER))
		;
	begun = w->net.now;
	t.out = pipe->counts[SIM_SENT];
	if (cut) {
		sim_pipe_outage(&w->up, begun + cut, begun + cut + 3600 * TH_SEC);
		sim_pipe_outage(&w->down, begun + cut, begun + cut + 3600 * TH_SEC);
	}
	sim_client_init(&c, &big, &w->net.now);
	sim_client_start(&c, sim_world_door(w));
	while (c.state == SIM_CLIENT_OPEN && sim_net_step(&w->net, TH_NEVER))
		;
	sim_sum_of(&want, &body);
	t.good = c.state == SIM_CLIENT_DONE && !sim_world_bug(w);
	if (up)
		t.good = t.good && sim_server_seen(&w->server, "PUT", "/big") &&
			 sim_sum_eq(&want, &sim_server_seen(&w->server, "PUT", "/big")->last);
	else
		t.good = t.good && sim_sum_eq(&want, &c.sum);
	t.seconds = (double)(c.closed_at - begun) / (double)TH_SEC - (cut ? 3600 : 0);
	t.share = (double)bytes * 8 / (double)s->rate / t.seconds;
	t.out.bytes = pipe->counts[SIM_SENT].bytes - t.out.bytes;
	world_del(w);
	return t;
}

static void transfers(const char *what, const struct setting *s, size_t bytes, th_time cut, double asked_ratio,
		      double asked_fill)
{
	unsigned wrong = 0, n = seeds > 20 ? seeds : 20;
	double ratio = 0, fill = 0;
	char line[100];

	sim_figure_clear();
	for (unsigned seed = 1; seed <= n; seed++) {
		struct transfer t = transfer(seed, s, seed % 2, bytes, cut);

		wrong += !t.good;
		ratio += 1 / t.share / n;
		fill += (double)t.out.bytes * 8 / (double)s->rate / t.seconds * PERCENT / n;
		sim_figure_sample((th_time)(1 / t.share * (double)TH_SEC));
	}
	snprintf(line, sizeof(line), "%s: bodies that went wrong, of %u", what, n);
	sim_figure_row(line, wrong, 0, false, "");
	snprintf(line, sizeof(line), "%s: time / airtime of its bytes, mean", what);
	sim_figure_row(line, ratio, asked_ratio, false, "");
	snprintf(line, sizeof(line), "%s: the same, p90", what);
	sim_figure_row(line, sim_figure_percentile(90), -1, false, "");
	snprintf(line, sizeof(line), "%s: the link is filled to", what);
	sim_figure_row(line, fill, asked_fill, true, "%");
}

static void large_bodies(void)
{
	struct setting s = { 64000, 300 * TH_MS, 20, true, true, true, SIM_RAW };

	printf("\nLarge bodies, half of them up, half down; 300 ms +- 40 %% each way:\n");
	transfers("1 MB, 64 kbit/s, 20 %", &s, MB, 0, 1.35, -1);
	transfers("the same, cut for an hour after 60 s", &s, MB, 60 * TH_SEC, -1, -1);
	s = (struct setting){ 1000000, 300 * TH_MS, 0, true, true, true, SIM_RAW };
	transfers("4 MB, 1 Mbit/s, 600 ms, ours", &s, 4 * MB, 0, -1, 85);
	s.ours = false;
	transfers("4 MB, 1 Mbit/s, 600 ms, shared", &s, 4 * MB, 0, -1, 85);
	s.knows_rate = false;
	transfers("4 MB, 1 Mbit/s, 600 ms, nothing known", &s, 4 * MB, 0, -1, -1);
	s = (struct setting){ 100, 2 * TH_SEC, 20, true, true, true, SIM_RAW };
	transfers("2 kB, 100 bit/s, 2 s, 20 %", &s, 2 * KB, 0, -1, -1);
}

/* Chat beside bulk */

enum { CHATS = 60, BULKS = 2 };

struct chat {
	struct sim_client client;
	struct sim_event event;
	struct sim_world *world;
	char target[80];
	bool begun;
};

static void chat_begin(struct sim_event *e)
{
	struct chat *c = TH_OWNER(e, struct chat, event);
	struct sim_request r = { .method = "PUT",
				 .target = c->target,
				 .body = { .n = 60, .seed = 3 },
				 .send_limit = SIZE_MAX,
				 .read_limit = SIZE_MAX };

	c->begun = true;
	sim_client_init(&c->client, &r, &c->world->net.now);
	sim_client_start(&c->client, sim_world_door(c->world));
}

static void chat_seed(uint64_t seed, const struct setting *s, bool up, unsigned *wrong)
{
	struct sim_rule rules[] = {
		{ .kind = SIM_ANSWER, .status = 200, .body = { .n = 40, .seed = 9 }, .times = -1 },
		{ .method = "GET",
		  .kind = SIM_ANSWER,
		  .status = 200,
		  .body = { .n = 200 * KB, .seed = 8 },
		  .times = -1 },
	};
	static struct chat chats[CHATS];
	struct sim_client bulk[BULKS];
	char targets[BULKS][80];
	struct sim_world *w = world_new(seed, s);
	struct sim_sum want;
	bool open = true;

	sim_server_rule(&w->server, &rules[0]);
	sim_server_rule(&w->server, &rules[1]);
	memset(chats, 0, sizeof(chats));
	for (int i = 0; i < BULKS; i++) {
		struct sim_request r = { .method = up ? "POST" : "GET",
					 .target = targets[i],
					 .send_limit = SIZE_MAX,
					 .read_limit = SIZE_MAX };

		snprintf(targets[i], sizeof(targets[i]),
			 up ? "/_matrix/media/v3/upload?filename=%d" : "/_matrix/client/v1/media/download/a/%d", i);
		if (up)
			r.body = (struct sim_body){ .n = 200 * KB, .seed = 8 };
		sim_client_init(&bulk[i], &r, &w->net.now);
		sim_client_start(&bulk[i], sim_world_door(w));
	}
	for (int i = 0; i < CHATS; i++) {
		chats[i].world = w;
		chats[i].event.fire = chat_begin;
		snprintf(chats[i].target, sizeof(chats[i].target),
			 "/_matrix/client/v3/rooms/!r:x/send/m.room.message/%d", i);
		sim_net_at(&w->net, &chats[i].event,
			   (th_time)(10 + 5 * i) * TH_SEC + th_rng_below(&w->net.rng, TH_SEC));
	}
	while (open && sim_net_step(&w->net, 3600 * TH_SEC)) {
		open = false;
		for (int i = 0; i < CHATS; i++)
			open |= !chats[i].begun || chats[i].client.state == SIM_CLIENT_OPEN;
		for (int i = 0; i < BULKS; i++)
			open |= bulk[i].state == SIM_CLIENT_OPEN;
	}
	sim_sum_of(&want, &(struct sim_body){ .n = 200 * KB, .seed = 8 });
	for (int i = 0; i < BULKS; i++) {
		const struct sim_seen *seen = sim_server_seen(&w->server, up ? "POST" : "GET", targets[i]);
		const struct sim_sum *got = up ? (seen ? &seen->last : NULL) : &bulk[i].sum;

		*wrong += bulk[i].state != SIM_CLIENT_DONE || !got || !sim_sum_eq(&want, got);
	}
	for (int i = 0; i < CHATS; i++) {
		*wrong += chats[i].client.state != SIM_CLIENT_DONE;
		/* only what was said while bulk was under way counts */
		if (chats[i].client.opened_at < bulk[0].closed_at || chats[i].client.opened_at < bulk[1].closed_at)
			sim_figure_sample(chats[i].client.closed_at - chats[i].client.opened_at);
	}
	*wrong += sim_world_bug(w) != NULL;
	world_del(w);
}

static void chat_beside_bulk(void)
{
	const struct setting s = { 9600, 300 * TH_MS, 0, true, true, true, SIM_NODE };
	struct setting lossy = s;
	unsigned wrong = 0, n = seeds > 10 ? seeds / 2 : 5;

	printf("\nTwo transfers of 200 kB and chat at once, 9.6 kbit/s, 300 ms +- 40 %% each way, whole nodes:\n");
	sim_figure_clear();
	for (unsigned seed = 1; seed <= n; seed++)
		chat_seed(seed, &s, seed % 2, &wrong);
	sim_figure_row("0 % loss: a message, p90", sim_figure_percentile(90), 6, false, "s");
	sim_figure_row("0 % loss: a message, at most", sim_figure_percentile(100), -1, false, "s");
	lossy.loss = 10;
	sim_figure_clear();
	for (unsigned seed = 1; seed <= n; seed++)
		chat_seed(seed, &lossy, seed % 2, &wrong);
	sim_figure_row("10 % loss: a message, p90", sim_figure_percentile(90), 6, false, "s");
	sim_figure_row("messages and transfers that went wrong", wrong, 0, false, "");
}

/* Five typing notices in ten seconds, behind a message, on a link that needs as long for one of them. */
static void chatter(void)
{
	enum { NOTICES = 5 };
	static const char target[] = "/_matrix/client/v3/rooms/!r:x/typing/@u:x";
	const struct sim_rule rule = {
		.kind = SIM_ANSWER, .status = 200, .body = { .text = "{}", .n = 2 }, .times = -1
	};
	const struct setting s = { 100, 2 * TH_SEC, 0, true, true, true, SIM_NODE };
	struct sim_world *w = world_new(1, &s);
	struct sim_client clients[NOTICES];
	unsigned answered = 0;

	sim_server_rule(&w->server, &rule);
	for (int i = 0; i < NOTICES; i++) {
		struct sim_request r = { .method = "PUT",
					 .target = target,
					 .fields = { { TH_STR_INIT("Authorization"), TH_STR_INIT("Bearer x") } },
					 .n_fields = 1,
					 .body = { .n = (size_t)(20 + i), .seed = 1 },
					 .send_limit = SIZE_MAX,
					 .read_limit = SIZE_MAX };

		sim_client_init(&clients[i], &r, &w->net.now);
		sim_client_start(&clients[i], sim_world_door(w));
		sim_net_run(&w->net, w->net.now + 2 * TH_SEC);
	}
	sim_net_run(&w->net, w->net.now + 300 * TH_SEC);
	for (int i = 0; i < NOTICES; i++)
		answered += clients[i].state == SIM_CLIENT_DONE && clients[i].status == 200 && clients[i].sum.n == 2 &&
			    !clients[i].bug;
	printf("\nFive typing notices in ten seconds, 100 bit/s, whole nodes:\n");
	sim_figure_row("notices that crossed the link", sim_server_seen(&w->server, "PUT", target)->whole, 2, false,
		       "");
	sim_figure_row("notices whose client was answered 200", answered, NOTICES, true, "");
	sim_figure_row("bytes of the newest that the homeserver has",
		       (double)sim_server_seen(&w->server, "PUT", target)->last.n, 20 + NOTICES - 1, true, "");
	world_del(w);
}

int main(int argc, char **argv)
{
	seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SEEDS_DEFAULT;
	printf("What a thin link must reach, and what it does; %u seeds.\n", seeds);
	one_exchange();
	copies();
	half_is_lost();
	large_bodies();
	chat_beside_bulk();
	chatter();
	return sim_figure_end();
}
