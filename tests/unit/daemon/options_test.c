/* The option table, its types, both ways in (command line, file) and all ways out. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/options.h"

enum { HEARD_MAX = 64 };

#define KEY_0 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_F "//////////////////////////////////////////8"

static struct {
	char text[HEARD_MAX][TH_OPTION_MESSAGE];
	unsigned n;
} heard;

static void hear(void *ctx, const char *text)
{
	(void)ctx;
	assert_true(heard.n < HEARD_MAX);
	snprintf(heard.text[heard.n++], TH_OPTION_MESSAGE, "%s", text);
}

static struct th_complaints complaints(void)
{
	heard.n = 0;
	return (struct th_complaints){ .hear = hear };
}

static enum th_err args(struct th_options *o, const char *const *list)
{
	struct th_complaints c = complaints();
	char *argv[16] = { (char[]){ "thimble" } };
	int argc = 1;
	enum th_err err;

	for (; *list; list++) {
		assert_true(argc < 16);
		argv[argc++] = strdup(*list);
	}
	th_options_init(o);
	err = th_options_args(o, argc, argv, &c);
	while (argc > 1)
		free(argv[--argc]);
	assert_int_equal(c.n, heard.n);
	return err;
}

#define ARGS(o, ...) args(o, (const char *const[]){ __VA_ARGS__, NULL })

static enum th_err file(struct th_options *o, const char *text)
{
	struct th_complaints c = complaints();
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	enum th_err err;

	assert_non_null(in);
	th_options_init(o);
	err = th_options_stream(o, in, "thimble.conf", &c);
	fclose(in);
	assert_int_equal(c.n, heard.n);
	return err;
}

static void assert_heard(const char *text)
{
	assert_int_equal(heard.n, 1);
	assert_string_equal(heard.text[0], text);
}

static void *field_of(struct th_options *o, const struct th_option *opt)
{
	return (char *)o + opt->at;
}

/* Every row: unique name of at most 40 bytes, a help text, and a default that its own type accepts and prints back. */
static void test_table(void **state)
{
	struct th_options o, again;
	char text[TH_OPTION_TEXT];

	(void)state;
	th_options_init(&o);
	assert_true(th_option_count > 50);
	for (size_t i = 0; i < th_option_count; i++) {
		const struct th_option *opt = &th_option_table[i];

		assert_ptr_equal(th_option_find(opt->name), opt);
		assert_ptr_equal(th_option_nearest(opt->name), opt);
		assert_true(strlen(opt->name) <= 40);
		assert_true(strspn(opt->name, "abcdefghijklmnopqrstuvwxyz-") == strlen(opt->name));
		assert_true(strncmp(opt->name, "no-", 3) != 0);
		assert_true(strlen(opt->help) > 10 && opt->help[strlen(opt->help) - 1] != '.');
		assert_int_equal(opt->arg == NULL, opt->type == TH_OPTION_BOOL);
		th_options_init(&again);
		memset(field_of(&again, opt), 0xee, opt->size);
		th_option_format(opt, field_of(&o, opt), text);
		if (th_option_parse(opt, text, field_of(&again, opt)) != TH_OK)
			fail_msg("default of %s, %s, is not accepted", opt->name, text);
		assert_memory_equal(field_of(&again, opt), field_of(&o, opt), opt->size);
	}
}

/* No two rows share a byte of struct th_options. */
static void test_fields_apart(void **state)
{
	static uint8_t taken[sizeof(struct th_options)];

	(void)state;
	for (size_t i = 0; i < th_option_count; i++)
		for (size_t b = 0; b < th_option_table[i].size; b++)
			assert_int_equal(taken[th_option_table[i].at + b]++, 0);
	/* every limit of the modules has a row: the structs' bytes are covered, but for padding */
	for (size_t b = 0; b < sizeof(struct th_listener_limits); b++)
		assert_int_equal(taken[offsetof(struct th_options, listener) + b], 1);
	for (size_t b = 0; b < sizeof(struct th_upstream_limits); b++)
		assert_int_equal(taken[offsetof(struct th_options, upstream) + b], 1);
}

