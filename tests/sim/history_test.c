/* Two ends of a session over a link that loses, doubles and reorders: whatever arrives is read as it was written.
 *
 * usage: history_test MESSAGES [SEED]. Every message is coded by a stand-in that writes down what its view was; one in
 * REAL_EVERY also goes through the real coder. An end forgets everything now and then (as a store does when it is
 * full), or both do (a restart makes a new session). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "codec/history.h"
#include "codec/tables.h"

enum {
	STORE = TH_HISTORY_DEFAULT / 4,
	FLIGHT = 64, /* datagrams on their way */
	TEXT_MAX = 160,
	LOSS_PERCENT = 40,
	REAL_EVERY = 4000,
	OPEN_MAX = 8, /* requests without answer */
	WINDOW = 4096, /* of the session against replays: far more than are ever on their way */
};

struct datagram {
	bool used, is_response, plain; /* plain: coded without history */
	unsigned to;
	uint32_t epoch;
	uint64_t number;
	struct th_history_base base; /* as the sender sees it */
	uint64_t exchange;	     /* the request's number */
	uint64_t view;		     /* what it was */
	uint8_t text[TEXT_MAX], code[2 * TEXT_MAX];
	size_t n, code_n;
};

struct end {
	struct th_history *history;
	uint64_t number;
	uint64_t seen[WINDOW];	 /* numbers of messages that came, by their low bits */
	uint64_t open[OPEN_MAX]; /* far end: requests to answer */
	unsigned n_open;
};

static struct end ends[2];
static struct datagram flight[FLIGHT];
static struct th_rng rng;
static struct th_model *model;
static uint32_t epoch;
static struct th_view view;
static const struct th_model_about about = { false, 0, -1 };

static struct {
	uint64_t sent, arrived, wrong, unknown, plain, texts, real, doubled, also, own, hoped;
} count;

static uint64_t digest(const struct th_view *v)
{
	uint64_t h = v->n;

	for (size_t i = 0; i < v->n; i++) {
		const struct th_view_text *t = &v->texts[i];

		for (size_t k = 0; k < t->n + t->n_rest; k += 5)
			h = (h ^ (k < t->n ? t->p[k] : t->rest[k - t->n]) ^ (t->n + t->n_rest) << 8) * 0x100000001b3u;
	}
	return h;
}

static void fill_text(struct datagram *d)
{
	static const char words[][12] = { "{\"body\":\"", "hello ", "@alice:", "$event",  "\"}",
					  "sync?since=",  "s72_",   "9",       "/rooms/!" };

	d->n = 0;
	while (d->n < TEXT_MAX - 24 && th_rng_below(&rng, 9)) {
		const char *w = words[th_rng_below(&rng, sizeof(words) / sizeof(words[0]))];

		memcpy(d->text + d->n, w, strlen(w));
		d->n += strlen(w);
		d->text[d->n++] = (uint8_t)('a' + th_rng_below(&rng, 26));
	}
}

static void launch(const struct datagram *d)
{
	for (unsigned copies = 1 + (th_rng_below(&rng, 10) == 0); copies > 0; copies--) {
		if (th_rng_below(&rng, 100) < LOSS_PERCENT)
			continue;
		flight[th_rng_below(&rng, FLIGHT)] = *d; /* what was there is lost */
	}
}

static void code(struct datagram *d)
{
	if (th_rng_below(&rng, REAL_EVERY))
		return;
	count.real++;
	if (th_model_encode(model, &view, &about, d->text, d->n, d->code, sizeof(d->code), &d->code_n) != TH_OK)
		abort();
}

static void send(unsigned from, bool is_response, uint64_t exchange, bool plain)
{
	struct end *e = &ends[from];
	struct th_history_ref request = { .none = !is_response, .sender = TH_HISTORY_THEIRS, .number = exchange };
	bool again = is_response && plain; /* asked for under another number */
	struct datagram d = { .used = true,
			      .is_response = is_response,
			      .plain = plain,
			      .to = !from,
			      .epoch = epoch,
			      .number = is_response && !again ? exchange : ++ends[0].number,
			      .exchange = is_response ? exchange : ends[0].number,
			      .base = TH_HISTORY_BASELESS };

	fill_text(&d);
	if (plain) {
		view.n = 0;
	} else {
		th_history_choose(e->history, d.number, request, th_rng_below(&rng, 4) == 0, &d.base, &view);
	}
	d.view = digest(&view);
	count.sent++;
	count.plain += d.base.parent.none;
	count.also += d.base.also != 0;
	count.own += d.base.own != 0;
	count.texts += view.n;
	code(&d);
	if (th_history_add(e->history, (struct th_history_ref){ .sender = TH_HISTORY_OURS, .number = d.number },
			   &d.base, &about, d.text, d.n) != TH_OK)
		abort();
	launch(&d);
}

