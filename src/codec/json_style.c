#include "codec/json_cbor.h"

unsigned th_json_style(struct th_str json)
{
	unsigned style = 0;
	bool inside = false, settled = false; /* in a string; ASCII is known */

	if (json.n && json.p[json.n - 1] == '\n')
		style |= TH_JSON_NEWLINE;
	for (size_t i = 0; i + 1 < json.n; i++) {
		char c = json.p[i], next = json.p[i + 1];

		if (!inside && (c == ':' || c == ',') && next == ' ')
			style |= TH_JSON_SPACED;
		if (c == '"')
			inside = !inside;
		if (!settled && (uint8_t)c >= 0x80)
			settled = true;
		if (c != '\\')
			continue;
		if (next == '/')
			style |= TH_JSON_SLASH;
		if (next == 'u' && json.n - i >= 6) {
			struct th_str hex = { json.p + i + 2, 4 };
			bool html = th_str_eq(hex, TH_STR("003c")) || th_str_eq(hex, TH_STR("003e")) ||
				    th_str_eq(hex, TH_STR("0026"));

			if (html)
				style |= TH_JSON_HTML;
			else if (!settled && (!th_str_starts(hex, TH_STR("00")) || hex.p[2] >= '8'))
				style |= TH_JSON_ASCII, settled = true;
		}
		i++;
	}
	return style;
}

static size_t put_hex(uint32_t unit, char *out)
{
	static const char digits[] = "0123456789abcdef";

	out[0] = '\\';
	out[1] = 'u';
	for (size_t i = 0; i < 4; i++)
		out[2 + i] = digits[unit >> (12 - 4 * i) & 15];
	return 6;
}

size_t th_json_escape_plain(uint32_t c, char out[static TH_JSON_ESCAPE_MAX])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

/* The letter of the short escape, 0 when there is none. */
static char short_escape(uint32_t c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

size_t th_json_escape(uint32_t character, unsigned style, char out[static TH_JSON_ESCAPE_MAX])
{
	char letter = character == '/' && style & TH_JSON_SLASH ? '/' : short_escape(character);
	bool html =
		character == '<' || character == '>' || character == '&' || character == 0x2028 || character == 0x2029;

	if (letter) {
		out[0] = '\\';
		out[1] = letter;
		return 2;
	}
	if (character < 0x20 || (html && style & TH_JSON_HTML))
		return put_hex(character, out);
	if (character < 0x80 || !(style & TH_JSON_ASCII))
		return th_json_escape_plain(character, out);
	if (character < 0x10000)
		return put_hex(character, out);
	character -= 0x10000;
	return put_hex(0xd800 | character >> 10, out) + put_hex(0xdc00 | (character & 0x3ff), out + 6);
}

/* The UTF-16 unit of \uxxxx at p, -1 when that is not what stands there. */
static int32_t unit_at(const char *p, const char *end)
{
	int32_t unit = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		int digit = th_hex_value(p[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

int32_t th_json_escaped(const char *p, const char *end, size_t *len)
{
	static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *letter = end - p >= 2 && p[1] ? strchr(letters, p[1]) : NULL;
	int32_t unit = unit_at(p, end), low;

	*len = 2;
	if (letter)
		return means[letter - letters];
	if (unit < 0)
		return TH_JSON_BAD_CHARACTER;
	*len = 6;
	if (unit < 0xd800 || unit > 0xdfff)
		return unit;
	low = unit_at(p + 6, end);
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return TH_JSON_NO_CHARACTER; /* half of a pair */
	*len = 12;
	return 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
}
