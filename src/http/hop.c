#include "http/hop.h"

static const struct th_str hop[] = {
	TH_STR_INIT("Connection"),
	TH_STR_INIT("Keep-Alive"),
	TH_STR_INIT("Transfer-Encoding"),
	TH_STR_INIT("TE"),
	TH_STR_INIT("Trailer"),
	TH_STR_INIT("Upgrade"),
	TH_STR_INIT("Proxy-Connection"),
	TH_STR_INIT("Proxy-Authenticate"),
	TH_STR_INIT("Proxy-Authorization"),
	TH_STR_INIT("Proxy-Authentication-Info"),
};

static bool is_ows(char c)
{
	return c == ' ' || c == '\t';
}

static bool list_has(struct th_str list, struct th_str name)
{
	size_t i = 0;

	while (i < list.n) {
		size_t from, to;

		while (i < list.n && (is_ows(list.p[i]) || list.p[i] == ','))
			i++;
		for (from = i; i < list.n && list.p[i] != ',';)
			i++;
		for (to = i; to > from && is_ows(list.p[to - 1]);)
			to--;
		if (th_str_ieq((struct th_str){ list.p + from, to - from }, name))
			return true;
	}
	return false;
}

bool th_hop_by_hop(struct th_str name, const struct th_field *fields, size_t n)
{
	for (size_t i = 0; i < sizeof(hop) / sizeof(hop[0]); i++)
		if (th_str_ieq(hop[i], name))
			return true;
	for (size_t i = 0; i < n; i++)
		if (th_str_ieq(fields[i].name, TH_STR("Connection")) && list_has(fields[i].value, name))
			return true;
	return false;
}

static bool is_tchar(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool th_http_is_token(struct th_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_tchar((unsigned char)s.p[i]))
			return false;
	return s.n > 0;
}

bool th_http_is_value(struct th_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}
