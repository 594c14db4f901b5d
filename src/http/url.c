#include "http/url.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "link/sockaddr.h"

enum { PORT_HTTP = 80, PORT_HTTPS = 443, PORT_DIGITS = 5 };

static bool scheme(struct th_str *s, struct th_str name)
{
	if (s->n < name.n || !th_str_ieq((struct th_str){ s->p, name.n }, name))
		return false;
	s->p += name.n;
	s->n -= name.n;
	return true;
}

static size_t until(struct th_str s, char c)
{
	const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

	return hit ? (size_t)(hit - s.p) : s.n;
}

static bool parse_port(uint16_t *port, struct th_str s)
{
	uint32_t v = 0;

	if (s.n == 0 || s.n > PORT_DIGITS)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	}
	*port = (uint16_t)v;
	return v >= 1 && v <= UINT16_MAX;
}

static bool is_name(struct th_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = th_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
			return false;
	}
	return s.n > 0;
}

static bool is_path(struct th_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c == 0x7f || c == '?' || c == '#')
			return false;
	}
	return true;
}

/* The host of `authority`; what follows it, from the colon on, goes to `rest`. */
static bool split_host(struct th_str authority, struct th_str *host, struct th_str *rest, bool *bracketed)
{
	size_t n;

	*bracketed = authority.n && authority.p[0] == '[';
	n = until(authority, *bracketed ? ']' : ':');
	if (*bracketed && n == authority.n)
		return false;
	*host = *bracketed ? (struct th_str){ authority.p + 1, n - 1 } : (struct th_str){ authority.p, n };
	n += *bracketed ? 1 : 0;
	*rest = (struct th_str){ authority.p + n, authority.n - n };
	return host->n > 0 && host->n <= TH_URL_HOST_MAX;
}

static bool parse_authority(struct th_url *u, struct th_str authority)
{
	uint16_t standard = u->tls ? PORT_HTTPS : PORT_HTTP;
	struct th_str host, rest;
	struct th_addr addr;
	bool bracketed;
	int n;

	if (!split_host(authority, &host, &rest, &bracketed))
		return false;
	u->port = standard;
	if (rest.n && (rest.p[0] != ':' || !parse_port(&u->port, (struct th_str){ rest.p + 1, rest.n - 1 })))
		return false;
	memcpy(u->host, host.p, host.n);
	u->numeric = th_addr_parse(&addr, u->host, u->port);
	if (bracketed ? !u->numeric : !is_name(host))
		return false;
	n = (int)until(host, '%');
	snprintf(u->where, sizeof(u->where), bracketed ? "[%.*s]:%u" : "%.*s:%u", n, host.p, (unsigned)u->port);
	if (u->port == standard)
		snprintf(u->authority, sizeof(u->authority), bracketed ? "[%.*s]" : "%.*s", n, host.p);
	else
		memcpy(u->authority, u->where, sizeof(u->where));
	return true;
}

enum th_err th_url_parse(struct th_url *out, const char *text)
{
	struct th_url u = { 0 };
	struct th_str s = th_str_of(text);
	struct th_str authority;

	if (scheme(&s, TH_STR("https://")))
		u.tls = true;
	else if (!scheme(&s, TH_STR("http://")))
		return TH_ERR_INVALID;
	authority = (struct th_str){ s.p, until(s, '/') };
	s.p += authority.n;
	s.n -= authority.n;
	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	if (s.n > TH_URL_BASE_MAX || !is_path(s) || !parse_authority(&u, authority))
		return TH_ERR_INVALID;
	memcpy(u.base, s.p, s.n);
	*out = u;
	return TH_OK;
}
