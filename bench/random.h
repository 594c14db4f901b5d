/* How much of a text nothing can shorten: keys, signatures, hashes and ciphertext in base64 that the session has not had
 * before, 6 bits a character. An estimate: runs of at least 20 characters of base64 with both cases and digits. */
#ifndef TH_BENCH_RANDOM_H
#define TH_BENCH_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Forgets what came so far. */
void random_begin(void);
/* Bytes of what is random in it and new; from now on it is known. */
size_t random_in(const uint8_t *p, size_t n);

#endif
