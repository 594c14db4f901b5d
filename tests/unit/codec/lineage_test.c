/* IDs cut out of texts and put back, by two ends that share a view: rooms as clients are told of them, answers to what
 * they send, and all that has to stay as it is or to be refused. */
#include "unit.h"

#include <time.h>

#include "codec/keep.h"
#include "codec/lineage.h"
#include "codec/mark.h"
#include "failmem.h"

enum {
	CAP = 512 * 1024,
	TEXT = 320 * 1024,
	KEPT_MAX = 16 * 1024,
	EVENTS = 600,
	DAY = 86400,
};

#define T0 1700000000000 /* Tue, 14 Nov 2023 22:13:20 GMT */
#define DATE_OF(ts) ((int64_t)((ts) / 1000))

static struct th_lineage *near, *far;
static struct th_event_former *former;

/* ---- a room ---- */

struct made {
	char json[1024];
	char id[TH_EVENT_ID + 1];
	uint64_t ts;
};

struct room {
	char id[64];
	enum th_event_rules rules;
	const char *version;
};

struct said {
	const char *type, *sender, *state_key, *content; /* state_key NULL: none */
	uint64_t ts, depth;
	const struct made *auth[TH_EVENT_EDGES + 1], *prev[TH_EVENT_EDGES + 1];
	const char *room; /* in the event, too */
};

static void write_event(struct made *m, const struct said *s)
{
	char key[128] = "", room[128] = "";

	if (s->state_key)
		(void)snprintf(key, sizeof(key), "\"state_key\":\"%s\",", s->state_key);
	if (s->room)
		(void)snprintf(room, sizeof(room), "\"room_id\":\"%s\",", s->room);
	assert_true(snprintf(m->json, sizeof(m->json),
			     "{\"content\":%s,\"event_id\":\"$%.43s\",\"origin_server_ts\":%llu,%s\"sender\":\"%s\",%s"
			     "\"type\":\"%s\",\"unsigned\":{\"age\":%llu}}",
			     s->content, m->id, (unsigned long long)s->ts, room, s->sender, key, s->type,
			     (unsigned long long)(s->ts % 977)) < (int)sizeof(m->json));
	m->ts = s->ts;
}

static struct made made(struct room *r, struct said s)
{
	struct th_event_place place = { .depth = s.depth };
	struct th_client_event e;
	struct made m = { .id = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };

	for (size_t i = 0; s.auth[i]; i++)
		place.auth[place.n_auth++] = s.auth[i]->id;
	for (size_t i = 0; s.prev[i]; i++)
		place.prev[place.n_prev++] = s.prev[i]->id;
	write_event(&m, &s);
	assert_int_equal(th_client_events(th_str_of(m.json), th_str_of(r->id[0] ? r->id : "!"), &e, 1), 1);
	assert_true(th_event_former_begin(former, &e, r->rules));
	assert_true(th_event_former_place(former, &place));
	assert_true(th_event_former_id(former, s.ts, m.id));
	if (!r->id[0])
		(void)snprintf(r->id, sizeof(r->id), "!%s", m.id);
	write_event(&m, &s);
	return m;
}

#define AL "@al:s.example"
#define BO "@bo:s.example"

/* A room of version 12 with two members. */
static struct room r12;
static struct made create, al, levels, rules, bo;

static void make_room(void)
{
	r12 = (struct room){ .rules = TH_EVENT_RULES_11 };
	create = made(&r12, (struct said){ .type = "m.room.create",
					   .sender = AL,
					   .state_key = "",
					   .ts = T0,
					   .depth = 1,
					   .content = "{\"room_version\":\"12\"}" });
	al = made(&r12, (struct said){ .type = "m.room.member",
				       .sender = AL,
				       .state_key = AL,
				       .ts = T0 + 10,
				       .depth = 2,
				       .content = "{\"membership\":\"join\",\"displayname\":\"al\"}",
				       .prev = { &create } });
	levels = made(&r12, (struct said){ .type = "m.room.power_levels",
					   .sender = AL,
					   .state_key = "",
					   .ts = T0 + 20,
					   .content = "{\"users\":{\"" AL "\":100},\"users_default\":0}",
					   .depth = 3,
					   .auth = { &al },
					   .prev = { &al } });
	rules = made(&r12, (struct said){ .type = "m.room.join_rules",
					  .sender = AL,
					  .state_key = "",
					  .ts = T0 + 20,
					  .content = "{\"join_rule\":\"public\"}",
					  .depth = 4,
					  .auth = { &levels, &al },
					  .prev = { &levels } });
	bo = made(&r12, (struct said){ .type = "m.room.member",
				       .sender = BO,
				       .state_key = BO,
				       .ts = T0 + 3000,
				       .content = "{\"membership\":\"join\"}",
				       .depth = 5,
				       .auth = { &rules, &levels },
				       .prev = { &rules } });
}

static struct made message(const char *sender, const char *body, uint64_t ts, uint64_t depth, const struct made *a,
			   const struct made *b)
{
	struct said s = { .type = "m.room.message",
			  .sender = sender,
			  .ts = ts,
			  .depth = depth,
			  .prev = { a, b },
			  .auth = { &levels, strcmp(sender, AL) == 0 ? &al : &bo } };
	char content[256];

	(void)snprintf(content, sizeof(content), "{\"body\":\"%s\",\"msgtype\":\"m.text\"}", body);
	s.content = content;
	return made(&r12, s);
}

/* ---- two ends ---- */

static struct th_view view;
static uint8_t kept[CAP];
static size_t kept_n;
static char cut_text[CAP + 1];
static size_t cut_n;

static void forget(void)
{
	view.n = view.request = 0;
	kept_n = 0;
}

/* What each end keeps goes into the one view of both. */
static void keep(const char *text, const struct th_model_about *about)
{
	struct th_view_text *t = &view.texts[view.n];
	const char *body = strstr(text, "\n\n");
	static uint8_t out[CAP + TH_KEEP_EXTRA];
	size_t n = th_keep((const uint8_t *)cut_text, cut_n, th_str_of(body ? body + 2 : ""), th_lineage_notes(near),
			   KEPT_MAX, out);

	assert_true(n <= sizeof(kept) - kept_n);
	memcpy(kept + kept_n, out, n);
	*t = (struct th_view_text){ .p = kept + kept_n, .n = n, .about = *about };
	kept_n += n;
	view.n++;
	if (!about->is_response)
		view.request = view.n;
}

static void notes_are_equal(void)
{
	struct th_str a = th_lineage_notes(near), b = th_lineage_notes(far);

	assert_true(th_str_eq(a, b));
	assert_true(a.n <= TH_GRAPH_NOTES_MAX);
}