static void test_defaults(void **state)
{
	struct th_options o;

	(void)state;
	th_options_init(&o);
	assert_string_equal(o.http_bind_host, "127.0.0.1");
	assert_int_equal(o.http_port, 8888);
	assert_string_equal(o.coap_bind_host, "::");
	assert_int_equal(o.coap_port, 5683);
	assert_string_equal(o.coap_target.host, "");
	assert_string_equal(o.http_target, "http://127.0.0.1:8008");
	assert_true(o.drain_timeout == 10 * TH_SEC);
	assert_memory_equal(&o.listener, &th_listener_limits_default, sizeof(o.listener));
	assert_memory_equal(&o.upstream, &th_upstream_limits_default, sizeof(o.upstream));
	assert_memory_equal(&o.coap, &th_coap_params_loopback, sizeof(o.coap));
	assert_true(o.home.cors.mode == th_home_default.cors.mode && o.home.join.grace == th_home_default.join.grace);
	assert_true(o.home.cache.max_bytes == th_home_default.cache.max_bytes && !o.home.cache.ignore_reload);
	/* the lean policy is off */
	assert_false(o.home.lean.typing || o.home.lean.receipts || o.home.lean.presence || o.home.lean.max_media);
	assert_false(th_narrow_any(&o.home.lean.sync));
	assert_false(o.only_http || o.only_coap || o.disable_encryption || o.debug_log || o.policy.pass_unknown);
}

struct value_case {
	const char *name, *text, *back; /* back: how it is printed; NULL: refused */
};

