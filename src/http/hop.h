/* Fields that concern one hop only (RFC 9110 §7.6.1) or frame the message: made anew on each hop, never passed on. */
#ifndef TH_HTTP_HOP_H
#define TH_HTTP_HOP_H

#include "exchange/head.h"

/* Whether `name` is one of them, or is named by a Connection field among `fields`. Content-Length is not: the caller
 * knows whether it frames or describes. */
bool th_hop_by_hop(struct th_str name, const struct th_field *fields, size_t n);

/* A token of RFC 9110 §5.6.2: what method and field names are made of. */
bool th_http_is_token(struct th_str s);

/* A field value without control bytes; tab is allowed, and so is everything from 0x80 on (RFC 9110 §5.5). */
bool th_http_is_value(struct th_str s);

#endif
