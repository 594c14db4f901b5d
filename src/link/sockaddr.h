/* th_addr to and from the system's socket addresses, and from text: the only place that knows both. */
#ifndef TH_LINK_SOCKADDR_H
#define TH_LINK_SOCKADDR_H

#include <sys/socket.h>

#include "base/addr.h"

/* A numeric address only; false otherwise. Brackets around IPv6 and a %zone (name or number) are understood. */
bool th_addr_parse(struct th_addr *out, const char *host, uint16_t port);

/* For a socket of `family` (AF_INET or AF_INET6; AF_INET6 writes IPv4 in its mapped form). Returns the length to give
 * the system; 0 when that family cannot hold this address. */
socklen_t th_sockaddr_of(struct sockaddr_storage *out, const struct th_addr *a, int family);

/* False for families other than AF_INET and AF_INET6. */
bool th_sockaddr_read(struct th_addr *out, const struct sockaddr_storage *sa);

#endif
