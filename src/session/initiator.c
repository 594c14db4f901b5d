/* Handshakes of ours.
 *
 * No timers: th_session_send() starts a flight, th_session_resend() repeats it. A flight that was repeated in vain for
 * long is replaced by one with a new ephemeral key and the time of now: a responder refuses early data of an old one,
 * and answers nothing to one it has forgotten. The name in it keeps the same session on the other side, so what the
 * older one may have delivered is a copy there. */
#include "session/session_int.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "session/key.h"

enum {
	BUF = TH_SESSION_DATAGRAM_MAX,
	ANSWER_SIZE = 80,     /* NK, IK, KK: what the answer takes beside a hello */
	ANSWER_SIZE_XX = 112, /* one key and one tag more */
	THIRD_HEAD = 16,
};

/* ---- the first message ---- */

static uint8_t kind_of(const struct session *ss)
{
	return (uint8_t)(TH_HS_FIRST | (ss->has_psk ? TH_HS_PSK : 0u) | (unsigned)ss->pattern);
}

static enum th_err start_noise(struct th_sessions *s, const struct session *ss, uint8_t kind, struct th_noise *hs)
{
	uint8_t prologue[TH_HS_PROLOGUE];
	struct th_noise_config c = {
		.protocol = th_hs_protocol(kind),
		.initiator = true,
		.prologue = prologue,
		.prologue_len = sizeof(prologue),
		.s = ss->pattern == TH_SESSION_NK ? NULL : &s->own,
		.rs = ss->pattern == TH_SESSION_XX ? NULL : ss->key,
		.psk = ss->has_psk ? &ss->psk : NULL,
	};

	th_hs_prologue(kind, prologue);
	return th_noise_init(hs, &c);
}

/* Seconds as the responder counts them, where it has told; else of our wall clock; 0 where there is none. */
static uint32_t time_for(const struct th_sessions *s, const struct session *ss)
{
	if (ss->knows_clock)
		return (uint32_t)(ss->peer_clock + (s->now - ss->peer_clock_at) / TH_SEC);
	if (s->wall_at == TH_NEVER)
		return 0;
	return (uint32_t)(s->wall + (s->now > s->wall_at ? (s->now - s->wall_at) / TH_SEC : 0));
}

/* Where numbers towards us begin if the responder has forgotten the session: past all it may have used. */
static uint64_t floor_of(const struct session *ss)
{
	return (ss->seen.next / TH_HS_FLOOR_UNIT + (ss->seen.next > 0)) * TH_HS_FLOOR_UNIT;
}

static void fill_first(const struct th_sessions *s, const struct session *ss, const struct epoch *e,
		       const struct kept *k, struct th_hs_payload *out)
{
	bool rides = k && th_once_may_ride(s, ss, k);

	*out = (struct th_hs_payload){
		.version = TH_SESSION_VERSION,
		.long_tag = s->config.tag_len == TH_RECORD_TAG_LONG,
		.cid = e->rx_cid,
		.number = rides ? k->number : ss->next,
		.hello = s->hello,
		.hello_n = s->config.hello_n,
	};
	if (ss->pattern == TH_SESSION_XX)
		return;
	if (ss->current || ss->has_early_name) {
		out->resumes = true;
		out->name = ss->current ? ss->current->name : ss->early_name;
		out->floor = floor_of(ss);
	}
	if (rides) {
		out->has_data = true;
		out->time = time_for(s, ss);
		out->data = k->payload;
		out->n = k->n;
	}
}

static size_t least_size(const struct th_sessions *s, const struct session *ss)
{
	size_t need = (ss->pattern == TH_SESSION_XX ? ANSWER_SIZE_XX : ANSWER_SIZE) + s->config.hello_n;

	return need > s->config.first_size ? need : s->config.first_size;
}

