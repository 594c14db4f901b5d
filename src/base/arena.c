#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

enum { ARENA_CHUNK = 2048 };

struct th_arena_chunk {
	struct th_arena_chunk *next;
	size_t used, cap;
	alignas(max_align_t) unsigned char bytes[];
};

void th_arena_init(struct th_arena *a, const struct th_mem *mem, size_t max)
{
	*a = (struct th_arena){ .mem = mem, .max = max };
}

void th_arena_free(struct th_arena *a)
{
	struct th_arena_chunk *c = a->chunks;

	while (c) {
		struct th_arena_chunk *next = c->next;

		th_free(a->mem, c);
		c = next;
	}
	th_arena_init(a, a->mem, a->max);
}

static struct th_arena_chunk *chunk_for(struct th_arena *a, size_t n)
{
	size_t cap = n > ARENA_CHUNK ? n : ARENA_CHUNK;
	struct th_arena_chunk *c = a->chunks;

	if (c && n <= c->cap - c->used)
		return c;
	c = th_alloc(a->mem, sizeof(*c) + cap);
	if (!c)
		return NULL;
	c->cap = cap;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *th_arena_alloc(struct th_arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct th_arena_chunk *c;
	void *p;

	if (n > SIZE_MAX - align - sizeof(*c) || n > a->max - a->used)
		return NULL;
	n = (n + align - 1) / align * align;
	c = chunk_for(a, n);
	if (!c)
		return NULL;
	p = c->bytes + c->used;
	c->used += n;
	a->used = n > a->max - a->used ? a->max : a->used + n;
	return p;
}

struct th_str th_arena_str(struct th_arena *a, struct th_str s)
{
	char *p = th_arena_alloc(a, s.n);

	if (p && s.n)
		memcpy(p, s.p, s.n);
	return (struct th_str){ p, p ? s.n : 0 };
}
