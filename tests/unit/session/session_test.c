/* Sessions between two ends: each pattern, early data, what handshakes and records cost. */
#include "rig.h"

#include "session/handshake.h"

enum { PATIENCE_S = 600 };

#define PATIENCE ((th_time)PATIENCE_S * TH_SEC)

static struct rig r;
static const struct th_noise_secret PSK = { { 1, 2, 3 } }, OTHER_PSK = { { 1, 2, 4 } };

static void start(void)
{
	rig_start(&r.a);
	rig_start(&r.b);
}

static th_session_id set_up(enum th_session_pattern pattern)
{
	rig_init(&r, 1);
	r.b.config.accept_xx = true;
	start();
	return rig_connect(&r.a, pattern, NULL);
}

static const struct th_session_stats *stats(const struct rig_end *e)
{
	return th_sessions_stats(e->s);
}

/* ---- patterns ---- */

static void cold_exchange_takes_one_round_trip(void **state)
{
	const enum th_session_pattern patterns[] = { TH_SESSION_NK, TH_SESSION_IK, TH_SESSION_KK };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(patterns); i++) {
		th_session_id id;

		rig_init(&r, 1);
		if (patterns[i] == TH_SESSION_KK) {
			r.b.config.allow = (const uint8_t(*)[TH_NOISE_DH]) & r.a.own.public;
			r.b.config.allow_n = 1;
		}
		start();
		id = rig_connect(&r.a, patterns[i], NULL);
		assert_int_equal(r.a.sent, 0); /* connecting says nothing */
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
		assert_int_equal(r.a.sent, 1);
		assert_int_equal(r.b.sent, 1);
		assert_int_equal(r.b.early, 1);
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
		assert_int_equal(r.a.sent, 2);
		assert_int_equal(r.b.sent, 2);
		assert_true(stats(&r.a)->handshakes == 1 && stats(&r.b)->handshakes == 1);
		assert_true(r.b.peer_has_key == (patterns[i] != TH_SESSION_NK));
		if (r.b.peer_has_key)
			assert_memory_equal(r.b.peer_key, r.a.own.public, TH_NOISE_DH);
		assert_memory_equal(r.a.peer_key, r.b.own.public, TH_NOISE_DH);
		rig_free(&r);
	}
}

static void psk_variants(void **state)
{
	(void)state;
	for (int pattern = TH_SESSION_NK; pattern <= TH_SESSION_XX; pattern++) {
		th_session_id id;

		rig_init(&r, 1);
		r.b.config.psk = &PSK;
		r.b.config.accept_xx = true;
		if (pattern == TH_SESSION_KK) {
			r.b.config.allow = (const uint8_t(*)[TH_NOISE_DH]) & r.a.own.public;
			r.b.config.allow_n = 1;
		}
		start();
		id = rig_connect(&r.a, (enum th_session_pattern)pattern, &PSK);
		rig_exchange(&r, &r.a, id, PATIENCE);
		rig_exchange(&r, &r.a, id, PATIENCE);
		assert_true(stats(&r.b)->handshakes == 1);
		/* Who has another psk, or none, gets no answer. */
		r.b.sent = 0;
		rig_request(&r.a, rig_connect(&r.a, (enum th_session_pattern)pattern, NULL), 30);
		rig_request(&r.a, rig_connect(&r.a, (enum th_session_pattern)pattern, &OTHER_PSK), 30);
		assert_false(rig_settle(&r, PATIENCE));
		assert_int_equal(r.b.sent, 0);
		assert_true(stats(&r.b)->not_accepted > 0 && stats(&r.b)->unauthentic > 0);
		rig_free(&r);
	}
}

static void first_contact_learns_the_key(void **state)
{
	th_session_id id = set_up(TH_SESSION_XX);
	struct th_session_info info;

	(void)state;
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 4 * r.delay); /* one round trip more */
	assert_int_equal(r.b.early, 0);
	assert_int_equal(r.a.sent, 2);
	assert_int_equal(r.b.sent, 2);
	assert_true(th_session_look(r.a.s, id, &info, r.now) && info.has_key);
	assert_memory_equal(info.key, r.b.own.public, TH_NOISE_DH);
	assert_memory_equal(r.b.peer_key, r.a.own.public, TH_NOISE_DH);
	rig_exchange(&r, &r.a, id, PATIENCE);
	rig_free(&r);
}

