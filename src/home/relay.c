#include "home/relay.h"

#include <stdio.h>

static struct th_relay *relay_of_up(struct th_flow *f)
{
	return TH_OWNER(f, struct th_relay, up);
}

static struct th_relay *relay_of_down(struct th_flow *f)
{
	return TH_OWNER(f, struct th_relay, down);
}

static void settle(struct th_relay *r)
{
	struct th_stage *s = r->stage;

	if (r->dead || th_flow_open(&r->up) || th_flow_open(&r->down))
		return;
	r->dead = true;
	s->n_open--;
	th_list_remove(&r->link);
	th_list_push(&s->dead, &r->link);
	if (s->ops->closed)
		s->ops->closed(r);
}

/* ---- an answer of our own ---- */

/* False when the client takes no more now, or has gone. */
static bool send_body(struct th_relay *r)
{
	while (r->body && r->sent < r->body->body.n) {
		size_t left = r->body->body.n - r->sent;
		size_t took = th_flow_data(&r->up, th_buf_data(&r->body->body) + r->sent, left);

		r->sent += took;
		if (took < left || !th_flow_open(&r->up))
			return false;
	}
	return th_flow_open(&r->up);
}

static void pump(struct th_relay *r)
{
	if (r->pumping) { /* a resume from within data(): the loop that runs goes on */
		r->again = true;
		return;
	}
	r->pumping = true;
	do {
		r->again = false;
		if (send_body(r)) {
			th_flow_end(&r->up);
			break;
		}
	} while (r->again && th_flow_open(&r->up));
	r->pumping = false;
}

void th_relay_answer(struct th_relay *r, const struct th_head *h, struct th_kept *body)
{
	th_flow_close(&r->down, NULL);
	if (!th_flow_open(&r->up)) {
		settle(r);
		return;
	}
	r->local = true;
	r->answered = true;
	r->sent = 0;
	r->body = body;
	if (body)
		th_kept_use(body);
	th_flow_head(&r->up, h);
	if (th_flow_open(&r->up))
		pump(r);
	settle(r);
}

void th_relay_fail(struct th_relay *r, const struct th_failure *why)
{
	th_flow_close(&r->down, NULL);
	th_flow_close(&r->up, why);
	settle(r);
}

/* The fields of the specification's "Web browser clients", and that nobody should keep it. */
#define OWN_FIELDS                                                                                                     \
	{ TH_STR_INIT("Content-Type"), TH_STR_INIT("application/json") },                                              \
		{ TH_STR_INIT("Cache-Control"), TH_STR_INIT("no-store") },                                             \
		{ TH_STR_INIT("Access-Control-Allow-Origin"), TH_STR_INIT("*") },                                      \
		{ TH_STR_INIT("Access-Control-Allow-Methods"), TH_STR_INIT("GET, POST, PUT, DELETE, OPTIONS") },       \
	{                                                                                                              \
		TH_STR_INIT("Access-Control-Allow-Headers"),                                                           \
			TH_STR_INIT("X-Requested-With, Content-Type, Authorization")                                   \
	}

static void answer_json(struct th_relay *r, uint16_t status, const char *json)
{
	static const struct th_field fields[] = { OWN_FIELDS };
	const struct th_head h = { .status = status,
				   .body_len = (int64_t)strlen(json),
				   .fields = fields,
				   .n_fields = sizeof(fields) / sizeof(fields[0]) };
	const struct th_failure why = { .err = TH_ERR_NO_MEMORY, .status = 503, .reason = "thimble is out of memory." };
	struct th_kept *k = th_kept_new(r->stage->env->mem, &h, strlen(json));

	if (k && th_buf_append(&k->body, json, strlen(json)) == TH_OK)
		th_relay_answer(r, &h, k);
	else
		th_relay_fail(r, &why);
	th_kept_drop(k);
}

void th_relay_refuse(struct th_relay *r, uint16_t status, const char *errcode, const char *reason)
{
	char json[512];

	snprintf(json, sizeof(json), "{\"errcode\":\"%s\",\"error\":\"%s\"}", errcode, reason);
	answer_json(r, status, json);
}

void th_relay_empty(struct th_relay *r)
{
	answer_json(r, 200, "{}");
}

/* ---- the client's side ---- */

static void up_head(struct th_flow *f, const struct th_head *h)
{
	struct th_relay *r = relay_of_up(f);

	r->stage->ops->head(r, h);
}

static size_t up_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct th_relay *r = relay_of_up(f);

	if (r->local)
		return n;
	if (r->stage->ops->data)
		return r->stage->ops->data(r, p, n);
	return th_flow_data(&r->down, p, n);
}

static void up_end(struct th_flow *f)
{
	struct th_relay *r = relay_of_up(f);

	r->request_ended = true;
	if (r->local)
		return;
	if (r->stage->ops->end)
		r->stage->ops->end(r);
	else
		th_flow_end(&r->down);
}

