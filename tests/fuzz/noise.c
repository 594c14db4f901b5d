/* Hostile handshake messages into every state of every pattern and suite. Nothing but the message that the other side
 * wrote is taken, whatever the bytes; what is refused leaves a wiped state. XX's first message is not authenticated:
 * there the answer to a changed one must be refused.
 *
 * Input: which state, then how the message is made:
 *     protocol  bits 0-1: which message, bit 7: raw
 *     raw:      the message
 *     else:     signed change of length, then (position, two bytes; byte to xor) over the genuine message
 */
#include "fuzz.h"

#include <string.h>

#include "base/rd.h"
#include "session/noise.h"
#include "session/pattern.h"
#include "session/suite.h"

enum { SUITES = 2, STATES_MAX = 64, PAYLOAD = 12, MESSAGE = 256, ROOM = 8192, RAW = 0x80 };

static const char *const suites[SUITES] = { "25519_ChaChaPoly_BLAKE2s", "25519_AESGCM_SHA256" };

/* The two sides before a message, and the message. */
struct state {
	struct th_noise writer_after, reader;
	uint8_t message[MESSAGE];
	size_t n;
	bool sealed;
};

static struct {
	struct state at[STATES_MAX][TH_NOISE_MESSAGES_MAX];
	bool ready;
} all;

static const uint8_t payload[PAYLOAD] = "early data.";

static void make_states(size_t p, size_t s, const struct th_rng *rng)
{
	const struct th_noise_pattern *pattern = &th_noise_patterns[p];
	struct th_noise_pair pair[2];
	struct th_noise_secret psk = { { 1 } };
	struct th_noise hs[2];
	char name[80];

	snprintf(name, sizeof(name), "Noise_%.*s_%s", TH_STR_ARG(pattern->name), suites[s]);
	FUZZ_CHECK(th_noise_keygen(&pair[0], rng) && th_noise_keygen(&pair[1], rng));
	for (int i = 0; i < 2; i++) { /* 0 is the initiator */
		const struct th_noise_config c = {
			.protocol = th_str_of(name),
			.initiator = i == 0,
			.s = &pair[i],
			.rs = (i == 0 ? pattern->responder_s : pattern->initiator_s) ? pair[1 - i].public : NULL,
			.psk = pattern->name.n > 2 ? &psk : NULL,
		};

		FUZZ_CHECK(th_noise_init(&hs[i], &c) == TH_OK);
	}
	for (size_t m = 0; m < pattern->messages; m++) {
		struct state *at = &all.at[p * SUITES + s][m];
		uint8_t got[MESSAGE];
		size_t n;

		at->reader = hs[1 - m % 2];
		at->sealed = m > 0 || pattern->name.n > 2 || pattern->responder_s;
		FUZZ_CHECK(th_noise_write(&hs[m % 2], rng, payload, PAYLOAD, at->message, MESSAGE, &at->n) == TH_OK);
		at->writer_after = hs[m % 2];
		FUZZ_CHECK(th_noise_read(&hs[1 - m % 2], at->message, at->n, got, &n) == TH_OK && n == PAYLOAD);
	}
}

static void make_all(void)
{
	uint64_t seed = 4;
	const struct th_rng rng = th_rng_seeded(&seed);

	FUZZ_CHECK(th_noise_patterns_count * SUITES <= STATES_MAX);
	for (size_t p = 0; p < th_noise_patterns_count; p++)
		for (size_t s = 0; s < SUITES; s++)
			make_states(p, s, &rng);
	all.ready = true;
}

/* The genuine message, changed as the input says. Returns its length. */
static size_t change(struct th_rd *r, const struct state *at, uint8_t *out)
{
	int longer = (int8_t)th_rd_uint(r, 1);
	size_t n = longer < 0 && (size_t)-longer > at->n ? 0 : at->n + (size_t)longer;

	memset(out, 0, ROOM);
	memcpy(out, at->message, at->n);
	while (th_rd_left(r) >= 3) {
		size_t where = th_rd_uint(r, 2);

		out[where % (MESSAGE + INT8_MAX)] ^= (uint8_t)th_rd_uint(r, 1);
	}
	return n;
}

static void check_wiped(const struct th_noise *hs)
{
	static const struct th_noise zero;

	FUZZ_CHECK(memcmp(hs, &zero, sizeof(zero)) == 0);
	FUZZ_CHECK(!th_noise_usable(hs) && !th_noise_done(hs) && !th_noise_my_turn(hs));
}

static void check_answer_refused(struct th_noise *r, const struct state *at)
{
	uint64_t seed = 5;
	const struct th_rng rng = th_rng_seeded(&seed);
	struct th_noise w = at->writer_after;
	uint8_t msg[MESSAGE], got[MESSAGE];
	size_t n;

	if (th_noise_write(r, &rng, NULL, 0, msg, sizeof(msg), &n) != TH_OK) {
		check_wiped(r); /* a key of small order */
		return;
	}
	FUZZ_CHECK(th_noise_read(&w, msg, n, got, &n) == TH_ERR_MALFORMED);
	check_wiped(&w);
}

static void feed(const struct state *at, const uint8_t *msg, size_t n)
{
	bool genuine = n == at->n && memcmp(msg, at->message, n) == 0;
	struct th_noise hs = at->reader;
	static uint8_t got[ROOM];
	size_t k = SIZE_MAX;
	enum th_err err = th_noise_read(&hs, msg, n, got, &k);

	if (genuine) {
		FUZZ_CHECK(err == TH_OK && k == PAYLOAD && memcmp(got, payload, PAYLOAD) == 0);
		FUZZ_CHECK(th_noise_usable(&hs));
	} else if (err == TH_OK) {
		FUZZ_CHECK(!at->sealed && k == n - TH_NOISE_DH);
		check_answer_refused(&hs, at);
	} else {
		FUZZ_CHECK(err == TH_ERR_MALFORMED && k == SIZE_MAX);
		check_wiped(&hs);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct th_rd r = th_rd_init(data, n);
	static uint8_t changed[ROOM];
	const struct state *at;
	size_t protocol, which;

	if (!all.ready)
		make_all();
	protocol = th_rd_uint(&r, 1) % (th_noise_patterns_count * SUITES);
	which = th_rd_uint(&r, 1);
	at = &all.at[protocol][(which & 3) % th_noise_patterns[protocol / SUITES].messages];
	if (r.err != TH_OK)
		return 0;
	if (which & RAW) {
		if (th_rd_left(&r) <= ROOM)
			feed(at, r.p, th_rd_left(&r)); /* at the input's end, where a byte too far faults */
	} else {
		n = change(&r, at, changed);
		feed(at, changed, n);
	}
	return 0;
}
