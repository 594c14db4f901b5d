/* One engine on a bench: datagrams made by hand go in, what comes out is kept with its time, events are written down.
 *
 * The rig is the world: it owns the clock and calls tick exactly when the engine asks. Peers are numbers (rig_peer). */
#ifndef TH_UNIT_RIG_H
#define TH_UNIT_RIG_H

#include "unit.h"
#include "failmem.h"
#include "wire.h"

#include "coap/engine.h"

enum { RIG_OUT = 4096, RIG_EX = 512, RIG_BODY = 64 * 1024, RIG_SPIN = 10000 };

struct rig_sent {
	th_time at;
	struct th_addr to;
	size_t n;
	uint8_t bytes[1400];
};

/* What the user of the engine saw of one exchange. */
struct rig_ex {
	th_coap_id id;
	bool server;
	struct th_addr peer;
	uint8_t code; /* of the request or of the last response */
	bool observe; /* of the last head */
	unsigned heads, ends, resumes, closes;
	enum th_err why;
	char path[64];	  /* Uri-Path segments joined by '/' */
	unsigned options; /* how many the last head had */
	uint8_t *body;	  /* RIG_BODY bytes, of the last head */
	size_t body_n;
};

struct rig {
	struct failmem mem;
	struct th_coap_params params;
	uint64_t seed;
	struct th_rng rng;
	struct th_coap *c;
	th_time now;
	struct rig_sent *out; /* ring of what was sent and not looked at yet */
	size_t out_head, out_n, sent_total, sent_bytes;
	struct rig_ex ex[RIG_EX];
	size_t n_ex;
	size_t appetite;   /* data() takes at most this much in all; SIZE_MAX: everything */
	unsigned requests; /* events of that kind */
	bool auto_reply;   /* answers each request at its end with 2.05 and a body of reply_n bytes */
	uint8_t reply_code;
	size_t reply_n;
};

static inline struct th_addr rig_peer(unsigned i)
{
	return (struct th_addr){ .ip = { [10] = 0xff,
					 [11] = 0xff,
					 [12] = 192,
					 [13] = 0,
					 [14] = (uint8_t)(2 + i / 250),
					 [15] = (uint8_t)(1 + i % 250) },
				 .port = 5683 };
}

/* Byte i of the body named `tag`. */
static inline uint8_t rig_byte(unsigned tag, size_t i)
{
	return (uint8_t)((i * 131 + i / 251 + tag * 17) & 0xff);
}

static inline void rig_fill(uint8_t *p, size_t n, unsigned tag, size_t from)
{
	for (size_t i = 0; i < n; i++)
		p[i] = rig_byte(tag, from + i);
}

static inline void rig_assert_body(const struct rig_ex *ex, unsigned tag, size_t n)
{
	assert_int_equal(ex->body_n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ex->body[i], rig_byte(tag, i));
}

static inline struct rig_ex *rig_find(struct rig *r, th_coap_id id)
{
	for (size_t i = r->n_ex; i > 0; i--)
		if (r->ex[i - 1].id == id)
			return &r->ex[i - 1];
	return NULL;
}

/* The newest exchange a peer opened. */
static inline struct rig_ex *rig_last_request(struct rig *r)
{
	for (size_t i = r->n_ex; i > 0; i--)
		if (r->ex[i - 1].server)
			return &r->ex[i - 1];
	fail_msg("no request has come");
	return NULL;
}

static inline struct rig_ex *rig_add(struct rig *r, th_coap_id id, bool server)
{
	struct rig_ex *ex;

	assert_true(id != 0);
	assert_null(rig_find(r, id)); /* ids are never reused */
	assert_true(r->n_ex < RIG_EX);
	ex = &r->ex[r->n_ex++];
	*ex = (struct rig_ex){ .id = id, .server = server, .body = calloc(1, RIG_BODY) };
	assert_non_null(ex->body);
	return ex;
}

