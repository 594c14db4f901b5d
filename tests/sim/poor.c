#include "sim/poor.h"

static void *alloc(void *ctx, size_t n)
{
	struct sim_poor *p = ctx;

	if (p->fails && p->of && th_rng_below(p->rng, p->of) < p->fails) {
		p->failed++;
		return NULL;
	}
	return th_mem_libc.alloc(th_mem_libc.ctx, n);
}

static void release(void *ctx, void *p)
{
	(void)ctx;
	th_mem_libc.release(th_mem_libc.ctx, p);
}

struct th_mem sim_poor_mem(struct sim_poor *p)
{
	return (struct th_mem){ alloc, release, p };
}
