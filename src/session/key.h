/* Public keys as people see them, and comparing secrets. */
#ifndef TH_SESSION_KEY_H
#define TH_SESSION_KEY_H

#include "session/noise.h"

enum {
	TH_KEY_CHARS = 43,	 /* a key as text */
	TH_KEY_TEXT = 44,	 /* that and its NUL */
	TH_KEY_FINGERPRINT = 40, /* "0123-4567-89ab-cdef-0123-4567-89ab-cdef" and its NUL */
};

/* 32 bytes as standard base64 (RFC 4648 §4) without padding, as Matrix writes keys. Takes the same time for every key,
 * so it serves secrets, too. Returns out. */
const char *th_key_text(char out[TH_KEY_TEXT], const uint8_t key[TH_NOISE_KEY]);

/* Exactly what th_key_text() writes: 43 characters of the alphabet, spare bits zero. TH_ERR_MALFORMED otherwise; `out`
 * is then zero. */
enum th_err th_key_parse(uint8_t out[TH_NOISE_KEY], struct th_str text);

/* What two people compare: the first 16 bytes of BLAKE2s of the public key, in groups of four hex digits. NULL when the
 * library fails, else out. */
const char *th_key_fingerprint(char out[TH_KEY_FINGERPRINT], const uint8_t public[TH_NOISE_DH]);

/* In constant time. */
bool th_bytes_equal(const void *a, const void *b, size_t n);

#endif
