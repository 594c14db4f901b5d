#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { OVERHEAD_V4 = 20 + 8, OVERHEAD_V6 = 40 + 8 };

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

bool th_addr_is_v4(const struct th_addr *a)
{
	return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

size_t th_addr_overhead(const struct th_addr *a)
{
	return th_addr_is_v4(a) ? OVERHEAD_V4 : OVERHEAD_V6;
}

const char *th_addr_host(const struct th_addr *a, char out[TH_ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";

	inet_ntop(th_addr_is_v4(a) ? AF_INET : AF_INET6, a->ip + (th_addr_is_v4(a) ? sizeof(mapped) : 0), ip,
		  sizeof(ip));
	if (a->scope)
		snprintf(out, TH_ADDR_TEXT, "%s%%%u", ip, (unsigned)a->scope);
	else
		snprintf(out, TH_ADDR_TEXT, "%s", ip);
	return out;
}

const char *th_addr_text(const struct th_addr *a, char out[TH_ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";

	if (th_addr_is_v4(a)) {
		inet_ntop(AF_INET, a->ip + sizeof(mapped), ip, sizeof(ip));
		snprintf(out, TH_ADDR_TEXT, "%s:%u", ip, (unsigned)a->port);
		return out;
	}
	inet_ntop(AF_INET6, a->ip, ip, sizeof(ip));
	if (a->scope)
		snprintf(out, TH_ADDR_TEXT, "[%s%%%u]:%u", ip, (unsigned)a->scope, (unsigned)a->port);
	else
		snprintf(out, TH_ADDR_TEXT, "[%s]:%u", ip, (unsigned)a->port);
	return out;
}

bool th_addr_is_loopback(const struct th_addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return th_addr_is_v4(a) ? a->ip[12] == 127 : memcmp(a->ip, one, sizeof(one)) == 0;
}
