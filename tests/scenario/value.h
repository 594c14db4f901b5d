/* What words of a scenario can say: times, numbers, ranges, names of errors. */
#ifndef TH_SCENARIO_VALUE_H
#define TH_SCENARIO_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct range {
	uint64_t low, high; /* both included */
};

/* Decimal digits only. */
bool value_number(struct th_str s, uint64_t *out);
/* "250us", "100ms", "2.5s", "5min", "1h"; "0". */
bool value_time(struct th_str s, th_time *out);
/* "3", "1..3", "5.." */
bool value_range(struct th_str s, struct range *out);
/* "2s..3s"; a single time means that time ± 1 ms. */
bool value_time_range(struct th_str s, struct range *out);
/* "40%", "2.5%" as permille. */
bool value_permille(struct th_str s, unsigned *out);
/* "timeout", "reset", … as enum th_err without its prefix, lower case, "ok". */
bool value_error(struct th_str s, enum th_err *out);
const char *value_error_name(enum th_err err);

static inline bool range_has(const struct range *r, uint64_t v)
{
	return v >= r->low && v <= r->high;
}

#endif
