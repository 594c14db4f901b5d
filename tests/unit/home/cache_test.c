/* The cache: what is answered at home and what is not, with the bytes that the homeserver sent. */
#include "home/cache.h"

#include "failmem.h"
#include "rig.h"

#define VERSIONS "/_matrix/client/versions"
#define PROFILE "/_matrix/client/v3/profile/@milo:maple.example"
#define MEDIA "/_matrix/client/v1/media/download/maple.example/abc"
#define NO_STORE                                                                                                       \
	"Content-Type: application/json\nCache-Control: no-cache, no-store, must-revalidate\nX-Frame-Options: a  b\n"
#define MILO "Authorization: Bearer milo\n"
#define YUSUF "Authorization: Bearer yusuf\n"

struct world {
	struct rig_env e;
	struct rig_server hs;
	struct th_cache cache;
	struct rig_client c;
};

static const struct th_cache_config config = { .max_bytes = 100000, .max_entries = 100, .max_body = 20000 };

static void begin_with(struct world *w, const struct th_mem *mem, const struct th_cache_config *cc)
{
	rig_env_init(&w->e, mem);
	rig_server_init(&w->hs);
	th_cache_init(&w->cache, &w->e.env, &w->hs.server, cc);
}

static struct world *begin(void)
{
	static struct world w;

	begin_with(&w, &th_mem_libc, &config);
	return &w;
}

static void end(struct world *w)
{
	th_cache_free(&w->cache);
	rig_server_free(&w->hs);
}

/* Asks; the homeserver, when it is asked, gives this answer. Whether it was asked. */
static bool get(struct world *w, const char *target, const char *fields, unsigned status, const char *answer_fields,
		const char *body)
{
	size_t before = w->hs.n;
	bool asked;

	rig_send(&w->c, th_cache_server(&w->cache), "GET", target, fields, NULL);
	asked = w->hs.n > before;
	if (asked)
		rig_answer(rig_last(&w->hs), status, answer_fields, body);
	assert_true(w->c.closed);
	rig_client_free(&w->c);
	th_stage_turn(&w->cache.stage);
	return asked;
}

static bool ask(struct world *w, const char *method, const char *target, const char *fields, unsigned status)
{
	size_t before = w->hs.n;
	bool asked;

	rig_send(&w->c, th_cache_server(&w->cache), method, target, fields, "{}");
	asked = w->hs.n > before;
	if (asked)
		rig_answer(rig_last(&w->hs), status, "", "{}");
	rig_client_free(&w->c);
	th_stage_turn(&w->cache.stage);
	return asked;
}

static void test_table_row(void **state)
{
	struct world *w = begin();

	(void)state;
	assert_true(get(w, VERSIONS, MILO, 200, NO_STORE, "{\"versions\":[]}"));
	w->e.now += 90 * TH_SEC + TH_MS;
	assert_false(get(w, VERSIONS, MILO, 0, "", ""));
	assert_string_equal(w->c.fields, NO_STORE "Age: 90\n");
	assert_int_equal(w->c.status, 200);
	assert_int_equal(w->c.body_len, 15);
	assert_int_equal(w->e.last_by, TH_HOME_CACHE);
	/* what another account, or nobody, gets is asked for */
	assert_true(get(w, VERSIONS, YUSUF, 200, NO_STORE, "{}"));
	assert_true(get(w, VERSIONS, "", 200, NO_STORE, "{}"));
	/* the table's hour is over */
	w->e.now += 3600 * TH_SEC;
	assert_true(get(w, VERSIONS, MILO, 200, NO_STORE, "{}"));
	end(w);
}

