/* Memory with a wall: a run of bytes that ends (or begins) exactly at a page nobody may touch, so that reading or
 * writing one byte too far stops the test even without a sanitizer. */
#ifndef TH_UNIT_GUARD_H
#define TH_UNIT_GUARD_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
	uint8_t *map; /* owned: wall, room, wall */
	size_t page, room;
};

/* Room for runs of up to `max` bytes. */
static inline struct guard guard_new(size_t max)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (max / page + 1) * page;
	uint8_t *map = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert(map != MAP_FAILED);
	assert(mprotect(map + page, room, PROT_READ | PROT_WRITE) == 0);
	return (struct guard){ map, page, room };
}

static inline void guard_del(struct guard *g)
{
	munmap(g->map, g->room + 2 * g->page);
	*g = (struct guard){ 0 };
}

/* n bytes whose last one is the last before the wall; their old content is undefined. */
static inline uint8_t *guard_tail(const struct guard *g, size_t n)
{
	assert(n <= g->room);
	return g->map + g->page + g->room - n;
}

/* n bytes whose first one is the first behind the wall. */
static inline uint8_t *guard_head(const struct guard *g, size_t n)
{
	assert(n <= g->room);
	return g->map + g->page;
}

/* A copy of p that ends at the wall. With n = 0 the result points at the wall itself. */
static inline const uint8_t *guard_put(const struct guard *g, const void *p, size_t n)
{
	uint8_t *to = guard_tail(g, n);

	if (n)
		memcpy(to, p, n);
	return to;
}

#endif
