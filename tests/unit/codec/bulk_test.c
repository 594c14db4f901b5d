#include "unit.h"

#include <malloc.h>

#include "codec/bulk.h"
#include "codec/bulk_head.h"
#include "failmem.h"
#include "guard.h"

enum { PIECE = 1024, MAX = 4 << 20 };

static uint8_t packed[MAX + 65536], plain[MAX], again[MAX];

static size_t json_sync(uint8_t *out, size_t cap, struct th_rng *rng)
{
	size_t n = 0;

	while (n + 512 < cap)
		n += (size_t)snprintf(
			(char *)out + n, cap - n,
			"{\"type\":\"m.room.member\",\"sender\":\"@user%u:example.org\",\"content\":{\"membership\":"
			"\"join\","
			"\"displayname\":\"User %u\"},\"event_id\":\"$%08x%08x%08x\",\"origin_server_ts\":17638%08u},",
			th_rng_u32(rng) % 1000, th_rng_u32(rng) % 1000, th_rng_u32(rng), th_rng_u32(rng),
			th_rng_u32(rng), th_rng_u32(rng) % 100000000);
	return n;
}

/* Encodes in pieces with an output of `room` bytes a call. */
static size_t encode(struct th_str type, const uint8_t *p, size_t n, size_t piece, size_t room, enum th_bulk_op between)
{
	struct th_bulk_encoder *e = th_bulk_encoder_new(&th_mem_libc, type, NULL);
	size_t at = 0, out = 0;
	struct th_bulk_step step;

	assert_non_null(e);
	do {
		size_t len = n - at < piece ? n - at : piece, end = at + len;
		enum th_bulk_op op = end == n ? TH_BULK_END : between;

		do {
			assert_true(out + room <= sizeof(packed));
			assert_int_equal(th_bulk_encode(e, p + at, end - at, op, packed + out, room, &step), TH_OK);
			at += step.taken;
			out += step.written;
		} while (!step.done);
		assert_int_equal(at, end);
	} while (at < n);
	th_bulk_encoder_del(e);
	return out;
}

static enum th_err decode(const uint8_t *p, size_t n, size_t piece, size_t room, uint64_t max, size_t *len)
{
	struct th_bulk_decoder *d = th_bulk_decoder_new(&th_mem_libc, max, NULL);
	enum th_err err = TH_OK;
	struct th_bulk_step step = { 0 };
	size_t at = 0;

	*len = 0;
	while (err == TH_OK && at < n) {
		size_t end = at + (n - at < piece ? n - at : piece);

		do {
			assert_true(*len + room <= sizeof(again));
			err = th_bulk_decode(d, p + at, end - at, again + *len, room, &step);
			at += step.taken;
			*len += step.written;
			assert_true(step.written <= room);
		} while (err == TH_OK && !step.done);
	}
	if (err == TH_OK)
		err = th_bulk_decoder_end(d);
	th_bulk_decoder_del(d);
	return err;
}

static void assert_round_trip(struct th_str type, size_t n, size_t piece, size_t room, enum th_bulk_op between)
{
	size_t coded = encode(type, plain, n, piece, room, between), len;

	assert_int_equal(decode(packed, coded, piece, room, n, &len), TH_OK);
	assert_int_equal(len, n);
	assert_memory_equal(again, plain, n);
	if (n)
		assert_int_equal(decode(packed, coded, piece, room, n - 1, &len), TH_ERR_TOO_LARGE);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = { 0, 1, 31, 32, 1023, 1024, 1025, 70000, 400000 };
	static const struct th_str types[] = { TH_STR_INIT("application/json"), TH_STR_INIT("application/octet-stream"),
					       TH_STR_INIT("") };
	uint64_t seed = unit_seed("bulk", 5);
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(sizes); i++)
		for (size_t j = 0; j < UNIT_COUNT(types); j++) {
			json_sync(plain, sizeof(plain), &rng);
			assert_round_trip(types[j], sizes[i], 1000, 1024, TH_BULK_MORE);
			assert_round_trip(types[j], sizes[i], 1000, 1024, TH_BULK_FLUSH);
			rng.fill(rng.ctx, plain, sizes[i]);
			assert_round_trip(types[j], sizes[i], 333, 1024, TH_BULK_MORE);
			assert_round_trip(types[j], sizes[i], 70000, 17, TH_BULK_FLUSH);
		}
	/* One byte of room at a time, too. */
	assert_round_trip(types[0], 1025, 7, 1, TH_BULK_FLUSH);
	assert_round_trip(types[1], 1025, 7, 1, TH_BULK_MORE);
}

/* A 1 MB sync costs a small part of it; noise costs one byte more than itself. */
static void test_what_it_costs(void **state)
{
	uint64_t seed = 6;
	struct th_rng rng = th_rng_seeded(&seed);
	size_t n = json_sync(plain, 1 << 20, &rng), coded;

	(void)state;
	coded = encode(TH_STR("application/json"), plain, n, PIECE, PIECE, TH_BULK_MORE);
	print_message("sync of %zu bytes: %zu\n", n, coded);
	assert_int_equal(packed[0], TH_BULK_ZSTD);
	assert_true(coded * 5 < n);
	rng.fill(rng.ctx, plain, 1 << 20);
	assert_int_equal(encode(TH_STR("image/jpeg"), plain, 1 << 20, PIECE, PIECE, TH_BULK_MORE), (1 << 20) + 1);
	assert_int_equal(packed[0], TH_BULK_STORED);
}

