#include <string.h>

#include "codec/lineage_int.h"

enum {
	PREVIOUS = 4,	  /* events that are tried as the one before */
	FORKS = 3,	  /* events of which two are tried as those before */
	NEAR_HINT = 24,	  /* depths from a hint on that are tried */
	ANY_DEPTH = 8192, /* depths that are tried without a hint, once in a room */
	LOGIN_MAX = 512,  /* bytes of an answer to a login */
	SENDERS = 4,	  /* that earlier answers name */
	SENDERS_MAX = SENDERS + TH_GRAPH_STATES,
	KB = 1024,
	SECOND = 1000, /* milliseconds, as */
	SOON = 4 * SECOND,
};

struct search {
	struct th_lineage *l;
	struct th_graph_room *room;
	const struct th_client_event *event;
	const char *id;
	unsigned cost;		       /* of a try: one for each kB that is hashed */
	struct th_lineage_roles roles; /* of an event in sight, in the order of the alphabet */
};

static unsigned cost_of(const struct th_client_event *e)
{
	return 1 + (unsigned)(e->object.n / KB);
}

/* Whether the event, in its place, has its ID at that time. */
static bool fits(const struct search *s, uint64_t ts)
{
	char id[TH_EVENT_ID];

	if (s->l->tries < s->cost)
		s->l->tries = 0;
	if (s->l->tries == 0)
		return false;
	s->l->tries -= s->cost;
	return th_event_former_id(s->l->former, ts, id) && memcmp(id, s->id, TH_EVENT_ID) == 0;
}

/* Puts the event in the place that the mark stands for. */
static bool put(const struct search *s, const struct th_mark *m)
{
	struct th_event_place place;

	return th_mark_place(m, s->room, s->event, &place) && th_event_former_place(s->l->former, &place);
}

static bool is_right(const struct search *s, const struct th_mark *m)
{
	return put(s, m) && fits(s, s->event->ts);
}

/* ---- roles ---- */

/* Adds the role if it is known which event has it, and that was there before, or what it has replaced; and it has no
 * other. */
static void add_role(const struct search *s, struct th_lineage_roles *r, char role)
{
	const struct th_graph_state *state = th_mark_role(role, s->room, s->event);

	if (!state || (state->ts > s->event->ts && !state->has_before) || memcmp(state->id, s->id, TH_EVENT_ID) == 0)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (th_mark_role(r->is[i], s->room, s->event) == state)
			return;
	r->is[r->n++] = role;
}

static bool is_member(const struct th_client_event *e)
{
	return e->state_key.p && th_str_eq(e->type, TH_STR("m.room.member"));
}

/* The ones that an event of its type has (server-server API, "Auth events selection"), in the order of the alphabet. */
static struct th_lineage_roles roles_of(const struct search *s)
{
	bool member = is_member(s->event);
	struct th_str membership = th_client_string(s->event->content, TH_STR("membership"));
	struct th_lineage_roles r = { .n = 0 };

	if (member)
		add_role(s, &r, 'a');
	if (!th_event_room_is_hash(s->event->room))
		add_role(s, &r, 'c');
	if (member && !th_str_eq(membership, TH_STR("leave")) && !th_str_eq(membership, TH_STR("ban")))
		add_role(s, &r, 'j');
	add_role(s, &r, 'm');
	add_role(s, &r, 'p');
	if (member)
		add_role(s, &r, 't');
	return r;
}

static void swap(char *a, char *b)
{
	char c = *a;

	*a = *b;
	*b = c;
}

/* The next order of the alphabet; false: that was the last. */
static bool next_order(struct th_lineage_roles *r)
{
	size_t i = r->n, j = r->n;

	while (i > 1 && r->is[i - 2] >= r->is[i - 1])
		i--;
	if (i < 2)
		return false;
	do
		j--;
	while (r->is[j] <= r->is[i - 2]);
	swap(&r->is[i - 2], &r->is[j]);
	for (size_t a = i - 1, b = r->n - 1; a < b; a++, b--)
		swap(&r->is[a], &r->is[b]);
	return true;
}

/* The order that the sender's last message had. */
static struct th_str usual(const struct search *s, struct th_str sender)
{
	const struct th_graph_state *m = th_graph_state(s->room, 'm', sender);

	return m ? (struct th_str){ m->word, m->n_word } : TH_STR("");
}

/* ---- an event in sight ---- */

/* The mark in any order of its roles; those in l->roles have to stay while the mark is used. */
static bool in_any_order(const struct search *s, struct th_mark *m)
{
	struct th_lineage_roles *is = &s->l->roles;

	*is = s->roles;
	m->roles = usual(s, s->event->sender);
	if (m->roles.n > 0 && is_right(s, m))
		return true;
	do {
		m->roles = (struct th_str){ is->is, is->n };
		if (is_right(s, m))
			return true;
	} while (s->l->tries > 0 && next_order(is));
	return false;
}

