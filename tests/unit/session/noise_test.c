/* Handshakes of every pattern and suite, both roles against each other: what passes, and that nothing else does.
 * Vectors of another implementation are in tests/vectors, live ones in tests/interop. */
#include "parties.h"

#include <time.h>

enum { MESSAGE_ROOM = TH_NOISE_MESSAGE_MAX + 1, SMALL = 21 };

static struct th_rng rng;
static uint64_t rng_state;

#define EACH(p, s)                                                                                                     \
	for (size_t p = 0; p < th_noise_patterns_count; p++)                                                           \
		for (size_t s = 0; s < UNIT_COUNT(parties_suites); s++)

static int setup(void **state)
{
	(void)state;
	rng_state = unit_seed("noise", 1);
	rng = th_rng_seeded(&rng_state);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	th_suite_release();
	return 0;
}

static bool all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i])
			return false;
	return true;
}

static void assert_dead(struct th_noise *hs)
{
	uint8_t buf[256];
	struct th_noise_secret a, b;
	size_t n;

	assert_true(all_zero(hs, sizeof(*hs)));
	assert_false(th_noise_usable(hs));
	assert_false(th_noise_done(hs));
	assert_false(th_noise_my_turn(hs));
	assert_int_equal(th_noise_overhead(hs), 0);
	assert_int_equal(th_noise_write(hs, &rng, buf, 0, buf, sizeof(buf), &n), TH_ERR_INVALID);
	assert_int_equal(th_noise_read(hs, buf, sizeof(buf), buf, &n), TH_ERR_INVALID);
	assert_int_equal(th_noise_split(hs, &a, &b), TH_ERR_INVALID);
}

/* One message from its writer; returns its length. */
static size_t write_one(struct parties *p, size_t m, const uint8_t *payload, size_t n, uint8_t *msg)
{
	size_t len;

	assert_int_equal(th_noise_write(&p->hs[parties_writer(m)], &rng, payload, n, msg, MESSAGE_ROOM, &len), TH_OK);
	return len;
}

static void pass_one(struct parties *p, size_t m, const uint8_t *payload, size_t n)
{
	static uint8_t msg[MESSAGE_ROOM], got[MESSAGE_ROOM];
	size_t len = write_one(p, m, payload, n, msg), k;

	assert_int_equal(th_noise_read(&p->hs[!parties_writer(m)], msg, len, got, &k), TH_OK);
	assert_int_equal(k, n);
	assert_memory_equal(got, payload, n);
}

/* Starts, and passes the messages before m. */
static void run_to(struct parties *p, size_t m)
{
	static const uint8_t payload[SMALL] = "a small payload here";

	parties_start(p);
	for (size_t i = 0; i < m; i++)
		pass_one(p, i, payload, sizeof(payload));
}

/* Whether a change of message m is seen at once: all but XX's first one without a psk carry a tag. (With psk2 and psk3
 * its key comes from the ephemeral key alone, which anybody can read, so that says nothing about who wrote it.) */
static bool is_sealed(const struct parties *p, size_t m)
{
	return m > 0 || parties_has_psk(p->pattern) || p->pattern->responder_s;
}

/* ---- what passes ---- */

/* Overhead as the specification has it, from a second description of the patterns. */
static size_t overhead_of(const char *pattern, size_t m)
{
	static const struct {
		const char *name;
		size_t bytes[TH_NOISE_MESSAGES_MAX];
	} table[] = {
		{ "NK", { 48, 48 } },	      { "NKpsk0", { 48, 48 } },	    { "NKpsk2", { 48, 48 } },
		{ "KK", { 48, 48 } },	      { "KKpsk0", { 48, 48 } },	    { "KKpsk2", { 48, 48 } },
		{ "IK", { 96, 48 } },	      { "IKpsk0", { 96, 48 } },	    { "IKpsk2", { 96, 48 } },
		{ "XX", { 32, 96, 64 } },     { "XXpsk0", { 48, 96, 64 } }, { "XXpsk2", { 48, 96, 64 } },
		{ "XXpsk3", { 48, 96, 64 } },
	};

	for (size_t i = 0; i < UNIT_COUNT(table); i++)
		if (strcmp(table[i].name, pattern) == 0)
			return table[i].bytes[m];
	fail_msg("no overhead known for %s", pattern);
	return 0;
}

