#include "sim/client.h"

#include <stdio.h>
#include <string.h>

enum { CHUNK = 4096 };

const char *sim_client_state_text(enum sim_client_state s)
{
	static const char *const text[] = { "not started", "under way", "done", "failed", "left" };

	return text[s];
}

static struct sim_client *client_of(struct th_flow *f)
{
	return TH_OWNER(f, struct sim_client, flow);
}

static void bug(struct sim_client *c, const char *what)
{
	if (!c->bug)
		c->bug = what;
}

static void finish(struct sim_client *c, enum sim_client_state state)
{
	if (c->state != SIM_CLIENT_OPEN)
		return;
	c->state = state;
	c->closed_at = *c->now;
	if (c->done)
		c->done(c);
}

/* The ordinary way out is the client end's: both directions have ended, or the rest of the request is of no use. */
static void maybe_close(struct sim_client *c)
{
	if (!c->whole || (!c->sent_all && c->req.patient) || !th_flow_open(&c->flow))
		return;
	th_flow_close(&c->flow, NULL);
	finish(c, SIM_CLIENT_DONE);
}

static void pump(struct sim_client *c)
{
	if (c->pumping)
		return;
	c->pumping = true;
	while (c->sending && !c->blocked && th_flow_open(&c->flow) && c->sent < c->req.body.n &&
	       c->sent < c->req.send_limit) {
		uint8_t chunk[CHUNK];
		size_t n = c->req.body.n - c->sent, taken;

		if (n > sizeof(chunk))
			n = sizeof(chunk);
		if (n > c->req.send_limit - c->sent)
			n = c->req.send_limit - c->sent;
		sim_body_read(&c->req.body, c->sent, chunk, n);
		c->blocked = true; /* before the call: resume may come before data returns */
		taken = th_flow_data(&c->flow, chunk, n);
		if (taken > n)
			bug(c, "data() took more than was offered");
		c->sent += taken;
		if (taken == n)
			c->blocked = false;
	}
	c->pumping = false;
	if (c->sending && th_flow_open(&c->flow) && c->sent == c->req.body.n && c->sent < c->req.send_limit) {
		c->sending = false;
		c->sent_all = true;
		th_flow_end(&c->flow);
	}
	maybe_close(c);
}

static void on_head(struct th_flow *f, const struct th_head *head)
{
	struct sim_client *c = client_of(f);
	size_t n = 0;

	if (c->status)
		bug(c, "a second response head");
	c->status = head->status;
	c->body_len = head->body_len;
	c->head_at = *c->now;
	for (size_t i = 0; i < head->n_fields && n < sizeof(c->head_text); i++) {
		int len = snprintf(c->head_text + n, sizeof(c->head_text) - n, "%.*s: %.*s\n",
				   TH_STR_ARG(head->fields[i].name), TH_STR_ARG(head->fields[i].value));

		n += len > 0 ? (size_t)len : 0;
	}
}

static size_t on_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct sim_client *c = client_of(f);
	size_t room = c->req.read_limit > c->sum.n ? c->req.read_limit - (size_t)c->sum.n : 0;

	if (!c->status)
		bug(c, "response data before its head");
	if (c->whole)
		bug(c, "response data after its end");
	if (c->refused_data)
		bug(c, "response data while no resume() was given");
	if (n > room) {
		c->refused_data = true;
		n = room;
	}
	if (c->text && c->sum.n + n < c->text_cap) {
		memcpy(c->text + c->sum.n, p, n);
		c->text[c->sum.n + n] = '\0';
	}
	sim_sum_add(&c->sum, p, n);
	return n;
}

static void on_end(struct th_flow *f)
{
	struct sim_client *c = client_of(f);

	if (!c->status)
		bug(c, "response end before its head");
	if (c->whole)
		bug(c, "a second response end");
	if (c->refused_data)
		bug(c, "response end before everything was taken");
	if (c->body_len >= 0 && (uint64_t)c->body_len != c->sum.n)
		bug(c, "response body shorter or longer than announced");
	c->whole = true;
	maybe_close(c);
}

static void on_resume(struct th_flow *f)
{
	struct sim_client *c = client_of(f);

	if (!c->blocked)
		bug(c, "resume() although nothing was refused");
	c->blocked = false;
	pump(c);
}

static void on_close(struct th_flow *f, const struct th_failure *why)
{
	struct sim_client *c = client_of(f);

	if (!why) {
		bug(c, "the server end closed without saying why");
		finish(c, SIM_CLIENT_FAILED);
		return;
	}
	c->err = why->err;
	c->fail_status = why->status;
	c->retry_after = why->retry_after;
	snprintf(c->reason, sizeof(c->reason), "%s", why->reason ? why->reason : "");
	finish(c, SIM_CLIENT_FAILED);
}

static const struct th_flow_ops client_ops = { on_head, on_data, on_end, on_resume, on_close };

void sim_client_init(struct sim_client *c, const struct sim_request *req, const th_time *now)
{
	memset(c, 0, sizeof(*c));
	c->flow.ops = &client_ops;
	c->req = *req;
	c->now = now;
	c->opened_at = c->head_at = c->closed_at = TH_NEVER;
	sim_sum_init(&c->sum);
}

void sim_client_start(struct sim_client *c, struct th_flow_server *server)
{
	struct th_failure why = { 0 };
	struct th_head head = {
		.method = th_str_of(c->req.method),
		.target = th_str_of(c->req.target),
		.body_len = c->req.chunked ? TH_BODY_UNKNOWN : (int64_t)c->req.body.n,
		.fields = c->req.fields,
		.n_fields = c->req.n_fields,
	};

	c->state = SIM_CLIENT_OPEN;
	c->opened_at = *c->now;
	if (server->open(server, &c->flow, &why) != TH_OK) {
		if (th_flow_open(&c->flow))
			bug(c, "open() failed, yet the flow is joined");
		on_close(&c->flow, &why);
		return;
	}
	if (!th_flow_open(&c->flow)) {
		bug(c, "open() succeeded, yet the flow is not joined");
		return;
	}
	c->sending = true;
	th_flow_head(&c->flow, &head);
	pump(c);
}

static size_t add_limit(size_t a, size_t n)
{
	return n > SIZE_MAX - a ? SIZE_MAX : a + n;
}

void sim_client_send_more(struct sim_client *c, size_t n)
{
	c->req.send_limit = add_limit(c->req.send_limit, n);
	pump(c);
}

void sim_client_read_more(struct sim_client *c, size_t n)
{
	c->req.read_limit = add_limit(c->req.read_limit, n);
	if (!c->refused_data)
		return;
	c->refused_data = false;
	th_flow_resume(&c->flow);
}

void sim_client_leave(struct sim_client *c)
{
	if (!th_flow_open(&c->flow))
		return;
	th_flow_close(&c->flow, NULL);
	finish(c, SIM_CLIENT_LEFT);
}
