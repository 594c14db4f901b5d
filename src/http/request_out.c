#include "http/request_out.h"

#include <stdio.h>

#include "base/wr.h"
#include "http/hop.h"

enum {
	FIELD_EXTRA = 4,  /* ": " and CRLF */
	FIXED_EXTRA = 256 /* version, Host, User-Agent, framing */
};

static const struct th_str agent = TH_STR_INIT("User-Agent: thimble/" TH_VERSION "\r\n");

/* Origin-form, or "*" for OPTIONS (RFC 9112 §3.2). Bytes from 0x80 on are passed: some clients send them, servers take
 * them. */
static bool is_target(struct th_str t, struct th_str method)
{
	if (th_str_eq(t, TH_STR("*")))
		return th_str_eq(method, TH_STR("OPTIONS"));
	if (t.n == 0 || t.p[0] != '/')
		return false;
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (c <= 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

static const char *problem_of(const struct th_head *h)
{
	if (h->method.n > TH_METHOD_MAX || !th_http_is_token(h->method))
		return "the method is not a token";
	if (h->target.n > TH_TARGET_MAX || !is_target(h->target, h->method))
		return "the request target is not a path";
	if (h->n_fields > TH_HEAD_FIELDS_MAX)
		return "there are too many header fields";
	for (size_t i = 0; i < h->n_fields; i++) {
		if (!th_http_is_token(h->fields[i].name))
			return "a header field's name is not a token";
		if (!th_http_is_value(h->fields[i].value))
			return "a header field's value holds control bytes";
	}
	if (h->body_len < 0 && h->body_len != TH_BODY_UNKNOWN)
		return "the body's length is negative";
	return NULL;
}

/* Host and framing are ours; Expect is answered on the client's own hop. */
static bool is_ours(struct th_str name)
{
	return th_str_ieq(name, TH_STR("Host")) || th_str_ieq(name, TH_STR("Content-Length")) ||
	       th_str_ieq(name, TH_STR("Expect"));
}

static void put_fields(struct th_wr *w, const struct th_head *h)
{
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct th_field *f = &h->fields[i];

		if (is_ours(f->name) || th_hop_by_hop(f->name, h->fields, h->n_fields))
			continue;
		th_wr_put(w, f->name);
		th_wr_put(w, TH_STR(": "));
		th_wr_put(w, f->value);
		th_wr_put(w, TH_STR("\r\n"));
	}
}

static bool length_is_expected(struct th_str method)
{
	return th_str_eq(method, TH_STR("POST")) || th_str_eq(method, TH_STR("PUT")) ||
	       th_str_eq(method, TH_STR("PATCH"));
}

static void put_framing(struct th_wr *w, const struct th_head *h)
{
	char line[64];

	if (h->body_len == TH_BODY_UNKNOWN) {
		th_wr_put(w, TH_STR("Transfer-Encoding: chunked\r\n"));
	} else if (h->body_len > 0 || length_is_expected(h->method)) {
		int n = snprintf(line, sizeof(line), "Content-Length: %lld\r\n", (long long)h->body_len);

		th_wr_bytes(w, line, (size_t)n);
	}
}

static size_t bound(const struct th_url *url, const struct th_head *h)
{
	return th_head_bytes(h) + h->n_fields * FIELD_EXTRA + strlen(url->base) + strlen(url->authority) + FIXED_EXTRA;
}

enum th_err th_request_out(struct th_buf *out, const struct th_url *url, const struct th_head *h, const char **problem)
{
	struct th_wr w;
	size_t cap;

	*problem = problem_of(h);
	if (*problem)
		return TH_ERR_MALFORMED;
	if (th_str_eq(h->method, TH_STR("CONNECT")))
		return TH_ERR_UNSUPPORTED;
	cap = bound(url, h);
	if (th_head_bytes(h) > TH_HEAD_BYTES_MAX || cap > th_buf_room(out))
		return TH_ERR_TOO_LARGE;
	w = th_wr_init(th_buf_reserve(out, cap), cap);
	if (!w.p)
		return TH_ERR_NO_MEMORY;
	th_wr_put(&w, h->method);
	th_wr_put(&w, TH_STR(" "));
	if (h->target.p[0] == '/')
		th_wr_put(&w, th_str_of(url->base));
	th_wr_put(&w, h->target);
	th_wr_put(&w, TH_STR(" HTTP/1.1\r\nHost: "));
	th_wr_put(&w, th_str_of(url->authority));
	th_wr_put(&w, TH_STR("\r\n"));
	put_fields(&w, h);
	if (!th_head_find(h, TH_STR("User-Agent")))
		th_wr_put(&w, agent);
	put_framing(&w, h);
	th_wr_put(&w, TH_STR("\r\n"));
	if (!th_wr_ok(&w))
		return TH_ERR_TOO_LARGE;
	th_buf_commit(out, w.n);
	return TH_OK;
}
