#include "unit.h"
#include "failmem.h"

#include "base/buf.h"

enum { MAX = 3000, ROUNDS = 50000 };

/* The model: a plain array, front moved down by memmove. */
struct model {
	uint8_t p[MAX];
	size_t n;
};

static void check_same(const struct th_buf *b, const struct model *m)
{
	assert_int_equal(b->n, m->n);
	assert_int_equal(th_buf_room(b), MAX - m->n);
	if (m->n)
		assert_memory_equal(th_buf_data(b), m->p, m->n);
}

static void random_step(struct th_buf *b, struct model *m, const struct th_rng *rng)
{
	uint8_t bytes[1000];
	size_t n = (size_t)th_rng_below(rng, sizeof(bytes) + 1);
	uint8_t *to;

	rng->fill(rng->ctx, bytes, n);
	switch (th_rng_below(rng, 4)) {
	case 0:
		assert_int_equal(th_buf_append(b, bytes, n), n > MAX - m->n ? TH_ERR_TOO_LARGE : TH_OK);
		if (n > MAX - m->n)
			return;
		break;
	case 1:
		to = th_buf_reserve(b, n);
		assert_int_equal(to != NULL, n <= MAX - m->n);
		if (!to)
			return;
		memset(to, 0xaa, n); /* all of the room is ours */
		n = n / 2;
		memcpy(to, bytes, n);
		th_buf_commit(b, n);
		break;
	default:
		n = n < m->n ? n : m->n;
		th_buf_consume(b, n);
		memmove(m->p, m->p + n, m->n - n);
		m->n -= n;
		return;
	}
	memcpy(m->p + m->n, bytes, n);
	m->n += n;
}

static void behaves_like_a_plain_queue(void **state)
{
	uint64_t seed = unit_seed("buf", 3);
	struct th_rng rng = th_rng_seeded(&seed);
	struct model m = { .n = 0 };
	struct failmem f;
	struct th_buf b;

	(void)state;
	failmem_init(&f, 0);
	th_buf_init(&b, &f.mem, MAX);
	for (int i = 0; i < ROUNDS; i++) {
		random_step(&b, &m, &rng);
		check_same(&b, &m);
		assert_true(f.live <= 1);
		assert_true(f.bytes <= MAX);
	}
	th_buf_free(&b);
	assert_int_equal(f.live, 0);
}

static void append_is_all_or_nothing(void **state)
{
	struct failmem f;
	struct th_buf b;
	uint8_t big[600] = { 0 };

	(void)state;
	failmem_init(&f, 2);
	th_buf_init(&b, &f.mem, 1000);
	assert_int_equal(th_buf_append(&b, "abc", 3), TH_OK);
	assert_int_equal(th_buf_append(&b, big, sizeof(big)), TH_ERR_NO_MEMORY);
	assert_int_equal(b.n, 3);
	assert_memory_equal(th_buf_data(&b), "abc", 3);
	assert_int_equal(th_buf_append(&b, big, sizeof(big)), TH_OK); /* memory is back */
	assert_int_equal(th_buf_append(&b, big, 398), TH_ERR_TOO_LARGE);
	assert_int_equal(th_buf_append(&b, big, 397), TH_OK);
	assert_int_equal(th_buf_room(&b), 0);
	assert_int_equal(th_buf_append(&b, big, 0), TH_OK);
	assert_int_equal(th_buf_append(&b, big, SIZE_MAX), TH_ERR_TOO_LARGE);
	th_buf_free(&b);
	assert_int_equal(f.live, 0);
}

static void free_leaves_it_usable(void **state)
{
	struct failmem f;
	struct th_buf b;

	(void)state;
	failmem_init(&f, 0);
	th_buf_init(&b, &f.mem, 10);
	th_buf_free(&b);
	assert_int_equal(th_buf_append(&b, "0123456789", 10), TH_OK);
	th_buf_free(&b);
	assert_int_equal(b.n, 0);
	assert_int_equal(th_buf_room(&b), 10);
	assert_int_equal(th_buf_append(&b, "x", 1), TH_OK);
	assert_memory_equal(th_buf_data(&b), "x", 1);
	th_buf_free(&b);
	assert_int_equal(f.live, 0);
}

static void a_long_run_through_a_small_window_stays_small(void **state)
{
	struct failmem f;
	struct th_buf b;

	(void)state;
	failmem_init(&f, 0);
	th_buf_init(&b, &f.mem, 1u << 20);
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(th_buf_append(&b, "0123456789abcdef", 16), TH_OK);
		if (i % 4 == 3)
			th_buf_consume(&b, 64);
	}
	assert_true(f.peak <= 512);
	th_buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_like_a_plain_queue),
		cmocka_unit_test(append_is_all_or_nothing),
		cmocka_unit_test(free_leaves_it_usable),
		cmocka_unit_test(a_long_run_through_a_small_window_stays_small),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
