#include "http/date.h"

#include <stdio.h>
#include <time.h>

#include "exchange/date.h"

struct th_str th_http_date(struct th_http_date *d, int64_t now)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	time_t t = (time_t)now;
	struct tm tm;
	char text[80];

	if (d->second == now && d->text[0])
		return (struct th_str){ d->text, TH_HTTP_DATE };
	if (!gmtime_r(&t, &tm))
		return (struct th_str){ d->text, 0 };
	snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7], tm.tm_mday,
		 th_date_months[tm.tm_mon % TH_DATE_MONTHS], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(d->text, text, TH_HTTP_DATE);
	d->second = now;
	return (struct th_str){ d->text, TH_HTTP_DATE };
}