static bool after_one(const struct search *s, struct th_mark *m)
{
	for (size_t i = 0; i < PREVIOUS && i < s->room->n_events; i++) {
		*m = (struct th_mark){ .n_prev = 1, .prev = { (uint8_t)i } };
		if (s->room->events[i].depth > 0 && in_any_order(s, m))
			return true;
	}
	return false;
}

static bool after_two(const struct search *s, struct th_mark *m)
{
	for (size_t i = 0; i < FORKS && i < s->room->n_events; i++)
		for (size_t j = 0; j < FORKS && j < s->room->n_events; j++) {
			*m = (struct th_mark){ .n_prev = 2, .prev = { (uint8_t)i, (uint8_t)j } };
			if (i != j && s->room->events[i].depth > 0 && s->room->events[j].depth > 0 &&
			    in_any_order(s, m))
				return true;
		}
	return false;
}

static bool near_depth(const struct search *s, struct th_mark *m, uint64_t depth)
{
	for (unsigned near = 0; near < NEAR_HINT; near++) {
		*m = (struct th_mark){ .depth = depth + near };
		if (m->depth > 0 && in_any_order(s, m))
			return true;
	}
	return false;
}

/* Behind an event of which the depth is not known. */
static bool after_unknown(const struct search *s, struct th_mark *m)
{
	uint64_t deepest = 0;

	if (s->room->n_events == 0 || s->room->events[0].depth > 0)
		return false;
	for (size_t i = 0; i < s->room->n_events; i++)
		if (s->room->events[i].depth > deepest)
			deepest = s->room->events[i].depth;
	if (deepest > 0 && near_depth(s, m, deepest + 1))
		return true;
	for (size_t i = 0; i < s->l->n_hints; i++)
		if (near_depth(s, m, s->l->hints[i]))
			return true;
	return false;
}

/* A message behind the event that stands beside it in the text (states are in any order): nothing tells the depth of a
 * room that is older than what is told of it, but from then on it is known. Half of the tries that are left for that,
 * so that others have theirs. */
static bool at_any_depth(const struct search *s, struct th_mark *m)
{
	struct th_lineage *l = s->l;
	unsigned left = l->tries, most = l->deep_tries / 2;
	bool found = false;

	if (!l->beside_last || s->event->state_key.p || s->room->n_events == 0 || s->room->events[0].depth > 0 ||
	    l->deep_room == s->room)
		return false;
	l->deep_room = s->room;
	l->tries = most;
	for (uint64_t depth = 1; !found && depth <= ANY_DEPTH && l->tries > 0; depth++) {
		*m = (struct th_mark){ .depth = depth };
		found = in_any_order(s, m);
	}
	l->deep_tries -= most - l->tries;
	l->tries = left;
	return found;
}

bool th_lineage_search(struct th_lineage *l, const struct th_client_event *e, const char id[static TH_EVENT_ID],
		       struct th_mark *out)
{
	struct search s = { l, th_graph_find(&l->graph, e->room), e, id, cost_of(e), { .n = 0 } };

	*out = (struct th_mark){ .roles = TH_STR("") };
	if (l->tries == 0 || !th_event_former_begin(l->former, e, th_graph_rules(s.room, e)))
		return false;
	if (th_event_is_create(e))
		return is_right(&s, out);
	if (!s.room || (!is_member(e) && !th_mark_role('m', s.room, e)))
		return false; /* nobody sends who is not there */
	s.roles = roles_of(&s);
	return after_one(&s, out) || after_unknown(&s, out) || after_two(&s, out) || at_any_depth(&s, out);
}

/* ---- one that was sent ---- */

struct sent {
	struct th_mark *mark;
	struct th_client_event *event;
	uint64_t first, last; /* when it may have been sent */
};

/* Is it of that sender, in that order of roles, sent between those times? */
static bool is_of(struct search *s, struct sent *x, struct th_str roles)
{
	*x->mark = (struct th_mark){ .roles = roles, .sender = s->event->sender };
	if (!put(s, x->mark))
		return false;
	for (uint64_t ts = x->last; ts >= x->first && s->l->tries > 0; ts--)
		if (fits(s, ts)) {
			x->mark->ts = x->event->ts = ts;
			return true;
		}
	return false;
}

