/* Two engines joined in memory on virtual time, by a link that loses, doubles and reorders. With the argument "named"
 * they stand on packet numbers and the compact form, as inside a session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

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

static struct th_addr addr_of(int i)
{
	struct th_addr a = { .port = (uint16_t)(5683 + i) };

	a.ip[15] = 1;
	return a;
}

static uint8_t pattern(uint32_t tag, size_t i)
{
	return (uint8_t)(tag * 31 + i * 7 + (i >> 8));
}

static struct seen *find(struct side *s, th_coap_id id)
{
	for (size_t i = 0; i < s->n_seen; i++)
		if (s->seen[i].id == id)
			return &s->seen[i];
	return NULL;
}

static struct seen *add(struct side *s, th_coap_id id)
{
	struct seen *x = &s->seen[s->n_seen++];

	assert_true(s->n_seen <= EXCHANGES_MAX);
	*x = (struct seen){ .id = id, .opened_at = s->w->now };
	return x;
}

static void *counted_alloc(void *ctx, size_t n)
{
	struct world *w = ctx;

	if (w->allocs_left == 0)
		return NULL;
	w->allocs_left--;
	w->live++;
	return calloc(1, n ? n : 1);
}

static void counted_release(void *ctx, void *p)
{
	struct world *w = ctx;

	if (p)
		w->live--;
	free(p);
}

/* Writes as much as goes. */
static void write_on(struct side *s, struct seen *x)
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

static enum th_err answer_with(struct side *s, struct seen *x, size_t n, bool observe)
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
static bool walked_away(struct side *s, struct seen *x)
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

static void on_request(void *user, th_coap_id id, const struct th_addr *peer, const struct th_coap_head *head)
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

static void on_response(void *user, th_coap_id id, const struct th_coap_head *head)
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

static size_t on_data(void *user, th_coap_id id, const uint8_t *p, size_t n)
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

static void on_end(void *user, th_coap_id id)
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

static void on_resume(void *user, th_coap_id id)
{
	struct side *s = user;
	struct seen *x = find(s, id);

	if (!walked_away(s, x) && x->wants_resume)
		write_on(s, x);
}

static void on_closed(void *user, th_coap_id id, enum th_err why)
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

static struct world *make(uint64_t seed)
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

static void open_engine(struct side *s)
{
	s->c = th_coap_new(&s->w->params, &s->w->mem, &s->w->rng, &ops, s);
	assert_non_null(s->c);
	if (named)
		th_coap_number_by(s->c, &named_ops, &s->end);
}

static void start(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		named_open(&w->side[i].end, w->seed % 5 * 65530); /* some begin just below where Message IDs wrap */
		open_engine(&w->side[i]);
	}
}

static void unmake(struct world *w)
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

static void launch(struct world *w, int to, const uint8_t *p, size_t n, const uint8_t *record, size_t record_n)
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

static void flush(struct world *w)
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
static void land(struct world *w, struct flight *f)
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
static bool step(struct world *w, th_time until)
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

static void run(struct world *w, th_time length)
{
	th_time until = w->now + length;

	while (step(w, until))
		;
	if (w->now < until)
		w->now = until;
}

static struct seen *request(struct world *w, uint8_t code, bool con, uint32_t tag, size_t body_n, bool observe,
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

static void assert_good(const struct seen *x, size_t n)
{
	assert_true(x->closed);
	assert_int_equal(x->why, TH_OK);
	assert_true(x->ended);
	assert_int_equal(x->code, TH_COAP_CODE(2, 5));
	assert_int_equal(x->got_n, n);
}

/* Tests */

static void small_exchange_takes_two_datagrams(void **state)
{
	struct world *w = make(1);
	struct seen *x;
	struct th_coap_stats stats;

	(void)state;
	start(w);
	w->body_n = 100;
	x = request(w, TH_COAP_POST, true, 7, 50, false, false);
	run(w, 10 * TH_SEC);
	assert_good(x, 100);
	assert_int_equal(w->sent, 2);
	assert_int_equal(x->account.datagrams_out, 1);
	assert_int_equal(x->account.datagrams_in, 1);
	assert_int_equal(x->account.bytes_out + x->account.bytes_in, w->bytes);
	assert_int_equal(w->side[1].seen[0].got_n, 50);
	assert_true(w->side[1].seen[0].closed);
	assert_int_equal(w->side[1].seen[0].account.bytes_out, x->account.bytes_in);
	run(w, 300 * TH_SEC);
	th_coap_stats(w->side[1].c, &stats);
	assert_int_equal(stats.records, 0);
	assert_int_equal(stats.exchanges, 0);
	unmake(w);
}

static void slow_server_answers_separately(void **state)
{
	struct world *w = make(2);
	struct seen *x;

	(void)state;
	w->slow = true;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, false, false);
	run(w, 65 * TH_SEC);
	assert_false(x->closed);
	assert_int_equal(w->sent, 2 + 2 * 2); /* request, empty ACK; two pings */
	assert_int_equal(answer_with(&w->side[1], &w->side[1].seen[0], 10, false), TH_OK);
	run(w, TH_SEC);
	assert_good(x, 10);
	assert_int_equal(w->sent, 8);
	assert_true(w->side[1].seen[0].closed);
	assert_int_equal(w->side[1].seen[0].why, TH_OK);
	unmake(w);
}