static void test_body_is_exact(void **state)
{
	struct world *w = begin();
	char body[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 7);
	rig_send(&w->c, th_cache_server(&w->cache), "GET", MEDIA, MILO, NULL);
	rig_answer_bytes(rig_last(&w->hs), 200, "Content-Type: image/png\nETag: 1\n", body, sizeof(body), false);
	assert_int_equal(w->c.body_len, TH_BODY_UNKNOWN);
	rig_client_free(&w->c);
	th_stage_turn(&w->cache.stage);
	/* a slow reader, while the entry goes */
	rig_open(&w->c, th_cache_server(&w->cache));
	w->c.take = 1000;
	rig_head(&w->c, "GET", MEDIA, MILO, 0);
	rig_end(&w->c);
	assert_int_equal(w->hs.n, 1);
	th_store_set_limits(&w->cache.store, 0, 0);
	assert_int_equal(w->cache.store.entries, 0);
	th_stage_turn(&w->cache.stage);
	for (size_t i = 0; i < 5; i++)
		rig_read(&w->c, 1000);
	assert_true(w->c.ended);
	assert_int_equal(w->c.body.n, sizeof(body));
	assert_memory_equal(th_buf_data(&w->c.body), body, sizeof(body));
	rig_client_free(&w->c);
	end(w);
}

static void test_http_rules(void **state)
{
	struct world *w = begin();

	(void)state;
	/* marked: max-age */
	assert_true(get(w, "/a", MILO, 200, "Cache-Control: max-age=60\nAge: 20\n", "a"));
	w->e.now += 39 * TH_SEC;
	assert_false(get(w, "/a", MILO, 0, "", ""));
	assert_string_equal(w->c.fields, "Cache-Control: max-age=60\nAge: 59\n");
	w->e.now += TH_SEC;
	assert_true(get(w, "/a", MILO, 200, "Cache-Control: max-age=60\n", "a"));
	/* not marked, no validator: not stored */
	assert_true(get(w, "/b", MILO, 200, "", "b"));
	assert_true(get(w, "/b", MILO, 200, "", "b"));
	assert_false(rig_has(&w->c, "If-None-Match"));
	/* no-store, private for nobody, Vary: *, Set-Cookie, errors */
	assert_true(get(w, "/c", MILO, 200, "Cache-Control: max-age=60, no-store\n", "c"));
	assert_true(get(w, "/c", MILO, 200, "Cache-Control: max-age=60\nVary: *\n", "c"));
	assert_true(get(w, "/c", MILO, 200, "Cache-Control: max-age=60\nSet-Cookie: a=b\n", "c"));
	assert_true(get(w, "/c", MILO, 404, "Cache-Control: max-age=60\n", "c"));
	assert_true(get(w, "/c", MILO, 200, "", "c"));
	assert_true(get(w, "/d", "", 200, "Cache-Control: max-age=60, private\n", "d"));
	assert_true(get(w, "/d", "", 200, "Cache-Control: max-age=60, s-maxage=0\nETag: \"1\"\n", "d"));
	assert_true(get(w, "/d", "", 200, "", "d"));
	/* one account's cache is a private one: s-maxage is not for it */
	assert_true(get(w, "/e", MILO, 200, "Cache-Control: public,max-age=60,s-maxage=0\n", "e"));
	assert_false(get(w, "/e", MILO, 0, "", ""));
	/* what Vary may name is part of the key */
	assert_true(get(w, "/f", MILO "Accept-Language: de\n", 200,
			"Cache-Control: max-age=60\nVary: Accept-Language\n", "f"));
	assert_true(get(w, "/f", MILO "Accept-Language: fr\n", 200,
			"Cache-Control: max-age=60\nVary: Accept-Language\n", "f"));
	assert_false(get(w, "/f", MILO "accept-language: de\nUser-Agent: x\n", 0, "", ""));
	/* no body, no range, no precondition */
	assert_true(get(w, "/e", MILO "Range: bytes=0-1\n", 206, "Content-Range: bytes 0-1/2\n", "e"));
	assert_true(get(w, "/e", MILO "If-Match: \"x\"\n", 412, "", ""));
	assert_false(get(w, "/e", MILO, 0, "", ""));
	end(w);
}

