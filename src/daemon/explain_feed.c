#include "daemon/explain_feed.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "explain/frame.h"
#include "program/local_socket.h"

enum { WAITING_MAX = 1 << 20 /* bytes that one reader has not taken yet */ };

struct reader {
	struct th_explain_feed *owner;
	struct th_watch watch; /* fd -1: free */
	struct th_buf out;
	uint32_t left_out;
};

struct th_explain_feed {
	const struct th_mem *mem; /* borrowed, as are the next two */
	struct th_loop *loop;
	struct th_node *node;
	struct th_watch watch;
	char path[TH_LOCAL_SOCKET_PATH + 1];
	struct reader readers[TH_FEED_READERS];
	unsigned n;
};

static void hang_up(struct reader *r)
{
	int fd = r->watch.fd;

	th_loop_unwatch(r->owner->loop, &r->watch);
	close(fd);
	r->watch.fd = -1;
	th_buf_free(&r->out);
	if (--r->owner->n == 0)
		(void)th_node_watch(r->owner->node, NULL, NULL);
}

/* Sends what it takes; false when it has gone. */
static bool flush(struct reader *r)
{
	while (r->out.n > 0) {
		ssize_t n = send(r->watch.fd, th_buf_data(&r->out), r->out.n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n < 0)
			break;
		th_buf_consume(&r->out, (size_t)n);
	}
	return th_loop_change(r->owner->loop, &r->watch, EPOLLIN | (r->out.n > 0 ? (uint32_t)EPOLLOUT : 0)) == TH_OK;
}

static void tell(struct reader *r, struct th_frame *frame)
{
	size_t need;
	uint8_t *p = NULL;

	frame->left_out = r->left_out;
	need = th_frame_write(frame, NULL, 0);
	if (need <= th_buf_room(&r->out))
		p = th_buf_reserve(&r->out, need);
	if (!p) {
		r->left_out++;
		return;
	}
	(void)th_frame_write(frame, p, need);
	th_buf_commit(&r->out, need);
	r->left_out = 0;
	if (!flush(r))
		hang_up(r);
}

static void on_coded(void *user, const struct th_coded *m)
{
	struct th_explain_feed *f = user;
	struct th_frame frame = {
		.is_response = m->is_response,
		.is_ours = m->is_ours,
		.coded = (uint32_t)m->coded,
	};

	if (th_costs_make(&frame.costs, f->mem, m->text, m->cost, m->n) == TH_OK) {
		frame.costs.bases = m->bases;
		for (unsigned i = 0; i < TH_FEED_READERS; i++)
			if (f->readers[i].watch.fd >= 0)
				tell(&f->readers[i], &frame);
		th_costs_free(&frame.costs, f->mem);
	}
}

static void ready(struct th_watch *w, uint32_t events)
{
	struct reader *r = TH_OWNER(w, struct reader, watch);
	char in[64];
	ssize_t n = 1;

	if (events & ~(uint32_t)EPOLLOUT) {
		n = recv(w->fd, in, sizeof(in), MSG_DONTWAIT); /* it has nothing to say but that it leaves */
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			n = 1;
	}
	if (n <= 0 || !flush(r))
		hang_up(r);
}

/* A free place, with the watch on; NULL: the log says why not. */
static struct reader *place(struct th_explain_feed *f)
{
	enum th_err err = TH_ERR_FULL;

	for (unsigned i = 0; i < TH_FEED_READERS; i++) {
		if (f->readers[i].watch.fd >= 0)
			continue;
		err = f->n ? TH_OK : th_node_watch(f->node, on_coded, f);
		if (err == TH_OK)
			return &f->readers[i];
		break;
	}
	th_log(TH_LOG_WARN, "explain", "err=\"%s\" hint=\"a reader of explain-socket was turned away\"",
	       th_strerror(err));
	return NULL;
}

static void acceptable(struct th_watch *w, uint32_t events)
{
	struct th_explain_feed *f = TH_OWNER(w, struct th_explain_feed, watch);
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct reader *r;

	(void)events;
	if (fd < 0)
		return;
	r = place(f);
	if (!r) {
		close(fd);
		return;
	}
	*r = (struct reader){ .owner = f, .watch = { .ready = ready, .fd = -1 } };
	th_buf_init(&r->out, f->mem, WAITING_MAX);
	f->n++;
	if (th_loop_watch(f->loop, &r->watch, fd, EPOLLIN) != TH_OK) {
		r->watch.fd = fd;
		hang_up(r);
	}
}

static const char *advice(void)
{
	return errno == EADDRINUSE     ? " (another thimble has it)"
	       : errno == EEXIST       ? " (it is no socket; name another path)"
	       : errno == ENAMETOOLONG ? " (a socket's path has at most 107 bytes)"
				       : "";
}

struct th_explain_feed *th_explain_feed_new(struct th_loop *loop, const struct th_mem *mem, struct th_node *node,
					    const char *path, struct th_complaints *c)
{
	struct th_explain_feed *f = th_alloc(mem, sizeof(*f));
	int fd = f ? th_local_socket_listen(path) : -1;

	if (f && fd >= 0) {
		*f = (struct th_explain_feed){ .mem = mem, .loop = loop, .node = node };
		f->watch = (struct th_watch){ .ready = acceptable, .fd = -1 };
		memcpy(f->path, path, strlen(path) + 1); /* the system has taken it */
		for (unsigned i = 0; i < TH_FEED_READERS; i++)
			f->readers[i].watch.fd = -1;
		if (th_loop_watch(loop, &f->watch, fd, EPOLLIN) == TH_OK)
			return f;
	}
	th_complain(c, "explain-socket = %s: %s%s", path, f ? strerror(errno) : th_strerror(TH_ERR_NO_MEMORY),
		    f ? advice() : "");
	if (fd >= 0)
		close(fd);
	th_free(mem, f);
	return NULL;
}

void th_explain_feed_del(struct th_explain_feed *f)
{
	int fd;

	if (!f)
		return;
	for (unsigned i = 0; i < TH_FEED_READERS; i++)
		if (f->readers[i].watch.fd >= 0)
			hang_up(&f->readers[i]);
	fd = f->watch.fd;
	th_loop_unwatch(f->loop, &f->watch);
	close(fd);
	unlink(f->path);
	th_free(f->mem, f);
}