static void untrusted_key_ends_the_session(void **state)
{
	th_session_id id = set_up(TH_SESSION_XX);

	(void)state;
	r.a.trusts = false;
	rig_request(&r.a, id, 30);
	rig_run(&r, r.now + 5 * TH_SEC);
	assert_int_equal(r.a.closed, 1);
	assert_int_equal(r.a.why, TH_SESSION_END_KEY);
	assert_int_equal(r.a.sent, 1); /* the third message, with the payload, is not sent */
	assert_int_equal(r.b.opened, 0);
	assert_true(th_session_number(r.a.s, id) == UINT64_MAX);
	rig_free(&r);
}

static void lost_messages_of_first_contact(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		th_session_id id;

		rig_init(&r, seed);
		r.b.config.accept_xx = true;
		r.loss = 40;
		r.doubled = 20;
		r.jitter = 3 * TH_SEC;
		start();
		id = rig_connect(&r.a, TH_SESSION_XX, NULL);
		for (int i = 0; i < 5; i++)
			rig_request(&r.a, id, 30);
		assert_true(rig_settle(&r, 3600 * TH_SEC));
		assert_int_equal(r.again, 0);
		rig_free(&r);
	}
}

static void keys_that_are_not_allowed_get_nothing(void **state)
{
	const uint8_t allowed[2][TH_NOISE_DH] = { { 1 }, { 2 } };
	const enum th_session_pattern patterns[] = { TH_SESSION_NK, TH_SESSION_IK, TH_SESSION_KK };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(patterns); i++) {
		rig_init(&r, 1);
		r.b.config.allow = allowed;
		r.b.config.allow_n = 2;
		start();
		rig_request(&r.a, rig_connect(&r.a, patterns[i], NULL), 30);
		assert_false(rig_settle(&r, PATIENCE));
		assert_int_equal(r.b.sent, 0);
		assert_int_equal(r.b.opened, 0);
		assert_int_equal(stats(&r.b)->sessions, 0);
		rig_free(&r);
	}
	rig_init(&r, 1); /* XX tells the key with the third message only */
	r.b.config.allow = allowed;
	r.b.config.allow_n = 2;
	r.b.config.accept_xx = true;
	start();
	rig_request(&r.a, rig_connect(&r.a, TH_SESSION_XX, NULL), 30);
	assert_false(rig_settle(&r, PATIENCE));
	assert_int_equal(r.b.opened, 0);
	assert_int_equal(r.last_id, 1);
	assert_int_equal(r.executed[1], 0);
	rig_free(&r);
}

static void who_accepts_nothing_is_silent(void **state)
{
	(void)state;
	rig_init(&r, 1);
	r.b.config.accept = false;
	start();
	rig_request(&r.a, rig_connect(&r.a, TH_SESSION_NK, NULL), 30);
	assert_false(rig_settle(&r, PATIENCE));
	assert_int_equal(r.b.sent, 0);
	rig_free(&r);
	rig_init(&r, 1); /* nor XX unless told to */
	start();
	rig_request(&r.a, rig_connect(&r.a, TH_SESSION_XX, NULL), 30);
	assert_false(rig_settle(&r, PATIENCE));
	assert_int_equal(r.b.sent, 0);
	rig_free(&r);
}

static void wrong_key_of_the_responder(void **state)
{
	struct th_noise_pair wrong;
	th_session_id id;

	(void)state;
	rig_init(&r, 1);
	wrong = r.b.own;
	assert_true(th_noise_keygen(&r.b.own, &r.b.rng));
	r.b.config.own = &wrong; /* rig_connect() uses b.own */
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_request(&r.a, id, 30);
	assert_false(rig_settle(&r, PATIENCE));
	assert_int_equal(r.b.sent, 0);
	rig_free(&r);
}

static void hello_reaches_both_owners(void **state)
{
	static const uint8_t ours[] = "model 7", theirs[TH_SESSION_HELLO_MAX] = "a long one", prefix[] = "model";
	static const struct {
		const uint8_t *hello;
		size_t n;
	} responders[] = { { theirs, sizeof(theirs) }, { ours, sizeof(ours) }, { prefix, 5 }, { NULL, 0 } };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		const uint8_t *hello = responders[i / 2].hello;
		size_t n = responders[i / 2].n;

		rig_init(&r, 1);
		r.a.config.hello = ours;
		r.a.config.hello_n = sizeof(ours);
		r.b.config.hello = hello;
		r.b.config.hello_n = n;
		r.b.config.accept_xx = true;
		r.a.config.first_size = 200;
		start();
		rig_exchange(&r, &r.a, rig_connect(&r.a, i % 2 ? TH_SESSION_XX : TH_SESSION_NK, NULL), PATIENCE);
		assert_int_equal(r.b.hello_n, sizeof(ours));
		assert_memory_equal(r.b.hello, ours, sizeof(ours));
		assert_int_equal(r.a.hello_n, n);
		if (n)
			assert_memory_equal(r.a.hello, hello, n);
		rig_free(&r);
	}
}

