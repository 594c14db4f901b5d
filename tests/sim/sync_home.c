#include "sim/sync_home.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange/route.h"

enum { MESSAGES_AT_ONCE = 10 };

struct call {
	struct th_flow flow;
	struct th_list link;
	struct sync_home *home;
	struct sim_event timeout;
	uint64_t since;
	th_time until; /* 0: at once */
	bool waiting, pumping, again, dead, logout, sliding;
	char ask[512]; /* the request's body */
	size_t ask_n;
	char *body; /* owned; what the other end has not taken of it is at body + sent */
	size_t n, sent;
};

static struct call *call_of(struct th_flow *f)
{
	return TH_OWNER(f, struct call, flow);
}

static void die(struct call *c)
{
	if (c->dead)
		return;
	c->dead = true;
	sim_net_cancel(c->home->net, &c->timeout);
	th_list_remove(&c->link);
	th_list_push(&c->home->dead, &c->link);
}

static void pump(struct call *c)
{
	c->again = true; /* also for a resume from within data() */
	if (c->pumping)
		return;
	c->pumping = true;
	while (c->again && c->sent < c->n && th_flow_open(&c->flow)) {
		c->again = false;
		c->sent += th_flow_data(&c->flow, (const uint8_t *)c->body + c->sent, c->n - c->sent);
	}
	c->pumping = false;
	if (c->sent == c->n && th_flow_open(&c->flow))
		th_flow_end(&c->flow);
}

