/* Two nodes of two versions, whose trained tables differ, or of which one does not use the model: nothing is read with
 * tables that it was not written with. The first request goes out before the other end has said what it has, so it is
 * refused, and comes again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/node.h"
#include "sim/world.h"

enum { EXCHANGES = 4, TARGET = 64 };

static const char body[] = "{\"body\":\"The captain says they sail at half past two\",\"msgtype\":\"m.text\"}";

/* Whether the homeserver saw it once, as it was, and its echo came back as it was. */
static bool exchange(struct sim_world *w, unsigned number)
{
	const struct sim_body whole = { .text = body, .n = strlen(body) };
	const struct sim_seen *seen;
	char target[TARGET];
	struct sim_sum want;

	snprintf(target, sizeof(target), "/_matrix/client/v3/rooms/%%21r%%3Ax/send/m.room.message/%u", number);
	if (!sim_world_echoes(w, target, body))
		return false;
	sim_sum_of(&want, &whole);
	seen = sim_server_seen(&w->server, "PUT", target);
	return seen && seen->begun == 1 && seen->whole == 1 && sim_sum_eq(&want, &seen->last);
}

static unsigned play(bool near, bool far, bool other)
{
	struct sim_rule echo = { .kind = SIM_ECHO, .status = 200, .times = -1 };
	struct sim_world *w = calloc(1, sizeof(*w));
	struct sim_world_config config;
	unsigned wrong = 0;
	uint64_t again;

	if (!w)
		abort();
	sim_world_config_default(&config);
	config.secure = true;
	config.no_model = !near;
	config.no_model_far = !far;
	config.other_version = other;
	sim_world_init(w, &config);
	sim_server_rule(&w->server, &echo);
	for (unsigned i = 0; i < EXCHANGES; i++)
		wrong += !exchange(w, i);
	again = sim_node_stats(w->side[SIM_NEAR].node).requests_again;
	wrong += again != (other || (near && !far) ? 1 : 0);
	printf("%s, %s, %s: %u requests coded anew\n", near ? "model" : "flate", near && far ? "model" : "flate",
	       other ? "two versions" : "one version", (unsigned)again);
	sim_world_free(w);
	free(w);
	return wrong;
}

int main(void)
{
	unsigned wrong = 0;

	for (unsigned how = 0; how < 8; how++)
		wrong += play(how & 1, how & 2, how & 4);
	printf("%u passed, %u failed\n", 8 * EXCHANGES - wrong, wrong);
	return wrong ? 1 : 0;
}
