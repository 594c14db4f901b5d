#include "home/narrow.h"

#include <stdio.h>

#include "exchange/percent.h"
#include "home/json.h"
#include "home/key.h"

enum { FILTER_MAX = 16 * 1024, NUMBER_TEXT = 16 };

/* Sets one member and goes on with the result: `b` holds an object before and after. */
static enum th_err set(struct th_buf *b, struct th_str name, struct th_str value)
{
	struct th_buf next;
	enum th_err err;

	th_buf_init(&next, b->mem, b->max);
	err = th_json_set(th_buf_str(b), name, value, &next);
	if (err != TH_OK) {
		th_buf_free(&next);
		return err;
	}
	th_buf_free(b);
	*b = next;
	return TH_OK;
}

/* Copies a member that is an object into `b`, or `{}` when there is none. */
static enum th_err child(struct th_str object, struct th_str name, struct th_buf *b)
{
	struct th_str value;

	if (!th_json_member(object, name, &value) || !th_json_is_object(value))
		value = TH_STR("{}");
	return th_buf_append(b, value.p, value.n);
}

static unsigned number(struct th_str s)
{
	unsigned n = 0;

	if (s.n == 0)
		return UINT32_MAX;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || n > 100000000)
			return UINT32_MAX;
		n = n * 10 + (unsigned)(s.p[i] - '0');
	}
	return n;
}

/* room.timeline.limit and room.state.lazy_load_members in a "room" object. */
static enum th_err narrow_room(const struct th_narrow *n, struct th_buf *room)
{
	struct th_buf inner;
	struct th_str old;
	char limit[NUMBER_TEXT];
	enum th_err err = TH_OK;

	th_buf_init(&inner, room->mem, room->max);
	if (n->lazy_members) {
		err = child(th_buf_str(room), TH_STR("state"), &inner);
		if (err == TH_OK)
			err = set(&inner, TH_STR("lazy_load_members"), TH_STR("true"));
		if (err == TH_OK)
			err = set(room, TH_STR("state"), th_buf_str(&inner));
		th_buf_free(&inner);
	}
	if (err == TH_OK && n->timeline_limit > 0) {
		err = child(th_buf_str(room), TH_STR("timeline"), &inner);
		if (err == TH_OK && th_json_member(th_buf_str(&inner), TH_STR("limit"), &old) &&
		    number(old) <= n->timeline_limit)
			goto out;
		snprintf(limit, sizeof(limit), "%u", n->timeline_limit);
		if (err == TH_OK)
			err = set(&inner, TH_STR("limit"), th_str_of(limit));
		if (err == TH_OK)
			err = set(room, TH_STR("timeline"), th_buf_str(&inner));
	}
out:
	th_buf_free(&inner);
	return err;
}

static enum th_err narrow(const struct th_narrow *n, struct th_buf *filter)
{
	struct th_buf room;
	enum th_err err = TH_OK;

	if (n->no_presence)
		err = set(filter, TH_STR("presence"), TH_STR("{\"not_types\":[\"*\"]}"));
	if (err != TH_OK || (!n->lazy_members && n->timeline_limit == 0))
		return err;
	th_buf_init(&room, filter->mem, filter->max);
	err = child(th_buf_str(filter), TH_STR("room"), &room);
	if (err == TH_OK)
		err = narrow_room(n, &room);
	if (err == TH_OK)
		err = set(filter, TH_STR("room"), th_buf_str(&room));
	th_buf_free(&room);
	return err;
}

enum th_err th_narrow_filter(const struct th_narrow *n, struct th_str filter, struct th_buf *out)
{
	struct th_buf b;
	enum th_err err;

	if (!th_json_is_object(filter))
		return TH_ERR_MALFORMED;
	th_buf_init(&b, out->mem, FILTER_MAX);
	err = th_buf_append(&b, filter.p, filter.n);
	if (err == TH_OK)
		err = narrow(n, &b);
	if (err == TH_OK)
		err = th_buf_append(out, th_buf_data(&b), b.n);
	th_buf_free(&b);
	return err;
}

/* ---- in a query ---- */

static enum th_err decode(struct th_str s, struct th_buf *out)
{
	uint8_t *room = s.n ? th_buf_reserve(out, s.n) : NULL;
	struct th_wr w = th_wr_init(room, s.n);

	if (!room)
		return s.n ? TH_ERR_NO_MEMORY : TH_OK;
	if (!th_percent_undo(&w, s, true))
		return TH_ERR_MALFORMED;
	th_buf_commit(out, w.n);
	return TH_OK;
}

static enum th_err encode(struct th_str s, struct th_buf *out)
{
	struct th_wr w = th_wr_init(NULL, 0);
	uint8_t *room;

	th_percent_encode(&w, s, TH_PERCENT_JSON); /* how long it gets */
	room = th_buf_reserve(out, w.n);
	if (!room)
		return TH_ERR_NO_MEMORY;
	w = th_wr_init(room, w.n);
	th_percent_encode(&w, s, TH_PERCENT_JSON);
	th_buf_commit(out, w.n);
	return TH_OK;
}

/* The value of the first "filter=" in a query; p NULL when there is none. */
static struct th_str find_filter(struct th_str query)
{
	static const struct th_str key = TH_STR_INIT("filter=");

	while (query.n > 0) {
		const char *amp = memchr(query.p, '&', query.n);
		struct th_str pair = { query.p, amp ? (size_t)(amp - query.p) : query.n };

		if (th_str_starts(pair, key))
			return (struct th_str){ pair.p + key.n, pair.n - key.n };
		query.p += pair.n + (amp != NULL);
		query.n -= pair.n + (amp != NULL);
	}
	return (struct th_str){ NULL, 0 };
}

/* The narrowed filter, encoded. */
static enum th_err value(const struct th_narrow *n, struct th_str filter, struct th_buf *out)
{
	struct th_buf narrowed;
	enum th_err err;

	th_buf_init(&narrowed, out->mem, FILTER_MAX);
	err = th_narrow_filter(n, filter, &narrowed);
	if (err == TH_OK)
		err = encode(th_buf_str(&narrowed), out);
	th_buf_free(&narrowed);
	return err;
}

static enum th_err append(struct th_buf *out, struct th_str s)
{
	return s.n ? th_buf_append(out, s.p, s.n) : TH_OK;
}

enum th_err th_narrow_target(const struct th_narrow *n, struct th_str target, struct th_buf *out)
{
	struct th_str path = th_target_path(target);
	struct th_str query = { target.p + path.n, target.n - path.n };
	struct th_str old;
	struct th_buf filter;
	enum th_err err;

	if (query.n > 0)
		query = (struct th_str){ query.p + 1, query.n - 1 };
	old = find_filter(query);
	if (!old.p) {
		err = append(out, target);
		if (err == TH_OK)
			err = append(out, path.n == target.n ? TH_STR("?filter=") : TH_STR("&filter="));
		return err == TH_OK ? value(n, TH_STR("{}"), out) : err;
	}
	th_buf_init(&filter, out->mem, FILTER_MAX);
	err = decode(old, &filter);
	if (err == TH_OK && !th_json_is_object(th_buf_str(&filter)))
		err = TH_ERR_NOT_FOUND;
	if (err == TH_OK)
		err = append(out, (struct th_str){ target.p, (size_t)(old.p - target.p) });
	if (err == TH_OK)
		err = value(n, th_buf_str(&filter), out);
	if (err == TH_OK)
		err = append(out, (struct th_str){ old.p + old.n, (size_t)(target.p + target.n - old.p) - old.n });
	th_buf_free(&filter);
	return err;
}
