/* What history keeps of a message: its text as it is coded, without secrets (secret.h), and the IDs of the events in
 * it, which later messages name (computed.h, graph.h). Both ends make the same of the same message. */
#ifndef TH_CODEC_KEEP_H
#define TH_CODEC_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/computed.h"
#include "codec/graph.h"

enum { TH_KEEP_EXTRA = TH_COMPUTED_IDS_BYTES + TH_GRAPH_NOTES_MAX };

/* `text` as th_lineage_cut() left it, with its notes; `body` is the message's whole body. `out` has room for
 * TH_KEEP_EXTRA bytes more than the smaller one of n and `max`. Returns the length, at most `max`: of what is longer the
 * text's end is left out. */
size_t th_keep(const uint8_t *text, size_t n, struct th_str body, struct th_str notes, size_t max, uint8_t *out);

#endif
