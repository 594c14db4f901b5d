#include "rig.h"

size_t rig_fields(char *text, struct th_field *out, size_t max)
{
	size_t n = 0;

	while (text && *text) {
		char *colon = strstr(text, ": "), *end = strchr(text, '\n');

		assert_true(colon && end && colon < end && n < max);
		out[n].name = (struct th_str){ text, (size_t)(colon - text) };
		out[n++].value = (struct th_str){ colon + 2, (size_t)(end - colon - 2) };
		text = end + 1;
	}
	return n;
}

static void note(char *to, const struct th_head *h)
{
	size_t n = 0;

	to[0] = '\0';
	for (size_t i = 0; i < h->n_fields && n < RIG_TEXT; i++)
		n += (size_t)snprintf(to + n, RIG_TEXT - n, "%.*s: %.*s\n", TH_STR_ARG(h->fields[i].name),
				      TH_STR_ARG(h->fields[i].value));
}

/* ---- client ---- */

static struct rig_client *client_of(struct th_flow *f)
{
	return TH_OWNER(f, struct rig_client, flow);
}

static void client_head(struct th_flow *f, const struct th_head *h)
{
	struct rig_client *c = client_of(f);

	assert_false(c->head);
	assert_true(h->status >= 200 && h->status < 600);
	c->head = true;
	c->status = h->status;
	c->body_len = h->body_len;
	note(c->fields, h);
}

static size_t client_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct rig_client *c = client_of(f);
	size_t take = n < c->take ? n : c->take;

	assert_true(c->head && !c->ended);
	assert_false(c->refused); /* data after less was taken, before resume */
	assert_int_equal(th_buf_append(&c->body, p, take), TH_OK);
	c->take -= c->take == SIZE_MAX ? 0 : take;
	c->refused = take < n;
	return take;
}

static void client_maybe_close(struct rig_client *c)
{
	if (!c->ended || (c->patient && !c->request_done))
		return;
	c->closed = true;
	th_flow_close(&c->flow, NULL);
}

static void client_end(struct th_flow *f)
{
	struct rig_client *c = client_of(f);

	assert_true(c->head && !c->ended && !c->refused);
	if (c->body_len != TH_BODY_UNKNOWN)
		assert_int_equal(c->body.n, c->body_len);
	c->ended = true;
	client_maybe_close(c);
}

static void client_resume(struct th_flow *f)
{
	(void)f;
}

static void client_close(struct th_flow *f, const struct th_failure *why)
{
	struct rig_client *c = client_of(f);

	assert_false(c->closed);
	assert_non_null(why); /* the server end closes to fail only */
	c->closed = true;
	c->why = *why;
	snprintf(c->reason, sizeof(c->reason), "%s", why->reason);
	c->why.reason = c->reason;
}

static const struct th_flow_ops client_ops = { client_head, client_data, client_end, client_resume, client_close };

void rig_open(struct rig_client *c, struct th_flow_server *server)
{
	*c = (struct rig_client){ .flow.ops = &client_ops, .take = SIZE_MAX };
	th_buf_init(&c->body, &th_mem_libc, 64 << 20);
	if (server->open(server, &c->flow, &c->why) != TH_OK)
		c->closed = true;
}

void rig_head(struct rig_client *c, const char *method, const char *target, const char *fields, int64_t body_len)
{
	char *text = strdup(fields);
	struct th_field f[64];
	struct th_head h = {
		.method = th_str_of(method), .target = th_str_of(target), .body_len = body_len, .fields = f
	};

	h.n_fields = rig_fields(text, f, UNIT_COUNT(f));
	th_flow_head(&c->flow, &h);
	memset(text, 'x', strlen(text)); /* borrowed during the call only */
	free(text);
}

void rig_end(struct rig_client *c)
{
	c->request_done = true;
	th_flow_end(&c->flow);
	if (!c->closed)
		client_maybe_close(c);
}

void rig_send(struct rig_client *c, struct th_flow_server *server, const char *method, const char *target,
	      const char *fields, const char *body)
{
	rig_open(c, server);
	rig_head(c, method, target, fields, body ? (int64_t)strlen(body) : 0);
	if (body)
		assert_int_equal(th_flow_data(&c->flow, (const uint8_t *)body, strlen(body)), strlen(body));
	rig_end(c);
}

void rig_leave(struct rig_client *c)
{
	assert_false(c->closed);
	c->closed = true;
	th_flow_close(&c->flow, NULL);
}

void rig_read(struct rig_client *c, size_t n)
{
	c->take += c->take == SIZE_MAX ? 0 : n;
	if (!c->refused)
		return;
	c->refused = false;
	th_flow_resume(&c->flow);
}

void rig_client_free(struct rig_client *c)
{
	assert_true(c->closed);
	snprintf(c->text, sizeof(c->text), "%.*s", (int)c->body.n,
		 c->body.n ? (const char *)th_buf_data(&c->body) : "");
	th_buf_free(&c->body);
}

void rig_got(const struct rig_client *c, unsigned status, const char *body)
{
	const char *got = c->body.n ? (const char *)th_buf_data(&c->body) : c->text;
	size_t n = c->body.n ? c->body.n : strlen(c->text);

	if (!c->ended || c->status != status || n != strlen(body) || memcmp(got, body, n) != 0)
		fail_msg("wanted %u \"%s\", got %u \"%.*s\"%s, err %d", status, body, c->status, (int)n, got,
			 c->ended ? "" : " (not ended)", c->why.err);
	assert_true(c->closed);
}

