/* Matrix events as clients see them (client-server API, "Types of room events"), found in a JSON body without white
 * space: objects with event_id, type, sender, content and origin_server_ts. An event within another (unsigned) is part
 * of that one. */
#ifndef TH_CODEC_CLIENT_EVENT_H
#define TH_CODEC_CLIENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* What is borrowed is so from the body. Strings stand as they are written, without their quotes. */
struct th_client_event {
	struct th_str object;
	struct th_str id;
	struct th_str room; /* empty: neither the event nor what is around it names one */
	struct th_str type, sender;
	struct th_str content;	 /* the object */
	struct th_str state_key; /* p NULL: none */
	struct th_str redacts;	 /* p NULL: none */
	struct th_str replaces;	 /* unsigned.replaces_state; p NULL: none */
	uint64_t ts;		 /* origin_server_ts, milliseconds */
};

/* The events in the order of their places, `max` of them at most; returns how many. `room` is that of events of which
 * nothing else says it. */
size_t th_client_events(struct th_str body, struct th_str room, struct th_client_event *out, size_t max);

/* A string member of an object, without its quotes; empty: there is none. */
struct th_str th_client_string(struct th_str object, struct th_str name);

/* A whole number without leading zeros, of at most 15 digits. */
bool th_client_number(struct th_str s, uint64_t *v);

#endif
