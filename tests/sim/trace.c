#include "sim/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static const struct sim_opt_name names[] = {
	{ "If-Match", 1, SIM_OPT_OPAQUE },
	{ "Uri-Host", 3, SIM_OPT_STRING },
	{ "ETag", 4, SIM_OPT_OPAQUE },
	{ "If-None-Match", 5, SIM_OPT_EMPTY },
	{ "Observe", 6, SIM_OPT_UINT },
	{ "Uri-Port", 7, SIM_OPT_UINT },
	{ "Location-Path", 8, SIM_OPT_STRING },
	{ "Uri-Path", 11, SIM_OPT_STRING },
	{ "Content-Format", 12, SIM_OPT_UINT },
	{ "Max-Age", 14, SIM_OPT_UINT },
	{ "Uri-Query", 15, SIM_OPT_STRING },
	{ "Accept", 17, SIM_OPT_UINT },
	{ "Q-Block1", 19, SIM_OPT_BLOCK },
	{ "Location-Query", 20, SIM_OPT_STRING },
	{ "Block2", 23, SIM_OPT_BLOCK },
	{ "Block1", 27, SIM_OPT_BLOCK },
	{ "Size2", 28, SIM_OPT_UINT },
	{ "Q-Block2", 31, SIM_OPT_BLOCK },
	{ "Proxy-Uri", 35, SIM_OPT_STRING },
	{ "Proxy-Scheme", 39, SIM_OPT_STRING },
	{ "Size1", 60, SIM_OPT_UINT },
	{ "Echo", 252, SIM_OPT_OPAQUE },
	{ "No-Response", 258, SIM_OPT_UINT },
	{ "Request-Tag", 292, SIM_OPT_OPAQUE },
};

static const char *const methods[] = { "EMPTY", "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "IPATCH" };

enum { N_NAMES = sizeof(names) / sizeof(names[0]), N_METHODS = sizeof(methods) / sizeof(methods[0]), SHOWN = 40 };

const struct sim_opt_name *sim_opt_by_number(uint16_t number)
{
	for (size_t i = 0; i < N_NAMES; i++)
		if (names[i].number == number)
			return &names[i];
	return NULL;
}

const struct sim_opt_name *sim_opt_by_name(const char *name, size_t n)
{
	for (size_t i = 0; i < N_NAMES; i++)
		if (strlen(names[i].name) == n && memcmp(names[i].name, name, n) == 0)
			return &names[i];
	return NULL;
}

const char *sim_code_text(uint8_t code, char out[8])
{
	if (code < N_METHODS)
		snprintf(out, 8, "%s", methods[code]);
	else
		snprintf(out, 8, "%u.%02u", code >> 5, code & 31u);
	return out;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

bool sim_code_parse(const char *text, size_t n, uint8_t *out)
{
	unsigned class, detail;

	for (uint8_t i = 0; i < N_METHODS; i++) {
		if (strlen(methods[i]) == n && memcmp(methods[i], text, n) == 0) {
			*out = i;
			return true;
		}
	}
	if (n != 4 || text[1] != '.' || !digit(text[0]) || !digit(text[2]) || !digit(text[3]))
		return false;
	class = (unsigned)(text[0] - '0');
	detail = (unsigned)(text[2] - '0') * 10 + (unsigned)(text[3] - '0');
	if (class > 7 || detail > 31)
		return false;
	*out = TH_COAP_CODE(class, detail);
	return true;
}

const char *sim_type_text(enum th_coap_type type)
{
	static const char *const text[] = { "CON", "NON", "ACK", "RST" };

	return text[type & 3];
}

uint64_t sim_opt_uint(const struct th_coap_option *o)
{
	uint64_t v = 0;

	for (size_t i = 0; i < o->n && i < sizeof(v); i++)
		v = v << 8 | o->p[i];
	return v;
}

const char *sim_trace_time(char out[32], th_time t)
{
	snprintf(out, 32, "%" PRIu64 ".%06" PRIu64, t / TH_SEC, t % TH_SEC / TH_US);
	return out;
}

/* Appends, cutting at the end. */
struct line {
	char *p;
	size_t cap, n;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (l->n + 1 >= l->cap)
		return;
	va_start(ap, fmt);
	n = vsnprintf(l->p + l->n, l->cap - l->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->n += (size_t)n < l->cap - l->n ? (size_t)n : l->cap - l->n - 1;
}

static void put_hex(struct line *l, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && i < SHOWN; i++)
		put(l, "%02x", p[i]);
	if (n > SHOWN)
		put(l, "…");
}

static void put_text(struct line *l, const uint8_t *p, size_t n)
{
	char quoted[4 * SHOWN + 8];

	th_log_quote(quoted, sizeof(quoted), (struct th_str){ (const char *)p, n < SHOWN ? n : SHOWN });
	put(l, "%s%s", quoted, n > SHOWN ? "…" : "");
}

static void put_option(struct line *l, const struct th_coap_option *o)
{
	const struct sim_opt_name *name = sim_opt_by_number(o->number);
	uint64_t v = sim_opt_uint(o);

	if (!name) {
		put(l, " %u=", o->number);
		put_hex(l, o->p, o->n);
		return;
	}
	put(l, " %s", name->name);
	switch (name->format) {
	case SIM_OPT_EMPTY:
		break;
	case SIM_OPT_OPAQUE:
		put(l, "=");
		put_hex(l, o->p, o->n);
		break;
	case SIM_OPT_UINT:
		put(l, "=%" PRIu64, v);
		break;
	case SIM_OPT_STRING:
		put(l, "=");
		put_text(l, o->p, o->n);
		break;
	case SIM_OPT_BLOCK:
		put(l, "=%" PRIu64 "/%u/%u", v >> 4, (unsigned)(v >> 3 & 1), 16u << (v & 7));
		break;
	}
}

const char *sim_trace_dgram(char *out, size_t cap, const uint8_t *p, size_t n)
{
	struct line l = { out, cap, 0 };
	struct th_coap_pdu pdu;
	char code[8];

	out[0] = '\0';
	if (th_coap_pdu_read(&pdu, p, n) != TH_OK) {
		put(&l, "not CoAP, %zu bytes: ", n);
		put_hex(&l, p, n);
		return out;
	}
	put(&l, "%s %s mid=%04x", sim_type_text(pdu.type), sim_code_text(pdu.code, code), pdu.mid);
	if (pdu.token_len) {
		put(&l, " token=");
		put_hex(&l, pdu.token, pdu.token_len);
	}
	for (size_t i = 0; i < pdu.n_options; i++)
		put_option(&l, &pdu.options[i]);
	if (pdu.payload_len) {
		put(&l, " payload=%zu:", pdu.payload_len);
		put_text(&l, pdu.payload, pdu.payload_len);
	}
	return out;
}
