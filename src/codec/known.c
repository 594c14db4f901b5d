#include "codec/known.h"

#define S TH_STR_INIT

/* clang-format off */
/* Number n is the CBOR integer n for n < 24, -1-(n-24) below 48, n-24 from 48 on: two bytes at most up to number 279. */
const struct th_str th_known_keys[] = {
	S("events"), S("type"), S("content"), S("sender"), S("event_id"), S("origin_server_ts"), S("unsigned"),
	S("membership"), S("key"), S("rooms"), S("account_data"), S("next_batch"), S("age"), S("timeline"),
	S("limited"), S("prev_batch"), S("kind"), S("notification_count"), S("highlight_count"), S("enabled"),
	S("set_tweak"), S("pattern"), S("body"), S("default"), S("actions"), S("rule_id"), S("conditions"),
	S("state"), S("ephemeral"), S("join"), S("signed_curve25519"), S("device_unused_fallback_key_types"),
	S("device_one_time_keys_count"), S("value"), S("state_key"), S("unread_notifications"), S("summary"),
	S("msgtype"), S("room_id"), S("user_id"), S("displayname"), S("thread_id"), S("ts"), S("transaction_id"),
	S("m.read"), S("presence"), S("typing"), S("user_ids"), S("device_id"), S("name"), S("replaces_state"),
	S("prev_content"), S("last_active_ago"), S("prev_sender"), S("currently_active"), S("room_version"),
	S("invite"), S("join_rule"), S("signatures"), S("device_lists"), S("timeout"), S("changed"), S("users"),
	S("users_default"), S("state_default"), S("redact"), S("kick"), S("events_default"), S("ban"), S("password"),
	S("global"), S("m.room.tombstone"), S("m.room.server_acl"), S("m.room.power_levels"), S("m.room.name"),
	S("m.room.history_visibility"), S("m.room.encryption"), S("m.room.canonical_alias"), S("m.room.avatar"),
	S("history_visibility"), S("topic"), S("pdus"), S("room"), S("initial_device_display_name"),
	S("m.relates_to"), S("rel_type"), S("underride"), S("postcontent"), S("override"), S("access_token"),
	S("home_server"), S("origin"), S("username"), S("m.topic"), S("m.text"), S("guest_access"), S("prev_events"),
	S("depth"), S("auth_events"), S("edu_type"), S("hashes"), S("edus"), S("auth"), S("chunk"), S("reason"),
	S("sha256"), S("status_msg"), S("avatar_url"), S("algorithm"), S("m.federate"), S("keys"), S("ciphertext"),
	S("sender_key"), S("is_direct"), S("session_id"), S("count"), S("to_device"), S("age_ts"), S("limit"),
	S("redacts"), S("device_keys"), S("preset"), S("data"), S("error"), S("errcode"), S("algorithms"),
	S("device_display_name"), S("invite_state"), S("versions"), S("unstable_features"), S("failures"),
	S("event_ids"), S("event"), S("self_signing_keys"), S("master_keys"), S("user"), S("identifier"),
	S("unread_thread_notifications"), S("flows"), S("start"), S("devices"), S("stream_id"), S("m.call.invite"),
	S("self_signing_key"), S("master_key"), S("invite_room_state"), S("display_name"), S("user_signing_keys"),
	S("well_known"), S("base_url"), S("push"), S("one_time_keys"), S("m.new_content"), S("max_scheduled"),
	S("max_delay_ms"), S("m.set_displayname"), S("m.set_avatar_url"), S("m.room_versions"),
	S("m.profile_fields"), S("m.get_login_token"), S("m.change_password"), S("m.3pid_changes"), S("end"),
	S("capabilities"), S("available"), S("url"), S("visibility"), S("m.joined_member_count"),
	S("m.invited_member_count"), S("redacted_because"), S("size"), S("mimetype"), S("info"),
	S("additional_creators"), S("prev_id"), S("usage"), S("m.in_reply_to"), S("format"), S("m.homeserver"),
	S("alias"), S("creation_content"), S("formatted_body"), S("deleted"), S("lazy_load_members"), S("filter_id"),
	S("left"), S("stages"), S("params"), S("m.fully_read"), S("leave"), S("initial_state"), S("auth_chain"),
	S("total_room_count_estimate"), S("m.relations"), S("verify_keys"), S("valid_until_ts"), S("server_name"),
	S("pdu_ids"), S("old_verify_keys"), S("auth_chain_ids"), S("messages"), S("one_time_key_counts"),
	S("world_readable"), S("num_joined_members"), S("guest_can_join"), S("servers"), S("redacted_by"),
	S("last_seen_ts"), S("last_seen_ip"), S("servers_in_room"), S("members_omitted"), S("profile_tag"),
	S("order"), S("version"), S("m.server"), S("search_term"), S("search_categories"), S("room_events"),
	S("results"), S("min_depth"), S("latest_events"), S("earliest_events"), S("children_state"),
	S("room_alias_name"), S("canonical_alias"), S("aliases"), S("server"), S("creator"), S("token"),
	S("third_party_invite"), S("signed"), S("server_keys"), S("room_alias"), S("prev_state"), S("mxid"),
	S("method"), S("medium"), S("invite_3pid"), S("expired_ts"), S("destination"), S("address"), S("h"), S("w"),
	S("is"), S("session"), S("m.mentions"), S("m.thread"), S("is_falling_back"), S("content_uri"), S("file"),
	S("iv"), S("v"), S("thumbnail_url"), S("thumbnail_file"), S("thumbnail_info"), S("duration"), S("blurhash"),
	S("xyz.amorgan.blurhash"), S("k"), S("ext"), S("key_ops"), S("kty"), S("alg"), S("via"),
	S("rotation_period_ms"), S("rotation_period_msgs"), S("predecessor"), S("tombstone"), S("replacement_room"),
	S("allow"), S("deny"), S("allow_ip_literals"), S("knock"), S("restricted"), S("notifications"),
	S("notify_user"), S("m.direct"), S("m.ignored_users"), S("m.push_rules"), S("new_device_id"),
};
const size_t th_known_keys_count = sizeof(th_known_keys) / sizeof(th_known_keys[0]);

