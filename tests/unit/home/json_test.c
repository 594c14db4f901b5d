/* Members found and set without touching another byte. */
#include "home/json.h"

#include "rig.h"

static void test_objects(void **state)
{
	static const char *const good[] = { "{}",
					    " { } ",
					    "{\"a\":1}",
					    "{\"a\":{\"b\":[1,2,{}]}}",
					    "{\"a\":\"\\\"}\"}",
					    "{\"a\":-1.5e+3}",
					    "{\"a\" : [ ] , \"b\":null}" };
	static const char *const bad[] = {
		"",	 "[]",		"{",	      "{}x",	    "{\"a\"}", "{\"a\":}",	"{\"a\":1,}",
		"{a:1}", "{\"a\":1 2}", "{\"a\":\"}", "{\"a\":[1}", "nul",     "{\"a\":\"\n\"}"
	};
	char deep[200] = "{\"a\":";

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(good); i++)
		if (!th_json_is_object(th_str_of(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < UNIT_COUNT(bad); i++)
		if (th_json_is_object(th_str_of(bad[i])))
			fail_msg("taken: %s", bad[i]);
	memset(deep + 5, '[', 40);
	memset(deep + 45, ']', 40);
	deep[85] = '}';
	assert_false(th_json_is_object(th_str_of(deep)));
}

static void test_member(void **state)
{
	struct th_str text = TH_STR("{\"x\":{\"limit\":1}, \"limit\" : 20 ,\"s\":\"limit\",\"limit\":[3]}"), v;

	(void)state;
	assert_true(th_json_member(text, TH_STR("x"), &v));
	assert_str_is(v, "{\"limit\":1}");
	assert_true(th_json_member(text, TH_STR("limit"), &v)); /* the last one */
	assert_str_is(v, "[3]");
	assert_false(th_json_member(text, TH_STR("no"), &v));
	assert_false(th_json_member(TH_STR("{}"), TH_STR("no"), &v));
	assert_false(th_json_member(TH_STR("[1]"), TH_STR("no"), &v));
}

static void sets(const char *object, const char *name, const char *value, const char *want)
{
	struct th_buf out;

	th_buf_init(&out, &th_mem_libc, 1000);
	assert_int_equal(th_json_set(th_str_of(object), th_str_of(name), th_str_of(value), &out), TH_OK);
	assert_int_equal(out.n, strlen(want));
	assert_memory_equal(th_buf_data(&out), want, out.n);
	th_buf_free(&out);
}

static void test_set(void **state)
{
	struct th_buf out;

	(void)state;
	sets("{}", "a", "1", "{\"a\":1}");
	sets(" { } ", "a", "1", " {\"a\":1 } ");
	sets("{\"b\":2.50}", "a", "{}", "{\"a\":{},\"b\":2.50}");
	sets("{\"b\":2, \"a\" : [1, 2] ,\"c\":3}", "a", "null", "{\"b\":2, \"a\" : null ,\"c\":3}");
	th_buf_init(&out, &th_mem_libc, 4);
	assert_int_equal(th_json_set(TH_STR("[]"), TH_STR("a"), TH_STR("1"), &out), TH_ERR_MALFORMED);
	assert_int_equal(th_json_set(TH_STR("{}"), TH_STR("a"), TH_STR("1"), &out), TH_ERR_TOO_LARGE);
	th_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_member),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
