#include "http/upstream.h"

#include <stdio.h>

#include "http/up.h"

enum { STATUS_UNAVAILABLE = 503, RETRY_AFTER_S = 5 };

/* Servers close idle connections after 5 s (Apache, Node, uvicorn) to 75 s (nginx): being gone before them keeps
 * requests off connections that are about to die. Long polls of Matrix clients last 30 s to several minutes. */
const struct th_upstream_limits th_upstream_limits_default = {
	.head_bytes = 64 * 1024,
	.connections = 256,
	.queue = 256,
	.connect_timeout = 10 * TH_SEC,
	.answer_timeout = 15 * 60 * TH_SEC,
	.idle_timeout = 4 * TH_SEC,
};

/* How long a call waits for a connection when all are busy. */
static const th_time queue_patience = 30 * TH_SEC;

void up_wake(struct th_upstream *u)
{
	th_time now = th_loop_now(u->loop);

	if (u->work.timer.at > now)
		th_loop_alarm(u->loop, &u->work, now);
}

void up_note(struct up_call *call)
{
	if (th_list_linked(&call->note))
		return;
	th_list_push(&call->u->noted, &call->note);
	up_wake(call->u);
}

static struct up_conn *quiet_idle(struct th_upstream *u)
{
	while (!th_list_empty(&u->idle)) {
		struct up_conn *c =
			TH_OWNER(u->idle.prev, struct up_conn, link); /* the youngest: the least likely to die */

		if (th_up_socket_quiet(&c->socket))
			return c;
		up_conn_close(c);
	}
	return NULL;
}

static bool room_for_conn(struct th_upstream *u, bool close_idle)
{
	if (u->stats.connections < u->limits.connections)
		return true;
	if (!close_idle || th_list_empty(&u->idle))
		return false;
	up_conn_close(TH_OWNER(u->idle.next, struct up_conn, link));
	return u->stats.connections < u->limits.connections;
}

static void dial_for(struct th_upstream *u, struct up_call *call)
{
	struct up_conn *c = up_conn_new(u);

	if (!c) {
		up_call_fail(call, TH_ERR_NO_MEMORY, STATUS_UNAVAILABLE, RETRY_AFTER_S,
			     "no memory for a connection to upstream %s", u->url.where);
		return;
	}
	c->call = call;
	call->conn = c;
	up_dial(c);
}

static void serve_queue(struct th_upstream *u)
{
	while (!th_list_empty(&u->queue)) {
		struct up_call *call = TH_OWNER(u->queue.next, struct up_call, link);
		struct up_conn *c = call->want_fresh ? NULL : quiet_idle(u);

		if (!c && !room_for_conn(u, call->want_fresh))
			return;
		up_call_leave_queue(call);
		if (c)
			up_conn_take(c, call);
		else
			dial_for(u, call);
	}
}

static void expire_queue(struct th_upstream *u, th_time now)
{
	while (!th_list_empty(&u->queue)) {
		struct up_call *call = TH_OWNER(u->queue.next, struct up_call, link);
		th_time until = th_time_add(call->queued_at, queue_patience);

		if (until > now) {
			th_loop_alarm(u->loop, &u->work, th_time_min(u->work.timer.at, until));
			return;
		}
		up_call_fail(call, TH_ERR_FULL, STATUS_UNAVAILABLE, RETRY_AFTER_S,
			     "all %zu connections to upstream %s were busy for too long", u->limits.connections,
			     u->url.where);
	}
}

static void bury(struct th_upstream *u)
{
	struct th_list *it;

	while ((it = th_list_pop(&u->dead_calls)) != NULL)
		up_call_free(TH_OWNER(it, struct up_call, all));
	while ((it = th_list_pop(&u->dead_conns)) != NULL)
		up_conn_free(TH_OWNER(it, struct up_conn, link));
}