static void up_resume(struct th_flow *f)
{
	struct th_relay *r = relay_of_up(f);

	if (r->local)
		pump(r);
	else if (r->stage->ops->answer_resume)
		r->stage->ops->answer_resume(r);
	else
		th_flow_resume(&r->down);
}

static void up_close(struct th_flow *f, const struct th_failure *why)
{
	struct th_relay *r = relay_of_up(f);

	(void)why; /* a client end gives none */
	th_flow_close(&r->down, NULL);
	settle(r);
}

static const struct th_flow_ops up_ops = { up_head, up_data, up_end, up_resume, up_close };

const struct th_flow *th_relay_through(const struct th_flow *client)
{
	while (client->peer && client->peer->ops == &up_ops)
		client = &TH_OWNER(client->peer, struct th_relay, up)->down;
	return client;
}

/* ---- the side beneath ---- */

static void down_head(struct th_flow *f, const struct th_head *h)
{
	struct th_relay *r = relay_of_down(f);

	if (r->stage->ops->answer_head) {
		r->stage->ops->answer_head(r, h);
		return;
	}
	r->answered = true;
	th_flow_head(&r->up, h);
}

static size_t down_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct th_relay *r = relay_of_down(f);

	if (r->stage->ops->answer_data)
		return r->stage->ops->answer_data(r, p, n);
	return th_flow_data(&r->up, p, n);
}

static void down_end(struct th_flow *f)
{
	struct th_relay *r = relay_of_down(f);

	if (r->stage->ops->answer_end)
		r->stage->ops->answer_end(r);
	else
		th_flow_end(&r->up);
}

static void down_resume(struct th_flow *f)
{
	struct th_relay *r = relay_of_down(f);

	if (r->stage->ops->request_resume)
		r->stage->ops->request_resume(r);
	else
		th_flow_resume(&r->up);
}

static void down_close(struct th_flow *f, const struct th_failure *why)
{
	struct th_relay *r = relay_of_down(f);

	if (r->stage->ops->failed)
		r->stage->ops->failed(r, why);
	else
		th_flow_close(&r->up, why);
	settle(r);
}

static const struct th_flow_ops down_ops = { down_head, down_data, down_end, down_resume, down_close };

/* ---- passing on ---- */

void th_relay_pass(struct th_relay *r, const struct th_head *h)
{
	struct th_flow_server *below = r->stage->below;
	struct th_failure why = { .err = TH_ERR_FULL, .status = 503, .reason = "Too busy" };

	if (below->open(below, &r->down, &why) == TH_OK) {
		th_flow_head(&r->down, h);
		return;
	}
	if (r->stage->ops->failed)
		r->stage->ops->failed(r, &why);
	else
		th_flow_close(&r->up, &why);
	settle(r);
}

void th_relay_step_aside(struct th_relay *r, const struct th_head *h)
{
	struct th_flow_server *below = r->stage->below;
	struct th_failure why = { .err = TH_ERR_FULL, .status = 503, .reason = "Too busy" };
	struct th_flow *client = r->up.peer;

	r->up.peer = NULL;
	client->peer = NULL;
	settle(r);
	if (below->open(below, client, &why) == TH_OK)
		th_flow_head(client, h);
	else
		client->ops->close(client, &why);
}

/* ---- the stage ---- */

static enum th_err stage_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{
	struct th_stage *s = TH_OWNER(self, struct th_stage, server);
	struct th_relay *r = th_alloc(s->env->mem, s->relay_bytes);

	if (!r) {
		*why = (struct th_failure){
			.err = TH_ERR_NO_MEMORY, .status = 503, .reason = "thimble is out of memory.", .retry_after = 5
		};
		return TH_ERR_NO_MEMORY;
	}
	r->stage = s;
	r->up.ops = &up_ops;
	r->down.ops = &down_ops;
	th_list_push(&s->open, &r->link);
	s->n_open++;
	th_flow_join(&r->up, client);
	return TH_OK;
}

void th_stage_init(struct th_stage *s, struct th_home_env *env, struct th_flow_server *below,
		   const struct th_relay_ops *ops, size_t relay_bytes)
{
	*s = (struct th_stage){
		.server.open = stage_open, .env = env, .below = below, .ops = ops, .relay_bytes = relay_bytes
	};
	th_list_init(&s->open);
	th_list_init(&s->dead);
}

void th_stage_turn(struct th_stage *s)
{
	struct th_list *l;

	while ((l = th_list_pop(&s->dead)) != NULL) {
		struct th_relay *r = TH_OWNER(l, struct th_relay, link);

		if (s->ops->buried)
			s->ops->buried(r);
		th_kept_drop(r->body);
		th_free(s->env->mem, r);
	}
}

void th_stage_free(struct th_stage *s)
{
	const struct th_failure why = { .err = TH_ERR_CANCELLED, .status = 503, .reason = "thimble is shutting down." };

	while (!th_list_empty(&s->open))
		th_relay_fail(TH_OWNER(s->open.next, struct th_relay, link), &why);
	th_stage_turn(s);
}
