/* The request target of a sync (client-server API, "Syncing"): what of it changes from poll to poll, and what must stay
 * the same. Pure functions. */
#ifndef TH_PROXY_SYNC_QUERY_H
#define TH_PROXY_SYNC_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
	TH_SYNC_TOKEN_MAX = 512, /* bytes of a since token; longer ones are carried, but not pushed for */
};

struct th_sync_token {
	char p[TH_SYNC_TOKEN_MAX];
	size_t n; /* 0: none */
};

/* How far a client is: what it asks with, or will ask with next. */
struct th_sync_place {
	struct th_sync_token since;  /* of /sync; `pos` of sliding sync */
	struct th_sync_token device; /* sliding sync: since of messages to the device, in the body */
};

struct th_sync_query {
	struct th_sync_place at; /* decoded; `device` is left alone */
	uint64_t timeout_ms;	 /* 0 when absent */
	bool full_state;
	bool sliding; /* sliding sync (sync_sliding.h) */
};

/* False: no sync, or one of a form that is better left alone (a parameter twice, a token with characters that JSON or a query would
 * escape, a number that is none). */
bool th_sync_query_read(struct th_sync_query *q, struct th_str target);

/* The target without since, timeout and full_state: equal for the polls of one loop. Returns its length, at most target.n;
 * `out` must have that room. */
size_t th_sync_query_rest(struct th_str target, char *out);

/* The same target with another since, or pos, and timeout. Returns the bytes needed; nothing useful was written when that exceeds
 * cap. */
size_t th_sync_query_write(struct th_str target, const struct th_sync_token *since, uint64_t timeout_ms, char *out,
			   size_t cap);

/* Whether such a character stands for itself in queries and in JSON strings. */
bool th_sync_token_char(char c);

static inline bool th_sync_token_eq(const struct th_sync_token *a, const struct th_sync_token *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

static inline bool th_sync_place_eq(const struct th_sync_place *a, const struct th_sync_place *b)
{
	return th_sync_token_eq(&a->since, &b->since) && th_sync_token_eq(&a->device, &b->device);
}

#endif
