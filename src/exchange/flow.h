/* How the parts of the program hand one exchange to each other.
 *
 *     HTTP client ─▶ listener ⇄ ingress ═ link ═ egress ⇄ upstream ─▶ homeserver
 *                          └flow┘            └flow┘
 *
 * A flow has two ends. The client end (listener; in tests a script) opens the exchange, sends the request and receives
 * the response; the server end (ingress; upstream) does the opposite. Each end calls the verbs below on its own end; they
 * reach the peer's ops. Per direction: head once, then data any number of times, then end once.
 *
 * Rules that make this safe:
 * - Bytes and heads are borrowed during the call.
 * - data() may take fewer bytes than offered (also none). Who took less calls resume() later, once; the sender then offers
 *   the rest again. end() follows only when everything was taken.
 * - close() ends the flow at any time, from either end, and is called exactly once: afterwards neither end hears of the
 *   other. With both directions ended it is the ordinary way out and is then the client end's to call; before that it means
 *   cancelled (client end) or failed (server end, `why` says how). A response may come, and end, before the request has
 *   ended: the client end then closes when it has no use for sending the rest.
 * - Any verb may lead the peer to call back before it returns, close included: after each one check th_flow_open().
 *   Nobody frees memory inside a callback: the dead wait on a list of their owner until its next turn of the loop. */
#ifndef TH_EXCHANGE_FLOW_H
#define TH_EXCHANGE_FLOW_H

#include <stdbool.h>

#include "base/err.h"
#include "exchange/head.h"

/* Why a server end could not answer; the listener makes the client's error from it (failure.h). */
struct th_failure {
	enum th_err err;
	uint16_t status;    /* HTTP status for the client: 502, 503, 504, … */
	const char *reason; /* one sentence for people: what failed, where, what to do. Borrowed during the call */
	unsigned retry_after; /* seconds; 0 for none */
};

struct th_flow;

struct th_flow_ops {
	void (*head)(struct th_flow *self, const struct th_head *head);
	size_t (*data)(struct th_flow *self, const uint8_t *p, size_t n);
	void (*end)(struct th_flow *self);
	void (*resume)(struct th_flow *self);
	void (*close)(struct th_flow *self, const struct th_failure *why); /* why: NULL unless the server end failed */
};

struct th_flow {
	const struct th_flow_ops *ops;
	struct th_flow *peer; /* borrowed; NULL before join and after close */
};

static inline void th_flow_join(struct th_flow *a, struct th_flow *b)
{
	a->peer = b;
	b->peer = a;
}

static inline bool th_flow_open(const struct th_flow *self)
{
	return self->peer != NULL;
}

static inline void th_flow_head(struct th_flow *self, const struct th_head *head)
{
	if (self->peer)
		self->peer->ops->head(self->peer, head);
}

static inline size_t th_flow_data(struct th_flow *self, const uint8_t *p, size_t n)
{
	return self->peer ? self->peer->ops->data(self->peer, p, n) : n;
}

static inline void th_flow_end(struct th_flow *self)
{
	if (self->peer)
		self->peer->ops->end(self->peer);
}

static inline void th_flow_resume(struct th_flow *self)
{
	if (self->peer)
		self->peer->ops->resume(self->peer);
}

static inline void th_flow_close(struct th_flow *self, const struct th_failure *why)
{
	struct th_flow *peer = self->peer;

	if (!peer)
		return;
	self->peer = NULL;
	peer->peer = NULL;
	peer->ops->close(peer, why);
}

/* Who makes server ends: given a client end that has no peer yet, joins it. The first verb on it is head(). When nothing
 * can be opened (a cap is reached), the client end stays without peer and `why` is filled. */
struct th_flow_server {
	enum th_err (*open)(struct th_flow_server *self, struct th_flow *client, struct th_failure *why);
};

#endif
