/* Percent-encoding (RFC 3986 §2.1) as the common writers of URLs do it, byte for byte or not at all. */
#ifndef TH_EXCHANGE_PERCENT_H
#define TH_EXCHANGE_PERCENT_H

#include <stdbool.h>

#include "base/str.h"
#include "base/wr.h"

/* Which bytes stay as they are, besides letters, digits and "-._"; all others are %XX with capital digits. */
enum th_percent {
	TH_PERCENT_UNRESERVED, /* ~ (RFC 3986 §2.3) */
	TH_PERCENT_COMPONENT,  /* ~!*'() (encodeURIComponent) */
	TH_PERCENT_PATH,       /* ~!$&'()*+,;=:@ (RFC 3986 §3.3, pchar) */
	TH_PERCENT_FORM,       /* *, a space is "+" (URLSearchParams) */
	TH_PERCENT_QUERY,      /* ~!$'()*,:@/? and a space is "+" (yarl) */
	TH_PERCENT_JSON,       /* ~!*:, (what JSON in a query has, and every server takes there) */
};

/* Whether decoding and encoding again gives the same bytes. */
bool th_percent_is(struct th_str s, enum th_percent style);

/* Both append; what is decoded fits the style. */
void th_percent_decode(struct th_wr *w, struct th_str s, enum th_percent style);
void th_percent_encode(struct th_wr *w, struct th_str s, enum th_percent style);

/* Undoes whatever any writer has encoded; `plus`: "+" is a space. What begins with % and is no escape stays; false then. */
bool th_percent_undo(struct th_wr *w, struct th_str s, bool plus);

#endif
