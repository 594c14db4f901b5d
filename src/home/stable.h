/* Matrix routes whose answers are stable though homeservers do not mark them so: how long each may be used without
 * asking, and what changes it. docs/internals/home.md shows the table, with the reasons. */
#ifndef TH_HOME_STABLE_H
#define TH_HOME_STABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum th_stable_group {
	TH_GROUP_NONE,
	TH_GROUP_ROUTE, /* a write to any target of this row makes all of them stale */
	TH_GROUP_USER,	/* likewise, for the user whose ID is the first segment after "profile/" */
};

struct th_stable {
	const char *pattern; /* as in exchange/route.h, after "/_matrix/"; or a whole path when it begins with '/' */
	const char *name;    /* rows of one name share a group */
	uint32_t fresh_s;
	bool immutable; /* the target names the content: fresh_s holds even where the homeserver says less */
	enum th_stable_group group;
};

extern const struct th_stable th_stable_table[];
extern const size_t th_stable_count;

/* The row for a target, NULL when there is none. */
const struct th_stable *th_stable_find(struct th_str target);

/* What a write to this target makes stale, and what a stored answer belongs to: a name for it in `out`, empty for none.
 */
enum { TH_GROUP_NAME_MAX = 320 };
struct th_str th_stable_group(const struct th_stable *row, struct th_str target, char out[static TH_GROUP_NAME_MAX]);

/* Whether a POST to this target ends the account's token. */
bool th_stable_is_logout(struct th_str target);

#endif
