/* Betting on a whole byte: where a guess of recall is all but certain, one bit says whether it is right. Then the byte
 * costs no look-ups of contexts, which is most of the time; in text that repeats, as Matrix traffic does, half of all bytes.
 *
 * The bet is on the *leader*: the sure guess that has been right for longest. How likely it wins is counted in training,
 * by cell: the place, the byte's kind, how many guesses say the same and how many do not, how long the leader has been
 * right. In cells where it is not likely enough nothing is bet. */
#ifndef TH_CODEC_BET_H
#define TH_CODEC_BET_H

#include "codec/recall.h"

enum {
	TH_BET_KINDS = 4,
	TH_BET_FOR = 8,	    /* sure guesses of the byte, 1 to 8 */
	TH_BET_AGAINST = 4, /* others, 0 to 3: a sure one counts twice */
	TH_BET_LEVELS = 8,
	TH_BET_CELLS = 32 * TH_BET_KINDS * TH_BET_FOR * TH_BET_AGAINST * TH_BET_LEVELS, /* for each class of places */
};

struct th_bet {
	uint16_t cell;
	uint8_t byte;
};

/* A guess that has been right for some time, or whose surroundings fit. */
static inline bool th_guess_is_sure(const struct th_guess *g)
{
	return g->at && (g->run > 7 || g->suffix > 11);
}

/* The bet on the next byte at a place of that class; false: no guess is sure. */
bool th_bet_on(struct th_bet *bet, const struct th_recall *r, unsigned place_class);

#endif
