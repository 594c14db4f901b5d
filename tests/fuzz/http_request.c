/* A client's bytes: in one piece and in pieces they make the same requests, and no step leaves its input or its limits.
 */
#include "fuzz.h"

#include <string.h>

#include "http/request.h"

static const struct th_listener_limits limits = {
	.head_bytes = 512, .target_bytes = 64, .fields = 6, .body_bytes = 300
};

/* What the steps said, folded into one number. */
struct story {
	uint64_t hash, body_n;
	int64_t body_len;
	bool in_body, refused, excess;
};

static void tell(struct story *s, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		s->hash = (s->hash ^ b[i]) * 0x100000001b3u;
}

static void tell_str(struct story *s, struct th_str text)
{
	tell(s, text.p, text.n);
	tell(s, "", 1);
}

static void tell_head(struct story *s, const struct th_request_step *step)
{
	const struct th_head *h = &step->head;
	uint8_t facts[] = { 'H', (uint8_t)step->minor, step->keep_alive, step->expect_continue };

	FUZZ_CHECK(!s->in_body);
	FUZZ_CHECK(h->method.n > 0 && h->method.n <= TH_METHOD_MAX);
	FUZZ_CHECK(h->target.n > 0 && h->target.n <= limits.target_bytes);
	FUZZ_CHECK(h->n_fields <= limits.fields);
	FUZZ_CHECK(h->body_len == TH_BODY_UNKNOWN || (h->body_len >= 0 && (uint64_t)h->body_len <= limits.body_bytes));
	FUZZ_CHECK(!th_head_find(h, TH_STR("content-length")) && !th_head_find(h, TH_STR("transfer-encoding")));
	FUZZ_CHECK(step->minor == 0 || th_head_find(h, TH_STR("host")));
	s->in_body = true;
	s->body_len = h->body_len;
	s->body_n = 0;
	tell(s, facts, sizeof(facts));
	tell(s, &h->body_len, sizeof(h->body_len));
	tell_str(s, h->method);
	tell_str(s, h->target);
	for (size_t i = 0; i < h->n_fields; i++) {
		FUZZ_CHECK(memchr(h->fields[i].value.p, '\n', h->fields[i].value.n) == NULL);
		tell_str(s, h->fields[i].name);
		tell_str(s, h->fields[i].value);
	}
}

static void tell_body(struct story *s, const struct th_request_step *step)
{
	FUZZ_CHECK(s->in_body && step->body_n > 0 && step->body_n <= step->used);
	s->body_n += step->body_n;
	FUZZ_CHECK(s->body_n <= limits.body_bytes);
	tell(s, step->body, step->body_n);
}

static void tell_end(struct story *s)
{
	FUZZ_CHECK(s->in_body);
	FUZZ_CHECK(s->body_len == TH_BODY_UNKNOWN || (uint64_t)s->body_len == s->body_n);
	s->in_body = false;
	tell(s, "E", 1);
}

/* False when more bytes are wanted, or none any more. */
static bool one_step(struct th_request *r, struct story *s, const uint8_t *p, size_t n, size_t *used)
{
	static struct th_request_step step;
	enum th_request_event ev = th_request_next(r, p + *used, n - *used, &step);

	FUZZ_CHECK(step.used <= n - *used);
	*used += step.used;
	switch (ev) {
	case TH_REQUEST_MORE:
		return false;
	case TH_REQUEST_HEAD:
		tell_head(s, &step);
		return true;
	case TH_REQUEST_BODY:
		FUZZ_CHECK(step.body + step.body_n == p + *used);
		tell_body(s, &step);
		return true;
	case TH_REQUEST_END:
		tell_end(s);
		return true;
	case TH_REQUEST_BAD:
		FUZZ_CHECK(step.status >= 400 && step.status < 600 && step.reason);
		tell(s, &step.status, sizeof(step.status));
		s->refused = true;
		s->excess = strncmp(step.reason, "Too much around", 15) == 0;
		return false;
	}
	return false;
}

/* Each offer is a fresh copy without slack, so that a sanitizer sees a read past its end. */
static struct story play(const uint8_t *p, size_t n, size_t piece)
{
	struct story s = { .hash = 0xcbf29ce484222325u };
	struct th_request r;
	size_t used = 0;

	th_request_init(&r, &limits);
	for (size_t have = 0; have < n && !s.refused;) {
		size_t offered, at = 0;
		uint8_t *copy;

		have = n - have < piece ? n : have + piece;
		offered = have - used;
		copy = malloc(offered ? offered : 1);
		FUZZ_CHECK(copy);
		memcpy(copy, p + used, offered);
		while (one_step(&r, &s, copy, offered, &at))
			;
		used += at;
		free(copy);
	}
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct story whole, bytes, pieces;

	if (n < 1 || n > 8192)
		return 0;
	whole = play(data + 1, n - 1, n);
	bytes = play(data + 1, n - 1, 1);
	pieces = play(data + 1, n - 1, 2 + data[0] % 61u);
	/* What framing may cost is counted by step, so that alone may depend on the pieces. */
	if (whole.excess || bytes.excess || pieces.excess)
		return 0;
	FUZZ_CHECK(whole.hash == bytes.hash && whole.hash == pieces.hash);
	return 0;
}
