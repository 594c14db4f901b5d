#include "codec/lineage.h"

#include <stdlib.h>
#include <string.h>

#include "codec/lineage_int.h"

/* For one text: some 20 ms; each of a kB, and of longer events so many more. Of depths without any hint: 5 ms, and as
 * much as an eighth of the time that the model takes. */
enum { TRIES = 16384, DEEP_TRIES = 4096, DEEP_BYTES = 8 };

static const struct th_str mark = TH_STR_INIT("\001");
static const struct th_str id_name = TH_STR_INIT("\"event_id\":\"");
static const struct th_str marked = TH_STR_INIT("\"event_id\":\"\001"),
			   marked_room = TH_STR_INIT("{\"room_id\":\"\001");
static const struct th_str answer_event = TH_STR_INIT("{\"event_id\":\""), answer_room = TH_STR_INIT("{\"room_id\":\"");
static const struct th_str answer_end = TH_STR_INIT("\"}");

struct th_lineage *th_lineage_new(const struct th_mem *mem)
{
	struct th_lineage *l = th_alloc(mem, sizeof(*l));

	if (!l)
		return NULL;
	l->mem = mem;
	l->notes_n = 0;
	l->former = th_event_former_new(mem);
	if (l->former)
		return l;
	th_lineage_del(l);
	return NULL;
}

void th_lineage_del(struct th_lineage *l)
{
	const struct th_mem *mem;

	if (!l)
		return;
	mem = l->mem;
	th_event_former_del(l->former);
	th_wipe(l, sizeof(*l));
	th_free(mem, l);
}

struct th_str th_lineage_notes(const struct th_lineage *l)
{
	return (struct th_str){ (const char *)l->notes, l->notes_n };
}

/* ---- what the text has ---- */

/* {"event_id":"…"} or {"room_id":"…"} and nothing else. */
static bool is_answer(struct th_str body, struct th_lineage_answer *a)
{
	bool event = th_str_starts(body, answer_event), room = th_str_starts(body, answer_room);
	size_t head = event ? answer_event.n : answer_room.n;

	if ((!event && !room) || body.n <= head + answer_end.n ||
	    memcmp(body.p + body.n - answer_end.n, answer_end.p, answer_end.n) != 0)
		return false;
	a->sigil = event ? '$' : '!';
	a->id = (struct th_str){ body.p + head, body.n - head - answer_end.n };
	return memchr(a->id.p, '"', a->id.n) == NULL;
}

/* Whether there is something here for this. */
static bool is_of_interest(struct th_str s)
{
	return th_str_holds(s, id_name) || th_str_holds(s, answer_room);
}

/* The text's body; false: it has no event IDs, or is no text. */
static bool body_of(struct th_lineage *l, const struct th_lineage_about *about, const uint8_t *text, size_t n,
		    struct th_str *body)
{
	enum th_err err;

	l->notes_n = 0;
	if (!is_of_interest((struct th_str){ (const char *)text, n }))
		return false;
	err = about->message->is_response ? th_text_read_response(&l->text, text, n)
					  : th_text_read_request(&l->text, text, n);
	*body = (struct th_str){ (const char *)l->text.body, l->text.body_n };
	return err == TH_OK && is_of_interest(*body);
}

/* Depths that pagination tokens tell (Synapse: "t" DEPTH "-" …). */
static void read_hints(struct th_lineage *l, struct th_str body)
{
	static const struct th_str token = TH_STR_INIT(":\"t");
	const char *end = body.p + body.n, *at = body.p;

	l->n_hints = 0;
	while (l->n_hints < TH_LINEAGE_HINTS && (at = memmem(at, (size_t)(end - at), token.p, token.n)) != NULL) {
		struct th_str digits = { at += token.n, 0 };

		while (digits.p + digits.n < end && digits.p[digits.n] >= '0' && digits.p[digits.n] <= '9')
			digits.n++;
		if (th_client_number(digits, &l->hints[l->n_hints]))
			l->n_hints++;
	}
}

/* Finds the events, and what is known before them. */
static void begin(struct th_lineage *l, const struct th_lineage_about *about, struct th_str body)
{
	l->written_w = th_wr_init(l->written, sizeof(l->written));
	l->n_spots = l->named = 0;
	th_graph_read(&l->graph, about->view);
	th_lineage_read_request(l, about->message->is_response ? about->view : NULL);
	l->n = th_client_events(body, l->request.room, l->events, TH_LINEAGE_EVENTS);
	th_lineage_order(l);
}

