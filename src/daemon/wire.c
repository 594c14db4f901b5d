#include "daemon/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/loop.h"
#include "daemon/explain_feed.h"
#include "daemon/home.h"
#include "daemon/identity.h"
#include "daemon/peer.h"
#include "program/process.h"
#include "program/rest.h"
#include "daemon/reload.h"
#include "daemon/report.h"
#include "program/signals.h"
#include "program/sink.h"
#include "link/udp.h"
#include "proxy/node.h"

#define WALL_EVERY (60 * TH_SEC)
#define REST_AFTER (10 * TH_SEC)
#define START_REST_AFTER (TH_SEC / 2)

enum { SPARE_DESCRIPTORS = 32, STATUS_SYSTEM = 1, STATUS_SETTING = 2 };

struct th_wire {
	const struct th_mem *mem; /* borrowed */
	struct th_options o;
	struct th_identity identity; /* unused in the plain profile */
	int argc;
	char *const *argv; /* borrowed */

	struct th_loop *loop; /* this and the following are owned; listener or upstream is NULL when its half is off */
	struct th_signals signals;
	struct th_udp *udp;
	struct th_upstream *upstream;
	struct th_node *node;
	struct th_listener *listener;
	struct th_explain_feed *feed; /* NULL unless it is asked for */
	struct th_peer peer;
	struct th_home_wire home;

	struct th_alarm tick, wall;
	struct th_alarm rest; /* set while something has happened since the last rest */
	bool active;	      /* since that was set */
	struct th_hook hook;
	uint8_t *out;	   /* owned */
	size_t out_cap;
	size_t out_n;	   /* a datagram in it that the system did not take yet; 0 for none */
	struct th_addr to; /* where that goes */

	bool draining;
	struct th_alarm drain_end;
};

/* ---- datagrams and time ---- */

static void hear(struct th_wire *w)
{
	th_home_wire_heard(&w->home);
	th_peer_heard(&w->peer);
}

static void on_datagram(void *user, const struct th_addr *from, const uint8_t *p, size_t n)
{
	struct th_wire *w = user;

	w->active = true;
	if (th_node_rx(w->node, from, p, n))
		hear(w);
}

/* Sends until the node has nothing more or the system takes nothing more. */
static void flush(void *user)
{
	struct th_wire *w = user;

	for (;;) {
		if (w->out_n == 0)
			w->out_n = th_node_tx(w->node, &w->to, w->out, w->out_cap);
		if (w->out_n == 0 || th_udp_send(w->udp, &w->to, w->out, w->out_n) == TH_ERR_FULL)
			return;
		w->out_n = 0;
	}
}

static const struct th_udp_ops udp_ops = { .rx = on_datagram, .writable = flush };

static void on_tick(struct th_alarm *a, th_time now)
{
	struct th_wire *w = TH_OWNER(a, struct th_wire, tick);

	(void)now;
	th_node_tick(w->node);
}

/* An idle daemon has no timers of this: the next datagram sets it again. */
static void on_rest(struct th_alarm *a, th_time now)
{
	struct th_wire *w = TH_OWNER(a, struct th_wire, rest);

	(void)now;
	if (w->active)
		return; /* it is set anew after this batch */
	th_node_rest(w->node);
	th_process_rest();
}

/* The system's clock may be set while we run. */
static void on_wall(struct th_alarm *a, th_time now)
{
	struct th_wire *w = TH_OWNER(a, struct th_wire, wall);
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) == 0 && ts.tv_sec > 0)
		th_node_wall(w->node, (uint64_t)ts.tv_sec);
	th_loop_alarm(w->loop, &w->wall, th_time_add(now, WALL_EVERY));
}

static bool idle(const struct th_wire *w)
{
	struct th_listener_stats l = { .connections = 0 };
	struct th_node_stats n;

	if (w->listener)
		th_listener_stats(w->listener, &l);
	th_node_stats(w->node, &n);
	return l.connections == 0 && n.ingress_open == 0 && n.egress_open == 0 && w->out_n == 0;
}

