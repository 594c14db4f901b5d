#include "fake_upstream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG = 128 * 1024 * 1024, PIECE = 64 * 1024 };

static void update(struct fake_conn *c)
{
	uint32_t events = (c->hold ? 0 : EPOLLIN) | (c->out.n || c->fill ? EPOLLOUT : 0);

	if (!c->open)
		return;
	if (events == 0)
		th_loop_unwatch(c->f->loop, &c->watch);
	else
		th_loop_change(c->f->loop, &c->watch, events);
}

static void end(struct fake_conn *c)
{
	int fd = c->watch.fd;

	if (!c->open)
		return;
	c->open = false;
	th_loop_unwatch(c->f->loop, &c->watch);
	if (c->ssl) {
		if (c->shaken)
			SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
		c->ssl = NULL;
	}
	close(fd);
	th_buf_free(&c->in);
	th_buf_free(&c->out);
}

void fake_close(struct fake_conn *c)
{
	end(c);
}

void fake_reset(struct fake_conn *c)
{
	struct linger now = { 1, 0 };

	c->shaken = false;
	setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	end(c);
}

static ssize_t raw_send(struct fake_conn *c, const void *p, size_t n)
{
	if (c->ssl)
		return SSL_write(c->ssl, p, (int)n);
	return send(c->watch.fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void flush(struct fake_conn *c)
{
	while (c->open && (c->out.n || c->fill)) {
		static uint8_t made[PIECE];
		bool from_out = c->out.n > 0;
		size_t n = from_out ? c->out.n : c->fill < PIECE ? c->fill : PIECE;
		ssize_t done = raw_send(c, from_out ? th_buf_data(&c->out) : made, n);

		if (done <= 0)
			break;
		if (from_out)
			th_buf_consume(&c->out, (size_t)done);
		else
			c->fill -= (size_t)done;
	}
	update(c);
}

void fake_send(struct fake_conn *c, const void *p, size_t n)
{
	if (!c->open)
		return;
	assert(th_buf_append(&c->out, p, n) == TH_OK);
	flush(c);
}

void fake_say(struct fake_conn *c, const char *text)
{
	fake_send(c, text, strlen(text));
}

static ssize_t raw_recv(struct fake_conn *c, uint8_t *p, size_t n)
{
	if (c->ssl)
		return SSL_read(c->ssl, p, (int)n);
	return recv(c->watch.fd, p, n, MSG_DONTWAIT);
}

static bool want_more(struct fake_conn *c, ssize_t got)
{
	if (!c->ssl)
		return errno == EAGAIN;
	return SSL_get_error(c->ssl, (int)got) == SSL_ERROR_WANT_READ ||
	       SSL_get_error(c->ssl, (int)got) == SSL_ERROR_WANT_WRITE;
}

static void conn_ready(struct th_watch *w, uint32_t events)
{
	struct fake_conn *c = TH_OWNER(w, struct fake_conn, watch);
	static uint8_t piece[PIECE];
	ssize_t got;

	if (c->ssl && !c->shaken) {
		int r = SSL_accept(c->ssl);

		if (r != 1) {
			if (!want_more(c, r))
				end(c);
			return;
		}
		c->shaken = true;
	}
	if (events & EPOLLOUT)
		flush(c);
	if (!c->open || c->hold || !(events & ~(uint32_t)EPOLLOUT))
		return;
	got = raw_recv(c, piece, sizeof(piece));
	if (got > 0) {
		c->total_in += (size_t)got;
		assert(th_buf_append(&c->in, piece, (size_t)got) == TH_OK);
		c->f->on_data(c->f, c);
		return;
	}
	if (want_more(c, got))
		return;
	c->f->eofs++;
	end(c);
}

static void accept_ready(struct th_watch *w, uint32_t events)
{
	struct fake *f = TH_OWNER(w, struct fake, watch);
	struct fake_conn *c = NULL;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	for (size_t i = 0; i < FAKE_CONNS && !c; i++)
		if (!f->conns[i].open)
			c = &f->conns[i];
	assert(c);
	*c = (struct fake_conn){ .f = f, .open = true, .number = f->accepted++ };
	c->watch = (struct th_watch){ .ready = conn_ready, .fd = -1 };
	th_buf_init(&c->in, &th_mem_libc, BIG);
	th_buf_init(&c->out, &th_mem_libc, BIG);
	th_loop_watch(f->loop, &c->watch, fd, EPOLLIN);
	if (f->ctx) {
		c->ssl = SSL_new(f->ctx);
		SSL_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		SSL_set_fd(c->ssl, fd);
	}
}

void fake_start(struct fake *f, struct th_loop *loop, void (*on_data)(struct fake *, struct fake_conn *))
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*f = (struct fake){ .loop = loop, .on_data = on_data };
	f->watch = (struct th_watch){ .ready = accept_ready, .fd = -1 };
	assert(bind(fd, (const struct sockaddr *)&sa, len) == 0 && listen(fd, FAKE_CONNS) == 0);
	assert(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	f->port = ntohs(sa.sin_port);
	th_loop_watch(loop, &f->watch, fd, EPOLLIN);
}

void fake_stop(struct fake *f)
{
	int fd = f->watch.fd;

	for (size_t i = 0; i < FAKE_CONNS; i++)
		end(&f->conns[i]);
	if (fd < 0)
		return;
	th_loop_unwatch(f->loop, &f->watch);
	close(fd);
}

size_t fake_open(const struct fake *f)
{
	size_t n = 0;

	for (size_t i = 0; i < FAKE_CONNS; i++)
		n += f->conns[i].open;
	return n;
}

size_t fake_request(const struct fake_conn *c)
{
	const char *p = c->in.n ? (const char *)th_buf_data(&c->in) : NULL;
	const char *head_end, *length;
	size_t head;

	if (!p)
		return 0;
	head_end = memmem(p, c->in.n, "\r\n\r\n", 4);
	if (!head_end)
		return 0;
	head = (size_t)(head_end - p) + 4;
	if (memmem(p, head, "Transfer-Encoding: chunked", 26)) {
		const char *last = memmem(p + head - 2, c->in.n - head + 2, "\r\n0\r\n\r\n", 7);

		return last ? (size_t)(last - p) + 7 : 0;
	}
	length = memmem(p, head, "Content-Length: ", 16);
	if (length)
		head += strtoul(length + 16, NULL, 10);
	return c->in.n >= head ? head : 0;
}

void fake_answers(struct fake *f, struct fake_conn *c)
{
	size_t n;

	while (c->open && (n = fake_request(c)) > 0) {
		f->requests++;
		c->answers++;
		th_buf_consume(&c->in, n);
		fake_say(c, f->answer);
	}
}

static X509 *certificate(EVP_PKEY *key, const char *name, long from_s, long to_s)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), to_s);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	return x;
}

static void extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

void fake_ca_new(struct fake_ca *ca)
{
	int fd;
	FILE *file;

	ca->key = EVP_EC_gen("P-256");
	ca->cert = certificate(ca->key, "thimble test CA", -3600, 3600);
	extend(ca->cert, NID_basic_constraints, "critical,CA:TRUE");
	X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert));
	assert(X509_sign(ca->cert, ca->key, EVP_sha256()) > 0);
	snprintf(ca->path, sizeof(ca->path), "/tmp/thimble-ca-XXXXXX");
	fd = mkstemp(ca->path);
	assert(fd >= 0);
	file = fdopen(fd, "w");
	PEM_write_X509(file, ca->cert);
	fclose(file);
}

void fake_ca_free(struct fake_ca *ca)
{
	unlink(ca->path);
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
}

SSL_CTX *fake_tls(const struct fake_ca *ca, const char *san, long from_s, long to_s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = certificate(key, "thimble test server", from_s, to_s);

	extend(x, NID_subject_alt_name, san);
	X509_set_issuer_name(x, X509_get_subject_name(ca->cert));
	assert(X509_sign(x, ca->key, EVP_sha256()) > 0);
	assert(SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}