/* Cuts at one end, restores at the other. Returns the text as it went. */
static const char *crosses(const char *text, const struct th_model_about *about, int64_t date,
			   const struct th_view *against)
{
	const struct th_lineage_about sends = { against, about, date }, gets = { against, about, 0 };
	static uint8_t back[CAP];
	const size_t n = strlen(text);
	size_t back_n;

	memset(cut_text, '#', sizeof(cut_text));
	assert_int_equal(th_lineage_cut(near, &sends, (const uint8_t *)text, n, (uint8_t *)cut_text, CAP, &cut_n),
			 TH_OK);
	assert_true(cut_n <= n + TH_MARK_MAX);
	cut_text[cut_n] = 0;
	assert_int_equal(th_lineage_restore(far, &gets, (const uint8_t *)cut_text, cut_n, back, n, &back_n), TH_OK);
	assert_int_equal(back_n, n);
	assert_memory_equal(back, text, n);
	notes_are_equal();
	if (n > 0)
		assert_int_equal(th_lineage_restore(far, &gets, (const uint8_t *)cut_text, cut_n, back, n - 1, &back_n),
				 TH_ERR_TOO_LARGE);
	return cut_text;
}

static const struct th_model_about of_request = { false, 0, -1 }, of_response = { true, 7, 3 };

static void asks(const char *text)
{
	crosses(text, &of_request, 0, &view);
	keep(text, &of_request);
}

static const char *answers(const char *text, int64_t date)
{
	const char *went = crosses(text, &of_response, date, &view);

	keep(text, &of_response);
	return went;
}

/* ---- texts ---- */

static char text_buf[TEXT];

#define LIST(...) ((const struct made *const[]){ __VA_ARGS__, NULL })

static size_t put_events(char *out, size_t cap, const struct made *const *events)
{
	size_t n = 0;

	for (size_t i = 0; events[i]; i++) {
		n += (size_t)snprintf(out + n, cap - n, "%s%s", i ? "," : "", events[i]->json);
		assert_true(n < cap);
	}
	return n;
}

static const char *sync_of(const char *room, const struct made *const *events)
{
	size_t n = (size_t)snprintf(
		text_buf, sizeof(text_buf),
		"200\nContent-Type: application/json\n\n{\"next_batch\":\"s1\",\"rooms\":{\"join\":{\"%s\":"
		"{\"timeline\":{\"events\":[",
		room);

	n += put_events(text_buf + n, sizeof(text_buf) - n, events);
	(void)snprintf(text_buf + n, sizeof(text_buf) - n, "],\"limited\":false}}}}}");
	return text_buf;
}

static const char *syncs(const struct made *const *events)
{
	asks("GET /_matrix/client/v3/sync\n\n");
	return answers(sync_of(r12.id, events), 0);
}

static const char *page_of(const char *start, const struct made *const *events)
{
	size_t n = (size_t)snprintf(text_buf, sizeof(text_buf), "200\n\n{\"start\":\"%s\",\"chunk\":[", start);

	n += put_events(text_buf + n, sizeof(text_buf) - n, events);
	(void)snprintf(text_buf + n, sizeof(text_buf) - n, "]}");
	return text_buf;
}

static void asks_in_room(const char *method, const char *behind, const char *body)
{
	char text[2048];

	(void)snprintf(text, sizeof(text), "%s /_matrix/client/v3/rooms/%s/%s\n\n%s", method, r12.id, behind, body);
	asks(text);
}

/* The mark of the event at that place of the text; what is between the quotes. */
static struct th_str mark_at(const char *went, size_t place)
{
	static const char name[] = "\"event_id\":\"";
	const char *at = went, *end;

	do
		at = strstr(at, name);
	while (at && (at += sizeof(name) - 1, place-- > 0));
	end = at ? strchr(at, '"') : NULL;
	if (!end) {
		fail_msg("there are fewer events");
		return TH_STR("");
	}
	return (struct th_str){ at, (size_t)(end - at) };
}

static void marks_are(const char *went, const char *const *marks)
{
	for (size_t i = 0; marks[i]; i++) {
		struct th_str m = mark_at(went, i);

		if (!th_str_eq(m, th_str_of(marks[i])))
			fail_msg("at %zu: %.*s, not %s", i, (int)m.n, m.p, marks[i]);
	}
}

#define MARKS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static bool stays(struct th_str id)
{
	return id.n == TH_EVENT_ID + 1 && id.p[0] == '$';
}

static struct th_str answered(const char *went)
{
	return mark_at(went, 0);
}

static void answer_is(const char *id, int64_t date, const char *mark)
{
	char text[256];
	struct th_str m;

	(void)snprintf(text, sizeof(text), "200\n\n{\"event_id\":\"$%s\"}", id);
	m = answered(answers(text, date));
	if (!th_str_eq(m, th_str_of(mark)))
		fail_msg("%.*s, not %s", (int)m.n, m.p, mark);
}

/* ---- rooms as they are told ---- */

static void test_a_room_from_its_first_event(void **state)
{
	const struct made m1 = message(AL, "one", T0 + 4000, 6, &bo, NULL),
			  m2 = message(BO, "two", T0 + 5000, 7, &m1, NULL);

	(void)state;
	forget();
	marks_are(syncs(LIST(&create, &al, &levels, &rules, &bo, &m1, &m2)),
		  MARKS("\001", "\001", "\001m", "\001pm", "\001jp", "\001pm", "\001pm"));
	/* In any order, and in the next answer. */
	forget();
	marks_are(syncs(LIST(&m2, &m1, &bo, &rules, &create, &al, &levels)),
		  MARKS("\001pm", "\001pm", "\001jp", "\001pm", "\001", "\001", "\001m"));
	forget();
	marks_are(syncs(LIST(&create, &al, &levels, &rules)), MARKS("\001", "\001", "\001m", "\001pm"));
	marks_are(syncs(LIST(&bo)), MARKS("\001jp"));
	marks_are(syncs(LIST(&m1)), MARKS("\001pm"));
	marks_are(syncs(LIST(&m2)), MARKS("\001pm"));
}

/* Both ends make these notes. */
static void test_notes(void **state)
{
	char wanted[2048];
	struct th_str notes;

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels));
	(void)snprintf(wanted, sizeof(wanted),
		       "\n\037%s\nc%llu  11 $%s\nm%llu " AL "  $%s\np%llu   $%s\n"
		       "e1 %llu \"event_id\":\"$%s\"\ne2 %llu \"event_id\":\"$%s\"\ne3 %llu \"event_id\":\"$%s\"\n",
		       r12.id, (unsigned long long)create.ts, create.id, (unsigned long long)al.ts, al.id,
		       (unsigned long long)levels.ts, levels.id, (unsigned long long)create.ts, create.id,
		       (unsigned long long)al.ts, al.id, (unsigned long long)levels.ts, levels.id);
	notes = th_lineage_notes(near);
	assert_int_equal(notes.n, strlen(wanted));
	assert_memory_equal(notes.p, wanted, notes.n);
	asks("GET /_matrix/client/v3/sync\n\n");
	assert_int_equal(th_lineage_notes(near).n, 0);
}

