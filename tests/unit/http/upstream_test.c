#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client_end.h"
#include "fake_upstream.h"
#include "http/upstream.h"

/* One upstream client against one fake server. */
struct rig {
	struct th_loop *loop;
	struct th_upstream *u;
	struct fake f;
	struct th_upstream_limits limits;
};

static struct rig rig;

static void step(void)
{
	assert_int_equal(th_loop_step(rig.loop, 5 * TH_MS), TH_OK);
}

/* Steps until `cond`, two seconds at most. */
#define UNTIL(cond)                                                                                                    \
	do {                                                                                                           \
		for (int until_i = 0; until_i < 400 && !(cond); until_i++)                                             \
			step();                                                                                        \
		assert_true(cond);                                                                                     \
	} while (0)

static void settle(void)
{
	for (int i = 0; i < 4; i++)
		step();
}

static void make_upstream(const char *scheme, const char *host, const char *base, const char *ca)
{
	char url[128];
	enum th_err err;

	snprintf(url, sizeof(url), "%s://%s:%u%s", scheme, host, (unsigned)rig.f.port, base);
	rig.u = th_upstream_new(rig.loop, &th_mem_libc, url, ca, &rig.limits, &err);
	assert_int_equal(err, TH_OK);
	assert_non_null(rig.u);
}

static void set_up_server(void (*on_data)(struct fake *, struct fake_conn *))
{
	rig.limits = th_upstream_limits_default;
	rig.loop = th_loop_new(&th_mem_libc);
	fake_start(&rig.f, rig.loop, on_data);
	rig.f.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}";
}

static void set_up(void (*on_data)(struct fake *, struct fake_conn *))
{
	set_up_server(on_data);
	make_upstream("http", "127.0.0.1", "", NULL);
}

static void tear_down(void)
{
	th_upstream_del(rig.u);
	fake_stop(&rig.f);
	th_loop_del(rig.loop);
}

static struct th_upstream_stats stats(void)
{
	struct th_upstream_stats s;

	th_upstream_stats(rig.u, &s);
	return s;
}

static void open_client(struct client_end *c)
{
	assert_true(client_open(c, th_upstream_server(rig.u)));
}

static void exchange(struct client_end *c, const char *method, const char *target, const char *body)
{
	open_client(c);
	client_send(c, method, target, body);
	UNTIL(c->closed);
}

static void assert_body(const struct client_end *c, const char *want)
{
	assert_int_equal(c->body.n, strlen(want));
	assert_memory_equal(th_buf_data(&c->body), want, c->body.n);
}

/* Keeps the request as text in f->user, then answers. */
static char seen[256 * 1024];

static void record(struct fake *f, struct fake_conn *c)
{
	size_t n = fake_request(c);

	if (n == 0)
		return;
	assert_true(n < sizeof(seen));
	memcpy(seen, th_buf_data(&c->in), n);
	seen[n] = '\0';
	fake_answers(f, c);
}

static void a_get_goes_out_as_written(void **state)
{
	struct client_end c;

	(void)state;
	set_up(record);
	exchange(&c, "GET", "/_matrix/client/v3/rooms/%21a%2Fb/x?a=+&&b=%C3%A9\xc3\xa9&a", "");
	assert_int_equal(c.status, 200);
	assert_int_equal(c.body_len, 2);
	assert_string_equal(c.fields, "Content-Type: application/json\n");
	assert_body(&c, "{}");
	char want[512];
	snprintf(want, sizeof(want),
		 "GET /_matrix/client/v3/rooms/%%21a%%2Fb/x?a=+&&b=%%C3%%A9\xc3\xa9&a HTTP/1.1\r\n"
		 "Host: 127.0.0.1:%u\r\n"
		 "Authorization: Bearer secret\r\n"
		 "x-odd-NAME: a  b\r\n"
		 "User-Agent: thimble/0.1.0\r\n"
		 "\r\n",
		 (unsigned)rig.f.port);
	assert_string_equal(seen, want);
	client_free(&c);
	tear_down();
}

static void the_base_path_goes_before_the_target(void **state)
{
	struct client_end c;

	(void)state;
	set_up_server(record);
	make_upstream("http", "127.0.0.1", "/hs/", NULL);
	exchange(&c, "DELETE", "/x", "");
	assert_memory_equal(seen, "DELETE /hs/x HTTP/1.1\r\n", 23);
	client_free(&c);
	exchange(&c, "OPTIONS", "*", "");
	assert_memory_equal(seen, "OPTIONS * HTTP/1.1\r\n", 20);
	client_free(&c);
	tear_down();
}

static void exchanges_share_a_connection(void **state)
{
	(void)state;
	set_up(fake_answers);
	for (int i = 0; i < 200; i++) {
		struct client_end c;

		exchange(&c, i & 1 ? "POST" : "GET", "/", i & 1 ? "body" : "");
		assert_int_equal(c.status, 200);
		assert_body(&c, "{}");
		client_free(&c);
	}
	assert_int_equal(rig.f.accepted, 1);
	assert_int_equal(rig.f.requests, 200);
	assert_int_equal(stats().connects, 1);
	assert_int_equal(stats().requests, 200);
	assert_int_equal(stats().failures, 0);
	assert_int_equal(stats().connections, 1);
	assert_int_equal(stats().active, 0);
	tear_down();
}

