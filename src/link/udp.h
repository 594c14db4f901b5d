/* Datagrams over UDP, IPv4 and IPv6 on one socket where the system allows. */
#ifndef TH_LINK_UDP_H
#define TH_LINK_UDP_H

#include "base/addr.h"
#include "base/err.h"
#include "base/loop.h"

enum { TH_UDP_MAX = 65507 };

struct th_udp;

/* `rx` is called for each datagram, never for more than a bounded batch before other descriptors get their turn; `p` is
 * borrowed during the call. `writable` when a send that was refused can be tried again. Neither may call th_udp_del().
 */
struct th_udp_ops {
	void (*rx)(void *user, const struct th_addr *from, const uint8_t *p, size_t n);
	void (*writable)(void *user);
};

/* Binds. `host` is numeric; "::" takes IPv4 too, and falls back to "0.0.0.0" on a system without IPv6; port 0 lets the
 * system choose. On failure NULL and `*err`: TH_ERR_INVALID (not a numeric address), TH_ERR_NO_MEMORY, TH_ERR_IO
 * (errno). */
struct th_udp *th_udp_new(struct th_loop *loop, const struct th_mem *mem, const char *host, uint16_t port,
			  const struct th_udp_ops *ops, void *user, enum th_err *err);
void th_udp_del(struct th_udp *u);

/* TH_OK: handed to the system (or lost on its way, as datagrams are). TH_ERR_FULL: not now, `writable` will be called.
 * TH_ERR_TOO_LARGE: longer than UDP carries. TH_ERR_UNSUPPORTED: an IPv6 address on an IPv4 socket. */
enum th_err th_udp_send(struct th_udp *u, const struct th_addr *to, const uint8_t *p, size_t n);

struct th_addr th_udp_local(const struct th_udp *u);

#endif
