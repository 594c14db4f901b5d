/* Handshake datagrams, as bytes.
 *
 *     1 1 0 0 c p nn  [cookie, 16]  Noise message     initiation: nn the pattern, p psk0, c a cookie follows
 *     1 1 0 1 0 0 0 0  [connection ID]  Noise message   second message, the ID is the initiator's
 *     1 1 1 0 0 0 0 0  [connection ID]  Noise message   third message (XX), the ID is the responder's
 *     1 1 1 1 0 0 0 0  echo (8)  cookie (16)            retry
 *
 * and what the Noise messages carry as payload, encrypted except in XX's first message without a psk:
 *
 *     flags (1)         bits 7, 6: version; 5: connection ID; 4: tag of 16 bytes; others by message
 *     [connection ID]   where records to this side carry one
 *     first:   3: padded, 1: resumes, 0: early data
 *              [time (4)] with early data; number * 64 + length of the hello (varint); [name (8), floor (varint)] if it
 *              resumes; hello; [padding]; early data is the rest
 *     second:  3: early data refused, 2: hello, 1: continued, 0: payload
 *              [time (4)] if refused; number (varint); [uptime (varint)] if not continued, but the first one resumes or
 *              its early data is refused; [hello]; payload is the rest
 *     third:   0: payload
 *              number (varint); payload is the rest
 *
 * hello, in the second message: how many bytes it begins with of the initiator's (varint), length (varint) and bytes of
 * the rest. Without it the initiator's own holds for the responder, too.
 * padding: length (varint), that many zeroes.
 * Flags and connection ID stand so in every version; in a message of another version nothing else is read.
 * docs/protocol.md explains it with examples. */
#ifndef TH_SESSION_HANDSHAKE_H
#define TH_SESSION_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wr.h"
#include "session/cid.h"
#include "session/cookie.h"
#include "session/noise.h"

enum {
	TH_HS_KIND_MASK = 0xf0,
	TH_HS_FIRST = 0xc0,
	TH_HS_SECOND = 0xd0,
	TH_HS_THIRD = 0xe0,
	TH_HS_RETRY = 0xf0,
	TH_HS_COOKIE = 0x08,
	TH_HS_PSK = 0x04,
	TH_HS_PATTERN = 0x03,
	TH_HS_RESUMED = 0x01, /* not on the wire: with TH_HS_SECOND, the first message resumes */

	TH_HS_ECHO = 8, /* first bytes of the initiation's ephemeral key */
	TH_HS_RETRY_LEN = 1 + TH_HS_ECHO + TH_COOKIE_LEN,
	TH_HS_NAME = 8,
	TH_HS_HELLO_MAX = 63,
	TH_HS_PADDING_MAX = 2048,
	TH_HS_FLOOR_UNIT = 4096,
	TH_HS_HEAD_MAX = 120, /* what a payload holds before padding, early data or response */
};

#define TH_HS_NUMBER_MAX (((uint64_t)1 << 56) - 1)
#define TH_HS_FLOOR_MAX (TH_HS_NUMBER_MAX / TH_HS_FLOOR_UNIT)

struct th_hs_name {
	uint8_t b[TH_HS_NAME];
};

/* Decoded payloads point into what was read. */
struct th_hs_payload {
	uint8_t version;
	bool long_tag;
	bool resumes;	/* first */
	bool continued; /* second */
	bool refused;	/* second: early data was refused */
	bool has_data;	/* early data, or a payload: n > 0 */
	struct th_cid cid;
	uint32_t time;		/* first with data; second if refused */
	uint64_t number;	/* of the data; without, where the sender's numbers begin in this epoch */
	struct th_hs_name name; /* first, if it resumes */
	uint64_t uptime; /* second, not continued, to a first that resumes, or refused: how long the responder has been
			    running, ms */
	uint64_t floor; /* and there: numbers towards the initiator begin here if the responder has forgotten all */
	bool same_hello; /* second: the initiator's holds for both */
	size_t shared;	 /* second, else: so many bytes of the initiator's come before hello */
	const uint8_t *hello, *data;
	size_t hello_n, n;
};

/* Writes all but the data. `total`: what the payload is padded to, its data counted (first message only). */
void th_hs_write(struct th_wr *w, uint8_t kind, const struct th_hs_payload *p, size_t total);

/* TH_ERR_MALFORMED for everything that th_hs_write() would not have written and data. With another version than ours:
 * TH_ERR_UNSUPPORTED, and only version, long_tag and cid are set. */
enum th_err th_hs_read(struct th_hs_payload *out, uint8_t kind, const uint8_t *p, size_t n);

/* Puts the responder's hello into the second message, given the initiator's. */
void th_hs_set_hello(struct th_hs_payload *p, struct th_str theirs, struct th_str ours);
/* And takes it out: its length; -1 if it is none. */
int th_hs_hello(const struct th_hs_payload *p, struct th_str ours, uint8_t out[static TH_HS_HELLO_MAX]);

/* "Noise_NK_25519_ChaChaPoly_BLAKE2s", by an initiation's first byte. */
struct th_str th_hs_protocol(uint8_t kind);

/* What both sides mix in before the first message: the form of these datagrams and the first byte without its cookie
 * bit. */
enum { TH_HS_PROLOGUE = 10 };
void th_hs_prologue(uint8_t kind, uint8_t out[TH_HS_PROLOGUE]);

#endif
