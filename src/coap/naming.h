/* Packet numbers as names. Inside a session each record of either side has a 64-bit number, rising, never used twice.
 * A CON or NON takes its record's number as its own: the Message ID is its low 16 bits, and the token of an exchange is
 * the number of the message that opened it, so neither is sent.
 *
 * ACKs, RSTs and responses refer to a message of the other side by the low 8 or 16 bits of its number. That a response
 * must never be taken for one to another request, however long somebody on the path holds it back, is RFC 9175 §4;
 * low bits alone cannot promise it. Three rules together do, without a byte on the wire:
 *
 *   1. Who refers uses 8 bits only for one of the newest 64 numbers it has received, 16 bits for the newest 2^14
 *      (th_naming_refer).
 *   2. No two messages of ours share their low 8 bits unless the peer is proven to have received a number 64 beyond the
 *      older one, and no two groups of 2^14 numbers with messages in them are a multiple of 4 groups apart unless it is
 *      proven to have received one 2^14 beyond the older one's end (th_naming_message; numbers that would break this are
 *      skipped).
 *   3. A reference to a message counts only if its record is newer than all that had been received when the message got
 *      its number: the answer cannot be older than the question (th_naming_resolve).
 *
 * Why it holds: let a record R refer to M, and M' be a newer message with the same low bits. R was sealed before its
 * sender had received M + 64, by rule 1. M' was sent after a record R2 had been received that proves the contrary, by
 * rule 2. So R is older than R2, and rule 3 refuses it for M'. For 16 bits the same with 2^14, where rules 2 and 3 are
 * kept for groups of 2^14 numbers.
 *
 * One struct for each peer and pair of number spaces; both directions count from any number. No memory, no time. */
#ifndef TH_COAP_NAMING_H
#define TH_COAP_NAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coap/pdu.h"

enum {
	TH_NAMING_NARROW_BITS = 8,
	TH_NAMING_WIDE_BITS = 16,
	TH_NAMING_NARROW_RECENT = 64,	  /* rule 1 */
	TH_NAMING_WIDE_RECENT = 1 << 14,  /* rule 1; and the size of the groups in rules 2 and 3 */
	TH_NAMING_GROUPS = 4,
};

/* A message of ours, and what had been received when it got its number. Numbers here are + 1; 0: none. */
struct th_naming_mark {
	uint64_t number, heard;
};

struct th_naming {
	uint64_t next;	 /* ours: what the next record takes */
	uint64_t proven; /* ours: the largest that the peer is known to have received, + 1; 0: none */
	uint64_t heard;	 /* the peer's: the largest received, + 1; 0: none */
	struct th_naming_mark narrow[1 << TH_NAMING_NARROW_BITS]; /* by low bits, the newest message */
	struct th_naming_mark wide[TH_NAMING_GROUPS];		  /* the first message of each group */
};

/* `next`: the first number of ours. */
void th_naming_init(struct th_naming *n, uint64_t next);

/* The number of a record that is no CON or NON of ours, or a NON that is never answered: nobody will refer to it. */
uint64_t th_naming_record(struct th_naming *n);

/* The number of a CON or NON; the hook of th_coap_number_by(). False, and nothing has changed: too much is unproven, until
 * something of the peer refers to a newer number (or a new session begins). */
bool th_naming_message(struct th_naming *n, uint64_t *number);

/* An authentic record of the peer has been received for the first time. */
void th_naming_heard(struct th_naming *n, uint64_t number);

/* The peer is known to have received our number: a record of it, newer than that, referred to it. Tell
 * th_naming_heard() of that record too. */
void th_naming_proven(struct th_naming *n, uint64_t number);

/* How many bits stand for the peer's message `number`: 8, 16, or 0 when neither will do. `heard` as in the struct. */
unsigned th_naming_refer(uint64_t heard, uint64_t number);

/* The peer's newest number below `heard` with that Message ID; false when there is none. */
bool th_naming_of_mid(uint64_t heard, uint16_t mid, uint64_t *number);

/* The message of ours that the low `bits` (8 or 16) in the peer's record `by` stand for. False: there is none, or rule
 * 3 refuses it. */
bool th_naming_resolve(const struct th_naming *n, uint64_t by, uint64_t low, unsigned bits, uint64_t *number);

/* A number as a token: big-endian, as short as can be, but never empty: number 0 is the token 00. An empty token would
 * be legal (RFC 7252 §5.3.1) but only for one exchange at a time, and it is what an exchange without a name has. */
uint8_t th_naming_token(uint64_t number, uint8_t token[static TH_COAP_TOKEN_MAX]);

/* The number of a token that th_naming_token() makes; false for all others. */
bool th_naming_number(const uint8_t *token, size_t n, uint64_t *number);

#endif