static void the_longer_tag_wins(void **state)
{
	(void)state;
	for (int who = 0; who < 4; who++) {
		size_t tag = who ? TH_RECORD_TAG_LONG : TH_RECORD_TAG;
		th_session_id id;

		rig_init(&r, 1);
		r.a.config.tag_len = who & 1 ? TH_RECORD_TAG_LONG : TH_RECORD_TAG;
		r.b.config.tag_len = who & 2 ? TH_RECORD_TAG_LONG : TH_RECORD_TAG;
		start();
		id = rig_connect(&r.a, TH_SESSION_NK, NULL);
		rig_exchange(&r, &r.a, id, PATIENCE);
		r.a.sent_bytes = r.b.sent_bytes = 0;
		rig_exchange(&r, &r.a, id, PATIENCE);
		assert_int_equal(r.a.sent_bytes, 30 + 2 + tag);
		assert_int_equal(r.b.sent_bytes, 20 + 1 + tag);
		rig_free(&r);
	}
}

/* ---- what it costs ---- */

static void handshakes_cost_little(void **state)
{
	const struct {
		enum th_session_pattern pattern;
		uint64_t most;
	} rows[] = { { TH_SESSION_NK, 150 }, { TH_SESSION_IK, 200 }, { TH_SESSION_KK, 150 }, { TH_SESSION_XX, 400 } };

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		uint64_t out, in;
		th_session_id id;

		rig_init(&r, 1);
		r.a.config.first_size = 0; /* without padding */
		r.b.config.accept_xx = true;
		if (rows[i].pattern == TH_SESSION_KK) {
			r.b.config.allow = (const uint8_t(*)[TH_NOISE_DH]) & r.a.own.public;
			r.b.config.allow_n = 1;
		}
		start();
		id = rig_connect(&r.a, rows[i].pattern, NULL);
		rig_exchange(&r, &r.a, id, PATIENCE);
		out = r.a.sent_bytes - 30;
		in = r.b.sent_bytes - 20;
		printf("pattern %d: handshake %llu bytes out, %llu in\n", (int)rows[i].pattern, (unsigned long long)out,
		       (unsigned long long)in);
		assert_true(out + in <= rows[i].most);
		rig_free(&r);
	}
}

static void records_cost_ten_and_nine_bytes(void **state)
{
	th_session_id id = set_up(TH_SESSION_NK);

	(void)state;
	rig_exchange(&r, &r.a, id, PATIENCE);
	for (int i = 0; i < 3000; i++) {
		r.a.sent_bytes = r.b.sent_bytes = 0;
		rig_exchange(&r, &r.a, id, PATIENCE);
		assert_int_equal(r.a.sent_bytes, 30 + 10);
		assert_int_equal(r.b.sent_bytes, 20 + 9);
	}
	assert_true(stats(&r.a)->overhead_out == 3000 * 10 && stats(&r.a)->overhead_in == 3000 * 9);
	assert_int_equal(th_session_overhead(r.a.s, id), 10);
	rig_free(&r);
}

static void first_datagram_is_padded(void **state)
{
	(void)state;
	for (size_t size = 5; size < 200; size++) {
		th_session_id id = set_up(TH_SESSION_NK);

		rig_request(&r.a, id, size);
		/* Sometimes a byte more, since the padding's length takes one or two. */
		assert_true(r.a.sent_bytes >= 100 && (r.a.sent_bytes <= 101 || r.a.sent_bytes <= 56 + size));
		assert_true(rig_settle(&r, PATIENCE));
		assert_int_equal(r.a.sent, 1);
		assert_int_equal(r.b.sent, 1);
		rig_free(&r);
	}
}

/* ---- answers ---- */

static void large_answer_waits_for_the_address(void **state)
{
	th_session_id id;

	(void)state;
	rig_init(&r, 1);
	r.b.answer_size = 1200;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 4 * r.delay);
	assert_int_equal(r.a.sent, 2); /* the initiation, and an empty record that proves the address */
	assert_int_equal(r.b.sent, 2);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 2 * r.delay);
	rig_free(&r);
}

