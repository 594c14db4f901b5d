#include "codec/base64.h"
#include "codec/event.h"
#include "codec/lineage_int.h"

enum { NAME_MAX_DIGITS = 2, QUOTES = 2 };

void th_lineage_spot(struct th_lineage *l, struct th_str old, struct th_str new)
{
	l->spots[l->n_spots++] = (struct th_lineage_spot){ old, new };
}

struct th_str th_lineage_write_id(struct th_lineage *l, char sigil, const char *id)
{
	uint8_t *to = l->written + l->written_w.n;

	th_wr_bytes(&l->written_w, &sigil, 1);
	th_wr_bytes(&l->written_w, id, TH_EVENT_ID);
	return (struct th_str){ (const char *)to, TH_EVENT_ID + 1 };
}

bool th_lineage_is_id(struct th_str s, char sigil)
{
	return s.n == TH_EVENT_ID + 1 && s.p[0] == sigil &&
	       th_base64_is((struct th_str){ s.p + 1, TH_EVENT_ID }, TH_BASE64_URL);
}

/* ---- strings that name events ---- */

/* The string that begins at or behind *at, without its quotes; *at is behind it then. False: there is none. */
static bool next_string(struct th_str s, size_t *at, struct th_str *out)
{
	const char *quote = *at < s.n ? memchr(s.p + *at, '"', s.n - *at) : NULL;
	size_t begin, end;

	if (!quote)
		return false;
	begin = (size_t)(quote - s.p);
	end = th_event_string_end(s, begin);
	*at = end;
	*out = (struct th_str){ quote + 1, end - begin - QUOTES };
	return end <= s.n;
}

/* Counted from the last one that is new; TH_GRAPH_FRESH: it was not computed in this text. */
static size_t place_of(const struct th_lineage *l, const char *id)
{
	for (size_t i = 0; i < l->graph.n_fresh; i++) {
		const struct th_graph_fresh *f = &l->graph.fresh[l->graph.n_fresh - 1 - i];

		if (f->computed && memcmp(f->event.id, id, TH_EVENT_ID) == 0)
			return i;
	}
	return TH_GRAPH_FRESH;
}

static void cut_name(struct th_lineage *l, struct th_str s)
{
	uint8_t *to = l->written + l->written_w.n;
	size_t place;

	if (l->named == TH_LINEAGE_NAMES || !th_lineage_is_id(s, '$'))
		return;
	place = place_of(l, s.p + 1);
	if (place == TH_GRAPH_FRESH)
		return;
	th_wr_uint(&l->written_w, TH_MARK, 1);
	th_wr_uint(&l->written_w, ':', 1);
	th_wr_decimal(&l->written_w, place);
	l->named++;
	th_lineage_spot(l, s, (struct th_str){ (const char *)to, (size_t)(l->written + l->written_w.n - to) });
}

static bool restore_name(struct th_lineage *l, struct th_str s)
{
	const struct th_graph_fresh *f;
	uint64_t place;

	if (s.n < 2 || s.p[0] != TH_MARK || s.p[1] != ':')
		return true; /* a content hash (computed.h) is %x01 alone */
	if (l->named == TH_LINEAGE_NAMES || s.n > 2 + NAME_MAX_DIGITS ||
	    !th_client_number((struct th_str){ s.p + 2, s.n - 2 }, &place) || place >= l->graph.n_fresh)
		return false;
	f = &l->graph.fresh[l->graph.n_fresh - 1 - place];
	l->named++;
	th_lineage_spot(l, s, th_lineage_write_id(l, '$', f->event.id));
	return f->computed;
}

/* Whether it has a meaning of its own. */
static bool is_own(const struct th_client_event *e, struct th_str s)
{
	return s.p == e->id.p || s.p == e->replaces.p;
}

void th_lineage_cut_within(struct th_lineage *l, const struct th_client_event *e)
{
	struct th_str s;
	size_t at = 0;

	while (next_string(e->object, &at, &s))
		if (!is_own(e, s))
			cut_name(l, s);
}

void th_lineage_fill(const struct th_lineage *l, struct th_str text, size_t first, th_lineage_piece *take, void *ctx)
{
	const char *done = text.p, *end = text.p + text.n;

	for (size_t i = first; i < l->n_spots; i++) {
		const struct th_lineage_spot *s = &l->spots[i];

		if (s->old.p < text.p || s->old.p >= end)
			continue;
		take(ctx, (struct th_str){ done, (size_t)(s->old.p - done) });
		take(ctx, s->new);
		done = s->old.p + s->old.n;
	}
	take(ctx, (struct th_str){ done, (size_t)(end - done) });
}

void th_lineage_write(void *ctx, struct th_str s)
{
	th_wr_put(ctx, s);
}

/* The event's content with the IDs that it names, of the spots from `first` on. Empty: it is too large. */
static struct th_str content_of(struct th_lineage *l, const struct th_client_event *e, size_t first)
{
	struct th_wr w = th_wr_init(l->content, sizeof(l->content));

	th_lineage_fill(l, e->content, first, th_lineage_write, &w);
	return (struct th_str){ (const char *)l->content, th_wr_ok(&w) ? w.n : 0 };
}

bool th_lineage_restore_within(struct th_lineage *l, struct th_client_event *e)
{
	size_t first = l->n_spots, at = 0;
	struct th_str s;

	while (next_string(e->object, &at, &s))
		if (!is_own(e, s) && !restore_name(l, s))
			return false;
	if (l->n_spots > first)
		e->content = content_of(l, e, first);
	return e->content.n > 0;
}

/* Strings around the events, and between them. */
static bool around(struct th_lineage *l, struct th_str body, bool (*take)(struct th_lineage *, struct th_str))
{
	struct th_str s;
	size_t at = 0;

	for (size_t i = 0; i <= l->n; i++) {
		const struct th_str *next = i < l->n ? &l->events[i].object : NULL;
		struct th_str before = { body.p, next ? (size_t)(next->p - body.p) : body.n };

		while (next_string(before, &at, &s))
			if (!take(l, s))
				return false;
		if (next)
			at = before.n + next->n;
	}
	return true;
}

static bool take_cut(struct th_lineage *l, struct th_str s)
{
	cut_name(l, s);
	return true;
}

void th_lineage_cut_around(struct th_lineage *l, struct th_str body)
{
	(void)around(l, body, take_cut);
}

bool th_lineage_restore_around(struct th_lineage *l, struct th_str body)
{
	return around(l, body, restore_name);
}
