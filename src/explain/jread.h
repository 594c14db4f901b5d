/* Reads one JSON text from front to back (RFC 8259), strings decoded. Sticky: after a mistake everything fails, and
 * `why` says what the first one was. */
#ifndef TH_EXPLAIN_JREAD_H
#define TH_EXPLAIN_JREAD_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct th_jread {
	const char *begin, *p, *end;
	struct th_arena *arena; /* borrowed: strings go there */
	const char *why;	/* static; NULL as long as all is well */
	bool no_memory;		/* why it failed, if it did */
};

struct th_jread th_jread_of(struct th_str text, struct th_arena *arena);

/* Whether c comes next, white space left out; takes it then. */
bool th_jread_take(struct th_jread *r, char c);
/* The same, a mistake when it does not: `why` tells what was expected. */
void th_jread_expect(struct th_jread *r, char c, const char *why);

/* Empty after a mistake. */
struct th_str th_jread_string(struct th_jread *r);
double th_jread_number(struct th_jread *r);
void th_jread_skip(struct th_jread *r);

/* Members and items: `first` is true before the first one. Return false at the end of the container, or after a
 * mistake. The opening bracket was taken; the closing one is. */
bool th_jread_member_next(struct th_jread *r, bool *first, struct th_str *name);
bool th_jread_item_next(struct th_jread *r, bool *first);

/* Nothing but white space is left. */
void th_jread_end(struct th_jread *r);

#endif