/* The datagram of a new flight; its length, 0 on errors. */
static size_t write_first(struct th_sessions *s, struct session *ss, struct th_noise *hs, const struct th_hs_payload *p,
			  uint8_t out[BUF])
{
	uint8_t plain[BUF];
	struct th_wr w = th_wr_init(plain, sizeof(plain));
	size_t head = 1 + th_noise_overhead(hs), least = least_size(s, ss), len = 0;
	enum th_err err = TH_ERR_TOO_LARGE;

	th_hs_write(&w, TH_HS_FIRST, p, least > head ? least - head : 0);
	th_wr_bytes(&w, p->data, p->n);
	out[0] = kind_of(ss);
	if (th_wr_ok(&w))
		err = th_noise_write(hs, s->rng, plain, w.n, out + 1, BUF - 1, &len);
	th_wipe(plain, sizeof(plain));
	return err == TH_OK ? 1 + len : 0;
}

static enum th_err send_flight(struct th_sessions *s, struct session *ss)
{
	struct flight *f = ss->flight;
	const uint8_t kind = (uint8_t)(f->datagram[0] | (f->has_cookie ? TH_HS_COOKIE : 0));
	const struct part parts[] = {
		{ &kind, 1 },
		{ f->cookie, f->has_cookie ? sizeof(f->cookie) : 0 },
		{ f->datagram + 1, f->n - 1 },
	};
	size_t n = f->n + parts[1].n - f->riding;

	f->sent = s->now;
	if (ss->path.open) /* a handshake is more than may go to a host that is not shown */
		th_path_trust(&ss->path, &ss->home);
	th_session_release_back(s, ss);
	s->stats.handshake_out += n;
	ss->handshake_out += n;
	s->stats.initiations_out++;
	return th_session_to_peer(s, ss, parts, 3, NULL);
}

static struct flight *make_flight(struct th_sessions *s, struct session *ss, const struct th_noise *hs,
				  const struct th_hs_payload *p, const uint8_t *datagram, size_t n)
{
	struct flight *f = th_session_alloc(s, sizeof(*f) + n);

	if (!f)
		return NULL;
	f->hs = *hs;
	f->epoch = ss->upcoming;
	f->resumes = p->resumes;
	f->rides = p->has_data;
	f->riding = p->n;
	f->number = p->number;
	f->floor = p->floor;
	f->made = s->now;
	f->n = n;
	memcpy(f->datagram, datagram, n);
	return f;
}

enum th_err th_flight_start(struct th_sessions *s, struct session *ss, struct kept *k, bool silence)
{
	uint8_t datagram[BUF];
	struct th_hs_payload p;
	struct th_noise hs;
	enum th_err err;
	size_t n = 0;

	assert(!ss->flight && !ss->upcoming);
	ss->upcoming = th_epoch_new(s, ss);
	if (!ss->upcoming)
		return TH_ERR_NO_MEMORY;
	fill_first(s, ss, ss->upcoming, k, &p);
	err = start_noise(s, ss, kind_of(ss), &hs);
	if (err == TH_OK) {
		n = write_first(s, ss, &hs, &p, datagram);
		err = n ? TH_OK : TH_ERR_IO;
	}
	if (err == TH_OK) {
		ss->flight = make_flight(s, ss, &hs, &p, datagram, n);
		err = ss->flight ? TH_OK : TH_ERR_NO_MEMORY;
	}
	/* The first attempt names the session for those that may have to follow. */
	if (err == TH_OK && !p.resumes && ss->pattern != TH_SESSION_XX)
		ss->has_early_name = th_name_derive(&hs, &ss->early_name);
	th_noise_wipe(&hs);
	th_wipe(&p, sizeof(p));
	th_wipe(datagram, sizeof(datagram));
	if (err != TH_OK) {
		th_epoch_del(s, ss->upcoming);
		ss->upcoming = NULL;
		return err;
	}
	ss->flight->silence = silence;
	ss->flight->sake = k ? k->number : UINT64_MAX;
	/* Where the peer was last heard may have been somebody in between, or is no more. */
	if (silence || !ss->current)
		th_path_trust(&ss->path, &ss->home);
	if (k)
		k->touched = s->now;
	if (k && ss->flight->rides)
		k->first = th_time_min(k->first, s->now);
	send_flight(s, ss); /* a full queue is like a loss */
	return TH_OK;
}

