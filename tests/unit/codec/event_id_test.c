/* IDs of events, against those that homeservers gave them (event_vectors.h). */
#include "unit.h"

#include "codec/event_id.h"
#include "event_vectors.h"
#include "failmem.h"

enum { RULES_11_FROM = 11, LONG = 300 * 1024 };

static struct th_event_former *former;

static enum th_event_rules rules_of(const struct event_vector *v)
{
	return v->version >= RULES_11_FROM ? TH_EVENT_RULES_11 : TH_EVENT_RULES_9;
}

static struct th_event_place place_of(const struct event_vector *v)
{
	struct th_event_place p = { .depth = v->depth };

	while (p.n_auth < TH_EVENT_EDGES && v->auth[p.n_auth]) {
		p.auth[p.n_auth] = v->auth[p.n_auth];
		p.n_auth++;
	}
	while (p.n_prev < TH_EVENT_EDGES && v->prev[p.n_prev]) {
		p.prev[p.n_prev] = v->prev[p.n_prev];
		p.n_prev++;
	}
	return p;
}

static struct th_client_event event_of(const char *event, const char *room)
{
	struct th_client_event e;

	assert_int_equal(th_client_events(th_str_of(event), th_str_of(room), &e, 1), 1);
	return e;
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(event_vectors); i++) {
		const struct event_vector *v = &event_vectors[i];
		struct th_client_event e = event_of(v->event, v->room);
		struct th_event_place place = place_of(v);
		char id[TH_EVENT_ID];

		assert_int_equal(e.ts, v->ts);
		assert_true(th_event_former_begin(former, &e, rules_of(v)));
		for (int again = 0; again < 2; again++) {
			assert_true(th_event_former_place(former, &place));
			assert_true(th_event_former_id(former, v->ts, id));
			if (memcmp(id, v->id, TH_EVENT_ID) != 0)
				fail_msg("%s, version %u: %s is %.43s", v->source, v->version, v->event, id);
		}
		assert_memory_equal(e.id.p + 1, v->id, TH_EVENT_ID);
	}
}

/* Whatever is changed of it makes another ID. */
static void test_everything_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(event_vectors); i++) {
		const struct event_vector *v = &event_vectors[i];
		struct th_client_event e = event_of(v->event, v->room);
		struct th_event_place place = place_of(v), other = place;
		char id[TH_EVENT_ID];

		assert_true(th_event_former_begin(former, &e, rules_of(v)));
		other.depth++;
		assert_true(th_event_former_place(former, &other));
		assert_true(th_event_former_id(former, v->ts, id));
		assert_memory_not_equal(id, v->id, TH_EVENT_ID);
		assert_true(th_event_former_place(former, &place));
		assert_true(th_event_former_id(former, v->ts + 1, id));
		assert_memory_not_equal(id, v->id, TH_EVENT_ID);
		other = place;
		if (other.n_prev > 0 && other.n_prev--) {
			assert_true(th_event_former_place(former, &other));
			assert_true(th_event_former_id(former, v->ts, id));
			assert_memory_not_equal(id, v->id, TH_EVENT_ID);
		}
		other = place;
		if (other.n_auth > 0 && other.n_auth--) {
			assert_true(th_event_former_place(former, &other));
			assert_true(th_event_former_id(former, v->ts, id));
			assert_memory_not_equal(id, v->id, TH_EVENT_ID);
		}
		if (e.state_key.p) {
			e.state_key.p = NULL;
			assert_true(th_event_former_begin(former, &e, rules_of(v)));
			assert_true(th_event_former_place(former, &place));
			assert_true(th_event_former_id(former, v->ts, id));
			assert_memory_not_equal(id, v->id, TH_EVENT_ID);
		}
	}
}

#define START "{\"event_id\":\"$1\",\"sender\":\"@a:b\",\"origin_server_ts\":1,\"type\":"

