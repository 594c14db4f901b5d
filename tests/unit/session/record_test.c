/* Records: sealing and opening, what is refused, numbers across loss and reordering, and vectors made by another
 * implementation. Arguments: tests/vectors/record/records.txt, docs/protocol.md. */
#include "unit.h"
#include "guard.h"

#include "session/record.h"

enum {
	PAYLOAD_MAX = 1300,
	RECORD_MAX = TH_RECORD_PAYLOAD_MAX + TH_RECORD_OVERHEAD_MAX,
	LINE_MAX_LEN = 4096,
	BITS_PER_BYTE = 8,
};

static const char *vectors_path, *protocol_path;
static const uint8_t CID[TH_RECORD_CID_MAX] = { 0xc1, 0xd2 };
static const size_t TAGS[] = { TH_RECORD_TAG, TH_RECORD_TAG_LONG };

struct ends {
	struct th_record_key tx, rx;
	size_t cid_len;
};

struct sealed {
	uint8_t b[RECORD_MAX];
	size_t n;
	uint64_t pn;
};

static struct ends ends_new(size_t tag_len, size_t cid_len)
{
	struct ends e = { .cid_len = cid_len };
	struct th_noise_secret k;

	for (size_t i = 0; i < sizeof(k.b); i++)
		k.b[i] = (uint8_t)(i * 7 + tag_len);
	assert_int_equal(th_record_key_init(&e.tx, &k, tag_len, TH_CIPHER_SEAL, 0), TH_OK);
	assert_int_equal(th_record_key_init(&e.rx, &k, tag_len, TH_CIPHER_OPEN, 0), TH_OK);
	return e;
}

static void ends_free(struct ends *e)
{
	th_record_key_free(&e->tx);
	th_record_key_free(&e->rx);
	assert_null(e->tx.cipher.ctx);
}

/* Seals under the next number, which is given back when it was sealed. */
static enum th_err seal_next(struct th_record_key *key, const uint8_t *cid, size_t cid_len, const uint8_t *payload,
			     size_t n, uint8_t *out, size_t cap, size_t *len, uint64_t *pn)
{
	uint64_t number = key->window.next;
	enum th_err err = th_record_seal(key, number, cid, cid_len, payload, n, out, cap, len);

	if (err == TH_OK)
		*pn = number;
	return err;
}

static struct sealed seal(struct ends *e, const void *payload, size_t n)
{
	struct sealed s;

	assert_int_equal(seal_next(&e->tx, CID, e->cid_len, payload, n, s.b, sizeof(s.b), &s.n, &s.pn), TH_OK);
	return s;
}

static enum th_err open_to(struct ends *e, const struct sealed *s, uint8_t out[RECORD_MAX], size_t *len, uint64_t *pn)
{
	return th_record_open(&e->rx, e->cid_len, s->b, s->n, out, len, pn);
}

static void arrives(struct ends *e, const struct sealed *s, enum th_err want)
{
	uint8_t out[RECORD_MAX];
	uint64_t pn = UINT64_MAX;
	size_t len;
	enum th_err err = open_to(e, s, out, &len, &pn);

	if (err != want)
		fail_msg("number %llu (receiver expects %llu): %s, not %s", (unsigned long long)s->pn,
			 (unsigned long long)e->rx.window.next, th_strerror(err), th_strerror(want));
	if (want == TH_OK || want == TH_ERR_NOT_FOUND)
		assert_true(pn == s->pn);
}

/* ---- sealing and opening ---- */

