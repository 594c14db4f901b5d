#include "sim/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_BUCKETS = 1 << 15, CHUNK = 4096 };

/* One exchange under way. Freed by an event after it has closed, never inside a callback. */
struct sim_conn {
	struct th_flow flow;
	struct th_list link;
	struct sim_event event; /* the answer's time; after close: the end of this struct */
	struct sim_event reader;
	struct sim_server *server;
	struct sim_rule rule;
	struct sim_seen *seen;
	struct sim_sum sum;
	size_t allowed; /* request bytes that may still be taken */
	bool headed, request_whole, owes_resume, answering, response_ended, blocked, pumping;
	size_t sent, stop_at;
	uint8_t *echo; /* owned */
	size_t echo_cap;
	char *reply; /* owned; of SIM_ASK */
};

static struct sim_conn *conn_of(struct th_flow *f)
{
	return TH_OWNER(f, struct sim_conn, flow);
}

static void bug(struct sim_server *s, const char *what)
{
	if (!s->bug)
		s->bug = what;
}

static void reap(struct sim_event *e)
{
	struct sim_conn *c = TH_OWNER(e, struct sim_conn, event);

	sim_net_cancel(c->server->net, &c->reader);
	th_list_remove(&c->link);
	free(c->echo);
	free(c->reply);
	free(c);
}

static void bury(struct sim_conn *c)
{
	c->server->open--;
	c->event.fire = reap;
	sim_net_at(c->server->net, &c->event, c->server->net->now);
}

static void fail(struct sim_conn *c, enum th_err err, uint16_t status)
{
	struct th_failure why = { .err = err, .status = status, .reason = "the fake homeserver was told to fail" };

	if (!th_flow_open(&c->flow))
		return;
	th_flow_close(&c->flow, &why);
	bury(c);
}

/* The response's body */

static void response_bytes(const struct sim_conn *c, uint8_t *out, size_t n)
{
	if (c->rule.kind == SIM_ECHO)
		memcpy(out, c->echo + c->sent, n);
	else
		sim_body_read(&c->rule.body, c->sent, out, n);
}

static void pump(struct sim_conn *c)
{
	if (c->pumping)
		return;
	c->pumping = true;
	while (th_flow_open(&c->flow) && !c->blocked && c->sent < c->stop_at) {
		uint8_t chunk[CHUNK];
		size_t n = c->stop_at - c->sent < CHUNK ? c->stop_at - c->sent : CHUNK, taken;

		response_bytes(c, chunk, n);
		c->blocked = true; /* before the call: resume may come before data returns */
		taken = th_flow_data(&c->flow, chunk, n);
		if (taken > n)
			bug(c->server, "data() took more than was offered");
		c->sent += taken;
		if (taken == n)
			c->blocked = false;
	}
	c->pumping = false;
	if (!th_flow_open(&c->flow) || c->sent < c->stop_at || c->response_ended)
		return;
	if (c->rule.kind == SIM_BREAK) {
		fail(c, c->rule.err, c->rule.status);
		return;
	}
	c->response_ended = true;
	th_flow_end(&c->flow);
}

static void answer(struct sim_event *e)
{
	struct sim_conn *c = TH_OWNER(e, struct sim_conn, event);
	size_t n = c->rule.kind == SIM_ECHO ? (size_t)c->sum.n : c->rule.body.n;
	struct th_head head = {
		.status = c->rule.status,
		.body_len = c->rule.chunked ? TH_BODY_UNKNOWN : (int64_t)n,
		.fields = c->rule.fields,
		.n_fields = c->rule.n_fields,
	};

	if (!th_flow_open(&c->flow))
		return;
	if (c->rule.kind == SIM_FAIL) {
		fail(c, c->rule.err, c->rule.status);
		return;
	}
	if (c->rule.kind == SIM_BREAK)
		head.status = 200;
	c->stop_at = c->rule.kind == SIM_BREAK ? n / 2 : n;
	c->answering = true;
	c->server->answered++;
	c->seen->answered++;
	th_flow_head(&c->flow, &head);
	pump(c);
}

static void schedule_answer(struct sim_conn *c)
{
	if (c->rule.kind == SIM_ASK) {
		c->server->ask(c->server->user, c, c->seen, c->echo, (size_t)c->sum.n);
		return;
	}
	if (c->rule.kind == SIM_STALL || c->answering || th_timer_is_set(&c->event.timer))
		return;
	c->event.fire = answer;
	sim_net_at(c->server->net, &c->event, c->server->net->now + c->rule.delay);
}

