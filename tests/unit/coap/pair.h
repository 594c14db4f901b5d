/* Two engines joined in memory on virtual time, by a link that loses, doubles and reorders. When `named` is set before
 * start(), they stand on packet numbers and the compact form, as inside a session. */
#ifndef TH_UNIT_PAIR_H
#define TH_UNIT_PAIR_H

#include "unit.h"

#include "coap/engine.h"
#include "coap/option.h"
#include "named_link.h"

enum { FLIGHTS_MAX = 4096, BODY_MAX = 1 << 20, MESSAGE_MAX = 1400, EXCHANGES_MAX = 4096 };

static bool named;

struct flight {
	th_time at;
	int to;
	size_t n, record_n;
	uint8_t bytes[MESSAGE_MAX]; /* as the engine sent it */
	uint8_t record[NAMED_NUMBER + NAMED_MAX];
};

/* What a side saw of one exchange. */
struct seen {
	th_coap_id id;
	uint8_t code;
	bool observe, ended, closed, wants_resume;
	enum th_err why;
	th_time opened_at, closed_at;
	uint32_t tag; /* content of option 11, as four bytes */
	size_t got_n, want_n, written;
	uint8_t *got;
	unsigned responses;
	struct th_coap_account account;
};

struct world;

struct side {
	struct world *w;
	struct th_coap *c;
	struct seen seen[EXCHANGES_MAX];
	size_t n_seen;
	unsigned requests, executed[EXCHANGES_MAX];
	size_t greed; /* bytes taken per data event; 0: all */
	bool resume_soon;
	struct named_end end;
};

struct world {
	th_time now;
	uint64_t seed;
	struct th_rng rng;
	struct th_coap_params params;
	struct side side[2];
	unsigned loss, dup, mutate; /* percent */
	unsigned chaos;		    /* percent of events in which the user cancels, reads little or asks for more */
	th_time latency, jitter;
	struct flight *flights[FLIGHTS_MAX];
	size_t n_flights, sent, bytes;
	size_t body_n; /* the server's answers */
	bool slow, observe_con;
	size_t allocs_left, live;
	struct th_mem mem;
};

static inline struct th_addr addr_of(int i)
{
	struct th_addr a = { .port = (uint16_t)(5683 + i) };

	a.ip[15] = 1;
	return a;
}

static inline uint8_t pattern(uint32_t tag, size_t i)
{
	return (uint8_t)(tag * 31 + i * 7 + (i >> 8));
}

static inline struct seen *find(struct side *s, th_coap_id id)
{
	for (size_t i = 0; i < s->n_seen; i++)
		if (s->seen[i].id == id)
			return &s->seen[i];
	return NULL;
}

static inline struct seen *add(struct side *s, th_coap_id id)
{
	struct seen *x = &s->seen[s->n_seen++];

	assert_true(s->n_seen <= EXCHANGES_MAX);
	*x = (struct seen){ .id = id, .opened_at = s->w->now };
	return x;
}

static inline void *counted_alloc(void *ctx, size_t n)
{
	struct world *w = ctx;

	if (w->allocs_left == 0)
		return NULL;
	w->allocs_left--;
	w->live++;
	return calloc(1, n ? n : 1);
}

static inline void counted_release(void *ctx, void *p)
{
	struct world *w = ctx;

	if (p)
		w->live--;
	free(p);
}

/* Writes as much as goes. */
static inline void write_on(struct side *s, struct seen *x)
{
	while (x->written < x->want_n) {
		uint8_t chunk[777];
		size_t n = x->want_n - x->written < sizeof(chunk) ? x->want_n - x->written : sizeof(chunk);
		size_t took;

		for (size_t i = 0; i < n; i++)
			chunk[i] = pattern(x->tag, x->written + i);
		took = th_coap_write(s->c, x->id, chunk, n, s->w->now);
		x->written += took;
		if (took < n) {
			x->wants_resume = true;
			return;
		}
	}
	x->wants_resume = false;
	th_coap_end(s->c, x->id, s->w->now);
}

static inline enum th_err answer_with(struct side *s, struct seen *x, size_t n, bool observe)
{
	const uint8_t etag[2] = { 1, (uint8_t)x->tag };
	const struct th_coap_option options[] = { { TH_COAP_OPT_ETAG, 2, etag } };
	const struct th_coap_head head = { .code = TH_COAP_CODE(2, 5),
					   .options = options,
					   .n_options = 1,
					   .observe = observe,
					   .confirmable = s->w->observe_con };
	enum th_err err = th_coap_respond(s->c, x->id, &head, s->w->now);

	if (err != TH_OK)
		return err;
	x->want_n = n;
	x->written = 0;
	write_on(s, x);
	return TH_OK;
}

