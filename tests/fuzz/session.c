/* Two ends of sessions, a link in the hands of an attacker, and time. What he can do: lose, double, delay, reorder,
 * replay from elsewhere, change, make up; restart either end, move the initiator, set clocks. Two bytes of settings,
 * then operations of a byte and an argument each. What must hold:
 *
 *   - what is delivered was sent, as it was sent; a request is executed once by each life of the responder, and one of
 *     those that may rather be lost once by all of them;
 *   - a copy is never called new: no number twice;
 *   - no host gets more bytes than came from it before a session is known to be with it;
 *   - and afterwards, on a good link, every request that still waits is answered, or said to be doubtful. */
#include "fuzz.h"

#include <string.h>

#include "base/rd.h"
#include "session/session.h"

enum {
	OPS_MAX = 300,
	REQUESTS = 48, /* asked in one run */
	FLYING = 40,
	PLACES = 6, /* addresses: 0 to 3 the initiator's, 2 and 3 of one host, 4 the responder's, 5 a stranger's */
	HEAL_S = 3000,
	GIVE_UP_S = 5 * 86400,
	HEAD = 3,
	SHORT = 1 + TH_PATH_CHALLENGE,
	WALL = 1700000000,
};

struct flying {
	bool used;
	uint8_t from, to; /* places */
	size_t n;
	uint8_t b[TH_SESSION_DATAGRAM_MAX];
};

struct end {
	struct th_sessions *s;
	struct th_sessions_config config;
	struct th_noise_pair own;
	uint64_t seed;
	struct th_rng rng;
	uint8_t place;
	int64_t wall;
	uint64_t mark;
	unsigned life;
	th_session_id ids[REQUESTS + 8];
	size_t ids_n;
};

struct request {
	bool active, once;
	th_session_id session;
	uint64_t number;
	th_time asked, at; /* first, and last */
	unsigned done_in;  /* the life of the responder that executed it last */
};

static struct {
	struct end a, b;
	struct flying f[FLYING];
	size_t next;
	struct request q[REQUESTS];
	size_t asked;
	th_session_id id; /* a's */
	th_time now;
	enum th_session_pattern pattern;
	bool has_psk, once;
	uint64_t in[PLACES], out[PLACES]; /* the responder's, by host */
	unsigned homes;			  /* bit n: the initiator has been at that host */
	size_t answer;
	bool hostile;
} w;

static uint8_t host_of(uint8_t place)
{
	return place == 3 ? 2 : place;
}

static struct th_addr addr_of(uint8_t place)
{
	struct th_addr a = { .port = (uint16_t)(1000 + place) };

	a.ip[15] = host_of(place);
	if (place & 2)
		a.ip[10] = a.ip[11] = 0xff;
	return a;
}

/* ---- payloads: type, number of the request, filler ---- */

static size_t make(uint8_t *out, uint8_t type, size_t i, size_t n)
{
	out[0] = type;
	out[1] = (uint8_t)i;
	out[2] = (uint8_t)(i * 7);
	for (size_t k = HEAD; k < n; k++)
		out[k] = (uint8_t)(i + k);
	return n;
}

static size_t read_back(const uint8_t *p, size_t n)
{
	FUZZ_CHECK(n >= HEAD && p[1] < w.asked && p[2] == (uint8_t)(p[1] * 7));
	for (size_t k = HEAD; k < n; k++)
		FUZZ_CHECK(p[k] == (uint8_t)(p[1] + k));
	return p[1];
}

/* Challenges of hosts that are not shown, and what answers them. */
static void send_short(const struct end *e, th_session_id id, uint8_t type, const uint8_t challenge[TH_PATH_CHALLENGE])
{
	uint8_t out[SHORT] = { type };
	uint64_t number = th_session_number(e->s, id);

	memcpy(out + 1, challenge, TH_PATH_CHALLENGE);
	th_session_send(e->s, id, number, out, sizeof(out), 0, w.now);
	th_session_forget(e->s, id, number);
}

static void on_moved(void *user, th_session_id id, const uint8_t challenge[TH_PATH_CHALLENGE])
{
	send_short(user, id, 'P', challenge);
}

