/* Handshakes of others. Nothing is sent to who doesn't authenticate (XX's first message without a psk and retry cookies
 * aside), and to an address that is not proven no more than came from it. */
#include "session/session_int.h"

#include <string.h>

#include "base/log.h"
#include "session/key.h"
#include "session/suite.h"

enum { BUF = TH_SESSION_DATAGRAM_MAX };

/* A first message that was read. */
struct first {
	const struct th_addr *from;
	const uint8_t *p; /* the datagram */
	size_t n;
	uint8_t kind;
	const uint8_t *ephemeral;
	struct th_noise hs;
	struct th_hs_payload payload; /* points into plain */
	uint8_t plain[BUF];
};

static bool is_xx(uint8_t kind)
{
	return (kind & TH_HS_PATTERN) == TH_SESSION_XX;
}

/* ---- whom we answer ---- */

static bool is_allowed(const struct th_sessions *s, const uint8_t key[TH_NOISE_DH])
{
	bool found = s->config.allow_n == 0;

	for (size_t i = 0; i < s->config.allow_n; i++)
		found |= th_bytes_equal(s->allow[i], key, TH_NOISE_DH);
	return found;
}

static bool accepts_kind(const struct th_sessions *s, uint8_t kind)
{
	bool anybody = s->config.allow_n == 0;

	if (!s->config.accept || s->has_psk != ((kind & TH_HS_PSK) != 0))
		return false;
	switch (kind & TH_HS_PATTERN) {
	case TH_SESSION_NK:
		return anybody;
	case TH_SESSION_KK:
		return !anybody;
	case TH_SESSION_XX:
		return s->config.accept_xx;
	default:
		return true;
	}
}

static bool start_noise(const struct th_sessions *s, uint8_t kind, const uint8_t *rs, struct th_noise *hs)
{
	uint8_t prologue[TH_HS_PROLOGUE];
	const struct th_noise_config c = {
		.protocol = th_hs_protocol(kind),
		.prologue = prologue,
		.prologue_len = sizeof(prologue),
		.s = &s->own,
		.rs = rs,
		.psk = s->has_psk ? &s->psk : NULL,
	};

	th_hs_prologue(kind, prologue);
	return th_noise_init(hs, &c) == TH_OK;
}

static bool read_with(const struct th_sessions *s, struct first *m, const uint8_t *rs, size_t *len)
{
	size_t head = (size_t)(m->ephemeral - m->p);

	return start_noise(s, m->kind, rs, &m->hs) &&
	       th_noise_read(&m->hs, m->ephemeral, m->n - head, m->plain, len) == TH_OK;
}

/* KK does not say whose it is: each allowed key is tried. */
static bool read_noise(const struct th_sessions *s, struct first *m, size_t *len)
{
	if ((m->kind & TH_HS_PATTERN) != TH_SESSION_KK)
		return read_with(s, m, NULL, len);
	for (size_t i = 0; i < s->config.allow_n && i < TH_SESSION_KK_TRIES; i++)
		if (read_with(s, m, s->allow[i], len))
			return true;
	return false;
}

/* ---- floods ---- */

static void send_retry(struct th_sessions *s, const struct first *m)
{
	const uint8_t kind = TH_HS_RETRY;
	uint8_t cookie[TH_COOKIE_LEN];
	const struct part parts[] = { { &kind, 1 }, { m->ephemeral, TH_HS_ECHO }, { cookie, sizeof(cookie) } };

	_Static_assert((int)TH_HS_RETRY_LEN <= 1 + TH_NOISE_DH, "never longer than what it answers");
	th_cookie_make(&s->cookies, s->rng, m->from, m->ephemeral, s->now, cookie);
	if (th_session_queue(s, m->from, parts, 3) == TH_OK) {
		s->stats.retries_out++;
		s->stats.handshake_out += TH_HS_RETRY_LEN;
	}
}

/* Whether an initiation is to be looked at: always, or under load if it has a cookie and its place has not had its
 * share. */
static bool passes_load(struct th_sessions *s, const struct first *m)
{
	const uint8_t *place;
	size_t n;

	if (!th_load_count(&s->load, s->now))
		return true;
	if (!(m->p[0] & TH_HS_COOKIE) ||
	    !th_cookie_check(&s->cookies, s->rng, m->from, m->ephemeral, s->now, m->p + 1)) {
		send_retry(s, m);
		return false;
	}
	n = th_load_place(m->from, &place);
	if (th_load_allows(&s->load, th_table_hash(&s->by_id, place, n)))
		return true;
	s->stats.limited++;
	return false;
}

