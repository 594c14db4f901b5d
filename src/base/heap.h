/* A heap of timers: which comes due first. Nodes live inside their owners; cancelling twice is safe. */
#ifndef TH_BASE_HEAP_H
#define TH_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/clock.h"

struct th_timer {
	th_time at;
	size_t slot; /* place in the heap + 1; 0 when not set */
};

struct th_heap {
	const struct th_mem *mem; /* borrowed */
	struct th_timer **v;      /* owned; the timers are borrowed */
	size_t n, cap;
};

void th_heap_init(struct th_heap *h, const struct th_mem *mem);
void th_heap_free(struct th_heap *h);

/* Sets or moves a timer. TH_ERR_NO_MEMORY leaves it as it was; moving a set timer cannot fail. */
enum th_err th_heap_set(struct th_heap *h, struct th_timer *t, th_time at);
void th_heap_cancel(struct th_heap *h, struct th_timer *t);

static inline bool th_timer_is_set(const struct th_timer *t)
{
	return t->slot != 0;
}

/* When the first timer comes due; TH_NEVER when none is set. */
th_time th_heap_next(const struct th_heap *h);

/* Takes the first timer that is due at `now`, NULL when none is. */
struct th_timer *th_heap_pop(struct th_heap *h, th_time now);

#endif
