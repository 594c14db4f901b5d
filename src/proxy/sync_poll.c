/* Polls: HTTP requests of clients that may belong to a sync loop. All others step aside: the client is joined with the
 * ingress half as if nothing stood here. */
#include "exchange/failure.h"
#include "exchange/route.h"
#include "proxy/sync.h"

static struct th_poll *poll_of(struct th_flow *f)
{
	return TH_OWNER(f, struct th_poll, flow);
}

/* ---- ending ---- */

static void report(struct th_poll *p)
{
	struct th_node *n = p->node;

	p->report.ended = th_node_now(n);
	n->stats.ingress_done++;
	if (p->report.err != TH_OK)
		n->stats.failed++;
	if (n->config.report)
		n->config.report(n->config.user, &p->report);
}

static void die(struct th_poll *p)
{
	struct th_sync *s = &p->node->sync;

	if (p->dead)
		return;
	p->dead = true;
	th_sync_timer_remove(p->node, &p->idle);
	th_list_remove(&p->link);
	th_list_push(&s->dead_polls, &p->link);
	s->n_polls--;
}

static void over(struct th_poll *p)
{
	if (p->dead)
		return;
	if (p->report.method.n)
		report(p);
	die(p);
}

/* ---- answering ---- */

static void charge(struct th_poll *p)
{
	if (p->watch)
		th_watch_charge(p->watch, &p->report);
}

void th_poll_head(struct th_poll *p, const struct th_head *head)
{
	th_sync_timer_set(p->node, &p->idle, TH_NEVER);
	p->answering = true;
	p->report.answered = th_node_now(p->node);
	p->report.status = head->status;
	p->report.http_bytes_down += th_head_http_bytes(head);
	th_flow_head(&p->flow, head);
}

size_t th_poll_data(struct th_poll *p, const uint8_t *bytes, size_t n)
{
	size_t took = th_flow_data(&p->flow, bytes, n);

	p->report.http_bytes_down += took;
	return took;
}

void th_poll_end(struct th_poll *p)
{
	charge(p);
	p->watch = NULL;
	p->ended = true;
	th_flow_end(&p->flow);
}

static void pump(struct th_poll *p)
{
	if (p->pumping) { /* a resume from within data(): the loop that runs goes on */
		p->again = true;
		return;
	}
	p->pumping = true;
	do {
		p->again = false;
		while (p->out.n > 0 && th_flow_open(&p->flow)) {
			size_t left = p->out.n, took = th_poll_data(p, th_buf_data(&p->out), left);

			th_buf_consume(&p->out, took);
			if (took < left)
				break;
		}
	} while (p->again && th_flow_open(&p->flow));
	p->pumping = false;
	if (p->out.n == 0 && !p->ended && th_flow_open(&p->flow))
		th_poll_end(p);
}

void th_poll_answer(struct th_poll *p, const struct th_head *head, const uint8_t *body, size_t n)
{
	struct th_failure why;

	charge(p);
	p->watch = NULL;
	if (th_buf_append(&p->out, body, n) != TH_OK) {
		th_failure_of(&why, TH_ERR_NO_MEMORY, "thimble is out of memory.");
		th_poll_fail(p, &why);
		return;
	}
	th_poll_head(p, head);
	if (th_flow_open(&p->flow))
		pump(p);
}

void th_poll_fail(struct th_poll *p, const struct th_failure *why)
{
	charge(p);
	p->watch = NULL;
	p->report.err = why->err;
	if (p->report.answered == TH_NEVER)
		p->report.status = why->status;
	th_flow_close(&p->flow, why);
	over(p);
}

/* ---- the client ---- */

/* What was gathered of the body goes along: of a message that is coded, the ingress half takes so much at once. */
static void hand_over(struct th_poll *p, struct th_flow *client)
{
	struct th_failure why;

	if (th_flow_data(client, th_buf_data(&p->body), p->body.n) == p->body.n) {
		th_flow_end(client);
	} else if (th_flow_open(client)) {
		th_failure_of(&why, TH_ERR_FULL, "A sync of this kind is under way already.");
		th_flow_close(client, NULL);
		client->ops->close(client, &why);
	}
}

static void step_aside(struct th_poll *p, const struct th_head *h)
{
	struct th_flow *client = p->flow.peer;
	struct th_node *n = p->node;
	struct th_failure why;

	p->flow.peer = NULL;
	client->peer = NULL;
	die(p);
	if (th_ingress_open(&n->server, client, &why) != TH_OK) {
		client->ops->close(client, &why);
		return;
	}
	th_flow_head(client, h);
	if (p->body.n > 0)
		hand_over(p, client);
}

