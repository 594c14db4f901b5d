/* The first byte: bit 0 a stream from outside, or a body there and back; bits 1 and 2 its type; bits 3 to 7 the size of
 * the pieces. */
#include <string.h>

#include "codec/bulk.h"
#include "fuzz.h"

enum { CAP = 1 << 20, OUT_MAX = 256 * 1024 };

static size_t decode(const uint8_t *p, size_t n, size_t piece, size_t room, uint64_t max, uint8_t *out,
		     enum th_err *err)
{
	struct th_bulk_decoder *d = th_bulk_decoder_new(&th_mem_libc, max, NULL);
	struct th_bulk_step step = { 0 };
	size_t at = 0, len = 0;

	FUZZ_CHECK(d);
	*err = TH_OK;
	while (*err == TH_OK && at < n) {
		size_t end = at + (n - at < piece ? n - at : piece);

		do {
			size_t cap = room < CAP - len ? room : CAP - len;

			*err = th_bulk_decode(d, p + at, end - at, out + len, cap, &step);
			FUZZ_CHECK(step.taken <= end - at && step.written <= cap);
			FUZZ_CHECK(*err != TH_OK || step.done || step.taken || step.written); /* it goes on */
			at += step.taken;
			len += step.written;
			FUZZ_CHECK(len <= max);
		} while (*err == TH_OK && !step.done);
	}
	if (*err == TH_OK)
		*err = th_bulk_decoder_end(d);
	th_bulk_decoder_del(d);
	return len;
}

static size_t encode(struct th_str type, const uint8_t *p, size_t n, size_t piece, size_t room, uint8_t *out)
{
	struct th_bulk_encoder *e = th_bulk_encoder_new(&th_mem_libc, type, NULL);
	struct th_bulk_step step;
	size_t at = 0, len = 0;

	FUZZ_CHECK(e);
	do {
		size_t end = at + (n - at < piece ? n - at : piece);
		enum th_bulk_op op = end == n ? TH_BULK_END : end & 1 ? TH_BULK_FLUSH : TH_BULK_MORE;

		do {
			FUZZ_CHECK(len + room <= CAP);
			FUZZ_CHECK(th_bulk_encode(e, p + at, end - at, op, out + len, room, &step) == TH_OK);
			FUZZ_CHECK(step.taken <= end - at && step.written <= room);
			at += step.taken;
			len += step.written;
		} while (!step.done);
		FUZZ_CHECK(at == end);
	} while (at < n);
	th_bulk_encoder_del(e);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct th_str types[] = { TH_STR_INIT("application/json"), TH_STR_INIT(""),
					       TH_STR_INIT("image/png"), TH_STR_INIT("text/plain") };
	static uint8_t packed[CAP], out[CAP + 1];
	size_t piece, room, len;
	enum th_err err;

	if (n == 0 || n > 32768)
		return 0;
	piece = 1 + (size_t)(data[0] >> 3) * 37;
	room = 1 + (size_t)(data[0] >> 3) * 61;
	if (data[0] & 1) {
		decode(data + 1, n - 1, piece, room, OUT_MAX, out, &err);
		return 0;
	}
	len = encode(types[data[0] >> 1 & 3], data + 1, n - 1, piece, room, packed);
	len = decode(packed, len, piece, room, n - 1, out, &err);
	FUZZ_CHECK(err == TH_OK && len == n - 1 && memcmp(out, data + 1, len) == 0);
	return 0;
}