static void work(struct th_alarm *a, th_time now)
{
	struct th_upstream *u = TH_OWNER(a, struct th_upstream, work);
	struct th_list *it;

	do {
		while ((it = th_list_pop(&u->noted)) != NULL)
			up_call_step(TH_OWNER(it, struct up_call, note));
		serve_queue(u);
	} while (!th_list_empty(&u->noted));
	th_loop_alarm(u->loop, a, TH_NEVER); /* its place was just freed; what woke it meanwhile is done */
	expire_queue(u, now);
	bury(u);
}

static enum th_err open_call(struct th_flow_server *server, struct th_flow *client, struct th_failure *why)
{
	struct th_upstream *u = TH_OWNER(server, struct th_upstream, server);
	struct up_call *call = NULL;

	*why = (struct th_failure){ .err = TH_ERR_FULL, .status = STATUS_UNAVAILABLE, .retry_after = RETRY_AFTER_S };
	why->reason = "all connections to the upstream are busy, and so is the queue for them; try again later";
	if (u->n_calls < u->limits.connections + u->limits.queue) {
		call = up_call_new(u);
		why->err = call ? TH_OK : TH_ERR_NO_MEMORY;
		why->reason = "no memory for another exchange; try again later";
	}
	if (!call) {
		u->stats.failures++;
		return why->err;
	}
	th_flow_join(&call->flow, client);
	return TH_OK;
}

struct th_upstream *th_upstream_new(struct th_loop *loop, const struct th_mem *mem, const char *url,
				    const char *ca_file, const struct th_upstream_limits *limits, enum th_err *err)
{
	struct th_upstream *u = th_alloc(mem, sizeof(*u));

	*err = TH_ERR_NO_MEMORY;
	if (!u)
		return NULL;
	u->server.open = open_call;
	u->mem = mem;
	u->loop = loop;
	u->limits = *limits;
	u->work.fire = work;
	th_list_init(&u->calls);
	th_list_init(&u->queue);
	th_list_init(&u->noted);
	th_list_init(&u->busy);
	th_list_init(&u->idle);
	th_list_init(&u->dead_calls);
	th_list_init(&u->dead_conns);
	*err = th_url_parse(&u->url, url);
	if (*err == TH_OK && u->url.tls)
		u->tls = th_tls_new(mem, &u->url, ca_file, err);
	if (*err == TH_OK) /* set once and then only moved: that cannot fail */
		*err = th_loop_alarm(loop, &u->work, TH_NEVER);
	if (*err == TH_OK)
		return u;
	th_tls_del(u->tls);
	th_free(mem, u);
	return NULL;
}

static void cut_calls(struct th_upstream *u)
{
	struct th_list *it;

	while ((it = th_list_pop(&u->calls)) != NULL) {
		struct up_call *call = TH_OWNER(it, struct up_call, all);

		if (call->flow.peer)
			call->flow.peer->peer = NULL;
		if (call->conn)
			up_conn_close(call->conn);
		up_call_free(call);
	}
}

void th_upstream_del(struct th_upstream *u)
{
	if (!u)
		return;
	up_dial_forget(u);
	cut_calls(u);
	while (!th_list_empty(&u->idle))
		up_conn_close(TH_OWNER(u->idle.next, struct up_conn, link));
	bury(u);
	th_loop_cancel(u->loop, &u->work);
	th_tls_del(u->tls);
	th_free(u->mem, u);
}

struct th_flow_server *th_upstream_server(struct th_upstream *u)
{
	return &u->server;
}

void th_upstream_set_limits(struct th_upstream *u, const struct th_upstream_limits *limits)
{
	u->limits = *limits;
	while (u->stats.connections > u->limits.connections && !th_list_empty(&u->idle))
		up_conn_close(TH_OWNER(u->idle.next, struct up_conn, link));
	up_wake(u);
}

void th_upstream_stats(const struct th_upstream *u, struct th_upstream_stats *out)
{
	*out = u->stats;
	out->active = 0;
	TH_LIST_EACH(it, &u->busy)
	{
		out->active++;
	}
}
