/* What a message is coded against, written and read back; examples as docs/protocol.md has them (the argument). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "codec/reference.h"

static const char *page;

static size_t written(const struct th_history_base *base, bool is_response, uint64_t number, uint8_t *out, size_t cap)
{
	struct th_range_enc e;

	th_range_enc_init(&e, out, cap);
	th_reference_write(&e, base, is_response, number);
	th_range_finish(&e);
	assert_true(e.n <= cap);
	return e.n;
}

static void comes_back(const struct th_history_base *base, bool is_response, uint64_t number)
{
	uint8_t code[32];
	size_t n = written(base, is_response, number, code, sizeof(code));
	struct th_history_base got;
	struct th_range_dec d;

	th_range_dec_init(&d, code, n);
	assert_int_equal(th_reference_read(&d, is_response, number, &got), TH_OK);
	assert_false(got.parent.none);
	assert_int_equal(got.parent.sender, TH_HISTORY_OURS);
	assert_true(got.parent.number == base->parent.number);
	assert_int_equal(got.request.none, base->request.none);
	assert_true(got.request.none || got.request.number == number);
	assert_int_equal(got.also, base->also);
	assert_int_equal(got.own, base->own);
	assert_int_equal(got.parts, base->parts);
}

static struct th_history_base base_of(uint64_t parent, uint16_t also, uint16_t own)
{
	struct th_history_base base = TH_HISTORY_BASELESS;

	base.parent = (struct th_history_ref){ .sender = TH_HISTORY_THEIRS, .number = parent };
	base.also = also;
	base.own = own;
	return base;
}

static void test_any_comes_back(void **state)
{
	uint64_t seed = 20261129;
	struct th_rng rng = th_rng_seeded(&seed);

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		bool is_response = th_rng_below(&rng, 2);
		uint64_t number = th_rng_u64(&rng) >> th_rng_below(&rng, 62);
		uint64_t distance = th_rng_below(&rng, TH_REFERENCE_DISTANCE_MAX + 2) >> th_rng_below(&rng, 17);
		uint64_t parent = is_response && th_rng_below(&rng, 8) ? number + distance : number - distance;
		struct th_history_base base = base_of(parent, (uint16_t)th_rng_u64(&rng), 0);

		base.also &= (uint16_t)th_rng_u64(&rng);
		base.own = (uint16_t)(th_rng_below(&rng, 3) ? 0 : th_rng_u64(&rng));
		base.parts = (uint8_t)(th_rng_below(&rng, 3) ? 0 : th_rng_below(&rng, TH_HISTORY_PARTS));
		if (is_response && (parent == number || th_rng_below(&rng, 2)))
			base.request = (struct th_history_ref){ .sender = TH_HISTORY_THEIRS, .number = number };
		if (parent > number && parent - number > (uint64_t)INT64_MAX)
			continue; /* before 0 */
		if (th_reference_fits(&base, is_response, number))
			comes_back(&base, is_response, number);
		else
			assert_true(distance > TH_REFERENCE_DISTANCE_MAX || (!is_response && distance == 0));
	}
}

static void test_what_does_not_fit(void **state)
{
	const struct th_history_base self = base_of(10, 0, 0), none = TH_HISTORY_BASELESS;

	(void)state;
	assert_false(th_reference_fits(&none, true, 10));
	assert_false(th_reference_fits(&self, false, 10));
	assert_false(th_reference_fits(&self, false, 9));
	assert_true(th_reference_fits(&self, false, 11));
	assert_true(th_reference_fits(&self, false, 65546));
	assert_false(th_reference_fits(&self, false, 65547));
	assert_true(th_reference_fits(&self, true, 10));
	assert_true(th_reference_fits(&self, true, 65545));
	assert_false(th_reference_fits(&self, true, 65546));
}

