#include "codec/history.h"

#include <string.h>

/* Messages are numbered as they come in: their serial. That of a message says where it stands (th_history.entries), and
 * whether it is still there. 0 is of no message. */
enum {
	NOBODY = 0,
	VIEW_MESSAGES = TH_HISTORY_MESSAGES / 16 * 13,
	/* What is older than these the peer may have forgotten, as it has more than we know of. */
	RELIABLE_MESSAGES = TH_HISTORY_MESSAGES / 16 * 14,
	RELIABLE_SIXTEENTHS = 15, /* of the bytes */
};

/* 40 bytes, as there are hundreds in every session. */
struct entry {
	uint32_t number; /* packet number, low bits: a store never spans 2^32 of them */
	uint32_t depth;	 /* longest way back; larger than any ancestor's */
	uint32_t added;	 /* bytes added to the store before, to tell its age */
	uint32_t kind;
	uint16_t parent_back, request_back;   /* how many serials before; 0: none */
	uint16_t parent_steps, request_steps; /* how much smaller their depths are, at most UINT16_MAX */
	uint16_t begin, n;
	int16_t account;
	uint16_t visit;
	uint16_t also, own;		 /* th_history_base, and its place */
	uint16_t place_after;		 /* place - number */
	bool is_response : 1, first : 1; /* first: sent by the first end */
	uint8_t trust;			 /* enum th_history_trust */
};

struct th_history {
	const struct th_mem *mem; /* borrowed */
	size_t size;
	bool we_are_first;
	struct entry entries[TH_HISTORY_MESSAGES]; /* by serial */
	unsigned n;				   /* the last n serials are there */
	size_t next, used;			   /* where the next text goes; bytes of texts there are */
	uint32_t added, serial;			   /* serial: of the last message */
	uint16_t visit;
	uint32_t doubtful;	      /* serials up to this: so are these */
	struct th_history_ref parent; /* that our next message names if it can */
	uint8_t text[];
};

struct th_history *th_history_new(const struct th_mem *mem, size_t size, bool we_are_first)
{
	struct th_history *h;

	if (size < TH_HISTORY_MIN || size > TH_HISTORY_MAX)
		return NULL;
	h = th_alloc(mem, sizeof(*h) + size);
	if (!h)
		return NULL;
	h->mem = mem;
	h->size = size;
	h->we_are_first = we_are_first;
	h->parent = TH_HISTORY_NONE;
	return h;
}

void th_history_free(struct th_history *h)
{
	if (h)
		th_free(h->mem, h);
}

void th_history_clear(struct th_history *h)
{
	h->n = 0;
	h->used = 0;
	h->next = 0;
	h->parent = TH_HISTORY_NONE;
}

static bool is_first(const struct th_history *h, struct th_history_ref m)
{
	return (m.sender == TH_HISTORY_OURS) == h->we_are_first;
}

static struct entry *entry(struct th_history *h, uint32_t serial)
{
	return &h->entries[serial % TH_HISTORY_MESSAGES];
}

static bool is_there(const struct th_history *h, uint32_t serial)
{
	return h->serial - serial < h->n;
}

static uint32_t oldest(const struct th_history *h)
{
	return h->serial - h->n + 1;
}

/* The serial of the message of one end with that number. */
static uint32_t find_number(const struct th_history *h, bool first, uint64_t number)
{
	for (uint32_t serial = h->serial; is_there(h, serial); serial--) {
		const struct entry *e = &h->entries[serial % TH_HISTORY_MESSAGES];

		if (e->number == (uint32_t)number && e->first == first)
			return serial;
	}
	return NOBODY;
}

static uint32_t find(const struct th_history *h, struct th_history_ref m)
{
	return m.none ? NOBODY : find_number(h, is_first(h, m), m.number);
}

/* Forgets what is oldest until n more bytes fit. */
static void make_room(struct th_history *h, size_t n)
{
	while (h->n == TH_HISTORY_MESSAGES || h->used + n > h->size) {
		h->used -= entry(h, oldest(h))->n;
		h->n--;
	}
}

/* Puts a text at the end of the ring of bytes. */
static void put_text(struct th_history *h, const uint8_t *p, size_t n)
{
	size_t first = h->size - h->next;

	if (n < first)
		first = n;
	if (first)
		memcpy(h->text + h->next, p, first);
	if (n > first)
		memcpy(h->text, p + first, n - first);
	h->next += n;
	if (h->next >= h->size)
		h->next -= h->size;
	h->used += n;
}

