#include "home/join_int.h"

#include "exchange/route.h"
#include "home/relay.h"

static const struct th_failure no_memory = {
	.err = TH_ERR_NO_MEMORY, .status = 503, .reason = "thimble is out of memory.", .retry_after = 5
};

static struct call *of(struct th_flow *f)
{
	return TH_OWNER(f, struct call, flow);
}

/* ---- life ---- */

void th_call_hide(struct call *c)
{
	if (!c->findable)
		return;
	th_table_remove(&c->join->by_key, &c->by_key);
	c->findable = false;
}

static void unkeep(struct call *c)
{
	if (!c->kept)
		return;
	c->kept = false;
	c->join->stats.kept--;
	c->join->stats.kept_bytes -= c->kept_bytes;
}

static void die(struct call *c)
{
	if (c->dead)
		return;
	c->dead = true;
	th_call_hide(c);
	unkeep(c);
	th_heap_cancel(&c->join->timers, &c->timer);
	th_list_remove(&c->link);
	th_list_push(&c->join->dead_calls, &c->link);
	c->join->stats.open--;
}

void th_call_end(struct call *c, const struct th_failure *why)
{
	th_flow_close(&c->flow, NULL);
	th_call_hide(c);
	TH_LIST_EACH(it, &c->waiters)
	{
		struct waiter *w = TH_OWNER(it, struct waiter, link);

		if (!w->gone)
			th_waiter_fail(w, why);
	}
	die(c);
}

/* Passwords stand in bodies. */
static void forget_request(struct call *c)
{
	if (!c->request)
		return;
	if (c->request->body.p)
		th_wipe(c->request->body.p, c->request->body.cap);
	th_kept_drop(c->request);
	c->request = NULL;
}

void th_call_free(struct call *c)
{
	forget_request(c);
	th_kept_drop(c->answer);
	th_free(c->join->env->mem, c);
}

/* ---- keeping an answer for a client that left ---- */

static bool worth_keeping(const struct call *c)
{
	return c->answer->status < 500 && c->answer->status != 429;
}

void th_join_make_room(struct th_join *j, size_t bytes)
{
	TH_LIST_EACH(it, &j->calls)
	{
		struct call *old = TH_OWNER(it, struct call, link);

		if (bytes > j->config.max_kept || j->stats.kept_bytes <= j->config.max_kept - bytes)
			return;
		if (old->kept && old->n_waiters == 0)
			die(old);
	}
}

/* The answer is whole and nobody is there. */
static void keep(struct call *c)
{
	struct th_join *j = c->join;

	unkeep(c);
	c->kept_bytes = sizeof(*c) + th_kept_bytes(c->answer);
	th_join_make_room(j, c->kept_bytes);
	if (!c->findable || j->config.grace == 0 || !worth_keeping(c) || c->dropped > 0 ||
	    c->kept_bytes > j->config.max_kept ||
	    th_heap_set(&j->timers, &c->timer, th_time_add(th_home_now(j->env), j->config.grace)) != TH_OK) {
		die(c);
		return;
	}
	c->kept = true;
	j->stats.kept++;
	j->stats.kept_bytes += c->kept_bytes;
	/* the oldest kept one stands first */
	th_list_remove(&c->link);
	th_list_push(&j->calls, &c->link);
}

/* ---- clients that leave ---- */

static bool request_has_left(const struct call *c)
{
	if (!c->request_ended)
		return false;
	return !c->join->has_left || c->join->has_left(th_relay_through(&c->flow));
}

static void orphan(struct call *c)
{
	struct th_join *j = c->join;
	th_time until = th_time_add(th_home_now(j->env), j->config.grace);

	if (j->config.grace == 0 || c->streams || !c->findable || !request_has_left(c) ||
	    th_heap_set(&j->timers, &c->timer, until) != TH_OK) {
		j->stats.cancelled++;
		th_flow_close(&c->flow, NULL);
		die(c);
		return;
	}
	j->stats.orphaned++;
}

void th_call_left(struct call *c, bool done)
{
	c->n_waiters--;
	if (c->dead || c->n_waiters > 0)
		return;
	if (!c->answer_ended) {
		orphan(c);
		return;
	}
	th_flow_close(&c->flow, NULL);
	if (done)
		die(c);
	else
		keep(c);
}

