/* Hostile code: decodes to something bounded, or is refused; what comes out as a text is read, masked and kept safely.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/keep.h"
#include "codec/model.h"
#include "codec/tables.h"
#include "codec/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { ROOM = 64 * 1024 };

/* What was read, written and read again is the same. */
static void again(const struct th_text *t)
{
	static struct th_text got;
	static uint8_t body[ROOM];
	size_t need, written;
	uint8_t *copy;
	enum th_err err = th_text_write(&t->head, t->slot, t->body, t->body_n, NULL, 0, &need);

	assert(err == TH_OK);
	copy = malloc(need);
	assert(th_text_write(&t->head, t->slot, t->body, t->body_n, copy, need, &written) == TH_OK && written == need);
	err = t->head.status ? th_text_read_response(&got, copy, need) : th_text_read_request(&got, copy, need);
	assert(err == TH_OK && got.slot == t->slot && got.head.n_fields == t->head.n_fields);
	assert(t->head.status || th_str_eq(got.head.target, t->head.target));
	for (size_t i = 0; i < t->head.n_fields; i++)
		assert(th_str_eq(got.fields[i].value, t->fields[i].value));
	assert(th_text_restore(&got, body, sizeof(body)) == TH_OK);
	assert(got.body_n == t->body_n && (got.body_n == 0 || memcmp(got.body, t->body, got.body_n) == 0));
	free(copy);
}

static void use(const uint8_t *text, size_t n)
{
	static struct th_text t;
	static uint8_t body[ROOM];
	uint8_t *kept = malloc(n + TH_KEEP_EXTRA);

	if (th_text_read_request(&t, text, n) == TH_OK && th_text_restore(&t, body, sizeof(body)) == TH_OK)
		again(&t);
	if (th_text_read_response(&t, text, n) == TH_OK && th_text_restore(&t, body, sizeof(body)) == TH_OK)
		again(&t);
	assert(th_keep(text, n, (struct th_str){ (const char *)text, n }, TH_STR(""), SIZE_MAX, kept) <= n + TH_KEEP_EXTRA);
	free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	enum { CAP = 600 };
	static struct th_model *model;
	static struct th_view view;
	struct th_model_about about = { false, 0, -1 };
	uint8_t *out = malloc(CAP);
	size_t history = n / 4, got;
	enum th_err err;

	if (!model)
		model = th_model_new(&th_mem_libc, th_tables_builtin,
				     (size_t)(th_tables_builtin_end - th_tables_builtin));
	assert(model && out);
	use(p, n);
	view.n = 1;
	view.texts[0] = (struct th_view_text){ p, history, about, NULL, 0 };
	err = th_model_decode(model, &view, &about, p + history, n - history, out, CAP, &got);
	if (err == TH_OK) {
		assert(got <= CAP);
		use(out, got);
	}
	free(out);
	return 0;
}
