/* Watches: the ingress half's view of sync loops. What they are, and their life; what they do is in sync_near.c.
 * Private to src/proxy.
 *
 *   FREE ─poll─▶ ASKED ─2.03─▶ OPEN ─answer begins─▶ ARRIVING ─whole─▶ WHOLE ─poll there─▶ GIVEN ─poll with its token:
 * ACK─▶ OPEN └─answer begins─▶ ARRIVING            └─the last one: to the poll as it comes─▶ FREE
 *
 * A registration that is lost while a poll is held leads to AGAIN, and from there to ASKED.
 *
 * Timers: poll->idle, the poll's own timeout (sync_poll.c); watch->late, a client that does not come for its answer, or
 * does not poll with its token: the notification is reset; in OPEN, one that does not poll any more: the registration
 * ends; in AGAIN, when the poll is asked anew; in FREE, when the watch is forgotten. */
#ifndef TH_PROXY_SYNC_WATCH_H
#define TH_PROXY_SYNC_WATCH_H

#include "proxy/sync.h"

enum th_watch_phase {
	TH_WATCH_FREE,
	TH_WATCH_AGAIN,
	TH_WATCH_ASKED,
	TH_WATCH_OPEN,
	TH_WATCH_ARRIVING,
	TH_WATCH_WHOLE,
	TH_WATCH_GIVEN
};

/* What the link has cost. */
struct th_watch_cost {
	uint64_t up, down;
	uint32_t datagrams_up, datagrams_down;
};

struct th_watch {
	struct th_node *node; /* borrowed for life */
	struct th_slot by_key;
	struct th_list link;
	struct th_buf key;
	uint64_t account;     /* whose token is in the key: th_sync_account() */
	struct th_flow flow;  /* client end of the leg's */
	struct th_leg *leg;   /* its registration, or the last answer under way; borrowed, NULL: none */
	struct th_poll *poll; /* held, or being answered as the answer comes; borrowed, NULL: none */
	struct th_sync_timer late;
	th_time rests_until; /* in OPEN without a poll: then the client is gone */
	enum th_watch_phase phase;
	bool observes; /* the request under way asked for notifications */
	bool known;    /* the egress half knows `form` as what was said last */
	bool final;    /* no notification: nothing follows this answer */
	bool sliding;  /* sliding sync */
	uint64_t connection; /* th_sync_connection() */
	bool deaf;     /* the other daemon knows nothing of this */
	bool alone;    /* the last answer built on what is not here: the next request shall build on nothing */
	struct th_sync_place at; /* what the client has asked with */
	uint64_t accepted;	 /* hash of the notification that told it that token; 0: none did */
	struct th_sync_head head;   /* of the last answer */
	struct th_buf body;	    /* of a notification; of sliding sync, while it comes, of a last answer, too */
	bool cut;		    /* that was longer */
	struct th_sync_form form;   /* of the last answer */
	bool form_ok;
	uint64_t heard;			/* th_watch_heard() when the poll came */
	struct th_watch_cost told, due; /* of the leg: what was counted; what no report has told yet */
};

/* The watch for such requests, made if need be and now the last used one; takes the key. NULL without memory or room.
 */
struct th_watch *th_watch_get(struct th_node *n, struct th_buf *key, uint64_t account);

/* The leg is no longer the watch's, which is FREE; the caller says what becomes of the leg's exchange. NULL: there was
 * none. */
struct th_leg *th_watch_let_go(struct th_watch *w);

/* Ends the registration, if any. A notification that waits for its acknowledgement is reset; `tell`: the egress half
 * would not learn of it otherwise. */
void th_watch_drop(struct th_watch *w, bool tell);

/* One more registration of that account comes: the longest unused of too many ends. */
void th_watch_make_room(struct th_watch *w);

/* Sliding sync: a client that asks otherwise on the same connection asks no more as before. Ends what was registered for
 * that; whether this one is such a one. */
void th_watch_supersede(struct th_watch *w);
bool th_watch_superseded(const struct th_watch *w);

/* Bytes on the link that its leg has got so far. */
uint64_t th_watch_heard(struct th_watch *w);

/* In so much time from now, see above; TH_NEVER: not at all. */
void th_watch_late(struct th_watch *w, th_time in);
/* No poll is held in OPEN now; and it was so before what came meanwhile. */
void th_watch_rest(struct th_watch *w);
void th_watch_rest_on(struct th_watch *w);

/* sync_near.c */
extern const struct th_flow_ops th_watch_flow;
/* The poll is asked of the egress half. */
void th_watch_begin(struct th_watch *w, struct th_poll *p);

#endif
