/* What messages and their fields cost together, and the tables that say so. */
#ifndef TH_EXPLAIN_SUMS_H
#define TH_EXPLAIN_SUMS_H

#include <stdio.h>

#include "explain/coder.h"
#include "explain/labels.h"

struct th_message_sums {
	size_t messages, not_modelled;
	uint64_t http, zlib, zstd, coded, ip, datagrams;
};

struct th_field_sums {
	uint64_t cost[TH_PARTS]; /* in 1/65536 bit */
	uint64_t bytes, times;	 /* of text; runs of it */
};

struct th_sums {
	struct th_message_sums messages[2]; /* requests, responses */
	struct th_field_sums fields[TH_LABELS_MAX];
	uint64_t cost;	   /* of all texts, in 1/65536 bit */
	uint64_t modelled; /* bytes of their codes */
	struct th_label_table labels;
	const struct th_mem *mem; /* borrowed */
};

/* NULL: no memory. */
struct th_sums *th_sums_new(const struct th_mem *mem);
void th_sums_del(struct th_sums *s);

/* TH_ERR_NO_MEMORY. */
enum th_err th_sums_add(struct th_sums *s, const struct th_explained *e);

/* Both tables; of the fields the `top` that cost most, 0 for all. */
void th_sums_print(const struct th_sums *s, size_t top, FILE *out);

#endif
