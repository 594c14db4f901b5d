/* Any text, after any history: what is coded decodes to the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/model.h"
#include "codec/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct th_model *model;
	static struct th_view view;
	struct th_model_about about = { false, 0, -1 };
	size_t history, need, again, got;
	uint8_t *code, *back;

	if (!model)
		model = th_model_new(&th_mem_libc, th_tables_builtin,
				     (size_t)(th_tables_builtin_end - th_tables_builtin));
	assert(model);
	if (n < 2 || n > 4096)
		return 0;
	about.is_response = p[0] & 1;
	about.kind = p[0];
	about.account = p[0] % 5 - 1;
	history = p[1] < n - 2 ? p[1] : n - 2;
	view.n = 2; /* the history, whole and again its first half */
	view.texts[0] = (struct th_view_text){ p + 2, history, { false, 0, -1 } };
	view.texts[1] = (struct th_view_text){ p + 2, history / 2, about };
	p += 2 + history;
	n -= 2 + history;
	(void)th_model_encode(model, &view, &about, p, n, NULL, 0, &need);
	code = malloc(need ? need : 1);
	back = malloc(n ? n : 1);
	assert(th_model_encode(model, &view, &about, p, n, code, need, &again) == TH_OK && again <= need);
	assert(th_model_decode(model, &view, &about, code, again, back, n, &got) == TH_OK);
	assert(got == n && (n == 0 || memcmp(back, p, n) == 0));
	free(code);
	free(back);
	return 0;
}
