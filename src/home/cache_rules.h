/* The decisions of a cache, as functions of heads: whether a request may be answered from memory, whether an answer may
 * be stored and for how long, what a conditional request gets. Private to src/home. */
#ifndef TH_HOME_CACHE_RULES_H
#define TH_HOME_CACHE_RULES_H

#include "base/clock.h"
#include "home/cache_control.h"
#include "home/stable.h"

/* GET or HEAD without body, range or precondition on state. */
bool th_cache_may_ask(const struct th_head *request);

/* Methods that change nothing (RFC 9110 §9.2.1). */
bool th_cache_is_safe(struct th_str method);

/* Whether this answer to a GET may be stored, and for how long it is fresh then. `row`: of the table, or NULL;
 * `anonymous`: nobody's account, so the entry serves all (RFC 9111 §3, §4.2.1; s-maxage counts for those alone). */
bool th_cache_may_store(const struct th_head *answer, const struct th_stable *row, bool anonymous, th_time *fresh_for);

/* Whether a request with these directives takes an answer of that age; both ages as th_time. */
bool th_cache_is_fresh(const struct th_cache_control *request, th_time age, th_time fresh_for, bool ignore_reload);

/* What the client's own If-None-Match or If-Modified-Since says about the stored head: 304 is the answer (RFC 9110
 * §13.2.2). */
bool th_cache_not_modified(const struct th_head *request, const struct th_head *stored);
bool th_cache_is_conditional(const struct th_head *request);

/* The answer's Age, 0 when it has none. */
th_time th_cache_age(const struct th_head *answer);

#endif
