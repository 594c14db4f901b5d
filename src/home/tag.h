/* A validator of our own for answers whose homeserver gives none: an ETag made of the answer itself. The near half
 * sends it in If-None-Match; the far half (unchanged.h) computes it of the homeserver's new answer and says 304 when it
 * is the same.
 *
 *     If-None-Match: "~t:" 16 characters of base64url "
 *
 * It covers status, body and every field that crosses the link but Age; names in any case. */
#ifndef TH_HOME_TAG_H
#define TH_HOME_TAG_H

#include "exchange/policy.h"
#include "home/digest.h"

enum { TH_TAG_TEXT = 21, TH_TAG_BODY_MAX = 256 * 1024 }; /* longer bodies are not compared */

/* Begin with the head, then the body in any pieces, then end with the text (no NUL). `policy` NULL: all of the fields
 * have crossed already. False without memory. */
void th_tag_begin(struct th_digest *d, const struct th_policy *policy, const struct th_head *answer);
bool th_tag_end(struct th_digest *d, char out[static TH_TAG_TEXT]);

/* Whether a field's value is one such tag and nothing else. */
bool th_tag_is(struct th_str value);

#endif