void rig_waits(const struct rig_client *c)
{
	assert_false(c->head);
	assert_false(c->closed);
}

/* ---- server ---- */

static struct rig_call *call_of(struct th_flow *f)
{
	return TH_OWNER(f, struct rig_call, flow);
}

static void server_head(struct th_flow *f, const struct th_head *h)
{
	struct rig_call *x = call_of(f);

	assert_false(x->head);
	x->head = true;
	snprintf(x->method, sizeof(x->method), "%.*s", TH_STR_ARG(h->method));
	snprintf(x->target, sizeof(x->target), "%.*s", TH_STR_ARG(h->target));
	note(x->fields, h);
	x->body_len = h->body_len;
}

static size_t server_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct rig_call *x = call_of(f);

	assert_true(x->head && !x->ended);
	if (x->server->take && n > x->server->take)
		n = x->server->take;
	assert_int_equal(th_buf_append(&x->body, p, n), TH_OK);
	return n;
}

static void server_end(struct th_flow *f)
{
	struct rig_call *x = call_of(f);

	assert_true(x->head && !x->ended);
	if (x->body_len >= 0)
		assert_int_equal(x->body.n, x->body_len);
	x->ended = true;
	if (x->server->at_end)
		x->server->at_end(x, x->server->user);
}

static void push(struct rig_call *x)
{
	while (x->out.n > 0 && th_flow_open(&x->flow)) {
		size_t took = th_flow_data(&x->flow, th_buf_data(&x->out), x->out.n);
		bool all = took == x->out.n;

		th_buf_consume(&x->out, took);
		if (!all)
			return;
	}
	if (!x->out_end || x->answer_ended || !th_flow_open(&x->flow))
		return;
	x->answer_ended = true;
	th_flow_end(&x->flow);
}

static void server_resume(struct th_flow *f)
{
	push(call_of(f));
}

static void server_close(struct th_flow *f, const struct th_failure *why)
{
	struct rig_call *x = call_of(f);

	assert_false(x->closed);
	assert_null(why);
	x->closed = true;
	x->server->open--;
}

static enum th_err server_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{
	static const struct th_flow_ops ops = { server_head, server_data, server_end, server_resume, server_close };
	struct rig_server *s = TH_OWNER(self, struct rig_server, server);
	struct rig_call *x;

	if (s->refuse.err) {
		*why = s->refuse;
		return s->refuse.err;
	}
	assert_true(s->n < RIG_CALLS);
	x = calloc(1, sizeof(*x));
	assert_non_null(x);
	x->flow.ops = &ops;
	x->server = s;
	th_buf_init(&x->body, &th_mem_libc, 64 << 20);
	th_buf_init(&x->out, &th_mem_libc, 64 << 20);
	s->calls[s->n++] = x;
	s->open++;
	th_flow_join(client, &x->flow);
	return TH_OK;
}

void rig_server_init(struct rig_server *s)
{
	memset(s, 0, sizeof(*s));
	s->server.open = server_open;
}

void rig_server_free(struct rig_server *s)
{
	assert_int_equal(s->open, 0);
	for (size_t i = 0; i < s->n; i++) {
		th_buf_free(&s->calls[i]->body);
		th_buf_free(&s->calls[i]->out);
		free(s->calls[i]);
	}
}

void rig_answer_head(struct rig_call *x, unsigned status, const char *fields, int64_t body_len)
{
	char *text = strdup(fields);
	struct th_field f[64];
	struct th_head h = { .status = (uint16_t)status, .body_len = body_len, .fields = f };

	assert_false(x->answered);
	x->answered = true;
	h.n_fields = rig_fields(text, f, UNIT_COUNT(f));
	th_flow_head(&x->flow, &h);
	memset(text, 'x', strlen(text));
	free(text);
}

void rig_answer_data(struct rig_call *x, const void *p, size_t n)
{
	assert_int_equal(th_buf_append(&x->out, p, n), TH_OK);
	push(x);
}

void rig_answer_end(struct rig_call *x)
{
	x->out_end = true;
	push(x);
}

void rig_answer_bytes(struct rig_call *x, unsigned status, const char *fields, const void *body, size_t n, bool tell)
{
	rig_answer_head(x, status, fields, tell ? (int64_t)n : TH_BODY_UNKNOWN);
	x->out_end = true;
	rig_answer_data(x, body, n);
}

void rig_answer(struct rig_call *x, unsigned status, const char *fields, const char *body)
{
	rig_answer_bytes(x, status, fields, body, strlen(body), true);
}

void rig_fail(struct rig_call *x, enum th_err err, unsigned status)
{
	const struct th_failure why = { .err = err, .status = (uint16_t)status, .reason = "It failed." };

	assert_false(x->closed);
	x->closed = true;
	x->server->open--;
	th_flow_close(&x->flow, &why);
}

/* ---- surroundings ---- */

void rig_on_report(void *user, const struct th_home_report *r)
{
	struct rig_env *e = user;

	e->reports++;
	e->last_by = r->by;
	e->last_status = r->status;
	e->last_bytes = r->http_bytes;
}

void rig_env_init(struct rig_env *e, const struct th_mem *mem)
{
	memset(e, 0, sizeof(*e));
	e->now = 1000 * TH_SEC;
	e->env = (struct th_home_env){
		.mem = mem, .now = &e->now, .policy = &e->policy, .seed = 7, .report = rig_on_report, .user = e
	};
	memset(e->env.secret, 9, sizeof(e->env.secret));
}