static void round_trips(void **state)
{
	uint8_t payload[PAYLOAD_MAX], out[RECORD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 31);
	for (size_t t = 0; t < UNIT_COUNT(TAGS); t++)
		for (size_t cid_len = 0; cid_len <= TH_RECORD_CID_MAX; cid_len++) {
			struct ends e = ends_new(TAGS[t], cid_len);

			for (size_t n = 0; n <= PAYLOAD_MAX; n++) {
				struct sealed s = seal(&e, n ? payload : NULL, n);
				const uint8_t *cid;
				uint64_t pn;
				size_t len;

				assert_int_equal(s.n, n + 1 + cid_len + TAGS[t]);
				assert_true(s.pn == n);
				assert_true(th_record_peek(s.b, s.n, cid_len, &cid));
				assert_memory_equal(cid, CID, cid_len);
				assert_int_equal(open_to(&e, &s, out, &len, &pn), TH_OK);
				assert_int_equal(len, n);
				assert_memory_equal(out, payload, n);
				assert_true(pn == s.pn);
				th_record_acknowledged(&e.tx, pn);
			}
			assert_true(e.rx.failures == 0);
			ends_free(&e);
		}
}

static void overhead_is_9_10_11(void **state)
{
	(void)state;
	for (size_t cid_len = 0; cid_len <= TH_RECORD_CID_MAX; cid_len++) {
		struct ends e = ends_new(TH_RECORD_TAG, cid_len);

		assert_int_equal(th_record_overhead(&e.tx, cid_len), 9 + cid_len);
		assert_int_equal(seal(&e, "payload", 7).n, 7 + 9 + cid_len);
		e.tx.window.next = 100; /* far from what is acknowledged: the long form */
		assert_int_equal(th_record_overhead(&e.tx, cid_len), 11 + cid_len);
		assert_int_equal(seal(&e, "payload", 7).n, 7 + 11 + cid_len);
		ends_free(&e);
	}
}

static void sealing_stays_in_its_room(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 1);
	struct guard g = guard_new(RECORD_MAX);
	static uint8_t big[TH_RECORD_PAYLOAD_MAX + 1];
	uint64_t pn = 77;
	size_t len;

	(void)state;
	for (size_t cap = 0; cap < 5 + 10; cap++) {
		assert_int_equal(seal_next(&e.tx, CID, 1, big, 5, guard_tail(&g, cap), cap, &len, &pn),
				 TH_ERR_TOO_LARGE);
		assert_true(len == 0 && pn == 77 && e.tx.window.next == 0);
	}
	assert_int_equal(seal_next(&e.tx, CID, 1, big, 5, guard_tail(&g, 15), 15, &len, &pn), TH_OK);
	assert_int_equal(len, 15);
	assert_int_equal(
		seal_next(&e.tx, CID, 1, big, sizeof(big), guard_tail(&g, RECORD_MAX), RECORD_MAX, &len, &pn),
		TH_ERR_TOO_LARGE);
	guard_del(&g);
	ends_free(&e);
}

static void the_largest_payload(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG_LONG, 2);
	static uint8_t big[TH_RECORD_PAYLOAD_MAX];
	struct sealed s;
	const uint8_t *cid;

	(void)state;
	e.tx.window.next = 20;
	s = seal(&e, big, sizeof(big));
	assert_int_equal(s.n, RECORD_MAX);
	assert_true(th_record_peek(s.b, s.n, 2, &cid));
	arrives(&e, &s, TH_OK);
	ends_free(&e);
}

/* ---- what is refused ---- */

static void refused(struct ends *e, const uint8_t *p, size_t n, bool tried)
{
	uint8_t out[RECORD_MAX];
	struct th_window before = e->rx.window;
	uint64_t pn = 77, failures = e->rx.failures;
	size_t len = 77;

	memset(out, 0xee, sizeof(out));
	assert_int_equal(th_record_open(&e->rx, e->cid_len, p, n, out, &len, &pn), TH_ERR_MALFORMED);
	assert_true(len == 0 && pn == 77);
	assert_memory_equal(&before, &e->rx.window, sizeof(before));
	if (tried)
		assert_true(e->rx.failures == failures + 1);
	for (size_t i = 0; i < n; i++)
		assert_true(out[i] == 0xee || out[i] == 0);
}

