/* Which field of a message each byte of its text belongs to, so that costs can be summed.
 *
 * Fields have names such as "path", "query since", "header Content-Type", "body content.body". Items of arrays are
 * "[]"; keys that are identifiers count together, by their sigil ("{!}" for rooms) or as "{id}". */
#ifndef TH_EXPLAIN_LABELS_H
#define TH_EXPLAIN_LABELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum {
	TH_LABELS_MAX = 4000, /* different names; further ones count as "others" */
	TH_LABEL_NAME_MAX = 120,
};

enum th_label_part { TH_PART_NAME, TH_PART_VALUE, TH_PARTS };

struct th_label {
	uint16_t field; /* place in the table */
	uint8_t part;	/* enum th_label_part: the field's name, or its value */
};

struct th_label_table {
	const char *names[TH_LABELS_MAX]; /* in the arena */
	uint16_t n;
	uint16_t index[2 * TH_LABELS_MAX]; /* hash table of places + 1 */
	struct th_arena arena;
};

void th_labels_init(struct th_label_table *t, const struct th_mem *mem);
void th_labels_free(struct th_label_table *t);

/* The place of a name, which is copied and cut where it is too long. */
uint16_t th_labels_place(struct th_label_table *t, struct th_str name);

/* Labels a text (codec/text.h) of n bytes, and its end, which is out[n]. Any bytes will do. */
void th_labels_of(struct th_label_table *t, const uint8_t *text, size_t n, bool is_response, struct th_label *out);

#endif
