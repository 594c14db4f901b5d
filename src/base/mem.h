/* Memory for the core: an allocator passed in, so that tests can fail the k-th allocation and count what is left. */
#ifndef TH_BASE_MEM_H
#define TH_BASE_MEM_H

#include <stddef.h>
#include <stdbool.h>

struct th_mem {
	void *(*alloc)(void *ctx, size_t n);  /* zeroed; NULL when there is none */
	void (*release)(void *ctx, void *p);  /* p may be NULL */
	void *ctx;
};

/* calloc and free. */
extern const struct th_mem th_mem_libc;

static inline void *th_alloc(const struct th_mem *m, size_t n)
{
	return m->alloc(m->ctx, n);
}

static inline void th_free(const struct th_mem *m, void *p)
{
	m->release(m->ctx, p);
}

/* count * size, or false when that does not fit. */
static inline bool th_mul(size_t count, size_t size, size_t *out)
{
	return !__builtin_mul_overflow(count, size, out);
}

/* Zeroes secrets in a way the compiler keeps. */
void th_wipe(void *p, size_t n);

#endif
