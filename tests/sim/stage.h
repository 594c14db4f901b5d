/* A world as daemons are by default (sessions, model, the stages of src/home) before a fake Matrix homeserver, over a
 * thin link; and single exchanges through it, judged at both ends. */
#ifndef TH_SIM_STAGE_H
#define TH_SIM_STAGE_H

#include "sim/matrix.h"

struct sim_stage_link {
	uint64_t rate;
	th_time latency; /* +- 40 % */
	unsigned loss;	 /* percent, each way */
	bool told;	 /* the near daemon is told all of it; the far one hears it in the handshake */
	bool ours;
};

struct sim_stage {
	struct sim_world world;
	struct sim_matrix matrix;
};

struct sim_stage *sim_stage_new(uint64_t seed, const struct sim_stage_link *l);
void sim_stage_del(struct sim_stage *g);

/* Time passes. */
void sim_stage_rest(struct sim_stage *g, th_time t);
/* Runs until the client is no longer open. */
void sim_stage_finish(struct sim_stage *g, struct sim_client *c);

/* A message of the first user, up to its answer; a small request with so many random characters. How long it took;
 * TH_NEVER when it failed, the answer was not the homeserver's, or it was not executed exactly once. */
th_time sim_stage_say(struct sim_stage *g, const char *text);
th_time sim_stage_ask(struct sim_stage *g, size_t chars);

#endif
