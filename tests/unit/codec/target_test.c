#include "unit.h"

#include "codec/item.h"
#include "codec/target.h"
#include "guard.h"

static struct th_known known;
static struct th_target_scratch scratch;

/* Target, bytes that it takes, style of the path. */
static const struct {
	const char *target;
	size_t bytes;
	unsigned style;
} table[] = {
	{ "/_matrix/client/v3/sync", 2, 0 },
	{ "/_matrix/client/v3/sync?timeout=30000", 2 + 1 + 3, 0 },
	{ "/_matrix/client/r0/sync", 1 + 1 + 2 + 1, 0 }, /* "r0" is a known value */
	{ "/_matrix/client/v9/sync", 1 + 1 + 3 + 1, 0 },
	{ "/_matrix/client/v3/rooms/!a:b/typing/@c:d", 1 + 5 + 5 + 1, 2 },
	{ "/_matrix/client/v3/rooms/%21a%3Ab/typing/%40c%3Ad", 1 + 5 + 5 + 1, 0 },
	{ "/_matrix/client/v3/rooms/!a%3Ab/typing/%40c%3Ad", 1 + 5 + 5 + 1, 1 },
	{ "/_matrix/client/v3/rooms/%21a:b/typing/@c:d", 1 + 2 + 43 + 1, 0 }, /* no style has it: as it stands */
	{ "/_matrix/client/v3/rooms/%21a%3ab/send/x/1", 1 + 2 + 42 + 1, 0 },  /* small hex digits */
	{ "/_matrix/client/v3/pushrules/", 2, 0 },
	{ "/_matrix/client/v3/rooms//state", 1 + 1 + 1, 0 },
	{ "*", 1 + 2 + 1, 0 },
	{ "/", 1 + 2 + 1, 0 },
	{ "/?", 1 + 2 + 1 + 1, 0 },
	{ "/?a", 1 + 2 + 1 + 2, 0 },
	{ "/?a=", 1 + 2 + 1 + 1 + 2 + 1, 0 },
	{ "/?a=1&a=2", 1 + 2 + 1 + 2 * (1 + 2 + 1), 0 },
	{ "/?a=1&&b=2", 1 + 2 + 1 + 1 + 8, 0 },
	{ "/?a=+&a=%20", 1 + 2 + 1 + 1 + 9, 0 }, /* a space both ways */
	{ "/?a=b+c", 1 + 2 + 1 + 1 + 2 + 4, 0 },
	{ "/?a=b%20c", 1 + 2 + 1 + 1 + 2 + 4, 0 },
	{ "/?dir=b&from=%FF", 1 + 2 + 1 + (1 + 2) + (1 + 5), 0 }, /* a byte that is not UTF-8 */
	{ "/?filter=007", 1 + 2 + 1 + 1 + 4, 0 },
	{ "/?a=x=y", 1 + 2 + 1 + 1 + 5, 0 },
	{ "/a?b#c", 1 + 3 + 1 + 4, 0 },
	{ "http://h/x?y=", 1 + 11 + 1 + 1 + 2 + 1, 0 },
};

static size_t round_trip(const char *target, unsigned *style)
{
	uint8_t bytes[TH_TARGET_MAX], back[TH_TARGET_MAX];
	struct th_wr w = th_wr_init(bytes, sizeof(bytes)), out = th_wr_init(back, sizeof(back));
	struct th_rd r;

	*style = th_target_write(&w, &known, &scratch, th_str_of(target));
	assert_true(th_wr_ok(&w));
	r = th_rd_init(bytes, w.n);
	th_target_read(&out, &r, &scratch, *style);
	assert_int_equal(r.err, TH_OK);
	assert_int_equal(th_rd_left(&r), 0);
	assert_true(th_str_eq((struct th_str){ (const char *)back, out.n }, th_str_of(target)));
	for (size_t cut = 0; cut < w.n; cut++) {
		r = th_rd_init(bytes, cut);
		out.n = 0;
		th_target_read(&out, &r, &scratch, *style);
		assert_int_equal(r.err, TH_ERR_MALFORMED);
	}
	return w.n;
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(table); i++) {
		unsigned style;
		size_t n = round_trip(table[i].target, &style);

		if (n != table[i].bytes || style != table[i].style)
			print_message("%s: %zu bytes, style %u\n", table[i].target, n, style);
		assert_int_equal(n, table[i].bytes);
		assert_int_equal(style, table[i].style);
	}
}

/* Every template is reached by a path of its own: none hides behind an earlier one. */
static void test_every_template_is_reached(void **state)
{
	(void)state;
	for (size_t i = 1; i < th_known_paths_count; i++) {
		char target[256];
		uint8_t bytes[512];
		struct th_wr w = th_wr_init(bytes, sizeof(bytes));
		size_t n = 0;

		for (size_t j = 0; j < th_known_paths[i].n; j++)
			target[n++] = th_known_paths[i].p[j] == '*' ? 'q' : th_known_paths[i].p[j];
		th_target_write(&w, &known, &scratch, (struct th_str){ target, n });
		assert_int_equal(bytes[0], i);
	}
}

/* Each style: decoding undoes encoding for every byte, and what it made is recognised. */
static void test_percent_styles(void **state)
{
	char all[256];
	uint8_t coded[768], back[256];

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	for (int style = TH_PERCENT_UNRESERVED; style <= TH_PERCENT_QUERY; style++) {
		struct th_wr w = th_wr_init(coded, sizeof(coded)), out = th_wr_init(back, sizeof(back));
		struct th_str s;

		th_percent_encode(&w, (struct th_str){ all, sizeof(all) }, (enum th_percent)style);
		s = (struct th_str){ (const char *)coded, w.n };
		assert_true(th_percent_is(s, (enum th_percent)style));
		th_percent_decode(&out, s, (enum th_percent)style);
		assert_int_equal(out.n, sizeof(all));
		assert_memory_equal(back, all, sizeof(all));
	}
	for (int style = TH_PERCENT_UNRESERVED; style <= TH_PERCENT_QUERY; style++) {
		assert_false(th_percent_is(TH_STR("%"), (enum th_percent)style));
		assert_false(th_percent_is(TH_STR("%4"), (enum th_percent)style));
		assert_false(th_percent_is(TH_STR("%41"), (enum th_percent)style)); /* an A needs none */
		assert_false(th_percent_is(TH_STR("%c3"), (enum th_percent)style));
	}
}

static void test_random_bytes(void **state)
{
	uint64_t seed = unit_seed("target", 20261129);
	struct th_rng rng = th_rng_seeded(&seed);
	struct guard g = guard_new(4096);

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t n = th_rng_below(&rng, 24), cap = th_rng_below(&rng, 64);
		uint8_t bytes[24];
		struct th_wr out = th_wr_init(guard_tail(&g, cap), cap);
		struct th_rd r;

		rng.fill(rng.ctx, bytes, n);
		r = th_rd_init(bytes, n);
		th_target_read(&out, &r, &scratch, i & 3);
	}
	guard_del(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_every_template_is_reached),
		cmocka_unit_test(test_percent_styles),
		cmocka_unit_test(test_random_bytes),
	};

	th_known_init(&known);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
