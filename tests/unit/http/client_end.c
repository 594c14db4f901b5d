#include "client_end.h"

#include <stdio.h>

enum { KEEP_MAX = 64 * 1024 * 1024 };

static struct client_end *of(struct th_flow *f)
{
	return (struct client_end *)(void *)((char *)f - offsetof(struct client_end, flow));
}

static void maybe_close(struct client_end *c)
{
	if (!c->ended || !c->sent_all)
		return;
	c->closed = true;
	th_flow_close(&c->flow, NULL);
}

static void on_head(struct th_flow *f, const struct th_head *h)
{
	struct client_end *c = of(f);
	size_t n = 0;

	c->heads_twice = c->head;
	c->head = true;
	c->status = h->status;
	c->body_len = h->body_len;
	for (size_t i = 0; i < h->n_fields && n < sizeof(c->fields); i++)
		n += (size_t)snprintf(c->fields + n, sizeof(c->fields) - n, "%.*s: %.*s\n",
				      TH_STR_ARG(h->fields[i].name), TH_STR_ARG(h->fields[i].value));
	if (c->cancel_on_head)
		client_cancel(c);
}

static size_t on_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct client_end *c = of(f);
	size_t k = n < c->take ? n : c->take;

	if (!c->discard && th_buf_append(&c->body, p, k) != TH_OK)
		k = 0;
	c->total += k;
	if (c->cancel_on_data)
		client_cancel(c);
	return k;
}

static void on_end(struct th_flow *f)
{
	of(f)->ended = true;
	maybe_close(of(f));
}

static void on_resume(struct th_flow *f)
{
	of(f)->resumed = true;
}

static void on_close(struct th_flow *f, const struct th_failure *why)
{
	struct client_end *c = of(f);

	c->closed = true;
	if (!why)
		return;
	c->why = *why;
	snprintf(c->reason, sizeof(c->reason), "%s", why->reason);
	c->why.reason = c->reason;
}

static const struct th_flow_ops ops = { on_head, on_data, on_end, on_resume, on_close };

bool client_open(struct client_end *c, struct th_flow_server *server)
{
	*c = (struct client_end){ .flow.ops = &ops, .take = SIZE_MAX };
	th_buf_init(&c->body, &th_mem_libc, KEEP_MAX);
	if (server->open(server, &c->flow, &c->why) == TH_OK)
		return true;
	c->closed = true;
	return false;
}

void client_head(struct client_end *c, const char *method, const char *target, int64_t body_len)
{
	const struct th_field fields[] = {
		{ TH_STR_INIT("Authorization"), TH_STR_INIT("Bearer secret") },
		{ TH_STR_INIT("x-odd-NAME"), TH_STR_INIT("a  b") },
	};
	const struct th_head h = { .method = th_str_of(method),
				   .target = th_str_of(target),
				   .body_len = body_len,
				   .fields = fields,
				   .n_fields = 2 };

	th_flow_head(&c->flow, &h);
}

void client_end_request(struct client_end *c)
{
	c->sent_all = true;
	th_flow_end(&c->flow);
	maybe_close(c);
}

void client_send(struct client_end *c, const char *method, const char *target, const char *body)
{
	client_head(c, method, target, (int64_t)strlen(body));
	if (*body)
		th_flow_data(&c->flow, (const uint8_t *)body, strlen(body));
	client_end_request(c);
}

void client_cancel(struct client_end *c)
{
	c->closed = true;
	th_flow_close(&c->flow, NULL);
}

void client_free(struct client_end *c)
{
	th_buf_free(&c->body);
}
