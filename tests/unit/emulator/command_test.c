/* Commands as text, the schedule, presets, and what the emulator says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "emulator/report.h"
#include "rig.h"

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_init(&rig, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

static void assert_reply(const char *line, const char *want)
{
	char reply[TH_EMU_REPLY_MAX];
	enum th_err err = th_emu_control_line(&rig.control, line, rig.now, reply);

	assert_string_equal(reply, want);
	assert_int_equal(err != TH_OK, strncmp(want, "error", 5) == 0);
}

static void test_get_and_set(void **state)
{
	(void)state;
	assert_reply("set rate 100", "ok");
	assert_reply("set down.rate 50 kbit/s", "ok");
	assert_reply("get rate", "{\"up\":{\"rate\":\"100 bit/s\"},\"down\":{\"rate\":\"50 kbit/s\"}}");
	assert_reply("  set   up.loss   12.5%", "ok");
	assert_reply("get up.loss", "{\"up\":{\"loss\":\"12.5 %\"}}");
	assert_reply("get down.loss", "{\"down\":{\"loss\":\"0 %\"}}");
	assert_reply("set jitter 200 ms", "ok");
	assert_reply("get down.jitter", "{\"down\":{\"jitter\":\"200 ms\"}}");
	assert_int_equal(rig.control.emu.way[TH_EMU_UP].profile.loss, 125000);
}

static void test_mistakes_help(void **state)
{
	static const char *const cases[][2] = {
		{ "", "error: no command; try help" },
		{ "   ", "error: no command; try help" },
		{ "frobnicate", "error: there is no command frobnicate; try help" },
		{ "set", "error: use: set NAME VALUE, as in set loss 20 %" },
		{ "set loss", "error: use: set NAME VALUE, as in set loss 20 %" },
		{ "set loss 0.2", "error: loss 0.2: must be a percentage from 0 % to 100 % (at most four decimals)" },
		{ "set latncy 1s", "error: there is no parameter latncy (did you mean latency?)" },
		{ "set side.loss 1 %",
		  "error: there is no parameter side.loss; get lists them, up. or down. in front names one direction" },
		{ "set half-duplex maybe", "error: half-duplex maybe: must be true or false" },
		{ "get rate loss", "error: use: get [NAME]" },
		{ "stats now", "error: use: stats" },
		{ "preset moon", "error: there is no preset moon; there are: 100bps 300bps hf lora 2g geo" },
		{ "at", "error: there is no command at; try help" },
		{ "at soon down", "error: use: at TIME COMMAND, as in at 60s down" },
		{ "at 60 down", "error: use: at TIME COMMAND, as in at 60s down" },
		{ "at 60s", "error: no command; try help" },
		{ "at 60s stats", "error: stats cannot be scheduled" },
		{ "at 60s at 70s down", "error: there is no command at; try help" },
		{ "down\tup", "error: a command is ASCII text" },
	};
	char line[TH_EMU_LINE_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_reply(cases[i][0], cases[i][1]);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	assert_reply(line, "error: a command has at most 200 bytes");
}

/* Each parameter prints a value that it takes back. */
static void test_every_parameter_reads_itself(void **state)
{
	struct th_emu_profile again[TH_EMU_WAYS];
	char value[TH_OPTION_TEXT];

	(void)state;
	for (size_t p = 0; p < th_emu_preset_count; p++) {
		th_emu_preset_apply(&th_emu_presets[p], again);
		for (size_t i = 0; i < th_emu_params.n; i++) {
			const struct th_option *opt = &th_emu_params.rows[i];
			uint64_t field[TH_EMU_VALUE_MAX / 8] = { 0 };

			assert_true(opt->size <= TH_EMU_VALUE_MAX);
			th_option_format(opt, th_emu_param_field(&again[0], opt), value);
			assert_int_equal(th_option_parse(opt, value, field), TH_OK);
			assert_memory_equal(field, th_emu_param_field(&again[0], opt), opt->size);
		}
	}
}

