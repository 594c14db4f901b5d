/* Strangers: what is random, changed, cut, replayed or made up gets no byte back and changes nothing; a flood of
 * initiations leaves good exchanges and memory alone. Argument: how many datagrams (10^6). */
#include "rig.h"

enum { TAPE = 2000, SESSIONS = 6, FLOOD_SECONDS = 60, FLOOD_RATE = 10000, INITIATION = 100 };

#define PATIENCE (3600 * TH_SEC)

static struct rig r;
static unsigned long datagrams = 1000000;
static struct rig_datagram tape[TAPE];
static size_t tape_n;

static void record(struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	(void)rig, (void)e;
	if (tape_n < TAPE)
		tape[tape_n++] = *d;
}

static const struct th_session_stats *stats(const struct rig_end *e)
{
	return th_sessions_stats(e->s);
}

/* Several sessions, rekeyed a few times, one of them with a handshake unanswered, and all they said on the tape. */
static void live(th_session_id ids[SESSIONS])
{
	rig_init(&r, 1);
	r.on_send = record;
	tape_n = 0;
	r.a.config.rekey_packets = 10;
	rig_start(&r.a);
	rig_start(&r.b);
	for (int i = 0; i < SESSIONS; i++) {
		ids[i] = rig_connect(&r.a, i & 1 ? TH_SESSION_IK : TH_SESSION_NK, NULL);
		for (int k = 0; k < 25; k++)
			rig_exchange(&r, &r.a, ids[i], PATIENCE);
	}
	rig_exchange(&r, &r.a, rig_connect(&r.a, TH_SESSION_NK, NULL), PATIENCE);
	r.on_send = NULL;
	r.unchecked = true; /* stricter below: nothing at all is sent */
}

static size_t random_bytes(uint8_t *out)
{
	size_t n = th_rng_below(&r.rng, 200);

	r.rng.fill(r.rng.ctx, out, n);
	if (n > 0 && th_rng_below(&r.rng, 2))
		out[0] |= 0x80;
	return n;
}

/* A datagram of the tape, changed in one of several ways. */
static size_t changed(uint8_t *out)
{
	const struct rig_datagram *d = &tape[th_rng_below(&r.rng, tape_n)],
				  *other = &tape[th_rng_below(&r.rng, tape_n)];
	size_t n = d->n, at;

	memcpy(out, d->b, n);
	at = th_rng_below(&r.rng, n);
	switch (th_rng_below(&r.rng, 5)) {
	case 0:
		out[at] ^= (uint8_t)(1u << th_rng_below(&r.rng, 8));
		break;
	case 1:
		n = at;
		break;
	case 2:
		out[n++] = (uint8_t)th_rng_u32(&r.rng);
		break;
	case 3: /* the head of one, the rest of another */
		if (other->n > at)
			memcpy(out + at, other->b + at, (n = other->n) - at);
		if (memcmp(out, other->b, n) == 0 || (n == d->n && memcmp(out, d->b, n) == 0))
			out[n - 1] ^= 1;
		break;
	default:
		for (size_t i = 0; i < 4; i++)
			out[th_rng_below(&r.rng, n)] += (uint8_t)(1 + th_rng_below(&r.rng, 255));
		if (memcmp(out, d->b, n) == 0)
			out[at] ^= 1;
		break;
	}
	return n;
}

static struct th_addr somebody(void)
{
	struct th_addr a = rig_addr(th_rng_below(&r.rng, 2) ? "192.0.2.1:1" : "[2001:db8::1]:1");

	a.ip[15] = (uint8_t)th_rng_u32(&r.rng);
	a.port = (uint16_t)th_rng_u32(&r.rng);
	return a;
}

static void strangers_get_nothing(void **state)
{
	static uint8_t p[TH_SESSION_DATAGRAM_MAX + 1];
	th_session_id ids[SESSIONS];
	size_t bytes_a, bytes_b;
	uint64_t executed = 0;

	(void)state;
	live(ids);
	r.a.sent = r.b.sent = 0;
	bytes_a = r.a.mem.bytes;
	bytes_b = r.b.mem.bytes;
	for (unsigned long i = 0; i < datagrams; i++) {
		struct rig_end *to = i & 1 ? &r.a : &r.b, *other = i & 1 ? &r.b : &r.a;
		uint64_t what = th_rng_below(&r.rng, 3);
		struct th_addr from = somebody();
		size_t n;

		if (what == 0) {
			n = random_bytes(p);
		} else if (what == 1) {
			n = changed(p);
			if (th_rng_below(&r.rng, 2)) /* even in the name of the peer */
				from = other->addr;
		} else { /* replayed */
			const struct rig_datagram *d = &tape[th_rng_below(&r.rng, tape_n)];

			memcpy(p, d->b, n = d->n);
		}
		rig_inject(&r, to, &from, p, n);
		if (r.a.sent || r.b.sent)
			fail_msg("an answer to datagram %lu of kind %d", i, (int)what);
		r.now += 20 * TH_MS; /* not so many that cookies are asked for */
	}
	assert_true(r.a.mem.bytes == bytes_a && r.b.mem.bytes == bytes_b);
	assert_true(stats(&r.b)->roamed == 0 && stats(&r.b)->retries_out == 0);
	for (uint32_t q = 1; q <= r.last_id; q++)
		executed += r.executed[q];
	assert_true(executed == r.last_id);
	for (int i = 0; i < SESSIONS; i++)
		assert_true(rig_exchange(&r, &r.a, ids[i], PATIENCE) == 2 * r.delay);
	printf("%lu datagrams, %llu unauthentic, %llu for nobody, %llu malformed, %llu replayed\n", datagrams,
	       (unsigned long long)stats(&r.b)->unauthentic, (unsigned long long)stats(&r.b)->unknown_cid,
	       (unsigned long long)stats(&r.b)->malformed, (unsigned long long)stats(&r.b)->replayed);
	rig_free(&r);
}

