/* Either end moves to another address. */
#include "life.h"

/* Another port delays nothing. Another host has to show that it is there before it gets more than it sent: one exchange
 * is late by a round trip, no handshake is needed. */
static void the_initiator_moves(void **state)
{
	const struct {
		const char *to;
		unsigned trips;
	} places[] = { { "10.0.0.1:40001", 1 },	 { "10.0.0.9:40001", 2 },  { "10.0.0.9:40002", 1 },
		       { "[2001:db8::1]:1", 2 }, { "[2001:db8::2]:1", 2 }, { "10.0.0.1:40000", 2 } };
	th_session_id id;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	for (size_t i = 0; i < UNIT_COUNT(places); i++) {
		r.a.addr = rig_addr(places[i].to);
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == places[i].trips * 2 * r.delay);
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
		assert_int_equal(stats(&r.b)->roamed, i + 1);
	}
	assert_true(stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

/* Somebody catches what the initiator sends and sends it on from the address of another, again and again: who is there
 * gets no more than he was sent, though each answer is ten times as long (rig.c watches that, too). Once he lets go,
 * the initiator is answered at home. */
static void a_bystander_is_not_flooded(void **state)
{
	const struct th_addr bystander = rig_addr("192.0.2.66:666");
	size_t in = 0, in_n = 0, out = 0, out_n = 0, from;
	th_session_id id;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	r.b.answer_size = 400;
	rig_request(&r.a, id, 30);
	for (int i = 0; i < 200; i++) {
		from = tape_n;
		if (i % 2) /* something new that is short */
			assert_int_equal(th_session_keepalive(r.a.s, id, r.now), TH_OK);
		else
			assert_int_equal(th_session_resend(r.a.s, id, r.a.requests[0].number, r.now), TH_OK);
		rig_pump(&r, &r.a);
		r.flying_n = 0;
		for (; from < tape_n && th_addr_eq(&tape[from].to, &r.b.addr); from++) {
			in += tape[from].n;
			in_n++;
			rig_inject(&r, &r.b, &bystander, tape[from].b, tape[from].n);
			r.flying_n = 0;
		}
		r.now += 700 * TH_MS;
	}
	for (size_t i = 0; i < tape_n; i++)
		if (th_addr_eq(&tape[i].to, &bystander)) {
			out += tape[i].n;
			out_n++;
		}
	assert_true(in_n > 200 && out > 0);
	assert_true(out <= in && out + 28 * out_n <= in + 28 * in_n);
	assert_true(stats(&r.b)->held_back > 0);
	assert_true(rig_settle(&r, PATIENCE));
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) <= 2 * r.delay);
	assert_int_equal(r.executed[r.a.requests[0].id], 1);
	rig_free(&r);
}

/* What waits for the address to be shown goes once it is, each thing once. */
static void what_was_held_back_goes_once(void **state)
{
	th_session_id id;
	size_t sent;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	r.b.answer_size = 200;
	r.a.addr = rig_addr("10.0.0.9:1");
	rig_request(&r.a, id, 30);
	rig_run(&r, r.now + r.delay + TH_MS);
	for (int i = 0; i < 2; i++)
		assert_int_equal(th_session_resend(r.a.s, id, r.a.requests[0].number, r.now), TH_OK);
	sent = r.b.sent;
	assert_true(rig_settle(&r, 4 * r.delay));
	rig_run(&r, r.now + TH_SEC);
	assert_int_equal(r.b.sent - sent, 1);
	assert_int_equal(stats(&r.b)->held_back, 1 + 2); /* each copy tries again */
	rig_free(&r);
}

/* The challenge is lost, but what the copies bring is enough for the answer. */
static void copies_make_room_for_the_answer(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	r.b.answer_size = 60;
	r.a.addr = rig_addr("10.0.0.9:1");
	rig_request(&r.a, id, 30);
	rig_run(&r, r.now + r.delay + TH_MS);
	r.flying_n = 0;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(th_session_resend(r.a.s, id, r.a.requests[0].number, r.now), TH_OK);
		rig_pump(&r, &r.a);
	}
	assert_true(rig_settle(&r, 2 * r.delay + TH_MS));
	assert_true(stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

/* There and back, again and again, each time with something held back: nothing of it stays. */
static void back_and_forth(void **state)
{
	const struct th_addr home = rig_addr("10.0.0.1:40000"), away = rig_addr("10.0.0.9:1");
	struct th_session_info info;
	th_session_id id;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	r.b.answer_size = 400;
	for (int i = 0; i < 100; i++) {
		r.a.addr = away;
		rig_request(&r.a, id, 30);
		rig_run(&r, r.now + r.delay + TH_MS);
		r.flying_n = 0;
		r.a.addr = home;
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) > 0);
		assert_true(rig_settle(&r, PATIENCE));
	}
	assert_true(th_session_look(r.b.s, r.b.sessions[0], &info, r.now));
	assert_int_equal(info.kept, 0);
	rig_free(&r);
}

/* The first datagram comes from a bystander's address, a later attempt of the same session from home, and what confirms
 * it from the bystander's again: he has shown nothing by that (rig.c counts). */
