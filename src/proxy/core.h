/* The node's own parts, shared by node, leg, ingress and egress. Private to src/proxy. */
#ifndef TH_PROXY_CORE_H
#define TH_PROXY_CORE_H

#include "base/list.h"
#include "base/table.h"
#include "proxy/coding.h"
#include "proxy/dialogue.h"
#include "proxy/leg.h"
#include "proxy/node.h"

struct th_node {
	const struct th_mem *mem; /* borrowed */
	struct th_node_config config;
	struct th_coap *coap;     /* owned */
	struct th_secure *secure; /* owned; NULL in the plain profile, as the following two */
	struct th_workshop *workshop; /* owned */
	struct th_list dialogues;     /* owned */
	struct th_hello hello;	      /* what we say of ourselves */
	struct th_table by_id;    /* legs by the id of their CoAP exchange */
	struct th_list open, dead; /* legs */
	struct th_list unflushed;  /* legs whose coder of large bodies may keep bytes back */
	unsigned packers, unpackers; /* such coders, both ways */
	struct th_flow_server server;
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

/* Opens the leg's response, whose head and body follow. */
enum th_err th_egress_answer(struct th_leg *leg);

/* egress.c: a request came over the link. */
void th_egress_request(struct th_node *n, th_coap_id id, const struct th_addr *peer, const struct th_coap_head *head);

/* The address of the ingress half's next exchange. TH_ERR_NOT_FOUND: none is known; TH_ERR_FULL, TH_ERR_NO_MEMORY. */
enum th_err th_node_peer(struct th_node *n, struct th_addr *out);

/* The address on the link behind the one that the engine knows. */
struct th_addr th_node_real(const struct th_node *n, const struct th_addr *peer);

/* What is shared with that peer; NULL in the plain profile. */
struct th_dialogue *th_node_dialogue(const struct th_node *n, const struct th_addr *peer);

struct th_leg *th_node_find(const struct th_node *n, th_coap_id id);

#endif
