/* The far half's comparison: 304 for what is the same, the whole answer for the rest, and nothing else touched. Near
 * cache and far stage agree on the tag across the policy that lies between them. */
#include "home/unchanged.h"

#include "failmem.h"
#include "home/cache.h"
#include "rig.h"

#define TARGET "/_matrix/client/v3/capabilities"
#define HEAD                                                                                                           \
	"Server: Synapse\nDate: Mon, 23 Nov 2026 09:35:01 GMT\nContent-Type: application/json\n"                       \
	"Cache-Control: no-cache, no-store, must-revalidate\nAccess-Control-Allow-Origin: *\n"

/* What crosses the link, between cache and far stage: fields filtered by policy, both ways. */
struct link {
	struct th_stage stage;
};

static void link_request(struct th_relay *r, const struct th_head *h)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head f = *h;

	f.n_fields = th_policy_filter(r->stage->env->policy, h, fields);
	f.fields = fields;
	th_relay_pass(r, &f);
}

static void link_answer(struct th_relay *r, const struct th_head *h)
{
	struct th_field fields[TH_HEAD_FIELDS_MAX];
	struct th_head f = *h;

	f.n_fields = th_policy_filter(r->stage->env->policy, h, fields);
	f.fields = fields;
	r->answered = true;
	th_flow_head(&r->up, &f);
}

static const struct th_relay_ops link_ops = { .head = link_request, .answer_head = link_answer };

struct world {
	struct rig_env e;
	struct rig_server hs;
	struct th_unchanged far;
	struct link link;
	struct th_cache cache;
	struct rig_client c;
};

static void begin_with(struct world *w, const struct th_mem *mem)
{
	static const struct th_cache_config config = { .max_bytes = 1 << 22, .max_entries = 100, .max_body = 1 << 20 };

	rig_env_init(&w->e, mem);
	rig_server_init(&w->hs);
	th_unchanged_init(&w->far, &w->e.env, &w->hs.server);
	th_stage_init(&w->link.stage, &w->e.env, th_unchanged_server(&w->far), &link_ops, sizeof(struct th_relay));
	th_cache_init(&w->cache, &w->e.env, &w->link.stage.server, &config);
}

static struct world *begin(void)
{
	static struct world w;

	begin_with(&w, &th_mem_libc);
	return &w;
}

static void turn(struct world *w)
{
	th_stage_turn(&w->cache.stage);
	th_stage_turn(&w->link.stage);
	th_stage_turn(&w->far.stage);
}

static void end(struct world *w)
{
	th_cache_free(&w->cache);
	th_stage_free(&w->link.stage);
	th_stage_free(&w->far.stage);
	rig_server_free(&w->hs);
}

static void get(struct world *w, const char *fields, const char *answer_fields, const void *body, size_t n, bool tell)
{
	rig_send(&w->c, th_cache_server(&w->cache), "GET", TARGET, fields, NULL);
	assert_null(strstr(rig_last(&w->hs)->fields, "~t:")); /* the homeserver never hears of tags */
	rig_answer_bytes(rig_last(&w->hs), 200, answer_fields, body, n, tell);
	assert_true(w->c.ended && w->c.closed);
	assert_int_equal(w->c.status, 200);
	assert_int_equal(w->c.body.n, n);
	assert_memory_equal(th_buf_data(&w->c.body), body, n);
	rig_client_free(&w->c);
	turn(w);
}

