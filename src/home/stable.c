#include "home/stable.h"

#include "exchange/percent.h"
#include "exchange/route.h"
#include "home/key.h"

#define MIN 60
#define HOUR (60 * MIN)
#define DAY (24 * HOUR)

const struct th_stable th_stable_table[] = {
	{ "client/versions", "versions", HOUR, false, TH_GROUP_NONE },
	{ "client/*/login", "login", HOUR, false, TH_GROUP_NONE },
	{ "client/*/auth_metadata", "auth_metadata", HOUR, false, TH_GROUP_NONE },
	{ "client/*/capabilities", "capabilities", HOUR, false, TH_GROUP_NONE },
	{ "client/*/thirdparty/protocols", "thirdparty", HOUR, false, TH_GROUP_NONE },
	{ "client/*/user/*/filter/*", "filter", DAY, true, TH_GROUP_NONE },
	{ "client/*/pushrules/**", "pushrules", 10 * MIN, false, TH_GROUP_ROUTE },
	{ "client/*/profile/**", "profile", 10 * MIN, false, TH_GROUP_USER },
	{ "client/v1/media/config", "media_config", HOUR, false, TH_GROUP_NONE },
	{ "client/v1/media/preview_url", "media_preview", HOUR, false, TH_GROUP_NONE },
	{ "client/v1/media/download/**", "media", 30 * DAY, true, TH_GROUP_NONE },
	{ "client/v1/media/thumbnail/**", "media", 30 * DAY, true, TH_GROUP_NONE },
	{ "media/*/config", "media_config", HOUR, false, TH_GROUP_NONE },
	{ "media/*/preview_url", "media_preview", HOUR, false, TH_GROUP_NONE },
	{ "media/*/download/**", "media", 30 * DAY, true, TH_GROUP_NONE },
	{ "media/*/thumbnail/**", "media", 30 * DAY, true, TH_GROUP_NONE },
	{ "federation/v1/media/download/*", "media", 30 * DAY, true, TH_GROUP_NONE },
	{ "federation/v1/media/thumbnail/*", "media", 30 * DAY, true, TH_GROUP_NONE },
	{ "federation/v1/version", "federation_version", HOUR, false, TH_GROUP_NONE },
	{ "federation/v1/query/profile", "federation_profile", 10 * MIN, false, TH_GROUP_NONE },
	{ "key/v2/server/**", "server_keys", HOUR, false, TH_GROUP_NONE },
	{ "key/v2/query/**", "server_keys", HOUR, false, TH_GROUP_NONE },
	{ "/.well-known/matrix/client", "well_known", HOUR, false, TH_GROUP_NONE },
	{ "/.well-known/matrix/server", "well_known", DAY, false, TH_GROUP_NONE },
	{ "/.well-known/matrix/support", "well_known", DAY, false, TH_GROUP_NONE },
};

const size_t th_stable_count = sizeof(th_stable_table) / sizeof(th_stable_table[0]);

const struct th_stable *th_stable_find(struct th_str target)
{
	for (size_t i = 0; i < th_stable_count; i++) {
		const struct th_stable *row = &th_stable_table[i];
		bool fits = row->pattern[0] == '/' ? th_str_eq(th_target_path(target), th_str_of(row->pattern))
						   : th_route_fits(row->pattern, target);

		if (fits)
			return row;
	}
	return NULL;
}

/* The segment after "/profile/". */
static struct th_str user_of(struct th_str path)
{
	static const struct th_str mark = TH_STR_INIT("/profile/");

	for (size_t i = 0; i + mark.n <= path.n; i++) {
		struct th_str rest = { path.p + i, path.n - i };
		const char *slash;

		if (!th_str_starts(rest, mark))
			continue;
		rest = (struct th_str){ rest.p + mark.n, rest.n - mark.n };
		slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
		return (struct th_str){ rest.p, slash ? (size_t)(slash - rest.p) : rest.n };
	}
	return (struct th_str){ "", 0 };
}

struct th_str th_stable_group(const struct th_stable *row, struct th_str target, char out[static TH_GROUP_NAME_MAX])
{
	struct th_wr w = th_wr_init(out, TH_GROUP_NAME_MAX);

	if (!row || row->group == TH_GROUP_NONE)
		return (struct th_str){ out, 0 };
	th_wr_bytes(&w, row->name, strlen(row->name));
	th_wr_bytes(&w, "/", 1);
	if (row->group == TH_GROUP_USER) /* clients differ in what they encode, and %40milo is @milo */
		th_percent_undo(&w, user_of(th_target_path(target)), false);
	return (struct th_str){ out, th_wr_ok(&w) ? w.n : TH_GROUP_NAME_MAX };
}

bool th_stable_is_logout(struct th_str target)
{
	return th_route_fits("client/*/logout", target) || th_route_fits("client/*/logout/all", target) ||
	       th_route_fits("client/*/account/deactivate", target);
}
