/* What is known of rooms: notes read from texts and written for the next ones, which of them count, and what gives way.
 */
#include "unit.h"

#include "codec/graph.h"

enum { CAP = 128 * 1024, OLD = 16 * 1024 };

static struct th_graph g;
static struct th_view view;
static char texts[CAP];
static size_t texts_n;

/* ---- views ---- */

static void no_view(void)
{
	view.n = 0;
	texts_n = 0;
}

static struct th_view_text *text(struct th_str s)
{
	struct th_view_text *t = &view.texts[view.n++];

	assert_true(s.n <= sizeof(texts) - texts_n);
	memcpy(texts + texts_n, s.p, s.n);
	*t = (struct th_view_text){ .p = (const uint8_t *)texts + texts_n, .n = s.n };
	texts_n += s.n;
	return t;
}

static void filler(size_t n)
{
	char *s = malloc(n);

	assert_non_null(s);
	memset(s, 'x', n);
	text((struct th_str){ s, n });
	free(s);
}

/* The notes as the only text, after some body. */
static void read_notes(const char *notes)
{
	char s[CAP / 2];

	no_view();
	(void)snprintf(s, sizeof(s), "200\n\n{}\n\037%s", notes);
	text(th_str_of(s));
	th_graph_read(&g, &view);
}

static struct th_graph_room *room(const char *name)
{
	return th_graph_find(&g, th_str_of(name));
}

/* ---- events ---- */

/* 43 characters that begin with the name. */
static const char *id_of(const char *name)
{
	static char ids[8][TH_EVENT_ID + 1];
	static unsigned turn;
	char *id = ids[turn++ % UNIT_COUNT(ids)];

	memset(id, 'A', TH_EVENT_ID);
	memcpy(id, name, strlen(name));
	return id;
}

static const char *numbered(size_t i)
{
	char name[24];

	(void)snprintf(name, sizeof(name), "n%zu-", i);
	return id_of(name);
}

static void add_to(struct th_graph *to, const struct th_client_event *e, const char *id, uint64_t depth, bool computed,
		   struct th_str roles)
{
	struct th_graph_new what = { .depth = depth, .computed = computed, .roles = roles };

	memcpy(what.id, id, TH_EVENT_ID);
	th_graph_add(to, e, &what);
}

static void add(const char *in, uint64_t ts, const char *id, uint64_t depth, bool computed)
{
	const struct th_client_event e = { .room = th_str_of(in),
					   .type = TH_STR("m.t"),
					   .sender = TH_STR("@a:b"),
					   .content = TH_STR("{}"),
					   .ts = ts };

	add_to(&g, &e, id, depth, computed, TH_STR(""));
}

static void add_state(const char *in, uint64_t ts, const char *id, const char *type, const char *key,
		      const char *content)
{
	const struct th_client_event e = { .room = th_str_of(in),
					   .type = th_str_of(type),
					   .sender = TH_STR("@a:b"),
					   .content = th_str_of(content),
					   .state_key = th_str_of(key),
					   .ts = ts };

	add_to(&g, &e, id, 5, true, TH_STR(""));
}

static const char *written(void)
{
	static char out[TH_GRAPH_NOTES_MAX + TH_GRAPH_NAME + 1];
	struct th_wr w = th_wr_init(out, sizeof(out) - 1);

	th_graph_write(&g, &w);
	assert_true(w.n <= TH_GRAPH_NOTES_MAX);
	out[w.n] = 0;
	return out;
}

static void event_is(const char *in, size_t at, const char *id, uint64_t depth, uint64_t ts)
{
	const struct th_graph_room *r = room(in);

	assert_non_null(r);
	assert_true(at < r->n_events);
	if (memcmp(r->events[at].id, id, TH_EVENT_ID) != 0)
		fail_msg("at %zu: %.43s, not %s", at, r->events[at].id, id);
	assert_int_equal(r->events[at].depth, depth);
	assert_int_equal(r->events[at].ts, ts);
}

static const struct th_graph_state *state_is(const char *in, char kind, const char *key, const char *id)
{
	const struct th_graph_state *s;

	assert_non_null(room(in));
	s = th_graph_state(room(in), kind, th_str_of(key));
	assert_non_null(s);
	assert_memory_equal(s->id, id, TH_EVENT_ID);
	return s;
}

#define A43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ID(x) x "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define E(depth, ts, id) "e" depth " " ts " \"event_id\":\"$" id "\"\n"
#define S(kind, ts, key, word, id) kind ts " " key " " word " $" id "\n"
#define B(kind, ts, key, word, id, before) kind ts " " key " " word " $" id " $" before "\n"

