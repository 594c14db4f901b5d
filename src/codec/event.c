#include "codec/event.h"

static const struct th_str hashes = TH_STR_INIT("\"hashes\":{\"sha256\":\"");

struct th_event_scan th_event_scan_init(struct th_str body)
{
	return (struct th_event_scan){ .body = body };
}

size_t th_event_string_end(struct th_str s, size_t at)
{
	for (at++; at < s.n && s.p[at] != '"'; at++)
		if (s.p[at] == '\\')
			at++;
	return at + 1;
}

/* A member's name, since it stands behind '{' or ','. */
static bool is_hashes(const struct th_event_scan *s)
{
	struct th_str rest = { s->body.p + s->at, s->body.n - s->at };
	char before = s->at > 0 ? s->body.p[s->at - 1] : 0;

	return s->depth > 0 && (before == '{' || before == ',') && th_str_starts(rest, hashes);
}

static bool close(struct th_event_scan *s, struct th_event *out)
{
	size_t start, hash;

	s->depth--;
	start = s->open[s->depth].start;
	hash = s->open[s->depth].hash;
	if (s->depth > 0 && (hash || s->open[s->depth].holds))
		s->open[s->depth - 1].holds = true;
	if (!hash || s->open[s->depth].holds)
		return false;
	out->object = (struct th_str){ s->body.p + start, s->at - start };
	out->hash = hash;
	out->hash_n = th_event_string_end(s->body, hash - 1) - 1 - hash;
	return true;
}

bool th_event_next(struct th_event_scan *s, struct th_event *out)
{
	while (s->at < s->body.n) {
		char c = s->body.p[s->at];

		if (c == '"') {
			if (is_hashes(s) && !s->open[s->depth - 1].hash)
				s->open[s->depth - 1].hash = s->at + hashes.n;
			s->at = th_event_string_end(s->body, s->at);
			continue;
		}
		s->at++;
		if (c == '{') {
			if (s->depth == TH_EVENT_DEPTH_MAX)
				break;
			s->open[s->depth].start = s->at - 1;
			s->open[s->depth].hash = 0;
			s->open[s->depth].holds = false;
			s->depth++;
		} else if (c == '}') {
			if (s->depth == 0)
				break;
			if (close(s, out))
				return true;
		}
	}
	s->at = s->body.n;
	return false;
}

/* Behind the value that begins at `at`: where the ',' or the end of what is around it is. */
static size_t value_end(struct th_str s, size_t at)
{
	unsigned depth = 0;

	while (at < s.n) {
		char c = s.p[at];

		if (c == '"') {
			at = th_event_string_end(s, at);
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			return at;
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		at++;
	}
	return s.n;
}

bool th_event_member_next(struct th_str object, size_t *at, struct th_event_member *out)
{
	size_t name = *at + 1, colon, end;

	if (name >= object.n || object.p[*at] != (*at == 0 ? '{' : ',') || object.p[name] != '"') {
		if (name + (*at == 0) == object.n && object.p[object.n - 1] == '}')
			*at = object.n;
		return false;
	}
	colon = th_event_string_end(object, name);
	if (colon >= object.n || object.p[colon] != ':')
		return false;
	end = value_end(object, colon + 1);
	if (end >= object.n)
		return false;
	out->name = (struct th_str){ object.p + name + 1, colon - name - 2 };
	out->whole = (struct th_str){ object.p + name, end - name };
	out->value = (struct th_str){ object.p + colon + 1, end - colon - 1 };
	*at = end;
	return true;
}

bool th_event_element_next(struct th_str array, size_t *at, struct th_str *out)
{
	size_t begin = *at + 1, end;

	if (begin >= array.n || array.p[*at] != (*at == 0 ? '[' : ',') || (*at == 0 && array.p[begin] == ']')) {
		if (begin + (*at == 0) == array.n && array.p[array.n - 1] == ']')
			*at = array.n;
		return false;
	}
	end = value_end(array, begin);
	if (end >= array.n)
		return false;
	*out = (struct th_str){ array.p + begin, end - begin };
	*at = end;
	return true;
}
