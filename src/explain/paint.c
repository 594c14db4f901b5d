#include "explain/paint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/text.h"

enum {
	COLUMNS = 96,
	INDENT = 4,
	LEVELS = 10,	/* 0, 1 to 8 bits, more */
	ENTRY_MAX = 64, /* characters of a packed line that are shown */
	LINE_MAX = COLUMNS * 4 + 8,
};

/* From what costs nothing to what costs as much as a random byte, and beyond. */
static const struct {
	uint8_t code; /* of the 256 */
	uint8_t red, green, blue;
} colours[LEVELS] = {
	{ 242, 108, 108, 108 }, { 66, 95, 135, 135 }, { 72, 95, 175, 135 }, { 112, 135, 215, 0 }, { 148, 175, 215, 0 },
	{ 184, 215, 215, 0 },	{ 214, 255, 175, 0 }, { 208, 255, 135, 0 }, { 202, 255, 95, 0 },  { 197, 255, 0, 95 },
};

enum th_paint th_paint_for(FILE *out, bool always, bool never)
{
	const char *none = getenv("NO_COLOR"), *depth = getenv("COLORTERM");

	if (never || (!always && ((none && *none) || !isatty(fileno(out)))))
		return TH_PAINT_PLAIN;
	if (depth && (strcmp(depth, "truecolor") == 0 || strcmp(depth, "24bit") == 0))
		return TH_PAINT_24BIT;
	return TH_PAINT_256;
}

static uint64_t bits_of(uint64_t cost)
{
	return (cost + TH_COST_BIT / 2) / TH_COST_BIT;
}

static unsigned level_of(uint64_t cost)
{
	uint64_t bits = bits_of(cost);

	return bits < LEVELS ? (unsigned)bits : LEVELS - 1;
}

static void set_colour(FILE *out, enum th_paint how, unsigned level)
{
	if (how == TH_PAINT_24BIT)
		fprintf(out, "\033[38;2;%u;%u;%um", colours[level].red, colours[level].green, colours[level].blue);
	else if (how == TH_PAINT_256)
		fprintf(out, "\033[38;5;%um", colours[level].code);
}

static void reset_colour(FILE *out, enum th_paint how)
{
	if (how != TH_PAINT_PLAIN)
		fputs("\033[0m", out);
}

/* ---- lines ---- */

struct canvas {
	FILE *out;
	enum th_paint how;
	unsigned level; /* LEVELS: no colour is set */
	size_t column;
	char digits[LINE_MAX]; /* what goes beneath, plain only */
	size_t n_digits;
};

static void line_end(struct canvas *c)
{
	if (c->level < LEVELS)
		reset_colour(c->out, c->how);
	c->level = LEVELS;
	putc('\n', c->out);
	while (c->n_digits > 0 && c->digits[c->n_digits - 1] == ' ')
		c->n_digits--;
	if (c->n_digits > 0)
		fprintf(c->out, "%*s%.*s\n", INDENT, "", (int)c->n_digits, c->digits);
	c->n_digits = 0;
	c->column = 0;
}

static char digit_of(uint64_t cost)
{
	uint64_t bits = bits_of(cost);

	return (char)(bits == 0 ? ' ' : bits < 10 ? '0' + bits : '+');
}

/* One character of `width` columns, with its cost. */
static void put(struct canvas *c, const char *p, size_t n, unsigned width, uint64_t cost)
{
	unsigned level = level_of(cost);

	if (n == 0)
		return;
	if (c->column + width > COLUMNS)
		line_end(c);
	if (c->column == 0)
		fprintf(c->out, "%*s", INDENT, "");
	if (c->how != TH_PAINT_PLAIN && level != c->level)
		set_colour(c->out, c->how, level);
	c->level = c->how == TH_PAINT_PLAIN ? LEVELS : level;
	fwrite(p, 1, n, c->out);
	c->column += width;
	for (unsigned i = 0; c->how == TH_PAINT_PLAIN && i < width && c->n_digits < sizeof(c->digits); i++)
		c->digits[c->n_digits++] = i ? ' ' : digit_of(cost);
}

/* ---- characters ---- */

