/* The stages between HTTP client and ingress half, and between egress half and homeserver, in their order:
 *
 *     listener ─▶ lean ─▶ cors ─▶ cache ─▶ join ─▶ gate ─▶ ingress ═ link ═ egress ─▶ media limit ─▶ unchanged ─▶
 * upstream
 *
 * All are flow servers over flow servers (relay.h); an exchange that concerns none costs nothing behind the head. */
#ifndef TH_HOME_HOME_H
#define TH_HOME_HOME_H

#include "base/rng.h"
#include "home/cache.h"
#include "home/cors.h"
#include "home/gate.h"
#include "home/join.h"
#include "home/lean.h"
#include "home/unchanged.h"

struct th_home_config {
	struct th_lean_config lean; /* of it the far half uses max_media */
	struct th_cors_config cors;
	struct th_cache_config cache;
	struct th_join_config join;
	struct th_gate_config gate;
};

/* What a daemon does unless told otherwise. */
extern const struct th_home_config th_home_default;

struct th_home; /* the near half's stages */
struct th_home_far;

/* `now`, `policy` and `below` are borrowed for life. `report`: NULL for none. NULL without memory. */
struct th_home *th_home_new(const struct th_mem *mem, const struct th_rng *rng, const th_time *now,
			    const struct th_policy *policy, const struct th_home_config *config,
			    struct th_flow_server *below);
void th_home_del(struct th_home *h); /* open exchanges end with 503 */
struct th_flow_server *th_home_server(struct th_home *h);
void th_home_set_config(struct th_home *h, const struct th_home_config *config);
void th_home_set_report(struct th_home *h, void (*report)(void *user, const struct th_home_report *r), void *user);
/* See join.h and gate.h. */
void th_home_set_has_left(struct th_home *h, bool (*has_left)(const struct th_flow *client));
struct th_gate *th_home_gate(struct th_home *h);
void th_home_drain(struct th_home *h);

/* Call between callbacks: after each batch of events, and at the deadline. */
void th_home_turn(struct th_home *h);
th_time th_home_deadline(const struct th_home *h);

struct th_home_stats {
	uint64_t answered[TH_HOME_BY_LAST];
	struct th_cache_stats cache;
	size_t cache_entries, cache_bytes;
	uint64_t cache_evicted, cache_invalidated;
	struct th_join_stats join;
	uint64_t cors_learnt, lean_dropped, lean_narrowed, lean_refused, gate_down, gate_full;
	size_t waiting; /* exchanges whose answer has not begun */
};
void th_home_stats(const struct th_home *h, struct th_home_stats *out);

/* The far half. */
struct th_home_far *th_home_far_new(const struct th_mem *mem, const th_time *now, const struct th_policy *policy,
				    const struct th_home_config *config, struct th_flow_server *upstream);
void th_home_far_del(struct th_home_far *f);
struct th_flow_server *th_home_far_server(struct th_home_far *f);
void th_home_far_set_config(struct th_home_far *f, const struct th_home_config *config);
void th_home_far_turn(struct th_home_far *f);

#endif
