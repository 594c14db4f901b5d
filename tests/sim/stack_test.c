/* The figures that a thin link must reach with everything that a daemon has by default: sessions, model, history, the
 * stages of src/home. A fake Matrix homeserver, requests as matrix-nio makes them, on virtual time.
 *
 *     stack_test [SEEDS [SECTION]]     prints the second half of bench/thin.txt (meson compile -C build bench-thin);
 * ends with 1 when a figure is missed */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/figure.h"
#include "sim/matrix.h"
#include "sim/stage.h"
#include "sim/talk.h"

enum { SEEDS_DEFAULT = 3, LINE = 100, PERCENT = 100, KB = 1000, MB = 1000 * KB };

static unsigned seeds;

static const struct sim_stage_link base = { .rate = 100, .latency = 2 * TH_SEC, .told = true, .ours = true };

/* ---- exchanges one after the other ---- */

struct outcome {
	uint64_t done, wrong; /* wrong: failed, too */
	uint64_t bytes, resends;
};

static struct outcome counted(const struct sim_stage *g)
{
	return (struct outcome){ .bytes = g->world.up.counts[SIM_SENT].bytes + g->world.down.counts[SIM_SENT].bytes,
				 .resends = sim_world_stats(&g->world, SIM_NEAR).retransmissions };
}

static void add(struct outcome *sum, const struct sim_stage *g, const struct outcome *before)
{
	struct outcome now = counted(g);

	sum->bytes += now.bytes - before->bytes;
	sum->resends += now.resends - before->resends;
}

static void hello(struct sim_stage *g, struct outcome *o)
{
	struct outcome before = counted(g);
	th_time took = sim_stage_say(g, "Hello World");

	if (took != TH_NEVER)
		sim_figure_sample(took);
	o->done += took != TH_NEVER;
	o->wrong += took == TH_NEVER;
	add(o, g, &before);
}

/* Daemons that have just started; with `warm`, so many that follow are counted instead. */
static struct outcome hellos(const struct sim_stage_link *l, unsigned warm, bool old_room)
{
	struct outcome o = { 0 }, ignored = { 0 };

	sim_figure_clear();
	for (unsigned seed = 1; seed <= seeds; seed++) {
		struct sim_stage *g = sim_stage_new(seed, l);

		if (old_room)
			sim_matrix_old_room(&g->matrix);
		if (warm == 0)
			hello(g, &o);
		else
			ignored.wrong += sim_stage_say(g, "Hello World") == TH_NEVER;
		for (unsigned i = 0; i < warm; i++) {
			sim_stage_rest(g, 60 * TH_SEC);
			hello(g, &o);
		}
		sim_stage_del(g);
	}
	o.wrong += ignored.wrong;
	return o;
}

static void hello_row(const char *what, const struct sim_stage_link *l, unsigned warm, bool old_room, double asked,
		      bool all)
{
	struct outcome o = hellos(l, warm, old_room);
	char line[LINE];

	if (l->loss == 0) {
		snprintf(line, sizeof(line), "%u %% loss, %s: median", l->loss, what);
		sim_figure_row(line, sim_figure_percentile(50), asked, false, "s");
	}
	snprintf(line, sizeof(line), "%u %% loss, %s: p90", l->loss, what);
	sim_figure_row(line, sim_figure_percentile(90), asked, false, "s");
	snprintf(line, sizeof(line), "%u %% loss, %s: at most", l->loss, what);
	sim_figure_row(line, sim_figure_percentile(100), all ? asked : SIM_NOT_ASKED, false, "s");
	snprintf(line, sizeof(line), "%u %% loss, %s: failed or went wrong", l->loss, what);
	sim_figure_row(line, (double)o.wrong, 0, false, "");
	snprintf(line, sizeof(line), "%u %% loss, %s: bytes, both ways", l->loss, what);
	sim_figure_row(line, (double)o.bytes / (double)(o.done ? o.done : 1), SIM_NOT_ASKED, false, "");
}

