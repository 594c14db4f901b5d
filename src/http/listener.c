#include "http/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum {
	BACKLOG = 512,
	ACCEPT_BATCH = 64,
	SURPLUS_MAX = 32,    /* connections past the cap that are being told so */
	SURPLUS_RETRY_S = 5, /* Retry-After of their 503 */
	HOOK_PASSES = 4,     /* over the work list in one batch */
};

#define ACCEPT_RETRY (100 * TH_MS)

const struct th_listener_limits th_listener_limits_default = {
	.head_bytes = 32 * 1024,
	.target_bytes = TH_TARGET_MAX,
	.fields = 100,
	.body_bytes = 128 * 1024 * 1024,
	.connections = 1024,
	.idle_timeout = 75 * TH_SEC,
	.head_timeout = 15 * TH_SEC,
	.body_timeout = 30 * TH_SEC,
	.write_timeout = 30 * TH_SEC,
	.drain_timeout = 2 * TH_SEC,
};

/* What the neutral head can hold bounds what may be configured. */
static struct th_listener_limits clamped(const struct th_listener_limits *from)
{
	struct th_listener_limits l = *from;

	if (l.head_bytes > TH_HEAD_BYTES_MAX)
		l.head_bytes = TH_HEAD_BYTES_MAX;
	if (l.target_bytes > TH_TARGET_MAX)
		l.target_bytes = TH_TARGET_MAX;
	if (l.fields > TH_HEAD_FIELDS_MAX)
		l.fields = TH_HEAD_FIELDS_MAX;
	if (l.body_bytes > INT64_MAX)
		l.body_bytes = INT64_MAX;
	return l;
}

static struct conn *add(struct th_listener *l, int fd)
{
	struct conn *c = th_alloc(l->mem, sizeof(*c));
	int on = 1;

	if (!c) {
		close(fd);
		return NULL;
	}
	conn_init(c, l);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (th_loop_watch(l->loop, &c->watch, fd, EPOLLIN | EPOLLRDHUP) != TH_OK) {
		close(fd);
		th_free(l->mem, c);
		return NULL;
	}
	th_list_push(&l->conns, &c->link);
	l->stats.accepted++;
	return c;
}

/* Past the cap a few connections are told so and closed the clean way; the rest just closes. */
static void add_surplus(struct th_listener *l, int fd)
{
	static const struct th_failure full = { TH_ERR_FULL, 503, "Too many connections", SURPLUS_RETRY_S };
	struct conn *c;

	if (l->surplus >= SURPLUS_MAX) {
		close(fd);
		l->stats.refused++;
		return;
	}
	c = add(l, fd);
	if (!c)
		return;
	c->surplus = true;
	l->surplus++;
	conn_fail(c, &full);
	conn_finish(c);
}

static void pause_accepting(struct th_listener *l)
{
	if (!l->complained)
		th_log(TH_LOG_WARN, "accept_paused", "errno=%d open=%zu", errno, l->stats.connections);
	l->complained = true;
	th_loop_change(l->loop, &l->watch, 0);
	th_loop_alarm(l->loop, &l->retry, th_time_add(th_loop_now(l->loop), ACCEPT_RETRY));
}

static void on_retry(struct th_alarm *a, th_time now)
{
	struct th_listener *l = TH_OWNER(a, struct th_listener, retry);

	(void)now;
	if (!l->draining)
		th_loop_change(l->loop, &l->watch, EPOLLIN);
}

static void on_accept(struct th_watch *w, uint32_t events)
{
	struct th_listener *l = TH_OWNER(w, struct th_listener, watch);

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct conn *c;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				pause_accepting(l);
			return;
		}
		l->complained = false;
		if (l->stats.connections >= l->limits.connections) {
			add_surplus(l, fd);
			continue;
		}
		c = add(l, fd);
		if (!c)
			continue;
		l->stats.connections++;
		conn_ready(&c->watch, EPOLLIN); /* the request is often there already */
	}
}

static void bury(struct th_listener *l)
{
	struct th_list *it;

	while ((it = th_list_pop(&l->dead)) != NULL) {
		struct conn *c = TH_OWNER(it, struct conn, link);

		th_buf_free(&c->in);
		th_buf_free(&c->out);
		th_free(l->mem, c);
	}
}

