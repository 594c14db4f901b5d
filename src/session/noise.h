/* The Noise protocol framework, revision 34: handshakes as a table of tokens. Bytes and randomness come in, bytes go
 * out.
 *
 * Names as in the specification (https://noiseprotocol.org/noise.html): s, e are this side's static and ephemeral key
 * pairs, rs, re the other side's public keys; ck, h, k, n the symmetric state of §5.2. */
#ifndef TH_SESSION_NOISE_H
#define TH_SESSION_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "base/str.h"

enum {
	TH_NOISE_DH = 32,   /* DHLEN of 25519 */
	TH_NOISE_HASH = 32, /* HASHLEN of BLAKE2s and SHA256 */
	TH_NOISE_KEY = 32,
	TH_NOISE_PSK = 32,
	TH_NOISE_TAG = 16,
	TH_NOISE_NONCE = 12,	      /* of the ciphers; Noise counts in its last 8 bytes (§12) */
	TH_NOISE_MESSAGE_MAX = 65535, /* §3 */
};

/* A secret of 32 bytes, apart from everything that may be printed or copied about. */
struct th_noise_secret {
	uint8_t b[TH_NOISE_KEY];
};

struct th_noise_pair {
	struct th_noise_secret secret;
	uint8_t public[TH_NOISE_DH];
};

struct th_noise_suite; /* DH, cipher and hash by name: suite.h */

struct th_noise_config {
	struct th_str protocol; /* "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s" */
	bool initiator;
	const void *prologue; /* borrowed during init */
	size_t prologue_len;
	const struct th_noise_pair *s; /* this side's static pair; unused where the pattern has none. Copied */
	const uint8_t *rs; /* the other side's static public key: exactly where the pattern knows it before. Copied */
	const struct th_noise_secret *psk; /* exactly where the pattern has one. Copied */
};

/* One handshake. Holds secrets: wipe it with th_noise_wipe() on every way out. Copy it, try a message on the copy, and
 * commit by copying back: a message that fails wipes the state. */
struct th_noise {
	const struct th_noise_pattern *pattern;	   /* static */
	const struct th_noise_suite *suite;	   /* static */
	bool initiator, has_key, has_rs, psk_mode; /* has_rs: the other side's static key is known by now */
	uint8_t step;				   /* messages done */
	uint64_t n;
	struct th_noise_secret ck, k, psk;
	struct th_noise_pair s, e;
	uint8_t h[TH_NOISE_HASH], rs[TH_NOISE_DH], re[TH_NOISE_DH];
};

/* TH_ERR_UNSUPPORTED for a name that is not in the tables, TH_ERR_INVALID when a key that the pattern needs is missing
 * or one is given (rs, psk) that it has no use for, TH_ERR_IO when the library fails. On errors *hs is wiped. */
enum th_err th_noise_init(struct th_noise *hs, const struct th_noise_config *config);
void th_noise_wipe(struct th_noise *hs);

/* False once wiped, be it by a message that failed; every other call then does nothing and says so. */
bool th_noise_usable(const struct th_noise *hs);

/* Whose turn, and whether the last message has passed. */
bool th_noise_my_turn(const struct th_noise *hs);
bool th_noise_done(const struct th_noise *hs);

/* Bytes that the next message adds to its payload: public keys and tags. 0 when there is no next one. */
size_t th_noise_overhead(const struct th_noise *hs);

/* Writes the next message; *out_len <= cap. TH_ERR_TOO_LARGE when it does not fit, TH_ERR_INVALID out of turn: the
 * state is as before. TH_ERR_IO when the library fails or the other side's key is of small order: the state is wiped.
 * `payload` and `out` do not overlap. */
enum th_err th_noise_write(struct th_noise *hs, const struct th_rng *rng, const uint8_t *payload, size_t n,
			   uint8_t *out, size_t cap, size_t *out_len);

/* Reads the next message; the payload is n - th_noise_overhead() bytes. TH_ERR_INVALID out of turn: the state is as
 * before. TH_ERR_MALFORMED for anything that does not authenticate: the state is wiped, and so is what may have been
 * written to `payload`. `msg` and `payload` do not overlap. */
enum th_err th_noise_read(struct th_noise *hs, const uint8_t *msg, size_t n, uint8_t *payload, size_t *payload_len);

/* After the last message: the keys this side sends and receives with (§5.2 Split). The handshake hash is hs->h (§11.2).
 */
enum th_err th_noise_split(struct th_noise *hs, struct th_noise_secret *send, struct th_noise_secret *receive);

/* A further secret that both sides have after the same messages, apart from the keys of split (HKDF with the label as
 * input; the label is not empty). It changes with each message that mixes a key in. */
enum th_err th_noise_derive(const struct th_noise *hs, struct th_str label, struct th_noise_secret *out);

/* A fresh pair; the public key of a given secret. False only when the library fails. */
bool th_noise_keygen(struct th_noise_pair *out, const struct th_rng *rng);
bool th_noise_public(uint8_t out[TH_NOISE_DH], const struct th_noise_secret *secret);

#endif