static void a_body_of_unknown_length_is_chunked(void **state)
{
	struct client_end c;

	(void)state;
	set_up(record);
	open_client(&c);
	client_head(&c, "PUT", "/", TH_BODY_UNKNOWN);
	assert_int_equal(th_flow_data(&c.flow, (const uint8_t *)"hello", 5), 5);
	settle();
	assert_int_equal(th_flow_data(&c.flow, (const uint8_t *)"0123456789abcdef", 16), 16);
	client_end_request(&c);
	UNTIL(c.closed);
	assert_int_equal(c.status, 200);
	assert_non_null(
		strstr(seen, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"));
	client_free(&c);
	tear_down();
}

/* ---- answers ---- */

struct answer_case {
	const char *method, *answer;
	uint16_t status;
	int64_t body_len;
	const char *fields, *body;
	bool until_close, reused;
};

static const struct answer_case answers[] = {
	{ "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 5, "", "hello", false, true },
	{ "GET", "HTTP/1.1 404 \r\nContent-Length: 0\r\nX:\r\ny: \t a b \t\r\n\r\n", 404, 0, "X: \ny: a b\n", "", false,
	  true },
	{ "GET",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"a\"\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: "
	  "1\r\n\r\n",
	  200, TH_BODY_UNKNOWN, "ETag: \"a\"\n", "abcde", false, true },
	{ "GET", "HTTP/1.1 200 OK\r\nA: 1\r\n\r\nuntil the end", 200, TH_BODY_UNKNOWN, "A: 1\n", "until the end", true,
	  false },
	{ "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, 2, "", "ok", false, false },
	{ "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", 200, 0, "Content-Length: 1234\n", "", false,
	  true },
	{ "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, 0, "", "", false, true },
	{ "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: x\r\n\r\n", 304, 0,
	  "Content-Length: 99\nETag: x\n", "", false, true },
	{ "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nA: b\r\n\r\n", 204, 0, "A: b\n", "", false, true },
	{ "POST",
	  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 201 C\r\nContent-Length: "
	  "1\r\n\r\n!",
	  201, 1, "", "!", false, true },
	{ "GET", "HTTP/1.1 599 odd\r\nContent-Length: 1\r\n\r\n?", 599, 1, "", "?", false, true },
	{ "GET",
	  "HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nConnection: close, X-Hop\r\nx-hop: 1\r\nKeep-Alive: timeout=9\r\nTE: "
	  "x\r\n"
	  "Trailer: T\r\nUpgrade: h2c\r\nProxy-Authenticate: q\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nz",
	  429, 1, "Retry-After: 3\nContent-Encoding: gzip\n", "z", false, false },
	{ "GET", "HTTP/1.1 200 OK\r\nA: b \r\n\t c\r\nContent-Length: 0\r\n\r\n", 200, 0, "A: b \t c\n", "", false,
	  true },
	{ "GET", "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n", 200, 0,
	  "Set-Cookie: a\nSet-Cookie: b\n", "", false, true },
};

static const struct answer_case *playing;
static bool one_by_one;
static size_t cut_at;

static void play(struct fake *f, struct fake_conn *c)
{
	const char *p = playing->answer;
	size_t n = strlen(p);

	if (!fake_request(c))
		return;
	f->requests++;
	th_buf_consume(&c->in, fake_request(c));
	n = n < cut_at ? n : cut_at;
	fake_send(c, p, one_by_one ? 0 : n);
	c->answers = 0;
	f->user = c;
	if (!one_by_one && (playing->until_close || cut_at != SIZE_MAX))
		fake_close(c);
}

static void trickle(const struct client_end *c)
{
	struct fake_conn *server = rig.f.user;
	size_t n = strlen(playing->answer);

	while (server->answers < n && !c->closed) {
		fake_send(server, playing->answer + server->answers++, 1);
		th_loop_step(rig.loop, 1 * TH_MS);
	}
	if (playing->until_close)
		fake_close(server);
}

static void check_answer(const struct client_end *c, const struct answer_case *a)
{
	assert_int_equal(c->why.err, TH_OK);
	assert_int_equal(c->status, a->status);
	assert_int_equal(c->body_len, a->body_len);
	assert_string_equal(c->fields, a->fields);
	assert_body(c, a->body);
	assert_true(c->ended);
	assert_false(c->heads_twice);
}

static void play_all(bool slowly)
{
	one_by_one = slowly;
	cut_at = SIZE_MAX;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct client_end c;

		playing = &answers[i];
		set_up(play);
		open_client(&c);
		client_send(&c, playing->method, "/", "");
		UNTIL(rig.f.requests == 1);
		if (slowly)
			trickle(&c);
		UNTIL(c.closed);
		check_answer(&c, playing);
		settle();
		assert_int_equal(stats().connections, playing->reused ? 1 : 0);
		client_free(&c);
		tear_down();
	}
}

static void answers_are_understood(void **state)
{
	(void)state;
	play_all(false);
}

static void answers_are_understood_byte_by_byte(void **state)
{
	(void)state;
	play_all(true);
}

/* No prefix of an answer is ever taken for the whole. */
static void cut_answers_are_failures(void **state)
{
	(void)state;
	one_by_one = false;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		size_t n = strlen(answers[i].answer);

		playing = &answers[i];
		set_up(play);
		for (cut_at = 0; cut_at < n; cut_at++) {
			struct client_end c;

			if (playing->until_close && cut_at >= strlen("HTTP/1.1 200 OK\r\nA: 1\r\n\r\n"))
				break; /* the end is wherever it is */
			exchange(&c, playing->method, "/", "");
			assert_false(c.ended);
			assert_int_equal(c.why.err, TH_ERR_CLOSED);
			assert_int_equal(c.why.status, 502);
			assert_int_equal(c.why.retry_after, 0);
			client_free(&c);
		}
		settle();
		assert_int_equal(stats().connections, 0);
		assert_int_equal(stats().retries, 0);
		tear_down();
	}
	cut_at = SIZE_MAX;
}

static void unusable_answers_are_502(void **state)
{
	static const char *const bad[] = {
		"SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/0.9 200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 101 Switching\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxx",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
		"HTTP/1.1 200 OK\r\nA b: c\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA : c\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: \x01\r\nContent-Length: 0\r\n\r\n",
	};

	(void)state;
	cut_at = SIZE_MAX;
	one_by_one = false;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct answer_case a = { "GET", bad[i], 0, 0, "", "", false, false };
		struct client_end c;

		playing = &a;
		set_up(play);
		exchange(&c, "GET", "/", "");
		if (c.ended || c.why.err != TH_ERR_MALFORMED || c.why.status != 502)
			print_error("answer %zu: status %u err %d (%s)\n", i, c.status, c.why.err, c.reason);
		assert_false(c.ended);
		assert_int_equal(c.why.err, TH_ERR_MALFORMED);
		assert_int_equal(c.why.status, 502);
		assert_int_equal(stats().connections, 0);
		client_free(&c);
		tear_down();
	}
}

static void a_nul_in_a_field_is_refused(struct fake *f, struct fake_conn *c)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n";

	(void)f;
	fake_send(c, answer, sizeof(answer) - 1);
}

static void endless_head(struct fake *f, struct fake_conn *c)
{
	char line[1000];

	(void)f;
	fake_say(c, "HTTP/1.1 200 OK\r\n");
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	memcpy(line, "x: ", 3);
	for (int i = 0; i < 100; i++) {
		fake_say(c, line);
		fake_say(c, "\r\n");
	}
}

static void endless_status_line(struct fake *f, struct fake_conn *c)
{
	(void)f;
	fake_say(c, "HTTP/1.1 200 ");
	for (int i = 0; i < 3000; i++)
		fake_say(c, "0123456789012345678901234567890123456789");
}

static void too_many_fields(struct fake *f, struct fake_conn *c)
{
	(void)f;
	fake_say(c, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 200; i++)
		fake_say(c, "a: b\r\n");
	fake_say(c, "\r\n");
}

static void endless_trailers(struct fake *f, struct fake_conn *c)
{
	(void)f;
	fake_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
	for (int i = 0; i < 20000; i++)
		fake_say(c, "abcdef: ghi\r\n");
}

static void endless_interims(struct fake *f, struct fake_conn *c)
{
	(void)f;
	for (int i = 0; i < 100; i++)
		fake_say(c, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void limits_on_answers_hold(void **state)
{
	static void (*const scripts[])(struct fake *, struct fake_conn *) = { a_nul_in_a_field_is_refused,
									      endless_head,
									      endless_status_line,
									      too_many_fields,
									      endless_trailers,
									      endless_interims };

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct client_end c;

		set_up(scripts[i]);
		exchange(&c, "GET", "/", "");
		assert_false(c.ended);
		assert_int_equal(c.why.err, TH_ERR_MALFORMED);
		assert_int_equal(c.why.status, 502);
		client_free(&c);
		tear_down();
	}
}

static void bytes_behind_an_answer_end_the_connection(void **state)
{
	struct client_end c;

	(void)state;
	set_up(fake_answers);
	rig.f.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
	for (size_t i = 1; i <= 3; i++) {
		exchange(&c, "GET", "/", "");
		assert_body(&c, "{}");
		assert_int_equal(rig.f.accepted, i);
		client_free(&c);
	}
	tear_down();
}

/* ---- connections that die ---- */

/* Answers the first request of each connection; at the second does what the test says. */
static enum { CLOSE_UNANSWERED, RESET_UNANSWERED, HALF_ANSWER } second;
static size_t seconds_left;

static void dies_second(struct fake *f, struct fake_conn *c)
{
	if (!fake_request(c))
		return;
	if (c->answers == 0 || seconds_left == 0) {
		fake_answers(f, c);
		return;
	}
	seconds_left--;
	f->requests++;
	if (second == HALF_ANSWER)
		fake_say(c, "HTTP/1.1 2");
	if (second == RESET_UNANSWERED)
		fake_reset(c);
	else
		fake_close(c);
}

static void reused_then_dead(const char *method, const char *body, bool repeated)
{
	struct client_end c;

	set_up(dies_second);
	seconds_left = 1;
	exchange(&c, "GET", "/", "");
	assert_int_equal(c.status, 200);
	client_free(&c);
	exchange(&c, method, "/", body);
	assert_int_equal(c.ended, repeated);
	assert_int_equal(stats().retries, repeated);
	assert_int_equal(rig.f.requests, repeated ? 3 : 2);
	assert_int_equal(rig.f.accepted, repeated ? 2 : 1);
	if (!repeated) {
		assert_int_equal(c.why.status, 502);
		assert_true(c.why.err == TH_ERR_CLOSED || c.why.err == TH_ERR_RESET);
	}
	client_free(&c);
	tear_down();
}

static void idempotent_requests_are_repeated_once(void **state)
{
	static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE" };

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		second = CLOSE_UNANSWERED;
		reused_then_dead(methods[i], i >= 4 ? "body" : "", true);
		second = RESET_UNANSWERED;
		reused_then_dead(methods[i], i >= 4 ? "body" : "", true);
		second = HALF_ANSWER;
		reused_then_dead(methods[i], "", false);
	}
}

static void others_never_are(void **state)
{
	static const char *const methods[] = { "POST", "PATCH", "REPORT", "get" };

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		for (second = CLOSE_UNANSWERED; second <= HALF_ANSWER; second++)
			reused_then_dead(methods[i], "body", false);
}

static void always_dies(struct fake *f, struct fake_conn *c)
{
	if (!fake_request(c))
		return;
	f->requests++;
	fake_close(c);
}

static void a_fresh_connection_that_dies_is_a_failure(void **state)
{
	struct client_end c;

	(void)state;
	set_up(always_dies);
	exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.status, 502);
	assert_int_equal(rig.f.requests, 1);
	assert_non_null(strstr(c.reason, "without an answer"));
	assert_null(strstr(c.reason, "secret"));
	client_free(&c);
	tear_down();
}

