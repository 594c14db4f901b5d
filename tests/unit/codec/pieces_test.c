/* Long JSON in pieces (codec/pieces.h): what comes out is what went in, however it is cut, and hostile streams end. */
#include "unit.h"

#include "codec/pieces.h"
#include "codec/tables.h"
#include "codec/text.h"
#include "failmem.h"

enum { MAX = 1 << 20, ROOM_EVENTS = 40, STEP = 16 * 1024 };

static struct th_model *model;
static struct th_text text;
static struct th_piece_tools tools;
static size_t most = TH_PIECES_MAX;
static uint8_t plain[MAX], packed[MAX + MAX / 4], again[MAX + STEP];
static struct th_rng rng;

static int setup(void **state)
{
	static uint64_t seed;

	(void)state;
	seed = unit_seed("pieces", 20261129);
	rng = th_rng_seeded(&seed);
	model = th_model_new(&th_mem_libc, th_tables_builtin, (size_t)(th_tables_builtin_end - th_tables_builtin));
	tools = (struct th_piece_tools){ model, th_lineage_new(&th_mem_libc), &text };
	return model && tools.lineage ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	th_lineage_del(tools.lineage);
	th_model_free(model);
	return 0;
}

static size_t put(size_t at, size_t n, const char *s)
{
	size_t len = strlen(s) < n - at ? strlen(s) : n - at;

	memcpy(plain + at, s, len);
	return at + len;
}

/* n bytes of a sync: rooms with some events each. */
static void write_sync(size_t n)
{
	size_t at = put(0, n, "{\"next_batch\":\"s1_2\",\"rooms\":{\"join\":{");
	char line[512];

	for (unsigned room = 0; at < n; room++) {
		(void)snprintf(line, sizeof(line), "%s\"!room%u:s.example\":{\"timeline\":{\"events\":[",
			       room ? "]}}," : "", room);
		at = put(at, n, line);
		for (unsigned i = 0; i < ROOM_EVENTS && at < n; i++) {
			(void)snprintf(line, sizeof(line),
				       "%s{\"content\":{\"body\":\"number "
				       "%u\",\"msgtype\":\"m.text\"},\"event_id\":\"$%08x%08x"
				       "\",\"origin_server_ts\":17900000%05u,\"sender\":\"@u%u:s.example\",\"type\":"
				       "\"m.room.message\",\"unsigned\":{\"age\":%u}}",
				       i ? "," : "", th_rng_u32(&rng) % 1000, th_rng_u32(&rng), th_rng_u32(&rng),
				       th_rng_u32(&rng) % 100000, th_rng_u32(&rng) % 8, th_rng_u32(&rng) % 100000);
			at = put(at, n, line);
		}
	}
}

/* `step`: bytes that come at once; `room`: that fit. */
static size_t encode(size_t n, size_t step, size_t room)
{
	struct th_pieces_encoder *e = th_pieces_encoder_new(&th_mem_libc, &tools, most);
	struct th_bulk_step s;
	size_t at = 0, out = 0;

	assert_non_null(e);
	do {
		size_t part = n - at < step ? n - at : step, until = at + part;
		enum th_bulk_op op = until == n ? TH_BULK_END : th_rng_below(&rng, 2) ? TH_BULK_FLUSH : TH_BULK_MORE;

		do {
			assert_true(out + room <= sizeof(packed));
			assert_int_equal(th_pieces_encode(e, plain + at, until - at, op, packed + out, room, &s),
					 TH_OK);
			at += s.taken;
			out += s.written;
			assert_true(s.written <= room);
		} while (!s.done);
		assert_int_equal(at, until);
	} while (at < n);
	th_pieces_encoder_del(e);
	return out;
}

static enum th_err decode(size_t n, size_t step, size_t room, size_t *out)
{
	struct th_pieces_decoder *d = th_pieces_decoder_new(&th_mem_libc, &tools);
	struct th_bulk_step s = { 0 };
	enum th_err err = TH_OK;