static void dead_server_is_noticed_by_ping(void **state)
{
	struct world *w = make(3);
	struct seen *x;

	(void)state;
	w->slow = true;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, false, false);
	run(w, 5 * TH_SEC);
	w->loss = 100;
	run(w, 200 * TH_SEC);
	assert_true(x->closed);
	assert_int_equal(x->why, TH_ERR_TIMEOUT);
	unmake(w);
}

static void silence_ends_in_timeout(void **state)
{
	struct world *w = make(4);
	struct seen *x;

	(void)state;
	w->loss = 100;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, false, false);
	run(w, 61 * TH_SEC);
	assert_false(x->closed);
	run(w, 33 * TH_SEC); /* MAX_TRANSMIT_WAIT is 93 s */
	assert_true(x->closed);
	assert_int_equal(x->why, TH_ERR_TIMEOUT);
	assert_int_equal(w->sent, 5);
	unmake(w);
}

static void non_exchange(void **state)
{
	struct world *w = make(5);
	struct seen *x;

	(void)state;
	w->body_n = 5000;
	start(w);
	x = request(w, TH_COAP_POST, false, 7, 3000, false, true);
	run(w, 10 * TH_SEC);
	assert_good(x, 5000);
	assert_int_equal(w->side[1].seen[0].got_n, 3000);
	assert_int_equal(w->side[1].requests, 1);
	assert_true(w->side[1].seen[0].closed);
	unmake(w);
}

static void blocks_both_ways(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 63, 64, 65, 128, 1000, 1024, 1025, 2048, 100000 };

	(void)state;
	for (unsigned szx = 0; szx <= 6; szx += 2)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct world *w = make(6 + szx);
			struct seen *x;
			size_t n = szx == 0 && sizes[i] > 2048 ? 2048 : sizes[i];

			w->params.szx = szx;
			w->body_n = n;
			start(w);
			x = request(w, TH_COAP_PUT, true, 7, n, false, true);
			run(w, 200 * TH_SEC);
			assert_good(x, n);
			assert_int_equal(w->side[1].seen[0].got_n, n);
			assert_true(w->side[1].seen[0].closed);
			assert_int_equal(w->side[1].seen[0].why, TH_OK);
			unmake(w);
		}
}

static void slow_readers_hold_back(void **state)
{
	struct world *w = make(9);
	struct seen *x;

	(void)state;
	w->body_n = 20000;
	w->side[0].greed = 100;
	w->side[1].greed = 300;
	start(w);
	x = request(w, TH_COAP_PUT, true, 7, 30000, false, true);
	run(w, 200 * TH_SEC);
	assert_good(x, 20000);
	assert_int_equal(w->side[1].seen[0].got_n, 30000);
	unmake(w);
}

