/* The upstream's URL, taken apart once. */
#ifndef TH_HTTP_URL_H
#define TH_HTTP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { TH_URL_HOST_MAX = 255, TH_URL_BASE_MAX = 1024, TH_URL_AUTHORITY_MAX = TH_URL_HOST_MAX + 16 };

struct th_url {
	bool tls;
	bool numeric; /* the host is an address, not a name */
	uint16_t port;
	char host[TH_URL_HOST_MAX + 1]; /* without brackets, with a zone where there was one */
	char authority[TH_URL_AUTHORITY_MAX +
		       1];		      /* what the Host field says: no default port, no zone (RFC 9110 §7.2) */
	char where[TH_URL_AUTHORITY_MAX + 1]; /* host:port, for people */
	char base[TH_URL_BASE_MAX + 1];	      /* "" or "/path" without a final slash */
};

/* http://host[:port][/base] or https://…; no user, query or fragment. TH_ERR_INVALID. */
enum th_err th_url_parse(struct th_url *out, const char *text);

#endif
