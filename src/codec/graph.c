#include "codec/graph.h"

#include <string.h>

#include "base/wr.h"
#include "codec/event.h"

enum {
	OLD = 16 * 1024, /* bytes of view behind a note that make it old */
	CARRIED = 2,	 /* events of a room that are noted again */
	ONE_ID = 1 + TH_EVENT_ID,
};

static const struct th_str begin = TH_STR_INIT("\n\037");
static const struct th_str event_id = TH_STR_INIT("\"event_id\":\"$");

/* ---- rooms, events, states ---- */

struct th_graph_room *th_graph_find(struct th_graph *g, struct th_str room)
{
	for (size_t i = 0; i < g->n_rooms; i++)
		if (th_str_eq((struct th_str){ g->rooms[i].id, g->rooms[i].n_id }, room))
			return &g->rooms[i];
	return NULL;
}

/* What was new in a room that gives way. */
static void forget_fresh(struct th_graph *g, const struct th_graph_room *r)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n_fresh; i++)
		if (&g->rooms[g->fresh[i].room] != r)
			g->fresh[n++] = g->fresh[i];
	g->n_fresh = n;
}

/* The place of a further room: that of the one that was touched longest ago if there is no other. */
static struct th_graph_room *room_place(struct th_graph *g)
{
	struct th_graph_room *oldest = &g->rooms[0];

	if (g->n_rooms < TH_GRAPH_ROOMS)
		return &g->rooms[g->n_rooms++];
	for (size_t i = 1; i < g->n_rooms; i++)
		if (g->rooms[i].touched < oldest->touched)
			oldest = &g->rooms[i];
	forget_fresh(g, oldest);
	return oldest;
}

static struct th_graph_room *find_or_add(struct th_graph *g, struct th_str room)
{
	struct th_graph_room *r = th_graph_find(g, room);

	if (!r) {
		if (room.n == 0 || room.n > TH_GRAPH_NAME || room.p[0] != '!' || memchr(room.p, '\n', room.n))
			return NULL;
		r = room_place(g);
		r->n_events = r->n_states = 0;
		r->n_id = (uint8_t)room.n;
		memcpy(r->id, room.p, room.n);
	}
	r->touched = ++g->touched;
	return r;
}

struct th_graph_state *th_graph_state(struct th_graph_room *r, char kind, struct th_str key)
{
	for (size_t i = 0; i < r->n_states; i++) {
		struct th_graph_state *s = &r->states[i];

		if (s->kind == kind && th_str_eq((struct th_str){ s->key, s->n_key }, key))
			return s;
	}
	return NULL;
}

/* A room full of states forgets the member that has been there longest. NULL: it has none, as notes of strangers may
 * have it. */
static struct th_graph_state *state_place(struct th_graph_room *r)
{
	size_t i = 0;

	if (r->n_states < TH_GRAPH_STATES)
		return &r->states[r->n_states++];
	while (i < r->n_states && r->states[i].kind != 'm')
		i++;
	if (i == r->n_states)
		return NULL;
	memmove(&r->states[i], &r->states[i + 1], (r->n_states - i - 1) * sizeof(r->states[0]));
	return &r->states[r->n_states - 1];
}

static void set_word(struct th_graph_state *s, struct th_str word)
{
	s->n_word = (uint8_t)(word.n < TH_GRAPH_WORD ? word.n : TH_GRAPH_WORD);
	memcpy(s->word, word.p, s->n_word);
}

static bool is_key(struct th_str key)
{
	return key.n <= TH_GRAPH_NAME && !memchr(key.p, ' ', key.n) && !memchr(key.p, '\n', key.n);
}

/* NULL: it cannot be noted, or has no place. */
static struct th_graph_state *find_or_add_state(struct th_graph_room *r, char kind, struct th_str key)
{
	struct th_graph_state *s;

	if (!is_key(key) || (kind != 'm' && key.n > 0))
		return NULL;
	s = th_graph_state(r, kind, key);
	if (s)
		return s;
	s = state_place(r);
	if (!s)
		return NULL;
	*s = (struct th_graph_state){ .kind = kind, .n_key = (uint8_t)key.n };
	memcpy(s->key, key.p, key.n);
	return s;
}

const char *th_graph_state_at(const struct th_graph_state *s, uint64_t ts)
{
	return ts < s->ts && s->has_before ? s->before : s->id;
}

/* `id` empty: it is not known. */
static void set_before(struct th_graph_state *s, struct th_str id)
{
	s->has_before = id.n > 0;
	if (s->has_before)
		memcpy(s->before, id.p, TH_EVENT_ID);
}

static void set_state(struct th_graph_state *s, uint64_t ts, const char *id)
{
	s->ts = ts;
	s->newest = ts > s->newest ? ts : s->newest;
	memcpy(s->id, id, TH_EVENT_ID);
}

