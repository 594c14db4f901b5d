/* The parts of lineage.h. Private to src/codec. */
#ifndef TH_CODEC_LINEAGE_INT_H
#define TH_CODEC_LINEAGE_INT_H

#include "codec/history.h"
#include "codec/lineage.h"
#include "codec/mark.h"
#include "codec/text.h"

enum {
	TH_LINEAGE_MADE_MAX = 80 * 1024, /* bytes of an event that is made from a request */
	TH_LINEAGE_HINTS = 8,
	TH_LINEAGE_NAMES = 512, /* IDs that are named */
	TH_LINEAGE_SPOTS = 2 * TH_LINEAGE_EVENTS + TH_LINEAGE_NAMES,
	TH_LINEAGE_CONTENT = 64 * 1024,
};

/* A request that makes an event (client-server API, "PUT /rooms/{roomId}/send/…" and "…/state/…", "POST /createRoom").
 */
struct th_lineage_request {
	enum { TH_LINEAGE_OTHER, TH_LINEAGE_SENDS, TH_LINEAGE_CREATES } kind;
	struct th_str room; /* OTHER: may be empty */
	struct th_str type;
	struct th_str state_key; /* p NULL: none */
	struct th_str content;	 /* CREATES: the whole body */
};

/* An answer that names such an event and nothing else. */
struct th_lineage_answer {
	char sigil;	  /* of its ID: '$', or '!' for a room's */
	struct th_str id; /* as it stands, sigil or mark included */
};

/* Where something else is to stand in a text. */
struct th_lineage_spot {
	struct th_str old; /* in the text */
	struct th_str new; /* as a rule in `written` */
};

/* Letters as in mark.h. */
struct th_lineage_roles {
	char is[6];
	size_t n;
};

struct th_lineage {
	const struct th_mem *mem;
	struct th_event_former *former; /* owned */
	struct th_graph graph;
	struct th_text text;
	struct th_lineage_request request;
	uint8_t asked[TH_HISTORY_MAX / TH_HISTORY_TEXT_PARTS]; /* the request's text */
	uint8_t names[TH_TARGET_MAX];			       /* of its path, unescaped */
	struct th_client_event events[TH_LINEAGE_EVENTS];
	uint16_t order[TH_LINEAGE_EVENTS];
	size_t n;
	struct th_lineage_spot spots[TH_LINEAGE_SPOTS];
	size_t n_spots;
	uint8_t written[TH_LINEAGE_SPOTS * (TH_EVENT_ID + 1) + TH_MARK_MAX];
	struct th_wr written_w;
	size_t named; /* spots that name others */
	uint8_t made[TH_LINEAGE_MADE_MAX], content[TH_LINEAGE_CONTENT];
	uint8_t notes[TH_GRAPH_NOTES_MAX + TH_GRAPH_NAME];
	size_t notes_n;
	struct th_lineage_roles roles; /* of what is searched for */
	unsigned tries;		       /* left, as deep_tries: of a room's depth without any hint */
	unsigned deep_tries;
	const struct th_graph_room *deep_room; /* where that was tried last */
	bool beside_last;		       /* the event stands beside the one that came before it */
	uint64_t hints[TH_LINEAGE_HINTS];      /* depths that events of the text may be near */
	size_t n_hints;
};

/* In its place in the text, something else is to stand. */
void th_lineage_spot(struct th_lineage *l, struct th_str old, struct th_str new);
/* Tells the text piece by piece, with what is new in those of the spots from `first` on that are within it, which are
 * in their order. */
typedef void th_lineage_piece(void *ctx, struct th_str s);
void th_lineage_fill(const struct th_lineage *l, struct th_str text, size_t first, th_lineage_piece *take, void *ctx);
/* Appends it to the struct th_wr `ctx`. */
void th_lineage_write(void *ctx, struct th_str s);

/* Sigil and ID, in l->written. */
struct th_str th_lineage_write_id(struct th_lineage *l, char sigil, const char *id);
/* Whether it is what could have been computed. */
bool th_lineage_is_id(struct th_str s, char sigil);

/* Sets l->order: that in which the events came to be, by time, and where that is the same by rank, and then as they
 * stand, or from the end on where a room's history is read backwards. */
void th_lineage_order(struct th_lineage *l);

/* IDs that strings of the text name, of events that were computed in it. Within an event before that is looked at, then
 * around all events. Restoring gives the event its content as it was (in l->content). False: it names none. */
void th_lineage_cut_within(struct th_lineage *l, const struct th_client_event *e);
void th_lineage_cut_around(struct th_lineage *l, struct th_str body);
bool th_lineage_restore_within(struct th_lineage *l, struct th_client_event *e);
bool th_lineage_restore_around(struct th_lineage *l, struct th_str body);

/* What the request in the view asked for; `l->text` is scratch. */
void th_lineage_read_request(struct th_lineage *l, const struct th_view *view);

/* The event that the request makes, sent by `sender` at `ts`; it borrows from l->made. False: there is none. */
bool th_lineage_make(struct th_lineage *l, struct th_str sender, uint64_t ts, struct th_client_event *out);

/* Looks for the mark that gives this event its ID. */
bool th_lineage_search(struct th_lineage *l, const struct th_client_event *e, const char id[static TH_EVENT_ID],
		       struct th_mark *out);

/* The same for the event that the request made: who sent it, and when, is to be found, too. `out` is the event then. */
bool th_lineage_search_sent(struct th_lineage *l, const struct th_lineage_about *about,
			    const char id[static TH_EVENT_ID], struct th_mark *mark, struct th_client_event *out);

#endif
