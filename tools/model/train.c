/* Makes the model's tables from records of the corpus. usage: train RECORDS TABLES
 *
 * 1. Counts, for every context, what followed it, by fold of the corpus; and how often bets on whole bytes are won.
 * 2. For each fold, makes the slots from the other folds and codes the fold with them, as a session would; inputs and
 * weights learn from that, where no bet was won. So they learn how far to trust counts that come from other servers,
 * users and texts than those at hand.
 * 3. Makes the slots from everything.
 *
 * The same records give the same tables, whatever the compiler. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bets.h"
#include "counts.h"
#include "learner.h"
#include "seeds.h"

enum { BITS = 16, LEAST = 14, EPOCHS = 2, SEED = 32 * 1024, BET = 990 };

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s ? (unsigned)strtoul(s, NULL, 10) : otherwise;
}

/* Learns from a byte's bits; returns the probability they were given. */
static double learn_byte(struct learner *l, struct th_predictor *p, uint8_t c)
{
	struct th_features f;
	double product = 1;

	for (unsigned k = 0; k < 8; k++) {
		unsigned bit = c >> (7 - k) & 1;

		th_predictor_features(p, &f);
		product *= (double)learner_bit(l, &f, bit);
		th_predictor_update(p, bit);
	}
	return product;
}

/* Returns the bits of it that are not won by bets. */
static double learn_message(struct learner *l, struct th_predictor *p, const uint16_t *bets, const struct message *m)
{
	double product = 1, bits = 0;

	th_slots_clear(p->slots);
	th_predictor_begin(p, m->is_response, m->is_response ? m->kind : 0, m->is_response ? m->account : -1);
	for (size_t i = 0; i <= m->n; i++) {
		uint8_t c = i < m->n ? m->text[i] : 0;
		struct th_bet bet;
		bool bets_on = th_predictor_bet(p, &bet) && bets[bet.cell];

		if (bets_on && bet.byte == c) {
			th_predictor_won(p, &bet);
			continue;
		}
		th_predictor_open(p, bets_on ? &bet : NULL);
		product *= learn_byte(l, p, c);
		while (product < 0.5) {
			product *= 2;
			bits += 1;
		}
	}
	return bits;
}

/* A session's messages are next to each other. */
struct session {
	size_t from, to;
	unsigned fold;
	uint32_t place; /* in a shuffled order */
};