static bool took_short(const struct end *e, th_session_id id, const uint8_t *p, size_t n)
{
	if (n != SHORT || (p[0] != 'P' && p[0] != 'p'))
		return false;
	if (p[0] == 'P')
		send_short(e, id, 'p', p + 1);
	else
		th_session_shown(e->s, id, p + 1);
	return true;
}

static void on_deliver(void *user, th_session_id id, uint64_t number, const uint8_t *p, size_t n, unsigned flags)
{
	struct end *e = user;
	uint8_t out[TH_SESSION_PAYLOAD_MAX];
	size_t i;

	(void)number;
	if (took_short(e, id, p, n))
		return;
	i = read_back(p, n);
	if (e == &w.a) {
		FUZZ_CHECK(p[0] == 'A' && id == w.id);
		if (w.q[i].active && w.q[i].session == id) {
			th_session_seen(e->s, id, w.q[i].number);
			th_session_forget(e->s, id, w.q[i].number);
		}
		w.q[i].active = false;
		return;
	}
	FUZZ_CHECK(p[0] == 'Q');
	if (!(flags & TH_SESSION_COPY)) {
		FUZZ_CHECK(w.q[i].once ? w.q[i].done_in == 0 : w.q[i].done_in != e->life);
		w.q[i].done_in = e->life;
	}
	/* Half the answers are not final. A copy of what another life has done is new to this one. */
	th_session_send(e->s, id, th_session_number(e->s, id), out, make(out, 'A', i, w.answer),
			i & 1 ? 0 : TH_SESSION_FINAL, w.now);
}

static bool on_trust(void *user, th_session_id id, const uint8_t key[TH_NOISE_DH])
{
	(void)user, (void)id;
	return memcmp(key, w.b.own.public, TH_NOISE_DH) == 0;
}

static bool on_persist(void *user, uint64_t mark)
{
	struct end *e = user;

	FUZZ_CHECK(mark > e->mark);
	e->mark = mark;
	return true;
}

static void on_opened(void *user, th_session_id id, const struct th_session_news *news)
{
	struct end *e = user;

	if (!news->rekeyed && e->ids_n < sizeof(e->ids) / sizeof(e->ids[0]))
		e->ids[e->ids_n++] = id;
}

static void on_doubtful(void *user, th_session_id id, uint64_t number)
{
	(void)user;
	for (size_t i = 0; i < w.asked; i++) {
		if (!w.q[i].active || w.q[i].session != id || w.q[i].number != number)
			continue;
		FUZZ_CHECK(w.q[i].once);
		w.q[i].active = false;
	}
}

static const struct th_session_ops ops = { on_deliver, on_trust, on_persist, on_opened, NULL, on_doubtful, on_moved };

/* ---- ends and link ---- */

static bool is_established(const struct th_addr *at)
{
	struct th_session_info info;

	for (size_t i = 0; i < w.b.ids_n; i++)
		if (th_session_look(w.b.s, w.b.ids[i], &info, w.now) && info.established && info.shown &&
		    th_addr_same_host(&info.address, at))
			return true;
	return false;
}

static uint8_t place_of(const struct th_addr *at)
{
	for (uint8_t i = 0; i < PLACES; i++)
		if (th_addr_eq(at, &(const struct th_addr[]){ addr_of(i) }[0]))
			return i;
	FUZZ_CHECK(false);
	return 0;
}

static void pump(struct end *e)
{
	struct flying f = { .used = true };
	struct th_addr to;

	while ((f.n = th_sessions_tx(e->s, &to, f.b, sizeof(f.b), w.now)) > 0) {
		f.to = place_of(&to);
		f.from = e->place;
		if (e == &w.b && !(is_established(&to) && w.homes & 1u << host_of(f.to))) {
			w.out[host_of(f.to)] += f.n;
			FUZZ_CHECK(w.out[host_of(f.to)] <= w.in[host_of(f.to)]);
		}
		w.f[w.next++ % FLYING] = f; /* the oldest is lost */
	}
}

static void wall(struct end *e)
{
	th_sessions_wall(e->s, (uint64_t)(WALL + e->wall + (int64_t)(w.now / TH_SEC)), w.now);
}

static void arrive(struct end *e, uint8_t from, const uint8_t *p, size_t n)
{
	const struct th_addr at = addr_of(from);

	wall(e);
	if (e == &w.b)
		w.in[host_of(from)] += n;
	th_sessions_rx(e->s, &at, p, n, w.now);
	pump(e);
}

