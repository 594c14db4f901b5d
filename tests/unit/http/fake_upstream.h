/* A server that does what a test says, in the same loop: plain or TLS, byte by byte if need be. */
#ifndef TH_TESTS_FAKE_UPSTREAM_H
#define TH_TESTS_FAKE_UPSTREAM_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/loop.h"

enum { FAKE_CONNS = 64 };

struct fake;

struct fake_conn {
	struct fake *f;
	struct th_watch watch;
	struct th_buf in, out;
	SSL *ssl;
	bool shaken, open, eof, hold; /* hold: does not read */
	size_t answers, number, total_in;
	size_t fill; /* bytes of a body still to be made up */
};

struct fake {
	struct th_loop *loop;
	struct th_watch watch;
	uint16_t port;
	SSL_CTX *ctx; /* borrowed; NULL for plain */
	void (*on_data)(struct fake *f, struct fake_conn *c);
	const char *answer; /* for fake_answers() */
	struct fake_conn conns[FAKE_CONNS];
	size_t accepted, requests;
	size_t eofs; /* connections the other side ended */
	void *user;
};

void fake_start(struct fake *f, struct th_loop *loop, void (*on_data)(struct fake *, struct fake_conn *));
void fake_stop(struct fake *f);
void fake_send(struct fake_conn *c, const void *p, size_t n);
void fake_say(struct fake_conn *c, const char *text);
void fake_close(struct fake_conn *c); /* FIN, after what is queued */
void fake_reset(struct fake_conn *c); /* RST */
size_t fake_open(const struct fake *f);

/* Length of the whole request at the start of c->in (Content-Length and chunked understood), 0 while it is not whole.
 */
size_t fake_request(const struct fake_conn *c);

/* Answers each whole request with f->answer. */
void fake_answers(struct fake *f, struct fake_conn *c);

/* Certificates made on the spot. */
struct fake_ca {
	EVP_PKEY *key;
	X509 *cert;
	char path[64]; /* PEM file */
};
void fake_ca_new(struct fake_ca *ca);
void fake_ca_free(struct fake_ca *ca);
/* `san` as "DNS:localhost" or "IP:127.0.0.1"; valid from now+from_s to now+to_s. */
SSL_CTX *fake_tls(const struct fake_ca *ca, const char *san, long from_s, long to_s);

#endif