static void test_presets(void **state)
{
	struct th_emu_profile p[TH_EMU_WAYS];

	(void)state;
	for (size_t i = 0; i < th_emu_preset_count; i++) {
		assert_true(strlen(th_emu_presets[i].source) > 20);
		assert_ptr_equal(th_emu_preset_named(th_emu_presets[i].name), &th_emu_presets[i]);
		th_emu_preset_apply(&th_emu_presets[i], p);
		assert_true(p[0].rate_bps > 0 && p[1].rate_bps > 0 && p[0].latency > 0);
	}
	assert_reply("set reorder 5 %", "ok");
	assert_reply("preset geo", "ok");
	assert_reply("get rate", "{\"up\":{\"rate\":\"1 Mbit/s\"},\"down\":{\"rate\":\"1 Mbit/s\"}}");
	assert_reply("get up.latency", "{\"up\":{\"latency\":\"300 ms\"}}");
	assert_reply("get up.reorder", "{\"up\":{\"reorder\":\"0 %\"}}"); /* what it does not name has its default */
	assert_reply("preset 2g", "ok");
	assert_reply("get rate", "{\"up\":{\"rate\":\"10 kbit/s\"},\"down\":{\"rate\":\"40 kbit/s\"}}");
}

static void test_schedule_in_order_of_time(void **state)
{
	(void)state;
	assert_reply("at 30s set rate 300", "ok");
	assert_reply("at 10 s set rate 100", "ok");
	assert_reply("at 20s set rate 200", "ok");
	assert_reply("at 20s rebind", "ok");
	assert_reply("at 2 min down", "ok");
	assert_int_equal(th_emu_control_deadline(&rig.control), 10 * TH_SEC);
	rig_run(&rig, 10 * TH_SEC - 1);
	assert_reply("get up.rate", "{\"up\":{\"rate\":\"unlimited\"}}");
	rig_run(&rig, 10 * TH_SEC);
	assert_reply("get up.rate", "{\"up\":{\"rate\":\"100 bit/s\"}}");
	rig_run(&rig, 25 * TH_SEC);
	assert_reply("get up.rate", "{\"up\":{\"rate\":\"200 bit/s\"}}");
	assert_int_equal(rig.rebinds, 1);
	assert_reply("at 24s rebind", "error: that time has passed");
	rig_run(&rig, 100 * TH_SEC);
	assert_reply("get up.rate", "{\"up\":{\"rate\":\"300 bit/s\"}}");
	assert_int_equal(th_emu_control_deadline(&rig.control), 120 * TH_SEC);
	assert_int_equal(rig.told, 4);
	for (int i = 1; i < TH_EMU_SCHEDULE_MAX; i++)
		assert_reply("at 1h rebind", "ok");
	assert_reply("at 1h rebind", "error: the schedule is full");
	rig_run(&rig, 4000 * TH_SEC);
	assert_int_equal(rig.rebinds, TH_EMU_SCHEDULE_MAX);
	assert_int_equal(rig.control.scheduled, 0);
}

/* A scheduled change holds from its time, though nobody ran the emulator then. */
static void test_schedule_is_exact(void **state)
{
	(void)state;
	rig_do(&rig, "set rate 1000");
	rig_do(&rig, "at 2500ms set rate 100");
	for (int i = 0; i < 4; i++)
		rig_send(&rig, TH_EMU_UP, 125);
	rig_run(&rig, 60 * TH_SEC);
	assert_int_equal(rig.got[2].at, 3 * TH_SEC); /* was on the air */
	assert_int_equal(rig.got[3].at, 13 * TH_SEC);
}

