/* The far half's part of revalidation: a stage before the upstream. A GET whose If-None-Match is a tag (tag.h) goes to
 * the homeserver without that field; when the answer, which is held back until it is whole, has the same tag, a bare
 * 304 goes over the link in its stead. Every other request steps through untouched. */
#ifndef TH_HOME_UNCHANGED_H
#define TH_HOME_UNCHANGED_H

#include "home/relay.h"

struct th_unchanged {
	struct th_stage stage;
	uint64_t asked, same;
};

void th_unchanged_init(struct th_unchanged *u, struct th_home_env *env, struct th_flow_server *below);

static inline struct th_flow_server *th_unchanged_server(struct th_unchanged *u)
{
	return &u->stage.server;
}

#endif