void sim_server_answer(struct sim_conn *c, uint16_t status, const char *text, size_t n)
{
	c->reply = malloc(n + 1);
	if (!c->reply)
		abort();
	memcpy(c->reply, text, n);
	c->rule.kind = SIM_ANSWER;
	c->rule.status = status;
	c->rule.body = (struct sim_body){ .text = c->reply, .n = n };
	schedule_answer(c);
}

/* Rules and the record of requests */

static bool rule_fits(const struct sim_rule *r, const char *method, const char *target)
{
	size_t n = r->target ? strlen(r->target) : 0;

	if (r->times == 0 || (r->method && strcmp(r->method, method) != 0))
		return false;
	if (!r->target)
		return true;
	if (n > 0 && r->target[n - 1] == '*')
		return strncmp(r->target, target, n - 1) == 0;
	return strcmp(r->target, target) == 0;
}

static struct sim_rule *rule_for(struct sim_server *s, const char *key)
{
	char method[TH_METHOD_MAX + 1];
	const char *space = strchr(key, ' ');
	size_t n = (size_t)(space - key);

	if (n >= sizeof(method))
		n = sizeof(method) - 1;
	memcpy(method, key, n);
	method[n] = '\0';
	for (size_t i = s->n_rules; i-- > 0;)
		if (rule_fits(&s->rules[i], method, space + 1))
			return &s->rules[i];
	return NULL;
}

static struct sim_seen *seen_find(const struct sim_server *s, const char *key)
{
	uint64_t hash = th_table_hash(&s->seen, key, strlen(key));
	struct th_slot *n = NULL;

	while ((n = th_table_next(&s->seen, hash, n)) != NULL) {
		struct sim_seen *e = TH_OWNER(n, struct sim_seen, node);

		if (strcmp(e->key, key) == 0)
			return e;
	}
	return NULL;
}

static struct sim_seen *seen_get(struct sim_server *s, const char *key)
{
	struct sim_seen *e = seen_find(s, key);

	if (e)
		return e;
	e = calloc(1, sizeof(*e) + strlen(key) + 1);
	if (!e)
		abort();
	memcpy(e->key, key, strlen(key) + 1);
	th_table_add(&s->seen, &e->node, th_table_hash(&s->seen, key, strlen(key)));
	th_list_push(&s->seen_order, &e->link);
	return e;
}

const struct sim_seen *sim_server_seen(const struct sim_server *s, const char *method, const char *target)
{
	char key[SIM_KEY_MAX];

	snprintf(key, sizeof(key), "%s %s", method, target);
	return seen_find(s, key);
}

static void keep_head(struct sim_seen *e, const struct th_head *head)
{
	size_t n = 0;

	e->head_text[0] = '\0';
	for (size_t i = 0; i < head->n_fields && n < sizeof(e->head_text); i++) {
		int len = snprintf(e->head_text + n, sizeof(e->head_text) - n, "%.*s: %.*s\n",
				   TH_STR_ARG(head->fields[i].name), TH_STR_ARG(head->fields[i].value));

		n += len > 0 ? (size_t)len : 0;
	}
}

/* The flow's verbs, as the other end calls them */

static void on_head(struct th_flow *f, const struct th_head *head)
{
	struct sim_conn *c = conn_of(f);
	struct sim_server *s = c->server;
	char key[SIM_KEY_MAX];
	struct sim_rule *rule;

	if (c->headed)
		bug(s, "a second request head");
	c->headed = true;
	snprintf(key, sizeof(key), "%.*s %.*s", TH_STR_ARG(head->method), TH_STR_ARG(head->target));
	c->seen = seen_get(s, key);
	c->seen->begun++;
	s->begun++;
	if (s->keep_heads)
		keep_head(c->seen, head);
	rule = rule_for(s, key);
	if (rule) {
		c->rule = *rule;
		if (rule->times > 0)
			rule->times--;
	} else {
		c->rule = (struct sim_rule){ .kind = SIM_ANSWER, .status = 200 };
	}
	c->allowed = c->rule.read_limit ? c->rule.read_limit : SIZE_MAX;
	if (c->rule.kind == SIM_ANSWER_EARLY)
		schedule_answer(c);
}

static void keep_echo(struct sim_conn *c, const uint8_t *p, size_t n)
{
	size_t need = (size_t)c->sum.n + n;

	if ((c->rule.kind != SIM_ECHO && c->rule.kind != SIM_ASK) || n == 0)
		return;
	if (need > c->echo_cap) {
		c->echo_cap = need * 2;
		c->echo = realloc(c->echo, c->echo_cap);
		if (!c->echo)
			abort();
	}
	memcpy(c->echo + c->sum.n, p, n);
}

