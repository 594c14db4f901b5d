/* A queue of bytes that grows up to a limit given at init: append at the back, take from the front. */
#ifndef TH_BASE_BUF_H
#define TH_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct th_buf {
	const struct th_mem *mem; /* borrowed */
	uint8_t *p;               /* owned */
	size_t off, n, cap, max;  /* the bytes are p[off .. off+n) */
};

void th_buf_init(struct th_buf *b, const struct th_mem *mem, size_t max);

/* Releases the memory; the buffer is empty and usable again. */
void th_buf_free(struct th_buf *b);

/* All or nothing: TH_ERR_TOO_LARGE past the limit, TH_ERR_NO_MEMORY. */
enum th_err th_buf_append(struct th_buf *b, const void *p, size_t n);

/* Makes room for n more bytes and gives where they go; th_buf_commit() says how many were written. NULL as append fails. */
uint8_t *th_buf_reserve(struct th_buf *b, size_t n);
void th_buf_commit(struct th_buf *b, size_t n);

/* Drops n bytes from the front; n <= b->n. */
void th_buf_consume(struct th_buf *b, size_t n);

static inline const uint8_t *th_buf_data(const struct th_buf *b)
{
	return b->off ? b->p + b->off : b->p; /* an empty one has no memory: NULL, not NULL + 0 */
}

/* What is in it as a string; borrowed until the buffer changes. */
static inline struct th_str th_buf_str(const struct th_buf *b)
{
	return (struct th_str){ b->n ? (const char *)th_buf_data(b) : "", b->n };
}

/* How many bytes still fit under the limit. */
static inline size_t th_buf_room(const struct th_buf *b)
{
	return b->max - b->n;
}

#endif
