#include "relay/relay.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/rng.h"
#include "emulator/report.h"
#include "link/udp.h"
#include "program/process.h"
#include "program/signals.h"
#include "relay/capture.h"
#include "relay/control_socket.h"
#include "relay/nat.h"

enum { SPARE_DESCRIPTORS = 32 + TH_CONTROL_CONNECTIONS };

struct th_relay {
	const struct th_mem *mem; /* borrowed */
	struct th_relay_options o;
	struct th_loop *loop; /* this and the following are owned */
	struct th_signals signals;
	struct th_udp *listen;
	struct th_nat nat;
	struct th_control_socket *socket;
	struct th_capture *capture;
	struct th_emu_control control;
	struct th_alarm wake;
	struct th_hook hook;
	bool rebind;	  /* asked for, done when no socket is in use */
	uint64_t refused; /* datagrams that the system or a forgotten client did not take */
};

/* ---- datagrams ---- */

static void enter(struct th_relay *r, enum th_emu_way way, const struct th_nat_client *c, const uint8_t *p, size_t n)
{
	th_time now = th_loop_now(r->loop);

	th_emu_control_run(&r->control, now);
	th_emu_enter(&r->control.emu, way, c->id, p, n, now);
}

static void from_client(void *user, const struct th_addr *from, const uint8_t *p, size_t n)
{
	struct th_relay *r = user;
	const struct th_nat_client *c = th_nat_of(&r->nat, from);

	if (c)
		enter(r, TH_EMU_UP, c, p, n);
	else
		r->refused++;
}

static void from_target(void *user, const struct th_nat_client *c, const uint8_t *p, size_t n)
{
	enter(user, TH_EMU_DOWN, c, p, n);
}

static void writable(void *user)
{
	(void)user; /* what the system did not take is lost */
}

static const struct th_udp_ops udp_ops = { from_client, writable };

static void deliver(void *user, const struct th_emu_dgram *d, th_time at)
{
	struct th_relay *r = user;
	const struct th_nat_client *c = th_nat_find(&r->nat, d->client);
	enum th_err err = TH_ERR_NOT_FOUND;

	(void)at;
	if (c && d->way == TH_EMU_UP)
		err = th_udp_send(c->udp, &r->o.target, d->bytes, d->n);
	else if (c)
		err = th_udp_send(r->listen, &c->addr, d->bytes, d->n);
	r->refused += err != TH_OK;
}

static void capture(struct th_relay *r, const struct th_emu_dgram *d, th_time at, const struct th_nat_client *c)
{
	const struct th_addr *from = d->way == TH_EMU_UP ? &c->addr : &r->o.target;
	const struct th_addr *to = d->way == TH_EMU_UP ? &r->o.target : &c->addr;

	if (th_capture_add(r->capture, at, from, to, d->bytes, d->n))
		return;
	th_log(TH_LOG_ERROR, "capture", "ok=false hint=\"the file cannot be written; no more is captured\"");
	th_capture_del(r->capture);
	r->capture = NULL;
}

static void seen(void *user, enum th_emu_event_kind kind, const struct th_emu_dgram *d, th_time at)
{
	struct th_relay *r = user;
	const struct th_nat_client *c = th_nat_find(&r->nat, d->client);
	char addr[TH_ADDR_TEXT] = "-", line[TH_EMU_SHOW_MAX];
	enum th_emu_event_kind point = r->o.capture_at == TH_CAPTURE_SENT ? TH_EMU_STARTED : TH_EMU_DELIVERED;

	if (r->capture && c && kind == point)
		capture(r, d, kind == TH_EMU_STARTED ? d->started : at, c);
	if (kind == TH_EMU_STARTED ? !r->o.show_start : !r->o.show && !r->o.show_start)
		return;
	if (c)
		th_addr_text(&c->addr, addr);
	th_emu_report_dgram(&r->control.emu, kind, d, at, addr, line);
	puts(line);
}

static const struct th_emu_ops emu_ops = { deliver, seen };

/* ---- time ---- */

