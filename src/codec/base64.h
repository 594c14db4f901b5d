/* Unpadded base64 (RFC 4648 §4) and base64url (§5), canonical only: what decodes here encodes to the same characters. */
#ifndef TH_CODEC_BASE64_H
#define TH_CODEC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/wr.h"

enum th_base64 { TH_BASE64_STD, TH_BASE64_URL };

/* Whether s is canonical and unpadded; an empty string is. */
bool th_base64_is(struct th_str s, enum th_base64 kind);

/* Appends the bytes that s stands for; s must be canonical. */
void th_base64_decode(struct th_wr *w, struct th_str s, enum th_base64 kind);

/* Appends the characters of n bytes. */
void th_base64_encode(struct th_wr *w, const uint8_t *p, size_t n, enum th_base64 kind);

#endif