static void test_values(void **state)
{
	static const struct value_case cases[] = {
		{ "debug-log", "true", "true" },
		{ "debug-log", "yes", "true" },
		{ "debug-log", "on", "true" },
		{ "debug-log", "1", "true" },
		{ "debug-log", "off", "false" },
		{ "debug-log", "maybe", NULL },
		{ "debug-log", "", NULL },
		{ "coap-port", "0", "0" },
		{ "coap-port", "65535", "65535" },
		{ "coap-port", "65536", NULL },
		{ "coap-port", "-1", NULL },
		{ "coap-port", "+1", NULL },
		{ "coap-port", "0x10", NULL },
		{ "coap-port", "5683 B", NULL },
		{ "coap-port", "99999999999999999999", NULL },
		{ "coap-port", "", NULL },
		{ "coap-bind-host", "::", "::" },
		{ "coap-bind-host", "[::1]", "::1" },
		{ "coap-bind-host", "127.0.0.1", "127.0.0.1" },
		{ "coap-bind-host", "localhost", NULL },
		{ "coap-bind-host", "127.0.0.256", NULL },
		{ "coap-target", "", "" },
		{ "coap-target", "example.org", "example.org:5683" },
		{ "coap-target", "example.org:1", "example.org:1" },
		{ "coap-target", "::1", "[::1]:5683" },
		{ "coap-target", "[::1]", "[::1]:5683" },
		{ "coap-target", "[::1]:7", "[::1]:7" },
		{ "coap-target", "192.0.2.1:65535", "192.0.2.1:65535" },
		{ "coap-target", "example.org#" KEY_0, "example.org:5683#" KEY_0 },
		{ "coap-target", "[::1]:7#" KEY_F, "[::1]:7#" KEY_F },
		{ "coap-target", "example.org#", NULL },
		{ "coap-target", "#" KEY_0, NULL },
		{ "coap-target", "example.org#" KEY_0 "=", NULL },
		{ "allow", KEY_0, KEY_0 },
		{ "allow", "  " KEY_0 "  " KEY_F " ", KEY_0 " " KEY_F },
		{ "allow", "", "" },
		{ "allow", KEY_0 KEY_F, NULL },
		{ "allow", KEY_0 "," KEY_F, NULL },
		{ "allow", "all", NULL },
		{ "tag-length", "16", "16" },
		{ "tag-length", "4", NULL },
		{ "keepalive", "never", "never" },
		{ "coap-target", "example.org:0", NULL },
		{ "coap-target", "example.org:65536", NULL },
		{ "coap-target", "example.org:", NULL },
		{ "coap-target", ":5683", NULL },
		{ "coap-target", "[::1", NULL },
		{ "coap-target", "[::1]5", NULL },
		{ "coap-target", "[localhost]:5", NULL },
		{ "coap-target", "a b", NULL },
		{ "coap-target", "coap://x", NULL },
		{ "http-target", "https://matrix.example:8448/base", "https://matrix.example:8448/base" },
		{ "http-target", "http://[::1]:8008", "http://[::1]:8008" },
		{ "http-target", "matrix.example", NULL },
		{ "http-target", "http://", NULL },
		{ "http-target", "http:///x", NULL },
		{ "http-target", "http://u:p@h", NULL },
		{ "http-target", "http://h?q", NULL },
		{ "http-target", "http://h#f", NULL },
		{ "http-target", "http://h h", NULL },
		{ "http-target-ca", "/etc/my ca.pem", "/etc/my ca.pem" },
		{ "http-target-ca", "", "" },
		{ "http-target-ca", "a\tb", NULL },
		{ "ack-timeout", "2 s", "2 s" },
		{ "ack-timeout", "2000ms", "2 s" },
		{ "ack-timeout", "1500 ms", "1500 ms" },
		{ "ack-timeout", "60 s", "1 min" },
		{ "ack-timeout", "10 min", "10 min" },
		{ "ack-timeout", "11 min", NULL },
		{ "ack-timeout", "9999 us", NULL },
		{ "ack-timeout", "10 ms", "10 ms" },
		{ "ack-timeout", "2", NULL },
		{ "ack-timeout", "1.5 s", NULL },
		{ "ack-timeout", "2 sec", NULL },
		{ "ack-timeout", "never", NULL },
		{ "ack-timeout", "18446744073709551615 h", NULL },
		{ "drain-timeout", "0", "0 s" },
		{ "drain-timeout", "1 h", "1 h" },
		{ "ping-after", "never", "never" },
		{ "http-max-head", "1 KiB", "1 KiB" },
		{ "http-max-head", "1024", "1 KiB" },
		{ "http-max-head", "1025 B", "1025 B" },
		{ "http-max-head", "1023", NULL },
		{ "http-max-head", "65 KiB", NULL },
		{ "http-max-head", "2 KB", NULL },
		{ "http-max-body", "0", "0 B" },
		{ "http-max-body", "1 MiB", "1 MiB" },
		{ "http-max-body", "3 GiB", "3 GiB" },
		{ "http-max-connections", "1", "1" },
		{ "http-max-connections", "0", NULL },
		{ "http-max-connections", "1 KiB", NULL },
		{ "ack-random-factor", "50 %", "50 %" },
		{ "ack-random-factor", "0%", "0 %" },
		{ "ack-random-factor", "401", NULL },
		{ "block-size", "16", "16" },
		{ "block-size", "1024", "1024" },
		{ "block-size", "2048", NULL },
		{ "block-size", "20", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct value_case *k = &cases[i];
		const struct th_option *opt = th_option_find(k->name);
		char out[TH_OPTION_TEXT];
		struct th_options o, before;
		enum th_err err;

		assert_non_null(opt);
		th_options_init(&o);
		before = o;
		err = th_option_parse(opt, k->text, field_of(&o, opt));
		if ((err == TH_OK) != (k->back != NULL))
			fail_msg("%s = %s: %s", k->name, k->text, th_strerror(err));
		if (k->back)
			assert_string_equal(th_option_format(opt, field_of(&o, opt), out), k->back);
		else
			assert_memory_equal(&o, &before, sizeof(o));
	}
}

static void test_values_in_memory(void **state)
{
	struct th_options o;

	(void)state;
	assert_int_equal(ARGS(&o, "--block-size", "64", "--ack-timeout=1500ms", "--http-max-body=5MiB",
			      "--max-retransmit", "7", "--coap-target=[2001:db8::1]:9", "--http-port", "80"),
			 TH_OK);
	assert_int_equal(o.coap.szx, 2);
	assert_true(o.coap.ack_timeout == 1500 * TH_MS);
	assert_true(o.listener.body_bytes == 5 << 20);
	assert_int_equal(o.coap.max_retransmit, 7);
	assert_string_equal(o.coap_target.host, "2001:db8::1");
	assert_int_equal(o.coap_target.port, 9);
	assert_int_equal(o.http_port, 80);
}

static void test_text_too_long(void **state)
{
	struct th_options o;
	char text[2048];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(ARGS(&o, "--http-target-ca", text), TH_ERR_INVALID);
	assert_non_null(strstr(heard.text[0], ": is too long, at most 1023 bytes fit"));
	assert_int_equal(ARGS(&o, "--coap-target", text), TH_ERR_INVALID);
	assert_int_equal(heard.n, 1);
	memcpy(text, "http://", 7);
	assert_int_equal(ARGS(&o, "--http-target", text), TH_ERR_INVALID);
	assert_non_null(strstr(heard.text[0], ": is too long, at most 511 bytes fit"));
}

static void test_args_forms(void **state)
{
	struct th_options o;

	(void)state;
	assert_int_equal(ARGS(&o, "--debug-log", "--only-coap=yes", "--coap-port=1", "--http-port", "2"), TH_OK);
	assert_true(o.debug_log && o.only_coap);
	assert_int_equal(o.coap_port, 1);
	assert_int_equal(o.http_port, 2);
	assert_int_equal(ARGS(&o, "--debug-log", "--no-debug-log"), TH_OK);
	assert_false(o.debug_log);
	assert_true(th_options_given(&o, "debug-log"));
	assert_false(th_options_given(&o, "coap-port"));
	assert_int_equal(ARGS(&o, "--coap-port=1", "--coap-port=2"), TH_OK);
	assert_int_equal(o.coap_port, 2);
	assert_int_equal(ARGS(&o, "--coap-target="), TH_OK);
}

static void test_args_errors(void **state)
{
	static const struct {
		const char *a, *b, *text;
	} cases[] = {
		{ "--coap-port", "70000", "command line: --coap-port 70000: must be a port from 0 to 65535" },
		{ "--coap-port=x", NULL, "command line: --coap-port x: must be a port from 0 to 65535" },
		{ "--coap-port", NULL, "command line: --coap-port needs a value: --coap-port PORT" },
		{ "--cap-port", "7", "command line: unknown option --cap-port (did you mean --coap-port?)" },
		{ "--frobnicate", NULL, "command line: unknown option --frobnicate (see --help)" },
		{ "--no-coap-port", NULL, "command line: unknown option --no-coap-port (did you mean --coap-port?)" },
		{ "--no-debug-log=1", NULL, "command line: --no-debug-log takes no value" },
		{ "--debug-log=2", NULL, "command line: --debug-log 2: must be true or false" },
		{ "stray", NULL, "command line: stray is not an option (options begin with --, see --help)" },
		{ "-h", NULL, "command line: -h is not an option (options begin with --, see --help)" },
		{ "--", NULL, "command line: -- is not an option (options begin with --, see --help)" },
		{ "--coap-target", "a#b",
		  "command line: --coap-target a#b: must be HOST or HOST:PORT, an IPv6 address with a port in "
		  "brackets, like [::1]:5683; #KEY may follow, the 43 characters that `thimble pubkey` prints there" },
		{ "--coap-target", "a:b",
		  "command line: --coap-target a:b: must be HOST or HOST:PORT, an IPv6 address with a port in "
		  "brackets, like [::1]:5683; #KEY may follow, the 43 characters that `thimble pubkey` prints there" },
		{ "--allow", "x",
		  "command line: --allow x: must be at most 64 public keys with spaces between, each the 43 characters "
		  "that `thimble pubkey` prints" },
		{ "--coap-bind-host", "here",
		  "command line: --coap-bind-host here: must be a numeric IPv4 or IPv6 address, like 127.0.0.1 or "
		  "::1" },
		{ "--http-target", "x",
		  "command line: --http-target x: must be http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]" },
		{ "--http-target-ca", "\x01", "command line: --http-target-ca ?: must be the name of a file" },
		{ "--ack-timeout", "5",
		  "command line: --ack-timeout 5: must be a time from 10 ms to 10 min (a whole number of us, ms, s, "
		  "min or h)" },
		{ "--ping-after", "no",
		  "command line: --ping-after no: must be a time from 100 ms to 24 h (a whole number of us, ms, s, min "
		  "or h), or "
		  "never" },
		{ "--http-max-head", "5",
		  "command line: --http-max-head 5: must be a size from 1 KiB to 64 KiB (a whole number of B, KiB, MiB "
		  "or GiB)" },
		{ "--max-retransmit", "17", "command line: --max-retransmit 17: must be a whole number from 0 to 16" },
		{ "--ack-random-factor", "x",
		  "command line: --ack-random-factor x: must be a percentage from 0 % to 400 %" },
		{ "--block-size", "5", "command line: --block-size 5: must be 16, 32, 64, 128, 256, 512 or 1024" },
	};
	struct th_options o;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ARGS(&o, cases[i].a, cases[i].b), TH_ERR_INVALID);
		assert_heard(cases[i].text);
	}
}

