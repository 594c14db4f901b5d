/* The lean policy: what a user may decide not to pay for. Everything off by default; docs/internals/home.md says what
 * each switch loses.
 *
 * Typing, receipts and presence that a client sends are answered as the homeserver would and go no further. Sync
 * filters are made narrower, inline ones and those uploaded. Media above a size is refused with M_TOO_LARGE: 413 for
 * uploads, 502 for downloads (as the specification has it for servers that will not serve them). The stage stands in
 * the near half; with only `max_media` set also in the far half, where a refused download costs the link no byte of it.
 */
#ifndef TH_HOME_LEAN_H
#define TH_HOME_LEAN_H

#include "home/narrow.h"
#include "home/relay.h"

struct th_lean_config {
	bool typing, receipts, presence; /* answered here */
	struct th_narrow sync;
	uint64_t max_media; /* bytes; 0: any size */
};

struct th_lean {
	struct th_stage stage;
	struct th_lean_config config;
	uint64_t dropped, narrowed, refused;
};

void th_lean_init(struct th_lean *l, struct th_home_env *env, struct th_flow_server *below,
		  const struct th_lean_config *config);
void th_lean_set_config(struct th_lean *l, const struct th_lean_config *config);

static inline struct th_flow_server *th_lean_server(struct th_lean *l)
{
	return &l->stage.server;
}

#endif
