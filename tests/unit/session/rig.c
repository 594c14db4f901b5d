#include "rig.h"

enum { QUESTION = 'Q', ANSWER = 'A', PING = 'P', PONG = 'p', HEAD = 5, WALL = 1700000000 };

static struct rig_end *other(struct rig_end *e)
{
	return e == &e->rig->a ? &e->rig->b : &e->rig->a;
}

struct th_addr rig_addr(const char *text)
{
	struct th_addr a = { 0 };
	unsigned v[4], port, group;

	if (text[0] == '[') { /* only "[2001:db8::N]:port" */
		assert_int_equal(sscanf(text, "[2001:db8::%x]:%u", &group, &port), 2);
		memcpy(a.ip, "\x20\x01\x0d\xb8", 4);
		a.ip[14] = (uint8_t)(group >> 8);
		a.ip[15] = (uint8_t)group;
	} else {
		assert_int_equal(sscanf(text, "%u.%u.%u.%u:%u", &v[0], &v[1], &v[2], &v[3], &port), 5);
		a.ip[10] = a.ip[11] = 0xff;
		for (int i = 0; i < 4; i++)
			a.ip[12 + i] = (uint8_t)v[i];
	}
	a.port = (uint16_t)port;
	return a;
}

static void tell_wall(struct rig_end *e)
{
	if (!e->no_wall)
		th_sessions_wall(e->s, (uint64_t)(WALL + (int64_t)(e->rig->now / TH_SEC) + e->wall_offset),
				 e->rig->now);
}

/* ---- payloads ---- */

static size_t write_payload(uint8_t *out, uint8_t type, uint32_t id, size_t n)
{
	out[0] = type;
	for (unsigned i = 0; i < 4; i++)
		out[1 + i] = (uint8_t)(id >> (24 - 8 * i));
	for (size_t i = HEAD; i < n; i++)
		out[i] = (uint8_t)(id * 31 + i);
	return n;
}

static uint32_t read_payload(const uint8_t *p, size_t n)
{
	uint32_t id;

	assert_true(n >= HEAD);
	id = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
	for (size_t i = HEAD; i < n; i++)
		assert_int_equal(p[i], (uint8_t)(id * 31 + i));
	return id;
}

/* ---- server ---- */

static void answer(struct rig_end *e, struct rig_record *rec)
{
	uint8_t out[TH_SESSION_PAYLOAD_MAX];
	size_t n = write_payload(out, ANSWER, rec->id, e->answer_size);
	uint64_t number = th_session_number(e->s, rec->session);

	rec->answered = true;
	if (number != UINT64_MAX)
		th_session_send(e->s, rec->session, number, out, n, e->plain_answers ? 0 : TH_SESSION_FINAL,
				e->rig->now);
}

static struct rig_record *find_record(struct rig_end *e, th_session_id session, uint64_t number)
{
	for (size_t i = 0; i < e->records_n && i < RIG_RECORDS; i++)
		if (e->records[i].session == session && e->records[i].number == number)
			return &e->records[i];
	return NULL;
}

static void serve(struct rig_end *e, th_session_id session, uint64_t number, uint32_t id, unsigned flags)
{
	struct rig *r = e->rig;
	struct rig_record *rec = find_record(e, session, number);

	if (flags & TH_SESSION_COPY) {
		e->copies++;
		if (rec && rec->answered)
			answer(e, rec);
		return;
	}
	assert_null(rec); /* new, under a number that was there before */
	assert_true(id <= r->last_id);
	if (r->executed[id]) {
		if (r->born_in[id] == e->generation || other(e)->once)
			fail_msg("request %u executed twice (session %llu number %llu)", id,
				 (unsigned long long)session, (unsigned long long)number);
		r->again++;
	}
	r->executed[id]++;
	r->born_in[id] = e->generation;
	rec = &e->records[e->records_n++ % RIG_RECORDS];
	*rec = (struct rig_record){ session, number, id, false, r->now + e->answer_after };
	if (e->answer_after == 0)
		answer(e, rec);
}

