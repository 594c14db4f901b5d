/* The real binary as it runs by default, encrypted: its key and the peers it knows, what the link shows, what it
 * leaves. */
#include <arpa/inet.h>
#include <dirent.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ends.h"
#include "program.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define FAR "--only-coap", "--coap-bind-host=127.0.0.1", "--coap-port=0", "--state-dir", far_state
#define NEAR "--only-http", "--http-port=0", "--state-dir", near_state

/* Three quarters of an idle daemon are pages of libcrypto and libc, which all programs share
 * (tests/http/test_memory.py). */
enum { RSS_MAX_KIB = 8 * 1024, OWN_MAX_KIB = 2 * 1024, PATH = 128, KEY = 43, LINE = 256, TEXT = 8192 };

static struct program far, near; /* ended by teardown whatever happens */
static pid_t wire;		 /* forwards datagrams; 0: not there */
static char folder[PATH], far_state[PATH], near_state[PATH];

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/thimble_daemon_state_XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(far_state, sizeof(far_state), "%.90s/far", folder);
	snprintf(near_state, sizeof(near_state), "%.90s/near/of/two", folder);
	return 0;
}

static void clear(const char *path)
{
	DIR *d = opendir(path);
	char inner[PATH + 300];

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
		if (unlink(inner) != 0)
			clear(inner);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static int teardown(void **state)
{
	(void)state;
	program_end(&far);
	program_end(&near);
	if (wire > 0) {
		kill(wire, SIGKILL);
		waitpid(wire, NULL, 0);
		wire = 0;
	}
	clear(folder);
	return 0;
}

static const char *in(const char *dir, const char *name)
{
	static char path[2 * PATH];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static size_t read_file(const char *path, char *out, size_t cap)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	fclose(f);
	return n;
}

/* The value of the first NAME= in the program's output. */
static const char *value(struct program *p, const char *name)
{
	static char out[LINE];
	const char *at;

	program_wait_output(p, name, 0);
	at = strstr(p->output, name) + strlen(name);
	snprintf(out, sizeof(out), "%.*s", (int)strcspn(at, " \n"), at);
	return out;
}

/* ---- the key ---- */

static void test_first_start(void **state)
{
	char key[LINE];

	(void)state;
	program_start(&far, ARGS(FAR));
	program_wait_output(&far, "event=listening part=link addr=127.0.0.1:", 0);
	program_wait_output(&far, " profile=noise\n", 0);
	program_wait_output(&far, "made=true", 0);
	assert_false(program_has(&far, "event=plain"));
	snprintf(key, sizeof(key), "%s", value(&far, "event=identity key="));
	assert_int_equal(strlen(key), KEY);
	assert_int_equal(strlen(value(&far, " fingerprint=")) > 16, 1);
	assert_string_equal(value(&far, " file="), in(far_state, "key"));
	assert_int_equal(mode_of(in(far_state, "key")), 0600);
	assert_int_equal(mode_of(far_state), 0700);
	program_end(&far);
	assert_int_equal(program_run(&far, ARGS("pubkey", in(far_state, "key"))), 0);
	assert_int_equal(strncmp(far.output, key, KEY), 0);
	program_start(&far, ARGS(FAR)); /* the same one at the next start */
	program_wait_output(&far, "made=false", 0);
	assert_string_equal(value(&far, "event=identity key="), key);
}

static void test_readable_key(void **state)
{
	(void)state;
	assert_int_equal(mkdir(far_state, 0700), 0);
	assert_int_equal(program_run(&far, ARGS("keygen", in(far_state, "key"))), 0);
	assert_int_equal(chmod(in(far_state, "key"), 0640), 0);
	assert_int_equal(program_run(&far, ARGS(FAR)), 2);
	assert_non_null(strstr(far.output, "/key: others may read it (mode 0640); run: chmod 600 "));
	assert_null(strstr(far.output, "event=listening"));
}

static void test_broken_key(void **state)
{
	FILE *f;

	(void)state;
	assert_int_equal(mkdir(far_state, 0700), 0);
	f = fopen(in(far_state, "key"), "w");
	assert_non_null(f);
	assert_true(fputs("thimble-secret-key-1 short\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(in(far_state, "key"), 0600), 0);
	assert_int_equal(program_run(&far, ARGS(FAR)), 2);
	assert_non_null(strstr(far.output, "holds no secret key of thimble"));
}

static void test_no_place_for_state(void **state)
{
	(void)state;
	assert_int_equal(program_run(&far, ARGS("--only-coap", "--coap-port=0", "--state-dir=/dev/null/state")), 1);
	assert_non_null(strstr(far.output, "the state folder cannot be made"));
	assert_non_null(strstr(far.output, "name another with state-dir"));
}

/* ---- two daemons ---- */

/* Far, with a homeserver behind it. */
static unsigned start_far(struct ends *k)
{
	char url[PATH];

	*k = (struct ends){ .server = tcp_socket(0, true), .client = -1, .upstream = -1 };
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", port_of(k->server));
	program_start(&far, ARGS(FAR, "--http-target", url));
	return program_coap_port(&far);
}

static void start_near(struct ends *k, unsigned port, const char *key)
{
	char target[PATH];

	snprintf(target, sizeof(target), "127.0.0.1:%u%s%s", port, key ? "#" : "", key ? key : "");
	program_start(&near, ARGS(NEAR, "--coap-bind-host=127.0.0.1", "--coap-target", target));
	k->client = tcp_socket(program_http_port(&near), false);
}

static void exchange(struct ends *k)
{
	begin_exchange(k);
	finish_exchange(k);
}

/* Without #KEY: the key shown first is remembered, and known at the next start. */
static void test_first_contact(void **state)
{
	char key[LINE], print[LINE], text[LINE], want[3 * LINE];
	struct ends k;
	unsigned port;

	(void)state;
	port = start_far(&k);
	snprintf(key, sizeof(key), "%s", value(&far, "event=identity key="));
	snprintf(print, sizeof(print), "%s", value(&far, " fingerprint="));
	start_near(&k, port, NULL);
	exchange(&k);
	snprintf(want, sizeof(want), "event=new_peer target=127.0.0.1 port=%u key=%s fingerprint=%s", port, key, print);
	program_wait_output(&near, want, 0);
	snprintf(want, sizeof(want), "127.0.0.1:%u %s\n", port, key);
	read_file(in(near_state, "known-peers"), text, sizeof(text));
	assert_string_equal(text, want);
	assert_int_equal(mode_of(in(near_state, "known-peers")) & 022, 0);
	close(k.client);
	close(k.upstream);
	program_end(&near);
	start_near(&k, port, NULL);
	exchange(&k);
	assert_false(program_has(&near, "event=new_peer"));
	close_ends(&k);
}

static void test_known_key(void **state)
{
	char key[LINE];
	struct ends k;
	unsigned port;

	(void)state;
	port = start_far(&k);
	snprintf(key, sizeof(key), "%s", value(&far, "event=identity key="));
	start_near(&k, port, key);
	exchange(&k);
	assert_int_not_equal(access(in(near_state, "known-peers"), F_OK), 0);
	assert_int_equal(access(in(near_state, "key"), F_OK), 0);
	assert_false(program_has(&near, "event=new_peer"));
	program_signal(&far, SIGUSR1);
	program_wait_output(&far, "event=stats part=coap", 0);
	close_ends(&k);
}

/* ---- what the link shows ---- */

static int udp_socket(unsigned port, bool connected)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connected)
		assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	else
		assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Until it is killed. Everything is written to `seen`, each datagram behind its length. */
static void forward(int a, int b, FILE *seen)
{
	struct pollfd fds[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
	struct sockaddr_in client;
	socklen_t client_n = 0;
	uint8_t p[2048];

	while (poll(fds, 2, -1) > 0)
		for (size_t i = 0; i < 2; i++) {
			uint16_t len;
			ssize_t n;

			if (!fds[i].revents)
				continue;
			if (i == 0)
				client_n = sizeof(client);
			n = i == 0 ? recvfrom(a, p, sizeof(p), 0, (struct sockaddr *)&client, &client_n)
				   : recv(b, p, sizeof(p), 0);
			if (n <= 0)
				continue;
			len = (uint16_t)n;
			fwrite(&len, sizeof(len), 1, seen);
			fwrite(p, 1, (size_t)n, seen);
			fflush(seen);
			if (i == 0)
				send(b, p, (size_t)n, 0);
			else
				sendto(a, p, (size_t)n, 0, (struct sockaddr *)&client, client_n);
		}
}

/* Stands between near and far. Returns its port. */
static unsigned start_wire(unsigned far_port, const char *seen_path)
{
	int a = udp_socket(0, false), b = udp_socket(far_port, true);
	unsigned port = port_of(a);
	FILE *seen = fopen(seen_path, "w");

	assert_non_null(seen);
	wire = fork();
	assert_true(wire >= 0);
	if (wire == 0) {
		forward(a, b, seen);
		_exit(0);
	}
	close(a);
	close(b);
	fclose(seen);
	return port;
}

/* Nothing but handshakes and records (docs/protocol.md section 5), and no word of what they carry. */
static void test_link_shows_nothing(void **state)
{
	static const char *const words[] = { "_matrix",	 "m.room.message",   "r%3Ax",
					     "event_id", "application/json", ACCESS_TOKEN };
	static char seen[64 * 1024];
	struct ends k;
	unsigned port;
	size_t n, at = 0, datagrams = 0;

	(void)state;
	port = start_wire(start_far(&k), in(folder, "seen"));
	start_near(&k, port, NULL);
	for (int i = 0; i < 3; i++) {
		exchange(&k);
		close(k.upstream);
	}
	n = read_file(in(folder, "seen"), seen, sizeof(seen));
	while (at < n) {
		uint16_t len;

		memcpy(&len, seen + at, sizeof(len));
		at += sizeof(len);
		assert_true(((uint8_t)seen[at] & 0x80) != 0);
		at += len;
		datagrams++;
	}
	assert_int_equal(at, n);
	assert_true(datagrams >= 2 * 3);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_null(memmem(seen, n, words[i], strlen(words[i])));
	k.upstream = -1;
	close_ends(&k);
}

/* ---- the process ---- */

/* Killed by what makes others dump core, with keys in use: nothing is taken of its memory. */
static void test_no_core(void **state)
{
	struct ends k;

	(void)state;
	start_near(&k, start_far(&k), NULL);
	exchange(&k);
	program_signal(&far, SIGABRT);
	assert_int_equal(program_wait(&far), 128 + SIGABRT);
#ifndef SANITIZED /* there only the limit on core files holds */
	assert_false(far.dumped);
#endif
	close_ends(&k);
}

static unsigned long status_kib(const struct program *p, const char *name)
{
	char path[PATH], text[TEXT];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)p->pid);
	read_file(path, text, sizeof(text));
	at = strstr(text, name);
	assert_non_null(at);
	return strtoul(at + strlen(name), NULL, 10);
}

/* How many pages of files are there when one is touched is the kernel's choice: the smallest of three starts counts. */
static void test_small(void **state)
{
	unsigned long rss = ULONG_MAX, own = ULONG_MAX;

	(void)state;
	unsetenv("MALLOC_PERTURB_"); /* meson sets it: fresh memory would be written to, and so be there */
	for (int i = 0; i < 3; i++) {
		unsigned long v;

		program_start(&near, ARGS(NEAR, "--coap-target=127.0.0.1:9"));
		program_wait_output(&near, "event=peer ", 0);
		v = status_kib(&near, "VmRSS:");
		rss = v < rss ? v : rss;
		v = status_kib(&near, "RssAnon:");
		own = v < own ? v : own;
		program_end(&near);
	}
	print_message("idle, encrypted: VmRSS %lu KiB, %lu its own\n", rss, own);
#ifndef SANITIZED
	assert_true(rss < RSS_MAX_KIB);
	assert_true(own < OWN_MAX_KIB);
#endif
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_readable_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_place_for_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_contact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_known_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_shows_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_core, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small, setup, teardown),
	};

	if (argc != 2)
		return 2;
	program_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
