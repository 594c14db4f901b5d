/* What is learned of an answer to a sync as it passes: forms, news, next_batch; whatever pieces it comes in, and whatever it is. */
#include "unit.h"

#include "base/rng.h"
#include "proxy/sync_form.h"

#define KEYS "\"device_one_time_keys_count\":{\"signed_curve25519\":50}"

static bool read_in(struct th_sync_form *f, const char *text, size_t n, size_t piece)
{
	if (!f->form.mem)
		th_sync_form_init(f, &th_mem_libc);
	th_sync_form_begin(f);
	for (size_t i = 0; i < n; i += piece)
		th_sync_form_feed(f, (const uint8_t *)text + i, n - i < piece ? n - i : piece);
	return th_sync_form_end(f);
}

static void expect(const char *text, const char *next, bool news, const char *idle)
{
	static struct th_sync_form f, g;
	struct th_buf out;
	struct th_sync_place at = { .since = { "s1_2", 4 } };
	size_t n = strlen(text);

	for (size_t piece = 1; piece <= n; piece++) {
		assert_true(read_in(&f, text, n, piece));
		assert_int_equal(f.next.since.n, strlen(next));
		assert_memory_equal(f.next.since.p, next, f.next.since.n);
		assert_int_equal(f.news, news);
		th_buf_init(&out, &th_mem_libc, TH_SYNC_IDLE_MAX);
		assert_int_equal(th_sync_form_write(&f, &at, &out), TH_OK);
		assert_int_equal(out.n, strlen(idle));
		assert_memory_equal(th_buf_data(&out), idle, strlen(idle));
		th_buf_free(&out);
	}
	/* none of its beginnings is an answer */
	for (size_t i = 0; i < n && text[n - 1] == '}'; i++)
		assert_false(read_in(&g, text, i, i ? i : 1));
}

static void test_forms(void **state)
{
	(void)state;
	expect("{\"next_batch\":\"s9\"}", "s9", false, "{\"next_batch\":\"s1_2\"}");
	expect("{\"next_batch\":\"s9\"," KEYS "}", "s9", false, "{\"next_batch\":\"s1_2\"," KEYS "}");
	expect("{" KEYS ",\"next_batch\":\"s9\"}", "s9", false, "{" KEYS ",\"next_batch\":\"s1_2\"}");
	expect("{\"next_batch\":\"s9\",\"to_device\":{\"events\":[{\"type\":\"a\"}]}," KEYS "}", "s9", true,
	       "{\"next_batch\":\"s1_2\"," KEYS "}");
	expect("{\"rooms\":{\"join\":{\"!a:b\":{\"x\":[1,\"}\\\"\",{}]}}},\"next_batch\":\"s9\"}", "s9", true, "{\"next_batch\":\"s1_2\"}");
	/* nothing but emptiness is no news */
	expect("{\"next_batch\":\"s9\",\"rooms\":{\"join\":{},\"invite\":{}},\"presence\":{\"events\":[]}}", "s9", false,
	       "{\"next_batch\":\"s1_2\"}");
	/* what nobody knows is news, whatever it is */
	expect("{\"next_batch\":\"s9\",\"x\":1}", "s9", true, "{\"next_batch\":\"s1_2\"}");
	expect("{\"x\":null ,\"next_batch\":\"s9\"}", "s9", true, "{\"next_batch\":\"s1_2\"}");
	expect("{\"x\":{\"y\":{\"z\":true}},\"next_batch\":\"s9\"}", "s9", true, "{\"next_batch\":\"s1_2\"}");
	/* white space stays where it was */
	expect("{ \"next_batch\" : \"s9\" ,\n " KEYS " }", "s9", false, "{ \"next_batch\" : \"s1_2\" ,\n " KEYS " }");
	expect("{\"next_batch\":\"s9\",\"device_unused_fallback_key_types\":[\"signed_curve25519\"]}", "s9", false,
	       "{\"next_batch\":\"s1_2\",\"device_unused_fallback_key_types\":[\"signed_curve25519\"]}");
}

