/* Records out, and the queue of datagrams.
 *
 * How much of a number a record has to carry depends on what the peer has seen. Acknowledgements of our numbers are
 * rare: an ACK is never acknowledged. So there are three levels of caution. Normally what had been sent when the peer's
 * newest new record came is taken for seen. When the peer sends copies, or we resend, only what is known to be seen is;
 * and at the second time nothing: then every number of the epoch that is 2^20 or less old is understood (long form). A
 * wrong guess is a record that the peer can't open; the copy or resend that follows puts it right. A copy that comes in
 * a record of its own the user tells of (th_session_repeated). */
#include "session/session_int.h"

#include <string.h>

enum { CERTAIN = 2, RANGE_BITS = 19 };

struct datagram {
	struct th_list link;
	struct th_addr to;
	size_t n;
	uint8_t p[];
};

/* ---- queue ---- */

enum th_err th_session_queue(struct th_sessions *s, const struct th_addr *to, const struct part *parts, size_t n)
{
	struct datagram *d;
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += parts[i].n;
	if (s->out_n >= s->config.queue_max) {
		s->stats.queue_full++;
		return TH_ERR_FULL;
	}
	d = th_session_alloc(s, sizeof(*d) + total);
	if (!d)
		return TH_ERR_NO_MEMORY;
	d->to = *to;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].n)
			memcpy(d->p + d->n, parts[i].p, parts[i].n);
		d->n += parts[i].n;
	}
	th_list_push(&s->out, &d->link);
	s->out_n++;
	return TH_OK;
}

enum th_err th_session_to_peer(struct th_sessions *s, struct session *ss, const struct part *parts, size_t n,
			       bool *back)
{
	size_t total = 0;
	bool may;

	for (size_t i = 0; i < n; i++)
		total += parts[i].n;
	may = th_path_take(&ss->path, total);
	s->stats.held_back += !may;
	if (back)
		*back = !may;
	ss->holds_back |= back && !may;
	return may ? th_session_queue(s, &ss->path.to, parts, n) : TH_OK;
}

size_t th_sessions_tx(struct th_sessions *s, struct th_addr *to, uint8_t *out, size_t cap, th_time now)
{
	size_t n = 0;

	(void)now;
	while (n == 0 && !th_list_empty(&s->out)) {
		struct datagram *d = TH_OWNER(th_list_pop(&s->out), struct datagram, link);

		s->out_n--;
		if (d->n <= cap) {
			*to = d->to;
			n = d->n;
			memcpy(out, d->p, n);
			s->stats.bytes_out += n;
		}
		th_session_release(s, d, sizeof(*d) + d->n);
	}
	return n;
}

/* ---- sealing ---- */

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Sets what the record about to be written takes for seen. */
static void be_cautious(struct epoch *e, unsigned level)
{
	uint64_t seen = e->tx.base, next = e->tx.window.next;

	if (level < CERTAIN)
		seen = max_of(seen, e->sure);
	if (level == 0)
		seen = max_of(seen, e->assumed);
	if (next > (uint64_t)1 << RANGE_BITS)
		seen = max_of(seen, next - ((uint64_t)1 << RANGE_BITS));
	e->tx.acknowledged = e->tx.base;
	if (seen > e->tx.base)
		th_record_acknowledged(&e->tx, seen - 1);
}

static unsigned caution(const struct session *ss, const struct kept *k)
{
	unsigned n = k && k->resends > ss->copies ? k->resends : ss->copies;

	return n < CERTAIN ? n : CERTAIN;
}

static enum th_err seal(struct th_sessions *s, struct session *ss, struct kept *k, uint64_t number,
			const uint8_t *payload, size_t n, uint8_t *out, size_t cap, size_t *len)
{
	struct epoch *e = ss->current;
	enum th_err err;

	if (s->out_n >= s->config.queue_max) { /* before a number is used up */
		s->stats.queue_full++;
		return TH_ERR_FULL;
	}
	be_cautious(e, caution(ss, k));
	err = th_record_seal(&e->tx, number, e->tx_cid.b, e->tx_cid.n, payload, n, out, cap, len);
	if (err != TH_OK)
		return err;
	ss->overhead_out += *len - n;
	s->stats.overhead_out += *len - n;
	th_session_used(s, ss);
	return TH_OK;
}

enum th_err th_session_seal(struct th_sessions *s, struct session *ss, uint64_t number, const uint8_t *payload,
			    size_t n)
{
	uint8_t out[TH_RECORD_PAYLOAD_MAX + TH_RECORD_OVERHEAD_MAX];
	size_t len;
	enum th_err err = seal(s, ss, NULL, number, payload, n, out, sizeof(out), &len);

	return err == TH_OK ? th_session_to_peer(s, ss, &(const struct part){ out, len }, 1, NULL) : err;
}

enum th_err th_session_seal_kept(struct th_sessions *s, struct session *ss, struct kept *k)
{
	enum th_err err =
		seal(s, ss, k, k->number, k->payload, k->n, k->sealed, k->n + TH_RECORD_OVERHEAD_MAX, &k->sealed_n);

	if (err != TH_OK)
		return err;
	k->held = false;
	k->first = th_time_min(k->first, s->now);
	k->serial = ss->current->serial;
	k->touched = s->now;
	/* Without memory it is as lost as on the link. */
	th_session_to_peer(s, ss, &(const struct part){ k->sealed, k->sealed_n }, 1, &k->back);
	return TH_OK;
}

enum th_err th_session_again(struct th_sessions *s, struct session *ss, struct kept *k)
{
	uint8_t out[TH_RECORD_PAYLOAD_MAX + TH_RECORD_OVERHEAD_MAX + 2];
	struct epoch *e = ss->current;
	enum th_err err;
	size_t len;

	if (k->serial != e->serial)
		return th_session_seal_kept(s, ss, k);
	be_cautious(e, caution(ss, k));
	err = th_record_resend(&e->tx, e->tx_cid.n, k->number, k->sealed, k->sealed_n, out, sizeof(out), &len);
	if (err != TH_OK)
		return err;
	k->touched = s->now;
	ss->overhead_out += len - k->n;
	s->stats.overhead_out += len - k->n;
	return th_session_to_peer(s, ss, &(const struct part){ out, len }, 1, &k->back);
}

size_t th_session_flush(struct th_sessions *s, struct session *ss)
{
	size_t sent = 0;

	TH_LIST_EACH(i, &ss->kept)
	{
		struct kept *k = TH_OWNER(i, struct kept, link);

		if (!k->held || th_session_seal_kept(s, ss, k) != TH_OK)
			continue;
		sent++;
		th_kept_sent(s, ss, k);
	}
	return sent;
}

void th_session_release_back(struct th_sessions *s, struct session *ss)
{
	if (ss->path.open || !ss->holds_back || !ss->current)
		return;
	ss->holds_back = false;
	TH_LIST_EACH(i, &ss->kept)
	{
		struct kept *k = TH_OWNER(i, struct kept, link);

		if (!k->back)
			continue;
		k->back = false;
		(void)th_session_again(s, ss, k); /* else it is as lost on the link */
		th_kept_sent(s, ss, k);
	}
}

void th_session_confirm_ours(struct th_sessions *s, struct session *ss)
{
	th_session_seal(s, ss, ss->next++, NULL, 0);
}
