#include "cover.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	MER = 4,     /* bytes that count as shared content */
	PIECE = 128, /* bytes of a piece at first; ends that nobody shares are cut off */
	SLOT_BITS = 22,
	SLOTS = 1 << SLOT_BITS,
	GROUPS_MAX = 64,
	GROUP_WEIGHT_MAX = 6, /* 1 + log2 of the samples of a group that have a mer, at most */
};

struct mer {
	uint64_t key;	 /* 0: free */
	uint32_t sample; /* plus one: the last that had it */
	uint32_t in_group;
	uint32_t weight; /* over all groups but the last */
	uint16_t group, groups;
};

struct cover {
	struct mer *mers;
	const struct cover_sample *samples;
	size_t n;
};

static uint64_t key_at(const uint8_t *p)
{
	uint64_t key = 1;

	for (size_t i = 0; i < MER; i++)
		key = key << 8 | p[i];
	return key;
}

static struct mer *slot(struct cover *c, uint64_t key)
{
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15u >> (64 - SLOT_BITS));

	while (c->mers[at].key && c->mers[at].key != key)
		at = (at + 1) % SLOTS;
	return &c->mers[at];
}

static uint32_t log_weight(uint32_t n)
{
	uint32_t w = 0;

	for (; n; n >>= 1)
		w++;
	return w < GROUP_WEIGHT_MAX ? w : GROUP_WEIGHT_MAX;
}

/* What having the mer in the dictionary is worth. One group alone is chance: its names and identifiers. */
static uint32_t worth(const struct mer *m)
{
	uint32_t w = m->weight + log_weight(m->in_group);

	return m->groups > 1 ? w * m->groups : 0;
}

static bool count(struct cover *c)
{
	size_t used = 0;

	for (size_t s = 0; s < c->n; s++) {
		const struct cover_sample *x = &c->samples[s];

		for (size_t i = 0; i + MER <= x->n; i++) {
			uint64_t key = key_at(x->p + i);
			struct mer *m = slot(c, key);

			if (!m->key && ++used > SLOTS / 4 * 3)
				return false;
			m->key = key;
			if (m->sample == s + 1)
				continue;
			if (m->groups == 0 || m->group != x->group) {
				m->weight += log_weight(m->in_group);
				m->in_group = 0;
				m->group = (uint16_t)x->group;
				m->groups++;
			}
			m->in_group++;
			m->sample = (uint32_t)(s + 1);
		}
	}
	return true;
}

struct piece {
	const uint8_t *p;
	size_t n;
	uint64_t worth;
};

/* The best piece of one sample: the window with the highest sum, without worthless ends. */
static void best_of(struct cover *c, const struct cover_sample *x, struct piece *best)
{
	size_t mers = x->n >= MER ? x->n - MER + 1 : 0;
	size_t window = PIECE - MER + 1;
	uint64_t sum = 0;

	for (size_t i = 0; i < mers; i++) {
		sum += worth(slot(c, key_at(x->p + i)));
		if (i >= window)
			sum -= worth(slot(c, key_at(x->p + i - window)));
		if (sum > best->worth) {
			size_t from = i + 1 >= window ? i + 1 - window : 0;

			*best = (struct piece){ x->p + from, i + MER - from, sum };
		}
	}
}

static void trim(struct cover *c, struct piece *b)
{
	while (b->n > MER && worth(slot(c, key_at(b->p))) == 0) {
		b->p++;
		b->n--;
	}
	while (b->n > MER && worth(slot(c, key_at(b->p + b->n - MER))) == 0)
		b->n--;
}

/* What was picked is worth nothing a second time. */
static void spend(struct cover *c, const struct piece *b)
{
	for (size_t i = 0; i + MER <= b->n; i++) {
		struct mer *m = slot(c, key_at(b->p + i));

		m->weight = m->in_group = 0;
	}
}

size_t cover_pick(const struct cover_sample *samples, size_t n, uint8_t *out, size_t cap)
{
	struct cover c = { calloc(SLOTS, sizeof(struct mer)), samples, n };
	size_t used = 0, epoch = n / 160 + 1;
	bool ok = c.mers && count(&c);

	/* Round by round one piece of each epoch, so that no kind of message takes all. */
	for (bool more = ok; more && used < cap;) {
		more = false;
		for (size_t from = 0; from < n && used < cap; from += epoch) {
			struct piece best = { 0 };

			for (size_t s = from; s < n && s < from + epoch; s++)
				best_of(&c, &samples[s], &best);
			if (best.worth == 0)
				continue;
			trim(&c, &best);
			best.n = best.n < cap - used ? best.n : cap - used;
			spend(&c, &best);
			/* The first picked are the best: they go to the end, where distances are short. */
			used += best.n;
			memcpy(out + cap - used, best.p, best.n);
			more = true;
		}
	}
	free(c.mers);
	return ok ? used : SIZE_MAX;
}
