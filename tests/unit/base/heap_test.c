#include "unit.h"
#include "failmem.h"

#include "base/heap.h"

enum { TIMERS = 60, ROUNDS = 100000 };

/* The model: an array of times, TH_NEVER and a flag for what is not set; the first is found by looking at all. */
struct model {
	th_time at[TIMERS];
	bool set[TIMERS];
};

static size_t model_count(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < TIMERS; i++)
		n += m->set[i] ? 1 : 0;
	return n;
}

static th_time model_next(const struct model *m)
{
	th_time first = TH_NEVER;

	for (size_t i = 0; i < TIMERS; i++)
		if (m->set[i] && m->at[i] < first)
			first = m->at[i];
	return first;
}

static void check_same(const struct th_heap *h, const struct th_timer *t, const struct model *m)
{
	assert_true(th_heap_next(h) == model_next(m));
	assert_int_equal(h->n, model_count(m));
	for (size_t i = 0; i < TIMERS; i++) {
		assert_int_equal(th_timer_is_set(&t[i]), m->set[i]);
		if (m->set[i])
			assert_ptr_equal(h->v[t[i].slot - 1], &t[i]);
	}
}

static void pop_one(struct th_heap *h, struct th_timer *t, struct model *m, th_time now)
{
	th_time first = model_next(m);
	struct th_timer *got = th_heap_pop(h, now);
	size_t i;

	if (model_count(m) == 0 || first > now) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	i = (size_t)(got - t);
	assert_true(m->set[i] && m->at[i] == first);
	m->set[i] = false;
}

static void behaves_like_a_search_through_all(void **state)
{
	uint64_t seed = unit_seed("heap", 4);
	struct th_rng rng = th_rng_seeded(&seed);
	struct th_timer t[TIMERS] = { 0 };
	struct model m = { .set = { false } };
	struct failmem f;
	struct th_heap h;

	(void)state;
	failmem_init(&f, 0);
	th_heap_init(&h, &f.mem);
	for (int round = 0; round < ROUNDS; round++) {
		size_t i = (size_t)th_rng_below(&rng, TIMERS);
		th_time at = th_rng_below(&rng, 40) ? th_rng_below(&rng, 200) : TH_NEVER;

		switch (th_rng_below(&rng, 5)) {
		case 0:
			th_heap_cancel(&h, &t[i]);
			m.set[i] = false;
			break;
		case 1:
			pop_one(&h, t, &m, at);
			break;
		default:
			assert_int_equal(th_heap_set(&h, &t[i], at), TH_OK);
			m.set[i] = true;
			m.at[i] = at;
		}
		check_same(&h, t, &m);
	}
	while (h.n)
		pop_one(&h, t, &m, TH_NEVER);
	th_heap_free(&h);
	assert_int_equal(f.live, 0);
}

static void cancelling_twice_is_safe(void **state)
{
	struct th_timer t = { 0 };
	struct th_heap h;

	(void)state;
	th_heap_init(&h, &th_mem_libc);
	th_heap_cancel(&h, &t);
	assert_int_equal(th_heap_set(&h, &t, 5), TH_OK);
	th_heap_cancel(&h, &t);
	th_heap_cancel(&h, &t);
	assert_true(th_heap_next(&h) == TH_NEVER);
	assert_null(th_heap_pop(&h, TH_NEVER));
	th_heap_free(&h);
}

static void without_memory_a_timer_stays_unset_and_others_can_move(void **state)
{
	struct th_timer t[TIMERS] = { 0 };
	struct failmem f;
	struct th_heap h;
	size_t set = 0;

	(void)state;
	failmem_init(&f, 2);
	f.fail_on = true;
	th_heap_init(&h, &f.mem);
	while (set < TIMERS && th_heap_set(&h, &t[set], 100 + set) == TH_OK)
		set++;
	assert_true(set > 0 && set < TIMERS);
	assert_false(th_timer_is_set(&t[set]));
	assert_int_equal(h.n, set);
	for (size_t i = 0; i < set; i++)
		assert_int_equal(th_heap_set(&h, &t[i], 50 - i), TH_OK);
	assert_ptr_equal(th_heap_pop(&h, 1000), &t[set - 1]);
	th_heap_free(&h);
	assert_int_equal(f.live, 0);
}

static void due_means_now_or_before(void **state)
{
	struct th_timer t = { 0 };
	struct th_heap h;

	(void)state;
	th_heap_init(&h, &th_mem_libc);
	assert_int_equal(th_heap_set(&h, &t, 10), TH_OK);
	assert_null(th_heap_pop(&h, 9));
	assert_ptr_equal(th_heap_pop(&h, 10), &t);
	assert_false(th_timer_is_set(&t));
	th_heap_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_like_a_search_through_all),
		cmocka_unit_test(cancelling_twice_is_safe),
		cmocka_unit_test(without_memory_a_timer_stays_unset_and_others_can_move),
		cmocka_unit_test(due_means_now_or_before),
	};

	return cmocka_run_group_tests_name("base/heap", tests, NULL, NULL);
}
