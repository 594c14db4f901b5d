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
	const struct th_history_base base = { .parent = parent, .request = request };

	assert_int_equal(th_history_add(h, m, &base, &of_request, (const uint8_t *)text, strlen(text)), TH_OK);
}

static enum th_err view_of(struct th_history *h, struct th_history_ref parent, struct th_history_ref request,
			   struct th_view *v)
{
	const struct th_history_base base = { .parent = parent, .request = request };

	return th_history_view(h, ours(1000000), &base, v);
}

static void view_is(struct th_history *h, struct th_history_ref parent, struct th_history_ref request,
		    const char *const *texts)
{
	static struct th_view v;
	size_t n = 0;

	assert_int_equal(view_of(h, parent, request, &v), TH_OK);
	for (; texts[n]; n++) {
		assert_true(n < v.n);
		assert_int_equal(v.texts[n].n, strlen(texts[n]));
		assert_int_equal(v.texts[n].n_rest, 0);
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

/* Two requests under way at once, and both answered before the next: the second answer does not lead back to the first.
 */
static void test_overlapping_exchanges(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	struct th_history_base base;
	static struct th_view v;

	(void)state;
	add(h, ours(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "q1");
	add(h, ours(2), TH_HISTORY_NONE, TH_HISTORY_NONE, "q2");
	add(h, theirs(1), ours(2), ours(1), "r1");
	add(h, theirs(2), ours(2), ours(2), "r2");
	th_history_choose(h, 3, TH_HISTORY_NONE, false, &base, &v);
	assert_int_equal(base.parent.number, 2);
	assert_int_equal(base.also, 2);
	assert_int_equal(v.n, 4);
	assert_int_equal(th_history_view(h, ours(3), &base, &v), TH_OK);
	assert_int_equal(v.n, 4);
	assert_int_equal(th_history_add(h, ours(3), &base, &of_request, (const uint8_t *)"q3", 2), TH_OK);
	add(h, theirs(3), ours(3), ours(3), "r3");
	th_history_choose(h, 4, TH_HISTORY_NONE, false, &base, &v);
	assert_int_equal(base.also, 0);
	assert_int_equal(v.n, 6);
	base.also = 8; /* a message that is not here */
	assert_int_equal(th_history_view(h, ours(4), &base, &v), TH_ERR_NOT_FOUND);
	th_history_free(h);
}

/* The answer to a long poll comes after those to many newer requests, and the next request builds on it all the same.
 */
static void test_late_answer_is_the_parent(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	struct th_history_base base;
	static struct th_view v;

	(void)state;
	add(h, ours(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "long poll");
	for (uint64_t i = 2; i <= 40; i++) {
		add(h, ours(i), i > 2 ? theirs(i - 1) : TH_HISTORY_NONE, TH_HISTORY_NONE, "q");
		add(h, theirs(i), ours(i), ours(i), "r");
	}
	add(h, theirs(1), ours(40), ours(1), "news");
	th_history_choose(h, 41, TH_HISTORY_NONE, false, &base, &v);
	assert_int_equal(base.parent.number, 1);
	assert_int_equal(base.also, 1); /* the answer to 40 */
	assert_int_equal(v.n, 2 + 2 * 39);
	th_history_free(h);
}

/* An answer's parent is the newest request, whatever came last. */
static void test_newest_request_is_the_parent(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, false);
	struct th_history_base base;
	static struct th_view v;

	(void)state;
	add(h, theirs(7), TH_HISTORY_NONE, TH_HISTORY_NONE, "q7");
	add(h, theirs(5), TH_HISTORY_NONE, TH_HISTORY_NONE, "q5");
	th_history_choose(h, 5, theirs(5), false, &base, &v);
	assert_int_equal(base.parent.number, 7);
	assert_int_equal(base.request.number, 5);
	assert_int_equal(base.also, 0);
	th_history_choose(h, 7, theirs(7), false, &base, &v);
	assert_int_equal(base.parent.number, 7);
	assert_int_equal(base.also, 4);
	th_history_free(h);
}

/* A long poll's request is forgotten before its answer is: that matters only when it is the request's turn in a view.
 */
static void test_old_request_of_a_new_response(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_MIN, true);
	static struct th_view v;
	char text[101] = "";

	(void)state;
	memset(text, 'a', 100);
	add(h, theirs(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "long poll");
	for (uint64_t i = 2; i < 40; i++)
		add(h, theirs(i), theirs(i - 1), TH_HISTORY_NONE, text);
	add(h, ours(1), theirs(39), theirs(1), "answer");
	for (uint64_t i = 40; i < 60; i++)
		add(h, theirs(i), i == 40 ? ours(1) : theirs(i - 1), TH_HISTORY_NONE, text);
	assert_false(th_history_has(h, theirs(1)));
	assert_int_equal(view_of(h, theirs(59), TH_HISTORY_NONE, &v), TH_OK);
	assert_int_equal(v.n, 36);
	th_history_free(h);
}

/* What is still on its way is counted on only when asked for. */
static void test_hopeful(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, false);
	struct th_history_base base;
	static struct th_view v;

	(void)state;
	add(h, theirs(7), TH_HISTORY_NONE, TH_HISTORY_NONE, "sync");
	add(h, theirs(8), TH_HISTORY_NONE, TH_HISTORY_NONE, "send");
	add(h, ours(8), theirs(8), theirs(8), "event");
	th_history_choose(h, 7, theirs(7), false, &base, &v);
	assert_int_equal(v.n, 2);
	th_history_choose(h, 7, theirs(7), true, &base, &v);
	assert_int_equal(v.n, 3);
	assert_int_equal(base.own, 1);
	assert_int_equal(th_history_view(h, ours(7), &base, &v), TH_OK);
	assert_int_equal(v.n, 3);
	base.own = 2;
	assert_int_equal(th_history_view(h, ours(7), &base, &v), TH_ERR_NOT_FOUND);
	th_history_trust(h, ours(8),
			 TH_HISTORY_UNSURE); /* nor what may never arrive as it was sent, until it is named */
	th_history_choose(h, 7, theirs(7), true, &base, &v);
	assert_int_equal(v.n, 2);
	th_history_trust(h, ours(8), TH_HISTORY_READ); /* but what the peer has read is, also by who does not hope */
	th_history_choose(h, 7, theirs(7), false, &base, &v);
	assert_int_equal(v.n, 3);
	th_history_trust(h, ours(8), TH_HISTORY_UNSURE);
	add(h, theirs(9), ours(8), TH_HISTORY_NONE, "next");
	th_history_choose(h, 9, theirs(9), true, &base, &v);
	assert_int_equal(v.n, 4);
	th_history_free(h);
}

/* What the newest fill needs no mention of older ones. */
static void test_nothing_is_named_without_room(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_MIN, true);
	static char text[1001];
	struct th_history_base base;
	static struct th_view v;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	for (uint64_t i = 1; i <= 5; i++) {
		add(h, theirs(i),
		    i == 2   ? TH_HISTORY_NONE
		    : i == 1 ? TH_HISTORY_NONE
			     : theirs(i - 1),
		    TH_HISTORY_NONE, text);
		th_history_choose(h, i + 1, TH_HISTORY_NONE, false, &base, &v);
		assert_int_equal(base.also, i == 2 || i == 3 ? 1u << (i - 1) : 0);
	}
	th_history_free(h);
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
		text[0] = (char)(i % 255 + 1);
		add(h, theirs(i), i > 1 ? theirs(i - 1) : TH_HISTORY_NONE, TH_HISTORY_NONE, text);
		assert_int_equal(view_of(h, theirs(i), TH_HISTORY_NONE, &v), TH_OK);
		assert_int_equal(v.n, i < 35 ? i : 35); /* seven eighths of 4096 bytes, a hundred and one each */
		assert_int_equal(i % 255 + 1, (uint8_t)v.texts[v.n - 1].p[0]);
		for (size_t k = 0; k < v.n; k++) { /* whole, though it may stand in two pieces */
			assert_int_equal(v.texts[k].n + v.texts[k].n_rest, 100);
			assert_int_equal((i - v.n + 1 + k) % 255 + 1, (uint8_t)v.texts[k].p[0]);
			assert_true(v.texts[k].n_rest == 0 || v.texts[k].rest[v.texts[k].n_rest - 1] == 'a');
		}
		if (i > 41)
			assert_int_equal(view_of(h, theirs(i - 41), TH_HISTORY_NONE, &v), TH_ERR_NOT_FOUND);
		if (i > 41) /* here, but its ancestors are not */
			assert_int_equal(view_of(h, theirs(i - 30), TH_HISTORY_NONE, &v), TH_ERR_NOT_FOUND);
	}
	th_history_free(h);
}

