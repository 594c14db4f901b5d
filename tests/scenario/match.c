#include "scenario/match.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "coap/pdu.h"
#include "scenario/value.h"
#include "sim/trace.h"

enum { SHOWN_MAX = 160 };

__attribute__((format(printf, 2, 3))) static enum match_result why_not(char why[MATCH_WHY_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, MATCH_WHY_MAX, fmt, ap);
	va_end(ap);
	return MATCH_NO;
}

__attribute__((format(printf, 2, 3))) static enum match_result syntax(char why[MATCH_WHY_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, MATCH_WHY_MAX, fmt, ap);
	va_end(ap);
	return MATCH_SYNTAX;
}

/* Variables */

static const struct th_str *var_find(const struct vars *vars, struct th_str name, struct th_str *out)
{
	for (size_t i = 0; i < vars->n; i++) {
		if (th_str_eq(th_str_of(vars->v[i].name), name)) {
			*out = (struct th_str){ vars->v[i].value, vars->v[i].n };
			return out;
		}
	}
	return NULL;
}

static bool var_bind(struct vars *vars, struct th_str name, struct th_str value)
{
	if (vars->n == VARS_MAX || name.n >= sizeof(vars->v[0].name) || value.n > VAR_VALUE_MAX)
		return false;
	memset(&vars->v[vars->n], 0, sizeof(vars->v[0]));
	memcpy(vars->v[vars->n].name, name.p, name.n);
	memcpy(vars->v[vars->n].value, value.p, value.n);
	vars->v[vars->n++].n = value.n;
	return true;
}

/* Fields as text: numbers decimal, opaque bytes hex, strings themselves */

struct text {
	char p[SIM_DGRAM_MAX * 2];
	size_t n;
};

static void text_hex(struct text *t, const uint8_t *p, size_t n)
{
	t->n = 0;
	for (size_t i = 0; i < n && t->n + 2 < sizeof(t->p); i++)
		t->n += (size_t)snprintf(t->p + t->n, sizeof(t->p) - t->n, "%02x", p[i]);
}

static void text_option(struct text *t, const struct th_coap_option *o)
{
	const struct sim_opt_name *name = sim_opt_by_number(o->number);
	uint64_t v = sim_opt_uint(o);

	switch (name ? name->format : SIM_OPT_OPAQUE) {
	case SIM_OPT_EMPTY:
	case SIM_OPT_OPAQUE:
		text_hex(t, o->p, o->n);
		break;
	case SIM_OPT_UINT:
		t->n = (size_t)snprintf(t->p, sizeof(t->p), "%" PRIu64, v);
		break;
	case SIM_OPT_BLOCK:
		t->n = (size_t)snprintf(t->p, sizeof(t->p), "%" PRIu64 "/%u/%u", v >> 4, (unsigned)(v >> 3 & 1),
					16u << (v & 7));
		break;
	case SIM_OPT_STRING:
		t->n = o->n;
		memcpy(t->p, o->p, o->n);
		break;
	}
}

/* "3/ * /64" style: equal part by part, * fitting any part. */
static bool glob(struct th_str pattern, struct th_str s)
{
	while (pattern.n > 0) {
		if (*pattern.p == '*') {
			while (s.n > 0 && *s.p != '/')
				s = (struct th_str){ s.p + 1, s.n - 1 };
		} else {
			if (s.n == 0 || *s.p != *pattern.p)
				return false;
			s = (struct th_str){ s.p + 1, s.n - 1 };
		}
		pattern = (struct th_str){ pattern.p + 1, pattern.n - 1 };
	}
	return s.n == 0;
}

static bool contains(struct th_str s, struct th_str part)
{
	return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n));
}

static const char *shown(char out[SHOWN_MAX], struct th_str s)
{
	return th_log_quote(out, SHOWN_MAX, s);
}

