/* How often bets on whole bytes (codec/bet.h) are won, by cell. */
#ifndef TH_TOOLS_MODEL_BETS_H
#define TH_TOOLS_MODEL_BETS_H

#include "codec/bet.h"
#include "replay.h"

/* Plays all messages with the history they would have. The probabilities as the tables have them: 0 in cells where less
 * than `least` of a thousand bets are won, or too few were seen to tell. */
void bets_count(const struct corpus *corpus, const size_t *seeds, size_t n_seeds, unsigned least,
		uint16_t bets[TH_BET_CELLS]);

#endif
