#include "http/conn.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void conn_init(struct conn *c, struct th_listener *l)
{
	c->l = l;
	c->limits = l->limits;
	th_list_init(&c->link);
	th_list_init(&c->work);
	c->watch.fd = -1;
	c->watch.ready = conn_ready;
	c->alarm.fire = conn_alarm;
	th_request_init(&c->req, &c->limits);
	th_buf_init(&c->in, l->mem, CONN_READ + c->limits.head_bytes);
	th_buf_init(&c->out, l->mem, CONN_OUT_SOFT + 2 * TH_HEAD_BYTES_MAX);
	c->read_by = c->write_by = TH_NEVER;
}

void conn_schedule(struct conn *c)
{
	struct th_listener *l = c->l;

	if (c->phase == CONN_DEAD || th_list_linked(&c->work))
		return;
	if (th_list_empty(&l->work))
		th_loop_alarm(l->loop, &l->wake, th_loop_now(l->loop));
	th_list_push(&l->work, &c->work);
}

void conn_set_exchange(struct conn *c, bool on)
{
	if (c->exchange == on)
		return;
	c->exchange = on;
	if (on)
		c->l->stats.active++;
	else
		c->l->stats.active--;
}

void conn_die(struct conn *c)
{
	struct th_listener *l = c->l;
	int fd = c->watch.fd;

	if (c->phase == CONN_DEAD)
		return;
	c->phase = CONN_DEAD;
	conn_set_exchange(c, false);
	th_loop_unwatch(l->loop, &c->watch);
	th_loop_cancel(l->loop, &c->alarm);
	close(fd);
	th_list_remove(&c->work);
	th_list_remove(&c->link);
	th_list_push(&l->dead, &c->link);
	if (th_list_empty(&l->work))
		th_loop_alarm(l->loop, &l->wake, th_loop_now(l->loop));
	if (c->surplus)
		l->surplus--;
	else
		l->stats.connections--;
	th_flow_close(&c->flow, NULL);
}

void conn_cut(struct conn *c)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (c->phase != CONN_DEAD)
		setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	conn_die(c);
}

bool conn_finish(struct conn *c)
{
	if (!c->resp_ended || c->phase == CONN_CLOSING || c->phase == CONN_DEAD)
		return false;
	th_flow_close(&c->flow, NULL);
	c->up_blocked = false;
	if (!c->keep || c->l->draining) {
		conn_set_exchange(c, false);
		c->phase = CONN_CLOSING;
		return true;
	}
	if (!c->req_ended) {
		c->phase = CONN_DRAIN;
		return false;
	}
	conn_set_exchange(c, false);
	c->phase = CONN_OPEN;
	c->body_taken = c->drained = 0;
	c->req_ended = c->resp_started = c->resp_ended = c->want_resume = false;
	c->keep = c->head_only = c->http10 = c->expecting = false;
	return true;
}

static th_time later(const struct conn *c, th_time d)
{
	return th_time_add(th_loop_now(c->l->loop), d);
}

/* A transfer may pause for `patience`, but not crawl: each byte buys a share of a second, up to full patience again. */
static th_time extended(const struct conn *c, th_time by, size_t n, th_time patience)
{
	return th_time_min(th_time_add(by, (th_time)n * (TH_SEC / CONN_RATE_MIN)), later(c, patience));
}

/* False when the connection died. */
static bool flush(struct conn *c)
{
	ssize_t n;

	if (c->out.n == 0)
		return true;
	if (!conn_settle_framing(c)) {
		conn_cut(c);
		return false;
	}
	n = send(c->watch.fd, th_buf_data(&c->out), c->out.n, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_die(c);
		return false;
	}
	if (n > 0)
		th_buf_consume(&c->out, (size_t)n);
	if (c->out.n == 0)
		c->write_by = TH_NEVER;
	else if (c->write_by == TH_NEVER)
		c->write_by = later(c, c->limits.write_timeout);
	else if (n > 0)
		c->write_by = extended(c, c->write_by, (size_t)n, c->limits.write_timeout);
	return true;
}

/* Parses what was read earlier and could not be used then. */
static void use_stash(struct conn *c)
{
	if (c->in.n == 0 && !c->span_left)
		return;
	th_buf_consume(&c->in, conn_input(c, th_buf_data(&c->in), c->in.n));
}

static void use_fresh(struct conn *c, size_t n)
{
	size_t used;

	if (c->in.n) {
		if (th_buf_append(&c->in, c->l->scratch, n) != TH_OK)
			conn_cut(c);
		else
			use_stash(c);
		return;
	}
	used = conn_input(c, c->l->scratch, n);
	if (c->phase != CONN_DEAD && used < n && th_buf_append(&c->in, c->l->scratch + used, n - used) != TH_OK)
		conn_cut(c);
}

static bool wants_input(const struct conn *c)
{
	if (c->phase == CONN_CLOSING)
		return c->drained <= CONN_DRAIN_BYTES;
	return conn_may_parse(c) && !c->span_left; /* what was read goes first: the stash has room for one read */
}

