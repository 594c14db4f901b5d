#include "unit.h"
#include "guard.h"

#include "exchange/failure.h"

enum { BODY_MAX = 512, SHORTEST = 64 };

/* A strict reader of the one shape these bodies have: two members with string values. Unescapes the second into `text`.
 */
static bool read_string(const char **p, const char *end, char *text, size_t *n)
{
	*n = 0;
	if (*p == end || *(*p)++ != '"')
		return false;
	while (*p < end && **p != '"') {
		unsigned char c = (unsigned char)*(*p)++;

		if (c < 0x20)
			return false;
		if (c == '\\') {
			if (*p == end || !strchr("\"\\/", **p))
				return false;
			c = (unsigned char)*(*p)++;
		}
		text[(*n)++] = (char)c;
	}
	return *p < end && *(*p)++ == '"';
}

static bool read_char(const char **p, const char *end, char c)
{
	return *p < end && *(*p)++ == c;
}

static bool valid_utf8(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i++];
		int more = c < 0x80		   ? 0
			   : c >= 0xc2 && c < 0xe0 ? 1
			   : c >= 0xe0 && c < 0xf0 ? 2
			   : c >= 0xf0 && c < 0xf5 ? 3
						   : -1;

		if (more < 0)
			return false;
		for (; more > 0; more--)
			if (i >= n || ((unsigned char)s[i++] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static void check_body(const char *body, size_t n, const char *errcode, const char *reason, bool whole)
{
	const char *p = body, *end = body + n;
	char text[BODY_MAX];
	size_t len;

	assert_true(read_char(&p, end, '{'));
	assert_true(read_string(&p, end, text, &len));
	assert_int_equal(len, strlen("errcode"));
	assert_memory_equal(text, "errcode", len);
	assert_true(read_char(&p, end, ':'));
	assert_true(read_string(&p, end, text, &len));
	assert_int_equal(len, strlen(errcode));
	assert_memory_equal(text, errcode, len);
	assert_true(read_char(&p, end, ','));
	assert_true(read_string(&p, end, text, &len));
	assert_int_equal(len, strlen("error"));
	assert_memory_equal(text, "error", len);
	assert_true(read_char(&p, end, ':'));
	assert_true(read_string(&p, end, text, &len));
	assert_true(len <= strlen(reason));
	assert_memory_equal(text, reason, len);
	assert_true(!whole || len == strlen(reason));
	assert_true(valid_utf8(text, len));
	assert_true(read_char(&p, end, '}'));
	assert_ptr_equal(p, end);
}

static void the_body_is_matrix_json(void **state)
{
	char out[BODY_MAX];
	size_t n = th_failure_body(out, sizeof(out), 504, "no answer");

	(void)state;
	assert_int_equal(n, strlen("{\"errcode\":\"M_UNKNOWN\",\"error\":\"no answer\"}"));
	assert_memory_equal(out, "{\"errcode\":\"M_UNKNOWN\",\"error\":\"no answer\"}", n);
}

static void quotes_and_backslashes_are_escaped(void **state)
{
	static const char reason[] = "a \"quoted\" back\\slash / \"";
	char out[BODY_MAX];
	size_t n = th_failure_body(out, sizeof(out), 413, reason);

	(void)state;
	check_body(out, n, "M_TOO_LARGE", reason, true);
}

static void control_bytes_do_not_break_it(void **state)
{
	char reason[33], spaces[33], out[BODY_MAX];
	size_t n;

	(void)state;
	for (int i = 0; i < 31; i++)
		reason[i] = (char)(i + 1);
	reason[31] = '\0';
	memset(spaces, ' ', 31);
	spaces[31] = '\0';
	n = th_failure_body(out, sizeof(out), 502, reason);
	check_body(out, n, "M_UNKNOWN", spaces, true);
}

/* Every capacity from the shortest body on, written before a page nobody may touch. */
static void cut_at_every_place(const char *reason)
{
	struct guard g = guard_new(BODY_MAX);
	size_t whole;
	char big[BODY_MAX];

	whole = th_failure_body(big, sizeof(big), 503, reason);
	for (size_t cap = SHORTEST; cap <= whole + 4; cap++) {
		char *out = (char *)guard_tail(&g, cap);
		size_t n = th_failure_body(out, cap, 503, reason);

		assert_true(n <= cap);
		check_body(out, n, "M_UNKNOWN", reason, n == whole);
		assert_true(n > cap - 10 || n == whole); /* not cut for nothing */
	}
	guard_del(&g);
}

static void a_long_reason_is_cut_and_the_body_stays_whole(void **state)
{
	(void)state;
	cut_at_every_place(
		"the homeserver at the other end of the link did not answer within the time it was given; try later");
}

static void cutting_never_splits_an_escape(void **state)
{
	(void)state;
	cut_at_every_place("\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"");
	cut_at_every_place("x\"\"\"\"\"\"\"\"\"\"\"\"\"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\");
}

static void cutting_never_splits_a_character(void **state)
{
	(void)state;
	cut_at_every_place(
		"\xc3\xa4\xc3\xb6\xc3\xbc \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac \xf0\x9f\x98\x80\xf0\x9f\x98\x80"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
}

/* Too small for any body: nothing can be whole, so nothing is written. */
static void no_room_at_all_writes_nothing(void **state)
{
	struct guard g = guard_new(BODY_MAX);

	(void)state;
	for (size_t cap = 0; cap < SHORTEST; cap++) {
		char *out = (char *)guard_tail(&g, cap);
		size_t n = th_failure_body(out, cap, 503, "why");

		assert_true(n <= cap);
		if (n)
			check_body(out, n, "M_UNKNOWN", "why", false);
	}
	guard_del(&g);
}

static void bytes_that_are_no_text_become_question_marks(void **state)
{
	char out[BODY_MAX];
	size_t n = th_failure_body(out, sizeof(out), 502, "a\xff\xc3(\xe2\x82\xc0\x80\xf0\x9f\x98");

	(void)state;
	check_body(out, n, "M_UNKNOWN", "a\?\?(\?\?\?\?\?\?\?", true);
}

static void every_status_has_an_errcode(void **state)
{
	(void)state;
	for (unsigned status = 0; status < 1000; status++) {
		const char *code = th_failure_errcode((uint16_t)status);

		assert_memory_equal(code, "M_", 2);
		assert_string_not_equal(code, "M_NOT_JSON");
		assert_non_null(th_status_phrase((uint16_t)status));
	}
	assert_string_equal(th_failure_errcode(413), "M_TOO_LARGE");
	assert_string_equal(th_failure_errcode(429), "M_LIMIT_EXCEEDED");
	assert_string_equal(th_failure_errcode(299), "M_UNKNOWN");
	assert_string_equal(th_status_phrase(404), "Not Found");
	assert_string_equal(th_status_phrase(299), "Unknown");
	assert_string_equal(th_status_phrase(0), "Unknown");
}

static void errors_map_to_statuses(void **state)
{
	static const struct {
		enum th_err err;
		uint16_t status;
	} cases[] = {
		{ TH_ERR_TIMEOUT, 504 }, { TH_ERR_REFUSED, 502 }, { TH_ERR_FULL, 503 },	  { TH_ERR_NO_MEMORY, 503 },
		{ TH_ERR_RESET, 502 },	 { TH_ERR_TLS, 502 },	  { TH_ERR_CLOSED, 502 }, { TH_ERR_TOO_LARGE, 413 },
	};
	struct th_failure why;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		th_failure_of(&why, cases[i].err, "because");
		assert_int_equal(why.err, cases[i].err);
		assert_int_equal(why.status, cases[i].status);
		assert_string_equal(why.reason, "because");
		assert_int_equal(why.retry_after > 0,
				 why.status == 503); /* only what passes by itself asks to come back */
	}
	for (int e = TH_ERR_MALFORMED; e > TH_ERR_LAST; e--) {
		th_failure_of(&why, (enum th_err)e, "because");
		assert_true(why.status >= 400 && why.status < 600);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_body_is_matrix_json),
		cmocka_unit_test(quotes_and_backslashes_are_escaped),
		cmocka_unit_test(control_bytes_do_not_break_it),
		cmocka_unit_test(a_long_reason_is_cut_and_the_body_stays_whole),
		cmocka_unit_test(cutting_never_splits_an_escape),
		cmocka_unit_test(cutting_never_splits_a_character),
		cmocka_unit_test(no_room_at_all_writes_nothing),
		cmocka_unit_test(bytes_that_are_no_text_become_question_marks),
		cmocka_unit_test(every_status_has_an_errcode),
		cmocka_unit_test(errors_map_to_statuses),
	};

	return cmocka_run_group_tests_name("exchange/failure", tests, NULL, NULL);
}