/* Is it from that sender? With `any_order`: if it is not known which one is usual. */
static bool is_from(struct search *s, struct sent *x, struct th_str sender, bool any_order)
{
	const struct th_lineage_request *r = &s->l->request;
	bool creates = th_str_eq(r->type, TH_STR("m.room.create")) && r->state_key.p && r->state_key.n == 0;
	struct th_str roles = creates ? TH_STR("") : usual(s, sender);

	if (!creates && !th_graph_state(s->room, 'm', sender))
		return false; /* nobody sends who is not there */
	if (any_order != (!creates && roles.n == 0) || sender.n > TH_GRAPH_NAME || memchr(sender.p, ' ', sender.n) ||
	    !th_lineage_make(s->l, sender, UINT64_MAX, x->event) ||
	    !th_event_former_begin(s->l->former, x->event, th_graph_rules(s->room, x->event)))
		return false;
	s->event = x->event;
	s->cost = cost_of(x->event);
	if (!any_order)
		return is_of(s, x, roles);
	s->l->roles = roles_of(s);
	do
		if (is_of(s, x, (struct th_str){ s->l->roles.is, s->l->roles.n }))
			return true;
	while (next_order(&s->l->roles));
	return false;
}

/* What stands behind `head` in the text, up to a quote. False: the text does not have it. */
static bool quoted_behind(const struct th_view_text *t, struct th_str head, struct th_str *out)
{
	const char *at = t->n_rest == 0 ? memmem(t->p, t->n, head.p, head.n) : NULL, *end;

	if (!at)
		return false;
	at += head.n;
	end = memchr(at, '"', t->n - (size_t)(at - (const char *)t->p));
	*out = (struct th_str){ at, end ? (size_t)(end - at) : 0 };
	return end != NULL;
}

/* The mark in an earlier answer to a send. */
static bool mark_in(const struct th_view_text *t, struct th_mark *m)
{
	struct th_str mark;

	return quoted_behind(t, TH_STR("\n{\"event_id\":\"\001"), &mark) && th_mark_read(mark, m) && m->sender.n > 0;
}

/* Whom an answer to a login or to "whoami" names. */
static bool names_user(const struct th_view_text *t, struct th_str *user)
{
	if (t->n > LOGIN_MAX || !quoted_behind(t, TH_STR("\"user_id\":\"@"), user))
		return false;
	user->p--; /* the '@' */
	user->n++;
	return true;
}

struct senders {
	struct th_str is[SENDERS_MAX]; /* borrowed */
	size_t n;
};

static void add_sender(struct senders *s, struct th_str sender)
{
	for (size_t i = 0; i < s->n; i++)
		if (th_str_eq(s->is[i], sender))
			return;
	if (s->n < SENDERS_MAX)
		s->is[s->n++] = sender;
}

/* Those whom answers to this account have named, the last one first, then who has logged in, then the room's members.
 */
static struct senders senders_of(const struct search *s, const struct th_lineage_about *about)
{
	struct senders all = { .n = 0 };
	struct th_str user;
	struct th_mark m;

	for (size_t i = about->view->n; i > 0 && all.n < SENDERS; i--) {
		const struct th_view_text *t = &about->view->texts[i - 1];

		if (t->about.is_response && t->about.account == about->message->account && mark_in(t, &m))
			add_sender(&all, m.sender);
	}
	for (size_t i = about->view->n; i > 0; i--)
		if (about->view->texts[i - 1].about.is_response && names_user(&about->view->texts[i - 1], &user))
			add_sender(&all, user);
	for (size_t i = 0; s->room && i < s->room->n_states; i++)
		if (s->room->states[i].kind == 'm')
			add_sender(&all, (struct th_str){ s->room->states[i].key, s->room->states[i].n_key });
	return all;
}

static bool is_between(struct search *s, struct sent *x, const struct senders *all)
{
	for (size_t i = 0; i < 2 * all->n; i++)
		if (is_from(s, x, all->is[i % all->n], i >= all->n))
			return true;
	return false;
}

/* When the last event came of which anything is known. */
static uint64_t latest(const struct th_graph *g)
{
	uint64_t ts = 0;

	for (size_t i = 0; i < g->n_rooms; i++)
		if (g->rooms[i].n_events > 0 && g->rooms[i].events[0].ts > ts)
			ts = g->rooms[i].events[0].ts;
	return ts;
}

bool th_lineage_search_sent(struct th_lineage *l, const struct th_lineage_about *about,
			    const char id[static TH_EVENT_ID], struct th_mark *mark, struct th_client_event *out)
{
	struct search s = { .l = l, .room = th_graph_find(&l->graph, l->request.room), .id = id };
	struct sent x = { .mark = mark, .event = out };
	struct senders all;

	if (l->request.kind != TH_LINEAGE_CREATES && (!s.room || s.room->n_events == 0))
		return false;
	all = senders_of(&s, about);
	l->tries /= 2;
	if (about->date > 0) {
		unsigned half = l->tries;

		x.first = (uint64_t)(about->date - 1) * SECOND;
		x.last = x.first + 2 * SECOND - 1;
		if (is_between(&s, &x, &all))
			return true;
		l->tries = half;
	}
	/* The clocks differ, or there is none: soon after what came before. */
	x.first = latest(&l->graph) + 1;
	x.last = x.first + SOON;
	return is_between(&s, &x, &all);
}
