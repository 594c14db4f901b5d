/* Seed texts: messages of the corpus that stand before every history, so that what is long, the same everywhere and
 * rare (versions, push rules, capabilities) need not fill the slots. */
#ifndef TH_TOOLS_MODEL_SEEDS_H
#define TH_TOOLS_MODEL_SEEDS_H

#include "corpus.h"

enum { SEEDS_MAX = 256, SEED_TEXT_MAX = 8192 };

struct seeds {
	size_t at[SEEDS_MAX]; /* messages; the best last, next to the history */
	size_t n, bytes;      /* bytes: as they stand in the tables */
};

/* Chooses texts of at most `room` bytes. */
void seeds_pick(struct seeds *s, const struct corpus *corpus, size_t room);

/* How much of a message is taken. */
size_t seeds_text(const struct message *m);

#endif
