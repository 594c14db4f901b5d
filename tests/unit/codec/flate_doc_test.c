/* The examples of docs/protocol.md, sections on flate and bulk (the page's path is the argument): hex that decodes to
 * what is said above it. */
#include "unit.h"

#include "codec/bulk.h"
#include "codec/bulk_head.h"

enum { LINE_ROOM = 1024 };

static const char *page;

struct example {
	bool bulk, response;
	struct th_str method, target, body;
	uint16_t status;
	uint8_t form[512], coded[512];
	size_t form_n, coded_n;
	char line[LINE_ROOM];
};

static size_t read_hex(const char *p, uint8_t *out)
{
	size_t n = 0;

	while (*p == ' ')
		p++;
	for (; strspn(p, "0123456789abcdef") >= 2 || (*p == ' ' && p[1] != ' '); p++) {
		char two[3] = { p[0], p[1], 0 };

		if (*p == ' ')
			continue;
		out[n++] = (uint8_t)strtoul(two, NULL, 16);
		p++;
	}
	return n;
}

static struct th_str word(char **p)
{
	size_t n = strcspn(*p, " \n");
	struct th_str s = { *p, n };

	*p += n + ((*p)[n] == ' ');
	return s;
}

/* The next example of the page, false at its end. */
static bool next(FILE *f, struct example *x)
{
	char line[LINE_ROOM], *p, *end;

	memset(x, 0, sizeof(*x));
	do
		if (!fgets(x->line, sizeof(x->line), f))
			return false;
	while (strncmp(x->line, "<!-- flate: ", 12) != 0 && strncmp(x->line, "<!-- bulk: ", 11) != 0);
	x->bulk = x->line[5] == 'b';
	p = strchr(x->line, ':') + 2;
	end = strstr(p, " -->");
	assert_non_null(end);
	*end = '\0';
	x->response = th_str_eq(word(&p), TH_STR("response"));
	if (x->response)
		x->status = (uint16_t)strtoul(word(&p).p, NULL, 10);
	else
		x->method = word(&p), x->target = word(&p);
	x->body = th_str_of(p);
	while (fgets(line, sizeof(line), f) && strncmp(line, "    ", 4) == 0) {
		if (strstr(line, "deflated") || x->bulk)
			x->coded_n += read_hex(line, x->coded + x->coded_n);
		else
			x->form_n += read_hex(line, x->form + x->form_n);
	}
	return true;
}

static void assert_head(const struct example *x, const struct th_head *head)
{
	assert_true(th_str_eq(head->method, x->method));
	assert_true(th_str_eq(head->target, x->target));
	assert_int_equal(head->status, x->status);
	assert_int_equal(head->body_len, x->body.n);
}

static void check_flate(struct th_flate *f, const struct example *x)
{
	static struct th_flate_message got;
	struct th_flate_history none = { 0 };
	uint8_t body[512], form[512];

	assert_int_equal(th_flate_decode(f, x->coded, x->coded_n, x->response, none, &got, body, sizeof(body)), TH_OK);
	assert_head(x, &got.head);
	assert_true(th_str_eq(got.body, x->body));
	assert_int_equal(th_flate_form(f, &got.head, got.body, form, sizeof(form)), x->form_n);
	assert_memory_equal(form, x->form, x->form_n);
}

static void check_bulk(struct th_flate *f, const struct example *x)
{
	static struct th_flate_message got;
	struct th_bulk_decoder *d = th_bulk_decoder_new(&th_mem_libc, x->body.n, NULL);
	struct th_bulk_step step;
	uint8_t body[64];
	size_t len;

	assert_int_equal(th_bulk_head_length(x->coded, x->coded_n, &len), TH_OK);
	assert_int_equal(th_bulk_head_read(f, x->coded, len, x->response, (struct th_flate_history){ 0 }, &got), TH_OK);
	assert_head(x, &got.head);
	assert_int_equal(th_bulk_decode(d, x->coded + len, x->coded_n - len, body, sizeof(body), &step), TH_OK);
	assert_true(th_str_eq((struct th_str){ (const char *)body, step.written }, x->body));
	assert_int_equal(th_bulk_decoder_end(d), TH_OK);
	th_bulk_decoder_del(d);
}

static void test_examples(void **state)
{
	static struct example x;
	struct th_flate *f = th_flate_new(&th_mem_libc);
	FILE *file = fopen(page, "r");
	size_t flate = 0, bulk = 0;

	(void)state;
	assert_non_null(file);
	assert_non_null(f);
	while (next(file, &x)) {
		if (x.bulk)
			check_bulk(f, &x);
		else
			check_flate(f, &x);
		flate += !x.bulk;
		bulk += x.bulk;
	}
	assert_int_equal(flate, 3);
	assert_int_equal(bulk, 1);
	fclose(file);
	th_flate_del(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_examples) };

	if (argc != 2)
		return 1;
	page = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
