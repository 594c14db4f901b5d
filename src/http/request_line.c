#include "http/request_line.h"

#include "exchange/head.h"

bool th_http_is_tchar(unsigned char c)
{
	/* One bit a byte value: letters, digits and !#$%&'*+-.^_`|~ */
	static const uint32_t bits[4] = { 0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff };

	return c < 0x80 && (bits[c / 32] >> (c % 32) & 1) != 0;
}

static struct th_str cut(struct th_str *s, size_t n)
{
	struct th_str head = { s->p, n };

	s->p += n;
	s->n -= n;
	return head;
}

static size_t until_space(struct th_str s)
{
	const char *space = s.n ? memchr(s.p, ' ', s.n) : NULL;

	return space ? (size_t)(space - s.p) : s.n;
}

/* Any byte but controls; space has ended it already. */
static bool clean(struct th_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

/* What stands behind scheme and authority of an absolute-form target; an empty path is "/", or "*" for OPTIONS (RFC
 * 9112 §3.2.2, §3.2.4). Empty when it is none, or a query without a path, which no client writes. */
static struct th_str path_of(struct th_str target, struct th_str method)
{
	struct th_str rest = target;
	size_t i = 1;

	while (i + 2 < target.n && memcmp(target.p + i, "://", 3) != 0)
		i++;
	if (i + 2 >= target.n)
		return (struct th_str){ 0 };
	cut(&rest, i + 3);
	for (i = 0; i < rest.n && rest.p[i] != '/' && rest.p[i] != '?'; i++)
		;
	cut(&rest, i);
	if (rest.n == 0)
		return th_str_eq(method, TH_STR("OPTIONS")) ? TH_STR("*") : TH_STR("/");
	return rest.p[0] == '/' ? rest : (struct th_str){ 0 };
}

/* origin-form or asterisk-form as they are, absolute-form as the path it names (RFC 9112 §3.2); empty for others. */
static struct th_str target_of(struct th_str target, struct th_str method)
{
	if (target.n > 0 && target.p[0] == '/')
		return target;
	if (th_str_eq(target, TH_STR("*")))
		return th_str_eq(method, TH_STR("OPTIONS")) ? target : (struct th_str){ 0 };
	return path_of(target, method);
}

static bool is_token(struct th_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!th_http_is_tchar((unsigned char)s.p[i]))
			return false;
	return s.n > 0;
}

static uint16_t version(struct th_request_line *out, struct th_str v, const char **reason)
{
	if (v.n != 8 || !th_str_starts(v, TH_STR("HTTP/")) || v.p[5] < '0' || v.p[5] > '9' || v.p[6] != '.' ||
	    v.p[7] < '0' || v.p[7] > '9') {
		*reason = "Malformed request line: no HTTP version at its end";
		return 400;
	}
	if (v.p[5] != '1' || v.p[7] > '1') {
		*reason = "Only HTTP/1.0 and HTTP/1.1 are spoken here";
		return 505;
	}
	out->minor = (unsigned)(v.p[7] - '0');
	return 0;
}

uint16_t th_request_line_parse(struct th_request_line *out, struct th_str line, size_t target_max, const char **reason)
{
	struct th_str rest = line;
	uint16_t status;

	out->method = cut(&rest, until_space(rest));
	*reason = "Malformed request line: the method is not a token";
	if (!is_token(out->method))
		return 400;
	*reason = "The method is too long";
	if (out->method.n > TH_METHOD_MAX)
		return 501;
	*reason = "Malformed request line: no target";
	if (rest.n == 0)
		return 400;
	cut(&rest, 1);
	out->target = cut(&rest, until_space(rest));
	*reason = "The request target is too long";
	if (out->target.n > target_max)
		return 414;
	*reason = "Malformed request line: HTTP/0.9 is not spoken here";
	if (rest.n == 0)
		return 400;
	cut(&rest, 1);
	status = version(out, rest, reason);
	if (status)
		return status;
	*reason = "Tunnels and other protocols are not spoken here";
	if (th_str_eq(out->method, TH_STR("CONNECT")) || th_str_eq(out->method, TH_STR("PRI")))
		return 501;
	*reason = "Malformed request target";
	if (!clean(out->target))
		return 400;
	out->target = target_of(out->target, out->method);
	return out->target.n > 0 ? 0 : 400;
}
