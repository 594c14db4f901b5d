/* Scripted flow ends for the stages of src/home: a client that sends one request and keeps what comes back, a server
 * whose answers the test gives by hand (or by a function, at each request's end), and a clock. Both ends check the
 * rules of flow.h. */
#ifndef TH_HOME_RIG_H
#define TH_HOME_RIG_H

#include "base/buf.h"
#include "base/list.h"
#include "exchange/flow.h"
#include "home/env.h"
#include "unit.h"

enum { RIG_TEXT = 8192, RIG_CALLS = 1024 };

/* ---- client ---- */

struct rig_client {
	struct th_flow flow;
	uint16_t status;
	int64_t body_len;
	char fields[RIG_TEXT]; /* "Name: value\n" each */
	struct th_buf body;
	char text[RIG_TEXT]; /* what it was, after rig_client_free() */
	size_t take;	     /* bytes it takes now; then it waits for rig_read() */
	bool refused, head, ended, closed, patient, request_done;
	struct th_failure why; /* .err: the server end failed */
	char reason[256];
};

/* `fields` as "Name: value\n…". The request is sent whole; `body` NULL: none. */
void rig_send(struct rig_client *c, struct th_flow_server *server, const char *method, const char *target,
	      const char *fields, const char *body);
/* Its parts. */
void rig_open(struct rig_client *c, struct th_flow_server *server);
void rig_head(struct rig_client *c, const char *method, const char *target, const char *fields, int64_t body_len);
void rig_end(struct rig_client *c);
void rig_leave(struct rig_client *c);
void rig_read(struct rig_client *c, size_t n); /* takes so much more */
void rig_client_free(struct rig_client *c);

static inline bool rig_has(const struct rig_client *c, const char *line)
{
	return strstr(c->fields, line) != NULL;
}

/* The client has this answer, whole. */
void rig_got(const struct rig_client *c, unsigned status, const char *body);
/* The client has no answer yet. */
void rig_waits(const struct rig_client *c);

/* ---- server ---- */

struct rig_server;

struct rig_call {
	struct th_flow flow;
	struct rig_server *server;
	char method[32], target[RIG_TEXT], fields[RIG_TEXT];
	struct th_buf body;
	int64_t body_len;
	bool head, ended, closed, answered, answer_ended;
	struct th_buf out; /* of the answer, what was not taken yet */
	bool out_end;
};

struct rig_server {
	struct th_flow_server server;
	struct rig_call *calls[RIG_CALLS]; /* owned, in their order */
	size_t n, open;
	struct th_failure refuse;			/* open() fails with it when .err is set */
	void (*at_end)(struct rig_call *x, void *user); /* NULL: by hand */
	void *user;
	size_t take; /* request bytes taken in one call, 0: all */
};

void rig_server_init(struct rig_server *s);
void rig_server_free(struct rig_server *s);
void rig_answer(struct rig_call *x, unsigned status, const char *fields, const char *body);
void rig_answer_bytes(struct rig_call *x, unsigned status, const char *fields, const void *body, size_t n, bool tell);
/* Its parts. */
void rig_answer_head(struct rig_call *x, unsigned status, const char *fields, int64_t body_len);
void rig_answer_data(struct rig_call *x, const void *p, size_t n);
void rig_answer_end(struct rig_call *x);
void rig_fail(struct rig_call *x, enum th_err err, unsigned status);
static inline struct rig_call *rig_last(struct rig_server *s)
{
	assert_true(s->n > 0);
	return s->calls[s->n - 1];
}

/* ---- surroundings ---- */

struct rig_env {
	struct th_home_env env;
	th_time now;
	struct th_policy policy;
	unsigned reports;
	enum th_home_by last_by;
	uint16_t last_status;
	uint64_t last_bytes;
};
void rig_env_init(struct rig_env *e, const struct th_mem *mem);
void rig_on_report(void *user, const struct th_home_report *r); /* user: the struct rig_env */

/* Splits "Name: value\n…" (the text is changed). */
size_t rig_fields(char *text, struct th_field *out, size_t max);

#endif
