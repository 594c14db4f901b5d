/* Sliding sync: where the token of a request stands, and what is left of an answer when there is nothing to tell. */
#include "unit.h"

#include "base/rng.h"
#include "proxy/sync_sliding.h"

static struct th_str text(const char *s)
{
	return th_str_of(s);
}

/* ---- requests ---- */

static void expect_request(const char *body, const char *token, const char *again, const char *without)
{
	const struct th_sync_token next = { "77", 2 };
	uint8_t out[1024];
	struct th_wr w = th_wr_init(out, sizeof(out));
	struct th_sliding_spot spot;

	assert_true(th_sliding_find(text(body), &spot));
	assert_int_equal(spot.n, strlen(token));
	assert_memory_equal(body + spot.at, token, spot.n);
	assert_int_equal(strlen(without), strlen(body) - spot.length);
	assert_memory_equal(body, without, spot.member);
	assert_string_equal(body + spot.member + spot.length, without + spot.member);
	th_sliding_write(&w, text(body), &next);
	assert_true(th_wr_ok(&w));
	assert_int_equal(w.n, strlen(again));
	assert_memory_equal(out, again, w.n);
}

static void requests(void **state)
{
	static const char *const none[] = { "{}", "{\"extensions\":{\"to_device\":{\"enabled\":true}}}",
					    "{\"to_device\":{\"since\":\"1\"}}" };
	static const char *const others[] = {
		"",
		"{",
		"[]",
		"{ \"extensions\":{}}",
		"{\"extensions\":{\"to_device\":{\"since\":11}}}",
		"{\"extensions\":{\"to_device\":{\"since\":\"\"}}}",
		"{\"extensions\":{\"to_device\":{\"since\":\"a\\\"b\"}}}",
		"{\"extensions\":{\"to_device\":{\"since\":\"a\",\"since\":\"b\"}}}",
		"{\"extensions\":{\"to_device\":{\"since\":\"a\"}}",
		"{\"extensions\":{\"to_device\":{\"since\":\"a\"}}} ",
	};
	struct th_sliding_spot spot;

	(void)state;
	expect_request("{\"lists\":{\"a\":{\"since\":\"x\"}},\"extensions\":{\"e2ee\":{},\"to_device\":{\"enabled\":"
		       "true,\"since\":\"11\","
		       "\"limit\":5}}}",
		       "11",
		       "{\"lists\":{\"a\":{\"since\":\"x\"}},\"extensions\":{\"e2ee\":{},\"to_device\":{\"enabled\":"
		       "true,\"since\":\"77\","
		       "\"limit\":5}}}",
		       "{\"lists\":{\"a\":{\"since\":\"x\"}},\"extensions\":{\"e2ee\":{},\"to_device\":{\"enabled\":"
		       "true,\"limit\":5}}}");
	expect_request("{\"extensions\":{\"to_device\":{\"since\":\"11\",\"enabled\":true}}}", "11",
		       "{\"extensions\":{\"to_device\":{\"since\":\"77\",\"enabled\":true}}}",
		       "{\"extensions\":{\"to_device\":{\"enabled\":true}}}");
	expect_request("{\"extensions\":{\"to_device\":{\"since\":\"11\"}}}", "11",
		       "{\"extensions\":{\"to_device\":{\"since\":\"77\"}}}", "{\"extensions\":{\"to_device\":{}}}");
	for (size_t i = 0; i < UNIT_COUNT(none); i++)
		expect_request(none[i], "", none[i], none[i]);
	for (size_t i = 0; i < UNIT_COUNT(others); i++)
		assert_false(th_sliding_find(text(others[i]), &spot));
}

/* ---- answers ---- */

#define COUNTS                                                                                                         \
	"\"e2ee\":{\"device_one_time_keys_count\":{\"signed_curve25519\":49},\"device_unused_fallback_key_types\":["   \
	"\"a\"]"

static struct th_sync_form f;

static int set_up(void **state)
{
	(void)state;
	th_sync_form_init(&f, &th_mem_libc);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	th_sync_form_free(&f);
	return 0;
}

static void expect_idle(const struct th_sync_place *at, const char *idle)
{
	struct th_buf out;

	th_buf_init(&out, &th_mem_libc, TH_SYNC_IDLE_MAX);
	assert_int_equal(th_sync_form_write(&f, at, &out), TH_OK);
	assert_int_equal(out.n, strlen(idle));
	assert_memory_equal(th_buf_data(&out), idle, out.n);
	th_buf_free(&out);
}

