/* Numbers of records: short and long form, across loss and reordering, in retransmissions, from a base. */
#include "ends.h"

/* ---- truncated numbers ---- */

static void long_form_comes_and_goes(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 0);

	(void)state;
	for (uint64_t i = 0; i <= 16; i++)
		assert_int_equal(seal(&e, "", 0).n, 9);
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(seal(&e, "", 0).n, 11);
	th_record_acknowledged(&e.tx, 1000); /* never sent: ignored */
	assert_int_equal(th_record_overhead(&e.tx, 0), 11);
	th_record_acknowledged(&e.tx, 9); /* 27 is 17 past the 10 that were seen */
	assert_int_equal(th_record_overhead(&e.tx, 0), 11);
	th_record_acknowledged(&e.tx, 10);
	assert_int_equal(th_record_overhead(&e.tx, 0), 9);
	th_record_acknowledged(&e.tx, 5); /* late news: nothing is taken back */
	assert_int_equal(seal(&e, "", 0).n, 9);
	assert_int_equal(seal(&e, "", 0).n, 11);
	th_record_acknowledged(&e.tx, 28);
	assert_int_equal(seal(&e, "", 0).n, 9);
	ends_free(&e);
}

static void a_peer_silent_for_a_million_packets(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 0);
	uint8_t out[RECORD_MAX];
	struct sealed s;

	(void)state;
	e.tx.window.next = (uint64_t)1 << 20;
	s = seal(&e, "x", 1);
	arrives(&e, &s, TH_OK); /* the receiver has seen nothing in between */
	assert_int_equal(seal_next(&e.tx, CID, 0, NULL, 0, out, sizeof(out), &s.n, &s.pn), TH_ERR_FULL);
	th_record_acknowledged(&e.tx, 0);
	s = seal(&e, "x", 1);
	arrives(&e, &s, TH_OK);
	ends_free(&e);
}

/* A link that loses, doubles and reorders; acknowledgements that come late or never; retransmissions of old packets. */
struct link {
	struct ends e;
	struct sealed kept[64]; /* the newest sealed */
	bool seen[1 << 18];
	uint64_t sent, shorts, longs, lost, again, repaired;
};

static void deliver(struct link *l, const struct sealed *s)
{
	uint8_t out[RECORD_MAX];
	uint64_t pn, in;
	size_t len;
	enum th_err err = open_to(&l->e, s, out, &len, &pn);

	if (err != (l->seen[s->pn] ? TH_ERR_NOT_FOUND : TH_OK))
		fail_msg("number %llu at a receiver who expects %llu: %s", (unsigned long long)s->pn,
			 (unsigned long long)l->e.rx.window.next, th_strerror(err));
	assert_true(pn == s->pn && len == sizeof(in));
	memcpy(&in, out, sizeof(in));
	assert_true(in == pn * 3);
	l->seen[pn] = true;
}

static void retransmit(struct link *l, const struct th_rng *rng)
{
	uint64_t back = 1 + th_rng_below(rng, UNIT_COUNT(l->kept) - 1);
	const struct sealed *old = &l->kept[(l->e.tx.window.next - back) % UNIT_COUNT(l->kept)];
	struct sealed s;

	if (back > l->e.tx.window.next)
		return;
	s.pn = old->pn;
	assert_int_equal(th_record_resend(&l->e.tx, l->e.cid_len, old->pn, old->b, old->n, s.b, sizeof(s.b), &s.n),
			 TH_OK);
	assert_memory_equal(s.b + s.n - 16, old->b + old->n - 16, 16); /* the same ciphertext and tag */
	l->again++;
	l->repaired += s.n > old->n;
	deliver(l, &s);
}

