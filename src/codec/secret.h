/* What must never enter history, because the length of what is coded later would tell about it: credentials.
 *
 * Both ends mask the same plain text and get the same masked one. Masked are the values of
 * - the header fields Authorization and Cookie, Set-Cookie, except X-Matrix signatures, which serve once;
 * - the query parameter access_token and others of th_secret_keys;
 * - strings in a JSON body whose key is one of th_secret_keys, however they are escaped. */
#ifndef TH_CODEC_SECRET_H
#define TH_CODEC_SECRET_H

#include <stddef.h>
#include <stdint.h>

/* NULL-terminated. */
extern const char *const th_secret_keys[];

/* Writes the text (th_text_write) without its secrets, as far as `cap` bytes go. Returns the length, at most n. A secret
 * is cut to nothing: neither its bytes nor its length stay. */
size_t th_secret_mask(const uint8_t *text, size_t n, uint8_t *out, size_t cap);

#endif
