/* Makes the model's tables from records of the corpus. usage: train RECORDS TABLES
 *
 * 1. Counts, for every context, what followed it, by fold of the corpus.
 * 2. For each fold, makes the slots from the other folds and codes the fold with them, as a session would; inputs and
 * weights learn from that. So they learn how far to trust counts that come from other servers, users and texts than
 * those at hand.
 * 3. Makes the slots from everything.
 *
 * The same records give the same tables, whatever the compiler. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"
#include "learner.h"

enum { BITS = 16, LEAST = 14, EPOCHS = 1 };

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s ? (unsigned)strtoul(s, NULL, 10) : otherwise;
}

static double learn_message(struct learner *l, struct th_predictor *p, const struct message *m)
{
	struct th_features f;
	double product = 1, bits = 0;

	th_slots_clear(p->slots);
	th_predictor_begin(p, m->is_response, m->is_response ? m->kind : 0, m->is_response ? m->account : -1);
	for (size_t i = 0; i <= m->n; i++) {
		uint8_t c = i < m->n ? m->text[i] : 0;

		for (unsigned k = 0; k < 8; k++) {
			unsigned bit = c >> (7 - k) & 1;

			th_predictor_features(p, &f);
			product *= (double)learner_bit(l, &f, bit);
			while (product < 0.5) {
				product *= 2;
				bits += 1;
			}
			th_predictor_update(p, bit);
		}
	}
	return bits;
}

static double learn_fold(struct learner *l, struct th_predictor *p, const struct corpus *corpus, unsigned fold)
{
	struct replay *r = replay_new(corpus);
	double bits = 0;

	p->recall = &r->recall;
	for (size_t i = 0; i < corpus->n; i++) {
		if (counts_fold(corpus, i) != fold)
			continue;
		replay_prepare(r, i);
		bits += learn_message(l, p, &corpus->messages[i]);
	}
	free(r);
	return bits;
}

static void put(uint8_t *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t fnv(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

/* The file but for its lines, and the ID. */
static void write_head(uint8_t *p, const struct learner *l, unsigned bits)
{
	static int16_t inputs[TH_CELLS], weights[TH_ROWS * TH_INPUTS];
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
	learner_export(l, inputs, weights);
	for (int i = 0; i < TH_CELLS; i++)
		put(p + TH_TABLES_INPUTS_AT + 2 * i, (uint16_t)inputs[i], 2);
	for (int i = 0; i < TH_ROWS * TH_INPUTS; i++)
		put(p + TH_TABLES_WEIGHTS_AT + 2 * i, (uint16_t)weights[i], 2);
}

int main(int argc, char **argv)
{
	static struct learner l;
	static struct th_slots slots;
	static uint8_t next[256][2];
	struct th_predictor p = { .slots = &slots };
	struct corpus corpus;
	struct counts *counts;
	unsigned bits = setting("MODEL_BITS", BITS), epochs = setting("MODEL_EPOCHS", EPOCHS);
	size_t size = TH_TABLES_LINES_AT + ((size_t)TH_LINE_BYTES << bits);
	uint8_t *file = aligned_alloc(64, size);
	struct th_line *lines = aligned_alloc(64, (size_t)TH_LINE_BYTES << bits);
	FILE *out;

	if (argc != 3 || !file || !lines) {
		fprintf(stderr, "usage: train RECORDS TABLES\n");
		return 1;
	}
	memset(file, 0, size);
	corpus_load(&corpus, argv[1]);
	counts = counts_new(&corpus, setting("MODEL_LEAST", LEAST));
	learner_init(&l);
	th_states_next(next);
	slots.next = (const uint8_t(*)[2])next;
	slots.trained = lines;
	slots.trained_bits = bits;
	for (unsigned step = 0; step < epochs * FOLDS; step++) {
		float left = 1 - (float)step / (float)(epochs * FOLDS);
		unsigned fold = step % FOLDS;
		double cost;

		l.weight_rate = 0.0001f * (float)setting("MODEL_WRATE", 8) * (0.1f + 0.9f * left);
		l.input_rate = 0.001f * (float)setting("MODEL_IRATE", 60) * (0.2f + 0.8f * left);
		counts_fill(counts, fold, lines, bits);
		cost = learn_fold(&l, &p, &corpus, fold);
		fprintf(stderr, "model: round %u, fold %u: %.0f bytes\n", step, fold, cost / 8);
	}
	counts_fill(counts, COUNTS_ALL, lines, bits);
	write_head(file, &l, bits);
	memcpy(file + TH_TABLES_LINES_AT, lines, (size_t)TH_LINE_BYTES << bits);
	put(file + 16, fnv(file + TH_TABLES_HEADER, size - TH_TABLES_HEADER), 8);
	out = fopen(argv[2], "wb");
	if (!out || fwrite(file, 1, size, out) != size || fclose(out) != 0) {
		fprintf(stderr, "model: %s: cannot be written\n", argv[2]);
		return 1;
	}
	counts_free(counts);
	return 0;
}