static enum match_result compare(struct vars *vars, bool bind, const struct word *w, struct th_str got,
				 char why[MATCH_WHY_MAX])
{
	struct th_str want = word_value(w), bound;
	char got_text[SHOWN_MAX], want_text[SHOWN_MAX];
	bool fits;

	if (!w->quoted && want.n > 1 && want.p[0] == '$') {
		struct th_str name = { want.p + 1, want.n - 1 };

		if (!var_find(vars, name, &bound)) {
			if (w->op == '!')
				return syntax(why, "$%.*s is not bound yet", TH_STR_ARG(name));
			if (bind && !var_bind(vars, name, got))
				return syntax(why, "too many variables, or too long a value");
			return MATCH_YES;
		}
		fits = th_str_eq(bound, got);
		want = bound;
	} else if (w->op == '~') {
		fits = contains(got, want);
	} else {
		fits = w->quoted ? th_str_eq(want, got) : glob(want, got);
	}
	if (fits != (w->op == '!'))
		return MATCH_YES;
	return why_not(why, "%.*s is %s, expected %s%s", (int)w->key, w->p, shown(got_text, got),
		       w->op == '!'   ? "anything but "
		       : w->op == '~' ? "it to contain "
				      : "",
		       shown(want_text, want));
}

/* The option number that a key names; -1 for no option. */
static long option_number(const char *key, size_t n)
{
	const struct sim_opt_name *name = sim_opt_by_name(key, n);
	uint64_t number;

	if (name)
		return name->number;
	if (value_number((struct th_str){ key, n }, &number) && number <= UINT16_MAX)
		return (long)number;
	return -1;
}

static const struct th_coap_option *option_find(const struct th_coap_pdu *pdu, long number, size_t skip)
{
	for (size_t i = 0; i < pdu->n_options; i++)
		if (pdu->options[i].number == number && skip-- == 0)
			return &pdu->options[i];
	return NULL;
}

static enum match_result match_option(struct vars *vars, bool bind, const struct word *w, const struct th_coap_pdu *pdu,
				      size_t nth, char why[MATCH_WHY_MAX])
{
	long number = option_number(w->p, w->key);
	const struct th_coap_option *o;
	struct text text;

	if (number < 0)
		return syntax(why, "unknown field %.*s", (int)w->key, w->p);
	o = option_find(pdu, number, nth);
	if (!o)
		return why_not(why, "option %.*s is absent", (int)w->key, w->p);
	text_option(&text, o);
	return compare(vars, bind, w, (struct th_str){ text.p, text.n }, why);
}

/* How often the same key came among the words before: the n-th Uri-Path= means the n-th such option. */
static size_t nth_of_key(const struct word *w, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < i; k++)
		if (w[k].key == w[i].key && memcmp(w[k].p, w[i].p, w[i].key) == 0)
			n++;
	return n;
}

static enum match_result match_absent(const struct word *w, const struct th_coap_pdu *pdu, char why[MATCH_WHY_MAX])
{
	long number = option_number(w->p + 1, w->n - 1);

	if (th_str_eq((struct th_str){ w->p, w->n }, TH_STR("-payload")))
		return pdu->payload_len ? why_not(why, "there is a payload") : MATCH_YES;
	if (th_str_eq((struct th_str){ w->p, w->n }, TH_STR("-token")))
		return pdu->token_len ? why_not(why, "there is a token") : MATCH_YES;
	if (number < 0)
		return syntax(why, "unknown field %s", w->p);
	return option_find(pdu, number, 0) ? why_not(why, "option %s is present", w->p + 1) : MATCH_YES;
}

static enum match_result match_field(struct vars *vars, bool bind, const struct word *w, size_t i,
				     const struct th_coap_pdu *pdu, char why[MATCH_WHY_MAX])
{
	struct text text;

	if (w[i].key == 0)
		return w[i].p[0] == '-' ? match_absent(&w[i], pdu, why) : syntax(why, "unknown word %s", w[i].p);
	if (word_has_key(&w[i], "mid")) {
		text_hex(&text, (const uint8_t[]){ (uint8_t)(pdu->mid >> 8), (uint8_t)pdu->mid }, 2);
	} else if (word_has_key(&w[i], "token")) {
		text_hex(&text, pdu->token, pdu->token_len);
	} else if (word_has_key(&w[i], "len")) {
		struct range r;

		if (!value_range(word_value(&w[i]), &r))
			return syntax(why, "len=N or len=N..M expected");
		if (range_has(&r, pdu->payload_len))
			return MATCH_YES;
		return why_not(why, "len is %zu, expected %s", pdu->payload_len, w[i].p + w[i].value);
	} else if (word_has_key(&w[i], "payload")) {
		return compare(vars, bind, &w[i], (struct th_str){ (const char *)pdu->payload, pdu->payload_len }, why);
	} else {
		return match_option(vars, bind, &w[i], pdu, nth_of_key(w, i), why);
	}
	return compare(vars, bind, &w[i], (struct th_str){ text.p, text.n }, why);
}