static void test_all_errors_at_once(void **state)
{
	struct th_options o;

	(void)state;
	assert_int_equal(ARGS(&o, "--coap-port=x", "--http-port=y", "z"), TH_ERR_INVALID);
	assert_int_equal(heard.n, 3);
}

static void test_file(void **state)
{
	struct th_options o;

	(void)state;
	assert_int_equal(file(&o, "# comment\n; comment\n\n[coap]\ncoap-port = 77\n   coap-target=far.example:9 ; "
				  "why\n[http]\r\nhttp-port=1\r\n"
				  "[daemon]\ndebug-log = yes\n"),
			 TH_OK);
	assert_int_equal(o.coap_port, 77);
	assert_string_equal(o.coap_target.host, "far.example");
	assert_int_equal(o.coap_target.port, 9);
	assert_int_equal(o.http_port, 1);
	assert_true(o.debug_log);
	assert_true(th_options_given(&o, "coap-port"));
	assert_int_equal(o.line[th_option_find("coap-target") - th_option_table], 6);
	assert_int_equal(file(&o, "\n"), TH_OK);
}

/* Lists grow line by line; the command line's takes the place of the file's. */
static void test_lists_add_up(void **state)
{
	struct th_options o;
	char full[TH_OPTION_KEYS_MAX * TH_KEY_TEXT + 1] = "";

	(void)state;
	assert_int_equal(file(&o, "[session]\nallow = " KEY_0 "\nallow = " KEY_F " " KEY_0 "\n"), TH_OK);
	assert_int_equal(o.allow.n, 3);
	assert_int_equal(o.allow.key[1][0], 0xff);
	assert_int_equal(ARGS(&o, "--allow", KEY_F, "--allow=" KEY_0), TH_OK);
	assert_int_equal(o.allow.n, 2);
	for (int i = 0; i < TH_OPTION_KEYS_MAX; i++)
		strcat(full, KEY_F " ");
	assert_int_equal(ARGS(&o, "--allow", full), TH_OK);
	assert_int_equal(o.allow.n, TH_OPTION_KEYS_MAX);
	assert_int_equal(ARGS(&o, "--allow", full, "--allow", KEY_0), TH_ERR_INVALID);
	assert_heard("command line: --allow " KEY_0 ": there are more than 64 keys");
	assert_int_equal(file(&o, "[coap]\ncoap-target = far.example#" KEY_F "\n"), TH_OK);
	assert_true(o.coap_target.has_key);
}