/* ---- floods ---- */

static void bogus(size_t n)
{
	static uint8_t p[INITIATION];
	struct th_addr from = somebody();
	uint64_t before = r.b.sent_bytes;

	assert_true(n <= sizeof(p));
	r.rng.fill(r.rng.ctx, p, n);
	p[0] = th_rng_below(&r.rng, 2) ? 0xc0 : 0xc8; /* without a cookie, or with one that is made up */
	rig_inject(&r, &r.b, &from, p, n);
	assert_true(r.b.sent_bytes - before <= n);
	r.flying_n -= r.b.sent_bytes > before; /* it goes nowhere */
}

/* Good ends go on beside 10,000 bogus initiations a second: the warm as if nothing was, the cold with one round trip
 * more. */
static void a_flood_of_initiations(void **state)
{
	th_session_id warm;
	size_t most = 0, first = 0;
	unsigned cold = 0;

	(void)state;
	rig_init(&r, 1);
	r.unchecked = true;
	rig_start(&r.a);
	rig_start(&r.b);
	warm = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_exchange(&r, &r.a, warm, PATIENCE);
	rig_exchange(&r, &r.a, warm, PATIENCE);
	for (unsigned second = 0; second < FLOOD_SECONDS; second++) {
		th_session_id fresh = rig_connect(&r.a, TH_SESSION_NK, NULL);
		uint32_t a, b;

		for (unsigned i = 0; i < FLOOD_RATE / 10; i++)
			bogus(INITIATION);
		a = rig_request(&r.a, warm, 30);
		b = rig_request(&r.a, fresh, 30);
		for (unsigned tenth = 1; tenth < 10; tenth++) {
			rig_run(&r, r.now + 100 * TH_MS);
			for (unsigned i = 0; i < FLOOD_RATE / 10; i++)
				bogus(INITIATION);
		}
		rig_run(&r, r.now + 100 * TH_MS);
		assert_true(r.answered[a] == 1 && r.answered[b] == 1);
		cold += r.answered[b];
		th_session_close(r.a.s, fresh);
		most = r.b.mem.bytes > most ? r.b.mem.bytes : most;
		if (second == 0)
			first = r.b.mem.bytes;
	}
	assert_int_equal(cold, FLOOD_SECONDS);
	assert_true(stats(&r.b)->retries_out > FLOOD_SECONDS * FLOOD_RATE / 2);
	/* one more session a second, of the good ones, and nothing else */
	assert_true(most - first < (size_t)FLOOD_SECONDS * 8192);
	assert_true(stats(&r.b)->sessions == FLOOD_SECONDS + 1);
	printf("%d initiations: %llu retries, %llu looked at, %zu bytes at the most\n", FLOOD_SECONDS * FLOOD_RATE,
	       (unsigned long long)stats(&r.b)->retries_out, (unsigned long long)stats(&r.b)->unauthentic, most);
	rig_free(&r);
}

/* Somebody with the public key and one real address, who makes good initiations as fast as he can: he fills the places
 * for what is unconfirmed, and no more. */
static void a_flood_of_good_initiations_from_one_place(void **state)
{
	th_session_id warm, ids[RIG_ACTIVE];
	size_t most = 0;

	(void)state;
	rig_init(&r, 1);
	r.unchecked = true;
	r.b.config.half_open_max = 20;
	r.b.config.load = 50;
	rig_start(&r.a);
	rig_start(&r.b);
	warm = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_exchange(&r, &r.a, warm, PATIENCE);
	rig_exchange(&r, &r.a, warm, PATIENCE);
	for (unsigned i = 0; i < 300; i++) {
		uint32_t q = rig_request(&r.a, warm, 30);

		for (size_t k = 1; k < UNIT_COUNT(ids); k++) {
			ids[k] = rig_connect(&r.a, TH_SESSION_NK, NULL);
			rig_request(&r.a, ids[k], 30);
		}
		rig_run(&r, r.now + 110 * TH_MS);
		assert_int_equal(r.answered[q], 1);
		for (size_t k = 1; k < UNIT_COUNT(ids); k++)
			th_session_close(r.a.s, ids[k]);
		for (size_t k = 0; k < RIG_ACTIVE; k++)
			r.a.requests[k].active = false;
		most = r.b.mem.bytes > most ? r.b.mem.bytes : most;
		assert_true(stats(&r.b)->half_open <= 20);
	}
	assert_true(stats(&r.b)->limited > 0 && stats(&r.b)->retries_out > 0);
	assert_true(most < (size_t)1 << 20);
	rig_free(&r);
}

