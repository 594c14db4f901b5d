/* Bytes of a connection become requests, one step at a time: no I/O, no allocation, any split of the bytes gives the
 * same.
 *
 * The head is gathered whole by the caller, checked line by line for what llhttp lets pass, its request line is parsed
 * here (request_line.h) and llhttp gets "POST / HTTP/1.x" in its stead, then the header section; chunked bodies are
 * llhttp's. */
#ifndef TH_HTTP_REQUEST_H
#define TH_HTTP_REQUEST_H

#include <llhttp.h>

#include "exchange/head.h"
#include "http/listener.h"

enum th_request_event {
	TH_REQUEST_MORE, /* the bytes after `used` are an incomplete head: offer them again with more behind them */
	TH_REQUEST_HEAD, /* `head` and what follows it in the struct */
	TH_REQUEST_BODY, /* `body`: the last body_n of the used bytes */
	TH_REQUEST_END,	 /* the message is over; the next step begins another */
	TH_REQUEST_BAD,	 /* status and reason; only init helps */
};

struct th_request {
	llhttp_t http;
	const struct th_listener_limits *limits; /* borrowed */
	size_t scanned, line_start;		 /* of the head: looked at so far; where the line at hand begins */
	size_t line_end;			 /* just past the request line, 0 until it was seen */
	uint64_t body_n;			 /* body bytes given out */
	size_t excess;				 /* bytes of chunk framing and trailers beyond what chunks need */
	uint8_t state, blank_lines, last_byte;
	bool trailing;
};

/* One step's result. head, body and fields point into the input. */
struct th_request_step {
	size_t used;
	const uint8_t *body;
	size_t body_n;
	struct th_head head;
	unsigned minor;
	bool keep_alive, expect_continue;
	uint16_t status;
	const char *reason;
	struct th_field fields[TH_HEAD_FIELDS_MAX];
};

void th_request_init(struct th_request *r, const struct th_listener_limits *limits);

/* The bytes after the last step's `used`. */
enum th_request_event th_request_next(struct th_request *r, const uint8_t *p, size_t n, struct th_request_step *step);

/* Whether nothing of a message has come yet. */
bool th_request_idle(const struct th_request *r);

#endif
