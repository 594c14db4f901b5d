/* The states of slots.h: how counts become a trained state, and what a bit makes of a state. Integers only; the same
 * everywhere. */
#ifndef TH_CODEC_STATES_H
#define TH_CODEC_STATES_H

#include <stdint.h>

enum { TH_STATES_TRAINED = 118, TH_FRESH_CLASSES = 8, TH_FRESH_HISTORIES = 16 };

/* The state for a node that saw n0 zeros and n1 ones in training. */
uint8_t th_states_trained(uint32_t n0, uint32_t n1);

/* Twice the log2 odds of a one that a trained state stands for, in 1/256. */
int32_t th_states_odds(uint8_t state);

/* The state after each bit, for all 256. */
void th_states_next(uint8_t next[256][2]);

/* log2(v) in 1/256, v > 0. */
int32_t th_log2(uint32_t v);

#endif
