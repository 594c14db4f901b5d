#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "link/sockaddr.h"

/* The file under test, with a system that can be told to refuse. */
static int refusals, refusal;
static ssize_t refusing_sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len);
#define sendto refusing_sendto
#include "link/udp.c" /* NOLINT */
#undef sendto

static ssize_t refusing_sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	if (refusals == 0)
		return sendto(fd, p, n, flags, to, len);
	refusals--;
	errno = refusal;
	return -1;
}

struct side {
	struct th_udp *udp;
	size_t count, writable, max_in_step;
	struct th_addr from;
	size_t len;
	uint8_t first, last;
};

static void on_rx(void *user, const struct th_addr *from, const uint8_t *p, size_t n)
{
	struct side *s = user;

	s->count++;
	s->from = *from;
	s->len = n;
	s->first = n ? p[0] : 0;
	s->last = n ? p[n - 1] : 0;
}

static void on_writable(void *user)
{
	((struct side *)user)->writable++;
}

static const struct th_udp_ops test_ops = { on_rx, on_writable };

static bool open_side(struct side *s, struct th_loop *loop, const char *host)
{
	enum th_err err;

	*s = (struct side){ 0 };
	s->udp = th_udp_new(loop, &th_mem_libc, host, 0, &test_ops, s, &err);
	if (!s->udp)
		printf("no socket on %s: %s\n", host, th_strerror(err));
	return s->udp != NULL;
}

static void wait_for(struct th_loop *loop, const struct side *s, size_t count)
{
	for (int i = 0; i < 100 && s->count < count; i++)
		th_loop_step(loop, 20 * TH_MS);
	assert_int_equal(s->count, count);
}

static struct th_addr at(const char *host, const struct th_udp *u)
{
	struct th_addr a;

	assert_true(th_addr_parse(&a, host, th_udp_local(u).port));
	return a;
}

static void both_ways(const char *server_host, const char *client_host, const char *to_host)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct side server, client;
	struct th_addr to;

	if (!open_side(&server, loop, server_host) || !open_side(&client, loop, client_host))
		skip();
	to = at(to_host, server.udp);
	assert_int_equal(th_udp_send(client.udp, &to, (const uint8_t *)"ping", 4), TH_OK);
	wait_for(loop, &server, 1);
	assert_int_equal(server.len, 4);
	assert_int_equal(server.first, 'p');
	assert_int_equal(server.from.port, th_udp_local(client.udp).port);
	assert_int_equal(th_udp_send(server.udp, &server.from, (const uint8_t *)"x", 1), TH_OK);
	wait_for(loop, &client, 1);
	assert_true(th_addr_eq(&client.from, &to));
	th_udp_del(client.udp);
	th_udp_del(server.udp);
	th_loop_del(loop);
}

static void v4_to_v4(void **state)
{
	(void)state;
	both_ways("127.0.0.1", "127.0.0.1", "127.0.0.1");
}

static void v6_to_v6(void **state)
{
	(void)state;
	both_ways("::1", "::1", "::1");
}

static void v4_to_dual(void **state)
{
	(void)state;
	both_ways("::", "127.0.0.1", "127.0.0.1");
}

static void dual_to_v4(void **state)
{
	(void)state;
	both_ways("127.0.0.1", "::", "127.0.0.1");
}

static void dual_to_v6(void **state)
{
	(void)state;
	both_ways("::1", "::", "::1");
}

static void v6_from_a_v4_socket_is_unsupported(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct side s;
	struct th_addr to;

	(void)state;
	assert_true(open_side(&s, loop, "127.0.0.1"));
	assert_true(th_addr_parse(&to, "::1", 9));
	assert_int_equal(th_udp_send(s.udp, &to, (const uint8_t *)"x", 1), TH_ERR_UNSUPPORTED);
	th_udp_del(s.udp);
	th_loop_del(loop);
}

static void sizes_from_nothing_to_the_largest(void **state)
{
	static const size_t sizes[] = { 0, 1, 1200, 1500, 9000, TH_UDP_MAX };
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	uint8_t *p = calloc(1, TH_UDP_MAX + 1);
	struct side s;
	struct th_addr to;

	(void)state;
	assert_true(open_side(&s, loop, "127.0.0.1"));
	to = th_udp_local(s.udp);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i])
			p[sizes[i] - 1] = (uint8_t)(i + 1);
		assert_int_equal(th_udp_send(s.udp, &to, p, sizes[i]), TH_OK);
		wait_for(loop, &s, i + 1);
		assert_int_equal(s.len, sizes[i]);
		assert_int_equal(s.last, sizes[i] ? i + 1 : 0);
	}
	assert_int_equal(th_udp_send(s.udp, &to, p, TH_UDP_MAX + 1), TH_ERR_TOO_LARGE);
	free(p);
	th_udp_del(s.udp);
	th_loop_del(loop);
}

static void one_turn_takes_a_bounded_batch(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct side s;
	struct th_addr to;
	uint8_t byte = 7;

	(void)state;
	assert_true(open_side(&s, loop, "127.0.0.1"));
	to = th_udp_local(s.udp);
	for (int i = 0; i < 100; i++)
		assert_int_equal(th_udp_send(s.udp, &to, &byte, 1), TH_OK);
	th_loop_step(loop, 100 * TH_MS);
	assert_int_equal(s.count, 64);
	wait_for(loop, &s, 100);
	th_udp_del(s.udp);
	th_loop_del(loop);
}

