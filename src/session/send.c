/* The verbs of who sends. What th_session_send() is given becomes a record, or rides in a handshake, or waits for keys.
 */
#include "session/session_int.h"

#include <string.h>

/* ---- sending ---- */

static enum th_err hold(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload, size_t n,
			unsigned flags, struct kept **out)
{
	enum th_err err;

	*out = th_kept_add(s, ss, number, payload, n, flags, &err);
	return err;
}

/* Whether nobody waits any more for what rides in the flight. */
static bool is_stale(const struct session *ss)
{
	return ss->flight && ss->flight->rides && !th_kept_find(ss, ss->flight->number);
}

/* It waits already, and there may be room for it by now. */
static enum th_err send_back(struct th_sessions *s, struct session *ss, struct kept *k)
{
	enum th_err err = th_session_again(s, ss, k);

	if (err != TH_OK)
		k->back = false;
	th_kept_sent(s, ss, k);
	return err;
}

static enum th_err send_record(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload,
			       size_t n, unsigned flags)
{
	struct kept *k;
	enum th_err err;

	if (!(flags & TH_SESSION_KEEP)) {
		k = th_kept_back(ss, payload, n);
		if (k)
			return send_back(s, ss, k);
		if (th_path_admits(&ss->path, n + TH_RECORD_OVERHEAD_MAX))
			return th_session_seal(s, ss, number, payload, n);
	}
	err = hold(s, ss, number, payload, n, flags, &k);
	if (err != TH_OK)
		return err;
	err = th_session_seal_kept(s, ss, k);
	if (err != TH_OK)
		th_kept_del(s, ss, k);
	else
		th_kept_sent(s, ss, k);
	return err;
}

/* By a new handshake, in which the payload rides. */
static enum th_err send_flight(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload,
			       size_t n, unsigned flags)
{
	struct kept *k;
	enum th_err err = hold(s, ss, number, payload, n, flags, &k);

	if (err != TH_OK)
		return err;
	if (is_stale(ss))
		th_flight_del(s, ss);
	if (ss->flight) /* its end will send this */
		return TH_OK;
	err = th_flight_start(s, ss, k, ss->suspect);
	if (err != TH_OK)
		th_kept_del(s, ss, k);
	return err;
}

static enum th_err send_as_initiator(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload,
				     size_t n, unsigned flags)
{
	if (!ss->current)
		return send_flight(s, ss, number, payload, n, flags);
	if (flags & TH_SESSION_KEEP && th_initiator_wants_epoch(s, ss) && (!ss->flight || is_stale(ss)) &&
	    send_flight(s, ss, number, payload, n, flags) == TH_OK)
		return TH_OK;
	return send_record(s, ss, number, payload, n, flags);
}

/* A response may ride in the answer to the handshake; all else waits until the initiator has shown that it has the
 * keys, unless there are older ones. */
static enum th_err send_as_responder(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload,
				     size_t n, unsigned flags)
{
	bool pending = ss->reply && !ss->reply->written, rode;
	struct kept *k;
	enum th_err err;

	if (ss->current && !(pending && flags & TH_SESSION_FINAL))
		return send_record(s, ss, number, payload, n, flags);
	err = hold(s, ss, number, payload, n, flags, &k);
	if (err != TH_OK || !pending)
		return err;
	rode = th_responder_answer(s, ss, number, flags & TH_SESSION_FINAL ? payload : NULL, n);
	k->held = !rode;
	if (rode && !(flags & TH_SESSION_KEEP))
		th_kept_del(s, ss, k);
	else if (!rode && ss->current)
		th_session_flush(s, ss);
	return TH_OK;
}

static bool may_send(const struct session *ss, uint64_t number)
{
	return number < ss->next && ss->next - number < TH_WINDOW_SIZE && !th_kept_find(ss, number);
}

enum th_err th_session_send(struct th_sessions *s, th_session_id id, uint64_t number, const uint8_t *payload, size_t n,
			    unsigned flags, th_time now)
{
	struct session *ss = th_session_find(s, id);
	enum th_err err;

	if (!ss)
		return TH_ERR_NOT_FOUND;
	if (n > TH_SESSION_PAYLOAD_MAX)
		return TH_ERR_TOO_LARGE;
	if (n == 0 || !may_send(ss, number))
		return TH_ERR_INVALID;
	th_session_enter(s, now);
	err = ss->initiator ? send_as_initiator(s, ss, number, payload, n, flags)
			    : send_as_responder(s, ss, number, payload, n, flags);
	th_session_leave(s);
	return err;
}

/* ---- sending again ---- */

/* Counts the resends in a row with nothing heard in between. What came before the current keys does not count: a peer
 * may have heard of a later handshake, and not know them any more. */
