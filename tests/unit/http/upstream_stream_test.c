#include "upstream_rig.h"

#include <stdio.h>
#include <stdlib.h>

static void says_nothing(struct fake *f, struct fake_conn *c)
{
	(void)c;
	f->requests++;
}

static struct fake_ca ca;

static int make_ca(void **state)
{
	(void)state;
	fake_ca_new(&ca);
	return 0;
}

static int drop_ca(void **state)
{
	(void)state;
	fake_ca_free(&ca);
	return 0;
}

enum { STREAM = 50 * 1024 * 1024 };

static struct {
	size_t live, max;
} tally;

static void *tally_alloc(void *ctx, size_t n)
{
	size_t *p = calloc(1, n + 16);

	(void)ctx;
	if (!p)
		return NULL;
	*p = n;
	tally.live += n;
	tally.max = tally.max > tally.live ? tally.max : tally.live;
	return p + 2;
}

static void tally_release(void *ctx, void *p)
{
	(void)ctx;
	if (!p)
		return;
	tally.live -= ((size_t *)p)[-2];
	free((size_t *)p - 2);
}

static const struct th_mem tally_mem = { tally_alloc, tally_release, NULL };

static void make_tallied(const char *scheme, const char *host, const char *ca_file)
{
	char url[64];
	enum th_err err;

	tally.live = tally.max = 0;
	snprintf(url, sizeof(url), "%s://%s:%u", scheme, host, (unsigned)rig.f.port);
	rig.u = th_upstream_new(rig.loop, &tally_mem, url, ca_file, &rig.limits, &err);
	assert_int_equal(err, TH_OK);
}

static void sends_much(struct fake *f, struct fake_conn *c)
{
	if (!fake_request(c))
		return;
	f->requests++;
	th_buf_consume(&c->in, fake_request(c));
	c->fill = STREAM;
	fake_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n");
}

static void download(struct client_end *c)
{
	size_t pauses = 0;

	rig_open(c);
	c->discard = true;
	c->take = 10000; /* less than what comes, each time */
	client_send(c, "GET", "/", "");
	for (int i = 0; i < 100000 && !c->closed; i++) {
		size_t before = c->total;

		th_loop_step(rig.loop, c->total ? 0 : 5 * TH_MS);
		pauses += before == c->total;
		th_flow_resume(&c->flow);
	}
	assert_int_equal(c->total, STREAM);
	assert_true(c->ended);
	assert_true(pauses < 100000);
	assert_true(tally.max < 300 * 1024);
}

static void fifty_megabytes_down_in_bounded_memory(void **state)
{
	struct client_end c;

	(void)state;
	rig_up_server(sends_much);
	make_tallied("http", "127.0.0.1", NULL);
	download(&c);
	client_free(&c);
	rig_down();
	assert_int_equal(tally.live, 0);
}

/* A client end that takes nothing makes the server wait. */
static void a_client_that_takes_nothing_stops_the_server(void **state)
{
	struct client_end c;
	size_t left;

	(void)state;
	rig_up_server(sends_much);
	rig.limits.answer_timeout = 50 * TH_MS; /* and that is not the server's silence */
	make_tallied("http", "127.0.0.1", NULL);
	rig_open(&c);
	c.take = 0;
	client_send(&c, "GET", "/", "");
	UNTIL(c.head);
	for (int i = 0; i < 40; i++)
		rig_step();
	left = rig.f.conns[0].fill;
	for (int i = 0; i < 10; i++)
		rig_step();
	assert_true(left > 0);
	assert_int_equal(rig.f.conns[0].fill, left);
	assert_false(c.closed);
	assert_true(tally.max < 300 * 1024);
	client_cancel(&c);
	client_free(&c);
	rig_down();
	assert_int_equal(tally.live, 0);
}