static void bad_link(unsigned loss, unsigned n, size_t body_up, size_t body_down, bool con)
{
	struct world *w = make(100 + loss);
	unsigned good = 0, lost = 0;
	th_time sum = 0, worst = 0;

	w->loss = loss;
	w->dup = 20;
	w->jitter = 500 * TH_MS;
	w->body_n = body_down;
	w->params.max_retransmit = 8;
	w->params.body_timeout = th_coap_exchange_lifetime(&w->params);
	start(w);
	for (unsigned i = 0; i < n; i++) {
		request(w, TH_COAP_POST, con, i, body_up, false, i % 2);
		run(w, TH_SEC / 4);
	}
	run(w, 40000 * TH_SEC);
	for (unsigned i = 0; i < n; i++) {
		const struct seen *x = &w->side[0].seen[i];

		assert_true(x->closed);
		sum += x->closed_at - x->opened_at;
		if (x->closed_at - x->opened_at > worst)
			worst = x->closed_at - x->opened_at;
		if (x->why == TH_OK) {
			assert_int_equal(x->got_n, body_down);
			assert_true(x->ended);
			good++;
		} else {
			lost++;
		}
		assert_true(w->side[1].executed[i] <= 1);
	}
	for (size_t i = 0; i < w->side[1].n_seen; i++)
		assert_true(w->side[1].seen[i].closed);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(w->side[i].end.kept_n, 0); /* the session was told of the end of every CON */
		assert_int_equal(w->side[i].end.stale, 0);
	}
	printf("loss %u %%: %u good, %u lost, %.2f datagrams an exchange, %.2f s mean, %.2f s worst\n", loss, good,
	       lost, (double)w->sent / (double)n, (double)sum / n / TH_SEC, (double)worst / TH_SEC);
	if (con)
		assert_true(good >= n - n / 50);
	unmake(w);
}

static void bad_link_small(void **state)
{
	(void)state;
	for (unsigned loss = 0; loss <= 40; loss += 10)
		bad_link(loss, 300, 200, 200, true);
}

static void bad_link_blocks(void **state)
{
	(void)state;
	bad_link(20, 40, 5000, 5000, true);
	bad_link(20, 100, 500, 500, false);
}

static void echo_is_repeated_unseen(void **state)
{
	struct world *w = make(11);
	struct seen *x;

	(void)state;
	w->body_n = 3000;
	start(w);
	th_coap_require_echo(w->side[1].c, true);
	x = request(w, TH_COAP_PUT, true, 7, 3000, false, false);
	run(w, 10 * TH_SEC);
	assert_good(x, 3000);
	assert_int_equal(w->side[1].requests, 1);
	assert_int_equal(w->sent, 2 + 2 * 3 + 2 * 2);
	unmake(w);
}

static void observe_delivers_in_order(void **state)
{
	(void)state;
	for (int con = 0; con < 2; con++) {
		struct world *w = make(12);
		struct seen *x, *y;

		w->body_n = 10;
		w->observe_con = con;
		start(w);
		x = request(w, TH_COAP_GET, true, 7, 0, true, false);
		run(w, TH_SEC);
		assert_int_equal(x->responses, 1);
		assert_true(x->observe);
		y = &w->side[1].seen[0];
		for (size_t i = 0; i < 100; i++) {
			assert_int_equal(answer_with(&w->side[1], y, 10 + i * 50, true), TH_OK);
			run(w, 2 * TH_SEC);
			assert_int_equal(x->responses, 2 + i);
			assert_true(x->ended);
			assert_int_equal(x->got_n, 10 + i * 50);
		}
		assert_false(x->closed);
		th_coap_cancel(w->side[0].c, x->id, w->now);
		x->closed = true;
		run(w, TH_SEC);
		assert_true(y->closed);
		assert_int_equal(y->why, TH_ERR_CANCELLED);
		run(w, 500 * TH_SEC);
		unmake(w);
	}
}

static void observer_that_vanishes_is_forgotten(void **state)
{
	struct world *w = make(13);
	struct seen *x, *y;

	(void)state;
	w->body_n = 10;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, true, false);
	run(w, TH_SEC);
	y = &w->side[1].seen[0];
	th_coap_del(w->side[0].c);
	open_engine(&w->side[0]);
	assert_int_equal(answer_with(&w->side[1], y, 10, true), TH_OK);
	run(w, TH_SEC);
	assert_true(y->closed);
	assert_int_equal(y->why, TH_ERR_RESET);
	assert_int_equal(x->responses, 1);
	unmake(w);
}

static void cancelled_by_either_side(void **state)
{
	struct world *w = make(14);
	struct seen *x;

	(void)state;
	w->slow = true;
	start(w);
	x = request(w, TH_COAP_GET, true, 7, 0, false, false);
	run(w, TH_SEC);
	th_coap_cancel(w->side[1].c, w->side[1].seen[0].id, w->now);
	w->side[1].seen[0].closed = true;
	run(w, TH_SEC);
	assert_int_equal(x->code, TH_COAP_CODE(5, 3));
	assert_true(x->closed);
	x = request(w, TH_COAP_GET, true, 8, 0, false, false);
	run(w, TH_SEC);
	th_coap_cancel(w->side[0].c, x->id, w->now);
	x->closed = true;
	assert_int_equal(answer_with(&w->side[1], &w->side[1].seen[1], 10, false), TH_OK);
	run(w, TH_SEC);
	assert_true(w->side[1].seen[1].closed);
	assert_int_equal(w->side[1].seen[1].why, TH_ERR_RESET);
	unmake(w);
}

