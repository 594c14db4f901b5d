/* The replay window: numbered edges, and a million random operations beside a plain set of what was marked. */
#include "unit.h"

#include "session/window.h"

enum { SIZE = TH_WINDOW_SIZE, WORD = 64, OPS = 1000000, MODEL_SLOTS = 1 << 22 };

static const uint64_t LAST = UINT64_MAX - 1; /* the largest packet number there is */

static struct th_window fresh(void)
{
	return (struct th_window){ 0 };
}

static void new_pn(struct th_window *w, uint64_t pn)
{
	assert_int_equal(th_window_look(w, pn), TH_WINDOW_NEW);
	assert_true(th_window_mark(w, pn));
	assert_int_equal(th_window_look(w, pn), TH_WINDOW_SEEN);
}

static void seen_pn(struct th_window *w, uint64_t pn)
{
	struct th_window before = *w;

	assert_int_equal(th_window_look(w, pn), TH_WINDOW_SEEN);
	assert_false(th_window_mark(w, pn));
	assert_memory_equal(&before, w, sizeof(before));
}

static void old_pn(struct th_window *w, uint64_t pn)
{
	struct th_window before = *w;

	assert_int_equal(th_window_look(w, pn), TH_WINDOW_OLD);
	assert_false(th_window_mark(w, pn));
	assert_memory_equal(&before, w, sizeof(before));
}

static void numbered_edges(void **state)
{
	struct th_window w = fresh();

	(void)state;
	assert_true(SIZE >= 2048);
	/*  1 */ new_pn(&w, 0);
	/*  2 */ seen_pn(&w, 0);
	/*  3 */ new_pn(&w, 1);
	/*  4 */ seen_pn(&w, 1);
	/*  5 */ seen_pn(&w, 0);
	/*  6 */ new_pn(&w, 9);
	/*  7 */ new_pn(&w, 8);
	/*  8 */ new_pn(&w, 7);
	/*  9 */ seen_pn(&w, 7);
	/* 10 */ seen_pn(&w, 8);
	/* 11: a word's last, the next one's first */
	new_pn(&w, WORD);
	new_pn(&w, WORD - 1);
	seen_pn(&w, WORD - 1);
	seen_pn(&w, WORD);
	/* 12: the newest the window can have with 0 still in it */
	new_pn(&w, SIZE - 1);
	seen_pn(&w, SIZE - 1);
	seen_pn(&w, 0);
	new_pn(&w, 2);
	/* 13: one further; 0 falls out, 1 does not */
	new_pn(&w, SIZE);
	old_pn(&w, 0);
	seen_pn(&w, 1);
	/* 14 */ new_pn(&w, SIZE + 1);
	/* 15 */ old_pn(&w, 1);
	/* 16 */ seen_pn(&w, 2);
	/* 17 */ new_pn(&w, 3);
	/* 18: a turn of the ring further on the same bit */
	new_pn(&w, (uint64_t)TH_WINDOW_WORDS * WORD + SIZE);
	old_pn(&w, SIZE);
	new_pn(&w, (uint64_t)TH_WINDOW_WORDS * WORD + 1);
	/* 19: jump of exactly a window */
	w = fresh();
	new_pn(&w, 5);
	new_pn(&w, 5 + SIZE);
	old_pn(&w, 5);
	new_pn(&w, 6);
	/* 20: jump of one less */
	w = fresh();
	new_pn(&w, 5);
	new_pn(&w, 5 + SIZE - 1);
	seen_pn(&w, 5);
	old_pn(&w, 4);
	/* 21: the first number is a large one */
	w = fresh();
	new_pn(&w, 1000000);
	old_pn(&w, 1000000 - SIZE);
	new_pn(&w, 1000001 - SIZE);
	seen_pn(&w, 1000000);
	/* 22: far jump; nothing of what was before shines through */
	new_pn(&w, (uint64_t)1 << 40);
	for (uint64_t back = 1; back < SIZE; back++)
		assert_int_equal(th_window_look(&w, ((uint64_t)1 << 40) - back), TH_WINDOW_NEW);
	old_pn(&w, 1000000);
}

static void borders_of_64_bits(void **state)
{
	struct th_window w = fresh();

	(void)state;
	/* 23: no packet has the number 2^64 - 1 */
	old_pn(&w, UINT64_MAX);
	new_pn(&w, 0);
	/* 24: from the first to the last */
	new_pn(&w, LAST);
	seen_pn(&w, LAST);
	old_pn(&w, 0);
	old_pn(&w, UINT64_MAX);
	/* 25 */ new_pn(&w, LAST - 1);
	/* 26 */ new_pn(&w, LAST - (SIZE - 1));
	/* 27 */ old_pn(&w, LAST - SIZE);
	/* 28 */ seen_pn(&w, LAST - (SIZE - 1));
	/* 29: around 2^63 and 2^32, where signs and halves go wrong */
	w = fresh();
	new_pn(&w, (uint64_t)1 << 63);
	new_pn(&w, ((uint64_t)1 << 63) - 1);
	seen_pn(&w, (uint64_t)1 << 63);
	w = fresh();
	new_pn(&w, UINT32_MAX);
	new_pn(&w, (uint64_t)UINT32_MAX + 1);
	seen_pn(&w, UINT32_MAX);
	old_pn(&w, 0);
}