static void hello_world(void)
{
	enum { WARM = 5 };
	struct sim_stage_link l = base;

	printf("\n\"Hello World\", 100 bit/s, 2 s +- 40 %% each way. Cold is the first request of daemons that have "
	       "just "
	       "started\n(handshake and access token in it), %u of them; warm are the %d that follow:\n",
	       seeds, WARM);
	for (l.loss = 0; l.loss <= 20; l.loss += 20) {
		double cold = l.loss ? 60 : 25, warm = l.loss ? 45 : 16;

		hello_row("cold, room of version 11 or older", &l, 0, true, cold, l.loss == 0);
		hello_row("cold, room of version 12", &l, 0, false, cold, l.loss == 0);
		hello_row("warm", &l, WARM, false, warm, l.loss == 0);
	}
}

/* Requests whose datagrams have 60 bytes each way. */
static struct outcome exchanges(const struct sim_stage_link *l, unsigned per_seed)
{
	enum { CHARS_UP = 18, CHARS_DOWN = 26 };
	struct outcome o = { 0 };

	sim_figure_clear();
	for (unsigned seed = 1; seed <= seeds; seed++) {
		struct sim_stage *g = sim_stage_new(seed, l);
		struct outcome before;

		g->matrix.answer_chars = CHARS_DOWN;
		sim_stage_say(g, "Hello World");
		sim_stage_ask(g, CHARS_UP);
		sim_stage_rest(g, 60 * TH_SEC);
		before = counted(g);
		for (unsigned i = 0; i < per_seed; i++) {
			th_time took = sim_stage_ask(g, CHARS_UP);

			if (took != TH_NEVER)
				sim_figure_sample(took);
			o.done += took != TH_NEVER;
			o.wrong += took == TH_NEVER;
		}
		add(&o, g, &before);
		sim_stage_del(g);
	}
	return o;
}

static double copies(const struct outcome *o)
{
	return 1 + (double)o->resends / (double)(o->done + o->wrong);
}

static void one_exchange(void)
{
	enum { PER_SEED = 50 };
	static const struct {
		unsigned loss;
		double p90, copies;
	} all[] = { { 0, 22, 1.05 }, { 10, 46, 1.3 }, { 20, 75, -1 }, { 40, 140, -1 } };
	struct sim_stage_link l = base;
	uint64_t wrong = 0, done = 0;
	char line[LINE];

	l.latency = 4 * TH_SEC;
	printf("\nOne exchange, datagrams of 60 bytes each way, 100 bit/s, 4 s +- 40 %% each way, %d for each seed:\n",
	       PER_SEED);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct outcome o;

		l.loss = all[i].loss;
		o = exchanges(&l, PER_SEED);
		wrong += o.wrong;
		done += o.done;
		snprintf(line, sizeof(line), "%u %% loss: p90", l.loss);
		sim_figure_row(line, sim_figure_percentile(90), all[i].p90, false, "s");
		snprintf(line, sizeof(line), "%u %% loss: copies of a request", l.loss);
		sim_figure_row(line, copies(&o), all[i].copies, false, "");
		if (l.loss == 0)
			sim_figure_row("0 % loss: bytes of a datagram", (double)o.bytes / (double)(2 * o.done),
				       SIM_NOT_ASKED, false, "");
	}
	snprintf(line, sizeof(line), "exchanges that failed or went wrong, of %" PRIu64, done + wrong);
	sim_figure_row(line, (double)wrong, 0, false, "");
	l.loss = 50;
	l.latency = 100 * TH_MS;
	done = exchanges(&l, 1).wrong;
	for (l.rate = 300; l.rate <= 9600; l.rate *= 32)
		done += exchanges(&l, 1).wrong;
	snprintf(line, sizeof(line), "50 %% loss, 100 ms, 100, 300 and 9600 bit/s: that fail, of %u", 3 * seeds);
	sim_figure_row(line, (double)done, 0, false, "");
}

static void each_rate(void)
{
	enum { PER_SEED = 20 };
	static const uint64_t rates[] = { 100, 300, 1200, 9600, 64000, 1000000 };
	static const char *const knows[] = { "ours", "shared", "nothing told" };
	char line[LINE];

	printf("\nCopies of such a request, 1 s +- 40 %% each way, %d for each seed:\n", PER_SEED);
	for (unsigned know = 0; know < 3; know++)
		for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
			for (unsigned loss = 0; loss <= 10; loss += 10) {
				const struct sim_stage_link l = { rates[i], TH_SEC, loss, know < 2, know == 0 };
				struct outcome o = exchanges(&l, PER_SEED);

				snprintf(line, sizeof(line), "%s, %" PRIu64 " bit/s, %u %%", knows[know], rates[i],
					 loss);
				sim_figure_row(line, copies(&o), loss ? 1.3 : 1.05, false, "");
				if (o.wrong)
					sim_figure_row("    failed or went wrong", (double)o.wrong, 0, false, "");
			}
}

