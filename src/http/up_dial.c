#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "http/up.h"

enum {
	STATUS_BAD_GATEWAY = 502,
	STATUS_UNAVAILABLE = 503,
	STATUS_TIMEOUT = 504,
	RETRY_AFTER_S = 5,
};

static const th_time addrs_fresh_for = 60 * TH_SEC;	/* getaddrinfo does not tell the record's own time to live */
static const th_time addrs_fresh_at_least = 1 * TH_SEC; /* and not asked more often than this while nobody lets us in */

static void next_addr(struct up_conn *c);

static void connected(struct up_conn *c)
{
	c->u->stats.connects++;
	up_conn_take(c, c->call);
}

static void handshake(struct up_conn *c)
{
	struct up_call *call = c->call;
	const char *where = c->u->url.where;
	int error;

	switch (th_up_socket_handshake(&c->socket, c->u->tls)) {
	case TH_IO_OK:
		connected(c);
		return;
	case TH_IO_AGAIN:
		up_conn_watch(c, EPOLLIN | (c->socket.want_out ? EPOLLOUT : 0));
		return;
	case TH_IO_EOF:
	case TH_IO_FAIL:
		break;
	}
	error = c->socket.error;
	up_call_fail(call, TH_ERR_TLS, STATUS_BAD_GATEWAY, 0,
		     "no TLS with upstream %s: %s; check its certificate and the CA file", where,
		     error ? strerror(error) : th_tls_problem(c->socket.ssl));
}

static void tcp_up(struct up_conn *c)
{
	up_conn_deadline(c, c->dial_deadline);
	c->state = UP_HANDSHAKING;
	if (c->u->tls)
		handshake(c);
	else
		connected(c);
}

static void give_up(struct up_conn *c, int error)
{
	const char *where = c->u->url.where;

	c->u->addrs_stale = true;
	switch (error) {
	case ECONNREFUSED:
		up_call_fail(c->call, TH_ERR_REFUSED, STATUS_BAD_GATEWAY, 0,
			     "upstream %s refused the connection; is the homeserver running there?", where);
		return;
	case ETIMEDOUT:
		up_call_fail(c->call, TH_ERR_TIMEOUT, STATUS_TIMEOUT, 0,
			     "upstream %s did not accept a connection in time; is it reachable from here?", where);
		return;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		up_call_fail(c->call, TH_ERR_FULL, STATUS_UNAVAILABLE, RETRY_AFTER_S,
			     "no connection to upstream %s: %s", where, strerror(error));
		return;
	default:
		up_call_fail(c->call, TH_ERR_IO, STATUS_BAD_GATEWAY, 0, "no connection to upstream %s: %s", where,
			     strerror(error));
		return;
	}
}

static void addr_failed(struct up_conn *c, int error)
{
	up_conn_watch(c, 0);
	th_up_socket_close(&c->socket);
	c->addr++;
	if (c->addr < c->u->n_addrs)
		next_addr(c);
	else
		give_up(c, error);
}

/* Each address gets its share of the time, so that a silent first one does not cost the others their turn. */
static void next_addr(struct up_conn *c)
{
	th_time now = th_loop_now(c->u->loop);
	th_time share = th_time_until(c->dial_deadline, now) / (c->u->n_addrs - c->addr);

	c->state = UP_CONNECTING;
	up_conn_deadline(c, th_time_add(now, share));
	switch (th_up_socket_connect(&c->socket, &c->u->addrs[c->addr])) {
	case TH_IO_OK:
		tcp_up(c);
		return;
	case TH_IO_AGAIN:
		up_conn_watch(c, EPOLLOUT);
		return;
	case TH_IO_EOF:
	case TH_IO_FAIL:
		addr_failed(c, c->socket.error);
		return;
	}
}

static void name_failed(struct up_conn *c, enum th_err err)
{
	const char *host = c->u->url.host;

	switch (err) {
	case TH_ERR_NOT_FOUND:
		up_call_fail(c->call, err, STATUS_BAD_GATEWAY, 0,
			     "the upstream's host name %s does not exist; check the upstream URL", host);
		return;
	case TH_ERR_TIMEOUT:
		up_call_fail(c->call, err, STATUS_TIMEOUT, 0, "no name server answered for the upstream's host name %s",
			     host);
		return;
	default:
		up_call_fail(c->call, err, STATUS_UNAVAILABLE, RETRY_AFTER_S,
			     "the upstream's host name %s could not be looked up: %s", host, th_strerror(err));
		return;
	}
}

/* Looked for anew each time: a client end that hears of a failure may end other calls too. */
static struct up_conn *a_waiting_one(struct th_upstream *u)
{
	TH_LIST_EACH(it, &u->busy)
	{
		struct up_conn *c = TH_OWNER(it, struct up_conn, link);

		if (c->state == UP_RESOLVING)
			return c;
	}
	return NULL;
}

static void on_resolved(void *user, const struct th_addr *addrs, size_t n, enum th_err err)
{
	struct th_upstream *u = user;
	struct up_conn *c;

	u->resolve = NULL;
	if (n > 0) {
		memcpy(u->addrs, addrs, n * sizeof(*addrs));
		u->n_addrs = n;
		u->resolved_at = th_loop_now(u->loop);
		u->addrs_stale = false;
	}
	/* What is known from before serves on when name servers fail. */
	while ((c = a_waiting_one(u)) != NULL) {
		if (u->n_addrs)
			next_addr(c);
		else
			name_failed(c, err);
	}
}

static bool addrs_are_fresh(const struct th_upstream *u)
{
	th_time age = th_loop_now(u->loop) - u->resolved_at;

	if (u->n_addrs == 0)
		return false;
	return u->url.numeric || age < (u->addrs_stale ? addrs_fresh_at_least : addrs_fresh_for);
}

void up_dial(struct up_conn *c)
{
	struct th_upstream *u = c->u;
	struct th_resolve *r;

	c->addr = 0;
	c->dial_deadline = th_time_add(th_loop_now(u->loop), u->limits.connect_timeout);
	if (addrs_are_fresh(u)) {
		next_addr(c);
		return;
	}
	c->state = UP_RESOLVING;
	up_conn_deadline(c, c->dial_deadline);
	if (u->resolve)
		return;
	r = th_resolve_start(u->loop, u->mem, u->url.host, u->url.port, on_resolved, u);
	if (r)
		u->resolve = r;
}

void up_dial_ready(struct up_conn *c)
{
	if (c->state == UP_HANDSHAKING) {
		handshake(c);
		return;
	}
	if (th_up_socket_connected(&c->socket) == TH_IO_OK)
		tcp_up(c);
	else
		addr_failed(c, c->socket.error);
}

void up_dial_late(struct up_conn *c)
{
	struct th_upstream *u = c->u;

	switch (c->state) {
	case UP_CONNECTING:
		addr_failed(c, ETIMEDOUT);
		return;
	case UP_HANDSHAKING:
		up_call_fail(c->call, TH_ERR_TIMEOUT, STATUS_TIMEOUT, 0,
			     "upstream %s accepted the connection, but its TLS handshake stayed silent", u->url.where);
		return;
	default:
		up_call_fail(c->call, TH_ERR_TIMEOUT, STATUS_TIMEOUT, 0,
			     "no name server answered in time for the upstream's host name %s", u->url.host);
		return;
	}
}

void up_dial_forget(struct th_upstream *u)
{
	th_resolve_cancel(u->resolve);
	u->resolve = NULL;
}