static void expect_answer(const char *body, bool news, const char *idle)
{
	const struct th_sync_place at = { { "4/s1", 4 }, { "8", 1 } };

	assert_true(th_sliding_form(&f, text(body)));
	assert_int_equal(f.news, news);
	expect_idle(&at, idle);
}

static void answers(void **state)
{
	(void)state;
	expect_answer("{\"pos\":\"5/s2\"}", false, "{\"pos\":\"4/s1\"}");
	/* as Synapse says that there is nothing */
	expect_answer("{\"pos\":\"5/"
		      "s2\",\"lists\":{\"all\":{\"count\":1}},\"rooms\":{},\"extensions\":{\"to_device\":{\"next_"
		      "batch\":\"9\","
		      "\"events\":[]}," COUNTS
		      ",\"device_lists\":{\"changed\":[],\"left\":[]}},\"account_data\":{\"global\":[],\"rooms\":{}},"
		      "\"typing\":{\"rooms\":{}}}}",
		      false,
		      "{\"pos\":\"4/"
		      "s1\",\"lists\":{\"all\":{\"count\":1}},\"rooms\":{},\"extensions\":{\"to_device\":{\"next_"
		      "batch\":\"8\","
		      "\"events\":[]}," COUNTS
		      ",\"device_lists\":{\"changed\":[],\"left\":[]}},\"account_data\":{\"global\":[],\"rooms\":{}},"
		      "\"typing\":{\"rooms\":{}}}}");
	/* all that may be told, each alone is news */
	expect_answer("{\"rooms\":{\"!a\":{}},\"pos\":\"5\"}", true, "{\"rooms\":{},\"pos\":\"4/s1\"}");
	expect_answer("{\"extensions\":{\"to_device\":{\"events\":[{}],\"next_batch\":\"9\"}},\"pos\":\"5\"}", true,
		      "{\"extensions\":{\"to_device\":{\"events\":[],\"next_batch\":\"8\"}},\"pos\":\"4/s1\"}");
	expect_answer("{\"pos\":\"5\",\"extensions\":{\"typing\":{\"rooms\":{\"!a\":[]}}}}", true,
		      "{\"pos\":\"4/s1\",\"extensions\":{\"typing\":{\"rooms\":{}}}}");
	expect_answer("{\"pos\":\"5\",\"extensions\":{\"e2ee\":{\"device_lists\":{\"changed\":[\"@a\"],\"left\":[]}}}}",
		      true,
		      "{\"pos\":\"4/s1\",\"extensions\":{\"e2ee\":{\"device_lists\":{\"changed\":[],\"left\":[]}}}}");
	expect_answer("{\"pos\":\"5\",\"more\":{\"x\":1}}", true, "{\"pos\":\"4/s1\",\"more\":{}}");
}

/* What a client that got this answer asks with. */
static void places(void **state)
{
	const struct th_sync_place at = { { "4/s1", 4 }, { "8", 1 } }, none = { { "4/s1", 4 }, { "", 0 } };
	struct th_sync_place next;

	(void)state;
	assert_true(th_sliding_form(&f, text("{\"pos\":\"5\",\"extensions\":{\"to_device\":{\"next_batch\":\"9\"}}}")));
	next = th_sync_form_next(&f, &at);
	assert_true(th_sync_token_eq(&next.since, &(struct th_sync_token){ "5", 1 }));
	assert_true(th_sync_token_eq(&next.device, &(struct th_sync_token){ "9", 1 }));
	expect_idle(&none, "{\"pos\":\"4/s1\",\"extensions\":{\"to_device\":{\"next_batch\":\"9\"}}}");
	assert_true(th_sliding_form(&f, text("{\"pos\":\"5\"}")));
	next = th_sync_form_next(&f, &at);
	assert_true(th_sync_token_eq(&next.device, &at.device));
}

