/* A closed loop of clients: so many exchanges in flight, each slot beginning its next one when the last is over. Every
 * exchange has a target of its own and a body that follows from its number; the homeserver echoes it, and at the end
 * each must have been executed once, with the right body, and answered with the right body. */
#ifndef TH_SIM_LOAD_H
#define TH_SIM_LOAD_H

#include "sim/client.h"
#include "sim/world.h"

enum { SIM_LOAD_SLOTS_MAX = 256 };

struct sim_load_config {
	unsigned in_flight;
	uint64_t exchanges;
	size_t (*size)(uint64_t number); /* body bytes of an exchange */
	th_time pause;			 /* between two exchanges of a slot */
	th_time limit;			 /* virtual time it may take; TH_NEVER */
};

struct sim_load_result {
	uint64_t done, failed;	       /* as clients see it */
	uint64_t unfinished;	       /* at the limit */
	uint64_t executed;	       /* requests that reached the homeserver whole */
	uint64_t lost;		       /* answered with success, never executed */
	uint64_t doubled;	       /* executed, or begun, more than once */
	uint64_t wrong_up, wrong_down; /* bodies */
	uint64_t events;
	uint64_t failed_with[SIM_ERRORS]; /* by -err */
	th_time *took;			  /* owned; ascending; of those done */
	th_time virtual_time;
};

/* The world must be fresh; its homeserver gets an echo rule. Free the result's `took`. */
void sim_load_run(struct sim_world *w, const struct sim_load_config *config, struct sim_load_result *out);

/* The value below which this percentage of the finished lie; 0 when none has finished. */
th_time sim_load_percentile(const struct sim_load_result *r, unsigned percent);

#endif
