/* Time as the core sees it: nanoseconds of a monotonic clock, always passed in as an argument. */
#ifndef TH_BASE_CLOCK_H
#define TH_BASE_CLOCK_H

#include <stdint.h>

typedef uint64_t th_time;

#define TH_NEVER UINT64_MAX
#define TH_US ((th_time)1000)
#define TH_MS ((th_time)1000000)
#define TH_SEC ((th_time)1000000000)

/* t + d, where "never" and overflow both stay "never". */
static inline th_time th_time_add(th_time t, th_time d)
{
	return d > TH_NEVER - t ? TH_NEVER : t + d;
}

/* How long from `from` until `to`: 0 when that moment has passed, TH_NEVER when it never comes. */
static inline th_time th_time_until(th_time to, th_time from)
{
	if (to == TH_NEVER)
		return TH_NEVER;
	return to > from ? to - from : 0;
}

static inline th_time th_time_clamp(th_time v, th_time low, th_time high)
{
	if (v < low)
		return low;
	return v > high ? high : v;
}

static inline th_time th_time_min(th_time a, th_time b)
{
	return a < b ? a : b;
}

#endif
