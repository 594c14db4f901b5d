/* One encrypted datagram of a session: header, ciphertext, tag.
 *
 *     1 0 L ppppp        first byte: 10: a record; L: long form; the packet number's low 5 bits
 *     [2 bytes]          long form only: the packet number's next 16 bits, big-endian (21 bits in all)
 *     [connection ID]    0 to 2 bytes, chosen by the receiver
 *     ciphertext, tag    AES-256-CCM (cipher.h) with a tag of 8 or 16 bytes; the connection ID is associated data
 *
 * Packet numbers are 64 bits and never reused under a key. They are sent truncated to what the receiver needs, who
 * takes the value closest to the one it expects next (number.h), and only that one. The nonce is the whole number, so
 * the bits in the header are authenticated by being restored, and one ciphertext can travel in either form: a
 * retransmission is the same record, in the long form if newer ones have left the short form's range behind. */
#ifndef TH_SESSION_RECORD_H
#define TH_SESSION_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "session/cipher.h"
#include "session/window.h"

enum {
	TH_RECORD_TAG = 8,
	TH_RECORD_TAG_LONG = 16,
	TH_RECORD_CID_MAX = 2,
	TH_RECORD_HEADER_MAX = 3 + TH_RECORD_CID_MAX,
	TH_RECORD_OVERHEAD_MAX = TH_RECORD_HEADER_MAX + TH_RECORD_TAG_LONG,
	TH_RECORD_PAYLOAD_MAX = 1536, /* the limits below count on it */
	TH_RECORD_PN_SHORT_BITS = 5,
	TH_RECORD_PN_LONG_BITS = 21,
	/* A retransmission keeps the short form while it is at most this far behind the newest: half of what the
	 * receiver can restore, so that as many newer records may still overtake it. */
	TH_RECORD_BEHIND_SHORT = 8,
};

/* Limits per key, its first number being `base`; docs/threat-model.md has the arithmetic. Past them nothing is sealed
 * or opened any more. */
#define TH_RECORD_PACKETS_MAX ((uint64_t)1 << 26)
#define TH_RECORD_FAILURES_MAX ((uint64_t)1 << 20)

/* One direction of one epoch. Numbers belong to the session and go on from epoch to epoch: `base` is the first that was
 * new when this key was made. Smaller ones within the window may still come, once each: messages of the epoch before,
 * sealed again. */
struct th_record_key {
	struct th_cipher cipher; /* with the length of the tag */
	uint64_t base;
	uint64_t acknowledged;	 /* sending: the least number that the peer may expect next */
	struct th_window window; /* sending: used up; receiving: seen */
	uint64_t failures;	 /* receiving: tags that did not match */
};

/* A key seals or opens, never both. TH_ERR_INVALID for another tag_len than 8 or 16 or a base of 2^62 or more,
 * TH_ERR_NO_MEMORY when the library has none. `k` is copied into the library's context only. After an error there is
 * nothing to free. */
enum th_err th_record_key_init(struct th_record_key *key, const struct th_noise_secret *k, size_t tag_len,
			       enum th_cipher_way way, uint64_t base);
void th_record_key_free(struct th_record_key *key);

/* Whether half of one of the limits is used up: time for a new key. */
bool th_record_key_worn(const struct th_record_key *key);

/* How many bytes the record with the next number adds to its payload. */
size_t th_record_overhead(const struct th_record_key *key, size_t cid_len);

/* Seals under this number. It is used up before the cipher sees it, whatever comes of it: TH_ERR_INVALID when it was
 * before, or is older than the window. TH_ERR_FULL at TH_RECORD_PACKETS_MAX, or when the peer is not known to have seen
 * any of the last 2^20; TH_ERR_TOO_LARGE for the payload or `cap`; TH_ERR_IO when the library fails. n may be 0. `out`
 * and `payload` do not overlap. */
enum th_err th_record_seal(struct th_record_key *key, uint64_t number, const uint8_t *cid, size_t cid_len,
			   const uint8_t *payload, size_t n, uint8_t *out, size_t cap, size_t *out_len);

/* Writes the record p, sealed before under pn, once more for a retransmission: the same ciphertext, a header that the
 * receiver understands now. TH_ERR_TOO_LARGE for `cap` (2 bytes more than n always do), TH_ERR_NOT_FOUND when pn has
 * left the receiver's window, TH_ERR_INVALID when p is no record of this number. `out` and p do not overlap. */
enum th_err th_record_resend(const struct th_record_key *key, size_t cid_len, uint64_t pn, const uint8_t *p, size_t n,
			     uint8_t *out, size_t cap, size_t *out_len);

/* The peer has seen this number: later records may be shorter. Numbers never sent are ignored. */
void th_record_acknowledged(struct th_record_key *key, uint64_t pn);

/* Whether a datagram has the form of a record, and its connection ID's place (`cid_len` as this side chose). */
bool th_record_peek(const uint8_t *p, size_t n, size_t cid_len, const uint8_t **cid);

/* Opens. TH_OK: a new packet. TH_ERR_NOT_FOUND: authentic, but seen before (the payload is given all the same, for
 * retransmissions). TH_ERR_MALFORMED: not authentic, too old, or of a wrong length; counted in key->failures when a tag
 * was tried. TH_ERR_FULL at TH_RECORD_FAILURES_MAX. `out` has room for n bytes and does not overlap p; after other
 * errors than TH_ERR_NOT_FOUND *out_len is 0 and nothing of the payload is in it. *pn is set for TH_OK and
 * TH_ERR_NOT_FOUND only. */
enum th_err th_record_open(struct th_record_key *key, size_t cid_len, const uint8_t *p, size_t n, uint8_t *out,
			   size_t *out_len, uint64_t *pn);

#endif
