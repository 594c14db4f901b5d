#include "home/lean.h"

#include "exchange/route.h"
#include "home/key.h"

enum { FILTER_MAX = 16 * 1024 };

enum what { DROP, FILTER, UPLOAD, DOWNLOAD };

struct leaned {
	struct th_relay r;
	enum what what;
	uint64_t media; /* bytes that have passed */
	bool is_media;	/* the answer is one, no error */
	/* the request, kept until its end */
	struct th_kept *request; /* owned */
	char *line;		 /* owned: method and target */
	size_t method_n, target_n;
	bool replaced; /* a narrowed filter is being sent in place of what came */
	size_t sent;
};

static struct leaned *of(struct th_relay *r)
{
	return TH_OWNER(r, struct leaned, r);
}

static struct th_lean *owner(struct th_relay *r)
{
	return TH_OWNER(r->stage, struct th_lean, stage);
}

/* ---- which ---- */

static bool is(const struct th_head *h, const char *method, const char *pattern)
{
	return th_str_eq(h->method, th_str_of(method)) && th_route_fits(pattern, h->target);
}

/* Who brings no token would get 401, and shall. */
static bool has_token(const struct th_head *h)
{
	static const struct th_str key = TH_STR_INIT("access_token=");

	if (th_head_find(h, TH_STR("Authorization")))
		return true;
	for (size_t i = th_target_path(h->target).n; i < h->target.n; i++)
		if (th_str_starts((struct th_str){ h->target.p + i, h->target.n - i }, key))
			return true;
	return false;
}

static bool is_dropped(const struct th_lean_config *c, const struct th_head *h)
{
	bool fits = (c->typing && is(h, "PUT", "client/*/rooms/*/typing/*")) ||
		    (c->receipts && (is(h, "POST", "client/*/rooms/*/receipt/*/*") ||
				     is(h, "POST", "client/*/rooms/*/read_markers"))) ||
		    (c->presence && is(h, "PUT", "client/*/presence/*/status"));

	return fits && has_token(h);
}

static bool is_upload(const struct th_head *h)
{
	return (th_str_eq(h->method, TH_STR("POST")) || th_str_eq(h->method, TH_STR("PUT"))) &&
	       th_route_fits("media/*/upload/**", h->target);
}

static bool is_download(const struct th_head *h)
{
	static const char *const patterns[] = { "client/*/media/download/**",	 "client/*/media/thumbnail/**",
						"media/*/download/**",		 "media/*/thumbnail/**",
						"federation/*/media/download/*", "federation/*/media/thumbnail/*" };

	if (!th_str_eq(h->method, TH_STR("GET")))
		return false;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (th_route_fits(patterns[i], h->target))
			return true;
	return false;
}

/* ---- the request ---- */

static bool remember(struct th_relay *r, const struct th_head *h)
{
	const struct th_mem *mem = r->stage->env->mem;
	struct leaned *l = of(r);

	l->method_n = h->method.n;
	l->target_n = h->target.n;
	l->line = th_alloc(mem, h->method.n + h->target.n + 1);
	l->request = th_kept_new(mem, h, FILTER_MAX);
	if (!l->line || !l->request)
		return false;
	memcpy(l->line, h->method.p, h->method.n);
	memcpy(l->line + h->method.n, h->target.p, h->target.n);
	return true;
}

static struct th_head request_of(const struct leaned *l)
{
	struct th_head h = th_kept_head(l->request);

	h.method = (struct th_str){ l->line, l->method_n };
	h.target = (struct th_str){ l->line + l->method_n, l->target_n };
	h.body_len = (int64_t)l->request->body.n;
	return h;
}

static void narrow_sync(struct th_relay *r, const struct th_head *h)
{
	struct th_lean *l = owner(r);
	struct th_head asking = *h;
	struct th_buf target;

	th_buf_init(&target, r->stage->env->mem, TH_TARGET_MAX);
	if (th_narrow_target(&l->config.sync, h->target, &target) == TH_OK) {
		asking.target = th_buf_str(&target);
		l->narrowed++;
	}
	th_relay_step_aside(r, &asking);
	th_buf_free(&target);
}

static void too_large(struct th_relay *r, uint16_t status)
{
	owner(r)->refused++;
	th_relay_refuse(r, status, "M_TOO_LARGE",
			"The file is larger than the administrator of this link lets through (lean-max-media).");
}

static void on_head(struct th_relay *r, const struct th_head *h)
{
	const struct th_lean_config *c = &owner(r)->config;
	struct leaned *l = of(r);

	if (th_narrow_any(&c->sync) && is(h, "GET", "client/*/sync")) {
		narrow_sync(r, h);
		return;
	}
	if (is_dropped(c, h) || (th_narrow_any(&c->sync) && is(h, "POST", "client/*/user/*/filter") &&
				 h->body_len > 0 && h->body_len <= FILTER_MAX)) {
		l->what = is_dropped(c, h) ? DROP : FILTER;
		if (!remember(r, h))
			th_relay_step_aside(r, h);
		return;
	}
	if (c->max_media > 0 && is_upload(h)) {
		l->what = UPLOAD;
		if (h->body_len > 0 && (uint64_t)h->body_len > c->max_media)
			too_large(r, 413);
		else
			th_relay_pass(r, h);
		return;
	}
	if (c->max_media > 0 && is_download(h)) {
		l->what = DOWNLOAD;
		th_relay_pass(r, h);
		return;
	}
	th_relay_step_aside(r, h);
}