/* ---- sessions ---- */

static bool is_same_peer(const struct session *ss, const struct th_noise *hs)
{
	return ss->has_key == hs->has_rs && (!hs->has_rs || th_bytes_equal(ss->key, hs->rs, TH_NOISE_DH));
}

/* The name by which this initiation's session is, or will be, known. XX has none. */
static bool name_of(const struct first *m, struct th_hs_name *out)
{
	if (!m->payload.resumes)
		return !is_xx(m->kind) && th_name_derive(&m->hs, out);
	*out = m->payload.name;
	return true;
}

static struct session *make_new(struct th_sessions *s, const struct first *m, const struct th_hs_name *name)
{
	struct session *ss = th_session_make(s, false, m->from);

	if (!ss)
		return NULL;
	ss->pattern = m->kind & TH_HS_PATTERN;
	ss->has_key = m->hs.has_rs;
	memcpy(ss->key, m->hs.rs, sizeof(ss->key));
	ss->seen.next = m->payload.number;
	ss->next = m->payload.resumes ? m->payload.floor : 0;
	if (name)
		th_name_set_early(s, ss, name); /* other attempts of the same initiator have it too */
	return ss;
}

/* The session that is named, or a new one; NULL: none, and no answer. *continued: not even the initiator knows that it
 * is new. */
static struct session *session_for(struct th_sessions *s, const struct first *m, bool *old, bool *continued)
{
	struct th_hs_name name;
	bool named = name_of(m, &name), early = false;
	struct session *ss = named ? th_name_find(s, &name, &early) : NULL;

	*old = ss && is_same_peer(ss, &m->hs);
	*continued = *old && !early;
	if (ss && early && ss->confirmed) {
		s->stats.replayed++;
		ss = NULL;
	} else if (!*old) {
		ss = make_new(s, m, named ? &name : NULL);
	} else if (early && m->payload.resumes && ss->next < m->payload.floor) {
		ss->next = m->payload.floor; /* an older attempt told less */
	}
	th_wipe(&name, sizeof(name));
	return ss;
}

/* Who gives a session the name of the newest keys has them: they need no record to be confirmed, which may be lost, nor
 * may this handshake take their place before they are of use. */
static void confirm_named(struct th_sessions *s, struct session *ss, const struct first *m)
{
	const struct epoch *e = ss->upcoming;

	if (m->payload.resumes && e && e->keyed && th_bytes_equal(e->name.b, m->payload.name.b, sizeof(e->name.b)))
		th_session_confirm(s, ss);
}

/* ---- another version ---- */

/* The form of flags and connection ID is common to all versions, so both sides can say what is wrong. */
static void answer_version(struct th_sessions *s, struct first *m)
{
	const uint8_t flags = TH_SESSION_VERSION << 6;
	uint8_t out[BUF];
	struct th_wr w = th_wr_init(out, sizeof(out));
	size_t len;

	s->stats.wrong_version++;
	th_log(TH_LOG_DEBUG, "session_version", "ours=%d theirs=%d", TH_SESSION_VERSION, m->payload.version);
	th_early_admit(&s->early, m->ephemeral, 0, NULL, s->now, NULL, NULL);
	th_wr_uint(&w, TH_HS_SECOND, 1);
	th_wr_bytes(&w, m->payload.cid.b, m->payload.cid.n);
	if (w.n + th_noise_overhead(&m->hs) + 1 > m->n ||
	    th_noise_write(&m->hs, s->rng, &flags, 1, out + w.n, sizeof(out) - w.n, &len) != TH_OK)
		return;
	s->stats.handshake_out += w.n + len;
	th_session_queue(s, m->from, &(const struct part){ out, w.n + len }, 1);
}

/* ---- the first message ---- */

/* Of all behind the first byte and the cookie: what makes it the same message. */
static bool digest(const struct first *m, uint8_t out[TH_NOISE_HASH])
{
	return th_suite_hash(th_suite_find(TH_STR("25519_ChaChaPoly_BLAKE2s")), out, &m->kind, 1, m->ephemeral,
			     m->n - (size_t)(m->ephemeral - m->p));
}

/* The same first message again: its answer was lost, or somebody replays it. Only where it came from, and only until
 * the keys are in use. */