static struct th_view_text text_of(const struct th_history *h, const struct entry *e)
{
	size_t first = h->size - e->begin;

	return (struct th_view_text){
		.p = h->text + e->begin,
		.n = e->n < first ? e->n : first,
		.about = { e->is_response, e->kind, e->account },
		.rest = h->text,
		.n_rest = e->n < first ? 0 : e->n - first,
	};
}

uint64_t th_history_place(bool first, uint64_t number, const struct th_history_base *base)
{
	if (first)
		return number;
	return (base->parent.none || base->parent.number < number ? number : base->parent.number) + 1;
}

/* What a message is coded against, as serials: all of it, or what is there. */
struct bases {
	uint32_t at[2 + 2 * TH_HISTORY_NEAR];
	unsigned n;
	bool whole;
	uint32_t request; /* among them; NOBODY: not there */
};

static void base_add(struct bases *b, uint32_t at)
{
	if (at == NOBODY)
		b->whole = false;
	else
		b->at[b->n++] = at;
}

static void base_add_near(const struct th_history *h, struct bases *b, bool first, uint64_t place, uint16_t bits)
{
	for (unsigned i = 0; i < TH_HISTORY_NEAR; i++)
		if (bits >> i & 1)
			base_add(b, find_number(h, first, place - 1 - i));
}

static struct bases bases_of(const struct th_history *h, struct th_history_ref message,
			     const struct th_history_base *base)
{
	bool first = is_first(h, message);
	uint64_t place = th_history_place(first, message.number, base);
	struct bases b = { .whole = true, .request = NOBODY };

	if (!base->parent.none)
		base_add(&b, find(h, base->parent));
	if (!base->request.none) {
		b.request = find(h, base->request);
		base_add(&b, b.request);
	}
	base_add_near(h, &b, !first, place, base->also);
	base_add_near(h, &b, first, place, base->own);
	return b;
}

static uint16_t steps(struct th_history *h, uint32_t serial, uint32_t depth)
{
	uint32_t n = serial == NOBODY ? 0 : depth - entry(h, serial)->depth;

	return (uint16_t)(n > UINT16_MAX ? UINT16_MAX : n);
}

/* How far the next serial is after that one. */
static uint16_t back(const struct th_history *h, uint32_t serial)
{
	return (uint16_t)(serial == NOBODY ? 0 : h->serial + 1 - serial);
}

/* A request names the answer that came last, whatever it answers: a long poll's comes late. An answer names the newest
 * request. */
static void received(struct th_history *h, struct th_history_ref message)
{
	if (h->we_are_first || h->parent.none || message.number > h->parent.number || find(h, h->parent) == NOBODY)
		h->parent = message;
}

size_t th_history_text_max(const struct th_history *h)
{
	return h->size / TH_HISTORY_TEXT_PARTS;
}

enum th_err th_history_add(struct th_history *h, struct th_history_ref message, const struct th_history_base *base,
			   const struct th_model_about *about, const uint8_t *masked, size_t n)
{
	uint64_t place_after = th_history_place(is_first(h, message), message.number, base) - message.number;
	uint32_t parent = find(h, base->parent), request = find(h, base->request);
	struct bases b = bases_of(h, message, base);
	struct entry e = {
		.number = (uint32_t)message.number,
		.depth = 1,
		.kind = about->kind,
		.account = (int16_t)about->account,
		.also = base->also,
		.own = base->own,
		.place_after = (uint16_t)place_after,
		.is_response = about->is_response,
		.first = is_first(h, message),
	};

	for (unsigned i = 0; i < b.n; i++)
		if (entry(h, b.at[i])->depth >= e.depth)
			e.depth = entry(h, b.at[i])->depth + 1;
	e.parent_steps = steps(h, parent, e.depth);
	e.request_steps = steps(h, request, e.depth);
	if (message.none || place_after > UINT16_MAX || find(h, message) != NOBODY)
		return TH_ERR_INVALID;
	if (!b.whole)
		return TH_ERR_NOT_FOUND;
	if (n > th_history_text_max(h))
		n = th_history_text_max(h);
	if (h->serial == UINT32_MAX) { /* the peer is told of unknown parents, and all begins anew */
		th_history_clear(h);
		h->serial = h->doubtful = NOBODY;
		parent = request = NOBODY;
	}
	e.parent_back = back(h, parent);
	e.request_back = back(h, request);
	make_room(h, n);
	h->serial++;
	e.begin = (uint16_t)h->next;
	e.n = (uint16_t)n;
	e.added = h->added;
	*entry(h, h->serial) = e;
	h->n++;
	put_text(h, masked, n);
	h->added += (uint32_t)n;
	if (message.sender == TH_HISTORY_THEIRS)
		received(h, message);
	return TH_OK;
}

