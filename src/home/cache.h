/* A private cache per account before the link (RFC 9111), for what homeservers mark as cacheable and for the Matrix
 * routes of stable.h. The client gets the head and body that the homeserver sent, with Age where it was not asked
 * again.
 *
 * - An answer is found again by everything of the request that crosses the link (key.h), Authorization included, so it
 * never reaches another account, and Vary is kept.
 * - What is stale is asked for with the homeserver's validator, or, where there is none, with a tag (tag.h).
 * - A write that passes drops what it changes: its own path, and its group of the table. */
#ifndef TH_HOME_CACHE_H
#define TH_HOME_CACHE_H

#include "home/relay.h"
#include "home/store.h"

struct th_cache_config {
	size_t max_bytes; /* of all entries; 0: off */
	size_t max_entries;
	size_t max_body;    /* of one entry */
	bool ignore_reload; /* answer from memory though the request asks for validation */
};

struct th_cache_stats {
	uint64_t hits;	      /* answered at home */
	uint64_t revalidated; /* asked, and unchanged */
	uint64_t changed;     /* asked, and another answer came */
	uint64_t stored;
};

struct th_cache {
	struct th_stage stage;
	struct th_cache_config config;
	struct th_store store;
	struct th_cache_stats stats;
};

void th_cache_init(struct th_cache *c, struct th_home_env *env, struct th_flow_server *below,
		   const struct th_cache_config *config);
void th_cache_free(struct th_cache *c);
void th_cache_set_config(struct th_cache *c, const struct th_cache_config *config);

static inline struct th_flow_server *th_cache_server(struct th_cache *c)
{
	return &c->stage.server;
}

#endif