/* Whether the user walked away within this event. */
static inline bool walked_away(struct side *s, struct seen *x)
{
	assert_non_null(x);
	assert_false(x->closed);
	if (th_rng_below(&s->w->rng, 100) >= s->w->chaos)
		return false;
	switch (th_rng_below(&s->w->rng, 4)) {
	case 0:
		th_coap_resume(s->c, x->id, s->w->now);
		return x->closed;
	case 1:
		if (s == &s->w->side[1])
			answer_with(s, x, 50, false);
		return x->closed;
	default:
		th_coap_cancel(s->c, x->id, s->w->now);
		x->closed = true;
		return true;
	}
}

static inline void on_request(void *user, th_coap_id id, const struct th_addr *peer, const struct th_coap_head *head)
{
	struct side *s = user;
	struct seen *x = add(s, id);
	const struct th_coap_option *o = th_coap_option_find(head->options, head->n_options, TH_COAP_OPT_URI_PATH);

	(void)peer;
	x->code = head->code;
	x->observe = head->observe;
	if (o && o->n == 4)
		memcpy(&x->tag, o->p, 4);
	s->requests++;
	if (x->tag < EXCHANGES_MAX)
		s->executed[x->tag]++;
	walked_away(s, x);
}

static inline void on_response(void *user, th_coap_id id, const struct th_coap_head *head)
{
	struct side *s = user;
	struct seen *x = find(s, id);

	assert_non_null(x);
	x->code = head->code;
	x->observe = head->observe;
	x->responses++;
	x->ended = false;
	x->got_n = 0;
	walked_away(s, x);
}

static inline size_t on_data(void *user, th_coap_id id, const uint8_t *p, size_t n)
{
	struct side *s = user;
	struct seen *x = find(s, id);
	size_t take = s->greed && s->greed < n ? s->greed : n;

	assert_non_null(x);
	assert_true(n > 0);
	if (walked_away(s, x))
		return 0;
	for (size_t i = 0; i < take && !s->w->mutate; i++)
		assert_int_equal(p[i], pattern(x->tag, x->got_n + i));
	x->got_n += take;
	if (take < n)
		s->resume_soon = true;
	return take;
}

static inline void on_end(void *user, th_coap_id id)
{
	struct side *s = user;
	struct seen *x = find(s, id);

	assert_non_null(x);
	assert_false(x->ended);
	x->ended = true;
	if (walked_away(s, x))
		return;
	if (s == &s->w->side[1] && !s->w->slow && answer_with(s, x, s->w->body_n, x->observe) != TH_OK) {
		assert_true(s->w->allocs_left != SIZE_MAX || s->w->chaos);
		th_coap_cancel(s->c, id, s->w->now);
		x->closed = true;
	}
}

static inline void on_resume(void *user, th_coap_id id)
{
	struct side *s = user;
	struct seen *x = find(s, id);

	if (!walked_away(s, x) && x->wants_resume)
		write_on(s, x);
}

static inline void on_closed(void *user, th_coap_id id, enum th_err why)
{
	struct side *s = user;
	struct seen *x = find(s, id);

	assert_non_null(x);
	assert_false(x->closed);
	x->closed = true;
	x->why = why;
	x->closed_at = s->w->now;
	assert_int_equal(th_coap_account(s->c, id, &x->account), TH_OK);
}

static const struct th_coap_ops ops = { on_request, on_response, on_data, on_end, on_resume, on_closed };

static inline struct world *make(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	w->seed = seed;
	w->rng = th_rng_seeded(&w->seed);
	w->now = TH_SEC;
	w->latency = 20 * TH_MS;
	w->params = th_coap_params_default;
	w->allocs_left = SIZE_MAX;
	w->mem = (struct th_mem){ counted_alloc, counted_release, w };
	for (int i = 0; i < 2; i++)
		w->side[i].w = w;
	return w;
}

static inline void open_engine(struct side *s)
{
	s->c = th_coap_new(&s->w->params, &s->w->mem, &s->w->rng, &ops, s);
	assert_non_null(s->c);
	if (named)
		th_coap_number_by(s->c, &named_ops, &s->end);
}

static inline void start(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		named_open(&w->side[i].end, w->seed % 5 * 65530); /* some begin just below where Message IDs wrap */
		open_engine(&w->side[i]);
	}
}

static inline void unmake(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		th_coap_del(w->side[i].c);
		named_close(&w->side[i].end);
	}
	for (size_t i = 0; i < w->n_flights; i++)
		free(w->flights[i]);
	assert_int_equal(w->live, 0);
	free(w);
}

static inline void launch(struct world *w, int to, const uint8_t *p, size_t n, const uint8_t *record, size_t record_n)
{
	struct flight *f;

	if (w->n_flights == FLIGHTS_MAX)
		return;
	f = calloc(1, sizeof(*f));
	f->at = w->now + w->latency + (w->jitter ? th_rng_below(&w->rng, w->jitter) : 0);
	f->to = to;
	f->n = n;
	memcpy(f->bytes, p, n);
	f->record_n = record_n;
	memcpy(f->record, record, record_n);
	if (th_rng_below(&w->rng, 100) < w->mutate && !named) /* records are authentic */
		f->bytes[th_rng_below(&w->rng, n < 40 ? n : 40)] ^= (uint8_t)(1u << th_rng_below(&w->rng, 8));
	w->flights[w->n_flights++] = f;
}

