/* TLS towards the upstream: one context with the certificate rules, made only when the URL says https. */
#ifndef TH_HTTP_TLS_H
#define TH_HTTP_TLS_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/mem.h"
#include "http/url.h"

struct th_tls;

/* Chain, validity and name are checked against the URL's host; TLS 1.2 at least. `ca_file`: PEM, NULL for the system's
 * store. `url` is borrowed for life. NULL and TH_ERR_TLS (the CA file cannot be used) or TH_ERR_NO_MEMORY. */
struct th_tls *th_tls_new(const struct th_mem *mem, const struct th_url *url, const char *ca_file, enum th_err *err);
void th_tls_del(struct th_tls *t);

/* How a connection reads and writes beneath TLS: bytes moved, or -1 with errno, as recv(2) and send(2). */
struct th_tls_wire {
	ssize_t (*recv)(struct th_tls_wire *w, void *p, size_t n);
	ssize_t (*send)(struct th_tls_wire *w, const void *p, size_t n);
};

/* A client's end, ready for SSL_do_handshake(); `wire` is borrowed until SSL_free(). NULL without memory. */
SSL *th_tls_connect(struct th_tls *t, struct th_tls_wire *wire);

/* Why the last operation on `ssl` failed: the certificate's flaw if it was that. Never NULL. */
const char *th_tls_problem(const SSL *ssl);

#endif
