#include "base/rd.h"

const uint8_t *th_rd_bytes(struct th_rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->err == TH_OK && n > th_rd_left(r))
		r->err = TH_ERR_MALFORMED;
	if (r->err != TH_OK)
		return NULL;
	if (n)
		r->p += n;
	return p;
}

uint64_t th_rd_uint(struct th_rd *r, size_t n)
{
	const uint8_t *p = th_rd_bytes(r, n);
	uint64_t v = 0;

	if (!p)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t th_rd_varint(struct th_rd *r, uint64_t max)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint64_t byte = th_rd_uint(r, 1);
		uint64_t part = byte & 0x7f;

		if (shift == 63 && part > 1)
			break;
		v |= part << shift;
		if (byte & 0x80)
			continue;
		if ((part == 0 && shift > 0) || v > max)
			break;
		return r->err == TH_OK ? v : 0;
	}
	th_rd_fail(r, TH_ERR_MALFORMED);
	return 0;
}

struct th_str th_rd_str(struct th_rd *r, size_t max)
{
	size_t n = (size_t)th_rd_varint(r, max);
	const char *p = (const char *)th_rd_bytes(r, n);

	return p ? (struct th_str){ p, n } : (struct th_str){ "", 0 };
}