/* ---- a conversation ---- */

static void conversation(void)
{
	enum { EACH = 30, PAUSE = 20 };
	static const struct {
		const char *what;
		struct sim_stage_link link;
		bool asked;
	} all[] = {
		{ "told", { 300, TH_SEC, 10, true, true }, true },
		{ "nothing told", { 300, TH_SEC, 10, false, false }, false },
	};
	char line[LINE];

	printf("\nTwo users, %d messages each, one every %d s +- 50 %%, 300 bit/s, 1 s +- 40 %%, 10 %% loss, long "
	       "polls:\n",
	       EACH, PAUSE);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct sim_talk talk = { EACH, PAUSE * TH_SEC, 6 * 3600 * TH_SEC, sim_figure_sample };
		bool asked = all[i].asked;
		unsigned missing = 0, wrong = 0, again = 0;
		double busiest = 0;

		sim_figure_clear();
		for (unsigned seed = 1; seed <= seeds; seed++) {
			struct sim_stage *g = sim_stage_new(seed, &all[i].link);
			struct sim_talk_result r;

			sim_talk_run(g, &talk, &r);
			missing += EACH * SIM_MATRIX_USERS - r.heard;
			wrong += r.wrong;
			again += r.asked_again;
			for (int way = 0; way < 2; way++) {
				double busy = (double)r.on_air[way] / (double)r.took * PERCENT;

				busiest = busy > busiest ? busy : busiest;
			}
			sim_stage_del(g);
		}
		snprintf(line, sizeof(line), "%s: not delivered, of %u", all[i].what, seeds * EACH * SIM_MATRIX_USERS);
		sim_figure_row(line, missing, asked ? 0 : SIM_NOT_ASKED, false, "");
		snprintf(line, sizeof(line), "%s: out of order, changed or doubled", all[i].what);
		sim_figure_row(line, wrong, 0, false, "");
		snprintf(line, sizeof(line), "%s: requests that failed and were repeated", all[i].what);
		sim_figure_row(line, again, SIM_NOT_ASKED, false, "");
		snprintf(line, sizeof(line), "%s: busier way of the busiest seed", all[i].what);
		sim_figure_row(line, busiest, asked ? 60 : SIM_NOT_ASKED, false, "%");
		snprintf(line, sizeof(line), "%s: said until heard, median", all[i].what);
		sim_figure_row(line, sim_figure_percentile(50), SIM_NOT_ASKED, false, "s");
		snprintf(line, sizeof(line), "%s: said until heard, p90", all[i].what);
		sim_figure_row(line, sim_figure_percentile(90), SIM_NOT_ASKED, false, "s");
		snprintf(line, sizeof(line), "%s: said until heard, at most", all[i].what);
		sim_figure_row(line, sim_figure_percentile(100), asked ? 90 : SIM_NOT_ASKED, false, "s");
	}
}

/* ---- media ---- */

enum { TARGET = 80, BULKS = 2, CHATS = 60 };

struct bulk {
	struct sim_client client;
	char target[TARGET];
	bool up;
};

static void bulk_begin(struct sim_stage *g, struct bulk *b, bool up, size_t n, unsigned number)
{
	struct sim_request r;

	snprintf(b->target, sizeof(b->target),
		 up ? "/_matrix/media/v3/upload?filename=%u" : "/_matrix/client/v1/media/download/maple.example/m%u",
		 number);
	r = sim_matrix_request(&g->matrix, 0, up ? "POST" : "GET", b->target);
	b->up = up;
	if (up)
		r.body = (struct sim_body){ .n = n, .seed = SIM_MATRIX_MEDIA_SEED };
	sim_client_init(&b->client, &r, &g->world.net.now);
	sim_client_start(&b->client, sim_world_door(&g->world));
	sim_net_flush(&g->world.net);
}

