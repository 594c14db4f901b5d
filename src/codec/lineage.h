/* Event IDs that both ends can compute are left out of texts. An ID is a hash over the event and its place in the
 * room's graph (event_id.h); the event is in the text, and the place can mostly be told from what came before
 * (graph.h), in a few characters (mark.h) or none. An answer to a send has no event: it is made from the request, and
 * from its sender and time, which the mark tells.
 *
 * The text that is coded, and kept in history, has marks in the places of IDs; the notes that go with it in history
 * have the IDs, and what is needed for the next ones. Who cuts makes sure that what comes back is the same. */
#ifndef TH_CODEC_LINEAGE_H
#define TH_CODEC_LINEAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/graph.h"

enum { TH_LINEAGE_EVENTS = 1024 }; /* of one text; IDs of further ones stay */

/* Scratch for one text at a time. NULL: no memory, or the library failed. */
struct th_lineage;
struct th_lineage *th_lineage_new(const struct th_mem *mem);
void th_lineage_del(struct th_lineage *l);

struct th_lineage_about {
	const struct th_view *view; /* what the text is coded against; NULL: nothing */
	const struct th_model_about *message;
	int64_t date; /* of a response, by the clock of who made it: its Date in Unix seconds. 0: not known. For
			 cutting. */
};

/* Writes to `out` the text (text.h) without the IDs that th_lineage_restore() puts back. *out_n: its length, at most n
 * + TH_MARK_MAX (mark.h). TH_ERR_INVALID: it has what looks like a mark, so it cannot go this way. TH_ERR_TOO_LARGE:
 * over cap. */
enum th_err th_lineage_cut(struct th_lineage *l, const struct th_lineage_about *about, const uint8_t *text, size_t n,
			   uint8_t *out, size_t cap, size_t *out_n);

/* TH_ERR_MALFORMED: a mark where no ID can be computed. TH_ERR_TOO_LARGE. */
enum th_err th_lineage_restore(struct th_lineage *l, const struct th_lineage_about *about, const uint8_t *cut, size_t n,
			       uint8_t *out, size_t cap, size_t *out_n);

/* The notes of the text that was cut or restored last, for th_keep(): borrowed until the next one. */
struct th_str th_lineage_notes(const struct th_lineage *l);

#endif