static void test_many_small_messages(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	static struct th_view v;

	(void)state;
	for (uint64_t i = 1; i <= 2000; i++) {
		struct th_history_base base;

		th_history_choose(h, 1000000, TH_HISTORY_NONE, false, &base, &v);
		assert_int_equal(v.n, i - 1 < 286 ? i - 1 : 286);
		add(h, theirs(i), base.parent, TH_HISTORY_NONE, i % 7 ? "{}" : "");
	}
	th_history_free(h);
}

static void test_choose(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_MIN, true);
	struct th_history_base base;
	static struct th_view v;
	char text[101] = "";

	(void)state;
	memset(text, 'a', 100);
	th_history_choose(h, 1000000, ours(1), false, &base, &v);
	assert_true(base.parent.none && base.request.none && v.n == 0);
	add(h, theirs(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "long poll");
	for (uint64_t i = 2; i < 34; i++)
		add(h, theirs(i), i == 2 ? TH_HISTORY_NONE : theirs(i - 1), TH_HISTORY_NONE, text);
	th_history_choose(h, 1000000, theirs(1), false, &base, &v);
	assert_int_equal(base.parent.number, 33);
	assert_false(base.request.none);
	for (uint64_t i = 34; i < 40; i++) /* the request is still here, and may be gone at the other end */
		add(h, theirs(i), theirs(i - 1), TH_HISTORY_NONE, text);
	assert_true(th_history_has(h, theirs(1)));
	th_history_choose(h, 1000000, theirs(1), false, &base, &v);
	assert_int_equal(base.parent.number, 39);
	assert_true(v.n == 35);
	th_history_free(h);
}

