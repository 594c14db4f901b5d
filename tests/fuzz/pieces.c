/* The first byte: bit 0 a stream from outside, or a body there and back; bits 1 and 2 the size of its pieces; bits 3 to
 * 7 that of the steps. */
#include <string.h>

#include "codec/pieces.h"
#include "codec/tables.h"
#include "codec/text.h"
#include "fuzz.h"

enum { CAP = 1 << 18 };

static struct th_text text;
static struct th_piece_tools tools = { .text = &text };

static size_t decode(const uint8_t *p, size_t n, size_t each, uint8_t *out, enum th_err *err)
{
	struct th_pieces_decoder *d = th_pieces_decoder_new(&th_mem_libc, &tools);
	struct th_bulk_step step = { 0 };
	size_t at = 0, len = 0;

	FUZZ_CHECK(d);
	*err = TH_OK;
	while (*err == TH_OK && at < n) {
		size_t end = at + (n - at < each ? n - at : each);

		do {
			size_t room = each < CAP - len ? each : CAP - len;

			if (room == 0) {
				th_pieces_decoder_del(d);
				return len;
			}
			*err = th_pieces_decode(d, p + at, end - at, out + len, room, &step);
			FUZZ_CHECK(step.taken <= end - at && step.written <= room);
			FUZZ_CHECK(*err != TH_OK || step.done || step.written);
			at += step.taken;
			len += step.written;
		} while (*err == TH_OK && !step.done);
	}
	if (*err == TH_OK && !th_pieces_whole(d))
		*err = TH_ERR_CLOSED;
	th_pieces_decoder_del(d);
	return len;
}

static size_t encode(const uint8_t *p, size_t n, size_t most, size_t each, uint8_t *out)
{
	struct th_pieces_encoder *e = th_pieces_encoder_new(&th_mem_libc, &tools, most);
	struct th_bulk_step step;
	size_t at = 0, len = 0;

	FUZZ_CHECK(e);
	do {
		size_t end = at + (n - at < each ? n - at : each);

		do {
			FUZZ_CHECK(len + each <= CAP);
			FUZZ_CHECK(th_pieces_encode(e, p + at, end - at, end == n ? TH_BULK_END : TH_BULK_MORE,
						    out + len, each, &step) == TH_OK);
			FUZZ_CHECK(step.taken <= end - at && step.written <= each);
			at += step.taken;
			len += step.written;
		} while (!step.done);
		FUZZ_CHECK(at == end);
	} while (at < n);
	th_pieces_encoder_del(e);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const size_t sizes[] = { TH_PIECES_LEAST, 300, 2000, TH_PIECES_MAX };
	static uint8_t packed[CAP], out[CAP];
	size_t each, coded;
	enum th_err err;

	if (n < 2 || n > 8192)
		return 0;
	if (!tools.model) {
		tools.model = th_model_new(&th_mem_libc, th_tables_builtin,
					   (size_t)(th_tables_builtin_end - th_tables_builtin));
		tools.lineage = th_lineage_new(&th_mem_libc);
	}
	FUZZ_CHECK(tools.model && tools.lineage);
	each = 1 + (size_t)(data[0] >> 3) * 61;
	if (data[0] & 1) {
		decode(data + 1, n - 1, each, out, &err);
		return 0;
	}
	coded = encode(data + 1, n - 1, sizes[data[0] >> 1 & 3], each, packed);
	FUZZ_CHECK(decode(packed, coded, each, out, &err) == n - 1 && err == TH_OK &&
		   memcmp(out, data + 1, n - 1) == 0);
	return 0;
}
