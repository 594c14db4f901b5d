#include "peer.h"

#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

enum { PARAM_MAX = 1000000 };

static void hold_or_send(struct peer *p, const struct th_addr *to, size_t n)
{
	p->held = 0;
	if (th_udp_send(p->udp, to, p->out, n) == TH_ERR_FULL) {
		p->held = n;
		p->held_to = *to;
	}
}

void peer_flush(struct peer *p)
{
	th_time now = peer_now(p);
	struct th_addr to;
	size_t n;

	while (p->held == 0) {
		n = th_coap_tx(p->coap, &to, p->out, sizeof(p->out), now);
		if (n == 0)
			break;
		hold_or_send(p, &to, n);
	}
	if (th_coap_deadline(p->coap) == TH_NEVER)
		th_loop_cancel(p->loop, &p->alarm);
	else
		th_loop_alarm(p->loop, &p->alarm, th_coap_deadline(p->coap));
}

static void on_hook(struct th_hook *h, th_time now)
{
	(void)now;
	peer_flush(TH_OWNER(h, struct peer, hook));
}

static void on_alarm(struct th_alarm *a, th_time now)
{
	th_coap_tick(TH_OWNER(a, struct peer, alarm)->coap, now);
}

static void on_rx(void *user, const struct th_addr *from, const uint8_t *dgram, size_t n)
{
	struct peer *p = user;

	th_coap_rx(p->coap, from, dgram, n, peer_now(p));
}

static void on_writable(void *user)
{
	struct peer *p = user;
	struct th_addr to = p->held_to;

	if (p->held > 0)
		hold_or_send(p, &to, p->held);
}

enum th_err peer_open(struct peer *p, const char *host, uint16_t port, const struct th_coap_ops *ops, void *user)
{
	static const struct th_udp_ops udp_ops = { .rx = on_rx, .writable = on_writable };
	enum th_err err = TH_ERR_NO_MEMORY;

	p->loop = th_loop_new(&th_mem_libc);
	if (!p->loop)
		return err;
	p->coap = th_coap_new(&p->params, &th_mem_libc, &th_rng_system, ops, user);
	if (!p->coap)
		return err;
	p->udp = th_udp_new(p->loop, &th_mem_libc, host, port, &udp_ops, p, &err);
	if (!p->udp)
		return err;
	p->alarm.fire = on_alarm;
	p->hook.run = on_hook;
	th_loop_hook(p->loop, &p->hook);
	return TH_OK;
}

void peer_close(struct peer *p)
{
	if (p->udp)
		th_udp_del(p->udp);
	if (p->coap)
		th_coap_del(p->coap);
	th_loop_del(p->loop);
}

bool peer_number(struct th_str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
		if (v > max)
			return false;
	}
	*out = v;
	return true;
}

enum th_err peer_param(struct th_coap_params *params, const char *text)
{
	const struct {
		struct th_str name;
		th_time *ms;
		unsigned *count;
	} table[] = {
		{ TH_STR("ack_ms"), &params->ack_timeout, NULL },
		{ TH_STR("rto_min_ms"), &params->rto_min, NULL },
		{ TH_STR("rto_max_ms"), &params->rto_max, NULL },
		{ TH_STR("patience_ms"), &params->piggyback_patience, NULL },
		{ TH_STR("ping_ms"), &params->ping_after, NULL },
		{ TH_STR("latency_ms"), &params->max_latency, NULL },
		{ TH_STR("response_ms"), &params->response_timeout, NULL },
		{ TH_STR("retransmit"), NULL, &params->max_retransmit },
		{ TH_STR("szx"), NULL, &params->szx },
		{ TH_STR("window"), NULL, &params->window_start },
		{ TH_STR("window_max"), NULL, &params->window_max },
	};
	const char *eq = strchr(text, '=');
	struct th_str name = { text, eq ? (size_t)(eq - text) : 0 };
	uint64_t v;

	if (!eq || !peer_number(th_str_of(eq + 1), PARAM_MAX, &v))
		return TH_ERR_INVALID;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!th_str_eq(name, table[i].name))
			continue;
		if (table[i].ms)
			*table[i].ms = v * TH_MS;
		else
			*table[i].count = (unsigned)v;
		return TH_OK;
	}
	return TH_ERR_INVALID;
}

void peer_pattern(uint8_t *out, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(i * 7 + (i >> 8) * 31 + (i >> 16) * 101 + seed);
}

size_t peer_uint(uint8_t out[static 4], uint32_t v)
{
	size_t n = 0;

	for (int shift = 24; shift >= 0; shift -= 8)
		if (n > 0 || v >> shift != 0)
			out[n++] = (uint8_t)(v >> shift);
	return n;
}

uint32_t peer_uint_read(const struct th_coap_option *o)
{
	uint32_t v = 0;

	for (size_t i = 0; i < o->n; i++)
		v = v << 8 | o->p[i];
	return v;
}