	*out = 0;
	assert_non_null(d);
	for (size_t at = 0; err == TH_OK && at < n;) {
		size_t until = at + (n - at < step ? n - at : step);

		do {
			if (*out + room > sizeof(again)) {
				th_pieces_decoder_del(d);
				return TH_ERR_TOO_LARGE;
			}
			err = th_pieces_decode(d, packed + at, until - at, again + *out, room, &s);
			at += s.taken;
			*out += s.written;
		} while (err == TH_OK && !s.done);
	}
	if (err == TH_OK && !th_pieces_whole(d))
		err = TH_ERR_CLOSED;
	th_pieces_decoder_del(d);
	return err;
}

static size_t round_trip(size_t n, size_t step, size_t room)
{
	size_t coded = encode(n, step, room), out;

	assert_int_equal(decode(coded, step, room, &out), TH_OK);
	assert_int_equal(out, n);
	assert_memory_equal(again, plain, n);
	return coded;
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {
		0, 1, 2, 1000, TH_PIECES_MAX - 1, TH_PIECES_MAX, TH_PIECES_MAX + 1, 3 * TH_PIECES_MAX, 700000
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
		size_t n = sizes[i], coded;

		write_sync(n);
		coded = round_trip(n, STEP, STEP);
		printf("%zu bytes: %zu\n", n, coded);
		assert_true(n < 1000 || coded < n / 6);
	}
}

/* The code does not depend on how the bytes come. */
static void test_any_steps(void **state)
{
	static uint8_t first[sizeof(packed)];
	size_t n = 2 * TH_PIECES_MAX + 1234, coded;

	(void)state;
	write_sync(n);
	coded = encode(n, MAX, STEP);
	memcpy(first, packed, coded);
	assert_int_equal(encode(n, 1, 1), coded);
	assert_memory_equal(packed, first, coded);
	assert_int_equal(encode(n, 4097, 13), coded);
	assert_memory_equal(packed, first, coded);
	round_trip(n, 1, 7);
	round_trip(n, 777, 1);
}

static void test_short_pieces(void **state)
{
	(void)state;
	for (most = TH_PIECES_LEAST; most <= 4096; most *= 4) {
		write_sync(20000);
		round_trip(20000, 333, 100);
		write_sync(most + 1);
		round_trip(most + 1, STEP, STEP);
	}
	most = TH_PIECES_MAX;
}

/* Pieces that are no text, and such that nothing makes shorter, go as they are. */
static void test_what_is_no_text(void **state)
{
	size_t n = 2 * TH_PIECES_MAX + 5, coded;

	(void)state;
	for (size_t i = 0; i < n; i += 4) {
		uint32_t v = th_rng_u32(&rng);

		memcpy(plain + i, &v, 4);
	}
	coded = round_trip(n, STEP, STEP);
	assert_true(coded < n + 100);
	/* One of them in the middle: what looks like a mark. */
	n = 3 * TH_PIECES_MAX;
	write_sync(n);
	memcpy(plain + TH_PIECES_MAX + TH_PIECES_MAX / 2, "\"event_id\":\"\001\"", 14);
	coded = round_trip(n, STEP, STEP);
	assert_true(coded > TH_PIECES_MAX / 2 && coded < 2 * TH_PIECES_MAX);
}

