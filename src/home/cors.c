#include "home/cors.h"

#include "exchange/route.h"
#include "home/preflight.h"

enum { METHOD_TEXT = 64 };

struct rule {
	struct th_list link;
	uint64_t scope;		  /* hash of the part of the API */
	struct th_home_key exact; /* the whole preflight but its target; only equal ones are answered when `exactly` */
	struct th_home_key origin;
	bool exactly, any_origin;
	th_time until;
	struct th_kept *answer; /* owned: one user */
};

struct asked {
	struct th_relay r;
	struct rule *rule;	/* owned: becomes one of the stage's when the answer is whole; NULL: nothing to learn */
	char text[METHOD_TEXT]; /* the preflight's method and headers, for the judgement of its answer */
	size_t method_n, headers_n;
	char *headers; /* owned */
};

static struct asked *of(struct th_relay *r)
{
	return TH_OWNER(r, struct asked, r);
}

static struct th_cors *owner(struct th_relay *r)
{
	return TH_OWNER(r->stage, struct th_cors, stage);
}

static void drop(struct th_cors *c, struct rule *rule)
{
	if (th_list_linked(&rule->link))
		c->n_rules--;
	th_list_remove(&rule->link);
	th_kept_drop(rule->answer);
	th_free(c->stage.env->mem, rule);
}

static void hash(const struct th_home_env *env, struct th_str what, struct th_home_key *out)
{
	struct th_digest d;

	th_digest_begin(&d);
	th_digest_bytes(&d, env->secret, sizeof(env->secret));
	th_digest_str(&d, what);
	if (!th_digest_end(&d, out->b))
		memset(out, 0, sizeof(*out));
}

/* The preflight with everything that crosses, and which part of the API it is for. */
static bool name(const struct th_home_env *env, const struct th_head *h, const struct th_preflight *p,
		 struct rule *rule)
{
	struct th_head same = *h;
	struct th_home_key scope;

	same.target = th_preflight_scope(h->target);
	hash(env, same.target, &scope);
	rule->scope = th_key_number(&scope);
	hash(env, p->origin, &rule->origin);
	return th_key_resource(env, &same, &rule->exact);
}

static bool fits(const struct rule *rule, const struct rule *asked, const struct th_preflight *p)
{
	struct th_head answer = th_kept_head(rule->answer);

	if (rule->scope != asked->scope)
		return false;
	if (th_key_eq(&rule->exact, &asked->exact))
		return true;
	return !rule->exactly && !p->more && (rule->any_origin || th_key_eq(&rule->origin, &asked->origin)) &&
	       th_preflight_covers(&answer, p->method, p->headers);
}

static struct rule *find(struct th_cors *c, const struct rule *asked, const struct th_preflight *p)
{
	th_time now = th_home_now(c->stage.env);

	TH_LIST_EACH(it, &c->rules)
	{
		struct rule *rule = TH_OWNER(it, struct rule, link);

		if (rule->until <= now) {
			drop(c, rule);
			continue;
		}
		if (!fits(rule, asked, p))
			continue;
		th_list_remove(&rule->link);
		th_list_push(&c->rules, &rule->link);
		return rule;
	}
	return NULL;
}

static void answer(struct th_relay *r, const struct th_head *request, const struct th_head *h, struct th_kept *kept)
{
	owner(r)->answered++;
	th_home_tell(r->stage->env, TH_HOME_CORS, request->method, th_route_name(request->target), h);
	th_relay_answer(r, h, kept);
}

/* Client-Server API, "Web browser clients". */
static void answer_by_spec(struct th_relay *r, const struct th_head *request)
{
	static const struct th_field fields[] = {
		{ TH_STR_INIT("Access-Control-Allow-Origin"), TH_STR_INIT("*") },
		{ TH_STR_INIT("Access-Control-Allow-Methods"), TH_STR_INIT("GET, POST, PUT, DELETE, OPTIONS") },
		{ TH_STR_INIT("Access-Control-Allow-Headers"),
		  TH_STR_INIT("X-Requested-With, Content-Type, Authorization") },
	};
	static const struct th_head h = { .status = 204, .fields = fields, .n_fields = 3 };

	answer(r, request, &h, NULL);
}

static bool in_spec(const struct th_head *h)
{
	struct th_str scope = th_preflight_scope(h->target);

	return scope.n > 0 && scope.p[scope.n - 1] == '/' && !th_str_eq(scope, h->target);
}

/* Keeps the words that on_answer_head() needs; they would be gone by then. */
static bool remember(struct th_relay *r, const struct th_preflight *p)
{
	struct asked *a = of(r);

	a->headers = th_alloc(r->stage->env->mem, p->headers.n + 1);
	if (!a->headers || p->method.n > sizeof(a->text))
		return false;
	memcpy(a->text, p->method.p, p->method.n);
	a->method_n = p->method.n;
	if (p->headers.n > 0)
		memcpy(a->headers, p->headers.p, p->headers.n);
	a->headers_n = p->headers.n;
	return true;
}

