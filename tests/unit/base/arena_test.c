#include "unit.h"
#include "failmem.h"

#include "base/arena.h"

enum { PIECES = 2000 };

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
	uint64_t seed = unit_seed("arena", 2);
	struct th_rng rng = th_rng_seeded(&seed);
	static unsigned char *piece[PIECES];
	static size_t len[PIECES];
	struct failmem f;
	struct th_arena a;

	(void)state;
	failmem_init(&f, 0);
	th_arena_init(&a, &f.mem, 64u * 1024 * 1024);
	for (size_t i = 0; i < PIECES; i++) {
		len[i] = (size_t)th_rng_below(&rng, i % 50 == 0 ? 10000 : 100);
		piece[i] = th_arena_alloc(&a, len[i]);
		assert_non_null(piece[i]);
		assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
		for (size_t k = 0; k < len[i]; k++)
			assert_int_equal(piece[i][k], 0);
		memset(piece[i], (int)(i & 0xff), len[i]);
	}
	for (size_t i = 0; i < PIECES; i++)
		for (size_t k = 0; k < len[i]; k++)
			assert_int_equal(piece[i][k], i & 0xff);
	th_arena_free(&a);
	assert_int_equal(f.live, 0);
}

static void the_limit_holds(void **state)
{
	struct failmem f;
	struct th_arena a;
	size_t given = 0;

	(void)state;
	failmem_init(&f, 0);
	th_arena_init(&a, &f.mem, 1000);
	assert_null(th_arena_alloc(&a, 1001));
	assert_int_equal(f.count, 0);
	while (th_arena_alloc(&a, 16))
		given += 16;
	assert_true(given <= 1000 && given >= 1000 - 16);
	assert_int_equal(f.live, 1);
	th_arena_free(&a);
	assert_int_equal(f.live, 0);
	assert_non_null(th_arena_alloc(&a, 1000)); /* usable again, with the same limit */
	assert_null(th_arena_alloc(&a, 1));
	th_arena_free(&a);
	assert_int_equal(f.live, 0);
}

static void a_size_near_the_end_of_memory_is_refused(void **state)
{
	struct failmem f;
	struct th_arena a;

	(void)state;
	failmem_init(&f, 0); /* refuses what no system has; a sanitizer would stop instead */
	th_arena_init(&a, &f.mem, SIZE_MAX);
	for (size_t less = 0; less < 256; less++)
		assert_null(th_arena_alloc(&a, SIZE_MAX - less));
	th_arena_free(&a);
}

static void str_copies_and_says_when_there_is_no_room(void **state)
{
	char text[] = "hello";
	struct failmem f;
	struct th_arena a;
	struct th_str s;

	(void)state;
	failmem_init(&f, 0);
	th_arena_init(&a, &f.mem, 64);
	s = th_arena_str(&a, th_str_of(text));
	text[0] = 'j';
	assert_str_is(s, "hello");
	s = th_arena_str(&a, (struct th_str){ NULL, 0 });
	assert_non_null(s.p);
	assert_int_equal(s.n, 0);
	s = th_arena_str(&a, (struct th_str){ text, 65 });
	assert_null(s.p);
	assert_int_equal(s.n, 0);
	th_arena_free(&a);
	assert_int_equal(f.live, 0);
}

static void a_failed_allocation_leaves_it_usable(void **state)
{
	(void)state;
	for (size_t k = 1; k < 100; k++) {
		struct failmem f;
		struct th_arena a;
		size_t failed = 0;

		failmem_init(&f, k);
		th_arena_init(&a, &f.mem, 100000);
		for (int i = 0; i < 60; i++)
			if (!th_arena_alloc(&a, 500))
				failed++;
		assert_int_equal(failed, f.hit ? 1 : 0);
		th_arena_free(&a);
		th_arena_free(&a);
		assert_int_equal(f.live, 0);
		if (!f.hit)
			return;
	}
	fail();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(the_limit_holds),
		cmocka_unit_test(a_size_near_the_end_of_memory_is_refused),
		cmocka_unit_test(str_copies_and_says_when_there_is_no_room),
		cmocka_unit_test(a_failed_allocation_leaves_it_usable),
	};

	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
