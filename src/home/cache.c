#include "home/cache.h"

#include <inttypes.h>
#include <stdio.h>

#include "exchange/route.h"
#include "home/cache_rules.h"
#include "home/tag.h"

enum role { READ, WRITE };

struct asked {
	struct th_relay r;
	enum role role;
	bool head_only, no_store, conditional;
	bool logout;
	struct th_home_key key, account;
	struct th_store_groups groups;
	const struct th_stable *row;
	uint64_t mark;
	struct th_kept *stale;	/* used: what is being asked about; NULL: nothing */
	struct th_kept *news;	/* owned: the head of the 304 about it */
	struct th_kept *taking; /* owned: the answer as it passes; NULL: it is not to be stored */
};

static struct asked *of(struct th_relay *r)
{
	return TH_OWNER(r, struct asked, r);
}

static struct th_cache *owner(struct th_relay *r)
{
	return TH_OWNER(r->stage, struct th_cache, stage);
}

/* ---- answering from memory ---- */

/* Fields of a 304: without those that describe a body (RFC 9110 §15.4.5). */
static bool describes_body(struct th_str name)
{
	static const struct th_str names[] = {
		TH_STR_INIT("Content-Type"),	 TH_STR_INIT("Content-Length"),	     TH_STR_INIT("Content-Encoding"),
		TH_STR_INIT("Content-Language"), TH_STR_INIT("Content-Disposition"), TH_STR_INIT("Content-Range"),
		TH_STR_INIT("Content-Digest"),	 TH_STR_INIT("Content-MD5"),	     TH_STR_INIT("Digest"),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (th_str_ieq(name, names[i]))
			return true;
	return false;
}

/* `age`: TH_NEVER when the homeserver has just been asked (RFC 9111 §4: Age is for answers without validation). */
static void serve(struct th_relay *r, const struct th_head *request, struct th_kept *kept, th_time age)
{
	struct asked *a = of(r);
	struct th_field fields[TH_HEAD_FIELDS_MAX + 2];
	struct th_head stored = th_kept_head(kept);
	struct th_head h = { .status = 200, .body_len = (int64_t)kept->body.n, .fields = fields };
	bool not_modified = request && th_cache_not_modified(request, &stored);
	char age_text[24], len_text[24];

	for (size_t i = 0; i < kept->n_fields; i++) {
		if (th_str_ieq(kept->fields[i].name, TH_STR("Age")) && age != TH_NEVER)
			continue;
		if (not_modified && describes_body(kept->fields[i].name))
			continue;
		fields[h.n_fields++] = kept->fields[i];
	}
	if (age != TH_NEVER) {
		snprintf(age_text, sizeof(age_text), "%" PRIu64, age / TH_SEC);
		fields[h.n_fields++] = (struct th_field){ TH_STR("Age"), th_str_of(age_text) };
	}
	if (not_modified)
		h.status = 304;
	if (a->head_only && !not_modified) {
		snprintf(len_text, sizeof(len_text), "%zu", kept->body.n);
		fields[h.n_fields++] = (struct th_field){ TH_STR("Content-Length"), th_str_of(len_text) };
	}
	if (a->head_only || not_modified)
		h.body_len = 0;
	if (request) {
		owner(r)->stats.hits++;
		th_home_tell(r->stage->env, TH_HOME_CACHE, request->method, th_route_name(request->target), &h);
	}
	th_relay_answer(r, &h, h.body_len ? kept : NULL);
}

/* ---- the request ---- */

static void write_goes(struct th_relay *r)
{
	struct th_cache *c = owner(r);
	struct asked *a = of(r);

	/* What the table knows to have no writes: a POST to login does not change what GET says of it. */
	if (!a->row || a->row->group != TH_GROUP_NONE)
		th_store_written(&c->store, &a->groups);
	if (a->logout)
		th_store_forget_account(&c->store, &a->account);
}

static void name_groups(struct th_relay *r, const struct th_head *h)
{
	char group[TH_GROUP_NAME_MAX];
	struct asked *a = of(r);

	a->row = th_stable_find(h->target);
	th_key_account(r->stage->env, h, &a->account);
	a->groups = th_store_groups_of(&owner(r)->store, th_target_path(h->target),
				       th_stable_group(a->row, h->target, group), &a->account);
}

/* Asks about what is stale with the best validator there is (RFC 9111 §4.3.1). `tag` is room for one. False: there is
 * none. */
static bool validator(const struct th_kept *kept, struct th_field *out, char tag[static TH_TAG_TEXT])
{
	struct th_head h = th_kept_head(kept);
	const struct th_field *etag = th_head_find(&h, TH_STR("ETag"));
	const struct th_field *modified = th_head_find(&h, TH_STR("Last-Modified"));
	struct th_digest d;

	if (etag) {
		*out = (struct th_field){ TH_STR("If-None-Match"), etag->value };
		return true;
	}
	if (modified) {
		*out = (struct th_field){ TH_STR("If-Modified-Since"), modified->value };
		return true;
	}
	if (kept->body.n > TH_TAG_BODY_MAX)
		return false;
	th_tag_begin(&d, NULL, &h);
	th_digest_bytes(&d, th_buf_data(&kept->body), kept->body.n);
	*out = (struct th_field){ TH_STR("If-None-Match"), { tag, TH_TAG_TEXT } };
	return th_tag_end(&d, tag);
}

static void ask(struct th_relay *r, const struct th_head *h, struct th_entry *e)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head asking = *h;
	struct asked *a = of(r);
	char tag[TH_TAG_TEXT];

	if (e && !a->conditional && h->n_fields < TH_HEAD_FIELDS_MAX && validator(e->kept, &fields[h->n_fields], tag)) {
		for (size_t i = 0; i < h->n_fields; i++)
			fields[i] = h->fields[i];
		asking.fields = fields;
		asking.n_fields++;
		a->stale = e->kept;
		th_kept_use(a->stale);
	}
	th_relay_pass(r, &asking);
}