static void every_flipped_bit_is_refused(void **state)
{
	(void)state;
	for (size_t t = 0; t < UNIT_COUNT(TAGS); t++)
		for (size_t form = 0; form < 2; form++)
			for (size_t cid_len = 0; cid_len <= TH_RECORD_CID_MAX; cid_len++) {
				struct ends e = ends_new(TAGS[t], cid_len);
				struct sealed s;

				e.tx.window.next = e.rx.window.next = form ? 4000 : 10;
				s = seal(&e, "not a bit of this may change", 28);
				assert_int_equal(s.n, 28 + cid_len + TAGS[t] + (form ? 3 : 1));
				for (size_t bit = 0; bit < s.n * BITS_PER_BYTE; bit++) {
					s.b[bit / BITS_PER_BYTE] ^= (uint8_t)(1u << bit % BITS_PER_BYTE);
					refused(&e, s.b, s.n, false);
					s.b[bit / BITS_PER_BYTE] ^= (uint8_t)(1u << bit % BITS_PER_BYTE);
				}
				/* The two bits that make it a record are not tried, nor numbers too old. */
				assert_true(e.rx.failures >= (s.n - 4) * BITS_PER_BYTE);
				assert_true(e.rx.failures <= s.n * BITS_PER_BYTE - 2);
				arrives(&e, &s, TH_OK);
				ends_free(&e);
			}
}

static void every_prefix_is_refused(void **state)
{
	struct guard g = guard_new(RECORD_MAX);

	(void)state;
	for (size_t t = 0; t < UNIT_COUNT(TAGS); t++)
		for (size_t form = 0; form < 2; form++)
			for (size_t cid_len = 0; cid_len <= TH_RECORD_CID_MAX; cid_len++) {
				struct ends e = ends_new(TAGS[t], cid_len);
				struct sealed s;
				const uint8_t *cid;

				e.tx.window.next = e.rx.window.next = form ? 4000 : 10;
				s = seal(&e, "0123456789abcdef0123", 20);
				for (size_t n = 0; n < s.n; n++) {
					const uint8_t *p = guard_put(&g, s.b, n);
					bool whole = n >= cid_len + TAGS[t] + (form ? 3 : 1);

					refused(&e, p, n, whole);
					assert_int_equal(th_record_peek(p, n, cid_len, &cid),
							 n >= cid_len + TH_RECORD_TAG + (form ? 3 : 1));
				}
				arrives(&e, &s, TH_OK);
				ends_free(&e);
			}
	guard_del(&g);
}

static void what_is_no_record_is_not_tried(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 0);
	static uint8_t p[RECORD_MAX + 8];
	const uint8_t *cid;

	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		p[0] = (uint8_t)first;
		assert_int_equal(th_record_peek(p, 40, 0, &cid), first >> 6 == 2);
		if (first >> 6 != 2)
			refused(&e, p, 40, false);
	}
	assert_true(e.rx.failures == 0);
	p[0] = 0x80;
	assert_false(th_record_peek(p, RECORD_MAX + 1, 2, &cid));
	assert_int_equal(th_record_open(&e.rx, 0, p, 1 + TH_RECORD_PAYLOAD_MAX + 1 + TH_RECORD_TAG, p, &(size_t){ 0 },
					&(uint64_t){ 0 }),
			 TH_ERR_MALFORMED);
	assert_true(e.rx.failures == 0);
	ends_free(&e);
}

static void another_key_or_tag_length_is_refused(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 0), f = ends_new(TH_RECORD_TAG_LONG, 0);
	struct sealed s = seal(&e, "0123456789abcdef", 16);

	(void)state;
	refused(&f, s.b, s.n, true);
	ends_free(&e);
	ends_free(&f);
}

