/* The cursor: the input's first bytes choose the reads, the rest is read. What was read is written again and compared.
 */
#include "fuzz.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

enum { OUT_MAX = 4096 };

static void one_read(struct th_rd *r, struct th_wr *w, unsigned op)
{
	const uint8_t *before = r->p;
	size_t left = th_rd_left(r);
	enum th_err err = r->err;
	struct th_str s;
	uint64_t v;

	switch (op & 3) {
	case 0:
		v = th_rd_uint(r, op >> 2 & 7);
		if (r->err == TH_OK)
			th_wr_uint(w, v, op >> 2 & 7);
		break;
	case 1:
		v = th_rd_varint(r, op & 4 ? UINT64_MAX : 1000);
		FUZZ_CHECK(op & 4 || v <= 1000);
		if (r->err == TH_OK)
			th_wr_varint(w, v);
		break;
	case 2:
		s = th_rd_str(r, op >> 2);
		FUZZ_CHECK(s.p && s.n <= op >> 2);
		if (r->err == TH_OK)
			th_wr_str(w, s);
		break;
	default:
		if (th_rd_bytes(r, op >> 2))
			th_wr_bytes(w, before, op >> 2);
	}
	FUZZ_CHECK(th_rd_left(r) <= left);
	FUZZ_CHECK(err == TH_OK || (r->err == err && r->p == before));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t ops = n ? (size_t)(data[0] & 31) : 0;
	uint8_t out[OUT_MAX];
	struct th_wr w = th_wr_init(out, sizeof(out));
	struct th_rd r;
	const uint8_t *from;

	if (n < 1 + ops)
		return 0;
	from = data + 1 + ops;
	r = th_rd_init(from, n - 1 - ops);
	for (size_t i = 0; i < ops; i++)
		one_read(&r, &w, data[1 + i]);
	if (r.err == TH_OK && th_wr_ok(&w)) {
		FUZZ_CHECK(w.n == (size_t)(r.p - from));
		FUZZ_CHECK(w.n == 0 || memcmp(out, from, w.n) == 0); /* one value, one form */
	}
	return 0;
}
