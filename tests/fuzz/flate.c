/* Three uses, by the first byte: bits 0 and 1 what the rest is, bit 2 a response, bit 3 with history, bit 4 without
 * preset.
 *
 *     0 a message's bytes behind the coding: hostile decode
 *     1 a compact form: the same behind deflate, where the form is seen by more inputs
 *     2 and 3 lines "target", "name: value"…, an empty line, body: encode, decode, compare
 *
 * Whatever is decoded was checked as a plain envelope is, and restores. */
#include <string.h>

#include "codec/envelope.h"
#include "codec/flate.h"
#include "fuzz.h"

enum { CAP = TH_FLATE_BODY_MAX, FORM_MAX = 60000 };

static struct th_flate *flate;
static const uint8_t past[] = "\xa3\x18\x60{\"event_id\":\"$abc\"}/_matrix/client/v3/sync";

/* The same checks as for coding identity. */
static bool is_clean(const struct th_head *head, bool response)
{
	static uint8_t bytes[TH_ENVELOPE_PREFIX_MAX + TH_ENVELOPE_HEAD_MAX];
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head again;
	size_t n = th_envelope_write(head, bytes, sizeof(bytes));

	return n <= sizeof(bytes) && (response ? th_envelope_read_response(&again, fields, bytes, n)
					       : th_envelope_read_request(&again, fields, bytes, n)) == TH_OK;
}

static void decode(const uint8_t *p, size_t n, bool response, struct th_flate_history history)
{
	static struct th_flate_message got;
	static uint8_t body[CAP];
	size_t cap = n & 1 ? CAP : n;

	if (th_flate_decode(flate, p, n, response, history, &got, body, cap) != TH_OK)
		return;
	FUZZ_CHECK(got.body.n <= cap);
	FUZZ_CHECK(is_clean(&got.head, response));
	FUZZ_CHECK(response == (got.head.status != 0));
	FUZZ_CHECK(got.body_outside || got.head.body_len == TH_BODY_UNKNOWN ||
		   got.head.body_len == (int64_t)got.body.n);
}

/* A form in one stored block. */
static void decode_form(const uint8_t *p, size_t n, bool response, struct th_flate_history history)
{
	static uint8_t bytes[6 + FORM_MAX] = { TH_CODING_FLATE_BARE, 1 };

	if (n > FORM_MAX)
		return;
	bytes[2] = (uint8_t)n;
	bytes[3] = (uint8_t)(n >> 8);
	bytes[4] = (uint8_t)~n;
	bytes[5] = (uint8_t)(~n >> 8);
	memcpy(bytes + 6, p, n);
	decode(bytes, n + 6, response, history);
}

static struct th_str take_line(struct th_str *s)
{
	const char *end = s->n ? memchr(s->p, '\n', s->n) : NULL;
	struct th_str line = { s->p, end ? (size_t)(end - s->p) : s->n };

	s->p += line.n + (end ? 1 : 0);
	s->n -= line.n + (end ? 1 : 0);
	return line;
}

static void compare(const struct th_head *a, struct th_str a_body, const struct th_flate_message *b)
{
	FUZZ_CHECK(th_str_eq(a->method, b->head.method) && th_str_eq(a->target, b->head.target));
	FUZZ_CHECK(a->status == b->head.status && a->body_len == b->head.body_len && a->n_fields == b->head.n_fields);
	for (size_t i = 0; i < a->n_fields; i++) {
		FUZZ_CHECK(th_str_ieq(a->fields[i].name, b->head.fields[i].name));
		FUZZ_CHECK(th_str_eq(a->fields[i].value, b->head.fields[i].value));
	}
	FUZZ_CHECK(th_str_eq(a_body, b->body));
}

static void there_and_back(struct th_str text, unsigned coding, bool response, struct th_flate_history history)
{
	static uint8_t coded[2 * CAP], body[CAP];
	static struct th_flate_message got;
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_str target = take_line(&text), line;
	struct th_head head = { .fields = fields };
	enum th_err err;
	size_t n;

	while (head.n_fields < TH_HEAD_FIELDS_MAX && (line = take_line(&text)).n) {
		const char *colon = memchr(line.p, ':', line.n);
		size_t at = colon ? (size_t)(colon - line.p) : line.n;

		fields[head.n_fields++] =
			(struct th_field){ { line.p, at },
					   { line.p + at + (colon != NULL), line.n - at - (colon != NULL) } };
	}
	if (response)
		head.status = (uint16_t)(200 + target.n % 400);
	else
		head.method = target.n & 1 ? TH_STR("PUT") : TH_STR("REPORT");
	head.target = response ? TH_STR("") : target;
	head.body_len = head.n_fields & 1 ? TH_BODY_UNKNOWN : (int64_t)text.n;
	n = th_flate_encode(flate, coding, &head, text, history, coded, sizeof(coded));
	if (n == 0)
		return;
	err = th_flate_decode(flate, coded, n, response, history, &got, body, sizeof(body));
	FUZZ_CHECK((err == TH_OK) == is_clean(&head, response));
	if (err == TH_OK)
		compare(&head, text, &got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t bytes[1 << 20];
	struct th_flate_history history = { 0 };
	unsigned coding;
	bool response;

	if (!flate)
		flate = th_flate_new(&th_mem_libc);
	FUZZ_CHECK(flate);
	if (n < 1 || n > sizeof(bytes))
		return 0;
	response = data[0] & 4;
	coding = data[0] & 16 ? TH_CODING_FLATE_BARE : TH_CODING_FLATE;
	if (data[0] & 8)
		history = (struct th_flate_history){ past, sizeof(past) };
	if ((data[0] & 3) == 0) {
		memcpy(bytes, data, n);
		bytes[0] = (uint8_t)coding;
		decode(bytes, n, response, history);
	} else if ((data[0] & 3) == 1) {
		decode_form(data + 1, n - 1, response, history);
	} else {
		there_and_back((struct th_str){ (const char *)data + 1, n - 1 }, coding, response, history);
	}
	return 0;
}
