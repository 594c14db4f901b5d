/* What stands for an event's ID in a text where it can be computed:
 *
 *     mark:  %x01 ("." PLACE / roles [prev] ["=" DEPTH] [SENDER SP TS])
 *     roles: *("p" / "m" / "c" / "j" / "t" / "a")
 *     prev:  1*PLACE
 *
 * "." PLACE: the event at that place among the room's last ones (graph.h), 0 for the very last; it is one character of
 * "0" to "9", "A" to "N". Else the roles are the event's auth_events, in their order: power_levels, the sender's
 * m.room.member, create, join_rules, the m.room.member of the state key, that of who authorised the join. prev: its
 * prev_events; "0" where it is left out. DEPTH where it is not 1 more than theirs. Of m.room.create nothing is said.
 * SENDER and TS stand in answers to a send, where the event is not to be seen. */
#ifndef TH_CODEC_MARK_H
#define TH_CODEC_MARK_H

#include "base/wr.h"
#include "codec/graph.h"

enum { TH_MARK = 1, TH_MARK_MAX = 2 + 2 * TH_EVENT_EDGES + 17 + TH_GRAPH_NAME + 16 };

struct th_mark {
	bool known;	     /* "." prev[0] */
	struct th_str roles; /* borrowed */
	uint8_t prev[TH_EVENT_EDGES];
	size_t n_prev;	      /* 0: as if it were one, 0 */
	uint64_t depth;	      /* 0: left out */
	struct th_str sender; /* empty: left out; borrowed */
	uint64_t ts;
};

void th_mark_write(struct th_wr *w, const struct th_mark *m);
/* False: it is not one. `s` without %x01. */
bool th_mark_read(struct th_str s, struct th_mark *m);

/* Where in its room's graph the mark puts the event, `r` NULL for a room of which nothing is known. False: something
 * that it names is not known. */
bool th_mark_place(const struct th_mark *m, struct th_graph_room *r, const struct th_client_event *e,
		   struct th_event_place *out);

/* The event that has the role for this one. NULL: not known. */
const struct th_graph_state *th_mark_role(char role, struct th_graph_room *r, const struct th_client_event *e);

#endif
