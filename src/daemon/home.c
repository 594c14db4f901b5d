#include "daemon/home.h"

#include <inttypes.h>

#include "base/log.h"

/* ---- the loop ---- */

static void turn(struct th_home_wire *w)
{
	th_time at = TH_NEVER;

	if (w->far)
		th_home_far_turn(w->far);
	if (w->near) {
		th_home_turn(w->near);
		at = th_home_deadline(w->near);
	}
	if (at == TH_NEVER)
		th_loop_cancel(w->loop, &w->alarm);
	else if (!th_timer_is_set(&w->alarm.timer) || w->alarm.timer.at != at)
		th_loop_alarm(w->loop, &w->alarm, at);
}

static void on_hook(struct th_hook *h, th_time now)
{
	(void)now;
	turn(TH_OWNER(h, struct th_home_wire, hook));
}

static void on_alarm(struct th_alarm *a, th_time now)
{
	/* It only wakes the loop: the hook does the work. */
	(void)a;
	(void)now;
}

void th_home_wire_init(struct th_home_wire *w, struct th_loop *loop)
{
	*w = (struct th_home_wire){ .loop = loop, .hook.run = on_hook, .alarm.fire = on_alarm };
	th_list_init(&w->hook.link);
}

void th_home_wire_start(struct th_home_wire *w)
{
	th_loop_hook(w->loop, &w->hook);
}

/* ---- the log ---- */

static void on_report(void *user, const struct th_home_report *r)
{
	(void)user;
	th_log(TH_LOG_INFO, "home", "by=%s route=%s method=%.*s status=%u http_down=%" PRIu64, th_home_by_text(r->by),
	       r->route, TH_STR_ARG(r->method), (unsigned)r->status, r->http_bytes);
}

static void on_link(void *user, bool down, size_t waiting, th_time silent)
{
	const struct th_home_wire *w = user;

	if (down)
		th_log(TH_LOG_WARN, "link_down",
		       "waiting=%zu silent_ms=%" PRIu64
		       " hint=\"new requests get 503 until the far side is heard again\"",
		       waiting, silent / TH_MS);
	else
		th_log(TH_LOG_INFO, "link_up", "waiting=%zu", waiting);
	if (down && w->on_down)
		w->on_down(w->user);
}

void th_home_wire_stats(const struct th_home_wire *w)
{
	struct th_home_stats s;

	if (!w->near)
		return;
	th_home_stats(w->near, &s);
	th_log(TH_LOG_INFO, "stats",
	       "part=home cors=%" PRIu64 " cache=%" PRIu64 " join=%" PRIu64 " lean=%" PRIu64 " refused_down=%" PRIu64
	       " refused_full=%" PRIu64 " waiting=%zu",
	       s.answered[TH_HOME_CORS], s.answered[TH_HOME_CACHE], s.answered[TH_HOME_JOIN], s.answered[TH_HOME_LEAN],
	       s.gate_down, s.gate_full, s.waiting);
	th_log(TH_LOG_INFO, "stats",
	       "part=cache entries=%zu bytes=%zu hits=%" PRIu64 " revalidated=%" PRIu64 " changed=%" PRIu64
	       " stored=%" PRIu64 " evicted=%" PRIu64 " invalidated=%" PRIu64,
	       s.cache_entries, s.cache_bytes, s.cache.hits, s.cache.revalidated, s.cache.changed, s.cache.stored,
	       s.cache_evicted, s.cache_invalidated);
	th_log(TH_LOG_INFO, "stats",
	       "part=retry open=%zu kept=%zu kept_bytes=%zu joined=%" PRIu64 " returned=%" PRIu64 " orphaned=%" PRIu64
	       " expired=%" PRIu64 " cancelled=%" PRIu64,
	       s.join.open, s.join.kept, s.join.kept_bytes, s.join.joined, s.join.returned, s.join.orphaned,
	       s.join.expired, s.join.cancelled);
}

/* ---- life ---- */

struct th_flow_server *th_home_wire_near(struct th_home_wire *w, const struct th_mem *mem, const struct th_options *o,
					 struct th_flow_server *node)
{
	w->near = th_home_new(mem, &th_rng_system, th_loop_clock(w->loop), &o->policy, &o->home, node);
	if (!w->near)
		return NULL;
	th_home_set_report(w->near, on_report, NULL);
	th_home_set_has_left(w->near, th_node_has_left);
	th_home_gate(w->near)->changed = on_link;
	th_home_gate(w->near)->user = w;
	th_home_gate(w->near)->waits = th_node_waits;
	return th_home_server(w->near);
}

struct th_flow_server *th_home_wire_far(struct th_home_wire *w, const struct th_mem *mem, const struct th_options *o,
					struct th_flow_server *upstream)
{
	w->far = th_home_far_new(mem, th_loop_clock(w->loop), &o->policy, &o->home, upstream);
	return w->far ? th_home_far_server(w->far) : NULL;
}

void th_home_wire_heard(struct th_home_wire *w)
{
	if (w->near)
		th_gate_heard(th_home_gate(w->near));
}

void th_home_wire_reload(struct th_home_wire *w, const struct th_options *o)
{
	if (w->near)
		th_home_set_config(w->near, &o->home);
	if (w->far)
		th_home_far_set_config(w->far, &o->home);
}

void th_home_wire_drain(struct th_home_wire *w)
{
	if (w->near)
		th_home_drain(w->near);
}

void th_home_wire_free_near(struct th_home_wire *w)
{
	th_home_del(w->near);
	w->near = NULL;
}

void th_home_wire_free_far(struct th_home_wire *w)
{
	if (!w->loop)
		return;
	th_loop_cancel(w->loop, &w->alarm);
	th_list_remove(&w->hook.link);
	th_home_far_del(w->far);
	w->far = NULL;
}