static void test_what_is_refused(void **state)
{
	struct th_history *h = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	static uint8_t big[TH_HISTORY_DEFAULT];
	static struct th_view v;

	(void)state;
	assert_null(th_history_new(&th_mem_libc, TH_HISTORY_MIN - 1, true));
	assert_null(th_history_new(&th_mem_libc, TH_HISTORY_MAX + 1, true));
	add(h, ours(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "GET /x\n\n");
	assert_int_equal(th_history_add(h, ours(1), &TH_HISTORY_BASELESS, &of_request, big, 1), TH_ERR_INVALID);
	assert_int_equal(view_of(h, theirs(9), TH_HISTORY_NONE, &v), TH_ERR_NOT_FOUND);
	assert_int_equal(view_of(h, ours(1), theirs(9), &v), TH_ERR_NOT_FOUND);
	assert_int_equal(th_history_add(h, ours(2), &TH_HISTORY_BASELESS, &of_request, big, sizeof(big)), TH_OK);
	assert_int_equal(view_of(h, ours(2), TH_HISTORY_NONE, &v), TH_OK);
	assert_int_equal(v.texts[0].n, TH_HISTORY_DEFAULT / TH_HISTORY_TEXT_PARTS);
	th_history_free(h);
}

/* The asking end adds a request when it has its number, after it was coded. Should its bases have been forgotten
 * meanwhile (the peer was restarted, or long answers came), the peer, who has them, sees another view from there. */
static void test_what_has_lost_its_bases_is_not_kept(void **state)
{
	struct th_history *near = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, true);
	struct th_history *far = th_history_new(&th_mem_libc, TH_HISTORY_DEFAULT, false);
	const char *all[] = { "r1", "q2", NULL };
	struct th_history_base base = { .parent = theirs(1), .request = TH_HISTORY_NONE };
	static struct th_view v;

	(void)state;
	add(near, theirs(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "r1");
	add(far, ours(1), TH_HISTORY_NONE, TH_HISTORY_NONE, "r1");
	th_history_clear(near);
	assert_int_equal(th_history_add(near, ours(2), &base, &of_request, (const uint8_t *)"q2", 2), TH_ERR_NOT_FOUND);
	add(far, theirs(2), ours(1), TH_HISTORY_NONE, "q2");
	view_is(far, theirs(2), theirs(2), all);
	assert_int_equal(view_of(near, ours(2), ours(2), &v), TH_ERR_NOT_FOUND);

	base = (struct th_history_base){ .parent = theirs(3), .request = TH_HISTORY_NONE, .also = 1 };
	add(near, theirs(3), TH_HISTORY_NONE, TH_HISTORY_NONE, "r3");
	assert_int_equal(th_history_add(near, ours(6), &base, &of_request, (const uint8_t *)"q6", 2), TH_ERR_NOT_FOUND);
	assert_false(th_history_has(near, ours(6)));
	th_history_free(near);
	th_history_free(far);
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
	assert_true(allocated <= 80 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_what_was_lost_is_not_seen),
		cmocka_unit_test(test_both_ends_agree),
		cmocka_unit_test(test_overlapping_exchanges),
		cmocka_unit_test(test_late_answer_is_the_parent),
		cmocka_unit_test(test_newest_request_is_the_parent),
		cmocka_unit_test(test_old_request_of_a_new_response),
		cmocka_unit_test(test_hopeful),
		cmocka_unit_test(test_nothing_is_named_without_room),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_many_small_messages),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_what_has_lost_its_bases_is_not_kept),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_memory_of_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
