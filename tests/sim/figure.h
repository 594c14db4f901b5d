/* Figures of a table: samples of one row and their percentiles, and lines "what, measured, asked" that are counted as
 * passed or failed. One table a program. */
#ifndef TH_SIM_FIGURE_H
#define TH_SIM_FIGURE_H

#include <stdbool.h>

#include "base/clock.h"

/* Nothing was asked. */
#define SIM_NOT_ASKED (-1.0)

void sim_figure_clear(void); /* forgets the samples */
void sim_figure_sample(th_time t);
double sim_figure_percentile(unsigned percent); /* seconds; 0 without samples */

/* One line. `at_least`: what was asked is a minimum, else a maximum. */
void sim_figure_row(const char *what, double measured, double asked, bool at_least, const char *unit);

/* Prints the counts to stderr, as they are no part of the table; the program's exit status. */
int sim_figure_end(void);

#endif
