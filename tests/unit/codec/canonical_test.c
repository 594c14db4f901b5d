/* Canonical JSON: what becomes of strings, in which order members come, how large a value may be, and what is refused.
 */
#include "unit.h"

#include "base/wr.h"
#include "codec/canonical.h"

enum { CAP = 64 * 1024, MEMBERS = 64, LEVELS = 12 };

static char got[CAP];

static void into(void *ctx, const char *p, size_t n)
{
	th_wr_bytes(ctx, p, n);
}

/* The value is in a block of exactly its size, so that the sanitizer sees a byte too far. */
static bool canonical(struct th_str value, struct th_str *out)
{
	struct th_wr w = th_wr_init(got, sizeof(got));
	const struct th_canonical to = { into, &w };
	char *copy = malloc(value.n ? value.n : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, value.p, value.n);
	ok = th_canonical_value(&to, (struct th_str){ copy, value.n });
	free(copy);
	assert_true(th_wr_ok(&w));
	*out = (struct th_str){ got, w.n };
	return ok;
}

static void is(const char *value, const char *as)
{
	struct th_str out;

	assert_true(canonical(th_str_of(value), &out));
	assert_int_equal(out.n, strlen(as));
	assert_memory_equal(out.p, as, out.n);
}

static void refused(const char *value)
{
	struct th_str out;

	if (canonical(th_str_of(value), &out))
		fail_msg("%s", value);
}

