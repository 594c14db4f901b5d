/* The real binary from the outside: what it prints, how it ends, what signals do. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ends.h"
#include "program.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define PLAIN "--disable-encryption", "--http-port=0", "--coap-port=0"

enum { RSS_MAX_KIB = 6 * 1024, REPLY = 4096, PROGRAM_LINE = 64 };

static struct program far, near; /* ended by teardown whatever happens */
static char config_path[] = "/tmp/thimble_daemon_conf_XXXXXX";

static int teardown(void **state)
{
	(void)state;
	program_end(&far);
	program_end(&near);
	return 0;
}

static void write_config(const char *text)
{
	FILE *f = fopen(config_path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- one shot ---- */

static void test_version(void **state)
{
	(void)state;
	assert_int_equal(program_run(&near, ARGS("--version")), 0);
	assert_string_equal(near.output, "thimble " VERSION "\n");
}

static void test_help(void **state)
{
	(void)state;
	assert_int_equal(program_run(&near, ARGS("--help")), 0);
	assert_non_null(strstr(near.output, "--coap-target HOST[:PORT]"));
}

/* keygen and pubkey: exit status, and that nothing but the public key is printed. */
static void test_keys(void **state)
{
	char folder[] = "/tmp/thimble_daemon_keys_XXXXXX", path[64], public[PROGRAM_LINE];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	assert_int_equal(program_run(&near, ARGS("pubkey", path)), 1);
	assert_non_null(strstr(near.output, "/key: there is no such file; make a key: thimble keygen /tmp/"));
	assert_int_equal(program_run(&near, ARGS("keygen", path)), 0);
	assert_int_equal(strlen(near.output), 44);
	snprintf(public, sizeof(public), "%.44s", near.output);
	assert_int_equal(program_run(&near, ARGS("pubkey", path)), 0);
	assert_string_equal(near.output, public);
	assert_int_equal(program_run(&near, ARGS("keygen", path)), 1);
	assert_non_null(strstr(near.output, "exists already"));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(program_run(&near, ARGS("pubkey", path)), 2);
	assert_non_null(strstr(near.output, "others may read it (mode 0640); run: chmod 600 "));
	assert_int_equal(program_run(&near, ARGS("keygen", path, "more")), 2);
	assert_int_equal(program_run(&near, ARGS("--help")), 0);
	assert_non_null(strstr(near.output, "thimble keygen [FILE] "));
	unlink(path);
	rmdir(folder);
}

static void test_wrong_use(void **state)
{
	static const struct {
		const char *arg, *text;
	} cases[] = {
		{ "--coap-prot=1", "thimble: command line: unknown option --coap-prot (did you mean --coap-port?)\n" },
		{ "--coap-port=70000", "thimble: command line: --coap-port 70000: must be a port from 0 to 65535\n" },
		{ "--config=/nonexistent", "thimble: /nonexistent: cannot be opened: No such file or directory\n" },
		{ "--only-http", "thimble: only-http needs coap-target" },
		{ "--coap-bind-host=::",
		  "thimble: coap-bind-host = ::: with disable-encryption it must be a loopback address" },
		{ "--coap-target=192.0.2.1",
		  "thimble: coap-target = 192.0.2.1: with disable-encryption it must be a loopback" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(program_run(&near, ARGS(PLAIN, cases[i].arg)), 2);
		if (strncmp(near.output, cases[i].text, strlen(cases[i].text)) != 0)
			fail_msg("%s gave: %s", cases[i].arg, near.output);
	}
}

static void test_check_config(void **state)
{
	char want[256];

	(void)state;
	write_config("[daemon]\ndisable-encryption = true\n");
	assert_int_equal(program_run(&near, ARGS("--check-config", "--config", config_path)), 0);
	assert_non_null(strstr(near.output, ": no mistakes found\n"));
	write_config("[daemon]\ndisable-encryption = true\n\n[coap]\ncoap-port = 70000\nblock-size = 17\n");
	assert_int_equal(program_run(&near, ARGS("--check-config", "--config", config_path)), 2);
	snprintf(want, sizeof(want), "thimble: %s:5: coap-port = 70000: must be a port from 0 to 65535\n", config_path);
	assert_non_null(strstr(near.output, want));
	snprintf(want, sizeof(want), "thimble: %s:6: block-size = 17: must be 16, 32, 64, 128, 256, 512 or 1024\n",
		 config_path);
	assert_non_null(strstr(near.output, want));
}

static void test_dump_config(void **state)
{
	(void)state;
	assert_int_equal(program_run(&near, ARGS("--dump-config", "--disable-encryption", "--coap-port=7")), 0);
	assert_non_null(strstr(near.output, "\ncoap-port = 7\n"));
	assert_non_null(strstr(near.output, "\n#http-port = 8888\n"));
	write_config(near.output);
	assert_int_equal(program_run(&near, ARGS("--check-config", "--config", config_path)), 0);
}

static void test_bad_target(void **state)
{
	(void)state;
	assert_int_equal(
		program_run(&near, ARGS(PLAIN, "--http-target=https://localhost", "--http-target-ca=/nonexistent")), 2);
	assert_non_null(strstr(near.output, "thimble: http-target-ca = /nonexistent: cannot be used"));
}

static void test_port_in_use(void **state)
{
	int fd = tcp_socket(0, true);
	char arg[32];

	(void)state;
	snprintf(arg, sizeof(arg), "--http-port=%u", port_of(fd));
	assert_int_equal(program_run(&near, ARGS("--disable-encryption", "--coap-port=0", arg)), 1);
	assert_non_null(strstr(near.output,
			       "of 127.0.0.1: Address already in use (another program listens there; end it, or choose "
			       "another http-port)"));
	close(fd);
	program_start(&far, ARGS(PLAIN, "--only-coap"));
	snprintf(arg, sizeof(arg), "--coap-port=%u", program_coap_port(&far));
	assert_int_equal(program_run(&near, ARGS("--disable-encryption", "--http-port=0", arg)), 1);
	assert_non_null(strstr(
		near.output, "on 127.0.0.1: Address already in use (another program has it; end it, or choose another "
			     "coap-port)"));
}

/* ---- signals ---- */

static void test_sigterm(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint64_t begun;

		program_start(&near, ARGS(PLAIN));
		program_http_port(&near);
		program_wait_output(&near, "event=no_peer", 0);
		begun = now_ms();
		program_signal(&near, signals[i]);
		assert_int_equal(program_wait(&near), 0);
		assert_true(now_ms() - begun < 2000);
		assert_non_null(strstr(near.output, "event=stop ok=true"));
	}
}

/* A request whose body never comes keeps the daemon until drain-timeout, and no longer. */
static void test_drain_is_bounded(void **state)
{
	uint64_t begun;
	int fd;

	(void)state;
	program_start(&near, ARGS(PLAIN, "--drain-timeout=300ms", "--coap-target=127.0.0.1:9"));
	fd = tcp_socket(program_http_port(&near), false);
	put(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Le");
	program_signal(&near, SIGUSR1);
	program_wait_output(&near, "part=listener accepted=1", 0);
	begun = now_ms();
	program_signal(&near, SIGTERM);
	assert_int_equal(program_wait(&near), 0);
	assert_true(now_ms() - begun >= 290);
	assert_true(now_ms() - begun < 3000);
	assert_non_null(strstr(near.output, "event=drain done=false"));
	close(fd);
}

static void test_second_signal(void **state)
{
	uint64_t begun;
	int fd;

	(void)state;
	program_start(&near, ARGS(PLAIN, "--drain-timeout=60s"));
	fd = tcp_socket(program_http_port(&near), false);
	put(fd, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Le");
	program_signal(&near, SIGUSR1);
	program_wait_output(&near, "part=listener accepted=1", 0);
	begun = now_ms();
	program_signal(&near, SIGTERM);
	program_wait_output(&near, "event=drain signal=15", 0);
	program_signal(&near, SIGTERM);
	assert_int_equal(program_wait(&near), 0);
	assert_true(now_ms() - begun < 3000);
	assert_non_null(strstr(near.output, "second signal"));
	close(fd);
}

static void test_sighup(void **state)
{
	size_t at;

	(void)state;
	write_config("[daemon]\ndisable-encryption = true\n[http]\nhttp-port = 0\n[coap]\ncoap-port = 0\n");
	program_start(&near, ARGS("--config", config_path));
	program_wait_output(&near, "event=no_peer", 0);
	write_config(
		"[daemon]\ndisable-encryption = true\ndebug-log = yes\n[http]\nhttp-port = 1\nhttp-max-body = 5 MiB\n"
		"[coap]\ncoap-port = 0\ncoap-target = localhost:9\n");
	program_signal(&near, SIGHUP);
	at = program_wait_output(&near, "event=reload ok=true changed=3 restart_needed=1", 0);
	assert_true(program_has(&near, "event=changed option=debug-log value=\"false\" new=\"true\""));
	assert_true(program_has(&near, "event=changed option=http-max-body value=\"128 MiB\" new=\"5 MiB\""));
	assert_true(program_has(&near, "event=restart_needed option=http-port value=\"0\" new=\"1\""));
	at = program_wait_output(&near, "event=peer target=localhost addr=127.0.0.1:9", at);
	/* a mistake: nothing changes, and it is said where */
	write_config("[daemon]\ndebug-log = maybe\n");
	program_signal(&near, SIGHUP);
	program_wait_output(&near, ":2: debug-log = maybe: must be true or false", at);
	at = program_wait_output(&near, "event=reload ok=false errors=1", at);
	/* the file is gone */
	unlink(config_path);
	program_signal(&near, SIGHUP);
	at = program_wait_output(&near, "cannot be opened", at);
	program_wait_output(&near, "event=reload ok=false", at);
	program_signal(&near, SIGTERM);
	assert_int_equal(program_wait(&near), 0);
}

static void test_sigusr1(void **state)
{
	static const char *const parts[] = { "listener accepted=0", "upstream requests=0", "proxy ingress_open=0",
					     "coap malformed=0" };
	char want[64];

	(void)state;
	program_start(&near, ARGS(PLAIN));
	program_wait_output(&near, "event=no_peer", 0);
	program_signal(&near, SIGUSR1);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(want, sizeof(want), "event=stats part=%s", parts[i]);
		program_wait_output(&near, want, 0);
	}
}

/* ---- the process ---- */

static void proc_file(const struct program *p, const char *name, char *out, size_t cap)
{
	char path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)p->pid, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	fclose(f);
}

static void test_small_and_no_core(void **state)
{
	char text[8192];
	const char *at;

	(void)state;
	program_start(&near, ARGS(PLAIN));
	program_wait_output(&near, "event=no_peer", 0);
	proc_file(&near, "limits", text, sizeof(text));
	at = strstr(text, "Max core file size");
	assert_non_null(at);
	at += strlen("Max core file size");
	assert_int_equal(strtoul(at, NULL, 10), 0);
	proc_file(&near, "status", text, sizeof(text));
	at = strstr(text, "VmRSS:");
	assert_non_null(at);
	print_message("idle, both halves: VmRSS %lu KiB\n", strtoul(at + 6, NULL, 10));
#ifndef SANITIZED
	assert_true(strtoul(at + 6, NULL, 10) < RSS_MAX_KIB);
#endif
}

/* Elsewhere a line begins with the time; in the journal with the priority. */
static void test_journal(void **state)
{
	(void)state;
	program_start(&near, ARGS(PLAIN));
	program_wait_output(&near, "event=no_peer", 0);
	assert_int_equal(strncmp(near.output, "time=20", 7), 0);
	assert_int_equal(strspn(near.output + 5, "0123456789-T:.Z"), strlen("2024-05-01T12:00:00.123Z"));
	program_end(&near);
	near.journal = true;
	program_start(&near, ARGS(PLAIN));
	near.journal = false;
	program_wait_output(&near, "event=no_peer", 0);
	assert_int_equal(strncmp(near.output, "<6>level=info event=start ", 26), 0);
	assert_non_null(strstr(near.output, "\n<4>level=warn event=plain "));
	assert_null(strstr(near.output, "time="));
}

/* Two on one host: the near one takes any free port for its datagrams. */
static void test_two_on_one_host(void **state)
{
	char target[64];

	(void)state;
	program_start(&far, ARGS("--disable-encryption", "--only-coap", "--coap-port=0"));
	snprintf(target, sizeof(target), "127.0.0.1:%u", program_coap_port(&far));
	program_start(&near, ARGS("--disable-encryption", "--only-http", "--http-port=0", "--coap-target", target));
	assert_int_not_equal(program_coap_port(&near), 5683);
	assert_int_not_equal(program_coap_port(&near), program_coap_port(&far));
	snprintf(target, sizeof(target), "event=peer target=127.0.0.1 addr=127.0.0.1:%u", program_coap_port(&far));
	program_wait_output(&near, target, 0);
	assert_false(program_has(&far, "part=http"));
}

static void test_ipv6(void **state)
{
	char target[64];
	unsigned port;

	(void)state;
	program_start(&far, ARGS("--disable-encryption", "--only-coap", "--coap-port=0", "--coap-bind-host=::1"));
	port = program_number(&far, "part=link addr=[::1]:");
	snprintf(target, sizeof(target), "[::1]:%u", port);
	program_start(&near, ARGS("--disable-encryption", "--only-http", "--http-port=0", "--coap-target", target));
	program_wait_output(&near, "part=link addr=[::1]:", 0);
	snprintf(target, sizeof(target), "event=peer target=::1 addr=[::1]:%u", port);
	program_wait_output(&near, target, 0);
}

static void test_no_peer_is_502(void **state)
{
	char reply[REPLY];
	int fd;

	(void)state;
	program_start(&near, ARGS(PLAIN));
	fd = tcp_socket(program_http_port(&near), false);
	put(fd, "GET /_matrix/client/versions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	get(fd, reply, sizeof(reply), NULL);
	assert_int_equal(strncmp(reply, "HTTP/1.1 502 ", 13), 0);
	assert_non_null(strstr(reply, "\"errcode\":"));
	close(fd);
}

static void test_name_without_address(void **state)
{
	(void)state;
	program_start(&near, ARGS(PLAIN, "--coap-target=nothing.invalid"));
	program_wait_output(&near, "event=peer_unknown target=nothing.invalid", 0);
	program_wait_output(&near, "retry_s=1\n", 0);
}

/* ---- both halves at work ---- */

static void start_pair(struct ends *k)
{
	char text[64];

	k->server = tcp_socket(0, true);
	snprintf(text, sizeof(text), "http://127.0.0.1:%u", port_of(k->server));
	program_start(&far, ARGS("--disable-encryption", "--only-coap", "--coap-port=0", "--http-target", text));
	snprintf(text, sizeof(text), "127.0.0.1:%u", program_coap_port(&far));
	program_start(&near, ARGS("--disable-encryption", "--only-http", "--http-port=0", "--coap-target", text));
	k->client = tcp_socket(program_http_port(&near), false);
}

static void test_exchange_line(void **state)
{
	static const char *const keys[] = { " half=ingress ",	" route=send ",	      " method=PUT ", " status=200 ",
					    " http_up=",	" http_down=",	      " link_up=",    " link_down=",
					    " datagrams_up=1 ", " datagrams_down=1 ", " ms=",	      " ms_first=" };
	struct ends k;

	(void)state;
	start_pair(&k);
	begin_exchange(&k);
	finish_exchange(&k);
	program_wait_output(&near, "event=exchange", 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		program_wait_output(&near, keys[i], 0);
	program_wait_output(&far, "event=exchange half=egress route=send method=PUT status=200", 0);
	assert_false(program_has(&near, "err="));
	assert_false(program_has(&near, "%21r")); /* targets are not logged */
	assert_false(program_has(&near, ACCESS_TOKEN));
	assert_false(program_has(&far, ACCESS_TOKEN));
	close_ends(&k);
}

/* SIGTERM to both while the server thinks: the answer still arrives, then both end. */
static void test_drain_lets_finish(void **state)
{
	struct ends k;

	(void)state;
	start_pair(&k);
	begin_exchange(&k);
	program_signal(&near, SIGTERM);
	program_signal(&far, SIGTERM);
	program_wait_output(&near, "event=drain", 0);
	program_wait_output(&far, "event=drain", 0);
	finish_exchange(&k);
	assert_int_equal(program_wait(&near), 0);
	assert_int_equal(program_wait(&far), 0);
	assert_null(strstr(near.output, "done=false"));
	assert_null(strstr(far.output, "done=false"));
	close_ends(&k);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_version, teardown),
		cmocka_unit_test_teardown(test_help, teardown),
		cmocka_unit_test_teardown(test_keys, teardown),
		cmocka_unit_test_teardown(test_wrong_use, teardown),
		cmocka_unit_test_teardown(test_check_config, teardown),
		cmocka_unit_test_teardown(test_dump_config, teardown),
		cmocka_unit_test_teardown(test_port_in_use, teardown),
		cmocka_unit_test_teardown(test_sigterm, teardown),
		cmocka_unit_test_teardown(test_drain_is_bounded, teardown),
		cmocka_unit_test_teardown(test_second_signal, teardown),
		cmocka_unit_test_teardown(test_sighup, teardown),
		cmocka_unit_test_teardown(test_sigusr1, teardown),
		cmocka_unit_test_teardown(test_small_and_no_core, teardown),
		cmocka_unit_test_teardown(test_journal, teardown),
		cmocka_unit_test_teardown(test_two_on_one_host, teardown),
		cmocka_unit_test_teardown(test_ipv6, teardown),
		cmocka_unit_test_teardown(test_no_peer_is_502, teardown),
		cmocka_unit_test_teardown(test_name_without_address, teardown),
		cmocka_unit_test_teardown(test_bad_target, teardown),
		cmocka_unit_test_teardown(test_exchange_line, teardown),
		cmocka_unit_test_teardown(test_drain_lets_finish, teardown),
	};
	int fd = mkstemp(config_path), failed;

	if (argc != 2 || fd < 0)
		return 2;
	close(fd);
	program_path = argv[1];
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(config_path);
	return failed;
}
