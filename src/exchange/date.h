/* The Date field (RFC 9110 §5.6.7), read. http/date.h writes it. */
#ifndef TH_EXCHANGE_DATE_H
#define TH_EXCHANGE_DATE_H

#include <stdint.h>

#include "exchange/head.h"

enum { TH_DATE_MONTHS = 12 };

/* "Jan" to "Dec". */
extern const char th_date_months[TH_DATE_MONTHS][4];

/* Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT", the only form that is written today; 0: it is none, or before
 * that. */
int64_t th_date_seconds(struct th_str s);

/* Of the head's Date; 0: it has none. */
int64_t th_date_of(const struct th_head *head);

#endif