static th_time serve_due(struct rig_end *e, th_time now)
{
	th_time next = TH_NEVER;

	for (size_t i = 0; e->s && i < e->records_n && i < RIG_RECORDS; i++) {
		struct rig_record *rec = &e->records[i];

		if (rec->answered)
			continue;
		if (rec->at <= now)
			answer(e, rec);
		else
			next = th_time_min(next, rec->at);
	}
	return next;
}

/* ---- client ---- */

static void take_answer(struct rig_end *e, th_session_id session, uint32_t id)
{
	for (size_t i = 0; i < RIG_ACTIVE; i++) {
		struct rig_request *q = &e->requests[i];

		if (!q->active || q->id != id)
			continue;
		assert_true(q->session == session);
		q->active = false;
		e->rig->answered[id]++;
		e->rig->done++;
		e->rig->finished = e->rig->now;
		th_session_seen(e->s, session, q->number);
		th_session_forget(e->s, session, q->number);
	}
}

static void send_request(struct rig_end *e, struct rig_request *q)
{
	uint8_t out[TH_SESSION_PAYLOAD_MAX];
	size_t n = write_payload(out, QUESTION, q->id, q->size);
	enum th_err err = TH_OK;

	tell_wall(e);
	for (int i = 0; i < 3; i++) { /* memory may fail once */
		q->number = th_session_number(e->s, q->session);
		err = th_session_send(e->s, q->session, q->number, out, n,
				      TH_SESSION_KEEP | (e->once ? (unsigned)TH_SESSION_ONCE : 0u), e->rig->now);
		if (err != TH_ERR_NO_MEMORY)
			break;
	}
	assert_int_equal(err, TH_OK);
	q->rto = e->rig->rto;
	q->next = e->rig->now + q->rto;
	q->tries = 1;
}

uint32_t rig_request(struct rig_end *e, th_session_id session, size_t size)
{
	for (size_t i = 0; i < RIG_ACTIVE; i++) {
		struct rig_request *q = &e->requests[i];

		if (q->active)
			continue;
		*q = (struct rig_request){ .id = ++e->rig->last_id, .active = true, .session = session, .size = size };
		assert_true(q->id < RIG_REQUESTS);
		send_request(e, q);
		rig_pump(e->rig, e);
		return q->id;
	}
	fail_msg("too many requests under way");
	return 0;
}

static th_time client_due(struct rig_end *e, th_time now)
{
	th_time next = TH_NEVER;

	for (size_t i = 0; e->s && i < RIG_ACTIVE; i++) {
		struct rig_request *q = &e->requests[i];

		if (!q->active)
			continue;
		if (q->next <= now) {
			th_session_resend(e->s, q->session, q->number, now);
			q->tries++;
			q->rto = q->rto * 3 / 2 < 60 * TH_SEC ? q->rto * 3 / 2 : 60 * TH_SEC;
			q->next = now + q->rto;
		}
		next = th_time_min(next, q->next);
	}
	return next;
}

bool rig_idle(const struct rig *r)
{
	for (size_t i = 0; i < RIG_ACTIVE; i++)
		if (r->a.requests[i].active || r->b.requests[i].active)
			return false;
	return true;
}

/* ---- ops ---- */

/* Numbers that a server has used in an earlier life would be taken for copies, or for answers to older requests. What
 * comes just after a restart may have been sent before. */
static void check_number(struct rig_end *e, th_session_id id, uint64_t number)
{
	th_time late = other(e)->started + e->rig->delay + e->rig->jitter;

	for (size_t i = 0; i < e->initiated_n && i < RIG_INITIATED; i++) {
		struct rig_numbers *m = &e->initiated[i];

		if (m->session != id || e->rig->now <= late)
			continue;
		if (m->generation != other(e)->generation) {
			m->generation = other(e)->generation;
			m->earlier = m->newest;
		}
		if (number < m->earlier)
			fail_msg("%s: number %llu, though %llu came before the peer was restarted", e->name,
				 (unsigned long long)number, (unsigned long long)m->earlier - 1);
		if (number >= m->newest)
			m->newest = number + 1;
	}
}

