/* One client that asks one thing after the other of a near side, over sessions; what goes wrong is counted and printed. */
#ifndef TH_SIM_LONE_H
#define TH_SIM_LONE_H

#include "sim/client.h"
#include "sim/world.h"

enum { LONE_TARGET_BYTES = 32 };

struct lone {
	struct sim_world world;
	struct sim_client client;
	const char *name; /* of the link */
	uint64_t seed;
	bool first_contact, cold; /* `cold` is the caller's word: it is printed */
	char target[LONE_TARGET_BYTES];
	unsigned number, wrong;
	th_time patience; /* of the client */
};

/* The homeserver echoes. Aborts without memory. */
struct lone *lone_new(uint64_t seed, const char *name, const struct sim_profile *link, const struct th_link_profile *told,
		      bool first_contact, bool cold, th_time patience);
/* Returns how much went wrong, broken rules of flow.h and engine.h included. */
unsigned lone_free(struct lone *p);

void lone_complain(struct lone *p, const char *what);

/* A PUT under a new target: its start, waiting for its end for at most so long (how long it took), leaving it. */
void lone_begin(struct lone *p);
th_time lone_wait(struct lone *p, th_time most);
void lone_end(struct lone *p);
/* All three; how long it took. */
th_time lone_exchange(struct lone *p);
/* The same; complains unless it succeeds. */
th_time lone_succeeds(struct lone *p);

#endif
