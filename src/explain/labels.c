#include "explain/labels.h"

#include <stdio.h>

#include "codec/text.h"

enum { DEPTH_MAX = 64, ARENA_MAX = 4 << 20, ID_LEAST = 8 };

void th_labels_init(struct th_label_table *t, const struct th_mem *mem)
{
	memset(t, 0, sizeof(*t));
	th_arena_init(&t->arena, mem, ARENA_MAX);
	(void)th_labels_place(t, TH_STR("others"));
}

void th_labels_free(struct th_label_table *t)
{
	th_arena_free(&t->arena);
}

uint16_t th_labels_place(struct th_label_table *t, struct th_str name)
{
	enum { SIZE = 2 * TH_LABELS_MAX };
	uint32_t h;
	char *z;

	if (name.n > TH_LABEL_NAME_MAX)
		name.n = TH_LABEL_NAME_MAX;
	for (h = th_str_hash(name) % SIZE; t->index[h]; h = (h + 1) % SIZE)
		if (th_str_eq(th_str_of(t->names[t->index[h] - 1]), name))
			return (uint16_t)(t->index[h] - 1);
	if (t->n == TH_LABELS_MAX)
		return 0;
	z = th_arena_alloc(&t->arena, name.n + 1); /* zeroed */
	if (!z)
		return 0;
	memcpy(z, name.p, name.n);
	t->names[t->n++] = z;
	t->index[h] = t->n;
	return (uint16_t)(t->n - 1);
}

/* ---- a text on its way from front to back ---- */

struct walk {
	struct th_label_table *t;
	const uint8_t *p;
	size_t n, at;
	struct th_label *out;
	char path[TH_LABEL_NAME_MAX + 1]; /* "body", then the keys down to here */
	size_t path_n;
};

static void mark(struct walk *w, size_t to, uint16_t field, enum th_label_part part)
{
	for (; w->at < to; w->at++)
		w->out[w->at] = (struct th_label){ field, (uint8_t)part };
}

static size_t find(const struct walk *w, size_t from, size_t to, char c)
{
	const uint8_t *hit = to > from ? memchr(w->p + from, c, to - from) : NULL;

	return hit ? (size_t)(hit - w->p) : to;
}

static uint16_t place2(struct walk *w, const char *kind, struct th_str name)
{
	char text[TH_LABEL_NAME_MAX + 1];
	int n = snprintf(text, sizeof(text), "%s %.*s", kind,
			 (int)(name.n < TH_LABEL_NAME_MAX ? name.n : TH_LABEL_NAME_MAX), name.p);

	return th_labels_place(w->t, (struct th_str){ text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1 });
}

static struct th_str run(const struct walk *w, size_t from, size_t to)
{
	return (struct th_str){ (const char *)w->p + from, to - from };
}

static void query(struct walk *w, size_t end)
{
	uint16_t line = th_labels_place(w->t, TH_STR("head line"));

	while (w->at < end) {
		size_t next, equals;
		uint16_t field;

		mark(w, w->at + 1, line, TH_PART_NAME); /* ? or & */
		next = find(w, w->at, end, '&');
		equals = find(w, w->at, next, '=');
		field = place2(w, "query", run(w, w->at, equals));
		mark(w, equals < next ? equals + 1 : next, field, TH_PART_NAME);
		mark(w, next, field, TH_PART_VALUE);
	}
}

static void first_line(struct walk *w, bool is_response)
{
	uint16_t line = th_labels_place(w->t, TH_STR("head line"));
	size_t end = find(w, 0, w->n, '\n'), target = 0, question;

	if (is_response) {
		mark(w, end, line, TH_PART_VALUE);
	} else {
		if (end > 0 && w->p[0] == '#')
			target = find(w, 0, end, ' ') + 1;
		if (target < end && w->p[target] < ' ')
			target++; /* method and the path's beginning in one byte */
		else
			target = find(w, target, end, ' ') + 1;
		mark(w, target < end ? target : end, line, TH_PART_VALUE);
		question = find(w, w->at, end, '?');
		mark(w, question, th_labels_place(w->t, TH_STR("path")), TH_PART_VALUE);
		query(w, end);
	}
	mark(w, end < w->n ? end + 1 : end, line, TH_PART_NAME);
}

/* A line that is packed whole or in part; several lines count under the first one's name. */
static uint16_t packed(struct walk *w, struct th_str line)
{
	const char *colon = memchr(line.p, ':', line.n), *lf = memchr(line.p, '\n', line.n);
	bool several = lf && lf + 1 < line.p + line.n;

	return place2(w, several ? "headers from" : "header",
		      (struct th_str){ line.p, colon ? (size_t)(colon - line.p) : line.n });
}

