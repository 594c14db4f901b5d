/* Sync push: the long polls of a client's sync loop as one observation (RFC 7641). Private to src/proxy.
 *
 *     client ─poll─▶ sync_poll ─▶ sync_near ── FETCH, Observe 0 ──▶ sync_far ─poll─▶ homeserver
 *            ◀────────────────────────────────◀─── notification ───┘ ◀─ answer, if it tells something
 *            ─poll with its next_batch──▶ ──── ACK ───▶  ─poll with that─▶
 *
 * A *watch* is the ingress half's view of one loop: who polls with the same target, but for since and timeout, and the
 * same fields, Authorization among them. A *poll* is one HTTP request of it. A *poller* is the egress half's side of a
 * watch.
 *
 * The rule that keeps to-device messages: the homeserver forgets them when it is asked with a newer since, so it is
 * asked with a token only when the client itself has asked with it. The ACK of a notification says so: the ingress half
 * holds it back until its client polls with that next_batch, for TH_COAP_ACCEPT_DELAY, and resets the notification if
 * it does not. docs/internals/sync.md has the whole story, docs/protocol.md the bytes. */
#ifndef TH_PROXY_SYNC_H
#define TH_PROXY_SYNC_H

#include "base/heap.h"
#include "coap/option.h"
#include "proxy/core.h"
#include "proxy/sync_form.h"
#include "proxy/sync_query.h"
#include "proxy/sync_sliding.h"

enum {
	TH_SYNC_ACCOUNT_MAX = 8,      /* registrations of one account at a time, beside those that are polled for */
	TH_SYNC_WATCHES_MAX = 1024,   /* loops remembered, with or without a registration */
	TH_SYNC_POLLERS_MAX = 1024,   /* registrations that are served */
	TH_SYNC_BODY_MAX = 64 * 1024, /* longer answers are no notifications: they stream */
	TH_SYNC_CODE_VALID = TH_COAP_CODE(2, 3),
};

/* How long the egress half lets the homeserver think; below what proxies in front of homeservers allow. */
#define TH_SYNC_POLL_MS 50000

struct th_sync_timer {
	struct th_timer timer;
	void (*fire)(struct th_sync_timer *t);
};

/* An HTTP head that outlives the call. */
struct th_sync_head {
	struct th_buf bytes; /* as an envelope */
};

void th_sync_head_init(struct th_sync_head *h, const struct th_mem *mem);
void th_sync_head_free(struct th_sync_head *h);
/* TH_ERR_TOO_LARGE, TH_ERR_NO_MEMORY. */
enum th_err th_sync_head_keep(struct th_sync_head *h, const struct th_head *head);
/* Borrows from `h` and `fields` (room for TH_HEAD_FIELDS_MAX); false when none is kept. */
bool th_sync_head_read(const struct th_sync_head *h, struct th_head *out, struct th_field *fields, bool request);

/* Whether that may be a poll of a loop; then `q` is what its target says. */
bool th_sync_is_poll(const struct th_head *h, struct th_sync_query *q);

/* What polls of one loop have in common, as bytes: the target's rest, all fields that cross, the body but for its token.
 * Holds the account's secret. */
enum th_err th_sync_key(const struct th_node *n, const struct th_head *request, struct th_str body, struct th_buf *out);
/* A keyed hash of which loop of which account a request of sliding sync belongs to, whatever else is in its body. */
uint64_t th_sync_connection(const struct th_node *n, const struct th_head *request, struct th_str body);
/* A keyed hash of whose request it is; 0: nobody's. */
uint64_t th_sync_account(const struct th_node *n, const struct th_head *request);
/* In constant time. */
bool th_sync_key_eq(const struct th_buf *a, const struct th_buf *b);
void th_sync_key_free(struct th_buf *key);

/* A timer is added once, at TH_NEVER (TH_ERR_NO_MEMORY), so that moving it cannot fail. Moving one that was removed
 * does nothing. */
enum th_err th_sync_timer_add(struct th_node *n, struct th_sync_timer *t);
void th_sync_timer_remove(struct th_node *n, struct th_sync_timer *t);
void th_sync_timer_set(struct th_node *n, struct th_sync_timer *t, th_time at);

/* ---- sync_poll.c: HTTP requests of clients ---- */

struct th_poll {
	struct th_flow flow; /* towards the client */
	struct th_list link; /* on sync.polls, or sync.dead_polls */
	struct th_node *node;
	struct th_watch *watch; /* that holds it; NULL once it is answered */
	struct th_sync_timer idle;
	struct th_sync_head ask;
	struct th_sync_query query;
	struct th_buf body; /* of the request: sliding sync */
	struct th_buf out;  /* of the answer's body, what the client has not taken */
	bool answering, streaming, pumping, again, ended, dead;
	unsigned repeats; /* how often it was asked anew because its registration was lost */
	struct th_report report;
};

/* The whole answer; the body is copied. */
void th_poll_answer(struct th_poll *p, const struct th_head *head, const uint8_t *body, size_t n);
/* An answer that streams. */
void th_poll_head(struct th_poll *p, const struct th_head *head);
size_t th_poll_data(struct th_poll *p, const uint8_t *bytes, size_t n);
void th_poll_end(struct th_poll *p);
void th_poll_fail(struct th_poll *p, const struct th_failure *why);

/* ---- sync_watch.c, sync_near.c ---- */

/* Takes the poll, or says that it is better carried as any other request. */
bool th_watch_take(struct th_node *n, struct th_poll *p);
/* Nothing has come until the poll's own timeout: it is answered in vain. */
void th_watch_idle(struct th_poll *p);
/* Its client has left, or could take more. */
void th_watch_left(struct th_poll *p);
void th_watch_resume(struct th_poll *p);
/* What its answer cost on the link is put into its report. */
void th_watch_charge(struct th_watch *w, struct th_report *r);

/* ---- sync_far.c ---- */

void th_poller_drain(struct th_node *n);

#endif
