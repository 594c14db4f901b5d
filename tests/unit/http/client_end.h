/* A client end that a test drives: sends one request, keeps what comes back. */
#ifndef TH_TESTS_CLIENT_END_H
#define TH_TESTS_CLIENT_END_H

#include "base/buf.h"
#include "exchange/flow.h"

struct client_end {
	struct th_flow flow;
	uint16_t status;
	int64_t body_len;
	char fields[4096]; /* "Name: value\n" each */
	struct th_buf body;
	size_t total; /* body bytes taken */
	size_t take;  /* at most so many a call */
	bool discard; /* count, do not keep */
	bool sent_all, heads_twice, head, ended, closed, resumed;
	bool cancel_on_head, cancel_on_data;
	struct th_failure why;
	char reason[512];
};

/* False, with c->why, when the server has no room. */
bool client_open(struct client_end *c, struct th_flow_server *server);
void client_head(struct client_end *c, const char *method, const char *target, int64_t body_len);
void client_send(struct client_end *c, const char *method, const char *target, const char *body);
void client_end_request(struct client_end *c);
void client_cancel(struct client_end *c);
void client_free(struct client_end *c);

#endif
