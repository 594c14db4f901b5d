#include "bets.h"

#include <stdlib.h>

#include "codec/predict.h"

enum { SEEN_LEAST = 20, ONE = 65536 };

struct cell {
	uint32_t n, won;
};

static void play(struct th_predictor *p, const struct message *m, struct cell *cells)
{
	th_predictor_begin(p, m->is_response, m->is_response ? m->kind : 0, m->is_response ? m->account : -1);
	for (size_t i = 0; i <= m->n; i++) {
		struct th_bet bet, byte = { .byte = i < m->n ? m->text[i] : 0 };

		if (th_predictor_bet(p, &bet)) {
			cells[bet.cell].n++;
			cells[bet.cell].won += bet.byte == byte.byte;
		}
		th_predictor_won(p, &byte);
	}
}

/* Rounded down, as a bet that is lost costs more than one that is won saves. */
static uint16_t probability(const struct cell *c, unsigned least)
{
	uint64_t lost = c->n - c->won, all = c->n + 1u;
	uint64_t p = ONE - (ONE * (5 * lost + 2) + 5 * all - 1) / (5 * all); /* 0.4 more are taken for lost */

	return (uint16_t)(c->n < SEEN_LEAST || p * 1000 < (uint64_t)ONE * least ? 0 : p);
}

void bets_count(const struct corpus *corpus, const size_t *seeds, size_t n_seeds, unsigned least,
		uint16_t bets[TH_BET_CELLS])
{
	struct replay *r = replay_new(corpus, seeds, n_seeds);
	struct cell *cells = calloc(TH_BET_CELLS, sizeof(*cells));
	struct th_predictor p = { .recall = &r->recall };

	if (!cells)
		abort();
	for (size_t i = 0; i < corpus->n; i++) {
		replay_prepare(r, i);
		play(&p, &corpus->messages[i], cells);
	}
	for (unsigned i = 0; i < TH_BET_CELLS; i++)
		bets[i] = probability(&cells[i], least);
	free(cells);
	free(r);
}