static bool belongs(struct th_poll *p, const struct th_head *h)
{
	return p->node->config.sync_push && th_head_find(h, TH_STR("Authorization")) && th_sync_is_poll(h, &p->query) &&
	       th_sync_head_keep(&p->ask, h) == TH_OK;
}

static void take(struct th_poll *p, const struct th_head *h)
{
	if (!th_watch_take(p->node, p))
		step_aside(p, h);
}

static void on_head(struct th_flow *f, const struct th_head *h)
{
	struct th_poll *p = poll_of(f);

	if (!belongs(p, h)) {
		step_aside(p, h);
		return;
	}
	p->report = (struct th_report){ .half = "ingress",
					.route = p->query.sliding ? "sliding_sync" : "sync",
					.method = p->query.sliding ? TH_STR("POST") : TH_STR("GET"),
					.http_bytes_up = th_head_http_bytes(h),
					.started = th_node_now(p->node),
					.answered = TH_NEVER };
	if (!p->query.sliding)
		take(p, h);
}

static size_t on_data(struct th_flow *f, const uint8_t *bytes, size_t n)
{
	struct th_poll *p = poll_of(f);
	struct th_failure why;

	if (p->query.sliding && th_buf_append(&p->body, bytes, n) == TH_OK) {
		p->report.http_bytes_up += n;
		return n;
	}
	th_failure_of(&why, TH_ERR_NO_MEMORY, "thimble is out of memory."); /* no more comes than was announced */
	th_poll_fail(p, &why);
	return n;
}

static void on_end(struct th_flow *f)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_poll *p = poll_of(f);
	struct th_head h;

	if (!p->query.sliding || !th_sync_head_read(&p->ask, &h, fields, true))
		return;
	if (th_sliding_device(th_buf_str(&p->body), &p->query.at.device))
		take(p, &h);
	else
		step_aside(p, &h);
}

static void on_resume(struct th_flow *f)
{
	struct th_poll *p = poll_of(f);

	if (p->streaming)
		th_watch_resume(p);
	else if (p->answering)
		pump(p);
}

static void on_close(struct th_flow *f, const struct th_failure *why)
{
	struct th_poll *p = poll_of(f);

	(void)why; /* a client end gives none */
	if (!p->ended)
		p->report.err = TH_ERR_CANCELLED;
	if (p->watch) {
		charge(p);
		th_watch_left(p);
	}
	over(p);
}

static const struct th_flow_ops flow_ops = { on_head, on_data, on_end, on_resume, on_close };

bool th_node_waits(const struct th_flow *client)
{
	const struct th_poll *p;

	if (!client->peer || client->peer->ops != &flow_ops)
		return true;
	p = poll_of(client->peer);
	return !p->watch || th_watch_waits(p->watch);
}

static void on_idle(struct th_sync_timer *t)
{
	struct th_poll *p = TH_OWNER(t, struct th_poll, idle);

	if (p->watch && !p->answering)
		th_watch_idle(p);
}

enum th_err th_sync_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{
	struct th_node *n = TH_OWNER(self, struct th_node, server);
	struct th_poll *p = th_alloc(n->mem, sizeof(*p));

	if (!p || th_sync_timer_add(n, &p->idle) != TH_OK) {
		th_free(n->mem, p);
		th_failure_of(why, TH_ERR_NO_MEMORY, "thimble is out of memory.");
		return TH_ERR_NO_MEMORY;
	}
	p->node = n;
	p->flow.ops = &flow_ops;
	p->idle.fire = on_idle;
	th_sync_head_init(&p->ask, n->mem);
	th_buf_init(&p->body, n->mem, TH_SLIDING_BODY_MAX);
	th_buf_init(&p->out, n->mem, TH_LEG_BUF_MAX);
	th_list_push(&n->sync.polls, &p->link);
	n->sync.n_polls++;
	th_flow_join(&p->flow, client);
	return TH_OK;
}

void th_sync_bury(struct th_node *n)
{
	struct th_list *l;

	while ((l = th_list_pop(&n->sync.dead_polls)) != NULL) {
		struct th_poll *p = TH_OWNER(l, struct th_poll, link);

		th_sync_head_free(&p->ask);
		th_buf_free(&p->body);
		th_buf_free(&p->out);
		th_free(n->mem, p);
	}
}
