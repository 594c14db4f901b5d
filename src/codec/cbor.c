#include "codec/cbor.h"

enum { INFO_1 = 24, INFO_8 = 27, SIMPLE_2_MIN = 32 };

static size_t argument_bytes(uint64_t v)
{
	return v < INFO_1 ? 0 : v <= UINT8_MAX ? 1 : v <= UINT16_MAX ? 2 : v <= UINT32_MAX ? 4 : 8;
}

size_t th_cbor_head_size(uint64_t value)
{
	return 1 + argument_bytes(value);
}

void th_cbor_write(struct th_wr *w, unsigned major, uint64_t value)
{
	static const uint8_t info[] = { 0, INFO_1, INFO_1 + 1, 0, INFO_1 + 2, 0, 0, 0, INFO_8 };
	size_t n = argument_bytes(value);

	th_wr_uint(w, major << 5 | (n ? info[n] : (unsigned)value), 1);
	th_wr_uint(w, value, n);
}

struct th_cbor_head th_cbor_read(struct th_rd *r)
{
	unsigned first = (unsigned)th_rd_uint(r, 1);
	struct th_cbor_head h = { (uint8_t)(first >> 5), first & 31 };
	size_t n;

	if (h.value < INFO_1)
		return h;
	if (h.value > INFO_8)
		th_rd_fail(r, TH_ERR_MALFORMED); /* indefinite length, reserved */
	n = (size_t)1 << (h.value <= INFO_8 ? h.value - INFO_1 : 0);
	h.value = th_rd_uint(r, n);
	if (argument_bytes(h.value) != n)
		th_rd_fail(r, TH_ERR_MALFORMED); /* not the shortest form */
	if (h.major == TH_CBOR_SIMPLE && (n != 1 || h.value < SIMPLE_2_MIN))
		th_rd_fail(r, TH_ERR_MALFORMED); /* floats; simple values 24 to 31 */
	return h;
}
