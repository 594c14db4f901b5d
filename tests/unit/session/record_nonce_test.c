/* record.c with a cipher that notes the numbers it was asked for and fails when told: no number is asked for twice. */
#include "unit.h"

#include "session/record.c"

enum { ROUNDS = 20000, BUF = 64 };

static uint64_t sealed_next; /* the smallest number that may still be sealed */
static size_t fail_every;    /* 0: never */
static size_t calls;

bool th_cipher_init(struct th_cipher *c, const struct th_noise_secret *k, size_t tag_len, enum th_cipher_way way)
{
	(void)k, (void)way;
	c->tag_len = (uint8_t)tag_len;
	return fail_every != 1;
}

void th_cipher_free(struct th_cipher *c)
{
	(void)c;
}

bool th_cipher_seal(struct th_cipher *c, uint64_t number, const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t n,
		    uint8_t *out)
{
	(void)ad, (void)ad_len;
	assert_true(number >= sealed_next);
	sealed_next = number + 1;
	calls++;
	if (fail_every && calls % fail_every == 0)
		return false;
	memcpy(out, in, n);
	memset(out + n, 0, c->tag_len);
	return true;
}

bool th_cipher_open(struct th_cipher *c, uint64_t number, const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t n,
		    uint8_t *out)
{
	(void)c, (void)number, (void)ad, (void)ad_len, (void)in, (void)n, (void)out;
	return false;
}

static struct th_record_key new_key(size_t fails)
{
	struct th_record_key key;
	struct th_noise_secret k = { { 0 } };

	fail_every = 0;
	assert_int_equal(th_record_key_init(&key, &k, TH_RECORD_TAG, TH_CIPHER_SEAL, 0), TH_OK);
	fail_every = fails;
	sealed_next = 0;
	calls = 0;
	return key;
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

static void failed_packets_are_skipped(void **state)
{
	struct th_record_key key = new_key(3);
	uint8_t out[BUF];
	size_t len;

	(void)state;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t pn = UINT64_MAX;
		enum th_err err = seal_next(&key, NULL, 0, (const uint8_t *)"x", 1, out, sizeof(out), &len, &pn);

		assert_int_equal(err, i % 3 == 2 ? TH_ERR_IO : TH_OK);
		assert_true(pn == (i % 3 == 2 ? UINT64_MAX : i));
		assert_int_equal(len == 0, i % 3 == 2);
		assert_true(key.window.next == i + 1);
		if (err == TH_OK)
			th_record_acknowledged(&key, pn);
	}
	assert_int_equal(calls, ROUNDS);
}

/* Every way to be refused, between good packets: the numbers still rise. */
static void no_number_twice_whatever_happens(void **state)
{
	uint64_t seed = unit_seed("record_nonce", 1);
	struct th_rng rng = th_rng_seeded(&seed);
	struct th_record_key key = new_key(7);
	static uint8_t big[TH_RECORD_PAYLOAD_MAX + 1], out[TH_RECORD_PAYLOAD_MAX + TH_RECORD_OVERHEAD_MAX];
	size_t errors = 0;

	(void)state;
	for (size_t i = 0; i < ROUNDS; i++) {
		size_t n = th_rng_below(&rng, 50) ? th_rng_below(&rng, 100) : sizeof(big);
		size_t cap = th_rng_below(&rng, 4) ? sizeof(out) : th_rng_below(&rng, 100);
		uint64_t pn = 0, before = key.window.next;
		size_t len, asked = calls;

		if (seal_next(&key, big, 2, big, n, out, cap, &len, &pn) != TH_OK)
			errors++;
		assert_int_equal(key.window.next - before, calls - asked); /* used up exactly when the cipher was asked */
		if (th_rng_below(&rng, 3) == 0)
			th_record_acknowledged(&key, th_rng_below(&rng, key.window.next + 5));
	}
	assert_true(errors > ROUNDS / 10 && calls > ROUNDS / 3);
}

static void nothing_is_sealed_past_the_limit(void **state)
{
	struct th_record_key key = new_key(0);
	uint8_t out[BUF];
	uint64_t pn = 0;
	size_t len;

	(void)state;
	key.window.next = key.acknowledged = TH_RECORD_PACKETS_MAX - 2;
	for (int i = 0; i < 2; i++)
		assert_int_equal(seal_next(&key, NULL, 0, out, 0, out, sizeof(out), &len, &pn), TH_OK);
	assert_true(pn == TH_RECORD_PACKETS_MAX - 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(seal_next(&key, NULL, 0, out, 0, out, sizeof(out), &len, &pn), TH_ERR_FULL);
	assert_int_equal(calls, 2);
	assert_true(key.window.next == TH_RECORD_PACKETS_MAX);
}

static void the_library_without_memory(void **state)
{
	struct th_record_key key;
	struct th_noise_secret k = { { 0 } };

	(void)state;
	fail_every = 1;
	assert_int_equal(th_record_key_init(&key, &k, TH_RECORD_TAG, TH_CIPHER_SEAL, 0), TH_ERR_NO_MEMORY);
	assert_int_equal(th_record_key_init(&key, &k, 12, TH_CIPHER_SEAL, 0), TH_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_packets_are_skipped),
		cmocka_unit_test(no_number_twice_whatever_happens),
		cmocka_unit_test(nothing_is_sealed_past_the_limit),
		cmocka_unit_test(the_library_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
