/* Matrix events in federation format (PDUs), found in a JSON body without a tree: objects with a member
 * "hashes":{"sha256":"…"}, in JSON without white space, as federation has it.
 *
 * An object that holds another such one is passed over, so that every byte belongs to one event at most. */
#ifndef TH_CODEC_EVENT_H
#define TH_CODEC_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { TH_EVENT_DEPTH_MAX = 64 };

struct th_event {
	struct th_str object; /* from '{' to '}'; borrows from the body */
	size_t hash;	      /* where in the body the value of hashes.sha256 begins, behind its quote */
	size_t hash_n;	      /* how long it is */
};

struct th_event_scan {
	struct th_str body; /* borrowed */
	size_t at;
	unsigned depth;
	struct {
		size_t start, hash;
		bool holds; /* an event within */
	} open[TH_EVENT_DEPTH_MAX];
};

struct th_event_scan th_event_scan_init(struct th_str body);

/* The next event, in the order of their ends; false when there is none, or the body is no JSON from here on. */
bool th_event_next(struct th_event_scan *s, struct th_event *out);

/* Behind the string whose opening quote is at `at`; past the end when it does not end. */
size_t th_event_string_end(struct th_str s, size_t at);

struct th_event_member {
	struct th_str name;  /* as it is written, without quotes */
	struct th_str whole; /* "name":value */
	struct th_str value;
};

/* One member of an object after the other; *at is 0 at first. False at its end, or where it is no JSON without white
 * space: then *at is not the object's length. */
bool th_event_member_next(struct th_str object, size_t *at, struct th_event_member *out);
/* Likewise one element of an array after the other. */
bool th_event_element_next(struct th_str array, size_t *at, struct th_str *out);

#endif
