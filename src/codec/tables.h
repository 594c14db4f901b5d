/* The trained tables, as the trainer writes them and the coder reads them in place. All numbers little endian.
 *
 *     0   "THMD"
 *     4   format (1)
 *     5   log2 of the number of lines
 *     6   contexts, rules, sets (1 byte each); 3 bytes zero
 *     12  rows (4)
 *     16  ID: FNV-1a 64 of all bytes from 64 on
 *     24  zeros up to 64
 *     64  next state after a bit: 256 * 2 bytes
 *     576 squash: TH_SQUASH probabilities of a one, 2 bytes each
 *         inputs: TH_CELLS numbers of 2 bytes, in 1/256 of ln odds
 *         weights: TH_ROWS * TH_INPUTS numbers of 2 bytes, in 1/2048
 *         zeros up to a multiple of 64
 *         lines of 64 bytes */
#ifndef TH_CODEC_TABLES_H
#define TH_CODEC_TABLES_H

#include "base/err.h"
#include "codec/predict.h"

enum {
	TH_TABLES_FORMAT = 1,
	TH_TABLES_HEADER = 64,
	TH_LN_ONE = 256,		/* ln odds of 1 */
	TH_INPUT_MAX = 2047,		/* of an input */
	TH_SQUASH_MAX = 12 * TH_LN_ONE, /* ln odds of a prediction end there */
	TH_SQUASH = 2 * TH_SQUASH_MAX,	/* squash[TH_SQUASH_MAX + ln odds] */
	TH_WEIGHT_BITS = 11,		/* 1.0 = 1 << TH_WEIGHT_BITS */
	TH_WEIGHT_MAX = 2730,		/* so that TH_SETS of them, times inputs, summed, stay inside 32 bits */
	TH_TABLES_NEXT_AT = TH_TABLES_HEADER,
	TH_TABLES_SQUASH_AT = TH_TABLES_NEXT_AT + 512,
	TH_TABLES_INPUTS_AT = TH_TABLES_SQUASH_AT + 2 * TH_SQUASH,
	TH_TABLES_WEIGHTS_AT = TH_TABLES_INPUTS_AT + 2 * TH_CELLS,
	TH_TABLES_LINES_AT = (TH_TABLES_WEIGHTS_AT + 2 * TH_ROWS * TH_INPUTS + 63) / 64 * 64,
	TH_TABLES_BITS_MAX = 17,
};

struct th_tables {
	uint64_t id;
	unsigned bits;
	const uint8_t (*next)[2];
	const uint16_t *squash;
	const int16_t *inputs;
	const int16_t *weights; /* [TH_ROWS][TH_INPUTS] */
	const struct th_line *lines;
};

/* Looks at a file of tables, which must be aligned to 64 bytes and outlive `t`. TH_ERR_MALFORMED; TH_ERR_UNSUPPORTED
 * when it is of another shape, or the machine is big endian. The ID is taken on trust. */
enum th_err th_tables_read(struct th_tables *t, const uint8_t *p, size_t n);

/* The tables built into the program. */
extern const uint8_t th_tables_builtin[];
extern const uint8_t th_tables_builtin_end[];

#endif
