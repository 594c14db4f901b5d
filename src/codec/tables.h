/* The trained tables, as the trainer writes them and the coder reads them in place. All numbers little endian.
 *
 *     0   "THMD"
 *     4   format (4): another one whenever the same tables would be used otherwise, or what stands around a code
 * changes 5   log2 of the number of lines 6   contexts, rules, sets (1 byte each); 3 bytes zero 12  rows (4) 16  ID:
 * FNV-1a 64 of the format and of all bytes from 64 on 24  bytes of seed texts (4); zeros up to 64 64  next state after
 * a bit: 256 * 2 bytes 576 squash: TH_SQUASH probabilities of a one, 2 bytes each inputs: TH_CELLS numbers of 2 bytes,
 * in 1/256 of ln odds weights: TH_ROWS * TH_INPUTS numbers of 2 bytes, in 1/2048 gates: TH_GATE_ROWS * TH_GATE_CELLS
 * numbers of 2 bytes, in 1/2048 bets: TH_BET_CELLS probabilities that a bet is won, 2 bytes each; 0: there is none
 *         lines of 64 bytes
 *         seed texts, oldest first: is_response (1), kind (4), length (4), text */
#ifndef TH_CODEC_TABLES_H
#define TH_CODEC_TABLES_H

#include "base/err.h"
#include "codec/predict.h"

enum {
	TH_TABLES_FORMAT = 4,
	TH_TABLES_HEADER = 64,
	TH_LN_ONE = 256,		 /* ln odds of 1 */
	TH_INPUT_MAX = 2047,		 /* of an input */
	TH_SQUASH_MAX = 12 * TH_LN_ONE,	 /* ln odds of a prediction end there */
	TH_SQUASH = 2 * TH_SQUASH_MAX,	 /* squash[TH_SQUASH_MAX + ln odds] */
	TH_WEIGHT_BITS = 11,		 /* 1.0 = 1 << TH_WEIGHT_BITS */
	TH_WEIGHT_MAX = 16000,		 /* so that inputs times weights, summed, stay inside 32 bits */
	TH_SET_MAX = 32 * TH_LN_ONE - 1, /* of a set's sum */
	TH_GATE_MAX = 8191,		 /* so that sums times gates do */
	TH_TABLES_NEXT_AT = TH_TABLES_HEADER,
	TH_TABLES_SQUASH_AT = TH_TABLES_NEXT_AT + 512,
	TH_TABLES_INPUTS_AT = TH_TABLES_SQUASH_AT + 2 * TH_SQUASH,
	TH_TABLES_WEIGHTS_AT = TH_TABLES_INPUTS_AT + 2 * TH_CELLS,
	TH_TABLES_GATES_AT = TH_TABLES_WEIGHTS_AT + 2 * TH_ROWS * TH_INPUTS,
	TH_TABLES_BETS_AT = TH_TABLES_GATES_AT + 2 * TH_GATE_ROWS * TH_GATE_CELLS,
	TH_TABLES_LINES_AT = TH_TABLES_BETS_AT + 2 * TH_BET_CELLS,
	TH_TABLES_BITS_MAX = 17,
	TH_TABLES_SEED_MAX = 48 * 1024,
	TH_TABLES_SEED_HEAD = 9,
};

_Static_assert(TH_TABLES_LINES_AT % TH_LINE_BYTES == 0, "lines are lines of the cache");

struct th_tables {
	uint64_t id;
	unsigned bits;
	const uint8_t (*next)[2];
	const uint16_t *squash;
	const int16_t *inputs;
	const int16_t *weights; /* [TH_ROWS][TH_INPUTS] */
	const int16_t *gates;	/* [TH_GATE_ROWS][TH_GATE_CELLS] */
	const uint16_t *bets;
	const struct th_line *lines;
	const uint8_t *seed;
	size_t seed_n;
};

/* Looks at a file of tables, which must be aligned to 64 bytes and outlive `t`. TH_ERR_MALFORMED; TH_ERR_UNSUPPORTED
 * when it is of another shape, or the machine is big endian. The ID is taken on trust. */
enum th_err th_tables_read(struct th_tables *t, const uint8_t *p, size_t n);

/* The ID alone, of TH_TABLES_HEADER bytes or more. */
uint64_t th_tables_id(const uint8_t *p);

/* A text that stands before every history. */
struct th_seed {
	bool is_response;
	uint32_t kind;
	const uint8_t *p; /* borrows from the tables */
	size_t n;
};

/* Takes the next one from *at on, which begins at 0; false at the end. */
bool th_tables_seed(const struct th_tables *t, size_t *at, struct th_seed *seed);

/* The tables built into the program. */
extern const uint8_t th_tables_builtin[];
extern const uint8_t th_tables_builtin_end[];

#endif