size_t th_graph_place(const struct th_graph_room *r, const char *id)
{
	size_t i = 0;

	while (i < r->n_events && memcmp(r->events[i].id, id, TH_EVENT_ID) != 0)
		i++;
	return i;
}

static void take_out(struct th_graph_room *r, size_t place)
{
	memmove(&r->events[place], &r->events[place + 1], (--r->n_events - place) * sizeof(r->events[0]));
}

/* `place`: of those that are there, or behind the last one. */
static void put_in(struct th_graph_room *r, const struct th_graph_event *e, size_t place)
{
	if (place >= TH_GRAPH_EVENTS)
		return;
	if (r->n_events == TH_GRAPH_EVENTS)
		r->n_events--;
	memmove(&r->events[place + 1], &r->events[place], (r->n_events - place) * sizeof(r->events[0]));
	r->events[place] = *e;
	r->n_events++;
}

/* ---- reading ---- */

struct reader {
	struct th_str rest;
	bool ok;
};

static struct th_str until(struct reader *r, char end)
{
	const char *at = r->ok ? memchr(r->rest.p, end, r->rest.n) : NULL;
	struct th_str s = { r->rest.p, at ? (size_t)(at - r->rest.p) : 0 };

	r->ok = at != NULL;
	if (at) {
		r->rest.n -= s.n + 1;
		r->rest.p += s.n + 1;
	}
	return s;
}

static uint64_t number(struct reader *r, char end)
{
	uint64_t v = 0;
	struct th_str s = until(r, end);

	r->ok = r->ok && th_client_number(s, &v);
	return v;
}

/* An ID with what is around it, at the line's end. */
static const char *id_at_end(struct reader *r, struct th_str s, struct th_str before, struct th_str after)
{
	r->ok = r->ok && s.n == before.n + TH_EVENT_ID + after.n && th_str_starts(s, before) &&
		memcmp(s.p + before.n + TH_EVENT_ID, after.p, after.n) == 0;
	return s.p + before.n;
}

static void read_event(struct reader *r, struct th_graph_room *room, bool old)
{
	struct th_graph_event e = { .depth = number(r, ' '), .old = old };
	const char *id;
	size_t place;

	e.ts = number(r, ' ');
	id = id_at_end(r, until(r, '\n'), event_id, TH_STR("\""));
	if (!r->ok)
		return;
	memcpy(e.id, id, TH_EVENT_ID);
	place = th_graph_place(room, id);
	if (place < room->n_events)
		take_out(room, place);
	place = 0;
	while (place < room->n_events && room->events[place].ts > e.ts)
		place++;
	put_in(room, &e, place);
}

static void read_state(struct reader *r, struct th_graph_room *room, char kind, bool old)
{
	uint64_t ts = number(r, ' ');
	struct th_str key = until(r, ' '), word = until(r, ' '), ids = until(r, '\n');
	struct th_str before = { NULL, 0 };
	struct th_graph_state *s;
	const char *id;

	if (ids.n > ONE_ID) {
		struct th_str rest = { ids.p + ONE_ID, ids.n - ONE_ID };

		before = (struct th_str){ id_at_end(r, rest, TH_STR(" $"), TH_STR("")), TH_EVENT_ID };
		ids.n = ONE_ID;
	}
	id = id_at_end(r, ids, TH_STR("$"), TH_STR(""));
	s = r->ok ? find_or_add_state(room, kind, key) : NULL;
	if (!s || ts < s->newest)
		return;
	set_state(s, ts, id);
	set_before(s, before);
	set_word(s, word);
	s->old = old;
}

static void read_notes(struct th_graph *g, struct th_str notes, bool old)
{
	struct reader r = { notes, true };
	struct th_graph_room *room = NULL;

	while (r.ok && r.rest.n > 0) {
		char kind = r.rest.p[0];

		if (kind == '!') {
			room = find_or_add(g, until(&r, '\n'));
			r.ok = r.ok && room;
			continue;
		}
		r.rest.p++;
		r.rest.n--;
		if (room && kind == 'e')
			read_event(&r, room, old);
		else if (room && kind && strchr("cpjm", kind))
			read_state(&r, room, kind, old);
		else
			return;
	}
}

static void put_end(struct th_wr *w, const uint8_t *p, size_t n, size_t last)
{
	if (last > 0)
		th_wr_bytes(w, p + (n - last), last);
}

/* As memmem() does, which is slow on short ones: their last character is a rare one. NULL: it is not there. */
static const char *find(struct th_str s, struct th_str what)
{
	const char *end = s.p + s.n, *at = s.p + what.n - 1;

	while (at < end && (at = memchr(at, what.p[what.n - 1], (size_t)(end - at))) != NULL) {
		if (memcmp(at - (what.n - 1), what.p, what.n) == 0)
			return at - (what.n - 1);
		at++;
	}
	return NULL;
}

