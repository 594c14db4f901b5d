/* The only place that reads bytes from outside: a cursor with a sticky error.
 *
 * Past the end, or after any error, every read gives zero and the error stays: read all fields, check `err` once. */
#ifndef TH_BASE_RD_H
#define TH_BASE_RD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct th_rd {
	const uint8_t *p, *end; /* borrowed */
	enum th_err err;
};

static inline struct th_rd th_rd_init(const void *p, size_t n)
{
	return (struct th_rd){ p, n ? (const uint8_t *)p + n : p, TH_OK };
}

static inline size_t th_rd_left(const struct th_rd *r)
{
	return (size_t)(r->end - r->p);
}

static inline void th_rd_fail(struct th_rd *r, enum th_err err)
{
	if (r->err == TH_OK)
		r->err = err;
}

/* The next n bytes, borrowed from the input; NULL and the sticky error when there are fewer. */
const uint8_t *th_rd_bytes(struct th_rd *r, size_t n);

/* Big-endian unsigned of 1 to 8 bytes; 0 bytes give 0. */
uint64_t th_rd_uint(struct th_rd *r, size_t n);

/* Unsigned LEB128, shortest form only, at most `max`. */
uint64_t th_rd_varint(struct th_rd *r, uint64_t max);

/* A varint length of at most `max`, then that many bytes. */
struct th_str th_rd_str(struct th_rd *r, size_t max);

#endif
