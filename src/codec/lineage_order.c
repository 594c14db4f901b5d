#include <stdlib.h>

#include "codec/lineage_int.h"

/* Rooms in the order of their latest event, so that the ones that matter are there last; events by time. */
static uint64_t latest(const struct th_lineage *l, struct th_str room)
{
	uint64_t ts = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->events[i].ts > ts && th_str_eq(l->events[i].room, room))
			ts = l->events[i].ts;
	return ts;
}

/* In which order a homeserver makes the first events of a room, which may be of one millisecond; "": all others. */
static size_t rank(const struct th_client_event *e)
{
	static const char *const types[] = { "m.room.create",	    "m.room.member",
					     "m.room.power_levels", "m.room.canonical_alias",
					     "m.room.join_rules",   "m.room.history_visibility",
					     "m.room.guest_access", "",
					     "m.room.name",	    "m.room.topic" };
	size_t n = sizeof(types) / sizeof(types[0]), other = n;

	if (th_str_eq(e->type, TH_STR("m.room.member")) && e->state_key.p && !th_str_eq(e->sender, e->state_key))
		return n; /* an invite */
	for (size_t i = 0; i < n; i++) {
		if (e->state_key.p && th_str_eq(e->type, th_str_of(types[i])))
			return i;
		if (!*types[i])
			other = i;
	}
	return other;
}

struct key {
	uint64_t room, ts;
	size_t first; /* of the room's events */
	size_t rank, place;
};

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->room != y->room)
		return x->room < y->room ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

static size_t first_of(const struct th_lineage *l, struct th_str room)
{
	size_t i = 0;

	while (!th_str_eq(l->events[i].room, room))
		i++;
	return i;
}

void th_lineage_order(struct th_lineage *l)
{
	struct key keys[TH_LINEAGE_EVENTS] = { 0 };
	bool backwards = l->n > 1 && l->events[0].ts > l->events[l->n - 1].ts;

	for (size_t i = 0; i < l->n; i++) {
		size_t first = first_of(l, l->events[i].room);

		keys[i] = (struct key){ .room = first < i ? keys[first].room : latest(l, l->events[i].room),
					.ts = l->events[i].ts,
					.first = first,
					.rank = rank(&l->events[i]),
					.place = backwards ? l->n - 1 - i : i };
	}
	qsort(keys, l->n, sizeof(keys[0]), by_key);
	for (size_t i = 0; i < l->n; i++)
		l->order[i] = (uint16_t)(backwards ? l->n - 1 - keys[i].place : keys[i].place);
}
