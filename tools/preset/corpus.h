/* Reads recorded exchanges (corpus/README.md): one JSON object a line. For tools, tests and benchmarks; never linked into the daemon. */
#ifndef TH_TOOLS_CORPUS_H
#define TH_TOOLS_CORPUS_H

#include <stdbool.h>

#include "base/arena.h"
#include "exchange/head.h"

/* One request or response with the header fields that cross the link. All memory belongs to the corpus. */
struct corpus_message {
	struct th_head head;
	struct th_str body;
	size_t file;  /* index into files */
	size_t line;  /* from 0 */
	bool held_out; /* of the last fifth of its file's lines: not for training */
};

struct corpus {
	const char **files;
	size_t n_files;
	struct corpus_message *messages; /* request, response, request, … in the order of the lines */
	size_t n;
	struct th_arena arena; /* of all strings */
};

/* Reads DIR/recorded/, DIR/shapes/ (files *.jsonl, in order of their names); missing folders are empty. NULL and a line on stderr on
 * broken lines. Freed by corpus_del(). */
struct corpus *corpus_read(const char *dir);
void corpus_del(struct corpus *c);

/* The name of a file without folder and ending, borrowed. */
const char *corpus_name(const struct corpus *c, size_t file, char *out, size_t cap);

#endif