/* ---- reading ---- */

static void test_what_notes_say(void **state)
{
	(void)state;
	read_notes("!a:b\n" S("c", "1", "", "11", ID("c")) S("p", "3", "", "", ID("p")) S("j", "4", "", "", ID("j"))
			   S("m", "2", "@u:b", "pm", ID("m")) E("7", "90", ID("x"))
				   E("8", "91", ID("y")) "!other\n" E("0", "1", ID("z")));
	assert_int_equal(g.n_rooms, 2);
	assert_int_equal(room("!a:b")->n_events, 2);
	event_is("!a:b", 0, ID("y"), 8, 91);
	event_is("!a:b", 1, ID("x"), 7, 90);
	event_is("!other", 0, ID("z"), 0, 1);
	state_is("!a:b", 'c', "", ID("c"));
	state_is("!a:b", 'p', "", ID("p"));
	state_is("!a:b", 'j', "", ID("j"));
	assert_int_equal(state_is("!a:b", 'm', "@u:b", ID("m"))->n_word, 2);
	assert_null(th_graph_state(room("!a:b"), 'm', TH_STR("")));
	assert_null(room("!none"));
	th_graph_read(&g, NULL);
	assert_int_equal(g.n_rooms, 0);
}

static void test_order_of_events(void **state)
{
	(void)state;
	read_notes("!r\n" E("1", "50", ID("a")) E("2", "40", ID("b")) E("3", "50", ID("c")) E("4", "45", ID("d")));
	event_is("!r", 0, ID("c"), 3, 50);
	event_is("!r", 1, ID("a"), 1, 50);
	event_is("!r", 2, ID("d"), 4, 45);
	event_is("!r", 3, ID("b"), 2, 40);
}

/* One that is there is taken out first, and then comes where its new time puts it. */
static void test_an_event_again(void **state)
{
	(void)state;
	read_notes("!r\n" E("1", "50", ID("a")) E("1", "30", ID("b")) E("1", "10", ID("c")) E("9", "20", ID("a")));
	assert_int_equal(room("!r")->n_events, 3);
	event_is("!r", 0, ID("b"), 1, 30);
	event_is("!r", 1, ID("a"), 9, 20);
	event_is("!r", 2, ID("c"), 1, 10);
	read_notes("!r\n" E("1", "50", ID("a")) E("1", "30", ID("b")) E("2", "60", ID("b")) E("3", "60", ID("b")));
	assert_int_equal(room("!r")->n_events, 2);
	event_is("!r", 0, ID("b"), 3, 60);
	event_is("!r", 1, ID("a"), 1, 50);
}

static void read_many_events(size_t n, uint64_t first, uint64_t step, const char *more)
{
	char notes[CAP / 4] = "!r\n";
	size_t at = strlen(notes);

	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(notes + at, sizeof(notes) - at, "e1 %zu \"event_id\":\"$%s\"\n",
				       (size_t)(first + i * step), numbered(i));
	(void)snprintf(notes + at, sizeof(notes) - at, "%s", more);
	read_notes(notes);
}

static void test_events_limit(void **state)
{
	(void)state;
	read_many_events(TH_GRAPH_EVENTS + 6, 100, 1, E("1", "50", ID("late")));
	assert_int_equal(room("!r")->n_events, TH_GRAPH_EVENTS);
	event_is("!r", 0, numbered(TH_GRAPH_EVENTS + 5), 1, 100 + TH_GRAPH_EVENTS + 5);
	event_is("!r", TH_GRAPH_EVENTS - 1, numbered(6), 1, 106);
	read_many_events(TH_GRAPH_EVENTS, 100, 1, E("1", "110", ID("m")));
	event_is("!r", TH_GRAPH_EVENTS - 1, numbered(1), 1, 101);
	/* Where it is in the list already, it does not come behind the 24th. */
	read_many_events(TH_GRAPH_EVENTS, 100, 1,
			 "e2 50 \"event_id\":\"$n5-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n");
	assert_int_equal(room("!r")->n_events, TH_GRAPH_EVENTS);
	event_is("!r", TH_GRAPH_EVENTS - 1, numbered(5), 2, 50);
}

