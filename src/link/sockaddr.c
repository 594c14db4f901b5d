#include "link/sockaddr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>

enum { V4_AT = 12 }; /* where the IPv4 bytes start in a mapped address (RFC 4291 §2.5.5.2) */

static const uint8_t mapped[V4_AT] = { [10] = 0xff, [11] = 0xff };

static bool parse_zone(uint32_t *scope, const char *zone)
{
	char *end;
	unsigned long n;

	*scope = if_nametoindex(zone);
	if (*scope)
		return true;
	if (*zone < '0' || *zone > '9')
		return false;
	n = strtoul(zone, &end, 10);
	*scope = (uint32_t)n;
	return *end == '\0' && n <= UINT32_MAX;
}

static bool parse_v6(struct th_addr *a, const char *host, size_t n)
{
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE];
	char *zone;

	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (n >= sizeof(text))
		return false;
	memcpy(text, host, n);
	text[n] = '\0';
	zone = strchr(text, '%');
	if (zone)
		*zone++ = '\0';
	if (inet_pton(AF_INET6, text, a->ip) != 1)
		return false;
	return !zone || parse_zone(&a->scope, zone);
}

bool th_addr_parse(struct th_addr *out, const char *host, uint16_t port)
{
	struct th_addr a = { .port = port };

	if (inet_pton(AF_INET, host, a.ip + V4_AT) == 1)
		memcpy(a.ip, mapped, sizeof(mapped));
	else if (!parse_v6(&a, host, strlen(host)))
		return false;
	*out = a;
	return true;
}

socklen_t th_sockaddr_of(struct sockaddr_storage *out, const struct th_addr *a, int family)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*v6));
	if (family == AF_INET6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(a->port);
		v6->sin6_scope_id = a->scope;
		memcpy(&v6->sin6_addr, a->ip, sizeof(a->ip));
		return sizeof(*v6);
	}
	if (family != AF_INET || !th_addr_is_v4(a))
		return 0;
	v4->sin_family = AF_INET;
	v4->sin_port = htons(a->port);
	memcpy(&v4->sin_addr, a->ip + V4_AT, sizeof(v4->sin_addr));
	return sizeof(*v4);
}

bool th_sockaddr_read(struct th_addr *out, const struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	struct th_addr a = { 0 };

	switch (sa->ss_family) {
	case AF_INET6:
		memcpy(a.ip, &v6->sin6_addr, sizeof(a.ip));
		a.scope = v6->sin6_scope_id;
		a.port = ntohs(v6->sin6_port);
		break;
	case AF_INET:
		memcpy(a.ip, mapped, sizeof(mapped));
		memcpy(a.ip + V4_AT, &v4->sin_addr, sizeof(v4->sin_addr));
		a.port = ntohs(v4->sin_port);
		break;
	default:
		return false;
	}
	*out = a;
	return true;
}
