/* The only place that writes wire bytes: a cursor that counts on when the buffer is too small.
 *
 * Nothing is written past `cap`; `n` says how many bytes the whole output needs, so a too-small buffer is an ordinary
 * result: compare th_wr_ok() once at the end. */
#ifndef TH_BASE_WR_H
#define TH_BASE_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct th_wr {
	uint8_t *p; /* borrowed */
	size_t cap;
	size_t n; /* needed so far */
};

static inline struct th_wr th_wr_init(void *p, size_t cap)
{
	return (struct th_wr){ p, cap, 0 };
}

static inline bool th_wr_ok(const struct th_wr *w)
{
	return w->n <= w->cap;
}

void th_wr_bytes(struct th_wr *w, const void *p, size_t n);

/* The bytes of s, and nothing that says how many. */
static inline void th_wr_put(struct th_wr *w, struct th_str s)
{
	th_wr_bytes(w, s.p, s.n);
}

/* Decimal digits. */
void th_wr_decimal(struct th_wr *w, uint64_t v);

/* Big-endian unsigned of 0 to 8 bytes. */
void th_wr_uint(struct th_wr *w, uint64_t v, size_t n);

/* Unsigned LEB128, shortest form. */
void th_wr_varint(struct th_wr *w, uint64_t v);

/* Varint length, then the bytes. */
void th_wr_str(struct th_wr *w, struct th_str s);

#endif