/* The end of the text, its notes if it has any. */
static struct th_str notes_of(struct th_graph *g, const struct th_view_text *t)
{
	struct th_wr w = th_wr_init(g->notes, sizeof(g->notes));
	size_t n = t->n + t->n_rest < sizeof(g->notes) ? t->n + t->n_rest : sizeof(g->notes);
	size_t rest = t->n_rest < n ? t->n_rest : n;
	struct th_str end;
	const char *at;

	put_end(&w, t->p, t->n, n - rest);
	put_end(&w, t->rest, t->n_rest, rest);
	end = (struct th_str){ (const char *)g->notes, n };
	at = find(end, begin);
	if (!at)
		return TH_STR("");
	at += begin.n;
	return (struct th_str){ at, end.n - (size_t)(at - end.p) };
}

void th_graph_read(struct th_graph *g, const struct th_view *view)
{
	size_t after = 0, all = view ? view->n : 0;

	g->n_rooms = g->n_fresh = g->touched = 0;
	for (size_t i = 0; i < all; i++)
		after += view->texts[i].n + view->texts[i].n_rest;
	for (size_t i = 0; i < all; i++) {
		after -= view->texts[i].n + view->texts[i].n_rest;
		read_notes(g, notes_of(g, &view->texts[i]), after > OLD);
	}
}

/* ---- adding ---- */

/* The kind of state that authorizes others; 0: none. */
static char kind_of(const struct th_client_event *e)
{
	static const struct {
		char kind;
		const char *type;
	} kinds[] = { { 'c', "m.room.create" }, { 'p', "m.room.power_levels" }, { 'j', "m.room.join_rules" } };

	if (!e->state_key.p)
		return 0;
	if (th_str_eq(e->type, TH_STR("m.room.member")))
		return 'm';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (e->state_key.n == 0 && th_str_eq(e->type, th_str_of(kinds[i].type)))
			return kinds[i].kind;
	return 0;
}

static enum th_event_rules rules_of_create(struct th_str content)
{
	struct th_event_member m;
	size_t at = 0;
	uint64_t version = 0;

	while (th_event_member_next(content, &at, &m))
		if (th_str_eq(m.name, TH_STR("room_version"))) {
			bool is_string = m.value.n >= 2 && m.value.p[0] == '"';

			if (!is_string || !th_client_number((struct th_str){ m.value.p + 1, m.value.n - 2 }, &version))
				version = 0;
		}
	return version >= 11 ? TH_EVENT_RULES_11 : TH_EVENT_RULES_9;
}

/* The key of that kind. */
static struct th_str key_of(const struct th_client_event *e, char kind)
{
	return kind == 'm' ? e->state_key : TH_STR("");
}

const struct th_graph_state *th_graph_replaced(struct th_graph_room *r, const struct th_client_event *e)
{
	char kind = kind_of(e);

	return r && kind ? th_graph_state(r, kind, key_of(e, kind)) : NULL;
}

static struct th_str rules_word(struct th_str content)
{
	return rules_of_create(content) == TH_EVENT_RULES_11 ? TH_STR("11") : TH_STR("9");
}

enum th_event_rules th_graph_rules(struct th_graph_room *r, const struct th_client_event *e)
{
	const struct th_graph_state *create = r ? th_graph_state(r, 'c', TH_STR("")) : NULL;

	if (th_event_is_create(e))
		return rules_of_create(e->content);
	return create && create->n_word == 1 ? TH_EVENT_RULES_9 : TH_EVENT_RULES_11;
}

/* The event becomes the state of that kind. */
static void add_state(struct th_graph_room *r, const struct th_client_event *e, char kind,
		      const struct th_graph_new *what)
{
	bool known = th_graph_state(r, kind, key_of(e, kind)) != NULL;
	struct th_graph_state *s = find_or_add_state(r, kind, key_of(e, kind));
	struct th_str before = what->before;
	char last[TH_EVENT_ID];

	if (!s)
		return;
	if (known && memcmp(s->id, what->id, TH_EVENT_ID) == 0) {
		if (before.n == 0 || s->has_before)
			return;
	} else {
		if (before.n == 0 && known && s->ts < e->ts)
			before = (struct th_str){ memcpy(last, s->id, TH_EVENT_ID), TH_EVENT_ID };
		set_state(s, e->ts, what->id);
		if (kind == 'c')
			set_word(s, rules_word(e->content));
		s->old = false;
	}
	set_before(s, before);
	s->fresh = s->ts == s->newest; /* what is older counts while this text is read, and is not noted */
}

