/* Cache-Control and Pragma of a request or response (RFC 9111 §5.2, §5.4). */
#ifndef TH_HOME_CACHE_CONTROL_H
#define TH_HOME_CACHE_CONTROL_H

#include "exchange/head.h"

enum { TH_DELTA_NONE = -1 };

struct th_cache_control {
	bool present; /* there was a Cache-Control field */
	bool no_store, no_cache, is_private, is_public, only_if_cached;
	int64_t max_age, s_maxage,
		min_fresh; /* seconds; TH_DELTA_NONE: not given. What is no number counts as 0 (§4.2.1) */
};

/* Reads all fields of the head; Pragma: no-cache counts where no Cache-Control is. */
void th_cache_control_read(struct th_cache_control *c, const struct th_head *h);

/* Seconds in a delta-seconds value (§1.2.2): too large ones are 2^31, what is no number is -1. */
int64_t th_delta_seconds(struct th_str s);

#endif