static void test_states_of_notes(void **state)
{
	(void)state;
	read_notes("!r\n" S("m", "5", "@u:b", "pmcjtapm", ID("a")) S("m", "4", "@u:b", "p", ID("b")));
	assert_int_equal(state_is("!r", 'm', "@u:b", ID("a"))->n_word, TH_GRAPH_WORD);
	read_notes("!r\n" S("m", "5", "@u:b", "pmcjtapmc", ID("a")) S("m", "5", "@u:b", "123456789", ID("b")));
	assert_int_equal(state_is("!r", 'm', "@u:b", ID("b"))->n_word, TH_GRAPH_WORD);
	assert_memory_equal(state_is("!r", 'm', "@u:b", ID("b"))->word, "12345678", TH_GRAPH_WORD);
}

static void read_states(size_t n, char kind, const char *more)
{
	char notes[CAP / 4] = "!r\n";
	size_t at = strlen(notes);

	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(notes + at, sizeof(notes) - at, "%c1 %zu  $%s\n", kind, i, numbered(i));
	(void)snprintf(notes + at, sizeof(notes) - at, "%s", more);
	read_notes(notes);
}

static void test_states_limit(void **state)
{
	(void)state;
	read_notes("!r\n" S("c", "1", "", "11", ID("c")));
	read_states(TH_GRAPH_STATES, 'm', S("c", "1", "", "9", ID("c")) S("m", "1", "new", "", ID("m")));
	assert_int_equal(room("!r")->n_states, TH_GRAPH_STATES);
	assert_null(th_graph_state(room("!r"), 'm', TH_STR("0")));
	assert_null(th_graph_state(room("!r"), 'm', TH_STR("1")));
	state_is("!r", 'm', "2", numbered(2));
	assert_int_equal(room("!r")->states[TH_GRAPH_STATES - 2].kind, 'c');
	assert_memory_equal(room("!r")->states[TH_GRAPH_STATES - 1].id, ID("m"), TH_EVENT_ID);
}

/* Strangers may note states that there are not: none but members' has a key, so one of each is all that there is of
 * others. */
static void test_states_without_members(void **state)
{
	(void)state;
	for (const char *kind = "cpj"; *kind; kind++) {
		read_states(TH_GRAPH_STATES + 5, *kind, S("m", "1", "new", "", ID("m")) E("1", "1", ID("e")));
		assert_int_equal(room("!r")->n_states, 1);
		assert_non_null(th_graph_state(room("!r"), 'm', TH_STR("new")));
		event_is("!r", 0, ID("e"), 1, 1);
		add_state("!r", 9, ID("x"), "m.room.member", "@a:b", "{}");
		add_state("!r", 9, ID("y"), "m.room.create", "", "{}");
		assert_non_null(th_graph_state(room("!r"), 'm', TH_STR("@a:b")));
		(void)written();
	}
}

static void test_rooms_limit(void **state)
{
	char notes[CAP / 4];
	size_t at = 0;

	(void)state;
	for (int i = 0; i < TH_GRAPH_ROOMS; i++)
		at += (size_t)snprintf(notes + at, sizeof(notes) - at, "!r%d\n" E("1", "1", ID("x")), i);
	(void)snprintf(notes + at, sizeof(notes) - at, "!r0\n!new\n" E("2", "2", ID("y")));
	read_notes(notes);
	assert_int_equal(g.n_rooms, TH_GRAPH_ROOMS);
	assert_non_null(room("!r0"));
	assert_null(room("!r1"));
	assert_int_equal(room("!new")->n_events, 1);
	event_is("!new", 0, ID("y"), 2, 2);
}

static void test_garbage(void **state)
{
	static const char *const garbage[] = {
		"x",
		"\n",
		"!",
		"!unended",
		"#r\n",
		E("1", "1", ID("x")),
		S("m", "1", "@u", "", ID("x")),
		"!r\ne1 1 \"event_id\":\"$short\"\n",
		"!r\ne1 1 \"event_id\":\"$" A43 "A\"\n",
		"!r\ne1 1 \"event_id\":\"" A43 "\"\n",
		"!r\ne1 1 \"event_id\":\"$" A43 "\"",
		"!r\ne1  \"event_id\":\"$" A43 "\"\n",
		"!r\ne01 1 \"event_id\":\"$" A43 "\"\n",
		"!r\ne1 1000000000000000 \"event_id\":\"$" A43 "\"\n",
		"!r\ne1000000000000000 1 \"event_id\":\"$" A43 "\"\n",
		"!r\ne-1 1 \"event_id\":\"$" A43 "\"\n",
		"!r\ne",
		"!r\nm1 @u $" A43 "\n",
		"!r\nm1 @u  $short\n",
		"!r\nm1",
		"!r\nm",
		"!r\nq1 @u  $" A43 "\n",
		"!r\n !s\n",
		"!r\n\001",
	};
	char notes[1024];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(garbage); i++) {
		(void)snprintf(notes, sizeof(notes), "!before\n" E("1", "1", ID("b")) "%s!after\n" E("1", "1", ID("a")),
			       garbage[i]);
		if (i == 5 || i == 6) /* of the room before */
			continue;
		read_notes(notes);
		assert_non_null(room("!before"));
		if (room("!after"))
			fail_msg("%zu: %s", i, garbage[i]);
		if (room("!r")) {
			assert_int_equal(room("!r")->n_events, 0);
			assert_int_equal(room("!r")->n_states, 0);
		}
		read_notes(garbage[i]);
	}
	read_notes(E("1", "1", ID("x")) "!after\n");
	assert_int_equal(g.n_rooms, 0);
	read_notes(S("m", "1", "@u", "", ID("x")) "!after\n");
	assert_int_equal(g.n_rooms, 0);
}

