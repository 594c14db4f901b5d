/* One answer of the upstream, from bytes to a head and body pieces. llhttp parses; this adds limits, interim answers,
 * the removal of what concerns the hop, and the refusal of framing that two readers could understand in two ways. */
#ifndef TH_HTTP_ANSWER_H
#define TH_HTTP_ANSWER_H

#include <llhttp.h>

#include "base/buf.h"
#include "exchange/head.h"

/* Called from th_answer_feed(). False stops the parsing: the owner has no more use for this answer. */
struct th_answer_ops {
	bool (*head)(void *user, const struct th_head *head);
	bool (*body)(void *user, const uint8_t *p, size_t n);
};

enum th_answer_step {
	TH_ANSWER_MORE,	    /* all was taken, the answer goes on */
	TH_ANSWER_COMPLETE, /* the answer ends at `*used` */
	TH_ANSWER_STOPPED,  /* head() or body() said so */
	TH_ANSWER_BAD,	    /* `problem` says why */
};

#define TH_ANSWER_KEEP_ALIVE_UNKNOWN UINT32_MAX

struct th_answer_span {
	uint32_t name_at, name_n, value_at, value_n; /* in `text` */
};

struct th_answer {
	llhttp_t parser;
	const struct th_answer_ops *ops; /* borrowed */
	void *user;
	struct th_buf text; /* names and values of the fields; its maximum is the limit on the header section */
	struct th_answer_span spans[TH_HEAD_FIELDS_MAX];
	size_t n_fields, head_seen, interims;
	uint32_t keep_alive_s; /* the server's "Keep-Alive: timeout=" */
	const char *problem;
	bool to_head;	 /* of the request: no body follows */
	bool started;	 /* a byte has come */
	bool field_open; /* the last span still grows */
	bool head_done, interim, stopped, complete;
	bool keep; /* once complete: the connection may carry another exchange */
};

void th_answer_init(struct th_answer *a, const struct th_mem *mem, size_t head_bytes, const struct th_answer_ops *ops,
		    void *user);
void th_answer_free(struct th_answer *a);

/* Ready for the answer to one request. */
void th_answer_begin(struct th_answer *a, bool to_head);

enum th_answer_step th_answer_feed(struct th_answer *a, const uint8_t *p, size_t n, size_t *used);

/* The connection has ended in good order: true when that was how this answer ends, false when it is cut. */
bool th_answer_eof(struct th_answer *a);

#endif