static void test_an_older_room(void **state)
{
	struct room r = { .id = "!old:s.example", .rules = TH_EVENT_RULES_9 };
	struct made c, m, p, x, red;

	(void)state;
	c = made(&r,
		 (struct said){ .type = "m.room.create",
				.sender = AL,
				.state_key = "",
				.ts = T0,
				.depth = 1,
				.content = "{\"room_version\":\"10\",\"creator\":\"" AL "\",\"m.federate\":true}" });
	m = made(&r, (struct said){ .type = "m.room.member",
				    .sender = AL,
				    .state_key = AL,
				    .ts = T0,
				    .depth = 2,
				    .content = "{\"membership\":\"join\"}",
				    .auth = { &c },
				    .prev = { &c } });
	p = made(&r, (struct said){ .type = "m.room.power_levels",
				    .sender = AL,
				    .state_key = "",
				    .ts = T0,
				    .depth = 3,
				    .content = "{\"invite\":1,\"ban\":2}",
				    .auth = { &m, &c },
				    .prev = { &m } });
	x = made(&r, (struct said){ .type = "m.room.message",
				    .sender = AL,
				    .ts = T0 + 1,
				    .depth = 4,
				    .content = "{}",
				    .auth = { &p, &m, &c },
				    .prev = { &p } });
	red = made(&r, (struct said){ .type = "m.room.redaction",
				      .sender = AL,
				      .ts = T0 + 2,
				      .depth = 5,
				      .content = "{\"redacts\":\"$x\"}",
				      .auth = { &p, &m, &c },
				      .prev = { &x } });
	forget();
	asks("GET /_matrix/client/v3/sync\n\n");
	marks_are(answers(sync_of(r.id, LIST(&c, &m, &p, &x, &red)), 0),
		  MARKS("\001", "\001c", "\001mc", "\001pmc", "\001pmc"));
}

static void test_forks(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL), b = message(BO, "b", T0 + 4001, 6, &bo, NULL),
			  m = message(AL, "merge", T0 + 5000, 7, &a, &b), n = message(BO, "on", T0 + 6000, 8, &m, NULL);

	(void)state;
	forget();
	marks_are(syncs(LIST(&create, &al, &levels, &rules, &bo, &a, &b, &m, &n)),
		  MARKS("\001", "\001", "\001m", "\001pm", "\001jp", "\001pm", "\001pm1", "\001pm10", "\001pm"));
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	marks_are(syncs(LIST(&b)), MARKS("\001pm"));
	marks_are(syncs(LIST(&a)), MARKS("\001pm1"));
	marks_are(syncs(LIST(&m)), MARKS("\001pm10"));
}

static void test_events_of_one_millisecond(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL), b = message(AL, "b", T0 + 4000, 7, &a, NULL),
			  c = message(AL, "c", T0 + 4000, 8, &b, NULL);

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	marks_are(syncs(LIST(&a, &b, &c)), MARKS("\001pm", "\001pm", "\001pm"));
}

static void test_pages_backwards(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL), b = message(AL, "b", T0 + 4000, 7, &a, NULL),
			  c = message(AL, "c", T0 + 5000, 8, &b, NULL);

	(void)state;
	forget();
	asks_in_room("GET", "messages?dir=b", "");
	marks_are(answers(page_of("t9-1", LIST(&c, &b, &a, &bo, &rules, &levels, &al, &create)), 0),
		  MARKS("\001pm", "\001pm", "\001pm", "\001jp", "\001pm", "\001m", "\001", "\001"));
}

static enum th_err restored(const char *text, size_t n, const struct th_model_about *about)
{
	const struct th_lineage_about far_about = { &view, about, 0 };
	static uint8_t out[CAP];
	uint8_t *copy = malloc(n ? n : 1);
	size_t out_n = 0;
	enum th_err err;

	assert_non_null(copy);
	memcpy(copy, text, n);
	err = th_lineage_restore(far, &far_about, copy, n, out, sizeof(out), &out_n);
	free(copy);
	if (err != TH_OK)
		assert_int_equal(th_lineage_notes(far).n, 0);
	else
		assert_true(out_n <= n + TH_LINEAGE_EVENTS * TH_EVENT_ID * 3);
	return err;
}

/* ---- names of others ---- */

/* What stands around `event` in a text, in the room. */
static const char *told(const char *before, const struct made *a, const char *unsigned_a, const struct made *b,
			const char *behind)
{
	static char text[8192];
	size_t cut_at = strlen(a->json) - strlen(strstr(a->json, "\"unsigned\":"));

	assert_true(snprintf(text, sizeof(text), "200\n\n{%s\"%s\":[%.*s\"unsigned\":{\"age\":5%s}}%s%s]%s}", before,
			     r12.id, (int)cut_at, a->json, unsigned_a, b ? "," : "", b ? b->json : "",
			     behind) < (int)sizeof(text));
	return text;
}

/* IDs that are no longer in the text, as both their events' are computed, and that history does not have either. */
static void test_names_of_events_of_the_text(void **state)
{
	const struct made one = message(AL, "one", T0 + 4000, 6, &bo, NULL);
	struct said s = { .type = "m.reaction",
			  .sender = BO,
			  .ts = T0 + 5000,
			  .depth = 7,
			  .prev = { &one },
			  .auth = { &levels, &bo } };
	char content[256], receipt[256], behind[256];
	struct made two;
	const char *went;

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	(void)snprintf(content, sizeof(content), "{\"m.relates_to\":{\"event_id\":\"$%s\",\"key\":\"+1\"}}", one.id);
	s.content = content;
	two = made(&r12, s);
	(void)snprintf(receipt, sizeof(receipt), "\"before\":\"$%s\",", two.id);
	(void)snprintf(behind, sizeof(behind), ",\"m.receipt\":{\"$%s\":{\"m.read\":{}},\"other\":\"$%s\"}", one.id,
		       bo.id);
	asks_in_room("GET", "sync", "");
	went = answers(told(receipt, &one, "", &two, behind), 0);
	assert_non_null(strstr(went, "\"before\":\"\001:0\""));
	assert_non_null(strstr(went, "\"m.relates_to\":{\"event_id\":\"\001:0\",\"key\""));
	assert_non_null(strstr(went, "{\"\001:1\":{\"m.read\""));
	assert_null(strstr(went, one.id));
	assert_null(strstr(went, two.id));
	assert_non_null(strstr(went, bo.id)); /* that one history has */
}

static void test_states_that_are_replaced(void **state)
{
	const struct made left = made(&r12, (struct said){ .type = "m.room.member",
							   .sender = BO,
							   .state_key = BO,
							   .ts = T0 + 4000,
							   .content = "{\"membership\":\"leave\"}",
							   .depth = 6,
							   .auth = { &levels, &bo },
							   .prev = { &bo } });
	char replaces[256];
	const char *went;

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	(void)snprintf(replaces, sizeof(replaces), ",\"replaces_state\":\"$%s\"", bo.id);
	asks_in_room("GET", "sync", "");
	went = answers(told("", &left, replaces, NULL, ""), 0);
	assert_non_null(strstr(went, "\"replaces_state\":\"\001\""));
	(void)snprintf(replaces, sizeof(replaces), ",\"replaces_state\":\"$%s\"", al.id);
	asks_in_room("GET", "sync", "");
	went = answers(told("", &left, replaces, NULL, ""), 0);
	assert_non_null(strstr(went, al.id));
}

