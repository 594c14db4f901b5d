/* One value between text and memory, by its type. */
#include "program/option.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "link/sockaddr.h"

enum { TARGET_PORT = 5683, HOST_NAME_MAX_BYTES = 253 };

struct unit {
	const char *name;
	uint64_t n;
};

/* Largest first: the way out takes the first that divides. */
static const struct unit time_units[] = {
	{ "h", 3600 * TH_SEC }, { "min", 60 * TH_SEC }, { "s", TH_SEC }, { "ms", TH_MS }, { "us", TH_US }, { NULL, 0 },
};
static const struct unit size_units[] = {
	{ "GiB", (uint64_t)1 << 30 },
	{ "MiB", (uint64_t)1 << 20 },
	{ "KiB", (uint64_t)1 << 10 },
	{ "B", 1 },
	{ NULL, 0 },
};
static const struct unit rate_units[] = {
	{ "Mbit/s", 1000000 },
	{ "kbit/s", 1000 },
	{ "bit/s", 1 },
	{ NULL, 0 },
};
static const struct unit percent_units[] = { { "%", 1 }, { NULL, 0 } };
static const struct unit no_units[] = { { NULL, 0 } };

static const struct unit *units_of(enum th_option_type type)
{
	switch (type) {
	case TH_OPTION_DURATION:
		return time_units;
	case TH_OPTION_SIZE:
		return size_units;
	case TH_OPTION_PERCENT:
		return percent_units;
	case TH_OPTION_RATE:
		return rate_units;
	default:
		return no_units;
	}
}

/* Numbers live in fields of several widths. */
static uint64_t load(const struct th_option *opt, const void *field)
{
	uint64_t u64 = 0;
	unsigned u = 0;
	uint16_t u16 = 0;

	switch (opt->size) {
	case sizeof(u16):
		memcpy(&u16, field, sizeof(u16));
		return u16;
	case sizeof(u):
		memcpy(&u, field, sizeof(u));
		return u;
	default:
		memcpy(&u64, field, opt->size < sizeof(u64) ? opt->size : sizeof(u64));
		return u64;
	}
}

static void store(const struct th_option *opt, void *field, uint64_t v)
{
	unsigned u = (unsigned)v;
	uint16_t u16 = (uint16_t)v;

	switch (opt->size) {
	case sizeof(u16):
		memcpy(field, &u16, sizeof(u16));
		return;
	case sizeof(u):
		memcpy(field, &u, sizeof(u));
		return;
	default:
		memcpy(field, &v, sizeof(v));
	}
}

/* Digits at the start of *s; moves it past them. */
static bool digits(const char **s, uint64_t *out)
{
	uint64_t v = 0;
	const char *p = *s;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*s = p;
	*out = v;
	return true;
}

/* A bare number is fine for bytes and percent; a time must name its unit, but for 0. */
static enum th_err parse_number(const struct th_option *opt, const char *text, void *field)
{
	const struct unit *u = units_of(opt->type);
	uint64_t v;

	if ((opt->flags & TH_OPTION_NEVER) && strcmp(text, "never") == 0) {
		store(opt, field, TH_NEVER);
		return TH_OK;
	}
	if (opt->type == TH_OPTION_RATE && strcmp(text, "unlimited") == 0) {
		store(opt, field, 0);
		return TH_OK;
	}
	if (!digits(&text, &v))
		return TH_ERR_INVALID;
	while (*text == ' ')
		text++;
	if (*text) {
		while (u->name && strcmp(u->name, text) != 0)
			u++;
		if (!u->name || __builtin_mul_overflow(v, u->n, &v))
			return TH_ERR_INVALID;
	} else if (opt->type == TH_OPTION_DURATION && v != 0) {
		return TH_ERR_INVALID;
	}
	if (v < opt->min || v > opt->max)
		return TH_ERR_INVALID;
	store(opt, field, v);
	return TH_OK;
}

enum { PPM_PER_PERCENT = TH_PPM / 100 };