/* Every allocation fails in turn: nothing leaks, nothing hangs. */
static void memory_runs_out(void **state)
{
	(void)state;
	for (size_t k = 20; k < 120; k++) {
		struct world *w = make(15);
		struct seen *x;
		th_coap_id id;
		struct th_addr to = addr_of(1);
		const struct th_coap_head head = { .code = TH_COAP_PUT, .confirmable = true };

		w->body_n = 3000;
		start(w);
		w->allocs_left = k - 20;
		if (th_coap_request(w->side[0].c, &to, &head, w->now, &id) == TH_OK) {
			x = add(&w->side[0], id);
			x->want_n = 3000;
			write_on(&w->side[0], x);
			run(w, 20 * TH_SEC);
			w->allocs_left = SIZE_MAX;
			run(w, 2000 * TH_SEC);
			assert_true(x->closed);
		}
		unmake(w);
	}
}

/* Users that walk away, answer early or ask for more from within any event, on a link that also flips bits: whatever
 * happens, all ends, and nothing is left. */
static void chaos(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct world *w = make(seed);

		w->loss = 10;
		w->dup = 10;
		w->mutate = seed % 3 ? 10 : 0;
		w->chaos = 5;
		w->jitter = 300 * TH_MS;
		w->body_n = 3000;
		w->params.szx = 4;
		w->params.max_exchanges = 100;
		w->side[0].greed = 200;
		w->side[1].greed = 200;
		start(w);
		th_coap_require_echo(w->side[1].c, seed % 2);
		for (uint32_t i = 0; i < 60; i++) {
			request(w, i % 2 ? TH_COAP_PUT : TH_COAP_GET, i % 3, i, i % 5 * 700, i % 4 == 0, i % 2);
			run(w, TH_SEC);
		}
		w->chaos = 0;
		for (size_t i = 0; i < w->side[0].n_seen; i++) {
			struct seen *x = &w->side[0].seen[i];

			if (!x->closed && x->observe && i % 2) {
				th_coap_cancel(w->side[0].c, x->id, w->now);
				x->closed = true;
			}
		}
		run(w, 3000 * TH_SEC);
		for (int k = 0; k < 2; k++)
			for (size_t i = 0; i < w->side[k].n_seen; i++)
				assert_true(w->side[k].seen[i].closed || w->side[k].seen[i].observe);
		unmake(w);
	}
}

/* Two bodies for one target at the same time: the Request-Tag keeps them apart (RFC 9175 §3). */
static void tagged_bodies_do_not_mix(void **state)
{
	struct world *w = make(17);
	size_t sum = 0;

	(void)state;
	w->body_n = 6000;
	w->params.window_start = 8;
	start(w);
	for (size_t i = 0; i < 8; i++)
		request(w, TH_COAP_PUT, true, 7, 5000 + i, false, true);
	run(w, 100 * TH_SEC);
	assert_int_equal(w->side[1].n_seen, 8);
	for (size_t i = 0; i < 8; i++) {
		assert_good(&w->side[0].seen[i], 6000);
		sum += w->side[1].seen[i].got_n - 5000;
		assert_in_range(w->side[1].seen[i].got_n, 5000, 5007);
	}
	assert_int_equal(sum, 7 * 8 / 2);
	unmake(w);
}

static void token_names_the_exchange_on_both_sides(void **state)
{
	struct world *w = make(18);
	struct th_addr from = addr_of(0);
	const uint8_t *token;
	struct seen *x;
	size_t n;

	(void)state;
	w->slow = true;
	start(w);
	x = request(w, TH_COAP_PUT, true, 7, 5000, false, true);
	run(w, TH_SEC);
	assert_int_equal(th_coap_token(w->side[0].c, x->id, &token, &n), TH_OK);
	assert_int_equal(th_coap_find(w->side[1].c, &from, token, n), w->side[1].seen[0].id);
	assert_int_equal(th_coap_find(w->side[1].c, &from, token, n - 1), 0);
	unmake(w);
}

