/* The types that only thimble-link uses, and lines that gather words; daemon/options_test.c has the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "link/sockaddr.h"
#include "program/option.h"

struct values {
	uint64_t rate;
	unsigned fraction;
	struct th_spread spread;
	struct th_addr endpoint;
	char lines[64];
	bool flag;
};

#define FIELD(m) .at = offsetof(struct values, m), .size = sizeof(((struct values *)0)->m)

static const struct th_option rows[] = {
	{ .name = "rate", .type = TH_OPTION_RATE, FIELD(rate), .max = 1000000000, .def = "9600", .arg = "RATE" },
	{ .name = "fraction",
	  .type = TH_OPTION_FRACTION,
	  FIELD(fraction),
	  .max = TH_PPM,
	  .def = "0",
	  .arg = "PERCENT" },
	{ .name = "spread", .type = TH_OPTION_SPREAD, FIELD(spread), .max = 60 * TH_SEC, .def = "0", .arg = "SPREAD" },
	{ .name = "endpoint", .type = TH_OPTION_ENDPOINT, FIELD(endpoint), .arg = "ADDRESS:PORT" },
	{ .name = "at", .type = TH_OPTION_LINES, FIELD(lines), .arg = "TIME COMMAND" },
	{ .name = "flag", .type = TH_OPTION_BOOL, FIELD(flag), .def = "false" },
};
static const char *const sections[] = { "all" }, *const section_help[] = { "All" };
static const struct th_option_schema schema = { rows, sizeof(rows) / sizeof(rows[0]), sections, section_help, 1 };

static char heard[4][TH_OPTION_MESSAGE];

static void hear(void *ctx, const char *text)
{
	unsigned *n = ctx;

	assert_true(*n < 4);
	strcpy(heard[(*n)++], text);
}

static unsigned args(struct values *v, int argc, const char *const *words)
{
	uint8_t origin[sizeof(rows) / sizeof(rows[0])] = { 0 };
	unsigned line[sizeof(rows) / sizeof(rows[0])] = { 0 };
	struct th_option_values values = { &schema, v, origin, line };
	unsigned n = 0;
	struct th_complaints c = { hear, &n, 0 };
	enum th_err err;

	memset(v, 0, sizeof(*v));
	th_option_defaults(&schema, v);
	err = th_option_args(&values, argc, (char *const *)(uintptr_t)words, &c);
	assert_int_equal(err, n ? TH_ERR_INVALID : TH_OK);
	return n;
}

#define ARGS(v, ...)                                                                                                   \
	args(v, (int)(sizeof((const char *[]){ "x", __VA_ARGS__ }) / sizeof(char *)),                                  \
	     (const char *const[]){ "x", __VA_ARGS__ })

static void both_ways(const char *name, const char *text, const char *again)
{
	const struct th_option *opt = th_option_named(&schema, name);
	char out[TH_OPTION_TEXT];
	struct values v = { 0 };

	assert_int_equal(th_option_parse(opt, text, (char *)&v + opt->at), TH_OK);
	assert_string_equal(th_option_format(opt, (char *)&v + opt->at, out), again);
}

static void test_values_both_ways(void **state)
{
	static const char *const cases[][3] = {
		{ "rate", "100", "100 bit/s" },
		{ "rate", "9600bit/s", "9600 bit/s" },
		{ "rate", "50 kbit/s", "50 kbit/s" },
		{ "rate", "1000000", "1 Mbit/s" },
		{ "rate", "unlimited", "unlimited" },
		{ "rate", "0", "unlimited" },
		{ "fraction", "20%", "20 %" },
		{ "fraction", "0.5 %", "0.5 %" },
		{ "fraction", "99.9999 %", "99.9999 %" },
		{ "fraction", "0.05%", "0.05 %" },
		{ "fraction", "0", "0 %" },
		{ "fraction", "100 %", "100 %" },
		{ "spread", "40 %", "40 %" },
		{ "spread", "200 ms", "200 ms" },
		{ "spread", "0", "0 s" },
		{ "endpoint", "127.0.0.1:5683", "127.0.0.1:5683" },
		{ "endpoint", "[::1]:1", "[::1]:1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		both_ways(cases[i][0], cases[i][1], cases[i][2]);
}

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "rate", "fast" },
		{ "rate", "1.5 kbit/s" },
		{ "rate", "1001 Mbit/s" },
		{ "rate", "-1" },
		{ "fraction", "0.2" },
		{ "fraction", "100.0001 %" },
		{ "fraction", "1.00001 %" },
		{ "fraction", "1. %" },
		{ "fraction", "1 %x" },
		{ "fraction", "99999999999999999999 %" },
		{ "spread", "101 %" },
		{ "spread", "5" },
		{ "spread", "61 s" },
		{ "endpoint", "127.0.0.1" },
		{ "endpoint", "localhost:1" },
		{ "endpoint", "[127.0.0.1]:1" },
		{ "endpoint", "::1" },
		{ "endpoint", "127.0.0.1:65536" },
	};
	struct values v;
	char allowed[TH_OPTION_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct th_option *opt = th_option_named(&schema, cases[i][0]);

		memset(&v, 0x5a, sizeof(v));
		if (th_option_parse(opt, cases[i][1], (char *)&v + opt->at) == TH_OK)
			fail_msg("%s took %s", cases[i][0], cases[i][1]);
		for (size_t b = 0; b < sizeof(v); b++)
			assert_int_equal(((uint8_t *)&v)[b], 0x5a);
	}
	assert_string_equal(th_option_allowed(&rows[1], allowed),
			    "a percentage from 0 % to 100 % (at most four decimals)");
	assert_string_equal(th_option_allowed(&rows[2], allowed),
			    "a percentage from 0 % to 100 %, or a time up to 1 min");
}

static void test_lines_take_words_up_to_the_next_option(void **state)
{
	struct values v;

	(void)state;
	assert_int_equal(ARGS(&v, "--at", "60s", "down", "--rate=100", "--at=90s", "set", "loss", "5 %", "--flag"), 0);
	assert_string_equal(v.lines, "60s down\n90s set loss 5 %\n");
	assert_int_equal(v.rate, 100);
	assert_true(v.flag);
	assert_int_equal(ARGS(&v, "--at"), 1);
	assert_string_equal(heard[0], "command line: --at : must be words on one line");
	assert_int_equal(ARGS(&v, "--at", "1s\n2s"), 1);
	assert_int_equal(ARGS(&v, "--at", "0123456789012345678901234567890", "--at", "012345678901234567890123456789"),
			 0);
	assert_int_equal(ARGS(&v, "--at", "0123456789012345678901234567890", "--at", "0123456789012345678901234567890"),
			 1);
	assert_string_equal(v.lines, "0123456789012345678901234567890\n");
	assert_int_equal(ARGS(&v, "--fractoin", "5"), 1);
	assert_string_equal(heard[0], "command line: unknown option --fractoin (did you mean --fraction?)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_both_ways),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lines_take_words_up_to_the_next_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
