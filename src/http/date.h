/* The Date field's value (RFC 9110 §5.6.7), composed once a second. */
#ifndef TH_HTTP_DATE_H
#define TH_HTTP_DATE_H

#include <stdint.h>

#include "base/str.h"

enum { TH_HTTP_DATE = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

struct th_http_date {
	int64_t second; /* of the text; start with all zero */
	char text[TH_HTTP_DATE + 1];
};

/* Borrowed until the next call. `now`: seconds since 1970, from time(2). */
struct th_str th_http_date(struct th_http_date *d, int64_t now);

#endif