static void look_up(struct th_relay *r, const struct th_head *h)
{
	static const struct th_failure only_cached = {
		.err = TH_ERR_NOT_FOUND,
		.status = 504,
		.reason = "The request wants a stored answer only, and there is none."
	};
	struct th_cache *c = owner(r);
	struct asked *a = of(r);
	struct th_cache_control cc;
	struct th_entry *e;

	th_cache_control_read(&cc, h);
	e = th_store_find(&c->store, &a->key);
	if (e && !cc.no_store) {
		th_time age = th_time_add(e->age, th_time_until(th_home_now(r->stage->env), e->stored));

		if (th_cache_is_fresh(&cc, age, e->fresh_for, c->config.ignore_reload)) {
			serve(r, h, e->kept, age);
			return;
		}
	}
	if (cc.only_if_cached) {
		th_relay_fail(r, &only_cached);
		return;
	}
	if (a->head_only) {
		th_relay_step_aside(r, h);
		return;
	}
	a->no_store = cc.no_store;
	a->conditional = th_cache_is_conditional(h);
	ask(r, h, cc.no_store ? NULL : e);
}

static void on_head(struct th_relay *r, const struct th_head *h)
{
	struct th_cache *c = owner(r);
	struct asked *a = of(r);

	if (c->config.max_bytes == 0) {
		th_relay_step_aside(r, h);
		return;
	}
	a->mark = th_store_mark(&c->store);
	if (!th_cache_is_safe(h->method)) {
		a->role = WRITE;
		name_groups(r, h);
		a->logout = th_stable_is_logout(h->target);
		write_goes(r);
		th_relay_pass(r, h);
		return;
	}
	if (!th_cache_may_ask(h) || !th_key_resource(r->stage->env, h, &a->key)) {
		th_relay_step_aside(r, h);
		return;
	}
	name_groups(r, h);
	a->head_only = th_str_eq(h->method, TH_STR("HEAD"));
	look_up(r, h);
}

/* ---- the answer ---- */

static void on_answer_head(struct th_relay *r, const struct th_head *h)
{
	struct th_cache *c = owner(r);
	struct asked *a = of(r);
	th_time fresh_for;

	if (h->status == 401)
		th_store_forget_account(&c->store, &a->account);
	if (a->role == WRITE && h->status < 400)
		write_goes(r); /* again: what was asked for meanwhile may be older (RFC 9111 §4.4) */
	if (a->role == READ && a->stale && h->status == 304) {
		a->news = th_kept_new(r->stage->env->mem, h, 0);
		return;
	}
	if (a->role == READ && a->stale)
		c->stats.changed++;
	if (a->role == READ && !a->no_store &&
	    (h->body_len == TH_BODY_UNKNOWN || (uint64_t)h->body_len <= c->config.max_body) &&
	    th_cache_may_store(h, a->row, th_key_is_zero(&a->account), &fresh_for))
		a->taking = th_kept_new(r->stage->env->mem, h, c->config.max_body);
	th_kept_drop(a->stale);
	a->stale = NULL;
	r->answered = true;
	th_flow_head(&r->up, h);
}

