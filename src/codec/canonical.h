/* Canonical JSON (Matrix specification, appendices): the members of every object in the order of their names, strings
 * as UTF-8 with no more escapes than need be, no white space. Numbers stay as they are written.
 *
 * What is read is JSON without white space, of an event's size; it need not be canonical. Nothing is kept: what comes
 * out goes to a sink, piece by piece. */
#ifndef TH_CODEC_CANONICAL_H
#define TH_CODEC_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "codec/event.h"

struct th_canonical {
	void (*put)(void *ctx, const char *p, size_t n);
	void *ctx; /* borrowed */
};

/* What of a member an object is to have: all of it (`whole`), another `"name":value` in its place, or nothing (empty).
 */
typedef struct th_str th_canonical_part(const void *ctx, const struct th_event_member *m);

/* False: it is no JSON without white space, or larger than events are (members, nesting); part of it may be out. */
bool th_canonical_value(const struct th_canonical *to, struct th_str value);
/* The same for an object's members as `part` shows them; those of objects within are there as they are. */
bool th_canonical_object(const struct th_canonical *to, struct th_str object, th_canonical_part *part, const void *ctx);

/* A string's characters, with its quotes or without. False: it has an escape that is none, half a surrogate pair, or
 * U+0000. */
bool th_canonical_string(const struct th_canonical *to, struct th_str s);

#endif
