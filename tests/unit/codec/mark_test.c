/* What stands for an ID: the grammar, there and back, and the place that it gives. */
#include "unit.h"

#include "codec/mark.h"

enum { CAP = 1024 };

static bool read_mark(const char *s, size_t n, struct th_mark *m)
{
	static char *copy; /* of exactly its size, and there as long as the mark borrows from it */

	free(copy);
	copy = malloc(n ? n : 1);
	assert_non_null(copy);
	memcpy(copy, s, n);
	return th_mark_read((struct th_str){ copy, n }, m);
}

/* Is read, and written again. */
static void is(const char *s)
{
	char out[CAP];
	struct th_wr w = th_wr_init(out, sizeof(out));
	struct th_mark m;

	if (!read_mark(s, strlen(s), &m))
		fail_msg("%s", s);
	th_mark_write(&w, &m);
	assert_true(w.n >= 1 && w.n <= TH_MARK_MAX && out[0] == TH_MARK);
	if (w.n != strlen(s) + 1 || memcmp(out + 1, s, strlen(s)) != 0)
		fail_msg("%s became %.*s", s, (int)w.n - 1, out + 1);
}

static void is_none(const char *s)
{
	struct th_mark m;

	if (read_mark(s, strlen(s), &m))
		fail_msg("%s", s);
}

static void test_marks(void **state)
{
	(void)state;
	is("");
	is(".0");
	is(".9");
	is(".A");
	is(".N");
	is("p");
	is("pmcjta");
	is("aptjcmpm");
	is("1");
	is("01");
	is("00");
	is("01234567");
	is("pm1");
	is("pmcjtapmN0123456");
	is("=1");
	is("pm=7");
	is("pm12=999999999999999");
	is("@a:b 1");
	is("pm@a:b 1700000000000");
	is("pmcjtapmGHIJKLMN=999999999999999@a:b 999999999999999");
	is("@ 0");
}

static void test_none(void **state)
{
	static const char *const none[] = {
		".",
		".00",
		".O",
		".a",
		"..",
		".0 ",
		" ",
		"x",
		"pmcjtapmc",
		"012345678",
		"1p",
		"O",
		"=",
		"=01",
		"=x",
		"=1000000000000000",
		"=1=1",
		"=1p",
		"=-1",
		"p=",
		"@a:b",
		"@a:b ",
		"@a:b 01",
		"@a:b x",
		"@a:b 1 ",
		"@a:b 1 2",
		"@a:b 1000000000000000",
		"a:b 1",
		"p a",
		"\001",
		"p\001",
		".0@a:b 1",
		"@a:b  1",
		"P",
		"pm.0",
		"$p",
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(none); i++)
		is_none(none[i]);
}

/* Bytes that are no text, at any place. */
static void test_any_byte(void **state)
{
	static const char whole[] = "pm12=34@a:b 56";
	char s[sizeof(whole)];
	struct th_mark m;

	(void)state;
	for (size_t at = 0; at < sizeof(whole) - 1; at++)
		for (int c = 0; c < 256; c++) {
			memcpy(s, whole, sizeof(s));
			s[at] = (char)c;
			if (!read_mark(s, sizeof(whole) - 1, &m))
				continue;
			assert_true(m.roles.n <= TH_EVENT_EDGES && m.n_prev <= TH_EVENT_EDGES);
			for (size_t i = 0; i < m.n_prev; i++)
				assert_true(m.prev[i] < TH_GRAPH_EVENTS);
		}
	assert_false(read_mark(".\0", 2, &m));
	assert_false(read_mark("p\0", 2, &m));
	assert_false(read_mark("\0", 1, &m));
}

/* The first place is not written where it says nothing. */
static void test_the_usual_one_is_left_out(void **state)
{
	char out[CAP];
	struct th_wr w = th_wr_init(out, sizeof(out));
	const struct th_mark m = { .roles = TH_STR("pm"), .n_prev = 1 };

	(void)state;
	th_mark_write(&w, &m);
	assert_int_equal(w.n, 3);
	assert_memory_equal(out, "\001pm", 3);
}

/* ---- places ---- */

static struct th_graph g;

#define ID(x) x "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define E(depth, ts, id) "e" depth " " ts " \"event_id\":\"$" id "\"\n"
#define S(kind, key, id) kind "1 " key "  $" id "\n"

