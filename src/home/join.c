#include "home/join_int.h"

#include "exchange/route.h"

enum { BUCKETS = 1024 };

static struct waiter *of(struct th_flow *f)
{
	return TH_OWNER(f, struct waiter, flow);
}

static void bury_later(struct waiter *w)
{
	w->gone = true;
	if (!w->call)
		th_list_remove(&w->link);
	th_list_push(&w->join->dead_waiters, &w->dead_link);
}

void th_waiter_fail(struct waiter *w, const struct th_failure *why)
{
	if (w->gone)
		return;
	if (w->call)
		w->call->n_waiters--;
	bury_later(w);
	th_flow_close(&w->flow, why);
}

static void step_aside(struct waiter *w, const struct th_head *h)
{
	struct th_flow_server *below = w->join->below;
	struct th_failure why = { .err = TH_ERR_FULL, .status = 503, .reason = "Too busy" };
	struct th_flow *client = w->flow.peer;

	w->flow.peer = NULL;
	client->peer = NULL;
	bury_later(w);
	if (below->open(below, client, &why) == TH_OK)
		th_flow_head(client, h);
	else
		client->ops->close(client, &why);
}

/* ---- a whole request ---- */

static struct call *find(struct th_join *j, const struct th_home_key *key)
{
	uint64_t n = th_key_number(key);

	for (struct th_slot *s = th_table_next(&j->by_key, n, NULL); s; s = th_table_next(&j->by_key, n, s)) {
		struct call *c = TH_OWNER(s, struct call, by_key);

		if (th_key_eq(&c->key, key) && th_call_may_join(c))
			return c;
	}
	return NULL;
}

/* What the account writes now makes older exchanges unfit for being joined: reads that may not see it, and writes to
 * the same target, which a repetition after this one must not take for itself. */
static void written(struct th_join *j, const struct th_head *h, const struct th_home_key *account)
{
	uint64_t target = th_table_hash(&j->by_key, h->target.p, h->target.n);

	if (!th_method_writes(h->method))
		return;
	TH_LIST_EACH(it, &j->calls)
	{
		struct call *c = TH_OWNER(it, struct call, link);

		if (!th_key_eq(&c->account, account))
			continue;
		if (c->sharing == SHARE_UNTIL_WRITE || (c->sharing == SHARE_RETRY && c->target == target))
			th_call_hide(c);
	}
}

static void join(struct call *c, struct waiter *w, const struct th_head *h)
{
	struct th_join *j = w->join;
	const char *route = th_route_name(h->target);

	if (c->answer_ended) {
		struct th_head answer = th_kept_head(c->answer);

		j->stats.returned++;
		answer.body_len = (int64_t)c->answer->body.n;
		th_home_tell(j->env, TH_HOME_JOIN, h->method, route, &answer);
	} else {
		j->stats.joined++;
		th_home_tell(j->env, TH_HOME_JOIN, h->method, route, NULL);
	}
	th_call_add(c, w);
}

/* `h` is borrowed; the body, if any, is in w->request. */
static void whole(struct waiter *w, const struct th_head *h)
{
	static const struct th_failure no_memory = {
		.err = TH_ERR_NO_MEMORY, .status = 503, .reason = "thimble is out of memory.", .retry_after = 5
	};
	uint8_t body[TH_DIGEST_BYTES];
	struct th_join *j = w->join;
	struct th_home_key key, account;
	struct th_digest d;
	struct call *c;

	th_digest_begin(&d);
	if (w->request)
		th_digest_bytes(&d, th_buf_data(&w->request->body), w->request->body.n);
	if (!th_digest_end(&d, body) || !th_key_exchange(j->env, h, body, &key)) {
		th_waiter_fail(w, &no_memory);
		return;
	}
	th_list_remove(&w->link);
	c = find(j, &key);
	if (c) {
		join(c, w, h);
		return;
	}
	th_key_account(j->env, h, &account);
	written(j, h, &account);
	c = th_call_new(j, h, w->request, &key, &account);
	if (!c) {
		th_list_push(&j->waiters, &w->link);
		th_waiter_fail(w, &no_memory);
		return;
	}
	w->request = NULL;
	th_call_add(c, w);
	th_call_start(c, h);
}

/* ---- the client's verbs ---- */

static bool fits(struct th_join *j, const struct th_head *h)
{
	if (j->config.max_exchanges == 0 || h->body_len < 0 || h->body_len > TH_JOIN_BODY_MAX ||
	    h->n_fields > TH_HEAD_FIELDS_MAX)
		return false;
	if (j->stats.open >= j->config.max_exchanges)
		th_join_make_room(j, j->config.max_kept);
	return j->stats.open < j->config.max_exchanges;
}

static bool copy_line(struct waiter *w, const struct th_head *h)
{
	w->method_n = h->method.n;
	w->target_n = h->target.n;
	w->line = th_alloc(w->join->env->mem, h->method.n + h->target.n + 1);
	if (!w->line)
		return false;
	memcpy(w->line, h->method.p, h->method.n);
	memcpy(w->line + h->method.n, h->target.p, h->target.n);
	return true;
}

