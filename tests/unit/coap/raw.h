/* One engine and a peer played by hand: messages are written field by field, what comes back is read. */
#ifndef TH_UNIT_RAW_H
#define TH_UNIT_RAW_H

#include "unit.h"

#include "coap/engine.h"
#include "coap/option.h"

enum { OUT_MAX = 64, MESSAGE_MAX = 1400, CODE_CONTENT = TH_COAP_CODE(2, 5), CODE_CHANGED = TH_COAP_CODE(2, 4) };

struct rig {
	struct th_coap *c;
	struct th_coap_params params;
	th_time now;
	uint64_t seed;
	struct th_rng rng;
	/* the server's user */
	bool quiet;    /* does not answer */
	size_t body_n; /* of the answer */
	unsigned requests, ends, responses, closed;
	th_coap_id last;
	enum th_err why;
	size_t got_n;
	uint8_t code;
	/* what came out */
	size_t out_n;
	uint8_t bytes[OUT_MAX][MESSAGE_MAX];
	size_t len[OUT_MAX];
	struct th_coap_pdu out[OUT_MAX];
	uint16_t mid;
};

static const struct th_addr peer = { .ip = { 1 }, .port = 1 };

static inline void respond(struct rig *r, th_coap_id id, size_t n)
{
	const struct th_coap_head head = { .code = CODE_CONTENT };
	uint8_t body[8192];

	for (size_t i = 0; i < n; i++)
		body[i] = (uint8_t)(i >> 4);
	assert_int_equal(th_coap_respond(r->c, id, &head, r->now), TH_OK);
	assert_int_equal(th_coap_write(r->c, id, body, n, r->now), n);
	assert_int_equal(th_coap_end(r->c, id, r->now), TH_OK);
}

static inline void on_request(void *user, th_coap_id id, const struct th_addr *from, const struct th_coap_head *head)
{
	struct rig *r = user;

	(void)from;
	(void)head;
	r->requests++;
	r->last = id;
	r->got_n = 0;
}

static inline void on_response(void *user, th_coap_id id, const struct th_coap_head *head)
{
	struct rig *r = user;

	(void)id;
	r->responses++;
	r->code = head->code;
	r->got_n = 0;
}

static inline size_t on_data(void *user, th_coap_id id, const uint8_t *p, size_t n)
{
	struct rig *r = user;

	(void)id;
	(void)p;
	r->got_n += n;
	return n;
}

static inline void on_end(void *user, th_coap_id id)
{
	struct rig *r = user;

	r->ends++;
	if (r->requests && !r->quiet)
		respond(r, id, r->body_n);
}

static inline void on_resume(void *user, th_coap_id id)
{
	(void)user;
	(void)id;
}

static inline void on_closed(void *user, th_coap_id id, enum th_err why)
{
	struct rig *r = user;

	(void)id;
	r->closed++;
	r->why = why;
}

static const struct th_coap_ops ops = { on_request, on_response, on_data, on_end, on_resume, on_closed };

static inline void start(struct rig *r)
{
	r->c = th_coap_new(&r->params, &th_mem_libc, &r->rng, &ops, r);
	assert_non_null(r->c);
}

static inline struct rig *make(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->seed = 1;
	r->rng = th_rng_seeded(&r->seed);
	r->params = th_coap_params_default;
	r->params.body_window = 16384;
	r->now = TH_SEC;
	r->mid = 1;
	start(r);
	return r;
}

static inline void unmake(struct rig *r)
{
	th_coap_del(r->c);
	free(r);
}

/* Takes everything the engine wants to send. */
static inline void drain(struct rig *r)
{
	struct th_addr to;

	for (r->out_n = 0; r->out_n < OUT_MAX; r->out_n++) {
		size_t n = th_coap_tx(r->c, &to, r->bytes[r->out_n], MESSAGE_MAX, r->now);

		if (n == 0)
			return;
		r->len[r->out_n] = n;
		assert_int_equal(th_coap_pdu_read(&r->out[r->out_n], r->bytes[r->out_n], n), TH_OK);
	}
}

static inline void wait_for(struct rig *r, th_time length)
{
	th_time until = r->now + length;

	while (th_coap_deadline(r->c) <= until) {
		if (th_coap_deadline(r->c) > r->now)
			r->now = th_coap_deadline(r->c);
		th_coap_tick(r->c, r->now);
	}
	r->now = until;
	drain(r);
}

static inline void feed_bytes(struct rig *r, const void *p, size_t n)
{
	th_coap_rx(r->c, &peer, p, n, r->now);
	drain(r);
}

static inline void feed(struct rig *r, const struct th_coap_pdu *pdu)
{
	uint8_t bytes[MESSAGE_MAX];
	size_t n = th_coap_pdu_write(pdu, bytes, sizeof(bytes));

	assert_true(n <= sizeof(bytes));
	feed_bytes(r, bytes, n);
}

static inline struct th_coap_pdu message(struct rig *r, enum th_coap_type type, uint8_t code)
{
	return (struct th_coap_pdu){ .type = type, .code = code, .mid = r->mid++, .token_len = 1, .token = { 9 } };
}

static inline void assert_one(const struct rig *r, enum th_coap_type type, uint8_t code)
{
	assert_int_equal(r->out_n, 1);
	assert_int_equal(r->out[0].type, type);
	assert_int_equal(r->out[0].code, code);
}

/* A client exchange of ours; its request is in r->out[0]. */
static inline th_coap_id ask(struct rig *r, uint8_t code, size_t body_n)
{
	const struct th_coap_head head = { .code = code, .confirmable = true };
	static const uint8_t body[8192];
	th_coap_id id;

	assert_int_equal(th_coap_request(r->c, &peer, &head, r->now, &id), TH_OK);
	assert_int_equal(th_coap_write(r->c, id, body, body_n, r->now), body_n);
	assert_int_equal(th_coap_end(r->c, id, r->now), TH_OK);
	drain(r);
	assert_int_equal(r->out_n, 1);
	return id;
}

static inline struct th_coap_pdu reply_to(const struct th_coap_pdu *request, enum th_coap_type type, uint8_t code)
{
	struct th_coap_pdu pdu = { .type = type, .code = code, .mid = request->mid, .token_len = request->token_len };

	memcpy(pdu.token, request->token, request->token_len);
	return pdu;
}

#endif
