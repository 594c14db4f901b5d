/* The log line of an exchange, letter by letter: tools and tests read it. */
#include "../unit.h"

#include "base/log.h"
#include "daemon/report.h"

static char got[1024];

static void sink(void *ctx, enum th_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	snprintf(got, sizeof(got), "%s", line);
}

static struct th_report report(void)
{
	return (struct th_report){
		.half = "ingress",
		.route = "send",
		.method = TH_STR("PUT"),
		.status = 200,
		.http_bytes_up = 412,
		.http_bytes_down = 118,
		.link_bytes_up = 301,
		.link_bytes_down = 66,
		.datagrams_up = 1,
		.datagrams_down = 2,
		.started = 7 * TH_SEC,
		.answered = 7 * TH_SEC + 4160 * TH_US,
		.ended = 7 * TH_SEC + 1234567 * TH_US,
	};
}

static void test_line(void **state)
{
	struct th_report r = report();

	(void)state;
	th_log_init(TH_LOG_INFO, sink, NULL);
	th_report_log(NULL, &r);
	assert_string_equal(
		got,
		"level=info event=exchange half=ingress route=send method=PUT status=200 http_up=412 http_down=118 "
		"link_up=301 link_down=66 datagrams_up=1 datagrams_down=2 ms=1234.5 ms_first=4.1");
}

static void test_failed(void **state)
{
	struct th_report r = report();

	(void)state;
	th_log_init(TH_LOG_INFO, sink, NULL);
	r.answered = TH_NEVER;
	r.status = 504;
	r.err = TH_ERR_TIMEOUT;
	th_report_log(NULL, &r);
	assert_non_null(strstr(got, " status=504 "));
	assert_non_null(strstr(got, " ms=1234.5 ms_first=- err=\"no answer in time\""));
}

static void test_quiet(void **state)
{
	struct th_report r = report();

	(void)state;
	got[0] = '\0';
	th_log_init(TH_LOG_WARN, sink, NULL);
	th_report_log(NULL, &r);
	assert_string_equal(got, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
