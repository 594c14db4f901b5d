/* Pollers: the egress half of sync push. How they come into being is in sync_register.c, what they ask the homeserver in
 * sync_far.c, what they tell the ingress half in sync_tell.c. Private to src/proxy.
 *
 *   ASKING ─an answer that tells something─▶ OWED ─accepted: the client has asked with its token─▶ ASKING
 *     │ └─one in vain─▶ ASKING, with the same since
 *     ├─the homeserver is away─▶ PAUSE ─▶ ASKING
 *     └─anything else: an error, more than a message holds─▶ LAST: it ends the observation, and the next poll begins
 * another
 *
 * Timers: poller->timer. Before anything was answered: the registration's own answer (2.03) is due; in PAUSE: the next
 * try; in OWED: a notification that nobody acknowledged goes anew. */
#ifndef TH_PROXY_SYNC_POLLER_H
#define TH_PROXY_SYNC_POLLER_H

#include "proxy/sync.h"

enum th_poller_stage { TH_POLLER_ASKING, TH_POLLER_OWED, TH_POLLER_PAUSE, TH_POLLER_LAST };

struct th_poller {
	struct th_leg *leg; /* whose it is */
	struct th_list link;
	struct th_sync_timer timer;
	enum th_poller_stage stage;
	struct th_buf key;
	struct th_sync_head ask;    /* the request as it came */
	struct th_flow taker;	    /* of the body while it comes: sliding sync */
	struct th_buf request;	    /* that body */
	struct th_buf sending;	    /* what of one the homeserver has not taken yet */
	bool sliding;
	bool pumping, pump_again; /* that is being given to it, and it has asked for more meanwhile */
	struct th_sync_place at; /* the client has asked with it */
	bool known;		    /* what the ingress half would answer in vain: */
	uint8_t digest[TH_SYNC_DIGEST];
	bool told;	   /* the registration has been answered */
	bool first;	   /* the homeserver has not been asked before */
	bool answer_ended; /* LAST: the homeserver's answer is whole */
	bool streaming;	   /* LAST: it goes out as it comes */
	bool draining, drain_again;
	th_time asked_at;   /* when the homeserver was asked */
	th_time owed_at;    /* when the notification was made */
	th_time away_since; /* TH_NEVER: it is not */
	th_time pause;	    /* before the next try: of the homeserver; in OWED: of the ingress half */
	struct th_sync_head head; /* of its answer */
	struct th_buf body;
	struct th_sync_form form;
	uint64_t told_up, told_down; /* of the link: what reports have told */
	uint32_t told_datagrams_up, told_datagrams_down;
};

static inline th_time th_poller_now(const struct th_poller *p)
{
	return th_node_now(p->leg->node);
}

/* Off the lists; the leg frees it when it is buried. */
void th_poller_detach(struct th_poller *p);
/* The observation is over here; its exchange by `drop` (th_leg_drop, th_leg_abandon; NULL: it is over). */
void th_poller_end(struct th_poller *p, void (*drop)(struct th_leg *leg));
/* The same after a failure: it breaks off. */
void th_poller_broken(struct th_poller *p, enum th_err err);
/* The answer is about to go out as a notification. */
void th_poller_owes(struct th_poller *p);
/* The client has asked with the notification's token: so may we. */
void th_poller_accepted(struct th_poller *p);

/* Asks the homeserver: the first time as the client did, then on our own. Its answers come to this flow. */
void th_poller_ask(struct th_poller *p);
extern const struct th_flow_ops th_poller_flow;
/* Its timer. */
void th_poller_due(struct th_sync_timer *t);

/* 2.03 Valid: what the client has is the newest we know of. */
void th_poller_registered(struct th_poller *p);
/* A failure is the last answer. */
void th_poller_refuse(struct th_poller *p, const struct th_failure *why);
/* The answer is whole, here; it goes out as a notification if it may and fits, else as the last answer. */
void th_poller_send_whole(struct th_poller *p, bool notify);
/* More comes than a notification may hold: the answer's head goes out. What was kept of its body goes next
 * (th_poller_flush: false while some of it waits). */
void th_poller_send_on(struct th_poller *p);
bool th_poller_flush(struct th_poller *p);
/* The engine takes bytes again, or the notification was accepted. */
void th_poller_can_send(struct th_leg *leg);

#endif
