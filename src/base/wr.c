#include "base/wr.h"

void th_wr_bytes(struct th_wr *w, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (w->n <= w->cap && n <= w->cap - w->n)
		memcpy(w->p + w->n, p, n);
	w->n = n > SIZE_MAX - w->n ? SIZE_MAX : w->n + n;
}

void th_wr_uint(struct th_wr *w, uint64_t v, size_t n)
{
	uint8_t b[8];

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	th_wr_bytes(w, b, n);
}

void th_wr_decimal(struct th_wr *w, uint64_t v)
{
	if (v >= 10)
		th_wr_decimal(w, v / 10);
	th_wr_uint(w, '0' + v % 10, 1);
}

void th_wr_varint(struct th_wr *w, uint64_t v)
{
	do {
		uint8_t byte = (uint8_t)(v & 0x7f);

		v >>= 7;
		if (v)
			byte |= 0x80;
		th_wr_bytes(w, &byte, 1);
	} while (v);
}

void th_wr_str(struct th_wr *w, struct th_str s)
{
	th_wr_varint(w, s.n);
	th_wr_bytes(w, s.p, s.n);
}
