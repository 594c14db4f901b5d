/* How often each node of each context was zero and one, by fold of the corpus: what the trained slots are made from. */
#ifndef TH_TOOLS_MODEL_COUNTS_H
#define TH_TOOLS_MODEL_COUNTS_H

#include "codec/slots.h"
#include "replay.h"

enum { FOLDS = 4, COUNTS_ALL = FOLDS };

struct counts;

/* Counts the corpus. Contexts seen fewer than `least` times are left out. */
struct counts *counts_new(const struct corpus *corpus, unsigned least);
void counts_free(struct counts *c);

/* Fills 1 << bits lines with the contexts seen most, leaving out one fold's part, or none (COUNTS_ALL). */
void counts_fill(const struct counts *c, unsigned without, struct th_line *lines, unsigned bits);

/* The fold that a message belongs to: its session's name ends in a digit. */
unsigned counts_fold(const struct corpus *corpus, size_t message);

#endif
