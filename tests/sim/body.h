/* Bodies for tests: short texts, or any number of bytes that follow from a seed, compared by checksum. */
#ifndef TH_SIM_BODY_H
#define TH_SIM_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_body {
	const char *text; /* borrowed; NULL: the bytes follow from the seed */
	size_t n;
	uint64_t seed;
};

/* What was received so far: length and FNV-1a, and the beginning for people to read. */
enum { SIM_SUM_SHOWN = 120 };

struct sim_sum {
	uint64_t n, fnv;
	char shown[SIM_SUM_SHOWN];
};

/* Copies bytes [off, off + n) of the body. The range must lie within it. */
void sim_body_read(const struct sim_body *b, size_t off, uint8_t *out, size_t n);

void sim_sum_init(struct sim_sum *s);
void sim_sum_add(struct sim_sum *s, const uint8_t *p, size_t n);
void sim_sum_of(struct sim_sum *s, const struct sim_body *b);
bool sim_sum_eq(const struct sim_sum *a, const struct sim_sum *b);

/* `12 bytes, checksum 0123456789abcdef: "text…"`; returns out. */
const char *sim_sum_text(const struct sim_sum *s, char *out, size_t cap);

#endif
