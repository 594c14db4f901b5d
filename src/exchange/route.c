#include "exchange/route.h"

/* First fit wins. The segment after "client" is the version, "unstable" included. */
const struct th_route th_routes[] = {
	{ "client/*/sync", "sync", TH_URGENCY_SYNC }, /* an initial one is bulk: th_route_urgency() */
	{ "client/*/rooms/*/send/*/*", "send", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/receipt/*/*", "receipt", TH_URGENCY_CHATTER },
	{ "client/*/rooms/*/read_markers", "read_markers", TH_URGENCY_CHATTER },
	{ "client/*/rooms/*/typing/*", "typing", TH_URGENCY_CHATTER },
	{ "client/*/rooms/*/messages", "messages", TH_URGENCY_BULK },
	{ "client/*/rooms/*/event/*", "event", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/context/*", "context", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/relations/**", "relations", TH_URGENCY_BULK },
	{ "client/*/rooms/*/threads", "threads", TH_URGENCY_BULK },
	{ "client/*/rooms/*/hierarchy", "hierarchy", TH_URGENCY_BULK },
	{ "client/*/rooms/*/timestamp_to_event", "timestamp_to_event", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/state/**", "state", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/members", "members", TH_URGENCY_BULK },
	{ "client/*/rooms/*/joined_members", "members", TH_URGENCY_BULK },
	{ "client/*/rooms/*/redact/*/*", "redact", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/invite", "invite", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/join", "join", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/leave", "leave", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/forget", "forget", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/kick", "kick", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/ban", "ban", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/unban", "unban", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/upgrade", "upgrade", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/aliases", "aliases", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/report/**", "report", TH_URGENCY_INTERACTIVE },
	{ "client/*/rooms/*/**", "rooms", TH_URGENCY_INTERACTIVE },
	{ "client/*/join/*", "join", TH_URGENCY_INTERACTIVE },
	{ "client/*/knock/*", "knock", TH_URGENCY_INTERACTIVE },
	{ "client/*/joined_rooms", "joined_rooms", TH_URGENCY_INTERACTIVE },
	{ "client/*/createRoom", "createRoom", TH_URGENCY_INTERACTIVE },
	{ "client/*/publicRooms", "publicRooms", TH_URGENCY_BULK },
	{ "client/*/directory/**", "directory", TH_URGENCY_INTERACTIVE },
	{ "client/*/user_directory/search", "user_directory", TH_URGENCY_INTERACTIVE },
	{ "client/*/search", "search", TH_URGENCY_INTERACTIVE },
	{ "client/versions", "versions", TH_URGENCY_INTERACTIVE },
	{ "client/*/login/**", "login", TH_URGENCY_INTERACTIVE },
	{ "client/*/logout/**", "logout", TH_URGENCY_INTERACTIVE },
	{ "client/*/refresh", "refresh", TH_URGENCY_INTERACTIVE },
	{ "client/*/register/**", "register", TH_URGENCY_INTERACTIVE },
	{ "client/*/account/**", "account", TH_URGENCY_INTERACTIVE },
	{ "client/*/capabilities", "capabilities", TH_URGENCY_INTERACTIVE },
	{ "client/*/keys/*", "keys", TH_URGENCY_INTERACTIVE },
	{ "client/*/keys/device_signing/upload", "keys", TH_URGENCY_INTERACTIVE },
	{ "client/*/keys/signatures/upload", "keys", TH_URGENCY_INTERACTIVE },
	{ "client/*/room_keys/**", "room_keys", TH_URGENCY_INTERACTIVE },
	{ "client/*/sendToDevice/*/*", "sendToDevice", TH_URGENCY_INTERACTIVE },
	{ "client/*/devices/**", "devices", TH_URGENCY_INTERACTIVE },
	{ "client/*/delete_devices", "devices", TH_URGENCY_INTERACTIVE },
	{ "client/*/dehydrated_device/**", "dehydrated_device", TH_URGENCY_INTERACTIVE },
	{ "client/*/profile/**", "profile", TH_URGENCY_INTERACTIVE },
	{ "client/*/presence/*/status", "presence", TH_URGENCY_CHATTER },
	{ "client/*/pushrules/**", "pushrules", TH_URGENCY_INTERACTIVE },
	{ "client/*/pushers/**", "pushers", TH_URGENCY_INTERACTIVE },
	{ "client/*/notifications", "notifications", TH_URGENCY_INTERACTIVE },
	{ "client/*/user/*/filter/**", "filter", TH_URGENCY_INTERACTIVE },
	{ "client/*/user/*/account_data/*", "account_data", TH_URGENCY_INTERACTIVE },
	{ "client/*/user/*/rooms/*/account_data/*", "account_data", TH_URGENCY_INTERACTIVE },
	{ "client/*/user/*/rooms/*/tags/**", "tags", TH_URGENCY_INTERACTIVE },
	{ "client/*/user/*/openid/request_token", "openid", TH_URGENCY_INTERACTIVE },
	{ "client/*/voip/turnServer", "turnServer", TH_URGENCY_INTERACTIVE },
	{ "client/*/thirdparty/**", "thirdparty", TH_URGENCY_INTERACTIVE },
	{ "client/*/media/**", "media", TH_URGENCY_BULK },
	{ "client/*/auth_metadata", "auth_metadata", TH_URGENCY_INTERACTIVE },
	{ "client/unstable/*/sync", "sliding_sync", TH_URGENCY_SYNC },
	{ "client/**", "client", TH_URGENCY_INTERACTIVE },
	{ "media/*/upload/**", "upload", TH_URGENCY_BULK },
	{ "media/*/create", "upload", TH_URGENCY_BULK },
	{ "media/**", "media", TH_URGENCY_BULK },
	{ "federation/*/send/*", "fed_send", TH_URGENCY_INTERACTIVE },
	{ "federation/*/make_join/*/*", "fed_make_join", TH_URGENCY_INTERACTIVE },
	{ "federation/*/send_join/*/*", "fed_send_join", TH_URGENCY_INTERACTIVE },
	{ "federation/*/make_leave/*/*", "fed_make_leave", TH_URGENCY_INTERACTIVE },
	{ "federation/*/send_leave/*/*", "fed_send_leave", TH_URGENCY_INTERACTIVE },
	{ "federation/*/make_knock/*/*", "fed_make_knock", TH_URGENCY_INTERACTIVE },
	{ "federation/*/send_knock/*/*", "fed_send_knock", TH_URGENCY_INTERACTIVE },
	{ "federation/*/invite/*/*", "fed_invite", TH_URGENCY_INTERACTIVE },
	{ "federation/*/query/*", "fed_query", TH_URGENCY_INTERACTIVE },
	{ "federation/*/user/**", "fed_user", TH_URGENCY_INTERACTIVE },
	{ "federation/*/state/*", "fed_state", TH_URGENCY_BULK },
	{ "federation/*/state_ids/*", "fed_state", TH_URGENCY_BULK },
	{ "federation/*/event/*", "fed_event", TH_URGENCY_INTERACTIVE },
	{ "federation/*/event_auth/*/*", "fed_event", TH_URGENCY_INTERACTIVE },
	{ "federation/*/backfill/*", "fed_backfill", TH_URGENCY_BULK },
	{ "federation/*/get_missing_events/*", "fed_missing", TH_URGENCY_BULK },
	{ "federation/*/media/**", "fed_media", TH_URGENCY_BULK },
	{ "federation/**", "federation", TH_URGENCY_INTERACTIVE },
	{ "key/**", "keys_server", TH_URGENCY_INTERACTIVE },
	{ "static/**", "static", TH_URGENCY_BULK },
};

const size_t th_routes_count = sizeof(th_routes) / sizeof(th_routes[0]);

/* Takes the segment up to the next '/', which is taken too. */
static struct th_str segment(struct th_str *s)
{
	const char *slash = s->n ? memchr(s->p, '/', s->n) : NULL;
	struct th_str seg = { s->p, slash ? (size_t)(slash - s->p) : s->n };

	s->p += seg.n + (slash ? 1 : 0);
	s->n -= seg.n + (slash ? 1 : 0);
	return seg;
}

static bool fits(struct th_str pattern, struct th_str path)
{
	while (pattern.n > 0) {
		struct th_str want = segment(&pattern);
		struct th_str got;

		if (th_str_eq(want, TH_STR("**")))
			return true;
		if (path.n == 0)
			return false;
		got = segment(&path);
		if (!th_str_eq(want, TH_STR("*")) && !th_str_eq(want, got))
			return false;
	}
	return path.n == 0;
}

static struct th_str path_of(struct th_str target)
{
	const char *query = target.n ? memchr(target.p, '?', target.n) : NULL;

	return (struct th_str){ target.p, query ? (size_t)(query - target.p) : target.n };
}

static const struct th_str matrix = TH_STR_INIT("/_matrix/");

bool th_route_fits(const char *pattern, struct th_str target)
{
	struct th_str path = path_of(target);

	if (!th_str_starts(path, matrix))
		return false;
	path.p += matrix.n;
	path.n -= matrix.n;
	return fits(th_str_of(pattern), path);
}

static const struct th_route *route_of(struct th_str target)
{
	struct th_str path = path_of(target);

	if (!th_str_starts(path, matrix))
		return NULL;
	path.p += matrix.n;
	path.n -= matrix.n;
	for (size_t i = 0; i < th_routes_count; i++)
		if (fits(th_str_of(th_routes[i].pattern), path))
			return &th_routes[i];
	return NULL;
}

const char *th_route_name(struct th_str target)
{
	const struct th_route *r = route_of(target);

	if (r)
		return r->name;
	if (th_str_starts(path_of(target), TH_STR("/.well-known/matrix/")))
		return "well_known";
	return th_str_starts(path_of(target), TH_STR("/_synapse/")) ? "synapse" : "other";
}

/* Whether the query has a parameter of that name. */
static bool has_parameter(struct th_str target, struct th_str name)
{
	size_t at = path_of(target).n;

	while (at + 1 + name.n < target.n) {
		struct th_str rest = { target.p + at + 1, target.n - at - 1 };
		const char *next = memchr(rest.p, '&', rest.n);

		if (th_str_starts(rest, name) && rest.p[name.n] == '=')
			return true;
		if (!next)
			return false;
		at = (size_t)(next - target.p);
	}
	return false;
}

enum th_urgency th_route_urgency(struct th_str target)
{
	const struct th_route *r = route_of(target);

	if (!r)
		return TH_URGENCY_INTERACTIVE;
	if (r->urgency == TH_URGENCY_SYNC && !has_parameter(target, TH_STR("since")) &&
	    !has_parameter(target, TH_STR("pos")))
		return TH_URGENCY_BULK;
	return r->urgency;
}

struct th_str th_route_state(struct th_str method, struct th_str target, bool *with_body)
{
	const struct th_route *r = route_of(target);
	struct th_str path = path_of(target), none = { NULL, 0 };

	*with_body = false;
	if (!r || r->urgency != TH_URGENCY_CHATTER)
		return none;
	if (th_str_eq(method, TH_STR("PUT")) && (strcmp(r->name, "typing") == 0 || strcmp(r->name, "presence") == 0))
		return path;
	if (!th_str_eq(method, TH_STR("POST")) || strcmp(r->name, "receipt") != 0)
		return none;
	*with_body = true; /* it names the thread */
	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--; /* up to the event that is read */
	return path;
}