static void late_answer_waits_for_the_keys(void **state)
{
	th_session_id id;

	(void)state;
	rig_init(&r, 1);
	r.b.answer_after = 300 * TH_MS;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 400 * TH_MS);
	assert_int_equal(r.a.sent, 2);
	rig_free(&r);
	rig_init(&r, 1); /* within the patience it rides */
	r.b.answer_after = 90 * TH_MS;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 190 * TH_MS);
	assert_int_equal(r.a.sent, 1);
	assert_int_equal(r.b.sent, 1);
	rig_free(&r);
	rig_init(&r, 1); /* what is not final does not ride */
	r.b.plain_answers = true;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	assert_true(rig_exchange(&r, &r.a, id, PATIENCE) == 4 * r.delay);
	assert_int_equal(r.a.sent, 2);
	rig_free(&r);
}

static void large_request_does_not_ride(void **state)
{
	th_session_id id = set_up(TH_SESSION_NK);

	(void)state;
	rig_request(&r.a, id, 1300);
	assert_true(rig_settle(&r, PATIENCE));
	assert_int_equal(r.b.early, 0);
	assert_int_equal(r.a.sent, 2);
	assert_true(stats(&r.b)->early_refused == 0);
	rig_free(&r);
}

static void what_is_sent_meanwhile_follows(void **state)
{
	th_session_id id = set_up(TH_SESSION_NK);

	(void)state;
	for (int i = 0; i < 10; i++)
		rig_request(&r.a, id, 30);
	assert_int_equal(r.a.sent, 1);
	assert_true(rig_settle(&r, PATIENCE));
	assert_int_equal(r.a.sent, 10);
	assert_int_equal(r.b.sent, 10);
	rig_free(&r);
}

static void both_may_initiate(void **state)
{
	th_session_id ab, ba;

	(void)state;
	rig_init(&r, 1);
	r.a.config.cids = r.a.config.accept = true;
	start();
	ab = rig_connect(&r.a, TH_SESSION_NK, NULL);
	ba = rig_connect(&r.b, TH_SESSION_IK, NULL);
	for (int i = 0; i < 5; i++) {
		rig_request(&r.a, ab, 30);
		rig_request(&r.b, ba, 30);
		assert_true(rig_settle(&r, PATIENCE));
	}
	assert_int_equal(stats(&r.a)->sessions, 2);
	assert_int_equal(stats(&r.b)->sessions, 2);
	assert_int_equal(r.a.sent, 10);
	assert_int_equal(r.b.sent, 10);
	rig_free(&r);
}

/* ---- versions ---- */

static struct rig_datagram caught;

static void catch (struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	(void)rig, (void)e;
	caught = *d;
}

static void noise_for(struct th_noise *hs, bool initiator)
{
	uint8_t prologue[TH_HS_PROLOGUE];
	const struct th_noise_config c = { .protocol = th_hs_protocol(TH_HS_FIRST),
					   .initiator = initiator,
					   .prologue = prologue,
					   .prologue_len = sizeof(prologue),
					   .s = initiator ? NULL : &r.b.own,
					   .rs = initiator ? r.b.own.public : NULL };

	th_hs_prologue(TH_HS_FIRST, prologue);
	assert_int_equal(th_noise_init(hs, &c), TH_OK);
}

/* A newer initiator: it is told our version, and nothing else happens. */
static void a_responder_tells_its_version(void **state)
{
	const uint8_t future[60] = { 0x40 | 0x20, 7, 0xff };
	uint8_t d[200] = { 0xc0 }, plain[60];
	struct th_noise hs;
	size_t n;

	(void)state;
	rig_init(&r, 1);
	start();
	r.on_send = catch;
	noise_for(&hs, true);
	assert_int_equal(th_noise_write(&hs, &r.rng, future, sizeof(future), d + 1, sizeof(d) - 1, &n), TH_OK);
	rig_inject(&r, &r.b, &r.a.addr, d, 1 + n);
	assert_int_equal(r.b.sent, 1);
	assert_int_equal(caught.b[0], 0xd0);
	assert_int_equal(caught.b[1], 7);
	assert_int_equal(th_noise_read(&hs, caught.b + 2, caught.n - 2, plain, &n), TH_OK);
	assert_int_equal(n, 1);
	assert_int_equal(plain[0], TH_SESSION_VERSION << 6);
	assert_true(stats(&r.b)->wrong_version == 1 && stats(&r.b)->sessions == 0);
	rig_inject(&r, &r.b, &r.a.addr, d, 1 + r.b.sent_bytes);
	assert_int_equal(r.b.sent, 1);
	assert_int_equal(r.b.opened, 0);
	rig_free(&r);
}

