#include "session/session_int.h"

#include <string.h>

enum {
	KIND_MASK = 0xc0,
	KIND_RECORD = 0x80,
	FOREIGN_MAX = 16, /* wrong tags a second from elsewhere, per session: a stranger who guesses an ID wears no key
			     out with them */
	TRIES_MAX = 32,	  /* keys that a record without a connection ID is tried with */
};

/* ---- what is authentic ---- */

enum th_window_verdict th_session_note(struct th_sessions *s, struct session *ss, uint64_t number)
{
	enum th_window_verdict v = th_window_look(&ss->seen, number);

	if (v == TH_WINDOW_NEW) {
		th_window_mark(&ss->seen, number);
		ss->copies = 0;
		th_session_used(s, ss);
	} else if (v == TH_WINDOW_SEEN) {
		ss->copies++;
		s->stats.copies++;
	}
	return v;
}

void th_session_deliver(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload, size_t n,
			unsigned flags)
{
	if (n > 0 && !ss->dead)
		s->ops->deliver(s->user, ss->id, number, payload, n, flags);
}

/* The responder uses this epoch. If it is an older one, the record that was to show it the current one is lost: another
 * one goes, since nothing else might for long. */
static void heard_under(struct th_sessions *s, struct session *ss, struct epoch *e)
{
	if (e != ss->current) {
		if (!ss->current->heard)
			th_session_confirm_ours(s, ss);
		return;
	}
	th_session_release(s, ss->third, ss->third_n);
	ss->third = NULL;
	if (!e->heard) {
		e->heard = true;
		th_session_arm(s, ss);
	}
}

void th_session_came(struct th_sessions *s, struct session *ss, size_t n)
{
	bool asks = th_path_came(&ss->path, n, s->now);
	int64_t had = ss->path.datagrams;

	th_session_release_back(s, ss); /* it may have come home */
	if (!asks || !s->ops->moved || ss->dead || !ss->current)
		return;
	s->ops->moved(s->user, ss->id, ss->path.challenge);
	if (ss->path.datagrams < had) /* it went */
		th_path_probed(&ss->path, s->now);
}

/* A record that opened, with a datagram of so many bytes. `first`: not seen before under this epoch. */
static void authentic(struct th_sessions *s, struct epoch *e, const struct th_addr *from, size_t datagram,
		      uint64_t number, bool first, const uint8_t *payload, size_t n)
{
	struct session *ss = e->session;
	uint64_t newest = ss->seen.next;
	enum th_window_verdict v = th_session_note(s, ss, number);

	if (v == TH_WINDOW_OLD) {
		s->stats.too_old++;
		return;
	}
	if (v == TH_WINDOW_NEW) {
		if (!ss->initiator || e == ss->current) {
			ss->heard = s->now;
			ss->suspect = false;
		}
		e->assumed = e->tx.window.next; /* more than a guess only for what is older than its way here */
		if (number >= newest)
			s->stats.roamed += th_path_follow(&ss->path, from, s->rng);
	} else if (!th_addr_eq(&ss->path.to, from)) {
		return; /* a replay from elsewhere; who really moved sends something new as well */
	}
	if (first && ss->initiator)
		heard_under(s, ss, e);
	if (first && !ss->initiator && e == ss->upcoming)
		th_session_confirm(s, ss);
	if (th_addr_eq(&ss->path.to, from))
		th_session_came(s, ss, datagram);
	th_session_deliver(s, ss, number, payload, n, v == TH_WINDOW_SEEN ? TH_SESSION_COPY : 0u);
}

/* ---- records ---- */

/* False: not authentic under this epoch. */
static bool try_epoch(struct th_sessions *s, struct epoch *e, const struct th_addr *from, const uint8_t *p, size_t n)
{
	uint8_t out[TH_SESSION_DATAGRAM_MAX];
	uint64_t number;
	size_t len;
	enum th_err err;

	if (!e || !e->keyed || e->session->dead)
		return false;
	err = th_record_open(&e->rx, e->rx_cid.n, p, n, out, &len, &number);
	if (err != TH_OK && err != TH_ERR_NOT_FOUND)
		return false;
	e->session->overhead_in += n - len;
	s->stats.overhead_in += n - len;
	authentic(s, e, from, n, number, err == TH_OK, out, len);
	th_wipe(out, len);
	return true;
}