/* Number n is the simple value n for n < 20 (one byte), n + 12 from there on (two bytes): 244 fit. */
const struct th_str th_known_values[] = {
	S("join"), S("m.text"), S("m.room.message"), S("m.room.member"), S("main"), S("m.receipt"),
	S("m.room.encrypted"), S("application/json"), S("invite"), S("leave"), S("m.typing"),
	S("m.megolm.v1.aes-sha2"), S("m.presence"), S("online"), S("m.reaction"), S("m.annotation"),
	S("signed_curve25519"), S("event_match"), S("notify"), S("highlight"), S("m.room.join_rules"),
	S("m.room.create"), S("room_member_count"), S("event_property_is"), S("state_key"), S("m.room.name"),
	S("m.room.tombstone"), S("default"), S("m.room.power_levels"), S("m.room.history_visibility"),
	S("m.room.server_acl"), S("m.call.invite"), S("im.vector.modular.widgets"), S("m.login.dummy"),
	S("m.room.topic"), S("m.room.guest_access"), S("m.replace"), S("sound"), S("m.push_rules"), S("type"),
	S("m.notice"), S("stable"), S("m.room.encryption"), S("can_join"), S("m.olm.v1.curve25519-aes-sha2"),
	S("m.login.password"), S("shared"), S("m.room.redaction"), S("unstable"), S("room"),
	S("m.room.canonical_alias"), S("M_NOT_FOUND"), S("private_chat"), S("m.id.user"), S("ring"),
	S("m.device_list_update"), S("unavailable"), S("image/png"), S("org.matrix.custom.html"), S("m.fully_read"),
	S("m.login.application_service"), S("m.image"), S("public"), S("offline"), S("private"), S("M_USER_IN_USE"),
	S("public_chat"), S("m.direct"), S("m.tag"), S("M_FORBIDDEN"), S("M_UNKNOWN_TOKEN"), S("M_MISSING_TOKEN"),
	S("M_BAD_JSON"), S("M_NOT_JSON"), S("M_LIMIT_EXCEEDED"), S("M_UNRECOGNIZED"), S("M_UNKNOWN"),
	S("M_UNAUTHORIZED"), S("M_INVALID_USERNAME"), S("M_ROOM_IN_USE"), S("M_INVALID_ROOM_STATE"),
	S("M_TOO_LARGE"), S("M_MISSING_PARAM"), S("M_INVALID_PARAM"), S("M_EXCLUSIVE"),
	S("M_UNSUPPORTED_ROOM_VERSION"), S("M_INCOMPATIBLE_ROOM_VERSION"), S("M_GUEST_ACCESS_FORBIDDEN"),
	S("text/plain"), S("image/jpeg"), S("image/webp"), S("image/gif"), S("video/mp4"), S("audio/ogg"),
	S("application/octet-stream"), S("multipart/mixed"), S("max-age=0"), S("no-cache"), S("Bearer"), S("f"),
	S("b"), S("m.emote"), S("m.video"), S("m.audio"), S("m.file"), S("m.location"), S("m.sticker"),
	S("m.thread"), S("m.reference"), S("m.poll.start"), S("m.poll.response"), S("m.poll.end"),
	S("org.matrix.msc3381.poll.start"), S("m.space.child"), S("m.space.parent"), S("m.space"),
	S("m.key.verification.request"), S("m.key.verification.ready"), S("m.key.verification.start"),
	S("m.key.verification.accept"), S("m.key.verification.key"), S("m.key.verification.mac"),
	S("m.key.verification.done"), S("m.key.verification.cancel"), S("m.room_key"), S("m.room_key_request"),
	S("m.room_key.withheld"), S("m.forwarded_room_key"), S("m.secret.request"), S("m.secret.send"), S("m.dummy"),
	S("m.megolm_backup.v1.curve25519-aes-sha2"), S("m.secret_storage.v1.aes-hmac-sha2"),
	S("m.secret_storage.default_key"), S("m.cross_signing.master"), S("m.cross_signing.self_signing"),
	S("m.cross_signing.user_signing"), S("m.megolm_backup.v1"), S("m.ignored_user_list"), S("m.identity_server"),
	S("m.call.answer"), S("m.call.candidates"), S("m.call.hangup"), S("m.call.select_answer"),
	S("m.call.member"), S("knock"), S("ban"), S("restricted"), S("knock_restricted"), S("world_readable"),
	S("forbidden"), S("trusted_private_chat"), S("joined"), S("invited"), S("m.lowpriority"), S("m.favourite"),
	S("m.server_notice"), S("m.room.pinned_events"), S("m.room.third_party_invite"), S("m.room.retention"),
	S("m.login.token"), S("m.login.sso"), S("m.login.recaptcha"), S("m.login.email.identity"),
	S("m.login.terms"), S("m.login.registration_token"), S("m.signing_key_update"), S("m.direct_to_device"),
	S("sas"), S("m.sas.v1"), S("curve25519-hkdf-sha256"), S("hkdf-hmac-sha256.v2"), S("decimal"), S("emoji"),
	S("sha256"), S("A256CTR"), S("oct"), S("encrypt"), S("decrypt"), S("v2"), S("ed25519"), S("curve25519"),
	S("contains_display_name"), S("dont_notify"), S("coalesce"), S("master"), S("self_signing"),
	S("user_signing"), S("m.read"), S("m.read.private"), S("client"), S("v3"), S("v1"), S("r0"),
	S("org.matrix.simplified_msc3575"), S("org.matrix.msc4222.use_state_after"), S("recent_emoji"),
	S("im.vector.setting.breadcrumbs"), S("io.element.recent_emoji"), S("im.vector.web.settings"),
	S("org.matrix.preview_urls"), S("m.accepted_terms"), S("m.widgets"), S("m.marked_unread"), S("profile"),
	S("true"), S("false"), S("scale"), S("crop"), S("GET"), S("POST"), S("PUT"), S("authorization"),
	S("content-type"), S("authorization,content-type"), S("no-store"), S("*"),
};
const size_t th_known_values_count = sizeof(th_known_values) / sizeof(th_known_values[0]);

