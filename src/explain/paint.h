/* Shows a text with what its characters cost: in colour, or with a line of digits beneath each line. */
#ifndef TH_EXPLAIN_PAINT_H
#define TH_EXPLAIN_PAINT_H

#include <stdbool.h>
#include <stdio.h>

#include "explain/cost.h"

enum th_paint {
	TH_PAINT_PLAIN, /* bits rounded: blank for none, 1 to 9, + for more */
	TH_PAINT_256,
	TH_PAINT_24BIT,
};

/* How to paint on `out`: plain when `never`, when it is no terminal (unless `always`), or when NO_COLOR is set
 * (https://no-color.org; unless `always`); 24 bit when COLORTERM says that the terminal can. */
enum th_paint th_paint_for(FILE *out, bool always, bool never);

/* At most `most` characters, 0 for all. Nothing in the text can move the cursor or change the terminal. */
void th_paint_text(FILE *out, enum th_paint how, const struct th_costs *c, size_t most);

/* What the colours, or the digits, mean: one line. */
void th_paint_legend(FILE *out, enum th_paint how);

#endif
