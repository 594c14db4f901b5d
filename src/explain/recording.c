#include "explain/recording.h"

#include <stdio.h>

#include "explain/jread.h"

enum { STATUS_MIN = 100, STATUS_MAX = 999 };

/* Members that a line must have. */
enum { METHOD = 1, TARGET = 2, STATUS = 4, REQUEST_FIELDS = 8, RESPONSE_FIELDS = 16, ALL = 31 };

struct line {
	struct th_jread r;
	struct th_recorded *out;
	double duration;
	unsigned seen;
	const char *member; /* of a value that is not what it must be */
	const char *why;
};

static void refuse(struct line *l, const char *member, const char *why)
{
	if (!l->why) {
		l->member = member;
		l->why = why;
	}
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Base64 with or without padding, decoded where it stands. */
static struct th_str base64(struct line *l, const char *member)
{
	struct th_str s = th_jread_string(&l->r);
	char *out = (char *)(uintptr_t)s.p; /* our own copy, in the arena */
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	while (s.n > 0 && s.p[s.n - 1] == '=')
		s.n--;
	for (size_t i = 0; i < s.n; i++) {
		int v = base64_value(s.p[i]);

		if (v < 0) {
			refuse(l, member, "is not base64");
			return TH_STR("");
		}
		bits = bits << 6 | (uint32_t)v;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (char)(uint8_t)(bits >> n_bits);
		}
	}
	return (struct th_str){ s.p, n };
}

/* Characters up to U+00FF stand for bytes, as recorders decode heads by ISO 8859-1; others stay UTF-8. */
static struct th_str head_string(struct line *l)
{
	struct th_str s = th_jread_string(&l->r);
	char *out = (char *)(uintptr_t)s.p; /* our own copy, in the arena */
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if ((c == 0xc2 || c == 0xc3) && i + 1 < s.n)
			out[n++] = (char)(uint8_t)((c & 3) << 6 | ((uint8_t)s.p[++i] & 0x3f));
		else
			out[n++] = (char)c;
	}
	return (struct th_str){ s.p, n };
}

static struct th_str trimmed(struct th_str s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* [[name, value], ...] */
static struct th_field *fields(struct line *l, const char *member, size_t *n)
{
	struct th_field found[TH_HEAD_FIELDS_MAX], *copy;
	bool first = true;

	*n = 0;
	th_jread_expect(&l->r, '[', "an array of [name, value] was expected");
	while (!l->why && !l->r.why && th_jread_item_next(&l->r, &first)) {
		th_jread_expect(&l->r, '[', "a pair [name, value] was expected");
		if (*n == TH_HEAD_FIELDS_MAX) {
			refuse(l, member, "has too many fields");
			break;
		}
		found[*n].name = head_string(l);
		th_jread_expect(&l->r, ',', "a pair [name, value] was expected");
		found[*n].value = trimmed(head_string(l));
		th_jread_expect(&l->r, ']', "a pair [name, value] was expected");
		++*n;
	}
	copy = th_arena_alloc(l->r.arena, (*n + 1) * sizeof(*copy));
	if (!copy) {
		l->r.no_memory = true;
		refuse(l, member, "does not fit into memory");
		*n = 0;
		return NULL;
	}
	memcpy(copy, found, *n * sizeof(*copy));
	return copy;
}

static void member(struct line *l, struct th_str name)
{
	struct th_recorded *o = l->out;

	if (th_str_eq(name, TH_STR("method"))) {
		o->method = head_string(l);
		l->seen |= METHOD;
	} else if (th_str_eq(name, TH_STR("target"))) {
		o->target = head_string(l);
		l->seen |= TARGET;
	} else if (th_str_eq(name, TH_STR("status"))) {
		double status = th_jread_number(&l->r);

		if (status < STATUS_MIN || status > STATUS_MAX)
			refuse(l, "status", "is no HTTP status");
		else
			o->status = (unsigned)status;
		l->seen |= STATUS;
	} else if (th_str_eq(name, TH_STR("t"))) {
		o->start = th_jread_number(&l->r);
	} else if (th_str_eq(name, TH_STR("dur"))) {
		l->duration = th_jread_number(&l->r);
	} else if (th_str_eq(name, TH_STR("req_headers"))) {
		o->request_fields = fields(l, "req_headers", &o->n_request_fields);
		l->seen |= REQUEST_FIELDS;
	} else if (th_str_eq(name, TH_STR("resp_headers"))) {
		o->response_fields = fields(l, "resp_headers", &o->n_response_fields);
		l->seen |= RESPONSE_FIELDS;
	} else if (th_str_eq(name, TH_STR("req_body"))) {
		o->request_body = base64(l, "req_body");
	} else if (th_str_eq(name, TH_STR("resp_body"))) {
		o->response_body = base64(l, "resp_body");
	} else {
		th_jread_skip(&l->r);
	}
}

static const char *missing(unsigned seen)
{
	return !(seen & METHOD)		  ? "method"
	       : !(seen & TARGET)	  ? "target"
	       : !(seen & STATUS)	  ? "status"
	       : !(seen & REQUEST_FIELDS) ? "req_headers"
					  : "resp_headers";
}

enum th_err th_recording_read(struct th_recorded *out, struct th_str line, struct th_arena *arena,
			      char why[static TH_RECORDING_WHY])
{
	struct line l = { .r = th_jread_of(line, arena), .out = out };
	struct th_str name;
	bool first = true;

	*out = (struct th_recorded){ .status = 0 };
	th_jread_expect(&l.r, '{', "an object was expected: {\"method\": ..., \"target\": ..., ...}");
	while (!l.why && !l.r.why && th_jread_member_next(&l.r, &first, &name))
		member(&l, name);
	if (!l.why && !l.r.why)
		th_jread_end(&l.r);
	out->end = out->start + (l.duration > 0 ? l.duration : 0);
	if (l.r.no_memory) {
		snprintf(why, TH_RECORDING_WHY, "no memory for so long a line");
		return TH_ERR_NO_MEMORY;
	}
	if (l.r.why)
		snprintf(why, TH_RECORDING_WHY, "not the JSON of an exchange: %s, at byte %zu", l.r.why,
			 (size_t)(l.r.p - l.r.begin) + 1);
	else if (l.why)
		snprintf(why, TH_RECORDING_WHY, "%s %s", l.member, l.why);
	else if (l.seen != ALL)
		snprintf(why, TH_RECORDING_WHY, "no member \"%s\" (corpus/README.md has the form of recordings)",
			 missing(l.seen));
	else
		return TH_OK;
	return TH_ERR_MALFORMED;
}
