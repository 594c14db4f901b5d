/* `thimble explain`: where the bytes went. */
#ifndef TH_EXPLAIN_COMMAND_H
#define TH_EXPLAIN_COMMAND_H

#include "explain/options.h"

bool th_explain_command_asked(int argc, char *const argv[]);

/* TH_ERR_INVALID: the command line is wrong; TH_ERR_MALFORMED: the file is; TH_ERR_IO, TH_ERR_NO_MEMORY,
 * TH_ERR_UNSUPPORTED. All complained. */
enum th_err th_explain_command(int argc, char *const argv[], FILE *out, struct th_complaints *c);

/* The lines of `thimble --help`. */
void th_explain_command_help(FILE *out);

#endif
