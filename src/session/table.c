/* Timers, one for each session (th_session_arm): when a handshake is answered without a payload, XX's third message is
 * given up, the previous epoch's keys go, a session has been idle for too long. Being used does not move the timer: it
 * looks again when it fires. */
#include "session/session_int.h"

#include <string.h>

/* ---- lists ---- */

static void unlink_session(struct th_sessions *s, struct session *ss)
{
	th_list_remove(&ss->link);
	s->initiated_n -= ss->initiator;
	s->unconfirmed_n -= !ss->initiator && !ss->confirmed;
	s->confirmed_n -= !ss->initiator && ss->confirmed;
}

static void link_session(struct th_sessions *s, struct session *ss)
{
	struct th_list *to = ss->initiator ? &s->initiated : ss->confirmed ? &s->confirmed : &s->unconfirmed;

	th_list_push(to, &ss->link);
	s->initiated_n += ss->initiator;
	s->unconfirmed_n += !ss->initiator && !ss->confirmed;
	s->confirmed_n += !ss->initiator && ss->confirmed;
}

void th_session_used(struct th_sessions *s, struct session *ss)
{
	ss->used = s->now;
	unlink_session(s, ss);
	link_session(s, ss);
}

struct session *th_session_find(const struct th_sessions *s, th_session_id id)
{
	uint64_t hash = th_table_hash(&s->by_id, &id, sizeof(id));

	for (struct th_slot *n = th_table_next(&s->by_id, hash, NULL); n; n = th_table_next(&s->by_id, hash, n)) {
		struct session *ss = TH_OWNER(n, struct session, slot);

		if (ss->id == id)
			return ss;
	}
	return NULL;
}

/* ---- birth ---- */

static bool evict_oldest(struct th_sessions *s, struct th_list *from)
{
	if (th_list_empty(from))
		return false;
	s->stats.evicted++;
	th_session_end(s, TH_OWNER(from->next, struct session, link), TH_SESSION_END_EVICTED);
	return true;
}

static bool make_room(struct th_sessions *s, bool initiator)
{
	if (!initiator && s->unconfirmed_n >= s->config.half_open_max)
		return evict_oldest(s, &s->unconfirmed);
	if (s->initiated_n + s->unconfirmed_n + s->confirmed_n < s->config.sessions_max)
		return true;
	return evict_oldest(s, &s->unconfirmed) || evict_oldest(s, &s->confirmed);
}

struct session *th_session_make(struct th_sessions *s, bool initiator, const struct th_addr *to)
{
	struct session *ss;

	if (!make_room(s, initiator))
		return NULL;
	ss = th_session_alloc(s, sizeof(*ss));
	if (!ss)
		return NULL;
	if (th_heap_set(&s->heap, &ss->timer, TH_NEVER) != TH_OK) {
		s->stats.no_memory++;
		th_session_release(s, ss, sizeof(*ss));
		return NULL;
	}
	ss->id = ++s->last_id;
	ss->initiator = initiator;
	ss->home = *to;
	th_path_trust(&ss->path, to);
	ss->used = s->now;
	th_list_init(&ss->kept);
	th_list_init(&ss->link);
	th_table_add(&s->by_id, &ss->slot, th_table_hash(&s->by_id, &ss->id, sizeof(ss->id)));
	link_session(s, ss);
	return ss;
}

/* ---- death ---- */

void th_reply_del(struct th_sessions *s, struct session *ss)
{
	struct reply *r = ss->reply;

	if (!r)
		return;
	ss->reply = NULL;
	th_noise_wipe(&r->hs);
	th_session_release(s, r->datagram, r->n);
	th_session_release(s, r, sizeof(*r));
}

void th_flight_del(struct th_sessions *s, struct session *ss)
{
	struct flight *f = ss->flight;

	if (!f)
		return;
	ss->flight = NULL;
	if (f->epoch == ss->upcoming && !f->epoch->keyed) {
		th_epoch_del(s, ss->upcoming);
		ss->upcoming = NULL;
	}
	th_session_release(s, f, sizeof(*f) + f->n);
}

void th_session_forget_epochs(struct th_sessions *s, struct session *ss)
{
	for (size_t i = 0; i < TH_SESSION_PREVIOUS; i++) {
		th_epoch_del(s, ss->previous[i]);
		ss->previous[i] = NULL;
	}
	th_epoch_del(s, ss->current);
	ss->current = NULL;
	th_session_release(s, ss->third, ss->third_n);
	ss->third = NULL;
}

