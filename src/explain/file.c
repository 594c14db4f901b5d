#include "explain/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exchange/route.h"
#include "explain/coder.h"
#include "explain/show.h"

enum { LINE_ARENA_MAX = 1 << 28, WHERE = 160, METHOD_SHOWN = 16 };

struct exchange {
	struct th_arena arena; /* of what was read */
	struct th_recorded r;
	struct th_explained_request request;
	size_t line;
	bool wanted; /* --only */
};

struct event {
	double when, start; /* of the message; of its exchange */
	size_t exchange;    /* place in the list */
	bool is_response;
};

/* A message that is shown later, for --top. */
struct kept {
	char where[WHERE];
	struct th_explained e;
};

struct reader {
	const struct th_mem *mem;
	const struct th_explain_options *o;
	const char *name;
	struct th_complaints *c;
	struct th_coder *coder;
	struct th_show show;
	struct exchange **exchanges; /* owned */
	size_t n, room;
	struct kept *top; /* owned; o->top of them, dearest first */
	size_t n_top;
};

static enum th_err no_memory(const struct reader *r)
{
	th_complain(r->c, "%s: %s", r->name, th_strerror(TH_ERR_NO_MEMORY));
	return TH_ERR_NO_MEMORY;
}

/* ---- messages ---- */

static void describe(char out[static WHERE], const struct exchange *x, bool is_response)
{
	char method[METHOD_SHOWN + 1];
	size_t n = 0;

	for (; n < METHOD_SHOWN && n < x->r.method.n && x->r.method.p[n] > ' ' && x->r.method.p[n] < 0x7f; n++)
		method[n] = x->r.method.p[n];
	method[n] = '\0';
	if (is_response)
		snprintf(out, WHERE, "line %zu, response %u to %s %s", x->line, x->r.status, method,
			 th_route_name(x->r.target));
	else
		snprintf(out, WHERE, "line %zu, request %s %s", x->line, method, th_route_name(x->r.target));
}

/* Keeps the message if it is among the dearest, and owns it then. */
static bool keep(struct reader *r, const char *where, const struct th_explained *e)
{
	size_t at = r->n_top;

	while (at > 0 && r->top[at - 1].e.coded < e->coded)
		at--;
	if (at == r->o->top)
		return false;
	if (r->n_top == r->o->top)
		th_explained_free(&r->top[--r->n_top].e, r->mem);
	memmove(r->top + at + 1, r->top + at, (r->n_top - at) * sizeof(*r->top));
	r->n_top++;
	r->top[at].e = *e;
	snprintf(r->top[at].where, WHERE, "%s", where);
	return true;
}

static enum th_err message(struct reader *r, struct exchange *x, bool is_response)
{
	struct th_explained e;
	char where[WHERE];
	enum th_err err = is_response ? th_coder_response(r->coder, &x->r, &x->request, &e)
				      : th_coder_request(r->coder, &x->r, &x->request, &e);
	bool kept = false;

	if (err == TH_OK && x->wanted)
		err = th_sums_add(r->show.sums, &e);
	if (err != TH_OK) {
		th_explained_free(&e, r->mem);
		return no_memory(r);
	}
	describe(where, x, is_response);
	if (x->wanted && !r->o->summary) {
		if (r->o->top)
			kept = keep(r, where, &e);
		else
			th_show_message(&r->show, where, &e);
	}
	if (!kept)
		th_explained_free(&e, r->mem);
	return TH_OK;
}

/* ---- lines ---- */

static void drop(struct reader *r, struct exchange *x)
{
	th_arena_free(&x->arena);
	th_free(r->mem, x);
}

static bool is_wanted(const struct th_explain_options *o, const struct th_recorded *r)
{
	size_t n = strlen(o->only);
	char line[TH_METHOD_MAX + TH_TARGET_MAX + 2];
	int have = snprintf(line, sizeof(line), "%.*s %.*s",
			    (int)(r->method.n < TH_METHOD_MAX ? r->method.n : TH_METHOD_MAX), r->method.p,
			    (int)(r->target.n < TH_TARGET_MAX ? r->target.n : TH_TARGET_MAX), r->target.p);

	return n == 0 || (have > 0 && memmem(line, (size_t)have, o->only, n));
}

static struct exchange *read_line(struct reader *r, struct th_str line, size_t number, enum th_err *err)
{
	struct exchange *x = th_alloc(r->mem, sizeof(*x));
	char why[TH_RECORDING_WHY];

	if (!x) {
		*err = no_memory(r);
		return NULL;
	}
	th_arena_init(&x->arena, r->mem, LINE_ARENA_MAX);
	*err = th_recording_read(&x->r, line, &x->arena, why);
	if (*err == TH_OK) {
		x->line = number;
		x->wanted = is_wanted(r->o, &x->r);
		return x;
	}
	th_complain(r->c, "%s:%zu: %s", r->name, number, why);
	drop(r, x);
	return NULL;
}