void th_history_trust(struct th_history *h, struct th_history_ref message, enum th_history_trust trust)
{
	uint32_t serial = find(h, message);

	if (serial != NOBODY)
		entry(h, serial)->trust = (uint8_t)trust;
}

bool th_history_has(const struct th_history *h, struct th_history_ref message)
{
	return find(h, message) != NOBODY;
}

bool th_history_is_empty(const struct th_history *h)
{
	return h->n == 0;
}

/* Which of two messages counts as later. */
static bool later(const struct entry *a, const struct entry *b)
{
	if (a->depth != b->depth)
		return a->depth > b->depth;
	if (a->first != b->first)
		return a->first;
	return a->number > b->number;
}

struct walk {
	uint32_t at[TH_HISTORY_MESSAGES];
	unsigned n;
	uint32_t gone;	 /* depth of the latest ancestor that is not there; 0 for none */
	uint32_t oldest; /* depth of the last that had room */
	size_t left;	 /* bytes of room */
};

static void walk_begin(struct th_history *h, struct walk *w)
{
	w->n = 0;
	w->gone = w->oldest = 0;
	if (++h->visit)
		return;
	for (unsigned i = 0; i < TH_HISTORY_MESSAGES; i++) /* old marks would count again */
		h->entries[i].visit = 0;
	h->visit = 1;
}

/* `depth`: its own. */
static void reach(struct th_history *h, struct walk *w, uint32_t serial, uint32_t depth)
{
	if (serial == NOBODY)
		return;
	if (!is_there(h, serial)) {
		w->gone = depth > w->gone ? depth : w->gone;
	} else if (entry(h, serial)->visit != h->visit) {
		entry(h, serial)->visit = h->visit;
		w->at[w->n++] = serial;
	}
}

static uint32_t take_latest(struct th_history *h, struct walk *w)
{
	unsigned best = 0;
	uint32_t serial;

	for (unsigned i = 1; i < w->n; i++)
		if (later(entry(h, w->at[i]), entry(h, w->at[best])))
			best = i;
	serial = w->at[best];
	w->at[best] = w->at[--w->n];
	return serial;
}

static void reverse(struct th_view *v)
{
	for (size_t i = 0; i < v->n / 2; i++) {
		struct th_view_text t = v->texts[i];

		v->texts[i] = v->texts[v->n - 1 - i];
		v->texts[v->n - 1 - i] = t;
	}
}

static bool reach_near(struct th_history *h, struct walk *w, bool first, uint32_t place, uint16_t bits)
{
	for (unsigned i = 0; i < TH_HISTORY_NEAR; i++) {
		uint32_t serial = bits >> i & 1 ? find_number(h, first, place - 1 - i) : NOBODY;

		if (bits >> i & 1 && serial == NOBODY)
			return false;
		reach(h, w, serial, 0);
	}
	return true;
}

/* What the message of that serial was coded against. */
static bool reach_bases(struct th_history *h, struct walk *w, uint32_t serial)
{
	const struct entry *e = entry(h, serial);
	uint32_t place = e->number + e->place_after;

	if (e->parent_back)
		reach(h, w, serial - e->parent_back, e->depth - e->parent_steps);
	if (e->request_back)
		reach(h, w, serial - e->request_back, e->depth - e->request_steps);
	return reach_near(h, w, !e->first, place, e->also) && reach_near(h, w, e->first, place, e->own);
}

/* Whether the peer may have forgotten that message. */
static bool is_doubtful(struct th_history *h, uint32_t serial)
{
	return h->added - entry(h, serial)->added > h->size / 16 * RELIABLE_SIXTEENTHS ||
	       h->serial - serial > RELIABLE_MESSAGES || serial <= h->doubtful;
}

void th_history_doubt(struct th_history *h)
{
	h->doubtful = h->serial;
}

static size_t budget_of(const struct th_history *h, unsigned parts)
{
	size_t all = h->size / 8 * 7;

	return parts ? all / TH_HISTORY_PARTS * parts : all;
}

/* `careful`: reaches no messages so old that the peer may have forgotten them. When it fails, w->left is what was left
 * before the message that it failed at. */