static bool reads_back(const struct datagram *d)
{
	uint8_t back[TEXT_MAX];
	size_t n;

	if (!d->code_n)
		return true;
	return th_model_decode(model, &view, &about, d->code, d->code_n, back, sizeof(back), &n) == TH_OK &&
	       n == d->n && memcmp(back, d->text, n) == 0;
}

static void receive(struct datagram *d)
{
	struct end *e = &ends[d->to];
	struct th_history_ref me = { .sender = TH_HISTORY_THEIRS, .number = d->number };
	struct th_history_base base = th_history_base_mirrored(d->base);

	d->used = false;
	if (d->epoch != epoch)
		return; /* of a session that is gone: does not decrypt */
	if (e->seen[d->number % WINDOW] >= d->number) {
		count.doubled++;
		return;
	}
	e->seen[d->number % WINDOW] = d->number;
	if (th_history_view(e->history, me, &base, &view) != TH_OK) {
		if (d->base.own)
			count.hoped++; /* for what was lost */
		else
			count.unknown++;
		send(!d->to, d->is_response, d->exchange, true); /* asks for it again, without history */
		return;
	}
	count.arrived++;
	if (digest(&view) != d->view || !reads_back(d))
		count.wrong++;
	if (th_history_add(e->history, me, &base, &about, d->text, d->n) != TH_OK)
		abort();
	if (!d->is_response && e->n_open < OPEN_MAX)
		e->open[e->n_open++] = d->number;
}

static void restart(void)
{
	epoch++;
	for (unsigned i = 0; i < 2; i++) {
		th_history_clear(ends[i].history);
		ends[i].n_open = 0;
		ends[i].number = 0;
		memset(ends[i].seen, 0, sizeof(ends[i].seen));
	}
}

static void turn(void)
{
	unsigned who = (unsigned)th_rng_below(&rng, 2), at = (unsigned)th_rng_below(&rng, FLIGHT);
	struct end *e = &ends[who];

	if (th_rng_below(&rng, 20000) == 0)
		restart();
	if (th_rng_below(&rng, 5000) == 0)
		th_history_clear(e->history);
	if (flight[at].used)
		receive(&flight[at]);
	else if (e->n_open && th_rng_below(&rng, 3)) {
		unsigned i = (unsigned)th_rng_below(&rng, e->n_open);
		uint64_t exchange = e->open[i];

		e->open[i] = e->open[--e->n_open];
		send(who, true, exchange, false);
	} else if (who == 0) {
		send(who, false, 0, false);
	}
}

int main(int argc, char **argv)
{
	uint64_t messages = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 20261128, first = seed;

	rng = th_rng_seeded(&seed);
	model = th_model_new(&th_mem_libc, th_tables_builtin, (size_t)(th_tables_builtin_end - th_tables_builtin));
	for (unsigned i = 0; i < 2; i++)
		ends[i].history = th_history_new(&th_mem_libc, STORE, i == 0);
	if (!model || !ends[0].history || !ends[1].history)
		return 1;
	while (count.arrived < messages)
		turn();
	printf("seed=%" PRIu64 ": %" PRIu64 " sent, %" PRIu64 " arrived, %" PRIu64 " doubled, %" PRIu64
	       " of unknown parents, %" PRIu64 " that hoped in vain, %" PRIu64
	       " without history, %.1f texts in a view, %" PRIu64 " through the real coder, %" PRIu64 " wrong\n",
	       first, count.sent, count.arrived, count.doubled, count.unknown, count.hoped, count.plain,
	       (double)count.texts / (double)count.sent, count.real, count.wrong);
	th_model_free(model);
	th_history_free(ends[0].history);
	th_history_free(ends[1].history);
	return count.wrong != 0 || count.real == 0 || count.also == 0 || count.own == 0 || count.unknown == 0 ||
	       count.unknown * 10 > count.arrived;
}
