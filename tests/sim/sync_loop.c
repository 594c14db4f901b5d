#include "sim/sync_loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const th_time retry_after = TH_SEC;
static const th_time patience_beyond = 80 * TH_SEC; /* as matrix-js-sdk */

static void poll_now(struct sync_loop *l);

static struct sync_loop *loop_of(struct th_flow *f)
{
	return TH_OWNER(f, struct sync_loop, flow);
}

static void again_in(struct sync_loop *l, th_time wait)
{
	l->polling = false;
	if (!l->stopped)
		sim_net_at(l->net, &l->wake, l->net->now + wait);
}

static void take(struct sync_loop *l)
{
	const char *key = l->sliding ? "\"pos\":\"7/" : "\"next_batch\":\"";
	const char *next = strstr(l->body, key), *p = l->body;
	bool any = false;

	for (p = strstr(p, "\"n\":"); p; p = strstr(p + 1, "\"n\":")) {
		uint64_t n = strtoull(p + strlen("\"n\":"), NULL, 10);

		l->doubled += n <= l->newest;
		l->newest = n > l->newest ? n : l->newest;
		l->taken++;
		any = true;
	}
	l->empty += !any;
	if (next)
		snprintf(l->since, sizeof(l->since), "%.*s", (int)strcspn(next + strlen(key), "\""),
			 next + strlen(key));
}

static void done(struct sync_loop *l)
{
	l->last_status = l->status;
	l->answered_at = l->net->now;
	snprintf(l->last, sizeof(l->last), "%.4000s", l->body);
	if (l->status == 200) {
		take(l);
		again_in(l, l->think_most ? th_rng_below(&l->net->rng, l->think_most) : 0);
	} else {
		l->failures++;
		again_in(l, retry_after);
	}
}

static void on_head(struct th_flow *f, const struct th_head *h)
{
	loop_of(f)->status = h->status;
}

static size_t on_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct sync_loop *l = loop_of(f);

	if (l->n + n >= sizeof(l->body))
		abort();
	memcpy(l->body + l->n, p, n);
	l->n += n;
	l->body[l->n] = '\0';
	return n;
}

static void on_end(struct th_flow *f)
{
	th_flow_close(f, NULL);
	done(loop_of(f));
}

static void on_close(struct th_flow *f, const struct th_failure *why)
{
	struct sync_loop *l = loop_of(f);

	l->failures++;
	l->last_status = why ? why->status : 0;
	again_in(l, retry_after);
}

static void ask(struct sync_loop *l)
{
	if (l->asked < l->ask_n && th_flow_open(&l->flow))
		l->asked += th_flow_data(&l->flow, (const uint8_t *)l->ask + l->asked, l->ask_n - l->asked);
	if (l->asked == l->ask_n && th_flow_open(&l->flow))
		th_flow_end(&l->flow);
}

static void on_resume(struct th_flow *f)
{
	struct sync_loop *l = loop_of(f);

	if (l->asked < l->ask_n)
		ask(l);
}

static const struct th_flow_ops ops = { on_head, on_data, on_end, on_resume, on_close };

static void poll_now(struct sync_loop *l)
{
	struct th_flow_server *door = l->door(l->user);
	struct th_field field = { TH_STR_INIT("Authorization"), th_str_of(l->token) };
	struct th_failure why = { .status = 0 };
	struct th_head h = { .method = l->sliding ? TH_STR("POST") : TH_STR("GET"), .fields = &field, .n_fields = 1 };
	char target[256];
	int n = snprintf(target, sizeof(target), "/_matrix/client/v3/sync?%stimeout=%u%s%s", l->query, l->timeout_ms,
			 l->since[0] ? "&since=" : "", l->since);
	uint64_t asked = l->since[0] ? strtoull(l->since + 1, NULL, 10) : 0;

	if (l->sliding) {
		n = snprintf(target, sizeof(target),
			     "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?%stimeout=%u%s%s", l->query,
			     l->timeout_ms, l->since[0] ? "&pos=7%2F" : "", l->since);
		h.body_len = snprintf(l->ask, sizeof(l->ask),
				      "{\"conn_id\":\"%s\",\"lists\":{\"a\":{\"ranges\":[[0,%u]]}},\"extensions\":{"
				      "\"e2ee\":{\"enabled\":true},"
				      "\"to_device\":{\"enabled\":true%s%.*s%s}}}",
				      l->connection, l->rooms, l->since[0] ? ",\"since\":\"d" : "",
				      l->since[0] ? (int)strcspn(l->since + 1, "_") : 0,
				      l->since[0] ? l->since + 1 : "", l->since[0] ? "\"" : "");
	}
	l->ask_n = (size_t)h.body_len;
	l->asked = 0;
	if (l->target)
		n = snprintf(target, sizeof(target), "%s", l->target);
	l->polling = true;
	l->n = 0;
	l->body[0] = '\0';
	l->status = 0;
	l->flow.ops = &ops;
	if (!door || door->open(door, &l->flow, &why) != TH_OK) {
		l->failures++;
		l->last_status = why.status;
		again_in(l, retry_after);
		return;
	}
	l->polls++;
	l->polled_at = l->net->now;
	if (asked > l->home->client_asked)
		l->home->client_asked = asked;
	h.target = (struct th_str){ target, (size_t)n };
	sim_net_at(l->net, &l->wake, l->net->now + l->timeout_ms * TH_MS + patience_beyond);
	th_flow_head(&l->flow, &h);
	ask(l);
}

static void on_wake(struct sim_event *e)
{
	struct sync_loop *l = TH_OWNER(e, struct sync_loop, wake);

	if (l->polling) { /* out of patience */
		th_flow_close(&l->flow, NULL);
		l->failures++;
		again_in(l, retry_after);
		return;
	}
	poll_now(l);
}

void sync_loop_init(struct sync_loop *l, struct sim_net *net, struct sync_home *home,
		    struct th_flow_server *(*door)(void *user), void *user)
{
	memset(l, 0, sizeof(*l));
	l->net = net;
	l->home = home;
	l->door = door;
	l->user = user;
	l->query = "";
	l->connection = "room-list";
	l->rooms = 9;
	l->token = "Bearer syt_dXNlcg_abcdefghijklmnopqrst_284PZ6";
	l->timeout_ms = 30000;
	l->wake.fire = on_wake;
	l->stopped = true;
}

void sync_loop_start(struct sync_loop *l)
{
	l->stopped = false;
	if (!l->polling)
		sim_net_at(l->net, &l->wake, l->net->now);
}

void sync_loop_stop(struct sync_loop *l)
{
	l->stopped = true;
	sim_net_cancel(l->net, &l->wake);
	if (l->polling)
		th_flow_close(&l->flow, NULL);
	l->polling = false;
}
