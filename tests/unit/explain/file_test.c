/* A whole file: every allocation fails in turn, and each run says so and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "explain/file.h"
#include "failmem.h"

static const char lines[] =
	"{\"t\":1,\"method\":\"GET\",\"target\":\"/_matrix/client/"
	"versions\",\"status\":200,\"resp_headers\":[],\"req_headers\":[[\"A\",\"b\"]],\"resp_body\":\"e30=\"}\n"
	"{\"t\":0,\"method\":\"PUT\",\"target\":\"/"
	"x?access_token=y\",\"status\":404,\"req_headers\":[],\"resp_headers\":[],\"req_body\":\"eyJhIjoxfQ==\"}\n";

static void count(void *ctx, const char *text)
{
	(void)text;
	++*(unsigned *)ctx;
}

static enum th_err run(const struct th_mem *mem, const struct th_explain_options *o, const char *text, unsigned *said,
		       char **shown)
{
	struct th_complaints c = { .hear = count, .ctx = said };
	char *copy = strdup(text);
	FILE *in = fmemopen(copy, strlen(copy), "r");
	size_t n;
	FILE *out = open_memstream(shown, &n);
	enum th_err err = th_explain_file(mem, o, in, "name", false, out, &c);

	fclose(in);
	fclose(out);
	free(copy);
	return err;
}

static void fail_each(const struct th_explain_options *o)
{
	struct failmem f = { .hit = true };
	size_t k;

	for (k = 1; f.hit; k++) {
		unsigned said = 0;
		char *shown = NULL;
		enum th_err err;

		failmem_init(&f, k);
		err = run(&f.mem, o, lines, &said, &shown);
		assert_true(err == TH_OK || (f.hit && err == TH_ERR_NO_MEMORY));
		assert_int_equal(said, err != TH_OK);
		assert_int_equal(f.live, 0);
		assert_true(f.hit || strstr(shown, "together"));
		free(shown);
	}
	print_message("%zu allocations\n", k - 2);
	assert_true(k > 20);
}

static void test_no_memory(void **state)
{
	struct th_explain_options o;

	(void)state;
	th_explain_options_init(&o);
	fail_each(&o);
	o.top = 1;
	fail_each(&o);
}

static void test_a_broken_line_leaves_nothing(void **state)
{
	struct th_explain_options o;
	struct failmem f;
	char text[sizeof(lines) + 2], *shown = NULL;
	unsigned said = 0;

	(void)state;
	failmem_init(&f, 0);
	th_explain_options_init(&o);
	snprintf(text, sizeof(text), "%s{", lines);
	assert_int_equal(run(&f.mem, &o, text, &said, &shown), TH_ERR_MALFORMED);
	assert_int_equal(said, 1);
	assert_int_equal(f.live, 0);
	free(shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_a_broken_line_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