static void a_bystander_before_the_keys(void **state)
{
	const struct th_addr bystander = rig_addr("192.0.2.66:666");
	struct th_session_info info = { 0 };
	th_session_id id;
	size_t from = 0;

	(void)state;
	set_up(1);
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_request(&r.a, id, 30);
	r.flying_n = 0;
	rig_inject(&r, &r.b, &bystander, tape[0].b, tape[0].n);
	r.flying_n = 0;
	r.down = true;
	rig_run(&r, r.now + 300 * TH_SEC);
	r.down = false;
	r.b.answer_size = 400;
	for (int i = 0; i < 100000 && !info.established; i++) {
		from = tape_n;
		rig_run(&r, r.now + TH_MS);
		assert_true(th_session_look(r.a.s, id, &info, r.now));
	}
	assert_true(info.established);
	for (int i = 0; i < 50; i++) {
		for (size_t k = from; k < tape_n; k++)
			if (th_addr_eq(&tape[k].to, &r.b.addr) && tape[k].b[0] >> 6 == 2)
				rig_inject(&r, &r.b, &bystander, tape[k].b, tape[k].n);
		r.flying_n = 0;
		from = tape_n;
		if (i < 10)
			rig_request(&r.a, id, 30);
		else
			assert_int_equal(th_session_keepalive(r.a.s, id, r.now), TH_OK);
		rig_pump(&r, &r.a);
		r.flying_n = 0;
	}
	assert_true(rig_settle(&r, PATIENCE));
	rig_free(&r);
}

/* A responder of several addresses: the initiator asks before it sends much there. */
static void the_responder_answers_from_elsewhere(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.a.config.cids = true;
	id = warm(TH_SESSION_NK);
	rig_request(&r.a, id, 30);
	rig_run(&r, r.now + r.delay + TH_MS);
	r.b.addr = rig_addr("10.0.0.3:5683");
	r.flying[0].from = r.b.addr;
	assert_true(rig_settle(&r, 10 * r.delay));
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) <= 4 * r.delay);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	assert_true(stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

/* The move comes while an answer is awaited: one exchange is late by two resends, and no handshake is needed. */
static void the_initiator_moves_while_it_waits(void **state)
{
	th_session_id id;
	uint32_t q;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	q = rig_request(&r.a, id, 30);
	r.a.addr = rig_addr("[2001:db8::7]:7");
	assert_true(rig_settle(&r, r.rto * 5 / 2 + 3 * r.delay));
	assert_int_equal(r.executed[q], 1);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	assert_true(stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

static void a_keepalive_tells_the_address(void **state)
{
	th_session_id id;
	size_t sent;

	(void)state;
	set_up(1);
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	assert_int_equal(th_session_keepalive(r.a.s, id, r.now), TH_ERR_NOT_FOUND);
	rig_exchange(&r, &r.a, id, PATIENCE);
	rig_exchange(&r, &r.a, id, PATIENCE);
	r.a.addr = rig_addr("10.0.0.1:9");
	sent = r.b.sent;
	r.a.sent_bytes = 0;
	assert_int_equal(th_session_keepalive(r.a.s, id, r.now), TH_OK);
	rig_run(&r, r.now + TH_SEC);
	assert_int_equal(r.a.sent_bytes, 10);
	assert_int_equal(r.b.sent, sent);
	assert_true(th_addr_eq(&r.a.addr, &(const struct th_addr[]){ address_of(&r.b, r.b.sessions[0]) }[0]));
	rig_free(&r);
}

static void the_responder_moves(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	id = warm(TH_SESSION_NK);
	r.b.addr = rig_addr("[2001:db8::5]:5683");
	assert_int_equal(th_sessions_set_address(r.a.s, id, &r.b.addr), TH_OK);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	assert_true(stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

/* Somebody in between catches an answer and hands it on from his own address. He gets what follows, until the silence
 * sends the initiator back to where its peer is configured to be; also when it was about to make new keys. */
static void comes_back_from_elsewhere(th_time rekey_age)
{
	const struct th_addr elsewhere = rig_addr("192.0.2.66:666");
	th_session_id id;

	set_up(1);
	r.a.config.cids = true;
	r.a.config.rekey_age = rekey_age;
	id = warm(TH_SESSION_NK);
	rig_request(&r.a, id, 30);
	rig_run(&r, r.now + 60 * TH_MS);
	assert_int_equal(r.flying_n, 1);
	r.flying_n = 0;
	rig_inject(&r, &r.a, &elsewhere, tape[tape_n - 1].b, tape[tape_n - 1].n);
	assert_true(rig_idle(&r));
	assert_true(th_addr_eq(&elsewhere, &(const struct th_addr[]){ address_of(&r.a, id) }[0]));
	rig_run(&r, r.now + 2 * TH_SEC);
	rig_exchange(&r, &r.a, id, 60 * TH_SEC);
	assert_true(th_addr_eq(&r.b.addr, &(const struct th_addr[]){ address_of(&r.a, id) }[0]));
	rig_free(&r);
}

static void an_initiator_led_astray_comes_back(void **state)
{
	(void)state;
	comes_back_from_elsewhere(TH_NEVER);
	comes_back_from_elsewhere(TH_SEC);
}

/* A new address during the handshake itself. */
static void moves_before_the_answer_came(void **state)
{
	th_session_id id;

	(void)state;
	set_up(1);
	r.a.config.rekey_age = TH_NEVER;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_request(&r.a, id, 30);
	r.a.addr = rig_addr("10.0.0.1:2");
	assert_true(rig_settle(&r, 15 * 60 * TH_SEC));
	assert_int_equal(r.again, 0);
	assert_int_equal(stats(&r.b)->sessions, 1); /* the later attempts named the same session */
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_initiator_moves),
		cmocka_unit_test(a_bystander_is_not_flooded),
		cmocka_unit_test(what_was_held_back_goes_once),
		cmocka_unit_test(copies_make_room_for_the_answer),
		cmocka_unit_test(back_and_forth),
		cmocka_unit_test(a_bystander_before_the_keys),
		cmocka_unit_test(the_responder_answers_from_elsewhere),
		cmocka_unit_test(the_initiator_moves_while_it_waits),
		cmocka_unit_test(a_keepalive_tells_the_address),
		cmocka_unit_test(the_responder_moves),
		cmocka_unit_test(an_initiator_led_astray_comes_back),
		cmocka_unit_test(moves_before_the_answer_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
