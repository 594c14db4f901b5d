/* thimble-link from the outside: the real binary between sockets on loopback. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../daemon/program.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { PATIENCE_MS = 5000, SILENCE_MS = 300, DGRAM = 2048, HEADERS = 28 };

static struct program link_, other; /* ended by teardown whatever happens */
static char folder[] = "/tmp/thimble_link_test_XXXXXX", control[64], capture[64], target_arg[64];
static int target = -1, clients[3] = { -1, -1, -1 };
static struct sockaddr_storage link_addr;

/* ---- sockets ---- */

static int udp(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	assert_true(fd >= 0);
	assert_int_equal(family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof(v4))
					   : bind(fd, (struct sockaddr *)&v6, sizeof(v6)),
			 0);
	return fd;
}

static unsigned port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
					     : ((const struct sockaddr_in6 *)a)->sin6_port);
}

static unsigned local_port(int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	return port_of(&a);
}

static void send_text(int fd, const struct sockaddr_storage *to, const char *text)
{
	socklen_t len = to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

	assert_int_equal(sendto(fd, text, strlen(text), 0, (const struct sockaddr *)to, len), strlen(text));
}

/* What comes, or "" after `patience`. */
static const char *hear(int fd, int patience, struct sockaddr_storage *from)
{
	static char text[DGRAM];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct sockaddr_storage ignored;
	socklen_t len = sizeof(*from);
	ssize_t n = 0;

	if (poll(&p, 1, patience) == 1)
		n = recvfrom(fd, text, sizeof(text) - 1, 0, (struct sockaddr *)(from ? from : &ignored), &len);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

/* Client `i` says it, the target hears it; where it came from. */
static struct sockaddr_storage pass_up(int i, const char *text)
{
	struct sockaddr_storage from;

	send_text(clients[i], &link_addr, text);
	assert_string_equal(hear(target, PATIENCE_MS, &from), text);
	return from;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- the program ---- */

static int setup(void **state)
{
	(void)state;
	target = udp(AF_INET);
	for (int i = 0; i < 3; i++)
		clients[i] = udp(AF_INET);
	snprintf(target_arg, sizeof(target_arg), "127.0.0.1:%u", local_port(target));
	return 0;
}

static void close_all(void)
{
	close(target);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
}

static int teardown(void **state)
{
	(void)state;
	program_end(&link_);
	program_end(&other);
	close_all();
	unlink(control);
	unlink(capture);
	return 0;
}

static void learn_address(void)
{
	const char *at;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&link_addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&link_addr;

	program_wait_output(&link_, "event=target", 0);
	at = strstr(link_.output, "event=listening addr=") + strlen("event=listening addr=");
	memset(&link_addr, 0, sizeof(link_addr));
	if (*at == '[') {
		v6->sin6_family = AF_INET6;
		v6->sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
		v6->sin6_port = htons((uint16_t)atoi(strrchr(at, ']') ? strstr(at, "]:") + 2 : ""));
	} else {
		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		v4->sin_port = htons((uint16_t)atoi(strchr(at, ':') + 1));
	}
}

#define START(...)                                                                                                     \
	do {                                                                                                           \
		program_start(&link_, ARGS("--listen", "127.0.0.1:0", "--target", target_arg, ##__VA_ARGS__));         \
		learn_address();                                                                                       \
	} while (0)

static const char *tell(const char *command, int status)
{
	assert_int_equal(program_run(&other, ARGS("tell", control, command)), status);
	other.output[strcspn(other.output, "\n")] = '\0';
	return other.output;
}

static unsigned long number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	if (!at)
		fail_msg("no %s in %s", name, text);
	return strtoul(at + strlen(name), NULL, 10);
}

static int stop(void)
{
	program_signal(&link_, SIGTERM);
	return program_wait(&link_);
}

/* ---- tests ---- */

static void test_one_shot(void **state)
{
	static const struct {
		const char *arg, *text;
	} cases[] = {
		{ "--loss=0.2", "thimble-link: command line: --loss 0.2: must be a percentage from 0 % to 100 %" },
		{ "--up-lss=1%", "thimble-link: command line: unknown option --up-lss (did you mean --up-loss?)\n" },
		{ "--preset=moon",
		  "thimble-link: command line: --preset moon: must be none, 100bps, 300bps, hf, lora, 2g or geo\n" },
		{ "--at=soon", "thimble-link: command line: --at soon: use: at TIME COMMAND, as in at 60s down\n" },
		{ "--at=1s set loss", "thimble-link: command line: --at 1s set loss: use: set NAME VALUE" },
		{ "--target=localhost",
		  "thimble-link: command line: --target localhost: must be ADDRESS:PORT with a numeric address" },
		{ "--capture=/nonexistent/x",
		  "thimble-link: cannot write /nonexistent/x: No such file or directory\n" },
		{ "--control=/nonexistent/x",
		  "thimble-link: cannot take commands at /nonexistent/x: No such file or directory\n" },
		{ "--listen=192.0.2.1:1",
		  "thimble-link: cannot listen at 192.0.2.1:1: Cannot assign requested address\n" },
	};

	(void)state;
	assert_int_equal(program_run(&link_, ARGS("--version")), 0);
	assert_string_equal(link_.output, "thimble-link " VERSION "\n");
	assert_int_equal(program_run(&link_, ARGS("--help")), 0);
	assert_non_null(strstr(link_.output, "\n  --rate RATE "));
	assert_null(strstr(link_.output, "--up-rate"));
	assert_int_equal(program_run(&link_, ARGS("--rate=100")), 2);
	assert_non_null(strstr(link_.output, "--listen is needed"));
	assert_non_null(strstr(link_.output, "--target is needed"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = program_run(&link_, ARGS("--listen=127.0.0.1:0", "--target=127.0.0.1:9", cases[i].arg));

		if (!strstr(link_.output, cases[i].text))
			fail_msg("%s gave: %s", cases[i].arg, link_.output);
		assert_int_equal(status, strstr(cases[i].text, "cannot") ? 1 : 2);
	}
	assert_int_equal(program_run(&link_, ARGS("tell", control)), 2);
	assert_int_equal(program_run(&link_, ARGS("tell", control, "stats")), 1);
	assert_non_null(strstr(link_.output, "(does a thimble-link run with --control there?)"));
}

static void test_clients_are_told_apart(void **state)
{
	struct sockaddr_storage from[3];

	(void)state;
	START("--latency=5ms");
	for (int i = 0; i < 3; i++)
		from[i] = pass_up(i, "hello");
	assert_true(port_of(&from[0]) != port_of(&from[1]) && port_of(&from[1]) != port_of(&from[2]));
	program_wait_output(&link_, "event=client ", 0); /* the log names the port */
	assert_int_equal(port_of(&from[0]), number_after(link_.output, " port="));
	for (int i = 2; i >= 0; i--) {
		char text[16];

		snprintf(text, sizeof(text), "answer %d", i);
		send_text(target, &from[i], text);
		assert_string_equal(hear(clients[i], PATIENCE_MS, NULL), text);
	}
	send_text(clients[1], &from[0], "I am not the target");
	assert_string_equal(hear(clients[0], SILENCE_MS, NULL), "");
	send_text(clients[0], &link_addr, ""); /* an empty datagram is one, too */
	assert_int_equal(poll(&(struct pollfd){ .fd = target, .events = POLLIN }, 1, PATIENCE_MS), 1);
	assert_int_equal(stop(), 0);
	assert_non_null(
		strstr(link_.output, "event=stats dir=up entered=4 bytes=127 delivered=4 delivered_bytes=127 "));
	assert_non_null(strstr(link_.output, "event=stats dir=down entered=3 bytes=108 delivered=3 "));
	assert_non_null(strstr(link_.output, "clients=3 refused=0"));
}

static void test_ipv6(void **state)
{
	struct sockaddr_storage from;
	char v6_target[64];

	(void)state;
	close_all();
	target = udp(AF_INET6);
	for (int i = 0; i < 3; i++)
		clients[i] = udp(AF_INET6);
	snprintf(v6_target, sizeof(v6_target), "[::1]:%u", local_port(target));
	program_start(&link_, ARGS("--listen", "[::1]:0", "--target", v6_target));
	learn_address();
	from = pass_up(0, "hello");
	send_text(target, &from, "answer");
	assert_string_equal(hear(clients[0], PATIENCE_MS, NULL), "answer");
	assert_int_equal(stop(), 0);
	assert_non_null(strstr(link_.output, "dir=up entered=1 bytes=53 "));
}

/* Ten datagrams of 100 bytes at 8 kbit/s: a tenth of a second each. */
static void test_rate_on_real_time(void **state)
{
	char text[100 - HEADERS + 1];
	double begun, took;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	START("--rate=8000", "--show");
	program_signal(&link_, SIGSTOP); /* so that it finds all of them at once, whatever the machine's load */
	assert_int_equal(waitpid(link_.pid, NULL, WUNTRACED), link_.pid);
	for (int i = 0; i < 10; i++)
		send_text(clients[0], &link_addr, text);
	begun = now();
	program_signal(&link_, SIGCONT);
	for (int i = 0; i < 10; i++) {
		assert_string_equal(hear(target, PATIENCE_MS, NULL), text);
		took = now() - begun;
		if (took < (i + 1) * 0.1 - 0.002 ||
		    took > (i + 1) * 0.1 + 1) /* never early; late is the machine's load */
			fail_msg("datagram %d after %.4f s", i, took);
	}
	program_wait_output(&link_, "number=10 ", 0);
	assert_non_null(strstr(
		link_.output,
		"dir=up event=delivered number=10 bytes=100 airtime=0.100 waited=0.900 took=1.000 client=127.0.0.1:"));
	assert_null(strstr(link_.output, "event=started"));
}

static void test_control_socket(void **state)
{
	struct sockaddr_storage before, after;
	const char *stats;
	struct stat st;

	(void)state;
	START("--control", control, "--show-start");
	assert_int_equal(stat(control, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	before = pass_up(0, "one");
	assert_string_equal(tell("get up.rate", 0), "{\"up\":{\"rate\":\"unlimited\"}}");
	assert_string_equal(tell("set rate 1 Mbit/s", 0), "ok");
	assert_string_equal(tell("get up.rate", 0), "{\"up\":{\"rate\":\"1 Mbit/s\"}}");
	assert_non_null(strstr(tell("set loss 2", 2), "error: loss 2: must be a percentage"));

	assert_string_equal(tell("down", 0), "ok");
	send_text(clients[0], &link_addr, "lost");
	program_wait_output(&link_, "event=outage number=2 ", 0);
	assert_string_equal(tell("up", 0), "ok");

	assert_string_equal(tell("rebind", 0), "ok");
	after = pass_up(0, "two");
	assert_int_not_equal(port_of(&before), port_of(&after));
	send_text(target, &before, "to the old port");
	send_text(target, &after, "to the new port");
	assert_string_equal(hear(clients[0], PATIENCE_MS, NULL), "to the new port");

	stats = tell("stats", 0);
	assert_int_equal(number_after(stats, "\"up\":{\"entered\":{\"datagrams\":"), 3);
	assert_int_equal(number_after(stats, "\"outage\":{\"datagrams\":"), 1);
	assert_string_equal(tell("reset", 0), "ok");
	assert_int_equal(number_after(tell("stats", 0), "\"up\":{\"entered\":{\"datagrams\":"), 0);

	/* a second one does not take the place of one that runs, but of one that was killed */
	assert_int_equal(
		program_run(&other, ARGS("--listen=127.0.0.1:0", "--target=127.0.0.1:9", "--control", control)), 1);
	assert_non_null(strstr(other.output, "(another thimble-link listens there)"));
	program_signal(&link_, SIGKILL);
	assert_int_equal(program_wait(&link_), 128 + SIGKILL);
	START("--control", control);
	assert_string_equal(tell("get up.mtu", 0), "{\"up\":{\"mtu\":\"0 B\"}}");
	assert_int_equal(stop(), 0);
	assert_int_equal(stat(control, &st), -1);
}

static int connect_control(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	memcpy(at.sun_path, control, strlen(control));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* Rubbish, halves of lines, many connections: answered or cut, and the link goes on. */
static void test_control_socket_under_rubbish(void **state)
{
	static char rubbish[100000], reply[DGRAM];
	int fds[40], fd;

	(void)state;
	START("--control", control);
	for (size_t i = 0; i < sizeof(rubbish); i++)
		rubbish[i] = (char)(i * 7919 % 251);
	for (int i = 0; i < 40; i++)
		fds[i] = connect_control();
	for (int i = 0; i < 40; i++)
		(void)!send(fds[i], rubbish, sizeof(rubbish), MSG_NOSIGNAL | MSG_DONTWAIT);
	for (int i = 0; i < 40; i++)
		close(fds[i]);
	pass_up(0, "still there");

	memset(rubbish, 'x', 1000);
	fd = connect_control();
	assert_int_equal(send(fd, rubbish, 1000, MSG_NOSIGNAL), 1000);
	assert_int_equal(send(fd, "\nget up.ra", 10, MSG_NOSIGNAL), 10);
	assert_int_equal(send(fd, "te\r\n", 4, MSG_NOSIGNAL), 4);
	for (size_t n = 0; !strstr(reply, "}}\n");) {
		ssize_t got = recv(fd, reply + n, sizeof(reply) - 1 - n, 0);

		assert_true(got > 0);
		n += (size_t)got;
	}
	assert_string_equal(reply, "error: a command has at most 200 bytes\n{\"up\":{\"rate\":\"unlimited\"}}\n");
	close(fd);
	assert_int_equal(stop(), 0);
}

static void test_schedule(void **state)
{
	struct sockaddr_storage before, after;

	(void)state;
	START("--at", "600ms", "rebind", "--at", "700ms", "set", "up.loss", "100", "%", "--show");
	before = pass_up(0, "one");
	program_wait_output(&link_, "event=rebind", 0);
	assert_non_null(strstr(link_.output, "event=scheduled command=rebind s=0.600"));
	program_wait_output(&link_, "command=set s=0.700", 0);
	send_text(clients[0], &link_addr, "lost");
	program_wait_output(&link_, "event=lost number=2 ", 0);
	after = before;
	send_text(target, &after, "to the old port");
	assert_string_equal(hear(clients[0], SILENCE_MS, NULL), "");
	assert_int_equal(stop(), 0);
}

static void test_nat_forgets(void **state)
{
	struct sockaddr_storage first, second;

	(void)state;
	START("--nat-timeout=200ms", "--max-clients=2");
	first = pass_up(0, "one");
	program_wait_output(&link_, "event=nat_timeout", 0);
	second = pass_up(0, "two");
	assert_int_not_equal(port_of(&first), port_of(&second));
	for (int i = 0; i < 3; i++)
		pass_up(i, "full");
	program_wait_output(&link_, "event=replaced", 0);
	assert_int_equal(stop(), 0);
}

static uint32_t big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* All that was sent, lost or not; the answer's ports are those of client and target. */
static void test_capture(void **state)
{
	static uint8_t bytes[8192];
	struct sockaddr_storage from;
	const uint8_t *p = bytes + 24;
	FILE *f;
	size_t n;

	(void)state;
	START("--capture", capture, "--control", control, "--show");
	from = pass_up(0, "hello");
	send_text(target, &from, "answer");
	assert_string_equal(hear(clients[0], PATIENCE_MS, NULL), "answer");
	tell("set loss 100 %", 0);
	send_text(clients[0], &link_addr, "lost");
	program_wait_output(&link_, "event=lost", 0);
	f = fopen(capture, "r"); /* while it runs */
	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_int_equal(n, 24 + 3 * (16 + HEADERS) + 5 + 6 + 4);
	assert_int_equal(big_endian(bytes), 0xa1b23c4d);
	assert_true((time_t)big_endian(p) >= time(NULL) - 60 && (time_t)big_endian(p) <= time(NULL));
	assert_int_equal(big_endian(p + 8), HEADERS + 5);
	assert_int_equal(p[16 + 20] << 8 | p[16 + 21], local_port(clients[0]));
	assert_int_equal(p[16 + 22] << 8 | p[16 + 23], local_port(target));
	assert_memory_equal(p + 16 + HEADERS, "hello", 5);
	p += 16 + HEADERS + 5;
	assert_int_equal(p[16 + 20] << 8 | p[16 + 21], local_port(target));
	assert_int_equal(p[16 + 22] << 8 | p[16 + 23], local_port(clients[0]));
	assert_memory_equal(p + 16 + HEADERS, "answer", 6);
	p += 16 + HEADERS + 6;
	assert_memory_equal(p + 16 + HEADERS, "lost", 4);
	assert_int_equal(stop(), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_shot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clients_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ipv6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate_on_real_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_control_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_control_socket_under_rubbish, setup, teardown),
		cmocka_unit_test_setup_teardown(test_schedule, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nat_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_capture, setup, teardown),
	};
	int failed;

	if (argc != 2 || !mkdtemp(folder)) {
		fprintf(stderr, "usage: relay_test PROGRAM\n");
		return 2;
	}
	program_path = argv[1];
	snprintf(control, sizeof(control), "%s/control", folder);
	snprintf(capture, sizeof(capture), "%s/capture.pcap", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