static void an_initiator_hears_of_another_version(void **state)
{
	const uint8_t other[] = { 0x80 };
	uint8_t d[200] = { 0xd0 }, plain[200];
	th_session_id id = set_up(TH_SESSION_NK);
	struct th_noise hs;
	size_t n;

	(void)state;
	r.on_send = catch;
	rig_request(&r.a, id, 30);
	noise_for(&hs, false);
	assert_int_equal(th_noise_read(&hs, caught.b + 1, caught.n - 1, plain, &n), TH_OK);
	assert_int_equal(th_noise_write(&hs, &r.rng, other, 1, d + 1, sizeof(d) - 1, &n), TH_OK);
	rig_inject(&r, &r.a, &r.b.addr, d, 1 + n);
	assert_int_equal(r.a.closed, 1);
	assert_int_equal(r.a.why, TH_SESSION_END_VERSION);
	assert_true(stats(&r.a)->wrong_version == 1);
	assert_true(th_session_number(r.a.s, id) == UINT64_MAX);
	rig_free(&r);
}

/* ---- what is refused to the caller ---- */

static void verbs_check_what_they_are_given(void **state)
{
	th_session_id id = set_up(TH_SESSION_NK);
	static uint8_t big[TH_SESSION_PAYLOAD_MAX + 1];
	struct th_session_info info;
	uint64_t n;

	(void)state;
	n = th_session_number(r.a.s, id);
	assert_true(th_session_next(r.a.s, id) == n + 1);
	assert_int_equal(th_session_send(r.a.s, id + 1, n, big, 1, 0, r.now), TH_ERR_NOT_FOUND);
	assert_int_equal(th_session_send(r.a.s, id, n + 1, big, 1, 0, r.now), TH_ERR_INVALID);
	assert_int_equal(th_session_send(r.a.s, id, n, big, 0, 0, r.now), TH_ERR_INVALID);
	assert_int_equal(th_session_send(r.a.s, id, n, big, sizeof(big), 0, r.now), TH_ERR_TOO_LARGE);
	assert_int_equal(th_session_resend(r.a.s, id, n, r.now), TH_ERR_NOT_FOUND);
	th_session_seen(r.a.s, id, n);
	th_session_forget(r.a.s, id, n);
	th_session_seen(r.a.s, id + 1, n);
	th_session_forget(r.a.s, id + 1, n);
	assert_false(th_session_look(r.a.s, id + 1, &info, r.now));
	assert_true(th_session_number(r.a.s, 99) == UINT64_MAX && th_session_next(r.a.s, 99) == UINT64_MAX);
	assert_int_equal(th_sessions_set_address(r.a.s, 99, &r.b.addr), TH_ERR_NOT_FOUND);
	rig_exchange(&r, &r.a, id, PATIENCE);
	n = th_session_number(r.a.s, id);
	memset(big, 'Q', 5);
	memset(big + 1, 0, 4);
	assert_int_equal(th_session_send(r.a.s, id, n, big, 5, 0, r.now), TH_OK);
	assert_int_equal(th_session_send(r.a.s, id, n, big, 5, 0, r.now), TH_ERR_INVALID); /* once each */
	assert_int_equal(th_session_send(r.a.s, id, n, big, 5, TH_SESSION_KEEP, r.now), TH_ERR_INVALID);
	th_session_close(r.a.s, id);
	assert_int_equal(th_session_send(r.a.s, id, n, big, 5, 0, r.now), TH_ERR_NOT_FOUND);
	assert_int_equal(r.a.closed, 0);
	rig_free(&r);
}

