/* What may stand in an HTTP head: shared by the readers of every coding. */
#ifndef TH_CODEC_TOKEN_H
#define TH_CODEC_TOKEN_H

#include <stdbool.h>

#include "base/str.h"

/* RFC 9110 §5.6.2, at least one byte. */
bool th_is_token(struct th_str s);

/* At least one byte; no white space, no control bytes. */
bool th_is_target(struct th_str s);

/* No control bytes but tab. */
bool th_is_value(struct th_str s);

#endif
