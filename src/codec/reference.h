/* What a message is coded against (history.h), as the first bits of its code. They have fixed probabilities, so that
 * the usual case, an exchange after the other, costs less than a bit. */
#ifndef TH_CODEC_REFERENCE_H
#define TH_CODEC_REFERENCE_H

#include "base/err.h"
#include "codec/history.h"
#include "codec/range.h"

enum { TH_REFERENCE_DISTANCE_MAX = 0xffff }; /* of a parent from the message */

/* Whether it can be said: there is a parent, and it is not too far. `number` is the message's own. */
bool th_reference_fits(const struct th_history_base *base, bool is_response, uint64_t number);

/* `base` must fit. */
void th_reference_write(struct th_range_enc *e, const struct th_history_base *base, bool is_response, uint64_t number);

/* As the receiver sees it: parent and request are its own. TH_ERR_MALFORMED. */
enum th_err th_reference_read(struct th_range_dec *d, bool is_response, uint64_t number, struct th_history_base *base);

#endif