static inline void rig_note_head(struct rig_ex *ex, const struct th_coap_head *head)
{
	size_t at = 0;

	ex->heads++;
	ex->code = head->code;
	ex->observe = head->observe;
	ex->options = (unsigned)head->n_options;
	ex->body_n = 0;
	ex->path[0] = '\0';
	for (size_t i = 0; i < head->n_options; i++) {
		const struct th_coap_option *o = &head->options[i];

		assert_true(i == 0 || o->number >= o[-1].number);
		assert_true(o->number != W_BLOCK1 && o->number != W_BLOCK2 && o->number != W_SIZE1 &&
			    o->number != W_SIZE2);
		assert_true(o->number != W_ECHO && o->number != W_REQUEST_TAG);
		if (o->number != W_URI_PATH || o->n >= sizeof(ex->path) - at - 1)
			continue;
		ex->path[at++] = '/';
		memcpy(ex->path + at, o->p, o->n);
		at += o->n;
		ex->path[at] = '\0';
	}
}

static inline void rig_on_request(void *user, th_coap_id id, const struct th_addr *peer,
				  const struct th_coap_head *head)
{
	struct rig *r = user;
	struct rig_ex *ex = rig_add(r, id, true);

	r->requests++;
	ex->peer = *peer;
	rig_note_head(ex, head);
}

static inline void rig_on_response(void *user, th_coap_id id, const struct th_coap_head *head)
{
	struct rig_ex *ex = rig_find(user, id);

	/* during th_coap_request() the id is not known yet; nothing may answer then */
	assert_non_null(ex);
	assert_false(ex->server);
	assert_int_equal(ex->closes, 0);
	assert_int_equal(ex->ends, ex->heads); /* one message after the other */
	rig_note_head(ex, head);
}

static inline size_t rig_on_data(void *user, th_coap_id id, const uint8_t *p, size_t n)
{
	struct rig *r = user;
	struct rig_ex *ex = rig_find(r, id);
	size_t take = n < r->appetite ? n : r->appetite;

	assert_non_null(ex);
	assert_int_equal(ex->closes, 0);
	assert_int_equal(ex->heads, ex->ends + 1);
	assert_true(n > 0);
	if (r->appetite != SIZE_MAX)
		r->appetite -= take;
	assert_true(take <= RIG_BODY - ex->body_n);
	memcpy(ex->body + ex->body_n, p, take);
	ex->body_n += take;
	return take;
}

static inline void rig_reply_bytes(struct rig *r, th_coap_id id, uint8_t code, unsigned tag, size_t n);

static inline void rig_on_end(void *user, th_coap_id id)
{
	struct rig *r = user;
	struct rig_ex *ex = rig_find(r, id);

	assert_non_null(ex);
	assert_int_equal(ex->closes, 0);
	ex->ends++;
	assert_int_equal(ex->ends, ex->heads);
	if (ex->server && r->auto_reply)
		rig_reply_bytes(r, id, r->reply_code, 9, r->reply_n);
}

static inline void rig_on_resume(void *user, th_coap_id id)
{
	struct rig_ex *ex = rig_find(user, id);

	assert_non_null(ex);
	assert_int_equal(ex->closes, 0);
	ex->resumes++;
}

static inline void rig_on_closed(void *user, th_coap_id id, enum th_err why)
{
	struct rig_ex *ex = rig_find(user, id);

	assert_non_null(ex);
	ex->closes++;
	assert_int_equal(ex->closes, 1);
	ex->why = why;
}

static const struct th_coap_ops rig_ops = { rig_on_request, rig_on_response, rig_on_data,
					    rig_on_end,	    rig_on_resume,   rig_on_closed };

/* RFC 7252's times, a small window, small caps. A zero patience makes the empty ACK come at once. */
static const struct th_coap_params rig_params = {
	.ack_timeout = 2 * TH_SEC,
	.ack_random_percent = 50,
	.max_retransmit = 4,
	.max_latency = 100 * TH_SEC,
	.rto_min = 200 * TH_MS,
	.rto_max = 60 * TH_SEC,
	.piggyback_patience = 0,
	.ping_after = TH_NEVER,
	.response_timeout = 300 * TH_SEC,
	.body_timeout = 247 * TH_SEC,
	.szx = 6,
	.max_message = 1152,
	.body_window = 8 * 1024,
	.window_start = 1,
	.window_max = 4,
	.max_peers = 32,
	.max_exchanges = 64,
	.max_observers = 8,
	.max_records = 1024,
	.max_reply_bytes = 256 * 1024,
};