/* "12.5 %" in parts per million. Without % only 0: who writes 0.2 may mean 20 %. */
static bool percentage(const char *text, uint64_t *out)
{
	uint64_t v, scale = PPM_PER_PERCENT, part = 0;

	if (!digits(&text, &v) || v > TH_PPM)
		return false;
	if (*text == '.') {
		if (!isdigit((unsigned char)*++text))
			return false;
		for (; isdigit((unsigned char)*text); text++) {
			scale /= 10;
			if (scale == 0)
				return false;
			part += scale * (uint64_t)(*text - '0');
		}
	}
	*out = v * PPM_PER_PERCENT + part;
	while (*text == ' ')
		text++;
	return strcmp(text, "%") == 0 || (*text == '\0' && *out == 0);
}

static enum th_err parse_fraction(const struct th_option *opt, const char *text, void *field)
{
	uint64_t ppm;

	if (!percentage(text, &ppm) || ppm < opt->min || ppm > opt->max)
		return TH_ERR_INVALID;
	store(opt, field, ppm);
	return TH_OK;
}

static enum th_err parse_spread(const struct th_option *opt, const char *text, struct th_spread *field)
{
	const struct th_option time = {
		.type = TH_OPTION_DURATION, .size = sizeof(field->time), .min = opt->min, .max = opt->max
	};
	struct th_spread s = { 0 };

	if (strchr(text, '%')) {
		if (!percentage(text, &s.ppm) || s.ppm > TH_PPM)
			return TH_ERR_INVALID;
	} else if (parse_number(&time, text, &s.time) != TH_OK) {
		return TH_ERR_INVALID;
	}
	*field = s;
	return TH_OK;
}

static enum th_err parse_bool(const char *text, void *field)
{
	static const char *const words[][2] = { { "false", "true" }, { "no", "yes" }, { "off", "on" }, { "0", "1" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (int v = 0; v < 2; v++)
			if (strcmp(text, words[i][v]) == 0) {
				*(bool *)field = v;
				return TH_OK;
			}
	return TH_ERR_INVALID;
}

static enum th_err parse_choice(const struct th_option *opt, const char *text, void *field)
{
	for (unsigned i = 0; opt->choices[i]; i++)
		if (strcmp(text, opt->choices[i]) == 0) {
			store(opt, field, i);
			return TH_OK;
		}
	return TH_ERR_INVALID;
}

/* Pads with zeros, so that equal values are equal bytes. */
static enum th_err keep(char *field, size_t size, const char *text, size_t n)
{
	if (n >= size)
		return TH_ERR_TOO_LARGE;
	memset(field, 0, size);
	memcpy(field, text, n);
	return TH_OK;
}

static bool printable(const char *text, bool space)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f || (!space && *text == ' '))
			return false;
	return true;
}

static bool is_host(const char *host)
{
	struct th_addr a;
	size_t n = strlen(host);

	if (th_addr_parse(&a, host, 0))
		return true;
	if (n == 0 || n > HOST_NAME_MAX_BYTES || host[0] == '-' || host[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)host[i]) && !strchr("-._", host[i]))
			return false;
	return true;
}

static enum th_err parse_address(const struct th_option *opt, const char *text, void *field)
{
	struct th_addr a;

	if (!th_addr_parse(&a, text, 0))
		return TH_ERR_INVALID;
	if (*text == '[') /* th_addr_parse() has seen the other bracket */
		return keep(field, opt->size, text + 1, strlen(text) - 2);
	return keep(field, opt->size, text, strlen(text));
}

/* Where the host ends: brackets, one colon before a port, or (two colons and more) an IPv6 address without a port. */
static enum th_err split_target(const char *text, size_t *start, size_t *n, const char **port)
{
	const char *colon = strrchr(text, ':');
	const char *close;

	*start = 0;
	*n = strlen(text);
	*port = NULL;
	if (*text == '[') {
		close = strchr(text, ']');
		if (!close || (close[1] != '\0' && close[1] != ':'))
			return TH_ERR_INVALID;
		*start = 1;
		*n = (size_t)(close - text) - 1;
		*port = close[1] ? close + 2 : NULL;
	} else if (colon && strchr(text, ':') == colon) {
		*n = (size_t)(colon - text);
		*port = colon + 1;
	}
	return TH_OK;
}

static enum th_err parse_place(const char *text, struct th_target *field)
{
	struct th_target t = *field;
	const char *port;
	size_t start, n;
	uint64_t v;