static void test_stats(void **state)
{
	char reply[TH_EMU_REPLY_MAX];

	(void)state;
	rig_do(&rig, "set rate 1000");
	rig_do(&rig, "set down.loss 100 %");
	rig_do(&rig, "set mtu 200");
	for (int i = 0; i < 3; i++)
		rig_send(&rig, TH_EMU_UP, 125);
	rig_send(&rig, TH_EMU_UP, 201);
	rig_send(&rig, TH_EMU_DOWN, 100);
	rig_run(&rig, 1500 * TH_MS);
	assert_int_equal(th_emu_control_line(&rig.control, "stats", rig.now, reply), TH_OK);
	assert_string_equal(
		reply,
		"{\"seconds\":1.500000,\"up\":{\"entered\":{\"datagrams\":4,\"bytes\":576},"
		"\"doubled\":{\"datagrams\":0,\"bytes\":0},\"delivered\":{\"datagrams\":1,\"bytes\":125},"
		"\"lost\":{\"datagrams\":0,\"bytes\":0},\"overflow\":{\"datagrams\":0,\"bytes\":0},"
		"\"too-large\":{\"datagrams\":1,\"bytes\":201},\"outage\":{\"datagrams\":0,\"bytes\":0},"
		"\"waiting\":{\"datagrams\":1,\"bytes\":125},\"under-way\":{\"datagrams\":1,\"bytes\":125},"
		"\"airtime_s\":1.500000,\"utilisation\":1.0000,\"waited_s\":1.000000,\"waited_max_s\":1.000000},"
		"\"down\":{\"entered\":{\"datagrams\":1,\"bytes\":100},\"doubled\":{\"datagrams\":0,\"bytes\":0},"
		"\"delivered\":{\"datagrams\":0,\"bytes\":0},\"lost\":{\"datagrams\":1,\"bytes\":100},"
		"\"overflow\":{\"datagrams\":0,\"bytes\":0},\"too-large\":{\"datagrams\":0,\"bytes\":0},"
		"\"outage\":{\"datagrams\":0,\"bytes\":0},\"waiting\":{\"datagrams\":0,\"bytes\":0},"
		"\"under-way\":{\"datagrams\":0,\"bytes\":0},\"airtime_s\":0.800000,\"utilisation\":0.5333,"
		"\"waited_s\":0.000000,\"waited_max_s\":0.000000}}");
}

static char shown[TH_EMU_KINDS][TH_EMU_SHOW_MAX];

static void show(void *user, enum th_emu_event_kind kind, const struct th_emu_dgram *d, th_time at)
{
	th_emu_report_dgram(&((struct rig *)user)->control.emu, kind, d, at, "127.0.0.1:9", shown[kind]);
}

static void test_a_line_per_datagram(void **state)
{
	const struct th_emu_ops ops = { .deliver = rig_deliver, .seen = show };

	(void)state;
	rig.control.emu.ops = &ops;
	rig_do(&rig, "set rate 1000");
	rig_do(&rig, "set latency 250 ms");
	rig_do(&rig, "set mtu 1000");
	rig_run(&rig, TH_SEC);
	rig_send(&rig, TH_EMU_DOWN, 125);
	rig_send(&rig, TH_EMU_DOWN, 125);
	rig_send(&rig, TH_EMU_UP, 1001);
	rig_run(&rig, 10 * TH_SEC);
	assert_string_equal(shown[TH_EMU_STARTED], "time=2.000 dir=down event=started number=2 bytes=125 airtime=1.000 "
						   "waited=1.000 client=127.0.0.1:9");
	assert_string_equal(shown[TH_EMU_DELIVERED], "time=3.250 dir=down event=delivered number=2 bytes=125 "
						     "airtime=1.000 waited=1.000 took=2.250 client=127.0.0.1:9");
	assert_string_equal(shown[TH_EMU_TOO_LARGE],
			    "time=1.000 dir=up event=too-large number=0 bytes=1001 took=0.000 client=127.0.0.1:9");
	rig.control.emu.ops = &rig_ops;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_get_and_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mistakes_help, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_parameter_reads_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_presets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_schedule_in_order_of_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_schedule_is_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_line_per_datagram, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
