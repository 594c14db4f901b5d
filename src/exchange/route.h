/* The route of a request: a short name that is safe to log, as targets are not (they hold ids and tokens), and how urgent it
 * is for the order in which a thin link carries it. */
#ifndef TH_EXCHANGE_ROUTE_H
#define TH_EXCHANGE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum th_urgency {
	TH_URGENCY_INTERACTIVE, /* somebody waits: messages, joins, keys, to-device, and all that is not listed */
	TH_URGENCY_SYNC,
	TH_URGENCY_CHATTER, /* soon stale: receipts, typing, presence */
	TH_URGENCY_BULK,    /* media, history, initial sync */
};

struct th_route {
	const char *pattern; /* after "/_matrix/"; '*' stands for one segment, a last "**" for any number, none included */
	const char *name;
	enum th_urgency urgency;
};

extern const struct th_route th_routes[];
extern const size_t th_routes_count;

/* Whether a target's path is "/_matrix/" and what the pattern says. */
bool th_route_fits(const char *pattern, struct th_str target);

/* The name of the first pattern that fits the target's path, "other" when none does. Static. */
const char *th_route_name(struct th_str target);

/* A sync without since (sliding: pos) is an initial one, thus bulk. */
enum th_urgency th_route_urgency(struct th_str target);

/* What a request sets that the next one of its kind sets anew: then an older one that has not left yet need not leave at
 * all. Part of the target; empty for all other requests. *with_body: only with the same body, which says more. The
 * account belongs to it, too: callers add the Authorization. */
struct th_str th_route_state(struct th_str method, struct th_str target, bool *with_body);

#endif