/* The same without tags: where tokens are unique, blocks belong to the exchange of their token. */
static void untagged_bodies_do_not_mix_when_named(void **state)
{
	struct world *w;
	bool seen[8] = { false };

	(void)state;
	if (!named)
		skip();
	w = make(19);
	w->body_n = 6000;
	w->params.window_start = 8;
	w->loss = w->dup = 15;
	w->jitter = 100 * TH_MS;
	start(w);
	for (size_t i = 0; i < 8; i++)
		request(w, TH_COAP_PUT, true, 7, 5000 + i, false, false);
	run(w, 1000 * TH_SEC);
	assert_int_equal(w->side[1].n_seen, 8);
	for (size_t i = 0; i < 8; i++) {
		size_t n = w->side[1].seen[i].got_n;

		assert_good(&w->side[0].seen[i], 6000);
		assert_in_range(n, 5000, 5007);
		assert_false(seen[n - 5000]);
		seen[n - 5000] = true;
	}
	unmake(w);
}

/* The rest of notifications is fetched under tokens of their own, of observations that differ in nothing but theirs. */
static void large_notifications_do_not_mix_when_named(void **state)
{
	struct world *w;
	struct seen *x[4];

	(void)state;
	if (!named)
		skip();
	w = make(20);
	w->body_n = 10;
	w->params.window_start = 8;
	w->loss = w->dup = 10;
	w->observe_con = true;
	start(w);
	for (size_t i = 0; i < 4; i++)
		x[i] = request(w, TH_COAP_FETCH, true, 7, 0, true, true);
	run(w, 30 * TH_SEC);
	for (size_t round = 0; round < 10; round++) {
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(answer_with(&w->side[1], &w->side[1].seen[i], 3000 + 1000 * i, true), TH_OK);
		run(w, 200 * TH_SEC);
		for (size_t i = 0; i < 4; i++) {
			size_t mine = 0; /* of the server's exchanges, which came in any order */

			while (mine < 4 && x[i]->got_n != 3000 + 1000 * mine)
				mine++;
			assert_true(mine < 4);
			for (size_t k = 0; k < i; k++)
				assert_true(x[k]->got_n != x[i]->got_n);
			assert_true(x[i]->ended);
			assert_false(x[i]->closed);
		}
	}
	unmake(w);
}

static void names_come_with_the_first_flight(void **state)
{
	struct world *w;
	struct seen *x, *y;
	const uint8_t *token;
	uint64_t number;
	size_t n;

	(void)state;
	if (!named)
		skip();
	w = make(21);
	w->slow = true;
	start(w);
	th_naming_init(&w->side[0].end.naming, 256);
	x = request(w, TH_COAP_PUT, true, 7, 10, false, true);
	y = request(w, TH_COAP_PUT, true, 8, 10, false, true); /* NSTART is 1 */
	assert_int_equal(th_coap_token(w->side[0].c, x->id, &token, &n), TH_OK);
	assert_true(th_naming_number(token, n, &number) && number == 256);
	assert_int_equal(th_coap_token(w->side[0].c, y->id, &token, &n), TH_ERR_NOT_FOUND);
	run(w, TH_SEC);
	assert_int_equal(th_coap_token(w->side[0].c, y->id, &token, &n), TH_OK);
	assert_true(th_naming_number(token, n, &number) && number == 257);
	assert_int_equal(w->side[1].requests, 2);
	unmake(w);
}

static void without_numbers_messages_wait(void **state)
{
	struct world *w;
	struct th_addr far = addr_of(1), nobody = addr_of(7);
	struct seen *x, *y;

	(void)state;
	if (!named)
		skip();
	w = make(22);
	w->body_n = 10;
	start(w);
	w->side[0].end.shut = true;
	x = request(w, TH_COAP_PUT, true, 7, 10, false, true);
	y = request(w, TH_COAP_PUT, false, 8, 10, false, true);
	run(w, 50 * TH_SEC);
	assert_int_equal(w->sent, 0);
	assert_false(x->closed);
	assert_int_equal(x->account.datagrams_out, 0);
	w->side[0].end.shut = false;
	th_coap_renumber(w->side[0].c, &nobody, w->now);
	run(w, TH_SEC);
	assert_int_equal(w->sent, 0);
	th_coap_renumber(w->side[0].c, &far, w->now);
	run(w, TH_SEC);
	assert_good(x, 10);
	assert_good(y, 10);
	w->side[0].end.shut = true;
	x = request(w, TH_COAP_PUT, true, 9, 10, false, true);
	th_coap_cancel(w->side[0].c, x->id, w->now); /* before it had a name */
	x->closed = true;
	w->side[0].end.shut = false;
	th_coap_renumber(w->side[0].c, &far, w->now);
	run(w, TH_SEC);
	assert_int_equal(w->side[1].requests, 2);
	unmake(w);
}