/* A name of nothing, of what stands there, or too long; a state that nobody has. */
static void test_names_of_nothing(void **state)
{
	static const char *const bad[] = { "\001:0", "\001:1", "\001:00", "\001:100", "\001:", "\001:x" };
	static const char *const left_alone[] = { "\001", "\001x", "\0010" };
	const struct made one = message(AL, "one", T0 + 4000, 6, &bo, NULL);
	char text[2048];

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		(void)snprintf(text, sizeof(text), "200\n\n{\"%s\":[%s],\"x\":\"%s\"}", r12.id, one.json, bad[i]);
		assert_int_equal(restored(text, strlen(text), &of_response), TH_ERR_MALFORMED);
	}
	for (size_t i = 0; i < UNIT_COUNT(left_alone); i++) {
		(void)snprintf(text, sizeof(text), "200\n\n{\"%s\":[%s],\"x\":\"%s\"}", r12.id, one.json,
			       left_alone[i]);
		assert_int_equal(restored(text, strlen(text), &of_response), TH_OK);
	}
}

/* The power levels have changed since: messages from before were authorized by those that were replaced. */
static void test_pages_from_before_a_change(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 47, &bo, NULL), b = message(BO, "b", T0 + 4001, 48, &a, NULL),
			  c = message(BO, "c", T0 + 4500, 49, &b, NULL);
	const struct made later = made(&r12, (struct said){ .type = "m.room.power_levels",
							    .sender = AL,
							    .state_key = "",
							    .ts = T0 + 5000,
							    .content = "{\"users\":{\"" AL "\":50}}",
							    .depth = 50,
							    .auth = { &levels, &al },
							    .prev = { &c } });
	char replaces[256];
	const char *went;

	(void)state;
	(void)snprintf(replaces, sizeof(replaces), ",\"replaces_state\":\"$%s\"", levels.id);
	for (int told_it = 0; told_it < 2; told_it++) {
		forget();
		syncs(LIST(&al, &bo));
		asks_in_room("GET", "sync", "");
		answers(told("", &later, told_it ? replaces : "", NULL, ""), 0);
		asks_in_room("GET", "messages?dir=b", "");
		went = answers(page_of("t9-1", LIST(&c, &b, &a)), 0);
		assert_true(stays(mark_at(went, 2)));
		assert_true(stays(mark_at(went, 1)) == !told_it && stays(mark_at(went, 0)) == !told_it);
		if (told_it)
			marks_are(went, MARKS("\001pm", "\001pm=48"));
	}
	/* What both ends had had before it came is known, too. */
	forget();
	syncs(LIST(&levels, &al, &bo));
	asks_in_room("GET", "sync", "");
	answers(told("", &later, "", NULL, ""), 0);
	asks_in_room("GET", "messages?dir=b", "");
	marks_are(answers(page_of("t9-1", LIST(&c, &b, &a)), 0), MARKS("\001pm", "\001pm=48"));
}

/* In the middle of a room: the first stays, and what follows it is found by depths that are near. */
static void test_the_middle_of_a_room(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 47, &bo, NULL), b = message(AL, "b", T0 + 4001, 48, &a, NULL),
			  c = message(BO, "c", T0 + 5000, 49, &b, NULL);
	const char *went;

	(void)state;
	forget();
	asks_in_room("GET", "messages?dir=b", "");
	went = answers(page_of("t47-9_1", LIST(&levels, &bo, &al, &a, &b, &c)), 0);
	assert_true(stays(mark_at(went, 0)));
	assert_true(stays(mark_at(went, 1)));
	marks_are(strstr(went, "\"body\":\"a\""), MARKS("\001pm=47", "\001pm", "\001pm"));
	forget();
	asks_in_room("GET", "messages?dir=b", "");
	went = answers(page_of("t1-9_1", LIST(&levels, &bo, &al, &a, &b)), 0);
	assert_true(stays(mark_at(went, 3)));
}

/* Of an old room nothing tells the depth. It is looked for where two events stand side by side, and known from then on.
 */
static void test_an_old_room(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 900, &bo, NULL),
			  b = message(AL, "b", T0 + 4001, 901, &a, NULL),
			  c = message(BO, "c", T0 + 5000, 902, &b, NULL),
			  d = message(BO, "d", T0 + 6000, 903, &c, NULL),
			  old = message(AL, "old", T0 + 4000, 100000, &bo, NULL),
			  older = message(AL, "older", T0 + 4001, 100001, &old, NULL);
	const char *went;

	(void)state;
	forget();
	went = syncs(LIST(&levels, &bo, &al, &a, &b, &c));
	assert_true(stays(mark_at(went, 3)));
	assert_true(th_str_eq(mark_at(went, 4), TH_STR("\001pm=901")));
	assert_true(th_str_eq(mark_at(went, 5), TH_STR("\001pm")));
	marks_are(syncs(LIST(&d)), MARKS("\001pm"));
	/* One after the other they do not say that one follows the other. */
	forget();
	syncs(LIST(&levels, &bo, &al, &a));
	assert_true(stays(mark_at(syncs(LIST(&b)), 0)));
	/* Deeper than is looked. */
	forget();
	went = syncs(LIST(&levels, &bo, &al, &old, &older));
	assert_true(stays(mark_at(went, 3)) && stays(mark_at(went, 4)));
}

static void test_what_is_known(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL);

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo, &a));
	marks_are(syncs(LIST(&a)), MARKS("\001.0"));
	marks_are(syncs(LIST(&bo)), MARKS("\001.1"));
	marks_are(syncs(LIST(&bo, &a)), MARKS("\001.1", "\001.1"));
	assert_int_equal(th_lineage_notes(near).n, 0); /* nothing of it is new */
	marks_are(syncs(LIST(&a, &a)), MARKS("\001.0", "\001.0"));
	/* The whole room told anew. */
	marks_are(syncs(LIST(&create, &al, &levels, &rules, &bo, &a)),
		  MARKS("\001.5", "\001.5", "\001.5", "\001.5", "\001.5", "\001.5"));
	/* What is asked for alone. */
	asks_in_room("GET", "event/$x", "");
	assert_true(th_str_eq(mark_at(answers(page_of("", LIST(&a)), 0), 0), TH_STR("\001.0")));
}

static void test_unknown_rooms(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL), b = message(BO, "b", T0 + 4001, 7, &a, NULL);
	const char *went;
	char wanted[512];

	(void)state;
	forget();
	went = syncs(LIST(&a, &b));
	assert_true(stays(mark_at(went, 0)) && stays(mark_at(went, 1)));
	(void)snprintf(wanted, sizeof(wanted), "\n\037%s\ne0 %llu \"event_id\":\"$%s\"\ne0 %llu \"event_id\":\"$%s\"\n",
		       r12.id, (unsigned long long)a.ts, a.id, (unsigned long long)b.ts, b.id);
	assert_true(th_str_eq(th_lineage_notes(near), th_str_of(wanted)));
	marks_are(syncs(LIST(&b, &a)), MARKS("\001.1", "\001.1")); /* known, though not where */
}

