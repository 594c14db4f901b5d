/* What two ends of a session share, as long as they share it. */
#include "unit.h"

#include "failmem.h"
#include "proxy/coding.h"
#include "proxy/dialogue.h"

static const struct th_addr peer = { .port = 1 };
static const struct th_hello own = { .said = true, .tables = 1 };

static struct th_dialogue *dialogue(bool asks)
{
	struct th_dialogue *d = th_dialogue_new(&th_mem_libc, &peer, asks);

	assert_non_null(d);
	return d;
}

/* As long as nothing was heard the peer's tables are taken for our own. */
static void test_tables(void **state)
{
	struct th_dialogue *d = dialogue(true);
	struct th_hello his = own;

	(void)state;
	assert_false(d->heard || d->no_model || d->other_tables);
	th_dialogue_heard(d, &own, &his);
	assert_true(d->heard);
	assert_false(d->no_model || d->other_tables);
	his.tables = 3;
	th_dialogue_heard(d, &own, &his);
	assert_true(d->no_model && d->other_tables);
	his = own;
	his.no_model = true;
	th_dialogue_heard(d, &own, &his);
	assert_true(d->no_model);
	assert_false(d->other_tables);
	th_dialogue_heard(d, &his, &own);
	assert_true(d->no_model);
	assert_false(d->other_tables);
	th_dialogue_heard(d, &own, &own);
	assert_false(d->no_model || d->other_tables);
	th_dialogue_del(d);
}

static void remember(struct th_dialogue *d, uint64_t number)
{
	const struct th_model_about about = { .account = -1 };
	const struct th_history_ref ref = { .sender = TH_HISTORY_OURS, .number = number };

	assert_int_equal(
		th_history_add(th_dialogue_history(d), ref, &TH_HISTORY_BASELESS, &about, (const uint8_t *)"text", 4),
		TH_OK);
}

/* History goes, and slots of the end that asks are used no more; what it told stays told. */
static void test_forget(void **state)
{
	const struct th_history_ref ref = { .sender = TH_HISTORY_OURS, .number = 5 };
	struct th_dialogue *asks = dialogue(true), *answers = dialogue(false);
	struct th_str got;

	(void)state;
	remember(asks, 5);
	th_accounts_told(&asks->accounts, 5, TH_STR("Bearer a"));
	th_accounts_answered(&asks->accounts, 5);
	th_dialogue_forget(asks);
	assert_false(th_history_has(asks->history, ref));
	assert_int_equal(th_accounts_slot(&asks->accounts, TH_STR("Bearer a")), -1);
	th_accounts_told(&asks->accounts, 5 + 256, TH_STR("Bearer b"));
	th_accounts_answered(&asks->accounts, 5 + 256);
	assert_int_equal(th_accounts_slot(&asks->accounts, TH_STR("Bearer b")), -1);

	th_accounts_heard(&answers->accounts, 5, TH_STR("Bearer a"));
	th_dialogue_forget(answers);
	assert_int_equal(th_accounts_value(&answers->accounts, 5, &got), TH_ERR_NOT_FOUND);
	th_accounts_heard(&answers->accounts, 5, TH_STR("Bearer b"));
	assert_int_equal(th_accounts_value(&answers->accounts, 5, &got), TH_OK);
	th_dialogue_del(asks);
	th_dialogue_del(answers);
}

/* The first refusal leaves everything there but unused, a second one in a row forgets it; those of requests that were
 * coded before the first was known say nothing new. */
static void test_refused(void **state)
{
	const struct th_history_ref ref = { .sender = TH_HISTORY_THEIRS, .number = 5 };
	const struct th_model_about about = { .account = -1 };
	struct th_dialogue *d = dialogue(true);
	struct th_history *h = th_dialogue_history(d);
	struct th_history_base base;
	static struct th_view v;

	(void)state;
	assert_int_equal(th_history_add(h, ref, &TH_HISTORY_BASELESS, &about, (const uint8_t *)"text", 4), TH_OK);
	th_accounts_told(&d->accounts, 5, TH_STR("Bearer a"));
	th_accounts_answered(&d->accounts, 5);
	th_history_choose(h, 6, TH_HISTORY_NONE, false, &base, &v);
	assert_false(base.parent.none);
	th_dialogue_refused(d, 0);
	th_history_choose(h, 7, TH_HISTORY_NONE, false, &base, &v);
	assert_true(base.parent.none && v.n == 0);
	th_dialogue_refused(d, 0);
	assert_true(th_history_has(h, ref));
	assert_int_equal(th_accounts_slot(&d->accounts, TH_STR("Bearer a")), 5);
	d->refused = 0; /* one was read */
	th_dialogue_refused(d, 1);
	assert_true(th_history_has(h, ref));
	th_dialogue_refused(d, 2);
	assert_false(th_history_has(h, ref));
	assert_int_equal(th_accounts_slot(&d->accounts, TH_STR("Bearer a")), -1);
	th_dialogue_del(d);
}

/* Without memory there is none, or none of its history; nothing is left over. */
static void test_memory(void **state)
{
	(void)state;
	for (size_t k = 1;; k++) {
		struct failmem f;
		struct th_dialogue *d;

		failmem_init(&f, k);
		d = th_dialogue_new(&f.mem, &peer, true);
		if (d && th_dialogue_history(d))
			remember(d, 1);
		th_dialogue_del(d);
		assert_int_equal(f.live, 0);
		if (!f.hit)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