static void test_request_directives(void **state)
{
	struct world *w = begin();

	(void)state;
	assert_true(get(w, VERSIONS, MILO, 200, NO_STORE, "{}"));
	assert_true(get(w, VERSIONS, MILO "Cache-Control: no-cache\n", 304, "", ""));
	assert_true(get(w, VERSIONS, MILO "Cache-Control: max-age=0\n", 304, "", ""));
	assert_true(get(w, VERSIONS, MILO "Pragma: no-cache\n", 304, "", ""));
	w->e.now += 10 * TH_SEC;
	assert_false(get(w, VERSIONS, MILO "Cache-Control: max-age=11\n", 0, "", ""));
	assert_true(get(w, VERSIONS, MILO "Cache-Control: max-age=9\n", 304, "", ""));
	assert_true(get(w, VERSIONS, MILO "Cache-Control: min-fresh=3601\n", 304, "", ""));
	assert_true(get(w, VERSIONS, MILO "Cache-Control: no-store\n", 200, NO_STORE, "{2}"));
	assert_false(rig_has(&w->c, "Age"));
	assert_false(get(w, VERSIONS, MILO, 0, "", ""));
	assert_false(get(w, VERSIONS, MILO "Cache-Control: only-if-cached\n", 0, "", ""));
	assert_int_equal(w->c.status, 200);
	assert_false(get(w, VERSIONS, YUSUF "Cache-Control: only-if-cached\n", 0, "", ""));
	assert_int_equal(w->c.why.status, 504);
	/* the switch that takes max-age=0 of every request for what it is */
	w->cache.config.ignore_reload = true;
	assert_false(get(w, VERSIONS, MILO "Cache-Control: max-age=0\n", 0, "", ""));
	end(w);
}

static void test_revalidation(void **state)
{
	struct world *w = begin();

	(void)state;
	/* the homeserver's own validator */
	assert_true(get(w, "/a", MILO, 200, "ETag: \"v1\"\nContent-Type: t/x\n", "one"));
	assert_true(get(w, "/a", MILO, 304, "ETag: \"v1\"\nContent-Type: t/y\n", ""));
	assert_true(strstr(rig_last(&w->hs)->fields, "If-None-Match: \"v1\"\n") != NULL);
	assert_int_equal(w->c.status, 200);
	assert_int_equal(w->c.body_len, 3);
	assert_string_equal(w->c.fields, "ETag: \"v1\"\nContent-Type: t/y\n");
	assert_true(get(w, "/a", MILO, 200, "ETag: \"v2\"\n", "two"));
	assert_true(get(w, "/a", MILO, 304, "", ""));
	assert_string_equal(w->c.fields, "ETag: \"v2\"\n");
	/* Last-Modified */
	assert_true(get(w, "/b", "", 200, "Last-Modified: Mon, 23 Nov 2026 09:05:26 GMT\n", "b"));
	assert_true(get(w, "/b", "", 304, "", ""));
	assert_true(strstr(rig_last(&w->hs)->fields, "If-Modified-Since: Mon, 23 Nov 2026 09:05:26 GMT\n") != NULL);
	/* a tag of ours where there is none */
	assert_true(get(w, PROFILE, MILO, 200, NO_STORE, "{\"displayname\":\"Milo\"}"));
	w->e.now += 601 * TH_SEC;
	assert_true(get(w, PROFILE, MILO, 304, "", ""));
	assert_true(strstr(rig_last(&w->hs)->fields, "If-None-Match: \"~t:") != NULL);
	assert_int_equal(w->c.status, 200);
	assert_string_equal(w->c.fields, NO_STORE);
	assert_false(get(w, PROFILE, MILO, 0, "", ""));
	/* an error does not become a stale answer, and the entry stays */
	w->e.now += 601 * TH_SEC;
	assert_true(get(w, PROFILE, MILO, 500, "", "no"));
	assert_int_equal(w->c.status, 500);
	assert_true(get(w, PROFILE, MILO, 304, "", ""));
	assert_int_equal(w->c.status, 200);
	end(w);
}