/* Message m with a payload of n bytes; everything ends at a wall, and a byte less of room is refused. */
static void pass_exact(struct parties *p, size_t m, size_t n, const struct guard *walls)
{
	struct th_noise *w = &p->hs[parties_writer(m)], *r = &p->hs[!parties_writer(m)], before = *w;
	size_t overhead = th_noise_overhead(w), len = 0, k = 0;
	uint8_t *payload = guard_tail(&walls[0], n), *msg = guard_tail(&walls[1], overhead + n),
		*got = guard_tail(&walls[2], n);
	char pattern[16];

	snprintf(pattern, sizeof(pattern), "%.*s", TH_STR_ARG(p->pattern->name));
	assert_int_equal(overhead, overhead_of(pattern, m));
	assert_int_equal(th_noise_overhead(r), overhead);
	assert_true(th_noise_my_turn(w) && !th_noise_my_turn(r));
	assert_true(!th_noise_done(w) && !th_noise_done(r));
	rng.fill(rng.ctx, payload, n);
	assert_int_equal(th_noise_write(w, &rng, payload, n, msg, overhead + n - 1, &len), TH_ERR_TOO_LARGE);
	assert_memory_equal(w, &before, sizeof(before));
	assert_int_equal(th_noise_write(w, &rng, payload, n, msg, overhead + n, &len), TH_OK);
	assert_int_equal(len, overhead + n);
	assert_int_equal(th_noise_read(r, msg, len, got, &k), TH_OK);
	assert_int_equal(k, n);
	assert_memory_equal(got, payload, n);
}

static void assert_agreed(struct parties *p)
{
	struct th_noise_secret send[2], receive[2];
	struct th_noise *hs = p->hs;
	uint8_t byte = 0;
	size_t n;

	assert_memory_equal(hs[0].h, hs[1].h, TH_NOISE_HASH);
	for (int i = 0; i < 2; i++) {
		assert_true(th_noise_done(&hs[i]) && !th_noise_my_turn(&hs[i]));
		assert_int_equal(th_noise_overhead(&hs[i]), 0);
		assert_int_equal(th_noise_write(&hs[i], &rng, &byte, 1, &byte, 1, &n), TH_ERR_INVALID);
		assert_int_equal(th_noise_read(&hs[i], &byte, 1, &byte, &n), TH_ERR_INVALID);
		assert_int_equal(th_noise_split(&hs[i], &send[i], &receive[i]), TH_OK);
	}
	assert_memory_equal(send[0].b, receive[1].b, TH_NOISE_KEY);
	assert_memory_equal(send[1].b, receive[0].b, TH_NOISE_KEY);
	assert_memory_not_equal(send[0].b, send[1].b, TH_NOISE_KEY);
	assert_true(hs[INITIATOR].has_rs);
	assert_memory_equal(hs[INITIATOR].rs, p->s[RESPONDER].public, TH_NOISE_DH);
	assert_int_equal(hs[RESPONDER].has_rs, p->pattern->name.p[0] != 'N');
	if (hs[RESPONDER].has_rs)
		assert_memory_equal(hs[RESPONDER].rs, p->s[INITIATOR].public, TH_NOISE_DH);
}

