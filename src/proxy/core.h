/* The node's own parts, shared by node, leg, ingress and egress. Private to src/proxy. */
#ifndef TH_PROXY_CORE_H
#define TH_PROXY_CORE_H

#include "base/heap.h"
#include "base/list.h"
#include "base/table.h"
#include "proxy/coding.h"
#include "proxy/dialogue.h"
#include "proxy/leg.h"
#include "proxy/node.h"

/* Sync push; what is behind the lists is in sync.h. */
struct th_sync {
	struct th_heap timers;
	struct th_table by_key; /* watches */
	struct th_list watches; /* owned, as all here; longest unused first */
	struct th_list polls, dead_polls;
	struct th_list pollers;
	size_t n_watches, n_polls, n_pollers;
	bool draining; /* no more registrations */
};

struct th_node {
	const struct th_mem *mem; /* borrowed */
	struct th_node_config config;
	struct th_coap *coap;	      /* owned */
	struct th_secure *secure;     /* owned; NULL in the plain profile, as the following two */
	struct th_workshop *workshop; /* owned */
	struct th_list dialogues;     /* owned */
	struct th_hello hello;	      /* what we say of ourselves */
	struct th_table by_id;	      /* legs by the id of their CoAP exchange */
	struct th_list open, dead;    /* legs */
	size_t parked;		      /* open ones whose answer waits for another */
	struct th_list unflushed;  /* legs whose coder of large bodies may keep bytes back */
	unsigned packers, unpackers; /* such coders, both ways */
	struct th_flow_server server;
	struct th_sync sync;
	struct th_addr peer; /* of the ingress half, plain profile */
	bool peer_known;
	struct th_node_stats stats;
};

static inline th_time th_node_now(const struct th_node *n)
{
	return *n->config.now;
}

/* ingress.c: server ends for HTTP clients. */
enum th_err th_ingress_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why);

/* The leg's request once more, under another exchange: coded anew, since this one was not sent, or not understood. */
void th_ingress_again(struct th_leg *leg);

/* The far half was restarted, and this request may have been executed before. */
void th_ingress_doubt(struct th_leg *leg);

/* The same of one that it had acknowledged: what may be executed twice is asked again. */
void th_ingress_forgotten(struct th_leg *leg);

/* Opens the leg's response, whose head and body follow. */
enum th_err th_egress_answer(struct th_leg *leg);

/* egress.c: a request came over the link. */
void th_egress_request(struct th_node *n, th_coap_id id, const struct th_addr *peer, const struct th_coap_head *head);

/* The address of the ingress half's next exchange. TH_ERR_NOT_FOUND: none is known; TH_ERR_FULL, TH_ERR_NO_MEMORY. */
enum th_err th_node_peer(struct th_node *n, struct th_addr *out);

/* The address on the link behind the one that the engine knows. */
struct th_addr th_node_real(const struct th_node *n, const struct th_addr *peer);

/* The plain ways of both halves, for what sync push leaves alone: an egress leg whose request's head has come, and why an
 * ingress leg failed (`reason` has room for the sentence). */
void th_egress_forward(struct th_leg *leg, const struct th_head *h);
void th_egress_refuse(struct th_leg *leg, const struct th_failure *why);
void th_egress_failed(struct th_leg *leg, enum th_err err); /* the request could not be read */
enum { TH_REASON_MAX = 200 + TH_SECURE_WHY };
void th_ingress_no_leg(const struct th_node *n, enum th_err err, struct th_failure *why); /* none could be made */
/* The far half could not read the request, but may read it coded otherwise: then it is on its way. */
bool th_ingress_try_again(struct th_leg *leg);
/* Its client has left: the far half need not go on. */
void th_ingress_tell_cancelled(struct th_leg *leg);
void th_ingress_why(struct th_leg *leg, enum th_err err, struct th_failure *why, char reason[static TH_REASON_MAX]);
void th_ingress_far_why(struct th_leg *leg, struct th_failure *why, char reason[static TH_REASON_MAX]);

/* sync.c, sync_poll.c: sync push. Server ends that look for sync loops. */
enum th_err th_sync_init(struct th_node *n, const struct th_rng *rng);
void th_sync_free(struct th_node *n);
enum th_err th_sync_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why);
void th_sync_bury(struct th_node *n);
void th_sync_tick(struct th_node *n);
/* sync_watch.c: that account's token may be good no longer, so its registrations are made anew or end. */
void th_sync_doubt(struct th_node *n, uint64_t account);
/* Of a request that is no poll: whose it is; and what its answer says of the account's token. */
void th_sync_asks(struct th_leg *leg, const struct th_head *request);
void th_sync_answered(struct th_leg *leg, unsigned status);
/* Ends all that would go on for ever. */
void th_sync_drain(struct th_node *n);

/* sync_near.c: whether the request of that watch is still under way; whether that or an answer is. */
struct th_watch;
bool th_watch_is_asking(const struct th_watch *w);
bool th_watch_waits(const struct th_watch *w);
/* Opens the CoAP exchange for its leg's request. */
enum th_err th_watch_open(struct th_leg *leg);

/* sync_far.c: takes off the leg's report what other reports have told; the leg may be dying. */
struct th_poller;
void th_poller_bill(struct th_poller *p);
void th_poller_free(struct th_poller *p);
/* Takes a request that wants to observe; false: it is answered as any other. */
bool th_poller_take(struct th_leg *leg, const struct th_coap_head *head);
/* What is shared with that peer, made if it is not there; `asks`: this end is the initiator. NULL in the plain profile, and without memory. */
struct th_dialogue *th_node_speak(struct th_node *n, const struct th_addr *peer, bool asks);
/* The same, but not made. */
struct th_dialogue *th_node_dialogue(const struct th_node *n, const struct th_addr *peer);

struct th_leg *th_node_find(const struct th_node *n, th_coap_id id);

#endif