/* Runs last of the hooks: what the others caused is sent in the same batch. */
static void on_batch(struct th_hook *h, th_time now)
{
	struct th_wire *w = TH_OWNER(h, struct th_wire, hook);
	th_time at;

	flush(w);
	if (w->active && !th_timer_is_set(&w->rest.timer)) {
		w->active = false;
		th_loop_alarm(w->loop, &w->rest, th_time_add(now, REST_AFTER));
	}
	at = th_node_deadline(w->node);
	if (at == TH_NEVER)
		th_loop_cancel(w->loop, &w->tick);
	else if (!th_timer_is_set(&w->tick.timer) || w->tick.timer.at != at)
		th_loop_alarm(w->loop, &w->tick, at);
	if (w->draining && idle(w))
		th_loop_stop(w->loop);
}

/* ---- signals ---- */

static void on_drain_end(struct th_alarm *a, th_time now)
{
	struct th_wire *w = TH_OWNER(a, struct th_wire, drain_end);
	struct th_node_stats n;

	(void)now;
	th_node_stats(w->node, &n);
	th_log(TH_LOG_WARN, "drain",
	       "done=false ingress_open=%zu egress_open=%zu hint=\"drain-timeout is over, they are cut\"",
	       n.ingress_open, n.egress_open);
	th_loop_stop(w->loop);
}

static void finish(struct th_wire *w, int signal)
{
	if (w->draining) {
		th_log(TH_LOG_WARN, "stop", "signal=%d hint=\"second signal, not waiting\"", signal);
		th_loop_stop(w->loop);
		return;
	}
	th_log(TH_LOG_INFO, "drain", "signal=%d timeout_ms=%" PRIu64, signal, w->o.drain_timeout / TH_MS);
	w->draining = true;
	th_home_wire_drain(&w->home);
	th_node_drain(w->node);
	if (w->listener)
		th_listener_drain(w->listener);
	if (th_loop_alarm(w->loop, &w->drain_end, th_time_add(th_loop_now(w->loop), w->o.drain_timeout)) != TH_OK)
		th_loop_stop(w->loop);
}

static void allow_descriptors(const struct th_wire *w)
{
	size_t wanted = SPARE_DESCRIPTORS, got;

	wanted += w->listener ? w->o.listener.connections : 0;
	wanted += w->upstream ? w->o.upstream.connections : 0;
	got = th_process_descriptors(wanted);
	if (got < wanted)
		th_log(TH_LOG_WARN, "descriptors",
		       "wanted=%zu limit=%zu hint=\"raise the open files limit, or lower http-max-connections\"",
		       wanted, got);
}

static void reread(struct th_wire *w)
{
	if (th_reload(&w->o, w->argc, w->argv) != TH_OK)
		return;
	th_sink_set_debug(w->o.debug_log);
	allow_descriptors(w);
	th_node_set_policy(w->node, &w->o.policy);
	th_home_wire_reload(&w->home, &w->o);
	if (w->listener)
		th_listener_set_limits(w->listener, &w->o.listener);
	if (w->upstream)
		th_upstream_set_limits(w->upstream, &w->o.upstream);
	if (th_options_ingress(&w->o))
		th_peer_set(&w->peer, &w->o.coap_target);
}

static void on_signal(void *user, int signal)
{
	struct th_wire *w = user;

	switch (signal) {
	case SIGHUP:
		reread(w);
		break;
	case SIGUSR1:
		th_report_stats(w->listener, w->upstream, w->node);
		th_home_wire_stats(&w->home);
		break;
	default:
		finish(w, signal);
	}
}

/* ---- start ---- */

/* What errno has to say is said by it, the rest by the error's own phrase. */
static const char *reason(enum th_err err)
{
	return err == TH_ERR_IO ? strerror(errno) : th_strerror(err);
}

