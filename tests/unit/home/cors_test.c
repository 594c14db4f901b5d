/* Preflights: which are answered at home, and that nothing else is. */
#include "home/cors.h"

#include "failmem.h"
#include "rig.h"

#define ORIGIN "Origin: https://app.example\n"
#define GET_AUTH "Access-Control-Request-Method: GET\nAccess-Control-Request-Headers: authorization\n"
#define PUT_BOTH "Access-Control-Request-Method: PUT\nAccess-Control-Request-Headers: authorization,content-type\n"
#define SYNAPSE                                                                                                        \
	"Access-Control-Allow-Origin: *\n"                                                                             \
	"Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE, OPTIONS\n"                                        \
	"Access-Control-Allow-Headers: X-Requested-With, Content-Type, Authorization, Date\n"                          \
	"Access-Control-Expose-Headers: Synapse-Trace-Id, Server\n"

struct world {
	struct rig_env e;
	struct rig_server hs;
	struct th_cors cors;
	struct rig_client c;
};

static void begin_with(struct world *w, const struct th_mem *mem, enum th_cors_mode mode)
{
	const struct th_cors_config config = { .mode = mode, .learnt_for = 3600 * TH_SEC };

	rig_env_init(&w->e, mem);
	rig_server_init(&w->hs);
	th_cors_init(&w->cors, &w->e.env, &w->hs.server, &config);
}

static struct world *begin(enum th_cors_mode mode)
{
	static struct world w;

	begin_with(&w, &th_mem_libc, mode);
	return &w;
}

static void end(struct world *w)
{
	th_cors_free(&w->cors);
	rig_server_free(&w->hs);
}

/* Whether it crossed; the homeserver answers with these. */
static bool options(struct world *w, const char *target, const char *fields, unsigned status, const char *answer,
		    const char *body)
{
	size_t before = w->hs.n;
	bool crossed;

	rig_send(&w->c, th_cors_server(&w->cors), "OPTIONS", target, fields, NULL);
	crossed = w->hs.n > before;
	if (crossed)
		rig_answer(rig_last(&w->hs), status, answer, body);
	assert_true(w->c.ended && w->c.closed);
	rig_client_free(&w->c);
	th_stage_turn(&w->cors.stage);
	return crossed;
}

static void test_learns_once(void **state)
{
	struct world *w = begin(TH_CORS_LEARN);

	(void)state;
	assert_true(options(w, "/_matrix/client/v3/sync?since=1", ORIGIN GET_AUTH, 204, SYNAPSE, ""));
	/* another path, method, origin, header list: the answer covers them */
	assert_false(options(w, "/_matrix/client/v3/sync?since=2", ORIGIN GET_AUTH, 0, "", ""));
	assert_int_equal(w->c.status, 204);
	assert_string_equal(w->c.fields, SYNAPSE);
	assert_false(options(w, "/_matrix/client/r0/rooms/x/typing/y", "Origin: null\n" PUT_BOTH, 0, "", ""));
	assert_string_equal(w->c.fields, SYNAPSE);
	assert_false(options(w, "/_matrix/client/versions", ORIGIN "Access-Control-Request-Method: GET\n", 0, "", ""));
	assert_int_equal(w->e.last_by, TH_HOME_CORS);
	/* what it does not list has to be asked */
	assert_true(options(w, "/_matrix/client/v3/sync", ORIGIN "Access-Control-Request-Method: PATCH\n", 204, SYNAPSE,
			    ""));
	assert_true(options(w, "/_matrix/client/v3/sync",
			    ORIGIN "Access-Control-Request-Method: GET\nAccess-Control-Request-Headers: x-odd\n", 204,
			    SYNAPSE, ""));
	/* ... but the same question only once */
	assert_false(options(w, "/_matrix/client/v3/sync", ORIGIN "Access-Control-Request-Method: PATCH\n", 0, "", ""));
	/* other parts of the server */
	assert_true(options(w, "/_matrix/media/v3/upload", ORIGIN PUT_BOTH, 204, SYNAPSE, ""));
	assert_true(options(w, "/_synapse/admin/v1/x", ORIGIN PUT_BOTH, 404, "", "no"));
	assert_true(options(w, "/_synapse/admin/v1/x", ORIGIN PUT_BOTH, 204, SYNAPSE, ""));
	assert_false(options(w, "/_synapse/admin/v1/x", ORIGIN PUT_BOTH, 0, "", ""));
	assert_true(options(w, "/_synapse/admin/v1/y", ORIGIN PUT_BOTH, 204, SYNAPSE, ""));
	/* for an hour */
	w->e.now += 3600 * TH_SEC;
	assert_true(options(w, "/_matrix/client/v3/sync", ORIGIN GET_AUTH, 204, SYNAPSE, ""));
	end(w);
}

