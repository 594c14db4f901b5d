#include "proxy/sync_watch.h"

static const th_time forget_after = 3600 * TH_SEC;
/* A client that has not polled for so long is gone. Shorter than that between two polls, homeservers show it as online.
 */
static const th_time gone_after = 120 * TH_SEC;

/* ---- accounts ---- */

static void count(struct th_watch *w)
{
	const struct th_report *r;

	if (!w->leg)
		return;
	th_leg_account(w->leg);
	r = &w->leg->report;
	w->due.up += r->link_bytes_up - w->told.up;
	w->due.down += r->link_bytes_down - w->told.down;
	w->due.datagrams_up += r->datagrams_up - w->told.datagrams_up;
	w->due.datagrams_down += r->datagrams_down - w->told.datagrams_down;
	w->told = (struct th_watch_cost){ r->link_bytes_up, r->link_bytes_down, r->datagrams_up, r->datagrams_down };
}

uint64_t th_watch_heard(struct th_watch *w)
{
	count(w);
	return w->told.down;
}

void th_watch_charge(struct th_watch *w, struct th_report *r)
{
	count(w);
	r->link_bytes_up += w->due.up;
	r->link_bytes_down += w->due.down;
	r->datagrams_up += w->due.datagrams_up;
	r->datagrams_down += w->due.datagrams_down;
	w->due = (struct th_watch_cost){ 0 };
}

/* ---- life ---- */

void th_watch_late(struct th_watch *w, th_time in)
{
	th_sync_timer_set(w->node, &w->late, in == TH_NEVER ? TH_NEVER : th_time_add(th_node_now(w->node), in));
}

void th_watch_rest(struct th_watch *w)
{
	w->rests_until = th_time_add(th_node_now(w->node), gone_after);
	th_watch_rest_on(w);
}

void th_watch_rest_on(struct th_watch *w)
{
	th_sync_timer_set(w->node, &w->late, w->rests_until);
}

struct th_leg *th_watch_let_go(struct th_watch *w)
{
	struct th_leg *leg = w->leg;

	count(w);
	if (w->final)
		th_buf_free(&w->body);
	w->leg = NULL;
	w->told = (struct th_watch_cost){ 0 };
	w->phase = TH_WATCH_FREE;
	w->known = false;
	th_watch_late(w, forget_after);
	if (!leg)
		return NULL;
	leg->watch = NULL;
	th_flow_close(&w->flow, NULL);
	return leg;
}

static bool owes(const struct th_watch *w)
{
	return w->phase == TH_WATCH_WHOLE || w->phase == TH_WATCH_GIVEN || (w->phase == TH_WATCH_ARRIVING && !w->final);
}

void th_watch_drop(struct th_watch *w, bool tell)
{
	bool reset = owes(w);
	struct th_leg *leg = th_watch_let_go(w);

	if (!leg)
		return;
	w->node->stats.sync_refused += reset;
	if (reset || tell)
		th_leg_drop(leg);
	else
		th_leg_abandon(leg);
	th_leg_settle(leg);
}

static void remove_watch(struct th_watch *w)
{
	struct th_sync *s = &w->node->sync;

	th_watch_drop(w, true);
	th_sync_timer_remove(w->node, &w->late);
	th_table_remove(&s->by_key, &w->by_key);
	th_list_remove(&w->link);
	s->n_watches--;
	th_sync_key_free(&w->key);
	th_sync_head_free(&w->head);
	th_buf_free(&w->body);
	th_sync_form_free(&w->form);
	th_wipe(w, sizeof(*w));
	th_free(s->timers.mem, w);
}

static void on_late(struct th_sync_timer *t)
{
	struct th_watch *w = TH_OWNER(t, struct th_watch, late);

	if (w->phase == TH_WATCH_AGAIN && w->poll)
		th_watch_begin(w, w->poll);
	else if (w->phase != TH_WATCH_FREE && w->phase != TH_WATCH_AGAIN)
		th_watch_drop(w, true);
	else if (!w->poll)
		remove_watch(w);
}

/* Room for one more: the one that was unused longest goes, best one without a registration. */
static bool make_room(struct th_sync *s)
{
	struct th_watch *oldest = NULL;

	if (s->n_watches < TH_SYNC_WATCHES_MAX)
		return true;
	TH_LIST_EACH(l, &s->watches)
	{
		struct th_watch *w = TH_OWNER(l, struct th_watch, link);

		if (w->poll)
			continue;
		if (!oldest || (oldest->leg && !w->leg))
			oldest = w;
		if (!w->leg)
			break;
	}
	if (oldest)
		remove_watch(oldest);
	return oldest != NULL;
}

static bool is_of_connection(const struct th_watch *w, const struct th_watch *other)
{
	return other != w && other->sliding && other->connection == w->connection && other->leg;
}

