/* The table of thimble-link's options, and how preset and parameters come together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "relay/options.h"

enum { ARGS_MAX = 16 };

static struct th_relay_options o;
static char heard[TH_OPTION_MESSAGE];

static void hear(void *ctx, const char *text)
{
	(void)ctx;
	snprintf(heard, sizeof(heard), "%s", text);
}

static enum th_err load(const char *const *words)
{
	struct th_complaints c = { .hear = hear };
	const char *argv[ARGS_MAX] = { "thimble-link", "--listen=127.0.0.1:0", "--target=127.0.0.1:9" };
	int argc = 3;

	for (; *words; words++)
		argv[argc++] = *words;
	heard[0] = '\0';
	return th_relay_options_load(&o, argc, (char *const *)(uintptr_t)argv, &c);
}

#define LOAD(...) load((const char *const[]){ __VA_ARGS__, NULL })

/* Every row: a name of its own, help, a default that its type takes, and bytes of its own. */
static void test_table(void **state)
{
	static uint8_t taken[sizeof(struct th_relay_options)];
	const struct th_option_schema *s = th_relay_schema();

	(void)state;
	assert_true(s->n > 3 * th_emu_params.n);
	assert_ptr_equal(th_relay_schema(), s);
	for (size_t i = 0; i < s->n; i++) {
		const struct th_option *opt = &s->rows[i];
		uint64_t field[TH_OPTION_FIELD_MAX / 8];

		assert_ptr_equal(th_option_named(s, opt->name), opt);
		assert_true(strlen(opt->help) > 10 && opt->help[strlen(opt->help) - 1] != '.');
		assert_int_equal(opt->arg == NULL, opt->type == TH_OPTION_BOOL);
		assert_true(opt->at + opt->size <= sizeof(o));
		for (size_t b = 0; b < opt->size; b++)
			assert_int_equal(taken[opt->at + b]++, 0);
		if (opt->def)
			assert_int_equal(th_option_parse(opt, opt->def, field), TH_OK);
	}
}

static void test_precedence(void **state)
{
	struct th_emu_profile p[TH_EMU_WAYS];

	(void)state;
	assert_int_equal(LOAD("--up-rate=100", "--rate=300", "--preset=2g", "--down-loss=5%", "--mtu=0"), TH_OK);
	th_relay_profiles(&o, p);
	assert_int_equal(p[TH_EMU_UP].rate_bps, 100);
	assert_int_equal(p[TH_EMU_DOWN].rate_bps, 300);
	assert_int_equal(p[TH_EMU_UP].loss, 5000); /* the preset's */
	assert_int_equal(p[TH_EMU_DOWN].loss, 50000);
	assert_int_equal(p[TH_EMU_UP].latency, 350 * TH_MS);
	assert_int_equal(p[TH_EMU_UP].mtu, 0); /* a default that was given wins over the preset */
	assert_int_equal(LOAD("--show"), TH_OK);
	th_relay_profiles(&o, p);
	assert_int_equal(p[TH_EMU_UP].rate_bps, 0);
	assert_int_equal(p[TH_EMU_UP].queue_packets, 1000);
}

static void collect(void *user, const struct th_emu_command *c)
{
	th_time *at = user;

	*at = *at * 1000 + c->at / TH_SEC;
}

static void test_schedule(void **state)
{
	char why[TH_OPTION_MESSAGE];
	th_time at = 0;

	(void)state;
	assert_int_equal(LOAD("--at", "60s", "down", "--at=90 s up", "--at", "120s", "rebind"), TH_OK);
	assert_int_equal(th_relay_schedule(&o, collect, &at, why), TH_OK);
	assert_int_equal(at, 60090120);
	assert_int_equal(LOAD("--at", "60s", "explode"), TH_ERR_INVALID);
	assert_string_equal(heard, "command line: --at 60s explode: there is no command explode; try help");
	assert_int_equal(LOAD("--target=127.0.0.1:0"), TH_ERR_INVALID);
	assert_non_null(strstr(heard, "--target is needed, with a port"));
	assert_int_equal(LOAD("--help", "--target=127.0.0.1:0"), TH_OK); /* then nothing is demanded */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_schedule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
