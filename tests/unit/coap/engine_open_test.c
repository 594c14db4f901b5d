/* Known faults of the engine, each as the test it does not pass yet: the program is expected to fail. Who mends one
 * moves its test to where it belongs. */
#include "rig.h"

static struct rig r;
static struct wire w, q;

/* Refused with an Echo challenge, repeated with it and executed: then a copy of the refused message arrives late. The
 * peer is known by now, and no record was kept of the refusal, so the request is executed a second time (RFC 7252
 * §4.5). */
static void a_late_copy_of_a_request_refused_for_want_of_echo(void **state)
{
	uint8_t echo[40];
	size_t n;

	(void)state;
	rig_open(&r);
	th_coap_require_echo(r.c, true);
	r.auto_reply = true;
	rig_rx_request(&r, 0, W_CON, W_POST, 1, "t", "once");
	rig_pop(&r, &q);
	assert_int_equal(q.code, W_401);
	n = wire_find(&q, W_ECHO)->n;
	memcpy(echo, wire_find(&q, W_ECHO)->p, n);
	rig_make_request(&w, W_CON, W_POST, 2, "t", "once");
	wire_option(&w, W_ECHO, echo, n);
	rig_rx(&r, 0, &w);
	assert_int_equal(r.requests, 1);
	rig_rx_request(&r, 0, W_CON, W_POST, 1, "t", "once"); /* the duplicate */
	assert_int_equal(r.requests, 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_copy_of_a_request_refused_for_want_of_echo),
	};

	return cmocka_run_group_tests_name("coap/engine: open", tests, NULL, NULL);
}
