/* What is shown of a text: no credentials, all costs, a label for each byte, and no way out of the terminal's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "explain/labels.h"
#include "explain/paint.h"
#include "guard.h"

enum { MAX = 600 };

static uint64_t sum_of(const uint32_t *cost, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i <= n; i++)
		sum += cost[i];
	return sum;
}

static void costs_of(uint32_t *cost, size_t n)
{
	for (size_t i = 0; i <= n; i++)
		cost[i] = (uint32_t)(i % 11) * 40000;
}

static void test_secrets_become_stars(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "GET /a?access_token=abc&x=1\n\n", "GET /a?access_token=***&x=1\n\n" },
		{ "GET /a?x=1&access_token=abc\nCookie: c=d\n\n", "GET /a?x=1&access_token=***\nCookie: ***\n\n" },
		{ "GET /\n\x14tok\n\n", "GET /\n\x14***\n\n" },
		{ "200\n\x06\n{\"access_token\":\"\"}", "200\n\x06\n{\"access_token\":\"\"}" },
		{ "200\n\x06\n{\"access_token\" : \"a\\\"b\\\\\",\"x\":\"y\"}",
		  "200\n\x06\n{\"access_token\" : \"***\",\"x\":\"y\"}" },
		{ "200\n\n{\"password\":\"never ends", "200\n\n{\"password\":\"***" },
		{ "200\n\n{\"password\":\"x\\", "200\n\n{\"password\":\"***" },
		{ "POST /\nAuthorization: X-Matrix a\n\n", "POST /\nAuthorization: X-Matrix a\n\n" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].text);
		uint32_t cost[MAX];
		struct th_costs c;

		costs_of(cost, n);
		assert_int_equal(th_costs_make(&c, &th_mem_libc, (const uint8_t *)cases[i].text, cost, n), TH_OK);
		assert_int_equal(c.n, strlen(cases[i].shown));
		assert_memory_equal(c.text, cases[i].shown, c.n);
		assert_int_equal(th_costs_sum(&c), sum_of(cost, n));
		th_costs_free(&c, &th_mem_libc);
	}
}

/* Whatever the text: costs stay, every byte gets a label inside the table, and what is printed holds neither control
 * bytes but LF nor more text than there is. */
static void test_any_text(void **state)
{
	static const char *const pieces[] = {
		"GET /_matrix/",
		"\n",
		"\x01",
		"\x04",
		"\x13",
		"#0 ",
		"?",
		"&",
		"=",
		"access_token",
		"\"",
		"\\",
		":",
		"{",
		"}",
		"[",
		"]",
		",",
		"password",
		"Cookie: ",
		"\xc3\xa4",
		"\xf0\x9f",
		"\x1b[2J",
		"\xc2\x9b",
		"\xe2\x80\xae",
		"x",
		" ",
		"1",
	};
	static struct th_label_table table;
	static struct th_label labels[3 * MAX + 8];
	uint64_t seed = 77;
	struct th_rng rng = th_rng_seeded(&seed);
	struct guard g = guard_new(MAX);

	(void)state;
	print_message("seed=%llu\n", (unsigned long long)seed);
	th_labels_init(&table, &th_mem_libc);
	for (int i = 0; i < 4000; i++) {
		uint8_t text[MAX];
		uint32_t cost[MAX + 1];
		struct th_costs c;
		char *shown = NULL;
		size_t n = 0, want = th_rng_below(&rng, MAX - 20), shown_n = 0;
		FILE *out = open_memstream(&shown, &shown_n);

		while (n < want) {
			const char *piece = pieces[th_rng_below(&rng, sizeof(pieces) / sizeof(pieces[0]))];

			memcpy(text + n, piece, strlen(piece));
			n += strlen(piece);
		}
		costs_of(cost, n);
		assert_int_equal(th_costs_make(&c, &th_mem_libc, guard_put(&g, text, n), cost, n), TH_OK);
		assert_int_equal(th_costs_sum(&c), sum_of(cost, n));
		memset(labels, 0xff, sizeof(labels));
		th_labels_of(&table, guard_put(&g, text, n), n, i & 1, labels);
		for (size_t k = 0; k <= n; k++)
			assert_true(labels[k].field < table.n && labels[k].part < TH_PARTS);
		assert_int_equal(labels[n + 1].field, 0xffff);
		th_paint_text(out, TH_PAINT_PLAIN, &c, i % 3 ? 0 : 50);
		fclose(out);
		for (size_t k = 0; k < shown_n; k++)
			assert_true((uint8_t)shown[k] >= ' ' ? (uint8_t)shown[k] != 0x7f : shown[k] == '\n');
		assert_null(strstr(shown, "\xc2\x9b"));
		assert_null(strstr(shown, "\xe2\x80\xae"));
		free(shown);
		th_costs_free(&c, &th_mem_libc);
	}
	th_labels_free(&table);
	guard_del(&g);
}

static void test_table_of_names_is_bounded(void **state)
{
	static struct th_label_table table;
	char name[TH_LABEL_NAME_MAX + 40];

	(void)state;
	th_labels_init(&table, &th_mem_libc);
	for (unsigned i = 0; i < TH_LABELS_MAX + 100; i++) {
		int n = snprintf(name, sizeof(name), "name %u", i);
		uint16_t at = th_labels_place(&table, (struct th_str){ name, (size_t)n });

		assert_true(i < TH_LABELS_MAX - 1 ? at == i + 1 : at == 0);
		if (at)
			assert_string_equal(table.names[at], name);
	}
	assert_int_equal(th_labels_place(&table, TH_STR("name 7")), 8);
	memset(name, 'x', sizeof(name));
	assert_int_equal(th_labels_place(&table, (struct th_str){ name, sizeof(name) }), 0);
	th_labels_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets_become_stars),
		cmocka_unit_test(test_any_text),
		cmocka_unit_test(test_table_of_names_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