	if (split_target(text, &start, &n, &port) != TH_OK || keep(t.host, sizeof(t.host), text + start, n) != TH_OK)
		return TH_ERR_INVALID;
	if (!is_host(t.host) || (start && !strchr(t.host, ':')))
		return TH_ERR_INVALID;
	if (port) {
		if (!digits(&port, &v) || *port || v == 0 || v > UINT16_MAX)
			return TH_ERR_INVALID;
		t.port = (uint16_t)v;
	}
	*field = t;
	return TH_OK;
}

static enum th_err parse_target(const char *text, struct th_target *field)
{
	struct th_target t = { .port = TARGET_PORT };
	char place[TH_OPTION_HOST_MAX + TH_KEY_TEXT];
	size_t n = strcspn(text, "#");

	if (keep(place, sizeof(place), text, n) != TH_OK || parse_place(place, &t) != TH_OK)
		return TH_ERR_INVALID;
	if (text[n] == '#') {
		if (th_key_parse(t.key, th_str_of(text + n + 1)) != TH_OK)
			return TH_ERR_INVALID;
		t.has_key = true;
	}
	*field = t;
	return TH_OK;
}

static enum th_err parse_keys(const char *text, struct th_key_list *field)
{
	struct th_key_list list = { .n = 0 };

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t n = strcspn(text, " ");

		if (list.n == TH_OPTION_KEYS_MAX ||
		    th_key_parse(list.key[list.n++], (struct th_str){ text, n }) != TH_OK)
			return TH_ERR_INVALID;
		text += n;
	}
	*field = list;
	return TH_OK;
}

static enum th_err parse_endpoint(const char *text, struct th_addr *field)
{
	char host[TH_OPTION_HOST_MAX];
	const char *port;
	struct th_addr a;
	size_t start, n;
	uint64_t v;

	if (split_target(text, &start, &n, &port) != TH_OK || !port || !digits(&port, &v) || *port || v > UINT16_MAX)
		return TH_ERR_INVALID;
	if (keep(host, sizeof(host), text + start, n) != TH_OK || (start && !strchr(host, ':')) ||
	    !th_addr_parse(&a, host, (uint16_t)v))
		return TH_ERR_INVALID;
	*field = a;
	return TH_OK;
}

/* Scheme and a host, no user, query or fragment; the rest is judged by the upstream client that uses it. */
static enum th_err parse_url(const struct th_option *opt, const char *text, void *field)
{
	static const char *const schemes[] = { "http://", "https://" };

	if (!printable(text, false) || strpbrk(text, "@?#"))
		return TH_ERR_INVALID;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i]);

		if (strncmp(text, schemes[i], n) == 0 && text[n] && !strchr("/:", text[n]))
			return keep(field, opt->size, text, strlen(text));
	}
	return TH_ERR_INVALID;
}

static enum th_err parse_file(const struct th_option *opt, const char *text, void *field)
{
	if (!printable(text, true))
		return TH_ERR_INVALID;
	return keep(field, opt->size, text, strlen(text));
}

enum th_err th_option_parse(const struct th_option *opt, const char *text, void *field)
{
	if (*text == '\0') {
		if (!(opt->flags & TH_OPTION_OPTIONAL))
			return TH_ERR_INVALID;
		memset(field, 0, opt->size);
		return TH_OK;
	}
	switch (opt->type) {
	case TH_OPTION_BOOL:
		return parse_bool(text, field);
	case TH_OPTION_ADDRESS:
		return parse_address(opt, text, field);
	case TH_OPTION_TARGET:
		return parse_target(text, field);
	case TH_OPTION_KEYS:
		return parse_keys(text, field);
	case TH_OPTION_URL:
		return parse_url(opt, text, field);
	case TH_OPTION_FILE:
		return parse_file(opt, text, field);
	case TH_OPTION_CHOICE:
		return parse_choice(opt, text, field);
	case TH_OPTION_ENDPOINT:
		return parse_endpoint(text, field);
	case TH_OPTION_FRACTION:
		return parse_fraction(opt, text, field);
	case TH_OPTION_SPREAD:
		return parse_spread(opt, text, field);
	case TH_OPTION_LINES:
		return TH_ERR_INVALID; /* th_option_take() adds lines */
	case TH_OPTION_PORT:
	case TH_OPTION_DURATION:
	case TH_OPTION_SIZE:
	case TH_OPTION_COUNT:
	case TH_OPTION_PERCENT:
	case TH_OPTION_RATE:
		break;
	}
	return parse_number(opt, text, field);
}