static void test_all_pass(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 64, 100, 1000 };
	struct guard walls[3];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(walls); i++)
		walls[i] = guard_new(2048);
	EACH(i, s)
	{
		for (size_t k = 0; k < UNIT_COUNT(sizes); k++) {
			struct parties p;

			parties_init(&p, i, parties_suites[s], &rng);
			parties_start(&p);
			for (size_t m = 0; m < p.pattern->messages; m++)
				pass_exact(&p, m, sizes[(k + m) % UNIT_COUNT(sizes)], walls);
			assert_agreed(&p);
		}
	}
	for (size_t i = 0; i < UNIT_COUNT(walls); i++)
		guard_del(&walls[i]);
}

/* §3: a message has at most 65,535 bytes. */
static void test_longest(void **state)
{
	static uint8_t payload[MESSAGE_ROOM], msg[2 * MESSAGE_ROOM], got[MESSAGE_ROOM];

	(void)state;
	EACH(i, s)
	{
		struct parties p;
		size_t room, len;

		parties_init(&p, i, parties_suites[s], &rng);
		parties_start(&p);
		room = TH_NOISE_MESSAGE_MAX - th_noise_overhead(&p.hs[INITIATOR]);
		assert_int_equal(th_noise_write(&p.hs[INITIATOR], &rng, payload, room + 1, msg, sizeof(msg), &len),
				 TH_ERR_TOO_LARGE);
		assert_int_equal(th_noise_write(&p.hs[INITIATOR], &rng, payload, SIZE_MAX, msg, sizeof(msg), &len),
				 TH_ERR_TOO_LARGE);
		assert_int_equal(th_noise_write(&p.hs[INITIATOR], &rng, payload, room, msg, sizeof(msg), &len), TH_OK);
		assert_int_equal(len, TH_NOISE_MESSAGE_MAX);
		assert_int_equal(th_noise_read(&p.hs[RESPONDER], msg, len, got, &len), TH_OK);
		assert_int_equal(len, room);
		parties_start(&p);
		assert_int_equal(th_noise_read(&p.hs[RESPONDER], msg, TH_NOISE_MESSAGE_MAX + 1, got, &len),
				 TH_ERR_MALFORMED);
		assert_dead(&p.hs[RESPONDER]);
	}
}

/* Same keys, other ephemeral ones: nothing of two runs is alike. */
static void test_fresh(void **state)
{
	(void)state;
	EACH(i, s)
	{
		struct th_noise_secret send[2], receive[2];
		struct parties p;

		parties_init(&p, i, parties_suites[s], &rng);
		for (int run = 0; run < 2; run++) {
			run_to(&p, p.pattern->messages);
			assert_int_equal(th_noise_split(&p.hs[INITIATOR], &send[run], &receive[run]), TH_OK);
		}
		assert_memory_not_equal(send[0].b, send[1].b, TH_NOISE_KEY);
		assert_memory_not_equal(receive[0].b, receive[1].b, TH_NOISE_KEY);
	}
}

/* ---- what does not ---- */

/* `msg` instead of message m: refused, or, where m is not sealed, the answer to it is. */
static void assert_refused(struct parties *p, size_t m, const uint8_t *msg, size_t n)
{
	struct th_noise copy[2] = { p->hs[0], p->hs[1] };
	struct th_noise *r = &copy[!parties_writer(m)], *w = &copy[parties_writer(m)];
	static uint8_t got[MESSAGE_ROOM], answer[MESSAGE_ROOM];
	size_t k = SIZE_MAX, len;
	enum th_err err;

	memset(got, 0, n);
	err = th_noise_read(r, msg, n, got, &k);
	if (err == TH_OK && !is_sealed(p, m)) {
		err = th_noise_write(r, &rng, NULL, 0, answer, sizeof(answer), &len);
		assert_int_equal(err, TH_OK);
		assert_int_equal(th_noise_read(w, answer, len, got, &k), TH_ERR_MALFORMED);
		assert_dead(w);
		return;
	}
	assert_int_equal(err, TH_ERR_MALFORMED);
	assert_int_equal(k, SIZE_MAX);
	assert_true(all_zero(got, n));
	assert_dead(r);
}

