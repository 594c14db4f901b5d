#include "home/gate.h"

#include "exchange/route.h"

struct passing {
	struct th_relay r;
	bool waits;
};

static struct passing *of(struct th_relay *r)
{
	return TH_OWNER(r, struct passing, r);
}

static struct th_gate *owner(struct th_relay *r)
{
	return TH_OWNER(r->stage, struct th_gate, stage);
}

static th_time silent_for(const struct th_gate *g)
{
	th_time since = g->heard > g->waiting_since ? g->heard : g->waiting_since;

	return g->waiting > 0 ? th_time_until(th_home_now(g->stage.env), since) : 0;
}

bool th_gate_is_down(const struct th_gate *g)
{
	if (g->told != TH_LINK_UNKNOWN)
		return g->told == TH_LINK_DOWN;
	return g->config.silence != TH_NEVER && silent_for(g) > g->config.silence;
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
	if (g->config.max_waiting > 0 && g->waiting >= g->config.max_waiting) {
		g->refused_full++;
		refuse(r, h, "Too many requests wait for the link. Try again later.");
		return;
	}
	if (g->waiting++ == 0)
		g->waiting_since = th_home_now(r->stage->env);
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
