/* The parts of join.h's stage. Private to src/home.
 *
 *     waiter ─┐
 *     waiter ─┼─▶ call ─flow─▶ server beneath
 *     waiter ─┘
 */
#ifndef TH_HOME_JOIN_INT_H
#define TH_HOME_JOIN_INT_H

#include "home/join.h"

/* One client's request. */
struct waiter {
	struct th_flow flow; /* towards the client */
	struct th_join *join;
	struct call *call;   /* NULL until its request is whole */
	struct th_list link; /* of the call, or of the stage while the request comes */
	struct th_list dead_link;
	struct th_kept
		*request; /* owned: the request's fields and body while it comes; NULL: it has none, or is whole */
	char *line;	  /* owned: its method and target */
	size_t method_n, target_n;
	size_t sent; /* bytes of the answer's body */
	bool head_sent, end_sent, gone;
	bool blocked, resumed; /* the client took less and has not resumed; it has, within data() */
};

enum sharing {
	SHARE_ALWAYS,	   /* asking twice is asking once */
	SHARE_UNTIL_WRITE, /* likewise, while the account writes nothing */
	SHARE_RETRY,	   /* only when its client has left */
};

/* One exchange with the server beneath. */
struct call {
	struct th_flow flow; /* towards the server beneath */
	struct th_join *join;
	struct th_list link, waiters;
	size_t n_waiters; /* that are not gone */
	struct th_slot by_key;
	bool findable; /* in the table */
	struct th_home_key key, account;
	uint64_t target; /* hash */
	enum sharing sharing;

	struct th_kept *request; /* owned until all of its body is taken; NULL: it has none */
	size_t sent;
	bool request_ended;

	struct th_kept *answer; /* owned: head and body as they come; NULL before the head */
	size_t dropped;		/* bytes of the body that are gone from its front: it is too long to be kept */
	bool answer_ended, refused_data, streams, kept, dead, pumping, again, taking;
	struct th_timer timer; /* the end of its grace */
	size_t kept_bytes;
};

/* call.c */
/* A call for a whole request with no waiter yet; its body is taken over. NULL without memory. */
struct call *th_call_new(struct th_join *j, const struct th_head *head, struct th_kept *request,
			 const struct th_home_key *key, const struct th_home_key *account);
void th_call_start(struct call *c, const struct th_head *head);
void th_call_add(struct call *c, struct waiter *w);
/* Gives the waiters what there is. */
void th_call_pump(struct call *c);
/* A waiter has left or is done. */
void th_call_left(struct call *c, bool done);
/* A request of that key may join it. */
bool th_call_may_join(const struct call *c);
/* No request joins it from now on. */
void th_call_hide(struct call *c);
/* Over: what is beneath is closed, waiters get `why`. */
void th_call_end(struct call *c, const struct th_failure *why);
void th_call_free(struct call *c);
/* Its time is over. */
void th_call_expire(struct call *c);
/* Drops the oldest answers kept for nobody, until there is room for so many bytes more. */
void th_join_make_room(struct th_join *j, size_t bytes);
bool th_method_writes(struct th_str method);

/* join.c: it hears `why` and is done. */
void th_waiter_fail(struct waiter *w, const struct th_failure *why);

#endif