static void send_short(struct rig_end *e, th_session_id id, uint8_t type, const uint8_t challenge[TH_PATH_CHALLENGE])
{
	uint8_t out[1 + TH_PATH_CHALLENGE] = { type };
	uint64_t number = th_session_number(e->s, id);

	memcpy(out + 1, challenge, TH_PATH_CHALLENGE);
	if (number == UINT64_MAX)
		return;
	th_session_send(e->s, id, number, out, sizeof(out), 0, e->rig->now);
	th_session_forget(e->s, id, number);
}

static void on_moved(void *user, th_session_id id, const uint8_t challenge[TH_PATH_CHALLENGE])
{
	send_short(user, id, PING, challenge);
}

static void on_deliver(void *user, th_session_id id, uint64_t number, const uint8_t *p, size_t n, unsigned flags)
{
	struct rig_end *e = user;
	uint32_t what = read_payload(p, n);

	if (!(flags & TH_SESSION_COPY))
		check_number(e, id, number);
	e->early += (flags & TH_SESSION_EARLY) != 0;
	if (p[0] == QUESTION)
		serve(e, id, number, what, flags);
	else if (p[0] == ANSWER)
		take_answer(e, id, what);
	else if (p[0] == PING && !(flags & TH_SESSION_COPY))
		send_short(e, id, PONG, p + 1);
	else if (p[0] == PONG)
		th_session_shown(e->s, id, p + 1);
	else
		assert_true(p[0] == PING);
}

static bool on_trust(void *user, th_session_id id, const uint8_t key[TH_NOISE_DH])
{
	struct rig_end *e = user;

	(void)id;
	return e->trusts && memcmp(key, other(e)->own.public, TH_NOISE_DH) == 0;
}

static bool on_persist(void *user, uint64_t mark)
{
	struct rig_end *e = user;

	assert_true(mark > e->mark);
	if (e->persist_fails)
		return false;
	e->mark = mark;
	e->persisted++;
	return true;
}

static void on_opened(void *user, th_session_id id, const struct th_session_news *news)
{
	struct rig_end *e = user;

	e->opened++;
	e->rekeyed += news->rekeyed;
	e->continued += news->continued;
	e->peer_has_key = news->key != NULL;
	if (news->key)
		memcpy(e->peer_key, news->key, TH_NOISE_DH);
	e->hello_n = news->hello_n;
	if (news->hello_n)
		memcpy(e->hello, news->hello, news->hello_n);
	if (news->rekeyed)
		return;
	assert_true(e->sessions_n < RIG_SESSIONS);
	e->sessions[e->sessions_n++] = id;
}

static void on_closed(void *user, th_session_id id, enum th_session_end why)
{
	struct rig_end *e = user;

	e->closed++;
	e->why = why;
	for (size_t i = 0; i < e->sessions_n; i++)
		if (e->sessions[i] == id)
			e->sessions[i] = e->sessions[--e->sessions_n];
}

static void on_doubtful(void *user, th_session_id id, uint64_t number)
{
	struct rig_end *e = user;

	for (size_t i = 0; i < RIG_ACTIVE; i++) {
		struct rig_request *q = &e->requests[i];

		if (!q->active || q->session != id || q->number != number)
			continue;
		assert_true(e->once);
		q->active = false;
		e->rig->doubted[q->id]++;
		return;
	}
	fail_msg("doubt about a request that is not under way");
}

static const struct th_session_ops ops = {
	on_deliver, on_trust, on_persist, on_opened, on_closed, on_doubtful, on_moved
};

/* ---- ends ---- */

