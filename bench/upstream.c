/* The fastest homeserver there is: answers every request at once with one fixed event ID. For requests per second. */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "http/listener.h"

static const char body[] = "{\"event_id\":\"$lebEXyTtGlVgqSRNZYn3QRkVQAjN5ID0iBPa4IJPbE0\"}";

static const struct th_field fields[] = {
	{ TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") },
	{ TH_STR_INIT("Cache-Control"), TH_STR_INIT("no-cache, no-store, must-revalidate") },
	{ TH_STR_INIT("Access-Control-Allow-Origin"), TH_STR_INIT("*") },
};

static const struct th_head head = { .status = 200, .body_len = sizeof(body) - 1, .fields = fields, .n_fields = 3 };

struct answer {
	struct th_flow flow;
	struct th_list link;
};

static struct th_list spare;

static void on_head(struct th_flow *self, const struct th_head *h)
{
	(void)self;
	(void)h;
}

static size_t on_data(struct th_flow *self, const uint8_t *p, size_t n)
{
	(void)self;
	(void)p;
	return n;
}

static void on_end(struct th_flow *self)
{
	th_flow_head(self, &head);
	th_flow_data(self, (const uint8_t *)body, sizeof(body) - 1);
	th_flow_end(self);
}

static void on_resume(struct th_flow *self)
{
	(void)self;
}

static void on_close(struct th_flow *self, const struct th_failure *why)
{
	struct answer *a = TH_OWNER(self, struct answer, flow);

	(void)why;
	th_list_push(&spare, &a->link);
}

static const struct th_flow_ops ops = { on_head, on_data, on_end, on_resume, on_close };

static enum th_err open_answer(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{
	struct th_list *l = th_list_pop(&spare);
	struct answer *a = l ? TH_OWNER(l, struct answer, link) : calloc(1, sizeof(*a));

	(void)self;
	(void)why;
	if (!a)
		return TH_ERR_NO_MEMORY;
	th_list_init(&a->link);
	a->flow.ops = &ops;
	th_flow_join(&a->flow, client);
	return TH_OK;
}

int main(int argc, char **argv)
{
	struct th_flow_server server = { open_answer };
	struct th_loop *loop = th_loop_new(&th_mem_libc);
	long port = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	enum th_err err = TH_OK;

	th_list_init(&spare);
	if (!loop || port <= 0 || port > UINT16_MAX) {
		fprintf(stderr, "usage: bench-upstream PORT\n");
		return 2;
	}
	if (!th_listener_new(loop, &th_mem_libc, "127.0.0.1", (uint16_t)port, &th_listener_limits_default, &server, &err)) {
		fprintf(stderr, "bench-upstream: port %ld: %s\n", port, th_strerror(err));
		return 1;
	}
	return th_loop_run(loop) == TH_OK ? 0 : 1;
}
