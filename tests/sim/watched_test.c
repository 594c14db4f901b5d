/* Two nodes that tell what messages cost (th_node_watch, for `thimble explain --live`): that must change nothing in
 * what they carry, federation's events included, whose hashes the coding leaves out (codec/computed.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/node.h"
#include "sim/node.h"
#include "sim/world.h"

enum { EXCHANGES = 4, TARGET = 64 };

/* Made by Synapse 1.163 (tests/unit/codec/computed_test.c): its hash is right. */
static const char transaction[] =
	"{\"edus\":[],\"origin\":\"skerry.example\",\"pdus\":[{\"auth_events\":["
	"\"$_CsXtGXIEyZpq_JyvpyAvo8gxSX4jKTMow-PGTq0ovs\",\"$SutlL5R27lVRhuclaDKnhAqDLijUTFuBRciqDwHvoY0\"],"
	"\"content\":{\"body\":\"Hello World\",\"msgtype\":\"m.text\"},\"depth\":10,"
	"\"hashes\":{\"sha256\":\"pHg44oRpdFAWc/N7Q43Ke/yppInTNR8Terd4eqBc+ik\"},\"origin_server_ts\":1795922677319,"
	"\"prev_events\":[\"$cGBz8JqBdxgW8r5-kELx2InJmgaVcLnBBNAv8mLLxuM\"],"
	"\"room_id\":\"!Tfai3wviepq-Cca62sZJP6VbWSxf05nv_23auZ7YJv4\",\"sender\":\"@ragna:skerry.example\","
	"\"signatures\":{\"skerry.example\":{\"ed25519:a_qoMn\":"
	"\"F/KWqCk9hBX8a5w0DtDrfsBqk0A1WgyNAMBbSsJQ9IgYe4bUSwKK0wfDU8CviqS1KdXQsLEAasZsvUrOQM8mAQ\"}},"
	"\"type\":\"m.room.message\"}]}";

struct told {
	unsigned messages, cut; /* without the hash that was in it */
};

static void on_coded(void *user, const struct th_coded *m)
{
	struct told *t = user;

	t->messages++;
	t->cut += memmem(m->text, m->n, "\"sha256\":\"\001\"", strlen("\"sha256\":\"\001\"")) != NULL;
}

static bool exchange(struct sim_world *w, unsigned number)
{
	char target[TARGET];

	snprintf(target, sizeof(target), "/_matrix/federation/v1/send/%u", number);
	return sim_world_echoes(w, target, transaction);
}

int main(void)
{
	struct sim_rule echo = { .kind = SIM_ECHO, .status = 200, .times = -1 };
	struct sim_world *w = calloc(1, sizeof(*w));
	struct told told[SIM_SIDES] = { { .messages = 0 } };
	struct sim_world_config config;
	unsigned wrong = 0;

	if (!w)
		abort();
	sim_world_config_default(&config);
	config.secure = true;
	sim_world_init(w, &config);
	sim_server_rule(&w->server, &echo);
	for (int side = 0; side < SIM_SIDES; side++)
		if (th_node_watch(sim_node_inside(w->side[side].node), on_coded, &told[side]) != TH_OK)
			abort();
	for (unsigned i = 0; i < EXCHANGES; i++)
		wrong += !exchange(w, i);
	for (int side = 0; side < SIM_SIDES; side++) {
		uint64_t texts = sim_node_stats(w->side[side].node).wrong_texts;

		printf("side %d: %u messages told, %u without their hash; %u wrong texts\n", side, told[side].messages,
		       told[side].cut, (unsigned)texts);
		wrong += told[side].messages != 2 * EXCHANGES || told[side].cut != 2 * EXCHANGES || texts > 0;
	}
	printf("%d exchanges, %u wrong\n", EXCHANGES, wrong);
	sim_world_free(w);
	free(w);
	return wrong ? 1 : 0;
}