/* One read a batch: level-triggered epoll calls again for the rest. */
static void receive(struct conn *c)
{
	ssize_t n;

	if (!wants_input(c)) {
		th_loop_change(c->l->loop, &c->watch, c->watch.events & ~(uint32_t)EPOLLIN);
		return;
	}
	n = recv(c->watch.fd, c->l->scratch, CONN_READ, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_die(c);
		return;
	}
	if (c->phase == CONN_CLOSING) {
		c->drained += (size_t)n;
		return;
	}
	if (c->wait == WAIT_BODY)
		c->read_by = extended(c, c->read_by, (size_t)n, c->limits.body_timeout);
	use_fresh(c, (size_t)n);
}

void conn_ready(struct th_watch *w, uint32_t events)
{
	struct conn *c = TH_OWNER(w, struct conn, watch);

	/* A client that shut down its side has left: none that waits for an answer half-closes, and one that timed out
	 * must not leave its exchange behind. */
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		conn_die(c);
		return;
	}
	if (events & EPOLLIN)
		receive(c);
	conn_schedule(c);
}

static enum conn_wait awaited(const struct conn *c)
{
	if (c->phase == CONN_DRAIN)
		return WAIT_DRAIN;
	if (c->phase == CONN_CLOSING)
		return c->shut ? WAIT_DRAIN : WAIT_NOTHING;
	if (c->exchange)
		return c->req_ended || c->up_blocked ? WAIT_NOTHING : WAIT_BODY;
	if (!wants_input(c))
		return WAIT_NOTHING;
	return th_request_idle(&c->req) && c->in.n == 0 ? WAIT_IDLE : WAIT_HEAD;
}

static th_time patience(const struct conn *c, enum conn_wait wait)
{
	switch (wait) {
	case WAIT_IDLE:
		return c->limits.idle_timeout;
	case WAIT_HEAD:
		return c->limits.head_timeout;
	case WAIT_BODY:
		return c->limits.body_timeout;
	case WAIT_DRAIN:
		return c->limits.drain_timeout;
	case WAIT_NOTHING:
		break;
	}
	return TH_NEVER;
}

/* An alarm that is set too early is left alone: it re-arms when it fires, which saves moving it for every request. */
static void arm(struct conn *c)
{
	enum conn_wait wait = awaited(c);
	th_time at;

	if (wait != c->wait)
		c->read_by = later(c, patience(c, wait));
	c->wait = wait;
	at = th_time_min(c->read_by, c->write_by);
	if (at == TH_NEVER || (th_timer_is_set(&c->alarm.timer) && c->alarm.timer.at <= at))
		return;
	if (th_loop_alarm(c->l->loop, &c->alarm, at) != TH_OK)
		conn_cut(c); /* no slot without its timer */
}

/* The state in which the connection sleeps until something happens. */
static void settle(struct conn *c)
{
	uint32_t events = EPOLLRDHUP | (c->watch.events & EPOLLIN);

	if (c->phase == CONN_CLOSING && c->out.n == 0 && !c->shut) {
		shutdown(c->watch.fd, SHUT_WR);
		c->shut = true;
	}
	if (c->phase == CONN_CLOSING)
		th_buf_free(&c->in);
	if (wants_input(c))
		events |= EPOLLIN;
	if (c->out.n)
		events |= EPOLLOUT;
	if (th_loop_change(c->l->loop, &c->watch, events) != TH_OK) {
		conn_cut(c);
		return;
	}
	if (c->in.n == 0)
		th_buf_free(&c->in);
	if (c->out.n == 0)
		th_buf_free(&c->out);
	if (c->l->draining && c->out.n == 0 && awaited(c) == WAIT_IDLE)
		conn_die(c);
	else
		arm(c);
}

void conn_service(struct conn *c)
{
	bool again = true;

	for (int i = 0; again && i < CONN_ROUNDS; i++) {
		bool parsed;

		again = conn_finish(c);
		use_stash(c);
		parsed = conn_may_parse(c);
		if (c->phase == CONN_DEAD || !flush(c))
			return;
		/* What flushing made room for, and answers that came at once. */
		again = again || (!parsed && c->in.n && conn_may_parse(c)) || (c->resp_ended && c->phase == CONN_OPEN);
		if (c->want_resume && c->out.n <= CONN_OUT_SOFT / 2) {
			c->want_resume = false;
			th_flow_resume(&c->flow);
			again = true;
		}
		if (c->phase == CONN_DEAD)
			return;
	}
	if (again)
		conn_schedule(c);
	settle(c);
}

void conn_alarm(struct th_alarm *a, th_time now)
{
	struct conn *c = TH_OWNER(a, struct conn, alarm);

	/* A wait that is no longer the armed one: something came in this very batch. */
	if (now >= c->write_by)
		conn_cut(c);
	else if (now < c->read_by || awaited(c) != c->wait)
		arm(c);
	else if (c->wait == WAIT_HEAD)
		conn_refuse(c, 408, "The request took too long to arrive");
	else if (c->wait == WAIT_BODY)
		conn_refuse(c, 408, "The rest of the request did not come");
	else
		conn_die(c);
}