static const char *advice(enum th_err err, const char *what)
{
	if (err != TH_ERR_IO)
		return "";
	switch (errno) {
	case EADDRINUSE:
		return strcmp(what, "http") == 0
			       ? " (another program listens there; end it, or choose another http-port)"
			       : " (another program has it; end it, or choose another coap-port)";
	case EACCES:
		return " (ports below 1024 need CAP_NET_BIND_SERVICE)";
	case EADDRNOTAVAIL:
		return strcmp(what, "http") == 0 ? " (this machine has no such address; see http-bind-host)"
						 : " (this machine has no such address; see coap-bind-host)";
	default:
		return "";
	}
}

static bool start_link(struct th_wire *w, struct th_complaints *c)
{
	const char *host = th_options_coap_bind(&w->o);
	uint16_t port = th_options_coap_port(&w->o);
	struct th_addr local;
	char text[TH_ADDR_TEXT];
	enum th_err err = TH_OK;

	w->out_cap = w->o.disable_encryption ? w->o.coap.max_message : TH_SESSION_DATAGRAM_MAX;
	w->out = th_alloc(w->mem, w->out_cap);
	w->udp = w->out ? th_udp_new(w->loop, w->mem, host, port, &udp_ops, w, &err) : NULL;
	if (!w->udp) {
		th_complain(c, "cannot open UDP port %u on %s: %s%s", (unsigned)port, host, reason(err),
			    advice(err, "coap"));
		return false;
	}
	local = th_udp_local(w->udp);
	th_log(TH_LOG_INFO, "listening", "part=link addr=%s profile=%s", th_addr_text(&local, text),
	       w->o.disable_encryption ? "plain" : "noise");
	return true;
}

static bool start_upstream(struct th_wire *w, struct th_complaints *c, int *status)
{
	const char *ca = w->o.http_target_ca[0] ? w->o.http_target_ca : NULL;
	enum th_err err = TH_OK;

	if (!th_options_egress(&w->o))
		return true;
	w->upstream = th_upstream_new(w->loop, w->mem, w->o.http_target, ca, &w->o.upstream, &err);
	if (w->upstream) {
		th_log(TH_LOG_INFO, "serving", "part=upstream target=%s", w->o.http_target);
		return true;
	}
	if (err == TH_ERR_INVALID)
		th_complain(c, "http-target = %s: is not a usable URL", w->o.http_target);
	else if (err == TH_ERR_TLS)
		th_complain(c, "http-target-ca = %s: cannot be used; it must be a readable file of PEM certificates",
			    ca ? ca : "(the system's)");
	else
		th_complain(c, "cannot prepare calls to %s: %s", w->o.http_target, reason(err));
	*status = err == TH_ERR_INVALID || err == TH_ERR_TLS ? STATUS_SETTING : STATUS_SYSTEM;
	return false;
}

static bool on_trust(void *user, const uint8_t key[TH_NOISE_DH], char why[TH_SECURE_WHY])
{
	const struct th_wire *w = user;

	return th_identity_trust(&w->identity, &w->peer.target, key, why, TH_SECURE_WHY);
}

static bool on_persist(void *user, uint64_t mark)
{
	const struct th_wire *w = user;

	return th_identity_mark(&w->identity, mark);
}

/* Borrows from `w`. */
static struct th_secure_config secure_config(struct th_wire *w)
{
	struct th_secure_config c = {
		.identify = w->o.identify,
		.keepalive = w->o.keepalive,
		.trust = on_trust,
		.persist = on_persist,
		.user = w,
	};
	struct th_sessions_config *s = &c.sessions;

