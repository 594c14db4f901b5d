/* A whole node (src/proxy/node.h) as a machine of the simulator. */
#ifndef TH_SIM_NODE_H
#define TH_SIM_NODE_H

#include "coap/engine.h"
#include "exchange/flow.h"
#include "proxy/node.h"
#include "sim/net.h"

struct sim_world;
struct sim_node;

/* Aborts without memory. */
struct sim_node *sim_node_new(struct sim_world *w, int side, struct th_flow_server *upstream);
void sim_node_del(struct sim_node *n);
/* NULL: not known. */
void sim_node_set_peer(struct sim_node *n, const struct th_addr *peer, const uint8_t *key);
void sim_node_set_profile(struct sim_node *n, const struct th_addr *peer, const struct th_link_profile *l);
struct sim_machine sim_node_machine(struct sim_node *n);
struct th_flow_server *sim_node_server(struct sim_node *n);
struct th_coap_stats sim_node_coap_stats(const struct sim_node *n);
void sim_node_drain(struct sim_node *n);
struct th_node_stats sim_node_stats(const struct sim_node *n);
size_t sim_node_open(const struct sim_node *n);
/* For who looks behind the header: proxy/core.h. */
struct th_node *sim_node_inside(const struct sim_node *n);

#endif
