/* The values of Authorization that account slots (text.h) stand for: bearer tokens, which are the same each time. */
#ifndef TH_CODEC_ACCOUNT_H
#define TH_CODEC_ACCOUNT_H

#include <stdbool.h>

#include "base/str.h"
#include "exchange/head.h"

enum { TH_ACCOUNT_VALUE_MAX = 1024 };

/* Of a request; empty: it has none. */
struct th_str th_account_of(const struct th_head *request);
/* Whether a slot may stand for such a value. */
bool th_account_fits(struct th_str value);

/* Whether the answer to such a request may give a token: it logs in, or may. */
bool th_account_asked(const struct th_head *request);
/* The value with the token that its answer's body gives, at most TH_ACCOUNT_VALUE_MAX bytes, written to `out`. Empty:
 * it gives none. */
struct th_str th_account_given(struct th_str body, char out[static TH_ACCOUNT_VALUE_MAX]);

#endif
