#include "upstream_rig.h"

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
	rig_assert_body(c, a->body);
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
		rig_up(play);
		rig_open(&c);
		client_send(&c, playing->method, "/", "");
		UNTIL(rig.f.requests == 1);
		if (slowly)
			trickle(&c);
		UNTIL(c.closed);
		check_answer(&c, playing);
		rig_settle();
		assert_int_equal(rig_stats().connections, playing->reused ? 1 : 0);
		client_free(&c);
		rig_down();
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
		rig_up(play);
		for (cut_at = 0; cut_at < n; cut_at++) {
			struct client_end c;

			if (playing->until_close && cut_at >= strlen("HTTP/1.1 200 OK\r\nA: 1\r\n\r\n"))
				break; /* the end is wherever it is */
			rig_exchange(&c, playing->method, "/", "");
			assert_false(c.ended);
			assert_int_equal(c.why.err, TH_ERR_CLOSED);
			assert_int_equal(c.why.status, 502);
			assert_int_equal(c.why.retry_after, 0);
			client_free(&c);
		}
		rig_settle();
		assert_int_equal(rig_stats().connections, 0);
		assert_int_equal(rig_stats().retries, 0);
		rig_down();
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
		rig_up(play);
		rig_exchange(&c, "GET", "/", "");
		if (c.ended || c.why.err != TH_ERR_MALFORMED || c.why.status != 502)
			print_error("answer %zu: status %u err %d (%s)\n", i, c.status, c.why.err, c.reason);
		assert_false(c.ended);
		assert_int_equal(c.why.err, TH_ERR_MALFORMED);
		assert_int_equal(c.why.status, 502);
		assert_int_equal(rig_stats().connections, 0);
		client_free(&c);
		rig_down();
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

		rig_up(scripts[i]);
		rig_exchange(&c, "GET", "/", "");
		assert_false(c.ended);
		assert_int_equal(c.why.err, TH_ERR_MALFORMED);
		assert_int_equal(c.why.status, 502);
		client_free(&c);
		rig_down();
	}
}

static void bytes_behind_an_answer_end_the_connection(void **state)
{
	struct client_end c;

	(void)state;
	rig_up(fake_answers);
	rig.f.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
	for (size_t i = 1; i <= 3; i++) {
		rig_exchange(&c, "GET", "/", "");
		rig_assert_body(&c, "{}");
		assert_int_equal(rig.f.accepted, i);
		client_free(&c);
	}
	rig_down();
}

/* An argument names the tests to run, with * and ? */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_understood),   cmocka_unit_test(answers_are_understood_byte_by_byte),
		cmocka_unit_test(cut_answers_are_failures), cmocka_unit_test(unusable_answers_are_502),
		cmocka_unit_test(limits_on_answers_hold),   cmocka_unit_test(bytes_behind_an_answer_end_the_connection),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