/* Whether a new flight is to take the place of this one: also when the peer was heard meanwhile, and with later numbers
 * than the flight tells. */
static bool is_old(const struct th_sessions *s, const struct session *ss, const struct flight *f)
{
	th_time age = s->now - f->made, most = TH_SESSION_RENEW_AFTER << (ss->renewals > 0);

	return age >= 2 * most || (age >= most && f->repeats >= TH_SESSION_RENEW_REPEATS) ||
	       (ss->pattern != TH_SESSION_XX && f->floor < floor_of(ss));
}

enum th_err th_flight_repeat(struct th_sessions *s, struct session *ss, struct kept *k)
{
	struct flight *f = ss->flight;
	struct kept *riding = f->rides ? th_kept_find(ss, f->number) : NULL;
	bool silence = f->silence;

	if (k && riding && riding != k && f->sent > k->touched) { /* it went meanwhile */
		k->touched = s->now;
		return TH_OK;
	}
	if (k)
		k->touched = s->now;
	if (is_old(s, ss, f) || (f->rides && !riding)) {
		th_flight_del(s, ss);
		ss->renewals++;
		return th_flight_start(s, ss, riding ? riding : k, silence);
	}
	f->repeats++;
	return send_flight(s, ss);
}

bool th_initiator_wants_epoch(const struct th_sessions *s, const struct session *ss)
{
	return ss->current && (ss->suspect || th_epoch_worn(s, ss->current));
}

/* ---- the second message ---- */

static void take_clock(struct th_sessions *s, struct session *ss, uint32_t time)
{
	ss->knows_clock = true;
	ss->peer_clock = time;
	ss->peer_clock_at = s->now;
}

/* The responder is a new one, or knew nothing of us: what older epochs bring would be mixed up with its numbers, and
 * what they were to bring to it has to go again. */
static void peer_is_new(struct th_sessions *s, struct session *ss, uint64_t number)
{
	TH_LIST_EACH(i, &ss->kept)
	TH_OWNER(i, struct kept, link)->held = true;
	th_session_forget_epochs(s, ss);
	ss->seen = (struct th_window){ .next = number };
}

/* What rode in the flight has arrived, or has to go as a record. */
static void settle_riding(struct th_sessions *s, struct session *ss, const struct flight *f, bool refused)
{
	struct kept *k = th_kept_find(ss, f->rides ? f->number : f->sake);

	if (!k)
		return;
	if (!f->rides) {
		k->held = k->held || f->silence; /* it would wait for its next resend */
		return;
	}
	k->held = refused;
	if (!refused && !(k->flags & TH_SESSION_KEEP))
		th_kept_del(s, ss, k);
}

static void established(struct th_sessions *s, struct session *ss)
{
	ss->flight->epoch = NULL;
	th_flight_del(s, ss);
	ss->renewals = 0;
	ss->has_early_name = false;
	th_wipe(&ss->early_name, sizeof(ss->early_name));
	ss->heard = s->now;
	ss->suspect = false;
	ss->copies = 0;
	th_session_used(s, ss);
	th_session_promote(s, ss);
}

static size_t tag_len(const struct th_sessions *s, const struct th_hs_payload *p)
{
	return p->long_tag ? (size_t)TH_RECORD_TAG_LONG : s->config.tag_len;
}

static void finish(struct th_sessions *s, struct session *ss, struct th_noise *hs, const struct th_hs_payload *p)
{
	struct flight *f = ss->flight;

	/* Records of the earlier responder came after the flight was made: a new one tells the new responder. */
	if (!p->continued && p->number < ss->seen.next) {
		th_flight_del(s, ss);
		return;
	}
	f->epoch->tx_cid = p->cid;
	if (th_epoch_key(s, f->epoch, hs, tag_len(s, p), f->number, p->number) != TH_OK)
		return; /* the flight may be repeated */
	if (!p->continued) {
		th_once_note(s, ss, f, p);
		peer_is_new(s, ss, p->number);
	}
	if (p->refused)
		take_clock(s, ss, p->time);
	settle_riding(s, ss, f, p->refused);
	established(s, ss);
	th_session_open(s, ss, p->continued, p->hello, p->hello_n);
	th_once_tell(s, ss);
	if (ss->dead)
		return;
	if (th_session_flush(s, ss) == 0 && !p->has_data)
		th_session_confirm_ours(s, ss);
	if (p->has_data) {
		enum th_window_verdict v = th_session_note(s, ss, p->number);

		if (v != TH_WINDOW_OLD)
			th_session_deliver(s, ss, p->number, p->data, p->n, v == TH_WINDOW_SEEN ? TH_SESSION_COPY : 0u);
	}
}