static void on_wake(struct th_alarm *a, th_time now)
{
	struct th_relay *r = TH_OWNER(a, struct th_relay, wake);

	th_emu_control_run(&r->control, now);
}

static void on_batch(struct th_hook *h, th_time now)
{
	struct th_relay *r = TH_OWNER(h, struct th_relay, hook);
	th_time at;

	th_emu_control_run(&r->control, now);
	if (r->rebind)
		th_nat_rebind(&r->nat);
	r->rebind = false;
	at = th_emu_control_deadline(&r->control);
	if (at == TH_NEVER)
		th_loop_cancel(r->loop, &r->wake);
	else if (!th_timer_is_set(&r->wake.timer) || r->wake.timer.at != at)
		th_loop_alarm(r->loop, &r->wake, at);
	fflush(stdout);
}

static void ask_rebind(void *user)
{
	((struct th_relay *)user)->rebind = true;
}

static void told(void *user, const struct th_emu_command *c, th_time at)
{
	struct th_relay *r = user;

	th_log(TH_LOG_INFO, "scheduled", "command=%s s=%.3f", th_emu_command_word(c->kind),
	       (double)(at - r->control.emu.begun) / (double)TH_SEC);
}

/* ---- signals ---- */

static void log_stats(struct th_relay *r)
{
	struct th_emu_stats s;

	th_emu_control_run(&r->control, th_loop_now(r->loop));
	for (int w = 0; w < TH_EMU_WAYS; w++) {
		th_emu_stats(&r->control.emu, (enum th_emu_way)w, &s);
		th_log(TH_LOG_INFO, "stats",
		       "dir=%s entered=%" PRIu64 " bytes=%" PRIu64 " delivered=%" PRIu64 " delivered_bytes=%" PRIu64
		       " lost=%" PRIu64 " overflow=%" PRIu64 " too_large=%" PRIu64 " outage=%" PRIu64
		       " doubled=%" PRIu64 " waiting=%" PRIu64 " airtime_s=%.3f utilisation=%.4f",
		       th_emu_way_names[w], s.entered.dgrams, s.entered.bytes, s.counts[TH_EMU_DELIVERED].dgrams,
		       s.counts[TH_EMU_DELIVERED].bytes, s.counts[TH_EMU_LOST].dgrams, s.counts[TH_EMU_OVERFLOW].dgrams,
		       s.counts[TH_EMU_TOO_LARGE].dgrams, s.counts[TH_EMU_OUTAGE].dgrams,
		       s.counts[TH_EMU_DOUBLED].dgrams, s.waiting.dgrams, (double)s.airtime / (double)TH_SEC,
		       s.elapsed ? (double)s.airtime / (double)s.elapsed : 0.0);
	}
	th_log(TH_LOG_INFO, "stats", "clients=%zu refused=%" PRIu64, r->nat.n, r->refused);
}

static void on_signal(void *user, int signal)
{
	struct th_relay *r = user;

	if (signal == SIGUSR1)
		log_stats(r);
	else if (signal != SIGHUP)
		th_loop_stop(r->loop);
}

/* ---- start and end ---- */

static bool start_loop(struct th_relay *r, struct th_complaints *c)
{
	r->loop = th_loop_new(r->mem);
	r->signals.got = on_signal;
	r->signals.user = r;
	if (r->loop && th_signals_init(&r->signals, r->loop) == TH_OK)
		return true;
	th_complain(c, "cannot start: %s", strerror(errno));
	return false;
}

static void add_command(void *user, const struct th_emu_command *c)
{
	struct th_relay *r = user;
	char reply[TH_EMU_REPLY_MAX];

	th_emu_control_do(&r->control, c, r->control.emu.begun, reply); /* options_load() has seen that all fit */
}

