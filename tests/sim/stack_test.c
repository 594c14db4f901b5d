/* The figures that a thin link must reach with everything that a daemon has by default: sessions, model, history, the
 * stages of src/home. A fake Matrix homeserver, requests as matrix-nio makes them, on virtual time.
 *
 *     stack_test [SEEDS [SECTION]]     prints the second half of bench/thin.txt (meson compile -C build bench-thin); ends
 *                                      with 1 when a figure is missed */
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
static struct outcome hellos(const struct sim_stage_link *l, unsigned warm)
{
	struct outcome o = { 0 }, ignored = { 0 };

	sim_figure_clear();
	for (unsigned seed = 1; seed <= seeds; seed++) {
		struct sim_stage *g = sim_stage_new(seed, l);

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

static void hello_row(const char *what, const struct sim_stage_link *l, unsigned warm, double asked, bool all)
{
	struct outcome o = hellos(l, warm);
	char line[LINE];

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
	hello_row("cold", &l, 0, 25, true);
	hello_row("warm", &l, WARM, 16, true);
	l.loss = 20;
	hello_row("cold", &l, 0, 60, false);
	hello_row("warm", &l, WARM, 45, false);
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

static const struct {
	const char *name;
	void (*measure)(void);
} sections[] = {
	{ "hello", hello_world }, { "exchange", one_exchange }, { "rates", each_rate }, { "talk", conversation },
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
