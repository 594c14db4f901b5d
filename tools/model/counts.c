#include "counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/predict.h"

enum { SKETCH_BITS = 27, INDEX_BITS = 22, NODES_MAX = 1 << 21 };

struct nodes {
	uint32_t context;
	uint16_t n[FOLDS][TH_BUCKET_NODES][2];
};

struct counts {
	struct nodes *nodes; /* owned */
	uint32_t n;
	uint32_t *index; /* owned: hash table of numbers + 1 */
	uint8_t *sketch; /* owned: about how often, by the context's top bits */
	unsigned least;
	bool full;
};

unsigned counts_fold(const struct corpus *corpus, size_t message)
{
	const char *name = corpus->sessions[corpus->messages[message].session];

	return (unsigned)name[strlen(name) - 1] % FOLDS;
}

static struct nodes *find(struct counts *c, uint32_t context)
{
	uint32_t i = (context * 0x9e3779b1u) >> (32 - INDEX_BITS);

	while (c->index[i] && c->nodes[c->index[i] - 1].context != context)
		i = (i + 1) & ((1u << INDEX_BITS) - 1);
	if (c->index[i])
		return &c->nodes[c->index[i] - 1];
	if (c->n == NODES_MAX) {
		c->full = true;
		return NULL;
	}
	c->index[i] = ++c->n;
	c->nodes[c->n - 1].context = context;
	return &c->nodes[c->n - 1];
}

static void count_half(struct counts *c, uint32_t context, unsigned half, unsigned fold)
{
	struct nodes *nodes;
	unsigned node = 1;

	if (c->sketch[context >> (32 - SKETCH_BITS)] < c->least)
		return;
	nodes = find(c, context);
	if (!nodes)
		return;
	for (unsigned i = 0; i < 4; i++) {
		unsigned bit = half >> (3 - i) & 1;
		uint16_t *n = &nodes->n[fold][node - 1][bit];

		*n = (uint16_t)(*n + (*n < UINT16_MAX));
		node = node * 2 + bit;
	}
}

static void sketch_half(struct counts *c, uint32_t context)
{
	uint8_t *n = &c->sketch[context >> (32 - SKETCH_BITS)];

	*n = (uint8_t)(*n + (*n < UINT8_MAX));
}

static void pass(struct counts *c, const struct corpus *corpus, bool sketch)
{
	struct replay *r = replay_new(corpus);

	for (size_t k = 0; k < corpus->n; k++) {
		const struct message *m = &corpus->messages[k];
		unsigned fold = counts_fold(corpus, k);
		struct th_syntax s;

		replay_prepare(r, k);
		replay_syntax(&s, m);
		th_recall_begin(&r->recall, &s);
		for (size_t i = 0; i <= m->n; i++) {
			uint8_t byte = i < m->n ? m->text[i] : 0;
			uint32_t context[TH_CONTEXTS];

			th_predictor_contexts(&r->recall, &s, context);
			for (unsigned j = 0; j < TH_CONTEXTS; j++) {
				uint32_t first = th_context_half(context[j], 0),
					 second = th_context_half(context[j], 16u | byte >> 4);

				if (sketch) {
					sketch_half(c, first);
					sketch_half(c, second);
				} else {
					count_half(c, first, byte >> 4, fold);
					count_half(c, second, byte & 15, fold);
				}
			}
			th_syntax_step(&s, byte);
			th_recall_step(&r->recall, &s, byte);
		}
	}
	free(r);
}

struct counts *counts_new(const struct corpus *corpus, unsigned least)
{
	struct counts *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->least = least;
	c->nodes = calloc(NODES_MAX, sizeof(*c->nodes));
	c->index = calloc(1u << INDEX_BITS, sizeof(*c->index));
	c->sketch = calloc(1u << SKETCH_BITS, 1);
	if (!c->nodes || !c->index || !c->sketch)
		abort();
	pass(c, corpus, true);
	pass(c, corpus, false);
	fprintf(stderr, "model: %u contexts%s\n", c->n, c->full ? ", more left out" : "");
	return c;
}

void counts_free(struct counts *c)
{
	free(c->nodes);
	free(c->index);
	free(c->sketch);
	free(c);
}

static void sum(const struct nodes *nodes, unsigned without, uint32_t n[TH_BUCKET_NODES][2])
{
	memset(n, 0, sizeof(uint32_t) * TH_BUCKET_NODES * 2);
	for (unsigned fold = 0; fold < FOLDS; fold++)
		for (unsigned i = 0; fold != without && i < TH_BUCKET_NODES; i++)
			for (unsigned bit = 0; bit < 2; bit++)
				n[i][bit] += nodes->n[fold][i][bit];
}

static unsigned place_for(const struct th_line *line, const uint32_t *weight, uint8_t check)
{
	unsigned least = 0;

	for (unsigned i = 0; i < TH_LINE_BUCKETS; i++)
		if (line->check[i] == check)
			return i;
	for (unsigned i = 1; i < TH_LINE_BUCKETS; i++)
		if (weight[i] < weight[least])
			least = i;
	return least;
}

void counts_fill(const struct counts *c, unsigned without, struct th_line *lines, unsigned bits)
{
	uint32_t(*weights)[TH_LINE_BUCKETS] = calloc((size_t)1 << bits, sizeof(*weights));
	uint32_t kept = 0, wanted = 0;

	if (!weights)
		abort();
	memset(lines, 0, (size_t)TH_LINE_BYTES << bits);
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t n[TH_BUCKET_NODES][2], at = th_slots_line(c->nodes[i].context, bits), weight;
		uint8_t check = th_slots_check(c->nodes[i].context);
		unsigned place = place_for(&lines[at], weights[at], check);

		sum(&c->nodes[i], without, n);
		weight = n[0][0] + n[0][1];
		wanted += weight >= c->least;
		if (weight < c->least || weight <= weights[at][place])
			continue;
		kept += weights[at][place] == 0;
		weights[at][place] = weight;
		lines[at].check[place] = check;
		for (unsigned node = 0; node < TH_BUCKET_NODES; node++)
			lines[at].states[place][node] = th_states_trained(n[node][0], n[node][1]);
	}
	fprintf(stderr, "model: %u of %u contexts kept\n", kept, wanted);
	free(weights);
}