/* ---- XX: the key, and the third message ---- */

static struct kept *first_held(const struct th_sessions *s, const struct session *ss)
{
	TH_LIST_EACH(i, &ss->kept)
	{
		struct kept *k = TH_OWNER(i, struct kept, link);

		if (k->held && k->n <= s->config.early_max)
			return k;
	}
	return NULL;
}

static size_t write_third(struct th_sessions *s, struct session *ss, struct th_noise *hs, const struct th_cid *cid,
			  const struct kept *k, uint8_t out[BUF])
{
	const struct th_hs_payload p = {
		.version = TH_SESSION_VERSION,
		.number = k ? k->number : ss->next,
		.has_data = k != NULL,
	};
	uint8_t plain[BUF];
	struct th_wr w = th_wr_init(plain, sizeof(plain)), head = th_wr_init(out, BUF);
	size_t len = 0;
	enum th_err err;

	th_wr_uint(&head, TH_HS_THIRD, 1);
	th_wr_bytes(&head, cid->b, cid->n);
	th_hs_write(&w, TH_HS_THIRD, &p, 0);
	if (k)
		th_wr_bytes(&w, k->payload, k->n);
	err = th_noise_write(hs, s->rng, plain, w.n, out + head.n, BUF - head.n, &len);
	th_wipe(plain, sizeof(plain));
	return err == TH_OK ? head.n + len : 0;
}

static bool is_trusted(struct th_sessions *s, struct session *ss, const uint8_t key[TH_NOISE_DH])
{
	if (ss->has_key)
		return th_bytes_equal(ss->key, key, TH_NOISE_DH);
	return s->ops->trust && s->ops->trust(s->user, ss->id, key) && !ss->dead;
}

static void send_third(struct th_sessions *s, struct session *ss, struct kept *k, const uint8_t *datagram, size_t n)
{
	size_t riding = k ? k->n : 0;

	ss->third = th_session_alloc(s, n); /* without, a lost one is not repeated: a new handshake follows */
	if (ss->third) {
		ss->third_n = n;
		memcpy(ss->third, datagram, n);
	}
	if (k && k->flags & TH_SESSION_KEEP) {
		k->held = false;
		k->touched = s->now;
		k->first = th_time_min(k->first, s->now);
	} else if (k) {
		th_kept_del(s, ss, k);
	}
	s->stats.handshake_out += n - riding;
	ss->handshake_out += n - riding;
	th_session_to_peer(s, ss, &(const struct part){ datagram, n }, 1, NULL);
}

static void finish_xx(struct th_sessions *s, struct session *ss, struct th_noise *hs, const struct th_hs_payload *p)
{
	struct flight *f = ss->flight;
	struct kept *k = first_held(s, ss);
	uint8_t datagram[BUF];
	size_t n;

	if (!is_trusted(s, ss, hs->rs)) {
		th_session_end(s, ss, TH_SESSION_END_KEY);
		return;
	}
	memcpy(ss->key, hs->rs, sizeof(ss->key));
	f->epoch->tx_cid = p->cid;
	n = write_third(s, ss, hs, &p->cid, k, datagram);
	if (n == 0 || th_epoch_key(s, f->epoch, hs, tag_len(s, p), f->number, p->number) != TH_OK)
		return;
	ss->has_key = ss->first_contact = true;
	ss->pattern = TH_SESSION_IK; /* from now on both keys are known */
	peer_is_new(s, ss, p->number);
	established(s, ss);
	send_third(s, ss, k, datagram, n);
	th_wipe(datagram, sizeof(datagram));
	th_session_open(s, ss, false, p->hello, p->hello_n);
	if (!ss->dead)
		th_session_flush(s, ss);
}