static void test_what_is_stored(void **state)
{
	static uint8_t base64[TH_BULK_SAMPLE], noise[TH_BULK_SAMPLE];
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint64_t seed = unit_seed("sample", 7);
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		size_t n = 64 + th_rng_below(&rng, sizeof(noise) - 64);

		rng.fill(rng.ctx, noise, n);
		assert_false(n > 400 && th_bulk_looks_compressible(noise, n));
		for (size_t j = 0; j < n; j++)
			base64[j] = (uint8_t)alphabet[noise[j] & 63];
		assert_true(n < 200 || th_bulk_looks_compressible(base64, n));
	}
	assert_true(th_bulk_looks_compressible(
		(const uint8_t *)"{\"chunk\":[{\"type\":\"m.room.message\",\"content\":{}", 48));
}

/* What was flushed is there at the other end before anything follows: a long poll that trickles does not hang. */
static void test_flush_reaches_the_other_end(void **state)
{
	struct th_bulk_encoder *e = th_bulk_encoder_new(&th_mem_libc, TH_STR("application/json"), NULL);
	struct th_bulk_decoder *d = th_bulk_decoder_new(&th_mem_libc, 1 << 20, NULL);

	(void)state;
	for (int i = 0; i < 50; i++) {
		char line[64];
		size_t n = (size_t)snprintf(line, sizeof(line), "{\"tick\":%d}", i);
		struct th_bulk_step in, out;

		assert_int_equal(th_bulk_encode(e, (uint8_t *)line, n, TH_BULK_FLUSH, packed, 256, &in), TH_OK);
		assert_true(in.done);
		assert_int_equal(in.taken, n);
		assert_int_equal(th_bulk_decode(d, packed, in.written, again, 256, &out), TH_OK);
		assert_true(out.done);
		assert_int_equal(out.written, n);
		assert_memory_equal(again, line, n);
	}
	assert_int_equal(th_bulk_decoder_end(d), TH_ERR_CLOSED);
	th_bulk_encoder_del(e);
	th_bulk_decoder_del(d);
}

static void test_broken_streams(void **state)
{
	static const char *const bad[] = {
		"\x02"
		"abc", /* no kind of that number */
		"\x01"
		"abcd",				    /* no frame */
		"\x01\x50\x2a\x4d\x18\x01\0\0\0x",  /* a skippable frame */
		"\x01\x26\xb5\x2f\xfd\0\0\0\0\0\0", /* an old format */
	};
	size_t n, coded, len;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bad); i++)
		assert_int_equal(decode((const uint8_t *)bad[i], i < 2 ? strlen(bad[i]) : 10, 1, 64, 1000, &len),
				 TH_ERR_MALFORMED);
	n = 5000;
	memset(plain, 'a', n);
	coded = encode(TH_STR("text/plain"), plain, n, n, sizeof(plain), TH_BULK_MORE);
	for (size_t cut = 0; cut < coded; cut++)
		assert_int_equal(decode(packed, cut, 1000, 6000, n, &len), TH_ERR_CLOSED);
	packed[coded] = 0; /* something behind the frame */
	assert_int_equal(decode(packed, coded + 1, 1000, 6000, n, &len), TH_ERR_MALFORMED);
	assert_int_equal(decode(packed, coded + 1, 1, 6000, n, &len), TH_ERR_MALFORMED);
}

/* A window larger than ours asks for memory we do not give: refused by the frame's header alone. */
static void test_large_windows_are_refused(void **state)
{
	/* Magic, frame header descriptor 0, window descriptor: exponent and mantissa (RFC 8878 §3.1.1.1.2). */
	uint8_t frame[] = { 1, 0x28, 0xb5, 0x2f, 0xfd, 0x00, (18 - 10) << 3, 0x01, 0x00, 0x00 };
	size_t len;

	(void)state;
	assert_int_equal(decode(frame, sizeof(frame), sizeof(frame), 64, 1000, &len), TH_OK);
	for (uint8_t log = 19; log < 42; log++) {
		frame[6] = (uint8_t)((log - 10) << 3);
		assert_int_equal(decode(frame, sizeof(frame), sizeof(frame), 64, 1000, &len), TH_ERR_MALFORMED);
	}
}

