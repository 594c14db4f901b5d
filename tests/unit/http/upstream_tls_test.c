#include "upstream_rig.h"

static void always_dies(struct fake *f, struct fake_conn *c)
{
	if (!fake_request(c))
		return;
	f->requests++;
	fake_close(c);
}

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

static void set_up_tls(const char *san, long from_s, long to_s, const char *host, const char *ca_file)
{
	rig_up_server(fake_answers);
	rig.f.ctx = fake_tls(&ca, san, from_s, to_s);
	rig_make_upstream("https", host, "", ca_file);
}

static void tear_down_tls(void)
{
	SSL_CTX *ctx = rig.f.ctx;

	rig_down();
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

			rig_exchange(&c, k & 1 ? "POST" : "GET", "/", k & 1 ? "body" : "");
			assert_int_equal(c.why.err, TH_OK);
			rig_assert_body(&c, "{}");
			client_free(&c);
			rig_settle();
		}
		assert_int_equal(rig_stats().connects, 1);
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
		rig_exchange(&c, "GET", "/", "");
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
	rig_up_server(always_dies);
	rig_make_upstream("https", "localhost", "", ca.path);
	rig.f.on_data = says_nothing;
	rig.limits.connect_timeout = 100 * TH_MS;
	th_upstream_set_limits(rig.u, &rig.limits);
	rig_exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.err, TH_ERR_TIMEOUT); /* it says nothing */
	assert_int_equal(c.why.status, 504);
	client_free(&c);
	rig_down();
}

static void speaks_plain(struct fake *f, struct fake_conn *c)
{
	fake_say(c, f->answer);
}

static void a_plain_answer_to_tls_is_502(void **state)
{
	struct client_end c;

	(void)state;
	rig_up_server(speaks_plain);
	rig_make_upstream("https", "localhost", "", ca.path);
	rig_exchange(&c, "GET", "/", "");
	assert_int_equal(c.why.err, TH_ERR_TLS);
	assert_int_equal(c.why.status, 502);
	client_free(&c);
	rig_down();
}

/* A close-delimited answer needs TLS's own goodbye; a bare FIN may be an attacker's. */
static void a_cut_tls_answer_is_a_failure(void **state)
{
	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		struct client_end c;

		set_up_tls("DNS:localhost", -60, 60, "localhost", ca.path);
		rig.f.on_data = says_nothing;
		rig_open(&c);
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

static void a_bad_ca_file_is_found_at_once(void **state)
{
	enum th_err err = TH_OK;

	(void)state;
	rig_up(fake_answers);
	assert_null(th_upstream_new(rig.loop, &th_mem_libc, "https://localhost", "/nonexistent", &rig.limits, &err));
	assert_int_equal(err, TH_ERR_TLS);
	rig_down();
}

/* An argument names the tests to run, with * and ? */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_works_and_is_kept),	 cmocka_unit_test(bad_certificates_are_502),
		cmocka_unit_test(a_server_without_tls_is_502),	 cmocka_unit_test(a_plain_answer_to_tls_is_502),
		cmocka_unit_test(a_cut_tls_answer_is_a_failure), cmocka_unit_test(a_bad_ca_file_is_found_at_once),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, make_ca, drop_ca);
}