static void answer(struct call *c, unsigned status, char *body)
{
	static const struct th_field fields[] = { { TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") } };
	struct th_head head = { .status = (uint16_t)status, .fields = fields, .n_fields = 1 };

	c->waiting = false;
	sim_net_cancel(c->home->net, &c->timeout);
	c->body = body;
	c->n = strlen(body);
	head.body_len = (int64_t)c->n;
	th_flow_head(&c->flow, &head);
	pump(c);
}

static bool has_news(const struct call *c)
{
	return c->home->stuck || c->home->last > c->since;
}

static char *compose(struct call *c)
{
	struct sync_home *s = c->home;
	uint64_t first = c->since > s->first ? c->since : s->first, next = s->pos;
	size_t cap = 4096 + MESSAGES_AT_ONCE * (s->padding + 264), n;
	char *body = malloc(cap);
	const char *events = c->sliding ? "" : ",\"to_device\":{\"events\":[";

	if (s->stuck) {
		snprintf(body, cap,
			 c->sliding ? "{\"pos\":\"7/s%" PRIu64 "_0\",\"rooms\":{\"!a\":{}}}"
				    : "{\"next_batch\":\"s%" PRIu64 "_0\",\"account_data\":{\"events\":[{}]}}",
			 c->since);
		return body;
	}
	if (s->last > first + MESSAGES_AT_ONCE)
		next = first + MESSAGES_AT_ONCE;
	if (c->sliding)
		n = (size_t)snprintf(body, cap,
				     "{\"pos\":\"7/s%" PRIu64
				     "_0\",\"lists\":{\"a\":{\"count\":1}},\"rooms\":{},\"extensions\":{"
				     "\"to_device\":{\"next_batch\":\"d%" PRIu64 "\",\"events\":[",
				     next, next);
	else
		n = (size_t)snprintf(body, cap, "{\"next_batch\":\"s%" PRIu64 "_0\"", next);
	if (has_news(c)) {
		s->told++;
		n += (size_t)snprintf(body + n, cap - n, "%s", events);
		for (uint64_t i = first + 1, any = 0; i <= s->last && i <= next; i++)
			if (s->is_message[i])
				n += (size_t)snprintf(body + n, cap - n, "%s{\"n\":%" PRIu64 ",\"x\":\"%s%0*d\"}",
						      any++ ? "," : "", i, s->said ? s->said : "", (int)s->padding, 0);
		n += (size_t)snprintf(body + n, cap - n, "%s", c->sliding ? "" : "]}");
	}
	snprintf(body + n, cap - n, "%s\"device_one_time_keys_count\":{\"signed_curve25519\":%u}}%s",
		 c->sliding ? "]},\"e2ee\":{" : ",", s->keys, c->sliding ? "}}" : "");
	return body;
}

static void on_timeout(struct sim_event *e)
{
	struct call *c = TH_OWNER(e, struct call, timeout);

	answer(c, 200, compose(c));
}

static void refuse(struct call *c)
{
	answer(c, c->home->status, strdup("{\"errcode\":\"M_UNKNOWN_TOKEN\",\"error\":\"x\"}"));
}

static void refuse_waiting(struct sync_home *s)
{
	TH_LIST_EACH(it, &s->calls)
	{
		struct call *c = TH_OWNER(it, struct call, link);

		if (c->waiting) {
			c->waiting = false;
			refuse(c);
		}
	}
}

static uint64_t number(struct th_str target, const char *key)
{
	char text[512];
	const char *at;

	snprintf(text, sizeof(text), "%.*s", TH_STR_ARG(target));
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Asked with that token: what lies before is gone. */
static void forget(struct call *c)
{
	struct sync_home *s = c->home;

	if (c->since > s->client_asked)
		s->bug = "the homeserver was asked with a token that the client has not asked with";
	if (s->down || s->status || c->since <= s->first)
		return;
	s->lost += c->since > s->client_asked ? c->since - s->client_asked : 0;
	s->first = c->since < s->last ? c->since : s->last;
}

static void on_end(struct th_flow *f)
{
	struct call *c = call_of(f);
	const struct th_failure away = { .err = TH_ERR_REFUSED, .status = 502, .reason = "nobody is there" };

	if (c->sliding && number((struct th_str){ c->ask, c->ask_n }, "\"since\":\"d") != c->since)
		c->home->bug = "pos and the token of messages to the device are of different answers";
	if (!c->logout)
		forget(c);
	if (c->home->down) {
		th_flow_close(f, &away);
		die(c);
	} else if (c->logout) {
		c->home->status = 401;
		answer(c, 200, strdup("{}"));
		if (c->home->wakes)
			refuse_waiting(c->home);
	} else if (c->home->status) {
		refuse(c);
	} else if (has_news(c) || c->until == 0) {
		answer(c, 200, compose(c));
	} else {
		c->waiting = true;
		sim_net_at(c->home->net, &c->timeout, c->until);
	}
}

static void on_head(struct th_flow *f, const struct th_head *h)
{
	struct call *c = call_of(f);
	struct sync_home *s = c->home;
	uint64_t ms = number(h->target, "timeout=");

	s->asked++;
	c->logout = strcmp(th_route_name(h->target), "logout") == 0;
	c->sliding = strcmp(th_route_name(h->target), "sliding_sync") == 0;
	c->since = number(h->target, "since=s") + number(h->target, "pos=7/s") + number(h->target, "pos=7%2Fs");
	c->until = ms ? s->net->now + ms * TH_MS : 0;
}

static size_t on_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct call *c = call_of(f);

	if (n > sizeof(c->ask) - c->ask_n)
		abort();
	memcpy(c->ask + c->ask_n, p, n);
	c->ask_n += n;
	return n;
}

static void on_resume(struct th_flow *f)
{
	pump(call_of(f));
}

static void on_close(struct th_flow *f, const struct th_failure *why)
{
	(void)why;
	die(call_of(f));
}

static const struct th_flow_ops ops = { on_head, on_data, on_end, on_resume, on_close };

static enum th_err home_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{
	struct sync_home *s = TH_OWNER(self, struct sync_home, server);
	struct call *c = calloc(1, sizeof(*c));

	(void)why;
	c->home = s;
	c->flow.ops = &ops;
	c->timeout.fire = on_timeout;
	th_list_push(&s->calls, &c->link);
	th_flow_join(&c->flow, client);
	return TH_OK;
}

void sync_home_init(struct sync_home *s, struct sim_net *net)
{
	*s = (struct sync_home){
		.server.open = home_open, .net = net, .keys = 50, .is_message = calloc(SYNC_HOME_PLACES, 1)
	};
	th_list_init(&s->calls);
	th_list_init(&s->dead);
}

void sync_home_turn(struct sync_home *s)
{
	struct th_list *l;

	while ((l = th_list_pop(&s->dead)) != NULL) {
		struct call *c = TH_OWNER(l, struct call, link);

		free(c->body);
		free(c);
	}
}

static void cut(struct sync_home *s, const struct th_failure *why)
{
	while (!th_list_empty(&s->calls)) {
		struct call *c = TH_OWNER(s->calls.next, struct call, link);

		th_flow_close(&c->flow, why);
		die(c);
	}
}

void sync_home_crash(struct sync_home *s)
{
	const struct th_failure why = { .err = TH_ERR_CLOSED, .status = 502, .reason = "broke off" };

	cut(s, &why);
}

void sync_home_free(struct sync_home *s)
{
	sync_home_crash(s);
	sync_home_turn(s);
	free(s->is_message);
}

/* Those that wait hear of it. */
static void wake(struct sync_home *s)
{
	TH_LIST_EACH(l, &s->calls)
	{
		struct call *c = TH_OWNER(l, struct call, link);

		if (c->waiting && has_news(c))
			answer(c, 200, compose(c));
	}
}

void sync_home_send(struct sync_home *s)
{
	if (s->pos + 1 == SYNC_HOME_PLACES)
		abort();
	s->last = ++s->pos;
	s->is_message[s->last] = 1;
	s->sent++;
	wake(s);
}

void sync_home_move(struct sync_home *s)
{
	if (s->pos + 1 == SYNC_HOME_PLACES)
		abort();
	s->pos++;
}
