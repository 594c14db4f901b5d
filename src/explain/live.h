/* Explains what a running daemon codes: the reader of its explain socket (frame.h). */
#ifndef TH_EXPLAIN_LIVE_H
#define TH_EXPLAIN_LIVE_H

#include "base/mem.h"
#include "explain/options.h"

/* Until SIGINT, SIGTERM or the daemon's end; then prints the tables. Installs handlers for both signals. TH_ERR_IO,
 * TH_ERR_UNSUPPORTED, TH_ERR_MALFORMED, TH_ERR_NO_MEMORY, all complained. */
enum th_err th_explain_live(const struct th_mem *mem, const struct th_explain_options *o, FILE *out,
			    struct th_complaints *c);

#endif