static void dies_from_then_on(struct fake *f, struct fake_conn *c)
{
	if (c->number == 0 && c->answers == 0)
		fake_answers(f, c);
	else
		always_dies(f, c);
}

static void a_repetition_is_not_repeated(void **state)
{
	struct client_end c;

	(void)state;
	set_up(dies_from_then_on);
	exchange(&c, "GET", "/", "");
	client_free(&c);
	exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.status, 502);
	assert_int_equal(rig.f.requests, 3);
	assert_int_equal(stats().retries, 1);
	client_free(&c);
	tear_down();
}

/* The server closes while nothing is under way: the next request goes to a new connection, POST too. */
static void an_idle_connection_that_was_closed_is_not_used(void **state)
{
	(void)state;
	for (int unseen = 0; unseen < 2; unseen++) {
		struct client_end c;

		set_up(fake_answers);
		exchange(&c, "GET", "/", "");
		client_free(&c);
		fake_close(&rig.f.conns[0]);
		if (!unseen) {
			UNTIL(stats().connections == 0);
		}
		exchange(&c, "POST", "/", "body");
		assert_int_equal(c.status, 200);
		assert_int_equal(rig.f.accepted, 2);
		assert_int_equal(rig.f.requests, 2);
		assert_int_equal(stats().retries, 0);
		client_free(&c);
		tear_down();
	}
}