static void impossible_configs_are_refused(void **state)
{
	const struct th_session_target nk = { TH_SESSION_NK, NULL, NULL }, xx = { TH_SESSION_XX, NULL, NULL };
	struct th_sessions_config c;
	struct th_session_ops none = { 0 };
	struct th_sessions *s;
	uint64_t seed = 1;
	struct th_rng rng = th_rng_seeded(&seed);
	struct th_noise_pair own = { { { 1 } }, { 2 } };
	struct th_addr to = { 0 };

	(void)state;
	th_sessions_config_default(&c);
	assert_null(th_sessions_new(&th_mem_libc, &rng, &c, &none, NULL)); /* accepts, without a key */
	c.own = &own;
	c.tag_len = 12;
	assert_null(th_sessions_new(&th_mem_libc, &rng, &c, &none, NULL));
	c.tag_len = TH_RECORD_TAG;
	c.cids = false;
	assert_null(th_sessions_new(&th_mem_libc, &rng, &c, &none, NULL));
	c.own = NULL;
	c.accept = false;
	c.sessions_max = 2;
	s = th_sessions_new(&th_mem_libc, &rng, &c, &none, NULL);
	assert_non_null(s);
	assert_true(th_sessions_connect(s, &to, &nk, 0) == 0); /* no key of the responder */
	assert_true(th_sessions_connect(s, &to, &xx, 0) == 0); /* none of ours */
	assert_true(th_sessions_connect(s, &to, &(struct th_session_target){ TH_SESSION_NK, own.public, NULL }, 0));
	assert_true(th_sessions_connect(s, &to, &(struct th_session_target){ TH_SESSION_NK, own.public, NULL }, 0));
	assert_true(th_sessions_connect(s, &to, &(struct th_session_target){ TH_SESSION_NK, own.public, NULL }, 0) ==
		    0);
	th_sessions_del(s);
	th_sessions_del(NULL);
}

static void kept_bytes_are_capped(void **state)
{
	th_session_id id;
	uint8_t p[100] = "Q";
	struct th_session_info info;
	int n = 0;

	(void)state;
	rig_init(&r, 1);
	r.a.config.kept_max = 4000;
	start();
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	while (n < 100 &&
	       th_session_send(r.a.s, id, th_session_number(r.a.s, id), p, sizeof(p), TH_SESSION_KEEP, r.now) == TH_OK)
		n++;
	assert_true(n > 5 && n < 20);
	assert_true(th_session_look(r.a.s, id, &info, r.now) && info.kept_bytes <= 4000);
	for (uint64_t i = 0; i < 100; i++)
		th_session_forget(r.a.s, id, i);
	assert_true(th_session_look(r.a.s, id, &info, r.now) && info.kept == 0 && info.kept_bytes == 0);
	rig_free(&r);
}

/* Each allocation of either end fails once: it is like a loss, or is told to the caller. */
static void memory_may_end_anywhere(void **state)
{
	size_t hit = 1;

	(void)state;
	for (size_t k = 1; hit; k++) {
		th_session_id id = set_up(k & 1 ? TH_SESSION_NK : TH_SESSION_XX);
		struct rig_end *ends[] = { &r.a, &r.b };

		for (size_t e = 0; e < 2; e++) {
			ends[e]->mem.count = 0;
			ends[e]->mem.fail_at = 1 + k / 2;
			ends[e]->mem.hit = false;
		}
		for (int i = 0; i < 4; i++)
			rig_request(&r.a, id, 30);
		assert_true(rig_settle(&r, PATIENCE));
		hit = r.a.mem.hit || r.b.mem.hit;
		rig_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cold_exchange_takes_one_round_trip),
		cmocka_unit_test(psk_variants),
		cmocka_unit_test(first_contact_learns_the_key),
		cmocka_unit_test(untrusted_key_ends_the_session),
		cmocka_unit_test(lost_messages_of_first_contact),
		cmocka_unit_test(keys_that_are_not_allowed_get_nothing),
		cmocka_unit_test(who_accepts_nothing_is_silent),
		cmocka_unit_test(wrong_key_of_the_responder),
		cmocka_unit_test(hello_reaches_both_owners),
		cmocka_unit_test(the_longer_tag_wins),
		cmocka_unit_test(handshakes_cost_little),
		cmocka_unit_test(records_cost_ten_and_nine_bytes),
		cmocka_unit_test(first_datagram_is_padded),
		cmocka_unit_test(large_answer_waits_for_the_address),
		cmocka_unit_test(late_answer_waits_for_the_keys),
		cmocka_unit_test(large_request_does_not_ride),
		cmocka_unit_test(what_is_sent_meanwhile_follows),
		cmocka_unit_test(both_may_initiate),
		cmocka_unit_test(a_responder_tells_its_version),
		cmocka_unit_test(an_initiator_hears_of_another_version),
		cmocka_unit_test(verbs_check_what_they_are_given),
		cmocka_unit_test(impossible_configs_are_refused),
		cmocka_unit_test(kept_bytes_are_capped),
		cmocka_unit_test(memory_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
