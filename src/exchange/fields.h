/* The header fields thimble knows: name, wire number, and whether they cross the link. One table for policy and envelope. */
#ifndef TH_EXCHANGE_FIELDS_H
#define TH_EXCHANGE_FIELDS_H

#include <stddef.h>

#include "base/str.h"

enum th_field_rule {
	TH_FIELD_PASS,  /* carries meaning end to end */
	TH_FIELD_NOISE, /* says nothing the other end needs, or is made anew there */
	TH_FIELD_HOP,   /* belongs to one HTTP hop (RFC 9110 §7.6.1) */
};

struct th_field_known {
	struct th_str name; /* as written out at the far end; NULL for a retired number */
	enum th_field_rule request, response;
	const char *const *noise_values; /* values that make a passing field noise; NULL-terminated list or NULL */
};

/* Index = wire number; 0 is unused ("name follows"). Numbers are never reused: append only. */
extern const struct th_field_known th_fields[];
extern const size_t th_fields_count;

/* The number of a name in any case, 0 when unknown. */
size_t th_fields_find(struct th_str name);

#endif
