#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "http/up.h"

enum {
	READS_PER_TURN = 4, /* then others get theirs */
	STATUS_BAD_GATEWAY = 502,
	STATUS_TIMEOUT = 504,
};

static void ready(struct th_watch *w, uint32_t events);
static void ring(struct th_alarm *a, th_time now);

struct up_conn *up_conn_new(struct th_upstream *u)
{
	struct up_conn *c = th_alloc(u->mem, sizeof(*c));

	if (!c)
		return NULL;
	c->u = u;
	c->watch = (struct th_watch){ .ready = ready, .fd = -1 };
	c->alarm.fire = ring;
	c->socket.fd = -1;
	c->deadline = TH_NEVER;
	/* Set once and then only moved: that cannot fail. */
	if (th_loop_alarm(u->loop, &c->alarm, TH_NEVER) != TH_OK) {
		th_free(u->mem, c);
		return NULL;
	}
	th_answer_init(&c->answer, u->mem, u->limits.head_bytes, &up_call_answer_ops, c);
	th_list_push(&u->busy, &c->link);
	u->stats.connections++;
	return c;
}

void up_conn_free(struct up_conn *c)
{
	th_answer_free(&c->answer);
	th_free(c->u->mem, c);
}

void up_conn_close(struct up_conn *c)
{
	struct th_upstream *u = c->u;

	if (c->state == UP_DEAD)
		return;
	c->state = UP_DEAD;
	if (c->call)
		c->call->conn = NULL;
	c->call = NULL;
	th_loop_unwatch(u->loop, &c->watch);
	th_loop_cancel(u->loop, &c->alarm);
	th_up_socket_close(&c->socket);
	th_list_remove(&c->link);
	th_list_push(&u->dead_conns, &c->link);
	u->stats.connections--;
	up_wake(u);
}

void up_conn_deadline(struct up_conn *c, th_time at)
{
	c->deadline = at;
	if (at < c->alarm.timer.at)
		th_loop_alarm(c->u->loop, &c->alarm, at);
}

void up_conn_watch(struct up_conn *c, uint32_t events)
{
	enum th_err err = TH_OK;

	if (events == 0)
		th_loop_unwatch(c->u->loop, &c->watch);
	else if (c->watch.fd < 0)
		err = th_loop_watch(c->u->loop, &c->watch, c->socket.fd, events);
	else
		err = th_loop_change(c->u->loop, &c->watch, events);
	if (err != TH_OK) /* no readiness will ever be told: let time end it at once */
		up_conn_deadline(c, 0);
}

static void update_watch(struct up_conn *c)
{
	uint32_t events = c->paused ? 0 : EPOLLIN | EPOLLRDHUP;

	if (c->socket.want_out)
		events |= EPOLLOUT;
	up_conn_watch(c, events);
}

/* Silence counts while it is the server's turn: not while the client end still sends, nor while it does not take. */
static void restart_silence(struct up_conn *c)
{
	bool servers_turn = c->call->request_ended || up_call_unsent(c->call) > 0;
	th_time at = th_time_add(th_loop_now(c->u->loop), c->u->limits.answer_timeout);

	up_conn_deadline(c, servers_turn && !c->paused ? at : TH_NEVER);
}

void up_conn_take(struct up_conn *c, struct up_call *call)
{
	c->call = call;
	call->conn = c;
	c->state = UP_BUSY;
	c->wrote = c->write_broken = c->paused = false;
	c->written_before = c->socket.written;
	th_list_remove(&c->link);
	th_list_push(&c->u->busy, &c->link);
	th_answer_begin(&c->answer, call->to_head);
	update_watch(c);
	restart_silence(c);
	up_note(call);
}

/* The connection is gone before the answer was whole. */
static void lost(struct up_conn *c, enum th_err err, const char *how)
{
	struct th_upstream *u = c->u;
	struct up_call *call = c->call;

	if (up_call_may_repeat(call, c)) {
		u->stats.retries++;
		call->repeated = call->want_fresh = true;
		call->sent = 0;
		up_conn_close(c);
		th_list_remove(&call->link);
		th_list_add_after(&u->queue, &call->link);
		u->stats.queued++;
		up_wake(u);
		return;
	}
	if (c->answer.started)
		up_call_fail(call, err, STATUS_BAD_GATEWAY, 0, "upstream %s %s in the middle of its answer",
			     u->url.where, how);
	else if (c->reused)
		up_call_fail(call, err, STATUS_BAD_GATEWAY, 0,
			     "upstream %s %s before it answered; the request may have been processed, so it was not "
			     "repeated",
			     u->url.where, how);
	else
		up_call_fail(call, err, STATUS_BAD_GATEWAY, 0, "upstream %s %s without an answer", u->url.where, how);
}

static void lost_by_error(struct up_conn *c)
{
	int error = c->socket.error;

	if (error == ECONNRESET || error == EPIPE)
		lost(c, TH_ERR_RESET, "reset the connection");
	else if (error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH)
		lost(c, TH_ERR_TIMEOUT, "could no longer be reached");
	else if (error)
		lost(c, TH_ERR_IO, "failed to be read");
	else
		lost(c, TH_ERR_TLS, "broke off its TLS connection");
}

void up_conn_flush(struct up_conn *c)
{
	struct up_call *call = c->call;
	bool progress = false;

	while (!c->write_broken && up_call_unsent(call) > 0) {
		size_t n = 0;
		enum th_io io =
			th_up_socket_send(&c->socket, th_buf_data(&call->out) + call->sent, up_call_unsent(call), &n);

		c->wrote = c->socket.written > c->written_before;
		call->sent += n;
		progress = progress || n > 0;
		if (io == TH_IO_AGAIN)
			break;
		if (io == TH_IO_OK)
			continue;
		if (!c->wrote) {
			lost_by_error(c);
			return;
		}
		c->write_broken = true; /* what can still be read tells more than this error */
	}
	update_watch(c);
	if (progress || c->deadline == TH_NEVER)
		restart_silence(c);
}

