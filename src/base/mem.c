#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void *libc_alloc(void *ctx, size_t n)
{
	(void)ctx;
	return calloc(1, n ? n : 1);
}

static void libc_release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

const struct th_mem th_mem_libc = { libc_alloc, libc_release, NULL };

void th_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}
