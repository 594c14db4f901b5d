/* Two machines, near (ingress) and far (egress), joined by a link, with a fake homeserver behind the far one:
 *
 *     struct sim_client ─flow─▶ near ══ up ══▶ far ─flow─▶ struct sim_server
 *                                    ◀═ down ═
 *
 * Each side is a whole node (src/proxy/node.h), a bare engine (sim/raw.h), or nobody: then a script speaks for it. */
#ifndef TH_SIM_WORLD_H
#define TH_SIM_WORLD_H

#include "coap/params.h"
#include "exchange/policy.h"
#include "home/home.h"
#include "session/noise.h"
#include "sim/net.h"
#include "sim/raw.h"
#include "sim/server.h"

enum sim_kind { SIM_NOBODY, SIM_RAW, SIM_NODE };

enum { SIM_NEAR, SIM_FAR, SIM_SIDES };

struct sim_world_config {
	uint64_t seed;
	enum sim_kind kind[SIM_SIDES];
	struct sim_profile up, down; /* near to far, far to near */
	struct th_coap_params params[SIM_SIDES];
	struct th_policy policy;
	bool home; /* nodes have the stages of src/home before them */
	struct th_home_config home_config;
	bool peer_unknown;	  /* the near node has no peer yet */
	bool require_echo;	  /* bare engine far: RFC 9175 §2.3 */
	bool secure;		  /* nodes: the encrypted profile; the near one knows the far one's key, unless */
	bool first_contact;	  /* it learns it */
	size_t padding;		  /* encrypted nodes: of coded messages */
	bool no_model;		  /* encrypted nodes: code without the model, which is slow, and history */
	bool no_model_far;	  /* the far one does */
	bool other_version;	  /* encrypted nodes: the far one has other tables */
	bool sync_push;		  /* secure nodes */
	th_time sync_check;
	struct th_flow_server *homeserver; /* of the far node; NULL: the fake one of the world */
	uint64_t rekey_packets;	  /* new keys after so many records; 0: as sessions have it by default */
	th_time rekey_age;	  /* or so long; 0: likewise */
	bool told[SIM_SIDES];	  /* the side's engine is told the profile of the link */
	struct th_link_profile profile[SIM_SIDES];
	size_t overhead;	  /* 0: IPv4 */
	const struct th_mem *mem; /* of the machines; NULL: libc's. Starting a side must not fail */
};

struct th_report;
struct sim_node;

struct sim_side {
	struct sim_host host;
	uint64_t rng_state;
	struct th_rng rng;
	struct sim_raw raw;
	struct sim_node *node;
	bool up; /* a machine runs */
	/* what outlives the machine */
	struct th_noise_pair own;
	uint64_t mark; /* of early data */
	th_time wall;  /* of the wall clock when the host's clock is 0 */
};

struct sim_world {
	struct sim_world_config config;
	struct sim_net net;
	struct sim_pipe up, down;
	struct sim_side side[SIM_SIDES];
	struct sim_server server;
	uint8_t trusted[TH_NOISE_DH]; /* the far side's key as the near side knows it, or may learn it */
	unsigned rebinds;
	void (*report)(void *user, const struct th_report *r); /* of nodes; NULL: none */
	void *report_user;
};

/* RFC values, both sides nodes, a perfect link. */
void sim_world_config_default(struct sim_world_config *c);

/* Aborts without memory. `w` must not move afterwards. */
void sim_world_init(struct sim_world *w, const struct sim_world_config *config);
void sim_world_free(struct sim_world *w);

/* Where clients of the near side open their flows; NULL when nobody is there. */
struct th_flow_server *sim_world_door(struct sim_world *w);

/* A client PUTs the text to a homeserver that echoes it (SIM_ECHO), and a minute passes: whether it came back as it was,
 * with 200. Else it is printed what came. */
bool sim_world_echoes(struct sim_world *w, const char *target, const char *text);

/* The process ends without a word, and starts anew with nothing remembered. */
void sim_world_kill(struct sim_world *w, int side);
void sim_world_start(struct sim_world *w, int side);
/* The side appears under another port from now on: its NAT forgot it. */
void sim_world_rebind(struct sim_world *w, int side);
/* Under another address and port. */
void sim_world_move(struct sim_world *w, int side);
/* One and the other by turns. */
void sim_world_wander(struct sim_world *w, int side);

/* Engine counters of a side, and open exchanges of a node's half (0 for a bare engine). */
struct th_coap_stats sim_world_stats(const struct sim_world *w, int side);
size_t sim_world_node_open(const struct sim_world *w, int side);

/* What broke the rules of flow.h or engine.h first; NULL: nobody. */
const char *sim_world_bug(const struct sim_world *w);

#endif