/* A UTF-8 sequence that may be shown; 1 with cp = 0 for what may not. */
static size_t character(const uint8_t *p, size_t n, uint32_t *cp)
{
	size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t v = length < 2 ? p[0] : p[0] & (0x7fu >> length);

	*cp = 0;
	if (length == 0 || length > n)
		return 1;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		v = v << 6 | (p[i] & 0x3f);
	}
	if (v < least[length] || (v >= 0xd800 && v < 0xe000) || v > 0x10ffff)
		return 1;
	*cp = v;
	return length;
}

/* Control characters, and those that turn the direction of what follows, break lines or are invisible. */
static bool may_show(uint32_t cp)
{
	return cp >= ' ' && !(cp >= 0x7f && cp < 0xa0) && cp != 0xad && !(cp >= 0x200b && cp <= 0x200f) &&
	       !(cp >= 0x2028 && cp <= 0x202e) && !(cp >= 0x2060 && cp <= 0x206f) && cp != 0xfeff &&
	       !(cp >= 0xe000 && cp < 0xf900) && !(cp >= 0xfff0 && cp <= 0xffff) && cp < 0xe0000;
}

static unsigned width_of(uint32_t cp)
{
	static const struct {
		uint32_t from, to;
	} wide[] = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf },   { 0xac00, 0xd7a3 },
		     { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
		     { 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd } };

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (cp >= wide[i].from && cp <= wide[i].to)
			return 2;
	return (cp >= 0x300 && cp < 0x370) || (cp >= 0xfe00 && cp <= 0xfe0f) ? 0 : 1;
}

/* A byte that stands for a line, or its beginning: all of it is one byte's cost. */
static void put_entry(struct canvas *c, struct th_str s, uint64_t cost)
{
	for (size_t i = 0; i < s.n && i < ENTRY_MAX; i++) {
		bool ends = i + 1 == ENTRY_MAX && i + 1 < s.n;

		if (s.p[i] == '\n' || ends)
			put(c, i + 1 < s.n ? "|" : "", i + 1 < s.n, i + 1 < s.n, i ? 0 : cost);
		else
			put(c, s.p + i, 1, 1, i && c->how == TH_PAINT_PLAIN ? 0 : cost);
	}
	if (s.p[s.n - 1] == '\n')
		line_end(c);
}

void th_paint_text(FILE *out, enum th_paint how, const struct th_costs *costs, size_t most)
{
	struct canvas c = { .out = out, .how = how, .level = LEVELS };
	bool head = true; /* packed lines are */
	size_t shown = 0, at = 0;
	uint64_t rest = 0;

	for (; at < costs->n && (most == 0 || shown < most); shown++) {
		const uint8_t *p = costs->text + at;
		uint32_t cp;
		size_t n = character(p, costs->n - at, &cp);
		uint64_t cost = 0;

		for (size_t i = 0; i < n; i++)
			cost += costs->cost[at + i];
		if (head && p[0] < ' ' && th_text_lines[p[0]].n) {
			put_entry(&c, th_text_lines[p[0]], cost);
		} else if (p[0] == '\n') {
			put(&c, level_of(cost) ? "$" : "", level_of(cost) > 0, level_of(cost) > 0, cost);
			head = head && at > 0 && !(p[-1] == '\n' || (p[-1] < ' ' && th_text_lines[p[-1]].n));
			line_end(&c);
		} else if (may_show(cp)) {
			put(&c, (const char *)p, n, width_of(cp), cost);
		} else {
			put(&c, "?", 1, 1, cost);
		}
		at += n;
	}
	for (size_t i = at; i < costs->n; i++)
		rest += costs->cost[i];
	if (c.column > 0)
		line_end(&c);
	if (at < costs->n)
		fprintf(out, "%*s... and %zu bytes more, which cost %.1f\n", INDENT, "", costs->n - at,
			(double)rest / TH_COST_BIT / 8);
}

void th_paint_legend(FILE *out, enum th_paint how)
{
	static const char *const names[LEVELS] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "more" };

	fputs("Bits a character: ", out);
	if (how == TH_PAINT_PLAIN) {
		fputs("the digit beneath it, blank for less than half a bit, + for more than 9", out);
	} else {
		for (unsigned i = 0; i < LEVELS; i++) {
			set_colour(out, how, i);
			fprintf(out, "%s%s", i ? " " : "", names[i]);
		}
		reset_colour(out, how);
	}
	fputs(". $ is the end of a line that cost something; a line that is packed into one byte shows what it stands "
	      "for.\n",
	      out);
}