static void read_again(struct sim_event *e)
{
	struct sim_conn *c = TH_OWNER(e, struct sim_conn, reader);

	c->allowed = c->rule.read_limit;
	c->owes_resume = false;
	th_flow_resume(&c->flow);
}

static size_t on_data(struct th_flow *f, const uint8_t *p, size_t n)
{
	struct sim_conn *c = conn_of(f);

	if (!c->headed)
		bug(c->server, "request data before its head");
	if (c->request_whole)
		bug(c->server, "request data after its end");
	if (c->owes_resume)
		bug(c->server, "request data while no resume() was given");
	if (n > c->allowed) {
		n = c->allowed;
		c->owes_resume = true;
		c->reader.fire = read_again;
		sim_net_at(c->server->net, &c->reader, c->server->net->now + c->rule.read_pause);
	}
	if (c->allowed != SIZE_MAX)
		c->allowed -= n;
	keep_echo(c, p, n);
	sim_sum_add(&c->sum, p, n);
	return n;
}

static void on_end(struct th_flow *f)
{
	struct sim_conn *c = conn_of(f);

	if (!c->headed)
		bug(c->server, "request end before its head");
	if (c->request_whole)
		bug(c->server, "a second request end");
	if (c->owes_resume)
		bug(c->server, "request end before everything was taken");
	c->request_whole = true;
	c->server->whole++;
	c->seen->whole++;
	c->seen->last = c->sum;
	schedule_answer(c);
}

static void on_resume(struct th_flow *f)
{
	struct sim_conn *c = conn_of(f);

	if (!c->blocked)
		bug(c->server, "resume() although nothing was refused");
	c->blocked = false;
	pump(c);
}

static void on_close(struct th_flow *f, const struct th_failure *why)
{
	struct sim_conn *c = conn_of(f);

	if (why)
		bug(c->server, "a client end closed with a failure");
	if (!c->response_ended) {
		c->server->cancelled++;
		if (c->seen)
			c->seen->cancelled++;
		if (c->rule.kind == SIM_ASK && c->request_whole)
			c->server->left(c->server->user, c);
	}
	bury(c);
}

static const struct th_flow_ops server_ops = { on_head, on_data, on_end, on_resume, on_close };

static const struct sim_rule *refusal(const struct sim_server *s)
{
	const struct sim_rule *last = s->n_rules ? &s->rules[s->n_rules - 1] : NULL;

	return last && last->kind == SIM_REFUSE ? last : NULL;
}

static enum th_err server_open(struct th_flow_server *self, struct th_flow *client, struct th_failure *why)
{
	struct sim_server *s = TH_OWNER(self, struct sim_server, server);
	const struct sim_rule *refuse = refusal(s);
	struct sim_conn *c;

	if (refuse) {
		*why = (struct th_failure){ refuse->err, refuse->status, "the fake homeserver refuses", 0 };
		return refuse->err;
	}
	if (s->open_max && s->open >= s->open_max) {
		*why = (struct th_failure){ TH_ERR_FULL, 503, "the fake homeserver is full", 1 };
		return TH_ERR_FULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->flow.ops = &server_ops;
	c->server = s;
	sim_sum_init(&c->sum);
	th_list_push(&s->conns, &c->link);
	s->open++;
	th_flow_join(&c->flow, client);
	return TH_OK;
}

void sim_server_init(struct sim_server *s, struct sim_net *net)
{
	*s = (struct sim_server){ .server = { server_open }, .net = net, .keep_heads = true };
	if (th_table_init(&s->seen, &th_mem_libc, SEEN_BUCKETS, 1) != TH_OK)
		abort();
	th_list_init(&s->seen_order);
	th_list_init(&s->conns);
}

void sim_server_crash(struct sim_server *s, enum th_err err, uint16_t status)
{
	TH_LIST_EACH(it, &s->conns)
	fail(TH_OWNER(it, struct sim_conn, link), err, status);
}

void sim_server_free(struct sim_server *s)
{
	sim_server_crash(s, TH_ERR_CLOSED, 502);
	TH_LIST_EACH(it, &s->conns)
	{
		struct sim_conn *c = TH_OWNER(it, struct sim_conn, link);

		sim_net_cancel(s->net, &c->event);
		reap(&c->event);
	}
	TH_LIST_EACH(it, &s->seen_order)
	free(TH_OWNER(it, struct sim_seen, link));
	th_table_free(&s->seen);
}

bool sim_server_rule(struct sim_server *s, const struct sim_rule *rule)
{
	if (s->n_rules == SIM_RULES_MAX)
		return false;
	s->rules[s->n_rules++] = *rule;
	return true;
}
