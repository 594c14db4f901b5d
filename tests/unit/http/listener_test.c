/* Requests and answers over real sockets: framing, order, persistence, early answers, failures. */
#include "rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define OWN "Date: *\r\nServer: thimble\r\n"

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

/* Sends, waits until `last` has come, and compares everything that came. */
static void expect(struct client *c, const char *say, const char *last, const char *all)
{
	client_say(c, say);
	rig_until(&rig, client_has(c, last));
	assert_string_equal(client_take(c), all);
}

static void script(uint16_t status, uint64_t body_n, bool unknown, enum fake_when when)
{
	rig.fake.script = (struct fake_script){ .status = status, .body_n = body_n, .unknown = unknown, .when = when };
}

static void one_exchange_and_the_next(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	rig.fake.script.fields[0] = (struct th_field){ TH_STR("eTaG"), TH_STR("\"x\"") };
	rig.fake.script.fields[1] = (struct th_field){ TH_STR("Set-Cookie"), TH_STR("a") };
	rig.fake.script.fields[2] = (struct th_field){ TH_STR("Set-Cookie"), TH_STR("b") };
	rig.fake.script.n_fields = 3;
	for (int i = 0; i < 3; i++) {
		expect(&c, "PUT /%2Fa?x=\xc3\xa9 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
		       "\r\n\r\n",
		       "HTTP/1.1 200 OK\r\neTaG: \"x\"\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n" OWN
		       "Content-Length: 0\r\n\r\n");
		assert_string_equal(fake_last(&rig.fake)->head, "PUT /%2Fa?x=\xc3\xa9\nHost=h\nX-A=1\n");
		assert_string_equal(fake_last(&rig.fake)->body, "hello");
		assert_int_equal(fake_last(&rig.fake)->body_len, 5);
		assert_true(fake_last(&rig.fake)->closed && !fake_last(&rig.fake)->has_why);
	}
	assert_int_equal(rig.stats.accepted, 1);
	assert_int_equal(rig.stats.requests, 3);
	assert_int_equal(rig.stats.active, 0);
	client_close(&c);
}

static void byte_at_a_time(void **state)
{
	static const char requests[] = "FROB /\xff HTTP/1.1\r\nHost: h\r\n\r\n"
				       "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
				       "chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: t\r\n\r\n"
				       "PUT /c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
	struct client c = client_open(&rig);

	(void)state;
	for (size_t i = 0; i < sizeof(requests) - 1; i++) {
		client_send(&c, requests + i, 1);
		th_loop_step(rig.loop, 0);
	}
	rig_until(&rig, rig.stats.requests == 3 && rig.stats.active == 0);
	assert_string_equal(rig.fake.x[0].head, "FROB /\xff\nHost=h\n");
	assert_string_equal(rig.fake.x[1].body, "hello!");
	assert_int_equal(rig.fake.x[1].body_len, TH_BODY_UNKNOWN);
	assert_string_equal(rig.fake.x[2].body, "abc");
	client_close(&c);
}

/* Wherever a client breaks off, its exchange is closed and nothing stays behind. */
static void every_prefix_then_close(void **state)
{
	static const char request[] =
		"POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
	size_t before;

	(void)state;
	rig_step(&rig);
	before = rig.mem.live;
	rig.fake.script.when = FAKE_BY_HAND;
	for (size_t n = 0; n < sizeof(request); n++) {
		struct client c = client_open(&rig);

		client_send(&c, request, n);
		rig_until(&rig, rig.stats.accepted == n + 1);
		client_close(&c);
		rig_until(&rig, rig.stats.connections == 0);
		rig_step(&rig);
		assert_int_equal(rig.fake.open, 0);
		assert_int_equal(rig.mem.live, before);
	}
}

static void pipelined_answers_in_order(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	rig.fake.script.when = FAKE_BY_HAND;
	client_say(&c, GET("/1") GET("/2") GET("/3"));
	for (size_t i = 0; i < 3; i++) {
		rig_until(&rig, rig.fake.n == i + 1);
		for (int k = 0; k < 5; k++)
			rig_step(&rig);
		assert_int_equal(rig.fake.n, i + 1); /* the next one waits */
		rig.fake.script.status = (uint16_t)(201 + i);
		fake_answer(fake_last(&rig.fake));
	}
	rig_until(&rig, client_has(&c, "203 "));
	assert_string_equal(client_take(&c),
			    "HTTP/1.1 201 Created\r\n" OWN "Content-Length: 0\r\n\r\n"
			    "HTTP/1.1 202 Accepted\r\n" OWN "Content-Length: 0\r\n\r\n"
			    "HTTP/1.1 203 Non-Authoritative Information\r\n" OWN "Content-Length: 0\r\n\r\n");
	assert_int_equal(rig.fake.most_open, 1);
	client_close(&c);
}

