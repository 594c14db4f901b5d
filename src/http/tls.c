#include "http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

struct th_tls {
	const struct th_mem *mem; /* borrowed */
	const struct th_url *url; /* borrowed */
	SSL_CTX *ctx;		  /* owned */
	BIO_METHOD *bio;	  /* owned */
	SSL_SESSION *session;	  /* owned; the newest ticket, for a shorter handshake next time */
};

/* OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a closed connection would raise SIGPIPE in the whole process.
 */
static int wire_write(BIO *bio, const char *p, int n)
{
	struct th_tls_wire *w = BIO_get_data(bio);
	ssize_t done = w->send(w, p, (size_t)n);

	BIO_clear_retry_flags(bio);
	if (done < 0 && errno == EAGAIN)
		BIO_set_retry_write(bio);
	return (int)done;
}

static int wire_read(BIO *bio, char *p, int n)
{
	struct th_tls_wire *w = BIO_get_data(bio);
	ssize_t done = w->recv(w, p, (size_t)n);

	BIO_clear_retry_flags(bio);
	if (done < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	if (done == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return (int)done;
}

static long wire_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)num;
	(void)ptr;
	if (cmd == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *wire_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "thimble socket");

	if (!m)
		return NULL;
	BIO_meth_set_write(m, wire_write);
	BIO_meth_set_read(m, wire_read);
	BIO_meth_set_ctrl(m, wire_ctrl);
	return m;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct th_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	SSL_SESSION_free(t->session);
	t->session = session;
	return 1; /* the reference is ours now */
}

static bool set_name(SSL_CTX *ctx, const struct th_url *url)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (url->numeric)
		return X509_VERIFY_PARAM_set1_ip_asc(param, url->host) == 1;
	return X509_VERIFY_PARAM_set1_host(param, url->host, 0) == 1;
}

static bool set_rules(SSL_CTX *ctx, const struct th_url *url)
{
	static const unsigned char alpn[] = "\x08http/1.1";

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	/* Records are written as far as the socket takes them, from a buffer that may have moved; idle ones hold no
	 * buffers. */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1) == 0 && set_name(ctx, url);
}

struct th_tls *th_tls_new(const struct th_mem *mem, const struct th_url *url, const char *ca_file, enum th_err *err)
{
	struct th_tls *t = th_alloc(mem, sizeof(*t));

	*err = TH_ERR_NO_MEMORY;
	if (!t)
		return NULL;
	*t = (struct th_tls){ .mem = mem, .url = url, .ctx = SSL_CTX_new(TLS_client_method()), .bio = wire_method() };
	if (!t->ctx || !t->bio || !set_rules(t->ctx, url))
		goto fail;
	SSL_CTX_set_app_data(t->ctx, t);
	*err = TH_ERR_TLS;
	if (ca_file ? SSL_CTX_load_verify_file(t->ctx, ca_file) != 1 : SSL_CTX_set_default_verify_paths(t->ctx) != 1)
		goto fail;
	*err = TH_OK;
	return t;
fail:
	ERR_clear_error();
	th_tls_del(t);
	return NULL;
}

void th_tls_del(struct th_tls *t)
{
	if (!t)
		return;
	SSL_SESSION_free(t->session);
	SSL_CTX_free(t->ctx);
	BIO_meth_free(t->bio);
	th_free(t->mem, t);
}

SSL *th_tls_connect(struct th_tls *t, struct th_tls_wire *wire)
{
	SSL *ssl = SSL_new(t->ctx);
	BIO *bio = BIO_new(t->bio);

	if (!ssl || !bio)
		goto fail;
	BIO_set_data(bio, wire);
	BIO_set_init(bio, 1);
	if (!t->url->numeric && SSL_set_tlsext_host_name(ssl, t->url->host) != 1)
		goto fail;
	if (t->session)
		SSL_set_session(ssl, t->session);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_connect_state(ssl);
	return ssl;
fail:
	BIO_free(bio);
	SSL_free(ssl);
	return NULL;
}

const char *th_tls_problem(const SSL *ssl)
{
	long verified = SSL_get_verify_result(ssl);
	const char *reason;

	if (verified != X509_V_OK)
		return X509_verify_cert_error_string(verified);
	reason = ERR_reason_error_string(ERR_peek_error());
	return reason ? reason : "the connection was closed";
}