static void test_file_errors(void **state)
{
	static const struct {
		const char *in, *text;
	} cases[] = {
		{ "[coap]\n\ncoap-port = 70000\n",
		  "thimble.conf:3: coap-port = 70000: must be a port from 0 to 65535" },
		{ "[coap]\n\n#\n  coap-port =\n", "thimble.conf:4: coap-port = : must be a port from 0 to 65535" },
		{ "[coap]\ncoap-prot = 1\n", "thimble.conf:2: unknown option coap-prot (did you mean coap-port?)" },
		{ "[coap]\nbanana = 1\n", "thimble.conf:2: unknown option banana" },
		{ "coap-port = 1\n",
		  "thimble.conf:1: a section must come first: [daemon], [http], [upstream], [session] or [coap]" },
		{ "[cop]\ncoap-port = 1\n",
		  "thimble.conf:2: unknown section [cop]: there are [daemon], [http], [upstream], [session] "
		  "and [coap]" },
		{ "[http]\ncoap-port = 1\n", "thimble.conf:2: coap-port belongs into section [coap]" },
		{ "[daemon]\nconfig = x\n", "thimble.conf:2: config belongs on the command line, not into the file" },
		{ "[coap]\ncoap-port = 1\n\ncoap-port = 1\n", "thimble.conf:4: coap-port stands in line 2 already" },
		{ "[coap]\ncoap-port\n", "thimble.conf:2: neither [section] nor name = value" },
		{ "[coap\ncoap-port=1\n", NULL },
	};
	struct th_options o;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(file(&o, cases[i].in), TH_ERR_INVALID);
		if (cases[i].text)
			assert_heard(cases[i].text);
	}
}