/* Fills what may be changed before rig_start(). */
static inline void rig_prepare(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->params = rig_params;
	r->seed = 7;
	r->now = 1000 * TH_SEC;
	r->appetite = SIZE_MAX;
	r->reply_code = W_205;
	failmem_init(&r->mem, 0);
}

static inline bool rig_try_start(struct rig *r)
{
	r->rng = th_rng_seeded(&r->seed);
	r->out = calloc(RIG_OUT, sizeof(*r->out));
	assert_non_null(r->out);
	r->c = th_coap_new(&r->params, &r->mem.mem, &r->rng, &rig_ops, r);
	return r->c != NULL;
}

static inline void rig_start(struct rig *r)
{
	assert_true(rig_try_start(r));
}

static inline void rig_open(struct rig *r)
{
	rig_prepare(r);
	rig_start(r);
}

static inline void rig_close(struct rig *r)
{
	unsigned closes = 0, after = 0;

	for (size_t i = 0; i < r->n_ex; i++)
		closes += r->ex[i].closes;
	if (r->c)
		th_coap_del(r->c);
	for (size_t i = 0; i < r->n_ex; i++) {
		after += r->ex[i].closes;
		free(r->ex[i].body);
	}
	assert_int_equal(after, closes); /* no events from del */
	assert_int_equal(r->mem.live, 0);
	free(r->out);
	r->n_ex = 0;
}

/* Takes what the engine wants to send now. */
static inline void rig_drain(struct rig *r)
{
	for (unsigned spin = 0;; spin++) {
		struct rig_sent s = { .at = r->now };
		static struct wire w;

		s.n = th_coap_tx(r->c, &s.to, s.bytes, r->params.max_message, r->now);
		if (s.n == 0)
			return;
		assert_true(spin < RIG_SPIN);
		assert_true(s.n <= r->params.max_message);
		assert_true(wire_get(&w, s.bytes, s.n)); /* all we send is well-formed */
		assert_true(r->out_n < RIG_OUT);
		r->out[(r->out_head + r->out_n++) % RIG_OUT] = s;
		r->sent_total++;
		r->sent_bytes += s.n;
	}
}

/* Moves the clock to `to`, waking the engine whenever it asked for it. */
static inline void rig_run_to(struct rig *r, th_time to)
{
	rig_drain(r);
	for (unsigned spin = 0;; spin++) {
		th_time due = th_coap_deadline(r->c);

		if (due > to)
			break;
		assert_true(spin < RIG_SPIN); /* a deadline that never moves on would spin the daemon */
		r->now = due > r->now ? due : r->now;
		th_coap_tick(r->c, r->now);
		rig_drain(r);
	}
	r->now = to;
}

static inline void rig_run(struct rig *r, th_time d)
{
	rig_run_to(r, r->now + d);
}

static inline void rig_rx_bytes(struct rig *r, unsigned peer, const void *p, size_t n)
{
	struct th_addr from = rig_peer(peer);
	uint8_t *copy = malloc(n ? n : 1); /* exact size, gone afterwards: the engine may keep nothing of it */

	assert_non_null(copy);
	memcpy(copy, p, n);
	th_coap_rx(r->c, &from, copy, n, r->now);
	memset(copy, 0xdd, n);
	free(copy);
	rig_run(r, 0);
}

static inline void rig_rx(struct rig *r, unsigned peer, const struct wire *w)
{
	uint8_t bytes[2 * WIRE_MAX];

	rig_rx_bytes(r, peer, bytes, wire_put(w, bytes, sizeof(bytes)));
}

/* The oldest datagram sent and not looked at. */
static inline bool rig_pop_raw(struct rig *r, struct rig_sent *s)
{
	if (r->out_n == 0)
		return false;
	*s = r->out[r->out_head];
	r->out_head = (r->out_head + 1) % RIG_OUT;
	r->out_n--;
	return true;
}

/* The same, read; what it points to lies in w itself. The test fails when there is none. */
static inline void rig_pop(struct rig *r, struct wire *w)
{
	static struct rig_sent s;

	if (!rig_pop_raw(r, &s))
		fail_msg("nothing was sent");
	memcpy(w->pool, s.bytes, s.n);
	assert_true(wire_get(w, w->pool, s.n));
}

static inline void rig_expect_silence(struct rig *r)
{
	assert_int_equal(r->out_n, 0);
}

static inline void rig_forget_sent(struct rig *r)
{
	r->out_n = 0;
}

