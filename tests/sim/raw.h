/* A CoAP engine without thimble's envelope, dressed as a flow server (client role) and a flow client (server role):
 * method GET is code 0.01, status 205 is 2.05, the target is Uri-Path segments. So the same scripted clients and the
 * same fake homeserver drive the bare engine and a whole node. A request field "NON" asks for a non-confirmable
 * request. */
#ifndef TH_SIM_RAW_H
#define TH_SIM_RAW_H

#include "base/table.h"
#include "coap/engine.h"
#include "exchange/flow.h"
#include "sim/net.h"

enum { SIM_ERRORS = 16 };

struct sim_raw {
	struct th_flow_server server; /* client role: flows opened here become requests to `peer` */
	struct th_coap *coap;
	struct th_coap_params params;
	const th_time *now;
	struct th_addr peer;
	struct th_flow_server *upstream; /* server role: requests go here; NULL: 4.04 */
	struct th_table by_id;
	struct th_list legs, dead;
	uint64_t closed[SIM_ERRORS]; /* by -err */
	const char *bug;	     /* a rule of engine.h that the engine broke; NULL: none */
};

/* `now` is borrowed; params are copied. Aborts without memory. */
void sim_raw_init(struct sim_raw *r, const struct th_coap_params *params, const struct th_rng *rng, const th_time *now,
		  const struct th_addr *peer, struct th_flow_server *upstream);
void sim_raw_free(struct sim_raw *r); /* open flows are closed */
struct sim_machine sim_raw_machine(struct sim_raw *r);

#endif