/* Nobody listens there: ICMP may come back; neither sending nor receiving may suffer. */
static void a_dead_peer_does_not_disturb_the_others(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct side a, b;
	struct th_addr dead, alive;

	(void)state;
	assert_true(open_side(&a, loop, "127.0.0.1"));
	assert_true(open_side(&b, loop, "127.0.0.1"));
	dead = th_udp_local(b.udp);
	th_udp_del(b.udp);
	assert_true(open_side(&b, loop, "127.0.0.1"));
	alive = th_udp_local(b.udp);
	for (size_t i = 1; i <= 20; i++) {
		if (!th_addr_eq(&dead, &alive))
			assert_int_equal(th_udp_send(a.udp, &dead, (const uint8_t *)"x", 1), TH_OK);
		assert_int_equal(th_udp_send(a.udp, &alive, (const uint8_t *)"x", 1), TH_OK);
		wait_for(loop, &b, i);
	}
	th_udp_del(a.udp);
	th_udp_del(b.udp);
	th_loop_del(loop);
}

static void a_full_socket_says_when_it_takes_more(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct side s;
	struct th_addr to;

	(void)state;
	assert_true(open_side(&s, loop, "127.0.0.1"));
	to = th_udp_local(s.udp);
	refusals = 1;
	refusal = EAGAIN;
	assert_int_equal(th_udp_send(s.udp, &to, (const uint8_t *)"x", 1), TH_ERR_FULL);
	assert_int_equal(s.writable, 0);
	th_loop_step(loop, 20 * TH_MS);
	assert_int_equal(s.writable, 1);
	assert_int_equal(th_udp_send(s.udp, &to, (const uint8_t *)"x", 1), TH_OK);
	wait_for(loop, &s, 1);
	assert_int_equal(s.writable, 1); /* told once */
	th_udp_del(s.udp);
	th_loop_del(loop);
}

static void what_the_system_says_to_a_datagram(void **state)
{
	static const struct {
		int error, times;
		enum th_err want;
		size_t arrive;
	} cases[] = {
		{ ECONNREFUSED, 1, TH_OK, 1 }, /* an older one's fate: this one is sent */
		{ ECONNREFUSED, 2, TH_OK, 0 }, { ENETUNREACH, 1, TH_OK, 0 }, { EHOSTUNREACH, 1, TH_OK, 0 },
		{ EPERM, 1, TH_OK, 0 },	       { ENOBUFS, 1, TH_OK, 0 },     { EMSGSIZE, 1, TH_ERR_TOO_LARGE, 0 },
	};
	struct th_loop *loop = th_loop_new(&th_mem_libc);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct side s;
		struct th_addr to;

		assert_true(open_side(&s, loop, "127.0.0.1"));
		to = th_udp_local(s.udp);
		refusals = cases[i].times;
		refusal = cases[i].error;
		assert_int_equal(th_udp_send(s.udp, &to, (const uint8_t *)"x", 1), cases[i].want);
		refusals = 0;
		for (int k = 0; k < 3; k++)
			th_loop_step(loop, 2 * TH_MS);
		assert_int_equal(s.count, cases[i].arrive);
		th_udp_del(s.udp);
	}
	th_loop_del(loop);
}

static void bad_hosts_and_taken_ports(void **state)
{
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	struct side s;
	enum th_err err = TH_OK;

	(void)state;
	assert_null(th_udp_new(loop, &th_mem_libc, "localhost", 0, &test_ops, NULL, &err));
	assert_int_equal(err, TH_ERR_INVALID);
	assert_true(open_side(&s, loop, "127.0.0.1"));
	assert_null(th_udp_new(loop, &th_mem_libc, "127.0.0.1", th_udp_local(s.udp).port, &test_ops, NULL, &err));
	assert_int_equal(err, TH_ERR_IO);
	assert_int_equal(errno, EADDRINUSE);
	th_udp_del(s.udp);
	th_loop_del(loop);
}

static void overhead_is_the_headers(void **state)
{
	struct th_addr a;

	(void)state;
	assert_true(th_addr_parse(&a, "127.0.0.1", 1));
	assert_int_equal(th_addr_overhead(&a), 28);
	assert_true(th_addr_parse(&a, "::1", 1));
	assert_int_equal(th_addr_overhead(&a), 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v4_to_v4),
		cmocka_unit_test(v6_to_v6),
		cmocka_unit_test(v4_to_dual),
		cmocka_unit_test(dual_to_v4),
		cmocka_unit_test(dual_to_v6),
		cmocka_unit_test(v6_from_a_v4_socket_is_unsupported),
		cmocka_unit_test(sizes_from_nothing_to_the_largest),
		cmocka_unit_test(one_turn_takes_a_bounded_batch),
		cmocka_unit_test(a_dead_peer_does_not_disturb_the_others),
		cmocka_unit_test(a_full_socket_says_when_it_takes_more),
		cmocka_unit_test(what_the_system_says_to_a_datagram),
		cmocka_unit_test(bad_hosts_and_taken_ports),
		cmocka_unit_test(overhead_is_the_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
