/* The table of docs/protocol.md (its path is the argument) says what src/exchange/fields.c does, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exchange/fields.h"

enum { LINE_ROOM = 512 };

static const char *page;

static const char *crosses(const struct th_field_known *k)
{
	assert_int_equal(k->request, k->response); /* the page has one column for both */
	switch (k->request) {
	case TH_FIELD_PASS:
		return k->noise_values ? "unless noise" : "yes";
	case TH_FIELD_NOISE:
		return "no";
	case TH_FIELD_HOP:
		break;
	}
	return "no (hop)";
}

static void next_line(FILE *f, char line[LINE_ROOM])
{
	if (!fgets(line, LINE_ROOM, f))
		fail_msg("%s: ends before the table does", page);
}

static void test_table_is_the_code(void **state)
{
	FILE *f = fopen(page, "r");
	char line[LINE_ROOM], want[LINE_ROOM];

	(void)state;
	if (!f)
		fail_msg("%s: cannot be opened", page);
	do
		next_line(f, line);
	while (strncmp(line, "<!-- fields:", 12) != 0);
	next_line(f, line);
	assert_string_equal(line, "| number | field | crosses |\n");
	next_line(f, line);
	for (size_t i = 1; i < th_fields_count; i++) {
		next_line(f, line);
		snprintf(want, sizeof(want), "| %zu | %.*s | %s |\n", i, (int)th_fields[i].name.n, th_fields[i].name.p,
			 crosses(&th_fields[i]));
		assert_string_equal(line, want);
	}
	next_line(f, line);
	assert_string_equal(line, "\n");
	fclose(f);
}

/* What the page says of Accept and Accept-Language. */
static void test_noise_values_are_named(void **state)
{
	static char text[256 * 1024];
	FILE *f = fopen(page, "r");
	char want[LINE_ROOM];
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	for (size_t i = 1; i < th_fields_count; i++)
		for (const char *const *v = th_fields[i].noise_values; v && *v; v++) {
			snprintf(want, sizeof(want), "`%s`", *v);
			if (!strstr(text, want))
				fail_msg("%s does not name %s", page, want);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_the_code),
		cmocka_unit_test(test_noise_values_are_named),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s PROTOCOL.MD\n", argv[0]);
		return 2;
	}
	page = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