static void send_one(struct link *l, const struct th_rng *rng, unsigned loss_percent)
{
	uint64_t in = l->e.tx.window.next * 3;
	struct sealed s = seal(&l->e, &in, sizeof(in));

	l->kept[s.pn % UNIT_COUNT(l->kept)] = s;
	l->sent++;
	if (s.n == sizeof(in) + 9 + l->e.cid_len)
		l->shorts++;
	else
		l->longs++;
	if (th_rng_below(rng, 100) < loss_percent) {
		l->lost++;
		return;
	}
	/* Held back while up to 7 newer ones overtake it: kept in `kept` and delivered later as it was. */
	if (th_rng_below(rng, 4) == 0 && s.pn > 16) {
		const struct sealed *late = &l->kept[(s.pn - th_rng_below(rng, 8)) % UNIT_COUNT(l->kept)];

		deliver(l, &s);
		deliver(l, late);
		return;
	}
	deliver(l, &s);
	if (th_rng_below(rng, 10) == 0)
		deliver(l, &s);
}

static void numbers_survive_loss_and_reordering(void **state)
{
	enum { PACKETS = 100000 };
	uint64_t seed = unit_seed("record", 1);
	struct th_rng rng = th_rng_seeded(&seed);
	struct link *l = calloc(1, sizeof(*l));

	(void)state;
	assert_non_null(l);
	l->e = ends_new(TH_RECORD_TAG, 1);
	for (unsigned spell = 0; l->sent < PACKETS; spell++) {
		/* Spells of good and bad weather; news of what arrived comes back often, rarely, or not at all. */
		unsigned loss = (unsigned)th_rng_below(&rng, 5) * 20;
		uint64_t news = 1 + th_rng_below(&rng, 40), n = 20 + th_rng_below(&rng, 400);

		for (uint64_t i = 0; i < n; i++) {
			send_one(l, &rng, loss);
			if (th_rng_below(&rng, 5) == 0)
				retransmit(l, &rng);
			if (th_rng_below(&rng, news) == 0 && l->e.rx.window.next)
				th_record_acknowledged(&l->e.tx, l->e.rx.window.next - 1);
		}
	}
	printf("record: %llu sent, %llu short, %llu long, %llu lost, %llu again, %llu of these with a longer header\n",
	       (unsigned long long)l->sent, (unsigned long long)l->shorts, (unsigned long long)l->longs,
	       (unsigned long long)l->lost, (unsigned long long)l->again, (unsigned long long)l->repaired);
	assert_true(l->e.rx.failures == 0);
	assert_true(l->shorts > PACKETS / 10 && l->longs > PACKETS / 10 && l->lost > PACKETS / 10 && l->repaired > 100);
	ends_free(&l->e);
	free(l);
}

static void resending_checks_what_it_is_given(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 1);
	struct sealed s = seal(&e, "hello", 5);
	struct guard g = guard_new(RECORD_MAX);
	uint8_t out[RECORD_MAX];
	size_t len;

	(void)state;
	for (size_t cap = 0; cap < s.n; cap++)
		assert_int_equal(th_record_resend(&e.tx, 1, 0, s.b, s.n, guard_tail(&g, cap), cap, &len),
				 TH_ERR_TOO_LARGE);
	assert_int_equal(th_record_resend(&e.tx, 1, 0, s.b, s.n, guard_tail(&g, s.n), s.n, &len), TH_OK);
	assert_int_equal(len, s.n);
	assert_memory_equal(guard_tail(&g, s.n), s.b, s.n); /* nothing has moved on: the identical datagram */
	assert_int_equal(th_record_resend(&e.tx, 1, 1, s.b, s.n, out, sizeof(out), &len), TH_ERR_INVALID);
	e.tx.window.next = 40;
	assert_int_equal(th_record_resend(&e.tx, 1, 1, s.b, s.n, out, sizeof(out), &len), TH_ERR_INVALID);
	assert_int_equal(th_record_resend(&e.tx, 1, 0, s.b, 9, out, sizeof(out), &len), TH_ERR_INVALID);
	assert_int_equal(th_record_resend(&e.tx, 1, 0, s.b, s.n, out, sizeof(out), &len), TH_OK);
	assert_int_equal(len, s.n + 2);
	e.tx.window.next = TH_WINDOW_SIZE;
	assert_int_equal(th_record_resend(&e.tx, 1, 0, s.b, s.n, out, sizeof(out), &len), TH_OK);
	e.tx.window.next++;
	assert_int_equal(th_record_resend(&e.tx, 1, 0, s.b, s.n, out, sizeof(out), &len), TH_ERR_NOT_FOUND);
	guard_del(&g);
	ends_free(&e);
}