const struct th_str th_known_paths[] = {
	S(""),
	S("/_matrix/client/v3/sync"),
	S("/_matrix/client/v3/rooms/*/send/*/*"),
	S("/_matrix/client/v3/rooms/*/receipt/*/*"),
	S("/_matrix/client/v3/rooms/*/typing/*"),
	S("/_matrix/client/v3/rooms/*/messages"),
	S("/_matrix/client/v3/rooms/*/read_markers"),
	S("/_matrix/client/v3/rooms/*/state/*/*"),
	S("/_matrix/client/v3/rooms/*/state/*"),
	S("/_matrix/client/v3/rooms/*/state"),
	S("/_matrix/client/v3/rooms/*/members"),
	S("/_matrix/client/v3/rooms/*/joined_members"),
	S("/_matrix/client/v3/rooms/*/event/*"),
	S("/_matrix/client/v3/rooms/*/context/*"),
	S("/_matrix/client/v3/rooms/*/redact/*/*"),
	S("/_matrix/client/v3/rooms/*/invite"),
	S("/_matrix/client/v3/rooms/*/join"),
	S("/_matrix/client/v3/rooms/*/leave"),
	S("/_matrix/client/v3/rooms/*/forget"),
	S("/_matrix/client/v3/rooms/*/kick"),
	S("/_matrix/client/v3/rooms/*/ban"),
	S("/_matrix/client/v3/rooms/*/unban"),
	S("/_matrix/client/v3/rooms/*/upgrade"),
	S("/_matrix/client/v3/rooms/*/aliases"),
	S("/_matrix/client/v3/rooms/*/report/*"),
	S("/_matrix/client/v3/rooms/*/initialSync"),
	S("/_matrix/client/v3/join/*"),
	S("/_matrix/client/v3/knock/*"),
	S("/_matrix/client/v3/joined_rooms"),
	S("/_matrix/client/v3/createRoom"),
	S("/_matrix/client/v3/publicRooms"),
	S("/_matrix/client/v3/keys/query"),
	S("/_matrix/client/v3/keys/upload"),
	S("/_matrix/client/v3/keys/claim"),
	S("/_matrix/client/v3/keys/changes"),
	S("/_matrix/client/v3/keys/device_signing/upload"),
	S("/_matrix/client/v3/keys/signatures/upload"),
	S("/_matrix/client/v3/sendToDevice/*/*"),
	S("/_matrix/client/v3/room_keys/version"),
	S("/_matrix/client/v3/room_keys/version/*"),
	S("/_matrix/client/v3/room_keys/keys"),
	S("/_matrix/client/v3/room_keys/keys/*"),
	S("/_matrix/client/v3/room_keys/keys/*/*"),
	S("/_matrix/client/v3/login"),
	S("/_matrix/client/v3/logout"),
	S("/_matrix/client/v3/logout/all"),
	S("/_matrix/client/v3/register"),
	S("/_matrix/client/v3/register/available"),
	S("/_matrix/client/v3/refresh"),
	S("/_matrix/client/v3/account/whoami"),
	S("/_matrix/client/v3/account/password"),
	S("/_matrix/client/v3/account/3pid"),
	S("/_matrix/client/v3/account/deactivate"),
	S("/_matrix/client/v3/capabilities"),
	S("/_matrix/client/v3/devices"),
	S("/_matrix/client/v3/devices/*"),
	S("/_matrix/client/v3/delete_devices"),
	S("/_matrix/client/v3/profile/*/*"),
	S("/_matrix/client/v3/profile/*"),
	S("/_matrix/client/v3/presence/*/status"),
	S("/_matrix/client/v3/user/*/filter"),
	S("/_matrix/client/v3/user/*/filter/*"),
	S("/_matrix/client/v3/user/*/account_data/*"),
	S("/_matrix/client/v3/user/*/rooms/*/account_data/*"),
	S("/_matrix/client/v3/user/*/rooms/*/tags"),
	S("/_matrix/client/v3/user/*/rooms/*/tags/*"),
	S("/_matrix/client/v3/user/*/openid/request_token"),
	S("/_matrix/client/v3/user_directory/search"),
	S("/_matrix/client/v3/directory/room/*"),
	S("/_matrix/client/v3/directory/list/room/*"),
	S("/_matrix/client/v3/search"),
	S("/_matrix/client/v3/notifications"),
	S("/_matrix/client/v3/pushrules/"),
	S("/_matrix/client/v3/pushrules/*/*/*"),
	S("/_matrix/client/v3/pushrules/*/*/*/*"),
	S("/_matrix/client/v3/pushers"),
	S("/_matrix/client/v3/pushers/set"),
	S("/_matrix/client/v3/voip/turnServer"),
	S("/_matrix/client/v3/thirdparty/protocols"),
	S("/_matrix/client/v3/login/sso/redirect"),
	S("/_matrix/client/versions"),
	S("/_matrix/client/v1/rooms/*/relations/*"),
	S("/_matrix/client/v1/rooms/*/relations/*/*"),
	S("/_matrix/client/v1/rooms/*/relations/*/*/*"),
	S("/_matrix/client/v1/rooms/*/threads"),
	S("/_matrix/client/v1/rooms/*/hierarchy"),
	S("/_matrix/client/v1/rooms/*/timestamp_to_event"),
	S("/_matrix/client/v1/media/download/*/*"),
	S("/_matrix/client/v1/media/download/*/*/*"),
	S("/_matrix/client/v1/media/thumbnail/*/*"),
	S("/_matrix/client/v1/media/config"),
	S("/_matrix/client/v1/media/preview_url"),
	S("/_matrix/client/v1/auth_metadata"),
	S("/_matrix/client/v1/room_summary/*"),
	S("/_matrix/client/v1/login/get_token"),
	S("/_matrix/client/unstable/*/sync"),
	S("/_matrix/client/unstable/*/*"),
	S("/_matrix/client/unstable/*/*/*"),
	S("/_matrix/media/v3/upload"),
	S("/_matrix/media/v3/upload/*/*"),
	S("/_matrix/media/v1/create"),
	S("/_matrix/media/v3/download/*/*"),
	S("/_matrix/media/v3/thumbnail/*/*"),
	S("/_matrix/media/v3/config"),
	S("/.well-known/matrix/client"),
	S("/.well-known/matrix/server"),
	S("/_matrix/federation/v1/send/*"),
	S("/_matrix/federation/v1/query/profile"),
	S("/_matrix/federation/v1/query/directory"),
	S("/_matrix/federation/v1/query/*"),
	S("/_matrix/federation/v1/user/devices/*"),
	S("/_matrix/federation/v1/user/keys/query"),
	S("/_matrix/federation/v1/user/keys/claim"),
	S("/_matrix/federation/v1/make_join/*/*"),
	S("/_matrix/federation/v2/send_join/*/*"),
	S("/_matrix/federation/v1/send_join/*/*"),
	S("/_matrix/federation/v1/make_leave/*/*"),
	S("/_matrix/federation/v2/send_leave/*/*"),
	S("/_matrix/federation/v1/make_knock/*/*"),
	S("/_matrix/federation/v1/send_knock/*/*"),
	S("/_matrix/federation/v2/invite/*/*"),
	S("/_matrix/federation/v1/invite/*/*"),
	S("/_matrix/federation/v1/state/*"),
	S("/_matrix/federation/v1/state_ids/*"),
	S("/_matrix/federation/v1/event/*"),
	S("/_matrix/federation/v1/event_auth/*/*"),
	S("/_matrix/federation/v1/backfill/*"),
	S("/_matrix/federation/v1/get_missing_events/*"),
	S("/_matrix/federation/v1/version"),
	S("/_matrix/federation/v1/publicRooms"),
	S("/_matrix/federation/v1/hierarchy/*"),
	S("/_matrix/federation/v1/timestamp_to_event/*"),
	S("/_matrix/federation/v1/openid/userinfo"),
	S("/_matrix/federation/v1/media/download/*"),
	S("/_matrix/federation/v1/media/thumbnail/*"),
	S("/_matrix/federation/v1/3pid/onbind"),
	S("/_matrix/federation/v1/exchange_third_party_invite/*"),
	S("/_matrix/key/v2/server"),
	S("/_matrix/key/v2/query"),
	S("/_matrix/key/v2/query/*"),
};
const size_t th_known_paths_count = sizeof(th_known_paths) / sizeof(th_known_paths[0]);

