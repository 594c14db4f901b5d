#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exchange/route.h"

static void test_routes(void **state)
{
	static const struct {
		const char *target, *name;
	} rows[] = {
		{ "/_matrix/client/v3/sync?timeout=30000", "sync" },
		{ "/_matrix/client/r0/sync", "sync" },
		{ "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync", "sliding_sync" },
		{ "/_matrix/client/v3/rooms/!a:b/send/m.room.message/17", "send" },
		{ "/_matrix/client/v3/rooms/%21a%3Ab/send/m.room.message/17", "send" },
		{ "/_matrix/client/v3/rooms/!a:b/receipt/m.read/$e", "receipt" },
		{ "/_matrix/client/v3/rooms/!a:b/state/m.room.name/", "state" },
		{ "/_matrix/client/v3/rooms/!a:b/state", "state" },
		{ "/_matrix/client/v3/rooms/!a:b/something/new", "rooms" },
		{ "/_matrix/client/versions", "versions" },
		{ "/_matrix/client/v3/login", "login" },
		{ "/_matrix/client/v3/login/sso/redirect/x", "login" },
		{ "/_matrix/client/v3/pushrules/", "pushrules" },
		{ "/_matrix/client/v1/media/download/a/b", "media" },
		{ "/_matrix/client/v9/never/heard/of", "client" },
		{ "/_matrix/media/v3/upload?filename=x", "upload" },
		{ "/_matrix/media/v3/download/a/b", "media" },
		{ "/_matrix/federation/v1/send/17", "fed_send" },
		{ "/_matrix/federation/v2/send_join/!a:b/$e", "fed_send_join" },
		{ "/_matrix/key/v2/server", "keys_server" },
		{ "/.well-known/matrix/client", "well_known" },
		{ "/_synapse/admin/v1/users", "synapse" },
		{ "/", "other" },
		{ "", "other" },
		{ "*", "other" },
		{ "/_matrix", "other" },
		{ "/_matrix/client/v3/rooms/!a:b/send/m.room.message", "rooms" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(th_route_name(th_str_of(rows[i].target)), rows[i].name);
}

/* A name goes to the log: it must never hold bytes of the target. */
static void test_names_are_plain_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < th_routes_count; i++)
		assert_int_equal(strspn(th_routes[i].name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
				 strlen(th_routes[i].name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_names_are_plain_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
