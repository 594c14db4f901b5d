/* Percent-encoding: each style there and back, and what any writer wrote undone. */
#include "unit.h"

#include "exchange/percent.h"

enum { CAP = 1024 };

static struct th_str written(const struct th_wr *w)
{
	assert_true(th_wr_ok(w));
	return (struct th_str){ (const char *)w->p, w->n };
}

static void test_every_byte_in_every_style(void **state)
{
	uint8_t all[256], coded[CAP], back[CAP];

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	for (unsigned style = TH_PERCENT_UNRESERVED; style <= TH_PERCENT_JSON; style++) {
		struct th_wr w = th_wr_init(coded, sizeof(coded)), b = th_wr_init(back, sizeof(back));
		bool plus = style == TH_PERCENT_FORM || style == TH_PERCENT_QUERY;

		th_percent_encode(&w, (struct th_str){ (const char *)all, sizeof(all) }, (enum th_percent)style);
		assert_true(th_percent_is(written(&w), (enum th_percent)style));
		th_percent_decode(&b, written(&w), (enum th_percent)style);
		assert_int_equal(b.n, sizeof(all));
		assert_memory_equal(back, all, sizeof(all));
		b = th_wr_init(back, sizeof(back));
		assert_true(th_percent_undo(&b, written(&w), plus));
		assert_int_equal(b.n, sizeof(all));
		assert_memory_equal(back, all, sizeof(all));
	}
}

static void test_undo(void **state)
{
	static const struct {
		const char *in, *out;
		bool plus, whole;
	} cases[] = {
		{ "", "", false, true },
		{ "a+b", "a+b", false, true },
		{ "a+b", "a b", true, true },
		{ "%40milo%3a", "@milo:", false, true },
		{ "%4", "%4", false, false },
		{ "%", "%", false, false },
		{ "%zz%41", "%zzA", false, false },
		{ "%%41", "%A", false, false },
	};
	char out[CAP];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		struct th_wr w = th_wr_init(out, sizeof(out));

		assert_int_equal(th_percent_undo(&w, th_str_of(cases[i].in), cases[i].plus), cases[i].whole);
		assert_int_equal(w.n, strlen(cases[i].out));
		assert_memory_equal(out, cases[i].out, w.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_in_every_style),
		cmocka_unit_test(test_undo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
