#include "program/option.h"

#include <assert.h>
#include <stdarg.h>
#include <stdalign.h>
#include <string.h>

enum { NAME_MAX_BYTES = 40, NEAR_ENOUGH = 3 };

void th_complain(struct th_complaints *c, const char *fmt, ...)
{
	char text[TH_OPTION_MESSAGE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	c->n++;
	c->hear(c->ctx, text);
}

const struct th_option *th_option_named(const struct th_option_schema *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->rows[i].name, name) == 0)
			return &s->rows[i];
	return NULL;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance with one row. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_BYTES + 1];
	size_t n = strlen(b);

	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = i + 1;
		for (unsigned j = 0; j < n; j++) {
			unsigned above = row[j + 1];

			row[j + 1] = least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[n];
}

const struct th_option *th_option_like(const struct th_option_schema *s, const char *name)
{
	const struct th_option *found = NULL;
	unsigned best = NEAR_ENOUGH + 1;

	if (strlen(name) > NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		unsigned d = distance(name, s->rows[i].name);

		if (d < best && d < strlen(s->rows[i].name) / 2) {
			best = d;
			found = &s->rows[i];
		}
	}
	return found;
}

void th_option_defaults(const struct th_option_schema *s, void *fields)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].def)
			th_option_parse(&s->rows[i], s->rows[i].def,
					(char *)fields +
						s->rows[i].at); /* the tables' tests prove that these are good */
}

/* Puts one more line behind those that are there. */
static enum th_err add_line(const struct th_option *opt, const char *text, char *field)
{
	size_t have = strlen(field), n = strlen(text);

	if (n == 0 || text[strcspn(text, "\n\r")] != '\0')
		return TH_ERR_INVALID;
	if (n + 2 > opt->size - have)
		return TH_ERR_TOO_LARGE;
	memcpy(field + have, text, n);
	memcpy(field + have + n, "\n", 2);
	return TH_OK;
}

/* A list that is given in several lines, or several times on the command line, adds up. */
static enum th_err add_keys(struct th_key_list *all, const struct th_key_list *more)
{
	if (more->n > TH_OPTION_KEYS_MAX - all->n)
		return TH_ERR_FULL;
	memcpy(all->key[all->n], more->key, more->n * sizeof(more->key[0]));
	all->n += more->n;
	return TH_OK;
}

enum th_err th_option_take(const struct th_option_values *v, const struct th_option *opt, const char *text,
			   enum th_option_origin from, unsigned line, const char *where, struct th_complaints *c)
{
	alignas(max_align_t) char scratch[TH_OPTION_FIELD_MAX];
	size_t i = (size_t)(opt - v->schema->rows);
	char *field = (char *)v->fields + opt->at;
	bool lines = opt->type == TH_OPTION_LINES;
	char allowed[TH_OPTION_TEXT];
	enum th_err err;

	assert(lines || opt->size <= sizeof(scratch));
	err = lines ? add_line(opt, text, field) : th_option_parse(opt, text, scratch);
	switch (err) {
	case TH_OK:
		break;
	case TH_ERR_TOO_LARGE:
		th_complain(c, "%s: is too long, at most %zu bytes fit", where, opt->size - 1);
		return TH_ERR_INVALID;
	default:
		th_complain(c, "%s: must be %s", where, th_option_allowed(opt, allowed));
		return TH_ERR_INVALID;
	}
	v->line[i] = line ? line : v->line[i];
	if (from < v->origin[i])
		return TH_OK;
	if (opt->type == TH_OPTION_KEYS && from == v->origin[i]) {
		if (add_keys((struct th_key_list *)(void *)field, (struct th_key_list *)(void *)scratch) == TH_OK)
			return TH_OK;
		th_complain(c, "%s: there are more than %d keys", where, TH_OPTION_KEYS_MAX);
		return TH_ERR_INVALID;
	}
	if (!lines)
		memcpy(field, scratch, opt->size);
	v->origin[i] = (uint8_t)from;
	return TH_OK;
}