/* 30 to 35: a whole window in each order. */
static void sweeps(void **state)
{
	(void)state;
	for (uint64_t base = 0; base <= 64; base += 63) {
		struct th_window w = fresh();

		for (uint64_t i = 0; i < SIZE; i++)
			new_pn(&w, base + i);
		for (uint64_t i = 0; i < SIZE; i++)
			seen_pn(&w, base + i);
		w = fresh();
		for (uint64_t i = SIZE; i-- > 0;)
			new_pn(&w, base + i);
		for (uint64_t i = SIZE; i-- > 0;)
			seen_pn(&w, base + i);
		w = fresh();
		new_pn(&w, base + SIZE);
		for (uint64_t i = SIZE; i-- > 1;)
			new_pn(&w, base + i);
		old_pn(&w, base);
	}
}

static void looking_changes_nothing(void **state)
{
	struct th_window w = fresh(), before;

	(void)state;
	new_pn(&w, 100);
	before = w;
	for (uint64_t pn = 0; pn < 10000; pn++)
		th_window_look(&w, pn);
	th_window_look(&w, UINT64_MAX);
	assert_memory_equal(&before, &w, sizeof(w));
}

/* ---- the model: a set of every number ever marked, and the newest ---- */

struct model {
	uint64_t *slots; /* open addressing; number + 1, 0: empty */
	uint64_t newest;
	bool any;
};

static uint64_t *slot_of(const struct model *m, uint64_t pn)
{
	size_t i = (size_t)((pn * 0x9e3779b97f4a7c15u) >> 42);

	while (m->slots[i] && m->slots[i] != pn + 1)
		i = (i + 1) % MODEL_SLOTS;
	return &m->slots[i];
}

static enum th_window_verdict model_look(const struct model *m, uint64_t pn)
{
	if (pn == UINT64_MAX || (m->any && pn < m->newest && m->newest - pn >= SIZE))
		return TH_WINDOW_OLD;
	return *slot_of(m, pn) ? TH_WINDOW_SEEN : TH_WINDOW_NEW;
}

static void model_mark(struct model *m, uint64_t pn)
{
	*slot_of(m, pn) = pn + 1;
	if (!m->any || pn > m->newest)
		m->newest = pn;
	m->any = true;
}

static uint64_t random_pn(const struct model *m, const struct th_rng *rng)
{
	switch (th_rng_below(rng, 4096)) {
	case 0:
		return m->newest + th_rng_below(rng, (uint64_t)1 << 40); /* a far jump */
	case 1:
		return m->newest + SIZE - 2 + th_rng_below(rng, 4); /* a jump of about a window */
	case 2:
	case 3:
		return m->newest + th_rng_below(rng, 3 * SIZE);
	case 4:
		return UINT64_MAX - th_rng_below(rng, 2);
	default:
		break;
	}
	switch (th_rng_below(rng, 8)) {
	case 0:
	case 1:
		return m->newest + 1 + th_rng_below(rng, 3);
	case 2:
		return m->newest - SIZE + th_rng_below(rng, 5) - 2; /* the old edge; may wrap below 0 at the start */
	case 3:
		return m->newest - th_rng_below(rng, 100);
	default:
		return m->newest - th_rng_below(rng, SIZE + 50);
	}
}

static void a_million_operations_beside_a_set(void **state)
{
	uint64_t seed = unit_seed("window", 1), verdicts[3] = { 0 };
	struct th_rng rng = th_rng_seeded(&seed);
	struct model m = { .slots = calloc(MODEL_SLOTS, sizeof(uint64_t)) };
	struct th_window w = fresh();

	(void)state;
	assert_non_null(m.slots);
	for (size_t i = 0; i < OPS; i++) {
		uint64_t pn = random_pn(&m, &rng);
		enum th_window_verdict want = model_look(&m, pn);

		verdicts[want]++;
		if (th_window_look(&w, pn) != want)
			fail_msg("operation %zu: number %llu", i, (unsigned long long)pn);
		if (pn > (uint64_t)1 << 60) /* looked at only: marking one would end the run */
			continue;
		assert_int_equal(th_window_mark(&w, pn), want == TH_WINDOW_NEW);
		if (want == TH_WINDOW_NEW)
			model_mark(&m, pn);
	}
	printf("window: %llu new, %llu seen, %llu old\n", (unsigned long long)verdicts[TH_WINDOW_NEW],
	       (unsigned long long)verdicts[TH_WINDOW_SEEN], (unsigned long long)verdicts[TH_WINDOW_OLD]);
	for (size_t i = 0; i < UNIT_COUNT(verdicts); i++)
		assert_true(verdicts[i] > OPS / 20);
	free(m.slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbered_edges),
		cmocka_unit_test(borders_of_64_bits),
		cmocka_unit_test(sweeps),
		cmocka_unit_test(looking_changes_nothing),
		cmocka_unit_test(a_million_operations_beside_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