static void test_mirrors_are_exact(void **state)
{
	static const char mirror[] = "Access-Control-Allow-Origin: https://app.example\n"
				     "Access-Control-Allow-Methods: GET\n"
				     "Access-Control-Allow-Headers: authorization\n"
				     "Vary: Origin\n";
	struct world *w = begin(TH_CORS_LEARN);

	(void)state;
	assert_true(options(w, "/_matrix/client/v3/sync", ORIGIN GET_AUTH, 200, mirror, "{}"));
	assert_false(options(w, "/_matrix/client/v3/sync", ORIGIN GET_AUTH, 0, "", ""));
	rig_got(&w->c, 200, "{}");
	assert_true(options(w, "/_matrix/client/v3/sync", "Origin: https://evil.example\n" GET_AUTH, 403, "", ""));
	assert_true(
		options(w, "/_matrix/client/v3/sync", ORIGIN "Access-Control-Request-Method: GET\n", 200, mirror, ""));
	assert_true(options(w, "/_matrix/client/v3/sync", ORIGIN PUT_BOTH, 200, mirror, ""));
	end(w);
}

/* The origin is named, the lists are not mirrored: any request of that origin. */
static void test_one_origin(void **state)
{
	static const char one[] = "Access-Control-Allow-Origin: https://app.example\n"
				  "Access-Control-Allow-Methods: GET, PUT\n"
				  "Access-Control-Allow-Headers: Authorization, Content-Type\n";
	struct world *w = begin(TH_CORS_LEARN);

	(void)state;
	assert_true(options(w, "/_matrix/client/v3/sync", ORIGIN GET_AUTH, 200, one, ""));
	assert_false(options(w, "/_matrix/client/v3/x", ORIGIN PUT_BOTH, 0, "", ""));
	assert_true(options(w, "/_matrix/client/v3/x", "Origin: https://other.example\n" PUT_BOTH, 403, "", ""));
	end(w);
}

/* OPTIONS that are no preflights, and everything else, go through untouched. */
static void test_not_preflights(void **state)
{
	static const struct {
		const char *method, *fields, *body;
	} cases[] = {
		{ "OPTIONS", "", NULL },
		{ "OPTIONS", ORIGIN, NULL },
		{ "OPTIONS", GET_AUTH, NULL },
		{ "OPTIONS", ORIGIN GET_AUTH, "body" },
		{ "OPTIONS", ORIGIN GET_AUTH "Authorization: Bearer x\n", NULL },
		{ "OPTIONS", ORIGIN ORIGIN GET_AUTH, NULL },
		{ "GET", ORIGIN GET_AUTH, NULL },
		{ "PUT", ORIGIN PUT_BOTH, "{}" },
	};

	(void)state;
	for (enum th_cors_mode mode = TH_CORS_LEARN; mode <= TH_CORS_OFF; mode++) {
		struct world *w = begin(mode);

		for (size_t i = 0; i < 2 * UNIT_COUNT(cases); i++) {
			size_t k = i / 2, before = w->hs.n;

			rig_send(&w->c, th_cors_server(&w->cors), cases[k].method, "/_matrix/client/v3/sync",
				 cases[k].fields, cases[k].body);
			assert_int_equal(w->hs.n, before + 1);
			assert_string_equal(rig_last(&w->hs)->fields, cases[k].fields);
			rig_answer(rig_last(&w->hs), 204, SYNAPSE, "");
			rig_client_free(&w->c);
		}
		end(w);
	}
}

