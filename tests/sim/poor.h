/* Memory that is short now and then. */
#ifndef TH_SIM_POOR_H
#define TH_SIM_POOR_H

#include "base/mem.h"
#include "base/rng.h"

/* `fails` of `of` allocations fail; either is 0: none does, and no random number is drawn. */
struct sim_poor {
	struct th_rng *rng; /* borrowed */
	unsigned fails, of;
	uint64_t failed;
};

/* Memory of the C library, as short as `p` says whenever it is asked; borrows `p`. */
struct th_mem sim_poor_mem(struct sim_poor *p);

#endif
