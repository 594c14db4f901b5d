/* The whole chain, near and far, with the defaults of the daemon. */
#include "home/home.h"

#include "failmem.h"
#include "rig.h"

#define MILO "Authorization: Bearer milo\n"

struct world {
	struct rig_env e;
	struct rig_server hs;
	struct th_home_far *far;
	struct th_home *near;
	struct rig_client c, d;
	uint64_t seed;
};

static bool begin(struct world *w, const struct th_mem *mem)
{
	struct th_rng rng;

	rig_env_init(&w->e, mem);
	rig_server_init(&w->hs);
	w->seed = 1;
	rng = th_rng_seeded(&w->seed);
	w->far = th_home_far_new(mem, &w->e.now, &w->e.policy, &th_home_default, &w->hs.server);
	w->near = w->far ? th_home_new(mem, &rng, &w->e.now, &w->e.policy, &th_home_default, th_home_far_server(w->far))
			 : NULL;
	return w->near != NULL;
}

static void end(struct world *w)
{
	th_home_del(w->near);
	th_home_far_del(w->far);
	rig_server_free(&w->hs);
}

static void turn(struct world *w)
{
	th_home_turn(w->near);
	th_home_far_turn(w->far);
}

static void test_chain(void **state)
{
	static struct world w;
	struct th_home_stats s;

	(void)state;
	assert_true(begin(&w, &th_mem_libc));
	/* a miss of two clients is one exchange, stored; then a hit; then revalidated */
	rig_send(&w.c, th_home_server(w.near), "GET", "/_matrix/client/v3/capabilities", MILO, NULL);
	rig_send(&w.d, th_home_server(w.near), "GET", "/_matrix/client/v3/capabilities", MILO, NULL);
	assert_int_equal(w.hs.n, 1);
	rig_answer(rig_last(&w.hs), 200, "Cache-Control: no-store\n", "{}");
	rig_got(&w.c, 200, "{}");
	rig_got(&w.d, 200, "{}");
	rig_client_free(&w.c);
	rig_client_free(&w.d);
	turn(&w);
	rig_send(&w.c, th_home_server(w.near), "GET", "/_matrix/client/v3/capabilities", MILO, NULL);
	rig_got(&w.c, 200, "{}");
	rig_client_free(&w.c);
	assert_int_equal(w.hs.n, 1);
	w.e.now += 7200 * TH_SEC;
	rig_send(&w.c, th_home_server(w.near), "GET", "/_matrix/client/v3/capabilities", MILO, NULL);
	rig_answer(rig_last(&w.hs), 200, "Cache-Control: no-store\n", "{}");
	rig_got(&w.c, 200, "{}");
	rig_client_free(&w.c);
	turn(&w);
	th_home_stats(w.near, &s);
	assert_int_equal(s.cache.revalidated, 1);
	assert_int_equal(s.cache.hits, 1);
	assert_int_equal(s.join.joined, 1);
	assert_int_equal(s.answered[TH_HOME_CACHE], 1);
	/* a fresh answer needs no link */
	th_gate_set_link(th_home_gate(w.near), TH_LINK_DOWN);
	rig_send(&w.c, th_home_server(w.near), "GET", "/_matrix/client/v3/capabilities", MILO, NULL);
	rig_got(&w.c, 200, "{}");
	rig_client_free(&w.c);
	rig_send(&w.c, th_home_server(w.near), "GET", "/_matrix/client/v3/joined_rooms", MILO, NULL);
	assert_int_equal(w.c.why.status, 503);
	rig_client_free(&w.c);
	end(&w);
}

/* It ends with exchanges open at every stage. */
static void test_deleted_while_open(void **state)
{
	static struct world w;

	(void)state;
	assert_true(begin(&w, &th_mem_libc));
	rig_send(&w.c, th_home_server(w.near), "GET", "/_matrix/client/v3/sync", MILO, NULL);
	rig_open(&w.d, th_home_server(w.near));
	rig_head(&w.d, "PUT", "/x", MILO, 5);
	end(&w);
	assert_int_equal(w.c.why.status, 503);
	assert_int_equal(w.d.why.status, 503);
	rig_client_free(&w.c);
	rig_client_free(&w.d);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t k = 1;; k++) {
		struct failmem f;
		static struct world w;

		failmem_init(&f, k);
		if (begin(&w, &f.mem)) {
			for (unsigned i = 0; i < 3; i++) {
				size_t before = w.hs.n;

				rig_send(&w.c, th_home_server(w.near), "GET", "/_matrix/client/versions",
					 "Cache-Control: no-cache\n", NULL);
				if (w.hs.n > before)
					rig_answer(rig_last(&w.hs), 200, "", "{}");
				assert_true(w.c.closed);
				rig_client_free(&w.c);
				turn(&w);
			}
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
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_deleted_while_open),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
