/* One encrypted datagram of a session: header, ciphertext, tag.
 *
 *     1 0 L ppppp        first byte: a record; L: one more byte of packet number follows; the number's low 5 bits
 *     [pppppppp pp…]     L = 1: 2 more bytes, the number's next 16 bits (21 bits in all)
 *     [connection ID]    0 to 2 bytes, chosen by the receiver
 *     ciphertext, tag    AES-256-CCM with a tag of 8 or 16 bytes; all of the header is associated data
 *
 * Packet numbers are 64 bits and never reused under a key; they are sent truncated to what the receiver needs, who takes the
 * value closest to the one it expects next. The nonce is the packet number. */
#ifndef TH_SESSION_RECORD_H
#define TH_SESSION_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "session/noise.h"
#include "session/window.h"

enum {
	TH_RECORD_TAG = 8,
	TH_RECORD_TAG_LONG = 16,
	TH_RECORD_CID_MAX = 2,
	TH_RECORD_HEADER_MAX = 3 + TH_RECORD_CID_MAX,
	TH_RECORD_PN_SHORT_BITS = 5,
	TH_RECORD_PN_LONG_BITS = 21,
};

/* Limits per key (docs/threat-model.md has the reasons). Past them the key must be replaced. */
#define TH_RECORD_PACKETS_MAX ((uint64_t)1 << 48)
#define TH_RECORD_FAILURES_MAX ((uint64_t)1 << 20)

struct th_record_cipher; /* OpenSSL's context with its key, kept: fetching one per packet costs as much as the packet */

/* One direction of one session. */
struct th_record_key {
	struct th_record_cipher *cipher; /* owned */
	uint64_t next;                   /* sending: the next packet number */
	uint64_t acknowledged;           /* sending: the peer has seen this many numbers (its largest + 1) */
	struct th_window window;         /* receiving */
	uint64_t failures;               /* receiving: tags that did not match */
	uint8_t tag_len;
};

/* TH_ERR_NO_MEMORY when the library has none. `k` is copied into the library's context only. */
enum th_err th_record_key_init(struct th_record_key *key, const struct th_noise_secret *k, size_t tag_len);
void th_record_key_free(struct th_record_key *key);

/* How many bytes a record adds to a payload now. */
size_t th_record_overhead(const struct th_record_key *key, size_t cid_len);

/* Seals under the next packet number, which is given back. TH_ERR_FULL at TH_RECORD_PACKETS_MAX, TH_ERR_TOO_LARGE. */
enum th_err th_record_seal(struct th_record_key *key, const uint8_t *cid, size_t cid_len, const uint8_t *payload, size_t n,
			   uint8_t *out, size_t cap, size_t *out_len, uint64_t *pn);

/* The peer has seen this number: later records may be shorter. */
void th_record_acknowledged(struct th_record_key *key, uint64_t pn);

/* Whether a datagram has the form of a record, and its connection ID's place (`cid_len` as this side chose). */
bool th_record_peek(const uint8_t *p, size_t n, size_t cid_len, const uint8_t **cid);

/* Opens. TH_OK: a new packet. TH_ERR_NOT_FOUND: authentic, but seen before (the payload is given all the same, for
 * retransmissions). TH_ERR_MALFORMED: not authentic, too old, or too short; counted in key->failures when a tag was tried.
 * `out` has room for n bytes. */
enum th_err th_record_open(struct th_record_key *key, size_t cid_len, const uint8_t *p, size_t n, uint8_t *out,
			   size_t *out_len, uint64_t *pn);

#endif
