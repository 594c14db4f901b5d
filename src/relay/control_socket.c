#include "relay/control_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "program/local_socket.h"

struct connection {
	struct th_control_socket *owner;
	struct th_watch watch; /* fd -1: free */
	char line[TH_EMU_LINE_MAX + 2];
	size_t n;
	bool skipping; /* the rest of a line that was too long */
};

struct th_control_socket {
	const struct th_mem *mem; /* borrowed, as are the next two */
	struct th_loop *loop;
	struct th_emu_control *control;
	struct th_watch watch;
	char at[TH_LOCAL_SOCKET_PATH + 1];
	struct connection connections[TH_CONTROL_CONNECTIONS];
	char reply[TH_EMU_REPLY_MAX + 1];
};

static void hang_up(struct connection *k)
{
	int fd = k->watch.fd;

	th_loop_unwatch(k->owner->loop, &k->watch);
	close(fd);
}

/* A client that does not take a few kilobytes is cut. */
static bool answer(struct connection *k, const char *line)
{
	struct th_control_socket *s = k->owner;
	size_t n;

	if (strlen(line) > TH_EMU_LINE_MAX)
		snprintf(s->reply, TH_EMU_REPLY_MAX, "error: a command has at most %d bytes", (int)TH_EMU_LINE_MAX);
	else
		th_emu_control_line(s->control, line, th_loop_now(s->loop), s->reply);
	n = strlen(s->reply);
	s->reply[n++] = '\n';
	return send(k->watch.fd, s->reply, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}

/* One byte of what came: false when the connection is to end. */
static bool take(struct connection *k, char c)
{
	if (c == '\n') {
		k->line[k->n] = '\0';
		k->n = 0;
		return answer(k, k->line);
	}
	if (c == '\r')
		return true;
	if (k->n < sizeof(k->line) - 1) /* one more than a line may have: then it is refused whole */
		k->line[k->n++] = c ? c : '?';
	return true;
}

static void readable(struct th_watch *w, uint32_t events)
{
	struct connection *k = TH_OWNER(w, struct connection, watch);
	char in[1024];
	ssize_t n = recv(w->fd, in, sizeof(in), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	for (ssize_t i = 0; i < n; i++)
		if (!take(k, in[i])) {
			n = 0;
			break;
		}
	if (n <= 0)
		hang_up(k);
}

static void acceptable(struct th_watch *w, uint32_t events)
{
	struct th_control_socket *s = TH_OWNER(w, struct th_control_socket, watch);
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	for (size_t i = 0; i < TH_CONTROL_CONNECTIONS; i++) {
		struct connection *k = &s->connections[i];

		if (k->watch.fd >= 0)
			continue;
		*k = (struct connection){ .owner = s, .watch = { .ready = readable, .fd = -1 } };
		if (th_loop_watch(s->loop, &k->watch, fd, EPOLLIN) == TH_OK)
			return;
		break;
	}
	close(fd); /* no room */
}

struct th_control_socket *th_control_socket_new(struct th_loop *loop, const struct th_mem *mem, const char *path,
						struct th_emu_control *control)
{
	struct th_control_socket *s = th_alloc(mem, sizeof(*s));
	int fd, saved;

	if (!s)
		return NULL;
	*s = (struct th_control_socket){ .mem = mem, .loop = loop, .control = control };
	s->watch = (struct th_watch){ .ready = acceptable, .fd = -1 };
	for (size_t i = 0; i < TH_CONTROL_CONNECTIONS; i++)
		s->connections[i].watch.fd = -1;
	if (strlen(path) < sizeof(s->at))
		memcpy(s->at, path, strlen(path) + 1); /* the system refuses longer ones */
	fd = th_local_socket_listen(path);
	if (fd >= 0 && th_loop_watch(loop, &s->watch, fd, EPOLLIN) == TH_OK)
		return s;
	saved = errno;
	if (fd >= 0)
		close(fd);
	th_free(mem, s);
	errno = saved;
	return NULL;
}

void th_control_socket_del(struct th_control_socket *s)
{
	int fd;

	if (!s)
		return;
	for (size_t i = 0; i < TH_CONTROL_CONNECTIONS; i++)
		if (s->connections[i].watch.fd >= 0)
			hang_up(&s->connections[i]);
	fd = s->watch.fd;
	th_loop_unwatch(s->loop, &s->watch);
	close(fd);
	unlink(s->at);
	th_free(s->mem, s);
}

/* ---- the other side ---- */

static enum th_err converse(int fd, const char *line, char reply[static TH_EMU_REPLY_MAX])
{
	size_t have = 0;

	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 || send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		return TH_ERR_IO;
	while (have + 1 < TH_EMU_REPLY_MAX) {
		ssize_t n = recv(fd, reply + have, TH_EMU_REPLY_MAX - 1 - have, 0);

		if (n < 0)
			return errno == EAGAIN ? TH_ERR_TIMEOUT : TH_ERR_IO;
		if (n == 0)
			return TH_ERR_CLOSED;
		have += (size_t)n;
		reply[have] = '\0';
		if (reply[have - 1] == '\n') {
			reply[have - 1] = '\0';
			return TH_OK;
		}
	}
	return TH_ERR_CLOSED;
}

enum th_err th_control_tell(const char *path, const char *line, int patience_ms, char reply[static TH_EMU_REPLY_MAX])
{
	enum { MS = 1000 };
	const struct timeval patience = { patience_ms / MS, patience_ms % MS * MS };
	int fd = th_local_socket_connect(path), saved;
	enum th_err err;

	if (fd < 0)
		return TH_ERR_IO;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	err = converse(fd, line, reply);
	saved = errno;
	close(fd);
	errno = saved;
	return err;
}