/* The client's own conditions against what is stored. */
static void test_conditional_client(void **state)
{
	struct world *w = begin();

	(void)state;
	assert_true(get(w, MEDIA, MILO, 200, "Content-Type: image/png\nETag: 1\nContent-Disposition: inline\n", "png"));
	assert_false(get(w, MEDIA, MILO "If-None-Match: 1\n", 0, "", ""));
	assert_int_equal(w->c.status, 304);
	assert_string_equal(w->c.fields, "ETag: 1\nAge: 0\n");
	assert_false(get(w, MEDIA, MILO "If-None-Match: \"x\", W/1\n", 0, "", ""));
	assert_int_equal(w->c.status, 304);
	assert_false(get(w, MEDIA, MILO "If-None-Match: \"other\"\n", 0, "", ""));
	assert_int_equal(w->c.status, 200);
	/* what is not stored: the client's condition goes as it is, and its 304 comes back as one */
	assert_true(get(w, MEDIA, YUSUF "If-None-Match: 1\n", 304, "ETag: 1\n", ""));
	assert_int_equal(w->c.status, 304);
	end(w);
}

static void test_head(void **state)
{
	struct world *w = begin();

	(void)state;
	rig_send(&w->c, th_cache_server(&w->cache), "HEAD", VERSIONS, MILO, NULL);
	rig_answer_head(rig_last(&w->hs), 200, "Content-Length: 2\n", 0);
	rig_answer_end(rig_last(&w->hs));
	rig_client_free(&w->c);
	assert_true(get(w, VERSIONS, MILO, 200, NO_STORE, "{}"));
	rig_send(&w->c, th_cache_server(&w->cache), "HEAD", VERSIONS, MILO, NULL);
	rig_got(&w->c, 200, "");
	assert_string_equal(w->c.fields, NO_STORE "Age: 0\nContent-Length: 2\n");
	assert_int_equal(w->hs.n, 2);
	rig_client_free(&w->c);
	end(w);
}

static void test_writes(void **state)
{
	struct world *w = begin();

	(void)state;
	assert_true(get(w, PROFILE, MILO, 200, NO_STORE, "{1}"));
	assert_true(get(w, PROFILE "/displayname", YUSUF, 200, NO_STORE, "{2}"));
	assert_true(get(w, "/_matrix/client/v3/profile/@other:x", MILO, 200, NO_STORE, "{3}"));
	assert_true(get(w, "/_matrix/client/v3/pushrules/", MILO, 200, NO_STORE, "{4}"));
	assert_true(ask(w, "PUT", "/_matrix/client/v3/profile/%40milo%3Amaple.example/avatar_url", MILO, 200));
	/* all of that user's profile, for all accounts; nothing else */
	assert_true(get(w, PROFILE, MILO, 200, NO_STORE, "{5}"));
	assert_true(get(w, PROFILE "/displayname", YUSUF, 200, NO_STORE, "{6}"));
	assert_false(get(w, "/_matrix/client/v3/profile/@other:x", MILO, 0, "", ""));
	assert_false(get(w, "/_matrix/client/v3/pushrules/", MILO, 0, "", ""));
	assert_true(ask(w, "DELETE", "/_matrix/client/v3/pushrules/global/content/x", MILO, 200));
	assert_true(get(w, "/_matrix/client/v3/pushrules/", MILO, 200, NO_STORE, "{7}"));
	/* logging in does not change the ways to log in */
	assert_true(get(w, "/_matrix/client/v3/login", "", 200, NO_STORE, "{}"));
	assert_true(ask(w, "POST", "/_matrix/client/v3/login", "", 200));
	assert_false(get(w, "/_matrix/client/v3/login", "", 0, "", ""));
	/* the path itself, whatever its query (RFC 9111 4.4) */
	assert_true(get(w, "/x?y", MILO, 200, "Cache-Control: max-age=60\n", "x"));
	assert_true(ask(w, "POST", "/x", MILO, 200));
	assert_true(get(w, "/x?y", MILO, 200, "Cache-Control: max-age=60\n", "x"));
	end(w);
}

