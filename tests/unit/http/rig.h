/* A listener with a scripted server behind it and real clients on 127.0.0.1 before it, all in one thread. */
#ifndef TH_RIG_H
#define TH_RIG_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "failmem.h"
#include "fake_server.h"
#include "http/listener.h"

enum { RIG_TEXT = 1 << 20, RIG_PATIENCE_MS = 10000 };

struct rig {
	struct failmem mem;
	struct th_loop *loop;
	struct fake_server fake;
	struct th_listener_limits limits;
	struct th_listener *l;
	struct th_listener_stats stats; /* of the last rig_step() */
};

struct client {
	struct rig *rig;
	int fd;
	char *text; /* what came, RIG_TEXT bytes of room, NUL-terminated */
	size_t n;
	uint64_t total;
	bool counting; /* only count and compare with fake_byte(), keep no text */
	bool eof, reset;
};

static inline th_time rig_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (th_time)ts.tv_sec * TH_SEC + (th_time)ts.tv_nsec;
}

static inline void rig_open(struct rig *r)
{
	enum th_err err;

	memset(r, 0, sizeof(*r));
	failmem_init(&r->mem, 0);
	fake_init(&r->fake);
	r->limits = th_listener_limits_default;
	r->loop = th_loop_new(&th_mem_libc);
	assert_non_null(r->loop);
	r->l = th_listener_new(r->loop, &r->mem.mem, "127.0.0.1", 0, &r->limits, &r->fake.server, &err);
	assert_non_null(r->l);
}

static inline void rig_step(struct rig *r)
{
	assert_int_equal(th_loop_step(r->loop, 5 * TH_MS), TH_OK);
	th_listener_stats(r->l, &r->stats);
}

/* For limits changed by the test: connections made from here on have them. */
static inline void rig_apply(struct rig *r)
{
	th_listener_set_limits(r->l, &r->limits);
}

#define rig_until(r, cond)                                                                                             \
	do {                                                                                                           \
		th_time until_ = rig_clock() + RIG_PATIENCE_MS * TH_MS;                                                \
		rig_step(r);                                                                                           \
		while (!(cond)) {                                                                                      \
			if (rig_clock() > until_)                                                                      \
				fail_msg("not in time: %s", #cond);                                                    \
			rig_step(r);                                                                                   \
		}                                                                                                      \
	} while (0)

static inline void rig_close(struct rig *r)
{
	th_listener_del(r->l);
	assert_int_equal(r->fake.open, 0);
	assert_int_equal(r->mem.live, 0);
	th_loop_del(r->loop);
}

/* Before anything is sent the listener has accepted. */
static inline struct client client_open(struct rig *r)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(th_listener_port(r->l)) };
	struct client c = { .rig = r };
	int on = 1;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c.fd >= 0);
	assert_int_equal(connect(c.fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c.text = calloc(1, RIG_TEXT);
	assert_non_null(c.text);
	return c;
}

static inline void client_close(struct client *c)
{
	close(c->fd);
	free(c->text);
	c->text = NULL;
}

/* Reads what is there. */
static inline void client_read(struct client *c)
{
	char piece[65536];
	ssize_t n;

	while (!c->eof && (n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT)) != -1) {
		if (n == 0)
			c->eof = true;
		c->total += (uint64_t)n;
		if (c->counting)
			continue;
		assert_true(c->n + (size_t)n < RIG_TEXT);
		memcpy(c->text + c->n, piece, (size_t)n);
		c->n += (size_t)n;
		c->text[c->n] = '\0';
	}
	if (!c->eof && errno == ECONNRESET)
		c->eof = c->reset = true;
}

static inline bool client_has(struct client *c, const char *what)
{
	client_read(c);
	return strstr(c->text, what) != NULL;
}

static inline bool client_eof(struct client *c)
{
	client_read(c);
	return c->eof;
}

/* Sends all, stepping the loop where the socket is full. */
static inline void client_send(struct client *c, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t sent = send(c->fd, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0) {
			assert_int_equal(errno, EAGAIN);
			rig_step(c->rig);
			continue;
		}
		at += sent;
		n -= (size_t)sent;
	}
}

static inline void client_say(struct client *c, const char *text)
{
	client_send(c, text, strlen(text));
}

/* What came so far with every Date made "*", then forgotten. Valid until the client reads again. */
static inline const char *client_take(struct client *c)
{
	char *d = c->text;

	client_read(c);
	while ((d = strstr(d, "Date: ")) != NULL) {
		char *end = strstr(d, "\r\n");

		assert_non_null(end);
		assert_int_equal(end - d, 6 + 29);
		d[6] = '*';
		memmove(d + 7, end, strlen(end) + 1);
		d += 7;
	}
	c->n = 0;
	return c->text;
}

#endif