void th_call_expire(struct call *c)
{
	c->join->stats.expired++;
	th_flow_close(&c->flow, NULL);
	die(c);
}

/* ---- the answer to the waiters ---- */

static void pump_one(struct call *c, struct waiter *w)
{
	if (!w->head_sent) {
		struct th_head h = th_kept_head(c->answer);

		w->head_sent = true;
		th_flow_head(&w->flow, &h);
	}
	while (!w->gone && !w->blocked && w->sent - c->dropped < c->answer->body.n) {
		size_t at = w->sent - c->dropped;
		size_t n = c->answer->body.n - at;
		size_t took;

		w->resumed = false;
		took = th_flow_data(&w->flow, th_buf_data(&c->answer->body) + at, n);
		w->sent += took;
		w->blocked = took < n && !w->resumed;
	}
	if (w->gone || w->blocked || !c->answer_ended || w->end_sent)
		return;
	w->end_sent = true;
	th_flow_end(&w->flow);
}

/* An answer too long to be kept: what all have read goes. */
static void slide(struct call *c)
{
	size_t least = SIZE_MAX;

	if (!c->streams)
		return;
	TH_LIST_EACH(it, &c->waiters)
	{
		const struct waiter *w = TH_OWNER(it, struct waiter, link);

		if (!w->gone && w->sent < least)
			least = w->sent;
	}
	if (least == SIZE_MAX || least <= c->dropped)
		return;
	th_buf_consume(&c->answer->body, least - c->dropped);
	c->dropped = least;
}

static void offer_more(struct call *c)
{
	if (c->taking || !c->refused_data || c->answer->body.n >= TH_JOIN_WINDOW / 2)
		return;
	c->refused_data = false;
	th_flow_resume(&c->flow);
}

void th_call_pump(struct call *c)
{
	if (!c->answer)
		return;
	if (c->pumping) {
		c->again = true;
		return;
	}
	c->pumping = true;
	do {
		c->again = false;
		TH_LIST_EACH(it, &c->waiters)
		{
			struct waiter *w = TH_OWNER(it, struct waiter, link);

			if (!w->gone)
				pump_one(c, w);
		}
		slide(c);
	} while (c->again && !c->dead);
	c->pumping = false;
	if (!c->dead)
		offer_more(c);
}

void th_call_add(struct call *c, struct waiter *w)
{
	w->call = c;
	th_list_push(&c->waiters, &w->link);
	c->n_waiters++;
	if (!c->kept)
		th_heap_cancel(&c->join->timers, &c->timer);
	th_call_pump(c);
}

/* ---- the server beneath ---- */

static void on_head(struct th_flow *f, const struct th_head *h)
{
	struct call *c = of(f);
	size_t max = c->join->config.max_answer;

	if (max < TH_JOIN_WINDOW)
		max = TH_JOIN_WINDOW;
	c->answer = th_kept_new(c->join->env->mem, h, max);
	if (!c->answer) {
		th_call_end(c, &no_memory);
		return;
	}
	if (h->body_len != TH_BODY_UNKNOWN && (uint64_t)h->body_len > c->join->config.max_answer) {
		c->streams = true;
		th_call_hide(c);
	}
	if (c->streams && c->n_waiters == 0) {
		c->join->stats.cancelled++;
		th_flow_close(&c->flow, NULL);
		die(c);
		return;
	}
	th_call_pump(c);
}

/* Of unknown length, and it turns out to be long. False when nobody is there to read it. */
static bool becomes_stream(struct call *c)
{
	c->streams = true;
	th_call_hide(c);
	if (c->n_waiters > 0) {
		slide(c);
		return true;
	}
	c->join->stats.cancelled++;
	th_flow_close(&c->flow, NULL);
	die(c);
	return false;
}

static size_t room(const struct call *c)
{
	size_t limit = c->streams ? TH_JOIN_WINDOW : c->answer->body.max;

	return c->answer->body.n < limit ? limit - c->answer->body.n : 0;
}

