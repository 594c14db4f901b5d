#include "upstream_rig.h"

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

	rig_up(dies_second);
	seconds_left = 1;
	rig_exchange(&c, "GET", "/", "");
	assert_int_equal(c.status, 200);
	client_free(&c);
	rig_exchange(&c, method, "/", body);
	assert_int_equal(c.ended, repeated);
	assert_int_equal(rig_stats().retries, repeated);
	assert_int_equal(rig.f.requests, repeated ? 3 : 2);
	assert_int_equal(rig.f.accepted, repeated ? 2 : 1);
	if (!repeated) {
		assert_int_equal(c.why.status, 502);
		assert_true(c.why.err == TH_ERR_CLOSED || c.why.err == TH_ERR_RESET);
	}
	client_free(&c);
	rig_down();
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
	rig_up(always_dies);
	rig_exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.status, 502);
	assert_int_equal(rig.f.requests, 1);
	assert_non_null(strstr(c.reason, "without an answer"));
	assert_null(strstr(c.reason, "secret"));
	client_free(&c);
	rig_down();
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
	rig_up(dies_from_then_on);
	rig_exchange(&c, "GET", "/", "");
	client_free(&c);
	rig_exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.status, 502);
	assert_int_equal(rig.f.requests, 3);
	assert_int_equal(rig_stats().retries, 1);
	client_free(&c);
	rig_down();
}

/* The server closes while nothing is under way: the next request goes to a new connection, POST too. */
static void an_idle_connection_that_was_closed_is_not_used(void **state)
{
	(void)state;
	for (int unseen = 0; unseen < 2; unseen++) {
		struct client_end c;

		rig_up(fake_answers);
		rig_exchange(&c, "GET", "/", "");
		client_free(&c);
		fake_close(&rig.f.conns[0]);
		if (!unseen) {
			UNTIL(rig_stats().connections == 0);
		}
		rig_exchange(&c, "POST", "/", "body");
		assert_int_equal(c.status, 200);
		assert_int_equal(rig.f.accepted, 2);
		assert_int_equal(rig.f.requests, 2);
		assert_int_equal(rig_stats().retries, 0);
		client_free(&c);
		rig_down();
	}
}

static void an_unfinished_put_is_not_repeated(void **state)
{
	struct client_end c;

	(void)state;
	second = CLOSE_UNANSWERED;
	rig_up(fake_answers);
	rig_exchange(&c, "GET", "/", "");
	client_free(&c);
	rig_open(&c);
	client_head(&c, "PUT", "/", 10);
	th_flow_data(&c.flow, (const uint8_t *)"01234", 5);
	UNTIL(rig.f.conns[0].in.n > 0);
	fake_close(&rig.f.conns[0]);
	UNTIL(c.closed);
	assert_int_equal(c.why.status, 502);
	assert_int_equal(rig.f.accepted, 1);
	client_free(&c);
	rig_down();
}

static void idle_connections_are_closed_in_time(void **state)
{
	struct client_end c;

	(void)state;
	rig_up_server(fake_answers);
	rig.limits.idle_timeout = 30 * TH_MS;
	rig_make_upstream("http", "127.0.0.1", "", NULL);
	rig_exchange(&c, "GET", "/", "");
	assert_int_equal(rig_stats().connections, 1);
	client_free(&c);
	UNTIL(rig.f.eofs == 1);
	assert_int_equal(rig_stats().connections, 0);
	rig_down();
}

static void the_servers_own_limit_on_idleness_counts(void **state)
{
	struct client_end c;

	(void)state;
	rig_up(fake_answers);
	rig.f.answer = "HTTP/1.1 200 OK\r\nKeep-Alive: max=3, timeout=1\r\nContent-Length: 0\r\n\r\n";
	rig_exchange(&c, "GET", "/", "");
	assert_string_equal(c.fields, "");
	client_free(&c);
	UNTIL(rig_stats().connections == 0);
	rig_down();
}

/* An argument names the tests to run, with * and ? */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idempotent_requests_are_repeated_once),
		cmocka_unit_test(others_never_are),
		cmocka_unit_test(a_fresh_connection_that_dies_is_a_failure),
		cmocka_unit_test(a_repetition_is_not_repeated),
		cmocka_unit_test(an_idle_connection_that_was_closed_is_not_used),
		cmocka_unit_test(an_unfinished_put_is_not_repeated),
		cmocka_unit_test(idle_connections_are_closed_in_time),
		cmocka_unit_test(the_servers_own_limit_on_idleness_counts),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
