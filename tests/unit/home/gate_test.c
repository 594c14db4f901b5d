/* Fast failures while the link is down, and recovery by itself. */
#include "home/gate.h"

#include "rig.h"

struct world {
	struct rig_env e;
	struct rig_server hs;
	struct th_gate gate;
	struct rig_client c[10];
	unsigned downs, ups;
};

static void changed(void *user, bool down, size_t waiting, th_time silent)
{
	struct world *w = user;

	(void)waiting;
	(void)silent;
	if (down)
		w->downs++;
	else
		w->ups++;
}

static struct world *begin(size_t max_waiting, th_time silence)
{
	static struct world w;
	const struct th_gate_config config = { .max_waiting = max_waiting,
					       .silence = silence,
					       .retry_after = 17 * TH_SEC };

	memset(&w, 0, sizeof(w));
	rig_env_init(&w.e, &th_mem_libc);
	rig_server_init(&w.hs);
	th_gate_init(&w.gate, &w.e.env, &w.hs.server, &config);
	w.gate.changed = changed;
	w.gate.user = &w;
	return &w;
}

static void end(struct world *w)
{
	th_stage_free(&w->gate.stage);
	rig_server_free(&w->hs);
}

static void get(struct world *w, unsigned i)
{
	rig_send(&w->c[i], th_gate_server(&w->gate), "GET", "/x", "", NULL);
}

static void refused(struct world *w, unsigned i)
{
	assert_true(w->c[i].closed);
	assert_int_equal(w->c[i].why.status, 503);
	assert_int_equal(w->c[i].why.retry_after, 17);
	rig_client_free(&w->c[i]);
	th_stage_turn(&w->gate.stage);
}

static void answered(struct world *w, unsigned i)
{
	rig_got(&w->c[i], 200, "");
	rig_client_free(&w->c[i]);
	th_stage_turn(&w->gate.stage);
}

static void test_queue(void **state)
{
	struct world *w = begin(3, TH_NEVER);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		get(w, i);
	get(w, 3);
	refused(w, 3);
	assert_int_equal(w->hs.n, 3);
	/* one whose answer has begun waits no more */
	rig_answer_head(w->hs.calls[0], 200, "", TH_BODY_UNKNOWN);
	get(w, 3);
	assert_int_equal(w->hs.n, 4);
	get(w, 4);
	refused(w, 4);
	/* nor one that left, or failed */
	rig_leave(&w->c[1]);
	rig_client_free(&w->c[1]);
	rig_fail(w->hs.calls[2], TH_ERR_TIMEOUT, 504);
	rig_client_free(&w->c[2]);
	assert_int_equal(w->gate.waiting, 1);
	rig_answer(w->hs.calls[3], 200, "", "");
	answered(w, 3);
	rig_answer_end(w->hs.calls[0]);
	answered(w, 0);
	assert_int_equal(w->gate.waiting, 0);
	assert_int_equal(w->gate.refused_full, 2);
	end(w);
}

static void test_silence(void **state)
{
	struct world *w = begin(0, 60 * TH_SEC);

	(void)state;
	/* nothing heard for an hour, but nobody waited either */
	w->e.now += 3600 * TH_SEC;
	get(w, 0);
	w->e.now += 60 * TH_SEC;
	get(w, 1);
	assert_int_equal(w->hs.n, 2);
	th_gate_heard(&w->gate);
	w->e.now += 60 * TH_SEC;
	get(w, 2);
	assert_int_equal(w->hs.n, 3);
	w->e.now += TH_SEC;
	get(w, 3);
	refused(w, 3);
	get(w, 3);
	refused(w, 3);
	assert_int_equal(w->downs, 1); /* told once */
	assert_true(th_gate_is_down(&w->gate));
	/* anything heard brings it back */
	th_gate_heard(&w->gate);
	assert_int_equal(w->ups, 1);
	get(w, 3);
	assert_int_equal(w->hs.n, 4);
	/* and when all who waited have given up, the next one finds out */
	w->e.now += 61 * TH_SEC;
	get(w, 4);
	refused(w, 4);
	for (unsigned i = 0; i < 4; i++) {
		rig_fail(w->hs.calls[i], TH_ERR_TIMEOUT, 504);
		rig_client_free(&w->c[i]);
	}
	assert_int_equal(w->ups, 2);
	get(w, 0);
	rig_answer(rig_last(&w->hs), 200, "", "");
	answered(w, 0);
	end(w);
}

static void test_told(void **state)
{
	struct world *w = begin(0, 60 * TH_SEC);

	(void)state;
	th_gate_set_link(&w->gate, TH_LINK_DOWN);
	assert_int_equal(w->downs, 1);
	get(w, 0);
	refused(w, 0);
	th_gate_heard(&w->gate); /* its owner knows better */
	get(w, 0);
	refused(w, 0);
	th_gate_set_link(&w->gate, TH_LINK_UP);
	get(w, 0);
	w->e.now += 3600 * TH_SEC;
	get(w, 1);
	assert_int_equal(w->hs.n, 2);
	th_gate_set_link(&w->gate, TH_LINK_UNKNOWN);
	get(w, 2);
	refused(w, 2);
	assert_int_equal(w->downs, 2);
	assert_int_equal(w->e.last_by, TH_HOME_GATE);
	rig_leave(&w->c[0]);
	rig_leave(&w->c[1]);
	rig_client_free(&w->c[0]);
	rig_client_free(&w->c[1]);
	assert_int_equal(w->ups, 2);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
