#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "codec/history.h"

static const struct th_model_about of_request = { false, 0, -1 };

static struct th_history_ref ours(uint64_t n)
{
	return (struct th_history_ref){ .sender = TH_HISTORY_OURS, .number = n };
}

static struct th_history_ref theirs(uint64_t n)
{
	return (struct th_history_ref){ .sender = TH_HISTORY_THEIRS, .number = n };
}

static void add(struct th_history *h, struct th_history_ref m, struct th_history_ref parent,
		struct th_history_ref request, const char *text)
{
	assert_int_equal(th_history_add(h, m, parent, request, &of_request, (const uint8_t *)text, strlen(text)),
			 TH_OK);
}

static void view_is(struct th_history *h, struct th_history_ref parent, struct th_history_ref request,
		    const char *const *texts)
{
	static struct th_view v;
	size_t n = 0;

	assert_int_equal(th_history_view(h, parent, request, &v), TH_OK);
	for (; texts[n]; n++) {
		assert_true(n < v.n);
		assert_int_equal(v.texts[n].n, strlen(texts[n]));
		assert_memory_equal(v.texts[n].p, texts[n], v.texts[n].n);
	}
	assert_int_equal(v.n, n);
}

static void test_chain(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	const char *none[] = { NULL }, *one[] = { "q1", NULL }, *two[] = { "q1", "r1", NULL },
		   *all[] = { "q1", "r1", "q2", NULL };

	(void)state;
	add(h, ours(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "q1");
	add(h, theirs(1), TH_HISTORY_NONE, ours(1), "r1");
	add(h, ours(2), theirs(1), TH_HISTORY_NONE, "q2");
	view_is(h, TH_HISTORY_NONE, TH_HISTORY_NONE, none);
	view_is(h, ours(1), TH_HISTORY_NONE, one);
	view_is(h, theirs(1), TH_HISTORY_NONE, two);
	view_is(h, theirs(1), ours(2), all);
	assert_true(th_history_has(h, ours(2)));
	assert_false(th_history_has(h, theirs(2)));
	th_history_clear(h);
	assert_false(th_history_has(h, ours(2)));
	view_is(h, TH_HISTORY_NONE, TH_HISTORY_NONE, none);
	th_history_free(h);
}

/* A request that was lost is in its sender's store, and in nobody's view. */
static void test_what_was_lost_is_not_seen(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	const char *seen[] = { "q1", "r1", "q3", NULL };

	(void)state;
	add(h, ours(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "q1");
	add(h, theirs(1), TH_HISTORY_NONE, ours(1), "r1");
	add(h, ours(2), theirs(1), TH_HISTORY_NONE, "lost");
	add(h, ours(3), theirs(1), TH_HISTORY_NONE, "q3");
	view_is(h, theirs(1), ours(3), seen);
	th_history_free(h);
}

/* Both ends see the same order, whatever order things came in. */
static void test_both_ends_agree(void **state)
{
	struct th_history *near = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	struct th_history *far = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, false);
	const char *seen[] = { "qb", "qa", "rb", "ra", NULL };

	(void)state;
	add(near, ours(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "qb");
	add(near, ours(2), TH_HISTORY_NONE, TH_HISTORY_NONE, "qa");
	add(near, theirs(2), ours(2), ours(2), "ra");
	add(near, theirs(1), ours(1), ours(1), "rb");
	add(far, theirs(2), TH_HISTORY_NONE, TH_HISTORY_NONE, "qa");
	add(far, ours(2), theirs(2), theirs(2), "ra");
	add(far, theirs(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "qb");
	add(far, ours(1), theirs(1), theirs(1), "rb");
	view_is(near, theirs(2), theirs(1), seen);
	view_is(far, ours(1), ours(2), seen);
	th_history_free(near);
	th_history_free(far);
}

static void test_eviction(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_MIN, true);
	char text[101];
	static struct th_view v;

	(void)state;
	memset(text, 'a', 100);
	text[100] = 0;
	for (uint64_t i = 1; i <= 1000; i++) {
		text[0] = (char)i;
		assert_int_equal(th_history_add(h, theirs(i), i > 1 ? theirs(i - 1) : TH_HISTORY_NONE, TH_HISTORY_NONE,
						&of_request, (const uint8_t *)text, 100),
				 TH_OK);
		assert_int_equal(th_history_view(h, theirs(i), TH_HISTORY_NONE, &v), TH_OK);
		assert_int_equal(v.n, i < 30 ? i : 30); /* three quarters of 4096 bytes, a hundred and one each */
		assert_int_equal((uint8_t)i, v.texts[v.n - 1].p[0]);
		if (i > 41)
			assert_int_equal(th_history_view(h, theirs(i - 41), TH_HISTORY_NONE, &v), TH_ERR_NOT_FOUND);
		if (i > 41) /* here, but its ancestors are not */
			assert_int_equal(th_history_view(h, theirs(i - 30), TH_HISTORY_NONE, &v), TH_ERR_NOT_FOUND);
	}
	th_history_free(h);
}

static void test_many_small_messages(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	static struct th_view v;

	(void)state;
	for (uint64_t i = 1; i <= 2000; i++) {
		struct th_history_ref parent, request = TH_HISTORY_NONE;

		th_history_choose(h, &parent, &request, &v);
		assert_int_equal(v.n, i - 1 < 192 ? i - 1 : 192);
		add(h, theirs(i), parent, TH_HISTORY_NONE, i % 7 ? "{}" : "");
	}
	th_history_free(h);
}

static void test_choose(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_MIN, true);
	struct th_history_ref parent, request = ours(1);
	static struct th_view v;
	char text[101] = "";

	(void)state;
	memset(text, 'a', 100);
	th_history_choose(h, &parent, &request, &v);
	assert_true(parent.none && request.none && v.n == 0);
	add(h, theirs(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "long poll");
	for (uint64_t i = 2; i < 34; i++)
		add(h, theirs(i), i == 2 ? TH_HISTORY_NONE : theirs(i - 1), TH_HISTORY_NONE, text);
	request = theirs(1);
	th_history_choose(h, &parent, &request, &v);
	assert_int_equal(parent.number, 33);
	assert_false(request.none);
	for (uint64_t i = 34; i < 39; i++) /* the request is still here, and may be gone at the other end */
		add(h, theirs(i), theirs(i - 1), TH_HISTORY_NONE, text);
	assert_true(th_history_has(h, theirs(1)));
	request = theirs(1);
	th_history_choose(h, &parent, &request, &v);
	assert_int_equal(parent.number, 38);
	assert_true(v.n == 30);
	th_history_free(h);
}

static void test_what_is_refused(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	static uint8_t big[TH_HISTORY_DEFAULT];
	static struct th_view v;
	struct th_model_about about;

	(void)state;
	assert_null(th_history_new(&th_mem_libc, TH_HISTORY_MIN - 1, true));
	assert_null(th_history_new(&th_mem_libc, TH_HISTORY_MAX + 1, true));
	add(h, ours(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "GET /x\n\n");
	assert_int_equal(th_history_add(h, ours(1), TH_HISTORY_NONE, TH_HISTORY_NONE, &of_request, big, 1),
			 TH_ERR_INVALID);
	assert_int_equal(th_history_view(h, theirs(9), TH_HISTORY_NONE, &v), TH_ERR_NOT_FOUND);
	assert_int_equal(th_history_view(h, ours(1), theirs(9), &v), TH_ERR_NOT_FOUND);
	assert_int_equal(th_history_about(h, theirs(9), &about), TH_ERR_NOT_FOUND);
	assert_int_equal(th_history_about(h, ours(1), &about), TH_OK);
	assert_true(about.is_response && about.kind != 0 && about.account == -1);
	assert_int_equal(th_history_add(h, ours(2), TH_HISTORY_NONE, TH_HISTORY_NONE, &of_request, big, sizeof(big)),
			 TH_OK);
	assert_int_equal(th_history_view(h, ours(2), TH_HISTORY_NONE, &v), TH_OK);
	assert_int_equal(v.texts[0].n, TH_HISTORY_DEFAULT / TH_HISTORY_TEXT_PARTS);
	th_history_free(h);
}

static size_t allocated;

static void *counting(void *ctx, size_t n)
{
	(void)ctx;
	allocated = n;
	return calloc(1, n);
}

static void test_memory_of_a_session(void **state)
{
	struct th_mem mem = th_mem_libc;

	(void)state;
	mem.alloc = counting;
	th_history_free(th_history_new(&mem, TH_HISTORY_DEFAULT, true));
	print_message("a session's history: %zu bytes\n", allocated);
	assert_true(allocated <= 82 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_what_was_lost_is_not_seen),
		cmocka_unit_test(test_both_ends_agree),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_many_small_messages),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_memory_of_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