static void an_unfinished_put_is_not_repeated(void **state)
{
	struct client_end c;

	(void)state;
	second = CLOSE_UNANSWERED;
	set_up(fake_answers);
	exchange(&c, "GET", "/", "");
	client_free(&c);
	open_client(&c);
	client_head(&c, "PUT", "/", 10);
	th_flow_data(&c.flow, (const uint8_t *)"01234", 5);
	UNTIL(rig.f.conns[0].in.n > 0);
	fake_close(&rig.f.conns[0]);
	UNTIL(c.closed);
	assert_int_equal(c.why.status, 502);
	assert_int_equal(rig.f.accepted, 1);
	client_free(&c);
	tear_down();
}

static void idle_connections_are_closed_in_time(void **state)
{
	struct client_end c;

	(void)state;
	set_up_server(fake_answers);
	rig.limits.idle_timeout = 30 * TH_MS;
	make_upstream("http", "127.0.0.1", "", NULL);
	exchange(&c, "GET", "/", "");
	assert_int_equal(stats().connections, 1);
	client_free(&c);
	UNTIL(rig.f.eofs == 1);
	assert_int_equal(stats().connections, 0);
	tear_down();
}

static void the_servers_own_limit_on_idleness_counts(void **state)
{
	struct client_end c;

	(void)state;
	set_up(fake_answers);
	rig.f.answer = "HTTP/1.1 200 OK\r\nKeep-Alive: max=3, timeout=1\r\nContent-Length: 0\r\n\r\n";
	exchange(&c, "GET", "/", "");
	assert_string_equal(c.fields, "");
	client_free(&c);
	UNTIL(stats().connections == 0);
	tear_down();
}

/* ---- failures ---- */

static void refused_is_502(void **state)
{
	struct client_end c;

	(void)state;
	set_up(fake_answers);
	fake_stop(&rig.f);
	exchange(&c, "GET", "/secret?access_token=secret", "");
	assert_int_equal(c.why.err, TH_ERR_REFUSED);
	assert_int_equal(c.why.status, 502);
	assert_non_null(strstr(c.reason, "refused the connection"));
	assert_non_null(strstr(c.reason, "127.0.0.1:"));
	assert_null(strstr(c.reason, "secret"));
	client_free(&c);
	rig.f.watch.fd = -1;
	tear_down();
}

/* A listener whose backlog is full: the system drops what knocks. */
static void an_address_that_stays_silent_is_504(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	struct client_end c;
	int listener, fillers[4];

	(void)state;
	set_up_server(fake_answers);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len), 0);
	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], (const struct sockaddr *)&sa, len);
	}
	settle();
	rig.limits.connect_timeout = 60 * TH_MS;
	rig.f.port = ntohs(sa.sin_port);
	make_upstream("http", "127.0.0.1", "", NULL);
	exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.err, TH_ERR_TIMEOUT);
	assert_int_equal(c.why.status, 504);
	client_free(&c);
	for (int i = 0; i < 4; i++)
		close(fillers[i]);
	close(listener);
	tear_down();
}

static void the_second_address_is_tried(void **state)
{
	struct client_end c;

	(void)state;
	set_up_server(fake_answers); /* 127.0.0.1 only; localhost may be ::1 first */
	make_upstream("http", "localhost", "", NULL);
	exchange(&c, "GET", "/", "");
	assert_int_equal(c.status, 200);
	client_free(&c);
	tear_down();
}

static void an_unknown_name_is_502(void **state)
{
	enum th_err err;
	struct client_end c;
	char url[100];

	(void)state;
	set_up_server(fake_answers);
	snprintf(url, sizeof(url), "http://%070d.invalid/", 0); /* a label no resolver asks for */
	rig.u = th_upstream_new(rig.loop, &th_mem_libc, url, NULL, &rig.limits, &err);
	exchange(&c, "GET", "/", "");
	assert_true(c.why.status == 502 || c.why.status == 503);
	assert_non_null(strstr(c.reason, "host name"));
	client_free(&c);
	tear_down();
}

