/* The checksums that access tokens end in do not cross the link: whoever has the rest can compute them. Nor does a name
 * in base64: it goes as it is, as it may stand in the text elsewhere.
 *
 *     token: REST "_" CHECKSUM
 *
 * CHECKSUM is the CRC-32 of REST in six digits of base 62: with it what is no token can be told without asking anybody.
 * Synapse (handlers/auth.py: generate_access_token, and tokens of other kinds) writes the most significant digit first,
 * matrix-authentication-service (crates/data-model/src/tokens.rs) the least significant one. Neither a name nor a place
 * says that something is a token: what ends in its checksum is one.
 *
 * A *run* is what stands between two bytes that are none of A-Z, a-z, 0-9, "_" and "-". Where a run of 24 to 255 bytes
 * is a token, a mark takes the place of its checksum.
 *
 *     Synapse's REST: "sy" LETTER "_" NAME "_" 20 LETTERS
 *
 * NAME is the localpart in unpadded base64. Where that is of a-z, 0-9 and "._=/+-", it goes as "@" and the localpart.
 */
#ifndef TH_CODEC_ACCESS_TOKEN_H
#define TH_CODEC_ACCESS_TOKEN_H

#include "base/err.h"
#include "base/wr.h"

/* What stands for a checksum, by the digit that comes first. In a head no other byte has these values (text.h), nor
 * has any in a JSON string. */
enum { TH_ACCESS_TOKEN_SYNAPSE = 0x1e, TH_ACCESS_TOKEN_MAS = 0x1f };

/* Appends what is given to `w`, right checksums replaced by marks, and then names by localparts: never more than it
 * was. TH_ERR_INVALID: it has what a reader would take for a mark, so it cannot go this way. */
enum th_err th_access_token_cut(struct th_wr *w, struct th_str plain);

/* Whether what th_access_token_cut() wrote holds marks. */
bool th_access_token_is_cut(struct th_str cut);

/* Appends to `w` what was cut (check th_wr_ok()). What no writer would have written comes out as something. */
void th_access_token_restore(struct th_wr *w, struct th_str cut);

#endif
