/* Memory of one exchange: many small pieces, released in one call. */
#ifndef TH_BASE_ARENA_H
#define TH_BASE_ARENA_H

#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"

struct th_arena {
	const struct th_mem *mem; /* borrowed */
	struct th_arena_chunk *chunks; /* owned */
	size_t used, max;         /* bytes given out, and the limit on them */
};

void th_arena_init(struct th_arena *a, const struct th_mem *mem, size_t max);
void th_arena_free(struct th_arena *a);

/* Zeroed and aligned for any type; NULL past the limit or without memory. */
void *th_arena_alloc(struct th_arena *a, size_t n);

/* Copies s into the arena; a NULL `p` in the result means no room. */
struct th_str th_arena_str(struct th_arena *a, struct th_str s);

#endif
