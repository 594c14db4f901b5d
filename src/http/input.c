/* Bytes read become requests on the flow. */
#include "http/conn.h"

bool conn_may_parse(const struct conn *c)
{
	switch (c->phase) {
	case CONN_DRAIN:
		return true;
	case CONN_OPEN:
		break;
	case CONN_CLOSING:
	case CONN_DEAD:
		return false;
	}
	/* Answers in order: the next request waits for the end of this one's answer, and for most of it to be written.
	 */
	if (!c->exchange)
		return c->out.n < CONN_OUT_SOFT;
	return !c->req_ended && !c->up_blocked;
}

static void begin(struct conn *c, const struct th_request_step *step, bool body_is_here)
{
	struct th_failure why = { .err = TH_ERR_FULL, .status = 503, .reason = "Too busy" };
	const struct th_head *head = &step->head;
	enum th_err err;

	c->l->stats.requests++;
	conn_set_exchange(c, true);
	c->wait = WAIT_NOTHING;
	c->read_by = TH_NEVER;
	c->body_len = head->body_len;
	c->keep = step->keep_alive;
	c->head_only = th_str_eq(head->method, TH_STR("HEAD"));
	c->http10 = step->minor == 0;
	c->expecting = step->expect_continue;
	c->flow = (struct th_flow){ .ops = &conn_flow_ops };
	err = c->l->server->open(c->l->server, &c->flow, &why);
	if (err != TH_OK) {
		conn_fail(c, &why);
		return;
	}
	th_flow_head(&c->flow, head);
	if (!c->expecting || c->resp_started || !th_flow_open(&c->flow))
		return;
	c->expecting = false;
	if (!body_is_here)
		conn_continue(c);
}

/* Body bytes for the flow; how many are done with. */
static size_t deliver(struct conn *c, const uint8_t *p, size_t n)
{
	size_t took;

	if (c->phase == CONN_DRAIN || !th_flow_open(&c->flow))
		return n; /* at most CONN_DRAIN_BYTES, else the connection would have been closing */
	c->resumed = false;
	took = th_flow_data(&c->flow, p, n);
	c->body_taken += took;
	c->up_blocked = took < n && !c->resumed && th_flow_open(&c->flow);
	return took;
}

static void ended(struct conn *c)
{
	c->req_ended = true;
	th_flow_end(&c->flow);
	conn_schedule(c);
}

/* One event; false when there is nothing to do before more bytes come. `used` moves past what is done with. */
static bool step(struct conn *c, const uint8_t *p, size_t n, size_t *used)
{
	struct th_request_step s;
	enum th_request_event ev = th_request_next(&c->req, p, n, &s);

	*used += s.used;
	switch (ev) {
	case TH_REQUEST_MORE:
		return false;
	case TH_REQUEST_HEAD:
		begin(c, &s, s.used < n);
		return true;
	case TH_REQUEST_BODY:
		*used -= s.body_n; /* they stay at the front until the flow takes them */
		c->span_left = s.body_n;
		return true;
	case TH_REQUEST_END:
		ended(c);
		return true;
	case TH_REQUEST_BAD:
		conn_refuse(c, s.status, s.reason);
		return false;
	}
	return false;
}

size_t conn_input(struct conn *c, const uint8_t *p, size_t n)
{
	size_t used = 0;

	while (conn_may_parse(c)) {
		if (c->span_left) {
			size_t took = deliver(c, p + used, c->span_left);

			used += took;
			c->span_left -= took;
		} else if (!step(c, p + used, n - used, &used)) {
			break;
		}
		conn_finish(c);
	}
	return used;
}