static void says_nothing(struct fake *f, struct fake_conn *c)
{
	(void)c;
	f->requests++;
}

static void silence_is_504(void **state)
{
	struct client_end c;

	(void)state;
	set_up_server(says_nothing);
	rig.limits.answer_timeout = 40 * TH_MS;
	make_upstream("http", "127.0.0.1", "", NULL);
	exchange(&c, "POST", "/", "x");
	assert_int_equal(c.why.err, TH_ERR_TIMEOUT);
	assert_int_equal(c.why.status, 504);
	assert_int_equal(rig.f.requests, 1);
	UNTIL(rig.f.eofs == 1);
	client_free(&c);
	tear_down();
}

/* A slow sender is not the server's silence. */
static void a_slow_request_is_not_silence(void **state)
{
	struct client_end c;

	(void)state;
	set_up_server(record);
	rig.limits.answer_timeout = 60 * TH_MS;
	make_upstream("http", "127.0.0.1", "", NULL);
	open_client(&c);
	client_head(&c, "PUT", "/", 3);
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 20; k++)
			step();
		assert_false(c.closed);
		assert_int_equal(th_flow_data(&c.flow, (const uint8_t *)"abc" + i, 1), 1);
	}
	client_end_request(&c);
	UNTIL(c.closed);
	assert_int_equal(c.status, 200);
	client_free(&c);
	tear_down();
}

static void requests_cannot_be_split(void **state)
{
	static const struct {
		const char *method, *target, *name, *value;
		size_t value_n;
	} bad[] = {
		{ "GET", "/ HTTP/1.1\r\nHost: evil\r\n\r\nGET /", "A", "b", 1 },
		{ "GET", "/a b", "A", "b", 1 },
		{ "GET", "/a\nb", "A", "b", 1 },
		{ "GET", "/a\rb", "A", "b", 1 },
		{ "GET", "/a\tb", "A", "b", 1 },
		{ "GET", "", "A", "b", 1 },
		{ "GET", "*", "A", "b", 1 },
		{ "GET", "http://evil/", "A", "b", 1 },
		{ "GET /x HTTP/1.1\r\n\r\nGET", "/", "A", "b", 1 },
		{ "", "/", "A", "b", 1 },
		{ "GET", "/", "A\r\nB", "b", 1 },
		{ "GET", "/", "A: x\r\nB", "b", 1 },
		{ "GET", "/", "A ", "b", 1 },
		{ "GET", "/", "", "b", 1 },
		{ "GET", "/", "A", "b\r\nC: d", 7 },
		{ "GET", "/", "A", "b\nC: d", 6 },
		{ "GET", "/", "A", "b\rC: d", 6 },
		{ "GET", "/", "A", "b\0c", 3 },
		{ "GET", "/", "A", "\r\n", 2 },
		{ "CONNECT", "evil:443", "A", "b", 1 },
	};

	(void)state;
	set_up(record);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct th_field f = { th_str_of(bad[i].name), { bad[i].value, bad[i].value_n } };
		const struct th_head h = { .method = th_str_of(bad[i].method),
					   .target = th_str_of(bad[i].target),
					   .fields = &f,
					   .n_fields = 1 };
		struct client_end c;

		open_client(&c);
		th_flow_head(&c.flow, &h);
		client_end_request(&c);
		UNTIL(c.closed);
		assert_int_equal(c.why.err, TH_ERR_MALFORMED);
		assert_int_equal(c.why.status, 400);
		client_free(&c);
	}
	assert_int_equal(rig.f.accepted, 0);
	tear_down();
}

static void connect_is_501(void **state)
{
	struct client_end c;

	(void)state;
	set_up(record);
	exchange(&c, "CONNECT", "/", "");
	assert_int_equal(c.why.status, 501);
	assert_int_equal(rig.f.accepted, 0);
	client_free(&c);
	tear_down();
}

static void framing_fields_of_the_flow_are_dropped(void **state)
{
	static const struct th_field fields[] = {
		{ TH_STR_INIT("Content-Length"), TH_STR_INIT("3") },
		{ TH_STR_INIT("transfer-encoding"), TH_STR_INIT("chunked") },
		{ TH_STR_INIT("HOST"), TH_STR_INIT("evil") },
		{ TH_STR_INIT("Connection"), TH_STR_INIT("close, x-hop ,") },
		{ TH_STR_INIT("X-Hop"), TH_STR_INIT("1") },
		{ TH_STR_INIT("Expect"), TH_STR_INIT("100-continue") },
		{ TH_STR_INIT("user-agent"), TH_STR_INIT("Element") },
		{ TH_STR_INIT("Keep"), TH_STR_INIT("me") },
	};
	const struct th_head h = {
		.method = TH_STR_INIT("POST"), .target = TH_STR_INIT("/"), .fields = fields, .n_fields = 8
	};
	struct client_end c;
	char want[256];

	(void)state;
	set_up(record);
	open_client(&c);
	th_flow_head(&c.flow, &h);
	client_end_request(&c);
	UNTIL(c.closed);
	snprintf(
		want, sizeof(want),
		"POST / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nuser-agent: Element\r\nKeep: me\r\nContent-Length: 0\r\n\r\n",
		(unsigned)rig.f.port);
	assert_string_equal(seen, want);
	client_free(&c);
	tear_down();
}