static size_t on_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct call *c = of(f);
	size_t taken = 0;

	if (!c->streams && n > room(c) && !becomes_stream(c))
		return n;
	c->taking = true; /* a resume must not come before this returns */
	while (taken < n && !c->dead) {
		size_t piece = n - taken < room(c) ? n - taken : room(c);

		if (piece == 0)
			break;
		if (th_buf_append(&c->answer->body, p + taken, piece) != TH_OK) {
			th_call_end(c, &no_memory);
			break;
		}
		taken += piece;
		th_call_pump(c);
	}
	c->taking = false;
	c->refused_data = !c->dead && taken < n;
	return c->dead ? n : taken;
}

static void on_end(struct th_flow *f)
{
	struct call *c = of(f);

	c->answer_ended = true;
	th_flow_close(&c->flow, NULL); /* with a request that has not ended, its rest is of no use any more */
	if (c->n_waiters == 0)
		keep(c);
	else
		th_call_pump(c);
}

/* The rest of the request's body; then its end. */
static void send_request(struct call *c)
{
	while (c->request && c->sent < c->request->body.n) {
		size_t n = c->request->body.n - c->sent;
		size_t took = th_flow_data(&c->flow, th_buf_data(&c->request->body) + c->sent, n);

		c->sent += took;
		if (took < n || !th_flow_open(&c->flow))
			return;
	}
	if (c->request_ended || !th_flow_open(&c->flow))
		return;
	c->request_ended = true;
	forget_request(c);
	th_flow_end(&c->flow);
}

static void on_resume(struct th_flow *f)
{
	send_request(of(f));
}

static void on_close(struct th_flow *f, const struct th_failure *why)
{
	th_call_end(of(f), why);
}

static const struct th_flow_ops ops = { on_head, on_data, on_end, on_resume, on_close };

/* ---- the beginning ---- */

static bool has_transaction(struct th_str target)
{
	return th_route_fits("client/*/rooms/*/send/*/*", target) ||
	       th_route_fits("client/*/rooms/*/redact/*/*", target) ||
	       th_route_fits("client/*/sendToDevice/*/*", target) || th_route_fits("federation/*/send/*", target);
}

static enum sharing sharing_of(const struct th_head *h, const char *route)
{
	if (th_str_eq(h->method, TH_STR("PUT")) && has_transaction(h->target))
		return SHARE_ALWAYS;
	if (th_method_writes(h->method))
		return SHARE_RETRY;
	if (strcmp(route, "sync") == 0 || strcmp(route, "media") == 0 || strcmp(route, "fed_media") == 0)
		return SHARE_ALWAYS;
	return SHARE_UNTIL_WRITE;
}

bool th_method_writes(struct th_str method)
{
	return !th_str_eq(method, TH_STR("GET")) && !th_str_eq(method, TH_STR("HEAD")) &&
	       !th_str_eq(method, TH_STR("OPTIONS"));
}

bool th_call_may_join(const struct call *c)
{
	return c->sharing != SHARE_RETRY || c->n_waiters == 0;
}

struct call *th_call_new(struct th_join *j, const struct th_head *head, struct th_kept *request,
			 const struct th_home_key *key, const struct th_home_key *account)
{
	struct call *c = th_alloc(j->env->mem, sizeof(*c));

	if (!c)
		return NULL;
	c->flow.ops = &ops;
	c->join = j;
	th_list_init(&c->waiters);
	th_list_push(&j->calls, &c->link);
	j->stats.open++;
	c->key = *key;
	c->account = *account;
	c->target = th_table_hash(&j->by_key, head->target.p, head->target.n);
	c->sharing = sharing_of(head, th_route_name(head->target));
	c->request = request;
	c->findable = true;
	th_table_add(&j->by_key, &c->by_key, th_key_number(key));
	return c;
}

void th_call_start(struct call *c, const struct th_head *head)
{
	struct th_failure why = { .err = TH_ERR_FULL, .status = 503, .reason = "Too busy" };

	if (c->join->below->open(c->join->below, &c->flow, &why) != TH_OK) {
		th_call_end(c, &why);
		return;
	}
	th_flow_head(&c->flow, head);
	if (th_flow_open(&c->flow))
		send_request(c);
}