	th_sessions_config_default(s);
	s->own = &w->identity.own;
	s->psk = w->identity.has_psk ? &w->identity.psk : NULL;
	s->allow = (const uint8_t(*)[TH_NOISE_DH])w->o.allow.key;
	s->allow_n = w->o.allow.n;
	s->accept = th_options_egress(&w->o);
	/* XX shows nothing of who asks in its first message, a psk aside. */
	s->accept_xx = s->accept && !w->o.known_key_only && (w->o.allow.n == 0 || w->identity.has_psk);
	s->cids = s->accept;
	s->tag_len = w->o.tag_length ? TH_RECORD_TAG_LONG : TH_RECORD_TAG;
	s->sessions_max = w->o.max_sessions;
	s->early_mark = w->identity.mark;
	s->patience = w->o.coap.piggyback_patience;
	s->rekey_age = w->o.rekey_after;
	s->idle = w->o.session_lifetime;
	return c;
}

static struct th_link_profile link_profile(const struct th_options *o)
{
	return (struct th_link_profile){
		.up_bps = o->link_up,
		.down_bps = o->link_down,
		.latency = o->link_latency,
		.jitter_percent = o->link_jitter,
		.loss_percent = o->link_loss,
		.mtu = o->link_mtu,
		.ours = o->link_ours,
	};
}

static bool start_node(struct th_wire *w, struct th_complaints *c)
{
	struct th_secure_config secure = secure_config(w);
	struct th_node_config config = {
		.coap = w->o.coap,
		.now = th_loop_clock(w->loop),
		.ingress = th_options_ingress(&w->o),
		.sync_push = w->o.sync_push,
		.sync_check = w->o.sync_check,
		.secure = w->o.disable_encryption ? NULL : &secure,
		.link = link_profile(&w->o),
		.policy = w->o.policy,
		.padding = w->o.padding,
		.no_model = !w->o.model,
		.report = th_report_log,
	};

	if (w->upstream)
		config.upstream = th_home_wire_far(&w->home, w->mem, &w->o, th_upstream_server(w->upstream));
	if (!w->upstream || config.upstream)
		w->node = th_node_new(w->mem, &th_rng_system, &config);
	if (!w->node) {
		th_complain(c, "cannot start: %s", th_strerror(TH_ERR_NO_MEMORY));
		return false;
	}
	w->wall.fire = on_wall;
	on_wall(&w->wall, th_loop_now(w->loop));
	return true;
}

static bool start_feed(struct th_wire *w, struct th_complaints *c)
{
	if (!w->o.explain_socket[0])
		return true;
	w->feed = th_explain_feed_new(w->loop, w->mem, w->node, w->o.explain_socket, c);
	return w->feed != NULL;
}

static bool start_listener(struct th_wire *w, struct th_complaints *c)
{
	struct th_flow_server *server;
	enum th_err err = TH_ERR_NO_MEMORY;

	if (!th_options_ingress(&w->o))
		return true;
	server = th_home_wire_near(&w->home, w->mem, &w->o, th_node_server(w->node));
	if (server)
		w->listener = th_listener_new(w->loop, w->mem, w->o.http_bind_host, w->o.http_port, &w->o.listener,
					      server, &err);
	if (!w->listener) {
		th_complain(c, "cannot listen for HTTP on port %u of %s: %s%s", (unsigned)w->o.http_port,
			    w->o.http_bind_host, reason(err), advice(err, "http"));
		return false;
	}
	th_log(TH_LOG_INFO, "listening", "part=http host=%s port=%u", w->o.http_bind_host,
	       (unsigned)th_listener_port(w->listener));
	return true;
}

static void on_down(void *user)
{
	struct th_wire *w = user;

	th_peer_silent(&w->peer);
}

