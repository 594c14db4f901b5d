/* A server end that does what a script says and remembers what it heard. */
#ifndef TH_FAKE_SERVER_H
#define TH_FAKE_SERVER_H

#include "base/list.h"
#include "exchange/flow.h"
#include "unit.h"

enum { FAKE_EXCHANGES = 64, FAKE_TEXT = 4096, FAKE_FIELDS = 8, FAKE_PIECE = 4096 };

enum fake_when { FAKE_AT_END, FAKE_AT_HEAD, FAKE_BY_HAND };

struct fake_script {
	uint16_t status;
	struct th_field fields[FAKE_FIELDS];
	size_t n_fields;
	uint64_t body_n; /* bytes of fake_byte() */
	bool unknown;	 /* the length of the body is not told */
	enum fake_when when;
	struct th_failure refuse; /* open() fails with it when .err is set */
	size_t take; /* request body bytes taken in one data(), then the sender waits for fake_resume(); 0: all */
};

struct fake_exchange {
	struct th_flow flow;
	struct fake_server *server;
	char head[FAKE_TEXT]; /* "METHOD target\nname=value\n…" */
	char body[FAKE_TEXT]; /* its first bytes */
	int64_t body_len;
	uint64_t body_n, wrong; /* bytes that came; how many of them were not fake_byte() */
	bool ended, closed, owes, answered, more;
	bool has_why;
	uint64_t sent;
};

struct fake_server {
	struct th_flow_server server;
	struct fake_script script;
	struct fake_exchange x[FAKE_EXCHANGES]; /* a ring; the newest is x[(n - 1) % FAKE_EXCHANGES] */
	size_t n, open, most_open;
};

/* Byte i of every generated body. */
static inline uint8_t fake_byte(uint64_t i)
{
	return (uint8_t)(0x30 + ((i * 2654435761u) >> 16 & 0x3f)); /* printable */
}

static inline struct fake_exchange *fake_of(struct th_flow *self)
{
	return TH_OWNER(self, struct fake_exchange, flow);
}

static inline struct fake_exchange *fake_last(struct fake_server *f)
{
	return &f->x[(f->n - 1) % FAKE_EXCHANGES];
}

/* Sends what is left of the body, then the end. */
static inline void fake_pump(struct fake_exchange *x)
{
	uint8_t piece[FAKE_PIECE];

	while (th_flow_open(&x->flow) && x->sent < x->server->script.body_n) {
		uint64_t left = x->server->script.body_n - x->sent;
		size_t n = left < sizeof(piece) ? (size_t)left : sizeof(piece);
		size_t took;

		for (size_t i = 0; i < n; i++)
			piece[i] = fake_byte(x->sent + i);
		took = th_flow_data(&x->flow, piece, n);
		x->sent += took;
		if (took < n) {
			x->more = true;
			return;
		}
	}
	x->more = false;
	th_flow_end(&x->flow);
}

static inline void fake_head(struct fake_exchange *x)
{
	const struct fake_script *s = &x->server->script;
	struct th_head h = { .status = s->status, .fields = s->fields, .n_fields = s->n_fields };

	h.body_len = s->unknown ? TH_BODY_UNKNOWN : (int64_t)s->body_n;
	x->answered = true;
	th_flow_head(&x->flow, &h);
}

static inline void fake_answer(struct fake_exchange *x)
{
	fake_head(x);
	fake_pump(x);
}

/* The sender may go on; its data() comes back at once or later. */
static inline void fake_resume(struct fake_exchange *x)
{
	if (!x->owes)
		return;
	x->owes = false;
	th_flow_resume(&x->flow);
}

static inline void fake_on_head(struct th_flow *self, const struct th_head *h)
{
	struct fake_exchange *x = fake_of(self);
	size_t n = 0;

	n += (size_t)snprintf(x->head, sizeof(x->head), "%.*s %.*s\n", TH_STR_ARG(h->method), TH_STR_ARG(h->target));
	for (size_t i = 0; i < h->n_fields && n < sizeof(x->head); i++)
		n += (size_t)snprintf(x->head + n, sizeof(x->head) - n, "%.*s=%.*s\n", TH_STR_ARG(h->fields[i].name),
				      TH_STR_ARG(h->fields[i].value));
	x->body_len = h->body_len;
	if (x->server->script.when == FAKE_AT_HEAD)
		fake_answer(x);
}

static inline size_t fake_on_data(struct th_flow *self, const uint8_t *p, size_t n)
{
	struct fake_exchange *x = fake_of(self);
	size_t take = x->server->script.take;

	assert_false(x->owes);
	if (take && n > take) {
		n = take;
		x->owes = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (x->body_n + i < sizeof(x->body) - 1)
			x->body[x->body_n + i] = (char)p[i];
		x->wrong += p[i] != fake_byte(x->body_n + i);
	}
	x->body_n += n;
	return n;
}

static inline void fake_on_end(struct th_flow *self)
{
	struct fake_exchange *x = fake_of(self);

	assert_false(x->ended);
	assert_false(x->owes);
	x->ended = true;
	if (x->body_len >= 0)
		assert_int_equal(x->body_n, x->body_len);
	if (x->server->script.when == FAKE_AT_END && !x->answered)
		fake_answer(x);
}

static inline void fake_on_resume(struct th_flow *self)
{
	struct fake_exchange *x = fake_of(self);

	assert_true(x->more);
	fake_pump(x);
}

static inline void fake_on_close(struct th_flow *self, const struct th_failure *why)
{
	struct fake_exchange *x = fake_of(self);

	assert_false(x->closed);
	x->closed = true;
	x->has_why = why != NULL;
	x->server->open--;
}

/* The server end gives up. */
static inline void fake_fail(struct fake_exchange *x, const struct th_failure *why)
{
	x->closed = true;
	x->server->open--;
	th_flow_close(&x->flow, why);
}

static inline enum th_err fake_open(struct th_flow_server *server, struct th_flow *client, struct th_failure *why)
{
	static const struct th_flow_ops ops = { fake_on_head, fake_on_data, fake_on_end, fake_on_resume,
						fake_on_close };
	struct fake_server *f = TH_OWNER(server, struct fake_server, server);
	struct fake_exchange *x = &f->x[f->n % FAKE_EXCHANGES];

	if (f->script.refuse.err) {
		*why = f->script.refuse;
		return f->script.refuse.err;
	}
	assert_true(f->n < FAKE_EXCHANGES || x->closed);
	*x = (struct fake_exchange){ .flow = { .ops = &ops }, .server = f };
	f->n++;
	f->open++;
	f->most_open = f->open > f->most_open ? f->open : f->most_open;
	th_flow_join(client, &x->flow);
	return TH_OK;
}

static inline void fake_init(struct fake_server *f)
{
	memset(f, 0, sizeof(*f));
	f->server.open = fake_open;
	f->script.status = 200;
}

#endif