static void init_end(struct rig *r, struct rig_end *e, const char *name, uint64_t seed)
{
	e->rig = r;
	e->name = name;
	e->seed = seed;
	e->rng = th_rng_seeded(&e->seed);
	e->answer_size = 20;
	assert_true(th_noise_keygen(&e->own, &e->rng));
	th_sessions_config_default(&e->config);
	e->config.own = &e->own;
	e->trusts = true;
}

void rig_init(struct rig *r, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	r->seed = seed;
	r->rng = th_rng_seeded(&r->seed);
	r->delay = 50 * TH_MS;
	r->rto = 2 * TH_SEC;
	r->now = 1000 * TH_SEC;
	r->flying = calloc(RIG_FLYING, sizeof(*r->flying));
	assert_non_null(r->flying);
	init_end(r, &r->a, "a", seed * 3 + 1);
	init_end(r, &r->b, "b", seed * 5 + 2);
	r->a.addr = rig_addr("10.0.0.1:40000");
	r->b.addr = rig_addr("10.0.0.2:5683");
	r->a.config.cids = r->a.config.accept = false;
}

void rig_start(struct rig_end *e)
{
	failmem_init(&e->mem, 0);
	e->generation++;
	e->started = e->rig->now;
	e->config.early_mark = e->mark;
	e->s = th_sessions_new(&e->mem.mem, &e->rng, &e->config, &ops, e);
	assert_non_null(e->s);
	e->records_n = e->sessions_n = e->initiated_n = 0;
	memset(e->requests, 0, sizeof(e->requests));
}

void rig_stop(struct rig_end *e)
{
	th_sessions_del(e->s);
	e->s = NULL;
	assert_int_equal(e->mem.live, 0);
	memset(e->requests, 0, sizeof(e->requests));
	e->records_n = e->sessions_n = 0;
}

void rig_free(struct rig *r)
{
	rig_stop(&r->a);
	rig_stop(&r->b);
	free(r->flying);
}

th_session_id rig_connect(struct rig_end *e, enum th_session_pattern pattern, const struct th_noise_secret *psk)
{
	const struct th_session_target t = {
		.pattern = pattern,
		.key = pattern == TH_SESSION_XX ? NULL : other(e)->own.public,
		.psk = psk,
	};
	th_session_id id = th_sessions_connect(e->s, &other(e)->addr, &t, e->rig->now);

	assert_true(id != 0);
	e->configured = true;
	e->initiated[e->initiated_n++ % RIG_INITIATED] = (struct rig_numbers){ .session = id };
	return id;
}

/* ---- link ---- */

static size_t place_of(struct rig_end *e, const struct th_addr *a)
{
	for (size_t i = 0; i < e->places_n; i++)
		if (th_addr_same_host(&e->places[i].addr, a))
			return i;
	assert_true(e->places_n < RIG_PLACES);
	e->places[e->places_n].addr = *a;
	return e->places_n++;
}

/* Whether this end has a reason to trust that address: it is configured, or a session is established there. Never one
 * where the peer has not been. */
static bool is_validated(struct rig_end *e, const struct th_addr *a)
{
	struct th_session_info info;
	size_t at = place_of(e, a);

	e->places[at].home |= th_addr_same_host(&other(e)->addr, a);
	if (!e->places[at].home)
		return false;
	if (e->configured && th_addr_same_host(a, &other(e)->addr))
		return true;
	for (size_t i = 0; i < e->sessions_n; i++)
		if (th_session_look(e->s, e->sessions[i], &info, e->rig->now) && info.established && info.shown &&
		    th_addr_same_host(&info.address, a))
			return true;
	return false;
}

static void check_amplification(struct rig_end *e, const struct rig_datagram *d)
{
	size_t at;

	if (!e->config.accept || e->rig->unchecked)
		return;
	at = place_of(e, &d->to);
	if (is_validated(e, &d->to))
		return;
	e->places[at].out += d->n;
	if ((d->b[0] & 0xf0) != 0xc0 && e->places[at].out > e->places[at].in)
		fail_msg("%s: %llu bytes to an address that sent %llu", e->name, (unsigned long long)e->places[at].out,
			 (unsigned long long)e->places[at].in);
}

