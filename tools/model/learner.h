/* Learns the inputs and weights of the predictor by gradient descent. Floats, but only additions, multiplications,
 * divisions and square roots in a fixed order: the result is the same wherever IEEE 754 singles are (build with
 * -ffp-contract=off). */
#ifndef TH_TOOLS_MODEL_LEARNER_H
#define TH_TOOLS_MODEL_LEARNER_H

#include "codec/predict.h"
#include "codec/tables.h"

struct learner {
	float input[TH_CELLS];
	float input_seen[TH_CELLS]; /* sum of squared gradients */
	float weight[TH_ROWS][TH_INPUTS];
	float input_rate, weight_rate;
};

void learner_init(struct learner *l);

/* Learns from one bit; returns the probability it was given. */
float learner_bit(struct learner *l, const struct th_features *f, unsigned bit);

/* The tables' numbers. */
void learner_export(const struct learner *l, int16_t inputs[TH_CELLS], int16_t weights[TH_ROWS * TH_INPUTS]);

/* 1 / (1 + e^-x) */
float learner_squash(float x);

#endif
