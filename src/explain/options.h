/* Options of `thimble explain`. One table makes the command line, --help and the manual page. */
#ifndef TH_EXPLAIN_OPTIONS_H
#define TH_EXPLAIN_OPTIONS_H

#include "program/option.h"

enum { TH_EXPLAIN_OPTIONS = 8 }; /* rows in the table */

enum th_explain_colour { TH_COLOUR_AUTO, TH_COLOUR_ALWAYS, TH_COLOUR_NEVER };

/* Plain data. */
struct th_explain_options {
	bool help, summary, history;
	unsigned top, cut; /* 0: all */
	unsigned colour;   /* enum th_explain_colour */
	char only[TH_OPTION_PATH_MAX];
	char live[TH_OPTION_PATH_MAX]; /* "": a file is read */
	char file[TH_OPTION_PATH_MAX]; /* "-": standard input */

	uint8_t origin[TH_EXPLAIN_OPTIONS];
	unsigned line[TH_EXPLAIN_OPTIONS];
};

extern const struct th_option_schema th_explain_schema;

void th_explain_options_init(struct th_explain_options *o);

/* argv[1] is "explain". Every mistake is complained about; TH_ERR_INVALID when there was one. */
enum th_err th_explain_options_load(struct th_explain_options *o, int argc, char *const argv[],
				    struct th_complaints *c);

void th_explain_help(FILE *out);

#endif
