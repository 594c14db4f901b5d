#include "scenario/script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_BYTES_MAX = 4096 };

__attribute__((format(printf, 3, 4))) static bool fail(struct script *s, int line, const char *fmt, ...)
{
	char text[SCRIPT_ERROR_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(s->error, sizeof(s->error), "%s:%d: %s", s->path, line, text);
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* A cursor over one line; words are written to `out`. */
struct lexer {
	struct script *s;
	int line;
	const char *p;
	char out[LINE_BYTES_MAX];
	size_t n;
};

static bool put(struct lexer *x, char c)
{
	if (x->n + 1 >= sizeof(x->out))
		return fail(x->s, x->line, "the line is too long");
	x->out[x->n++] = c;
	return true;
}

static bool lex_hex_pair(struct lexer *x, char *out)
{
	int high = hex_digit(x->p[0]), low = high < 0 ? -1 : hex_digit(x->p[1]);

	if (low < 0)
		return fail(x->s, x->line, "two lower-case hex digits expected at: %.10s", x->p);
	x->p += 2;
	*out = (char)(high << 4 | low);
	return true;
}

static bool lex_escape(struct lexer *x)
{
	char c = *x->p++, byte;

	switch (c) {
	case 'n':
		return put(x, '\n');
	case 't':
		return put(x, '\t');
	case '"':
	case '\\':
		return put(x, c);
	case 'x':
		return lex_hex_pair(x, &byte) && put(x, byte);
	default:
		return fail(x->s, x->line, "unknown escape \\%c", c);
	}
}

static bool lex_text(struct lexer *x)
{
	x->p++;
	while (*x->p != '"') {
		if (*x->p == '\0')
			return fail(x->s, x->line, "a quote is not closed");
		if (*x->p == '\\') {
			x->p++;
			if (!lex_escape(x))
				return false;
		} else if (!put(x, *x->p++)) {
			return false;
		}
	}
	x->p++;
	return true;
}

static bool lex_hex(struct lexer *x)
{
	x->p += 2;
	while (*x->p != '\'') {
		char byte;

		if (*x->p == ' ') {
			x->p++;
			continue;
		}
		if (!lex_hex_pair(x, &byte) || !put(x, byte))
			return false;
	}
	x->p++;
	return true;
}

static bool space(char c)
{
	return c == ' ' || c == '\t';
}

static bool key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* key=, key!= or key~ at the cursor: copies it and fills the word. */
static bool lex_key(struct lexer *x, struct word *w)
{
	size_t n = 0;

	while (key_char(x->p[n]))
		n++;
	if (n == 0 || !(x->p[n] == '=' || x->p[n] == '~' || (x->p[n] == '!' && x->p[n + 1] == '=')))
		return true;
	w->key = n;
	w->op = x->p[n];
	n += w->op == '!' ? 2 : 1;
	w->value = n;
	while (n-- > 0)
		if (!put(x, *x->p++))
			return false;
	return true;
}

static bool lex_word(struct lexer *x, struct word *w)
{
	x->n = 0;
	*w = (struct word){ 0 };
	if (!lex_key(x, w))
		return false;
	if (*x->p == '"' || (x->p[0] == 'x' && x->p[1] == '\'')) {
		w->quoted = true;
		if (!(*x->p == '"' ? lex_text(x) : lex_hex(x)))
			return false;
		if (*x->p && !space(*x->p))
			return fail(x->s, x->line, "a space is missing after a quoted part: %.10s", x->p);
	} else {
		while (*x->p && !space(*x->p))
			if (*x->p == '"')
				return fail(x->s, x->line, "a quote inside of a word");
			else if (!put(x, *x->p++))
				return false;
	}
	w->n = x->n;
	w->p = th_arena_alloc(&x->s->arena, x->n + 1);
	if (!w->p)
		return fail(x->s, x->line, "the file is too large");
	memcpy(w->p, x->out, x->n);
	return true;
}

static bool lex_line(struct script *s, int number, char *text)
{
	struct lexer x = { .s = s, .line = number, .p = text };
	struct word words[SCRIPT_WORDS_MAX];
	struct line *line = &s->lines[s->n];
	size_t n = 0;

	for (;;) {
		while (space(*x.p))
			x.p++;
		if (*x.p == '\0' || *x.p == '#')
			break;
		if (n == SCRIPT_WORDS_MAX)
			return fail(s, number, "more than %d words", SCRIPT_WORDS_MAX);
		if (!lex_word(&x, &words[n++]))
			return false;
	}
	if (n == 0)
		return true;
	*line = (struct line){ .number = number, .n = n };
	line->text = th_arena_alloc(&s->arena, strlen(text) + 1);
	line->words = th_arena_alloc(&s->arena, n * sizeof(*words));
	if (!line->text || !line->words || s->n + 1 == SCRIPT_LINES_MAX)
		return fail(s, number, "the file is too large");
	memcpy(line->text, text, strlen(text));
	memcpy(line->words, words, n * sizeof(*words));
	s->n++;
	return true;
}

static void take_title(struct script *s, const char *line)
{
	while (*line == '#' || space(*line))
		line++;
	snprintf(s->title, sizeof(s->title), "%.120s", line);
}

static bool read_lines(struct script *s, FILE *f)
{
	char text[LINE_BYTES_MAX];
	int number = 0;

	while (fgets(text, sizeof(text), f)) {
		size_t n = strcspn(text, "\n");

		number++;
		if (text[n] != '\n' && !feof(f))
			return fail(s, number, "the line is too long");
		text[n] = '\0';
		if (number == 1) {
			if (text[0] != '#')
				return fail(s, number, "the first line must be a comment that says what is shown");
			take_title(s, text);
		}
		if (!lex_line(s, number, text))
			return false;
	}
	return s->n > 0 || fail(s, number, "no lines");
}

bool script_load(struct script *s, const char *path)
{
	FILE *f;
	bool ok;

	*s = (struct script){ .path = path };
	th_arena_init(&s->arena, &th_mem_libc, SCRIPT_BYTES_MAX);
	s->lines = th_arena_alloc(&s->arena, SCRIPT_LINES_MAX * sizeof(*s->lines));
	f = fopen(path, "r");
	if (!f)
		return fail(s, 0, "cannot be opened");
	ok = s->lines && read_lines(s, f);
	fclose(f);
	return ok;
}

void script_free(struct script *s)
{
	th_arena_free(&s->arena);
}
