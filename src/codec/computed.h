/* What both ends can compute of Matrix events in federation format does not cross the link.
 *
 * - The content hash (Matrix specification, server-server API, "Calculating the content hash for an event"): SHA-256 of
 *   the event without its hashes, signatures and unsigned. Where the one in a body is right, a mark takes its place.
 * - The event's ID in room versions from 4 on ("Calculating the reference hash for an event", url-safe base64). It is
 * in no event, but in the answer to it, in the events that follow it, and in what clients see: both ends keep the IDs
 * with the text in the history.
 *
 * All of it is bytes in, bytes out; nothing is parsed but the events' outlines (event.h). */
#ifndef TH_CODEC_COMPUTED_H
#define TH_CODEC_COMPUTED_H

#include "base/err.h"
#include "base/wr.h"

/* Whether th_computed_cut() and th_computed_restore() may change such a body: it has what looks like an event. They
 * agree on it, as a cut body has this, too. */
bool th_computed_concerns(struct th_str body);

/* Appends the body to `w`, right content hashes replaced by the mark. What is appended is never longer than the body.
 * TH_ERR_INVALID: the body holds the mark itself where one is looked for, so it cannot go this way. */
enum th_err th_computed_cut(struct th_wr *w, struct th_str body);

/* Whether a body that th_computed_cut() wrote holds marks. */
bool th_computed_is_cut(struct th_str body);

/* Appends to `w` the body that was cut (check th_wr_ok()). TH_ERR_MALFORMED: a mark where no hash can be computed. */
enum th_err th_computed_restore(struct th_wr *w, struct th_str body);

enum { TH_COMPUTED_IDS_MAX = 32, TH_COMPUTED_IDS_BYTES = 12 + TH_COMPUTED_IDS_MAX * 50 };

/* Appends the IDs of the (restored) body's events, of the first TH_COMPUTED_IDS_MAX whose ID can be computed, as a
 * homeserver would answer: LF {"pdus":{"$…":{},"$…":{}}}. Nothing when there are none. Events whose content outlives
 * redaction have an ID that depends on the room's version: they are left out. */
void th_computed_ids(struct th_wr *w, struct th_str body);

#endif