static void another_connection_id_is_refused(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 2);
	struct sealed s = seal(&e, "x", 1);

	(void)state;
	for (unsigned v = 0; v < 65536; v += 257) {
		if (v >> 8 == CID[0] && (v & 255) == CID[1])
			continue;
		s.b[1] = (uint8_t)(v >> 8);
		s.b[2] = (uint8_t)v;
		refused(&e, s.b, s.n, true);
	}
	memcpy(s.b + 1, CID, 2);
	arrives(&e, &s, TH_OK);
	ends_free(&e);
}

/* ---- replays ---- */

static void replays_are_told_and_given(void **state)
{
	enum { PACKETS = 3000 };
	struct ends e = ends_new(TH_RECORD_TAG, 1);
	struct sealed *s = calloc(PACKETS, sizeof(*s));
	uint8_t out[RECORD_MAX];
	uint64_t pn;
	size_t len;

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < PACKETS; i++) {
		s[i] = seal(&e, &i, sizeof(i));
		arrives(&e, &s[i], TH_OK);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(open_to(&e, &s[i], out, &len, &pn), TH_ERR_NOT_FOUND);
			assert_int_equal(len, sizeof(i));
			assert_memory_equal(out, &i, sizeof(i));
			assert_true(pn == i);
		}
		if (i < PACKETS - 1000)
			th_record_acknowledged(&e.tx, i);
	}
	/* The last thousand are in the long form, so all of them are still told apart. */
	for (size_t i = PACKETS - 983; i < PACKETS; i++)
		arrives(&e, &s[i], TH_ERR_NOT_FOUND);
	assert_true(e.rx.failures == 0);
	/* No copy of any packet is ever new. */
	for (size_t i = 0; i < PACKETS; i++)
		assert_int_not_equal(open_to(&e, &s[i], out, &len, &pn), TH_OK);
	free(s);
	ends_free(&e);
}

static void older_than_the_window_is_refused(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 0);
	struct sealed old, edge, newest;

	(void)state;
	e.tx.window.next = 20; /* both in the long form */
	old = seal(&e, "old", 3);
	edge = seal(&e, "edge", 4);
	e.tx.window.next = edge.pn + TH_WINDOW_SIZE - 1;
	newest = seal(&e, "new", 3);
	arrives(&e, &newest, TH_OK);
	refused(&e, old.b, old.n, false);
	assert_true(e.rx.failures == 0);
	arrives(&e, &edge, TH_OK);
	ends_free(&e);
}

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

	assert_int_equal(th_record_seal(&e->tx, number, CID, e->cid_len, (const uint8_t *)"x", 1, s.b, sizeof(s.b),
					&s.n),
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

/* ---- limits ---- */

static void packets_are_limited(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 0);
	uint8_t out[RECORD_MAX];
	struct sealed s;

	(void)state;
	assert_false(th_record_key_worn(&e.tx));
	e.tx.window.next = e.tx.acknowledged = TH_RECORD_PACKETS_MAX / 2 - 1;
	s = seal(&e, "x", 1);
	assert_true(th_record_key_worn(&e.tx));
	e.tx.window.next = e.tx.acknowledged = e.rx.window.next = TH_RECORD_PACKETS_MAX - 1;
	s = seal(&e, "x", 1);
	assert_int_equal(seal_next(&e.tx, CID, 0, NULL, 0, out, sizeof(out), &s.n, &s.pn), TH_ERR_FULL);
	assert_true(s.n == 0 && e.tx.window.next == TH_RECORD_PACKETS_MAX);
	/* Nor does a receiver take what a broken peer may send beyond. */
	s.b[0] = 0x80;
	e.rx.window.next = TH_RECORD_PACKETS_MAX;
	refused(&e, s.b, 10, false);
	assert_true(e.rx.failures == 0 && th_record_key_worn(&e.rx));
	ends_free(&e);
}