static void learn(struct th_relay *r, const struct th_head *h, const struct rule *asked, const struct th_preflight *p)
{
	struct asked *a = of(r);

	if (remember(r, p))
		a->rule = th_alloc(r->stage->env->mem, sizeof(*a->rule));
	if (a->rule) {
		*a->rule = *asked;
		a->rule->exactly = p->more;
		th_list_init(&a->rule->link);
	}
	th_relay_pass(r, h);
}

static void on_head(struct th_relay *r, const struct th_head *h)
{
	struct th_cors *c = owner(r);
	struct rule asked = { .scope = 0 };
	struct th_preflight p;
	struct rule *rule;
	struct th_head kept;

	if (c->config.mode == TH_CORS_OFF || !th_preflight_read(&p, h)) {
		th_relay_step_aside(r, h);
		return;
	}
	if (c->config.mode == TH_CORS_SPEC && in_spec(h) && !p.more) {
		answer_by_spec(r, h);
		return;
	}
	if (!name(r->stage->env, h, &p, &asked)) {
		th_relay_step_aside(r, h);
		return;
	}
	rule = find(c, &asked, &p);
	if (!rule) {
		learn(r, h, &asked, &p);
		return;
	}
	kept = th_kept_head(rule->answer);
	answer(r, h, &kept, rule->answer);
}

static void on_answer_head(struct th_relay *r, const struct th_head *h)
{
	struct asked *a = of(r);

	if (a->rule && h->status >= 200 && h->status < 300 && h->body_len <= TH_CORS_BODY_MAX)
		a->rule->answer = th_kept_new(r->stage->env->mem, h, TH_CORS_BODY_MAX);
	r->answered = true;
	th_flow_head(&r->up, h);
}

static size_t on_answer_data(struct th_relay *r, const uint8_t *p, size_t n)
{
	struct asked *a = of(r);
	size_t took = th_flow_data(&r->up, p, n);

	if (a->rule && a->rule->answer && th_buf_append(&a->rule->answer->body, p, took) != TH_OK) {
		th_kept_drop(a->rule->answer);
		a->rule->answer = NULL;
	}
	return took;
}

static void keep(struct th_relay *r)
{
	struct th_cors *c = owner(r);
	struct asked *a = of(r);
	struct rule *rule = a->rule;
	struct th_head h = th_kept_head(rule->answer);
	const struct th_preflight p = { .method = { a->text, a->method_n }, .headers = { a->headers, a->headers_n } };

	rule->any_origin = th_preflight_any_origin(&h);
	rule->exactly = rule->exactly || th_preflight_mirrors(&h, &p);
	rule->until = th_time_add(th_home_now(r->stage->env), c->config.learnt_for);
	rule->answer->body_len = (int64_t)rule->answer->body.n;
	a->rule = NULL;
	if (c->n_rules == TH_CORS_RULES)
		drop(c, TH_OWNER(c->rules.next, struct rule, link));
	th_list_push(&c->rules, &rule->link);
	c->n_rules++;
	c->learnt++;
}

static void on_answer_end(struct th_relay *r)
{
	struct asked *a = of(r);

	if (a->rule && a->rule->answer)
		keep(r);
	th_flow_end(&r->up);
}

static void on_buried(struct th_relay *r)
{
	struct asked *a = of(r);

	if (a->rule)
		drop(owner(r), a->rule);
	th_free(r->stage->env->mem, a->headers);
}

static const struct th_relay_ops ops = {
	.head = on_head,
	.answer_head = on_answer_head,
	.answer_data = on_answer_data,
	.answer_end = on_answer_end,
	.buried = on_buried,
};

void th_cors_init(struct th_cors *c, struct th_home_env *env, struct th_flow_server *below,
		  const struct th_cors_config *config)
{
	c->config = *config;
	c->n_rules = 0;
	c->answered = c->learnt = 0;
	th_list_init(&c->rules);
	th_stage_init(&c->stage, env, below, &ops, sizeof(struct asked));
}

static void forget(struct th_cors *c)
{
	while (!th_list_empty(&c->rules))
		drop(c, TH_OWNER(c->rules.next, struct rule, link));
}

void th_cors_free(struct th_cors *c)
{
	th_stage_free(&c->stage);
	forget(c);
}

void th_cors_set_config(struct th_cors *c, const struct th_cors_config *config)
{
	c->config = *config;
	if (config->mode != TH_CORS_LEARN)
		forget(c);
}
