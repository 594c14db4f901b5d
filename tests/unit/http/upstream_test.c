#include "upstream_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void a_get_goes_out_as_written(void **state)
{
	struct client_end c;

	(void)state;
	rig_up(rig_record);
	rig_exchange(&c, "GET", "/_matrix/client/v3/rooms/%21a%2Fb/x?a=+&&b=%C3%A9\xc3\xa9&a", "");
	assert_int_equal(c.status, 200);
	assert_int_equal(c.body_len, 2);
	assert_string_equal(c.fields, "Content-Type: application/json\n");
	rig_assert_body(&c, "{}");
	char want[512];
	snprintf(want, sizeof(want),
		 "GET /_matrix/client/v3/rooms/%%21a%%2Fb/x?a=+&&b=%%C3%%A9\xc3\xa9&a HTTP/1.1\r\n"
		 "Host: 127.0.0.1:%u\r\n"
		 "Authorization: Bearer secret\r\n"
		 "x-odd-NAME: a  b\r\n"
		 "User-Agent: thimble/0.1.0\r\n"
		 "\r\n",
		 (unsigned)rig.f.port);
	assert_string_equal(rig_seen, want);
	client_free(&c);
	rig_down();
}

static void the_base_path_goes_before_the_target(void **state)
{
	struct client_end c;

	(void)state;
	rig_up_server(rig_record);
	rig_make_upstream("http", "127.0.0.1", "/hs/", NULL);
	rig_exchange(&c, "DELETE", "/x", "");
	assert_memory_equal(rig_seen, "DELETE /hs/x HTTP/1.1\r\n", 23);
	client_free(&c);
	rig_exchange(&c, "OPTIONS", "*", "");
	assert_memory_equal(rig_seen, "OPTIONS * HTTP/1.1\r\n", 20);
	client_free(&c);
	rig_down();
}

static void exchanges_share_a_connection(void **state)
{
	(void)state;
	rig_up(fake_answers);
	for (int i = 0; i < 200; i++) {
		struct client_end c;

		rig_exchange(&c, i & 1 ? "POST" : "GET", "/", i & 1 ? "body" : "");
		assert_int_equal(c.status, 200);
		rig_assert_body(&c, "{}");
		client_free(&c);
	}
	assert_int_equal(rig.f.accepted, 1);
	assert_int_equal(rig.f.requests, 200);
	assert_int_equal(rig_stats().connects, 1);
	assert_int_equal(rig_stats().requests, 200);
	assert_int_equal(rig_stats().failures, 0);
	assert_int_equal(rig_stats().connections, 1);
	assert_int_equal(rig_stats().active, 0);
	rig_down();
}

static void a_body_of_unknown_length_is_chunked(void **state)
{
	struct client_end c;

	(void)state;
	rig_up(rig_record);
	rig_open(&c);
	client_head(&c, "PUT", "/", TH_BODY_UNKNOWN);
	assert_int_equal(th_flow_data(&c.flow, (const uint8_t *)"hello", 5), 5);
	rig_settle();
	assert_int_equal(th_flow_data(&c.flow, (const uint8_t *)"0123456789abcdef", 16), 16);
	client_end_request(&c);
	UNTIL(c.closed);
	assert_int_equal(c.status, 200);
	assert_non_null(strstr(rig_seen,
			       "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"));
	client_free(&c);
	rig_down();
}

static void refused_is_502(void **state)
{
	struct client_end c;

	(void)state;
	rig_up(fake_answers);
	fake_stop(&rig.f);
	rig_exchange(&c, "GET", "/secret?access_token=secret", "");
	assert_int_equal(c.why.err, TH_ERR_REFUSED);
	assert_int_equal(c.why.status, 502);
	assert_non_null(strstr(c.reason, "refused the connection"));
	assert_non_null(strstr(c.reason, "127.0.0.1:"));
	assert_null(strstr(c.reason, "secret"));
	client_free(&c);
	rig.f.watch.fd = -1;
	rig_down();
}

/* A listener whose backlog is full: the system drops what knocks. */
static void an_address_that_stays_silent_is_504(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	struct client_end c;
	int listener, fillers[4];

	(void)state;
	rig_up_server(fake_answers);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len), 0);
	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], (const struct sockaddr *)&sa, len);
	}
	rig_settle();
	rig.limits.connect_timeout = 60 * TH_MS;
	rig.f.port = ntohs(sa.sin_port);
	rig_make_upstream("http", "127.0.0.1", "", NULL);
	rig_exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.err, TH_ERR_TIMEOUT);
	assert_int_equal(c.why.status, 504);
	client_free(&c);
	for (int i = 0; i < 4; i++)
		close(fillers[i]);
	close(listener);
	rig_down();
}