static void test_refused(void **state)
{
	static const char *const wrong[] = {
		"", "{}", "[]", "null", "{\"x\":1}", "{\"next_batch\":1}", "{\"next_batch\":\"\"}", "{\"next_batch\":\"a\\n\"}",
		"{\"next_batch\":\"a b\"}", "{\"next_batch\":\"a\",\"next_batch\":\"b\"}", "{\"next_batch\":\"a\"}x",
		"{\"next_batch\":\"a\"", "{\"next_batch\":\"a\"]", "{\"next_batch\":\"a\",}", "{,\"next_batch\":\"a\"}",
		"{\"next_batch\":\"a\",\"x\":[}}", "{\"next_batch\":\"a\",\"x\":{]}", "{\"ne\\u0078t_batch\":\"a\"}", "{\"next_batch\" \"a\"}",
	};
	static struct th_sync_form f;
	char deep[256] = "{\"next_batch\":\"a\",\"x\":";

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(read_in(&f, wrong[i], strlen(wrong[i]), 3));
	memset(deep + strlen(deep), '[', 100);
	assert_false(read_in(&f, deep, strlen(deep), 7));
}

/* A standing member that is longer than a form may be. */
static void test_bounds(void **state)
{
	static char text[TH_SYNC_FORM_MAX + 200];
	static struct th_sync_form f;
	size_t n;

	(void)state;
	for (size_t fill = TH_SYNC_FORM_MAX - 100; fill < TH_SYNC_FORM_MAX + 50; fill++) {
		n = (size_t)snprintf(text, sizeof(text), "{\"next_batch\":\"a\",\"device_one_time_keys_count\":\"%0*d\"}", (int)fill, 0);
		assert_int_equal(read_in(&f, text, n, n), n - 1 <= TH_SYNC_FORM_MAX);
		assert_true(f.form.n <= TH_SYNC_FORM_MAX);
	}
	n = (size_t)snprintf(text, sizeof(text), "{\"next_batch\":\"%0*d\"}", TH_SYNC_TOKEN_MAX, 0);
	assert_true(read_in(&f, text, n, n));
	n = (size_t)snprintf(text, sizeof(text), "{\"next_batch\":\"%0*d\"}", TH_SYNC_TOKEN_MAX + 1, 0);
	assert_false(read_in(&f, text, n, n));
}

/* Two answers that differ in nothing but next_batch and news have one digest, all others have another. */
static void test_digest(void **state)
{
	static const char *const same[] = { "{\"next_batch\":\"a\"," KEYS "}", "{\"next_batch\":\"bcd\",\"x\":1," KEYS "}" };
	static struct th_sync_form f;
	uint8_t a[TH_SYNC_DIGEST], b[TH_SYNC_DIGEST];
	const char *other = "{\"next_batch\":\"a\",\"device_one_time_keys_count\":{\"signed_curve25519\":49}}";

	(void)state;
	assert_true(read_in(&f, same[0], strlen(same[0]), 5));
	th_sync_form_digest(&f, a);
	assert_true(read_in(&f, same[1], strlen(same[1]), 5));
	th_sync_form_digest(&f, b);
	assert_memory_equal(a, b, sizeof(a));
	assert_true(read_in(&f, other, strlen(other), 5));
	th_sync_form_digest(&f, b);
	assert_memory_not_equal(a, b, sizeof(a));
}

/* Whatever comes: no byte beyond the form is touched (the sanitizers look), and what is refused stays refused. */
static void test_noise(void **state)
{
	static const char alphabet[] = "{}[]:,\"\\ a1next_batch";
	static struct th_sync_form f;
	uint64_t seed = unit_seed("sync_form", 1);
	struct th_rng rng = th_rng_seeded(&seed);
	uint8_t text[64];

	(void)state;
	th_sync_form_init(&f, &th_mem_libc);
	for (unsigned i = 0; i < 200000; i++) {
		size_t n = th_rng_below(&rng, sizeof(text));

		for (size_t k = 0; k < n; k++)
			text[k] = (uint8_t)alphabet[th_rng_below(&rng, sizeof(alphabet) - 1)];
		th_sync_form_begin(&f);
		th_sync_form_feed(&f, text, n);
		if (!th_sync_form_end(&f))
			assert_false(th_sync_form_end(&f));
		assert_true(f.form.n <= TH_SYNC_FORM_MAX && f.next.since.n <= TH_SYNC_TOKEN_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),  cmocka_unit_test(test_refused), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_digest), cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests_name("proxy/sync_form", tests, NULL, NULL);
}