static void a_body_that_breaks_its_length_is_refused(void **state)
{
	struct client_end c;

	(void)state;
	set_up(record);
	open_client(&c);
	client_head(&c, "POST", "/", 3);
	th_flow_data(&c.flow, (const uint8_t *)"abcdGET /evil HTTP/1.1\r\n\r\n", 26);
	client_end_request(&c);
	UNTIL(c.closed);
	assert_int_equal(c.why.status, 400);
	client_free(&c);
	open_client(&c);
	client_head(&c, "POST", "/", 3);
	th_flow_data(&c.flow, (const uint8_t *)"ab", 2);
	settle();
	client_end_request(&c);
	UNTIL(c.closed);
	assert_int_equal(c.why.status, 400);
	assert_int_equal(rig.f.requests, 0);
	assert_int_equal(stats().connections, 0);
	client_free(&c);
	tear_down();
}

/* ---- the pool ---- */

static void the_pool_and_its_queue_are_bounded(void **state)
{
	struct client_end c[5];

	(void)state;
	set_up_server(says_nothing);
	rig.limits.connections = 2;
	rig.limits.queue = 2;
	make_upstream("http", "127.0.0.1", "", NULL);
	for (int i = 0; i < 4; i++) {
		open_client(&c[i]);
		client_send(&c[i], "GET", "/", "");
	}
	assert_false(client_open(&c[4], th_upstream_server(rig.u)));
	assert_int_equal(c[4].why.err, TH_ERR_FULL);
	assert_int_equal(c[4].why.status, 503);
	assert_true(c[4].why.retry_after > 0);
	assert_false(th_flow_open(&c[4].flow));
	UNTIL(rig.f.requests == 2);
	settle();
	assert_int_equal(rig.f.accepted, 2);
	assert_int_equal(stats().queued, 2);
	assert_int_equal(stats().active, 2);
	rig.f.on_data = fake_answers;
	for (int i = 0; i < 2; i++)
		fake_answers(&rig.f, &rig.f.conns[i]);
	UNTIL(c[0].closed && c[1].closed && c[2].closed && c[3].closed);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(c[i].status, 200);
		client_free(&c[i]);
	}
	assert_int_equal(rig.f.accepted, 2);
	assert_int_equal(stats().queued, 0);
	tear_down();
}

static void cancelling_closes_the_connection(void **state)
{
	struct client_end c;

	(void)state;
	set_up(says_nothing);
	open_client(&c);
	client_send(&c, "GET", "/sync?timeout=60000", "");
	UNTIL(rig.f.requests == 1);
	client_cancel(&c);
	assert_int_equal(stats().connections, 0);
	UNTIL(rig.f.eofs == 1);
	client_free(&c);
	tear_down();
}

static void cancelling_before_anything_was_sent(void **state)
{
	struct client_end c[3];

	(void)state;
	set_up_server(fake_answers);
	rig.limits.connections = 1;
	make_upstream("http", "127.0.0.1", "", NULL);
	for (int i = 0; i < 3; i++) {
		open_client(&c[i]);
		client_send(&c[i], "GET", "/", "");
	}
	step(); /* 0 dials, 1 and 2 wait */
	client_cancel(&c[1]);
	client_cancel(&c[0]);
	UNTIL(c[2].closed);
	assert_int_equal(c[2].status, 200);
	assert_int_equal(rig.f.requests, 1);
	open_client(&c[0]); /* taken and cancelled within one turn: the idle connection lives on */
	client_send(&c[0], "GET", "/", "");
	client_cancel(&c[0]);
	settle();
	assert_int_equal(stats().connections, 1);
	assert_int_equal(rig.f.requests, 1);
	for (int i = 0; i < 3; i++)
		client_free(&c[i]);
	tear_down();
}

static void cancelling_from_within_the_answer(void **state)
{
	(void)state;
	for (int on_data = 0; on_data < 2; on_data++) {
		struct client_end c;

		set_up(fake_answers);
		open_client(&c);
		c.cancel_on_head = !on_data;
		c.cancel_on_data = on_data;
		client_send(&c, "GET", "/", "");
		UNTIL(c.closed);
		settle();
		assert_false(c.ended);
		assert_int_equal(stats().connections, 0);
		assert_int_equal(rig.f.eofs, 1);
		client_free(&c);
		tear_down();
	}
}

static void deleting_with_everything_open(void **state)
{
	struct client_end c[4];

	(void)state;
	set_up_server(says_nothing);
	rig.limits.connections = 2;
	make_upstream("http", "127.0.0.1", "", NULL);
	for (int i = 0; i < 4; i++) {
		open_client(&c[i]);
		client_send(&c[i], "PUT", "/", "body");
	}
	UNTIL(rig.f.requests == 2);
	th_upstream_del(rig.u);
	rig.u = NULL;
	for (int i = 0; i < 4; i++) {
		assert_false(c[i].closed); /* no callbacks follow */
		assert_false(th_flow_open(&c[i].flow));
		client_free(&c[i]);
	}
	tear_down();
}

/* ---- streams ---- */

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

static void make_tallied(const char *scheme, const char *host, const char *ca)
{
	char url[64];
	enum th_err err;

	tally.live = tally.max = 0;
	snprintf(url, sizeof(url), "%s://%s:%u", scheme, host, (unsigned)rig.f.port);
	rig.u = th_upstream_new(rig.loop, &tally_mem, url, ca, &rig.limits, &err);
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

	open_client(c);
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
	set_up_server(sends_much);
	make_tallied("http", "127.0.0.1", NULL);
	download(&c);
	client_free(&c);
	tear_down();
	assert_int_equal(tally.live, 0);
}

