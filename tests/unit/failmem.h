/* A struct th_mem for tests: fails the allocation it is told to, and knows what was never released.
 *
 *     for (size_t k = 1;; k++) {
 *             struct failmem f;
 *             failmem_init(&f, k);
 *             script(&f.mem);                 // must survive and clean up whatever happens
 *             assert_int_equal(f.live, 0);
 *             if (!f.hit)
 *                     break;                  // fewer than k allocations: every one has been failed once
 *     }
 */
#ifndef TH_UNIT_FAILMEM_H
#define TH_UNIT_FAILMEM_H

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct failmem {
	struct th_mem mem;
	size_t count;	    /* allocations asked for so far */
	size_t fail_at;	    /* the one to fail, counted from 1; 0: none */
	bool fail_on;	    /* fail every later one too: memory is gone for good */
	bool hit;	    /* whether one was failed */
	size_t live;	    /* allocations not released */
	size_t bytes, peak; /* bytes not released, and the most there ever were */
};

struct failmem_block {
	uint64_t magic;
	struct failmem *owner;
	size_t n;
	alignas(max_align_t) unsigned char bytes[];
};

#define FAILMEM_MAGIC 0x7468696d626c6521u

static inline void *failmem_alloc(void *ctx, size_t n)
{
	struct failmem *f = ctx;
	struct failmem_block *b;

	f->count++;
	if (f->fail_at && (f->count == f->fail_at || (f->fail_on && f->count > f->fail_at))) {
		f->hit = true;
		return NULL;
	}
	if (n > SIZE_MAX / 2)
		return NULL;
	b = calloc(1, sizeof(*b) + n);
	if (!b)
		return NULL;
	b->magic = FAILMEM_MAGIC;
	b->owner = f;
	b->n = n;
	f->live++;
	f->bytes += n;
	f->peak = f->bytes > f->peak ? f->bytes : f->peak;
	return b->bytes;
}

static inline void failmem_release(void *ctx, void *p)
{
	struct failmem *f = ctx;
	struct failmem_block *b;

	if (!p)
		return;
	b = (struct failmem_block *)(void *)((unsigned char *)p - offsetof(struct failmem_block, bytes));
	assert(b->magic == FAILMEM_MAGIC && b->owner == f); /* released twice, or not ours */
	f->live--;
	f->bytes -= b->n;
	memset(b, 0xdd, sizeof(*b) + b->n); /* use after release shows without a sanitizer, too */
	free(b);
}

/* `fail_at` counts from 1; 0 fails nothing. f must stay where it is while anything allocated from it lives. */
static inline void failmem_init(struct failmem *f, size_t fail_at)
{
	*f = (struct failmem){ .mem = { failmem_alloc, failmem_release, f }, .fail_at = fail_at };
}

#endif
