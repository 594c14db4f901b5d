/* What tests of sync push stand on: a world, a homeserver that forgets what it has told, a client's loop. */
#ifndef TH_SIM_SYNC_STAND_H
#define TH_SIM_SYNC_STAND_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/node.h"
#include "sim/poor.h"
#include "sim/sync_home.h"
#include "sim/sync_loop.h"
#include "sim/world.h"

#define CHECK(what)                                                                                                    \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                                      \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

struct stand {
	struct sim_poor poor;
	struct th_rng rng; /* its */
	uint64_t rng_state;
	struct th_mem mem;
	struct sim_world world;
	struct sync_home home;
	struct sync_loop loop;
	char last_line[256];
	unsigned reports;
};

/* `model`: coded by it, not by flate. With SYNC_VERBOSE in the environment each report is printed. */
struct stand *stand_new(uint64_t seed, bool push, bool model, unsigned loss_permille);
void stand_del(struct stand *s);

/* The door that its clients' loops knock at. */
struct th_flow_server *stand_door(void *stand);

void stand_run(struct stand *s, th_time t);
/* A message to the device. */
void stand_send(struct stand *s);
/* The config has changed: both sides begin anew with it. */
void stand_renew(struct stand *s);

uint64_t stand_datagrams(const struct stand *s);
struct th_node_stats stand_near(const struct stand *s);
struct th_node_stats stand_far(const struct stand *s);

#endif
