/* Events in the form that clients see, found in bodies: which objects are some, what room they are of, and the limits.
 */
#include "unit.h"

#include "codec/client_event.h"
#include "codec/event.h"

enum { CAP = 64 * 1024, MAX = 8 };

#define REST "\"type\":\"m.t\",\"sender\":\"@a:b\",\"content\":{\"x\":[]},\"origin_server_ts\":7"
#define EVENT(id) "{\"event_id\":\"" id "\"," REST "}"
#define WITH(members) "{\"event_id\":\"$1\"," members "," REST "}"

static struct th_client_event found[MAX];
static char *block;

/* The body is in a block of exactly its size. */
static size_t count_in(const char *body, struct th_str room, size_t max)
{
	size_t n = strlen(body);

	free(block);
	block = malloc(n ? n : 1);
	assert_non_null(block);
	memcpy(block, body, n);
	return th_client_events((struct th_str){ block, n }, room, found, max);
}

static size_t count(const char *body)
{
	return count_in(body, TH_STR("!default"), MAX);
}

#define assert_text(s, lit) assert_str_is(s, lit)

static void test_what_an_event_has(void **state)
{
	static const char body[] =
		"{\"a\":[{\"type\":\"m.t\",\"content\":{\"b\":\"c\\\"d\"},\"sender\":\"@a:b\",\"room_id\":\"!r\","
		"\"state_key\":\"\",\"redacts\":\"$0\",\"unsigned\":{\"age\":1},\"origin_server_ts\":123456789012345,"
		"\"event_id\":\"$1\"}]}";

	(void)state;
	assert_int_equal(count(body), 1);
	assert_text(found[0].id, "$1");
	assert_text(found[0].room, "!r");
	assert_text(found[0].type, "m.t");
	assert_text(found[0].sender, "@a:b");
	assert_text(found[0].content, "{\"b\":\"c\\\"d\"}");
	assert_text(found[0].redacts, "$0");
	assert_non_null(found[0].state_key.p);
	assert_int_equal(found[0].state_key.n, 0);
	assert_int_equal(found[0].ts, 123456789012345);
	assert_int_equal(found[0].object.n, sizeof(body) - 1 - sizeof("{\"a\":[]}") + 1);
	assert_int_equal(count(EVENT("$1")), 1);
	assert_null(found[0].state_key.p);
	assert_null(found[0].redacts.p);
}

static void test_what_is_none(void **state)
{
	static const char *const bodies[] = {
		"",
		"{}",
		"[]",
		"\"event_id\"",
		"{\"event_id\":\"$1\"}",
		EVENT(""),
		"{\"event_id\":1," REST "}",
		"{\"event_id\":null," REST "}",
		"{\"event_id\" :\"$1\"," REST "}",
		"{ \"event_id\":\"$1\"," REST "}",
		"{\"event_id\":\"$1\", " REST "}",
		"[\"event_id\",\"$1\"," REST "]",
		"{\"\\u0065vent_id\":\"$1\"," REST "}",
		"{\"event_id\":\"$1\",\"type\":\"\",\"sender\":\"@a\",\"content\":{},\"origin_server_ts\":1}",
		"{\"event_id\":\"$1\",\"type\":\"t\",\"sender\":\"\",\"content\":{},\"origin_server_ts\":1}",
		"{\"event_id\":\"$1\",\"type\":\"t\",\"sender\":\"@a\",\"content\":[],\"origin_server_ts\":1}",
		"{\"event_id\":\"$1\",\"type\":\"t\",\"sender\":\"@a\",\"content\":\"{}\",\"origin_server_ts\":1}",
		"{\"event_id\":\"$1\",\"type\":\"t\",\"sender\":\"@a\",\"content\":{},\"origin_server_ts\":\"1\"}",
		"{\"event_id\":\"$1\",\"type\":\"t\",\"sender\":\"@a\",\"content\":{}}",
		"{\"event_id\":\"$1\",\"sender\":\"@a\",\"content\":{},\"origin_server_ts\":1}",
		"{\"event_id\":\"$1\",\"type\":\"t\",\"content\":{},\"origin_server_ts\":1}",
		"{\"event_id\":\"$1\",\"type\":\"t\",\"sender\":\"@a\",\"origin_server_ts\":1}",
		WITH("\"state_key\":null"),
		WITH("\"redacts\":[]"),
		WITH("\"room_id\":0"),
		WITH("\"room_id\":\"\""),
		"{\"event_id\":\"$1\"," REST,
		"{\"event_id\":\"$1\"," REST "]",
		"[\"event_id\":\"$1\"," REST "}",
		"}" EVENT("$1"),
		"]" EVENT("$1"),
		"{}]" EVENT("$1"),
		"\"" EVENT("$1"),
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(bodies); i++)
		if (count(bodies[i]) != 0)
			fail_msg("%s", bodies[i]);
}

