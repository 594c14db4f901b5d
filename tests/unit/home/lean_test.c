/* Each switch of the lean policy, alone; and that off means off. */
#include "home/lean.h"

#include "failmem.h"
#include "rig.h"

#define MILO "Authorization: Bearer milo\nContent-Type: application/json\n"
#define TYPING "/_matrix/client/v3/rooms/!r:x/typing/@milo:x"
#define RECEIPT "/_matrix/client/v3/rooms/!r:x/receipt/m.read/$e"
#define MARKERS "/_matrix/client/v3/rooms/!r:x/read_markers"
#define PRESENCE "/_matrix/client/v3/presence/@milo:x/status"
#define FILTER "/_matrix/client/v3/user/@milo:x/filter"
#define DOWNLOAD "/_matrix/client/v1/media/download/x/y"
#define UPLOAD "/_matrix/media/v3/upload?filename=a"

struct world {
	struct rig_env e;
	struct rig_server hs;
	struct th_lean lean;
	struct rig_client c;
};

static void begin_with(struct world *w, const struct th_mem *mem, struct th_lean_config config)
{
	rig_env_init(&w->e, mem);
	rig_server_init(&w->hs);
	th_lean_init(&w->lean, &w->e.env, &w->hs.server, &config);
}

static struct world *begin(struct th_lean_config config)
{
	static struct world w;

	begin_with(&w, &th_mem_libc, config);
	return &w;
}

static void end(struct world *w)
{
	th_stage_free(&w->lean.stage);
	rig_server_free(&w->hs);
}

/* Whether it went on. */
static bool goes(struct world *w, const char *method, const char *target, const char *fields, const char *body)
{
	size_t before = w->hs.n;
	bool went;

	rig_send(&w->c, th_lean_server(&w->lean), method, target, fields, body);
	went = w->hs.n > before;
	if (went && !rig_last(&w->hs)->closed)
		rig_answer(rig_last(&w->hs), 200, "", "hs");
	assert_true(w->c.closed);
	if (!went)
		assert_true(rig_has(&w->c, "Access-Control-Allow-Origin: *\n"));
	rig_client_free(&w->c);
	th_stage_turn(&w->lean.stage);
	return went;
}

static void test_off(void **state)
{
	struct world *w = begin((struct th_lean_config){ .typing = false });

	(void)state;
	assert_true(goes(w, "PUT", TYPING, MILO, "{}"));
	assert_true(goes(w, "POST", RECEIPT, MILO, "{}"));
	assert_true(goes(w, "PUT", PRESENCE, MILO, "{}"));
	assert_true(goes(w, "GET", "/_matrix/client/v3/sync", MILO, NULL));
	assert_string_equal(rig_last(&w->hs)->target, "/_matrix/client/v3/sync");
	assert_true(goes(w, "POST", FILTER, MILO, "{}"));
	assert_memory_equal(th_buf_data(&rig_last(&w->hs)->body), "{}", 2);
	assert_true(goes(w, "GET", DOWNLOAD, MILO, NULL));
	assert_true(goes(w, "POST", UPLOAD, MILO, "png"));
	end(w);
}

static void test_dropped(void **state)
{
	static const struct {
		struct th_lean_config config;
		const char *method, *target;
	} cases[] = {
		{ { .typing = true }, "PUT", TYPING },
		{ { .receipts = true }, "POST", RECEIPT },
		{ { .receipts = true }, "POST", MARKERS },
		{ { .presence = true }, "PUT", PRESENCE },
	};

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
		struct world *w = begin(cases[i].config);

		for (size_t k = 0; k < UNIT_COUNT(cases); k++) {
			bool mine = k == i || (cases[i].config.receipts && cases[k].config.receipts);

			assert_int_equal(goes(w, cases[k].method, cases[k].target, MILO, "{\"typing\":true}"), !mine);
			if (mine)
				rig_got(&w->c, 200, "{}");
		}
		/* reading is another thing, and who has no token gets his 401 */
		assert_true(goes(w, "GET", cases[i].target, MILO, NULL));
		assert_true(goes(w, cases[i].method, cases[i].target, "", "{}"));
		end(w);
	}
}