/* Any bytes are read as something or refused. */
static void test_hostile(void **state)
{
	uint64_t seed = 7;
	struct th_rng rng = th_rng_seeded(&seed);
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint8_t code[8];
		struct th_history_base base;
		struct th_range_dec d;
		uint64_t number = th_rng_below(&rng, 300);

		for (size_t k = 0; k < sizeof(code); k++)
			code[k] = (uint8_t)th_rng_u64(&rng);
		th_range_dec_init(&d, code, th_rng_below(&rng, sizeof(code) + 1));
		if (th_reference_read(&d, i % 2, number, &base) != TH_OK) {
			refused++;
			continue;
		}
		assert_true(base.parent.number < number || i % 2);
	}
	assert_true(refused > 100);
}

/* Thousandths of a bit. */
static unsigned cost(const struct th_history_base *base, bool is_response)
{
	enum { TIMES = 4000 };
	static uint8_t code[TIMES * 8];
	struct th_range_enc e;

	th_range_enc_init(&e, code, sizeof(code));
	for (unsigned i = 0; i < TIMES; i++)
		th_reference_write(&e, base, is_response, 100);
	th_range_finish(&e);
	return (unsigned)(e.n * 8 * 1000 / TIMES);
}

static void test_what_is_usual_costs_little(void **state)
{
	struct th_history_base after = base_of(99, 0, 0), answer = base_of(100, 0, 0), later = base_of(102, 0, 1);

	(void)state;
	answer.request = answer.parent;
	later.request = (struct th_history_ref){ .sender = TH_HISTORY_THEIRS, .number = 100 };
	print_message(
		"a request after an answer %u, an answer %u, one that counts on another %u thousandths of a bit\n",
		cost(&after, false), cost(&answer, true), cost(&later, true));
	assert_true(cost(&after, false) < 600);
	assert_true(cost(&answer, true) < 900);
	assert_true(cost(&later, true) < 9000);
}

static unsigned long field(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	assert_non_null(at);
	return strtoul(at + strlen(name), NULL, 0);
}

/* `<!-- reference: … -->`, and the code in the line after it. */
static void test_page(void **state)
{
	static const char mark[] = "<!-- reference: ";
	FILE *f = fopen(page, "r");
	char line[512];
	unsigned n = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct th_history_base base;
		uint8_t code[32], want[32];
		bool is_response;
		size_t len, at = 0;
		char hex[512];

		if (strncmp(line, mark, sizeof(mark) - 1) != 0)
			continue;
		is_response = strstr(line, "response") != NULL;
		base = base_of(field(line, "parent="), (uint16_t)field(line, "also="), (uint16_t)field(line, "own="));
		base.parts = (uint8_t)field(line, "parts=");
		if (is_response && field(line, "request="))
			base.request = (struct th_history_ref){ .sender = TH_HISTORY_THEIRS,
								.number = field(line, "number=") };
		len = written(&base, is_response, field(line, "number="), code, sizeof(code));
		assert_non_null(fgets(hex, sizeof(hex), f));
		for (const char *p = hex + strspn(hex, " "); p[0] > ' ' && p[1] > ' ' && at < sizeof(want); p += 2)
			want[at++] = (uint8_t)strtoul((const char[]){ p[0], p[1], '\0' }, NULL, 16);
		if (at != len || memcmp(want, code, len) != 0) {
			print_message("%s is", line);
			for (size_t i = 0; i < len; i++)
				print_message(" %02x", code[i]);
			print_message("\n");
		}
		assert_int_equal(at, len);
		assert_memory_equal(want, code, len);
		comes_back(&base, is_response, field(line, "number="));
		n++;
	}
	fclose(f);
	assert_true(n >= 4);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_comes_back), cmocka_unit_test(test_what_does_not_fit),
		cmocka_unit_test(test_hostile),	       cmocka_unit_test(test_what_is_usual_costs_little),
		cmocka_unit_test(test_page),
	};

	if (argc != 2)
		return 2;
	page = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