/* Lines that are no setting are told one by one, where they stand among the other mistakes. */
static void test_every_odd_line_is_told(void **state)
{
	struct th_options o;

	(void)state;
	assert_int_equal(file(&o, "[coap]\njust words\ncoap-port = x\n\n  ; fine\n[http\n more words\n"),
			 TH_ERR_INVALID);
	assert_int_equal(heard.n, 4);
	assert_string_equal(heard.text[0], "thimble.conf:2: neither [section] nor name = value");
	assert_string_equal(heard.text[1], "thimble.conf:3: coap-port = x: must be a port from 0 to 65535");
	assert_string_equal(heard.text[2], "thimble.conf:6: neither [section] nor name = value");
	assert_string_equal(heard.text[3], "thimble.conf:7: neither [section] nor name = value");
}

static void test_file_long_line(void **state)
{
	struct th_options o;
	char text[512];
	size_t n;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text), "[coap]\n[upstream]\nhttp-target-ca = /");
	memset(text + n, 'x', 300);
	memcpy(text + n + 300, "\n", 2);
	assert_int_equal(file(&o, text), TH_ERR_INVALID);
	assert_heard("thimble.conf:3: the line is too long, at most 198 bytes fit");
	/* the longest that fits is taken whole */
	memcpy(text + 18 + 198, "\n", 2);
	assert_int_equal(file(&o, text), TH_OK);
	assert_int_equal(strlen(o.http_target_ca), 198 - strlen("http-target-ca = "));
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Command line over file over default, wherever --config stands; a bad value in the file is told even when overridden.
 */
static void test_precedence(void **state)
{
	char path[] = "/tmp/thimble_options_XXXXXX";
	int fd = mkstemp(path);
	char *argv[] = { (char[]){ "thimble" }, (char[]){ "--coap-port=5" }, (char[]){ "--config" }, path };
	struct th_complaints c = complaints();
	struct th_options o;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "[coap]\ncoap-port = 6\n[http]\nhttp-port = 7\n");
	assert_int_equal(th_options_load(&o, 4, argv, &c), TH_OK);
	assert_int_equal(o.coap_port, 5);
	assert_int_equal(o.http_port, 7);
	assert_int_equal(o.origin[th_option_find("coap-port") - th_option_table], TH_FROM_COMMAND_LINE);
	assert_int_equal(o.origin[th_option_find("http-port") - th_option_table], TH_FROM_FILE);
	write_file(path, "[coap]\ncoap-port = 6x\n");
	assert_int_equal(th_options_load(&o, 4, argv, &c), TH_ERR_INVALID);
	assert_int_equal(heard.n, 1);
	/* what only several options together tell names the line, too */
	write_file(path, "\xef\xbb\xbf[daemon]\r\ndisable-encryption = true\r\n[coap]\r\ncoap-target = 192.0.2.1\r\n");
	c = complaints();
	assert_int_equal(th_options_load(&o, 4, argv, &c), TH_OK);
	assert_int_equal(th_options_check(&o, &c), TH_ERR_INVALID);
	assert_int_equal(heard.n, 1);
	assert_ptr_equal(strstr(heard.text[0], path), heard.text[0]);
	assert_non_null(strstr(heard.text[0], ":4: coap-target = 192.0.2.1: with disable-encryption it must be"));
	unlink(path);
	c = complaints();
	assert_int_equal(th_options_load(&o, 4, argv, &c), TH_ERR_IO);
	assert_non_null(strstr(heard.text[0], ": cannot be opened: No such file or directory"));
}

