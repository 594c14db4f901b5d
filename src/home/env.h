/* What every stage of src/home needs from outside, and what it tells. One per daemon; borrowed by all stages for life.
 */
#ifndef TH_HOME_ENV_H
#define TH_HOME_ENV_H

#include "base/clock.h"
#include "base/mem.h"
#include "exchange/policy.h"

enum th_home_by { TH_HOME_CORS, TH_HOME_CACHE, TH_HOME_JOIN, TH_HOME_LEAN, TH_HOME_GATE, TH_HOME_BY_LAST };

/* One exchange that was answered without crossing the link, or that joined another. Strings borrowed during the call.
 */
struct th_home_report {
	enum th_home_by by;
	const char *route; /* exchange/route.h */
	struct th_str method;
	uint16_t status;     /* 0: joined, the answer is still to come */
	uint64_t http_bytes; /* of the answer's head and body, as HTTP/1.1 text would have them; 0 when joined */
};

enum { TH_HOME_SECRET_BYTES = 32 };

struct th_home_env {
	const struct th_mem *mem;				    /* borrowed */
	const th_time *now;					    /* borrowed, read on every entry */
	const struct th_policy *policy;				    /* borrowed: which fields cross */
	uint8_t secret[TH_HOME_SECRET_BYTES];			    /* random: keys of tables are hashes under it */
	uint64_t seed;						    /* random, for tables */
	void (*report)(void *user, const struct th_home_report *r); /* NULL: none */
	void *user;
	uint64_t answered[TH_HOME_BY_LAST]; /* exchanges, by who answered */
};

static inline th_time th_home_now(const struct th_home_env *env)
{
	return *env->now;
}

static inline const char *th_home_by_text(enum th_home_by by)
{
	static const char *const names[TH_HOME_BY_LAST] = { "cors", "cache", "join", "lean", "gate" };

	return names[by];
}

/* Counts and reports. */
void th_home_tell(struct th_home_env *env, enum th_home_by by, struct th_str method, const char *route,
		  const struct th_head *answer);

#endif