static void test_long_names(void **state)
{
	char notes[2048], name[TH_GRAPH_NAME + 2];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[0] = '!';
	name[TH_GRAPH_NAME] = 0;
	(void)snprintf(notes, sizeof(notes), "%s\nm1 %s  $" A43 "\n", name, name);
	read_notes(notes);
	assert_non_null(room(name));
	assert_non_null(th_graph_state(room(name), 'm', th_str_of(name)));
	name[TH_GRAPH_NAME] = 'n';
	name[TH_GRAPH_NAME + 1] = 0;
	(void)snprintf(notes, sizeof(notes), "%s\n" E("1", "1", ID("x")), name);
	read_notes(notes);
	assert_int_equal(g.n_rooms, 0);
	(void)snprintf(notes, sizeof(notes), "!r\nm1 %s  $" A43 "\n", name);
	read_notes(notes);
	assert_int_equal(room("!r")->n_states, 0);
}

/* ---- texts ---- */

/* Wherever the store's end splits it. */
static void test_texts_in_two_pieces(void **state)
{
	static const char whole[] = "200\n\nbody\n\037!r\n" E("3", "4", ID("x"));
	const size_t n = sizeof(whole) - 1;

	(void)state;
	for (size_t split = 0; split <= n; split++) {
		uint8_t *p = malloc(split ? split : 1), *rest = malloc(n - split ? n - split : 1);

		assert_true(p && rest);
		memcpy(p, whole, split);
		memcpy(rest, whole + split, n - split);
		view.n = 1;
		view.texts[0] = (struct th_view_text){ .p = p, .n = split, .rest = rest, .n_rest = n - split };
		th_graph_read(&g, &view);
		event_is("!r", 0, ID("x"), 3, 4);
		free(p);
		free(rest);
	}
}

static void at_end(size_t body, size_t tail, bool found)
{
	static const char notes[] = "\n\037!r\n" E("3", "4", ID("x")) "!s\n";
	char s[3 * TH_GRAPH_NOTES_MAX];

	memset(s, 'b', sizeof(s));
	memcpy(s + body, notes, sizeof(notes) - 1);
	memset(s + body + sizeof(notes) - 1, '#', tail); /* what is behind it is passed over */
	no_view();
	text((struct th_str){ s, body + sizeof(notes) - 1 + tail });
	th_graph_read(&g, &view);
	assert_int_equal(room("!r") != NULL, found);
	if (view.texts[0].n < TH_GRAPH_NOTES_MAX)
		return;
	view.texts[0].n -= 100; /* the same in two pieces */
	view.texts[0].rest = view.texts[0].p + view.texts[0].n;
	view.texts[0].n_rest = 100;
	th_graph_read(&g, &view);
	assert_int_equal(room("!r") != NULL, found);
}

static void test_only_the_end_of_a_text(void **state)
{
	const size_t n = sizeof("\n\037!r\n" E("3", "4", ID("x")) "!s\n") - 1;

	(void)state;
	at_end(0, 0, true);
	at_end(5000, 0, true);
	at_end(5000, TH_GRAPH_NOTES_MAX - n, true);
	at_end(5000, TH_GRAPH_NOTES_MAX - n + 1, false);
	at_end(0, TH_GRAPH_NOTES_MAX - n, true);
	at_end(0, TH_GRAPH_NOTES_MAX - n + 1, false);
}

/* The first of a text counts, and what looks like another one is in the way. */
static void test_two_beginnings(void **state)
{
	(void)state;
	read_notes("!r\n" E("1", "1", ID("x")) "\n\037!s\n" E("1", "1", ID("y")));
	assert_non_null(room("!r"));
	assert_null(room("!s"));
	no_view();
	text(TH_STR("200\n\n\037"));
	text(TH_STR(""));
	text(TH_STR("\n"));
	text(TH_STR("\037!r\n"));
	th_graph_read(&g, &view);
	assert_int_equal(g.n_rooms, 0);
}

