#include "codec/check.h"

enum { BITS = 8, HALF = 32768 };

uint8_t th_check_of(const uint8_t *text, size_t n, struct th_str account)
{
	uint32_t h = th_str_hash_on(th_str_hash((struct th_str){ (const char *)text, n }), account);

	h ^= h >> 16;
	return (uint8_t)(h ^ h >> 8);
}

void th_check_write(struct th_range_enc *e, uint8_t check)
{
	for (unsigned i = BITS; i > 0; i--)
		th_range_encode(e, HALF, check >> (i - 1) & 1);
}

uint8_t th_check_read(struct th_range_dec *d)
{
	unsigned check = 0;

	for (unsigned i = 0; i < BITS; i++)
		check = check << 1 | th_range_decode(d, HALF);
	return (uint8_t)check;
}