static enum th_err walk_back(struct th_history *h, const struct bases *from, unsigned parts, bool careful,
			     struct walk *w, struct th_view *view)
{
	view->n = view->request = 0;
	walk_begin(h, w);
	w->left = budget_of(h, parts);
	for (unsigned i = 0; i < from->n; i++)
		reach(h, w, from->at[i], 0);
	while (w->n) {
		uint32_t serial = take_latest(h, w);
		struct entry *e = entry(h, serial);

		if (w->gone >= e->depth)
			return TH_ERR_NOT_FOUND; /* that one's turn would have come */
		if ((size_t)e->n + 1 > w->left || view->n == VIEW_MESSAGES)
			break;
		if (careful && is_doubtful(h, serial))
			return TH_ERR_NOT_FOUND;
		if (!reach_bases(h, w, serial) || (w->n == 0 && w->gone))
			return TH_ERR_NOT_FOUND;
		w->left -= (size_t)e->n + 1;
		w->oldest = e->depth;
		view->texts[view->n++] = text_of(h, e);
		if (serial == from->request)
			view->request = view->n;
	}
	reverse(view);
	if (view->request)
		view->request = view->n + 1 - view->request;
	return TH_OK;
}

enum th_err th_history_view(struct th_history *h, struct th_history_ref message, const struct th_history_base *base,
			    struct th_view *view)
{
	struct bases from = bases_of(h, message, base);
	struct walk w;

	view->n = view->request = 0;
	return from.whole ? walk_back(h, &from, base->parts, false, &w, view) : TH_ERR_NOT_FOUND;
}

/* Whether it is counted on that the peer has it, or will have it in time. */
static bool is_trusted(const struct th_history *h, const struct entry *e, bool hopeful)
{
	return e->first != h->we_are_first || e->trust == TH_HISTORY_READ ||
	       (hopeful && e->trust == TH_HISTORY_HOPED_FOR);
}

/* Which messages near that place the last walk did not come to, and there is room for. */
static uint16_t not_visited(const struct th_history *h, const struct walk *w, bool first, uint64_t place, bool hopeful)
{
	uint16_t bits = 0;

	for (unsigned i = 0; i < TH_HISTORY_NEAR; i++) {
		uint32_t serial = find_number(h, first, place - 1 - i);
		const struct entry *e = &h->entries[serial % TH_HISTORY_MESSAGES];

		if (serial != NOBODY && is_trusted(h, e, hopeful) && e->visit != h->visit &&
		    (e->depth > w->oldest || (w->n == 0 && e->n < w->left)))
			bits |= (uint16_t)(1u << i);
	}
	return bits;
}

/* Makes the view as large as it may be, and says so in `base`. */
static bool try_base(struct th_history *h, struct th_history_ref message, struct th_history_base *base, struct walk *w,
		     struct th_view *view)
{
	struct bases from = bases_of(h, message, base);

	base->parts = 0;
	if (!from.whole)
		return false;
	if (walk_back(h, &from, 0, true, w, view) == TH_OK)
		return true;
	base->parts = (uint8_t)((budget_of(h, 0) - w->left) * TH_HISTORY_PARTS / budget_of(h, 0));
	return base->parts && walk_back(h, &from, base->parts, true, w, view) == TH_OK;
}

void th_history_choose(struct th_history *h, uint64_t number, struct th_history_ref request, bool hopeful,
		       struct th_history_base *base, struct th_view *view)
{
	struct th_history_ref message = { .sender = TH_HISTORY_OURS, .number = number };
	struct th_history_base more;
	struct walk w;
	uint64_t place;

	*base = TH_HISTORY_BASELESS;
	base->parent = h->parent;
	base->request = request;
	if (!try_base(h, message, base, &w, view)) {
		base->request = TH_HISTORY_NONE;
		if (!try_base(h, message, base, &w, view)) {
			base->parent = TH_HISTORY_NONE;
			try_base(h, message, base, &w, view);
			return;
		}
	}
	place = th_history_place(h->we_are_first, number, base);
	if (place - number > UINT16_MAX || (h->we_are_first && base->parent.number >= number)) {
		*base = TH_HISTORY_BASELESS;
		try_base(h, message, base, &w, view);
		return;
	}
	more = *base;
	more.also = not_visited(h, &w, !h->we_are_first, place, hopeful);
	more.own = not_visited(h, &w, h->we_are_first, place, hopeful);
	if ((more.also || more.own) && try_base(h, message, &more, &w, view))
		*base = more;
	else if (more.also || more.own)
		try_base(h, message, base, &w, view);
}