static void test_later_texts_add_to_earlier_ones(void **state)
{
	(void)state;
	no_view();
	text(TH_STR("\n\037!r\n" E("1", "1", ID("a")) S("m", "1", "@u", "p", ID("m")) "garbage"));
	text(TH_STR("no notes"));
	text(TH_STR("\n\037!r\n" E("2", "1", ID("b")) S("m", "2", "@u", "pm", ID("n"))));
	th_graph_read(&g, &view);
	event_is("!r", 0, ID("b"), 2, 1);
	event_is("!r", 1, ID("a"), 1, 1);
	assert_int_equal(state_is("!r", 'm', "@u", ID("n"))->n_word, 2);
}

/* ---- adding and writing ---- */

static void test_nothing_new(void **state)
{
	(void)state;
	read_notes("!r\n" E("1", "1", ID("a")) E("0", "2", ID("b")));
	assert_string_equal(written(), "");
	add("!r", 7, ID("a"), 1, true);
	add("!r", 7, ID("a"), 0, false);
	event_is("!r", 0, ID("a"), 1, 1); /* as it is known */
	assert_string_equal(written(), "");
	add("!r", 7, ID("b"), 3, true);
	event_is("!r", 0, ID("b"), 3, 7);
	assert_string_equal(written(), "\n\037!r\n" E("3", "7", ID("b")));
}

static void test_what_is_not_noted(void **state)
{
	char name[TH_GRAPH_NAME + 2];

	(void)state;
	read_notes("");
	add("#r", 1, ID("a"), 1, true);
	add("", 1, ID("a"), 1, true);
	memset(name, '!', sizeof(name));
	name[TH_GRAPH_NAME + 1] = 0;
	add(name, 1, ID("a"), 1, true);
	add("!a\nb", 1, ID("a"), 1, true);
	assert_int_equal(g.n_rooms, 0);
	assert_string_equal(written(), "");
}

/* Those that were not computed stand in the text: only the last two are noted. */
static void test_which_events(void **state)
{
	(void)state;
	read_notes("!r\n" E("1", "1", ID("a")));
	add("!r", 2, ID("b"), 0, false);
	add("!r", 3, ID("c"), 9, true);
	add("!r", 4, ID("d"), 0, false);
	add("!r", 5, ID("e"), 0, false);
	assert_string_equal(written(), "\n\037!r\n" E("9", "3", ID("c")) E("0", "4", ID("d")) E("0", "5", ID("e")));
}

static void test_which_states(void **state)
{
	(void)state;
	read_notes("!r\n" S("m", "5", "@u", "pm", ID("a")) S("p", "5", "", "", ID("p")));
	add_state("!r", 4, ID("b"), "m.room.member", "@u", "{}");
	state_is("!r", 'm', "@u", ID("b"));
	assert_string_equal(written(), "\n\037!r\n" E("5", "4", ID("b"))); /* a later one was there */
	add_state("!r", 5, ID("c"), "m.room.member", "@u", "{}");
	assert_string_equal(written(), "\n\037!r\n" B("m", "5", "@u", "pm", ID("c"), ID("b")) E("5", "4", ID("b"))
					       E("5", "5", ID("c")));
	add_state("!r", 6, ID("d"), "m.room.power_levels", "x", "{}"); /* no such state */
	state_is("!r", 'p', "", ID("p"));
	add_state("!r", 6, ID("j"), "m.room.join_rules", "", "{}");
	add_state("!r", 7, ID("e"), "m.room.create", "", "{\"room_version\":\"10\"}");
	add_state("!r", 8, ID("f"), "m.room.member", "with space", "{}");
	assert_null(th_graph_state(room("!r"), 'm', TH_STR("with space")));
	assert_string_equal(written(),
			    "\n\037!r\n" B("m", "5", "@u", "pm", ID("c"), ID("b")) S("j", "6", "", "", ID("j"))
				    S("c", "7", "", "9", ID("e")) E("5", "4", ID("b")) E("5", "5", ID("c"))
					    E("5", "6", ID("d")) E("5", "6", ID("j")) E("5", "7", ID("e"))
						    E("5", "8", ID("f")));
}

