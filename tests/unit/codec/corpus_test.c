/* The whole corpus through the flate coding, both directions, with and without preset and history. */
#include "unit.h"

#include "codec/flate.h"
#include "corpus.h"

enum { CAP = 256 * 1024 };

static const char *dir;

static bool same(const struct th_head *a, const struct th_head *b)
{
	if (!th_str_eq(a->method, b->method) || !th_str_eq(a->target, b->target) || a->status != b->status ||
	    a->body_len != b->body_len || a->n_fields != b->n_fields)
		return false;
	for (size_t i = 0; i < a->n_fields; i++)
		if (!th_str_ieq(a->fields[i].name, b->fields[i].name) ||
		    !th_str_eq(a->fields[i].value, b->fields[i].value))
			return false;
	return true;
}

static void test_corpus(void **state)
{
	static uint8_t coded[CAP], body[TH_FLATE_BODY_MAX], form[CAP];
	static struct th_flate_message got;
	struct corpus *c = corpus_read(dir);
	struct th_flate *f = th_flate_new(&th_mem_libc);
	size_t used = 0, plain = 0, packed = 0;

	(void)state;
	assert_non_null(c);
	assert_non_null(f);
	if (c->n == 0) {
		th_flate_del(f);
		corpus_del(c);
		skip();
	}
	for (size_t i = 0; i < c->n; i++) {
		const struct corpus_message *m = &c->messages[i];
		struct th_flate_history history = { 0 };

		/* The message before: an answer has its request, mostly. */
		if (i) {
			history.n = th_flate_form(f, &m[-1].head, m[-1].body, form, sizeof(form));
			history.p = form;
		}
		for (int way = 0; way < 3; way++) {
			unsigned coding = way == 2 ? TH_CODING_FLATE_BARE : TH_CODING_FLATE;
			struct th_flate_history h = way == 1 ? history : (struct th_flate_history){ 0 };
			size_t n = th_flate_encode(f, coding, &m->head, m->body, h, coded, sizeof(coded));

			if (n == 0)
				continue;
			used++;
			plain += way == 0 ? th_head_bytes(&m->head) + m->body.n : 0;
			packed += way == 0 ? n : 0;
			assert_int_equal(th_flate_decode(f, coded, n, m->head.status != 0, h, &got, body, sizeof(body)),
					 TH_OK);
			assert_true(same(&got.head, &m->head));
			assert_true(th_str_eq(got.body, m->body));
		}
	}
	print_message("%zu messages, %zu of %zu encodings used; %zu bytes became %zu\n", c->n, used, 3 * c->n, plain,
		      packed);
	assert_true(used * 100 > c->n * 3 * 98); /* all but a few bodies of noise */
	assert_true(packed * 4 < plain);
	th_flate_del(f);
	corpus_del(c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpus) };

	dir = argc > 1 ? argv[1] : "corpus";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
