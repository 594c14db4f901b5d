/* Randomness, passed in: the kernel's in the daemon, a seeded generator in tests and in the simulator. */
#ifndef TH_BASE_RNG_H
#define TH_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct th_rng {
	void (*fill)(void *ctx, void *out, size_t n);
	void *ctx;
};

/* getrandom(2). */
extern const struct th_rng th_rng_system;

/* A reproducible generator (splitmix64) for tests and simulation; never for keys. `state` is the seed and is borrowed. */
struct th_rng th_rng_seeded(uint64_t *state);

uint32_t th_rng_u32(const struct th_rng *r);
uint64_t th_rng_u64(const struct th_rng *r);

/* Uniform enough for timers: 0 <= result < bound, bound > 0. */
uint64_t th_rng_below(const struct th_rng *r, uint64_t bound);

#endif