static void version_is(const char *content, const char *word, enum th_event_rules rules)
{
	const struct th_client_event create = { .type = TH_STR("m.room.create"),
						.state_key = TH_STR(""),
						.content = th_str_of(content) };
	const struct th_client_event other = { .type = TH_STR("m.room.member"), .state_key = TH_STR("") };
	const struct th_graph_state *s;

	read_notes("");
	assert_int_equal(th_graph_rules(NULL, &create), rules);
	assert_int_equal(th_graph_rules(NULL, &other), TH_EVENT_RULES_11);
	add_state("!r", 1, ID("c"), "m.room.create", "", content);
	s = state_is("!r", 'c', "", ID("c"));
	assert_int_equal(s->n_word, strlen(word));
	assert_memory_equal(s->word, word, strlen(word));
	assert_int_equal(th_graph_rules(room("!r"), &other), rules);
}

static void test_rules(void **state)
{
	(void)state;
	version_is("{\"room_version\":\"12\"}", "11", TH_EVENT_RULES_11);
	version_is("{\"room_version\":\"11\"}", "11", TH_EVENT_RULES_11);
	version_is("{\"room_version\":\"10\"}", "9", TH_EVENT_RULES_9);
	version_is("{\"room_version\":\"1\"}", "9", TH_EVENT_RULES_9);
	version_is("{\"room_version\":\"org.example.11\"}", "9", TH_EVENT_RULES_9);
	version_is("{\"room_version\":\"\"}", "9", TH_EVENT_RULES_9);
	version_is("{\"room_version\":[11]}", "9", TH_EVENT_RULES_9);
	version_is("{\"room_version\":9119}", "9", TH_EVENT_RULES_9);
	version_is("{}", "9", TH_EVENT_RULES_9);
	read_notes("!r\n" E("1", "1", ID("x")));
	assert_int_equal(th_graph_rules(room("!r"), &(struct th_client_event){ .type = TH_STR("m.t") }),
			 TH_EVENT_RULES_11);
}

/* The roles that the sender's last message named. */
static void test_words(void **state)
{
	struct th_client_event e = { .room = TH_STR("!r"), .type = TH_STR("m.t"), .sender = TH_STR("@u"), .ts = 9 };

	(void)state;
	read_notes("!r\n" S("m", "5", "@u", "", ID("a")));
	add_to(&g, &e, ID("x"), 1, true, TH_STR("pm"));
	add_to(&g, &e, ID("y"), 2, true, TH_STR(""));
	assert_string_equal(written(),
			    "\n\037!r\n" S("m", "5", "@u", "pm", ID("a")) E("1", "9", ID("x")) E("2", "9", ID("y")));
	read_notes("!r\n" S("m", "5", "@u", "pm", ID("a")));
	add_to(&g, &e, ID("x"), 1, true, TH_STR("pm"));
	assert_string_equal(written(), "\n\037!r\n" E("1", "9", ID("x")));
	e.sender = TH_STR("@nobody");
	add_to(&g, &e, ID("z"), 1, true, TH_STR("mp"));
	assert_null(th_graph_state(room("!r"), 'm', TH_STR("@nobody")));
}

static void add_power(uint64_t ts, const char *id, const char *before)
{
	const struct th_client_event e = { .room = TH_STR("!r"),
					   .type = TH_STR("m.room.power_levels"),
					   .sender = TH_STR("@a:b"),
					   .content = TH_STR("{}"),
					   .state_key = TH_STR(""),
					   .ts = ts };
	struct th_graph_new what = { .depth = 5, .before = { before, before ? TH_EVENT_ID : 0 } };

	memcpy(what.id, id, TH_EVENT_ID);
	th_graph_add(&g, &e, &what);
}

static void power_at(uint64_t ts, const char *id)
{
	const struct th_graph_state *p = th_graph_state(room("!r"), 'p', TH_STR(""));

	assert_non_null(p);
	assert_memory_equal(th_graph_state_at(p, ts), id, TH_EVENT_ID);
}

/* What a state has replaced is known of what it says, or of what was there. */
static void test_what_was_before(void **state)
{
	(void)state;
	read_notes("!r\n");
	add_power(10, ID("p"), NULL);
	power_at(1, ID("p")); /* nothing is known of what was before */
	power_at(10, ID("p"));
	add_power(20, ID("q"), NULL);
	power_at(19, ID("p"));
	power_at(20, ID("q"));
	assert_string_equal(written(), "\n\037!r\n" B("p", "20", "", "", ID("q"), ID("p")) E("5", "10", ID("p"))
					       E("5", "20", ID("q")));
	add_power(30, ID("s"), ID("x"));
	power_at(29, ID("x"));
	add_power(30, ID("s"), ID("y")); /* the same again says nothing new */
	power_at(29, ID("x"));
	add_power(15, ID("o"), NULL); /* an older one, while the text is read */
	power_at(15, ID("o"));
	power_at(14, ID("o"));
	add_power(15, ID("o"), ID("n"));
	power_at(14, ID("n"));
}

