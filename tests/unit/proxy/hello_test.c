/* What ends tell of themselves: round trips, malformed bytes, and the examples of docs/protocol.md (its path is the
 * argument). */
#include "unit.h"

#include "proxy/coding.h"
#include "proxy/hello.h"

enum { LINE = 256 };

static const char *page;

static const struct th_hello some = {
	.said = true,
	.no_model = true,
	.tables = 0x0a1b2c,
	.link = { .up_bps = 304,
		  .down_bps = 608,
		  .latency = 4000 * TH_MS,
		  .jitter_percent = 40,
		  .loss_percent = 20,
		  .mtu = 256,
		  .ours = true,
		  .blocks = true },
};

static void assert_same(const struct th_hello *a, const struct th_hello *b)
{
	uint8_t p[TH_HELLO_MAX], q[TH_HELLO_MAX];
	size_t n = th_hello_write(a, p);

	assert_int_equal(th_hello_write(b, q), n);
	assert_memory_equal(p, q, n);
	assert_int_equal(a->no_model, b->no_model);
	assert_int_equal(a->tables, b->tables);
	assert_int_equal(a->link.ours, b->link.ours);
	assert_int_equal(a->link.blocks, b->link.blocks);
}

static void test_round_trip(void **state)
{
	const struct th_link_profile nothing = { .blocks = true };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct th_hello h = some, got;
		uint8_t p[TH_HELLO_MAX];
		size_t n;

		h.no_model = i & 1;
		if (i & 2)
			h.link = nothing;
		n = th_hello_write(&h, p);
		assert_int_equal(n, i & 2 ? TH_HELLO_TABLES + 1 : TH_HELLO_MAX);
		assert_int_equal(th_hello_read(&got, p, n), TH_OK);
		assert_true(got.said);
		assert_same(&got, &h);
	}
}

/* Other tables have another name, whichever of the two are others. */
static void test_names(void **state)
{
	(void)state;
	assert_int_equal(th_hello_tables(0x1234567, 0), 0x234567);
	assert_int_not_equal(th_hello_tables(1, 2), th_hello_tables(1, 4));
	assert_int_not_equal(th_hello_tables(1, 2), th_hello_tables(5, 2));
}

static void test_nothing_says_nothing(void **state)
{
	struct th_hello got = some;

	(void)state;
	assert_int_equal(th_hello_read(&got, NULL, 0), TH_OK);
	assert_false(got.said);
	assert_int_equal(got.tables, 0);
}

/* All or nothing. */
static void test_every_prefix(void **state)
{
	struct th_hello got;
	uint8_t p[TH_HELLO_MAX];
	size_t n = th_hello_write(&some, p);

	(void)state;
	assert_int_equal(n, TH_HELLO_MAX);
	for (size_t i = 1; i < n; i++) {
		got = some;
		got.tables = 7;
		assert_int_equal(th_hello_read(&got, p, i), TH_ERR_MALFORMED);
		assert_int_equal(got.tables, 7);
	}
}

static void test_malformed(void **state)
{
	static const struct {
		uint8_t p[12];
		size_t n;
	} cases[] = {
		{ { 1, 2, 3 }, 3 },			     /* no link profile */
		{ { 1, 2, 3, 0x02, 0x00 }, 5 },		     /* a byte left over */
		{ { 1, 2, 3, 0x80 }, 4 },		     /* an unknown flag */
		{ { 1, 2, 3, 0x40 }, 4 },		     /* another */
		{ { 1, 2 }, 2 },			     /* the tables' name cut short */
		{ { 1, 2, 3, 0x1e, 1, 2, 3, 4, 5, 9 }, 10 }, /* more than a profile */
	};
	struct th_hello got;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++)
		assert_int_equal(th_hello_read(&got, cases[i].p, cases[i].n), TH_ERR_MALFORMED);
}

/* Any bytes: read and written again, they say the same. */
static void test_any_bytes(void **state)
{
	uint64_t seed = unit_seed("hello", 4711);
	struct th_rng rng = th_rng_seeded(&seed);
	size_t good = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint8_t p[TH_HELLO_MAX + 2], q[TH_HELLO_MAX];
		size_t n = 1 + th_rng_below(&rng, sizeof(p));
		struct th_hello a, b;

		rng.fill(rng.ctx, p, n);
		if (th_hello_read(&a, p, n) != TH_OK)
			continue;
		assert_int_equal(th_hello_read(&b, q, th_hello_write(&a, q)), TH_OK);
		assert_same(&a, &b);
		good++;
	}
	assert_true(good > 50);
}

/* ---- the page ---- */

static unsigned long field(const char *line, const char *name, int base)
{
	const char *at = strstr(line, name);

	assert_non_null(at);
	return strtoul(at + strlen(name), NULL, base);
}

/* Hex at the beginning of an indented line, up to two spaces. */
static size_t hex(const char *p, uint8_t *out)
{
	size_t n = 0;

	for (p += 4; *p && strncmp(p, "  ", 2) != 0 && *p != '\n'; p++) {
		char two[3] = { p[0], p[1], 0 };

		if (*p == ' ')
			continue;
		out[n++] = (uint8_t)strtoul(two, NULL, 16);
		p++;
	}
	return n;
}

static void test_page(void **state)
{
	FILE *f = fopen(page, "r");
	char line[LINE], said[LINE];
	unsigned found = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(said, sizeof(said), f)) {
		uint8_t p[64], q[TH_HELLO_MAX];
		struct th_hello h;
		size_t n = 0;

		if (strncmp(said, "<!-- hello: ", 12) != 0)
			continue;
		while (fgets(line, sizeof(line), f) && strncmp(line, "    ", 4) == 0)
			n += hex(line, p + n);
		assert_int_equal(th_hello_read(&h, p, n), TH_OK);
		assert_int_equal(h.tables, field(said, "tables=", 16));
		assert_int_equal(h.no_model, field(said, "no_model=", 10));
		assert_int_equal(h.link.up_bps, field(said, "up=", 10));
		assert_int_equal(h.link.down_bps, field(said, "down=", 10));
		assert_int_equal(h.link.ours, field(said, "ours=", 10));
		assert_int_equal(h.link.blocks, field(said, "blocks=", 10));
		assert_int_equal(th_hello_write(&h, q), n);
		assert_memory_equal(p, q, n);
		found++;
	}
	assert_int_equal(found, 2);
	fclose(f);
}

/* Asking for what this build says: it knows what it claims. */
static void test_own(void **state)
{
	struct th_workshop *w = th_workshop_new(&th_mem_libc, false), *small = th_workshop_new(&th_mem_libc, true);
	struct th_hello h = { 0 }, s = { 0 };

	(void)state;
	th_workshop_hello(w, &h);
	th_workshop_hello(small, &s);
	assert_false(h.no_model);
	assert_true(s.no_model);
	assert_int_not_equal(h.tables, 0);
	assert_int_equal(h.tables, s.tables);
	th_workshop_del(w);
	th_workshop_del(small);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nothing_says_nothing),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_own),
	};

	if (argc != 2)
		return 1;
	page = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
