/* What the parts of the upstream client share: the pool, its connections, and the calls (exchanges) on them.
 *
 *     upstream.c  open and limits; gives calls to connections     up_call.c  the flow's server end: request out, answer
 * in up_dial.c   names, addresses, TCP, TLS                      up_conn.c  bytes and time of one connection
 *
 * The flow's verbs only note what there is to do; a `work` alarm that is due at once does it. So nothing here calls the
 * client end back from within one of its own calls, and what has died is freed when nobody stands on it.
 *
 * Timers: work (due now: something was noted; else when the queue's oldest call has waited enough), and one per
 * connection: dialing (one address, all of it), busy (silence of the server while it is its turn), idle (unused). */
#ifndef TH_HTTP_UP_H
#define TH_HTTP_UP_H

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "exchange/flow.h"
#include "http/answer.h"
#include "http/up_socket.h"
#include "http/upstream.h"
#include "http/url.h"
#include "link/resolve.h"

enum {
	UP_OUT_BYTES = 64 * 1024, /* of a request that wait for the socket */
	UP_OUT_MAX = UP_OUT_BYTES + TH_HEAD_BYTES_MAX + TH_URL_BASE_MAX + 4096,
	UP_REST_BYTES = 64 * 1024, /* of an answer that wait for the client end; also one read */
	UP_CHUNK_EXTRA = 20,	   /* size line and CRLFs of a chunk */
};

struct th_upstream {
	struct th_flow_server server;
	const struct th_mem *mem; /* borrowed */
	struct th_loop *loop;	  /* borrowed */
	struct th_url url;
	struct th_tls *tls; /* owned; NULL for http */
	struct th_upstream_limits limits;
	struct th_upstream_stats stats;
	struct th_alarm work;

	struct th_list calls; /* all that are open, by `all` */
	struct th_list queue; /* with a head, waiting for a connection, by `link` */
	struct th_list noted; /* with something to do, by `note` */
	struct th_list busy;  /* connections that dial or carry a call */
	struct th_list idle;  /* oldest first */
	struct th_list dead_calls, dead_conns;
	size_t n_calls;

	struct th_resolve *resolve; /* under way; owned */
	struct th_addr addrs[TH_RESOLVE_MAX];
	size_t n_addrs;
	th_time resolved_at;
	bool addrs_stale; /* none of them let us in: ask again */

	uint8_t in[UP_REST_BYTES]; /* one read, whoever's */
};

enum up_state { UP_RESOLVING, UP_CONNECTING, UP_HANDSHAKING, UP_BUSY, UP_IDLE, UP_DEAD };

struct up_call;

struct up_conn {
	struct th_list link;
	struct th_upstream *u; /* borrowed */
	struct up_call *call;  /* borrowed; NULL when idle or dead */
	enum up_state state;
	struct th_up_socket socket;
	struct th_watch watch;
	struct th_alarm alarm; /* may ring early: `deadline` is what counts */
	th_time deadline, dial_deadline;
	size_t addr;		 /* of u->addrs, being tried */
	bool reused;		 /* carried an exchange before this one */
	uint64_t written_before; /* of the socket, when this call began */
	bool wrote;		 /* a byte of this call's request went out */
	bool write_broken;	 /* no more can be sent; an answer may still come */
	bool paused;		 /* not read: the client end is slower */
	struct th_answer answer;
};

struct up_call {
	struct th_flow flow; /* the server end */
	struct th_list all, link, note;
	struct th_upstream *u; /* borrowed */
	struct up_conn *conn;  /* borrowed; NULL while queued and once the answer is whole */
	th_time queued_at;

	struct th_buf out; /* framed request bytes; the first `sent` have gone out */
	size_t sent;
	int64_t body_left; /* bytes of a body of known length still to come */
	bool chunked, to_head, idempotent;
	bool request_ended;
	bool out_starts; /* `out` begins with the request's first byte: it could be sent again */
	bool repeated, want_fresh;
	bool want_resume; /* data() took less than all */

	struct th_buf rest; /* answer bytes the client end did not take yet */
	bool resumed, answer_done;

	enum th_err flaw; /* the client end broke the rules: to be failed at the next turn */
	const char *flaw_text;
};

/* upstream.c */
void up_wake(struct th_upstream *u);
void up_note(struct up_call *call);

/* up_dial.c: begins to connect for conn->call; outcome is up_conn_ready() or up_call_fail(). */
void up_dial(struct up_conn *c);
void up_dial_ready(struct up_conn *c); /* the socket is ready */
void up_dial_late(struct up_conn *c);  /* the deadline has passed */
void up_dial_forget(struct th_upstream *u);

/* up_conn.c */
struct up_conn *up_conn_new(struct th_upstream *u); /* NULL without memory; on the busy list, counted */
void up_conn_close(struct up_conn *c);		    /* at once; the memory goes at the end of the turn */
void up_conn_free(struct up_conn *c);
void up_conn_abandon(
	struct up_conn *c); /* its call is cancelled: closed, or kept when the server has seen nothing of it */
void up_conn_take(struct up_conn *c, struct up_call *call); /* the call's request goes out on it */
void up_conn_flush(struct up_conn *c);
void up_conn_resume(struct up_conn *c);			/* the client end has taken all: read on */
void up_conn_watch(struct up_conn *c, uint32_t events); /* 0: not at all */
void up_conn_deadline(struct up_conn *c, th_time at);

/* up_call.c */
struct up_call *up_call_new(struct th_upstream *u);
void up_call_free(struct up_call *call);
void up_call_leave_queue(struct up_call *call);
void up_call_step(struct up_call *call); /* does what was noted */
bool up_call_may_repeat(const struct up_call *call, const struct up_conn *c);
void up_call_drop_sent(struct up_call *call);
size_t up_call_unsent(const struct up_call *call);
void up_call_answered(struct up_call *call); /* the last byte was parsed */
extern const struct th_answer_ops up_call_answer_ops;

/* Ends the call with a failure, and its connection with it. The sentence may use the url's `where`. */
__attribute__((format(printf, 5, 6))) void up_call_fail(struct up_call *call, enum th_err err, uint16_t status,
							unsigned retry_after, const char *fmt, ...);

#endif