static void test_notes_of_what_was_before(void **state)
{
	(void)state;
	read_notes("!r\n" B("p", "20", "", "", ID("q"), ID("p")));
	power_at(19, ID("p"));
	power_at(20, ID("q"));
	add_power(20, ID("q"), ID("x"));
	power_at(19, ID("p"));
	read_notes("!r\n" S("p", "20", "", "", ID("q")));
	power_at(19, ID("q"));
	add_power(20, ID("q"), ID("x")); /* now it is told */
	power_at(19, ID("x"));
	assert_string_equal(written(), "\n\037!r\n" B("p", "20", "", "", ID("q"), ID("x")) E("5", "20", ID("q")));
	read_notes("!r\np20   $q\n"); /* cut short */
	assert_null(th_graph_state(room("!r"), 'p', TH_STR("")));
	read_notes("!r\n" S("p", "20", "", "", ID("q") " " ID("p"))); /* no "$" */
	assert_null(th_graph_state(room("!r"), 'p', TH_STR("")));
	read_notes("!r\n" S("p", "20", "", "", ID("q") " $" ID("p") "x"));
	assert_null(th_graph_state(room("!r"), 'p', TH_STR("")));
}

static void test_what_is_old_is_carried(void **state)
{
	static const char notes[] = "\n\037!r\n" S("m", "5", "@u", "pm", ID("a")) S("p", "5", "", "", ID("p"))
		E("1", "1", ID("x")) E("2", "2", ID("y")) E("3", "3", ID("z")) "!s\n" S("j", "5", "", "", ID("j"));

	(void)state;
	for (size_t behind = OLD; behind <= OLD + 1; behind++) {
		no_view();
		text(TH_STR(notes));
		filler(behind - 1);
		filler(1);
		th_graph_read(&g, &view);
		assert_string_equal(written(), "");
		add("!r", 4, ID("n"), 4, true);
		assert_string_equal(written(), behind == OLD ? "\n\037!r\n" E("4", "4", ID("n"))
							     : "\n\037!r\n" S("m", "5", "@u", "pm", ID("a"))
								       S("p", "5", "", "", ID("p")) E("3", "3", ID("z"))
									       E("4", "4", ID("n")) "!s\n" S(
										       "j", "5", "", "", ID("j")));
	}
	/* A state that was noted again since is not old. */
	no_view();
	text(TH_STR(notes));
	filler(OLD);
	text(TH_STR("\n\037!r\n" S("p", "5", "", "", ID("p"))));
	th_graph_read(&g, &view);
	add("!r", 4, ID("n"), 4, true);
	assert_string_equal(written(), "\n\037!r\n" S("m", "5", "@u", "pm", ID("a")) E("3", "3", ID("z"))
					       E("4", "4", ID("n")) "!s\n" S("j", "5", "", "", ID("j")));
	/* The second of the list first. */
	add("!r", 4, ID("y"), 0, false);
	add("!r", 4, ID("x"), 0, false);
	assert_string_equal(written(),
			    "\n\037!r\n" S("m", "5", "@u", "pm", ID("a")) E("2", "2", ID("y")) E("1", "1", ID("x"))
				    E("4", "4", ID("n")) "!s\n" S("j", "5", "", "", ID("j")));
}

static void test_at_most_so_many_new_ones(void **state)
{
	size_t lines = 0;

	(void)state;
	read_notes("");
	for (size_t i = 0; i < TH_GRAPH_FRESH + 5; i++)
		add("!r", i, numbered(i), i + 1, true);
	for (const char *s = written(); *s; s++)
		lines += *s == '\n';
	assert_int_equal(g.n_fresh, TH_GRAPH_FRESH);
	assert_int_equal(lines, 0); /* longer than notes are */
	read_notes("");
	for (size_t i = 0; i < TH_GRAPH_FRESH + 5; i++)
		add("!r", i, numbered(i), i + 1, i < 10);
	for (const char *s = written(); *s; s++)
		lines += *s == '\n';
	assert_int_equal(lines, 2 + 10); /* the last two are not among the first 64 */
}