static void test_every_byte_flipped(void **state)
{
	static const uint8_t payload[SMALL] = "flipped, all the same";
	static uint8_t msg[MESSAGE_ROOM];

	(void)state;
	EACH(i, s)
	{
		struct parties p;

		parties_init(&p, i, parties_suites[s], &rng);
		for (size_t m = 0; m < p.pattern->messages; m++) {
			struct th_noise before;
			size_t n;

			run_to(&p, m);
			before = p.hs[!parties_writer(m)];
			n = write_one(&p, m, payload, sizeof(payload), msg);
			for (size_t at = 0; at < n; at++) {
				uint8_t bit = (uint8_t)(1u << th_rng_below(&rng, 8));

				msg[at] ^= bit;
				assert_refused(&p, m, msg, n);
				msg[at] ^= bit;
			}
			assert_memory_equal(&before, &p.hs[!parties_writer(m)], sizeof(before));
			assert_int_equal(th_noise_read(&p.hs[!parties_writer(m)], msg, n, msg + n, &n), TH_OK);
		}
	}
}

/* The top bit of a public key has no effect on 25519 (RFC 7748 §5): only the hash of the messages tells. */
static void test_top_bit(void **state)
{
	static uint8_t msg[MESSAGE_ROOM];

	(void)state;
	EACH(i, s)
	{
		struct parties p;
		size_t n;

		parties_init(&p, i, parties_suites[s], &rng);
		run_to(&p, 0);
		n = write_one(&p, 0, NULL, 0, msg);
		msg[TH_NOISE_DH - 1] ^= 0x80;
		assert_refused(&p, 0, msg, n);
	}
}

static void test_every_prefix(void **state)
{
	static const uint8_t payload[SMALL] = "shortened, or longer";
	static uint8_t msg[MESSAGE_ROOM];
	struct guard wall = guard_new(256);

	(void)state;
	EACH(i, s)
	{
		struct parties p;

		parties_init(&p, i, parties_suites[s], &rng);
		for (size_t m = 0; m < p.pattern->messages; m++) {
			size_t n;

			run_to(&p, m);
			n = write_one(&p, m, payload, sizeof(payload), msg);
			for (size_t k = 0; k < n; k++)
				assert_refused(&p, m, guard_put(&wall, msg, k), k);
			msg[n] = 0;
			assert_refused(&p, m, guard_put(&wall, msg, n + 1), n + 1);
		}
	}
	guard_del(&wall);
}

/* A message of another handshake between the same two, and one's own message sent back. */
static void test_foreign_messages(void **state)
{
	static uint8_t old[MESSAGE_ROOM], own[MESSAGE_ROOM];

	(void)state;
	EACH(i, s)
	{
		struct parties p;

		parties_init(&p, i, parties_suites[s], &rng);
		for (size_t m = 1; m < p.pattern->messages; m++) {
			size_t n, k;

			run_to(&p, m);
			n = write_one(&p, m, NULL, 0, old);
			run_to(&p, m);
			assert_refused(&p, m, old, n);
			run_to(&p, m - 1);
			k = write_one(&p, m - 1, NULL, 0, own);
			assert_refused(&p, m, own, k);
		}
	}
}

/* Runs to the end or to the first refusal; true when both came to the end. */
static bool completes(struct parties *p)
{
	uint8_t msg[256], got[256];
	size_t len, k;

	parties_start(p);
	for (size_t m = 0; m < p->pattern->messages; m++) {
		struct th_noise *w = &p->hs[parties_writer(m)], *r = &p->hs[!parties_writer(m)];

		assert_int_equal(th_noise_write(w, &rng, NULL, 0, msg, sizeof(msg), &len), TH_OK);
		if (th_noise_read(r, msg, len, got, &k) != TH_OK) {
			assert_dead(r);
			return false;
		}
	}
	return true;
}

