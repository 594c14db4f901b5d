/* One non-blocking connection to the upstream, plain or TLS behind the same four verbs. */
#ifndef TH_HTTP_UP_SOCKET_H
#define TH_HTTP_UP_SOCKET_H

#include <stdint.h>

#include "base/addr.h"
#include "http/tls.h"

enum th_io {
	TH_IO_OK,
	TH_IO_AGAIN, /* wait for readiness; `want_out` says whether for writing */
	TH_IO_EOF,   /* the other side ended in good order */
	TH_IO_FAIL,  /* `error` is the errno, or 0 when it was TLS: th_tls_problem() */
};

struct th_up_socket {
	struct th_tls_wire wire;
	int fd;	  /* owned; -1 when closed */
	SSL *ssl; /* owned; NULL on plain connections */
	int error;
	uint64_t written; /* bytes the system took */
	bool want_out;
	bool broken; /* something failed: no goodbye is said */
};

/* Begins to connect; TH_IO_AGAIN: wait for writability, then th_up_socket_connected(). */
enum th_io th_up_socket_connect(struct th_up_socket *s, const struct th_addr *to);
enum th_io th_up_socket_connected(struct th_up_socket *s);

/* Call again at each readiness until it is not TH_IO_AGAIN. The certificate has been checked when it is TH_IO_OK. */
enum th_io th_up_socket_handshake(struct th_up_socket *s, struct th_tls *tls);

enum th_io th_up_socket_recv(struct th_up_socket *s, uint8_t *p, size_t cap, size_t *n);
enum th_io th_up_socket_send(struct th_up_socket *s, const uint8_t *p, size_t len, size_t *n);

/* Whether an idle connection is still good: open, and nothing came that nobody asked for. */
bool th_up_socket_quiet(struct th_up_socket *s);

void th_up_socket_close(struct th_up_socket *s);

#endif
