#include "seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/tables.h"

enum {
	GRAM = 12, /* bytes */
	GRAM_BITS = 23,
	SESSIONS_LEAST = 3, /* that a run of bytes must be in to be worth keeping */
	SESSIONS_MOST = 20, /* more do not count */
	OFTEN = 150,	    /* what is seen more often the slots hold anyway */
	CANDIDATES = 600,
	TEXT_LEAST = 60,
};

/* What is known of a run of GRAM bytes, by its hash. */
struct gram {
	uint32_t last_session; /* + 1 */
	uint16_t count;
	uint8_t sessions;
	bool covered;
};

struct candidate {
	size_t message;
	uint64_t gain;
};

size_t seeds_text(const struct message *m)
{
	return m->masked_n < SEED_TEXT_MAX ? m->masked_n : SEED_TEXT_MAX;
}

static uint32_t gram_at(const uint8_t *p)
{
	uint64_t h = 0;

	for (unsigned i = 0; i < GRAM; i++)
		h = (h ^ p[i]) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> (64 - GRAM_BITS));
}

static void count(struct gram *grams, const struct message *m)
{
	for (size_t i = 0; i + GRAM <= seeds_text(m); i++) {
		struct gram *g = &grams[gram_at(m->masked + i)];

		g->count = (uint16_t)(g->count + (g->count < UINT16_MAX));
		if (g->last_session != (uint32_t)m->session + 1 && g->sessions < UINT8_MAX)
			g->sessions++;
		g->last_session = (uint32_t)m->session + 1;
	}
}

static uint64_t gain_of(const struct gram *grams, const struct message *m)
{
	uint64_t gain = 0;

	for (size_t i = 0; i + GRAM <= seeds_text(m); i++) {
		const struct gram *g = &grams[gram_at(m->masked + i)];

		if (!g->covered && g->sessions >= SESSIONS_LEAST && g->count < OFTEN)
			gain += g->sessions < SESSIONS_MOST ? g->sessions : SESSIONS_MOST;
	}
	return gain * 1000 / (seeds_text(m) + 20);
}

static void cover(struct gram *grams, const struct message *m)
{
	for (size_t i = 0; i + GRAM <= seeds_text(m); i++)
		grams[gram_at(m->masked + i)].covered = true;
}

static int by_gain(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->gain != y->gain)
		return x->gain < y->gain ? 1 : -1;
	return x->message < y->message ? -1 : x->message > y->message;
}

/* Takes the best candidate that fits, as long as there is one; gains fall as others cover the same. */
static void take(struct seeds *s, struct gram *grams, const struct corpus *corpus, struct candidate *c, size_t n,
		 size_t room)
{
	while (s->n < SEEDS_MAX) {
		struct candidate *best = NULL;

		for (size_t i = 0; i < n; i++) {
			const struct message *m = &corpus->messages[c[i].message];

			if (c[i].gain == 0 || s->bytes + seeds_text(m) + TH_TABLES_SEED_HEAD > room)
				continue;
			if (best && c[i].gain <= best->gain)
				continue;
			c[i].gain = gain_of(grams, m);
			if (c[i].gain > 0 && (!best || c[i].gain > best->gain))
				best = &c[i];
		}
		if (!best)
			return;
		s->at[s->n++] = best->message;
		s->bytes += seeds_text(&corpus->messages[best->message]) + TH_TABLES_SEED_HEAD;
		cover(grams, &corpus->messages[best->message]);
		best->gain = 0;
	}
}

void seeds_pick(struct seeds *s, const struct corpus *corpus, size_t room)
{
	struct gram *grams = calloc(1u << GRAM_BITS, sizeof(*grams));
	struct candidate *c = calloc(corpus->n + 1, sizeof(*c));
	size_t n = 0;

	if (!grams || !c)
		abort();
	*s = (struct seeds){ .n = 0 };
	for (size_t i = 0; i < corpus->n; i++)
		count(grams, &corpus->messages[i]);
	for (size_t i = 0; i < corpus->n; i++)
		if (seeds_text(&corpus->messages[i]) >= TEXT_LEAST)
			c[n++] = (struct candidate){ i, gain_of(grams, &corpus->messages[i]) };
	qsort(c, n, sizeof(*c), by_gain);
	take(s, grams, corpus, c, n < CANDIDATES ? n : CANDIDATES, room);
	for (size_t i = 0; i < s->n / 2; i++) {
		size_t t = s->at[i];

		s->at[i] = s->at[s->n - 1 - i];
		s->at[s->n - 1 - i] = t;
	}
	fprintf(stderr, "model: %zu seed texts of %zu bytes\n", s->n, s->bytes);
	if (getenv("MODEL_SHOW"))
		for (size_t i = 0; i < s->n; i++)
			fprintf(stderr, "model: seed %s %s %zu\n",
				corpus->messages[s->at[i]].is_response ? "down" : "up",
				corpus->messages[s->at[i]].route, seeds_text(&corpus->messages[s->at[i]]));
	free(grams);
	free(c);
}