static enum th_err store(struct reader *r, struct exchange *x)
{
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 64;
		struct exchange **more = th_alloc(r->mem, room * sizeof(*more));

		if (!more) {
			drop(r, x);
			return no_memory(r);
		}
		if (r->n)
			memcpy(more, r->exchanges, r->n * sizeof(*more));
		th_free(r->mem, r->exchanges);
		r->exchanges = more;
		r->room = room;
	}
	r->exchanges[r->n++] = x;
	return TH_OK;
}

static bool is_blank(struct th_str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r' && line.p[i] != '\n')
			return false;
	return true;
}

static enum th_err take(struct reader *r, struct th_str line, size_t number, bool as_they_come)
{
	enum th_err err;
	struct exchange *x = read_line(r, line, number, &err);

	if (!x)
		return err;
	if (!as_they_come)
		return store(r, x);
	r->n++;
	err = message(r, x, false);
	if (err == TH_OK)
		err = message(r, x, true);
	drop(r, x);
	fflush(r->show.out);
	return err;
}

static enum th_err read_lines(struct reader *r, FILE *in, bool as_they_come)
{
	enum th_err err = TH_OK;
	char *line = NULL;
	size_t room = 0, number = 0;
	ssize_t n = 0;

	while (err == TH_OK && (n = getline(&line, &room, in)) >= 0) {
		struct th_str text = { line, (size_t)n };

		number++;
		if (!is_blank(text))
			err = take(r, text, number, as_they_come);
	}
	if (err == TH_OK && ferror(in)) {
		th_complain(r->c, "%s: %s", r->name, strerror(errno));
		err = TH_ERR_IO;
	}
	free(line);
	if (err == TH_OK && r->n == 0) {
		th_complain(r->c, "%s: holds no exchanges: one a line is expected, as tools/record writes them",
			    r->name);
		err = TH_ERR_MALFORMED;
	}
	return err;
}

/* ---- the order of time ---- */

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->when != y->when)
		return x->when < y->when ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->exchange != y->exchange)
		return x->exchange < y->exchange ? -1 : 1;
	return (int)x->is_response - (int)y->is_response;
}

static enum th_err play(struct reader *r)
{
	struct event *events = th_alloc(r->mem, (2 * r->n + 1) * sizeof(*events));
	enum th_err err = TH_OK;

	if (!events)
		return no_memory(r);
	for (size_t i = 0; i < r->n; i++) {
		const struct th_recorded *x = &r->exchanges[i]->r;

		events[2 * i] = (struct event){ x->start, x->start, i, false };
		events[2 * i + 1] = (struct event){ x->end, x->start, i, true };
	}
	qsort(events, 2 * r->n, sizeof(*events), by_time);
	for (size_t i = 0; i < 2 * r->n && err == TH_OK; i++)
		err = message(r, r->exchanges[events[i].exchange], events[i].is_response);
	th_free(r->mem, events);
	return err;
}

static enum th_err begin(struct reader *r, FILE *out)
{
	enum th_err err;

	r->coder = th_coder_new(r->mem, r->o->history);
	if (r->o->top)
		r->top = th_alloc(r->mem, (r->o->top + 1) * sizeof(*r->top));
	if (!r->coder || (r->o->top && !r->top))
		return no_memory(r);
	err = th_show_init(&r->show, r->mem, r->o, out);
	return err == TH_OK ? TH_OK : no_memory(r);
}

static void end(struct reader *r)
{
	for (size_t i = 0; i < r->n_top; i++)
		th_explained_free(&r->top[i].e, r->mem);
	for (size_t i = 0; r->exchanges && i < r->n; i++)
		drop(r, r->exchanges[i]);
	th_free(r->mem, r->exchanges);
	th_free(r->mem, r->top);
	th_show_free(&r->show);
	if (r->coder)
		th_coder_del(r->coder);
}

enum th_err th_explain_file(const struct th_mem *mem, const struct th_explain_options *o, FILE *in, const char *name,
			    bool as_they_come, FILE *out, struct th_complaints *c)
{
	struct reader r = { .mem = mem, .o = o, .name = name, .c = c };
	enum th_err err = begin(&r, out);

	if (err == TH_OK)
		err = read_lines(&r, in, as_they_come);
	if (err == TH_OK && !as_they_come)
		err = play(&r);
	if (err == TH_OK) {
		for (size_t i = 0; i < r.n_top; i++)
			th_show_message(&r.show, r.top[i].where, &r.top[i].e);
		th_show_end(&r.show);
	}
	end(&r);
	return err;
}