/* Thousands in one go, with answers larger than the output buffer in sum: none is lost, the buffers stay bounded. */
static void pipelined_many(void **state)
{
	enum { MANY = 2000 };
	static const char get[] = GET("/");
	static char all[MANY * (sizeof(get) - 1)];
	struct client c = client_open(&rig);
	size_t peak;

	(void)state;
	script(200, 1000, false, FAKE_AT_END);
	for (size_t i = 0; i < MANY; i++)
		memcpy(all + i * (sizeof(get) - 1), get, sizeof(get) - 1);
	c.counting = true;
	client_send(&c, all, sizeof(all));
	rig_until(&rig, (client_read(&c), rig.stats.requests == MANY && rig.stats.active == 0));
	rig_until(&rig, (client_read(&c), c.total == MANY * (uint64_t)(1000 + 95)));
	peak = rig.mem.peak;
	assert_true(peak < 512 * 1024);
	client_close(&c);
}

static bool body_is(struct client *c, const char *head, uint64_t n)
{
	const char *text = client_take(c);
	size_t head_n = strlen(head);

	if (strncmp(text, head, head_n) != 0)
		print_error("got %s\n", text);
	assert_memory_equal(text, head, head_n);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal((uint8_t)text[head_n + i], fake_byte(i));
	return true;
}

static void wait_idle(uint64_t requests)
{
	rig_until(&rig, rig.stats.requests == requests && rig.stats.active == 0);
	rig_step(&rig);
}

