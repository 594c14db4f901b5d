/* What is known of rooms' event graphs (Matrix specification, "Event graphs"): which events came last, at what depth,
 * and which ones are named as authorization by others. Clients are shown little of it, but with it an event's ID can be
 * computed (event_id.h).
 *
 * It lives in notes at the end of texts in history: both ends hold the same texts, so they know the same. Notes are
 * read from a view, and written for a message, which ones of old texts with it, so that they outlive them:
 *
 *     notes: LF %x1F *(room *(event / state))
 *     room:  ROOM LF
 *     event: "e" DEPTH SP TS SP %x22 "event_id" %x22 ":" %x22 "$" ID %x22 LF         DEPTH 0: not known
 *     state: ("c" / "p" / "j" / "m") TS SP KEY SP WORD SP "$" ID [SP "$" BEFORE] LF
 *
 * c is m.room.create, WORD the rules of redaction (9 or 11); p m.room.power_levels; j m.room.join_rules; m
 * m.room.member of the user KEY, WORD the roles (lineage.h) that the user's last message named. BEFORE is what the
 * state has replaced: it authorizes what is older than the state. */
#ifndef TH_CODEC_GRAPH_H
#define TH_CODEC_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wr.h"
#include "codec/event_id.h"
#include "codec/model.h"

enum {
	TH_GRAPH_ROOMS = 16,
	TH_GRAPH_EVENTS = 24, /* of a room, the last ones */
	TH_GRAPH_STATES = 20, /* of a room */
	TH_GRAPH_WORD = 8,    /* characters of roles */
	TH_GRAPH_NAME = 255,  /* bytes of a room's ID or a user's */
	TH_GRAPH_NOTES_MAX = 4096,
	TH_GRAPH_FRESH = 64, /* events of a message whose IDs are noted */
};

struct th_graph_event {
	char id[TH_EVENT_ID];
	uint64_t depth; /* 0: not known */
	uint64_t ts;
	bool old; /* of its note */
};

struct th_graph_state {
	char kind; /* c, p, j, m; 0: none */
	char id[TH_EVENT_ID], before[TH_EVENT_ID];
	bool has_before;
	uint8_t n_key, n_word;
	char key[TH_GRAPH_NAME], word[TH_GRAPH_WORD];
	uint64_t ts;
	uint64_t newest; /* of what has been in this place */
	bool old, fresh; /* to be noted because its note is old, or there is none */
};

struct th_graph_room {
	char id[TH_GRAPH_NAME];
	uint8_t n_id;
	unsigned touched;			       /* larger: later */
	struct th_graph_event events[TH_GRAPH_EVENTS]; /* the one that came last first */
	size_t n_events;
	struct th_graph_state states[TH_GRAPH_STATES];
	size_t n_states;
};

struct th_graph_fresh {
	size_t room;
	bool computed; /* nothing else says its ID */
	struct th_graph_event event;
};

struct th_graph {
	struct th_graph_room rooms[TH_GRAPH_ROOMS];
	size_t n_rooms;
	unsigned touched;
	struct th_graph_fresh fresh[TH_GRAPH_FRESH];
	size_t n_fresh;
	uint8_t notes[TH_GRAPH_NOTES_MAX]; /* scratch */
};

/* What the notes of those texts say; what was there is forgotten. */
void th_graph_read(struct th_graph *g, const struct th_view *view);

/* NULL: not known, or its name is too long. */
struct th_graph_room *th_graph_find(struct th_graph *g, struct th_str room);

/* The one of that kind, for m that user's. NULL: not known. */
struct th_graph_state *th_graph_state(struct th_graph_room *r, char kind, struct th_str key);

/* Where the event of that ID (without '$') stands among the room's; r->n_events: it does not. */
size_t th_graph_place(const struct th_graph_room *r, const char *id);

/* The one that the event replaces, if it is of a kind that is known. NULL: it is not known. */
const struct th_graph_state *th_graph_replaced(struct th_graph_room *r, const struct th_client_event *e);

/* The rules of the event's room, as far as they are known (`r` may be NULL); else those of the newest. */
enum th_event_rules th_graph_rules(struct th_graph_room *r, const struct th_client_event *e);

/* Its ID (without '$') as far as an event of that time is concerned: what it has replaced, for an older one, if that is
 * known. */
const char *th_graph_state_at(const struct th_graph_state *s, uint64_t ts);

/* An event whose ID (without '$') is known. */
struct th_graph_new {
	char id[TH_EVENT_ID];
	uint64_t depth; /* 0: not known */
	bool computed;
	struct th_str roles;  /* that its mark named, or none */
	struct th_str before; /* the ID that it says it replaces, without '$'; empty: it says nothing */
};

/* It is the room's last now, and what is authorized by it is from now on, however late others were. */
void th_graph_add(struct th_graph *g, const struct th_client_event *e, const struct th_graph_new *what);

/* Appends the notes of what was added since th_graph_read(), at most TH_GRAPH_NOTES_MAX bytes; nothing if nothing was.
 */
void th_graph_write(const struct th_graph *g, struct th_wr *w);

#endif