static void test_round(void **state)
{
	struct world *w = begin();

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		get(w, "Cache-Control: max-age=0\n", HEAD, "{\"a\":1.0}", 9, i % 2);
		assert_int_equal(w->far.same, i); /* all but the first */
		assert_string_equal(w->c.fields, "Content-Type: application/json\n"
						 "Cache-Control: no-cache, no-store, must-revalidate\n"
						 "Access-Control-Allow-Origin: *\n");
	}
	/* another body, another field */
	get(w, "Cache-Control: max-age=0\n", HEAD, "{\"a\":1}", 7, true);
	assert_int_equal(w->far.same, 9);
	get(w, "Cache-Control: max-age=0\n", HEAD "Vary: Authorization\n", "{\"a\":1}", 7, true);
	assert_int_equal(w->far.same, 9);
	assert_true(rig_has(&w->c, "Vary: Authorization\n"));
	get(w, "Cache-Control: max-age=0\n", HEAD "Vary: Authorization\n", "{\"a\":1}", 7, true);
	assert_int_equal(w->far.same, 10);
	end(w);
}

/* Answers that became too long to compare stream through, whatever the reader does. */
static void test_long(void **state)
{
	struct world *w = begin();
	static const char *const tag = "If-None-Match: \"~t:0123456789abcdef\"\n";
	size_t n = 700000;
	uint8_t *body = malloc(n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		body[i] = (uint8_t)(i * 31 >> 3);
	for (int tell = 0; tell < 2; tell++) {
		rig_open(&w->c, th_unchanged_server(&w->far));
		w->c.take = 100000;
		rig_head(&w->c, "GET", TARGET, tag, 0);
		rig_end(&w->c);
		rig_answer_bytes(rig_last(&w->hs), 200, HEAD, body, n, tell);
		while (!w->c.ended)
			rig_read(&w->c, 33333);
		assert_int_equal(w->c.body.n, n);
		assert_memory_equal(th_buf_data(&w->c.body), body, n);
		rig_client_free(&w->c);
		turn(w);
	}
	assert_int_equal(w->far.asked, 2);
	free(body);
	end(w);
}

static void test_untouched(void **state)
{
	static const char *const fields[] = { "", "If-None-Match: \"etag\"\n",
					      "If-None-Match: \"~t:0123456789abcdef\", \"b\"\n" };
	struct world *w = begin();

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(fields); i++) {
		rig_send(&w->c, th_unchanged_server(&w->far), "GET", "/x", fields[i], NULL);
		assert_string_equal(rig_last(&w->hs)->fields, fields[i]);
		rig_answer(rig_last(&w->hs), 304, "ETag: \"etag\"\n", "");
		rig_got(&w->c, 304, "");
		rig_client_free(&w->c);
	}
	/* errors with a tag asked for */
	rig_send(&w->c, th_unchanged_server(&w->far), "GET", "/x", "If-None-Match: \"~t:0123456789abcdef\"\n", NULL);
	assert_string_equal(rig_last(&w->hs)->fields, "");
	rig_answer(rig_last(&w->hs), 404, "", "no");
	rig_got(&w->c, 404, "no");
	rig_client_free(&w->c);
	/* one that breaks off while it is held back: no answer at all */
	rig_send(&w->c, th_unchanged_server(&w->far), "GET", "/x", "If-None-Match: \"~t:0123456789abcdef\"\n", NULL);
	rig_answer_head(rig_last(&w->hs), 200, "", 10);
	rig_answer_data(rig_last(&w->hs), "12345", 5);
	rig_fail(rig_last(&w->hs), TH_ERR_CLOSED, 502);
	assert_false(w->c.head);
	assert_int_equal(w->c.why.status, 502);
	rig_client_free(&w->c);
	end(w);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t k = 1;; k++) {
		struct failmem f;
		static struct world w;

		failmem_init(&f, k);
		begin_with(&w, &f.mem);
		for (unsigned i = 0; i < 3; i++) {
			size_t before = w.hs.n;

			rig_send(&w.c, th_cache_server(&w.cache), "GET", TARGET, "Cache-Control: no-cache\n", NULL);
			if (w.hs.n > before)
				rig_answer(rig_last(&w.hs), 200, HEAD, "{}");
			assert_true(w.c.closed);
			if (!w.c.why.err)
				rig_got(&w.c, 200, "{}");
			rig_client_free(&w.c);
			turn(&w);
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
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
