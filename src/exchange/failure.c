#include "exchange/failure.h"

#include <stdio.h>

static const struct {
	uint16_t status;
	const char *phrase;
	const char *errcode;
} statuses[] = {
	{ 200, "OK", NULL },
	{ 201, "Created", NULL },
	{ 202, "Accepted", NULL },
	{ 203, "Non-Authoritative Information", NULL },
	{ 204, "No Content", NULL },
	{ 205, "Reset Content", NULL },
	{ 206, "Partial Content", NULL },
	{ 300, "Multiple Choices", NULL },
	{ 301, "Moved Permanently", NULL },
	{ 302, "Found", NULL },
	{ 303, "See Other", NULL },
	{ 304, "Not Modified", NULL },
	{ 307, "Temporary Redirect", NULL },
	{ 308, "Permanent Redirect", NULL },
	{ 400, "Bad Request", "M_UNKNOWN" },
	{ 401, "Unauthorized", NULL },
	{ 403, "Forbidden", "M_FORBIDDEN" },
	{ 404, "Not Found", NULL },
	{ 405, "Method Not Allowed", NULL },
	{ 408, "Request Timeout", "M_UNKNOWN" },
	{ 409, "Conflict", NULL },
	{ 410, "Gone", NULL },
	{ 411, "Length Required", NULL },
	{ 412, "Precondition Failed", NULL },
	{ 413, "Content Too Large", "M_TOO_LARGE" },
	{ 414, "URI Too Long", "M_TOO_LARGE" },
	{ 415, "Unsupported Media Type", NULL },
	{ 416, "Range Not Satisfiable", NULL },
	{ 417, "Expectation Failed", "M_UNKNOWN" },
	{ 421, "Misdirected Request", NULL },
	{ 422, "Unprocessable Content", NULL },
	{ 429, "Too Many Requests", "M_LIMIT_EXCEEDED" },
	{ 431, "Request Header Fields Too Large", "M_TOO_LARGE" },
	{ 500, "Internal Server Error", "M_UNKNOWN" },
	{ 501, "Not Implemented", "M_UNRECOGNIZED" },
	{ 502, "Bad Gateway", "M_UNKNOWN" },
	{ 503, "Service Unavailable", "M_UNKNOWN" },
	{ 504, "Gateway Timeout", "M_UNKNOWN" },
	{ 505, "HTTP Version Not Supported", "M_UNKNOWN" },
};

const char *th_failure_errcode(uint16_t status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status && statuses[i].errcode)
			return statuses[i].errcode;
	return "M_UNKNOWN";
}

const char *th_status_phrase(uint16_t status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].phrase;
	return "Unknown";
}

/* The JSON text of one UTF-8 character (a byte that begins none stands alone as "?"). Returns its length, `*used` that
 * of the input. */
static size_t json_char(const char *p, char out[4], size_t *used)
{
	unsigned char c = (unsigned char)*p;
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;

	*used = 1;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			n = 0;
	if (n > 1) {
		memcpy(out, p, n);
		*used = n;
		return n;
	}
	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	out[0] = (char)(n == 0 ? '?' : c < 0x20 ? ' ' : c);
	return 1;
}

size_t th_failure_body(char *out, size_t cap, uint16_t status, const char *reason)
{
	static const char tail[] = "\"}";
	int n = snprintf(out, cap, "{\"errcode\":\"%s\",\"error\":\"", th_failure_errcode(status));
	size_t len = (size_t)n;

	if (n < 0 || cap < sizeof(tail) || len > cap - sizeof(tail))
		return 0;
	while (*reason) {
		char text[4];
		size_t used, bytes = json_char(reason, text, &used);

		if (bytes > cap - sizeof(tail) - len)
			break;
		memcpy(out + len, text, bytes);
		len += bytes;
		reason += used;
	}
	memcpy(out + len, tail, sizeof(tail));
	return len + sizeof(tail) - 1;
}

static const struct {
	enum th_err err;
	uint16_t status;
	unsigned retry_after;
} mapping[] = {
	{ TH_ERR_TIMEOUT, 504, 0 },	{ TH_ERR_FULL, 503, 5 },      { TH_ERR_NO_MEMORY, 503, 5 },
	{ TH_ERR_TOO_LARGE, 413, 0 },	{ TH_ERR_REFUSED, 502, 0 },   { TH_ERR_RESET, 502, 0 },
	{ TH_ERR_CLOSED, 502, 0 },	{ TH_ERR_MALFORMED, 502, 0 }, { TH_ERR_TLS, 502, 0 },
	{ TH_ERR_UNSUPPORTED, 501, 0 }, { TH_ERR_NOT_FOUND, 502, 0 },
};

void th_failure_of(struct th_failure *why, enum th_err err, const char *reason)
{
	*why = (struct th_failure){ .err = err, .status = 502, .reason = reason };
	for (size_t i = 0; i < sizeof(mapping) / sizeof(mapping[0]); i++) {
		if (mapping[i].err == err) {
			why->status = mapping[i].status;
			why->retry_after = mapping[i].retry_after;
		}
	}
}