/* Another list, or another count of keys, is another form; another token is not. */
static void digests(void **state)
{
	static const char *const same[] = { "{\"pos\":\"5\",\"lists\":{\"a\":1},\"rooms\":{}}",
					    "{\"pos\":\"6\",\"lists\":{\"a\":1},\"rooms\":{\"!a\":{}}}" },
				 *const other = "{\"pos\":\"5\",\"lists\":{\"a\":2},\"rooms\":{}}";
	uint8_t a[TH_SYNC_DIGEST], b[TH_SYNC_DIGEST];

	(void)state;
	assert_true(th_sliding_form(&f, text(same[0])));
	th_sync_form_digest(&f, a);
	assert_true(th_sliding_form(&f, text(same[1])));
	th_sync_form_digest(&f, b);
	assert_memory_equal(a, b, sizeof(a));
	assert_true(th_sliding_form(&f, text(other)));
	th_sync_form_digest(&f, b);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void no_answers(void **state)
{
	static const char *const others[] = {
		"",
		"{}",
		"[]",
		"{\"pos\":\"\"}",
		"{\"pos\":5}",
		"{\"pos\":\"a\\/b\"}",
		"{\"pos\":\"5\",\"pos\":\"6\"}",
		"{\"pos\":\"5\",\"rooms\":1}",
		"{\"pos\":\"5\",\"txn_id\":\"x\"}",
		"{\"pos\":\"5\",\"extensions\":[]}",
		"{\"pos\":\"5\",\"extensions\":{\"to_device\":[]}}",
		"{\"pos\":\"5\",\"extensions\":{\"to_device\":{\"next_batch\":\"a\",\"next_batch\":\"a\"}}}",
		"{\"pos\":\"5\",\"extensions\":{\"to_device\":{\"next_batch\":7}}}",
		"{\"pos\": \"5\"}",
		"{\"pos\":\"5\"}x",
		"{\"pos\":\"5\"",
		"{\"errcode\":\"M_UNKNOWN_POS\",\"error\":\"x\"}",
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(others); i++)
		assert_false(th_sliding_form(&f, text(others[i])));
}

/* A client with many rooms gets them all in `lists`, again and again. */
static void many_rooms(void **state)
{
	enum { ROOMS = 500 };
	static char body[64 * 1024];
	size_t n = (size_t)snprintf(body, sizeof(body), "{\"pos\":\"5\",\"lists\":{\"a\":[");

	(void)state;
	for (unsigned i = 0; i < ROOMS; i++)
		n += (size_t)snprintf(body + n, sizeof(body) - n, "%s\"!%043u\"", i ? "," : "", i);
	snprintf(body + n, sizeof(body) - n, "]}}");
	assert_true(th_sliding_form(&f, text(body)));
	memset(body + n, '1', TH_SYNC_FORM_MAX);
	snprintf(body + n + TH_SYNC_FORM_MAX, sizeof(body) - n - TH_SYNC_FORM_MAX, "]}}");
	assert_false(th_sliding_form(&f, text(body))); /* too many */
}

/* Whatever it is, it has a form of bounded length or none. */
static void anything(void **state)
{
	static const char seed_text[] =
		"{\"pos\":\"5/s2\",\"lists\":{\"all\":{\"count\":1}},\"rooms\":{},\"extensions\":{\"to_device\":{"
		"\"next_batch\":\"9\",\"events\":[]}," COUNTS "}}}";
	uint64_t seed = 1;
	struct th_rng rng = th_rng_seeded(&seed);
	unsigned good = 0;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		struct th_sliding_spot spot;
		size_t len = sizeof(seed_text) - 1;
		char *body = malloc(len);

		memcpy(body, seed_text, len);
		for (uint64_t k = th_rng_below(&rng, 3); k > 0; k--)
			body[th_rng_below(&rng, len)] = "{}[]\",:ax5\\/ "[th_rng_below(&rng, 13)];
		len -= th_rng_below(&rng, 4) ? 0 : th_rng_below(&rng, len);
		if (th_sliding_form(&f, (struct th_str){ body, len })) {
			assert_true(f.form.n <= TH_SYNC_FORM_MAX && f.next_at < f.form.n && f.device_at < f.form.n);
			good++;
		}
		if (th_sliding_find((struct th_str){ body, len }, &spot))
			assert_true(spot.at + spot.n <= len && spot.member + spot.length <= len);
		free(body);
	}
	assert_true(good > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests), cmocka_unit_test(answers),	  cmocka_unit_test(places),
		cmocka_unit_test(digests),  cmocka_unit_test(no_answers), cmocka_unit_test(many_rooms),
		cmocka_unit_test(anything),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
