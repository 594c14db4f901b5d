/* Hostile envelope bytes: no crash, and what is accepted survives being written and read again. */
#include <assert.h>
#include <stdlib.h>

#include "codec/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void again(const struct th_head *h)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head got;
	size_t need = th_envelope_write(h, NULL, 0);
	uint8_t *copy = malloc(need);
	enum th_err err;

	th_envelope_write(h, copy, need);
	err = h->status ? th_envelope_read_response(&got, fields, copy, need)
			: th_envelope_read_request(&got, fields, copy, need);
	assert(err == TH_OK);
	assert(got.n_fields == h->n_fields && got.body_len == h->body_len && got.status == h->status);
	assert(th_str_eq(got.target, h->target) && th_str_eq(got.method, h->method));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head h;
	size_t len;

	if (th_envelope_length(p, n, &len) == TH_OK && len > 0 && len <= n)
		n = len;
	if (th_envelope_read_request(&h, fields, p, n) == TH_OK)
		again(&h);
	if (th_envelope_read_response(&h, fields, p, n) == TH_OK)
		again(&h);
	return 0;
}
