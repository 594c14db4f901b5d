/* Prints messages as they come, and the tables at the end: what a file and a running daemon have in common. */
#ifndef TH_EXPLAIN_SHOW_H
#define TH_EXPLAIN_SHOW_H

#include "explain/options.h"
#include "explain/paint.h"
#include "explain/sums.h"

struct th_show {
	const struct th_explain_options *o; /* borrowed */
	FILE *out;
	enum th_paint how;
	struct th_sums *sums;
	const struct th_mem *mem; /* borrowed */
	bool begun;		  /* the legend was printed */
};

/* TH_ERR_NO_MEMORY. */
enum th_err th_show_init(struct th_show *s, const struct th_mem *mem, const struct th_explain_options *o, FILE *out);
void th_show_free(struct th_show *s);

/* Prints what the colours mean, which the first message does otherwise; not in a summary. */
void th_show_begin(struct th_show *s);

/* `where` says which message it is ("3: request, PUT send"). */
void th_show_message(struct th_show *s, const char *where, const struct th_explained *e);

void th_show_end(const struct th_show *s);

#endif