static void failures_are_counted_and_limited(void **state)
{
	struct ends e = ends_new(TH_RECORD_TAG, 0);
	struct sealed good = seal(&e, "good", 4), bad = good;
	uint8_t out[RECORD_MAX];
	uint64_t pn;
	size_t len;

	(void)state;
	bad.b[bad.n - 1] ^= 1;
	for (uint64_t i = 0; i < TH_RECORD_FAILURES_MAX; i++) {
		if (open_to(&e, &bad, out, &len, &pn) != TH_ERR_MALFORMED)
			fail_msg("failure %llu", (unsigned long long)i);
		if (e.rx.failures == TH_RECORD_FAILURES_MAX / 2 - 1)
			assert_false(th_record_key_worn(&e.rx));
		if (e.rx.failures == TH_RECORD_FAILURES_MAX / 2)
			assert_true(th_record_key_worn(&e.rx));
		if (e.rx.failures == TH_RECORD_FAILURES_MAX - 1)
			arrives(&e, &good, TH_OK);
	}
	assert_true(e.rx.failures == TH_RECORD_FAILURES_MAX);
	arrives(&e, &good, TH_ERR_FULL);
	arrives(&e, &bad, TH_ERR_FULL);
	assert_true(e.rx.failures == TH_RECORD_FAILURES_MAX);
	ends_free(&e);
}

/* ---- vectors and the examples of the protocol's page ---- */

struct vector {
	struct th_noise_secret key;
	uint64_t tag_len, number, acknowledged, next;
	uint8_t cid[TH_RECORD_CID_MAX], payload[RECORD_MAX], record[RECORD_MAX];
	size_t cid_len, payload_len, record_len;
};

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex digits and single spaces; stops at anything else. */
static size_t read_hex(const char *s, uint8_t *out, size_t cap)
{
	size_t n = 0;

	while (*s == ' ')
		s++;
	while (digit(s[0]) >= 0 && digit(s[1]) >= 0) {
		assert_true(n < cap);
		out[n++] = (uint8_t)(digit(s[0]) << 4 | digit(s[1]));
		s += 2;
		if (s[0] == ' ' && s[1] != ' ')
			s++;
	}
	return n;
}

static void check_vector(const struct vector *v)
{
	struct th_record_key tx, rx;
	uint8_t out[RECORD_MAX];
	uint64_t pn;
	size_t len;

	assert_int_equal(th_record_key_init(&tx, &v->key, v->tag_len, TH_CIPHER_SEAL, 0), TH_OK);
	assert_int_equal(th_record_key_init(&rx, &v->key, v->tag_len, TH_CIPHER_OPEN, 0), TH_OK);
	tx.window.next = v->number;
	tx.acknowledged = v->acknowledged;
	rx.window.next = v->next;
	assert_int_equal(
		seal_next(&tx, v->cid, v->cid_len, v->payload, v->payload_len, out, sizeof(out), &len, &pn),
		TH_OK);
	assert_int_equal(len, v->record_len);
	assert_memory_equal(out, v->record, len);
	assert_int_equal(th_record_open(&rx, v->cid_len, v->record, v->record_len, out, &len, &pn), TH_OK);
	assert_true(pn == v->number);
	assert_int_equal(len, v->payload_len);
	assert_memory_equal(out, v->payload, len);
	th_record_key_free(&tx);
	th_record_key_free(&rx);
}

/* "name value": true when it was the record, with which a vector is whole. */
static bool read_field(struct vector *v, const char *line)
{
	const char *value = strchr(line, ' ');
	size_t name = value ? (size_t)(value - line) : strcspn(line, "\n");

	value = value ? value + 1 : "";
	if (strncmp(line, "key", name) == 0)
		assert_int_equal(read_hex(value, v->key.b, sizeof(v->key.b)), sizeof(v->key.b));
	else if (strncmp(line, "tag-length", name) == 0)
		v->tag_len = strtoull(value, NULL, 10);
	else if (strncmp(line, "number", name) == 0)
		v->number = strtoull(value, NULL, 10);
	else if (strncmp(line, "sender-acknowledged", name) == 0)
		v->acknowledged = strtoull(value, NULL, 10);
	else if (strncmp(line, "receiver-next", name) == 0)
		v->next = strtoull(value, NULL, 10);
	else if (strncmp(line, "cid", name) == 0)
		v->cid_len = read_hex(value, v->cid, sizeof(v->cid));
	else if (strncmp(line, "payload", name) == 0)
		v->payload_len = read_hex(value, v->payload, sizeof(v->payload));
	else if (strncmp(line, "record", name) == 0)
		v->record_len = read_hex(value, v->record, sizeof(v->record));
	else
		fail_msg("what is '%s'?", line);
	return strncmp(line, "record", name) == 0;
}