void th_graph_add(struct th_graph *g, const struct th_client_event *e, const struct th_graph_new *what)
{
	struct th_graph_event own = { .depth = what->depth, .ts = e->ts };
	struct th_graph_room *r = find_or_add(g, e->room);
	struct th_graph_state *s;
	char kind = kind_of(e);
	size_t place;

	if (!r)
		return;
	memcpy(own.id, what->id, TH_EVENT_ID);
	place = th_graph_place(r, what->id);
	if (place < r->n_events && (what->depth == 0 || what->depth == r->events[place].depth))
		own = r->events[place];
	else if (g->n_fresh < TH_GRAPH_FRESH)
		g->fresh[g->n_fresh++] = (struct th_graph_fresh){ (size_t)(r - g->rooms), what->computed, own };
	if (place < r->n_events)
		take_out(r, place);
	put_in(r, &own, 0);
	s = !kind && what->roles.n > 0 ? th_graph_state(r, 'm', e->sender) : NULL;
	if (s && !th_str_eq((struct th_str){ s->word, s->n_word }, what->roles)) {
		set_word(s, what->roles);
		s->fresh = s->ts == s->newest;
	}
	if (kind)
		add_state(r, e, kind, what);
}

/* ---- writing ---- */

static void put_event(struct th_wr *w, const struct th_graph_event *e)
{
	th_wr_put(w, TH_STR("e"));
	th_wr_decimal(w, e->depth);
	th_wr_put(w, TH_STR(" "));
	th_wr_decimal(w, e->ts);
	th_wr_put(w, TH_STR(" "));
	th_wr_put(w, event_id);
	th_wr_bytes(w, e->id, TH_EVENT_ID);
	th_wr_put(w, TH_STR("\"\n"));
}

static void put_state(struct th_wr *w, const struct th_graph_state *s)
{
	th_wr_uint(w, (uint8_t)s->kind, 1);
	th_wr_decimal(w, s->ts);
	th_wr_put(w, TH_STR(" "));
	th_wr_bytes(w, s->key, s->n_key);
	th_wr_put(w, TH_STR(" "));
	th_wr_bytes(w, s->word, s->n_word);
	th_wr_put(w, TH_STR(" $"));
	th_wr_bytes(w, s->id, TH_EVENT_ID);
	if (s->has_before) {
		th_wr_put(w, TH_STR(" $"));
		th_wr_bytes(w, s->before, TH_EVENT_ID);
	}
	th_wr_put(w, TH_STR("\n"));
}

/* Whether the event is one of the room's last, so that what follows may name it. */
static bool is_last(const struct th_graph_room *r, const struct th_graph_event *e)
{
	size_t place = th_graph_place(r, e->id);

	return place < r->n_events && place < CARRIED;
}

/* What is to be noted of a room; nothing but its name: nothing. */
static bool put_room(struct th_wr *w, const struct th_graph *g, const struct th_graph_room *r)
{
	size_t head;

	th_wr_bytes(w, r->id, r->n_id);
	th_wr_put(w, TH_STR("\n"));
	head = w->n;
	for (size_t i = 0; i < r->n_states; i++)
		if (r->states[i].old || r->states[i].fresh)
			put_state(w, &r->states[i]);
	for (size_t i = CARRIED; i > 0; i--)
		if (i <= r->n_events && r->events[i - 1].old)
			put_event(w, &r->events[i - 1]);
	for (size_t i = 0; i < g->n_fresh; i++) {
		const struct th_graph_fresh *f = &g->fresh[i];

		if (&g->rooms[f->room] == r && (f->computed || is_last(r, &f->event)))
			put_event(w, &f->event);
	}
	return w->n > head;
}

/* The room that was touched last before that. */
static const struct th_graph_room *next_room(const struct th_graph *g, unsigned before)
{
	const struct th_graph_room *r = NULL;

	for (size_t i = 0; i < g->n_rooms; i++)
		if (g->rooms[i].touched < before && (!r || g->rooms[i].touched > r->touched))
			r = &g->rooms[i];
	return r;
}

void th_graph_write(const struct th_graph *g, struct th_wr *w)
{
	size_t whole = w->n, limit = w->n + TH_GRAPH_NOTES_MAX;
	unsigned before = g->touched + 1;
	const struct th_graph_room *r;
	bool any = false;

	if (g->n_fresh == 0)
		return;
	th_wr_put(w, begin);
	while ((r = next_room(g, before)) != NULL) {
		size_t from = w->n;

		before = r->touched;
		if (!put_room(w, g, r))
			w->n = from;
		if (w->n > limit)
			w->n = from;
		any = any || w->n > from;
	}
	if (!any)
		w->n = whole;
}
