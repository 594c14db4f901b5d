/* The route of a request: a short name that is safe to log, as targets are not (they hold ids and tokens). */
#ifndef TH_EXCHANGE_ROUTE_H
#define TH_EXCHANGE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct th_route {
	const char *pattern; /* after "/_matrix/"; '*' stands for one segment, a last "**" for any number, none included */
	const char *name;
};

extern const struct th_route th_routes[];
extern const size_t th_routes_count;

/* Whether a target's path is "/_matrix/" and what the pattern says. */
bool th_route_fits(const char *pattern, struct th_str target);

/* The name of the first pattern that fits the target's path, "other" when none does. Static. */
const char *th_route_name(struct th_str target);

#endif