static void format_number(const struct th_option *opt, uint64_t v, char out[TH_OPTION_TEXT])
{
	const struct unit *u = units_of(opt->type);

	if ((opt->flags & TH_OPTION_NEVER) && v == TH_NEVER) {
		snprintf(out, TH_OPTION_TEXT, "never");
		return;
	}
	if (v == 0 && opt->type == TH_OPTION_DURATION) {
		snprintf(out, TH_OPTION_TEXT, "0 s");
		return;
	}
	if (v == 0 && opt->type == TH_OPTION_RATE) {
		snprintf(out, TH_OPTION_TEXT, "unlimited");
		return;
	}
	while (u->name && (v % u->n != 0 || (v == 0 && u->n != 1)))
		u++;
	if (u->name)
		snprintf(out, TH_OPTION_TEXT, "%" PRIu64 " %s", v / u->n, u->name);
	else
		snprintf(out, TH_OPTION_TEXT, "%" PRIu64, v);
}

/* As few decimals as say it. */
static void format_percentage(uint64_t ppm, char out[TH_OPTION_TEXT])
{
	uint64_t part = ppm % PPM_PER_PERCENT;
	int places = 4;

	for (; places > 0 && part % 10 == 0; places--)
		part /= 10;
	if (places == 0)
		snprintf(out, TH_OPTION_TEXT, "%" PRIu64 " %%", ppm / PPM_PER_PERCENT);
	else
		snprintf(out, TH_OPTION_TEXT, "%" PRIu64 ".%0*" PRIu64 " %%", ppm / PPM_PER_PERCENT, places, part);
}

static void format_spread(const struct th_spread *s, char out[TH_OPTION_TEXT])
{
	static const struct th_option time = { .type = TH_OPTION_DURATION, .size = sizeof(s->time) };

	if (s->ppm)
		format_percentage(s->ppm, out);
	else
		format_number(&time, s->time, out);
}

static void format_target(const struct th_target *t, char out[TH_OPTION_TEXT])
{
	bool v6 = strchr(t->host, ':') != NULL;
	char key[TH_KEY_TEXT] = "";

	if (t->has_key)
		th_key_text(key, t->key);
	if (!t->host[0])
		out[0] = '\0';
	else
		snprintf(out, TH_OPTION_TEXT, "%s%s%s:%u%s%s", v6 ? "[" : "", t->host, v6 ? "]" : "",
			 (unsigned)t->port, t->has_key ? "#" : "", key);
}

static void format_keys(const struct th_key_list *list, char out[TH_OPTION_TEXT])
{
	_Static_assert(TH_OPTION_KEYS_MAX * TH_KEY_TEXT < TH_OPTION_TEXT, "a full list must fit");
	char *p = out;

	*p = '\0';
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			*p++ = ' ';
		th_key_text(p, list->key[i]);
		p += TH_KEY_CHARS;
	}
}

const char *th_option_format(const struct th_option *opt, const void *field, char out[TH_OPTION_TEXT])
{
	switch (opt->type) {
	case TH_OPTION_BOOL:
		snprintf(out, TH_OPTION_TEXT, "%s", *(const bool *)field ? "true" : "false");
		return out;
	case TH_OPTION_ADDRESS:
	case TH_OPTION_URL:
	case TH_OPTION_FILE:
	case TH_OPTION_LINES:
		snprintf(out, TH_OPTION_TEXT, "%s", (const char *)field);
		return out;
	case TH_OPTION_TARGET:
		format_target(field, out);
		return out;
	case TH_OPTION_KEYS:
		format_keys(field, out);
		return out;
	case TH_OPTION_ENDPOINT:
		out[0] = '\0';
		if (((const struct th_addr *)field)->port)
			th_addr_text(field, out);
		return out;
	case TH_OPTION_FRACTION:
		format_percentage(load(opt, field), out);
		return out;
	case TH_OPTION_SPREAD:
		format_spread(field, out);
		return out;
	case TH_OPTION_CHOICE:
		snprintf(out, TH_OPTION_TEXT, "%s", opt->choices[load(opt, field)]);
		return out;
	case TH_OPTION_PORT:
	case TH_OPTION_DURATION:
	case TH_OPTION_SIZE:
	case TH_OPTION_COUNT:
	case TH_OPTION_PERCENT:
	case TH_OPTION_RATE:
		break;
	}
	format_number(opt, load(opt, field), out);
	return out;
}

