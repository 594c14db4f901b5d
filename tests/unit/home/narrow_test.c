/* Filters as clients write them, made narrower. */
#include "home/narrow.h"

#include "rig.h"

static const struct th_narrow all = { .lazy_members = true, .no_presence = true, .timeline_limit = 10 };

static void filter(const struct th_narrow *n, const char *from, const char *want)
{
	struct th_buf out;

	th_buf_init(&out, &th_mem_libc, 10000);
	assert_int_equal(th_narrow_filter(n, th_str_of(from), &out), TH_OK);
	if (out.n != strlen(want) || memcmp(th_buf_data(&out), want, out.n) != 0)
		fail_msg("%s: wanted %s, got %.*s", from, want, (int)out.n, (const char *)th_buf_data(&out));
	th_buf_free(&out);
}

static void test_filter(void **state)
{
	const struct th_narrow presence = { .no_presence = true }, limit = { .timeline_limit = 10 },
			       lazy = { .lazy_members = true };

	(void)state;
	filter(&all, "{}",
	       "{\"room\":{\"timeline\":{\"limit\":10},\"state\":{\"lazy_load_members\":true}},\"presence\":{\"not_"
	       "types\":[\"*\"]}}");
	filter(&presence, "{\"presence\":{\"types\":[\"m.presence\"]},\"x\":1.0}",
	       "{\"presence\":{\"not_types\":[\"*\"]},\"x\":1.0}");
	filter(&limit, "{\"room\":{\"timeline\":{\"limit\":20}}}", "{\"room\":{\"timeline\":{\"limit\":10}}}");
	filter(&limit, "{\"room\":{\"timeline\":{\"limit\":8, \"types\":[]}}}",
	       "{\"room\":{\"timeline\":{\"limit\":8, \"types\":[]}}}");
	filter(&limit, "{\"room\":{\"timeline\":{\"limit\":\"x\"}}}", "{\"room\":{\"timeline\":{\"limit\":10}}}");
	filter(&lazy, "{\"room\":{\"state\":{\"lazy_load_members\":false}}}",
	       "{\"room\":{\"state\":{\"lazy_load_members\":true}}}");
	filter(&lazy, "{\"room\":5}", "{\"room\":{\"state\":{\"lazy_load_members\":true}}}");
}

static void target(const struct th_narrow *n, const char *from, const char *want)
{
	struct th_buf out;

	th_buf_init(&out, &th_mem_libc, 10000);
	assert_int_equal(th_narrow_target(n, th_str_of(from), &out), TH_OK);
	if (out.n != strlen(want) || memcmp(th_buf_data(&out), want, out.n) != 0)
		fail_msg("%s: wanted %s, got %.*s", from, want, (int)out.n, (const char *)th_buf_data(&out));
	th_buf_free(&out);
}

static void refused(const char *from, enum th_err want)
{
	struct th_buf out;

	th_buf_init(&out, &th_mem_libc, 10000);
	assert_int_equal(th_narrow_target(&all, th_str_of(from), &out), want);
	th_buf_free(&out);
}

static void test_target(void **state)
{
	const struct th_narrow limit = { .timeline_limit = 5 };

	(void)state;
	target(&limit,
	       "/_matrix/client/v3/sync?filter=%7B%22room%22%3A%7B%22timeline%22%3A%7B%22limit%22%3A8%7D%7D%7D&x=1",
	       "/_matrix/client/v3/sync?filter=%7B%22room%22:%7B%22timeline%22:%7B%22limit%22:5%7D%7D%7D&x=1");
	target(&limit, "/_matrix/client/v3/sync?timeout=1&filter=%7B%7D",
	       "/_matrix/client/v3/sync?timeout=1&filter=%7B%22room%22:%7B%22timeline%22:%7B%22limit%22:5%7D%7D%7D");
	target(&limit, "/s", "/s?filter=%7B%22room%22:%7B%22timeline%22:%7B%22limit%22:5%7D%7D%7D");
	target(&limit, "/s?since=a", "/s?since=a&filter=%7B%22room%22:%7B%22timeline%22:%7B%22limit%22:5%7D%7D%7D");
	refused("/s?filter=0&timeout=1", TH_ERR_NOT_FOUND);
	refused("/s?filter=", TH_ERR_NOT_FOUND);
	refused("/s?filter=%7", TH_ERR_MALFORMED);
	refused("/s?filter=%zz", TH_ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_filter), cmocka_unit_test(test_target) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