static void dump(const struct th_options *o, char *out, size_t cap)
{
	FILE *f = fmemopen(out, cap, "w");

	assert_non_null(f);
	th_options_dump(o, f);
	assert_int_equal(fclose(f), 0);
}

/* What --dump-config prints is read back to the same values, given ones still given, the others still default. */
static void test_dump_round_trip(void **state)
{
	static char text[64 * 1024], again[64 * 1024];
	struct th_options o, back;

	(void)state;
	assert_int_equal(ARGS(&o, "--coap-port=1", "--ping-after=never", "--debug-log", "--coap-target=[::1]:5",
			      "--block-size=64", "--ack-random-factor=25%", "--http-target=https://h/base",
			      "--http-max-body=3GiB"),
			 TH_OK);
	dump(&o, text, sizeof(text));
	assert_int_equal(file(&back, text), TH_OK);
	for (size_t i = 0; i < th_option_count; i++) {
		const struct th_option *opt = &th_option_table[i];

		assert_memory_equal(field_of(&o, opt), field_of(&back, opt), opt->size);
		assert_int_equal(o.origin[i] != TH_FROM_DEFAULT, back.origin[i] != TH_FROM_DEFAULT);
	}
	dump(&back, again, sizeof(again));
	assert_string_equal(text, again);
}

/* The default dump with its comment signs taken off is valid, too, and names every option of the file. */
static void test_dump_defaults(void **state)
{
	static char text[64 * 1024], active[64 * 1024];
	struct th_options o;
	size_t n = 0;

	(void)state;
	th_options_init(&o);
	dump(&o, text, sizeof(text));
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n") + 1;
		size_t skip = p[0] == '#' && p[1] != ' ';

		memcpy(active + n, p + skip, len - skip);
		n += len - skip;
		p += len;
	}
	active[n] = '\0';
	assert_int_equal(file(&o, active), TH_OK);
	for (size_t i = 0; i < th_option_count; i++)
		assert_int_equal(o.origin[i],
				 th_option_table[i].flags & TH_OPTION_COMMAND_LINE ? TH_FROM_DEFAULT : TH_FROM_FILE);
}

static void test_help_names_all(void **state)
{
	static char text[64 * 1024];
	FILE *f = fmemopen(text, sizeof(text), "w");
	char want[64];

	(void)state;
	th_options_help(f);
	fclose(f);
	for (size_t i = 0; i < th_option_count; i++) {
		snprintf(want, sizeof(want), "\n  --%s", th_option_table[i].name);
		assert_non_null(strstr(text, want));
	}
	for (const char *p = text; *p; p += strcspn(p, "\n") + 1)
		assert_true(strcspn(p, "\n") <= 100);
}

/* Whether the file holds the name as roff writes it (after `before`), for every option that belongs there. */
static void covers(const char *path, const char *before, unsigned without)
{
	static char text[128 * 1024];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		fail_msg("%s cannot be opened", path);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	for (size_t i = 0; i < th_option_count; i++) {
		const struct th_option *opt = &th_option_table[i];
		char want[128];
		size_t at = (size_t)snprintf(want, sizeof(want), "\n.B %s", before);

		if (opt->flags & without)
			continue;
		for (const char *p = opt->name; *p; p++)
			at += (size_t)snprintf(want + at, sizeof(want) - at, "%s%c", *p == '-' ? "\\" : "", *p);
		snprintf(want + at, sizeof(want) - at, "%s", opt->arg ? " " : "");
		if (!strstr(text, want))
			fail_msg("%s lacks %s", path, opt->name);
	}
}

static void test_man_pages_name_all(void **state)
{
	(void)state;
	covers(SOURCE_ROOT "/docs/man/thimble.1", "\\-\\-", 0);
	covers(SOURCE_ROOT "/docs/man/thimble.conf.5", "", TH_OPTION_COMMAND_LINE);
}

