#include "codec/history.h"

#include <string.h>

enum {
	NOBODY = 0xffff,
	VIEW_MESSAGES = TH_HISTORY_MESSAGES / 4 * 3, /* as much of the store as of its bytes */
	RELIABLE_MESSAGES = TH_HISTORY_MESSAGES / 8 * 7,
};

/* Where a message stands, valid while its serial is still there. */
struct link {
	uint16_t at;
	uint32_t serial;
};

struct entry {
	uint64_t number;
	uint32_t serial; /* 0: free */
	uint32_t depth;	 /* longest way back; larger than any ancestor's */
	uint32_t begin, n;
	uint32_t added; /* bytes added to the store before, to tell its age */
	struct link parent, request;
	uint32_t kind;
	int16_t account;
	bool is_response, first; /* first: sent by the first end */
	uint32_t visit;
};

struct th_history {
	const struct th_mem *mem; /* borrowed */
	size_t size;
	bool we_are_first;
	struct entry entries[TH_HISTORY_MESSAGES]; /* a ring, oldest at `oldest` */
	unsigned oldest, n;
	uint32_t next; /* where the next text goes */
	uint32_t added, serial, visit;
	struct th_history_ref last_received;
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
	h->last_received = TH_HISTORY_NONE;
	return h;
}

void th_history_free(struct th_history *h)
{
	if (h)
		th_free(h->mem, h);
}

void th_history_clear(struct th_history *h)
{
	memset(h->entries, 0, sizeof(h->entries));
	h->n = 0;
	h->oldest = 0;
	h->next = 0;
	h->last_received = TH_HISTORY_NONE;
}

static bool is_first(const struct th_history *h, struct th_history_ref m)
{
	return (m.sender == TH_HISTORY_OURS) == h->we_are_first;
}

static unsigned find(const struct th_history *h, struct th_history_ref m)
{
	for (unsigned i = 0; !m.none && i < h->n; i++) {
		unsigned at = (h->oldest + h->n - 1 - i) % TH_HISTORY_MESSAGES;
		const struct entry *e = &h->entries[at];

		if (e->number == m.number && e->first == is_first(h, m))
			return at;
	}
	return NOBODY;
}

static struct link link_to(const struct th_history *h, unsigned at)
{
	return (struct link){ (uint16_t)at, at == NOBODY ? 0 : h->entries[at].serial };
}

static bool is_dead(const struct th_history *h, struct link l)
{
	return l.at != NOBODY && h->entries[l.at].serial != l.serial;
}

static void forget_oldest(struct th_history *h)
{
	h->entries[h->oldest].serial = 0;
	h->oldest = (h->oldest + 1) % TH_HISTORY_MESSAGES;
	h->n--;
}

/* Forgets messages from the oldest on until the oldest text there is lies outside begin..end. */
static void forget_texts_in(struct th_history *h, size_t begin, size_t end)
{
	for (;;) {
		unsigned skip = 0;
		const struct entry *e = NULL;

		while (skip < h->n && !e) {
			e = &h->entries[(h->oldest + skip) % TH_HISTORY_MESSAGES];
			e = e->n ? e : NULL;
			skip++;
		}
		if (!e || e->begin >= end || e->begin + e->n <= begin)
			return;
		while (skip-- > 0)
			forget_oldest(h);
	}
}

/* Makes room for n bytes in one piece. The oldest texts lie next to where the next one goes. */
static size_t make_room(struct th_history *h, size_t n)
{
	size_t begin = h->next;

	if (begin + n > h->size) {
		forget_texts_in(h, begin, h->size); /* the rest of the store stays unused this time round */
		begin = 0;
	}
	forget_texts_in(h, begin, begin + n);
	if (h->n == TH_HISTORY_MESSAGES)
		forget_oldest(h);
	return begin;
}

static uint32_t depth_of(const struct th_history *h, unsigned at)
{
	return at == NOBODY ? 0 : h->entries[at].depth;
}

