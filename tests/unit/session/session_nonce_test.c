/* No (key, nonce) pair is ever used twice: not in records, not in handshakes, whatever is lost, and wherever a daemon
 * is killed. The linker puts the functions here between the session and its ciphers (--wrap), so every call is seen. */
#include "rig.h"

#include "session/cipher.h"
#include "session/suite.h"

enum { SLOTS = 1 << 20, CONTEXTS = 4096, EXCHANGES = 8 };

static struct rig r;

/* ---- the book of all that was sealed ---- */

static uint64_t book[SLOTS];
static size_t booked;

/* False: this pair was used before. */
static bool enter(const struct th_noise_secret *k, uint64_t nonce, uint64_t kind)
{
	uint64_t h = 0xcbf29ce484222325u ^ kind, at;

	for (size_t i = 0; i < sizeof(k->b); i++)
		h = (h ^ k->b[i]) * 0x100000001b3u;
	for (unsigned i = 0; i < 8; i++)
		h = (h ^ (nonce >> 8 * i & 0xff)) * 0x100000001b3u;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u | 1;
	for (at = h % SLOTS; book[at]; at = (at + 1) % SLOTS)
		if (book[at] == h)
			return false;
	book[at] = h;
	assert_true(++booked < SLOTS / 2);
	return true;
}

static void new_book(void)
{
	memset(book, 0, sizeof(book));
	booked = 0;
}

/* ---- in between ---- */

static struct {
	struct evp_cipher_ctx_st *ctx;
	struct th_noise_secret k;
} contexts[CONTEXTS];

bool __real_th_cipher_init(struct th_cipher *c, const struct th_noise_secret *k, size_t tag, enum th_cipher_way way);
bool __wrap_th_cipher_init(struct th_cipher *c, const struct th_noise_secret *k, size_t tag, enum th_cipher_way way);
void __real_th_cipher_free(struct th_cipher *c);
void __wrap_th_cipher_free(struct th_cipher *c);
bool __real_th_cipher_seal(struct th_cipher *c, uint64_t number, const uint8_t *ad, size_t ad_len, const uint8_t *in,
			   size_t n, uint8_t *out);
bool __wrap_th_cipher_seal(struct th_cipher *c, uint64_t number, const uint8_t *ad, size_t ad_len, const uint8_t *in,
			   size_t n, uint8_t *out);
bool __real_th_suite_encrypt(const struct th_noise_suite *s, const struct th_noise_secret *k, uint64_t nonce,
			     const void *ad, size_t ad_len, const uint8_t *in, size_t n, uint8_t *out);
bool __wrap_th_suite_encrypt(const struct th_noise_suite *s, const struct th_noise_secret *k, uint64_t nonce,
			     const void *ad, size_t ad_len, const uint8_t *in, size_t n, uint8_t *out);

bool __wrap_th_cipher_init(struct th_cipher *c, const struct th_noise_secret *k, size_t tag, enum th_cipher_way way)
{
	bool ok = __real_th_cipher_init(c, k, tag, way);

	for (size_t i = 0; ok && i < CONTEXTS; i++)
		if (!contexts[i].ctx) {
			contexts[i].ctx = c->ctx;
			contexts[i].k = *k;
			return true;
		}
	assert_false(ok);
	return ok;
}

void __wrap_th_cipher_free(struct th_cipher *c)
{
	for (size_t i = 0; i < CONTEXTS; i++)
		if (contexts[i].ctx == c->ctx)
			contexts[i].ctx = NULL;
	__real_th_cipher_free(c);
}

bool __wrap_th_cipher_seal(struct th_cipher *c, uint64_t number, const uint8_t *ad, size_t ad_len, const uint8_t *in,
			   size_t n, uint8_t *out)
{
	size_t i = 0;

	while (contexts[i].ctx != c->ctx)
		i++;
	if (!enter(&contexts[i].k, number, 1))
		fail_msg("a record key with number %llu twice", (unsigned long long)number);
	return __real_th_cipher_seal(c, number, ad, ad_len, in, n, out);
}

bool __wrap_th_suite_encrypt(const struct th_noise_suite *s, const struct th_noise_secret *k, uint64_t nonce,
			     const void *ad, size_t ad_len, const uint8_t *in, size_t n, uint8_t *out)
{
	if (!enter(k, nonce, 2))
		fail_msg("a handshake key with nonce %llu twice", (unsigned long long)nonce);
	return __real_th_suite_encrypt(s, k, nonce, ad, ad_len, in, n, out);
}

/* ---- worlds ---- */

static uint64_t count, kill_at;
static bool kill_both;

static void maybe_kill(struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	struct rig_end *other = e == &rig->a ? &rig->b : &rig->a;

	(void)d;
	if (++count != kill_at)
		return;
	rig_stop(e);
	rig_start(e);
	if (kill_both) {
		rig_stop(other);
		rig_start(other);
	}
}

/* Exchanges until enough were answered, with whatever daemons live. Returns how many datagrams were sent. */
static uint64_t play(uint64_t seed, unsigned loss, enum th_session_pattern pattern)
{
	unsigned generation = 0;
	th_session_id id = 0;

	new_book();
	count = 0;
	rig_init(&r, seed);
	r.loss = loss;
	r.doubled = loss / 2;
	r.jitter = loss ? 3 * TH_SEC : 0;
	r.b.config.accept_xx = true;
	r.a.config.rekey_packets = 5;
	r.b.answer_size = seed & 1 ? 20 : 400;
	rig_start(&r.a);
	rig_start(&r.b);
	r.on_send = maybe_kill;
	while (r.done < EXCHANGES) {
		if (generation != r.a.generation) {
			generation = r.a.generation;
			id = rig_connect(&r.a, pattern, NULL);
		}
		rig_request(&r.a, id, 30);
		if (generation == r.a.generation)
			rig_request(&r.a, id, 31);
		assert_true(rig_settle(&r, 24 * 3600 * TH_SEC));
	}
	rig_free(&r);
	assert_true(booked > EXCHANGES);
	return count;
}

static const enum th_session_pattern patterns[] = { TH_SESSION_NK, TH_SESSION_IK, TH_SESSION_XX };

static void killed_at_every_send(void **state)
{
	(void)state;
	for (size_t p = 0; p < UNIT_COUNT(patterns); p++)
		for (unsigned both = 0; both < 2; both++) {
			kill_both = both;
			kill_at = 1;
			while (play(1 + both, 0, patterns[p]) >= kill_at)
				kill_at++;
			assert_true(kill_at > 2 * EXCHANGES);
		}
}

static void killed_at_every_send_under_loss(void **state)
{
	(void)state;
	for (size_t p = 0; p < UNIT_COUNT(patterns); p++)
		for (kill_at = 1, kill_both = false; kill_at < 60; kill_at++)
			play(kill_at, 40, patterns[p]);
}

static void loss_rekeying_and_resends(void **state)
{
	(void)state;
	kill_at = 0;
	for (uint64_t seed = 1; seed <= 60; seed++)
		play(seed, 40, patterns[seed % 3]);
}

/* The book itself finds what it is for. */
static void the_book_is_kept(void **state)
{
	struct th_noise_secret k = { { 1 } };

	(void)state;
	new_book();
	assert_true(enter(&k, 1, 1) && enter(&k, 2, 1) && enter(&k, 1, 2));
	assert_false(enter(&k, 2, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_book_is_kept),
		cmocka_unit_test(killed_at_every_send),
		cmocka_unit_test(killed_at_every_send_under_loss),
		cmocka_unit_test(loss_rekeying_and_resends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