static void field_lines(struct walk *w)
{
	uint16_t structure = th_labels_place(w->t, TH_STR("structure of heads"));

	while (w->at < w->n && w->p[w->at] != '\n') {
		uint8_t c = w->p[w->at];
		size_t end = find(w, w->at, w->n, '\n'), colon;
		uint16_t field;

		if (c < ' ' && th_text_lines[c].n) {
			field = packed(w, th_text_lines[c]);
			if (th_text_lines[c].p[th_text_lines[c].n - 1] == '\n') {
				mark(w, w->at + 1, field, TH_PART_VALUE);
				continue;
			}
			mark(w, w->at + 1, field, TH_PART_NAME);
		} else {
			colon = find(w, w->at, end, ':');
			field = colon > w->at ? place2(w, "header", run(w, w->at, colon)) : structure;
			mark(w, colon + 2 < end ? colon + 2 : end, field, TH_PART_NAME);
		}
		mark(w, end, field, TH_PART_VALUE);
		mark(w, end < w->n ? end + 1 : end, structure, TH_PART_NAME);
	}
	mark(w, w->at < w->n ? w->at + 1 : w->n, structure, TH_PART_NAME);
}

/* ---- JSON ---- */

static void path_add(struct walk *w, struct th_str s)
{
	size_t room = sizeof(w->path) - 1 - w->path_n;

	if (s.n > room)
		s.n = room;
	memcpy(w->path + w->path_n, s.p, s.n);
	w->path_n += s.n;
}

/* A name that only one device or key has: capitals and digits. */
static bool is_random(struct th_str key)
{
	for (size_t i = 0; i < key.n; i++)
		if (!(key.p[i] >= 'A' && key.p[i] <= 'Z') && !(key.p[i] >= '0' && key.p[i] <= '9'))
			return false;
	return key.n >= ID_LEAST;
}

static void path_add_key(struct walk *w, struct th_str key)
{
	const char *colon = key.n ? memchr(key.p, ':', key.n) : NULL;

	path_add(w, w->path_n > 4 ? TH_STR(".") : TH_STR(" ")); /* behind "body" */
	if (key.n > 0 && strchr("!$@#", key.p[0])) {
		path_add(w, TH_STR("{"));
		path_add(w, (struct th_str){ key.p, 1 });
		path_add(w, TH_STR("}"));
	} else if (is_random(key)) {
		path_add(w, TH_STR("{id}"));
	} else if (colon) {
		path_add(w, (struct th_str){ key.p, (size_t)(colon - key.p) + 1 });
		path_add(w, TH_STR("{id}"));
	} else {
		path_add(w, key);
	}
}

static uint16_t path_place(struct walk *w)
{
	return th_labels_place(w->t, (struct th_str){ w->path, w->path_n });
}

static size_t string_end(const struct walk *w, size_t from)
{
	while (from < w->n && w->p[from] != '"')
		from += w->p[from] == '\\' ? 2 : 1;
	return from < w->n ? from : w->n;
}

struct container {
	bool object;
	size_t path_n; /* of the path to it */
};

static bool is_punctuation(uint8_t c)
{
	return c <= ' ' || c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' || c == '"';
}

/* What is no JSON gets labels too, only not such good ones. */
static void json(struct walk *w)
{
	uint16_t structure = th_labels_place(w->t, TH_STR("structure of JSON"));
	struct container open[DEPTH_MAX] = { { .object = false } };
	size_t depth = 0; /* open[depth] is the innermost */
	bool key_next = false;

	w->path_n = 0;
	path_add(w, TH_STR("body"));
	open[0].path_n = w->path_n;
	while (w->at < w->n) {
		uint8_t c = w->p[w->at];
		size_t end = w->at + 1;

		if (c == '"') {
			end = string_end(w, end);
			mark(w, w->at + 1, structure, TH_PART_NAME);
			if (key_next) {
				w->path_n = open[depth].path_n;
				path_add_key(w, run(w, w->at, end));
			}
			mark(w, end, path_place(w), key_next ? TH_PART_NAME : TH_PART_VALUE);
			mark(w, end < w->n ? end + 1 : end, structure, TH_PART_NAME);
			key_next = false;
			continue;
		}
		if (!is_punctuation(c)) {
			while (end < w->n && !is_punctuation(w->p[end]))
				end++;
			mark(w, end, path_place(w), TH_PART_VALUE);
			continue;
		}
		mark(w, end, structure, TH_PART_NAME);
		if ((c == '{' || c == '[') && depth + 1 < DEPTH_MAX) {
			if (c == '[')
				path_add(w, TH_STR("[]"));
			open[++depth] = (struct container){ c == '{', w->path_n };
			key_next = c == '{';
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
			key_next = false;
		} else if (c == ',') {
			w->path_n = open[depth].path_n;
			key_next = open[depth].object;
		}
	}
}

void th_labels_of(struct th_label_table *t, const uint8_t *text, size_t n, bool is_response, struct th_label *out)
{
	struct walk w = { .t = t, .p = text, .n = n, .out = out };

	first_line(&w, is_response);
	field_lines(&w);
	if (w.at < n && (text[w.at] == '{' || text[w.at] == '['))
		json(&w);
	else
		mark(&w, n, th_labels_place(t, TH_STR("body that is no JSON")), TH_PART_VALUE);
	out[n] = (struct th_label){ th_labels_place(t, TH_STR("ends of texts")), TH_PART_NAME };
}
