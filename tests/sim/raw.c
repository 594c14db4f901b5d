#include "sim/raw.h"

#include <stdlib.h>
#include <string.h>

#include "exchange/failure.h"

enum { BUCKETS = 1024, URI_PATH = 11, SEGMENTS_MAX = 32, TARGET_MAX = 512, DETAIL_MAX = 31 };

/* One exchange: a flow on one side, an engine's id on the other. */
struct leg {
	struct th_flow flow;
	struct th_slot node;
	struct th_list link;
	struct sim_raw *raw;
	th_coap_id id;		  /* 0: none, or over */
	bool serves;		  /* server role */
	bool in_ended, out_ended; /* bodies from and to the engine */
	bool answered;
};

static struct leg *leg_of(struct th_flow *f)
{
	return TH_OWNER(f, struct leg, flow);
}

static uint64_t hash_of(const struct sim_raw *r, th_coap_id id)
{
	return th_table_hash(&r->by_id, &id, sizeof(id));
}

static struct leg *find(struct sim_raw *r, th_coap_id id)
{
	uint64_t hash = hash_of(r, id);
	struct th_slot *n = NULL;

	while ((n = th_table_next(&r->by_id, hash, n)) != NULL)
		if (TH_OWNER(n, struct leg, node)->id == id)
			return TH_OWNER(n, struct leg, node);
	return NULL;
}

static struct leg *leg_new(struct sim_raw *r, const struct th_flow_ops *ops, bool serves)
{
	struct leg *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->flow.ops = ops;
	l->raw = r;
	l->serves = serves;
	th_list_push(&r->legs, &l->link);
	return l;
}

static void set_id(struct leg *l, th_coap_id id)
{
	l->id = id;
	th_table_add(&l->raw->by_id, &l->node, hash_of(l->raw, id));
}

static void forget_id(struct leg *l)
{
	if (!l->id)
		return;
	th_table_remove(&l->raw->by_id, &l->node);
	l->id = 0;
}

/* Freed at the next turn: never inside a callback. */
static void bury_if_over(struct leg *l)
{
	if (l->id || th_flow_open(&l->flow))
		return;
	th_list_remove(&l->link);
	th_list_push(&l->raw->dead, &l->link);
}

static void bug(struct sim_raw *r, const char *what)
{
	if (!r->bug)
		r->bug = what;
}

static void flow_fail(struct leg *l, enum th_err err)
{
	struct th_failure why;

	if (!th_flow_open(&l->flow))
		return;
	th_failure_of(&why, err, "the bare engine gave up");
	th_flow_close(&l->flow, &why);
}

/* Targets as Uri-Path options */

static size_t split(struct th_str target, struct th_coap_option *out)
{
	size_t n = 0, start = 1;

	for (size_t i = 1; i <= target.n && n < SEGMENTS_MAX; i++) {
		if (i < target.n && target.p[i] != '/')
			continue;
		if (i > start)
			out[n++] = (struct th_coap_option){ URI_PATH, (uint16_t)(i - start),
							    (const uint8_t *)target.p + start };
		start = i + 1;
	}
	return n;
}

static size_t join(const struct th_coap_head *head, char out[TARGET_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < head->n_options; i++) {
		const struct th_coap_option *o = &head->options[i];

		if (o->number != URI_PATH || n + 1 + o->n > TARGET_MAX)
			continue;
		out[n++] = '/';
		memcpy(out + n, o->p, o->n);
		n += o->n;
	}
	if (n == 0)
		out[n++] = '/';
	return n;
}

