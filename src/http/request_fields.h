/* What a request's header fields say about the message itself: framing, Host, persistence, expectations. The rest is
 * for the flow. llhttp checks framing too; two opinions must agree before a body is believed (RFC 9112 §6.3, §11.2). */
#ifndef TH_HTTP_REQUEST_FIELDS_H
#define TH_HTTP_REQUEST_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "exchange/head.h"

struct th_request_facts {
	int64_t body_len; /* as in struct th_head */
	bool keep_alive;
	bool expect_continue;
};

/* Judges all fields and removes, in place, those that are not for the flow. 0 when they are right, else the status to
 * answer (400, 417, 501) with a sentence for people. */
uint16_t th_request_fields_judge(struct th_request_facts *facts, struct th_field *fields, size_t *n_fields,
				 unsigned minor, const char **reason);

#endif
