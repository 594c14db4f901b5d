/* HTTP/1.1 towards the homeserver: an exchange becomes one request on a pooled connection (plain or TLS).
 *
 * The request target goes out byte for byte. A request is sent once: on a reused connection that turns out to be closed
 * it is repeated on a new one only when the server cannot have seen any of it, or when the method is safe or idempotent
 * and no byte of the answer had come (RFC 9110 §9.2.2). Answers are handed on as they come, with back-pressure. */
#ifndef TH_HTTP_UPSTREAM_H
#define TH_HTTP_UPSTREAM_H

#include "base/err.h"
#include "base/loop.h"
#include "exchange/flow.h"

struct th_upstream;

struct th_upstream_limits {
	size_t head_bytes;	 /* header section of an answer */
	size_t connections;	 /* open at once, idle ones included; exchanges beyond wait in a queue */
	size_t queue;		 /* exchanges waiting for a connection; past it: 503 */
	th_time connect_timeout; /* TCP and TLS: 504 */
	th_time answer_timeout;	 /* silence while an answer is awaited or under way: 504 */
	th_time idle_timeout;	 /* an unused connection is closed after this */
};

extern const struct th_upstream_limits th_upstream_limits_default;

struct th_upstream_stats {
	uint64_t requests, connects, retries, failures;
	size_t connections, active, queued;
};

/* `url`: http://host[:port][/base] or https://…; a base path is put before each target. `ca_file`: PEM, NULL for the
 * system's. TH_ERR_INVALID for a bad URL, TH_ERR_TLS when the CA file cannot be used, TH_ERR_NO_MEMORY. `limits` is
 * copied. */
struct th_upstream *th_upstream_new(struct th_loop *loop, const struct th_mem *mem, const char *url,
				    const char *ca_file, const struct th_upstream_limits *limits, enum th_err *err);
void th_upstream_del(struct th_upstream *u); /* cuts what is open; no callbacks follow */

/* The server ends: join through th_flow_server_open. */
struct th_flow_server *th_upstream_server(struct th_upstream *u);

void th_upstream_set_limits(struct th_upstream *u, const struct th_upstream_limits *limits);
void th_upstream_stats(const struct th_upstream *u, struct th_upstream_stats *out);

#endif