enum th_err th_history_add(struct th_history *h, struct th_history_ref message, struct th_history_ref parent,
			   struct th_history_ref request, const struct th_model_about *about, const uint8_t *masked,
			   size_t n)
{
	unsigned parent_at = find(h, parent), request_at = find(h, request);
	struct link parent_link = link_to(h, parent_at), request_link = link_to(h, request_at);
	uint32_t a = depth_of(h, parent_at), b = depth_of(h, request_at);
	struct entry *e;

	if (message.none || find(h, message) != NOBODY)
		return TH_ERR_INVALID;
	if (n > h->size / TH_HISTORY_TEXT_PARTS)
		n = h->size / TH_HISTORY_TEXT_PARTS;
	h->next = (uint32_t)make_room(h, n);
	e = &h->entries[(h->oldest + h->n) % TH_HISTORY_MESSAGES];
	h->n++;
	h->serial += h->serial == UINT32_MAX ? 2 : 1; /* 0 is of no message */
	*e = (struct entry){
		.number = message.number,
		.serial = h->serial,
		.depth = 1 + (a > b ? a : b),
		.begin = h->next,
		.n = (uint32_t)n,
		.added = h->added,
		.parent = parent_link,
		.request = request_link,
		.kind = about->kind,
		.account = (int16_t)about->account,
		.is_response = about->is_response,
		.first = is_first(h, message),
	};
	if (n)
		memcpy(h->text + h->next, masked, n);
	h->next += (uint32_t)n;
	h->added += (uint32_t)n;
	if (message.sender == TH_HISTORY_THEIRS &&
	    (h->last_received.none || message.number > h->last_received.number || find(h, h->last_received) == NOBODY))
		h->last_received = message;
	return TH_OK;
}

bool th_history_has(const struct th_history *h, struct th_history_ref message)
{
	return find(h, message) != NOBODY;
}

enum th_err th_history_about(const struct th_history *h, struct th_history_ref request, struct th_model_about *response)
{
	unsigned at = find(h, request);

	if (at == NOBODY)
		return TH_ERR_NOT_FOUND;
	th_model_request_kind(h->text + h->entries[at].begin, h->entries[at].n, response);
	return TH_OK;
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
	uint16_t at[TH_HISTORY_MESSAGES];
	unsigned n;
};

static bool reach(struct th_history *h, struct walk *w, struct link l)
{
	if (is_dead(h, l))
		return false;
	if (l.at != NOBODY && h->entries[l.at].visit != h->visit) {
		h->entries[l.at].visit = h->visit;
		w->at[w->n++] = l.at;
	}
	return true;
}

static unsigned take_latest(const struct th_history *h, struct walk *w)
{
	unsigned best = 0, at;

	for (unsigned i = 1; i < w->n; i++)
		if (later(&h->entries[w->at[i]], &h->entries[w->at[best]]))
			best = i;
	at = w->at[best];
	w->at[best] = w->at[--w->n];
	return at;
}

static void reverse(struct th_view *v)
{
	for (size_t i = 0; i < v->n / 2; i++) {
		struct th_view_text t = v->texts[i];

		v->texts[i] = v->texts[v->n - 1 - i];
		v->texts[v->n - 1 - i] = t;
	}
}

/* `careful`: reaches no messages so old that the peer may have forgotten them. */
static enum th_err walk_back(struct th_history *h, unsigned parent, unsigned request, bool careful,
			     struct th_view *view)
{
	struct walk w = { .n = 0 };
	size_t budget = h->size / 4 * 3;

	view->n = 0;
	h->visit++;
	reach(h, &w, link_to(h, parent));
	reach(h, &w, link_to(h, request));
	while (w.n) {
		struct entry *e = &h->entries[take_latest(h, &w)];

		if (e->n + 1 > budget || view->n == VIEW_MESSAGES)
			break;
		if (careful && (h->added - e->added > h->size / 8 * 7 || h->serial - e->serial > RELIABLE_MESSAGES))
			return TH_ERR_NOT_FOUND;
		budget -= e->n + 1;
		view->texts[view->n++] = (struct th_view_text){
			h->text + e->begin,
			e->n,
			{ e->is_response, e->kind, e->account },
		};
		if (!reach(h, &w, e->parent) || !reach(h, &w, e->request))
			return TH_ERR_NOT_FOUND;
	}
	reverse(view);
	return TH_OK;
}

enum th_err th_history_view(struct th_history *h, struct th_history_ref parent, struct th_history_ref request,
			    struct th_view *view)
{
	unsigned parent_at = find(h, parent), request_at = find(h, request);

	view->n = 0;
	if ((!parent.none && parent_at == NOBODY) || (!request.none && request_at == NOBODY))
		return TH_ERR_NOT_FOUND;
	return walk_back(h, parent_at, request_at, false, view);
}

void th_history_choose(struct th_history *h, struct th_history_ref *parent, struct th_history_ref *request,
		       struct th_view *view)
{
	unsigned parent_at, request_at = find(h, *request);

	*parent = h->last_received;
	parent_at = find(h, *parent);
	if (parent_at == NOBODY)
		*parent = TH_HISTORY_NONE;
	if (request_at == NOBODY)
		*request = TH_HISTORY_NONE;
	if (walk_back(h, parent_at, request_at, true, view) == TH_OK)
		return;
	*request = TH_HISTORY_NONE;
	if (walk_back(h, parent_at, NOBODY, true, view) == TH_OK)
		return;
	*parent = TH_HISTORY_NONE;
	view->n = 0;
}
