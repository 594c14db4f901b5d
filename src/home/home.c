#include "home/home.h"

#define MIB ((size_t)1024 * 1024)

const struct th_home_config th_home_default = {
	.cors = { .mode = TH_CORS_LEARN, .learnt_for = 24 * 60 * 60 * TH_SEC },
	.cache = { .max_bytes = 16 * MIB, .max_entries = 4096, .max_body = 4 * MIB },
	.join = { .grace = 120 * TH_SEC, .max_exchanges = 4096, .max_answer = 256 * 1024, .max_kept = 4 * MIB },
	.gate = { .max_waiting = 0, .silence = 15 * 60 * TH_SEC, .retry_after = 30 * TH_SEC },
};

struct th_home {
	struct th_home_env env;
	struct th_lean lean;
	struct th_cors cors;
	struct th_cache cache;
	struct th_join join;
	struct th_gate gate;
};

struct th_home *th_home_new(const struct th_mem *mem, const struct th_rng *rng, const th_time *now,
			    const struct th_policy *policy, const struct th_home_config *config,
			    struct th_flow_server *below)
{
	struct th_home *h = th_alloc(mem, sizeof(*h));

	if (!h)
		return NULL;
	h->env = (struct th_home_env){ .mem = mem, .now = now, .policy = policy, .seed = th_rng_u64(rng) };
	rng->fill(rng->ctx, h->env.secret, sizeof(h->env.secret));
	th_gate_init(&h->gate, &h->env, below, &config->gate);
	if (th_join_init(&h->join, &h->env, th_gate_server(&h->gate), &config->join) != TH_OK) {
		th_free(mem, h);
		return NULL;
	}
	th_cache_init(&h->cache, &h->env, th_join_server(&h->join), &config->cache);
	th_cors_init(&h->cors, &h->env, th_cache_server(&h->cache), &config->cors);
	th_lean_init(&h->lean, &h->env, th_cors_server(&h->cors), &config->lean);
	return h;
}

/* From the client's side on: each still reaches what is beneath it. */
void th_home_del(struct th_home *h)
{
	const struct th_mem *mem;

	if (!h)
		return;
	mem = h->env.mem;
	th_stage_free(&h->lean.stage);
	th_cors_free(&h->cors);
	th_cache_free(&h->cache);
	th_join_free(&h->join);
	th_stage_free(&h->gate.stage);
	th_digest_release();
	th_wipe(h, sizeof(*h));
	th_free(mem, h);
}

struct th_flow_server *th_home_server(struct th_home *h)
{
	return th_lean_server(&h->lean);
}

void th_home_set_config(struct th_home *h, const struct th_home_config *config)
{
	th_lean_set_config(&h->lean, &config->lean);
	th_cors_set_config(&h->cors, &config->cors);
	th_cache_set_config(&h->cache, &config->cache);
	th_join_set_config(&h->join, &config->join);
	th_gate_set_config(&h->gate, &config->gate);
}

void th_home_set_report(struct th_home *h, void (*report)(void *user, const struct th_home_report *r), void *user)
{
	h->env.report = report;
	h->env.user = user;
}

void th_home_set_has_left(struct th_home *h, bool (*has_left)(const struct th_flow *client))
{
	h->join.has_left = has_left;
}

struct th_gate *th_home_gate(struct th_home *h)
{
	return &h->gate;
}

void th_home_drain(struct th_home *h)
{
	th_join_drain(&h->join);
}

void th_home_turn(struct th_home *h)
{
	th_join_turn(&h->join);
	th_stage_turn(&h->lean.stage);
	th_stage_turn(&h->cors.stage);
	th_stage_turn(&h->cache.stage);
	th_stage_turn(&h->gate.stage);
}

th_time th_home_deadline(const struct th_home *h)
{
	return th_join_deadline(&h->join);
}

void th_home_stats(const struct th_home *h, struct th_home_stats *out)
{
	*out = (struct th_home_stats){ .cache = h->cache.stats,
				       .cache_entries = h->cache.store.entries,
				       .cache_bytes = h->cache.store.bytes,
				       .cache_evicted = h->cache.store.evicted,
				       .cache_invalidated = h->cache.store.invalidated,
				       .join = h->join.stats,
				       .cors_learnt = h->cors.learnt,
				       .lean_dropped = h->lean.dropped,
				       .lean_narrowed = h->lean.narrowed,
				       .lean_refused = h->lean.refused,
				       .gate_down = h->gate.refused_down,
				       .gate_full = h->gate.refused_full,
				       .waiting = h->gate.waiting };
	memcpy(out->answered, h->env.answered, sizeof(out->answered));
}

/* ---- the far half ---- */

struct th_home_far {
	struct th_home_env env;
	struct th_lean limit;
	struct th_unchanged unchanged;
};

static struct th_lean_config limit_of(const struct th_home_config *config)
{
	return (struct th_lean_config){ .max_media = config->lean.max_media };
}

struct th_home_far *th_home_far_new(const struct th_mem *mem, const th_time *now, const struct th_policy *policy,
				    const struct th_home_config *config, struct th_flow_server *upstream)
{
	struct th_home_far *f = th_alloc(mem, sizeof(*f));
	struct th_lean_config limit = limit_of(config);

	if (!f)
		return NULL;
	f->env = (struct th_home_env){ .mem = mem, .now = now, .policy = policy };
	th_unchanged_init(&f->unchanged, &f->env, upstream);
	th_lean_init(&f->limit, &f->env, th_unchanged_server(&f->unchanged), &limit);
	return f;
}

void th_home_far_del(struct th_home_far *f)
{
	if (!f)
		return;
	th_stage_free(&f->limit.stage);
	th_stage_free(&f->unchanged.stage);
	th_digest_release();
	th_free(f->env.mem, f);
}

struct th_flow_server *th_home_far_server(struct th_home_far *f)
{
	return th_lean_server(&f->limit);
}

void th_home_far_set_config(struct th_home_far *f, const struct th_home_config *config)
{
	struct th_lean_config limit = limit_of(config);

	th_lean_set_config(&f->limit, &limit);
}

void th_home_far_turn(struct th_home_far *f)
{
	th_stage_turn(&f->limit.stage);
	th_stage_turn(&f->unchanged.stage);
}
