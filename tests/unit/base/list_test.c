#include "unit.h"

#include "base/list.h"

enum { NODES = 20, ROUNDS = 20000 };

struct item {
	int number;
	struct th_list link;
};

static void keeps_the_order(void **state)
{
	struct item items[NODES];
	struct th_list l;
	int want = 0;

	(void)state;
	th_list_init(&l);
	assert_true(th_list_empty(&l));
	assert_null(th_list_pop(&l));
	for (int i = 0; i < NODES; i++) {
		items[i].number = i;
		th_list_push(&l, &items[i].link);
	}
	TH_LIST_EACH(it, &l)
	assert_int_equal(TH_OWNER(it, struct item, link)->number, want++);
	assert_int_equal(want, NODES);
	for (int i = 0; i < NODES; i++)
		assert_ptr_equal(th_list_pop(&l), &items[i].link);
	assert_true(th_list_empty(&l));
}

static void removing_twice_is_safe(void **state)
{
	struct th_list l, a, b;

	(void)state;
	th_list_init(&l);
	th_list_init(&a);
	assert_false(th_list_linked(&a));
	th_list_push(&l, &a);
	th_list_push(&l, &b);
	assert_true(th_list_linked(&a));
	th_list_remove(&a);
	th_list_remove(&a);
	assert_false(th_list_linked(&a));
	assert_ptr_equal(th_list_pop(&l), &b);
	assert_true(th_list_empty(&l));
}

static void the_body_may_remove_the_current_node(void **state)
{
	struct item items[NODES];
	struct th_list l;
	int seen = 0, left = 0;

	(void)state;
	th_list_init(&l);
	for (int i = 0; i < NODES; i++) {
		items[i].number = i;
		th_list_push(&l, &items[i].link);
	}
	TH_LIST_EACH(it, &l)
	{
		seen++;
		if (TH_OWNER(it, struct item, link)->number % 2)
			th_list_remove(it);
	}
	assert_int_equal(seen, NODES);
	TH_LIST_EACH(it, &l)
	{
		assert_int_equal(TH_OWNER(it, struct item, link)->number % 2, 0);
		left++;
	}
	assert_int_equal(left, NODES / 2);
}

static void check_same(struct th_list *l, struct item *items, const int *model, size_t n)
{
	size_t at = 0;

	TH_LIST_EACH(it, l)
	{
		assert_true(at < n);
		assert_ptr_equal(it, &items[model[at++]].link);
		assert_ptr_equal(it->next->prev, it);
	}
	assert_int_equal(at, n);
}

static void behaves_like_an_array(void **state)
{
	uint64_t seed = unit_seed("list", 5);
	struct th_rng rng = th_rng_seeded(&seed);
	struct item items[NODES];
	struct th_list l;
	int model[NODES + 1];
	size_t n = 0;

	(void)state;
	th_list_init(&l);
	for (int i = 0; i < NODES; i++)
		th_list_init(&items[i].link);
	for (int round = 0; round < ROUNDS; round++) {
		int i = (int)th_rng_below(&rng, NODES);
		size_t at = 0;

		while (at < n && model[at] != i)
			at++;
		assert_int_equal(th_list_linked(&items[i].link), at < n);
		if (at < n) {
			th_list_remove(&items[i].link);
			memmove(model + at, model + at + 1, (n - at - 1) * sizeof(model[0]));
			n--;
		} else if (n && th_rng_below(&rng, 2)) {
			at = (size_t)th_rng_below(&rng, n);
			th_list_add_after(&items[model[at]].link, &items[i].link);
			memmove(model + at + 2, model + at + 1, (n - at - 1) * sizeof(model[0]));
			model[at + 1] = i;
			n++;
		} else {
			th_list_push(&l, &items[i].link);
			model[n++] = i;
		}
		check_same(&l, items, model, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_order),
		cmocka_unit_test(removing_twice_is_safe),
		cmocka_unit_test(the_body_may_remove_the_current_node),
		cmocka_unit_test(behaves_like_an_array),
	};

	return cmocka_run_group_tests_name("base/list", tests, NULL, NULL);
}