/* ---- whose it is ---- */

/* The responder's hello as a whole. */
static bool complete_hello(const struct th_sessions *s, struct th_hs_payload *p, uint8_t out[TH_HS_HELLO_MAX])
{
	int n = th_hs_hello(p, (struct th_str){ (const char *)s->hello, s->config.hello_n }, out);

	p->hello = out;
	p->hello_n = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

static void read_payload(struct th_sessions *s, struct session *ss, struct th_noise *hs, const uint8_t *plain, size_t n)
{
	uint8_t hello[TH_HS_HELLO_MAX];
	struct th_hs_payload p;
	enum th_err err = th_hs_read(&p, (uint8_t)(TH_HS_SECOND | (ss->flight->resumes ? TH_HS_RESUMED : 0)), plain, n);

	if (err == TH_ERR_UNSUPPORTED) {
		s->stats.wrong_version++;
		th_log(TH_LOG_WARN, "session_version", "session=%llu ours=%d theirs=%d", (unsigned long long)ss->id,
		       TH_SESSION_VERSION, p.version);
		th_session_end(s, ss, TH_SESSION_END_VERSION);
	} else if (err != TH_OK || !complete_hello(s, &p, hello) || (ss->pattern == TH_SESSION_XX && p.has_data)) {
		s->stats.malformed++;
	} else if (ss->pattern == TH_SESSION_XX) {
		finish_xx(s, ss, hs, &p);
	} else {
		finish(s, ss, hs, &p);
	}
}

/* False: not for this session. */
static bool try_second(struct th_sessions *s, struct session *ss, const uint8_t *msg, size_t n)
{
	uint8_t plain[BUF];
	struct th_noise hs = ss->flight->hs;
	size_t len;
	bool ok = th_noise_read(&hs, msg, n, plain, &len) == TH_OK;

	if (ok) {
		s->stats.handshake_in += n;
		ss->handshake_in += n;
		read_payload(s, ss, &hs, plain, len);
		th_wipe(plain, len);
	}
	th_noise_wipe(&hs);
	return ok;
}

void th_initiator_second(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n)
{
	bool tried = false;

	if (s->config.cids) {
		struct epoch *e = th_cids_find(&s->cids, p + 1);
		size_t head = 1 + th_cid_len(p[1]);

		tried = e && !e->session->dead && e->session->flight && e->session->flight->epoch == e;
		if (tried && try_second(s, e->session, p + head, n - head))
			return;
	} else {
		TH_LIST_EACH(i, &s->initiated)
		{
			struct session *ss = TH_OWNER(i, struct session, link);

			if (!ss->flight || !th_addr_eq(&ss->path.to, from))
				continue;
			tried = true;
			if (try_second(s, ss, p + 1, n - 1))
				return;
		}
	}
	s->stats.unauthentic += tried;
	s->stats.unexpected += !tried;
}

/* ---- retry ---- */

void th_initiator_retry(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n)
{
	(void)n; /* of one length */
	TH_LIST_EACH(i, &s->initiated)
	{
		struct session *ss = TH_OWNER(i, struct session, link);
		struct flight *f = ss->flight;

		/* Only who saw the flight knows its key: nobody else can have it sent again. */
		if (!f || !th_addr_eq(&ss->path.to, from) || f->cookies >= TH_SESSION_COOKIES_MAX ||
		    !th_bytes_equal(f->datagram + 1, p + 1, TH_HS_ECHO))
			continue;
		s->stats.retries_in++;
		f->cookies++;
		f->has_cookie = true;
		memcpy(f->cookie, p + 1 + TH_HS_ECHO, TH_COOKIE_LEN);
		send_flight(s, ss);
		return;
	}
	s->stats.unexpected++;
}