static void test_wrong_keys(void **state)
{
	struct th_noise_pair stranger;
	struct th_noise_secret psk;

	(void)state;
	assert_true(th_noise_keygen(&stranger, &rng));
	rng.fill(rng.ctx, psk.b, sizeof(psk.b));
	EACH(i, s)
	{
		for (int side = 0; side < 2; side++) {
			struct parties p;

			parties_init(&p, i, parties_suites[s], &rng);
			assert_true(completes(&p));
			p.config[side].prologue_len--;
			assert_false(completes(&p));
			parties_init(&p, i, parties_suites[s], &rng);
			if (p.config[side].rs) {
				p.config[side].rs = stranger.public;
				assert_false(completes(&p));
				p.config[side].rs = p.s[!side].public;
				p.config[!side].s = &stranger;
				assert_false(completes(&p));
				p.config[!side].s = &p.s[!side];
			}
			if (p.config[side].psk) {
				p.config[side].psk = &psk;
				assert_false(completes(&p));
			}
			/* somebody else's public key with one's own secret */
			parties_init(&p, i, parties_suites[s], &rng);
			memcpy(p.s[side].public, stranger.public, TH_NOISE_DH);
			if (side == INITIATOR && p.pattern->name.p[0] == 'N')
				assert_true(completes(&p)); /* has no part in it */
			else
				assert_false(completes(&p));
		}
	}
}

static void test_out_of_turn(void **state)
{
	(void)state;
	EACH(i, s)
	{
		struct parties p;

		parties_init(&p, i, parties_suites[s], &rng);
		for (size_t m = 0; m <= p.pattern->messages; m++) {
			struct th_noise *w, *r, before[2];
			struct th_noise_secret a, b;
			uint8_t buf[256] = { 0 };
			size_t n;

			run_to(&p, m);
			w = &p.hs[parties_writer(m)];
			r = &p.hs[!parties_writer(m)];
			memcpy(before, p.hs, sizeof(before));
			assert_int_equal(th_noise_write(r, &rng, buf, 1, buf + 1, 200, &n), TH_ERR_INVALID);
			assert_int_equal(th_noise_read(w, buf, 200, buf, &n), TH_ERR_INVALID);
			if (m < p.pattern->messages) {
				assert_int_equal(th_noise_split(w, &a, &b), TH_ERR_INVALID);
				assert_int_equal(th_noise_split(r, &a, &b), TH_ERR_INVALID);
			}
			assert_memory_equal(before, p.hs, sizeof(before));
		}
	}
}

static void assert_invalid(const struct th_noise_config *c)
{
	struct th_noise hs;

	memset(&hs, 0xa5, sizeof(hs));
	assert_int_equal(th_noise_init(&hs, c), TH_ERR_INVALID);
	assert_dead(&hs);
}

static void test_missing_and_surplus_keys(void **state)
{
	(void)state;
	EACH(i, s)
	{
		for (int side = 0; side < 2; side++) {
			struct th_noise_config c;
			struct th_noise hs;
			struct parties p;

			parties_init(&p, i, parties_suites[s], &rng);
			c = p.config[side];
			c.rs = c.rs ? NULL : p.s[!side].public;
			assert_invalid(&c);
			c = p.config[side];
			c.psk = c.psk ? NULL : &p.psk;
			assert_invalid(&c);
			c = p.config[side];
			c.s = NULL;
			if (side == INITIATOR && p.pattern->name.p[0] == 'N')
				assert_int_equal(th_noise_init(&hs, &c), TH_OK);
			else
				assert_invalid(&c);
		}
	}
}