/* An answer that is older than a write is not stored after it. */
static void test_write_while_asking(void **state)
{
	struct world *w = begin();
	struct rig_client reader, early;
	struct rig_call *read_call, *write_call;

	(void)state;
	rig_send(&early, th_cache_server(&w->cache), "GET", PROFILE, YUSUF, NULL);
	read_call = rig_last(&w->hs);
	rig_send(&w->c, th_cache_server(&w->cache), "PUT", PROFILE "/displayname", MILO, "{}");
	write_call = rig_last(&w->hs);
	rig_answer(read_call, 200, NO_STORE, "{old}");
	rig_send(&reader, th_cache_server(&w->cache), "GET", PROFILE, MILO, NULL);
	read_call = rig_last(&w->hs);
	rig_answer(write_call, 200, "", "{}");
	rig_answer(read_call, 200, NO_STORE, "{old?}");
	rig_client_free(&early);
	rig_client_free(&reader);
	rig_client_free(&w->c);
	assert_int_equal(w->cache.store.entries, 0);
	assert_true(get(w, PROFILE, MILO, 200, NO_STORE, "{new}"));
	assert_true(get(w, PROFILE, YUSUF, 200, NO_STORE, "{new}"));
	/* a write that failed changes nothing the second time; the first time it might have */
	end(w);
}

static void test_logout(void **state)
{
	struct world *w = begin();

	(void)state;
	assert_true(get(w, MEDIA, MILO, 200, "ETag: 1\n", "png"));
	assert_true(get(w, MEDIA, YUSUF, 200, "ETag: 1\n", "png"));
	assert_true(ask(w, "POST", "/_matrix/client/v3/logout", MILO, 200));
	assert_true(get(w, MEDIA, MILO, 401, NO_STORE, "{}"));
	assert_false(get(w, MEDIA, YUSUF, 0, "", ""));
	/* a token that the homeserver does not know any more */
	assert_true(get(w, "/_matrix/client/v3/sync", YUSUF, 401, NO_STORE, "{}"));
	assert_true(get(w, MEDIA, YUSUF, 401, NO_STORE, "{}"));
	end(w);
}

static void test_bounds(void **state)
{
	struct world *w = begin();
	static char body[20002];
	char target[64];

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	assert_true(get(w, MEDIA "1", MILO, 200, "ETag: 1\n", body)); /* too long */
	rig_send(&w->c, th_cache_server(&w->cache), "GET", MEDIA "2", MILO, NULL);
	rig_answer_bytes(rig_last(&w->hs), 200, "", body, sizeof(body) - 1, false); /* and it did not say so */
	rig_client_free(&w->c);
	assert_int_equal(w->cache.store.entries, 0);
	body[10000] = '\0';
	for (unsigned i = 0; i < 50; i++) {
		snprintf(target, sizeof(target), MEDIA "%u", i);
		assert_true(get(w, target, MILO, 200, "ETag: 1\n", body));
		assert_true(w->cache.store.bytes <= config.max_bytes);
		assert_false(get(w, MEDIA "0", MILO, 0, "", "")); /* in use: stays */
	}
	assert_true(w->cache.store.entries > 3 && w->cache.store.evicted > 30);
	assert_true(get(w, MEDIA "1", MILO, 200, "ETag: 1\n", body));
	th_cache_set_config(&w->cache, &(struct th_cache_config){ .max_bytes = 0 });
	assert_int_equal(w->cache.store.entries, 0);
	assert_int_equal(w->cache.store.bytes, 0);
	assert_true(get(w, VERSIONS, MILO, 200, NO_STORE, "{}"));
	assert_true(get(w, VERSIONS, MILO, 200, NO_STORE, "{}"));
	end(w);
}

