/* The core of one daemon: a CoAP engine with the ingress half (HTTP in, CoAP out) and the egress half (CoAP in, HTTP out)
 * on it. No I/O: the daemon moves datagrams between it and a socket, the simulator between two of them on virtual time.
 *
 *     client end ─flow─▶ ingress ─▶ engine ─▶ datagrams … datagrams ─▶ engine ─▶ egress ─flow─▶ server end
 */
#ifndef TH_PROXY_NODE_H
#define TH_PROXY_NODE_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/clock.h"
#include "coap/engine.h"
#include "exchange/flow.h"
#include "exchange/policy.h"
#include "proxy/secure.h"

struct th_node;

/* One finished (or failed) exchange, as the log line, the demo and the simulator see it. Strings borrowed during the call. */
struct th_report {
	const char *half;  /* "ingress" or "egress" */
	const char *route; /* exchange/route.h */
	struct th_str method;
	uint16_t status;   /* what the client got; 0 when it left first */
	enum th_err err;   /* TH_OK, or why thimble answered itself */
	uint64_t http_bytes_up, http_bytes_down; /* heads and bodies as HTTP/1.1 text would have them */
	uint64_t link_bytes_up, link_bytes_down; /* IP level: request direction, response direction */
	uint32_t datagrams_up, datagrams_down;
	th_time started, answered, ended; /* request head, response head (TH_NEVER: none), end */
};

struct th_node_config {
	struct th_coap_params coap;
	const th_time *now;               /* the clock; borrowed for life, read on every entry */
	struct th_flow_server *upstream;  /* egress half; NULL: off, requests from the link get 5.01 */
	bool ingress;                     /* ingress half on */
	bool sync_push;                   /* with `secure`: long polls of sync as observations (sync.h), both halves */
	th_time sync_check;               /* ingress half: how long a peer may be silent before a poll asks anew; TH_NEVER */
	const struct th_secure_config *secure; /* NULL: the plain profile. Borrowed during th_node_new() */
	struct th_link_profile link;      /* what we know of the way to peers; encrypted profile */
	size_t padding;                   /* encrypted profile: coded messages have a multiple of so many bytes; 0: any */
	bool no_model;                    /* encrypted profile: code messages by flate alone, in less memory and time */
	uint32_t other_version;           /* for tests: bits of the tables' name that are told otherwise, as another version would; 0 */
	struct th_policy policy;
	void (*report)(void *user, const struct th_report *r); /* NULL: none */
	void *user;
};

/* The config is copied; mem and what it points to are borrowed. NULL without memory. */
struct th_node *th_node_new(const struct th_mem *mem, const struct th_rng *rng, const struct th_node_config *config);
void th_node_del(struct th_node *n); /* open flows are closed with TH_ERR_CANCELLED */

/* The four verbs of an engine. Encrypted, tx needs room for TH_SESSION_DATAGRAM_MAX. rx: true when the far side of the
 * ingress half was heard; in the plain profile, which cannot know, any datagram counts. */
bool th_node_rx(struct th_node *n, const struct th_addr *from, const uint8_t *dgram, size_t len);
size_t th_node_tx(struct th_node *n, struct th_addr *to, uint8_t *out, size_t cap);
th_time th_node_deadline(const struct th_node *n);
void th_node_tick(struct th_node *n);

/* Nothing has happened for a while: gives back what the next message needs anew. */
void th_node_rest(struct th_node *n);

/* Where the ingress half's exchanges go; NULL: not known, clients get 502. `key` is the peer's public key, NULL when it is
 * not known or in the plain profile. */
void th_node_set_peer(struct th_node *n, const struct th_addr *peer, const uint8_t *key);

/* The wall clock in seconds of 1970: at start and about once a minute. Only the encrypted profile needs it. */
void th_node_wall(struct th_node *n, uint64_t unix_seconds);

/* What is known of the link to that peer (th_coap_set_profile). TH_ERR_FULL, TH_ERR_NO_MEMORY. */
enum th_err th_node_set_profile(struct th_node *n, const struct th_addr *peer, const struct th_link_profile *l);

/* Server ends for the listener. */
struct th_flow_server *th_node_server(struct th_node *n);

/* Ends what would go on for ever, each with a word to the other daemon: observations. Before the node stops, while it still runs. */
void th_node_drain(struct th_node *n);

/* Whether anything of the request that this client end has sent to a server end of the node has left for the link: then giving it up does
 * not spare it. True for ends that are not the node's, or have closed. */
bool th_node_has_left(const struct th_flow *client);

/* Whether what this client end has asked waits for the link: not so a long poll that the far half pushes for. True for ends that are
 * not the node's. */
bool th_node_waits(const struct th_flow *client);

void th_node_set_policy(struct th_node *n, const struct th_policy *policy);

/* A message that the model coded, or read, with what its bytes cost (codec/model.h). Borrowed during the call. Tokens
 * and passwords are in it. */
struct th_coded {
	bool is_response;
	bool is_ours; /* we sent it */
	const uint8_t *text;
	size_t n;
	const uint32_t *cost; /* n + 1 of them, in 1/65536 bit: the last one is the end's */
	uint32_t bases;	      /* what naming the messages it builds on costs, and the check */
	size_t coded;	      /* bytes of code, padding included */
};
typedef void th_node_coded(void *user, const struct th_coded *m);

/* Tells of each such message from now on; NULL: no more. Received ones take twice the time then. TH_ERR_UNSUPPORTED in
 * the plain profile and without the model; TH_ERR_NO_MEMORY. */
enum th_err th_node_watch(struct th_node *n, th_node_coded *tell, void *user);

struct th_node_stats {
	struct th_coap_stats coap;
	bool encrypted;
	struct th_session_stats session; /* zero in the plain profile */
	size_t ingress_open, egress_open;
	uint64_t ingress_done, egress_done, failed;
	/* Coding against history, ingress half. */
	uint64_t answers_waited; /* for one that they overtook */
	uint64_t answers_again;	 /* asked for once more, since what they were coded against was not here */
	uint64_t requests_again; /* coded anew, since what they were coded against was not there */
	uint64_t requests_late;	 /* coded anew, since they had to wait */
	uint64_t wrong_texts;	 /* both halves: not what was sent, by check or form; sent once more. A fault of ours */
	/* sync push. Ingress half: registrations made, notifications, polls answered in vain without the link, notifications refused as the
	 * client did not go on; egress half: notifications accepted, answers of the homeserver that told nothing and were not sent */
	uint64_t sync_asked, sync_pushed, sync_idle, sync_refused, sync_served, sync_empty;
	size_t sync_watches, sync_pollers; /* loops known, registrations served */
};
void th_node_stats(const struct th_node *n, struct th_node_stats *out);

#endif
