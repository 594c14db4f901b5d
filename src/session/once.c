/* Payloads that may not be delivered twice, though the responder forgets everything when it is restarted.
 *
 * A responder that lives on knows a number that it has seen. A restarted one knows only early data, by the mark on its
 * disk (early.h). So such a payload is early data at most once, in the first handshake of a cold session; all that
 * comes later asks first who is there. A new responder says for how long it has been running: what was sent first
 * before that may have been delivered to the one before it, and goes back to the owner. */
#include "session/session_int.h"

enum { CLOCKS_DIFFER = 1000 }; /* by one part in so many at most */

/* What may not be delivered twice rides only where the responder's memory of ephemeral keys alone decides on it: not
 * when it was sent in another way before, nor when it may be later. */
bool th_once_may_ride(const struct th_sessions *s, const struct session *ss, const struct kept *k)
{
	if (!k || k->n > s->config.early_max)
		return false;
	return !(k->flags & TH_SESSION_ONCE) || (!ss->current && k->first == TH_NEVER);
}

/* A new responder: whether another one before it may have had this payload. Not what was sent first when this one ran
 * already; some slack is for clocks that are not equally fast. */
static bool is_doubtful(const struct th_sessions *s, const struct flight *f, const struct th_hs_payload *p,
			const struct kept *k)
{
	th_time age = s->now - k->first;

	if (!(k->flags & TH_SESSION_ONCE) || k->first == TH_NEVER)
		return false;
	/* accepted now, so never before (early.h). Refused, a double of it may have been accepted by the one before. */
	if (f->rides && f->number == k->number && !p->refused)
		return false;
	return p->uptime <= (age + age / CLOCKS_DIFFER) / TH_MS;
}

void th_once_note(const struct th_sessions *s, struct session *ss, const struct flight *f,
		  const struct th_hs_payload *p)
{
	TH_LIST_EACH(i, &ss->kept)
	{
		struct kept *k = TH_OWNER(i, struct kept, link);

		k->doubtful = is_doubtful(s, f, p, k);
	}
}

static struct kept *first_doubtful(const struct session *ss)
{
	TH_LIST_EACH(i, &ss->kept)
	if (TH_OWNER(i, struct kept, link)->doubtful)
		return TH_OWNER(i, struct kept, link);
	return NULL;
}

void th_once_tell(struct th_sessions *s, struct session *ss)
{
	for (struct kept *k = first_doubtful(ss); k && !ss->dead; k = first_doubtful(ss)) {
		uint64_t number = k->number;

		th_kept_del(s, ss, k);
		s->stats.doubtful++;
		if (s->ops->doubtful)
			s->ops->doubtful(s->user, ss->id, number);
	}
}
