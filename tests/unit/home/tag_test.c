/* The tag: the same on both sides, another for every other answer. */
#include "home/tag.h"

#include "rig.h"

static void tag(char out[static TH_TAG_TEXT], const struct th_policy *policy, uint16_t status, const char *fields,
		const char *body)
{
	char *text = strdup(fields);
	struct th_field f[16];
	struct th_head h = { .status = status, .fields = f };
	struct th_digest d;

	h.n_fields = rig_fields(text, f, UNIT_COUNT(f));
	th_tag_begin(&d, policy, &h);
	th_digest_bytes(&d, body, strlen(body) / 2); /* pieces do not matter */
	th_digest_bytes(&d, body + strlen(body) / 2, strlen(body) - strlen(body) / 2);
	assert_true(th_tag_end(&d, out));
	assert_true(th_tag_is((struct th_str){ out, TH_TAG_TEXT }));
	free(text);
}

static void same(const char *a_fields, const char *a, const char *b_fields, const char *b, bool want)
{
	const struct th_policy policy = { false };
	char x[TH_TAG_TEXT], y[TH_TAG_TEXT];

	tag(x, &policy, 200, a_fields, a);
	tag(y, NULL, 200, b_fields, b);
	assert_int_equal(memcmp(x, y, sizeof(x)) == 0, want);
}

static void test_same(void **state)
{
	(void)state;
	same("Content-Type: a/b\nDate: today\nServer: x\n", "body", "content-type: a/b\n", "body", true);
	same("Content-Type: a/b\nAge: 5\n", "body", "Content-Type: a/b\n", "body", true);
	same("", "", "", "", true);
	same("", "a", "", "b", false);
	same("Content-Type: a/b\n", "x", "Content-Type: a/c\n", "x", false);
	same("Content-Type: a\n", "x", "", "x", false);
	/* no field runs into the next, or into the body */
	same("ETag: a\nVary: b\n", "x", "ETag: avary\nVary: b\n", "x", false);
	same("ETag: a\n", "", "ETag: \n", "a", false);
}

static void test_form(void **state)
{
	static const char *const bad[] = { "",
					   "\"~t:0123456789abcde\"",
					   "\"~t:0123456789abcdefg\"",
					   "\"~t:0123456789abcde.\"",
					   "\"~u:0123456789abcdef\"",
					   "W/\"~t:0123456789abcd\"",
					   "\"~t:0123456789abcdef'" };
	char ok[TH_TAG_TEXT], other[TH_TAG_TEXT];

	(void)state;
	assert_true(th_tag_is(TH_STR("\"~t:0123456789abc-_f\"")));
	for (size_t i = 0; i < UNIT_COUNT(bad); i++)
		assert_false(th_tag_is(th_str_of(bad[i])));
	tag(ok, NULL, 200, "", "");
	tag(other, NULL, 203, "", "");
	assert_memory_not_equal(ok, other, sizeof(ok));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_same), cmocka_unit_test(test_form) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
