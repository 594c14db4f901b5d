/* The ID of an event that a client sees, computed: what clients are not shown of it (its place in the room's graph)
 * comes as arguments. Matrix specification, server-server API, "Calculating the reference hash for an event", room
 * versions from 4 on.
 *
 * An event is prepared once, then put in as many places as need be, and there tried with as many times. */
#ifndef TH_CODEC_EVENT_ID_H
#define TH_CODEC_EVENT_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"
#include "codec/client_event.h"

enum {
	TH_EVENT_ID = 43, /* characters behind the '$' */
	TH_EVENT_EDGES = 8,
};

/* Edges are IDs without their '$', TH_EVENT_ID characters each, borrowed. */
struct th_event_place {
	const char *auth[TH_EVENT_EDGES];
	size_t n_auth;
	const char *prev[TH_EVENT_EDGES];
	size_t n_prev;
	uint64_t depth;
};

/* Which rules of redaction the room has, that is, what counts of an event's content. */
enum th_event_rules {
	TH_EVENT_RULES_9,  /* room versions 9 and 10; up to 8 what they have of it */
	TH_EVENT_RULES_11, /* 11 and 12 */
};

/* Scratch for one event. NULL: no memory, or the library failed. */
struct th_event_former;
struct th_event_former *th_event_former_new(const struct th_mem *mem);
void th_event_former_del(struct th_event_former *f);

/* Prepares the event; it borrows from what `e` does. False: it is larger than events are, or no JSON as it should be.
 */
bool th_event_former_begin(struct th_event_former *f, const struct th_client_event *e, enum th_event_rules rules);
/* Puts it in that place. False: that is too large. */
bool th_event_former_place(struct th_event_former *f, const struct th_event_place *place);
/* Its ID if it was sent at that time. False: the library failed. */
bool th_event_former_id(struct th_event_former *f, uint64_t ts, char id[static TH_EVENT_ID]);

/* Whether the room's ID is its first event's, so that this one has none within, nor is it named by the others (room
 * versions from 12 on). */
bool th_event_room_is_hash(struct th_str room);
bool th_event_is_create(const struct th_client_event *e);

#endif