/* Known length; unknown but whole within one batch; unknown and later. */
static void lengths(void **state)
{
	struct client c = client_open(&rig);
	struct fake_exchange *x;

	(void)state;
	script(200, 1000, false, FAKE_AT_END);
	client_say(&c, GET("/"));
	wait_idle(1);
	body_is(&c, "HTTP/1.1 200 OK\r\n" OWN "Content-Length: 1000\r\n\r\n", 1000);
	script(200, 1000, true, FAKE_AT_END);
	client_say(&c, GET("/"));
	wait_idle(2);
	body_is(&c, "HTTP/1.1 200 OK\r\n" OWN "Content-Length: 1000\r\n\r\n", 1000);

	script(200, 0, true, FAKE_BY_HAND);
	client_say(&c, GET("/"));
	rig_until(&rig, rig.stats.active == 1);
	x = fake_last(&rig.fake);
	fake_head(x);
	rig_until(&rig, client_has(&c, "\r\n\r\n"));
	assert_string_equal(client_take(&c), "HTTP/1.1 200 OK\r\n" OWN "Transfer-Encoding: chunked\r\n\r\n");
	assert_int_equal(th_flow_data(&x->flow, (const uint8_t *)"hello", 5), 5);
	rig_until(&rig, client_has(&c, "hello\r\n"));
	assert_string_equal(client_take(&c), "5\r\nhello\r\n");
	assert_int_equal(th_flow_data(&x->flow, (const uint8_t *)"sixteen bytes ok", 16), 16);
	th_flow_end(&x->flow);
	rig_until(&rig, client_has(&c, "0\r\n\r\n"));
	assert_string_equal(client_take(&c), "10\r\nsixteen bytes ok\r\n0\r\n\r\n");
	wait_idle(3);

	client_say(&c, GET("/"));
	rig_until(&rig, rig.stats.active == 1);
	x = fake_last(&rig.fake);
	fake_head(x); /* with the first data in the same batch */
	assert_int_equal(th_flow_data(&x->flow, (const uint8_t *)"hello", 5), 5);
	rig_until(&rig, client_has(&c, "hello\r\n"));
	assert_string_equal(client_take(&c),
			    "HTTP/1.1 200 OK\r\n" OWN "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
	th_flow_end(&x->flow);
	rig_until(&rig, client_has(&c, "0\r\n\r\n"));
	client_close(&c);
}

static void answers_without_body(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	script(200, 1000, false, FAKE_AT_END); /* a server that sends a body for HEAD all the same */
	rig.fake.script.fields[0] = (struct th_field){ TH_STR("Content-Length"), TH_STR("1000") };
	rig.fake.script.n_fields = 1;
	expect(&c, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n",
	       "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n" OWN "\r\n");
	rig.fake.script.unknown = true;
	rig.fake.script.status = 304;
	expect(&c, GET("/"), "\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n" OWN "\r\n");
	rig.fake.script.status = 204;
	expect(&c, GET("/"), "\r\n\r\n", "HTTP/1.1 204 No Content\r\n" OWN "\r\n");
	script(204, 0, false, FAKE_AT_END);
	expect(&c, GET("/"), "\r\n\r\n", "HTTP/1.1 204 No Content\r\n" OWN "\r\n");
	expect(&c, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n", "HTTP/1.1 204 No Content\r\n" OWN "\r\n");
	client_close(&c);
}

/* Fields that would break the head, or speak of this hop, stay behind; a Date of the flow's is kept. */
static void fields_of_answers(void **state)
{
	static const struct fake_script s = {
		.status = 299,
		.fields = { { TH_STR_INIT("A"), TH_STR_INIT("x\r\nInjected: y") },
			    { TH_STR_INIT("B\r\nC"), TH_STR_INIT("x") },
			    { TH_STR_INIT("Transfer-Encoding"), TH_STR_INIT("chunked") },
			    { TH_STR_INIT("content-length"), TH_STR_INIT("7") },
			    { TH_STR_INIT("Connection"), TH_STR_INIT("close") },
			    { TH_STR_INIT("Server"), TH_STR_INIT("x") },
			    { TH_STR_INIT("date"), TH_STR_INIT("yesterday") },
			    { TH_STR_INIT("Utf"), TH_STR_INIT("\xc3\xa9\t ") } },
		.n_fields = 8,
	};
	struct client c = client_open(&rig);

	(void)state;
	rig.fake.script = s;
	expect(&c, GET("/"), "\r\n\r\n",
	       "HTTP/1.1 299 Unknown\r\ndate: yesterday\r\nUtf: \xc3\xa9\t \r\nServer: thimble\r\nContent-Length: "
	       "0\r\n\r\n");
	client_close(&c);
}

static void http10(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	expect(&c, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "\r\n\r\n",
	       "HTTP/1.1 200 OK\r\n" OWN "Connection: keep-alive\r\nContent-Length: 0\r\n\r\n");
	expect(&c, "GET / HTTP/1.0\r\n\r\n", "\r\n\r\n",
	       "HTTP/1.1 200 OK\r\n" OWN "Connection: close\r\nContent-Length: 0\r\n\r\n");
	rig_until(&rig, client_eof(&c));
	client_close(&c);

	c = client_open(&rig);
	script(200, 0, true, FAKE_BY_HAND);
	client_say(&c, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	rig_until(&rig, rig.stats.active == 1);
	fake_head(fake_last(&rig.fake));
	rig_until(&rig, client_has(&c, "\r\n\r\n"));
	th_flow_data(&fake_last(&rig.fake)->flow, (const uint8_t *)"hello", 5);
	th_flow_end(&fake_last(&rig.fake)->flow);
	rig_until(&rig, client_eof(&c));
	assert_string_equal(client_take(&c), "HTTP/1.1 200 OK\r\n" OWN "Connection: close\r\n\r\nhello");
	assert_false(c.reset);
	client_close(&c);
}

static void connection_close(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	client_say(&c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" GET("/never"));
	rig_until(&rig, client_eof(&c));
	assert_string_equal(client_take(&c),
			    "HTTP/1.1 200 OK\r\n" OWN "Connection: close\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(rig.fake.n, 1);
	client_close(&c);
	rig_until(&rig, rig.stats.connections == 0);
}

static void expect_continue(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	expect(&c, "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", "\r\n\r\n",
	       "HTTP/1.1 100 Continue\r\n\r\n");
	assert_string_equal(fake_last(&rig.fake)->head, "PUT /\nHost=h\n");
	expect(&c, "hi", "\r\n\r\n", "HTTP/1.1 200 OK\r\n" OWN "Content-Length: 0\r\n\r\n");
	/* The body is here already: no need to ask for it. */
	expect(&c, "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", "\r\n\r\n",
	       "HTTP/1.1 200 OK\r\n" OWN "Content-Length: 0\r\n\r\n");
	/* Answered without it: the body may or may not come, so this connection ends. */
	script(403, 0, false, FAKE_AT_HEAD);
	expect(&c, "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", "\r\n\r\n",
	       "HTTP/1.1 403 Forbidden\r\n" OWN "Connection: close\r\nContent-Length: 0\r\n\r\n");
	rig_until(&rig, client_eof(&c));
	client_close(&c);
}

/* An answer before the request's end: a small rest is read and the connection kept, a large or unknown one is not. */
static void early_answers(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	script(413, 0, false, FAKE_AT_HEAD);
	expect(&c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234", "\r\n\r\n",
	       "HTTP/1.1 413 Content Too Large\r\n" OWN "Content-Length: 0\r\n\r\n");
	assert_true(fake_last(&rig.fake)->closed);
	assert_int_equal(fake_last(&rig.fake)->body_n, 0);
	client_say(&c, "56789");
	expect(&c, GET("/"), "\r\n\r\n", "HTTP/1.1 413 Content Too Large\r\n" OWN "Content-Length: 0\r\n\r\n");
	expect(&c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n01234", "\r\n\r\n",
	       "HTTP/1.1 413 Content Too Large\r\n" OWN "Connection: close\r\nContent-Length: 0\r\n\r\n");
	rig_until(&rig, client_eof(&c));
	client_close(&c);

	c = client_open(&rig);
	client_say(&c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
	rig_until(&rig, client_eof(&c));
	assert_string_equal(client_take(&c),
			    "HTTP/1.1 413 Content Too Large\r\n" OWN "Connection: close\r\nContent-Length: 0\r\n\r\n");
	client_close(&c);
}

/* A client that sends all before it reads still gets its early answer. */
static void early_answer_to_a_busy_sender(void **state)
{
	static char body[200 * 1000];
	struct client c = client_open(&rig);

	(void)state;
	script(413, 0, false, FAKE_AT_HEAD);
	client_say(&c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
	client_send(&c, body, sizeof(body));
	rig_until(&rig, client_eof(&c));
	assert_false(c.reset);
	assert_true(client_has(&c, "413 Content Too Large"));
	client_close(&c);
}

#define ERROR_FIELDS OWN "Content-Type: application/json\r\nAccess-Control-Allow-Origin: *\r\n"

static void failures(void **state)
{
	struct client c = client_open(&rig);
	struct th_failure why = { TH_ERR_TIMEOUT, 504, "The link is silent", 0 };

	(void)state;
	script(200, 0, false, FAKE_BY_HAND);
	client_say(&c, GET("/"));
	rig_until(&rig, rig.stats.active == 1);
	fake_fail(fake_last(&rig.fake), &why);
	rig_until(&rig, client_has(&c, "silent"));
	assert_string_equal(client_take(&c),
			    "HTTP/1.1 504 Gateway Timeout\r\n" ERROR_FIELDS "Content-Length: 52\r\n\r\n"
			    "{\"errcode\":\"M_UNKNOWN\",\"error\":\"The link is silent\"}");

	/* open() refuses; the connection goes on. */
	rig.fake.script.refuse = (struct th_failure){ TH_ERR_FULL, 503, "Too busy", 7 };
	expect(&c, GET("/"), "Too busy",
	       "HTTP/1.1 503 Service Unavailable\r\n" ERROR_FIELDS "Retry-After: 7\r\nContent-Length: 42\r\n\r\n"
	       "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Too busy\"}");
	expect(&c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "Too busy",
	       "HTTP/1.1 503 Service Unavailable\r\n" ERROR_FIELDS "Retry-After: 7\r\nContent-Length: 42\r\n\r\n"
	       "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Too busy\"}");
	expect(&c, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n",
	       "HTTP/1.1 503 Service Unavailable\r\n" ERROR_FIELDS "Retry-After: 7\r\nContent-Length: 42\r\n\r\n");
	rig.fake.script.refuse.err = TH_OK;

	/* After the head there is no way back: the client must see that the answer is not whole. */
	rig.fake.script.unknown = true;
	client_say(&c, GET("/"));
	rig_until(&rig, rig.stats.active == 1);
	fake_head(fake_last(&rig.fake));
	th_flow_data(&fake_last(&rig.fake)->flow, (const uint8_t *)"hello", 5);
	rig_until(&rig, client_has(&c, "hello"));
	fake_fail(fake_last(&rig.fake), &why);
	rig_until(&rig, client_eof(&c));
	assert_true(c.reset);
	assert_false(client_has(&c, "0\r\n\r\n"));
	client_close(&c);
	rig_until(&rig, rig.stats.connections == 0);
}

static void nonsense_from_the_flow(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	rig.fake.script.status = 101;
	expect(&c, GET("/"), "malformed\"}",
	       "HTTP/1.1 502 Bad Gateway\r\n" ERROR_FIELDS "Content-Length: 77\r\n\r\n"
	       "{\"errcode\":\"M_UNKNOWN\",\"error\":\"The answer from the other side is malformed\"}");
	script(200, 5, false, FAKE_BY_HAND);
	client_say(&c, GET("/"));
	rig_until(&rig, rig.stats.active == 1);
	fake_head(fake_last(&rig.fake));
	th_flow_end(&fake_last(&rig.fake)->flow); /* 5 bytes too early */
	rig_until(&rig, client_eof(&c));
	assert_true(c.reset);
	client_close(&c);
}

/* The rest of a request is bad when its answer has begun: nothing can be taken back. */
static void bad_rest_after_the_answer_began(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	script(200, 0, true, FAKE_BY_HAND);
	client_say(&c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
	rig_until(&rig, rig.stats.active == 1);
	fake_head(fake_last(&rig.fake));
	rig_until(&rig, client_has(&c, "\r\n\r\n"));
	client_say(&c, "zz\r\n");
	rig_until(&rig, client_eof(&c));
	assert_true(c.reset);
	assert_true(fake_last(&rig.fake)->closed);
	client_close(&c);
}

static void flow_breaks_its_rules(void **state)
{
	struct client c = client_open(&rig);
	struct th_failure nothing = { .err = TH_ERR_RESET };

	(void)state;
	script(200, 3, false, FAKE_BY_HAND);
	client_say(&c, GET("/"));
	rig_until(&rig, rig.stats.active == 1);
	fake_fail(fake_last(&rig.fake), &nothing); /* neither status nor reason */
	rig_until(&rig, client_has(&c, "reset by peer"));
	assert_true(client_has(&c, "502 Bad Gateway"));
	client_take(&c);
	client_say(&c, GET("/"));
	rig_until(&rig, rig.stats.active == 1);
	fake_fail(fake_last(&rig.fake), NULL);
	rig_until(&rig, client_has(&c, "gave up"));
	assert_true(client_has(&c, "502 Bad Gateway"));
	client_say(&c, GET("/"));
	rig_until(&rig, rig.stats.active == 1);
	fake_head(fake_last(&rig.fake));
	th_flow_data(&fake_last(&rig.fake)->flow, (const uint8_t *)"four", 4); /* of three */
	rig_until(&rig, client_eof(&c));
	assert_true(fake_last(&rig.fake)->closed);
	client_close(&c);
}

static void addresses(void **state)
{
	static const char *const hosts[] = { "::1", "127.0.0.1", "::" };
	enum th_err err;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(hosts); i++) {
		struct th_listener *l =
			th_listener_new(rig.loop, &rig.mem.mem, hosts[i], 0, &rig.limits, &rig.fake.server, &err);

		if (!l && errno == EAFNOSUPPORT)
			continue;
		assert_non_null(l);
		assert_int_equal(err, TH_OK);
		assert_int_not_equal(th_listener_port(l), 0);
		th_listener_del(l);
	}
	assert_null(th_listener_new(rig.loop, &rig.mem.mem, "localhost", 0, &rig.limits, &rig.fake.server, &err));
	assert_int_equal(err, TH_ERR_INVALID);
	assert_null(th_listener_new(rig.loop, &rig.mem.mem, "127.0.0.1", th_listener_port(rig.l), &rig.limits,
				    &rig.fake.server, &err));
	assert_int_equal(err, TH_ERR_IO);
	assert_int_equal(errno, EADDRINUSE);
}

/* A client that gives up on a long poll frees what waits for it. */
static void client_leaves(void **state)
{
	(void)state;
	rig.fake.script.when = FAKE_BY_HAND;
	for (int half = 0; half < 2; half++) {
		struct client c = client_open(&rig);

		client_say(&c, GET("/sync"));
		rig_until(&rig, rig.stats.active == 1);
		if (half)
			shutdown(c.fd, SHUT_WR);
		else
			close(c.fd);
		rig_until(&rig, rig.stats.active == 0);
		assert_true(fake_last(&rig.fake)->closed);
		assert_false(fake_last(&rig.fake)->has_why);
		assert_int_equal(rig.stats.connections, 0);
		if (half)
			close(c.fd);
		free(c.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_exchange_and_the_next, setup, teardown),
		cmocka_unit_test_setup_teardown(byte_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(every_prefix_then_close, setup, teardown),
		cmocka_unit_test_setup_teardown(pipelined_answers_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(pipelined_many, setup, teardown),
		cmocka_unit_test_setup_teardown(lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_without_body, setup, teardown),
		cmocka_unit_test_setup_teardown(fields_of_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(http10, setup, teardown),
		cmocka_unit_test_setup_teardown(connection_close, setup, teardown),
		cmocka_unit_test_setup_teardown(expect_continue, setup, teardown),
		cmocka_unit_test_setup_teardown(early_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(early_answer_to_a_busy_sender, setup, teardown),
		cmocka_unit_test_setup_teardown(failures, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_from_the_flow, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_rest_after_the_answer_began, setup, teardown),
		cmocka_unit_test_setup_teardown(flow_breaks_its_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(client_leaves, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