/* ---- numbers that go on from an epoch before ---- */

static struct ends ends_at(uint64_t base)
{
	struct ends e = { .cid_len = 1 };
	const struct th_noise_secret k = { { 9 } };

	assert_int_equal(th_record_key_init(&e.tx, &k, TH_RECORD_TAG, TH_CIPHER_SEAL, base), TH_OK);
	assert_int_equal(th_record_key_init(&e.rx, &k, TH_RECORD_TAG, TH_CIPHER_OPEN, base), TH_OK);
	return e;
}

static struct sealed seal_at(struct ends *e, uint64_t number)
{
	struct sealed s = { .pn = number };

	assert_int_equal(
		th_record_seal(&e->tx, number, CID, e->cid_len, (const uint8_t *)"x", 1, s.b, sizeof(s.b), &s.n),
		TH_OK);
	return s;
}

static void numbers_go_on_from_a_base(void **state)
{
	const uint64_t base = 5000000, older[] = { base - 1, base - 7, base - 20, base - TH_WINDOW_SIZE + 3 };
	struct ends e = ends_at(base);
	uint8_t out[RECORD_MAX];
	struct sealed s;
	size_t len;

	(void)state;
	assert_int_equal(th_record_overhead(&e.tx, 1), 10); /* the base costs nothing */
	s = seal_at(&e, base);
	arrives(&e, &s, TH_OK);
	s = seal_at(&e, base + 2);
	arrives(&e, &s, TH_OK);
	for (size_t i = 0; i < UNIT_COUNT(older); i++) { /* kept messages, sealed again: once each */
		s = seal_at(&e, older[i]);
		arrives(&e, &s, TH_OK);
		arrives(&e, &s, TH_ERR_NOT_FOUND);
		assert_int_equal(th_record_seal(&e.tx, older[i], CID, 1, out, 0, out, sizeof(out), &len),
				 TH_ERR_INVALID);
	}
	s = seal_at(&e, base + 1); /* reserved before, sent after */
	arrives(&e, &s, TH_OK);
	assert_int_equal(th_record_seal(&e.tx, base - TH_WINDOW_SIZE, CID, 1, out, 0, out, sizeof(out), &len),
			 TH_ERR_INVALID);
	ends_free(&e);
}

static void limits_count_from_the_base(void **state)
{
	const uint64_t base = TH_RECORD_PACKETS_MAX * 3;
	struct ends e = ends_at(base);
	uint8_t out[RECORD_MAX];
	struct sealed s;
	size_t len;

	(void)state;
	assert_false(th_record_key_worn(&e.tx) || th_record_key_worn(&e.rx));
	e.tx.window.next = e.tx.acknowledged = e.rx.window.next = base + TH_RECORD_PACKETS_MAX - 1;
	s = seal_at(&e, base + TH_RECORD_PACKETS_MAX - 1);
	arrives(&e, &s, TH_OK);
	assert_true(th_record_key_worn(&e.tx) && th_record_key_worn(&e.rx));
	assert_int_equal(th_record_seal(&e.tx, base + TH_RECORD_PACKETS_MAX, CID, 1, out, 0, out, sizeof(out), &len),
			 TH_ERR_FULL);
	ends_free(&e);
	assert_int_equal(th_record_key_init(&e.tx, &(const struct th_noise_secret){ { 1 } }, TH_RECORD_TAG,
					    TH_CIPHER_SEAL, (uint64_t)1 << 62),
			 TH_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_form_comes_and_goes),
		cmocka_unit_test(a_peer_silent_for_a_million_packets),
		cmocka_unit_test(numbers_survive_loss_and_reordering),
		cmocka_unit_test(resending_checks_what_it_is_given),
		cmocka_unit_test(numbers_go_on_from_a_base),
		cmocka_unit_test(limits_count_from_the_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