static void test_strings(void **state)
{
	(void)state;
	is("\"\"", "\"\"");
	is("\"a/b\"", "\"a/b\"");
	is("\"a\\/b\"", "\"a/b\"");
	is("\"\\b\\f\\n\\r\\t\\\"\\\\\"", "\"\\b\\f\\n\\r\\t\\\"\\\\\"");
	is("\"\\u0008\\u000C\\u000a\\u000D\\u0009\\u0022\\u005c\"", "\"\\b\\f\\n\\r\\t\\\"\\\\\"");
	is("\"\\u0001\\u000b\\u001F\\u0020\\u007f\"", "\"\\u0001\\u000b\\u001f \x7f\"");
	is("\"\\u0041\\u002F\"", "\"A/\"");
	is("\"\\u0080\\u00e9\\u07FF\\u0800\\ud7ff\\ue000\\uFFFF\"",
	   "\"\xc2\x80\xc3\xa9\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"");
	is("\"\xc3\xa9\xf0\x9f\x98\x80\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

static void test_surrogates(void **state)
{
	(void)state;
	is("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"");
	is("\"\\uD800\\uDC00\\udbff\\udfff\"", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
	is("\"\\\\ud83d\"", "\"\\\\ud83d\"");
	refused("\"\\ud83d\"");
	refused("\"\\ude00\"");
	refused("\"\\ude00\\ud83d\"");
	refused("\"\\ud83d\\ud83d\"");
	refused("\"\\ud83dx\"");
	refused("\"\\ud83d\\n\"");
	refused("\"\\ud83d\\u\"");
	refused("\"\\ud83d\\ude0\"");
	refused("\"\\ud83d\\u0041\"");
	refused("\"\\ud83d\\ue000\"");
}

static void test_escapes_that_are_none(void **state)
{
	(void)state;
	refused("\"\\u0000\"");
	refused("{\"a\":[\"b\\u0000\"]}");
	refused("{\"\\u0000\":1}");
	refused("\"\\a\"");
	refused("\"\\'\"");
	refused("\"\\U0041\"");
	refused("\"\\u\"");
	refused("\"\\u004\"");
	refused("\"\\u004g\"");
	refused("\"\\u 041\"");
	refused("\"\\x41\"");
}

static void test_order(void **state)
{
	(void)state;
	is("{}", "{}");
	is("[]", "[]");
	is("{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}");
	is("{\"ab\":1,\"a\":2,\"\":3,\"B\":4}", "{\"\":3,\"B\":4,\"a\":2,\"ab\":1}");
	is("{\"\xc3\xa9\":1,\"~\":2,\"e\":3}", "{\"e\":3,\"~\":2,\"\xc3\xa9\":1}");
	is("[{\"b\":{\"d\":[],\"c\":{}},\"a\":[2,1]},[]]", "[{\"a\":[2,1],\"b\":{\"c\":{},\"d\":[]}},[]]");
	is("{\"b\":\"}\",\"a\":\"\\\",\"}", "{\"a\":\"\\\",\",\"b\":\"}\"}");
	/* Names are in order as they are written, and come as strings do. */
	is("{\"b\":1,\"\\u007a\":2}", "{\"z\":2,\"b\":1}");
}

/* The same name more than once: as they stand, whatever the library's way of sorting. */
static void test_names_that_are_equal(void **state)
{
	char object[CAP] = "{\"z\":0", wanted[CAP] = "{";
	size_t n = strlen(object), w = 1;

	(void)state;
	is("{\"a\":2,\"a\":1,\"\":0,\"a\":3}", "{\"\":0,\"a\":2,\"a\":1,\"a\":3}");
	for (int i = 0; i < MEMBERS - 1; i++) {
		n += (size_t)snprintf(object + n, sizeof(object) - n, ",\"a\":%d", 99 - i);
		w += (size_t)snprintf(wanted + w, sizeof(wanted) - w, "\"a\":%d,", 99 - i);
	}
	(void)snprintf(object + n, sizeof(object) - n, "}");
	(void)snprintf(wanted + w, sizeof(wanted) - w, "\"z\":0}");
	is(object, wanted);
}

static void test_scalars(void **state)
{
	(void)state;
	is("0", "0");
	is("-1.5e3", "-1.5e3");
	is("[true,false,null,1e400]", "[true,false,null,1e400]");
}

static void test_malformed(void **state)
{
	static const char *const values[] = {
		"",
		"{",
		"[",
		"{]",
		"[}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1",
		"{\"a\":1,}",
		"{,}",
		"{1:2}",
		"{\"a\":1]",
		"[1",
		"[1,]",
		"[,]",
		"[1}",
		"{ }",
		"{ \"a\":1}",
		"{\"a\" :1}",
		"{\"a\":[}",
		"{\"a\":\"}",
		"{\"a\":1}}",
		"{\"a\":1}{}",
		"[1][",
		"{\"a\":\"\\\"}",
		"[[]",
		"{\"a\":{}",
		"{\"a",
		"{\"a\":",
		"{\"a\":1,\"b\"",
		"{\"a\":1\"b\":2}x",
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(values); i++)
		refused(values[i]);
}

/* Every beginning of it that is not the whole of it. */
static void test_what_is_cut_off(void **state)
{
	static const char whole[] = "{\"b\":[1,{\"x\":\"\\ud83d\\ude00\"},[]],\"a\":{\"\":\"\\n\"}}";
	struct th_str out;

	(void)state;
	assert_true(canonical(TH_STR(whole), &out));
	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		assert_false(canonical((struct th_str){ whole, n }, &out));
}

static bool with_members(size_t members)
{
	char object[CAP];
	size_t n = 0;
	struct th_str out;

	for (size_t i = 0; i < members; i++)
		n += (size_t)snprintf(object + n, sizeof(object) - n, "%c\"m%zu\":0", i ? ',' : '{', i);
	(void)snprintf(object + n, sizeof(object) - n, "}");
	return canonical(th_str_of(object), &out) && out.n == n + 1;
}

static void test_members(void **state)
{
	(void)state;
	assert_true(with_members(1));
	assert_true(with_members(MEMBERS - 1));
	assert_true(with_members(MEMBERS));
	assert_false(with_members(MEMBERS + 1));
	assert_false(with_members(1000));
}

static bool nested(size_t levels, char open, const char *name, char end)
{
	char value[CAP];
	size_t n = 0;
	struct th_str out;

	for (size_t i = 0; i < levels; i++)
		n += (size_t)snprintf(value + n, sizeof(value) - n, "%c%s", open, i + 1 < levels ? name : "");
	for (size_t i = 0; i < levels; i++)
		value[n++] = end;
	value[n] = 0;
	return canonical(th_str_of(value), &out) && out.n == n;
}

static void test_levels(void **state)
{
	(void)state;
	assert_true(nested(LEVELS, '[', "", ']'));
	assert_false(nested(LEVELS + 1, '[', "", ']'));
	assert_true(nested(LEVELS, '{', "\"a\":", '}'));
	assert_false(nested(LEVELS + 1, '{', "\"a\":", '}'));
	assert_false(nested(20000, '[', "", ']'));
}

/* ---- objects of which not all is shown ---- */

static struct th_str but_b(const void *ctx, const struct th_event_member *m)
{
	const struct th_str *instead = ctx;

	if (th_str_eq(m->name, TH_STR("b")))
		return TH_STR("");
	return th_str_eq(m->name, TH_STR("c")) ? *instead : m->whole;
}

static bool parts(const char *object, struct th_str instead)
{
	struct th_wr w = th_wr_init(got, sizeof(got));
	const struct th_canonical to = { into, &w };
	bool ok = th_canonical_object(&to, th_str_of(object), but_b, &instead);

	assert_true(th_wr_ok(&w));
	got[w.n] = 0;
	return ok;
}

static void test_parts(void **state)
{
	(void)state;
	assert_true(parts("{\"c\":1,\"b\":2,\"a\":{\"c\":3,\"b\":4}}", TH_STR("\"c\":{\"y\":0,\"x\":1}")));
	assert_string_equal(got, "{\"a\":{\"b\":4,\"c\":3},\"c\":{\"x\":1,\"y\":0}}");
	assert_true(parts("{\"b\":1}", TH_STR("")));
	assert_string_equal(got, "{}");
	assert_true(parts("{\"c\":1,\"b\":1}", TH_STR("")));
	assert_string_equal(got, "{}");
	assert_false(parts("{\"b\":1", TH_STR("")));
	assert_false(parts("[\"b\"]", TH_STR("")));
	assert_false(parts("1", TH_STR("")));
	assert_false(parts("", TH_STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_surrogates),
		cmocka_unit_test(test_escapes_that_are_none),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_names_that_are_equal),
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_what_is_cut_off),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
