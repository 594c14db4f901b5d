/* Host names to addresses without stopping the loop: getaddrinfo in a short-lived thread. */
#ifndef TH_LINK_RESOLVE_H
#define TH_LINK_RESOLVE_H

#include "base/addr.h"
#include "base/err.h"
#include "base/loop.h"
#include "link/sockaddr.h" /* th_addr_parse */

enum {
	TH_RESOLVE_MAX = 8,	/* addresses kept of an answer */
	TH_RESOLVE_THREADS = 8, /* look-ups at once in the whole process, cancelled ones that still run included */
};

struct th_resolve;

/* `n` addresses (at most TH_RESOLVE_MAX, in the system's order of preference), or n = 0 and err: TH_ERR_NOT_FOUND (no
 * such name), TH_ERR_TIMEOUT (the name servers did not answer), TH_ERR_FULL (too many look-ups at once),
 * TH_ERR_NO_MEMORY, TH_ERR_INVALID (not a host name), TH_ERR_IO. Called from the loop's thread; `addrs` is borrowed
 * during the call. */
typedef void th_resolve_done(void *user, const struct th_addr *addrs, size_t n, enum th_err err);

/* A numeric host answers before this returns, without a thread: then NULL is returned and `done` was called. Otherwise
 * a handle; `done` follows unless th_resolve_cancel() came first. Without memory or threads: NULL, and `done` was
 * called with the error. The handle is gone when `done` is called. */
struct th_resolve *th_resolve_start(struct th_loop *loop, const struct th_mem *mem, const char *host, uint16_t port,
				    th_resolve_done *done, void *user);

/* `done` will not be called. The look-up itself may run on; it touches nothing of the caller's, not even the loop. */
void th_resolve_cancel(struct th_resolve *r);

#endif