static void first_again(struct th_sessions *s, const struct first *m, th_session_id id)
{
	struct session *ss = th_session_find(s, id);
	struct reply *r = ss ? ss->reply : NULL;
	uint8_t now[TH_NOISE_HASH];

	s->stats.replayed++;
	if (!r || !th_addr_eq(&r->from, m->from) || !digest(m, now) || !th_bytes_equal(r->digest, now, sizeof(now)))
		return;
	r->budget += m->n;
	if (r->written && r->repeats++ < TH_SESSION_ANSWERS_MAX)
		th_responder_again(s, ss, 0);
}

static struct reply *make_reply(struct th_sessions *s, struct session *ss, const struct first *m)
{
	struct reply *r = th_session_alloc(s, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct reply){
		.hs = m->hs,
		.from = *m->from,
		.cid = m->payload.cid,
		.budget = m->n,
		.third = is_xx(m->kind),
		.resumes = m->payload.resumes,
		.long_tag = m->payload.long_tag,
		.rx_base = m->payload.number,
		.answer_by = th_time_add(s->now, s->config.patience),
		.expires = th_time_add(s->now, s->config.half_open_life),
		.hello_n = m->payload.hello_n,
	};
	if (r->hello_n)
		memcpy(r->hello, m->payload.hello, r->hello_n);
	r->epoch = digest(m, r->digest) ? th_epoch_new(s, ss) : NULL;
	if (r->epoch) {
		r->epoch->tx_cid = m->payload.cid;
		return r;
	}
	th_session_release(s, r, sizeof(*r));
	return NULL;
}

/* A reply in the place of whatever handshake was under way. */
static bool begin_reply(struct th_sessions *s, struct session *ss, const struct first *m)
{
	th_reply_del(s, ss);
	th_epoch_del(s, ss->upcoming);
	if (!ss->confirmed) /* whoever confirms has read this reply */
		th_path_trust(&ss->path, m->from);
	ss->reply = make_reply(s, ss, m);
	ss->upcoming = ss->reply ? ss->reply->epoch : NULL;
	return ss->reply != NULL;
}

static void deliver_early(struct th_sessions *s, struct session *ss, const struct first *m)
{
	const struct th_hs_payload *p = &m->payload;
	enum th_window_verdict v = th_session_note(s, ss, p->number);

	ss->reply->announced = true;
	th_session_open(s, ss, ss->opened, p->hello, p->hello_n);
	if (v != TH_WINDOW_OLD)
		th_session_deliver(s, ss, p->number, p->data, p->n,
				   TH_SESSION_EARLY | (v == TH_WINDOW_SEEN ? (unsigned)TH_SESSION_COPY : 0u));
}

static void accept_first(struct th_sessions *s, struct first *m)
{
	const struct th_hs_payload *p = &m->payload;
	bool old, continued, early;
	struct session *ss = session_for(s, m, &old, &continued);

	if (!ss)
		return;
	if (old)
		confirm_named(s, ss, m);
	if (ss->dead)
		return;
	early = th_early_admit(&s->early, m->ephemeral, ss->id, p->has_data ? &p->time : NULL, s->now, s->ops->persist,
			       s->user);
	s->stats.early_accepted += early;
	s->stats.early_refused += p->has_data && !early;
	if (!begin_reply(s, ss, m)) {
		if (!old)
			th_session_end(s, ss, TH_SESSION_END_EVICTED);
		return;
	}
	s->stats.handshake_in += m->n - p->n;
	ss->handshake_in += m->n - p->n;
	ss->reply->continued = continued;
	ss->reply->refused = p->has_data && !early;
	if (early)
		deliver_early(s, ss, m);
	/* The owner may have answered from within. */
	if (ss->dead || !ss->reply || ss->reply->written)
		return;
	if (!early || s->config.patience == 0)
		th_responder_answer(s, ss, 0, NULL, 0);
	th_session_arm(s, ss);
}

static void read_first(struct th_sessions *s, struct first *m)
{
	enum th_err err;
	size_t len;

	if (!read_noise(s, m, &len)) {
		s->stats.unauthentic++;
		return;
	}
	if (m->hs.has_rs && !is_allowed(s, m->hs.rs)) {
		s->stats.not_accepted++;
		return;
	}
	err = th_hs_read(&m->payload, TH_HS_FIRST, m->plain, len);
	if (err == TH_ERR_UNSUPPORTED)
		answer_version(s, m);
	else if (err != TH_OK || (is_xx(m->kind) && (m->payload.has_data || m->payload.resumes)))
		s->stats.malformed++;
	else
		accept_first(s, m);
	th_wipe(m->plain, len);
}