static void deliver(const struct flying *f, uint8_t from)
{
	if (!f->used)
		return;
	if (f->to == w.b.place)
		arrive(&w.b, from, f->b, f->n);
	else if (f->to == w.a.place)
		arrive(&w.a, from, f->b, f->n);
}

static void start(struct end *e)
{
	e->config.early_mark = e->mark;
	e->s = th_sessions_new(&th_mem_libc, &e->rng, &e->config, &ops, e);
	FUZZ_CHECK(e->s);
	e->life++;
	e->ids_n = 0;
	wall(e);
}

static const struct th_noise_secret psk = { { 7 } };

static void connect(void)
{
	const struct th_addr to = addr_of(w.b.place);
	const struct th_session_target t = { w.pattern, w.pattern == TH_SESSION_XX ? NULL : w.b.own.public,
					     w.has_psk ? &psk : NULL };

	w.id = th_sessions_connect(w.a.s, &to, &t, w.now);
	FUZZ_CHECK(w.id);
}

static void restart(struct end *e)
{
	th_sessions_del(e->s);
	start(e);
	if (e != &w.a)
		return;
	for (size_t i = 0; i < w.asked; i++)
		w.q[i].active = false;
	connect();
}

static void ask(size_t n)
{
	uint8_t out[TH_SESSION_PAYLOAD_MAX];
	struct request *q = &w.q[w.asked];
	enum th_err err;

	if (w.asked == REQUESTS)
		return;
	wall(&w.a);
	*q = (struct request){ true, w.once && w.asked % 2, w.id, th_session_number(w.a.s, w.id), w.now, w.now, 0 };
	make(out, 'Q', w.asked++, HEAD + n);
	err = th_session_send(w.a.s, w.id, q->number, out, HEAD + n, TH_SESSION_KEEP | (q->once ? TH_SESSION_ONCE : 0u),
			      w.now);
	FUZZ_CHECK(err == TH_OK || err == TH_ERR_FULL); /* a session keeps so many bytes */
	q->active = err == TH_OK;
	pump(&w.a);
}

static void resend(struct request *q)
{
	if (!q->active)
		return;
	q->at = w.now;
	th_session_resend(w.a.s, q->session, q->number, w.now);
	pump(&w.a);
}

/* The layer above gives up long before the responder forgets an idle session, and what it has executed in it. */
static void give_up(void)
{
	for (size_t i = 0; i < w.asked; i++) {
		if (!w.q[i].active || w.now - w.q[i].asked < GIVE_UP_S * TH_SEC)
			continue;
		th_session_forget(w.a.s, w.q[i].session, w.q[i].number);
		w.q[i].active = false;
	}
}

static void pass(th_time d)
{
	w.now += d;
	give_up();
	wall(&w.a);
	wall(&w.b);
	th_sessions_tick(w.a.s, w.now);
	th_sessions_tick(w.b.s, w.now);
	pump(&w.a);
	pump(&w.b);
}

/* ---- what the attacker does ---- */

static void change(struct flying f, struct th_rd *r)
{
	size_t at = (size_t)th_rd_uint(r, 1);
	uint8_t what = (uint8_t)th_rd_uint(r, 1);

	if (!f.used)
		return;
	if (what == 0)
		f.n = at < f.n ? at : f.n;
	else
		f.b[at % f.n] ^= what;
	deliver(&f, at & 1 ? f.from : 5);
}

static void make_up(struct end *e, struct th_rd *r, uint8_t n)
{
	size_t len = n < th_rd_left(r) ? n : th_rd_left(r);
	const uint8_t *p = th_rd_bytes(r, len);

	arrive(e, len & 1 ? 5 : (e == &w.a ? w.b.place : w.a.place), p, len);
}