static void vectors_of_another_implementation(void **state)
{
	char line[LINE_MAX_LEN];
	struct vector v = { 0 };
	FILE *f = fopen(vectors_path, "r");
	size_t count = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (read_field(&v, line)) {
			check_vector(&v);
			count++;
		}
	}
	fclose(f);
	assert_int_equal(count, 73);
}

static uint64_t attribute(const char *line, const char *name)
{
	const char *p = strstr(line, name);

	assert_non_null(p);
	return strtoull(p + strlen(name), NULL, 10);
}

/* "<!-- record: tag=8 cid=1 number=5 acknowledged=5 next=5 -->", then indented lines: hex, two spaces, what it is; the
 * line that says "payload" gives the payload in the clear and is no part of the record. Key: 00 01 … 1f. */
static void examples_of_the_protocol(void **state)
{
	char line[LINE_MAX_LEN];
	FILE *f = fopen(protocol_path, "r");
	size_t count = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct vector v = { 0 };

		if (!strstr(line, "<!-- record: "))
			continue;
		for (size_t i = 0; i < sizeof(v.key.b); i++)
			v.key.b[i] = (uint8_t)i;
		v.tag_len = attribute(line, "tag=");
		v.cid_len = attribute(line, "cid=");
		v.number = attribute(line, "number=");
		v.acknowledged = attribute(line, "acknowledged=");
		v.next = attribute(line, "next=");
		while (fgets(line, sizeof(line), f) && strncmp(line, "    ", 4) == 0) {
			if (strstr(line, "  payload"))
				v.payload_len = read_hex(line, v.payload, sizeof(v.payload));
			else
				v.record_len +=
					read_hex(line, v.record + v.record_len, sizeof(v.record) - v.record_len);
			if (strstr(line, "  connection ID"))
				assert_int_equal(read_hex(line, v.cid, sizeof(v.cid)), v.cid_len);
		}
		check_vector(&v);
		count++;
	}
	fclose(f);
	assert_int_equal(count, 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(overhead_is_9_10_11),
		cmocka_unit_test(sealing_stays_in_its_room),
		cmocka_unit_test(the_largest_payload),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(what_is_no_record_is_not_tried),
		cmocka_unit_test(another_key_or_tag_length_is_refused),
		cmocka_unit_test(another_connection_id_is_refused),
		cmocka_unit_test(replays_are_told_and_given),
		cmocka_unit_test(older_than_the_window_is_refused),
		cmocka_unit_test(long_form_comes_and_goes),
		cmocka_unit_test(a_peer_silent_for_a_million_packets),
		cmocka_unit_test(numbers_survive_loss_and_reordering),
		cmocka_unit_test(resending_checks_what_it_is_given),
		cmocka_unit_test(numbers_go_on_from_a_base),
		cmocka_unit_test(limits_count_from_the_base),
		cmocka_unit_test(packets_are_limited),
		cmocka_unit_test(failures_are_counted_and_limited),
		cmocka_unit_test(vectors_of_another_implementation),
		cmocka_unit_test(examples_of_the_protocol),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s RECORDS.TXT PROTOCOL.MD\n", argv[0]);
		return 2;
	}
	vectors_path = argv[1];
	protocol_path = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
