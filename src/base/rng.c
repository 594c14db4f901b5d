#include "base/rng.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void system_fill(void *ctx, void *out, size_t n)
{
	uint8_t *p = out;

	(void)ctx;
	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got > 0) {
			p += got;
			n -= (size_t)got;
		} else if (got == 0) {
			abort();
		}
	}
}

const struct th_rng th_rng_system = { system_fill, NULL };

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void seeded_fill(void *ctx, void *out, size_t n)
{
	uint8_t *p = out;

	while (n > 0) {
		uint64_t v = splitmix64(ctx);
		size_t take = n < sizeof(v) ? n : sizeof(v);

		memcpy(p, &v, take);
		p += take;
		n -= take;
	}
}

struct th_rng th_rng_seeded(uint64_t *state)
{
	return (struct th_rng){ seeded_fill, state };
}

uint32_t th_rng_u32(const struct th_rng *r)
{
	uint32_t v;

	r->fill(r->ctx, &v, sizeof(v));
	return v;
}

uint64_t th_rng_u64(const struct th_rng *r)
{
	uint64_t v;

	r->fill(r->ctx, &v, sizeof(v));
	return v;
}

uint64_t th_rng_below(const struct th_rng *r, uint64_t bound)
{
	return th_rng_u64(r) % bound;
}
