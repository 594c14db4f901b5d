/* A stage between a client end and a server end, and one exchange in it.
 *
 *     client end ⇄ up │ relay │ down ⇄ server beneath
 *
 * A stage is a flow server itself. For each exchange it makes a relay, whose ops decide what happens when the request's
 * head is there: step aside (the client is joined with the server beneath as if the stage were not there), pass on and
 * look at what goes by, or answer. What an op leaves NULL is passed on unchanged, back-pressure included. */
#ifndef TH_HOME_RELAY_H
#define TH_HOME_RELAY_H

#include "base/list.h"
#include "exchange/flow.h"
#include "home/env.h"
#include "home/kept.h"

struct th_relay;

struct th_relay_ops {
	/* The request. head: must end in one of the verbs below, or keep silent until `end`. */
	void (*head)(struct th_relay *r, const struct th_head *h);
	size_t (*data)(struct th_relay *r, const uint8_t *p, size_t n);
	void (*end)(struct th_relay *r);
	void (*request_resume)(struct th_relay *r); /* beneath can take more of it */
	/* The answer from beneath. */
	void (*answer_head)(struct th_relay *r, const struct th_head *h);
	size_t (*answer_data)(struct th_relay *r, const uint8_t *p, size_t n);
	void (*answer_end)(struct th_relay *r);
	void (*answer_resume)(struct th_relay *r); /* the client can take more: for stages that keep answers back */
	/* Beneath failed. */
	void (*failed)(struct th_relay *r, const struct th_failure *why);
	/* Both sides have closed: what the relay counts for ends here. */
	void (*closed)(struct th_relay *r);
	/* It is freed now: drop what the stage's own part of it owns. */
	void (*buried)(struct th_relay *r);
};

struct th_stage {
	struct th_flow_server server;
	struct th_home_env *env;      /* borrowed */
	struct th_flow_server *below; /* borrowed */
	const struct th_relay_ops *ops;
	size_t relay_bytes;	   /* a stage's own struct begins with a struct th_relay */
	struct th_list open, dead; /* relays, owned */
	size_t n_open;
};

struct th_relay {
	struct th_flow up, down;
	struct th_stage *stage; /* borrowed for life */
	struct th_list link;
	bool request_ended, answered; /* the request's end has come; an answer's head went to the client */
	bool dead;
	/* an answer of our own */
	bool local, pumping, again;
	struct th_kept *body; /* used: what is being sent; NULL: no body */
	size_t sent;
};

/* A stage's own struct has one of these as `stage`. What is not its own to do, its owner asks of that: th_stage_turn(), and th_stage_free()
 * where it has no verb for it. */
void th_stage_init(struct th_stage *s, struct th_home_env *env, struct th_flow_server *below,
		   const struct th_relay_ops *ops, size_t relay_bytes);
/* Open exchanges end with 503. */
void th_stage_free(struct th_stage *s);
/* Frees what has died; call between callbacks. */
void th_stage_turn(struct th_stage *s);

/* Opens the server beneath and gives it the head; when that refuses, the client is told and the exchange is over. */
void th_relay_pass(struct th_relay *r, const struct th_head *h);
/* The stage has no interest: client and server beneath are joined. The relay is dead afterwards. Only from `head`. */
void th_relay_step_aside(struct th_relay *r, const struct th_head *h);
/* Answers the client itself: the head as it stands, then the kept body (NULL: none; head->body_len must fit). What is
 * beneath is closed first. What still comes of the request is dropped. */
void th_relay_answer(struct th_relay *r, const struct th_head *h, struct th_kept *body);
void th_relay_fail(struct th_relay *r, const struct th_failure *why);

/* The client end that speaks to the last server beneath: through the relays of stages that lie between. */
const struct th_flow *th_relay_through(const struct th_flow *client);

/* A Matrix error as an answer with CORS fields, so that browsers show it to their page. `retry_after` 0: none. */
void th_relay_refuse(struct th_relay *r, uint16_t status, const char *errcode, const char *reason);
/* 200 with `{}` and CORS fields. */
void th_relay_empty(struct th_relay *r);

#endif
