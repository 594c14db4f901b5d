/* Binary arithmetic coder: 32 bits of state, no carry. A bit costs -log2 of the probability it was given. */
#ifndef TH_CODEC_RANGE_H
#define TH_CODEC_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct th_range_enc {
	uint8_t *p;    /* borrowed */
	size_t cap, n; /* n counts on past cap */
	uint32_t low, high;
};

struct th_range_dec {
	const uint8_t *p; /* borrowed */
	size_t n, at;	  /* past the end zeros follow; `at` counts on */
	uint32_t low, high, code;
};

/* p1: probability of a one in 1/65536, 1..65535. */
static inline uint32_t th_range_middle(uint32_t low, uint32_t high, uint32_t p1)
{
	return low + (uint32_t)(((uint64_t)(high - low) * p1) >> 16);
}

static inline void th_range_enc_init(struct th_range_enc *e, uint8_t *out, size_t cap)
{
	*e = (struct th_range_enc){ .p = out, .cap = cap, .high = 0xffffffff };
}

static inline void th_range_put(struct th_range_enc *e, uint8_t c)
{
	if (e->n < e->cap)
		e->p[e->n] = c;
	e->n++;
}

static inline void th_range_encode(struct th_range_enc *e, uint32_t p1, unsigned bit)
{
	uint32_t middle = th_range_middle(e->low, e->high, p1);

	if (bit)
		e->high = middle;
	else
		e->low = middle + 1;
	while (((e->low ^ e->high) >> 24) == 0) {
		th_range_put(e, (uint8_t)(e->high >> 24));
		e->low <<= 8;
		e->high = e->high << 8 | 0xff;
	}
}

/* Writes the fewest bytes that, with zeros after them, lie in the range, and drops zeros at the end: the decoder adds
 * them. */
static inline void th_range_finish(struct th_range_enc *e)
{
	for (unsigned bytes = 0; bytes <= 4; bytes++) {
		uint32_t rest = bytes == 4 ? 0 : 0xffffffffu >> (8 * bytes);
		uint64_t v = ((uint64_t)e->low + rest) & ~(uint64_t)rest;

		if (v > e->high)
			continue;
		for (unsigned i = 0; i < bytes; i++)
			th_range_put(e, (uint8_t)(v >> (24 - 8 * i)));
		break;
	}
	while (e->n > 0 && e->n <= e->cap && e->p[e->n - 1] == 0)
		e->n--;
}

static inline uint8_t th_range_next(struct th_range_dec *d)
{
	uint8_t c = d->at < d->n ? d->p[d->at] : 0;

	d->at++;
	return c;
}

/* Whether what has not been read is zeros: padding. */
static inline bool th_range_only_zeros_left(const struct th_range_dec *d)
{
	for (size_t i = d->at; i < d->n; i++)
		if (d->p[i])
			return false;
	return true;
}

static inline void th_range_dec_init(struct th_range_dec *d, const uint8_t *p, size_t n)
{
	*d = (struct th_range_dec){ .p = p, .n = n, .high = 0xffffffff };
	for (unsigned i = 0; i < 4; i++)
		d->code = d->code << 8 | th_range_next(d);
}

static inline unsigned th_range_decode(struct th_range_dec *d, uint32_t p1)
{
	uint32_t middle = th_range_middle(d->low, d->high, p1);
	unsigned bit = d->code <= middle;

	if (bit)
		d->high = middle;
	else
		d->low = middle + 1;
	while (((d->low ^ d->high) >> 24) == 0) {
		d->low <<= 8;
		d->high = d->high << 8 | 0xff;
		d->code = d->code << 8 | th_range_next(d);
	}
	return bit;
}

#endif