static void test_spec(void **state)
{
	struct world *w = begin(TH_CORS_SPEC);

	(void)state;
	assert_false(options(w, "/_matrix/client/v3/sync", ORIGIN GET_AUTH, 0, "", ""));
	rig_got(&w->c, 204, "");
	assert_string_equal(w->c.fields,
			    "Access-Control-Allow-Origin: *\n"
			    "Access-Control-Allow-Methods: GET, POST, PUT, DELETE, OPTIONS\n"
			    "Access-Control-Allow-Headers: X-Requested-With, Content-Type, Authorization\n");
	assert_true(options(w, "/elsewhere", ORIGIN GET_AUTH, 204, SYNAPSE, ""));
	end(w);
}

/* A site that may reach private networks asks for more: such answers are for equal questions only. */
static void test_private_network(void **state)
{
	struct world *w = begin(TH_CORS_LEARN);

	(void)state;
	assert_true(options(w, "/_matrix/client/v3/sync", ORIGIN GET_AUTH, 204, SYNAPSE, ""));
	assert_true(options(w, "/_matrix/client/v3/sync",
			    ORIGIN GET_AUTH "Access-Control-Request-Private-Network: true\n", 204,
			    SYNAPSE "Access-Control-Allow-Private-Network: true\n", ""));
	assert_false(options(w, "/_matrix/client/v3/sync",
			     ORIGIN GET_AUTH "Access-Control-Request-Private-Network: true\n", 0, "", ""));
	assert_true(rig_has(&w->c, "Private-Network"));
	assert_false(options(w, "/_matrix/client/v3/sync", ORIGIN GET_AUTH, 0, "", ""));
	assert_false(rig_has(&w->c, "Private-Network"));
	end(w);
}

static void test_bounds(void **state)
{
	struct world *w = begin(TH_CORS_LEARN);
	static char long_body[TH_CORS_BODY_MAX + 2];
	char target[32];

	(void)state;
	memset(long_body, 'x', sizeof(long_body) - 1);
	assert_true(options(w, "/a", ORIGIN GET_AUTH, 200, SYNAPSE, long_body));
	assert_true(options(w, "/a", ORIGIN GET_AUTH, 500, SYNAPSE, ""));
	assert_int_equal(w->cors.n_rules, 0);
	for (unsigned i = 0; i < 3 * TH_CORS_RULES; i++) {
		snprintf(target, sizeof(target), "/%u", i);
		assert_true(options(w, target, ORIGIN GET_AUTH, 204, SYNAPSE, ""));
		assert_true(w->cors.n_rules <= TH_CORS_RULES);
	}
	/* the client leaves before its answer: nothing is learnt, nothing lost */
	rig_send(&w->c, th_cors_server(&w->cors), "OPTIONS", "/b", ORIGIN GET_AUTH, NULL);
	rig_leave(&w->c);
	rig_client_free(&w->c);
	th_stage_turn(&w->cors.stage);
	end(w);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t k = 1;; k++) {
		struct failmem f;
		static struct world w;

		failmem_init(&f, k);
		begin_with(&w, &f.mem, TH_CORS_LEARN);
		for (unsigned i = 0; i < 3; i++) {
			size_t before = w.hs.n;

			rig_send(&w.c, th_cors_server(&w.cors), "OPTIONS", "/_matrix/client/v3/x", ORIGIN GET_AUTH,
				 NULL);
			if (w.hs.n > before)
				rig_answer(rig_last(&w.hs), 204, SYNAPSE, "");
			assert_true(w.c.closed);
			rig_client_free(&w.c);
			th_stage_turn(&w.cors.stage);
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
		cmocka_unit_test(test_learns_once), cmocka_unit_test(test_mirrors_are_exact),
		cmocka_unit_test(test_one_origin),  cmocka_unit_test(test_not_preflights),
		cmocka_unit_test(test_spec),	    cmocka_unit_test(test_private_network),
		cmocka_unit_test(test_bounds),	    cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
