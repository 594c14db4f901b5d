#include "exchange/date.h"

enum {
	DAY = 86400,
	HOUR = 3600,
	MINUTE = 60,
	EPOCH = 1970,
};

static const struct th_str form = TH_STR_INIT("???, ?? ??? ???? ??:??:?? GMT");
const char th_date_months[TH_DATE_MONTHS][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
						 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* n digits; -1: others are among them. */
static int digits(const char *p, unsigned n)
{
	int v = 0;

	for (unsigned i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

static int month_of(const char *p)
{
	for (int i = 0; i < TH_DATE_MONTHS; i++)
		if (memcmp(p, th_date_months[i], 3) == 0)
			return i;
	return -1;
}

/* Days since 1970 of a day of the Gregorian calendar. */
static int64_t days(int year, int month, int day)
{
	static const int before[TH_DATE_MONTHS] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int last = year - 1;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t leaps = last / 4 - last / 100 + last / 400 - (EPOCH / 4 - EPOCH / 100 + EPOCH / 400);

	return (int64_t)(year - EPOCH) * 365 + leaps + before[month] + (leap && month > 1) + day - 1;
}

static bool has_form(struct th_str s)
{
	for (size_t i = 0; i < form.n && s.n == form.n; i++)
		if (form.p[i] != '?' && form.p[i] != s.p[i])
			return false;
	return s.n == form.n;
}

static bool is_between(int v, int first, int last)
{
	return v >= first && v <= last;
}

int64_t th_date_seconds(struct th_str s)
{
	int day, month, year, hour, minute, second;

	if (!has_form(s))
		return 0;
	day = digits(s.p + 5, 2);
	month = month_of(s.p + 8);
	year = digits(s.p + 12, 4);
	hour = digits(s.p + 17, 2);
	minute = digits(s.p + 20, 2);
	second = digits(s.p + 23, 2);
	if (!is_between(day, 1, 31) || month < 0 || year < EPOCH || !is_between(hour, 0, 23) ||
	    !is_between(minute, 0, 59) || !is_between(second, 0, 60)) /* a leap second */
		return 0;
	return days(year, month, day) * DAY + (int64_t)hour * HOUR + (int64_t)minute * MINUTE + second;
}

int64_t th_date_of(const struct th_head *head)
{
	const struct th_field *f = th_head_find(head, TH_STR("Date"));

	return f ? th_date_seconds(f->value) : 0;
}