static inline void flush(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		uint8_t out[MESSAGE_MAX], record[NAMED_NUMBER + NAMED_MAX];
		struct th_addr to;
		struct th_coap_sent sent;

		for (size_t n = th_coap_tx_named(w->side[i].c, &to, out, sizeof(out), w->now, &sent); n > 0;
		     n = th_coap_tx_named(w->side[i].c, &to, out, sizeof(out), w->now, &sent)) {
			struct th_addr want = addr_of(1 - i);
			size_t record_n = named ? named_pack(&w->side[i].end, out, n, &sent, record) : 0;

			assert_true(th_addr_eq(&to, &want));
			assert_true(n <= w->params.max_message);
			w->sent++;
			w->bytes += n;
			if (th_rng_below(&w->rng, 100) >= w->loss)
				launch(w, 1 - i, out, n, record, record_n);
			if (th_rng_below(&w->rng, 100) < w->dup)
				launch(w, 1 - i, out, n, record, record_n);
		}
	}
}

/* What arrives is what was sent: Message ID, token and all. */
static inline void land(struct world *w, struct flight *f)
{
	struct th_addr from = addr_of(1 - f->to);
	uint8_t out[NAMED_MAX];

	if (named) {
		size_t n = named_unpack(&w->side[f->to].end, f->record, f->record_n, out);

		if (n == 0)
			return;
		assert_int_equal(n, f->n);
		assert_memory_equal(out, f->bytes, n);
	}
	th_coap_rx(w->side[f->to].c, &from, f->bytes, f->n, w->now);
}

/* One step to the next thing that happens; false when nothing will before `until`. */
static inline bool step(struct world *w, th_time until)
{
	th_time next = th_time_min(th_coap_deadline(w->side[0].c), th_coap_deadline(w->side[1].c));
	size_t first = SIZE_MAX;

	flush(w);
	next = th_time_min(th_coap_deadline(w->side[0].c), th_coap_deadline(w->side[1].c));
	for (size_t i = 0; i < w->n_flights; i++)
		if (first == SIZE_MAX || w->flights[i]->at < w->flights[first]->at)
			first = i;
	if (first != SIZE_MAX && w->flights[first]->at <= next && w->flights[first]->at <= until) {
		struct flight *f = w->flights[first];

		w->flights[first] = w->flights[--w->n_flights];
		if (f->at > w->now)
			w->now = f->at;
		land(w, f);
		free(f);
	} else if (next <= until) {
		if (next > w->now)
			w->now = next;
		for (int i = 0; i < 2; i++)
			th_coap_tick(w->side[i].c, w->now);
	} else if (!w->side[0].resume_soon && !w->side[1].resume_soon) {
		return false;
	}
	for (int i = 0; i < 2; i++) {
		struct side *s = &w->side[i];

		if (!s->resume_soon)
			continue;
		s->resume_soon = false;
		for (size_t k = 0; k < s->n_seen; k++)
			if (!s->seen[k].closed)
				th_coap_resume(s->c, s->seen[k].id, w->now);
	}
	return true;
}

static inline void run(struct world *w, th_time length)
{
	th_time until = w->now + length;

	while (step(w, until))
		;
	if (w->now < until)
		w->now = until;
}

static inline struct seen *request(struct world *w, uint8_t code, bool con, uint32_t tag, size_t body_n, bool observe,
				   bool tagged)
{
	struct side *s = &w->side[0];
	const struct th_coap_option path = { TH_COAP_OPT_URI_PATH, 4, (const uint8_t *)&tag };
	const struct th_coap_head head = {
		.code = code, .confirmable = con, .options = &path, .n_options = 1, .observe = observe, .tagged = tagged
	};
	struct th_addr to = addr_of(1);
	th_coap_id id;
	struct seen *x;

	assert_int_equal(th_coap_request(s->c, &to, &head, w->now, &id), TH_OK);
	x = add(s, id);
	x->tag = tag;
	x->want_n = body_n;
	write_on(s, x);
	return x;
}

static inline void assert_good(const struct seen *x, size_t n)
{
	assert_true(x->closed);
	assert_int_equal(x->why, TH_OK);
	assert_true(x->ended);
	assert_int_equal(x->code, TH_COAP_CODE(2, 5));
	assert_int_equal(x->got_n, n);
}

/* The argument "named" of some of the tests. */
static inline void take_named(int argc, char **argv)
{
	named = argc > 1 && strcmp(argv[1], "named") == 0;
}

#endif