/* When the server says how long it waits, be gone a second before it is. */
static th_time idle_for(const struct up_conn *c)
{
	th_time servers =
		c->answer.keep_alive_s == TH_ANSWER_KEEP_ALIVE_UNKNOWN ? TH_NEVER : c->answer.keep_alive_s * TH_SEC;

	return th_time_min(c->u->limits.idle_timeout, servers == TH_NEVER ? servers : th_time_until(servers, TH_SEC));
}

static void go_idle(struct up_conn *c)
{
	struct th_upstream *u = c->u;

	c->call = NULL;
	c->state = UP_IDLE;
	c->reused = true;
	c->paused = false;
	th_list_remove(&c->link);
	th_list_push(&u->idle, &c->link);
	update_watch(c);
	up_conn_deadline(c, th_time_add(th_loop_now(u->loop), idle_for(c)));
	if (u->stats.connections > u->limits.connections)
		up_conn_close(c);
}

void up_conn_abandon(struct up_conn *c)
{
	bool untouched = c->state == UP_BUSY && !c->wrote;

	c->call->conn = NULL;
	c->call = NULL;
	if (untouched)
		go_idle(c);
	else
		up_conn_close(c);
}

/* `clean`: nothing came behind the answer. */
static void answered(struct up_conn *c, bool clean)
{
	struct up_call *call = c->call;
	bool request_done = call->request_ended && up_call_unsent(call) == 0 && !c->write_broken;

	c->call = NULL;
	call->conn = NULL;
	if (clean && request_done && c->answer.keep)
		go_idle(c);
	else
		up_conn_close(c);
	up_wake(c->u);
	up_call_answered(call);
}

static void at_eof(struct up_conn *c)
{
	if (th_answer_eof(&c->answer)) {
		c->answer.keep = false;
		answered(c, true);
		return;
	}
	lost(c, TH_ERR_CLOSED, "closed the connection");
}

/* True when there may be more to read at once. */
static bool feed(struct up_conn *c, size_t n)
{
	struct th_upstream *u = c->u;
	size_t used = 0;

	if (!c->wrote) {
		lost(c, TH_ERR_MALFORMED, "spoke before it was asked");
		return false;
	}
	restart_silence(c);
	switch (th_answer_feed(&c->answer, u->in, n, &used)) {
	case TH_ANSWER_MORE:
		if (!c->paused)
			return n == sizeof(u->in);
		update_watch(c);
		restart_silence(c);
		return false;
	case TH_ANSWER_COMPLETE:
		answered(c, used == n);
		return false;
	case TH_ANSWER_STOPPED:
		return false;
	case TH_ANSWER_BAD:
		up_call_fail(c->call, TH_ERR_MALFORMED, STATUS_BAD_GATEWAY, 0,
			     "the answer of upstream %s cannot be used: %s", u->url.where, c->answer.problem);
		return false;
	}
	return false;
}

static void read_some(struct up_conn *c)
{
	for (int i = 0; i < READS_PER_TURN && c->state == UP_BUSY && !c->paused; i++) {
		size_t n = 0;

		switch (th_up_socket_recv(&c->socket, c->u->in, sizeof(c->u->in), &n)) {
		case TH_IO_OK:
			if (!feed(c, n))
				return;
			break;
		case TH_IO_AGAIN:
			update_watch(c);
			return;
		case TH_IO_EOF:
			at_eof(c);
			return;
		case TH_IO_FAIL:
			lost_by_error(c);
			return;
		}
	}
}

void up_conn_resume(struct up_conn *c)
{
	c->paused = false;
	update_watch(c);
	restart_silence(c);
}

static void ready(struct th_watch *w, uint32_t events)
{
	struct up_conn *c = TH_OWNER(w, struct up_conn, watch);
	struct up_call *call = c->call;

	switch (c->state) {
	case UP_CONNECTING:
	case UP_HANDSHAKING:
		up_dial_ready(c);
		return;
	case UP_IDLE:
		if (!th_up_socket_quiet(&c->socket))
			up_conn_close(c);
		return;
	case UP_BUSY:
		break;
	case UP_RESOLVING:
	case UP_DEAD:
		return;
	}
	if (events & EPOLLOUT) {
		c->socket.want_out = false;
		up_note(call); /* the client end may have more to give once this is out */
	}
	if (events & ~(uint32_t)EPOLLOUT)
		read_some(c);
}

static void silent(struct up_conn *c)
{
	struct th_upstream *u = c->u;

	up_call_fail(c->call, TH_ERR_TIMEOUT, STATUS_TIMEOUT, 0, "upstream %s was silent for %llu s", u->url.where,
		     (unsigned long long)(u->limits.answer_timeout / TH_SEC));
}

static void ring(struct th_alarm *a, th_time now)
{
	struct up_conn *c = TH_OWNER(a, struct up_conn, alarm);

	th_loop_alarm(c->u->loop, a, c->deadline > now ? c->deadline : TH_NEVER); /* its place was just freed */
	if (c->deadline > now)
		return;
	c->deadline = TH_NEVER;
	switch (c->state) {
	case UP_RESOLVING:
	case UP_CONNECTING:
	case UP_HANDSHAKING:
		up_dial_late(c);
		return;
	case UP_BUSY:
		silent(c);
		return;
	case UP_IDLE:
		up_conn_close(c);
		return;
	case UP_DEAD:
		return;
	}
}
