/* A UDP or TCP endpoint without the system's structs: IPv4 stands as an IPv4-mapped IPv6 address. */
#ifndef TH_BASE_ADDR_H
#define TH_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct th_addr {
	uint8_t ip[16];
	uint32_t scope; /* zone of a link-local address, else 0 */
	uint16_t port;
};

enum { TH_ADDR_TEXT = 64 }; /* room for "[address%scope]:port" and its NUL */

/* Whether these differ in nothing but their ports. */
static inline bool th_addr_same_host(const struct th_addr *a, const struct th_addr *b)
{
	return a->scope == b->scope && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static inline bool th_addr_eq(const struct th_addr *a, const struct th_addr *b)
{
	return a->port == b->port && th_addr_same_host(a, b);
}

/* Writes "192.0.2.1:5683" or "[2001:db8::1]:5683" and returns out. */
const char *th_addr_text(const struct th_addr *a, char out[TH_ADDR_TEXT]);

/* The same without brackets and port, as th_addr_parse() takes it. Returns out. */
const char *th_addr_host(const struct th_addr *a, char out[TH_ADDR_TEXT]);

/* Whether this stands for an IPv4 address. */
bool th_addr_is_v4(const struct th_addr *a);

/* IP and UDP headers that a datagram to or from this address costs on the wire: 28 bytes for IPv4, 48 for IPv6. */
size_t th_addr_overhead(const struct th_addr *a);

/* Whether this is 127.0.0.0/8 or ::1. */
bool th_addr_is_loopback(const struct th_addr *a);

#endif
