/* A homeserver that knows three requests, sync, sliding sync (MSC4186) and logout (then it answers 401, though not those
 * that wait), of one device: messages to the device are kept until it is asked with a newer since, then they are gone for good, as Synapse
 * does it. It also watches over the rule that makes that safe: nobody may ask with a token that the client has not
 * asked with itself. */
#ifndef TH_SIM_SYNC_HOME_H
#define TH_SIM_SYNC_HOME_H

#include "base/list.h"
#include "exchange/flow.h"
#include "sim/net.h"

enum { SYNC_HOME_PLACES = 1 << 18 };

struct sync_home {
	struct th_flow_server server;
	struct sim_net *net; /* borrowed */
	struct th_list calls, dead;
	uint64_t first, last;  /* places (first .. last] are kept; a message's number is its place in the stream */
	uint64_t pos;	       /* where the stream is: beyond `last` when something moved that concerns nobody */
	uint8_t *is_message;   /* by place */
	uint64_t client_asked; /* the newest token that the client has asked with; the test says so */
	unsigned keys;	       /* one-time keys left */
	unsigned status;       /* what it answers instead of 200; 0: nothing */
	const char *said;      /* in each message, 200 bytes at most; NULL: nothing */
	size_t padding;	       /* bytes in each message */
	bool wakes;	       /* a logout ends what it holds */
	bool stuck;	       /* has news for any token, and no newer token */
	bool down;	       /* nobody is there: 502 */
	uint64_t sent, asked, told, lost; /* requests; answers with news; messages that were dropped though the client
					     had not asked beyond them */
	const char *bug;
};

void sync_home_init(struct sync_home *s, struct sim_net *net);
void sync_home_free(struct sync_home *s);
void sync_home_send(struct sync_home *s);  /* one more message */
void sync_home_move(struct sync_home *s);  /* the stream moves on, with nothing for this device */
void sync_home_crash(struct sync_home *s); /* open calls break off */
/* Frees what has died; call between events. */
void sync_home_turn(struct sync_home *s);

#endif