static const char *allowed_choice(const struct th_option *opt, char out[TH_OPTION_TEXT])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; opt->choices[i] && n < TH_OPTION_TEXT; i++)
		n += (size_t)snprintf(out + n, TH_OPTION_TEXT - n, "%s%s",
				      i == 0		    ? ""
				      : opt->choices[i + 1] ? ", "
							    : " or ",
				      opt->choices[i]);
	return out;
}

static const char *allowed_spread(const struct th_option *opt, char out[TH_OPTION_TEXT])
{
	static const struct th_option time = { .type = TH_OPTION_DURATION };
	char hi[TH_OPTION_TEXT];

	format_number(&time, opt->max, hi);
	snprintf(out, TH_OPTION_TEXT, "a percentage from 0 %% to 100 %%, or a time up to %.32s", hi);
	return out;
}

static const char *allowed_range(const struct th_option *opt, char out[TH_OPTION_TEXT])
{
	static const struct {
		const char *before, *after;
	} words[] = {
		[TH_OPTION_PORT] = { "a port", "" },
		[TH_OPTION_DURATION] = { "a time", " (a whole number of us, ms, s, min or h)" },
		[TH_OPTION_SIZE] = { "a size", " (a whole number of B, KiB, MiB or GiB)" },
		[TH_OPTION_COUNT] = { "a whole number", "" },
		[TH_OPTION_PERCENT] = { "a percentage", "" },
		[TH_OPTION_RATE] = { "a rate", " (a whole number of bit/s, kbit/s or Mbit/s), or unlimited" },
		[TH_OPTION_FRACTION] = { "a percentage", " (at most four decimals)" },
	};
	char lo[TH_OPTION_TEXT], hi[TH_OPTION_TEXT];

	if (opt->type == TH_OPTION_FRACTION) {
		format_percentage(opt->min, lo);
		format_percentage(opt->max, hi);
	} else {
		format_number(opt, opt->min, lo);
		format_number(opt, opt->max, hi);
	}
	snprintf(out, TH_OPTION_TEXT, "%s from %.32s to %.32s%s%s", words[opt->type].before, lo, hi,
		 words[opt->type].after, opt->flags & TH_OPTION_NEVER ? ", or never" : "");
	return out;
}

const char *th_option_allowed(const struct th_option *opt, char out[TH_OPTION_TEXT])
{
	switch (opt->type) {
	case TH_OPTION_BOOL:
		return "true or false";
	case TH_OPTION_ADDRESS:
		return "a numeric IPv4 or IPv6 address, like 127.0.0.1 or ::1";
	case TH_OPTION_TARGET:
		return "HOST or HOST:PORT, an IPv6 address with a port in brackets, like [::1]:5683; #KEY may follow, "
		       "the 43 characters that `thimble pubkey` prints there";
	case TH_OPTION_KEYS:
		snprintf(out, TH_OPTION_TEXT,
			 "at most %d public keys with spaces between, each the 43 characters that `thimble pubkey` prints",
			 TH_OPTION_KEYS_MAX);
		return out;
	case TH_OPTION_URL:
		return "http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]";
	case TH_OPTION_FILE:
		return "the name of a file";
	case TH_OPTION_CHOICE:
		return allowed_choice(opt, out);
	case TH_OPTION_ENDPOINT:
		return "ADDRESS:PORT with a numeric address, like 127.0.0.1:5683 or [::1]:5683";
	case TH_OPTION_SPREAD:
		return allowed_spread(opt, out);
	case TH_OPTION_LINES:
		return "words on one line";
	case TH_OPTION_PORT:
	case TH_OPTION_DURATION:
	case TH_OPTION_SIZE:
	case TH_OPTION_COUNT:
	case TH_OPTION_PERCENT:
	case TH_OPTION_RATE:
	case TH_OPTION_FRACTION:
		break;
	}
	return allowed_range(opt, out);
}