static void swallow(struct fake *f, struct fake_conn *c)
{
	(void)f;
	th_buf_consume(&c->in, c->in.n);
	if (c->total_in > STREAM && c->answers++ == 0)
		fake_say(c, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
}

static void upload(int64_t body_len)
{
	static uint8_t piece[100000];
	struct client_end c;
	size_t sent = 0, stalls = 0;

	rig_open(&c);
	client_head(&c, "PUT", "/", body_len);
	rig.f.on_data = swallow;
	for (int i = 0; i < 200000 && sent < STREAM; i++) {
		size_t want = STREAM - sent < sizeof(piece) ? STREAM - sent : sizeof(piece);
		size_t took = th_flow_data(&c.flow, piece, want);

		sent += took;
		if (took == want)
			continue;
		stalls++;
		c.resumed = false;
		UNTIL(c.resumed);
	}
	assert_int_equal(sent, STREAM);
	client_end_request(&c);
	UNTIL(c.closed);
	assert_int_equal(c.status, 201);
	assert_true(rig.f.conns[0].total_in > STREAM);
	assert_true(stalls > 100);
	assert_true(tally.max < 400 * 1024);
	client_free(&c);
}

static void fifty_megabytes_up_in_bounded_memory(void **state)
{
	(void)state;
	for (int chunked = 0; chunked < 2; chunked++) {
		rig_up_server(swallow);
		make_tallied("http", "127.0.0.1", NULL);
		upload(chunked ? TH_BODY_UNKNOWN : STREAM);
		rig_down();
		assert_int_equal(tally.live, 0);
	}
}

/* The server has heard enough before the request has ended. */
static void an_early_answer_comes_through(void **state)
{
	static uint8_t piece[100000];

	(void)state;
	for (int resets = 0; resets < 2; resets++) {
		struct client_end c;

		rig_up(says_nothing);
		rig.f.answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!";
		rig_open(&c);
		client_head(&c, "POST", "/", 1000000);
		th_flow_data(&c.flow, piece, sizeof(piece));
		UNTIL(rig.f.requests > 0);
		fake_say(&rig.f.conns[0], rig.f.answer);
		if (resets)
			fake_close(&rig.f.conns[0]);
		UNTIL(c.ended);
		assert_int_equal(c.status, 413);
		rig_assert_body(&c, "no!");
		assert_int_equal(rig_stats().connections, 0); /* half a request is on it */
		assert_int_equal(th_flow_data(&c.flow, piece, sizeof(piece)), sizeof(piece)); /* swallowed */
		client_end_request(&c);
		rig_settle();
		client_free(&c);
		rig_down();
	}
}

static void tear_down_tls(void)
{
	SSL_CTX *ctx = rig.f.ctx;

	rig_down();
	SSL_CTX_free(ctx);
}

static void tls_streams_both_ways(void **state)
{
	struct client_end c;

	(void)state;
	rig_up_server(sends_much);
	rig.f.ctx = fake_tls(&ca, "DNS:localhost", -60, 60);
	make_tallied("https", "localhost", ca.path);
	download(&c);
	client_free(&c);
	tear_down_tls();
	assert_int_equal(tally.live, 0);
	rig_up_server(swallow);
	rig.f.ctx = fake_tls(&ca, "DNS:localhost", -60, 60);
	make_tallied("https", "localhost", ca.path);
	upload(STREAM);
	tear_down_tls();
	assert_int_equal(tally.live, 0);
}

static size_t allocs_left;

static void *scarce_alloc(void *ctx, size_t n)
{
	if (allocs_left == 0)
		return NULL;
	allocs_left--;
	return tally_alloc(ctx, n);
}

static const struct th_mem scarce_mem = { scarce_alloc, tally_release, NULL };

static void each_allocation_may_fail(void **state)
{
	bool clean = false;

	(void)state;
	for (size_t k = 0; k < 60 && !clean; k++) {
		char url[64];
		enum th_err err;
		struct client_end c;

		rig_up_server(fake_answers);
		rig.f.answer = "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
		tally.live = 0;
		allocs_left = k;
		snprintf(url, sizeof(url), "http://127.0.0.1:%u", (unsigned)rig.f.port);
		rig.u = th_upstream_new(rig.loop, &scarce_mem, url, NULL, &rig.limits, &err);
		if (!rig.u) {
			assert_int_equal(err, TH_ERR_NO_MEMORY);
		} else if (client_open(&c, th_upstream_server(rig.u))) {
			c.take = 2;
			client_send(&c, "POST", "/", "body");
			for (int i = 0; i < 100 && !c.closed; i++) {
				rig_step();
				th_flow_resume(&c.flow);
			}
			assert_true(c.closed);
			clean = c.ended;
			assert_true(c.ended || c.why.err == TH_ERR_NO_MEMORY || c.why.err == TH_ERR_MALFORMED);
			client_free(&c);
		} else {
			assert_int_equal(c.why.err, TH_ERR_NO_MEMORY);
		}
		rig_down();
		assert_int_equal(tally.live, 0);
	}
	assert_true(clean);
}

/* An argument names the tests to run, with * and ? */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fifty_megabytes_down_in_bounded_memory),
		cmocka_unit_test(a_client_that_takes_nothing_stops_the_server),
		cmocka_unit_test(fifty_megabytes_up_in_bounded_memory),
		cmocka_unit_test(an_early_answer_comes_through),
		cmocka_unit_test(each_allocation_may_fail),
		cmocka_unit_test(tls_streams_both_ways),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, make_ca, drop_ca);
}