static bool parse_type(const struct word *w, enum th_coap_type *out)
{
	for (int t = TH_COAP_CON; t <= TH_COAP_RST; t++) {
		if (word_is(w, sim_type_text((enum th_coap_type)t))) {
			*out = (enum th_coap_type)t;
			return true;
		}
	}
	return false;
}

static enum match_result match_start(const struct word *w, const struct th_coap_pdu *pdu, char why[MATCH_WHY_MAX])
{
	enum th_coap_type type;
	uint8_t code;
	char text[8];

	if (!word_is(&w[0], "*")) {
		if (!parse_type(&w[0], &type))
			return syntax(why, "CON, NON, ACK, RST or * expected, not %s", w[0].p);
		if (type != pdu->type)
			return why_not(why, "it is %s, expected %s", sim_type_text(pdu->type), w[0].p);
	}
	if (!word_is(&w[1], "*")) {
		if (!sim_code_parse(w[1].p, w[1].n, &code))
			return syntax(why, "a method, a code like 2.05, EMPTY or * expected, not %s", w[1].p);
		if (code != pdu->code)
			return why_not(why, "its code is %s, expected %s", sim_code_text(pdu->code, text), w[1].p);
	}
	return MATCH_YES;
}

enum match_result match_dgram(struct vars *vars, bool bind, const struct word *w, size_t n, const uint8_t *p,
			      size_t len, char why[MATCH_WHY_MAX])
{
	struct th_coap_pdu pdu;
	enum match_result result;
	size_t bound = vars->n;

	if (n == 1 && word_is(&w[0], "*"))
		return MATCH_YES;
	if (n < 2)
		return syntax(why, "type and code expected");
	if (th_coap_pdu_read(&pdu, p, len) != TH_OK)
		return why_not(why, "it is no CoAP message");
	result = match_start(w, &pdu, why);
	for (size_t i = 2; i < n && result == MATCH_YES; i++)
		result = match_field(vars, bind, w, i, &pdu, why);
	if (result != MATCH_YES)
		vars->n = bound;
	return result;
}

/* Building */

struct builder {
	const struct vars *vars;
	struct th_coap_pdu pdu;
	uint8_t bytes[SIM_DGRAM_MAX]; /* option values */
	size_t used;
	char *why;
};

static bool unhex(struct th_str s, uint8_t *out, size_t cap, size_t *n)
{
	*n = 0;
	if (s.n % 2 || s.n / 2 > cap)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = th_lower(s.p[i]);
		int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (v < 0)
			return false;
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | v : v << 4);
	}
	*n = s.n / 2;
	return true;
}

static size_t uint_bytes(uint64_t v, uint8_t out[8])
{
	size_t n = 0;

	for (uint64_t rest = v; rest; rest >>= 8)
		n++;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	return n;
}

/* "3/1/64" as the option's number. */
static bool block_value(struct th_str s, uint64_t *out)
{
	uint64_t part[3];

	for (int i = 0; i < 3; i++) {
		size_t n = 0;

		while (n < s.n && s.p[n] != '/')
			n++;
		if (!value_number((struct th_str){ s.p, n }, &part[i]) || (i < 2 && n == s.n))
			return false;
		s = n == s.n ? (struct th_str){ s.p + n, 0 } : (struct th_str){ s.p + n + 1, s.n - n - 1 };
	}
	for (uint64_t szx = 0; szx < 8; szx++)
		if (16u << szx == part[2]) {
			*out = part[0] << 4 | (part[1] & 1) << 3 | szx;
			return s.n == 0;
		}
	return false;
}