/* Not all that looks like one is an ID. */
static void test_what_is_no_id(void **state)
{
	struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL), b = a;
	char *last = strstr(b.json, "event_id\":\"") + strlen("event_id\":\"") + TH_EVENT_ID;
	const char *went;

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	*last = 'B'; /* base64, but not of 32 bytes */
	went = syncs(LIST(&b));
	assert_true(stays(mark_at(went, 0)));
	assert_int_equal(th_lineage_notes(near).n, 0);
	*last = '=';
	syncs(LIST(&b));
	assert_int_equal(th_lineage_notes(near).n, 0);
	marks_are(syncs(LIST(&a)), MARKS("\001pm"));
}

/* An ID that is wrong stays, and what comes behind it is found all the same. */
static void test_wrong_ids(void **state)
{
	struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL);
	const struct made b = message(AL, "b", T0 + 4001, 7, &a, NULL);
	const char *went;

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	*strstr(a.json, "\"body\":\"a\"") = '"';
	memcpy(strstr(a.json, ":\"a\""), ":\"x\"", 4);
	went = syncs(LIST(&a, &b));
	assert_true(stays(mark_at(went, 0)));
	marks_are(strstr(went, "\"body\":\"b\""), MARKS("\001pm=7"));
}

static void test_without_a_view(void **state)
{
	const char *went;

	(void)state;
	went = crosses(sync_of(r12.id, LIST(&create, &al, &levels)), &of_response, 0, NULL);
	marks_are(went, MARKS("\001", "\001", "\001m"));
	crosses("200\n\n{\"event_id\":\"$x\"}", &of_response, 0, NULL);
	crosses("200\n\n{\"room_id\":\"!x\"}", &of_response, 0, NULL);
	crosses("200\n\n{\"event_id\":\"\"}", &of_response, 0, NULL);
	crosses("200\n\n", &of_response, 0, NULL);
	crosses("", &of_response, 0, NULL);
	crosses("no text \"event_id\":\"\001", &of_response, 0, NULL);
	crosses("200\nA: \"event_id\":\"\n\n{}", &of_response, 0, NULL);
}

/* A homeserver tells an application service: in a request, with room_id. */
static void test_requests(void **state)
{
	struct room r = { .rules = TH_EVENT_RULES_11 };
	struct made c, m;
	char text[4096];
	const char *went;
	size_t n;

	(void)state;
	c = made(&r, (struct said){ .type = "m.room.create",
				    .sender = AL,
				    .state_key = "",
				    .ts = T0,
				    .depth = 1,
				    .content = "{\"room_version\":\"12\"}" });
	m = made(&r, (struct said){ .type = "m.room.member",
				    .sender = AL,
				    .state_key = AL,
				    .ts = T0,
				    .depth = 2,
				    .content = "{\"membership\":\"join\"}",
				    .prev = { &c },
				    .room = r.id });
	forget();
	n = strlen(c.json) - 1;
	(void)snprintf(c.json + n, sizeof(c.json) - n, ",\"room_id\":\"%s\"}", r.id);
	(void)snprintf(text, sizeof(text), "PUT /_matrix/app/v1/transactions/1\n\n{\"events\":[%s,%s]}", c.json,
		       m.json);
	went = crosses(text, &of_request, 0, &view);
	marks_are(went, MARKS("\001", "\001"));
}

/* ---- answers to what was sent ---- */

static void test_answers_to_sends(void **state)
{
	const struct made a = message(AL, "hi", T0 + 60123, 6, &bo, NULL),
			  b = message(AL, "ho", T0 + 61999, 7, &a, NULL);

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	asks_in_room("PUT", "send/m.room.message/1", "{\"body\":\"hi\",\"msgtype\":\"m.text\"}");
	answer_is(a.id, DATE_OF(T0 + 60123), "\001pm" AL " 1700000060123");
	/* The time may be of the second before, and members in another order. */
	asks_in_room("PUT", "send/m.room.message/2?x=y", "{\"msgtype\":\"m.text\",\"body\":\"h\\u006f\"}");
	answer_is(b.id, DATE_OF(T0 + 62000), "\001pm" AL " 1700000061999");
	/* Both are known now. */
	marks_are(syncs(LIST(&a, &b)), MARKS("\001.1", "\001.1"));
	/* The same answer once more. */
	asks_in_room("PUT", "send/m.room.message/2?x=y", "{\"msgtype\":\"m.text\",\"body\":\"h\\u006f\"}");
	answer_is(b.id, DATE_OF(T0 + 62000), "\001.0");
}

static void test_clocks_elsewhere(void **state)
{
	const struct made soon = message(AL, "hi", T0 + 3000 + 4001, 6, &bo, NULL),
			  later = message(AL, "hi", T0 + 3000 + 4002, 6, &bo, NULL);
	char id[TH_EVENT_ID + 2] = "$";

	(void)state;
	for (int64_t date = 0; date <= DATE_OF(T0 + DAY); date += DATE_OF(T0 + DAY)) {
		forget();
		syncs(LIST(&create, &al, &levels, &rules, &bo));
		asks_in_room("PUT", "send/m.room.message/1", "{\"body\":\"hi\",\"msgtype\":\"m.text\"}");
		answer_is(soon.id, date, "\001pm" AL " 1700000007001");
		forget();
		syncs(LIST(&create, &al, &levels, &rules, &bo));
		asks_in_room("PUT", "send/m.room.message/1", "{\"body\":\"hi\",\"msgtype\":\"m.text\"}");
		memcpy(id + 1, later.id, TH_EVENT_ID);
		answer_is(later.id, date, id);
		assert_int_equal(th_lineage_notes(near).n, 0);
	}
}

static void test_answers_to_states(void **state)
{
	const struct made topic = made(&r12, (struct said){ .type = "m.room.topic",
							    .sender = AL,
							    .state_key = "",
							    .ts = T0 + 9000,
							    .depth = 6,
							    .content = "{\"topic\":\"t\"}",
							    .auth = { &levels, &al },
							    .prev = { &bo } }),
			  other = made(&r12, (struct said){ .type = "a.b",
							    .sender = AL,
							    .state_key = "k /x",
							    .ts = T0 + 9500,
							    .depth = 7,
							    .content = "{}",
							    .auth = { &levels, &al },
							    .prev = { &topic } }),
			  again = made(&r12, (struct said){ .type = "m.room.join_rules",
							    .sender = AL,
							    .state_key = "",
							    .ts = T0 + 9900,
							    .depth = 8,
							    .content = "{\"join_rule\":\"invite\"}",
							    .auth = { &levels, &al },
							    .prev = { &other } });
	char notes[2048] = "";

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	asks_in_room("PUT", "state/m.room.topic", "{\"topic\":\"t\"}");
	answer_is(topic.id, DATE_OF(T0 + 9000), "\001pm" AL " 1700000009000");
	asks_in_room("PUT", "state/a.b/k%20%2Fx", "{}");
	answer_is(other.id, DATE_OF(T0 + 9500), "\001pm" AL " 1700000009500");
	asks_in_room("PUT", "state/m.room.join_rules/", "{\"join_rule\":\"invite\"}");
	answer_is(again.id, DATE_OF(T0 + 9900), "\001pm" AL " 1700000009900");
	assert_true(th_lineage_notes(near).n < sizeof(notes));
	memcpy(notes, th_lineage_notes(near).p, th_lineage_notes(near).n);
	assert_non_null(strstr(notes, "\nj1700000009900   $"));
}

