/* A scenario file as lines of words. `#` begins a comment; a word may hold a quoted part ("text" with \n \t \" \\ \xHH,
 * or x'hex bytes'), alone or as the value of key=, key!= and key~. */
#ifndef TH_SCENARIO_SCRIPT_H
#define TH_SCENARIO_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum { SCRIPT_WORDS_MAX = 48, SCRIPT_LINES_MAX = 2000, SCRIPT_BYTES_MAX = 1 << 20, SCRIPT_ERROR_MAX = 512 };

struct word {
	char *p; /* NUL-terminated, escapes resolved */
	size_t n;
	size_t key;   /* length of the key before =, != or ~; 0: a plain word */
	size_t value; /* where the value begins */
	char op;      /* '=', '!' or '~' */
	bool quoted;  /* the value, or the whole word, was quoted */
};

struct line {
	int number;
	char *text; /* as written */
	struct word *words;
	size_t n;
};

struct script {
	const char *path; /* borrowed */
	struct th_arena arena;
	char title[128];    /* the first line's comment */
	struct line *lines; /* not empty ones */
	size_t n;
	char error[SCRIPT_ERROR_MAX];
};

/* False with `error` filled: the file can't be read, or breaks the rules above. */
bool script_load(struct script *s, const char *path);
void script_free(struct script *s);

static inline bool word_is(const struct word *w, const char *text)
{
	return !w->quoted && w->key == 0 && th_str_eq((struct th_str){ w->p, w->n }, th_str_of(text));
}

static inline bool word_has_key(const struct word *w, const char *key)
{
	return w->key == strlen(key) && memcmp(w->p, key, w->key) == 0;
}

static inline struct th_str word_value(const struct word *w)
{
	return (struct th_str){ w->p + w->value, w->n - w->value };
}

#endif
