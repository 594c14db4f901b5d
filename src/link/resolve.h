/* Host names to addresses without stopping the loop: getaddrinfo in a short-lived thread. */
#ifndef TH_LINK_RESOLVE_H
#define TH_LINK_RESOLVE_H

#include "base/addr.h"
#include "base/err.h"
#include "base/loop.h"

enum { TH_RESOLVE_MAX = 8 };

struct th_resolve;

/* `n` addresses (at most TH_RESOLVE_MAX, in the system's order of preference), or n = 0 and err. Called from the loop's thread. */
typedef void th_resolve_done(void *user, const struct th_addr *addrs, size_t n, enum th_err err);

/* A numeric host answers before this returns, without a thread: then NULL is returned and `done` was called. Otherwise a handle;
 * `done` follows unless th_resolve_cancel() came first. Without memory or threads: NULL, and `done` was called with the error. */
struct th_resolve *th_resolve_start(struct th_loop *loop, const struct th_mem *mem, const char *host, uint16_t port,
				    th_resolve_done *done, void *user);
void th_resolve_cancel(struct th_resolve *r);

/* A numeric address only; false otherwise. Brackets around IPv6 and a %zone are understood. */
bool th_addr_parse(struct th_addr *out, const char *host, uint16_t port);

#endif
