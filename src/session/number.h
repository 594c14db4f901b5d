/* Packet numbers sent truncated (RFC 9000 §17.1, appendix A). */
#ifndef TH_SESSION_NUMBER_H
#define TH_SESSION_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* The number with these low bits that is closest to `expected`, the receiver's newest + 1 (RFC 9000 A.3): within
 * expected - half < number <= expected + half, half being 2^(bits-1). 0 < bits < 63. */
uint64_t th_number_restore(uint64_t expected, uint64_t low, unsigned bits);

/* Whether a receiver who expects anything from `lowest` to `highest` restores pn from that many bits. */
bool th_number_fits(uint64_t pn, uint64_t lowest, uint64_t highest, unsigned bits);

#endif
