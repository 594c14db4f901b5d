#include "base/buf.h"

#include <assert.h>
#include <string.h>

enum { BUF_FIRST_CAP = 256 };

void th_buf_init(struct th_buf *b, const struct th_mem *mem, size_t max)
{
	*b = (struct th_buf){ .mem = mem, .max = max };
}

void th_buf_free(struct th_buf *b)
{
	th_free(b->mem, b->p);
	th_buf_init(b, b->mem, b->max);
}

static size_t grown_cap(const struct th_buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : BUF_FIRST_CAP;

	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	return cap;
}

uint8_t *th_buf_reserve(struct th_buf *b, size_t n)
{
	uint8_t *p;
	size_t cap;

	if (n > th_buf_room(b))
		return NULL;
	if (n <= b->cap - b->off - b->n && b->p)
		return b->p + b->off + b->n;
	if (b->p && b->n + n <= b->cap) {
		memmove(b->p, b->p + b->off, b->n);
		b->off = 0;
		return b->p + b->n;
	}
	cap = grown_cap(b, b->n + n);
	p = th_alloc(b->mem, cap);
	if (!p)
		return NULL;
	if (b->p)
		memcpy(p, b->p + b->off, b->n);
	th_free(b->mem, b->p);
	b->p = p;
	b->off = 0;
	b->cap = cap;
	return b->p + b->n;
}

void th_buf_commit(struct th_buf *b, size_t n)
{
	assert(n <= b->cap - b->off - b->n);
	b->n += n;
}

enum th_err th_buf_append(struct th_buf *b, const void *p, size_t n)
{
	uint8_t *to;

	if (n == 0)
		return TH_OK;
	if (n > th_buf_room(b))
		return TH_ERR_TOO_LARGE;
	to = th_buf_reserve(b, n);
	if (!to)
		return TH_ERR_NO_MEMORY;
	memcpy(to, p, n);
	th_buf_commit(b, n);
	return TH_OK;
}

void th_buf_consume(struct th_buf *b, size_t n)
{
	assert(n <= b->n);
	b->n -= n;
	b->off = b->n ? b->off + n : 0;
}