/* A room that is too much is left out, and a smaller one after it is not. */
static void test_length_of_notes(void **state)
{
	char small[64];

	(void)state;
	read_notes("");
	add("!small", 1, ID("s"), 1, true);
	for (size_t i = 0; i < 60; i++)
		add("!large", 1000000000000 + i, numbered(i), i + 1, true);
	(void)snprintf(small, sizeof(small), "\n\037!small\n");
	assert_int_equal(strncmp(written(), small, strlen(small)), 0);
	assert_null(strstr(written(), "!large"));
	/* As long as they may be, and a byte more. */
	for (size_t extra = 0; extra < 2; extra++) {
		char name[TH_GRAPH_NAME + 1] = "!";
		size_t line = sizeof("e1 1 \"event_id\":\"$\"\n") - 1 + TH_EVENT_ID, n = 61;
		size_t rest = TH_GRAPH_NOTES_MAX - 2 - n * line;

		memset(name + 1, 'n', rest - 2 + extra);
		assert_true(rest - 1 + extra < TH_GRAPH_NAME);
		name[rest - 1 + extra] = 0;
		read_notes("");
		for (size_t i = 0; i < n; i++)
			add(name, 1, numbered(i), 1, true);
		assert_int_equal(strlen(written()), extra ? 0 : TH_GRAPH_NOTES_MAX);
	}
}

static void test_order_of_rooms(void **state)
{
	(void)state;
	read_notes("!a\n!b\n!c\n");
	add("!b", 1, ID("x"), 1, true);
	add("!a", 1, ID("y"), 1, true);
	add("!d", 1, ID("z"), 1, true);
	assert_string_equal(written(),
			    "\n\037!d\n" E("1", "1", ID("z")) "!a\n" E("1", "1", ID("y")) "!b\n" E("1", "1", ID("x")));
}

static void test_a_new_room_gives_way(void **state)
{
	char name[8];

	(void)state;
	read_notes("");
	add("!x", 1, ID("x"), 1, true);
	add("!y", 1, ID("y"), 1, true);
	for (int i = 0; i < TH_GRAPH_ROOMS - 1; i++) {
		(void)snprintf(name, sizeof(name), "!r%d", i);
		add(name, 1, ID("n"), 1, true);
	}
	assert_null(room("!x"));
	assert_non_null(room("!y"));
	assert_null(strstr(written(), ID("x")));
	assert_non_null(strstr(written(), ID("y")));
	assert_int_equal(g.n_fresh, TH_GRAPH_ROOMS);
}

/* What one end writes the other one reads. */
static void test_round_trip(void **state)
{
	char first[2 * TH_GRAPH_NOTES_MAX];

	(void)state;
	read_notes("");
	add_state("!r:s", 10, ID("c"), "m.room.create", "", "{\"room_version\":\"11\"}");
	add_state("!r:s", 11, ID("m"), "m.room.member", "@a:b", "{}");
	add_state("!r:s", 12, ID("p"), "m.room.power_levels", "", "{}");
	add("!r:s", 999999999999999, ID("x"), 999999999999999, true);
	(void)snprintf(first, sizeof(first), "%s", written());
	read_notes(first + 2);
	assert_int_equal(room("!r:s")->n_events, 4);
	event_is("!r:s", 0, ID("x"), 999999999999999, 999999999999999);
	event_is("!r:s", 3, ID("c"), 5, 10);
	assert_int_equal(state_is("!r:s", 'c', "", ID("c"))->n_word, 2);
	state_is("!r:s", 'm', "@a:b", ID("m"));
	state_is("!r:s", 'p', "", ID("p"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_notes_say),
		cmocka_unit_test(test_order_of_events),
		cmocka_unit_test(test_an_event_again),
		cmocka_unit_test(test_events_limit),
		cmocka_unit_test(test_states_of_notes),
		cmocka_unit_test(test_states_limit),
		cmocka_unit_test(test_states_without_members),
		cmocka_unit_test(test_rooms_limit),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_texts_in_two_pieces),
		cmocka_unit_test(test_only_the_end_of_a_text),
		cmocka_unit_test(test_two_beginnings),
		cmocka_unit_test(test_later_texts_add_to_earlier_ones),
		cmocka_unit_test(test_nothing_new),
		cmocka_unit_test(test_what_is_not_noted),
		cmocka_unit_test(test_which_events),
		cmocka_unit_test(test_which_states),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_what_was_before),
		cmocka_unit_test(test_notes_of_what_was_before),
		cmocka_unit_test(test_what_is_old_is_carried),
		cmocka_unit_test(test_at_most_so_many_new_ones),
		cmocka_unit_test(test_length_of_notes),
		cmocka_unit_test(test_order_of_rooms),
		cmocka_unit_test(test_a_new_room_gives_way),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
