/* HTTP/1.1 for clients: hostile local bytes become an exchange, or a clean 4xx with a Matrix JSON error.
 *
 * llhttp parses; this layer adds what it does not check (Host, limits, slow clients), keep-alive, pipelining (answers in order),
 * Expect: 100-continue, HEAD, chunked and Content-Length framing both ways, back-pressure, and notices a client that left. */
#ifndef TH_HTTP_LISTENER_H
#define TH_HTTP_LISTENER_H

#include "base/addr.h"
#include "base/err.h"
#include "base/loop.h"
#include "exchange/flow.h"

struct th_listener;

struct th_listener_limits {
	size_t head_bytes;        /* request line and header section: 431, 414 for the line alone */
	size_t target_bytes;      /* 414 */
	size_t fields;            /* 431 */
	uint64_t body_bytes;      /* 413 */
	size_t connections;       /* open at once; past it: 503 and close */
	th_time idle_timeout;     /* between requests: close */
	th_time head_timeout;     /* from the first byte of a head to its end: 408 */
	th_time body_timeout;     /* silence while a body is awaited: 408 */
	th_time write_timeout;    /* a client that takes no byte for this long is cut */
	th_time drain_timeout;    /* after an early answer, how long the rest of a request is read and thrown away */
};

extern const struct th_listener_limits th_listener_limits_default;

struct th_listener_stats {
	uint64_t accepted, requests, refused; /* refused: 4xx and 503 made here */
	size_t connections, active;           /* active: exchanges under way */
};

/* Binds and listens at once. `limits` is copied; server is borrowed for the listener's life. On failure NULL and `*err`
 * (errno tells more for TH_ERR_IO). `text` is "127.0.0.1" or "::1"…; port 0 lets the system choose. */
struct th_listener *th_listener_new(struct th_loop *loop, const struct th_mem *mem, const char *host, uint16_t port,
				    const struct th_listener_limits *limits, struct th_flow_server *server, enum th_err *err);
void th_listener_del(struct th_listener *l); /* cuts what is open */

/* The bound port (for port 0). */
uint16_t th_listener_port(const struct th_listener *l);

/* Stops accepting, closes idle connections, answers what is under way with Connection: close. Done when stats.connections is 0. */
void th_listener_drain(struct th_listener *l);

/* New limits for connections from now on (SIGHUP). */
void th_listener_set_limits(struct th_listener *l, const struct th_listener_limits *limits);

void th_listener_stats(const struct th_listener *l, struct th_listener_stats *out);

#endif
