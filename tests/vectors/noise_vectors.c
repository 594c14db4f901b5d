/* Noise test vectors in the published (cacophony) format, each played in both roles. Usage: noise_vectors FILE…
 *
 * Every pattern and suite that the tables name must have a vector. Prints "N passed, N failed". */
#include <jansson.h>

#include "base/rng.h"
#include "session/noise.h"
#include "session/pattern.h"
#include "session/suite.h"

enum { BYTES_MAX = 2048, MESSAGES_MIN = 6, NAMES_MAX = 256 };

struct bytes {
	uint8_t b[BYTES_MAX];
	size_t n;
	bool present;
};

struct side {
	struct th_noise hs;
	struct th_noise_pair s;
	struct bytes prologue, static_secret, ephemeral, remote, psk;
	struct th_noise_secret send, receive;
	uint64_t sent, received;
};

static struct {
	unsigned passed, failed;
	char seen[NAMES_MAX][80];
	size_t names;
} tally;

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False for text that is not hex, or too long; a missing key is empty. */
static bool read_hex(const json_t *value, struct bytes *out)
{
	const char *hex = json_string_value(value);

	*out = (struct bytes){ .present = value != NULL };
	if (!value)
		return true;
	if (!hex || strlen(hex) % 2 || strlen(hex) / 2 > BYTES_MAX)
		return false;
	for (; *hex; hex += 2) {
		int hi = nibble(hex[0]), lo = nibble(hex[1]);

		if (hi < 0 || lo < 0)
			return false;
		out->b[out->n++] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static bool read_side(const json_t *v, const char *role, struct side *s)
{
	const struct {
		const char *name;
		struct bytes *to;
		size_t n; /* 0: any */
	} fields[] = {
		{ "prologue", &s->prologue, 0 },
		{ "static", &s->static_secret, TH_NOISE_KEY },
		{ "ephemeral", &s->ephemeral, TH_NOISE_KEY },
		{ "remote_static", &s->remote, TH_NOISE_DH },
	};
	char key[64];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(key, sizeof(key), "%s_%s", role, fields[i].name);
		if (!read_hex(json_object_get(v, key), fields[i].to))
			return false;
		if (fields[i].to->present && fields[i].n && fields[i].to->n != fields[i].n)
			return false;
	}
	snprintf(key, sizeof(key), "%s_psks", role);
	if (!read_hex(json_array_get(json_object_get(v, key), 0), &s->psk))
		return false;
	return !s->psk.present || s->psk.n == TH_NOISE_PSK;
}

static bool start_side(const char *protocol, bool initiator, struct side *s)
{
	struct th_noise_secret psk;
	struct th_noise_config c = {
		.protocol = th_str_of(protocol),
		.initiator = initiator,
		.prologue = s->prologue.b,
		.prologue_len = s->prologue.n,
		.rs = s->remote.present ? s->remote.b : NULL,
	};

	if (s->static_secret.present) {
		memcpy(s->s.secret.b, s->static_secret.b, TH_NOISE_KEY);
		if (!th_noise_public(s->s.public, &s->s.secret))
			return false;
		c.s = &s->s;
	}
	if (s->psk.present) {
		memcpy(psk.b, s->psk.b, TH_NOISE_PSK);
		c.psk = &psk;
	}
	return th_noise_init(&s->hs, &c) == TH_OK;
}

/* The ephemeral secret, once. */
static void fixed_fill(void *ctx, void *out, size_t n)
{
	struct bytes *e = ctx;

	memset(out, 0, n);
	if (n == e->n)
		memcpy(out, e->b, n);
	e->n = 0;
}

static bool play_handshake(struct side *w, struct side *r, const struct bytes *payload, const struct bytes *want)
{
	const struct th_rng rng = { fixed_fill, &w->ephemeral };
	uint8_t msg[BYTES_MAX], got[BYTES_MAX];
	size_t n, k;

	if (th_noise_write(&w->hs, &rng, payload->b, payload->n, msg, sizeof(msg), &n) != TH_OK || n != want->n ||
	    memcmp(msg, want->b, n) != 0)
		return false;
	return th_noise_read(&r->hs, want->b, want->n, got, &k) == TH_OK && k == payload->n &&
	       memcmp(got, payload->b, k) == 0;
}

static bool play_transport(struct side *w, struct side *r, const struct bytes *payload, const struct bytes *want)
{
	uint8_t msg[BYTES_MAX + TH_NOISE_TAG], got[BYTES_MAX];

	if (!th_suite_encrypt(w->hs.suite, &w->send, w->sent++, NULL, 0, payload->b, payload->n, msg) ||
	    want->n != payload->n + TH_NOISE_TAG || memcmp(msg, want->b, want->n) != 0)
		return false;
	return th_suite_decrypt(r->hs.suite, &r->receive, r->received++, NULL, 0, want->b, want->n, got) &&
	       memcmp(got, payload->b, payload->n) == 0;
}

static bool finish_side(struct side *s, const struct bytes *hash)
{
	return hash->n == TH_NOISE_HASH && memcmp(s->hs.h, hash->b, hash->n) == 0 &&
	       th_noise_split(&s->hs, &s->send, &s->receive) == TH_OK;
}

/* NULL, or what is wrong. */
static const char *play(const json_t *v)
{
	static struct side side[2]; /* initiator, responder */
	const char *protocol = json_string_value(json_object_get(v, "protocol_name"));
	const json_t *messages = json_object_get(v, "messages");
	struct bytes payload, sealed, hash;
	bool split = false;

	memset(side, 0, sizeof(side));
	if (!protocol || json_array_size(messages) < MESSAGES_MIN || !read_side(v, "init", &side[0]) ||
	    !read_side(v, "resp", &side[1]) || !read_hex(json_object_get(v, "handshake_hash"), &hash))
		return "not in the format";
	if (!start_side(protocol, true, &side[0]) || !start_side(protocol, false, &side[1]))
		return "does not start";
	for (size_t i = 0; i < json_array_size(messages); i++) {
		const json_t *m = json_array_get(messages, i);
		struct side *w = &side[i % 2], *r = &side[1 - i % 2];

		if (!read_hex(json_object_get(m, "payload"), &payload) ||
		    !read_hex(json_object_get(m, "ciphertext"), &sealed))
			return "a message is not in the format";
		if (!split && th_noise_done(&side[0].hs)) {
			split = true;
			if (!finish_side(&side[0], &hash) || !finish_side(&side[1], &hash))
				return "another handshake hash";
		}
		if (!(split ? play_transport : play_handshake)(w, r, &payload, &sealed))
			return split ? "a transport message differs" : "a handshake message differs";
	}
	return split ? NULL : "does not end";
}

static void note_seen(const char *protocol)
{
	for (size_t i = 0; i < tally.names; i++)
		if (strcmp(tally.seen[i], protocol) == 0)
			return;
	if (tally.names < NAMES_MAX)
		snprintf(tally.seen[tally.names++], sizeof(tally.seen[0]), "%s", protocol);
}

static void play_file(const char *path)
{
	json_error_t error;
	json_t *file = json_load_file(path, 0, &error);
	const json_t *vectors = json_object_get(file, "vectors");

	if (json_array_size(vectors) == 0) {
		printf("%s: no vectors: %s\n", path, file ? "" : error.text);
		tally.failed++;
	}
	for (size_t i = 0; i < json_array_size(vectors); i++) {
		const json_t *v = json_array_get(vectors, i);
		const char *wrong = play(v);

		if (wrong) {
			const char *name = json_string_value(json_object_get(v, "protocol_name"));

			printf("%s: vector %zu (%s): %s\n", path, i, name ? name : "?", wrong);
			tally.failed++;
			continue;
		}
		note_seen(json_string_value(json_object_get(v, "protocol_name")));
		tally.passed++;
	}
	json_decref(file);
}

/* Suites have no list to walk: these are what th_suite_find() knows. */
static void check_coverage(void)
{
	static const char *const suites[] = { "25519_ChaChaPoly_BLAKE2s", "25519_AESGCM_SHA256" };
	size_t want = th_noise_patterns_count * sizeof(suites) / sizeof(suites[0]);

	if (tally.names == want)
		return;
	printf("vectors for %zu protocols, but there are %zu\n", tally.names, want);
	tally.failed++;
}

int main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++)
		play_file(argv[i]);
	check_coverage();
	th_suite_release();
	printf("%u passed, %u failed\n", tally.passed, tally.failed);
	return tally.failed ? 1 : 0;
}