/* Whether a record from there is to be tried. From the session's own address always: a NAT's change is seen with the
 * first good one, a guess costs one of a few each second. */
static bool may_try(struct th_sessions *s, struct session *ss, const struct th_addr *from)
{
	if (th_addr_eq(&ss->path.to, from))
		return true;
	if (s->now - ss->foreign_since >= TH_SEC) {
		ss->foreign_since = s->now;
		ss->foreign = 0;
	}
	return ss->foreign < FOREIGN_MAX;
}

static void by_cid(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n)
{
	const uint8_t *cid; /* of one byte or two: a tag stands behind it */
	struct epoch *e = th_record_peek(p, n, 1, &cid) ? th_cids_find(&s->cids, cid) : NULL;

	if (!e || !e->keyed || e->session->dead) {
		s->stats.unknown_cid++;
	} else if (!may_try(s, e->session, from)) {
		s->stats.limited++;
	} else if (!try_epoch(s, e, from, p, n)) {
		s->stats.unauthentic++;
		e->session->foreign += !th_addr_eq(&e->session->path.to, from);
	}
}

/* Without IDs only who sends from where we send to is listened to; the newest used sessions first. A record of one is
 * no forgery to the others. */
static void by_address(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n)
{
	struct epoch *tried[TRIES_MAX];
	size_t count = 0;
	uint64_t copies = s->stats.copies;

	for (struct th_list *i = s->initiated.prev; i != &s->initiated && count < TRIES_MAX; i = i->prev) {
		struct session *ss = TH_OWNER(i, struct session, link);

		if (!th_addr_eq(&ss->path.to, from))
			continue;
		if (ss->current)
			tried[count++] = ss->current;
		for (size_t j = 0; j < TH_SESSION_PREVIOUS && ss->previous[j] && count < TRIES_MAX; j++)
			tried[count++] = ss->previous[j];
	}
	for (size_t i = 0; i < count; i++) {
		if (!try_epoch(s, tried[i], from, p, n))
			continue;
		while (s->stats.copies == copies && i > 0)
			tried[--i]->rx.failures--;
		return;
	}
	s->stats.unauthentic += count > 0;
	s->stats.unknown_cid += count == 0;
}

static void rx_record(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n)
{
	if (s->config.cids)
		by_cid(s, from, p, n);
	else
		by_address(s, from, p, n);
}

/* ---- kinds ---- */

/* The least and most bytes of each handshake kind; exact limits depend on the pattern and are Noise's. */
static const struct {
	uint8_t kind, bits; /* bits: which of the low four may be set */
	size_t min, max;
	void (*rx)(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n);
} kinds[] = {
	{ TH_HS_FIRST, TH_HS_COOKIE | TH_HS_PSK | TH_HS_PATTERN, 1 + TH_NOISE_DH, TH_SESSION_DATAGRAM_MAX,
	  th_responder_first },
	{ TH_HS_SECOND, 0, 1 + TH_NOISE_DH + TH_NOISE_TAG, TH_SESSION_DATAGRAM_MAX, th_initiator_second },
	{ TH_HS_THIRD, 0, 1 + TH_NOISE_DH + 2 * TH_NOISE_TAG, TH_SESSION_DATAGRAM_MAX, th_responder_third },
	{ TH_HS_RETRY, 0, TH_HS_RETRY_LEN, TH_HS_RETRY_LEN, th_initiator_retry },
};

static void rx_handshake(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((p[0] & TH_HS_KIND_MASK) == kinds[i].kind) {
			if (n >= kinds[i].min && n <= kinds[i].max && !(p[0] & ~(kinds[i].kind | kinds[i].bits)))
				kinds[i].rx(s, from, p, n);
			else
				s->stats.malformed++;
			return;
		}
}

void th_sessions_rx(struct th_sessions *s, const struct th_addr *from, const uint8_t *p, size_t n, th_time now)
{
	th_session_enter(s, now);
	s->stats.bytes_in += n;
	if (!th_sessions_owns(p, n) || n > TH_SESSION_DATAGRAM_MAX)
		s->stats.malformed++;
	else if ((p[0] & KIND_MASK) == KIND_RECORD)
		rx_record(s, from, p, n);
	else
		rx_handshake(s, from, p, n);
	th_session_leave(s);
}
