/* What a client may not do to the listener: too much, too slowly, too many at once, or with no memory left. */
#include <sys/resource.h>

#include "rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define PUT_10 "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"

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

/* The connection ends with this error: Matrix JSON, readable by browsers, and the announcement that it ends. */
static void ends_with(struct client *c, const char *status_line, const char *errcode)
{
	const char *text;

	rig_until(&rig, client_eof(c));
	assert_false(c->reset);
	text = client_take(c);
	if (strncmp(text, status_line, strlen(status_line)) != 0)
		print_error("got %s\n", text);
	assert_memory_equal(text, status_line, strlen(status_line));
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(text, "\r\nAccess-Control-Allow-Origin: *\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(text, errcode));
}

static const struct {
	const char *before;
	char c;
	size_t n;
	const char *after, *status, *errcode;
} refusals[] = {
	{ "GET / HTTP/1.1\r\n\r\n", 0, 0, "", "HTTP/1.1 400 Bad Request\r\n", "\"errcode\":\"M_UNKNOWN\"" },
	{ "GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", 0, 0, "", "HTTP/1.1 400 Bad Request\r\n", "M_UNKNOWN" },
	{ "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, 0, "",
	  "HTTP/1.1 400 Bad Request\r\n", "M_UNKNOWN" },
	{ "GET /", 'a', 17000, " HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 414 URI Too Long\r\n", "M_TOO_LARGE" },
	{ "GET /", 'a', 100000, "", "HTTP/1.1 414 URI Too Long\r\n", "M_TOO_LARGE" },
	{ "GET / HTTP/1.1\r\nHost: h\r\nA: ", 'a', 33000, "\r\n\r\n", "HTTP/1.1 431 Request Header Fields",
	  "M_TOO_LARGE" },
	{ "GET / HTTP/1.1\r\nHost: h\r\nA: ", 'a', 200000, "", "HTTP/1.1 431 Request Header Fields", "M_TOO_LARGE" },
	{ "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999\r\n\r\n", 'a', 100000, "",
	  "HTTP/1.1 413 Content Too Large\r\n", "M_TOO_LARGE" },
	{ "PUT / HTTP/1.1\r\nHost: h\r\nExpect: the-best\r\n\r\n", 0, 0, "", "HTTP/1.1 417 Expectation Failed\r\n",
	  "M_UNKNOWN" },
	{ "GET / HTTP/3.0\r\n\r\n", 0, 0, "", "HTTP/1.1 505 HTTP Version Not Supported\r\n", "M_UNKNOWN" },
	{ "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 0, 0, "", "HTTP/1.1 501 Not Implemented\r\n", "M_UNRECOGNIZED" },
};

static void refusals_are_clean(void **state)
{
	static char buf[300000];

	(void)state;
	rig.fake.script.when = FAKE_BY_HAND;
	for (size_t i = 0; i < UNIT_COUNT(refusals); i++) {
		struct client c = client_open(&rig);
		size_t n = strlen(refusals[i].before);

		memcpy(buf, refusals[i].before, n);
		memset(buf + n, refusals[i].c, refusals[i].n);
		memcpy(buf + n + refusals[i].n, refusals[i].after, strlen(refusals[i].after));
		client_send(&c, buf, n + refusals[i].n + strlen(refusals[i].after));
		ends_with(&c, refusals[i].status, refusals[i].errcode);
		client_close(&c);
		rig_until(&rig, rig.stats.connections == 0);
		assert_int_equal(rig.fake.open, 0);
		assert_int_equal(rig.stats.active, 0);
	}
}

/* After a good request a bad one is refused, and after that nothing is read as a request. */
static void refusal_ends_the_pipeline(void **state)
{
	struct client c = client_open(&rig);

	(void)state;
	client_say(&c, GET("/1") "GET /2 HTTP/1.1\r\n\r\n" GET("/3"));
	rig_until(&rig, client_eof(&c));
	assert_int_equal(rig.fake.n, 1);
	assert_non_null(strstr(c.text, "HTTP/1.1 200 OK"));
	assert_non_null(strstr(c.text, "HTTP/1.1 400 Bad Request"));
	client_close(&c);
}

static void fields_limit(void **state)
{
	struct client c;

	(void)state;
	rig.limits.fields = 3;
	rig_apply(&rig);
	c = client_open(&rig);
	client_say(&c, "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\n\r\n");
	rig_until(&rig, client_has(&c, "200 OK"));
	client_take(&c);
	client_say(&c, "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n");
	ends_with(&c, "HTTP/1.1 431 ", "M_TOO_LARGE");
	client_close(&c);
}

static void chunked_body_over_the_limit(void **state)
{
	struct client c;

	(void)state;
	rig.limits.body_bytes = 8;
	rig_apply(&rig);
	c = client_open(&rig);
	client_say(&c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
	rig_until(&rig, rig.stats.active == 1);
	client_say(&c, "4\r\nhell\r\n0\r\n\r\n");
	ends_with(&c, "HTTP/1.1 413 ", "M_TOO_LARGE");
	assert_true(fake_last(&rig.fake)->closed);
	assert_false(fake_last(&rig.fake)->ended);
	client_close(&c);
}

/* Sends a byte every `pause` until the connection ends; returns how long that took. */
static th_time drip(struct client *c, const char *bytes, th_time pause)
{
	th_time begin = rig_clock(), next = begin;

	while (!client_eof(c)) {
		assert_true(rig_clock() - begin < RIG_PATIENCE_MS * TH_MS);
		if (rig_clock() >= next) {
			if (*bytes && send(c->fd, bytes++, 1, MSG_NOSIGNAL) < 0)
				break;
			next += pause;
		}
		rig_step(&rig);
	}
	return rig_clock() - begin;
}

static void slow_head(void **state)
{
	struct client c;

	(void)state;
	rig.limits.head_timeout = 60 * TH_MS;
	rig_apply(&rig);
	c = client_open(&rig);
	assert_true(drip(&c, "GET /a-long-way-to-go HTTP/1.1\r\nHost: h\r\nA: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			 10 * TH_MS) >= 60 * TH_MS);
	ends_with(&c, "HTTP/1.1 408 Request Timeout\r\n", "M_UNKNOWN");
	assert_int_equal(rig.stats.requests, 0);
	client_close(&c);
}

/* Also when the connection has served before. */
static void slow_second_head(void **state)
{
	struct client c;

	(void)state;
	rig.limits.head_timeout = 30 * TH_MS;
	rig_apply(&rig);
	c = client_open(&rig);
	client_say(&c, GET("/1") "GET ");
	rig_until(&rig, client_has(&c, "200 OK"));
	client_take(&c);
	ends_with(&c, "HTTP/1.1 408 Request Timeout\r\n", "M_UNKNOWN");
	client_close(&c);
}

static void silent_body(void **state)
{
	struct client c;

	(void)state;
	rig.limits.body_timeout = 30 * TH_MS;
	rig_apply(&rig);
	c = client_open(&rig);
	client_say(&c, PUT_10 "01234");
	ends_with(&c, "HTTP/1.1 408 Request Timeout\r\n", "M_UNKNOWN");
	assert_true(fake_last(&rig.fake)->closed);
	client_close(&c);
}

/* Never silent for long, but too slow on the whole: 100 bytes a second. */
static void crawling_body(void **state)
{
	static char bytes[4000];
	struct client c;

	(void)state;
	memset(bytes, 'x', sizeof(bytes) - 1);
	rig.limits.body_timeout = 60 * TH_MS;
	rig_apply(&rig);
	c = client_open(&rig);
	client_say(&c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n");
	assert_true(drip(&c, bytes, 10 * TH_MS) < 5 * TH_SEC);
	assert_true(client_has(&c, "408 Request Timeout"));
	client_close(&c);
}

/* The flow, not the client, is slow: that is no reason to give up. */
static void body_timeout_waits_for_the_flow(void **state)
{
	struct client c;
	th_time begin;

	(void)state;
	rig.limits.body_timeout = 20 * TH_MS;
	rig_apply(&rig);
	rig.fake.script.take = 5;
	c = client_open(&rig);
	client_say(&c, PUT_10 "0123456789");
	rig_until(&rig, rig.fake.n == 1 && fake_last(&rig.fake)->owes);
	for (begin = rig_clock(); rig_clock() - begin < 60 * TH_MS;)
		rig_step(&rig);
	fake_resume(fake_last(&rig.fake));
	rig_until(&rig, client_has(&c, "200 OK"));
	assert_int_equal(fake_last(&rig.fake)->body_n, 10);
	client_close(&c);
}

static void idle_connections_end(void **state)
{
	struct client fresh, used;

	(void)state;
	rig.limits.idle_timeout = 30 * TH_MS;
	rig_apply(&rig);
	fresh = client_open(&rig);
	used = client_open(&rig);
	client_say(&used, GET("/"));
	rig_until(&rig, client_has(&used, "200 OK"));
	client_take(&used);
	rig_until(&rig, client_eof(&fresh) && client_eof(&used));
	assert_int_equal(fresh.n + used.n, 0);
	rig_until(&rig, rig.stats.connections == 0);
	client_close(&fresh);
	client_close(&used);
}

/* Waiting for the answer is not idling. */
static void long_polls_outlive_the_timeouts(void **state)
{
	struct client c;
	th_time begin;

	(void)state;
	rig.limits.idle_timeout = rig.limits.head_timeout = rig.limits.body_timeout = rig.limits.write_timeout =
		10 * TH_MS;
	rig_apply(&rig);
	rig.fake.script.when = FAKE_BY_HAND;
	c = client_open(&rig);
	client_say(&c, GET("/sync"));
	rig_until(&rig, rig.stats.active == 1);
	for (begin = rig_clock(); rig_clock() - begin < 80 * TH_MS;)
		rig_step(&rig);
	fake_answer(fake_last(&rig.fake));
	rig_until(&rig, client_has(&c, "200 OK"));
	client_close(&c);
}

static void client_that_reads_nothing(void **state)
{
	struct client c;

	(void)state;
	rig.limits.write_timeout = 50 * TH_MS;
	rig_apply(&rig);
	rig.fake.script.body_n = 50 * 1000 * 1000;
	c = client_open(&rig);
	client_say(&c, GET("/"));
	rig_until(&rig, rig.stats.active == 1);
	rig_until(&rig, rig.stats.connections == 0);
	assert_true(fake_last(&rig.fake)->closed);
	assert_true(rig.mem.peak < 512 * 1024);
	client_close(&c);
}

/* As long as it takes enough, a slow reader may take as long as it likes. */
static void slow_reader(void **state)
{
	char piece[65536];
	struct client c;
	th_time begin = rig_clock(), next = begin;
	uint64_t total = 0;

	(void)state;
	rig.limits.write_timeout = 100 * TH_MS;
	rig_apply(&rig);
	rig.fake.script.body_n = 20 * 1000 * 1000;
	c = client_open(&rig);
	client_say(&c, GET("/"));
	while (total < rig.fake.script.body_n) {
		assert_true(rig_clock() - begin < RIG_PATIENCE_MS * TH_MS);
		rig_step(&rig);
		for (int i = 0; i < 16 && rig_clock() >= next; i++) {
			ssize_t n = recv(c.fd, piece, sizeof(piece), MSG_DONTWAIT);

			if (n < 0)
				break;
			assert_int_not_equal(n, 0);
			total += (uint64_t)n;
		}
		next = rig_clock() >= next ? rig_clock() + 10 * TH_MS : next;
	}
	assert_true(rig_clock() - begin > 100 * TH_MS);
	client_close(&c);
}

/* Told to go, a client that stays is cut off. */
static void refused_client_that_stays(void **state)
{
	struct client c;

	(void)state;
	rig.limits.drain_timeout = 30 * TH_MS;
	rig_apply(&rig);
	c = client_open(&rig);
	client_say(&c, "nonsense\r\n");
	rig_until(&rig, rig.stats.connections == 0);
	assert_true(client_has(&c, "400 Bad Request"));
	client_close(&c);
}

static void early_answer_and_a_rest_that_never_comes(void **state)
{
	struct client c;

	(void)state;
	rig.limits.drain_timeout = 30 * TH_MS;
	rig_apply(&rig);
	rig.fake.script.when = FAKE_AT_HEAD;
	c = client_open(&rig);
	client_say(&c, PUT_10 "01234");
	rig_until(&rig, client_eof(&c));
	assert_true(client_has(&c, "200 OK"));
	assert_int_equal(rig.stats.connections, 0);
	client_close(&c);
}

static void too_many_connections(void **state)
{
	struct client a, b, late[40];

	(void)state;
	rig.limits.connections = 2;
	rig.limits.drain_timeout = 50 * TH_MS;
	rig_apply(&rig);
	a = client_open(&rig);
	b = client_open(&rig);
	rig_until(&rig, rig.stats.connections == 2);
	for (size_t i = 0; i < UNIT_COUNT(late); i++) {
		late[i] = client_open(&rig);
		client_say(&late[i], GET("/"));
	}
	for (size_t i = 0; i < UNIT_COUNT(late); i++)
		rig_until(&rig, client_eof(&late[i]));
	assert_true(strncmp(late[0].text, "HTTP/1.1 503 Service Unavailable\r\n", 34) == 0);
	assert_non_null(strstr(late[0].text, "\r\nRetry-After: 5\r\n"));
	assert_int_equal(rig.stats.refused, UNIT_COUNT(late));
	assert_int_equal(rig.stats.requests, 0);
	assert_int_equal(rig.stats.connections, 2);
	for (size_t i = 0; i < UNIT_COUNT(late); i++)
		client_close(&late[i]);
	client_close(&a);
	rig_until(&rig, rig.stats.connections == 1);
	a = client_open(&rig);
	client_say(&a, GET("/"));
	rig_until(&rig, client_has(&a, "200 OK"));
	client_close(&a);
	client_close(&b);
}

static void drains(void **state)
{
	struct client idle = client_open(&rig), busy = client_open(&rig), midway = client_open(&rig);
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(th_listener_port(rig.l)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	rig.fake.script.when = FAKE_BY_HAND;
	client_say(&busy, GET("/"));
	client_say(&midway, "GET / HTTP/1.1\r\nHo");
	rig_until(&rig, rig.stats.connections == 3 && rig.stats.active == 1);
	th_listener_drain(rig.l);
	rig_until(&rig, client_eof(&idle));
	assert_int_equal(rig.stats.connections, 2);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), -1);
	close(fd);
	fake_answer(fake_last(&rig.fake));
	rig_until(&rig, client_eof(&busy));
	assert_true(client_has(&busy, "\r\nConnection: close\r\n"));
	client_say(&midway, "st: h\r\n\r\n");
	rig_until(&rig, rig.fake.n == 2);
	fake_answer(fake_last(&rig.fake));
	rig_until(&rig, client_eof(&midway));
	assert_true(client_has(&midway, "\r\nConnection: close\r\n"));
	client_close(&busy);
	client_close(&midway);
	rig_until(&rig, rig.stats.connections == 0);
	client_close(&idle);
}

/* Out of descriptors: no spinning, and service again when there are some. */
static void out_of_descriptors(void **state)
{
	struct client c = client_open(&rig);
	struct rlimit old, low;
	int steps = 0;
	th_time begin;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){ (rlim_t)c.fd + 1, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	client_say(&c, GET("/"));
	for (begin = rig_clock(); rig_clock() - begin < 60 * TH_MS; steps++)
		rig_step(&rig);
	assert_int_equal(rig.stats.accepted, 0);
	assert_true(steps < 40); /* 5 ms each, not as fast as it can */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	rig_until(&rig, client_has(&c, "200 OK"));
	client_close(&c);
}

/* Every allocation fails once: the client sees a whole answer, an error or the end, and nothing leaks. */
static void without_memory(void **state)
{
	static const char put[] = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab";

	(void)state;
	for (size_t k = 1; k < 200; k++) {
		struct client c;

		rig.mem.count = 0;
		rig.mem.fail_at = k;
		rig.mem.hit = false;
		rig.fake.script = (struct fake_script){ .status = 200, .body_n = 100000, .unknown = k % 2, .take = 1 };
		c = client_open(&rig);
		send(c.fd, put, sizeof(put) - 1, MSG_NOSIGNAL);
		rig_until(&rig, client_eof(&c) || rig.stats.active == 1);
		send(c.fd, "c", 1, MSG_NOSIGNAL); /* it may be cut already */
		for (int i = 0; i < 4; i++) {
			rig_step(&rig);
			if (rig.fake.open)
				fake_resume(fake_last(&rig.fake));
		}
		rig_until(&rig, client_eof(&c) || rig.stats.active == 0);
		send(c.fd, "GARBAGE\r\n\r\n", 11, MSG_NOSIGNAL);
		rig_until(&rig, client_eof(&c));
		client_close(&c);
		rig_until(&rig, rig.stats.connections == 0);
		if (!rig.mem.hit)
			break;
		assert_true(k < 199);
	}
	rig.mem.fail_at = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refusals_are_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(refusal_ends_the_pipeline, setup, teardown),
		cmocka_unit_test_setup_teardown(fields_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(chunked_body_over_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_head, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_second_head, setup, teardown),
		cmocka_unit_test_setup_teardown(silent_body, setup, teardown),
		cmocka_unit_test_setup_teardown(crawling_body, setup, teardown),
		cmocka_unit_test_setup_teardown(body_timeout_waits_for_the_flow, setup, teardown),
		cmocka_unit_test_setup_teardown(idle_connections_end, setup, teardown),
		cmocka_unit_test_setup_teardown(long_polls_outlive_the_timeouts, setup, teardown),
		cmocka_unit_test_setup_teardown(client_that_reads_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_client_that_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(early_answer_and_a_rest_that_never_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_connections, setup, teardown),
		cmocka_unit_test_setup_teardown(drains, setup, teardown),
		cmocka_unit_test_setup_teardown(out_of_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(without_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