static void on_hook(struct th_hook *h, th_time now)
{
	struct th_listener *l = TH_OWNER(h, struct th_listener, hook);

	(void)now;
	for (int pass = 0; pass < HOOK_PASSES && !th_list_empty(&l->work); pass++) {
		struct th_list last;
		struct th_list *it;

		/* What is added from here on waits for the next pass. */
		th_list_init(&last);
		th_list_push(&l->work, &last);
		while ((it = th_list_pop(&l->work)) != &last)
			conn_service(TH_OWNER(it, struct conn, work));
	}
	bury(l);
	if (th_list_empty(&l->work))
		th_loop_cancel(l->loop, &l->wake);
	else
		th_loop_alarm(l->loop, &l->wake, now);
}

static void on_wake(struct th_alarm *a, th_time now)
{
	/* It only keeps the loop from sleeping; the hook does the work. */
	(void)a;
	(void)now;
}

static socklen_t address(struct sockaddr_storage *ss, const char *host, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		return sizeof(*v6);
	}
	return 0;
}

/* A listening descriptor, or -1 with errno; *port is what it was bound to. */
static int listen_on(const struct sockaddr_storage *ss, socklen_t len, uint16_t *port)
{
	struct sockaddr_storage bound = { 0 };
	socklen_t bound_len = sizeof(bound);
	int on = 1;
	int fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)ss, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &bound_len) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	/* The port is at the same place in both. */
	*port = ntohs(((const struct sockaddr_in *)(const void *)&bound)->sin_port);
	return fd;
}

struct th_listener *th_listener_new(struct th_loop *loop, const struct th_mem *mem, const char *host, uint16_t port,
				    const struct th_listener_limits *limits, struct th_flow_server *server,
				    enum th_err *err)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss, host, port);
	struct th_listener *l;
	int fd;

	*err = TH_ERR_INVALID;
	if (!len)
		return NULL;
	*err = TH_ERR_NO_MEMORY;
	l = th_alloc(mem, sizeof(*l));
	if (!l)
		return NULL;
	l->loop = loop;
	l->mem = mem;
	l->server = server;
	l->limits = clamped(limits);
	l->watch.ready = on_accept;
	l->retry.fire = on_retry;
	l->wake.fire = on_wake;
	l->hook.run = on_hook;
	th_list_init(&l->conns);
	th_list_init(&l->work);
	th_list_init(&l->dead);
	*err = TH_ERR_IO;
	fd = listen_on(&ss, len, &l->port);
	if (fd < 0)
		goto fail;
	if (th_loop_watch(loop, &l->watch, fd, EPOLLIN) != TH_OK) {
		close(fd);
		goto fail;
	}
	th_loop_hook(loop, &l->hook);
	*err = TH_OK;
	return l;
fail:
	th_free(mem, l);
	return NULL;
}

static void stop_accepting(struct th_listener *l)
{
	int fd = l->watch.fd;

	if (fd < 0)
		return;
	th_loop_cancel(l->loop, &l->retry);
	th_loop_unwatch(l->loop, &l->watch);
	close(fd);
}

void th_listener_del(struct th_listener *l)
{
	if (!l)
		return;
	stop_accepting(l);
	while (!th_list_empty(&l->conns))
		conn_cut(TH_OWNER(l->conns.next, struct conn, link));
	bury(l);
	th_loop_cancel(l->loop, &l->wake);
	th_list_remove(&l->hook.link);
	th_free(l->mem, l);
}

uint16_t th_listener_port(const struct th_listener *l)
{
	return l->port;
}

void th_listener_drain(struct th_listener *l)
{
	l->draining = true;
	stop_accepting(l);
	TH_LIST_EACH(it, &l->conns)
	conn_schedule(TH_OWNER(it, struct conn, link)); /* the idle ones end when they settle */
}

void th_listener_set_limits(struct th_listener *l, const struct th_listener_limits *limits)
{
	l->limits = clamped(limits);
}

void th_listener_stats(const struct th_listener *l, struct th_listener_stats *out)
{
	*out = l->stats;
}