static int by_place(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

/* The sessions in an order that mixes files: learning from one file after the other would remember the last one best.
 */
static struct session *shuffled(const struct corpus *corpus, unsigned epoch, size_t *n)
{
	struct session *all = calloc(corpus->n_sessions + 1, sizeof(*all));

	if (!all)
		abort();
	*n = 0;
	for (size_t i = 0, from = 0; i < corpus->n; i++) {
		if (i + 1 < corpus->n && corpus->messages[i + 1].session == corpus->messages[i].session)
			continue;
		all[*n] = (struct session){ from, i + 1, counts_fold(corpus, i),
					    th_hash2((uint32_t)*n * 0x9e3779b1u + epoch, epoch + 1) };
		(*n)++;
		from = i + 1;
	}
	qsort(all, *n, sizeof(*all), by_place);
	return all;
}

struct rates {
	float weight, input, gate;
};

/* One round over the corpus. `left` falls from 1 to 0 over all rounds. */
static void learn_round(struct learner *l, struct th_predictor *p, const struct corpus *corpus,
			const struct seeds *seeds, struct th_line *const tables[FOLDS], const uint16_t *bets,
			unsigned epoch, unsigned epochs, const struct rates *rates)
{
	struct replay *r = replay_new(corpus, seeds->at, seeds->n);
	size_t n, done = 0;
	struct session *sessions = shuffled(corpus, epoch, &n);
	double bits = 0;

	p->recall = &r->recall;
	for (size_t k = 0; k < n; k++) {
		p->slots->trained = tables[sessions[k].fold];
		for (size_t i = sessions[k].from; i < sessions[k].to; i++, done++) {
			float left = 1 - ((float)epoch + (float)done / (float)corpus->n) / (float)epochs;

			l->weight_rate = rates->weight * (left * left + 0.02f);
			l->gate_rate = rates->gate * (left * left + 0.02f);
			l->input_rate = rates->input * (left + 0.03f);
			replay_prepare(r, i);
			bits += learn_message(l, p, bets, &corpus->messages[i]);
		}
	}
	fprintf(stderr, "model: round %u: %.0f bytes\n", epoch, bits / 8);
	free(sessions);
	free(r);
}

static void put(uint8_t *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t fnv(uint64_t h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

static uint64_t id_of(const uint8_t *file, size_t n)
{
	const uint64_t basis = 0xcbf29ce484222325u;

	return fnv(fnv(basis, file + 4, 1), file + TH_TABLES_HEADER, n - TH_TABLES_HEADER);
}

/* The file but for its lines, and the ID. */
static void write_head(uint8_t *p, const struct learner *l, const uint16_t *bets, unsigned bits)
{
	static int16_t inputs[TH_CELLS], weights[TH_ROWS * TH_INPUTS], gates[TH_GATE_ROWS * TH_GATE_CELLS];
	uint8_t next[256][2];

	memcpy(p, "THMD", 4);
	p[4] = TH_TABLES_FORMAT;
	p[5] = (uint8_t)bits;
	p[6] = TH_CONTEXTS;
	p[7] = TH_RULES;
	p[8] = TH_SETS;
	put(p + 12, TH_ROWS, 4);
	th_states_next(next);
	memcpy(p + TH_TABLES_NEXT_AT, next, sizeof(next));
	for (int i = 0; i < TH_SQUASH; i++) {
		int v = (int)(learner_squash((float)(i - TH_SQUASH_MAX) / TH_LN_ONE) * 65536 + 0.5f);

		put(p + TH_TABLES_SQUASH_AT + 2 * i, (uint64_t)(v < 1 ? 1 : v > 65535 ? 65535 : v), 2);
	}
	learner_export(l, inputs, weights, gates);
	for (int i = 0; i < TH_CELLS; i++)
		put(p + TH_TABLES_INPUTS_AT + 2 * i, (uint16_t)inputs[i], 2);
	for (int i = 0; i < TH_ROWS * TH_INPUTS; i++)
		put(p + TH_TABLES_WEIGHTS_AT + 2 * i, (uint16_t)weights[i], 2);
	for (int i = 0; i < TH_GATE_ROWS * TH_GATE_CELLS; i++)
		put(p + TH_TABLES_GATES_AT + 2 * i, (uint16_t)gates[i], 2);
	for (int i = 0; i < TH_BET_CELLS; i++)
		put(p + TH_TABLES_BETS_AT + 2 * i, bets[i], 2);
}

static void write_seeds(uint8_t *p, const struct corpus *corpus, const struct seeds *seeds)
{
	for (size_t i = 0; i < seeds->n; i++) {
		const struct message *m = &corpus->messages[seeds->at[i]];
		size_t n = seeds_text(m);

		p[0] = m->is_response;
		put(p + 1, m->is_response ? m->kind : 0, 4);
		put(p + 5, n, 4);
		memcpy(p + TH_TABLES_SEED_HEAD, m->masked, n);
		p += TH_TABLES_SEED_HEAD + n;
	}
}

int main(int argc, char **argv)
{
	static struct learner l;
	static struct th_slots slots;
	static uint8_t next[256][2];
	static uint16_t bets[TH_BET_CELLS];
	struct th_predictor p = { .slots = &slots };
	struct corpus corpus;
	struct counts *counts;
	unsigned bits = setting("MODEL_BITS", BITS), epochs = setting("MODEL_EPOCHS", EPOCHS);
	size_t size = TH_TABLES_LINES_AT + ((size_t)TH_LINE_BYTES << bits);
	uint8_t *file;
	static struct seeds seeds;
	struct th_line *lines = aligned_alloc(64, (size_t)TH_LINE_BYTES << bits);
	struct th_line *tables[FOLDS];
	struct rates rates = {
		.weight = 0.0001f * (float)setting("MODEL_WRATE", 15),
		.input = 0.001f * (float)setting("MODEL_IRATE", 120),
		.gate = 0.0001f * (float)setting("MODEL_GRATE", 10),
	};
	FILE *out;

	if (argc != 3 || !lines) {
		fprintf(stderr, "usage: train RECORDS TABLES\n");
		return 1;
	}
	corpus_load(&corpus, argv[1]);
	seeds_pick(&seeds, &corpus, setting("MODEL_SEED", SEED));
	size += seeds.bytes;
	file = aligned_alloc(64, (size + 63) / 64 * 64);
	if (!file)
		abort();
	memset(file, 0, size);
	counts = counts_new(&corpus, seeds.at, seeds.n, setting("MODEL_LEAST", LEAST));
	bets_count(&corpus, seeds.at, seeds.n, setting("MODEL_BET", BET), bets);
	learner_init(&l);
	th_states_next(next);
	slots.next = (const uint8_t(*)[2])next;
	slots.trained_bits = bits;
	for (unsigned fold = 0; fold < FOLDS; fold++) {
		tables[fold] = aligned_alloc(64, (size_t)TH_LINE_BYTES << bits);
		if (!tables[fold])
			abort();
		counts_fill(counts, fold, tables[fold], bits);
	}
	for (unsigned epoch = 0; epoch < epochs; epoch++)
		learn_round(&l, &p, &corpus, &seeds, tables, bets, epoch, epochs, &rates);
	counts_fill(counts, COUNTS_ALL, lines, bits);
	write_head(file, &l, bets, bits);
	memcpy(file + TH_TABLES_LINES_AT, lines, (size_t)TH_LINE_BYTES << bits);
	put(file + 24, seeds.bytes, 4);
	write_seeds(file + TH_TABLES_LINES_AT + ((size_t)TH_LINE_BYTES << bits), &corpus, &seeds);
	put(file + 16, id_of(file, size), 8);
	out = fopen(argv[2], "wb");
	if (!out || fwrite(file, 1, size, out) != size || fclose(out) != 0) {
		fprintf(stderr, "model: %s: cannot be written\n", argv[2]);
		return 1;
	}
	counts_free(counts);
	return 0;
}
