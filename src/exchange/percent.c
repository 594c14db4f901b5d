#include "exchange/percent.h"

static const char *const also_raw[] = { "~", "~!*'()", "~!$&'()*+,;=:@", "*", "~!$'()*,:@/?", "~!*:," };

static bool has_plus(enum th_percent style)
{
	return style == TH_PERCENT_FORM || style == TH_PERCENT_QUERY;
}

static bool is_raw(char c, enum th_percent style)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	    c == '_')
		return true;
	return c && strchr(also_raw[style], c);
}

static unsigned hex(char c)
{
	return c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

bool th_percent_is(struct th_str s, enum th_percent style)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		unsigned value;

		if (is_raw(c, style) || (c == '+' && has_plus(style)))
			continue;
		if (c != '%' || s.n - i < 3 || hex(s.p[i + 1]) > 15 || hex(s.p[i + 2]) > 15)
			return false;
		value = hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]);
		if (is_raw((char)value, style) || (value == ' ' && has_plus(style)))
			return false;
		i += 2;
	}
	return true;
}

void th_percent_decode(struct th_wr *w, struct th_str s, enum th_percent style)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			th_wr_uint(w, hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]), 1);
			i += 2;
		} else {
			th_wr_bytes(w, s.p[i] == '+' && has_plus(style) ? " " : s.p + i, 1);
		}
	}
}

void th_percent_encode(struct th_wr *w, struct th_str s, enum th_percent style)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		uint8_t b = (uint8_t)s.p[i];
		char three[3] = { '%', digits[b >> 4], digits[b & 15] };

		if (is_raw(s.p[i], style))
			th_wr_bytes(w, s.p + i, 1);
		else if (b == ' ' && has_plus(style))
			th_wr_bytes(w, "+", 1);
		else
			th_wr_bytes(w, three, 3);
	}
}

bool th_percent_undo(struct th_wr *w, struct th_str s, bool plus)
{
	bool whole = true;

	for (size_t i = 0; i < s.n; i++) {
		int high = s.n - i > 2 ? th_hex_value(s.p[i + 1]) : -1,
		    low = s.n - i > 2 ? th_hex_value(s.p[i + 2]) : -1;

		if (s.p[i] == '%' && high >= 0 && low >= 0) {
			th_wr_uint(w, (unsigned)high << 4 | (unsigned)low, 1);
			i += 2;
			continue;
		}
		whole = whole && s.p[i] != '%';
		th_wr_bytes(w, plus && s.p[i] == '+' ? " " : s.p + i, 1);
	}
	return whole;
}