/* Paths that name nothing, or no event. */
static void test_answers_to_something_else(void **state)
{
	static const struct {
		const char *method, *behind;
	} requests[] = {
		{ "POST", "send/m.room.message/1" },
		{ "PUT", "send/m.room.message" },
		{ "PUT", "send/m.room.message/1/2" },
		{ "PUT", "state/m.room.message//x" },
		{ "PUT", "typing/" AL },
		{ "PUT", "send/m.room.message%22/1" },
		{ "PUT", "send/m.room.message/%5c" },
		{ "PUT", "send/m.room.message/%0a" },
		{ "PUT", "send/m.room.message/1%" },
		{ "PUT", "send/m.room.message/1%2" },
		{ "PUT", "send/m.room.message/1%gg" },
		{ "PUT", "redact/$x/1" },
	};
	const struct made a = message(AL, "hi", T0 + 60123, 6, &bo, NULL);
	char id[TH_EVENT_ID + 2] = "$";

	(void)state;
	memcpy(id + 1, a.id, TH_EVENT_ID);
	for (size_t i = 0; i < UNIT_COUNT(requests); i++) {
		forget();
		syncs(LIST(&create, &al, &levels, &rules, &bo));
		asks_in_room(requests[i].method, requests[i].behind, "{\"body\":\"hi\",\"msgtype\":\"m.text\"}");
		answer_is(a.id, DATE_OF(T0 + 60123), id);
	}
	/* The request is not in the view. */
	asks_in_room("PUT", "send/m.room.message/1", "{\"body\":\"hi\",\"msgtype\":\"m.text\"}");
	view.request = 0;
	answer_is(a.id, DATE_OF(T0 + 60123), id);
	view.request = view.n + 7;
	answer_is(a.id, DATE_OF(T0 + 60123), id);
}

static const char *creates(const char *body, const char *room, int64_t date)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "POST /_matrix/client/v3/createRoom\n\n%s", body);
	asks(text);
	(void)snprintf(text, sizeof(text), "200\n\n{\"room_id\":\"%s\"}", room);
	return answers(text, date);
}

static void logs_in(const char *user)
{
	char text[1024];

	asks("POST /_matrix/client/v3/login\n\n{}");
	(void)snprintf(text, sizeof(text), "200\n\n{\"user_id\":\"%s\",\"device_id\":\"D\"}", user);
	answers(text, 0);
}

static void test_rooms_made(void **state)
{
	static const struct {
		const char *body, *content;
	} rooms[] = {
		{ "{}", "{\"room_version\":\"12\"}" },
		{ "{\"name\":\"n\",\"preset\":\"private_chat\"}", "{\"room_version\":\"12\"}" },
		{ "{\"room_version\":\"12\"}", "{\"room_version\":\"12\"}" },
		{ "{\"creation_content\":{}}", "{\"room_version\":\"12\"}" },
		{ "{\"creation_content\":{\"type\":\"m.space\",\"m.federate\":false}}",
		  "{\"room_version\":\"12\",\"type\":\"m.space\",\"m.federate\":false}" },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rooms); i++) {
		struct room r = { .rules = TH_EVENT_RULES_11 };
		const struct made c = made(&r, (struct said){ .type = "m.room.create",
							      .sender = AL,
							      .state_key = "",
							      .ts = T0 + 77,
							      .depth = 1,
							      .content = rooms[i].content });
		const struct made m = made(&r, (struct said){ .type = "m.room.member",
							      .sender = AL,
							      .state_key = AL,
							      .ts = T0 + 99,
							      .depth = 2,
							      .prev = { &c },
							      .content = "{\"membership\":\"join\"}" });

		forget();
		logs_in(AL);
		assert_string_equal(creates(rooms[i].body, r.id, DATE_OF(T0)),
				    "200\n\n{\"room_id\":\"\001" AL " 1700000000077\"}");
		/* Its first event is known then. */
		asks("GET /_matrix/client/v3/sync\n\n");
		marks_are(answers(sync_of(r.id, LIST(&c, &m)), 0), MARKS("\001.0", "\001"));
	}
}

static void test_rooms_that_stay(void **state)
{
	struct room r = { .rules = TH_EVENT_RULES_11 };

	(void)state;
	(void)made(&r, (struct said){ .type = "m.room.create",
				      .sender = AL,
				      .state_key = "",
				      .ts = T0,
				      .depth = 1,
				      .content = "{\"room_version\":\"12\"}" });
	forget();
	assert_null(strchr(creates("{}", r.id, DATE_OF(T0)), '\001')); /* who asked? */
	logs_in(AL);
	assert_null(strchr(creates("{}", r.id, 0), '\001'));
	assert_null(strchr(creates("{}", r.id, DATE_OF(T0 + DAY)), '\001'));
	assert_null(strchr(creates("{}", "!abc:s.example", DATE_OF(T0)), '\001'));
	assert_null(strchr(creates("{\"room_version\":\"11\"}", r.id, DATE_OF(T0)), '\001'));
	assert_null(strchr(creates("{\"creation_content\":{\"x\":1}}", r.id, DATE_OF(T0)), '\001'));
	assert_null(strchr(creates("{", r.id, DATE_OF(T0 + DAY)), '\001'));
	assert_non_null(strchr(creates("{}", r.id, DATE_OF(T0)), '\001'));
}

/* A name that no user has, however right it is: the cut text stays as short as it has to. */
static void test_long_senders(void **state)
{
	char user[401] = "@";

	(void)state;
	memset(user + 1, 'u', sizeof(user) - 2);
	for (size_t n = 200; n < sizeof(user) - 1; n += 11) {
		struct room r = { .rules = TH_EVENT_RULES_11 };
		char cut = user[n];

		user[n] = 0;
		(void)made(&r, (struct said){ .type = "m.room.create",
					      .sender = user,
					      .state_key = "",
					      .ts = T0,
					      .depth = 1,
					      .content = "{\"room_version\":\"12\"}" });
		forget();
		logs_in(user);
		assert_int_equal(strchr(creates("{}", r.id, DATE_OF(T0)), '\001') != NULL, n <= TH_GRAPH_NAME);
		user[n] = cut;
	}
}

/* ---- limits ---- */