static bool option_bytes(struct builder *b, const struct word *w, enum sim_opt_format format, struct th_str value,
			 size_t *n)
{
	uint8_t *out = b->bytes + b->used;
	size_t cap = sizeof(b->bytes) - b->used;
	uint64_t v;

	if (w->quoted || format == SIM_OPT_STRING) {
		if (value.n > cap)
			return false;
		memcpy(out, value.p, value.n);
		*n = value.n;
		return true;
	}
	if (cap < sizeof(v))
		return false;
	switch (format) {
	case SIM_OPT_UINT:
		return value_number(value, &v) && ((*n = uint_bytes(v, out)), true);
	case SIM_OPT_BLOCK:
		return block_value(value, &v) && ((*n = uint_bytes(v, out)), true);
	default:
		return unhex(value, out, cap, n);
	}
}

static bool build_option(struct builder *b, const struct word *w, struct th_str value)
{
	long number = option_number(w->p, w->key);
	const struct sim_opt_name *name = number < 0 ? NULL : sim_opt_by_number((uint16_t)number);
	struct th_coap_option o;
	size_t n, i;

	if (number < 0 || b->pdu.n_options == TH_COAP_OPTIONS_MAX) {
		why_not(b->why, "unknown field %.*s", (int)w->key, w->p);
		return false;
	}
	if (!option_bytes(b, w, name ? name->format : SIM_OPT_OPAQUE, value, &n)) {
		why_not(b->why, "a bad value for %.*s", (int)w->key, w->p);
		return false;
	}
	o = (struct th_coap_option){ (uint16_t)number, (uint16_t)n, b->bytes + b->used };
	b->used += n;
	for (i = b->pdu.n_options++; i > 0 && b->pdu.options[i - 1].number > o.number; i--)
		b->pdu.options[i] = b->pdu.options[i - 1];
	b->pdu.options[i] = o;
	return true;
}

static bool build_field(struct builder *b, const struct word *w)
{
	struct th_str value = word_value(w), bound;
	uint8_t mid[2];
	size_t n;

	if (w->key == 0 || w->op != '=') {
		why_not(b->why, "unknown word %s", w->p);
		return false;
	}
	if (!w->quoted && value.n > 1 && value.p[0] == '$') {
		if (!var_find(b->vars, (struct th_str){ value.p + 1, value.n - 1 }, &bound)) {
			why_not(b->why, "%.*s is not bound", TH_STR_ARG(value));
			return false;
		}
		value = bound;
	}
	if (word_has_key(w, "mid")) {
		if (!unhex(value, mid, sizeof(mid), &n) || n != sizeof(mid)) {
			why_not(b->why, "mid= wants four hex digits");
			return false;
		}
		b->pdu.mid = (uint16_t)(mid[0] << 8 | mid[1]);
		return true;
	}
	if (word_has_key(w, "token")) {
		if (!unhex(value, b->pdu.token, sizeof(b->pdu.token), &n)) {
			why_not(b->why, "token= wants at most eight bytes in hex");
			return false;
		}
		b->pdu.token_len = (uint8_t)n;
		return true;
	}
	if (word_has_key(w, "payload")) {
		b->pdu.payload = (const uint8_t *)value.p;
		b->pdu.payload_len = value.n;
		return true;
	}
	return build_option(b, w, value);
}

size_t match_build(const struct vars *vars, const struct word *w, size_t n, uint8_t *out, size_t cap,
		   char why[MATCH_WHY_MAX])
{
	struct builder b = { .vars = vars, .why = why };
	size_t need;

	if (n == 2 && word_is(&w[0], "raw") && w[1].quoted) {
		if (w[1].n > cap)
			return 0;
		memcpy(out, w[1].p, w[1].n);
		return w[1].n;
	}
	if (n < 2 || !parse_type(&w[0], &b.pdu.type) || !sim_code_parse(w[1].p, w[1].n, &b.pdu.code)) {
		why_not(why, "a type and a code expected");
		return 0;
	}
	for (size_t i = 2; i < n; i++)
		if (!build_field(&b, &w[i]))
			return 0;
	need = th_coap_pdu_write(&b.pdu, out, cap);
	if (need <= cap)
		return need;
	why_not(why, "the datagram is too large");
	return 0;
}