/* A request with one Uri-Path. */
static inline void rig_make_request(struct wire *w, unsigned type, uint8_t code, uint16_t mid, const char *token,
				    const char *path)
{
	wire_init(w, type, code, mid, token);
	if (*path)
		wire_text(w, W_URI_PATH, path);
}

static inline void rig_rx_request(struct rig *r, unsigned peer, unsigned type, uint8_t code, uint16_t mid,
				  const char *token, const char *path)
{
	static struct wire w;

	rig_make_request(&w, type, code, mid, token, path);
	rig_rx(r, peer, &w);
}

static inline void rig_rx_empty(struct rig *r, unsigned peer, unsigned type, uint16_t mid)
{
	static struct wire w;

	wire_init(&w, type, W_EMPTY, mid, "");
	rig_rx(r, peer, &w);
}

/* A response to the request `q` that was popped before, without options. */
static inline void rig_make_response(struct wire *w, const struct wire *q, unsigned type, uint8_t code, uint16_t mid)
{
	wire_init(w, type, code, mid, "");
	w->token_len = q->token_len;
	memcpy(w->token, q->token, q->token_len);
}

static inline void rig_rx_ack(struct rig *r, unsigned peer, const struct wire *q, uint8_t code, const char *payload)
{
	static struct wire w;

	rig_make_response(&w, q, W_ACK, code, q->mid);
	wire_payload(&w, payload, strlen(payload));
	rig_rx(r, peer, &w);
}

/* Client: opens an exchange to `peer` with one Uri-Path; its body is ended at once when n is known to fit. */
static inline enum th_err rig_try_request(struct rig *r, unsigned peer, uint8_t code, const char *path, bool con,
					  struct rig_ex **out)
{
	struct th_addr to = rig_peer(peer);
	struct th_coap_option o = { W_URI_PATH, (uint16_t)strlen(path), (const uint8_t *)path };
	struct th_coap_head head = { .code = code, .confirmable = con, .options = &o, .n_options = 1 };
	th_coap_id id = 0;
	enum th_err err = th_coap_request(r->c, &to, &head, r->now, &id);

	if (err == TH_OK)
		*out = rig_add(r, id, false);
	return err;
}

static inline struct rig_ex *rig_request(struct rig *r, unsigned peer, uint8_t code, const char *path, bool con)
{
	struct rig_ex *ex = NULL;

	assert_int_equal(rig_try_request(r, peer, code, path, con, &ex), TH_OK);
	return ex;
}

/* A GET without a body, ended. */
static inline struct rig_ex *rig_get(struct rig *r, unsigned peer, const char *path)
{
	struct rig_ex *ex = rig_request(r, peer, W_GET, path, true);

	assert_int_equal(th_coap_end(r->c, ex->id, r->now), TH_OK);
	rig_run(r, 0);
	return ex;
}

/* Writes as much of bytes [from, n) of body `tag` as the engine takes; ends at the end. Returns where it stands. */
static inline size_t rig_write(struct rig *r, th_coap_id id, unsigned tag, size_t from, size_t n)
{
	static uint8_t bytes[RIG_BODY];

	assert_true(n <= RIG_BODY);
	while (from < n) {
		size_t took;

		rig_fill(bytes, n - from, tag, from);
		took = th_coap_write(r->c, id, bytes, n - from, r->now);
		assert_true(took <= n - from);
		if (took == 0)
			return from;
		from += took;
	}
	assert_int_equal(th_coap_end(r->c, id, r->now), TH_OK);
	return n;
}

static inline void rig_reply_bytes(struct rig *r, th_coap_id id, uint8_t code, unsigned tag, size_t n)
{
	struct th_coap_head head = { .code = code, .confirmable = true };

	assert_int_equal(th_coap_respond(r->c, id, &head, r->now), TH_OK);
	rig_write(r, id, tag, 0, n);
}

static inline void rig_reply(struct rig *r, struct rig_ex *ex, uint8_t code, unsigned tag, size_t n)
{
	rig_reply_bytes(r, ex->id, code, tag, n);
	rig_run(r, 0);
}

static inline struct th_coap_stats rig_stats(struct rig *r)
{
	struct th_coap_stats s;

	th_coap_stats(r->c, &s);
	return s;
}

#endif
