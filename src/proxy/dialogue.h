/* What the two ends of a session share beside keys: the history that messages are coded against, the account slots, and
 * what codings the other end knows. One for each session; gone with it. Private to src/proxy. */
#ifndef TH_PROXY_DIALOGUE_H
#define TH_PROXY_DIALOGUE_H

#include "base/addr.h"
#include "base/list.h"
#include "codec/history.h"
#include "proxy/accounts.h"
#include "proxy/answers.h"
#include "proxy/budget.h"
#include "proxy/hello.h"

struct th_dialogue {
	const struct th_mem *mem;   /* borrowed */
	struct th_list link;	    /* of its owner */
	struct th_addr peer;	    /* virtual */
	bool asks;		    /* this end sends the requests: it is the session's initiator */
	unsigned lives;		    /* of the peer: how often it was restarted */
	struct th_history *history; /* owned; NULL until it is needed */
	struct th_accounts accounts;
	struct th_answers answers; /* answering end: as they were before they were coded */
	struct th_list unnamed;	   /* legs whose request is coded, and not known to have been sent yet */
	bool heard;		   /* the peer has said what it knows */
	bool other_tables;	   /* it has other tables, and another preset dictionary */
	bool no_model;		   /* not both ends have the same tables of the model, and use it */
	uint64_t pushed;	   /* answering end: the number that the last notification got for itself; 0: none */
	unsigned loss_percent;	   /* of the link, as told */
	unsigned careful;	   /* answering end: so many answers count on nothing that is on its way */
	unsigned generation;	   /* of coded requests: a new one after the peer lacked what it was referred to */
	unsigned refused;	 /* how often it did so since it last read a request that was coded against something */
	struct th_budget budget; /* of the asking end */
};

struct th_dialogue *th_dialogue_new(const struct th_mem *mem, const struct th_addr *peer, bool asks);
void th_dialogue_del(struct th_dialogue *d);

/* The peer has said what it knows. `own` is what this end says. */
void th_dialogue_heard(struct th_dialogue *d, const struct th_hello *own, const struct th_hello *peer);

/* The peer has forgotten everything, or said that it lacks something. */
void th_dialogue_forget(struct th_dialogue *d);

/* Asking end: the peer lacks what a request of that generation referred to. It is not referred to any more; if that was
 * not enough, all is forgotten. */
void th_dialogue_refused(struct th_dialogue *d, unsigned generation);

/* Answering end: an answer was asked for once more. For some time answers count on nothing that is still on its way. */
void th_dialogue_hoped_in_vain(struct th_dialogue *d);

/* NULL without memory. */
struct th_history *th_dialogue_history(struct th_dialogue *d);

#endif