static void test_filters(void **state)
{
	struct world *w = begin((struct th_lean_config){ .sync.timeline_limit = 5 });
	static const char want[] = "{\"room\":{\"timeline\":{\"limit\":5}},\"event_fields\":[\"x\"]}";

	(void)state;
	assert_true(goes(w, "GET", "/_matrix/client/v3/sync?since=a", MILO, NULL));
	assert_string_equal(
		rig_last(&w->hs)->target,
		"/_matrix/client/v3/sync?since=a&filter=%7B%22room%22:%7B%22timeline%22:%7B%22limit%22:5%7D%7D%7D");
	assert_true(goes(w, "GET", "/_matrix/client/v3/sync?filter=7", MILO, NULL));
	assert_string_equal(rig_last(&w->hs)->target, "/_matrix/client/v3/sync?filter=7");
	w->hs.take = 7;
	rig_send(&w->c, th_lean_server(&w->lean), "POST", FILTER, MILO, "{\"event_fields\":[\"x\"]}");
	while (!rig_last(&w->hs)->ended)
		th_flow_resume(&rig_last(&w->hs)->flow);
	assert_string_equal(rig_last(&w->hs)->fields, MILO);
	assert_int_equal(rig_last(&w->hs)->body_len, strlen(want));
	assert_memory_equal(th_buf_data(&rig_last(&w->hs)->body), want, strlen(want));
	rig_answer(rig_last(&w->hs), 200, "", "{\"filter_id\":\"0\"}");
	rig_got(&w->c, 200, "{\"filter_id\":\"0\"}");
	rig_client_free(&w->c);
	w->hs.take = 0;
	/* what is no filter goes as it is */
	assert_true(goes(w, "POST", FILTER, MILO, "[1,"));
	assert_memory_equal(th_buf_data(&rig_last(&w->hs)->body), "[1,", 3);
	/* a client that leaves in the middle */
	rig_open(&w->c, th_lean_server(&w->lean));
	rig_head(&w->c, "POST", FILTER, MILO, 10);
	th_flow_data(&w->c.flow, (const uint8_t *)"{", 1);
	rig_leave(&w->c);
	rig_client_free(&w->c);
	end(w);
}

static void test_media(void **state)
{
	struct world *w = begin((struct th_lean_config){ .max_media = 5 });

	(void)state;
	assert_true(goes(w, "GET", DOWNLOAD, MILO, NULL));
	rig_got(&w->c, 200, "hs");
	rig_send(&w->c, th_lean_server(&w->lean), "GET", DOWNLOAD, MILO, NULL);
	rig_answer_head(rig_last(&w->hs), 200, "Content-Type: image/png\n", 6);
	assert_true(rig_last(&w->hs)->closed); /* cancelled: nothing more of it comes */
	assert_int_equal(w->c.status, 502);
	rig_client_free(&w->c);
	assert_non_null(strstr(w->c.text, "\"errcode\":\"M_TOO_LARGE\""));
	/* its length was not told: it breaks off */
	rig_send(&w->c, th_lean_server(&w->lean), "GET", DOWNLOAD, MILO, NULL);
	rig_answer_head(rig_last(&w->hs), 200, "", TH_BODY_UNKNOWN);
	rig_answer_data(rig_last(&w->hs), "12345", 5);
	rig_answer_data(rig_last(&w->hs), "6", 1);
	assert_int_equal(w->c.why.err, TH_ERR_TOO_LARGE);
	rig_client_free(&w->c);
	/* errors are not media */
	rig_send(&w->c, th_lean_server(&w->lean), "GET", DOWNLOAD, MILO, NULL);
	rig_answer(rig_last(&w->hs), 404, "", "{\"errcode\":\"M_NOT_FOUND\"}");
	rig_got(&w->c, 404, "{\"errcode\":\"M_NOT_FOUND\"}");
	rig_client_free(&w->c);
	/* uploads: not one byte crosses */
	assert_true(goes(w, "POST", UPLOAD, MILO, "12345"));
	assert_false(goes(w, "POST", UPLOAD, MILO, "123456"));
	assert_int_equal(w->c.status, 413);
	rig_open(&w->c, th_lean_server(&w->lean));
	rig_head(&w->c, "PUT", "/_matrix/media/v3/upload/x/y", MILO, TH_BODY_UNKNOWN);
	th_flow_data(&w->c.flow, (const uint8_t *)"123", 3);
	th_flow_data(&w->c.flow, (const uint8_t *)"456", 3);
	assert_true(rig_last(&w->hs)->closed);
	assert_int_equal(w->c.status, 413);
	rig_client_free(&w->c);
	assert_int_equal(w->lean.refused, 4);
	end(w);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t k = 1;; k++) {
		struct failmem f;
		static struct world w;

		failmem_init(&f, k);
		begin_with(&w, &f.mem, (struct th_lean_config){ .typing = true, .sync = { true, true, 10 } });
		for (unsigned i = 0; i < 3; i++) {
			static const char *const targets[] = { TYPING, FILTER, "/_matrix/client/v3/sync" };
			static const char *const methods[] = { "PUT", "POST", "GET" };
			size_t before = w.hs.n;

			rig_send(&w.c, th_lean_server(&w.lean), methods[i], targets[i], MILO, i < 2 ? "{}" : NULL);
			if (w.hs.n > before)
				rig_answer(rig_last(&w.hs), 200, "", "{}");
			assert_true(w.c.closed);
			if (!w.c.why.err)
				rig_got(&w.c, 200, "{}");
			rig_client_free(&w.c);
			th_stage_turn(&w.lean.stage);
		}
		end(&w);
		assert_int_equal(f.live, 0);
		if (!f.hit)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off),   cmocka_unit_test(test_dropped),	cmocka_unit_test(test_filters),
		cmocka_unit_test(test_media), cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