static void test_many_events(void **state)
{
	static struct made all[TH_LINEAGE_EVENTS + 1];
	static const struct made *list[TH_LINEAGE_EVENTS + 2];
	const char *went, *at;
	size_t marks = 0;

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(all); i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%zu", i);
		all[i] = message(AL, name, T0 + 4000 + i, 6 + i, i ? &all[i - 1] : &bo, NULL);
		list[i] = &all[i];
	}
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	went = syncs(list);
	for (at = went; (at = strchr(at, '\001')) != NULL; at++)
		marks++;
	assert_int_equal(marks, TH_LINEAGE_EVENTS);
	assert_true(stays(mark_at(went, TH_LINEAGE_EVENTS)));
}

static void test_what_does_not_fit(void **state)
{
	const struct th_lineage_about about = { NULL, &of_response, 0 };
	const char *text = sync_of(r12.id, LIST(&create, &al, &levels));
	size_t n = strlen(text), need;

	(void)state;
	crosses(text, &of_response, 0, NULL);
	need = cut_n;
	for (size_t cap = 0; cap <= need; cap++) {
		uint8_t *out = malloc(cap ? cap : 1);

		assert_non_null(out);
		assert_int_equal(th_lineage_cut(near, &about, (const uint8_t *)text, n, out, cap, &cut_n),
				 cap < need ? TH_ERR_TOO_LARGE : TH_OK);
		free(out);
	}
	for (size_t cap = 0; cap < 5; cap++)
		assert_int_equal(
			th_lineage_cut(near, &about, (const uint8_t *)"200\n\n", 5, (uint8_t *)cut_text, cap, &cut_n),
			TH_ERR_TOO_LARGE);
}

/* Hundreds of events whose place cannot be found, each with hundreds of orders of what could be: other exchanges wait.
 */
static void test_search_ends(void **state)
{
	static char text[TEXT];
	size_t n;
	clock_t before;

	(void)state;
	for (int depth = 0; depth < 10; depth += 9) {
		forget();
		asks("GET /_matrix/client/v3/sync\n\n");
		(void)snprintf(text_buf, sizeof(text_buf),
			       "200\n\n\n\037!r:s\nc1  9 $%s\np1   $%s\nj1   $%s\nm1 @a:b  $%s\nm1 @t:b  $%s\nm1 @v:b  "
			       "$%s\ne%d 1 \"event_id\":\"$%s\"\ne%d 2 \"event_id\":\"$%s\"\n",
			       create.id, levels.id, rules.id, al.id, bo.id,
			       "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA", depth, create.id, depth, al.id);
		answers(text_buf, 0);
		n = (size_t)snprintf(text, sizeof(text),
				     "200\n\n{\"x\":[\":t5\",{\"s\":\"t9\",\"e\":\"t99\"}],\"!r:s\":[");
		for (int i = 0; i < TH_LINEAGE_EVENTS; i++)
			n += (size_t)snprintf(
				text + n, sizeof(text) - n,
				"%s{\"content\":{\"membership\":\"join\","
				"\"join_authorised_via_users_server\":\"@v:b\"},\"event_id\":\"$%03d%.40s\","
				"\"origin_server_ts\":%d,\"sender\":\"@a:b\",\"state_key\":\"@t:b\","
				"\"type\":\"m.room.member\"}",
				i ? "," : "", i, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1000 + i);
		(void)snprintf(text + n, sizeof(text) - n, "]}");
		before = clock();
		assert_null(strchr(crosses(text, &of_response, 0, &view), '\001'));
		assert_true(clock() - before < 4 * CLOCKS_PER_SEC); /* with sanitizers; a minute once */
	}
}

/* ---- what cannot go, and what is refused ---- */

static enum th_err cut_of(const char *text)
{
	const struct th_lineage_about about = { &view, &of_response, 0 };

	return th_lineage_cut(near, &about, (const uint8_t *)text, strlen(text), (uint8_t *)cut_text, CAP, &cut_n);
}

static void test_what_has_marks_already(void **state)
{
	(void)state;
	forget();
	assert_int_equal(cut_of("200\n\n{\"event_id\":\"\001\"}"), TH_ERR_INVALID);
	assert_int_equal(cut_of("200\n\n{\"event_id\":\"\001"), TH_ERR_INVALID);
	assert_int_equal(cut_of("200\n\n{\"a\":{\"event_id\":\"\001x\"}}"), TH_ERR_INVALID);
	assert_int_equal(cut_of("200\n\n{\"room_id\":\"\001\"}"), TH_ERR_INVALID);
	assert_int_equal(cut_of("200\n\n{\"event_id\":\"$\001\"}"), TH_OK);
	assert_int_equal(cut_of("200\n\n{\"event_id\":\"\002\"}\001"), TH_OK);
	assert_int_equal(cut_of("200\n\n{\"a\":1,\"room_id\":\"\001\"}"), TH_OK);
	assert_int_equal(cut_of("200\n\n{\"event_id\":\"$\",\"a\":\"\001:0\"}"), TH_ERR_INVALID);
	assert_int_equal(cut_of("200\n\n{\"event_id\":\"$\",\"a\":\"\001\"}"), TH_OK);
}

static void answer_restores(const char *mark, const char *of, enum th_err wanted)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "200\n\n{\"%s\":\"\001%s\"}", of, mark);
	if (restored(text, strlen(text), &of_response) != wanted)
		fail_msg("%s %s", of, mark);
}

static void test_marks_of_answers(void **state)
{
	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	asks_in_room("PUT", "send/m.room.message/1", "{}");
	answer_restores("pm" AL " 1", "event_id", TH_OK);
	answer_restores(".4", "event_id", TH_OK);
	answer_restores(".5", "event_id", TH_ERR_MALFORMED);
	answer_restores("", "event_id", TH_ERR_MALFORMED);
	answer_restores("pm", "event_id", TH_ERR_MALFORMED);
	answer_restores("pm" AL " x", "event_id", TH_ERR_MALFORMED);
	answer_restores("pm@nobody 1", "event_id", TH_ERR_MALFORMED);
	answer_restores("t" AL " 1", "event_id", TH_ERR_MALFORMED);
	answer_restores("pmN" AL " 1", "event_id", TH_ERR_MALFORMED);
	answer_restores("pm" AL " 1", "room_id", TH_ERR_MALFORMED);
	answer_restores(".0", "room_id", TH_ERR_MALFORMED);
	asks("POST /_matrix/client/v3/createRoom\n\n{}");
	answer_restores(AL " 1", "room_id", TH_OK);
	answer_restores("pmN" AL " 1", "room_id", TH_OK); /* of a room's first event nothing else counts */
	answer_restores(".0", "room_id", TH_ERR_MALFORMED);
	answer_restores("", "room_id", TH_ERR_MALFORMED);
	answer_restores(AL " 1", "event_id", TH_ERR_MALFORMED);
	answer_restores(".0", "event_id", TH_ERR_MALFORMED);
	asks("POST /_matrix/client/v3/createRoom\n\n[");
	answer_restores(AL " 1", "room_id", TH_OK); /* it has no version, and no content */
	asks("GET /_matrix/client/v3/sync\n\n");
	answer_restores(AL " 1", "room_id", TH_ERR_MALFORMED);
	answer_restores(AL " 1", "event_id", TH_ERR_MALFORMED);
	answer_restores(".0", "event_id", TH_ERR_MALFORMED);
	forget();
	answer_restores(AL " 1", "event_id", TH_ERR_MALFORMED);
	answer_restores(AL " 1", "room_id", TH_ERR_MALFORMED);
}

