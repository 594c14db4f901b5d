/* A fake Matrix homeserver behind struct sim_server: one room and its members, /send and long polls of /sync, with the
 * fields and the JSON that Synapse answers. And what its clients send: requests as matrix-nio makes them. */
#ifndef TH_SIM_MATRIX_H
#define TH_SIM_MATRIX_H

#include "base/rng.h"
#include "sim/client.h"
#include "sim/world.h"

enum {
	SIM_MATRIX_USERS = 2,
	SIM_MATRIX_EVENTS = 128,
	SIM_MATRIX_TARGET = 256,
	SIM_MATRIX_BODY = 512,
	SIM_MATRIX_ANSWER = 32 * 1024,
	SIM_MATRIX_TXN = 40,
	SIM_MATRIX_MEDIA_SEED = 8, /* of what downloads give */
};

struct sim_matrix_event {
	unsigned sender;
	th_time at;
	char id[48], txn[SIM_MATRIX_TXN], body[SIM_MATRIX_BODY]; /* body: the content, JSON */
};

struct sim_matrix_user {
	char id[40], token[64], authorization[72];
	/* its long poll */
	struct sim_conn *poll; /* NULL: none */
	size_t since;
	struct sim_event timeout;
	struct sim_matrix *matrix;
};

struct sim_matrix {
	struct sim_world *world; /* borrowed */
	uint64_t rng_state;
	struct th_rng rng;
	char room[48];
	struct sim_matrix_user users[SIM_MATRIX_USERS];
	struct sim_matrix_event events[SIM_MATRIX_EVENTS];
	size_t n_events;
	unsigned txns;
	unsigned copies;     /* of requests to send that were executed twice */
	size_t answer_chars; /* random ones in the answer to what is neither /send nor /sync nor media */
	char answer[SIM_MATRIX_ANSWER];
};

/* Takes over the world's homeserver. `m` must not move. The room is one of version 12, whose ID is a hash; */
void sim_matrix_init(struct sim_matrix *m, struct sim_world *w, uint64_t seed);

/* or one of an older version: 18 letters and the server's name. */
void sim_matrix_old_room(struct sim_matrix *m);

/* Media of n bytes are up- and downloaded from now on. */
void sim_matrix_media(struct sim_matrix *m, size_t n);

/* A request of a user; `target` and `body` are filled, and borrowed by the request. */
struct sim_request sim_matrix_send(struct sim_matrix *m, unsigned user, const char *text, const char *txn,
				   char target[static SIM_MATRIX_TARGET], char body[static SIM_MATRIX_BODY]);
struct sim_request sim_matrix_sync(struct sim_matrix *m, unsigned user, size_t since,
				   char target[static SIM_MATRIX_TARGET]);
struct sim_request sim_matrix_request(const struct sim_matrix *m, unsigned user, const char *method,
				      const char *target);
/* So many characters by chance, and NUL. */
void sim_matrix_draw(struct sim_matrix *m, char *out, size_t n);
/* A transaction ID as Element makes them. */
void sim_matrix_txn(struct sim_matrix *m, char out[static SIM_MATRIX_TXN]);

/* The stream position that an answer to /sync ends at; false when the text is none. */
bool sim_matrix_next(const char *answer, size_t *next);

#endif