/* 50 MB of noise: stored, and flat; 50 MB of text through zstd, flat as well. */
static void test_flat_memory(void **state)
{
	static uint8_t in[64 * 1024], mid[64 * 1024], out[64 * 1024];
	uint64_t seed = 8;
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	for (int text = 0; text < 2; text++) {
		size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, peak = 0, total = 0;
		struct th_bulk_encoder *e =
			th_bulk_encoder_new(&th_mem_libc, text ? TH_STR("application/json") : TH_STR(""), NULL);
		struct th_bulk_decoder *d = th_bulk_decoder_new(&th_mem_libc, 50 << 20, NULL);

		for (int i = 0; i < (50 << 20) / (int)sizeof(in); i++) {
			struct th_bulk_step s, t;
			size_t at = 0, now;

			rng.fill(rng.ctx, in, sizeof(in));
			for (size_t j = 0; text && j < sizeof(in); j++)
				in[j] = (uint8_t)("etaoin shrdlu,.\n"[in[j] & 15]);
			do {
				size_t from = 0;

				assert_int_equal(
					th_bulk_encode(e, in + at, sizeof(in) - at, TH_BULK_MORE, mid, sizeof(mid), &s),
					TH_OK);
				at += s.taken;
				do {
					assert_int_equal(
						th_bulk_decode(d, mid + from, s.written - from, out, sizeof(out), &t),
						TH_OK);
					from += t.taken;
					total += t.written;
				} while (!t.done);
			} while (!s.done);
			now = mallinfo2().uordblks + mallinfo2().hblkhd;
			peak = now > peak ? now : peak;
		}
		print_message("%s: %zu bytes through, %zu bytes of memory\n", text ? "text" : "noise", total,
			      peak - before);
		assert_true(total > (50 << 20) - (512 << 10));
		assert_true(peak - before < (text ? 3 << 20 : 16 << 10));
		th_bulk_encoder_del(e);
		th_bulk_decoder_del(d);
	}
}

static void test_memory_fails(void **state)
{
	struct failmem f;

	(void)state;
	failmem_init(&f, 1);
	assert_null(th_bulk_encoder_new(&f.mem, TH_STR(""), NULL));
	failmem_init(&f, 1);
	assert_null(th_bulk_decoder_new(&f.mem, 1, NULL));
	th_bulk_encoder_del(NULL);
	th_bulk_decoder_del(NULL);
}

static const struct th_field fields[] = { { TH_STR_INIT("Content-Type"), TH_STR_INIT("image/png") },
					  { TH_STR_INIT("ETag"), TH_STR_INIT("1") } };

static void test_heads(void **state)
{
	static uint8_t scratch[TH_BULK_HEAD_MAX], out[TH_BULK_PREFIX_MAX + TH_BULK_HEAD_MAX];
	static struct th_flate_message got;
	struct th_flate *flate = th_flate_new(&th_mem_libc);
	struct th_head heads[] = {
		{ .status = 200, .body_len = 50 << 20, .fields = fields, .n_fields = 2 },
		{ .method = TH_STR("POST"),
		  .target = TH_STR("/_matrix/media/v3/upload?filename=a%20b.png"),
		  .body_len = TH_BODY_UNKNOWN,
		  .fields = fields,
		  .n_fields = 1 },
	};
	struct th_flate_history none = { 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct th_head *h = &heads[i & 1];
		struct th_flate *f = i & 2 ? NULL : flate;
		size_t n = th_bulk_head_write(f, TH_CODING_FLATE, h, none, scratch, out, sizeof(out)), len;

		assert_true(n < th_envelope_write(h, NULL, 0) + 3);
		for (size_t cut = 0; cut < n; cut++) {
			assert_int_equal(th_bulk_head_length(out, cut, &len), TH_OK);
			assert_true(len == 0 || len == n);
			assert_int_not_equal(th_bulk_head_read(f, out, cut, h->status, none, &got), TH_OK);
		}
		assert_int_equal(th_bulk_head_length(out, n, &len), TH_OK);
		assert_int_equal(len, n);
		assert_int_equal(th_bulk_head_read(f, out, n, h->status, none, &got), TH_OK);
		assert_int_equal(got.head.body_len, h->body_len);
		assert_int_equal(got.head.status, h->status);
		assert_true(th_str_eq(got.head.target, h->target));
		assert_int_equal(got.head.n_fields, h->n_fields);
		assert_true(got.body_outside);
		if (f)
			assert_int_equal(th_bulk_head_read(NULL, out, n, h->status, none, &got),
					 out[2] == TH_CODING_IDENTITY ? TH_OK : TH_ERR_UNSUPPORTED);
	}
	out[0] = 7;
	assert_int_equal(th_bulk_head_length(out, 5, &(size_t){ 0 }), TH_ERR_UNSUPPORTED);
	memcpy(out, "\x03\xff\xff\xff\x7f", 5);
	assert_int_equal(th_bulk_head_length(out, 5, &(size_t){ 0 }), TH_ERR_TOO_LARGE);
	memcpy(out, "\x03\x00", 2);
	assert_int_equal(th_bulk_head_length(out, 2, &(size_t){ 0 }), TH_ERR_MALFORMED);
	th_flate_del(flate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_what_it_costs),
		cmocka_unit_test(test_what_is_stored), cmocka_unit_test(test_flush_reaches_the_other_end),
		cmocka_unit_test(test_broken_streams), cmocka_unit_test(test_large_windows_are_refused),
		cmocka_unit_test(test_flat_memory),    cmocka_unit_test(test_memory_fails),
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
