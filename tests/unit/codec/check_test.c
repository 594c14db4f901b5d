/* A text that is coded against one view and decoded against another is told from the one that was sent. */
#include "unit.h"

#include "codec/check.h"
#include "codec/history.h"
#include "codec/reference.h"
#include "codec/tables.h"

enum { VIEWS = 8000, TEXT = 200, CODE = 400 };

static const struct th_model_about of_request = { .account = -1 }, of_answer = { .is_response = true, .account = -1 };

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(th_check_of(NULL, 0, TH_STR("")), 0x81 ^ 0x1c ^ 0x9d ^ 0xc5);
	assert_int_equal(th_check_of((const uint8_t *)"a", 1, TH_STR("")), 0xe4 ^ 0x0c ^ 0x29 ^ 0x2c);
	assert_int_equal(th_check_of((const uint8_t *)"foobar", 6, TH_STR("")), 0xbf ^ 0x9c ^ 0xf9 ^ 0x68);
	assert_int_equal(th_check_of((const uint8_t *)"foo", 3, TH_STR("bar")), 0xbf ^ 0x9c ^ 0xf9 ^ 0x68);
}

static void test_any_comes_back(void **state)
{
	(void)state;
	for (unsigned check = 0; check < 256; check++) {
		uint8_t code[16];
		struct th_range_enc e;
		struct th_range_dec d;

		th_range_enc_init(&e, code, sizeof(code));
		th_check_write(&e, (uint8_t)check);
		th_range_finish(&e);
		assert_true(e.n <= 2);
		th_range_dec_init(&d, code, e.n);
		assert_int_equal(th_check_read(&d), check);
	}
}

static size_t compose(struct th_rng *rng, char out[TEXT], const char *about)
{
	static const char *const words[] = { "the", "boat", "comes", "late", "again", "tomorrow", "hello", "world" };
	size_t n = (size_t)snprintf(out, TEXT, "PUT /_matrix/client/v3/rooms/!%08x:example.org/send/m.room.message/%s",
				    (unsigned)th_rng_u64(rng), about);

	for (unsigned i = 1 + (unsigned)th_rng_below(rng, 8); i > 0; i--)
		n += (size_t)snprintf(out + n, TEXT - n, " %s", words[th_rng_below(rng, 8)]);
	return n;
}

static void remember(struct th_history *h, enum th_history_side sender, const char *text, size_t n)
{
	const struct th_history_ref ref = { .sender = sender };

	th_history_clear(h);
	assert_int_equal(th_history_add(h, ref, &TH_HISTORY_BASELESS, &of_request, (const uint8_t *)text, n), TH_OK);
}

struct ends {
	struct th_model *model;
	struct th_history *near, *far;
};

/* An answer of the far end to request 0, which it sees as `seen` and near as `sent`. False: near refuses it. */
static bool is_read(struct ends *x, const char *answer, size_t n, uint8_t back[TEXT], size_t *got, bool *fits)
{
	static struct th_view view;
	const struct th_history_ref request = { .sender = TH_HISTORY_THEIRS };
	struct th_history_base base;
	uint8_t code[CODE], check;
	struct th_range_enc e;
	struct th_range_dec d;
	size_t need;

	th_history_choose(x->far, 0, request, false, &base, &view);
	assert_false(base.parent.none);
	th_range_enc_init(&e, code, sizeof(code));
	th_reference_write(&e, &base, true, 0);
	th_check_write(&e, th_check_of((const uint8_t *)answer, n, TH_STR("")));
	assert_int_equal(th_model_encode_on(x->model, &view, &of_answer, (const uint8_t *)answer, n, &e, &need), TH_OK);
	th_range_dec_init(&d, code, need);
	assert_int_equal(th_reference_read(&d, true, 0, &base), TH_OK);
	assert_int_equal(th_history_view(x->near, request, &base, &view), TH_OK);
	check = th_check_read(&d);
	if (th_model_decode_on(x->model, &view, &of_answer, &d, back, TEXT, got) != TH_OK)
		return false;
	*fits = th_check_of(back, *got, TH_STR("")) == check;
	return true;
}

static void test_another_view(void **state)
{
	uint64_t seed = unit_seed("another view", 20261129);
	struct th_rng rng = th_rng_seeded(&seed);
	struct ends x = {
		th_model_new(&th_mem_libc, th_tables_builtin, (size_t)(th_tables_builtin_end - th_tables_builtin)),
		th_history_new(&th_mem_libc, TH_HISTORY_MIN, true), th_history_new(&th_mem_libc, TH_HISTORY_MIN, false)
	};
	unsigned equal = 0, told = 0, passed = 0, no_text = 0;

	(void)state;
	assert_true(x.model && x.near && x.far);
	for (unsigned i = 0; i < VIEWS; i++) {
		char sent[TEXT], seen[TEXT], answer[TEXT];
		uint8_t back[TEXT];
		size_t n_sent = compose(&rng, sent, "a"), n_seen = compose(&rng, seen, "b"), got, n;
		bool fits;

		n = (size_t)snprintf(answer, TEXT, "200\n\n%.*s", (int)th_rng_below(&rng, 60), sent + 30);
		remember(x.near, TH_HISTORY_OURS, sent, n_sent);
		remember(x.far, TH_HISTORY_THEIRS, sent, n_sent);
		assert_true(is_read(&x, answer, n, back, &got, &fits) && fits);
		assert_int_equal(got, n);
		assert_memory_equal(back, answer, n);

		remember(x.near, TH_HISTORY_OURS, seen, n_seen);
		if (!is_read(&x, answer, n, back, &got, &fits)) {
			no_text++;
		} else if (got == n && memcmp(back, answer, n) == 0) {
			assert_true(fits);
			equal++;
		} else if (fits) {
			passed++;
		} else {
			told++;
		}
	}
	print_message("%u of %u are no text, %u the right one; of %u wrong texts the check tells %u\n", no_text, VIEWS,
		      equal, told + passed, told);
	assert_true(told + passed > 100);
	assert_true(passed * 32 <= told + passed);
	th_history_free(x.near);
	th_history_free(x.far);
	th_model_free(x.model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_any_comes_back),
		cmocka_unit_test(test_another_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
