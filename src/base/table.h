/* Hash table of nodes that live inside their owners. Fixed number of buckets, given at init; the owner holds the cap. */
#ifndef TH_BASE_TABLE_H
#define TH_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct th_slot {
	struct th_slot *next;
	uint64_t hash;
};

struct th_table {
	const struct th_mem *mem; /* borrowed */
	struct th_slot **buckets; /* owned; the nodes are borrowed */
	size_t mask, n;
	uint64_t seed;            /* random, so that outsiders cannot aim at one bucket */
};

/* `buckets` is rounded up to a power of two. TH_ERR_NO_MEMORY. */
enum th_err th_table_init(struct th_table *t, const struct th_mem *mem, size_t buckets, uint64_t seed);
void th_table_free(struct th_table *t);

/* SipHash-1-3 of the bytes under the table's seed. */
uint64_t th_table_hash(const struct th_table *t, const void *key, size_t n);

void th_table_add(struct th_table *t, struct th_slot *node, uint64_t hash);

/* The node must be in the table. */
void th_table_remove(struct th_table *t, struct th_slot *node);

/* Walks the nodes with this hash: first with NULL, then with the last result. The caller compares its own key. */
struct th_slot *th_table_next(const struct th_table *t, uint64_t hash, const struct th_slot *after);

#endif