/* A client that leaves, a homeserver that breaks off or says less than it promised: nothing half is stored. */
static void test_broken(void **state)
{
	struct world *w = begin();

	(void)state;
	rig_send(&w->c, th_cache_server(&w->cache), "GET", VERSIONS, MILO, NULL);
	rig_answer_head(rig_last(&w->hs), 200, NO_STORE, 10);
	rig_answer_data(rig_last(&w->hs), "12345", 5);
	rig_leave(&w->c);
	assert_true(rig_last(&w->hs)->closed);
	rig_client_free(&w->c);
	rig_send(&w->c, th_cache_server(&w->cache), "GET", VERSIONS, MILO, NULL);
	rig_answer_head(rig_last(&w->hs), 200, NO_STORE, 10);
	rig_answer_data(rig_last(&w->hs), "12345", 5);
	rig_fail(rig_last(&w->hs), TH_ERR_CLOSED, 502);
	assert_int_equal(w->c.why.status, 502);
	rig_client_free(&w->c);
	w->hs.refuse = (struct th_failure){ .err = TH_ERR_FULL, .status = 503, .reason = "full", .retry_after = 5 };
	rig_send(&w->c, th_cache_server(&w->cache), "GET", VERSIONS, MILO, NULL);
	assert_int_equal(w->c.why.retry_after, 5);
	rig_client_free(&w->c);
	w->hs.refuse.err = TH_OK;
	assert_int_equal(w->cache.store.entries, 0);
	assert_int_equal(w->cache.stage.n_open, 0);
	end(w);
}

/* No secret stands in what is kept. */
static void test_no_secret(void **state)
{
	static const char token[] = "syt_very_secret_token";
	struct world *w = begin();

	(void)state;
	assert_true(get(w, VERSIONS, "Authorization: Bearer syt_very_secret_token\n", 200, NO_STORE, "{}"));
	for (const struct th_list *l = w->cache.store.lru.next; l != &w->cache.store.lru; l = l->next) {
		const struct th_entry *e = TH_OWNER(l, struct th_entry, lru);

		assert_null(memmem(e, sizeof(*e), token, strlen(token)));
		assert_null(memmem(e->kept, e->kept->bytes, token, strlen(token)));
	}
	end(w);
}

/* Every allocation fails once: clients get an answer or an error, never half a one, and nothing is lost. */
static void test_no_memory(void **state)
{
	(void)state;
	for (size_t k = 1;; k++) {
		struct failmem f;
		static struct world w;

		failmem_init(&f, k);
		begin_with(&w, &f.mem, &config);
		for (unsigned i = 0; i < 3; i++) {
			size_t before = w.hs.n;

			rig_send(&w.c, th_cache_server(&w.cache), "GET", PROFILE, MILO, NULL);
			if (w.hs.n > before) {
				bool known = strstr(rig_last(&w.hs)->fields, "If-None-Match") != NULL;

				rig_answer(rig_last(&w.hs), known ? 304 : 200, known ? "" : NO_STORE,
					   known ? "" : "{}");
			}
			assert_true(w.c.closed);
			if (!w.c.why.err)
				rig_got(&w.c, 200, "{}");
			rig_client_free(&w.c);
			w.e.now += 400 * TH_SEC;
			th_stage_turn(&w.cache.stage);
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
		cmocka_unit_test(test_table_row),
		cmocka_unit_test(test_body_is_exact),
		cmocka_unit_test(test_http_rules),
		cmocka_unit_test(test_request_directives),
		cmocka_unit_test(test_revalidation),
		cmocka_unit_test(test_conditional_client),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_write_while_asking),
		cmocka_unit_test(test_logout),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_no_secret),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