static void the_second_address_is_tried(void **state)
{
	struct client_end c;

	(void)state;
	rig_up_server(fake_answers); /* 127.0.0.1 only; localhost may be ::1 first */
	rig_make_upstream("http", "localhost", "", NULL);
	rig_exchange(&c, "GET", "/", "");
	assert_int_equal(c.status, 200);
	client_free(&c);
	rig_down();
}

static void an_unknown_name_is_502(void **state)
{
	enum th_err err;
	struct client_end c;
	char url[100];

	(void)state;
	rig_up_server(fake_answers);
	snprintf(url, sizeof(url), "http://%070d.invalid/", 0); /* a label no resolver asks for */
	rig.u = th_upstream_new(rig.loop, &th_mem_libc, url, NULL, &rig.limits, &err);
	rig_exchange(&c, "GET", "/", "");
	assert_true(c.why.status == 502 || c.why.status == 503);
	assert_non_null(strstr(c.reason, "host name"));
	client_free(&c);
	rig_down();
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
	rig_up_server(says_nothing);
	rig.limits.answer_timeout = 40 * TH_MS;
	rig_make_upstream("http", "127.0.0.1", "", NULL);
	rig_exchange(&c, "POST", "/", "x");
	assert_int_equal(c.why.err, TH_ERR_TIMEOUT);
	assert_int_equal(c.why.status, 504);
	assert_int_equal(rig.f.requests, 1);
	UNTIL(rig.f.eofs == 1);
	client_free(&c);
	rig_down();
}

/* A slow sender is not the server's silence. */
static void a_slow_request_is_not_silence(void **state)
{
	struct client_end c;

	(void)state;
	rig_up_server(rig_record);
	rig.limits.answer_timeout = 60 * TH_MS;
	rig_make_upstream("http", "127.0.0.1", "", NULL);
	rig_open(&c);
	client_head(&c, "PUT", "/", 3);
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 20; k++)
			rig_step();
		assert_false(c.closed);
		assert_int_equal(th_flow_data(&c.flow, (const uint8_t *)"abc" + i, 1), 1);
	}
	client_end_request(&c);
	UNTIL(c.closed);
	assert_int_equal(c.status, 200);
	client_free(&c);
	rig_down();
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
	rig_up(rig_record);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct th_field f = { th_str_of(bad[i].name), { bad[i].value, bad[i].value_n } };
		const struct th_head h = { .method = th_str_of(bad[i].method),
					   .target = th_str_of(bad[i].target),
					   .fields = &f,
					   .n_fields = 1 };
		struct client_end c;

		rig_open(&c);
		th_flow_head(&c.flow, &h);
		client_end_request(&c);
		UNTIL(c.closed);
		assert_int_equal(c.why.err, TH_ERR_MALFORMED);
		assert_int_equal(c.why.status, 400);
		client_free(&c);
	}
	assert_int_equal(rig.f.accepted, 0);
	rig_down();
}

static void connect_is_501(void **state)
{
	struct client_end c;

	(void)state;
	rig_up(rig_record);
	rig_exchange(&c, "CONNECT", "/", "");
	assert_int_equal(c.why.status, 501);
	assert_int_equal(rig.f.accepted, 0);
	client_free(&c);
	rig_down();
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
	rig_up(rig_record);
	rig_open(&c);
	th_flow_head(&c.flow, &h);
	client_end_request(&c);
	UNTIL(c.closed);
	snprintf(
		want, sizeof(want),
		"POST / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nuser-agent: Element\r\nKeep: me\r\nContent-Length: 0\r\n\r\n",
		(unsigned)rig.f.port);
	assert_string_equal(rig_seen, want);
	client_free(&c);
	rig_down();
}

static void a_body_that_breaks_its_length_is_refused(void **state)
{
	struct client_end c;

	(void)state;
	rig_up(rig_record);
	rig_open(&c);
	client_head(&c, "POST", "/", 3);
	th_flow_data(&c.flow, (const uint8_t *)"abcdGET /evil HTTP/1.1\r\n\r\n", 26);
	client_end_request(&c);
	UNTIL(c.closed);
	assert_int_equal(c.why.status, 400);
	client_free(&c);
	rig_open(&c);
	client_head(&c, "POST", "/", 3);
	th_flow_data(&c.flow, (const uint8_t *)"ab", 2);
	rig_settle();
	client_end_request(&c);
	UNTIL(c.closed);
	assert_int_equal(c.why.status, 400);
	assert_int_equal(rig.f.requests, 0);
	assert_int_equal(rig_stats().connections, 0);
	client_free(&c);
	rig_down();
}

