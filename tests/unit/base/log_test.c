#include "unit.h"
#include "guard.h"

#include "base/log.h"

static struct {
	char line[4096];
	enum th_log_level level;
	size_t n;
} heard;

static void listen_in(void *ctx, enum th_log_level level, const char *line)
{
	assert_ptr_equal(ctx, &heard);
	assert_true(strlen(line) < sizeof(heard.line));
	memcpy(heard.line, line, strlen(line) + 1);
	heard.level = level;
	heard.n++;
}

static void a_line_is_level_event_and_pairs(void **state)
{
	(void)state;
	th_log_init(TH_LOG_INFO, listen_in, &heard);
	th_log(TH_LOG_INFO, "exchange", "route=%s ms=%u", "send", 12u);
	assert_string_equal(heard.line, "level=info event=exchange route=send ms=12");
	assert_int_equal(heard.level, TH_LOG_INFO);
	th_log(TH_LOG_ERROR, "stop", "%s", "");
	assert_string_equal(heard.line, "level=error event=stop ");
}

static void what_is_too_fine_is_not_heard(void **state)
{
	(void)state;
	th_log_init(TH_LOG_WARN, listen_in, &heard);
	heard.n = 0;
	for (enum th_log_level l = TH_LOG_ERROR; l <= TH_LOG_DEBUG; l++) {
		assert_int_equal(th_log_on(l), l <= TH_LOG_WARN);
		th_log(l, "x", "n=%d", 1);
	}
	assert_int_equal(heard.n, 2);
	th_log_init(TH_LOG_DEBUG, NULL, NULL);
	assert_false(th_log_on(TH_LOG_ERROR));
	th_log(TH_LOG_ERROR, "x", "n=%d", 1); /* nobody listens: nothing happens */
	assert_int_equal(heard.n, 2);
}

static void a_long_line_is_cut(void **state)
{
	char text[3000], event[3000];

	(void)state;
	th_log_init(TH_LOG_INFO, listen_in, &heard);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(event, text, sizeof(text));
	th_log(TH_LOG_INFO, "long", "v=%s", text);
	assert_int_equal(strlen(heard.line), 1023);
	th_log(TH_LOG_INFO, event, "v=%s", text);
	assert_int_equal(strlen(heard.line), 1023);
}

static void quoting_lets_no_raw_byte_through(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(th_log_quote(out, sizeof(out), TH_STR("plain text")), "\"plain text\"");
	assert_string_equal(th_log_quote(out, sizeof(out), TH_STR("a\"b\\c")), "\"a\\x22b\\x5cc\"");
	assert_string_equal(th_log_quote(out, sizeof(out), TH_STR("\n\r\x1b\x7f\xff")),
			    "\"\\x0a\\x0d\\x1b\\x7f\\xff\"");
	assert_string_equal(th_log_quote(out, sizeof(out), (struct th_str){ "\0x", 2 }), "\"\\x00x\"");
	assert_string_equal(th_log_quote(out, sizeof(out), (struct th_str){ NULL, 0 }), "\"\"");
}

static void quoting_is_cut_at_whole_escapes(void **state)
{
	char all[256];
	struct guard g = guard_new(2048);

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)(255 - i);
	for (size_t cap = 0; cap < 1200; cap++) {
		char *out = (char *)guard_tail(&g, cap);
		const char *q = th_log_quote(out, cap, (struct th_str){ all, sizeof(all) });
		size_t n = strlen(q);

		assert_true(cap < 8 || n < cap);
		assert_true(n >= 2 && q[0] == '"' && q[n - 1] == '"');
		for (size_t i = 1; i < n - 1; i++) {
			assert_true(q[i] >= 0x20 && q[i] < 0x7f && q[i] != '"');
			if (q[i] == '\\') {
				assert_true(i + 3 < n - 1 && q[i + 1] == 'x');
				i += 3;
			}
		}
	}
	guard_del(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_level_event_and_pairs),
		cmocka_unit_test(what_is_too_fine_is_not_heard),
		cmocka_unit_test(a_long_line_is_cut),
		cmocka_unit_test(quoting_lets_no_raw_byte_through),
		cmocka_unit_test(quoting_is_cut_at_whole_escapes),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