/* Thousands of exchanges and other records: Message IDs wrap, responses are separate, tokens grow. */
static void numbers_go_on_past_message_ids(void **state)
{
	struct world *w;
	size_t good = 0;

	(void)state;
	if (!named)
		skip();
	w = make(23);
	w->body_n = 20;
	w->loss = w->dup = 5;
	w->params.max_latency = TH_SEC;
	w->params.ack_timeout = 500 * TH_MS;
	start(w);
	for (unsigned i = 0; i < 3000; i++) {
		struct named_end *e = &w->side[0].end;

		request(w, TH_COAP_POST, true, i, 20, false, false);
		run(w, 300 * TH_MS);
		for (unsigned k = 0; k < 97; k++) /* what other records take */
			th_naming_record(&e->naming);
	}
	run(w, 100 * TH_SEC);
	for (size_t i = 0; i < w->side[0].n_seen; i++)
		good += w->side[0].seen[i].why == TH_OK && w->side[0].seen[i].got_n == 20;
	assert_true(w->side[0].end.naming.next > 4 * 65536);
	assert_true(good >= 2990);
	assert_int_equal(w->side[0].end.stale + w->side[1].end.stale, 0);
	assert_int_equal(w->side[0].end.kept_n, 0);
	printf("%zu bytes of compact messages, %zu of ordinary ones\n",
	       w->side[0].end.compact_bytes + w->side[1].end.compact_bytes, w->bytes);
	unmake(w);
}

static void speed(void **state)
{
	struct world *w;
	const unsigned n = 200000;
	struct timespec a, b;
	double seconds;

	(void)state;
	if (named) /* it has no link */
		skip();
	w = make(16);
	w->params.max_latency = 100 * TH_MS;
	w->params.ack_timeout = 100 * TH_MS;
	w->body_n = 100;
	start(w);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (unsigned i = 0; i < n; i++) {
		struct seen *x;
		uint8_t out[MESSAGE_MAX];
		struct th_addr to, zero = addr_of(0), one = addr_of(1);
		size_t len;

		w->side[0].n_seen = w->side[1].n_seen = 0;
		x = request(w, TH_COAP_POST, true, 7, 100, false, false);
		len = th_coap_tx(w->side[0].c, &to, out, sizeof(out), w->now);
		th_coap_rx(w->side[1].c, &zero, out, len, w->now);
		len = th_coap_tx(w->side[1].c, &to, out, sizeof(out), w->now);
		th_coap_rx(w->side[0].c, &one, out, len, w->now);
		assert_true(x->closed);
		w->now += 50 * TH_US;
		th_coap_tick(w->side[0].c, w->now);
		th_coap_tick(w->side[1].c, w->now);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%.0f exchanges a second\n", n / seconds);
	unmake(w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_exchange_takes_two_datagrams),
		cmocka_unit_test(slow_server_answers_separately),
		cmocka_unit_test(dead_server_is_noticed_by_ping),
		cmocka_unit_test(silence_ends_in_timeout),
		cmocka_unit_test(non_exchange),
		cmocka_unit_test(blocks_both_ways),
		cmocka_unit_test(slow_readers_hold_back),
		cmocka_unit_test(bad_link_small),
		cmocka_unit_test(bad_link_blocks),
		cmocka_unit_test(echo_is_repeated_unseen),
		cmocka_unit_test(observe_delivers_in_order),
		cmocka_unit_test(observer_that_vanishes_is_forgotten),
		cmocka_unit_test(cancelled_by_either_side),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(chaos),
		cmocka_unit_test(tagged_bodies_do_not_mix),
		cmocka_unit_test(token_names_the_exchange_on_both_sides),
		cmocka_unit_test(untagged_bodies_do_not_mix_when_named),
		cmocka_unit_test(large_notifications_do_not_mix_when_named),
		cmocka_unit_test(names_come_with_the_first_flight),
		cmocka_unit_test(without_numbers_messages_wait),
		cmocka_unit_test(numbers_go_on_past_message_ids),
		cmocka_unit_test(speed),
	};

	named = argc > 1 && strcmp(argv[1], "named") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