static void test_a_member_twice(void **state)
{
	(void)state;
	assert_int_equal(count("{\"event_id\":\"$1\",\"event_id\":\"$2\"," REST ",\"type\":\"m.u\"}"), 1);
	assert_text(found[0].id, "$2");
	assert_text(found[0].type, "m.u");
	assert_int_equal(count("{\"event_id\":\"$1\"," REST ",\"content\":[]}"), 0);
	assert_int_equal(count("{\"event_id\":\"$1\",\"content\":[]," REST "}"), 1);
	assert_int_equal(count("{\"event_id\":\"$1\",\"type\":0,\"origin_server_ts\":null," REST "}"), 1);
	assert_int_equal(count("{\"event_id\":\"$1\"," REST ",\"origin_server_ts\":null}"), 0);
	assert_int_equal(count(WITH("\"state_key\":0,\"state_key\":\"\"")), 1);
	assert_int_equal(count(WITH("\"state_key\":\"\",\"state_key\":0")), 0);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t v;
	} all[] = {
		{ "0", true, 0 },
		{ "9", true, 9 },
		{ "10", true, 10 },
		{ "999999999999999", true, 999999999999999 },
		{ "1000000000000000", false, 0 },
		{ "0999999999999999", false, 0 },
		{ "00", false, 0 },
		{ "01", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ "1.0", false, 0 },
		{ "1e3", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "a", false, 0 },
		{ "1/", false, 0 },
		{ "1:", false, 0 },
	};
	char body[CAP];
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(all); i++) {
		assert_int_equal(th_client_number(th_str_of(all[i].text), &v), all[i].ok);
		if (all[i].ok)
			assert_int_equal(v, all[i].v);
		(void)snprintf(body, sizeof(body),
			       "{\"event_id\":\"$1\",\"type\":\"t\",\"sender\":\"@a\",\"content\":{},"
			       "\"origin_server_ts\":%s}",
			       all[i].text);
		assert_int_equal(count(body), all[i].ok);
		if (all[i].ok)
			assert_int_equal(found[0].ts, all[i].v);
	}
}

static void room_is(const char *body, const char *room)
{
	assert_int_equal(count(body), 1);
	assert_int_equal(found[0].room.n, strlen(room));
	assert_memory_equal(found[0].room.p, room, strlen(room));
}

static void test_rooms(void **state)
{
	(void)state;
	room_is(EVENT("$1"), "!default");
	room_is("{\"x\":[" EVENT("$1") "]}", "!default");
	room_is("{\"!a\":" EVENT("$1") "}", "!a");
	room_is("{\"!a\":{\"timeline\":{\"events\":[[" EVENT("$1") "]]}}}", "!a");
	room_is("{\"!a\":{\"!b\":[" EVENT("$1") "]}}", "!b");
	room_is("{\"!a\":1,\"b\":" EVENT("$1") "}", "!default");
	room_is("{\"!a\":{\"!b\":[]},\"c\":0,\"!d\":{\"!e\":1,\"f\":[" EVENT("$1") "]}}", "!d");
	room_is("{\"!a\":{},\"!b\":{\"x\":" EVENT("$1") "}}", "!b");
	room_is("{\"!a\":[" WITH("\"room_id\":\"!r\"") "]}", "!r");
	room_is("{\"#a\":" EVENT("$1") "}", "!default");
	room_is("{\"\\u0021a\":" EVENT("$1") "}", "!default");
	room_is("{\"!a\":\"!b\",\"!c\":" EVENT("$1") "}", "!c");
	assert_int_equal(count_in(EVENT("$1"), TH_STR(""), MAX), 0);
	assert_int_equal(count_in("{\"!a\":" EVENT("$1") "}", TH_STR(""), MAX), 1);
}

static void test_events_within_events(void **state)
{
	(void)state;
	assert_int_equal(count("[" EVENT("$1") "," WITH("\"unsigned\":{\"redacted_because\":" EVENT("$2") "}") "]"), 2);
	assert_text(found[1].id, "$1");
	assert_int_equal(found[1].object.p - block, sizeof("[" EVENT("$1") ",") - 1);
	assert_int_equal(count(WITH("\"unsigned\":[" EVENT("$2") "," EVENT("$3") "]")), 1);
	assert_text(found[0].id, "$1");
	assert_int_equal(count("{\"event_id\":\"$1\",\"in\":[" EVENT("$2") "," EVENT("$3") "]}"), 2);
	assert_text(found[0].id, "$2");
	assert_text(found[1].id, "$3");
	/* In a string there is none. */
	assert_int_equal(count("[\"{\\\"event_id\\\":\\\"$1\\\",\"," EVENT("$2") "]"), 1);
	assert_text(found[0].id, "$2");
}