static bool bulk_is_good(struct sim_stage *g, const struct bulk *b, size_t n)
{
	const struct sim_body body = { .n = n, .seed = SIM_MATRIX_MEDIA_SEED };
	const struct sim_seen *seen = sim_server_seen(&g->world.server, b->client.req.method, b->target);
	struct sim_sum want;

	sim_sum_of(&want, &body);
	return b->client.state == SIM_CLIENT_DONE && b->client.status == 200 && !b->client.bug && seen &&
	       seen->whole == 1 && seen->begun == 1 && sim_sum_eq(&want, b->up ? &seen->last : &b->client.sum);
}

struct transfer {
	double ratio, fill; /* of the airtime that its bytes need; percent of the link's time */
	bool good;
};

static struct transfer transfer(uint64_t seed, const struct sim_stage_link *l, bool up, size_t n, th_time cut)
{
	struct sim_stage *g = sim_stage_new(seed, l);
	struct sim_pipe *pipe = up ? &g->world.up : &g->world.down;
	struct transfer t = { 0 };
	uint64_t before;
	th_time begun;
	struct bulk b;
	double took;

	sim_matrix_media(&g->matrix, n);
	sim_stage_say(g, "Hello World");
	begun = g->world.net.now;
	before = pipe->counts[SIM_SENT].bytes;
	if (cut) {
		sim_pipe_outage(&g->world.up, begun + cut, begun + cut + 3600 * TH_SEC);
		sim_pipe_outage(&g->world.down, begun + cut, begun + cut + 3600 * TH_SEC);
	}
	bulk_begin(g, &b, up, n, 1);
	sim_stage_finish(g, &b.client);
	t.good = bulk_is_good(g, &b, n) && !sim_world_bug(&g->world);
	took = (double)(b.client.closed_at - begun) / (double)TH_SEC - (cut ? 3600 : 0);
	t.ratio = took / ((double)n * 8 / (double)l->rate);
	t.fill = (double)(pipe->counts[SIM_SENT].bytes - before) * 8 / (double)l->rate / took * PERCENT;
	sim_stage_del(g);
	return t;
}

static void transfers(const char *what, const struct sim_stage_link *l, size_t bytes, th_time cut, double ratio,
		      double fill)
{
	double ratios = 0, fills = 0;
	unsigned wrong = 0;
	char line[LINE];

	for (unsigned seed = 1; seed <= seeds; seed++) {
		struct transfer t = transfer(seed, l, seed % 2, bytes, cut);

		wrong += !t.good;
		ratios += t.ratio / seeds;
		fills += t.fill / seeds;
	}
	snprintf(line, sizeof(line), "%s: went wrong, of %u", what, seeds);
	sim_figure_row(line, wrong, 0, false, "");
	snprintf(line, sizeof(line), "%s: time / airtime of its bytes", what);
	sim_figure_row(line, ratios, ratio, false, "");
	snprintf(line, sizeof(line), "%s: the link is filled to", what);
	sim_figure_row(line, fills, fill, true, "%");
}

static void media(void)
{
	struct sim_stage_link l = { 64000, 300 * TH_MS, 20, true, true };

	printf("\nMedia, every other up, 300 ms +- 40 %% each way:\n");
	transfers("1 MB, 64 kbit/s, 20 %", &l, MB, 0, 1.35, SIM_NOT_ASKED);
	transfers("the same, cut for an hour after 60 s", &l, MB, 60 * TH_SEC, SIM_NOT_ASKED, SIM_NOT_ASKED);
	l = (struct sim_stage_link){ 1000000, 300 * TH_MS, 0, true, true };
	transfers("4 MB, 1 Mbit/s, ours", &l, 4 * MB, 0, SIM_NOT_ASKED, 85);
	l.ours = false;
	transfers("4 MB, 1 Mbit/s, shared", &l, 4 * MB, 0, SIM_NOT_ASKED, 85);
	l.told = false;
	transfers("4 MB, 1 Mbit/s, nothing told", &l, 4 * MB, 0, SIM_NOT_ASKED, SIM_NOT_ASKED);
}

/* ---- messages beside media ---- */

struct chat {
	struct sim_client client;
	struct sim_event event;
	struct sim_stage *stage;
	char target[SIM_MATRIX_TARGET], body[SIM_MATRIX_BODY];
	bool begun;
};