const struct th_str th_known_query[] = {
	S(""), S("since"), S("timeout"), S("set_presence"), S("filter"), S("pos"), S("limit"), S("dir"), S("from"),
	S("to"), S("ver"), S("user_id"), S("field"), S("event_id"), S("filename"), S("omit_members"),
	S("full_state"), S("use_state_after"), S("org.matrix.msc4222.use_state_after"), S("org.matrix.msc3575"),
	S("allow_redirect"), S("allow_remote"), S("not_membership"), S("membership"), S("room_alias"), S("at"),
	S("version"), S("recurse"), S("timeout_ms"), S("v"), S("width"), S("height"), S("method"), S("animated"),
	S("server_name"), S("via"), S("server"), S("include_all_networks"), S("room_id"), S("types"), S("kind"),
	S("rel_type"), S("ts"), S("origin"), S("only"), S("url"), S("search_term"), S("max_depth"),
	S("suggested_only"), S("order_by"), S("username"), S("access_token"), S("client_secret"), S("_cacheBuster"),
	S("limit_per_room"), S("include"), S("minimum_valid_until_ts"), S("redirectUrl"), S("action"), S("appid"),
	S("prev_batch"),
};
const size_t th_known_query_count = sizeof(th_known_query) / sizeof(th_known_query[0]);

