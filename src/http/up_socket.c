#include "http/up_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "link/sockaddr.h"

static ssize_t wire_recv(struct th_tls_wire *w, void *p, size_t n)
{
	return recv(TH_OWNER(w, struct th_up_socket, wire)->fd, p, n, MSG_DONTWAIT);
}

static ssize_t wire_send(struct th_tls_wire *w, const void *p, size_t n)
{
	struct th_up_socket *s = TH_OWNER(w, struct th_up_socket, wire);
	ssize_t done = send(s->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done > 0)
		s->written += (uint64_t)done;
	return done;
}

static enum th_io failed(struct th_up_socket *s, int error)
{
	s->error = error;
	s->broken = true;
	return TH_IO_FAIL;
}

enum th_io th_up_socket_connect(struct th_up_socket *s, const struct th_addr *to)
{
	int family = th_addr_is_v4(to) ? AF_INET : AF_INET6;
	struct sockaddr_storage sa;
	socklen_t len = th_sockaddr_of(&sa, to, family);
	int one = 1;

	*s = (struct th_up_socket){ .wire = { wire_recv, wire_send } };
	s->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return failed(s, errno);
	(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)); /* long polls outlive NAT's patience */
	if (connect(s->fd, (const struct sockaddr *)&sa, len) == 0)
		return TH_IO_OK;
	if (errno != EINPROGRESS)
		return failed(s, errno);
	s->want_out = true;
	return TH_IO_AGAIN;
}

enum th_io th_up_socket_connected(struct th_up_socket *s)
{
	socklen_t len = sizeof(s->error);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &s->error, &len) != 0)
		return failed(s, errno);
	s->want_out = false;
	return s->error ? TH_IO_FAIL : TH_IO_OK;
}

static enum th_io tls_result(struct th_up_socket *s, int result)
{
	int saved = errno;

	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TH_IO_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		s->want_out = true;
		return TH_IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return TH_IO_EOF;
	case SSL_ERROR_SYSCALL:
		return failed(s, saved);
	default: /* an end without close_notify is among these: somebody may have cut the answer */
		return failed(s, 0);
	}
}

enum th_io th_up_socket_handshake(struct th_up_socket *s, struct th_tls *tls)
{
	int r;

	if (!s->ssl)
		s->ssl = th_tls_connect(tls, &s->wire);
	if (!s->ssl)
		return failed(s, ENOMEM);
	s->want_out = false;
	ERR_clear_error();
	r = SSL_do_handshake(s->ssl);
	return r == 1 ? TH_IO_OK : tls_result(s, r);
}

enum th_io th_up_socket_recv(struct th_up_socket *s, uint8_t *p, size_t cap, size_t *n)
{
	ssize_t got;
	int r;

	if (s->ssl) {
		ERR_clear_error();
		r = SSL_read_ex(s->ssl, p, cap, n);
		return r == 1 ? TH_IO_OK : tls_result(s, r);
	}
	got = recv(s->fd, p, cap, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? TH_IO_AGAIN : failed(s, errno);
	*n = (size_t)got;
	return got == 0 ? TH_IO_EOF : TH_IO_OK;
}

enum th_io th_up_socket_send(struct th_up_socket *s, const uint8_t *p, size_t len, size_t *n)
{
	ssize_t done;
	int r;

	s->want_out = false;
	if (s->ssl) {
		ERR_clear_error();
		r = SSL_write_ex(s->ssl, p, len, n);
		return r == 1 ? TH_IO_OK : tls_result(s, r);
	}
	done = wire_send(&s->wire, p, len);
	if (done < 0) {
		s->want_out = errno == EAGAIN || errno == EINTR;
		return s->want_out ? TH_IO_AGAIN : failed(s, errno);
	}
	*n = (size_t)done;
	return TH_IO_OK;
}

bool th_up_socket_quiet(struct th_up_socket *s)
{
	uint8_t byte;
	size_t n;

	if (!s->ssl)
		return recv(s->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
	ERR_clear_error(); /* session tickets may come at any time, and are no reason to close */
	return SSL_peek_ex(s->ssl, &byte, 1, &n) != 1 && SSL_get_error(s->ssl, 0) == SSL_ERROR_WANT_READ;
}

void th_up_socket_close(struct th_up_socket *s)
{
	if (s->fd < 0)
		return;
	if (s->ssl) {
		ERR_clear_error();
		if (SSL_is_init_finished(s->ssl) && !s->broken)
			SSL_shutdown(s->ssl); /* says goodbye; nobody waits for the reply */
		SSL_free(s->ssl);
		s->ssl = NULL;
	}
	close(s->fd);
	s->fd = -1;
}