static void test_at_most_so_many(void **state)
{
	char body[CAP] = "[", more[CAP];
	size_t n = 1, of_body;

	(void)state;
	for (int i = 0; i < MAX + 3; i++)
		n += (size_t)snprintf(body + n, sizeof(body) - n, "%s{\"event_id\":\"$%d\"," REST "}", i ? "," : "", i);
	of_body = n;
	assert_int_equal(count(body), MAX);
	assert_int_equal(count_in(body, TH_STR("!r"), 1), 1);
	assert_text(found[0].id, "$0");
	assert_int_equal(count_in(body, TH_STR("!r"), 0), 0);
	/* Those within another take no place of one that comes after. */
	(void)snprintf(more, sizeof(more), "[{\"event_id\":\"$out\",\"in\":%.*s]," REST "},%s]", (int)of_body, body,
		       EVENT("$last"));
	assert_int_equal(count_in(more, TH_STR("!r"), 2), 2);
	assert_text(found[0].id, "$out");
	assert_text(found[1].id, "$last");
}

static size_t at_depth(size_t brackets, char open)
{
	char body[CAP];
	size_t n = 0;

	for (size_t i = 0; i < brackets; i++)
		n += (size_t)snprintf(body + n, sizeof(body) - n, open == '{' ? "{\"a\":" : "[");
	(void)snprintf(body + n, sizeof(body) - n, "%s",
		       "{\"event_id\":\"$1\",\"type\":\"m.t\",\"sender\":\"@a:b\","
		       "\"content\":{},\"origin_server_ts\":7}");
	return count(body);
}

/* What holds the event need not end; its own content is one deeper than it. */
static void test_depth(void **state)
{
	(void)state;
	for (const char *open = "{["; *open; open++) {
		assert_int_equal(at_depth(0, *open), 1);
		assert_int_equal(at_depth(TH_EVENT_DEPTH_MAX - 2, *open), 1);
		assert_int_equal(at_depth(TH_EVENT_DEPTH_MAX - 1, *open), 0);
		assert_int_equal(at_depth(TH_EVENT_DEPTH_MAX, *open), 0);
		assert_int_equal(at_depth(1000, *open), 0);
	}
}

/* What comes before brackets that are too deep counts, and nothing after. */
static void test_too_deep(void **state)
{
	char body[CAP] = "[" EVENT("$1") ",";
	size_t n = strlen(body);

	(void)state;
	memset(body + n, '[', TH_EVENT_DEPTH_MAX);
	memset(body + n + TH_EVENT_DEPTH_MAX, ']', TH_EVENT_DEPTH_MAX);
	(void)snprintf(body + n + 2 * TH_EVENT_DEPTH_MAX, sizeof(body) - n - 2 * TH_EVENT_DEPTH_MAX, ",%s]",
		       EVENT("$2"));
	assert_int_equal(count(body), 1);
	assert_text(found[0].id, "$1");
}

static void test_what_is_cut_off(void **state)
{
	static const char whole[] = "{\"!r\":{\"x\":[" WITH("\"unsigned\":{\"in\":" EVENT("$2") "}") "]}}";
	char body[sizeof(whole)];

	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		memcpy(body, whole, n);
		body[n < sizeof(whole) - 1 ? n : sizeof(whole) - 1] = 0;
		assert_true(count(body) <= 1);
	}
	assert_int_equal(count(whole), 1);
}

static void test_string_of_an_object(void **state)
{
	(void)state;
	assert_text(th_client_string(TH_STR("{\"a\":1,\"b\":\"x\"}"), TH_STR("b")), "x");
	assert_text(th_client_string(TH_STR("{\"a\":1,\"b\":\"x\"}"), TH_STR("a")), "");
	assert_text(th_client_string(TH_STR("{\"c\":{\"b\":\"x\"}}"), TH_STR("b")), "");
	assert_text(th_client_string(TH_STR("{\"b\":\"x"), TH_STR("b")), "");
	assert_text(th_client_string(TH_STR("[]"), TH_STR("b")), "");
	assert_text(th_client_string(TH_STR(""), TH_STR("b")), "");
}

static int free_block(void **state)
{
	(void)state;
	free(block);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_an_event_has),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_a_member_twice),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_events_within_events),
		cmocka_unit_test(test_at_most_so_many),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_too_deep),
		cmocka_unit_test(test_what_is_cut_off),
		cmocka_unit_test(test_string_of_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, free_block);
}