static struct th_graph_room *a_room(void)
{
	static const char notes[] = "\n\037!r\n" S("c", "", ID("c")) S("p", "", ID("p")) S("j", "", ID("j"))
		S("m", "@a:b", ID("m")) S("m", "@t:b", ID("t")) S("m", "@v:b", ID("v")) E("5", "1", ID("5"))
			E("9", "2", ID("9")) E("0", "3", ID("0")) E("7", "4", ID("7"));
	static struct th_view view;

	view.n = 1;
	view.texts[0] = (struct th_view_text){ .p = (const uint8_t *)notes, .n = sizeof(notes) - 1 };
	th_graph_read(&g, &view);
	return th_graph_find(&g, TH_STR("!r"));
}

static const struct th_client_event join = {
	.room = TH_STR_INIT("!r"),
	.type = TH_STR_INIT("m.room.member"),
	.sender = TH_STR_INIT("@a:b"),
	.state_key = TH_STR_INIT("@t:b"),
	.content = TH_STR_INIT("{\"join_authorised_via_users_server\":\"@v:b\"}"),
};

static bool place(const char *mark, struct th_graph_room *r, const struct th_client_event *e,
		  struct th_event_place *out)
{
	struct th_mark m;

	assert_true(read_mark(mark, strlen(mark), &m));
	return th_mark_place(&m, r, e, out);
}

static void edges_are(const char *const *edges, size_t n, const char *first)
{
	assert_int_equal(n, strlen(first));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(edges[i][0], first[i]);
}

static void place_is(const char *mark, const struct th_client_event *e, const char *auth, const char *prev,
		     uint64_t depth)
{
	struct th_event_place p;

	assert_true(place(mark, a_room(), e, &p));
	edges_are(p.auth, p.n_auth, auth);
	edges_are(p.prev, p.n_prev, prev);
	assert_int_equal(p.depth, depth);
}

static void test_places(void **state)
{
	(void)state;
	place_is("", &join, "", "7", 8);
	place_is("0", &join, "", "7", 8);
	place_is("pmcjta", &join, "pmcjtv", "7", 8);
	place_is("atjcmppp", &join, "vtjcmppp", "7", 8);
	place_is("m2", &join, "m", "9", 10);
	place_is("m30", &join, "m", "57", 8);
	place_is("m02", &join, "m", "79", 10);
	place_is("m0202", &join, "m", "7979", 10);
	place_is("m1=4", &join, "m", "0", 4);
	place_is("m=999999999999999", &join, "m", "7", 999999999999999);
}

static void test_places_that_are_none(void **state)
{
	static const char *const none[] = { "4", "N", "04", "1", "01", "4=1" };
	struct th_client_event e = join;
	struct th_event_place p;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(none); i++)
		assert_false(place(none[i], a_room(), &join, &p));
	assert_false(place("", NULL, &join, &p));
	e.state_key.p = NULL;
	assert_false(place("t", a_room(), &e, &p));
	e = join;
	e.content = TH_STR("{}");
	assert_false(place("a", a_room(), &e, &p));
	e.sender = TH_STR("@nobody:b");
	assert_false(place("m", a_room(), &e, &p));
	a_room()->n_events = 0;
	assert_false(place("", th_graph_find(&g, TH_STR("!r")), &join, &p));
	assert_false(place("=5", th_graph_find(&g, TH_STR("!r")), &join, &p));
}

static void test_the_first_event_of_a_room(void **state)
{
	const struct th_client_event create = { .room = TH_STR("!r"),
						.type = TH_STR("m.room.create"),
						.state_key = TH_STR("") };
	struct th_client_event other = create;
	struct th_event_place p;

	(void)state;
	assert_true(place("", NULL, &create, &p));
	assert_true(p.n_auth == 0 && p.n_prev == 0 && p.depth == 1);
	assert_true(place("pmcjN=77", NULL, &create, &p));
	assert_true(p.n_auth == 0 && p.n_prev == 0 && p.depth == 1);
	other.state_key = TH_STR("x");
	assert_false(place("", NULL, &other, &p));
	other.state_key.p = NULL;
	assert_false(place("", NULL, &other, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_any_byte),
		cmocka_unit_test(test_the_usual_one_is_left_out),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_places_that_are_none),
		cmocka_unit_test(test_the_first_event_of_a_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
