#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>

#include "link/resolve.h"

struct answer {
	int calls;
	size_t n;
	enum th_err err;
	struct th_addr addrs[TH_RESOLVE_MAX];
};

static void on_done(void *user, const struct th_addr *addrs, size_t n, enum th_err err)
{
	struct answer *a = user;

	a->calls++;
	a->n = n;
	a->err = err;
	if (n)
		memcpy(a->addrs, addrs, n * sizeof(*addrs));
}

static void wait_for(struct th_loop *loop, const struct answer *a)
{
	for (int i = 0; i < 200 && !a->calls; i++)
		assert_int_equal(th_loop_step(loop, 50 * TH_MS), TH_OK);
}

static void numeric_hosts_answer_at_once(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct answer a = { 0 };
	char text[TH_ADDR_TEXT];

	(void)state;
	assert_null(th_resolve_start(loop, &th_mem_libc, "[::1]", 80, on_done, &a));
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.n, 1);
	assert_string_equal(th_addr_text(&a.addrs[0], text), "[::1]:80");
	th_loop_del(loop);
}

static void a_name_answers_from_the_loop(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct answer a = { 0 };

	(void)state;
	assert_non_null(th_resolve_start(loop, &th_mem_libc, "localhost", 8008, on_done, &a));
	assert_int_equal(a.calls, 0);
	wait_for(loop, &a);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.err, TH_OK);
	assert_true(a.n >= 1 && a.n <= 2);
	for (size_t i = 0; i < a.n; i++) {
		assert_true(th_addr_is_loopback(&a.addrs[i]));
		assert_int_equal(a.addrs[i].port, 8008);
	}
	th_loop_del(loop);
}

static void bad_names_are_refused(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct answer a = { 0 };
	char name[300];

	(void)state;
	assert_null(th_resolve_start(loop, &th_mem_libc, "", 80, on_done, &a));
	assert_int_equal(a.err, TH_ERR_INVALID);
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_null(th_resolve_start(loop, &th_mem_libc, name, 80, on_done, &a));
	assert_int_equal(a.calls, 2);
	assert_int_equal(a.err, TH_ERR_INVALID);
	th_loop_del(loop);
}

/* A name that cannot be in any file nor be asked of a server: a label longer than 63 bytes. */
static void a_name_that_cannot_exist_fails(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct answer a = { 0 };
	char name[80] = { 0 };

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	th_resolve_start(loop, &th_mem_libc, name, 80, on_done, &a);
	wait_for(loop, &a);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.n, 0);
	assert_true(a.err == TH_ERR_NOT_FOUND || a.err == TH_ERR_IO);
	th_loop_del(loop);
}

static void cancelled_look_ups_stay_silent(void **state)
{
	struct answer a = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct th_loop *loop = th_loop_new(&th_mem_libc);
		struct th_resolve *r = th_resolve_start(loop, &th_mem_libc, "localhost", 80, on_done, &a);

		if (!r) { /* the cap on threads, of cancelled ones that still run */
			assert_int_equal(a.err, TH_ERR_FULL);
			a.calls = 0;
		}
		if (i & 1)
			th_loop_step(loop, 0);
		if (r && !a.calls)
			th_resolve_cancel(r);
		assert_true(a.calls <= 1);
		a.calls = 0;
		th_loop_del(loop);
	}
}

static void *no_memory(void *ctx, size_t n)
{
	(void)ctx;
	(void)n;
	return NULL;
}

static void without_memory_done_says_so(void **state)
{
	const struct th_mem none = { no_memory, th_mem_libc.release, NULL };
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct answer a = { 0 };

	(void)state;
	assert_null(th_resolve_start(loop, &none, "localhost", 80, on_done, &a));
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.err, TH_ERR_NO_MEMORY);
	th_loop_del(loop);
}

static void the_callers_signal_mask_is_kept(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct answer a = { 0 };
	sigset_t set;

	(void)state;
	for (int i = 0; i < 500 && !a.n; i++) { /* cancelled look-ups of the test before may still run */
		th_loop_step(loop, 10 * TH_MS);
		a = (struct answer){ 0 };
		th_resolve_start(loop, &th_mem_libc, "localhost", 80, on_done, &a);
		wait_for(loop, &a);
	}
	assert_int_equal(a.err, TH_OK);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
	assert_false(sigismember(&set, SIGTERM));
	th_loop_del(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numeric_hosts_answer_at_once),	   cmocka_unit_test(a_name_answers_from_the_loop),
		cmocka_unit_test(bad_names_are_refused),	   cmocka_unit_test(a_name_that_cannot_exist_fails),
		cmocka_unit_test(without_memory_done_says_so),	   cmocka_unit_test(cancelled_look_ups_stay_silent),
		cmocka_unit_test(the_callers_signal_mask_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
