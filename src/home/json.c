#include "home/json.h"

#include <stdint.h>

struct cursor {
	const char *p, *end;
};

static void space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static bool take(struct cursor *c, char want)
{
	space(c);
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

/* A string with its quotes. */
static bool string(struct cursor *c, struct th_str *inside)
{
	if (!take(c, '"'))
		return false;
	inside->p = c->p;
	while (c->p < c->end && *c->p != '"') {
		if ((unsigned char)*c->p < 0x20)
			return false;
		c->p += *c->p == '\\' && c->end - c->p > 1 ? 2 : 1;
	}
	if (c->p == c->end)
		return false;
	inside->n = (size_t)(c->p - inside->p);
	c->p++;
	return true;
}

/* true, false, null or a number. */
static bool word(struct cursor *c)
{
	const char *from = c->p;

	while (c->p < c->end && ((*c->p >= 'a' && *c->p <= 'z') || (*c->p >= '0' && *c->p <= '9') || *c->p == '-' ||
				 *c->p == '+' || *c->p == '.' || *c->p == 'E'))
		c->p++;
	return c->p > from;
}

static bool value(struct cursor *c, unsigned depth);

static bool members(struct cursor *c, unsigned depth)
{
	struct th_str name;

	if (take(c, '}'))
		return true;
	do {
		if (!string(c, &name) || !take(c, ':') || !value(c, depth))
			return false;
	} while (take(c, ','));
	return take(c, '}');
}

static bool elements(struct cursor *c, unsigned depth)
{
	if (take(c, ']'))
		return true;
	do {
		if (!value(c, depth))
			return false;
	} while (take(c, ','));
	return take(c, ']');
}

static bool value(struct cursor *c, unsigned depth)
{
	struct th_str s;

	space(c);
	if (c->p == c->end || depth == TH_JSON_DEPTH_MAX)
		return false;
	switch (*c->p) {
	case '{':
		c->p++;
		return members(c, depth + 1);
	case '[':
		c->p++;
		return elements(c, depth + 1);
	case '"':
		return string(c, &s);
	default:
		return word(c);
	}
}

bool th_json_is_object(struct th_str text)
{
	struct cursor c = { text.p, text.n ? text.p + text.n : text.p };

	if (!take(&c, '{') || !members(&c, 1))
		return false;
	space(&c);
	return c.p == c.end;
}

bool th_json_member(struct th_str object, struct th_str name, struct th_str *out)
{
	struct cursor c = { object.p, object.n ? object.p + object.n : object.p };
	struct th_str n;
	bool found = false;

	if (!th_json_is_object(object) || !take(&c, '{') || take(&c, '}'))
		return false;
	do {
		const char *from;

		if (!string(&c, &n) || !take(&c, ':'))
			return false;
		space(&c);
		from = c.p;
		if (!value(&c, 1))
			return false;
		if (!th_str_eq(n, name))
			continue;
		*out = (struct th_str){ from, (size_t)(c.p - from) };
		found = true;
	} while (take(&c, ','));
	return found;
}

static enum th_err put(struct th_buf *out, struct th_str s)
{
	return s.n ? th_buf_append(out, s.p, s.n) : TH_OK;
}

/* Puts several pieces, the first error counts. */
static enum th_err put_all(struct th_buf *out, const struct th_str *pieces, size_t n)
{
	enum th_err err = TH_OK;

	for (size_t i = 0; i < n && err == TH_OK; i++)
		err = put(out, pieces[i]);
	return err;
}

enum th_err th_json_set(struct th_str object, struct th_str name, struct th_str new_value, struct th_buf *out)
{
	struct cursor c = { object.p, object.n ? object.p + object.n : object.p };
	struct th_str old;
	struct th_str rest;
	bool empty;

	if (!th_json_is_object(object))
		return TH_ERR_MALFORMED;
	if (th_json_member(object, name, &old)) {
		const char *after = old.p + old.n;
		const struct th_str pieces[] = { { object.p, (size_t)(old.p - object.p) },
						 new_value,
						 { after, (size_t)(object.p + object.n - after) } };

		return put_all(out, pieces, 3);
	}
	take(&c, '{');
	rest = (struct th_str){ c.p, (size_t)(c.end - c.p) };
	empty = take(&c, '}');
	{
		const struct th_str pieces[] = {
			{ object.p, (size_t)(rest.p - object.p) }, TH_STR("\""), name, TH_STR("\":"), new_value,
			empty ? TH_STR("") : TH_STR(","),	   rest
		};

		return put_all(out, pieces, 7);
	}
}