/* A client end that takes nothing makes the server wait. */
static void a_client_that_takes_nothing_stops_the_server(void **state)
{
	struct client_end c;
	size_t left;

	(void)state;
	set_up_server(sends_much);
	rig.limits.answer_timeout = 50 * TH_MS; /* and that is not the server's silence */
	make_tallied("http", "127.0.0.1", NULL);
	open_client(&c);
	c.take = 0;
	client_send(&c, "GET", "/", "");
	UNTIL(c.head);
	for (int i = 0; i < 40; i++)
		step();
	left = rig.f.conns[0].fill;
	for (int i = 0; i < 10; i++)
		step();
	assert_true(left > 0);
	assert_int_equal(rig.f.conns[0].fill, left);
	assert_false(c.closed);
	assert_true(tally.max < 300 * 1024);
	client_cancel(&c);
	client_free(&c);
	tear_down();
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

	open_client(&c);
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
		set_up_server(swallow);
		make_tallied("http", "127.0.0.1", NULL);
		upload(chunked ? TH_BODY_UNKNOWN : STREAM);
		tear_down();
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

		set_up(says_nothing);
		rig.f.answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!";
		open_client(&c);
		client_head(&c, "POST", "/", 1000000);
		th_flow_data(&c.flow, piece, sizeof(piece));
		UNTIL(rig.f.requests > 0);
		fake_say(&rig.f.conns[0], rig.f.answer);
		if (resets)
			fake_close(&rig.f.conns[0]);
		UNTIL(c.ended);
		assert_int_equal(c.status, 413);
		assert_body(&c, "no!");
		assert_int_equal(stats().connections, 0); /* half a request is on it */
		assert_int_equal(th_flow_data(&c.flow, piece, sizeof(piece)), sizeof(piece)); /* swallowed */
		client_end_request(&c);
		settle();
		client_free(&c);
		tear_down();
	}
}

/* ---- memory ---- */

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

		set_up_server(fake_answers);
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
				step();
				th_flow_resume(&c.flow);
			}
			assert_true(c.closed);
			clean = c.ended;
			assert_true(c.ended || c.why.err == TH_ERR_NO_MEMORY || c.why.err == TH_ERR_MALFORMED);
			client_free(&c);
		} else {
			assert_int_equal(c.why.err, TH_ERR_NO_MEMORY);
		}
		tear_down();
		assert_int_equal(tally.live, 0);
	}
	assert_true(clean);
}

/* ---- TLS ---- */

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

static void set_up_tls(const char *san, long from_s, long to_s, const char *host, const char *ca_file)
{
	set_up_server(fake_answers);
	rig.f.ctx = fake_tls(&ca, san, from_s, to_s);
	make_upstream("https", host, "", ca_file);
}

static void tear_down_tls(void)
{
	SSL_CTX *ctx = rig.f.ctx;

	tear_down();
	SSL_CTX_free(ctx);
}

static void tls_works_and_is_kept(void **state)
{
	static const struct {
		const char *san, *host;
	} good[] = { { "DNS:localhost", "localhost" }, { "IP:127.0.0.1", "127.0.0.1" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		set_up_tls(good[i].san, -60, 60, good[i].host, ca.path);
		for (int k = 0; k < 5; k++) {
			struct client_end c;

			exchange(&c, k & 1 ? "POST" : "GET", "/", k & 1 ? "body" : "");
			assert_int_equal(c.why.err, TH_OK);
			assert_body(&c, "{}");
			client_free(&c);
			settle();
		}
		assert_int_equal(stats().connects, 1);
		tear_down_tls();
	}
}

static void bad_certificates_are_502(void **state)
{
	static const struct {
		const char *san;
		long from_s, to_s;
		const char *host;
		bool known_ca;
		const char *says;
	} bad[] = {
		{ "DNS:example.org", -60, 60, "localhost", true, "hostname mismatch" },
		{ "IP:127.0.0.2", -60, 60, "127.0.0.1", true, "IP address mismatch" },
		{ "DNS:127.0.0.1", -60, 60, "127.0.0.1", true, "IP address mismatch" },
		{ "DNS:localhost", -120, -60, "localhost", true, "expired" },
		{ "DNS:localhost", 60, 120, "localhost", true, "not yet valid" },
		{ "DNS:localhost", -60, 60, "localhost", false, "issuer" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct client_end c;

		set_up_tls(bad[i].san, bad[i].from_s, bad[i].to_s, bad[i].host, bad[i].known_ca ? ca.path : NULL);
		exchange(&c, "GET", "/", "");
		assert_int_equal(c.why.err, TH_ERR_TLS);
		assert_int_equal(c.why.status, 502);
		if (!strstr(c.reason, bad[i].says))
			print_error("%s\n", c.reason);
		assert_non_null(strstr(c.reason, bad[i].says));
		assert_int_equal(rig.f.requests, 0);
		client_free(&c);
		tear_down_tls();
	}
}

static void a_server_without_tls_is_502(void **state)
{
	struct client_end c;

	(void)state;
	set_up_server(always_dies);
	make_upstream("https", "localhost", "", ca.path);
	rig.f.on_data = says_nothing;
	rig.limits.connect_timeout = 100 * TH_MS;
	th_upstream_set_limits(rig.u, &rig.limits);
	exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.err, TH_ERR_TIMEOUT); /* it says nothing */
	assert_int_equal(c.why.status, 504);
	client_free(&c);
	tear_down();
}

static void speaks_plain(struct fake *f, struct fake_conn *c)
{
	fake_say(c, f->answer);
}

static void a_plain_answer_to_tls_is_502(void **state)
{
	struct client_end c;

	(void)state;
	set_up_server(speaks_plain);
	make_upstream("https", "localhost", "", ca.path);
	exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.err, TH_ERR_TLS);
	assert_int_equal(c.why.status, 502);
	client_free(&c);
	tear_down();
}

