#include "codec/client_event.h"

#include "codec/event.h"

enum { DIGITS_MAX = 15 };

struct level {
	size_t start;
	struct th_str name; /* of the member that is read */
	struct th_str room;
	bool holds_id;
};

struct scan {
	struct th_str body, room;
	struct th_client_event *out;
	size_t max, n, at;
	unsigned depth;
	struct level open[TH_EVENT_DEPTH_MAX];
};

bool th_client_number(struct th_str s, uint64_t *v)
{
	*v = 0;
	if (s.n == 0 || s.n > DIGITS_MAX || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*v = *v * 10 + (uint64_t)(s.p[i] - '0');
	}
	return true;
}

static bool take_string(struct th_str value, struct th_str *out)
{
	if (value.n < 2 || value.p[0] != '"')
		return false;
	*out = (struct th_str){ value.p + 1, value.n - 2 };
	return true;
}

/* The last string member of that name in an object; p NULL: there is none. */
static struct th_str string_of(struct th_str object, struct th_str name)
{
	struct th_str s = { NULL, 0 };
	struct th_event_member m;
	size_t at = 0;

	while (th_event_member_next(object, &at, &m))
		if (th_str_eq(m.name, name))
			(void)take_string(m.value, &s);
	return s;
}

struct th_str th_client_string(struct th_str object, struct th_str name)
{
	struct th_str s = string_of(object, name);

	return s.p ? s : TH_STR("");
}

/* What the members that count say; of a name that stands twice the last one. */
enum member { ID, ROOM, TYPE, SENDER, STATE_KEY, REDACTS, CONTENT, TS, UNSIGNED, MEMBERS };

static const char *const names[MEMBERS] = { "event_id", "room_id",	    "type",    "sender", "state_key", "redacts",
					    "content",	"origin_server_ts", "unsigned" };

static bool take_if_there(struct th_str value, struct th_str *out)
{
	return !value.p || take_string(value, out);
}

/* Reads the object's members; false: it is no event. */
static bool read_event(struct th_str object, struct th_str room, struct th_client_event *e)
{
	struct th_str values[MEMBERS] = { 0 };
	struct th_event_member m;
	size_t at = 0;

	while (th_event_member_next(object, &at, &m))
		for (unsigned i = 0; i < MEMBERS; i++)
			if (th_str_eq(m.name, th_str_of(names[i])))
				values[i] = m.value;
	*e = (struct th_client_event){ .object = object,
				       .room = room,
				       .content = values[CONTENT],
				       .replaces = string_of(values[UNSIGNED], TH_STR("replaces_state")) };
	return at == object.n && take_string(values[ID], &e->id) && take_string(values[TYPE], &e->type) &&
	       take_string(values[SENDER], &e->sender) && take_if_there(values[ROOM], &e->room) &&
	       take_if_there(values[STATE_KEY], &e->state_key) && take_if_there(values[REDACTS], &e->redacts) &&
	       th_client_number(values[TS], &e->ts) && e->id.n > 0 && e->room.n > 0 && e->type.n > 0 &&
	       e->sender.n > 0 && e->content.n > 0 && e->content.p[0] == '{';
}

static void close_level(struct scan *s)
{
	const struct level *l = &s->open[--s->depth];
	const struct th_str object = { s->body.p + l->start, s->at - l->start };
	struct th_client_event e;

	if (!l->holds_id || !read_event(object, l->room, &e))
		return;
	while (s->n > 0 && s->out[s->n - 1].object.p > object.p)
		s->n--; /* it was within this one */
	if (s->n < s->max)
		s->out[s->n++] = e;
}

/* What stands in a level's member of that name is of this room. */
static struct th_str room_within(const struct scan *s)
{
	if (s->depth == 0)
		return s->room;
	if (s->open[s->depth - 1].name.n > 0 && s->open[s->depth - 1].name.p[0] == '!')
		return s->open[s->depth - 1].name;
	return s->open[s->depth - 1].room;
}

static bool open_level(struct scan *s)
{
	struct th_str room = room_within(s);

	if (s->depth == TH_EVENT_DEPTH_MAX)
		return false;
	s->open[s->depth++] = (struct level){ .start = s->at, .room = room };
	return true;
}

/* Passes over the string; one with ':' behind it is a member's name. */
static void take_name(struct scan *s)
{
	size_t end = th_event_string_end(s->body, s->at);
	struct level *l = s->depth > 0 ? &s->open[s->depth - 1] : NULL;

	if (l && end < s->body.n && s->body.p[end] == ':') {
		l->name = (struct th_str){ s->body.p + s->at + 1, end - s->at - 2 };
		l->holds_id = l->holds_id || th_str_eq(l->name, TH_STR("event_id"));
	}
	s->at = end;
}

size_t th_client_events(struct th_str body, struct th_str room, struct th_client_event *out, size_t max)
{
	struct scan s = { .body = body, .room = room, .out = out, .max = max };

	while (max > 0 && s.at < body.n) {
		char c = body.p[s.at];

		if (c == '"') {
			take_name(&s);
			continue;
		}
		if ((c == '{' || c == '[') && !open_level(&s))
			break;
		s.at++;
		if ((c == '}' || c == ']') && s.depth == 0)
			break;
		if (c == '}')
			close_level(&s);
		else if (c == ']')
			s.depth--;
	}
	return s.n;
}
