/* Time, and what goes wrong with sides and link. */
#include "scenario/stage.h"
#include "scenario/value.h"

static bool play_advance(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	th_time by;

	return args_time(&a, "the time", &by) && args_end(&a) &&
	       stage_time_passes(s, th_time_add(s->world.net.now, by));
}

static bool play_side(struct stage *s, const struct word *w, size_t n, void (*act)(struct sim_world *world, int side))
{
	struct args a = { s, w, n, 0 };
	int side;

	if (!args_side(&a, &side) || !args_end(&a))
		return false;
	act(&s->world, side);
	return true;
}

static bool play_kill(struct stage *s, const struct word *w, size_t n)
{
	return play_side(s, w, n, sim_world_kill);
}

static bool play_start(struct stage *s, const struct word *w, size_t n)
{
	return play_side(s, w, n, sim_world_start);
}

static bool play_restart(struct stage *s, const struct word *w, size_t n)
{
	return play_kill(s, w, n) && play_start(s, w, n);
}

static bool play_rebind(struct stage *s, const struct word *w, size_t n)
{
	return play_side(s, w, n, sim_world_rebind);
}

static bool play_move(struct stage *s, const struct word *w, size_t n)
{
	return play_side(s, w, n, sim_world_move);
}

static bool play_jump(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	int side;
	th_time by;

	if (!args_side(&a, &side) || !args_time(&a, "the time", &by) || !args_end(&a))
		return false;
	sim_host_jump(&s->world.side[side].host, by);
	return true;
}

static bool play_outage(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	th_time by, now = s->world.net.now;
	bool up = true, down = true;
	int dir;

	if (!args_take(&a, "both")) {
		if (!args_dir(&a, &dir))
			return false;
		up = dir == SIM_NEAR;
		down = !up;
	}
	if (!args_time(&a, "how long", &by) || !args_end(&a))
		return false;
	if (up)
		sim_pipe_outage(&s->world.up, now, th_time_add(now, by));
	if (down)
		sim_pipe_outage(&s->world.down, now, th_time_add(now, by));
	return true;
}

static bool permille(struct args *a, const char *what, unsigned *out)
{
	struct th_str t;

	return args_text(a, what, &t) && (value_permille(t, out) || stage_fail(a->s, "%s wants a percentage", what));
}

static bool link_word(struct args *a, struct sim_profile *p)
{
	uint64_t v;

	if (args_take(a, "rate"))
		return args_number(a, "rate", &p->rate_bps);
	if (args_take(a, "latency"))
		return args_time(a, "latency", &p->latency);
	if (args_take(a, "jitter")) {
		if (!permille(a, "jitter", &p->jitter_percent))
			return false;
		p->jitter_percent /= 10;
		return true;
	}
	if (args_take(a, "loss"))
		return permille(a, "loss", &p->loss_permille);
	if (args_take(a, "dup"))
		return permille(a, "dup", &p->dup_permille);
	if (args_take(a, "reorder"))
		return permille(a, "reorder", &p->reorder_permille) && args_time(a, "by", &p->reorder_delay);
	if (args_take(a, "queue")) {
		if (!args_number(a, "queue", &v))
			return false;
		p->queue_bytes = (size_t)v;
		return true;
	}
	if (args_take(a, "burst"))
		return permille(a, "enter", &p->burst_enter_permille) &&
		       permille(a, "leave", &p->burst_leave_permille) && permille(a, "loss", &p->burst_loss_permille);
	if (args_take(a, "in-order"))
		return p->in_order = true;
	return stage_fail(a->s, "unknown word: %s", a->w[a->i].p);
}

static bool play_link(struct stage *s, const struct word *w, size_t n)
{
	struct args a = { s, w, n, 0 };
	struct sim_profile p = { 0 };
	bool both = args_take(&a, "both");
	int dir = SIM_SIDES;

	if (!both && !args_dir(&a, &dir))
		return false;
	while (a.i < n)
		if (!link_word(&a, &p))
			return false;
	if (both || dir == SIM_NEAR)
		s->world.up.profile = p;
	if (both || dir == SIM_FAR)
		s->world.down.profile = p;
	return true;
}

const struct verb fault_verbs[] = {
	{ "advance", play_advance, false, "advance TIME" },
	{ "kill", play_kill, false, "kill near|far" },
	{ "start", play_start, false, "start near|far" },
	{ "restart", play_restart, false, "restart near|far" },
	{ "rebind", play_rebind, false, "rebind near|far" },
	{ "move", play_move, false, "move near|far" },
	{ "jump", play_jump, false, "jump near|far TIME" },
	{ "outage", play_outage, false, "outage near>far|far>near|both TIME" },
	{ "link", play_link, false,
	  "link near>far|far>near|both [rate BPS] [latency TIME] [jitter %] [in-order] [loss %] [dup %] [reorder % "
	  "TIME] "
	  "[queue BYTES] [burst ENTER% LEAVE% LOSS%]" },
	{ NULL, NULL, false, NULL },
};