static const char *const methods[] = { "EMPTY", "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "IPATCH" };

static uint8_t method_code(struct th_str method)
{
	for (uint8_t i = 1; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (th_str_eq(method, th_str_of(methods[i])))
			return i;
	return TH_COAP_POST;
}

/* Both roles: bodies */

static size_t flow_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct leg *l = leg_of(f);

	if (!l->id)
		return n;
	return th_coap_write(l->raw->coap, l->id, p, n, *l->raw->now);
}

static void flow_resume(struct th_flow *f)
{
	struct leg *l = leg_of(f);

	th_coap_resume(l->raw->coap, l->id, *l->raw->now);
}

static void flow_end(struct th_flow *f)
{
	struct leg *l = leg_of(f);

	l->out_ended = true;
	if (l->id)
		th_coap_end(l->raw->coap, l->id, *l->raw->now);
	/* the client end of a flow closes it, and in the server role that is this one */
	if (l->serves && l->in_ended && th_flow_open(&l->flow)) {
		th_flow_close(&l->flow, NULL);
		bury_if_over(l);
	}
}

/* Client role */

static void client_head(struct th_flow *f, const struct th_head *head)
{
	struct leg *l = leg_of(f);
	struct th_coap_option options[SEGMENTS_MAX];
	struct th_coap_head h = {
		.code = method_code(head->method),
		.confirmable = !th_head_find(head, TH_STR("NON")),
		.tagged = th_head_find(head, TH_STR("TAGGED")) != NULL,
		.options = options,
		.n_options = split(head->target, options),
	};
	th_coap_id id;
	enum th_err err = th_coap_request(l->raw->coap, &l->raw->peer, &h, *l->raw->now, &id);

	if (err == TH_OK) {
		set_id(l, id);
		return;
	}
	flow_fail(l, err);
	bury_if_over(l);
}

static void client_close(struct th_flow *f, const struct th_failure *why)
{
	struct leg *l = leg_of(f);

	(void)why;
	if (l->id && !(l->in_ended && l->out_ended)) {
		th_coap_cancel(l->raw->coap, l->id, *l->raw->now);
		forget_id(l);
	}
	bury_if_over(l);
}

static const struct th_flow_ops client_ops = { client_head, flow_data, flow_end, flow_resume, client_close };

static enum th_err client_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{
	struct sim_raw *r = TH_OWNER(self, struct sim_raw, server);

	(void)why;
	th_flow_join(&leg_new(r, &client_ops, false)->flow, client);
	return TH_OK;
}

/* Server role */

static void respond(struct leg *l, uint16_t status)
{
	struct th_coap_head h = { .confirmable = true };
	unsigned detail = status % 100;

	h.code = TH_COAP_CODE((unsigned)status / 100, detail > DETAIL_MAX ? 0 : detail);
	l->answered = true;
	if (l->id)
		th_coap_respond(l->raw->coap, l->id, &h, *l->raw->now);
}

static void server_head(struct th_flow *f, const struct th_head *head)
{
	respond(leg_of(f), head->status);
}

static void server_close(struct th_flow *f, const struct th_failure *why)
{
	struct leg *l = leg_of(f);

	if (l->id && !l->answered && why) {
		respond(l, why->status);
		th_coap_end(l->raw->coap, l->id, *l->raw->now);
	} else if (l->id) {
		th_coap_cancel(l->raw->coap, l->id, *l->raw->now);
		forget_id(l);
	}
	bury_if_over(l);
}

static const struct th_flow_ops server_ops = { server_head, flow_data, flow_end, flow_resume, server_close };

/* The engine's events */

static void ev_request(void *user, th_coap_id id, const struct th_addr *peer, const struct th_coap_head *head)
{
	struct sim_raw *r = user;
	struct leg *l = leg_new(r, &server_ops, true);
	char target[TARGET_MAX];
	struct th_failure why = { .status = 404 };
	struct th_head h = {
		.method = th_str_of(head->code < sizeof(methods) / sizeof(methods[0]) ? methods[head->code] : "?"),
		.target = { target, join(head, target) },
		.body_len = TH_BODY_UNKNOWN,
	};

	(void)peer;
	set_id(l, id);
	if (!r->upstream || r->upstream->open(r->upstream, &l->flow, &why) != TH_OK) {
		respond(l, why.status);
		th_coap_end(r->coap, id, *r->now);
		return;
	}
	th_flow_head(&l->flow, &h);
}

static void ev_response(void *user, th_coap_id id, const struct th_coap_head *head)
{
	struct sim_raw *r = user;
	struct leg *l = find(r, id);
	struct th_head h = {
		.status = (uint16_t)((head->code >> 5) * 100 + (head->code & DETAIL_MAX)),
		.body_len = TH_BODY_UNKNOWN,
	};

	if (!l || l->serves)
		bug(r, "response event for an id that is not a request of ours");
	else
		th_flow_head(&l->flow, &h);
}

static size_t ev_data(void *user, th_coap_id id, const uint8_t *p, size_t n)
{
	struct leg *l = find(user, id);

	if (!l)
		bug(user, "data event for a dead id");
	return l && th_flow_open(&l->flow) ? th_flow_data(&l->flow, p, n) : n;
}

static void ev_end(void *user, th_coap_id id)
{
	struct leg *l = find(user, id);

	if (!l) {
		bug(user, "end event for a dead id");
		return;
	}
	if (l->in_ended)
		bug(user, "a second end event");
	l->in_ended = true;
	th_flow_end(&l->flow);
	if (l->serves && l->out_ended && th_flow_open(&l->flow))
		th_flow_close(&l->flow, NULL);
	bury_if_over(l);
}

static void ev_resume(void *user, th_coap_id id)
{
	struct leg *l = find(user, id);

	if (!l)
		bug(user, "resume event for a dead id");
	else
		th_flow_resume(&l->flow);
}

static void ev_closed(void *user, th_coap_id id, enum th_err why)
{
	struct sim_raw *r = user;
	struct leg *l = find(r, id);

	r->closed[-(int)why]++;
	if (!l) {
		bug(r, "closed event for a dead id");
		return;
	}
	/* a request's rest may be refused by an early answer */
	if (why == TH_OK && !(l->serves ? l->out_ended : l->in_ended))
		bug(r, "closed with TH_OK before the response has ended");
	forget_id(l);
	if (l->serves)
		th_flow_close(&l->flow, NULL);
	else
		flow_fail(l, why == TH_OK ? TH_ERR_CLOSED : why);
	bury_if_over(l);
}

static const struct th_coap_ops coap_ops = { ev_request, ev_response, ev_data, ev_end, ev_resume, ev_closed };

/* The machine */

static void reap(struct sim_raw *r)
{
	struct th_list *l;

	while ((l = th_list_pop(&r->dead)) != NULL)
		free(TH_OWNER(l, struct leg, link));
}

static void raw_rx(void *ctx, const struct th_addr *from, const uint8_t *p, size_t n)
{
	struct sim_raw *r = ctx;

	th_coap_rx(r->coap, from, p, n, *r->now);
}

static size_t raw_tx(void *ctx, struct th_addr *to, uint8_t *out, size_t cap)
{
	struct sim_raw *r = ctx;

	reap(r);
	return th_coap_tx(r->coap, to, out, cap, *r->now);
}

static th_time raw_deadline(void *ctx)
{
	struct sim_raw *r = ctx;

	return th_coap_deadline(r->coap);
}

static void raw_tick(void *ctx)
{
	struct sim_raw *r = ctx;

	th_coap_tick(r->coap, *r->now);
}

struct sim_machine sim_raw_machine(struct sim_raw *r)
{
	return (struct sim_machine){ raw_rx, raw_tx, raw_deadline, raw_tick, r };
}

void sim_raw_init(struct sim_raw *r, const struct th_coap_params *params, const struct th_rng *rng, const th_time *now,
		  const struct th_addr *peer, struct th_flow_server *upstream)
{
	*r = (struct sim_raw){ .server = { client_open }, .params = *params, .now = now, .peer = *peer };
	r->upstream = upstream;
	th_list_init(&r->legs);
	th_list_init(&r->dead);
	if (th_table_init(&r->by_id, &th_mem_libc, BUCKETS, 1) != TH_OK)
		abort();
	r->coap = th_coap_new(&r->params, &th_mem_libc, rng, &coap_ops, r);
	if (!r->coap)
		abort();
}

void sim_raw_free(struct sim_raw *r)
{
	th_coap_del(r->coap);
	TH_LIST_EACH(it, &r->legs)
	{
		struct leg *l = TH_OWNER(it, struct leg, link);

		if (l->serves)
			th_flow_close(&l->flow, NULL);
		else
			flow_fail(l, TH_ERR_CANCELLED);
		free(l);
	}
	reap(r);
	th_table_free(&r->by_id);
}
