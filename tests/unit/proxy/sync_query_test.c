/* Targets of syncs: what is read of them, what is left when since and timeout are taken out, and what is put together again. */
#include "unit.h"

#include "proxy/sync_query.h"

#define PATH "/_matrix/client/v3/sync"
#define SLIDING "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"

static void expect(const char *target, const char *since, uint64_t timeout, bool full, const char *rest, const char *again)
{
	struct th_str t = th_str_of(target);
	struct th_sync_token next = { "s9", 2 };
	struct th_sync_query q;
	char out[512];
	size_t n;

	assert_true(th_sync_query_read(&q, t));
	assert_int_equal(q.at.since.n, strlen(since));
	assert_memory_equal(q.at.since.p, since, q.at.since.n);
	assert_int_equal(q.timeout_ms, timeout);
	assert_int_equal(q.full_state, full);
	n = th_sync_query_rest(t, out);
	assert_int_equal(n, strlen(rest));
	assert_memory_equal(out, rest, n);
	n = th_sync_query_write(t, &next, 50000, out, sizeof(out));
	assert_int_equal(n, strlen(again));
	assert_memory_equal(out, again, n);
	for (size_t cap = 0; cap < n; cap++) /* told what it would take, whatever room there is */
		assert_int_equal(th_sync_query_write(t, &next, 50000, out, cap), n);
}

static void test_read(void **state)
{
	(void)state;
	expect(PATH, "", 0, false, PATH, PATH "?since=s9&timeout=50000");
	expect(PATH "?", "", 0, false, PATH "?", PATH "?since=s9&timeout=50000");
	expect(PATH "?timeout=30000&since=s72_4", "s72_4", 30000, false, PATH "?", PATH "?since=s9&timeout=50000");
	expect(PATH "?filter=1&timeout=30000&since=s72&set_presence=offline", "s72", 30000, false,
	       PATH "?filter=1&set_presence=offline", PATH "?filter=1&set_presence=offline&since=s9&timeout=50000");
	expect(PATH "?full_state=true&since=a%7Eb", "a~b", 0, true, PATH "?", PATH "?full_state=true&since=s9&timeout=50000");
	expect(PATH "?full_state=false&filter=%7B%22x%22%3A1%7D", "", 0, false, PATH "?filter=%7B%22x%22%3A1%7D",
	       PATH "?full_state=false&filter=%7B%22x%22%3A1%7D&since=s9&timeout=50000");
	expect(SLIDING "?pos=5%2Fs1_2&timeout=30000", "5/s1_2", 30000, false, SLIDING "?", SLIDING "?pos=s9&timeout=50000");
	expect(SLIDING "?timeout=0&since=a&pos=5/s1", "5/s1", 0, false, SLIDING "?since=a", SLIDING "?since=a&pos=s9&timeout=50000");
	expect("/_matrix/client/r0/sync?a&&b=", "", 0, false, "/_matrix/client/r0/sync?a&&b=",
	       "/_matrix/client/r0/sync?a&&b=&since=s9&timeout=50000");
}

static void test_left_alone(void **state)
{
	static const char *const others[] = {
		"/_matrix/client/v3/sync/more", "/_matrix/client/unstable/org.matrix.msc3575/sync?timeout=1", "/_matrix/client/versions",
		PATH "?since=", PATH "?since", PATH "?since=a&since=b", PATH "?timeout=1&timeout=1", PATH "?timeout=", PATH "?timeout=-1",
		PATH "?timeout=1e3", PATH "?timeout=1234567890123", PATH "?since=a+b", PATH "?since=a%20b", PATH "?since=a%2", PATH "?since=%22",
		PATH "?%73ince=a", "",
	};
	struct th_sync_query q;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(th_sync_query_read(&q, th_str_of(others[i])));
}

static void test_long_tokens(void **state)
{
	char target[1024] = PATH "?since=";
	size_t head = strlen(target);
	struct th_sync_query q;

	(void)state;
	memset(target + head, 'x', TH_SYNC_TOKEN_MAX + 1);
	assert_true(th_sync_query_read(&q, (struct th_str){ target, head + TH_SYNC_TOKEN_MAX }));
	assert_int_equal(q.at.since.n, TH_SYNC_TOKEN_MAX);
	assert_false(th_sync_query_read(&q, (struct th_str){ target, head + TH_SYNC_TOKEN_MAX + 1 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_long_tokens),
	};

	return cmocka_run_group_tests_name("proxy/sync_query", tests, NULL, NULL);
}