static size_t on_answer_data(struct th_relay *r, const uint8_t *p, size_t n)
{
	struct asked *a = of(r);
	size_t took;

	if (a->stale)
		return n; /* a 304 has none */
	took = th_flow_data(&r->up, p, n);
	if (a->taking && th_buf_append(&a->taking->body, p, took) != TH_OK) {
		th_kept_drop(a->taking);
		a->taking = NULL;
	}
	return took;
}

static void store(struct th_relay *r, struct th_kept *kept)
{
	struct th_cache *c = owner(r);
	struct asked *a = of(r);
	struct th_head h = th_kept_head(kept);
	struct th_entry *e;
	th_time fresh_for;

	if (th_store_written_since(&c->store, a->mark, &a->groups) ||
	    !th_cache_may_store(&h, a->row, th_key_is_zero(&a->account), &fresh_for))
		return;
	e = th_store_put(&c->store, &a->key, &a->account, &a->groups, kept);
	if (!e)
		return;
	e->stored = th_home_now(r->stage->env);
	e->age = th_cache_age(&h);
	e->fresh_for = fresh_for;
	c->stats.stored++;
}

static bool is_among(const struct th_kept *k, struct th_str name)
{
	for (size_t i = 0; i < k->n_fields; i++)
		if (th_str_ieq(k->fields[i].name, name))
			return true;
	return false;
}

/* The stored answer with the fields that the 304 brought in place of its own (RFC 9111 §3.2). NULL without memory. */
static struct th_kept *updated(struct th_relay *r)
{
	struct asked *a = of(r);
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head h = th_kept_head(a->stale);
	struct th_kept *k;

	h.fields = fields;
	h.n_fields = 0;
	for (size_t i = 0; i < a->stale->n_fields; i++)
		if (!is_among(a->news, a->stale->fields[i].name) &&
		    !th_str_ieq(a->stale->fields[i].name, TH_STR("Age")))
			fields[h.n_fields++] = a->stale->fields[i];
	for (size_t i = 0; i < a->news->n_fields && h.n_fields < TH_HEAD_FIELDS_MAX; i++)
		if (!th_str_ieq(a->news->fields[i].name, TH_STR("Content-Length")))
			fields[h.n_fields++] = a->news->fields[i];
	k = th_kept_new(r->stage->env->mem, &h, a->stale->body.n);
	if (k && th_buf_append(&k->body, th_buf_data(&a->stale->body), a->stale->body.n) != TH_OK) {
		th_kept_drop(k);
		return NULL;
	}
	return k;
}

static void unchanged(struct th_relay *r)
{
	static const struct th_failure no_memory = {
		.err = TH_ERR_NO_MEMORY, .status = 503, .reason = "thimble is out of memory.", .retry_after = 5
	};
	struct asked *a = of(r);
	struct th_kept *k = a->news ? updated(r) : NULL;

	if (!k) {
		th_relay_fail(r, &no_memory);
		return;
	}
	owner(r)->stats.revalidated++;
	store(r, k);
	serve(r, NULL, k, TH_NEVER);
	th_kept_drop(k);
}

static void on_answer_end(struct th_relay *r)
{
	struct asked *a = of(r);

	if (a->stale) {
		unchanged(r);
		return;
	}
	if (a->taking && (a->taking->body_len == TH_BODY_UNKNOWN || (uint64_t)a->taking->body_len == a->taking->body.n))
		store(r, a->taking);
	th_flow_end(&r->up);
}

static void on_buried(struct th_relay *r)
{
	struct asked *a = of(r);

	th_kept_drop(a->stale);
	th_kept_drop(a->news);
	th_kept_drop(a->taking);
}

static const struct th_relay_ops ops = {
	.head = on_head,
	.answer_head = on_answer_head,
	.answer_data = on_answer_data,
	.answer_end = on_answer_end,
	.buried = on_buried,
};

void th_cache_init(struct th_cache *c, struct th_home_env *env, struct th_flow_server *below,
		   const struct th_cache_config *config)
{
	c->config = *config;
	c->stats = (struct th_cache_stats){ 0 };
	th_stage_init(&c->stage, env, below, &ops, sizeof(struct asked));
	th_store_init(&c->store, env->mem, env->seed, config->max_bytes, config->max_entries);
}

void th_cache_free(struct th_cache *c)
{
	th_stage_free(&c->stage);
	th_store_free(&c->store);
}

void th_cache_set_config(struct th_cache *c, const struct th_cache_config *config)
{
	c->config = *config;
	th_store_set_limits(&c->store, config->max_bytes, config->max_entries);
}