static const struct th_failure no_memory = {
	.err = TH_ERR_NO_MEMORY, .status = 503, .reason = "thimble is out of memory.", .retry_after = 5
};

static size_t on_data(struct th_relay *r, const uint8_t *p, size_t n)
{
	struct leaned *l = of(r);

	switch (l->what) {
	case DROP:
		return n;
	case FILTER:
		if (th_buf_append(&l->request->body, p, n) != TH_OK)
			th_relay_fail(r, &no_memory); /* its length was announced, and fits */
		return n;
	case UPLOAD:
		if (n > owner(r)->config.max_media - l->media) {
			too_large(r, 413);
			return n;
		}
		n = th_flow_data(&r->down, p, n);
		l->media += n;
		return n;
	case DOWNLOAD:
		break;
	}
	return th_flow_data(&r->down, p, n);
}

/* The narrowed filter to the server beneath, as it takes it. */
static void send_filter(struct th_relay *r)
{
	struct leaned *l = of(r);

	while (th_flow_open(&r->down) && l->sent < l->request->body.n) {
		size_t n = l->request->body.n - l->sent;
		size_t took = th_flow_data(&r->down, th_buf_data(&l->request->body) + l->sent, n);

		l->sent += took;
		if (took < n)
			return;
	}
	th_flow_end(&r->down);
}

static void pass_filter(struct th_relay *r)
{
	struct th_lean *lean = owner(r);
	struct leaned *l = of(r);
	struct th_buf narrowed;
	struct th_head h;

	th_buf_init(&narrowed, r->stage->env->mem, FILTER_MAX);
	if (th_narrow_filter(&lean->config.sync,
			     th_buf_str(&l->request->body),
			     &narrowed) == TH_OK) {
		th_buf_free(&l->request->body);
		l->request->body = narrowed;
		lean->narrowed++;
	} else {
		th_buf_free(&narrowed);
	}
	h = request_of(l);
	l->replaced = true;
	th_relay_pass(r, &h);
	send_filter(r);
}

static void on_end(struct th_relay *r)
{
	struct leaned *l = of(r);

	if (l->what == DROP) {
		static const struct th_head done = { .status = 200, .body_len = 2 };
		struct th_head h = request_of(l);

		owner(r)->dropped++;
		th_home_tell(r->stage->env, TH_HOME_LEAN, h.method, th_route_name(h.target), &done);
		th_relay_empty(r);
	} else if (l->what == FILTER) {
		pass_filter(r);
	} else {
		th_flow_end(&r->down);
	}
}

/* ---- the answer ---- */

static void on_request_resume(struct th_relay *r)
{
	if (of(r)->replaced)
		send_filter(r);
	else
		th_flow_resume(&r->up);
}

static void on_answer_head(struct th_relay *r, const struct th_head *h)
{
	struct leaned *l = of(r);

	l->is_media = l->what == DOWNLOAD && h->status < 300;
	if (l->is_media && h->body_len > 0 && (uint64_t)h->body_len > owner(r)->config.max_media) {
		too_large(r, 502);
		return;
	}
	r->answered = true;
	th_flow_head(&r->up, h);
}

static size_t on_answer_data(struct th_relay *r, const uint8_t *p, size_t n)
{
	static const struct th_failure cut = { .err = TH_ERR_TOO_LARGE,
					       .status = 502,
					       .reason = "The file is larger than lean-max-media." };
	struct leaned *l = of(r);

	if (l->is_media && n > owner(r)->config.max_media - l->media) {
		owner(r)->refused++;
		th_relay_fail(r, &cut); /* its length was not told before: all that is left is to break off */
		return n;
	}
	n = th_flow_data(&r->up, p, n);
	if (l->is_media)
		l->media += n;
	return n;
}

static void on_buried(struct th_relay *r)
{
	struct leaned *l = of(r);

	th_kept_drop(l->request);
	th_free(r->stage->env->mem, l->line);
}

static const struct th_relay_ops ops = {
	.head = on_head,
	.data = on_data,
	.end = on_end,
	.request_resume = on_request_resume,
	.answer_head = on_answer_head,
	.answer_data = on_answer_data,
	.buried = on_buried,
};

void th_lean_init(struct th_lean *l, struct th_home_env *env, struct th_flow_server *below,
		  const struct th_lean_config *config)
{
	*l = (struct th_lean){ .config = *config };
	th_stage_init(&l->stage, env, below, &ops, sizeof(struct leaned));
}

void th_lean_set_config(struct th_lean *l, const struct th_lean_config *config)
{
	l->config = *config;
}