static void end(struct th_lineage *l)
{
	struct th_wr w = th_wr_init(l->notes, sizeof(l->notes));

	th_graph_write(&l->graph, &w);
	l->notes_n = w.n;
}

static int by_place(const void *a, const void *b)
{
	const struct th_lineage_spot *x = a, *y = b;

	return (x->old.p > y->old.p) - (x->old.p < y->old.p);
}

/* The text with what is new in its spots, piece by piece. */
static void fill_all(struct th_lineage *l, const uint8_t *text, size_t n, th_lineage_piece *take, void *ctx)
{
	qsort(l->spots, l->n_spots, sizeof(l->spots[0]), by_place);
	th_lineage_fill(l, (struct th_str){ (const char *)text, n }, 0, take, ctx);
}

static enum th_err emit(struct th_lineage *l, const uint8_t *text, size_t n, uint8_t *out, size_t cap, size_t *out_n)
{
	struct th_wr w = th_wr_init(out, cap);

	fill_all(l, text, n, th_lineage_write, &w);
	*out_n = w.n;
	return th_wr_ok(&w) ? TH_OK : TH_ERR_TOO_LARGE;
}

static enum th_err pass(const uint8_t *text, size_t n, uint8_t *out, size_t cap, size_t *out_n)
{
	if (n > cap)
		return TH_ERR_TOO_LARGE;
	memmove(out, text, n);
	*out_n = n;
	return TH_OK;
}

/* ---- in ---- */

/* The ID that the mark stands for, and the event's depth. */
static bool compute(struct th_lineage *l, const struct th_mark *m, const struct th_client_event *e,
		    char id[static TH_EVENT_ID], uint64_t *depth)
{
	struct th_graph_room *r = th_graph_find(&l->graph, e->room);
	struct th_event_place place;

	if (m->known) {
		if (!r || m->prev[0] >= r->n_events)
			return false;
		*depth = r->events[m->prev[0]].depth;
		memcpy(id, r->events[m->prev[0]].id, TH_EVENT_ID);
		return true;
	}
	if (!th_mark_place(m, r, e, &place) || !th_event_former_begin(l->former, e, th_graph_rules(r, e)) ||
	    !th_event_former_place(l->former, &place))
		return false;
	*depth = place.depth;
	return th_event_former_id(l->former, e->ts, id);
}

/* The event's unsigned.replaces_state; *whole is what it was. */
static bool restore_replaced(struct th_lineage *l, const struct th_client_event *e, struct th_str *whole)
{
	const struct th_graph_state *s;

	*whole = e->replaces;
	if (!e->replaces.p || e->replaces.n == 0 || e->replaces.p[0] != TH_MARK)
		return true;
	s = th_graph_replaced(th_graph_find(&l->graph, e->room), e);
	if (!s || e->replaces.n != 1)
		return false;
	*whole = th_lineage_write_id(l, '$', s->id);
	th_lineage_spot(l, e->replaces, *whole);
	return true;
}

/* The graph takes the event, which says that it replaces that. */
static void take(struct th_lineage *l, const struct th_client_event *e, struct th_graph_new *what, const char *id,
		 struct th_str replaces)
{
	memcpy(what->id, id, TH_EVENT_ID);
	if (replaces.p && th_lineage_is_id(replaces, '$'))
		what->before = (struct th_str){ replaces.p + 1, TH_EVENT_ID };
	th_graph_add(&l->graph, e, what);
}

/* One event: its ID takes the place of its mark. */
static bool restore_one(struct th_lineage *l, const struct th_client_event *e)
{
	bool computed = e->id.p[0] == TH_MARK;
	struct th_mark m = { .roles = TH_STR("") };
	struct th_client_event whole = *e;
	struct th_str replaces;
	char id[TH_EVENT_ID];
	uint64_t depth = 0;

	if (!restore_replaced(l, e, &replaces) || !th_lineage_restore_within(l, &whole))
		return false;
	if (computed) {
		if (!th_mark_read((struct th_str){ e->id.p + 1, e->id.n - 1 }, &m) || m.sender.n > 0 ||
		    !compute(l, &m, &whole, id, &depth))
			return false;
		th_lineage_spot(l, e->id, th_lineage_write_id(l, '$', id));
	} else if (th_lineage_is_id(e->id, '$')) {
		memcpy(id, e->id.p + 1, TH_EVENT_ID);
	} else {
		return true;
	}
	take(l, &whole, &(struct th_graph_new){ .depth = depth, .computed = computed, .roles = m.roles }, id, replaces);
	return true;
}