void th_watch_supersede(struct th_watch *w)
{
	TH_LIST_EACH(l, &w->node->sync.watches)
	{
		struct th_watch *other = TH_OWNER(l, struct th_watch, link);

		if (is_of_connection(w, other) && !other->poll)
			th_watch_drop(other, true);
	}
}

bool th_watch_superseded(const struct th_watch *w)
{
	/* the last used ones come last */
	for (const struct th_list *l = w->link.next; w->sliding && l != &w->node->sync.watches; l = l->next)
		if (is_of_connection(w, TH_OWNER(l, struct th_watch, link)))
			return true;
	return false;
}

void th_watch_make_room(struct th_watch *w)
{
	struct th_list *watches = &w->node->sync.watches;
	unsigned others = 0;

	TH_LIST_EACH(l, watches)
	{
		struct th_watch *other = TH_OWNER(l, struct th_watch, link);

		others += other != w && other->account == w->account && other->leg != NULL;
	}
	TH_LIST_EACH(l, watches)
	{
		struct th_watch *other = TH_OWNER(l, struct th_watch, link);

		if (others < TH_SYNC_ACCOUNT_MAX)
			return;
		if (other == w || other->account != w->account || !other->leg || other->poll)
			continue;
		th_watch_drop(other, true);
		others--;
	}
}

static struct th_watch *add(struct th_node *n, struct th_buf *key, uint64_t hash)
{
	struct th_watch *w = make_room(&n->sync) ? th_alloc(n->mem, sizeof(*w)) : NULL;

	if (!w)
		return NULL;
	w->late.fire = on_late;
	if (th_sync_timer_add(n, &w->late) != TH_OK) {
		th_free(n->mem, w);
		return NULL;
	}
	w->node = n;
	w->key = *key;
	w->flow.ops = &th_watch_flow;
	th_sync_head_init(&w->head, n->mem);
	th_buf_init(&w->body, n->mem, TH_SYNC_BODY_MAX);
	th_sync_form_init(&w->form, n->mem);
	th_table_add(&n->sync.by_key, &w->by_key, hash);
	th_list_init(&w->link);
	n->sync.n_watches++;
	return w;
}

struct th_watch *th_watch_get(struct th_node *n, struct th_buf *key, uint64_t account)
{
	struct th_table *t = &n->sync.by_key;
	uint64_t hash = th_table_hash(t, th_buf_data(key), key->n);
	struct th_watch *w = NULL;

	for (struct th_slot *s = th_table_next(t, hash, NULL); s && !w; s = th_table_next(t, hash, s))
		if (th_sync_key_eq(&TH_OWNER(s, struct th_watch, by_key)->key, key))
			w = TH_OWNER(s, struct th_watch, by_key);
	if (w || !(w = add(n, key, hash)))
		th_sync_key_free(key);
	if (w) {
		w->account = account;
		th_list_remove(&w->link);
		th_list_push(&n->sync.watches, &w->link);
	}
	return w;
}

/* ---- all of them ---- */

/* The poll that is held asks anew, at the next turn: this may be called from within the answer to another request. */
void th_sync_doubt(struct th_node *n, uint64_t account)
{
	TH_LIST_EACH(l, &n->sync.watches)
	{
		struct th_watch *w = TH_OWNER(l, struct th_watch, link);

		if (w->account != account || (w->phase != TH_WATCH_OPEN && w->phase != TH_WATCH_ASKED) || !w->observes)
			continue;
		th_watch_drop(w, !w->poll);
		if (w->poll) {
			w->phase = TH_WATCH_AGAIN;
			th_watch_late(w, 0);
		}
	}
}

void th_sync_drain(struct th_node *n)
{
	n->sync.draining = true;
	TH_LIST_EACH(l, &n->sync.watches)
	{
		struct th_watch *w = TH_OWNER(l, struct th_watch, link);
		struct th_poll *p = w->poll;

		if (w->phase != TH_WATCH_OPEN)
			continue;
		if (p && w->known)
			th_watch_idle(p);
		if (!w->poll)
			th_watch_drop(w, true);
	}
	th_poller_drain(n);
}

void th_sync_free(struct th_node *n)
{
	const struct th_failure why = { .err = TH_ERR_CANCELLED, .status = 503, .reason = "thimble is shutting down." };
	struct th_sync *s = &n->sync;

	while (!th_list_empty(&s->polls)) {
		struct th_poll *p = TH_OWNER(s->polls.next, struct th_poll, link);

		if (p->watch && p->watch->poll == p)
			p->watch->poll = NULL;
		th_poll_fail(p, &why);
	}
	while (!th_list_empty(&s->watches))
		remove_watch(TH_OWNER(s->watches.next, struct th_watch, link));
	th_poller_drain(n);
	th_sync_bury(n);
	th_heap_free(&s->timers);
	th_table_free(&s->by_key);
}
