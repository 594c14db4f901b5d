#include "base/heap.h"

#include <string.h>

enum { HEAP_FIRST_CAP = 16 };

void th_heap_init(struct th_heap *h, const struct th_mem *mem)
{
	*h = (struct th_heap){ .mem = mem };
}

void th_heap_free(struct th_heap *h)
{
	th_free(h->mem, h->v);
	th_heap_init(h, h->mem);
}

static void place(struct th_heap *h, size_t i, struct th_timer *t)
{
	h->v[i] = t;
	t->slot = i + 1;
}

static void sift_up(struct th_heap *h, size_t i)
{
	struct th_timer *t = h->v[i];

	while (i > 0 && h->v[(i - 1) / 2]->at > t->at) {
		place(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(h, i, t);
}

static void sift_down(struct th_heap *h, size_t i)
{
	struct th_timer *t = h->v[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && h->v[child + 1]->at < h->v[child]->at)
			child++;
		if (h->v[child]->at >= t->at)
			break;
		place(h, i, h->v[child]);
		i = child;
	}
	place(h, i, t);
}

static enum th_err grow(struct th_heap *h)
{
	size_t cap = h->cap ? h->cap * 2 : HEAP_FIRST_CAP;
	size_t bytes;
	struct th_timer **v;

	if (!th_mul(cap, sizeof(struct th_timer *), &bytes))
		return TH_ERR_NO_MEMORY;
	v = th_alloc(h->mem, bytes);
	if (!v)
		return TH_ERR_NO_MEMORY;
	if (h->n)
		memcpy(v, h->v, h->n * sizeof(struct th_timer *));
	th_free(h->mem, h->v);
	h->v = v;
	h->cap = cap;
	return TH_OK;
}

enum th_err th_heap_set(struct th_heap *h, struct th_timer *t, th_time at)
{
	if (!t->slot) {
		if (h->n == h->cap && grow(h) != TH_OK)
			return TH_ERR_NO_MEMORY;
		t->at = at;
		place(h, h->n++, t);
		sift_up(h, h->n - 1);
		return TH_OK;
	}
	t->at = at;
	sift_up(h, t->slot - 1);
	sift_down(h, t->slot - 1);
	return TH_OK;
}

void th_heap_cancel(struct th_heap *h, struct th_timer *t)
{
	size_t i = t->slot - 1;
	struct th_timer *last;

	if (!t->slot)
		return;
	t->slot = 0;
	last = h->v[--h->n];
	if (last == t)
		return;
	place(h, i, last);
	sift_up(h, i);
	sift_down(h, last->slot - 1);
}

th_time th_heap_next(const struct th_heap *h)
{
	return h->n ? h->v[0]->at : TH_NEVER;
}

struct th_timer *th_heap_pop(struct th_heap *h, th_time now)
{
	struct th_timer *t;

	if (h->n == 0 || h->v[0]->at > now)
		return NULL;
	t = h->v[0];
	th_heap_cancel(h, t);
	return t;
}