static void chat_begin(struct sim_event *e)
{
	struct chat *c = TH_OWNER(e, struct chat, event);
	struct sim_matrix *m = &c->stage->matrix;
	char txn[SIM_MATRIX_TXN];
	struct sim_request r;

	sim_matrix_txn(m, txn);
	r = sim_matrix_send(m, 0, "The captain says they sail at half past two", txn, c->target, c->body);
	c->begun = true;
	sim_client_init(&c->client, &r, &c->stage->world.net.now);
	sim_client_start(&c->client, sim_world_door(&c->stage->world));
}

static bool any_open(const struct chat *chats, const struct bulk *bulks)
{
	bool open = false;

	for (int i = 0; i < CHATS; i++)
		open |= !chats[i].begun || chats[i].client.state == SIM_CLIENT_OPEN;
	for (int i = 0; i < BULKS; i++)
		open |= bulks[i].client.state == SIM_CLIENT_OPEN;
	return open;
}

static unsigned chat_seed(uint64_t seed, const struct sim_stage_link *l)
{
	enum { PICTURE = 200 * KB };
	static struct chat chats[CHATS];
	struct sim_stage *g = sim_stage_new(seed, l);
	struct bulk bulks[BULKS];
	unsigned wrong = 0;

	memset(chats, 0, sizeof(chats));
	sim_matrix_media(&g->matrix, PICTURE);
	wrong += sim_stage_say(g, "Hello World") == TH_NEVER;
	for (unsigned i = 0; i < BULKS; i++)
		bulk_begin(g, &bulks[i], seed % 2, PICTURE, i);
	for (unsigned i = 0; i < CHATS; i++) {
		chats[i].stage = g;
		chats[i].event.fire = chat_begin;
		sim_net_at(&g->world.net, &chats[i].event,
			   g->world.net.now + (10 + 5 * i) * TH_SEC + th_rng_below(&g->world.net.rng, TH_SEC));
	}
	while (any_open(chats, bulks) && sim_net_step(&g->world.net, 3600 * TH_SEC))
		;
	for (unsigned i = 0; i < BULKS; i++)
		wrong += !bulk_is_good(g, &bulks[i], PICTURE);
	for (unsigned i = 0; i < CHATS; i++) {
		const struct sim_client *c = &chats[i].client;

		wrong += c->state != SIM_CLIENT_DONE || c->status != 200;
		/* only what was said while media was under way counts */
		if (c->opened_at < bulks[0].client.closed_at || c->opened_at < bulks[1].client.closed_at)
			sim_figure_sample(c->closed_at - c->opened_at);
	}
	wrong += g->matrix.n_events != CHATS + 1 || sim_world_bug(&g->world);
	sim_stage_del(g);
	return wrong;
}

static void chat_beside_media(void)
{
	struct sim_stage_link l = { 9600, 300 * TH_MS, 0, true, true };
	unsigned wrong = 0;
	char line[LINE];

	printf("\nTwo pictures of 200 kB at once, and a message each 5 s, 9.6 kbit/s, 300 ms +- 40 %% each way:\n");
	for (; l.loss <= 10; l.loss += 10) {
		sim_figure_clear();
		for (unsigned seed = 1; seed <= seeds; seed++)
			wrong += chat_seed(seed, &l);
		snprintf(line, sizeof(line), "%u %% loss: a message, p90", l.loss);
		sim_figure_row(line, sim_figure_percentile(90), 6, false, "s");
		snprintf(line, sizeof(line), "%u %% loss: a message, at most", l.loss);
		sim_figure_row(line, sim_figure_percentile(100), SIM_NOT_ASKED, false, "s");
	}
	sim_figure_row("messages and pictures that went wrong", wrong, 0, false, "");
}

static const struct {
	const char *name;
	void (*measure)(void);
} sections[] = {
	{ "hello", hello_world }, { "exchange", one_exchange }, { "rates", each_rate },
	{ "talk", conversation }, { "media", media },		{ "chat", chat_beside_media },
};

int main(int argc, char **argv)
{
	seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SEEDS_DEFAULT;
	printf("The same with sessions, model, history and the stages at home, as daemons are by default; %u seeds.\n",
	       seeds);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (argc < 3 || strcmp(argv[2], sections[i].name) == 0)
			sections[i].measure();
	return sim_figure_end();
}