void th_session_free(struct th_sessions *s, struct session *ss)
{
	th_heap_cancel(&s->heap, &ss->timer);
	th_list_remove(&ss->link);
	th_reply_del(s, ss);
	th_flight_del(s, ss);
	th_session_forget_epochs(s, ss);
	th_epoch_del(s, ss->upcoming);
	th_names_clear(s, ss);
	TH_LIST_EACH(i, &ss->kept)
	th_kept_del(s, ss, TH_OWNER(i, struct kept, link));
	th_session_release(s, ss, sizeof(*ss));
}

void th_session_end(struct th_sessions *s, struct session *ss, enum th_session_end why)
{
	if (ss->dead)
		return;
	ss->dead = true;
	th_table_remove(&s->by_id, &ss->slot);
	unlink_session(s, ss);
	th_list_push(&s->dead, &ss->link);
	if (why != TH_SESSION_END_LOCAL && s->ops->closed && (ss->opened || ss->initiator))
		s->ops->closed(s->user, ss->id, why);
}

void th_session_reap(struct th_sessions *s)
{
	while (!th_list_empty(&s->dead))
		th_session_free(s, TH_OWNER(s->dead.next, struct session, link));
}

/* ---- epochs move on ---- */

void th_session_promote(struct th_sessions *s, struct session *ss)
{
	s->stats.handshakes++;
	s->stats.rekeys += ss->current != NULL;
	if (ss->current) {
		th_epoch_del(s, ss->previous[TH_SESSION_PREVIOUS - 1]);
		for (size_t i = TH_SESSION_PREVIOUS - 1; i > 0; i--)
			ss->previous[i] = ss->previous[i - 1];
		ss->previous[0] = ss->current;
		ss->current->last = th_time_add(s->now, s->config.previous_life);
	}
	ss->current = ss->upcoming;
	ss->upcoming = NULL;
	if (!ss->initiator)
		ss->current->heard = true;
	th_session_arm(s, ss);
}

void th_session_confirm(struct th_sessions *s, struct session *ss)
{
	struct reply *r = ss->reply;

	if (r)
		th_path_reached(&ss->path, &r->from);
	th_session_promote(s, ss);
	if (!ss->confirmed) {
		unlink_session(s, ss);
		ss->confirmed = true;
		link_session(s, ss);
	}
	if (r && !r->announced)
		th_session_open(s, ss, ss->opened, r->hello, r->hello_n);
	th_reply_del(s, ss); /* ss is there until the verb ends, even if a callback has ended it */
	if (!ss->dead) {
		th_session_release_back(s, ss);
		th_session_flush(s, ss);
	}
}

/* ---- timer ---- */

void th_session_arm(struct th_sessions *s, struct session *ss)
{
	const struct reply *r = ss->reply;
	th_time at = TH_NEVER;

	if (r && !r->written)
		at = r->answer_by;
	if (r && r->third)
		at = th_time_min(at, r->expires);
	if (ss->current && ss->current->heard)
		for (size_t i = 0; i < TH_SESSION_PREVIOUS && ss->previous[i]; i++)
			at = th_time_min(at, ss->previous[i]->last);
	if (!ss->initiator || ss->current)
		at = th_time_min(at, th_time_add(ss->used, s->config.idle));
	if (!ss->dead)
		th_heap_set(&s->heap, &ss->timer, at); /* it is set already, so this can't fail */
}

static void idle(struct th_sessions *s, struct session *ss)
{
	if (!ss->initiator) {
		th_session_end(s, ss, TH_SESSION_END_IDLE);
		return;
	}
	if (!ss->current)
		return;
	th_flight_del(s, ss);
	/* The session goes on, and so do its numbers, for which the next handshake has to name it. */
	ss->has_early_name = true;
	ss->early_name = ss->current->name;
	th_session_forget_epochs(s, ss);
}

/* The oldest come last, and go first. Until the peer is heard under the current epoch it may use any of them. */
static void drop_previous(struct th_sessions *s, struct session *ss)
{
	for (size_t i = TH_SESSION_PREVIOUS; i-- > 0;)
		if (ss->previous[i] && s->now >= ss->previous[i]->last) {
			th_epoch_del(s, ss->previous[i]);
			ss->previous[i] = NULL;
		}
}

void th_session_due(struct th_sessions *s, struct session *ss)
{
	struct reply *r = ss->reply;

	if (r && r->third && s->now >= r->expires) {
		th_session_end(s, ss, TH_SESSION_END_IDLE);
		return;
	}
	if (r && !r->written && s->now >= r->answer_by)
		th_responder_answer(s, ss, 0, NULL, 0);
	if (ss->current && ss->current->heard)
		drop_previous(s, ss);
	if (s->now >= th_time_add(ss->used, s->config.idle))
		idle(s, ss);
	th_session_arm(s, ss);
}