static void test_nearest(void **state)
{
	(void)state;
	assert_string_equal(th_option_nearest("htpp-port")->name, "http-port");
	assert_string_equal(th_option_nearest("disable-encription")->name, "disable-encryption");
	assert_string_equal(th_option_nearest("confg")->name, "config");
	assert_null(th_option_nearest("x"));
	assert_null(th_option_nearest(""));
	assert_null(th_option_nearest("a-name-that-is-much-longer-than-any-of-the-options-in-the-table"));
}

static unsigned check(const struct th_options *o)
{
	struct th_complaints c = complaints();
	enum th_err err = th_options_check(o, &c);

	assert_int_equal(err, c.n ? TH_ERR_INVALID : TH_OK);
	return c.n;
}

static void test_check(void **state)
{
	struct th_options o;

	(void)state;
	ARGS(&o, "--disable-encryption");
	assert_int_equal(check(&o), 0);
	ARGS(&o, "--debug-log");
	assert_int_equal(check(&o), 0);
	ARGS(&o, "--disable-encryption", "--only-http", "--only-coap", "--coap-target=::1");
	assert_int_equal(check(&o), 1);
	ARGS(&o, "--disable-encryption", "--only-http");
	assert_int_equal(check(&o), 1);
	assert_heard("only-http needs coap-target: the daemon that the requests go to");
	ARGS(&o, "--disable-encryption", "--rto-min=10s", "--rto-max=1s");
	assert_int_equal(check(&o), 1);
	ARGS(&o, "--disable-encryption", "--window-start=8", "--window-max=2");
	assert_int_equal(check(&o), 1);
	ARGS(&o, "--disable-encryption", "--body-window=64", "--max-datagram=100", "--block-size=64");
	assert_int_equal(check(&o), 2);
}

static void test_plain_is_loopback(void **state)
{
	static const struct {
		const char *option;
		unsigned complaints;
	} cases[] = {
		{ "--coap-bind-host=::1", 0 },	      { "--coap-bind-host=127.0.0.9", 0 },
		{ "--coap-bind-host=::", 1 },	      { "--coap-bind-host=0.0.0.0", 1 },
		{ "--coap-bind-host=192.0.2.1", 1 },  { "--coap-target=192.0.2.1", 1 },
		{ "--coap-target=[2001:db8::1]", 1 }, { "--coap-target=localhost:1", 0 },
		{ "--coap-target=::1", 0 },
	};
	struct th_options o;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ARGS(&o, "--disable-encryption", cases[i].option), TH_OK);
		assert_int_equal(check(&o), cases[i].complaints);
	}
}

static void test_derived(void **state)
{
	struct th_options o;

	(void)state;
	ARGS(&o, "--disable-encryption");
	assert_string_equal(th_options_coap_bind(&o), "127.0.0.1");
	assert_int_equal(th_options_coap_port(&o), 5683);
	ARGS(&o, "--disable-encryption", "--coap-target=[::1]:7", "--only-http");
	assert_string_equal(th_options_coap_bind(&o), "::1");
	assert_int_equal(th_options_coap_port(&o), 0);
	assert_true(th_options_ingress(&o) && !th_options_egress(&o));
	ARGS(&o, "--coap-port=5683", "--only-http");
	assert_string_equal(th_options_coap_bind(&o), "::");
	assert_int_equal(th_options_coap_port(&o), 5683);
	ARGS(&o, "--disable-encryption", "--coap-bind-host=127.0.0.2");
	assert_string_equal(th_options_coap_bind(&o), "127.0.0.2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_fields_apart),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_values_in_memory),
		cmocka_unit_test(test_text_too_long),
		cmocka_unit_test(test_args_forms),
		cmocka_unit_test(test_args_errors),
		cmocka_unit_test(test_all_errors_at_once),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_lists_add_up),
		cmocka_unit_test(test_file_errors),
		cmocka_unit_test(test_every_odd_line_is_told),
		cmocka_unit_test(test_file_long_line),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_dump_round_trip),
		cmocka_unit_test(test_dump_defaults),
		cmocka_unit_test(test_help_names_all),
		cmocka_unit_test(test_man_pages_name_all),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_plain_is_loopback),
		cmocka_unit_test(test_derived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
