/* The table: rows in their order, each documented, and what a write to a target changes. */
#include "home/stable.h"

#include "rig.h"

static void row(const char *target, const char *name)
{
	const struct th_stable *s = th_stable_find(th_str_of(target));

	if (!name) {
		if (s)
			fail_msg("%s is in the table as %s", target, s->name);
		return;
	}
	if (!s || strcmp(s->name, name) != 0)
		fail_msg("%s: wanted %s, got %s", target, name, s ? s->name : "none");
}

static void test_rows(void **state)
{
	(void)state;
	row("/_matrix/client/versions", "versions");
	row("/_matrix/client/v3/login", "login");
	row("/_matrix/client/v3/capabilities", "capabilities");
	row("/_matrix/client/v3/pushrules/", "pushrules");
	row("/_matrix/client/v3/pushrules/global/override/x", "pushrules");
	row("/_matrix/client/v3/profile/@a:b/displayname", "profile");
	row("/_matrix/client/v3/user/@a:b/filter/0", "filter");
	row("/_matrix/client/v1/media/download/hs/id?timeout_ms=1", "media");
	row("/_matrix/media/r0/thumbnail/hs/id?width=1", "media");
	row("/.well-known/matrix/client", "well_known");
	row("/_matrix/key/v2/server", "server_keys");
	/* what is alive, or proves a token */
	row("/_matrix/client/v3/sync", NULL);
	row("/_matrix/client/v3/account/whoami", NULL);
	row("/_matrix/client/v3/login/sso/redirect", NULL);
	row("/_matrix/client/v3/rooms/!a:b/messages", NULL);
	row("/_matrix/client/v3/room_keys/version", NULL);
	row("/_matrix/client/v3/voip/turnServer", NULL);
	row("/.well-known/matrix/clients", NULL);
	row("/", NULL);
}

static struct th_str group(const char *target, char out[static TH_GROUP_NAME_MAX])
{
	return th_stable_group(th_stable_find(th_str_of(target)), th_str_of(target), out);
}

static void test_groups(void **state)
{
	char a[TH_GROUP_NAME_MAX], b[TH_GROUP_NAME_MAX], longest[2000];

	(void)state;
	assert_str_is(group("/_matrix/client/v3/profile/@a:b/displayname", a), "profile/@a:b");
	/* however it is encoded, and whatever version */
	assert_str_is(group("/_matrix/client/r0/profile/%40a%3Ab", a), "profile/@a:b");
	assert_str_is(group("/_matrix/client/v3/pushrules/global/x", a), "pushrules/");
	assert_true(th_str_eq(group("/_matrix/client/v3/pushrules/", a), group("/_matrix/client/r0/pushrules/a/b", b)));
	assert_int_equal(group("/_matrix/client/versions", a).n, 0);
	assert_int_equal(group("/x", a).n, 0);
	snprintf(longest, sizeof(longest), "/_matrix/client/v3/profile/%0*d", 1500, 1);
	assert_int_equal(group(longest, a).n, TH_GROUP_NAME_MAX);
}

static void test_logout(void **state)
{
	(void)state;
	assert_true(th_stable_is_logout(TH_STR("/_matrix/client/v3/logout")));
	assert_true(th_stable_is_logout(TH_STR("/_matrix/client/r0/logout/all?x")));
	assert_false(th_stable_is_logout(TH_STR("/_matrix/client/v3/login")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_logout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
