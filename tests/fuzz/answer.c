/* An answer of the upstream, read whole and byte by byte: both readings must agree, and nothing that belongs to the hop
 * or could split a message may come out. The first byte says whether it answers HEAD, the rest is the connection's
 * bytes up to its end. */
#include "fuzz.h"

#include <string.h>

#include "http/answer.h"
#include "http/hop.h"

enum { HEAD_BYTES = 64 * 1024, HASH_PRIME = 16777619 };

struct outcome {
	enum th_answer_step step;
	size_t used, heads;
	uint16_t status;
	int64_t body_len, body;
	uint32_t hash;
	bool eof, keep;
};

static void mix(struct outcome *o, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		o->hash = (o->hash ^ b[i]) * HASH_PRIME;
}

static bool on_head(void *user, const struct th_head *h)
{
	struct outcome *o = user;

	FUZZ_CHECK(h->status >= 200 && h->status <= 599);
	FUZZ_CHECK(h->body_len >= 0 || h->body_len == TH_BODY_UNKNOWN);
	FUZZ_CHECK(h->n_fields <= TH_HEAD_FIELDS_MAX);
	for (size_t i = 0; i < h->n_fields; i++) {
		FUZZ_CHECK(th_http_is_token(h->fields[i].name));
		FUZZ_CHECK(th_http_is_value(h->fields[i].value));
		FUZZ_CHECK(!th_hop_by_hop(h->fields[i].name, NULL, 0));
		mix(o, h->fields[i].name.p, h->fields[i].name.n);
		mix(o, ":", 1);
		mix(o, h->fields[i].value.p, h->fields[i].value.n);
		mix(o, "\n", 1);
	}
	o->heads++;
	o->status = h->status;
	o->body_len = h->body_len;
	return true;
}

static bool on_body(void *user, const uint8_t *p, size_t n)
{
	struct outcome *o = user;

	FUZZ_CHECK(o->heads == 1 && n > 0);
	mix(o, p, n);
	o->body += (int64_t)n;
	FUZZ_CHECK(o->body_len == TH_BODY_UNKNOWN || o->body <= o->body_len);
	return true;
}

static struct outcome read_answer(const uint8_t *data, size_t n, bool to_head, size_t piece)
{
	static const struct th_answer_ops ops = { on_head, on_body };
	struct outcome o = { .step = TH_ANSWER_MORE };
	struct th_answer a;

	memset(&a, 0, sizeof(a));
	th_answer_init(&a, &th_mem_libc, HEAD_BYTES, &ops, &o);
	th_answer_begin(&a, to_head);
	while (o.used < n && o.step == TH_ANSWER_MORE) {
		size_t take = n - o.used < piece ? n - o.used : piece;
		size_t used = 0;

		o.step = th_answer_feed(&a, data + o.used, take, &used);
		FUZZ_CHECK(used <= take);
		FUZZ_CHECK(o.step != TH_ANSWER_MORE || used == take);
		o.used += used;
	}
	FUZZ_CHECK(o.step != TH_ANSWER_STOPPED);
	FUZZ_CHECK((o.step == TH_ANSWER_BAD) == (a.problem != NULL));
	if (o.step == TH_ANSWER_MORE)
		o.eof = th_answer_eof(&a);
	if (o.step == TH_ANSWER_COMPLETE || o.eof) {
		FUZZ_CHECK(o.heads == 1);
		FUZZ_CHECK(o.body_len == TH_BODY_UNKNOWN || o.body == o.body_len);
		o.keep = a.keep;
		FUZZ_CHECK(!o.eof || !o.keep);
	}
	th_answer_free(&a);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct outcome whole, single;

	if (n == 0 || n > HEAD_BYTES)
		return 0;
	whole = read_answer(data + 1, n - 1, data[0] & 1, n);
	single = read_answer(data + 1, n - 1, data[0] & 1, 1);
	FUZZ_CHECK(whole.step == single.step);
	FUZZ_CHECK(whole.step == TH_ANSWER_BAD || whole.used == single.used);
	FUZZ_CHECK(whole.heads == single.heads && whole.status == single.status && whole.body_len == single.body_len);
	FUZZ_CHECK(whole.body == single.body && whole.hash == single.hash);
	FUZZ_CHECK(whole.eof == single.eof && whole.keep == single.keep);
	return 0;
}