static void start_link(struct th_relay *r)
{
	struct th_emu_profile p[TH_EMU_WAYS];
	char why[TH_OPTION_MESSAGE];
	struct th_emu *e = &r->control.emu;

	th_emu_init(e, r->mem, &emu_ops, r, r->o.seed, th_addr_overhead(&r->o.target), th_loop_now(r->loop));
	r->control.rebind = ask_rebind;
	r->control.told = told;
	th_relay_profiles(&r->o, p);
	for (int w = 0; w < TH_EMU_WAYS; w++)
		th_emu_set_profile(e, (enum th_emu_way)w, &p[w], e->begun);
	th_relay_schedule(&r->o, add_command, r, why);
}

static bool start_sockets(struct th_relay *r, struct th_complaints *c)
{
	char host[TH_ADDR_TEXT], text[TH_ADDR_TEXT];
	struct th_addr at;
	enum th_err err;

	r->nat.loop = r->loop;
	r->nat.mem = r->mem;
	r->nat.target = r->o.target;
	r->nat.timeout = r->o.nat_timeout;
	r->nat.rx = from_target;
	r->nat.user = r;
	if (th_nat_init(&r->nat, r->o.max_clients, th_rng_u64(&th_rng_system)) != TH_OK) {
		th_complain(c, "cannot start: %s", th_strerror(TH_ERR_NO_MEMORY));
		return false;
	}
	r->listen = th_udp_new(r->loop, r->mem, th_addr_host(&r->o.listen, host), r->o.listen.port, &udp_ops, r, &err);
	if (!r->listen) {
		th_complain(c, "cannot listen at %s: %s", th_addr_text(&r->o.listen, text),
			    err == TH_ERR_IO ? strerror(errno) : th_strerror(err));
		return false;
	}
	at = th_udp_local(r->listen);
	th_log(TH_LOG_INFO, "listening", "addr=%s", th_addr_text(&at, text));
	th_log(TH_LOG_INFO, "target", "addr=%s", th_addr_text(&r->o.target, text));
	return true;
}

static bool start_files(struct th_relay *r, struct th_complaints *c)
{
	if (r->o.control[0]) {
		r->socket = th_control_socket_new(r->loop, r->mem, r->o.control, &r->control);
		if (!r->socket) {
			th_complain(c, "cannot take commands at %s: %s%s", r->o.control, strerror(errno),
				    errno == EADDRINUSE ? " (another thimble-link listens there)" : "");
			return false;
		}
	}
	if (r->o.capture[0]) {
		r->capture = th_capture_new(r->mem, r->o.capture);
		if (!r->capture) {
			th_complain(c, "cannot write %s: %s", r->o.capture, strerror(errno));
			return false;
		}
	}
	return true;
}

struct th_relay *th_relay_new(const struct th_mem *mem, const struct th_relay_options *o, struct th_complaints *c)
{
	struct th_relay *r = th_alloc(mem, sizeof(*r));

	if (!r) {
		th_complain(c, "cannot start: %s", th_strerror(TH_ERR_NO_MEMORY));
		return NULL;
	}
	r->mem = mem;
	r->o = *o;
	r->wake.fire = on_wake;
	r->hook.run = on_batch;
	th_list_init(&r->hook.link);
	th_process_descriptors(SPARE_DESCRIPTORS + o->max_clients);
	if (start_loop(r, c)) {
		start_link(r);
		th_loop_hook(r->loop, &r->hook);
		if (start_files(r, c) && start_sockets(r, c))
			return r;
	}
	th_relay_del(r);
	return NULL;
}

void th_relay_del(struct th_relay *r)
{
	th_control_socket_del(r->socket);
	th_capture_del(r->capture);
	th_nat_free(&r->nat);
	th_udp_del(r->listen);
	if (r->loop) {
		if (r->control.emu.ops)
			th_emu_free(&r->control.emu);
		th_loop_cancel(r->loop, &r->wake);
		th_signals_free(&r->signals);
		th_loop_del(r->loop);
	}
	th_free(r->mem, r);
}

int th_relay_run(struct th_relay *r)
{
	enum th_err err = th_loop_run(r->loop);

	if (err != TH_OK)
		th_log(TH_LOG_ERROR, "stop", "err=\"%s\"", strerror(errno));
	log_stats(r);
	return err == TH_OK && fflush(stdout) == 0 ? 0 : 1;
}