static void id_of(const char *event, const char *room, enum th_event_rules rules, char id[static TH_EVENT_ID])
{
	struct th_client_event e = event_of(event, room);
	const struct th_event_place place = { .depth = 1 };

	assert_true(th_event_former_begin(former, &e, rules));
	assert_true(th_event_former_place(former, &place));
	assert_true(th_event_former_id(former, e.ts, id));
}

static void equal(const char *a, const char *b, const char *room, enum th_event_rules rules, bool wanted)
{
	char x[TH_EVENT_ID], y[TH_EVENT_ID];

	id_of(a, room, rules, x);
	id_of(b, room, rules, y);
	assert_int_equal(memcmp(x, y, TH_EVENT_ID) == 0, wanted);
}

/* How it is written does not matter, and what clients alone are shown does not. */
static void test_what_does_not_count(void **state)
{
	static const char plain[] = START "\"m.t\",\"content\":{\"a\":\"/\xc3\xa9\",\"b\":1}}";
	static const char redaction[] = START "\"m.room.redaction\",\"content\":{\"redacts\":\"$0\"}}";
	static const char redacts[] = START "\"m.room.redaction\",\"content\":{\"redacts\":\"$0\"},\"redacts\":\"$0\"}";

	(void)state;
	equal(plain, START "\"m\\u002et\",\"content\":{\"b\":1,\"a\":\"\\/\\u00E9\"},\"unsigned\":{\"age\":1}}", "!r:s",
	      TH_EVENT_RULES_9, true);
	equal(plain, START "\"m.t\",\"room_id\":\"!r\\u003as\",\"content\":{\"a\":\"/\xc3\xa9\",\"b\":1}}", "!r:s",
	      TH_EVENT_RULES_9, true);
	equal(plain, START "\"m.t\",\"content\":{\"a\":\"/\xc3\xa9\",\"b\":2}}", "!r:s", TH_EVENT_RULES_9, false);
	equal(redaction, redacts, "!r:s", TH_EVENT_RULES_11, true);
	equal(redaction, redacts, "!r:s", TH_EVENT_RULES_9, false);
}

static void test_what_is_none(void **state)
{
	static const char *const contents[] = { "{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}", "{\"a\":}",
						"{\"a\":[1,]}", "{\"a\":\"\\q\"}" };
	char event[512];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(contents); i++) {
		struct th_client_event e;

		(void)snprintf(event, sizeof(event), START "\"m.t\",\"content\":%s}", contents[i]);
		e = event_of(event, "!r:s");
		assert_false(th_event_former_begin(former, &e, TH_EVENT_RULES_11));
	}
}

/* One that has no place in memory is refused, and the next one is as good as ever. */
static void test_too_large(void **state)
{
	static char event[LONG + 512];
	struct th_client_event e;
	int n = snprintf(event, sizeof(event), START "\"m.room.create\",\"state_key\":\"\",\"content\":{\"a\":\"");

	memset(event + n, 'a', LONG);
	(void)snprintf(event + n + LONG, sizeof(event) - LONG - (size_t)n, "\"}}");
	e = event_of(event, "!r:s");
	assert_false(th_event_former_begin(former, &e, TH_EVENT_RULES_11));
	test_vectors(state);
}

static void test_rooms(void **state)
{
	(void)state;
	assert_true(th_event_room_is_hash(TH_STR("!abc")));
	assert_false(th_event_room_is_hash(TH_STR("!abc:d")));
}

static void test_no_memory(void **state)
{
	struct failmem f;

	(void)state;
	th_event_former_del(NULL);
	failmem_init(&f, 1);
	assert_null(th_event_former_new(&f.mem));
	failmem_init(&f, 0);
	th_event_former_del(th_event_former_new(&f.mem));
	assert_int_equal(f.live, 0);
}

static int begin(void **state)
{
	(void)state;
	former = th_event_former_new(&th_mem_libc);
	return former ? 0 : 1;
}

static int end(void **state)
{
	(void)state;
	th_event_former_del(former);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_everything_counts),
		cmocka_unit_test(test_what_does_not_count),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
