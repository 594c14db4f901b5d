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

static void test_urgency(void **state)
{
	static const struct {
		const char *target;
		enum th_urgency urgency;
	} rows[] = {
		{ "/_matrix/client/v3/rooms/!a:b/send/m.room.message/17", TH_URGENCY_INTERACTIVE },
		{ "/_matrix/client/v3/rooms/!a:b/join", TH_URGENCY_INTERACTIVE },
		{ "/_matrix/client/v3/keys/query", TH_URGENCY_INTERACTIVE },
		{ "/_matrix/client/v3/sendToDevice/m.room.encrypted/5", TH_URGENCY_INTERACTIVE },
		{ "/_matrix/client/v3/sync?timeout=30000&since=s1_2", TH_URGENCY_SYNC },
		{ "/_matrix/client/v3/sync?since=s1_2", TH_URGENCY_SYNC },
		{ "/_matrix/client/v3/sync?timeout=30000", TH_URGENCY_BULK },
		{ "/_matrix/client/v3/sync?notsince=1", TH_URGENCY_BULK },
		{ "/_matrix/client/v3/sync", TH_URGENCY_BULK },
		{ "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?pos=5", TH_URGENCY_SYNC },
		{ "/_matrix/client/v3/rooms/!a:b/typing/@u:b", TH_URGENCY_CHATTER },
		{ "/_matrix/client/v3/rooms/!a:b/receipt/m.read/$e", TH_URGENCY_CHATTER },
		{ "/_matrix/client/v3/presence/@u:b/status", TH_URGENCY_CHATTER },
		{ "/_matrix/client/v3/rooms/!a:b/messages?dir=b", TH_URGENCY_BULK },
		{ "/_matrix/client/v1/media/download/a/b", TH_URGENCY_BULK },
		{ "/_matrix/media/v3/upload", TH_URGENCY_BULK },
		{ "/_matrix/federation/v1/backfill/!a:b", TH_URGENCY_BULK },
		{ "/_matrix/federation/v1/send/17", TH_URGENCY_INTERACTIVE },
		{ "/somewhere/else", TH_URGENCY_INTERACTIVE },
		{ "", TH_URGENCY_INTERACTIVE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(th_route_urgency(th_str_of(rows[i].target)), rows[i].urgency);
}

static void test_what_a_request_sets(void **state)
{
	static const struct {
		const char *method, *target, *set;
		bool with_body;
	} rows[] = {
		{ "PUT", "/_matrix/client/v3/rooms/!a:b/typing/@u:b", "/_matrix/client/v3/rooms/!a:b/typing/@u:b",
		  false },
		{ "PUT", "/_matrix/client/v3/presence/@u:b/status?x", "/_matrix/client/v3/presence/@u:b/status",
		  false },
		{ "GET", "/_matrix/client/v3/presence/@u:b/status", "", false },
		{ "POST", "/_matrix/client/v3/rooms/!a:b/receipt/m.read/$e",
		  "/_matrix/client/v3/rooms/!a:b/receipt/m.read/", true },
		{ "POST", "/_matrix/client/v3/rooms/!a:b/read_markers", "", false }, /* its fields are set one by one */
		{ "PUT", "/_matrix/client/v3/rooms/!a:b/send/m.room.message/17", "", false },
		{ "PUT", "/", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool with_body;
		struct th_str set = th_route_state(th_str_of(rows[i].method), th_str_of(rows[i].target), &with_body);

		assert_true(th_str_eq(set, th_str_of(rows[i].set)));
		assert_int_equal(with_body, rows[i].with_body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urgency),
		cmocka_unit_test(test_what_a_request_sets),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_names_are_plain_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
