/* Sync filters made narrower (Client-Server API, "Filtering"): fewer members, fewer events, no presence. */
#ifndef TH_HOME_NARROW_H
#define TH_HOME_NARROW_H

#include "base/buf.h"
#include "base/str.h"

struct th_narrow {
	bool lazy_members; /* only members that have sent something */
	bool no_presence;
	unsigned timeline_limit; /* events a room at most; 0: as it is */
};

static inline bool th_narrow_any(const struct th_narrow *n)
{
	return n->lazy_members || n->no_presence || n->timeline_limit > 0;
}

/* The filter with these set. Other members stay as they are, byte for byte; a smaller limit of its own stays, too.
 * TH_ERR_MALFORMED when it is no JSON object. */
enum th_err th_narrow_filter(const struct th_narrow *n, struct th_str filter, struct th_buf *out);

/* A /sync target with its inline filter narrowed, or one added where it has none; TH_ERR_NOT_FOUND when it names an
 * uploaded filter (which was narrowed when it was uploaded). Everything else of the target stays as it is. */
enum th_err th_narrow_target(const struct th_narrow *n, struct th_str target, struct th_buf *out);

#endif