const uint16_t th_known_statuses[] = {
	0, 200, 204, 304, 400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 501, 502, 503, 504, 201, 202, 206, 301, 302, 303, 307, 308, 412, 416
};
const size_t th_known_statuses_count = sizeof(th_known_statuses) / sizeof(th_known_statuses[0]);
/* clang-format on */

/* Synapse's answers; what it adds to media; a browser's and matrix-js-sdk's requests. */
#define CORS                                                                                                           \
	{ S("Access-Control-Allow-Origin"), S("*") },                                                                  \
		{ S("Access-Control-Allow-Methods"), S("GET, HEAD, POST, PUT, DELETE, OPTIONS") },                     \
	{                                                                                                              \
		S("Access-Control-Allow-Headers"), S("X-Requested-With, Content-Type, Authorization, Date")            \
	}

static const struct th_field synapse_json[] = {
	{ S("Content-Type"), S("application/json") },
	{ S("Cache-Control"), S("no-cache, no-store, must-revalidate") },
	CORS,
	{ S("Access-Control-Expose-Headers"), S("Synapse-Trace-Id, Server") },
};
static const struct th_field synapse_cors[] = {
	CORS,
	{ S("Access-Control-Expose-Headers"), S("Synapse-Trace-Id, Server") },
};
static const struct th_field cors[] = { CORS };
static const struct th_field synapse_media[] = {
	{ S("Cross-Origin-Resource-Policy"), S("cross-origin") },
	{ S("Content-Security-Policy"),
	  S("sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; "
	    "media-src 'self'; object-src 'self';") },
	{ S("X-Content-Security-Policy"), S("sandbox;") },
	{ S("Referrer-Policy"), S("no-referrer") },
};
static const struct th_field media_cache[] = {
	{ S("Cache-Control"), S("public,max-age=86400,s-maxage=0,proxy-revalidate") },
	{ S("ETag"), S("1") },
};
static const struct th_field no_robots[] = {
	{ S("X-Robots-Tag"), S("noindex, nofollow, noarchive, noimageindex") },
};
static const struct th_field json[] = { { S("Content-Type"), S("application/json") } };
static const struct th_field max_age_0[] = { { S("Cache-Control"), S("max-age=0") } };
static const struct th_field open_origin[] = { { S("Access-Control-Allow-Origin"), S("*") } };

