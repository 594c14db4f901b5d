/* What a preflight asks, and what an answer to one covers. Private to src/home. */
#ifndef TH_HOME_PREFLIGHT_H
#define TH_HOME_PREFLIGHT_H

#include "exchange/head.h"

struct th_preflight {
	struct th_str origin, method, headers; /* headers: the list, empty when absent */
	bool more; /* it asks for something else, too (private networks): answers are not shared */
};

/* False when the request is no preflight. Strings borrowed from the head. */
bool th_preflight_read(struct th_preflight *p, const struct th_head *h);

/* The part of the API whose preflights are answered alike: a static prefix, or the path itself. */
struct th_str th_preflight_scope(struct th_str target);

/* Whether the answer names this method and these header fields. */
bool th_preflight_covers(const struct th_head *answer, struct th_str method, struct th_str headers);

/* Whether the answer depends on the origin, and whether it is but a mirror of the request. */
bool th_preflight_any_origin(const struct th_head *answer);
bool th_preflight_mirrors(const struct th_head *answer, const struct th_preflight *p);

#endif