static void count_silence(const struct session *ss, struct kept *k)
{
	k->resends++;
	k->silent = ss->heard >= k->touched ? 1 : k->silent + 1;
}

static bool is_silent(const struct th_sessions *s, const struct kept *k)
{
	return k->silent >= s->config.silent_resends;
}

static enum th_err resend_as_initiator(struct th_sessions *s, struct session *ss, struct kept *k)
{
	struct flight *f = ss->flight;
	bool rides = f && f->rides && f->number == k->number;

	if (!ss->current)
		return f ? th_flight_repeat(s, ss, k) : th_flight_start(s, ss, k, false);
	if (is_silent(s, k)) {
		ss->suspect = true;
		if (!f)
			return th_flight_start(s, ss, k, true);
		/* It was made for new keys, to where the peer was last heard: see th_flight_start(). */
		f->silence = true;
		th_path_trust(&ss->path, &ss->home);
		th_session_release_back(s, ss);
		return th_flight_repeat(s, ss, k);
	}
	/* A rekeying handshake that is not answered does not hold up what the current keys can bring. */
	if (rides && (k->resends < 2 || f->silence))
		return th_flight_repeat(s, ss, k);
	if (rides)
		th_flight_repeat(s, ss, k);
	if (ss->third)
		th_session_to_peer(s, ss, &(const struct part){ ss->third, ss->third_n }, 1, NULL);
	/* A copy moves no session: if our address has changed, only a new number tells the peer. */
	if (k->silent + 1 == s->config.silent_resends)
		th_session_confirm_ours(s, ss);
	return th_session_again(s, ss, k);
}

enum th_err th_session_resend(struct th_sessions *s, th_session_id id, uint64_t number, th_time now)
{
	struct session *ss = th_session_find(s, id);
	struct kept *k = ss ? th_kept_find(ss, number) : NULL;
	enum th_err err = TH_OK;

	if (!k)
		return TH_ERR_NOT_FOUND;
	th_session_enter(s, now);
	count_silence(ss, k);
	if (ss->initiator)
		err = resend_as_initiator(s, ss, k);
	else if (ss->current)
		err = th_session_again(s, ss, k);
	/* A responder without confirmed keys can only wait. */
	th_session_leave(s);
	return err;
}

enum th_err th_session_ask(struct th_sessions *s, th_session_id id, th_time now)
{
	struct session *ss = th_session_find(s, id);
	enum th_err err;

	if (!ss || !ss->initiator || ss->current)
		return TH_ERR_NOT_FOUND;
	th_session_enter(s, now);
	err = ss->flight ? th_flight_repeat(s, ss, NULL) : th_flight_start(s, ss, NULL, false);
	th_session_leave(s);
	return err;
}

void th_session_forget(struct th_sessions *s, th_session_id id, uint64_t number)
{
	struct session *ss = th_session_find(s, id);
	struct kept *k = ss ? th_kept_find(ss, number) : NULL;

	if (k)
		th_kept_del(s, ss, k);
}

bool th_session_keeps(const struct th_sessions *s, th_session_id id, uint64_t number, const uint8_t *payload, size_t n)
{
	const struct session *ss = th_session_find(s, id);
	const struct kept *k = ss ? th_kept_find(ss, number) : NULL;

	return k && k->n == n && memcmp(k->payload, payload, n) == 0;
}

void th_session_repeated(struct th_sessions *s, th_session_id id)
{
	struct session *ss = th_session_find(s, id);

	if (ss && ss->copies == 0)
		ss->copies = 1;
}

void th_session_seen(struct th_sessions *s, th_session_id id, uint64_t number)
{
	struct session *ss = th_session_find(s, id);
	const struct kept *k = ss ? th_kept_find(ss, number) : NULL;
	struct epoch *e = ss ? ss->current : NULL;

	/* Only what was sealed under this epoch and no other tells what the peer expects in it. */
	if (e && number >= e->tx.base && number >= e->sure && (!k || k->serial == e->serial) &&
	    th_window_look(&e->tx.window, number) == TH_WINDOW_SEEN)
		e->sure = number + 1;
}

void th_session_shown(struct th_sessions *s, th_session_id id, const uint8_t challenge[TH_PATH_CHALLENGE])
{
	struct session *ss = th_session_find(s, id);

	if (ss && th_path_answered(&ss->path, challenge))
		th_session_release_back(s, ss);
}

enum th_err th_session_keepalive(struct th_sessions *s, th_session_id id, th_time now)
{
	struct session *ss = th_session_find(s, id);

	if (!ss || !ss->current)
		return TH_ERR_NOT_FOUND;
	th_session_enter(s, now);
	th_session_confirm_ours(s, ss);
	th_session_leave(s);
	return TH_OK;
}