/* A mark with a sender stands nowhere but in an answer. */
static void test_senders_in_events(void **state)
{
	const char *went;
	char text[4096];
	struct th_str m;

	(void)state;
	forget();
	went = syncs(LIST(&create, &al));
	m = mark_at(went, 0);
	(void)snprintf(text, sizeof(text), "%.*s\001" AL " 1%s", (int)(m.p - went), went, m.p + m.n);
	forget();
	assert_int_equal(restored(text, strlen(text), &of_response), TH_ERR_MALFORMED);
}

/* Every byte of every mark as every other one: refused, or another text, but never one with a mark left in it. */
static void test_every_mark_mutated(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL), b = message(BO, "b", T0 + 4001, 6, &bo, NULL),
			  m = message(AL, "merge", T0 + 5000, 7, &a, &b);
	static char whole[CAP], bad[CAP];
	size_t n, refused = 0;

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules));
	asks("GET /_matrix/client/v3/sync\n\n");
	crosses(sync_of(r12.id, LIST(&rules, &bo, &a, &b, &m)), &of_response, 0, &view);
	n = cut_n;
	memcpy(whole, cut_text, n + 1);
	for (size_t i = 0; i < 5; i++) {
		struct th_str mark = mark_at(whole, i);
		size_t at = (size_t)(mark.p - whole);

		for (size_t k = 0; k < mark.n; k++)
			for (int c = 0; c < 256; c++) {
				memcpy(bad, whole, n);
				bad[at + k] = (char)c;
				refused += restored(bad, n, &of_response) == TH_ERR_MALFORMED;
			}
		for (size_t k = 0; k < mark.n; k++) { /* a byte less, and one more */
			memcpy(bad, whole, at + k);
			memcpy(bad + at + k, whole + at + k + 1, n - at - k - 1);
			(void)restored(bad, n - 1, &of_response);
			for (int c = 0; c < 256; c++) {
				memcpy(bad, whole, at + k + 1);
				bad[at + k + 1] = (char)c;
				memcpy(bad + at + k + 2, whole + at + k + 1, n - at - k - 1);
				refused += restored(bad, n + 1, &of_response) == TH_ERR_MALFORMED;
			}
		}
	}
	assert_true(refused > 4000);
	for (size_t k = 0; k < n; k++)
		(void)restored(whole, k, &of_response);
}

/* The view is not the one it was cut against: some other text comes, or none. */
static void test_another_view(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL);
	static char whole[CAP];
	size_t n;

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	asks("GET /_matrix/client/v3/sync\n\n");
	crosses(sync_of(r12.id, LIST(&a)), &of_response, 0, &view);
	n = cut_n;
	memcpy(whole, cut_text, n);
	assert_int_equal(restored(whole, n, &of_response), TH_OK);
	forget();
	assert_int_equal(restored(whole, n, &of_response), TH_ERR_MALFORMED);
	syncs(LIST(&create, &al));
	assert_int_equal(restored(whole, n, &of_response), TH_ERR_MALFORMED);
}

/* Texts of strangers end in what looks like notes. What crosses is right all the same. */
static void test_notes_of_strangers(void **state)
{
	const struct made a = message(AL, "a", T0 + 4000, 6, &bo, NULL);
	char text[4096];

	(void)state;
	forget();
	syncs(LIST(&create, &al, &levels, &rules, &bo));
	(void)snprintf(text, sizeof(text),
		       "200\n\nx\n\037%s\nm9999999999999 " AL " zzzz@\"m $%s\np9999999999999  pm $%s\n"
		       "e77 9999999999999 \"event_id\":\"$%s\"\ne0 1 \"event_id\":\"$%s\"\n!\nc1   $%s\n",
		       r12.id, bo.id, al.id, levels.id, a.id, al.id);
	asks("GET /_matrix/client/v3/sync\n\n");
	answers(text, 0);
	syncs(LIST(&a));
	syncs(LIST(&create, &al, &levels, &rules, &bo, &a));
	asks_in_room("PUT", "send/m.room.message/1", "{\"body\":\"hi\",\"msgtype\":\"m.text\"}");
	(void)snprintf(text, sizeof(text), "200\n\n{\"event_id\":\"$%s\"}", a.id);
	answers(text, DATE_OF(T0 + 4000));
}

static void test_no_memory(void **state)
{
	(void)state;
	th_lineage_del(NULL);
	for (size_t k = 1;; k++) {
		struct failmem f;

		failmem_init(&f, k);
		th_lineage_del(th_lineage_new(&f.mem));
		assert_int_equal(f.live, 0);
		if (!f.hit)
			break;
	}
}

static int begin(void **state)
{
	(void)state;
	near = th_lineage_new(&th_mem_libc);
	far = th_lineage_new(&th_mem_libc);
	former = th_event_former_new(&th_mem_libc);
	if (!near || !far || !former)
		return 1;
	make_room();
	return 0;
}

static int end(void **state)
{
	(void)state;
	th_lineage_del(near);
	th_lineage_del(far);
	th_event_former_del(former);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_room_from_its_first_event),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_an_older_room),
		cmocka_unit_test(test_forks),
		cmocka_unit_test(test_events_of_one_millisecond),
		cmocka_unit_test(test_pages_backwards),
		cmocka_unit_test(test_names_of_events_of_the_text),
		cmocka_unit_test(test_states_that_are_replaced),
		cmocka_unit_test(test_names_of_nothing),
		cmocka_unit_test(test_pages_from_before_a_change),
		cmocka_unit_test(test_the_middle_of_a_room),
		cmocka_unit_test(test_an_old_room),
		cmocka_unit_test(test_what_is_known),
		cmocka_unit_test(test_unknown_rooms),
		cmocka_unit_test(test_what_is_no_id),
		cmocka_unit_test(test_wrong_ids),
		cmocka_unit_test(test_without_a_view),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_answers_to_sends),
		cmocka_unit_test(test_clocks_elsewhere),
		cmocka_unit_test(test_answers_to_states),
		cmocka_unit_test(test_answers_to_something_else),
		cmocka_unit_test(test_rooms_made),
		cmocka_unit_test(test_rooms_that_stay),
		cmocka_unit_test(test_long_senders),
		cmocka_unit_test(test_many_events),
		cmocka_unit_test(test_what_does_not_fit),
		cmocka_unit_test(test_search_ends),
		cmocka_unit_test(test_what_has_marks_already),
		cmocka_unit_test(test_marks_of_answers),
		cmocka_unit_test(test_senders_in_events),
		cmocka_unit_test(test_every_mark_mutated),
		cmocka_unit_test(test_another_view),
		cmocka_unit_test(test_notes_of_strangers),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