/* The answer as an event of its own. */
static bool restore_answer(struct th_lineage *l, const struct th_lineage_answer *a)
{
	struct th_client_event e = { .room = l->request.room };
	struct th_mark m;
	struct th_str whole;
	char id[TH_EVENT_ID];
	uint64_t depth = 0;

	if (a->id.p[0] != TH_MARK)
		return true;
	if (!th_mark_read((struct th_str){ a->id.p + 1, a->id.n - 1 }, &m) ||
	    (a->sigil == '!') != (l->request.kind == TH_LINEAGE_CREATES) || (m.known && a->sigil == '!'))
		return false;
	if (!m.known && (m.sender.n == 0 || !th_lineage_make(l, m.sender, m.ts, &e)))
		return false;
	if (!compute(l, &m, &e, id, &depth))
		return false;
	whole = th_lineage_write_id(l, a->sigil, id);
	th_lineage_spot(l, a->id, whole);
	if (a->sigil == '!')
		e.room = whole;
	if (!m.known)
		take(l, &e, &(struct th_graph_new){ .depth = depth, .computed = true, .roles = m.roles }, id,
		     e.replaces);
	return true;
}

/* Sets the spots, and the notes. */
static enum th_err restore(struct th_lineage *l, const struct th_lineage_about *about, const uint8_t *cut, size_t n)
{
	struct th_lineage_answer answer;
	struct th_str body;

	l->n = l->n_spots = 0;
	if (!body_of(l, about, cut, n, &body))
		return TH_OK;
	begin(l, about, body);
	if (l->n == 0 && is_answer(body, &answer)) {
		if (!restore_answer(l, &answer))
			return TH_ERR_MALFORMED;
	} else {
		for (size_t i = 0; i < l->n; i++)
			if (!restore_one(l, &l->events[l->order[i]]))
				return TH_ERR_MALFORMED;
		if (!th_lineage_restore_around(l, body))
			return TH_ERR_MALFORMED;
	}
	end(l);
	return TH_OK;
}

enum th_err th_lineage_restore(struct th_lineage *l, const struct th_lineage_about *about, const uint8_t *cut, size_t n,
			       uint8_t *out, size_t cap, size_t *out_n)
{
	enum th_err err = restore(l, about, cut, n);

	return err == TH_OK ? emit(l, cut, n, out, cap, out_n) : err;
}

/* ---- out ---- */

static struct th_str write_mark(struct th_lineage *l, const struct th_mark *m)
{
	size_t from = l->written_w.n;

	th_mark_write(&l->written_w, m);
	return (struct th_str){ (const char *)l->written + from, l->written_w.n - from };
}

/* Whether there is still room for one more mark. */
static bool has_room(const struct th_lineage *l)
{
	return l->written_w.n + TH_MARK_MAX <= l->written_w.cap;
}

/* The event as one of the room's last that are known already. */
static bool is_known(struct th_lineage *l, struct th_str room, const char *id, struct th_mark *m, uint64_t *depth)
{
	const struct th_graph_room *r = th_graph_find(&l->graph, room);
	size_t place = r ? th_graph_place(r, id) : 0;

	if (!r || place == r->n_events)
		return false;
	*m = (struct th_mark){ .known = true, .n_prev = 1, .prev = { (uint8_t)place }, .roles = TH_STR("") };
	*depth = r->events[place].depth;
	return true;
}

static void cut_replaced(struct th_lineage *l, const struct th_client_event *e)
{
	const struct th_graph_state *s = th_graph_replaced(th_graph_find(&l->graph, e->room), e);

	if (s && e->replaces.p && th_lineage_is_id(e->replaces, '$') &&
	    memcmp(s->id, e->replaces.p + 1, TH_EVENT_ID) == 0)
		th_lineage_spot(l, e->replaces, mark);
}