/* A close-delimited answer needs TLS's own goodbye; a bare FIN may be an attacker's. */
static void a_cut_tls_answer_is_a_failure(void **state)
{
	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		struct client_end c;

		set_up_tls("DNS:localhost", -60, 60, "localhost", ca.path);
		rig.f.on_data = says_nothing;
		open_client(&c);
		client_send(&c, "GET", "/", "");
		UNTIL(rig.f.requests == 1);
		fake_say(&rig.f.conns[0], "HTTP/1.1 200 OK\r\n\r\nall of it?");
		if (cut)
			rig.f.conns[0].shaken = false; /* no close_notify */
		fake_close(&rig.f.conns[0]);
		UNTIL(c.closed);
		assert_int_equal(c.ended, !cut);
		assert_int_equal(c.why.err, cut ? TH_ERR_TLS : TH_OK);
		client_free(&c);
		tear_down_tls();
	}
}

static void tls_streams_both_ways(void **state)
{
	struct client_end c;

	(void)state;
	set_up_server(sends_much);
	rig.f.ctx = fake_tls(&ca, "DNS:localhost", -60, 60);
	make_tallied("https", "localhost", ca.path);
	download(&c);
	client_free(&c);
	tear_down_tls();
	assert_int_equal(tally.live, 0);
	set_up_server(swallow);
	rig.f.ctx = fake_tls(&ca, "DNS:localhost", -60, 60);
	make_tallied("https", "localhost", ca.path);
	upload(STREAM);
	tear_down_tls();
	assert_int_equal(tally.live, 0);
}

static void a_bad_ca_file_is_found_at_once(void **state)
{
	enum th_err err = TH_OK;

	(void)state;
	set_up(fake_answers);
	assert_null(th_upstream_new(rig.loop, &th_mem_libc, "https://localhost", "/nonexistent", &rig.limits, &err));
	assert_int_equal(err, TH_ERR_TLS);
	tear_down();
}

/* ---- cost ---- */

static void the_cost_of_small_exchanges(void **state)
{
	enum { N = 5000 };
	struct timespec from, to;
	double us;

	(void)state;
	set_up(fake_answers);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < N; i++) {
		struct client_end c;

		open_client(&c);
		client_send(&c, "GET", "/_matrix/client/versions", "");
		while (!c.closed)
			th_loop_step(rig.loop, 5 * TH_MS);
		client_free(&c);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	us = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / 1e3 / N;
	print_message("%.1f us of CPU an exchange, the fake server's share included\n", us);
	assert_int_equal(stats().connects, 1);
	tear_down();
}

/* An argument names the tests to run, with * and ? */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_get_goes_out_as_written),
		cmocka_unit_test(the_base_path_goes_before_the_target),
		cmocka_unit_test(exchanges_share_a_connection),
		cmocka_unit_test(a_body_of_unknown_length_is_chunked),
		cmocka_unit_test(answers_are_understood),
		cmocka_unit_test(answers_are_understood_byte_by_byte),
		cmocka_unit_test(cut_answers_are_failures),
		cmocka_unit_test(unusable_answers_are_502),
		cmocka_unit_test(limits_on_answers_hold),
		cmocka_unit_test(bytes_behind_an_answer_end_the_connection),
		cmocka_unit_test(idempotent_requests_are_repeated_once),
		cmocka_unit_test(others_never_are),
		cmocka_unit_test(a_fresh_connection_that_dies_is_a_failure),
		cmocka_unit_test(a_repetition_is_not_repeated),
		cmocka_unit_test(an_idle_connection_that_was_closed_is_not_used),
		cmocka_unit_test(an_unfinished_put_is_not_repeated),
		cmocka_unit_test(idle_connections_are_closed_in_time),
		cmocka_unit_test(the_servers_own_limit_on_idleness_counts),
		cmocka_unit_test(refused_is_502),
		cmocka_unit_test(an_address_that_stays_silent_is_504),
		cmocka_unit_test(the_second_address_is_tried),
		cmocka_unit_test(an_unknown_name_is_502),
		cmocka_unit_test(silence_is_504),
		cmocka_unit_test(a_slow_request_is_not_silence),
		cmocka_unit_test(requests_cannot_be_split),
		cmocka_unit_test(connect_is_501),
		cmocka_unit_test(framing_fields_of_the_flow_are_dropped),
		cmocka_unit_test(a_body_that_breaks_its_length_is_refused),
		cmocka_unit_test(the_pool_and_its_queue_are_bounded),
		cmocka_unit_test(cancelling_closes_the_connection),
		cmocka_unit_test(cancelling_before_anything_was_sent),
		cmocka_unit_test(cancelling_from_within_the_answer),
		cmocka_unit_test(deleting_with_everything_open),
		cmocka_unit_test(fifty_megabytes_down_in_bounded_memory),
		cmocka_unit_test(a_client_that_takes_nothing_stops_the_server),
		cmocka_unit_test(fifty_megabytes_up_in_bounded_memory),
		cmocka_unit_test(an_early_answer_comes_through),
		cmocka_unit_test(each_allocation_may_fail),
		cmocka_unit_test(tls_works_and_is_kept),
		cmocka_unit_test(bad_certificates_are_502),
		cmocka_unit_test(a_server_without_tls_is_502),
		cmocka_unit_test(a_plain_answer_to_tls_is_502),
		cmocka_unit_test(a_cut_tls_answer_is_a_failure),
		cmocka_unit_test(tls_streams_both_ways),
		cmocka_unit_test(a_bad_ca_file_is_found_at_once),
		cmocka_unit_test(the_cost_of_small_exchanges),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, make_ca, drop_ca);
}