static void on_head(struct th_flow *f, const struct th_head *h)
{
	struct waiter *w = of(f);

	if (!fits(w->join, h)) {
		step_aside(w, h);
		return;
	}
	if (h->body_len == 0) {
		whole(w, h);
		return;
	}
	w->request = th_kept_new(w->join->env->mem, h, (size_t)h->body_len);
	if (!w->request || !copy_line(w, h)) {
		th_kept_drop(w->request);
		w->request = NULL;
		step_aside(w, h);
	}
}

static size_t on_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	static const struct th_failure broken = { .err = TH_ERR_NO_MEMORY,
						  .status = 503,
						  .reason = "thimble has no memory for the request's body.",
						  .retry_after = 5 };
	struct waiter *w = of(f);

	if (!w->call && w->request && th_buf_append(&w->request->body, p, n) != TH_OK)
		th_waiter_fail(w, &broken);
	return n;
}

static void on_end(struct th_flow *f)
{
	struct waiter *w = of(f);
	struct th_head h;

	if (w->call || !w->request)
		return;
	h = th_kept_head(w->request);
	h.method = (struct th_str){ w->line, w->method_n };
	h.target = (struct th_str){ w->line + w->method_n, w->target_n };
	h.status = 0;
	h.body_len = (int64_t)w->request->body.n;
	th_kept_use(w->request); /* the head stands in it, and whole() may hand it on */
	{
		struct th_kept *hold = w->request;

		whole(w, &h);
		th_kept_drop(hold);
	}
}

static void on_resume(struct th_flow *f)
{
	struct waiter *w = of(f);

	w->blocked = false;
	w->resumed = true;
	if (w->call)
		th_call_pump(w->call);
}

static void on_close(struct th_flow *f, const struct th_failure *why)
{
	struct waiter *w = of(f);

	(void)why; /* a client end gives none */
	bury_later(w);
	if (w->call)
		th_call_left(w->call, w->end_sent);
}

static const struct th_flow_ops ops = { on_head, on_data, on_end, on_resume, on_close };

static enum th_err on_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{
	struct th_join *j = TH_OWNER(self, struct th_join, server);
	struct waiter *w = th_alloc(j->env->mem, sizeof(*w));

	if (!w) {
		*why = (struct th_failure){
			.err = TH_ERR_NO_MEMORY, .status = 503, .reason = "thimble is out of memory.", .retry_after = 5
		};
		return TH_ERR_NO_MEMORY;
	}
	w->flow.ops = &ops;
	w->join = j;
	th_list_init(&w->dead_link);
	th_list_push(&j->waiters, &w->link);
	th_flow_join(&w->flow, client);
	return TH_OK;
}

/* ---- the stage ---- */

enum th_err th_join_init(struct th_join *j, struct th_home_env *env, struct th_flow_server *below,
			 const struct th_join_config *config)
{
	*j = (struct th_join){ .server.open = on_open, .env = env, .below = below, .config = *config };
	th_list_init(&j->calls);
	th_list_init(&j->waiters);
	th_list_init(&j->dead_calls);
	th_list_init(&j->dead_waiters);
	th_heap_init(&j->timers, env->mem);
	return th_table_init(&j->by_key, env->mem, BUCKETS, env->seed);
}

static void bury(struct th_join *j)
{
	struct th_list *l;

	/* Waiters first: they still stand in the lists of their calls. */
	while ((l = th_list_pop(&j->dead_waiters)) != NULL) {
		struct waiter *w = TH_OWNER(l, struct waiter, dead_link);

		th_list_remove(&w->link);
		if (w->request && w->request->body.p)
			th_wipe(w->request->body.p, w->request->body.cap);
		th_kept_drop(w->request);
		th_free(j->env->mem, w->line);
		th_free(j->env->mem, w);
	}
	while ((l = th_list_pop(&j->dead_calls)) != NULL)
		th_call_free(TH_OWNER(l, struct call, link));
}

void th_join_drain(struct th_join *j)
{
	j->config.grace = 0;
	TH_LIST_EACH(it, &j->calls)
	{
		struct call *c = TH_OWNER(it, struct call, link);

		if (c->n_waiters == 0)
			th_call_expire(c);
	}
}

void th_join_free(struct th_join *j)
{
	const struct th_failure why = { .err = TH_ERR_CANCELLED, .status = 503, .reason = "thimble is shutting down." };

	if (!j->by_key.buckets)
		return;
	while (!th_list_empty(&j->calls))
		th_call_end(TH_OWNER(j->calls.next, struct call, link), &why);
	while (!th_list_empty(&j->waiters))
		th_waiter_fail(TH_OWNER(j->waiters.next, struct waiter, link), &why);
	bury(j);
	th_heap_free(&j->timers);
	th_table_free(&j->by_key);
}

void th_join_set_config(struct th_join *j, const struct th_join_config *config)
{
	j->config = *config;
}

th_time th_join_deadline(const struct th_join *j)
{
	return th_heap_next(&j->timers);
}

void th_join_turn(struct th_join *j)
{
	struct th_timer *t;

	while ((t = th_heap_pop(&j->timers, th_home_now(j->env))) != NULL) {
		struct call *c = TH_OWNER(t, struct call, timer);

		if (c->n_waiters == 0)
			th_call_expire(c);
	}
	bury(j);
}
