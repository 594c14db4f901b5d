/* Explains a file of recorded exchanges. */
#ifndef TH_EXPLAIN_FILE_H
#define TH_EXPLAIN_FILE_H

#include "base/mem.h"
#include "explain/options.h"

/* Reads `in`, which complaints call `name`, to its end. What can be sorted by time is coded in the order in which its
 * messages were sent; `as_they_come` takes request and response of each line in the order of lines. TH_ERR_MALFORMED
 * (complained with the line's number), TH_ERR_NO_MEMORY, TH_ERR_IO. */
enum th_err th_explain_file(const struct th_mem *mem, const struct th_explain_options *o, FILE *in, const char *name,
			    bool as_they_come, FILE *out, struct th_complaints *c);

#endif