/* Somebody elsewhere guesses a connection ID: his records are tried a few times a second, so the key is not worn out,
 * and neither the good end nor its moving about is harmed. */
static void guessed_ids_wear_no_key_out(void **state)
{
	th_session_id id;
	uint8_t p[40];
	const struct th_session_stats *st;

	(void)state;
	rig_init(&r, 1);
	r.unchecked = true;
	rig_start(&r.a);
	rig_start(&r.b);
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_exchange(&r, &r.a, id, PATIENCE);
	rig_exchange(&r, &r.a, id, PATIENCE);
	st = stats(&r.b);
	for (unsigned second = 0; second < 20; second++) {
		for (unsigned i = 0; i < 5000; i++) {
			struct th_addr from = somebody();

			r.rng.fill(r.rng.ctx, p, sizeof(p));
			p[0] = 0x80 | (p[0] & 0x1f);
			p[1] = (uint8_t)(i % 250); /* each ID of one byte */
			rig_inject(&r, &r.b, &from, p, sizeof(p));
		}
		if (second == 10)
			r.a.addr = rig_addr("10.0.0.7:7");
		assert_true(rig_exchange(&r, &r.a, id, PATIENCE) < r.rto * 5);
		rig_run(&r, r.now + TH_SEC);
	}
	assert_true(st->unauthentic <= 20 * 16 && st->limited >= 20 * 4);
	assert_true(st->roamed == 1 && stats(&r.a)->initiations_out == 1);
	rig_free(&r);
}

/* A retry that is forged by who did not see the initiation changes nothing. */
static void forged_retries_are_ignored(void **state)
{
	uint8_t p[25] = { 0xf0 };
	th_session_id id;

	(void)state;
	rig_init(&r, 1);
	rig_start(&r.a);
	rig_start(&r.b);
	r.down = true;
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_request(&r.a, id, 30);
	for (int i = 0; i < 1000; i++) {
		r.rng.fill(r.rng.ctx, p + 1, sizeof(p) - 1);
		rig_inject(&r, &r.a, &r.b.addr, p, sizeof(p));
	}
	assert_int_equal(r.a.sent, 1);
	assert_true(stats(&r.a)->retries_in == 0);
	rig_free(&r);
}

/* And one that is good, again and again, or a cookie for another address. */
static struct rig_datagram initiation;

static void catch_initiation(struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	(void)rig, (void)e;
	if ((d->b[0] & 0xf0) == 0xc0)
		initiation = *d;
}

static void cookies_are_for_one_address_and_key(void **state)
{
	const struct th_addr other = rig_addr("10.0.0.1:40001");
	th_session_id id;

	(void)state;
	rig_init(&r, 1);
	r.unchecked = true;
	r.b.config.load = 1;
	rig_start(&r.a);
	rig_start(&r.b);
	for (int i = 0; i < 5; i++)
		bogus(INITIATION);
	r.on_send = catch_initiation;
	id = rig_connect(&r.a, TH_SESSION_NK, NULL);
	rig_request(&r.a, id, 30);
	rig_run(&r, r.now + 110 * TH_MS); /* the retry has come, the initiation with its cookie is on its way */
	assert_true(stats(&r.a)->retries_in == 1);
	assert_int_equal(initiation.b[0], 0xc8);
	r.flying_n = 0; /* lost */
	rig_inject(&r, &r.b, &other, initiation.b, initiation.n);
	assert_int_equal(r.executed[1], 0);
	r.flying_n = 0;
	initiation.b[20] ^= 1; /* another key: of the initiation, then of the cookie */
	rig_inject(&r, &r.b, &r.a.addr, initiation.b, initiation.n);
	initiation.b[20] ^= 1;
	initiation.b[3] ^= 1;
	rig_inject(&r, &r.b, &r.a.addr, initiation.b, initiation.n);
	initiation.b[3] ^= 1;
	assert_int_equal(r.executed[1], 0);
	r.flying_n = 0;
	r.now += 100 * TH_SEC; /* within the life of the secret or the one before */
	for (int i = 0; i < 5; i++)
		bogus(INITIATION);
	rig_inject(&r, &r.b, &r.a.addr, initiation.b, initiation.n);
	assert_int_equal(r.executed[1], 1);
	r.now += 300 * TH_SEC;
	assert_true(rig_settle(&r, PATIENCE));
	assert_int_equal(r.executed[1], 1);
	rig_free(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_get_nothing),
		cmocka_unit_test(a_flood_of_initiations),
		cmocka_unit_test(a_flood_of_good_initiations_from_one_place),
		cmocka_unit_test(guessed_ids_wear_no_key_out),
		cmocka_unit_test(forged_retries_are_ignored),
		cmocka_unit_test(cookies_are_for_one_address_and_key),
	};

	if (argc > 1)
		datagrams = strtoul(argv[1], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
