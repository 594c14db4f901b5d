/* One client's connection: private to the listener's files.
 *
 *     input.c    bytes read -> requests -> flow           respond.c  flow -> bytes to write
 *     conn.c     sockets, timers, phases                  listener.c accepting, caps, the work list
 *
 * Flow callbacks only change the connection's state and its output buffer and put it on the work list; parsing, writing
 * and freeing happen at the top of the stack: in ready(), in an alarm, or in the listener's hook after each batch of
 * events. */
#ifndef TH_HTTP_CONN_H
#define TH_HTTP_CONN_H

#include "base/buf.h"
#include "http/date.h"
#include "http/listener.h"
#include "http/request.h"

enum {
	CONN_READ = 64 * 1024,	       /* bytes of one read(2), into the listener's scratch */
	CONN_OUT_SOFT = 64 * 1024,     /* data() takes no more than fits below; heads and framing may pass */
	CONN_OUT_ROOM_MIN = 512,       /* data() waits rather than making smaller chunks */
	CONN_DRAIN_BYTES = 256 * 1024, /* of a request that nobody wants any more, read and thrown away */
	CONN_RATE_MIN = 256,	       /* bytes a second that keep a transfer from timing out */
	CONN_ROUNDS = 8,	       /* of service in one batch, so that one connection cannot starve the others */
};

enum conn_phase {
	CONN_OPEN,
	CONN_DRAIN,   /* answered early: the rest of the request is thrown away, then the next one may come */
	CONN_CLOSING, /* output is flushed, then FIN; input is thrown away until the client closes too */
	CONN_DEAD,    /* waits to be freed */
};

enum conn_framing { FRAME_NONE, FRAME_LENGTH, FRAME_CHUNKED, FRAME_UNTIL_CLOSE, FRAME_UNDECIDED };

/* What a connection waits for from its client, in time.
 * NOTHING: for the flow. IDLE: a request's first byte. HEAD: the end of its head. BODY: more of a body. DRAIN: its end.
 */
enum conn_wait { WAIT_NOTHING, WAIT_IDLE, WAIT_HEAD, WAIT_BODY, WAIT_DRAIN };

struct conn {
	struct th_list link;   /* among the listener's connections, or its dead */
	struct th_list work;   /* on the listener's work list */
	struct th_listener *l; /* borrowed */
	struct th_watch watch;
	struct th_alarm alarm;
	struct th_flow flow; /* our (client) end of the exchange under way */
	struct th_request req;
	struct th_listener_limits limits; /* as of accept */
	struct th_buf in;		  /* read, not yet used */
	struct th_buf out;		  /* to be written */
	th_time read_by, write_by;	  /* TH_NEVER: not awaited */
	enum conn_wait wait;
	enum conn_phase phase;
	bool surplus; /* past the cap: gets its 503 only */

	/* The request under way. */
	size_t span_left; /* body bytes at the front of the input that the flow has not taken */
	int64_t body_len;
	uint64_t body_taken;
	uint64_t drained; /* thrown away while closing */
	bool exchange;	  /* an answer is due, or the rest of its request */
	bool req_ended;
	bool keep;	/* another request may follow */
	bool head_only; /* HEAD */
	bool http10;
	bool expecting;		  /* the client waits for 100 Continue */
	bool up_blocked, resumed; /* the flow took less than offered; it called resume() meanwhile */

	/* Its response. */
	bool resp_started, resp_ended;
	bool want_resume; /* data() took less than offered */
	bool shut;	  /* CLOSING: everything was written, FIN is out */
	enum conn_framing framing;
	size_t framing_at; /* UNDECIDED: where in `out` the framing fields go */
	int64_t resp_left; /* LENGTH: bytes to come */
};

struct th_listener {
	struct th_loop *loop;	       /* borrowed */
	const struct th_mem *mem;      /* borrowed */
	struct th_flow_server *server; /* borrowed */
	struct th_listener_limits limits;
	struct th_watch watch;
	struct th_alarm retry; /* accepting again after the system ran out of descriptors */
	struct th_alarm wake;  /* set while the work list is not empty: no sleep then */
	struct th_hook hook;
	struct th_list conns, work, dead;
	struct th_listener_stats stats;
	struct th_http_date date;
	size_t surplus;
	uint16_t port;
	bool draining, accepting, complained;
	uint8_t scratch[CONN_READ];
};

/* conn.c */
void conn_init(struct conn *c, struct th_listener *l);
void conn_ready(struct th_watch *w, uint32_t events);
void conn_alarm(struct th_alarm *a, th_time now);
void conn_schedule(struct conn *c);
void conn_service(struct conn *c);
/* Ends it at once; the flow is closed, memory goes later. Safe to call twice. */
void conn_die(struct conn *c);
/* The same with a TCP reset: what was written so far must not look whole. */
void conn_cut(struct conn *c);
/* An answer is due from here on, or no longer. */
void conn_set_exchange(struct conn *c, bool on);

/* Once the response has ended: makes way for the next request, or for the end. False when it has not. */
bool conn_finish(struct conn *c);

/* input.c */
bool conn_may_parse(const struct conn *c);
/* Returns how many of the bytes are done with. */
size_t conn_input(struct conn *c, const uint8_t *p, size_t n);

/* respond.c */
extern const struct th_flow_ops conn_flow_ops;
/* Cancels the exchange and answers with an error of our own, after which the connection closes; cuts it when an answer
 * has begun. */
void conn_refuse(struct conn *c, uint16_t status, const char *reason);
/* The flow failed before it answered. */
void conn_fail(struct conn *c, const struct th_failure *why);
void conn_continue(struct conn *c); /* 100 Continue */
/* Output is about to leave: how the response under way is framed cannot stay open any longer. False without memory. */
bool conn_settle_framing(struct conn *c);

#endif