static void one_op(struct th_rd *r)
{
	unsigned op = (unsigned)th_rd_uint(r, 1) % 16;
	uint8_t arg = (uint8_t)th_rd_uint(r, 1);
	struct flying *f = &w.f[arg % FLYING];

	switch (op) {
	case 0:
	case 1:
		ask(op ? (size_t)arg * 5 : arg);
		break;
	case 2:
	case 3: /* what was sent last */
		f = &w.f[(w.next + FLYING - 1 - arg % 4) % FLYING];
		deliver(f, f->from);
		break;
	case 4:
		deliver(f, f->from);
		break;
	case 5:
		deliver(f, 5);
		break;
	case 6:
		change(*f, r);
		break;
	case 7:
		f->used = false;
		break;
	case 8:
	case 9:
		if (w.asked)
			resend(&w.q[arg % w.asked]);
		break;
	case 10:
		pass((th_time)arg * arg * arg * TH_MS);
		break;
	case 11:
		pass((th_time)arg * 100 * TH_SEC);
		break;
	case 12:
		restart(arg & 1 ? &w.a : &w.b);
		break;
	case 13:
		w.a.place = arg % 4;
		w.homes |= 1u << host_of(w.a.place);
		break;
	case 14:
		*(arg & 1 ? &w.a.wall : &w.b.wall) = ((int64_t)arg - 128) * ((int64_t)1 << (arg / 8));
		break;
	default:
		make_up(arg & 1 ? &w.a : &w.b, r, arg);
		break;
	}
}

/* ---- a good link again ---- */

static bool waits(void)
{
	for (size_t i = 0; i < w.asked; i++)
		if (w.q[i].active)
			return true;
	return false;
}

static void heal(void)
{
	for (size_t i = 0; i < FLYING; i++)
		w.f[i].used = false;
	for (int second = 0; waits() && second < HEAL_S; second++) {
		pass(TH_SEC);
		for (size_t i = 0; i < w.asked; i++)
			if (w.now - w.q[i].at >= 5 * TH_SEC)
				resend(&w.q[i]);
		for (size_t left = 1; left > 0;) {
			left = 0;
			for (size_t i = 0; i < FLYING; i++) {
				struct flying f = w.f[i];

				w.f[i].used = false;
				left += f.used;
				deliver(&f, f.from);
			}
		}
	}
	FUZZ_CHECK(!waits());
}

static void init_end(struct end *e, uint64_t seed, uint8_t place)
{
	e->seed = seed;
	e->rng = th_rng_seeded(&e->seed);
	e->place = place;
	FUZZ_CHECK(th_noise_keygen(&e->own, &e->rng));
	th_sessions_config_default(&e->config);
	e->config.own = &e->own;
	e->config.guard_max = 64;
}

static void set_up(uint8_t settings, uint8_t more)
{
	static const enum th_session_pattern patterns[] = { TH_SESSION_NK, TH_SESSION_IK, TH_SESSION_XX,
							    TH_SESSION_KK };
	static const uint8_t hello[] = "hello";

	memset(&w, 0, sizeof(w));
	w.now = 1000 * TH_SEC;
	w.homes = 1;
	init_end(&w.a, 1, 0);
	init_end(&w.b, 2, 4);
	w.pattern = patterns[settings % 4];
	w.has_psk = more & 1;
	w.once = more & 2;
	w.a.config.hello = w.b.config.hello = hello;
	w.a.config.hello_n = more & 4 ? sizeof(hello) : 0;
	w.b.config.hello_n = more & 8 ? sizeof(hello) - 1 : 0;
	w.b.config.psk = w.has_psk ? &psk : NULL;
	w.b.config.accept_xx = w.pattern == TH_SESSION_XX;
	w.b.config.allow = w.pattern == TH_SESSION_KK ? &w.a.own.public : NULL;
	w.b.config.allow_n = w.pattern == TH_SESSION_KK;
	w.a.config.cids = settings & 4;
	w.a.config.accept = false;
	w.a.config.rekey_packets = settings & 8 ? 3 : 0;
	w.b.config.patience = settings & 16 ? 0 : 100 * TH_MS;
	w.b.config.load = settings & 32 ? 1 : 100;
	w.answer = settings & 64 ? 20 : 300;
	w.b.config.tag_len = settings & 128 ? TH_RECORD_TAG_LONG : TH_RECORD_TAG;
	start(&w.a);
	start(&w.b);
	connect();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct th_rd r = th_rd_init(data, n);

	uint8_t settings = (uint8_t)th_rd_uint(&r, 1);

	set_up(settings, (uint8_t)th_rd_uint(&r, 1));
	for (int i = 0; i < OPS_MAX && th_rd_left(&r) > 0; i++)
		one_op(&r);
	heal();
	th_sessions_del(w.a.s);
	th_sessions_del(w.b.s);
	return 0;
}