static void test_hostile(void **state)
{
	static uint8_t good[sizeof(packed)];
	size_t n = TH_PIECES_MAX + 5000, coded, out;
	static const struct {
		const char *p;
		size_t n;
	} bad[] = { { "\000", 1 },     { "\001", 1 },	      { "\200\000", 2 },
		    { "\204\000", 2 }, { "\377\377\177", 3 }, { "\200\200\200\001", 4 } };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		memcpy(packed, bad[i].p, bad[i].n);
		assert_int_equal(decode(bad[i].n, STEP, STEP, &out), TH_ERR_MALFORMED);
	}
	write_sync(n);
	coded = encode(n, STEP, STEP);
	memcpy(good, packed, coded);
	for (size_t cut = 1; cut < coded; cut += 1 + coded / 9)
		assert_int_equal(decode(cut, STEP, STEP, &out), TH_ERR_CLOSED);
	for (int i = 0; i < 60; i++) {
		size_t at = (size_t)th_rng_below(&rng, coded);
		enum th_err err;

		memcpy(packed, good, coded);
		packed[at] ^= (uint8_t)(1 + th_rng_below(&rng, 255));
		err = decode(coded, STEP, STEP, &out);
		assert_true(err == TH_OK || err == TH_ERR_MALFORMED || err == TH_ERR_CLOSED || err == TH_ERR_TOO_LARGE);
	}
}

static void test_in_bulk(void **state)
{
	const struct th_str json = TH_STR("application/json; charset=utf-8");
	struct th_bulk_encoder *e = th_bulk_encoder_new(&th_mem_libc, json, &tools);
	struct th_bulk_decoder *d;
	size_t n = 50000, coded = 0, taken = 0, out = 0;
	struct th_bulk_step s;

	(void)state;
	assert_non_null(e);
	write_sync(n);
	do {
		assert_int_equal(th_bulk_encode(e, plain + taken, n - taken, TH_BULK_END, packed + coded, STEP, &s),
				 TH_OK);
		taken += s.taken;
		coded += s.written;
	} while (!s.done);
	th_bulk_encoder_del(e);
	assert_int_equal(packed[0], TH_BULK_PIECES);
	for (uint64_t max = n - 1; max <= n; max++) {
		enum th_err err = TH_OK;

		d = th_bulk_decoder_new(&th_mem_libc, max, &tools);
		out = taken = 0;
		do {
			err = th_bulk_decode(d, packed + taken, coded - taken, again + out, STEP, &s);
			taken += s.taken;
			out += s.written;
		} while (err == TH_OK && !s.done);
		assert_int_equal(err, max < n ? TH_ERR_TOO_LARGE : TH_OK);
		assert_int_equal(th_bulk_decoder_end(d), err);
		th_bulk_decoder_del(d);
	}
	assert_int_equal(out, n);
	assert_memory_equal(again, plain, n);
	d = th_bulk_decoder_new(&th_mem_libc, n, NULL);
	assert_int_equal(th_bulk_decode(d, packed, coded, again, STEP, &s), TH_ERR_MALFORMED);
	th_bulk_decoder_del(d);
}

/* Without memory for pieces it goes through zstd. */
static void test_no_memory(void **state)
{
	struct failmem mem;
	struct th_bulk_encoder *e;
	struct th_bulk_decoder *d;
	struct th_bulk_step s;
	uint8_t kind;

	(void)state;
	failmem_init(&mem, 2);
	e = th_bulk_encoder_new(&mem.mem, TH_STR("application/json"), &tools);
	assert_non_null(e);
	assert_int_equal(th_bulk_encode(e, plain, 1, TH_BULK_MORE, &kind, 1, &s), TH_OK);
	assert_int_equal(kind, TH_BULK_ZSTD);
	th_bulk_encoder_del(e);
	failmem_init(&mem, 2);
	d = th_bulk_decoder_new(&mem.mem, MAX, &tools);
	assert_int_equal(th_bulk_decode(d, (const uint8_t[]){ TH_BULK_PIECES }, 1, again, STEP, &s), TH_ERR_NO_MEMORY);
	th_bulk_decoder_del(d);
	failmem_init(&mem, 1);
	assert_null(th_pieces_encoder_new(&mem.mem, &tools, TH_PIECES_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_any_steps),
		cmocka_unit_test(test_short_pieces), cmocka_unit_test(test_what_is_no_text),
		cmocka_unit_test(test_hostile),	     cmocka_unit_test(test_in_bulk),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, setup, end);
}
