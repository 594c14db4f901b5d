/* Records: sealing and opening, what is refused, replays, limits. */
#include "ends.h"

enum { PAYLOAD_MAX = 1300, BITS_PER_BYTE = 8 };

static const size_t TAGS[] = { TH_RECORD_TAG, TH_RECORD_TAG_LONG };

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
	assert_int_equal(seal_next(&e.tx, CID, 1, big, sizeof(big), guard_tail(&g, RECORD_MAX), RECORD_MAX, &len, &pn),
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

int main(void)
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
		cmocka_unit_test(packets_are_limited),
		cmocka_unit_test(failures_are_counted_and_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