static void the_pool_and_its_queue_are_bounded(void **state)
{
	struct client_end c[5];

	(void)state;
	rig_up_server(says_nothing);
	rig.limits.connections = 2;
	rig.limits.queue = 2;
	rig_make_upstream("http", "127.0.0.1", "", NULL);
	for (int i = 0; i < 4; i++) {
		rig_open(&c[i]);
		client_send(&c[i], "GET", "/", "");
	}
	assert_false(client_open(&c[4], th_upstream_server(rig.u)));
	assert_int_equal(c[4].why.err, TH_ERR_FULL);
	assert_int_equal(c[4].why.status, 503);
	assert_true(c[4].why.retry_after > 0);
	assert_false(th_flow_open(&c[4].flow));
	UNTIL(rig.f.requests == 2);
	rig_settle();
	assert_int_equal(rig.f.accepted, 2);
	assert_int_equal(rig_stats().queued, 2);
	assert_int_equal(rig_stats().active, 2);
	rig.f.on_data = fake_answers;
	for (int i = 0; i < 2; i++)
		fake_answers(&rig.f, &rig.f.conns[i]);
	UNTIL(c[0].closed && c[1].closed && c[2].closed && c[3].closed);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(c[i].status, 200);
		client_free(&c[i]);
	}
	assert_int_equal(rig.f.accepted, 2);
	assert_int_equal(rig_stats().queued, 0);
	rig_down();
}

static void cancelling_closes_the_connection(void **state)
{
	struct client_end c;

	(void)state;
	rig_up(says_nothing);
	rig_open(&c);
	client_send(&c, "GET", "/sync?timeout=60000", "");
	UNTIL(rig.f.requests == 1);
	client_cancel(&c);
	assert_int_equal(rig_stats().connections, 0);
	UNTIL(rig.f.eofs == 1);
	client_free(&c);
	rig_down();
}

static void cancelling_before_anything_was_sent(void **state)
{
	struct client_end c[3];

	(void)state;
	rig_up_server(fake_answers);
	rig.limits.connections = 1;
	rig_make_upstream("http", "127.0.0.1", "", NULL);
	for (int i = 0; i < 3; i++) {
		rig_open(&c[i]);
		client_send(&c[i], "GET", "/", "");
	}
	rig_step(); /* 0 dials, 1 and 2 wait */
	client_cancel(&c[1]);
	client_cancel(&c[0]);
	UNTIL(c[2].closed);
	assert_int_equal(c[2].status, 200);
	assert_int_equal(rig.f.requests, 1);
	rig_open(&c[0]); /* taken and cancelled within one turn: the idle connection lives on */
	client_send(&c[0], "GET", "/", "");
	client_cancel(&c[0]);
	rig_settle();
	assert_int_equal(rig_stats().connections, 1);
	assert_int_equal(rig.f.requests, 1);
	for (int i = 0; i < 3; i++)
		client_free(&c[i]);
	rig_down();
}

static void cancelling_from_within_the_answer(void **state)
{
	(void)state;
	for (int on_data = 0; on_data < 2; on_data++) {
		struct client_end c;

		rig_up(fake_answers);
		rig_open(&c);
		c.cancel_on_head = !on_data;
		c.cancel_on_data = on_data;
		client_send(&c, "GET", "/", "");
		UNTIL(c.closed);
		rig_settle();
		assert_false(c.ended);
		assert_int_equal(rig_stats().connections, 0);
		assert_int_equal(rig.f.eofs, 1);
		client_free(&c);
		rig_down();
	}
}

static void deleting_with_everything_open(void **state)
{
	struct client_end c[4];

	(void)state;
	rig_up_server(says_nothing);
	rig.limits.connections = 2;
	rig_make_upstream("http", "127.0.0.1", "", NULL);
	for (int i = 0; i < 4; i++) {
		rig_open(&c[i]);
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
	rig_down();
}

static void the_cost_of_small_exchanges(void **state)
{
	enum { N = 5000 };
	struct timespec from, to;
	double us;

	(void)state;
	rig_up(fake_answers);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < N; i++) {
		struct client_end c;

		rig_open(&c);
		client_send(&c, "GET", "/_matrix/client/versions", "");
		while (!c.closed)
			th_loop_step(rig.loop, 5 * TH_MS);
		client_free(&c);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	us = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / 1e3 / N;
	print_message("%.1f us of CPU an exchange, the fake server's share included\n", us);
	assert_int_equal(rig_stats().connects, 1);
	rig_down();
}

/* An argument names the tests to run, with * and ? */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_get_goes_out_as_written),
		cmocka_unit_test(the_base_path_goes_before_the_target),
		cmocka_unit_test(exchanges_share_a_connection),
		cmocka_unit_test(a_body_of_unknown_length_is_chunked),
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
		cmocka_unit_test(the_cost_of_small_exchanges),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
