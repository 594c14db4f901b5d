#include "home/gate.h"

#include "exchange/route.h"

struct passing {
	struct th_relay r;
	bool waits;
	th_time since;
};

static struct passing *of(struct th_relay *r)
{
	return TH_OWNER(r, struct passing, r);
}

static struct th_gate *owner(struct th_relay *r)
{
	return TH_OWNER(r->stage, struct th_gate, stage);
}

static bool is_waiting(const struct th_gate *g, struct passing *p)
{
	return p->waits && (!g->waits || g->waits(&p->r.down));
}

/* Whether no more may wait. */
static bool is_full(const struct th_gate *g)
{
	size_t n = 0;

	if (g->config.max_waiting == 0 || g->waiting < g->config.max_waiting)
		return false;
	for (const struct th_list *l = g->stage.open.next; l != &g->stage.open; l = l->next)
		n += is_waiting(g, of(TH_OWNER(l, struct th_relay, link)));
	return n >= g->config.max_waiting;
}

/* Since when one has been waiting for the link; TH_NEVER: none is. A long poll that the ingress half holds waits for nobody. */
static th_time waiting_since(const struct th_gate *g)
{
	th_time since = TH_NEVER;

	for (const struct th_list *l = g->stage.open.next; l != &g->stage.open; l = l->next) {
		struct passing *p = of(TH_OWNER(l, struct th_relay, link));

		if (p->since < since && is_waiting(g, p))
			since = p->since;
	}
	return since;
}

static th_time silent_for(const struct th_gate *g)
{
	th_time since = waiting_since(g);

	if (since == TH_NEVER)
		return 0;
	return th_time_until(th_home_now(g->stage.env), since > g->heard ? since : g->heard);
}

bool th_gate_is_down(const struct th_gate *g)
{
	if (g->told != TH_LINK_UNKNOWN)
		return g->told == TH_LINK_DOWN;
	if (g->config.silence == TH_NEVER || th_home_now(g->stage.env) <= th_time_add(g->heard, g->config.silence))
		return false;
	return silent_for(g) > g->config.silence;
}

/* Tells each change once. */
static void judge(struct th_gate *g)
{
	bool down = th_gate_is_down(g);

	if (down == g->refusing)
		return;
	g->refusing = down;
	if (g->changed)
		g->changed(g->user, down, g->waiting, silent_for(g));
}

void th_gate_heard(struct th_gate *g)
{
	g->heard = th_home_now(g->stage.env);
	if (g->refusing)
		judge(g);
}

void th_gate_set_link(struct th_gate *g, enum th_link_state state)
{
	g->told = state;
	judge(g);
}

static void stop_waiting(struct th_relay *r)
{
	struct th_gate *g = owner(r);

	if (!of(r)->waits)
		return;
	of(r)->waits = false;
	g->waiting--;
	if (g->refusing)
		judge(g);
}

static void refuse(struct th_relay *r, const struct th_head *h, const char *reason)
{
	struct th_gate *g = owner(r);
	struct th_failure why = {
		.err = TH_ERR_FULL,
		.status = 503,
		.reason = reason,
		.retry_after = (unsigned)(g->config.retry_after / TH_SEC),
	};
	struct th_head answer = { .status = 503 };

	th_home_tell(r->stage->env, TH_HOME_GATE, h->method, th_route_name(h->target), &answer);
	th_relay_fail(r, &why);
}

static void on_head(struct th_relay *r, const struct th_head *h)
{
	struct th_gate *g = owner(r);

	judge(g);
	if (g->refusing) {
		g->refused_down++;
		refuse(r, h, "The link to the far side is down: nothing comes from it. Try again later.");
		return;
	}
	if (is_full(g)) {
		g->refused_full++;
		refuse(r, h, "Too many requests wait for the link. Try again later.");
		return;
	}
	g->waiting++;
	of(r)->since = th_home_now(r->stage->env);
	of(r)->waits = true;
	th_relay_pass(r, h);
}

static void on_answer_head(struct th_relay *r, const struct th_head *h)
{
	stop_waiting(r);
	r->answered = true;
	th_flow_head(&r->up, h);
}

static const struct th_relay_ops ops = { .head = on_head, .answer_head = on_answer_head, .closed = stop_waiting };

void th_gate_init(struct th_gate *g, struct th_home_env *env, struct th_flow_server *below,
		  const struct th_gate_config *config)
{
	*g = (struct th_gate){ .config = *config };
	th_stage_init(&g->stage, env, below, &ops, sizeof(struct passing));
}

void th_gate_set_config(struct th_gate *g, const struct th_gate_config *config)
{
	g->config = *config;
	judge(g);
}
