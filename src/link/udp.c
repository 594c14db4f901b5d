#include "link/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/sockaddr.h"

enum {
	UDP_BATCH = 16,		      /* datagrams per system call */
	UDP_ROUNDS = 4,		      /* system calls per readiness: 64 datagrams, then others get their turn */
	UDP_SLOT = 65536,	      /* a datagram always fits; pages that none reached cost no memory */
	UDP_BUFFER = 4 * 1024 * 1024, /* asked of the system, which may give less */
};

struct th_udp {
	const struct th_mem *mem;     /* borrowed */
	struct th_loop *loop;	      /* borrowed */
	const struct th_udp_ops *ops; /* borrowed */
	void *user;
	struct th_watch watch;
	int family;
	struct th_addr local;
	uint8_t *slots; /* owned: UDP_BATCH times UDP_SLOT */
	struct mmsghdr msgs[UDP_BATCH];
	struct iovec iovs[UDP_BATCH];
	struct sockaddr_storage froms[UDP_BATCH];
};

static int receive(struct th_udp *u)
{
	for (size_t i = 0; i < UDP_BATCH; i++) {
		u->iovs[i] = (struct iovec){ u->slots + i * UDP_SLOT, UDP_SLOT };
		u->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &u->froms[i],
			.msg_namelen = sizeof(u->froms[i]),
			.msg_iov = &u->iovs[i],
			.msg_iovlen = 1,
		};
	}
	return recvmmsg(u->watch.fd, u->msgs, UDP_BATCH, MSG_DONTWAIT, NULL);
}

static void deliver(struct th_udp *u, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct th_addr from;

		if (th_sockaddr_read(&from, &u->froms[i]))
			u->ops->rx(u->user, &from, u->slots + i * UDP_SLOT, u->msgs[i].msg_len);
	}
}

static void readable(struct th_udp *u)
{
	for (int round = 0; round < UDP_ROUNDS; round++) {
		int n = receive(u);

		/* ICMP's answer to an earlier send (ECONNREFUSED and kin) concerns one peer of many: not ours to act
		 * on. */
		if (n < 0 && errno != EAGAIN)
			continue;
		if (n <= 0)
			return;
		deliver(u, (size_t)n);
		if (n < UDP_BATCH)
			return;
	}
}

static void ready(struct th_watch *w, uint32_t events)
{
	struct th_udp *u = TH_OWNER(w, struct th_udp, watch);

	if (events & EPOLLOUT) {
		th_loop_change(u->loop, w, EPOLLIN);
		u->ops->writable(u->user);
	}
	if (events & (EPOLLIN | EPOLLERR))
		readable(u);
}

/* Bursts of a large body arrive faster than one turn of the loop. FORCE works with CAP_NET_ADMIN only; both may fail.
 */
static void ask_for_room(int fd)
{
	int bytes = UDP_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

/* A bound socket or -1 with errno. */
static int bound_socket(const struct th_addr *at, int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage sa;
	socklen_t len = th_sockaddr_of(&sa, at, family);
	int off = 0;
	int saved;

	if (fd < 0)
		return -1;
	ask_for_room(fd);
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
		goto fail;
	if (bind(fd, (const struct sockaddr *)&sa, len) == 0)
		return fd;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool no_ipv6_here(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

static int open_socket(const struct th_addr *at, int *family)
{
	static const struct th_addr any = { 0 };
	struct th_addr v4;
	int fd;

	*family = th_addr_is_v4(at) ? AF_INET : AF_INET6;
	fd = bound_socket(at, *family);
	if (fd >= 0 || !no_ipv6_here(errno) || memcmp(at->ip, any.ip, sizeof(any.ip)) != 0)
		return fd;
	if (!th_addr_parse(&v4, "0.0.0.0", at->port))
		return -1;
	*family = AF_INET;
	return bound_socket(&v4, *family);
}

static bool read_local(struct th_udp *u, int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 && th_sockaddr_read(&u->local, &sa);
}

struct th_udp *th_udp_new(struct th_loop *loop, const struct th_mem *mem, const char *host, uint16_t port,
			  const struct th_udp_ops *ops, void *user, enum th_err *err)
{
	struct th_udp *u = th_alloc(mem, sizeof(*u));
	struct th_addr at;
	int fd, saved;

	*err = TH_ERR_NO_MEMORY;
	if (!u)
		return NULL;
	*u = (struct th_udp){ .mem = mem, .loop = loop, .ops = ops, .user = user };
	u->watch = (struct th_watch){ .ready = ready, .fd = -1 };
	u->slots = th_alloc(mem, UDP_BATCH * UDP_SLOT);
	if (!u->slots)
		goto fail;
	*err = TH_ERR_INVALID;
	if (!th_addr_parse(&at, host, port))
		goto fail;
	*err = TH_ERR_IO;
	fd = open_socket(&at, &u->family);
	if (fd < 0)
		goto fail;
	if (!read_local(u, fd) || th_loop_watch(loop, &u->watch, fd, EPOLLIN) != TH_OK) {
		saved = errno;
		close(fd);
		errno = saved;
		goto fail;
	}
	*err = TH_OK;
	return u;
fail:
	saved = errno;
	th_free(mem, u->slots);
	th_free(mem, u);
	errno = saved;
	return NULL;
}

void th_udp_del(struct th_udp *u)
{
	int fd;

	if (!u)
		return;
	fd = u->watch.fd;
	th_loop_unwatch(u->loop, &u->watch);
	close(fd);
	th_free(u->mem, u->slots);
	th_free(u->mem, u);
}

static enum th_err send_error(struct th_udp *u, int error)
{
	switch (error) {
	case EAGAIN:
		if (th_loop_change(u->loop, &u->watch, EPOLLIN | EPOLLOUT) == TH_OK)
			return TH_ERR_FULL;
		return TH_OK; /* lost: no readiness would ever be told */
	case EMSGSIZE:
		return TH_ERR_TOO_LARGE;
	default: /* no route, unreachable, a firewall: for a datagram, the same as lost further on */
		return TH_OK;
	}
}

enum th_err th_udp_send(struct th_udp *u, const struct th_addr *to, const uint8_t *p, size_t n)
{
	struct sockaddr_storage sa;
	socklen_t len = th_sockaddr_of(&sa, to, u->family);
	ssize_t sent;

	if (len == 0)
		return TH_ERR_UNSUPPORTED;
	if (n > TH_UDP_MAX)
		return TH_ERR_TOO_LARGE;
	sent = sendto(u->watch.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&sa, len);
	if (sent < 0 &&
	    errno == ECONNREFUSED) /* an earlier datagram's ICMP answer, handed out here; this one was not sent */
		sent = sendto(u->watch.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&sa, len);
	return sent < 0 ? send_error(u, errno) : TH_OK;
}

struct th_addr th_udp_local(const struct th_udp *u)
{
	return u->local;
}
