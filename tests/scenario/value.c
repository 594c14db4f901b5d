#include "scenario/value.h"

enum { DECIMAL = 10 };

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

bool value_number(struct th_str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 18)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!digit(s.p[i]))
			return false;
		v = v * DECIMAL + (uint64_t)(s.p[i] - '0');
	}
	*out = v;
	return true;
}

static const struct {
	const char *name;
	th_time unit;
} units[] = {
	{ "us", TH_US }, { "ms", TH_MS }, { "s", TH_SEC }, { "min", 60 * TH_SEC }, { "h", 3600 * TH_SEC },
};

/* Digits with an optional fraction at the front, scaled by `unit`; how many characters they take. */
static size_t decimal(struct th_str s, uint64_t unit, uint64_t *out)
{
	size_t i = 0;
	uint64_t whole = 0, fraction = 0, scale = 1;

	for (; i < s.n && i < 12 && digit(s.p[i]); i++)
		whole = whole * DECIMAL + (uint64_t)(s.p[i] - '0');
	if (i == 0)
		return 0;
	if (i + 1 < s.n && s.p[i] == '.' && digit(s.p[i + 1])) {
		for (i++; i < s.n && digit(s.p[i]) && scale < 1000000; i++) {
			fraction = fraction * DECIMAL + (uint64_t)(s.p[i] - '0');
			scale *= DECIMAL;
		}
	}
	*out = whole * unit + fraction * unit / scale;
	return i;
}

bool value_time(struct th_str s, th_time *out)
{
	if (th_str_eq(s, TH_STR("0"))) {
		*out = 0;
		return true;
	}
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		size_t n = decimal(s, units[u].unit, out);

		if (n > 0 && th_str_eq((struct th_str){ s.p + n, s.n - n }, th_str_of(units[u].name)))
			return true;
	}
	return false;
}

/* Where ".." stands; s.n when it does not. */
static size_t dots(struct th_str s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '.' && s.p[i + 1] == '.')
			return i;
	return s.n;
}

bool value_range(struct th_str s, struct range *out)
{
	size_t d = dots(s);

	if (!value_number((struct th_str){ s.p, d }, &out->low))
		return false;
	out->high = d == s.n ? out->low : UINT64_MAX;
	return d + 2 >= s.n || value_number((struct th_str){ s.p + d + 2, s.n - d - 2 }, &out->high);
}

bool value_time_range(struct th_str s, struct range *out)
{
	size_t d = dots(s);

	if (!value_time((struct th_str){ s.p, d }, &out->low))
		return false;
	if (d == s.n) {
		out->high = out->low + TH_MS;
		out->low = out->low > TH_MS ? out->low - TH_MS : 0;
		return true;
	}
	return value_time((struct th_str){ s.p + d + 2, s.n - d - 2 }, &out->high) && out->high >= out->low;
}

bool value_permille(struct th_str s, unsigned *out)
{
	uint64_t v;
	size_t n = decimal(s, DECIMAL, &v);

	if (n == 0 || n + 1 != s.n || s.p[n] != '%' || v > 1000)
		return false;
	*out = (unsigned)v;
	return true;
}

static const char *const errors[] = {
	"ok",	       "malformed", "too-large", "no-memory", "full",	 "timeout",   "reset", "refused",
	"unsupported", "cancelled", "io",	 "closed",    "invalid", "not-found", "tls",
};

bool value_error(struct th_str s, enum th_err *out)
{
	for (int i = 0; i < (int)(sizeof(errors) / sizeof(errors[0])); i++) {
		if (th_str_eq(s, th_str_of(errors[i]))) {
			*out = (enum th_err)(-i);
			return true;
		}
	}
	return false;
}

const char *value_error_name(enum th_err err)
{
	return errors[-(int)err];
}