static void fly(struct rig *r, const struct rig_datagram *d)
{
	if (r->down || th_rng_below(&r->rng, 100) < r->loss)
		return;
	assert_true(r->flying_n < RIG_FLYING);
	r->flying[r->flying_n] = *d;
	r->flying[r->flying_n++].at = r->now + r->delay + (r->jitter ? th_rng_below(&r->rng, r->jitter) : 0);
}

void rig_pump(struct rig *r, struct rig_end *e)
{
	struct rig_datagram d;

	while (e->s && (d.n = th_sessions_tx(e->s, &d.to, d.b, sizeof(d.b), r->now)) > 0) {
		d.from = e->addr;
		e->sent++;
		e->sent_bytes += d.n;
		check_amplification(e, &d);
		if (r->on_send)
			r->on_send(r, e, &d);
		fly(r, &d);
		if (th_rng_below(&r->rng, 100) < r->doubled)
			fly(r, &d);
	}
}

void rig_inject(struct rig *r, struct rig_end *to, const struct th_addr *from, const uint8_t *p, size_t n)
{
	if (!to->s)
		return;
	tell_wall(to);
	if (to->config.accept && !r->unchecked)
		to->places[place_of(to, from)].in += n;
	th_sessions_rx(to->s, from, p, n, r->now);
	rig_pump(r, to);
}

static void arrivals(struct rig *r)
{
	for (size_t i = 0; i < r->flying_n;) {
		struct rig_datagram d = r->flying[i];
		struct rig_end *e;

		if (d.at > r->now) {
			i++;
			continue;
		}
		r->flying[i] = r->flying[--r->flying_n];
		e = th_addr_eq(&d.to, &r->a.addr) ? &r->a : th_addr_eq(&d.to, &r->b.addr) ? &r->b : NULL;
		if (e)
			rig_inject(r, e, &d.from, d.b, d.n);
		i = 0;
	}
}

static th_time end_due(struct rig *r, struct rig_end *e)
{
	th_time next = TH_NEVER;

	if (!e->s)
		return TH_NEVER;
	tell_wall(e);
	if (th_sessions_deadline(e->s) <= r->now)
		th_sessions_tick(e->s, r->now);
	next = th_time_min(next, client_due(e, r->now));
	next = th_time_min(next, serve_due(e, r->now));
	rig_pump(r, e);
	return th_time_min(next, th_sessions_deadline(e->s));
}

/* One moment; when the next one is. */
static th_time step(struct rig *r)
{
	th_time next;

	arrivals(r);
	next = end_due(r, &r->a);
	next = th_time_min(next, end_due(r, &r->b));
	for (size_t i = 0; i < r->flying_n; i++)
		next = th_time_min(next, r->flying[i].at);
	return next;
}

static void advance(struct rig *r, th_time next, th_time until)
{
	next = th_time_min(next, until);
	r->now = next > r->now ? next : r->now + 1;
}

void rig_run(struct rig *r, th_time until)
{
	while (r->now < until)
		advance(r, step(r), until);
}

bool rig_settle(struct rig *r, th_time patience)
{
	th_time until = r->now + patience;

	while (r->now < until) {
		th_time next = step(r);

		if (rig_idle(r))
			return true;
		advance(r, next, until);
	}
	return rig_idle(r);
}

th_time rig_exchange(struct rig *r, struct rig_end *e, th_session_id session, th_time patience)
{
	th_time begun = r->now;
	uint32_t id = rig_request(e, session, 30);

	if (!rig_settle(r, patience))
		fail_msg("no answer within %llu s", (unsigned long long)(patience / TH_SEC));
	assert_int_equal(r->answered[id], 1);
	assert_int_equal(r->executed[id], 1);
	return r->finished - begun;
}
