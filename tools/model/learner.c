#include "learner.h"

#include <math.h>
#include <string.h>

#define LEAST_ERROR 0.002f /* below, there is nothing worth learning */
#define LN_2 0.69314718f
enum { LANES = 8 };

#define CONSTANT 1.0f /* the last input */

/* e^x for |x| < 20: e^(x/1024) by its series, squared ten times. */
static float exp_of(float x)
{
	float r = x * (1.0f / 1024), e = 1 + r * (1 + r * (0.5f + r * (1.0f / 6)));

	for (int i = 0; i < 10; i++)
		e *= e;
	return e;
}

float learner_squash(float x)
{
	return 1 / (1 + exp_of(-x));
}

/* What a state says before anything is learned. */
static float guess_of_state(unsigned state)
{
	static const float histories[TH_FRESH_HISTORIES] = {
		-1, 1, -2, 0, 0, 2, -3, 3, -4, 4, -5, 5, -1, 0.5f, -0.5f, 1
	};
	static const float classes[TH_FRESH_CLASSES] = { 0, -4, -2, -1, 0, 1, 2, 4 };

	if (state < TH_STATE_FRESH)
		return (float)th_states_odds((uint8_t)state) * (LN_2 / 256);
	return histories[state % TH_FRESH_HISTORIES] + classes[(state - TH_STATE_FRESH) / TH_FRESH_HISTORIES] * 0.5f;
}

void learner_init(struct learner *l)
{
	memset(l, 0, sizeof(*l));
	for (unsigned i = 0; i < TH_CONTEXTS; i++)
		for (unsigned state = 0; state < 256; state++)
			l->input[i * 256 + state] = guess_of_state(state);
	for (unsigned i = 0; i < TH_RULES * TH_RULE_CELLS; i++)
		l->input[TH_CONTEXTS * 256 + i] = 0.5f + (float)(i % TH_RULE_CELLS / 96) * 0.5f;
	for (unsigned i = 0; i < TH_CELLS; i++)
		l->input_seen[i] = 0.01f;
	for (unsigned row = 0; row < TH_ROWS_0; row++)
		for (unsigned i = 0; i < TH_INPUT_CONSTANT; i++)
			l->weight[row][i] = i < TH_CONTEXTS ? 0.15f : 0.3f;
}

static void learn(struct learner *l, const struct th_features *f, float error, const float *x, const float *w)
{
	float step = l->weight_rate * error;

	for (unsigned set = 0; set < TH_SETS; set++)
		for (unsigned i = 0; i < TH_INPUTS; i++)
			l->weight[f->row[set]][i] += step * x[i];
	for (unsigned i = 0; i < TH_INPUT_CONSTANT; i++) {
		unsigned cell = f->cell[i];
		float gradient = f->negative[i] ? -error * w[i] : error * w[i];

		if (cell == TH_NO_CELL)
			continue;
		l->input_seen[cell] += gradient * gradient;
		l->input[cell] += l->input_rate * gradient / sqrtf(l->input_seen[cell]);
	}
}

float learner_bit(struct learner *l, const struct th_features *f, unsigned bit)
{
	const float end = (float)TH_SQUASH_MAX / TH_LN_ONE - 0.5f;
	float x[TH_INPUTS] = { 0 }, w[TH_INPUTS] = { 0 }, lanes[LANES] = { 0 }, sum = 0, p, error;

	for (unsigned i = 0; i < TH_INPUT_CONSTANT; i++)
		if (f->cell[i] != TH_NO_CELL)
			x[i] = f->negative[i] ? -l->input[f->cell[i]] : l->input[f->cell[i]];
	x[TH_INPUT_CONSTANT] = CONSTANT;
	for (unsigned set = 0; set < TH_SETS; set++)
		for (unsigned i = 0; i < TH_INPUTS; i++)
			w[i] += l->weight[f->row[set]][i];
	for (unsigned i = 0; i < TH_INPUTS; i += LANES)
		for (unsigned lane = 0; lane < LANES; lane++)
			lanes[lane] += x[i + lane] * w[i + lane];
	for (unsigned lane = 0; lane < LANES; lane++)
		sum += lanes[lane];
	sum = sum > end ? end : sum < -end ? -end : sum;
	p = learner_squash(sum);
	error = (float)bit - p;
	if (error > LEAST_ERROR || error < -LEAST_ERROR)
		learn(l, f, error, x, w);
	return 1 - (error < 0 ? -error : error);
}

static int16_t rounded(float v, int max)
{
	int r = (int)(v < 0 ? v - 0.5f : v + 0.5f);

	return (int16_t)(v < (float)-max ? -max : v > (float)max ? max : r);
}

void learner_export(const struct learner *l, int16_t inputs[TH_CELLS], int16_t weights[TH_ROWS * TH_INPUTS])
{
	for (unsigned i = 0; i < TH_CELLS; i++)
		inputs[i] = rounded(l->input[i] * TH_LN_ONE, TH_INPUT_MAX);
	for (unsigned row = 0; row < TH_ROWS; row++)
		for (unsigned i = 0; i < TH_INPUTS; i++)
			weights[row * TH_INPUTS + i] =
				rounded(l->weight[row][i] * (1 << TH_WEIGHT_BITS), TH_WEIGHT_MAX);
}
