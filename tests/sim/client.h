/* One scripted HTTP exchange: the client end of a flow that sends a request and remembers what came back. */
#ifndef TH_SIM_CLIENT_H
#define TH_SIM_CLIENT_H

#include <stdbool.h>

#include "exchange/flow.h"
#include "sim/body.h"
#include "sim/net.h"

enum { SIM_FIELDS_MAX = 16, SIM_REASON_MAX = 160 };

struct sim_request {
	const char *method, *target; /* borrowed until the client is gone */
	struct th_field fields[SIM_FIELDS_MAX];
	size_t n_fields;
	struct sim_body body;
	bool chunked;	   /* its length is not announced */
	size_t send_limit; /* body bytes sent before it pauses; SIZE_MAX: all at once */
	size_t read_limit; /* body bytes read before it pauses; SIZE_MAX: all */
	bool patient;	   /* keeps sending the request after the response has ended */
};

enum sim_client_state {
	SIM_CLIENT_NEW,
	SIM_CLIENT_OPEN,   /* under way */
	SIM_CLIENT_DONE,   /* whole response */
	SIM_CLIENT_FAILED, /* the server end failed: see err, fail_status */
	SIM_CLIENT_LEFT,   /* left by itself */
};

struct sim_client {
	struct th_flow flow;
	const th_time *now; /* borrowed */
	struct sim_request req;
	enum sim_client_state state;
	bool sending; /* the head is out, the body not ended */
	bool sent_all;
	bool blocked; /* the peer took less and will resume */
	bool pumping;
	bool refused_data; /* this end took less and owes a resume */
	size_t sent;
	/* the response */
	uint16_t status;
	int64_t body_len;
	char head_text[1024]; /* "Name: value\n" each, cut */
	struct sim_sum sum;
	char *text; /* borrowed; NULL: none. The body is copied there, as far as text_cap goes, NUL after it */
	size_t text_cap;
	bool whole;
	enum th_err err;
	uint16_t fail_status;
	char reason[SIM_REASON_MAX];
	unsigned retry_after;
	const char *bug; /* a rule of flow.h that the other end broke; NULL: none */
	th_time opened_at, head_at, closed_at;
	void (*done)(struct sim_client *c); /* NULL: none; once, when the flow has closed */
	void *user;
};

/* The request is copied; what it points to is borrowed. */
void sim_client_init(struct sim_client *c, const struct sim_request *req, const th_time *now);
void sim_client_start(struct sim_client *c, struct th_flow_server *server);
/* Sends or reads on: raises the limits by n. */
void sim_client_send_more(struct sim_client *c, size_t n);
void sim_client_read_more(struct sim_client *c, size_t n);
void sim_client_leave(struct sim_client *c);
const char *sim_client_state_text(enum sim_client_state s);

#endif
