#include "exchange/route.h"

/* First fit wins. The segment after "client" is the version, "unstable" included. */
const struct th_route th_routes[] = {
	{ "client/*/sync", "sync" },
	{ "client/*/rooms/*/send/*/*", "send" },
	{ "client/*/rooms/*/receipt/*/*", "receipt" },
	{ "client/*/rooms/*/read_markers", "read_markers" },
	{ "client/*/rooms/*/typing/*", "typing" },
	{ "client/*/rooms/*/messages", "messages" },
	{ "client/*/rooms/*/event/*", "event" },
	{ "client/*/rooms/*/context/*", "context" },
	{ "client/*/rooms/*/relations/**", "relations" },
	{ "client/*/rooms/*/threads", "threads" },
	{ "client/*/rooms/*/hierarchy", "hierarchy" },
	{ "client/*/rooms/*/timestamp_to_event", "timestamp_to_event" },
	{ "client/*/rooms/*/state/**", "state" },
	{ "client/*/rooms/*/members", "members" },
	{ "client/*/rooms/*/joined_members", "members" },
	{ "client/*/rooms/*/redact/*/*", "redact" },
	{ "client/*/rooms/*/invite", "invite" },
	{ "client/*/rooms/*/join", "join" },
	{ "client/*/rooms/*/leave", "leave" },
	{ "client/*/rooms/*/forget", "forget" },
	{ "client/*/rooms/*/kick", "kick" },
	{ "client/*/rooms/*/ban", "ban" },
	{ "client/*/rooms/*/unban", "unban" },
	{ "client/*/rooms/*/upgrade", "upgrade" },
	{ "client/*/rooms/*/aliases", "aliases" },
	{ "client/*/rooms/*/report/**", "report" },
	{ "client/*/rooms/*/**", "rooms" },
	{ "client/*/join/*", "join" },
	{ "client/*/knock/*", "knock" },
	{ "client/*/joined_rooms", "joined_rooms" },
	{ "client/*/createRoom", "createRoom" },
	{ "client/*/publicRooms", "publicRooms" },
	{ "client/*/directory/**", "directory" },
	{ "client/*/user_directory/search", "user_directory" },
	{ "client/*/search", "search" },
	{ "client/versions", "versions" },
	{ "client/*/login/**", "login" },
	{ "client/*/logout/**", "logout" },
	{ "client/*/refresh", "refresh" },
	{ "client/*/register/**", "register" },
	{ "client/*/account/**", "account" },
	{ "client/*/capabilities", "capabilities" },
	{ "client/*/keys/*", "keys" },
	{ "client/*/keys/device_signing/upload", "keys" },
	{ "client/*/keys/signatures/upload", "keys" },
	{ "client/*/room_keys/**", "room_keys" },
	{ "client/*/sendToDevice/*/*", "sendToDevice" },
	{ "client/*/devices/**", "devices" },
	{ "client/*/delete_devices", "devices" },
	{ "client/*/dehydrated_device/**", "dehydrated_device" },
	{ "client/*/profile/**", "profile" },
	{ "client/*/presence/*/status", "presence" },
	{ "client/*/pushrules/**", "pushrules" },
	{ "client/*/pushers/**", "pushers" },
	{ "client/*/notifications", "notifications" },
	{ "client/*/user/*/filter/**", "filter" },
	{ "client/*/user/*/account_data/*", "account_data" },
	{ "client/*/user/*/rooms/*/account_data/*", "account_data" },
	{ "client/*/user/*/rooms/*/tags/**", "tags" },
	{ "client/*/user/*/openid/request_token", "openid" },
	{ "client/*/voip/turnServer", "turnServer" },
	{ "client/*/thirdparty/**", "thirdparty" },
	{ "client/*/media/**", "media" },
	{ "client/*/auth_metadata", "auth_metadata" },
	{ "client/unstable/*/sync", "sliding_sync" },
	{ "client/**", "client" },
	{ "media/*/upload/**", "upload" },
	{ "media/*/create", "upload" },
	{ "media/**", "media" },
	{ "federation/*/send/*", "fed_send" },
	{ "federation/*/make_join/*/*", "fed_make_join" },
	{ "federation/*/send_join/*/*", "fed_send_join" },
	{ "federation/*/make_leave/*/*", "fed_make_leave" },
	{ "federation/*/send_leave/*/*", "fed_send_leave" },
	{ "federation/*/make_knock/*/*", "fed_make_knock" },
	{ "federation/*/send_knock/*/*", "fed_send_knock" },
	{ "federation/*/invite/*/*", "fed_invite" },
	{ "federation/*/query/*", "fed_query" },
	{ "federation/*/user/**", "fed_user" },
	{ "federation/*/state/*", "fed_state" },
	{ "federation/*/state_ids/*", "fed_state" },
	{ "federation/*/event/*", "fed_event" },
	{ "federation/*/event_auth/*/*", "fed_event" },
	{ "federation/*/backfill/*", "fed_backfill" },
	{ "federation/*/get_missing_events/*", "fed_missing" },
	{ "federation/*/media/**", "fed_media" },
	{ "federation/**", "federation" },
	{ "key/**", "keys_server" },
	{ "static/**", "static" },
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

const char *th_route_name(struct th_str target)
{
	struct th_str path = path_of(target);

	if (th_str_starts(path, TH_STR("/.well-known/matrix/")))
		return "well_known";
	if (th_str_starts(path, TH_STR("/_synapse/")))
		return "synapse";
	if (!th_str_starts(path, matrix))
		return "other";
	path.p += matrix.n;
	path.n -= matrix.n;
	for (size_t i = 0; i < th_routes_count; i++)
		if (fits(th_str_of(th_routes[i].pattern), path))
			return th_routes[i].name;
	return "other";
}
