/* Which header fields cross the link: one table, documented in docs/protocol.md.
 *
 * Hop-by-hop fields never do (RFC 9110 §7.6.1), nor what either end makes anew (Host, Date, Server, User-Agent). What carries
 * meaning always does. Unknown end-to-end fields do when `pass_unknown` is set. */
#ifndef TH_EXCHANGE_POLICY_H
#define TH_EXCHANGE_POLICY_H

#include <stdbool.h>

#include "exchange/head.h"

struct th_policy {
	bool pass_unknown;
};

/* Writes into `out` (room for from->n_fields) the fields of a request or response that cross; returns their number. */
size_t th_policy_filter(const struct th_policy *p, const struct th_head *from, struct th_field *out);

#endif
