/* AES-256-CCM (NIST SP 800-38C, RFC 3610) for records: OpenSSL's context with its key, kept. Fetching the cipher and
 * expanding the key for each packet would cost more than the packet.
 *
 * The nonce is 13 bytes: five zero bytes, then the packet number, big-endian. That leaves CCM two bytes for the length,
 * so a payload has at most 65,535 bytes. */
#ifndef TH_SESSION_CIPHER_H
#define TH_SESSION_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/noise.h"

enum {
	TH_CIPHER_NONCE = 13,
	TH_CIPHER_MAX = 65535, /* RFC 3610 §2: L = 15 - 13 */
};

enum th_cipher_way { TH_CIPHER_SEAL, TH_CIPHER_OPEN };

struct th_cipher {
	struct evp_cipher_ctx_st *ctx; /* owned; OpenSSL's EVP_CIPHER_CTX */
	uint8_t nonce_len, tag_len, way;
};

/* tag_len: 8 or 16. A cipher works one way only. False when the library has no memory; then there is nothing to free.
 * The key lives in the library's context only, which wipes it. */
bool th_cipher_init(struct th_cipher *c, const struct th_noise_secret *k, size_t tag_len, enum th_cipher_way way);
void th_cipher_free(struct th_cipher *c);

/* Writes n + tag_len bytes. False only when the library fails. Never call it twice with one number. */
bool th_cipher_seal(struct th_cipher *c, uint64_t number, const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t n,
		    uint8_t *out);

/* Reads n + tag_len bytes and writes n. False for what does not authenticate; `out` holds zeroes then, never plaintext.
 */
bool th_cipher_open(struct th_cipher *c, uint64_t number, const uint8_t *ad, size_t ad_len, const uint8_t *in, size_t n,
		    uint8_t *out);

/* What those are made of: the same under whole nonces of nonce_len bytes, 7 to 13 (th_cipher_init() says 13). Records
 * take their number's, never one of their own choice. */
bool th_cipher_init_ccm(struct th_cipher *c, const struct th_noise_secret *k, size_t nonce_len, size_t tag_len,
			enum th_cipher_way way);
bool th_cipher_seal_ccm(struct th_cipher *c, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, const uint8_t *in,
			size_t n, uint8_t *out);
bool th_cipher_open_ccm(struct th_cipher *c, const uint8_t *nonce, const uint8_t *ad, size_t ad_len, const uint8_t *in,
			size_t n, uint8_t *out);

#endif
