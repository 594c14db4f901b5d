/* Short strong hashes: SHA-256 (FIPS 180-4) cut to its first bytes. For keys of tables that must not hold the secrets
 * they are made of, and for telling whether two answers are the same. */
#ifndef TH_HOME_DIGEST_H
#define TH_HOME_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { TH_DIGEST_BYTES = 16 };

struct th_digest {
	void *ctx;   /* owned between begin and end */
	bool broken; /* no memory, or the library failed: end() then says false */
};

void th_digest_begin(struct th_digest *d);
void th_digest_bytes(struct th_digest *d, const void *p, size_t n);
/* Its length first, so that no two lists of strings look alike. */
void th_digest_str(struct th_digest *d, struct th_str s);
/* The same with ASCII letters in lower case: for field names. */
void th_digest_lower(struct th_digest *d, struct th_str s);
/* Must be called once for each begin, also to give up. */
bool th_digest_end(struct th_digest *d, uint8_t out[static TH_DIGEST_BYTES]);

/* Gives back what the library keeps. For the end of the program. */
void th_digest_release(void);

#endif