#define RUN(a)                                                                                                         \
	{                                                                                                              \
		a, sizeof(a) / sizeof(a[0])                                                                            \
	}

/* The longest that fits is taken, whatever its place here. */
const struct th_known_run th_known_runs[] = {
	RUN(synapse_json),  RUN(json),	      RUN(max_age_0), RUN(synapse_cors), RUN(cors),
	RUN(synapse_media), RUN(media_cache), RUN(no_robots), RUN(open_origin),
};
const size_t th_known_runs_count = sizeof(th_known_runs) / sizeof(th_known_runs[0]);

static unsigned slot_of(struct th_str s)
{
	uint32_t h = th_str_hash(s);

	return (h ^ h >> 16) % TH_KNOWN_SLOTS;
}

static void fill(uint16_t *slots, const struct th_str *strings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned at = slot_of(strings[i]);

		while (slots[at])
			at = (at + 1) % TH_KNOWN_SLOTS;
		slots[at] = (uint16_t)(i + 1);
	}
}

static unsigned find(const uint16_t *slots, const struct th_str *strings, struct th_str s)
{
	for (unsigned at = slot_of(s); slots[at]; at = (at + 1) % TH_KNOWN_SLOTS)
		if (th_str_eq(strings[slots[at] - 1], s))
			return slots[at] - 1u;
	return TH_KNOWN_NONE;
}