void th_responder_first(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n)
{
	struct first m = { .from = from, .p = p, .n = n, .kind = (uint8_t)(p[0] & ~TH_HS_COOKIE) };
	size_t head = 1 + (p[0] & TH_HS_COOKIE ? (size_t)TH_COOKIE_LEN : 0);
	uint64_t tag;

	s->stats.initiations_in++;
	if (!accepts_kind(s, m.kind)) {
		s->stats.not_accepted++;
		return;
	}
	if (n < head + TH_NOISE_DH) {
		s->stats.malformed++;
		return;
	}
	m.ephemeral = p + head;
	if (th_early_seen(&s->early, m.ephemeral, &tag))
		first_again(s, &m, tag);
	else if (passes_load(s, &m))
		read_first(s, &m);
	th_noise_wipe(&m.hs);
}

/* ---- the third message ---- */

/* Whether the initiator has given up on this handshake, and begun another session by one that names it: what rides in
 * the third message has come with that. */
static bool is_overtaken(struct th_sessions *s, const struct session *ss, const struct th_noise *hs)
{
	struct th_hs_name name;
	bool early, overtaken;
	const struct session *other;

	if (!th_name_derive(hs, &name))
		return false;
	other = th_name_find(s, &name, &early);
	overtaken = other && other != ss;
	th_wipe(&name, sizeof(name));
	return overtaken;
}

static void accept_third(struct th_sessions *s, struct session *ss, struct th_noise *hs, const struct th_addr *from,
			 size_t datagram, const struct th_hs_payload *p)
{
	struct reply *r = ss->reply;
	enum th_window_verdict v;

	if (is_overtaken(s, ss, hs)) {
		s->stats.replayed++;
		th_session_end(s, ss, TH_SESSION_END_EVICTED);
		return;
	}
	memcpy(ss->key, hs->rs, sizeof(ss->key));
	ss->has_key = ss->first_contact = true;
	ss->pattern = TH_SESSION_IK;
	th_path_follow(&ss->path, from, s->rng);
	if (th_epoch_key(s, r->epoch, hs, r->long_tag ? (size_t)TH_RECORD_TAG_LONG : s->config.tag_len, r->tx_base,
			 r->rx_base) != TH_OK) {
		th_session_end(s, ss, TH_SESSION_END_EVICTED);
		return;
	}
	v = p->has_data ? th_session_note(s, ss, p->number) : TH_WINDOW_OLD;
	th_session_confirm(s, ss);
	th_session_came(s, ss, datagram);
	if (v != TH_WINDOW_OLD)
		th_session_deliver(s, ss, p->number, p->data, p->n, v == TH_WINDOW_SEEN ? TH_SESSION_COPY : 0u);
}

static void read_third(struct th_sessions *s, struct session *ss, struct th_noise *hs, const struct th_addr *from,
		       size_t datagram, const uint8_t *plain, size_t n)
{
	struct th_hs_payload p;

	if (th_hs_read(&p, TH_HS_THIRD, plain, n) != TH_OK) {
		s->stats.malformed++;
	} else if (!is_allowed(s, hs->rs)) {
		s->stats.not_accepted++;
		th_session_end(s, ss, TH_SESSION_END_KEY);
	} else {
		accept_third(s, ss, hs, from, datagram, &p);
	}
}

void th_responder_third(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n)
{
	struct epoch *e = s->config.cids ? th_cids_find(&s->cids, p + 1) : NULL;
	struct reply *r = e && !e->session->dead ? e->session->reply : NULL;
	size_t head = 1 + th_cid_len(p[1]), len;
	uint8_t plain[BUF];
	struct th_noise hs;

	if (!r || !r->third || r->epoch != e || !th_noise_usable(&r->hs)) {
		s->stats.unexpected++;
		return;
	}
	hs = r->hs;
	if (th_noise_read(&hs, p + head, n - head, plain, &len) == TH_OK) {
		s->stats.handshake_in += n;
		e->session->handshake_in += n;
		read_third(s, e->session, &hs, from, n, plain, len);
		th_wipe(plain, len);
	} else {
		s->stats.unauthentic++;
	}
	th_noise_wipe(&hs);
}
