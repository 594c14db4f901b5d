/* The neutral head of an HTTP request or response, as it crosses every part of the program. */
#ifndef TH_EXCHANGE_HEAD_H
#define TH_EXCHANGE_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
	TH_HEAD_FIELDS_MAX = 128,     /* header fields in one head */
	TH_TARGET_MAX = 16 * 1024,    /* bytes of a request target */
	TH_METHOD_MAX = 32,
	TH_HEAD_BYTES_MAX = 64 * 1024, /* method, target, field names and values together */
};

#define TH_BODY_UNKNOWN INT64_MIN

struct th_field {
	struct th_str name, value; /* name as its sender spelled it; value without outer white space */
};

/* Borrowed by who receives it, valid during the call only. Message framing (Content-Length of a body that follows,
 * Transfer-Encoding, Connection and all they name) is not among the fields: body_len stands for it. A Content-Length that
 * describes a body which does not follow (answers to HEAD, 304) is among them. */
struct th_head {
	struct th_str method; /* request: a token (RFC 9110 §5.6.2); empty on a response */
	struct th_str target; /* request: the request target byte for byte */
	uint16_t status;      /* response: 200..599; 0 on a request */
	int64_t body_len;     /* bytes that follow; 0 none; TH_BODY_UNKNOWN when only the end will tell */
	const struct th_field *fields;
	size_t n_fields;
};

/* The first field of that name (any case), NULL when there is none. */
const struct th_field *th_head_find(const struct th_head *h, struct th_str name);

/* Whether doing it twice is the same as doing it once (RFC 9110 §9.2.2). Methods are case-sensitive. */
bool th_method_is_idempotent(struct th_str method);

/* Method, target and fields together, for limits and accounts. */
size_t th_head_bytes(const struct th_head *h);

/* What HTTP/1.1 would have carried it in, for accounts. */
size_t th_head_http_bytes(const struct th_head *h);

#endif