void th_known_init(struct th_known *k)
{
	*k = (struct th_known){ 0 };
	fill(k->keys, th_known_keys, th_known_keys_count);
	fill(k->values, th_known_values, th_known_values_count);
}

unsigned th_known_key(const struct th_known *k, struct th_str s)
{
	return find(k->keys, th_known_keys, s);
}

unsigned th_known_value(const struct th_known *k, struct th_str s)
{
	return find(k->values, th_known_values, s);
}

unsigned th_known_query_key(struct th_str s)
{
	for (unsigned i = 1; i < th_known_query_count; i++)
		if (th_str_eq(th_known_query[i], s))
			return i;
	return 0;
}

unsigned th_known_status(uint16_t status)
{
	for (unsigned i = 1; i < th_known_statuses_count; i++)
		if (th_known_statuses[i] == status)
			return i;
	return 0;
}

static bool begins_with(const struct th_field *fields, size_t n, const struct th_known_run *run)
{
	if (n < run->n)
		return false;
	for (size_t i = 0; i < run->n; i++)
		if (!th_str_ieq(fields[i].name, run->fields[i].name) ||
		    !th_str_eq(fields[i].value, run->fields[i].value))
			return false;
	return true;
}

unsigned th_known_run_at(const struct th_field *fields, size_t n)
{
	unsigned best = 0;

	for (unsigned i = 0; i < th_known_runs_count; i++)
		if (begins_with(fields, n, &th_known_runs[i]) &&
		    (!best || th_known_runs[best - 1].n < th_known_runs[i].n))
			best = i + 1;
	return best;
}
