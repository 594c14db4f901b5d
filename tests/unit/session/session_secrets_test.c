/* When sessions end, their secrets are gone: all memory of this process that can be written is searched for every key
 * that was ever in use. The linker puts functions here between (--wrap), which note keys, masked, as they are made. */
#include "rig.h"

#include "session/suite.h"

enum { SECRETS = 4096, PIECE = 16, MASK = 0xa5, STACK = 200000 };

static struct rig r;

/* ---- what is secret ---- */

static struct {
	uint8_t masked[TH_NOISE_KEY];
	const char *what;
} secrets[SECRETS];
static size_t secrets_n;

static void note(const uint8_t *p, const char *what)
{
	assert_true(secrets_n < SECRETS);
	for (size_t i = 0; i < TH_NOISE_KEY; i++)
		secrets[secrets_n].masked[i] = p[i] ^ MASK;
	secrets[secrets_n++].what = what;
}

bool __real_th_cipher_init(struct th_cipher *c, const struct th_noise_secret *k, size_t tag, enum th_cipher_way way);
bool __wrap_th_cipher_init(struct th_cipher *c, const struct th_noise_secret *k, size_t tag, enum th_cipher_way way);
bool __real_th_suite_dh(uint8_t out[TH_NOISE_DH], const struct th_noise_secret *secret, const uint8_t *public);
bool __wrap_th_suite_dh(uint8_t out[TH_NOISE_DH], const struct th_noise_secret *secret, const uint8_t *public);
bool __real_th_suite_hkdf(const struct th_noise_suite *s, const struct th_noise_secret *ck, const void *ikm,
			  size_t ikm_len, uint8_t *out1, uint8_t *out2, uint8_t *out3);
bool __wrap_th_suite_hkdf(const struct th_noise_suite *s, const struct th_noise_secret *ck, const void *ikm,
			  size_t ikm_len, uint8_t *out1, uint8_t *out2, uint8_t *out3);

bool __wrap_th_cipher_init(struct th_cipher *c, const struct th_noise_secret *k, size_t tag, enum th_cipher_way way)
{
	note(k->b, "record key");
	return __real_th_cipher_init(c, k, tag, way);
}

bool __wrap_th_suite_dh(uint8_t out[TH_NOISE_DH], const struct th_noise_secret *secret, const uint8_t *public)
{
	bool ok = __real_th_suite_dh(out, secret, public);

	note(secret->b, "private key");
	note(out, "shared secret");
	return ok;
}

bool __wrap_th_suite_hkdf(const struct th_noise_suite *s, const struct th_noise_secret *ck, const void *ikm,
			  size_t ikm_len, uint8_t *out1, uint8_t *out2, uint8_t *out3)
{
	bool ok = __real_th_suite_hkdf(s, ck, ikm, ikm_len, out1, out2, out3);

	note(out1, "chaining key or name");
	note(out2, "handshake key");
	return ok;
}

/* ---- the search ---- */

static bool is_at(const uint8_t *p, const uint8_t *masked)
{
	for (size_t i = 0; i < PIECE; i++)
		if (p[i] != (masked[i] ^ MASK))
			return false;
	return true;
}

static size_t search(const uint8_t *p, size_t n)
{
	static uint16_t first[256][SECRETS / 16]; /* by first byte */
	static uint16_t count[256];
	size_t found = 0;

	memset(count, 0, sizeof(count));
	for (size_t i = 0; i < secrets_n; i++) {
		uint8_t b = secrets[i].masked[0] ^ MASK;

		assert_true(count[b] < SECRETS / 16);
		first[b][count[b]++] = (uint16_t)i;
	}
	for (size_t at = 0; at + PIECE <= n; at++)
		for (uint16_t k = 0; k < count[p[at]]; k++)
			if (is_at(p + at, secrets[first[p[at]][k]].masked)) {
				printf("found: %s, at %p\n", secrets[first[p[at]][k]].what, (const void *)(p + at));
				found++;
			}
	return found;
}

/* Heap, data and stack: every piece of memory that can be read and written. */
static size_t search_all(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512], flags[8];
	unsigned long from, to;
	size_t found = 0, bytes = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, flags) != 3 || flags[0] != 'r' || flags[1] != 'w')
			continue;
		found += search((const uint8_t *)from, to - from);
		bytes += to - from;
	}
	fclose(f);
	printf("%zu secrets, %zu bytes searched, %zu found\n", secrets_n, bytes, found);
	return found;
}

/* What called functions left below is overwritten, as anything that follows would: what the library's own functions
 * leave there is not ours to wipe. */
static __attribute__((noinline)) void sweep_stack(void)
{
	volatile uint8_t dead[STACK];

	for (size_t i = 0; i < sizeof(dead); i++)
		dead[i] = 0;
}

/* ---- tests ---- */

static void use_sessions(enum th_session_pattern pattern)
{
	static struct th_noise_secret psk;
	th_session_id id;

	psk.b[0] = 7;
	rig_init(&r, 1);
	secrets_n = 0;
	r.loss = 20;
	r.b.config.accept_xx = true;
	r.b.config.psk = &psk;
	r.a.config.rekey_packets = 10;
	rig_start(&r.a);
	rig_start(&r.b);
	id = rig_connect(&r.a, pattern, &psk);
	for (int i = 0; i < 40; i++) {
		rig_request(&r.a, id, 30);
		assert_true(rig_settle(&r, 3600 * TH_SEC));
	}
	assert_true(secrets_n > 30);
}

static void nothing_is_left_when_all_ends(void **state)
{
	(void)state;
	for (int pattern = TH_SESSION_NK; pattern <= TH_SESSION_XX; pattern += pattern == TH_SESSION_IK ? 2 : 1) {
		use_sessions((enum th_session_pattern)pattern);
		memset(&r.a.own.secret, 0, sizeof(r.a.own.secret)); /* the tester's copies */
		memset(&r.b.own.secret, 0, sizeof(r.b.own.secret));
		rig_free(&r);
		sweep_stack();
		assert_int_equal(search_all(), 0);
	}
}

/* One session of many: its keys go with it, the static keys stay. */
static void nothing_is_left_of_a_closed_session(void **state)
{
	(void)state;
	use_sessions(TH_SESSION_NK);
	while (r.a.sessions_n > 0) {
		th_session_close(r.a.s, r.a.sessions[0]);
		r.a.sessions[0] = r.a.sessions[--r.a.sessions_n];
	}
	while (r.b.sessions_n > 0) {
		th_session_close(r.b.s, r.b.sessions[0]);
		r.b.sessions[0] = r.b.sessions[--r.b.sessions_n];
	}
	assert_int_equal(th_sessions_stats(r.b.s)->half_open, 0);
	for (size_t i = 0; i < secrets_n; i++) /* b's static key is still in use */
		for (size_t k = 0; k < secrets_n; k++)
			if (is_at(r.b.own.secret.b, secrets[k].masked))
				secrets[k] = secrets[--secrets_n];
	sweep_stack();
	assert_int_equal(search_all(), 0);
	rig_free(&r);
}

/* And the search finds what is there. */
static void keys_are_found_while_in_use(void **state)
{
	(void)state;
	use_sessions(TH_SESSION_NK);
	assert_true(search_all() > 0);
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_when_all_ends),
		cmocka_unit_test(nothing_is_left_of_a_closed_session),
		cmocka_unit_test(keys_are_found_while_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