/* Whether the two are neighbours in an array. */
static bool is_beside(const struct th_client_event *a, const struct th_client_event *b)
{
	return b->object.p == a->object.p + a->object.n + 1 || a->object.p == b->object.p + b->object.n + 1;
}

static void cut_one(struct th_lineage *l, const struct th_client_event *e)
{
	struct th_mark m = { .roles = TH_STR("") };
	struct th_event_place place;
	uint64_t depth = 0;
	bool cut;

	cut_replaced(l, e);
	th_lineage_cut_within(l, e);
	if (!th_lineage_is_id(e->id, '$'))
		return;
	cut = has_room(l) && is_known(l, e->room, e->id.p + 1, &m, &depth);
	if (!cut && has_room(l) && th_lineage_search(l, e, e->id.p + 1, &m)) {
		cut = th_mark_place(&m, th_graph_find(&l->graph, e->room), e, &place);
		depth = cut ? place.depth : 0;
	}
	if (cut)
		th_lineage_spot(l, e->id, write_mark(l, &m));
	take(l, e, &(struct th_graph_new){ .depth = depth, .computed = cut, .roles = m.roles }, e->id.p + 1,
	     e->replaces);
}

static void cut_answer(struct th_lineage *l, const struct th_lineage_about *about, const struct th_lineage_answer *a)
{
	struct th_client_event e;
	struct th_mark m;
	uint64_t depth;

	if (!th_lineage_is_id(a->id, a->sigil) || (a->sigil == '!') != (l->request.kind == TH_LINEAGE_CREATES))
		return;
	if ((a->sigil == '$' && is_known(l, l->request.room, a->id.p + 1, &m, &depth)) ||
	    th_lineage_search_sent(l, about, a->id.p + 1, &m, &e))
		th_lineage_spot(l, a->id, write_mark(l, &m));
}

struct compared {
	struct th_str rest;
	bool same;
};

/* Takes from the front of what is left if it is equal. */
static void compare(void *ctx, struct th_str s)
{
	struct compared *c = ctx;

	c->same = c->same && (s.n == 0 || (s.p && th_str_starts(c->rest, s)));
	if (c->same) {
		c->rest.p += s.n;
		c->rest.n -= s.n;
	}
}

/* Whether `cut`, which was restored last, is the text then. */
static bool came_back(struct th_lineage *l, const uint8_t *cut, size_t cut_n, const uint8_t *text, size_t n)
{
	struct compared c = { { (const char *)text, n }, true };

	fill_all(l, cut, cut_n, compare, &c);
	return c.same && c.rest.n == 0;
}

enum th_err th_lineage_cut(struct th_lineage *l, const struct th_lineage_about *about, const uint8_t *text, size_t n,
			   uint8_t *out, size_t cap, size_t *out_n)
{
	struct th_lineage_answer answer;
	struct th_str body;
	enum th_err err;

	if (!body_of(l, about, text, n, &body))
		return pass(text, n, out, cap, out_n);
	if (th_str_holds(body, marked) || th_str_holds(body, marked_room))
		return TH_ERR_INVALID;
	l->tries = TRIES;
	l->deep_tries = DEEP_TRIES + (unsigned)(n / DEEP_BYTES);
	l->deep_room = NULL;
	begin(l, about, body);
	read_hints(l, body);
	if (l->n == 0 && is_answer(body, &answer))
		cut_answer(l, about, &answer);
	for (size_t i = 0; i < l->n; i++) {
		l->beside_last = i > 0 && is_beside(&l->events[l->order[i - 1]], &l->events[l->order[i]]);
		cut_one(l, &l->events[l->order[i]]);
	}
	th_lineage_cut_around(l, body);
	err = emit(l, text, n, out, cap, out_n);
	if (err != TH_OK)
		return err;
	/* The notes are those that the other end will make. */
	if (restore(l, about, out, *out_n) == TH_OK && came_back(l, out, *out_n, text, n))
		return TH_OK;
	/* As it is, unless it has what would be taken for marks. */
	return restore(l, about, text, n) == TH_OK ? pass(text, n, out, cap, out_n) : TH_ERR_INVALID;
}