static void test_unknown_names(void **state)
{
	static const char *const names[] = {
		"",
		"N",
		"Noise",
		"Noise_",
		"Noise_NK",
		"Noise_NK_",
		"Noise__25519_ChaChaPoly_BLAKE2s",
		"noise_NK_25519_ChaChaPoly_BLAKE2s",
		"Noise_nk_25519_ChaChaPoly_BLAKE2s",
		"Noise_NN_25519_ChaChaPoly_BLAKE2s",
		"Noise_NKpsk1_25519_ChaChaPoly_BLAKE2s",
		"Noise_NKpsk0+psk2_25519_ChaChaPoly_BLAKE2s",
		"Noise_NK_25519_ChaChaPoly_BLAKE2",
		"Noise_NK_25519_ChaChaPoly_BLAKE2s_",
		"Noise_NK_25519_ChaChaPoly_BLAKE2ss",
		"Noise_NK_25519_ChaChaPoly_BLAKE2b",
		"Noise_NK_25519_ChaChaPoly_SHA256",
		"Noise_NK_25519_AESGCM_BLAKE2s",
		"Noise_NK_448_ChaChaPoly_BLAKE2s",
		" Noise_NK_25519_ChaChaPoly_BLAKE2s",
	};
	struct guard wall = guard_new(128);
	struct th_noise_config c;
	struct parties p;

	(void)state;
	parties_init(&p, 0, parties_suites[0], &rng);
	c = p.config[INITIATOR];
	for (size_t i = 0; i < UNIT_COUNT(names); i++) {
		size_t n = strlen(names[i]);
		struct th_noise hs;

		c.protocol = (struct th_str){ (const char *)guard_put(&wall, names[i], n), n };
		memset(&hs, 0xa5, sizeof(hs));
		assert_int_equal(th_noise_init(&hs, &c), TH_ERR_UNSUPPORTED);
		assert_dead(&hs);
	}
	guard_del(&wall);
}

