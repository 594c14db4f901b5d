/* The predictor: how likely the next bit is a one, from all contexts and guesses together.
 *
 * A byte is bet on as a whole (bet.h), or opened to its bits when there is no bet, or one that was lost.
 *
 * Each bit has INPUTS numbers x: one for the state that each context's slot is in, one for each rule of recall, one
 * constant. Each is read from a trained table (`inputs`). Each bit also picks one row of weights from each of SETS
 * sets; the prediction is
 *
 *     squash( sum over sets of gate[set] * (sum over i of x[i] * weight[set][row][i]) )
 *
 * with gates that depend on the place. Inputs, weights and gates are trained and fixed. What changes within a message
 * is the slots' states and the guesses. */
#ifndef TH_CODEC_PREDICT_H
#define TH_CODEC_PREDICT_H

#include "codec/bet.h"
#include "codec/recall.h"
#include "codec/slots.h"
#include "codec/states.h"
#include "codec/syntax.h"

enum {
	TH_CONTEXTS = 20,
	TH_INPUTS = 32, /* contexts, rules, one constant, none */
	TH_INPUT_CONSTANT = TH_CONTEXTS + TH_RULES,
	TH_RULE_CELLS = 768, /* how sure a rule can be of itself */
	TH_CELLS = TH_CONTEXTS * 256 + TH_RULES * TH_RULE_CELLS,
	TH_SETS = 6,
	TH_CLASSES = 32, /* of places in a text */
	TH_ROWS_0 = TH_CLASSES * 8 * 2,
	TH_ROWS_1 = 8 * 8 * 2,
	TH_ROWS_2 = 3 * 3 * 3 * 3 * 3,
	TH_ROWS_3 = 256,
	TH_ROWS_4 = 64,
	TH_ROWS_5 = 512,
	TH_ROWS = TH_ROWS_0 + TH_ROWS_1 + TH_ROWS_2 + TH_ROWS_3 + TH_ROWS_4 + TH_ROWS_5,
	TH_GATE_ROWS = TH_CLASSES * 2 * 3,
	TH_GATE_CELLS = 8, /* TH_SETS of them in use */
	TH_NO_CELL = 0xffff,
};

_Static_assert(TH_INPUT_CONSTANT < TH_INPUTS, "inputs fit");
_Static_assert(TH_BET_CELLS == TH_CLASSES * TH_BET_KINDS * TH_BET_FOR * TH_BET_AGAINST * TH_BET_LEVELS,
	       "one for each class");

/* What the trained part of a bit's prediction is looked up by. */
struct th_features {
	uint16_t cell[TH_CONTEXTS + TH_RULES]; /* of `inputs`; TH_NO_CELL: the input is 0 */
	bool negative[TH_CONTEXTS + TH_RULES]; /* a rule that guesses a 0 */
	uint16_t row[TH_SETS];		       /* of all rows */
	uint16_t gate;			       /* row of gates */
};

/* A rule's guess of the byte, as long as the bits that are known agree. */
struct th_vote {
	uint16_t cell; /* of `inputs`, that of the first third of the byte */
	uint8_t rule, byte;
	bool sure; /* it has reason to be */
};

struct th_predictor {
	struct th_slots *slots;	  /* borrowed */
	struct th_recall *recall; /* borrowed */
	struct th_syntax syntax;
	uint32_t context[TH_CONTEXTS];
	uint8_t *bucket[TH_CONTEXTS];
	struct th_vote votes[TH_RULES]; /* in the order of rules */
	unsigned n_votes;
	uint32_t known;	  /* bit i: context i had been seen when the byte was opened */
	uint32_t asked;	  /* the first half, as in `partial`, whose second one has been asked for; 0: none */
	uint32_t partial; /* a one, then the bits of this byte so far */
	unsigned bit;	  /* 0..7 */
	uint16_t byte_row[TH_SETS];
};

/* Starts a message: the history has been learned. */
void th_predictor_begin(struct th_predictor *p, bool is_response, uint32_t kind, int account);

/* Before a byte: what may be bet on. False: nothing. */
bool th_predictor_bet(const struct th_predictor *p, struct th_bet *bet);

/* The bet was won: takes the byte. */
void th_predictor_won(struct th_predictor *p, const struct th_bet *bet);

/* Else: makes ready for the byte's first bit. `lost`: guesses of that bet's byte do not count any more; or NULL. */
void th_predictor_open(struct th_predictor *p, const struct th_bet *lost);

void th_predictor_features(const struct th_predictor *p, struct th_features *f);

struct th_tables;

/* Probability that the next bit is a one, in 1/65536: 1..65535. */
uint32_t th_predictor_p(const struct th_predictor *p, const struct th_tables *t);

/* Takes the bit. After the eighth the next byte has begun. */
void th_predictor_update(struct th_predictor *p, unsigned bit);

/* Contexts of the next byte, for training; as th_predictor_open makes them. */
void th_predictor_contexts(const struct th_recall *r, const struct th_syntax *s, uint32_t context[TH_CONTEXTS]);

static inline uint32_t th_context_half(uint32_t context, uint32_t first_half)
{
	return th_hash2(context, 0x100 + first_half);
}

#endif
