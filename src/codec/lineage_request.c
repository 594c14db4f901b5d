#include <string.h>

#include "codec/event.h"
#include "codec/lineage_int.h"
#include "exchange/percent.h"

enum { SEGMENTS = 5, SLASH = '/' };

static const struct th_str client = TH_STR_INIT("/_matrix/client/");

/* Characters that would not stand in JSON as they are. */
static bool is_plain(uint8_t c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

/* Appends the segment without its percent escapes; p NULL: it has others than a name has. */
static struct th_str unescape(struct th_wr *w, struct th_str s)
{
	size_t from = w->n;

	if (!th_percent_undo(w, s, false))
		return (struct th_str){ NULL, 0 };
	for (size_t i = from; i < w->n; i++)
		if (!is_plain(w->p[i]))
			return (struct th_str){ NULL, 0 };
	return (struct th_str){ (const char *)w->p + from, w->n - from };
}

/* What of the path stands behind /_matrix/client/VERSION; empty: it is another one. */
static struct th_str behind_version(struct th_str target)
{
	const char *query = memchr(target.p, '?', target.n), *at = target.p + client.n, *end;

	end = query ? query : target.p + target.n;
	at = th_str_starts(target, client) && at < end ? memchr(at, SLASH, (size_t)(end - at)) : NULL;
	return at ? (struct th_str){ at, (size_t)(end - at) } : TH_STR("");
}

static bool is_create_room(struct th_str target)
{
	return th_str_eq(behind_version(target), TH_STR("/createRoom"));
}

/* The segments behind /_matrix/client/VERSION/rooms/, unescaped. 0: it is no such path. */
static size_t segments(struct th_wr *w, struct th_str target, struct th_str out[SEGMENTS])
{
	const struct th_str path = behind_version(target), rooms = TH_STR("/rooms/");
	const char *at = path.p + rooms.n, *end = path.p + path.n;
	size_t n = 0;

	if (!th_str_starts(path, rooms))
		return 0;
	for (bool more = true; more && n < SEGMENTS; n++) {
		const char *slash = memchr(at, SLASH, (size_t)(end - at));
		struct th_str s = { at, (size_t)((slash ? slash : end) - at) };

		out[n] = unescape(w, s);
		if (!out[n].p)
			return 0;
		more = slash != NULL;
		at = more ? slash + 1 : end;
	}
	return n;
}

static bool copy(struct th_lineage *l, const struct th_view_text *t)
{
	struct th_wr w = th_wr_init(l->asked, sizeof(l->asked));

	th_wr_bytes(&w, t->p, t->n);
	th_wr_bytes(&w, t->rest, t->n_rest);
	return th_wr_ok(&w) && th_text_read_request(&l->text, l->asked, w.n) == TH_OK;
}

void th_lineage_read_request(struct th_lineage *l, const struct th_view *view)
{
	struct th_wr w = th_wr_init(l->names, sizeof(l->names));
	struct th_lineage_request *r = &l->request;
	struct th_str s[SEGMENTS];
	size_t n;

	*r = (struct th_lineage_request){ .room = TH_STR("") };
	if (!view || view->request == 0 || view->request > view->n || !copy(l, &view->texts[view->request - 1]))
		return;
	r->content = (struct th_str){ (const char *)l->text.body, l->text.body_n };
	if (th_str_eq(l->text.head.method, TH_STR("POST")) && is_create_room(l->text.head.target)) {
		*r = (struct th_lineage_request){ TH_LINEAGE_CREATES, TH_STR("!"), TH_STR("m.room.create"), TH_STR(""),
						  r->content };
		return;
	}
	n = segments(&w, l->text.head.target, s);
	if (n == 0)
		return;
	r->room = s[0];
	if (!th_str_eq(l->text.head.method, TH_STR("PUT")) || n < 3)
		return;
	r->type = s[2];
	if (th_str_eq(s[1], TH_STR("send")) && n == 4)
		r->kind = TH_LINEAGE_SENDS;
	if (th_str_eq(s[1], TH_STR("state")) && n <= 4) {
		r->kind = TH_LINEAGE_SENDS;
		r->state_key = n == 4 ? s[3] : TH_STR("");
	}
}

/* What the room's first event has of the request: creation_content, and the version, which is the only one of those
 * whose rooms' IDs are hashes unless the request names another one. */
static void put_creation(struct th_wr *w, struct th_str body)
{
	struct th_str version = th_client_string(body, TH_STR("room_version"));
	struct th_event_member m;
	size_t at = 0;

	th_wr_put(w, TH_STR("{\"room_version\":\""));
	th_wr_put(w, version.n > 0 ? version : TH_STR("12"));
	th_wr_put(w, TH_STR("\""));
	while (th_event_member_next(body, &at, &m))
		if (th_str_eq(m.name, TH_STR("creation_content")) && m.value.n > 2 && m.value.p[0] == '{') {
			th_wr_put(w, TH_STR(","));
			th_wr_put(w, (struct th_str){ m.value.p + 1, m.value.n - 2 });
		}
	th_wr_put(w, TH_STR("}"));
}

bool th_lineage_make(struct th_lineage *l, struct th_str sender, uint64_t ts, struct th_client_event *out)
{
	struct th_wr w = th_wr_init(l->made, sizeof(l->made));
	const struct th_lineage_request *r = &l->request;

	if (r->kind == TH_LINEAGE_OTHER)
		return false;
	th_wr_put(&w, TH_STR("{\"content\":"));
	if (r->kind == TH_LINEAGE_CREATES)
		put_creation(&w, r->content);
	else
		th_wr_put(&w, r->content);
	th_wr_put(&w, TH_STR(",\"event_id\":\"$\",\"origin_server_ts\":0,\"room_id\":\""));
	th_wr_put(&w, r->room);
	th_wr_put(&w, TH_STR("\",\"sender\":\""));
	th_wr_put(&w, sender);
	if (r->state_key.p) {
		th_wr_put(&w, TH_STR("\",\"state_key\":\""));
		th_wr_put(&w, r->state_key);
	}
	th_wr_put(&w, TH_STR("\",\"type\":\""));
	th_wr_put(&w, r->type);
	th_wr_put(&w, TH_STR("\"}"));
	if (!th_wr_ok(&w) || th_client_events((struct th_str){ (const char *)w.p, w.n }, TH_STR(""), out, 1) != 1)
		return false;
	out->ts = ts;
	return true;
}