static void start_peer(struct th_wire *w)
{
	w->peer.loop = w->loop;
	w->peer.mem = w->mem;
	w->peer.node = w->node;
	w->peer.identity = w->o.disable_encryption ? NULL : &w->identity;
	w->peer.local = th_udp_local(w->udp);
	w->peer.only_loopback = w->o.disable_encryption;
	th_peer_init(&w->peer);
	w->home.on_down = on_down;
	w->home.user = w;
	if (!th_options_ingress(&w->o))
		return;
	if (!w->o.coap_target.host[0])
		th_log(TH_LOG_WARN, "no_peer",
		       "hint=\"without coap-target HTTP clients get 502; only-coap turns their half off\"");
	th_peer_set(&w->peer, &w->o.coap_target);
}

static bool start_identity(struct th_wire *w, struct th_complaints *c, int *status)
{
	enum th_err err = TH_OK;

	if (!w->o.disable_encryption)
		err = th_identity_load(&w->identity, &w->o, &th_rng_system, c);
	if (err == TH_ERR_INVALID || err == TH_ERR_MALFORMED)
		*status = STATUS_SETTING;
	return err == TH_OK;
}

static bool start_loop(struct th_wire *w, struct th_complaints *c)
{
	w->loop = th_loop_new(w->mem);
	w->signals.got = on_signal;
	w->signals.user = w;
	if (w->loop && th_signals_init(&w->signals, w->loop) == TH_OK) {
		th_home_wire_init(&w->home, w->loop);
		return true;
	}
	th_complain(c, "cannot start: %s", strerror(errno));
	return false;
}

struct th_wire *th_wire_new(const struct th_mem *mem, const struct th_options *o, int argc, char *const argv[],
			    struct th_complaints *c, int *status)
{
	struct th_wire *w = th_alloc(mem, sizeof(*w));

	*status = STATUS_SYSTEM;
	if (!w) {
		th_complain(c, "cannot start: %s", th_strerror(TH_ERR_NO_MEMORY));
		return NULL;
	}
	w->mem = mem;
	w->o = *o;
	w->argc = argc;
	w->argv = argv;
	w->tick.fire = on_tick;
	w->rest.fire = on_rest;
	w->drain_end.fire = on_drain_end;
	w->hook.run = on_batch;
	th_list_init(&w->hook.link);
	if (!start_identity(w, c, status) || !start_loop(w, c) || !start_link(w, c) || !start_upstream(w, c, status) || !start_node(w, c) ||
	    !start_feed(w, c) || !start_listener(w, c)) {
		th_wire_del(w);
		return NULL;
	}
	start_peer(w);
	allow_descriptors(w);
	th_home_wire_start(&w->home);
	th_loop_hook(w->loop, &w->hook);
	th_loop_alarm(w->loop, &w->rest,
		      th_time_add(th_loop_now(w->loop), START_REST_AFTER)); /* the start was something, too */
	return w;
}

/* In the order that lets each part still reach what it borrows. */
void th_wire_del(struct th_wire *w)
{
	if (!w)
		return;
	if (w->listener)
		th_listener_del(w->listener);
	th_home_wire_free_near(&w->home);
	th_explain_feed_del(w->feed);
	if (w->node) {
		th_peer_free(&w->peer);
		th_node_del(w->node);
	}
	th_home_wire_free_far(&w->home);
	if (w->upstream)
		th_upstream_del(w->upstream);
	if (w->udp)
		th_udp_del(w->udp);
	if (w->loop) {
		th_loop_cancel(w->loop, &w->tick);
		th_loop_cancel(w->loop, &w->wall);
		th_loop_cancel(w->loop, &w->rest);
		th_loop_cancel(w->loop, &w->drain_end);
		th_signals_free(&w->signals);
		th_loop_del(w->loop);
	}
	th_identity_wipe(&w->identity);
	th_free(w->mem, w->out);
	th_free(w->mem, w);
}

int th_wire_run(struct th_wire *w)
{
	if (th_loop_run(w->loop) != TH_OK) {
		th_log(TH_LOG_ERROR, "stop", "err=\"%s\"", strerror(errno));
		return STATUS_SYSTEM;
	}
	th_log(TH_LOG_INFO, "stop", "ok=true");
	return 0;
}