/* The points whose multiples give the all-zero secret (RFC 7748 §6.1), in all their encodings of 32 bytes. */
static size_t small_order(uint8_t points[16][TH_NOISE_DH])
{
	static const uint8_t order8[2][TH_NOISE_DH] = {
		{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
		  0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
		{ 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
		  0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
	};
	size_t n = 0;

	memset(points, 0, 16 * TH_NOISE_DH);
	n++; /* 0 */
	points[n++][0] = 1;
	for (int last = 0xec; last <= 0xee; last++) { /* p - 1, p, p + 1 */
		memset(points[n], 0xff, TH_NOISE_DH);
		points[n][0] = (uint8_t)last;
		points[n++][TH_NOISE_DH - 1] = 0x7f;
	}
	memcpy(points[n++], order8[0], TH_NOISE_DH);
	memcpy(points[n++], order8[1], TH_NOISE_DH);
	for (size_t i = 0; i < 7; i++) { /* and each with the top bit, which 25519 ignores */
		memcpy(points[n], points[i], TH_NOISE_DH);
		points[n++][TH_NOISE_DH - 1] |= 0x80;
	}
	return n;
}

static void refuse_ephemeral(struct parties *p, const uint8_t *point)
{
	uint8_t msg[256], got[256];
	struct th_noise *r = &p->hs[RESPONDER];
	size_t n;

	parties_start(p);
	n = write_one(p, 0, NULL, 0, msg);
	memcpy(msg, point, TH_NOISE_DH);
	if (is_sealed(p, 0)) {
		assert_int_equal(th_noise_read(r, msg, n, got, &n), TH_ERR_MALFORMED);
	} else { /* XX: its first DH is in the answer */
		assert_int_equal(th_noise_read(r, msg, n, got, &n), TH_OK);
		assert_int_equal(th_noise_write(r, &rng, NULL, 0, msg, sizeof(msg), &n), TH_ERR_IO);
	}
	assert_dead(r);
}

static void test_small_order_keys(void **state)
{
	uint8_t points[16][TH_NOISE_DH], out[TH_NOISE_DH], msg[256];
	size_t n = small_order(points), len;
	struct th_noise_pair pair;

	(void)state;
	assert_int_equal(n, 14);
	assert_true(th_noise_keygen(&pair, &rng));
	for (size_t k = 0; k < n; k++)
		assert_false(th_suite_dh(out, &pair.secret, points[k]));
	EACH(i, s)
	{
		for (size_t k = 0; k < n; k++) {
			struct parties p;

			parties_init(&p, i, parties_suites[s], &rng);
			refuse_ephemeral(&p, points[k]);
			if (!p.config[INITIATOR].rs)
				continue;
			p.config[INITIATOR].rs = points[k];
			parties_start(&p);
			assert_int_equal(th_noise_write(&p.hs[INITIATOR], &rng, NULL, 0, msg, sizeof(msg), &len),
					 TH_ERR_IO);
			assert_dead(&p.hs[INITIATOR]);
		}
	}
}

/* ---- secrets ---- */

static void test_wipe(void **state)
{
	struct parties p;

	(void)state;
	parties_init(&p, 0, parties_suites[0], &rng);
	run_to(&p, 1);
	for (int i = 0; i < 2; i++) {
		assert_false(all_zero(&p.hs[i], sizeof(p.hs[i])));
		th_noise_wipe(&p.hs[i]);
		assert_dead(&p.hs[i]);
	}
}

/* As the session uses it: rubbish on a copy harms nothing. */
static void test_copy_and_commit(void **state)
{
	uint8_t msg[256], bad[256] = { 0 }, got[256];
	struct th_noise copy;
	struct parties p;
	size_t n, k;

	(void)state;
	parties_init(&p, 0, parties_suites[0], &rng);
	run_to(&p, 1);
	n = write_one(&p, 1, NULL, 0, msg);
	for (int i = 0; i < 100; i++) {
		rng.fill(rng.ctx, bad, n);
		copy = p.hs[INITIATOR];
		assert_int_equal(th_noise_read(&copy, bad, n, got, &k), TH_ERR_MALFORMED);
		assert_dead(&copy);
	}
	copy = p.hs[INITIATOR];
	assert_int_equal(th_noise_read(&copy, msg, n, got, &k), TH_OK);
	p.hs[INITIATOR] = copy;
	assert_agreed(&p);
}

/* Randomness goes into ephemeral secrets and nowhere else. */
static void test_randomness(void **state)
{
	uint64_t seed = 7, again = 7;
	const struct th_rng fixed = th_rng_seeded(&seed), same = th_rng_seeded(&again);
	uint8_t msg[256], secret[TH_NOISE_KEY];
	struct parties p;
	size_t n;

	(void)state;
	parties_init(&p, 0, parties_suites[0], &rng);
	parties_start(&p);
	assert_int_equal(th_noise_write(&p.hs[INITIATOR], &fixed, NULL, 0, msg, sizeof(msg), &n), TH_OK);
	same.fill(same.ctx, secret, sizeof(secret));
	assert_memory_equal(p.hs[INITIATOR].e.secret.b, secret, sizeof(secret));
	assert_int_equal(seed, again);
	assert_memory_equal(msg, p.hs[INITIATOR].e.public, TH_NOISE_DH);
}

/* Not a limit, as machines differ: what a handshake of both sides costs is printed. */
static void test_cost(void **state)
{
	enum { ROUNDS = 50 };

	(void)state;
	EACH(i, s)
	{
		struct timespec from, to;
		struct parties p;

		parties_init(&p, i, parties_suites[s], &rng);
		run_to(&p, p.pattern->messages);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		for (int k = 0; k < ROUNDS; k++)
			assert_true(completes(&p));
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		printf("%s: %.0f us\n", p.name,
		       ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / ROUNDS / 1e3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_pass),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_every_byte_flipped),
		cmocka_unit_test(test_top_bit),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_foreign_messages),
		cmocka_unit_test(test_wrong_keys),
		cmocka_unit_test(test_out_of_turn),
		cmocka_unit_test(test_missing_and_surplus_keys),
		cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_small_order_keys),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_copy_and_commit),
		cmocka_unit_test(test_randomness),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
