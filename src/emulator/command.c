#include "emulator/command.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { WORD_MAX = 64 };

static const struct word {
	const char *text;
	enum th_emu_command_kind kind;
	bool may_wait; /* may stand in a schedule */
	const char *use;
} words[] = {
	{ "get", TH_EMU_GET, false, "get [NAME]" },
	{ "set", TH_EMU_SET, true, "set NAME VALUE" },
	{ "preset", TH_EMU_PRESET, true, "preset NAME" },
	{ "stats", TH_EMU_STATS, false, "stats" },
	{ "reset", TH_EMU_RESET, true, "reset" },
	{ "down", TH_EMU_LINK_DOWN, true, "down" },
	{ "up", TH_EMU_LINK_UP, true, "up" },
	{ "rebind", TH_EMU_REBIND, true, "rebind" },
	{ "help", TH_EMU_HELP, false, "help" },
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

const char *th_emu_command_word(enum th_emu_command_kind kind)
{
	for (size_t i = 0; i < WORDS; i++)
		if (words[i].kind == kind)
			return words[i].text;
	return "?";
}

__attribute__((format(printf, 2, 3))) static enum th_err wrong(char why[static TH_OPTION_MESSAGE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, TH_OPTION_MESSAGE, fmt, ap);
	va_end(ap);
	return TH_ERR_INVALID;
}

/* Moves past one word and the blanks after it. False when there is none or it is too long. */
static bool take_word(const char **line, char out[static WORD_MAX])
{
	size_t n = strcspn(*line, " ");

	if (n == 0 || n >= WORD_MAX)
		return false;
	memcpy(out, *line, n);
	out[n] = '\0';
	*line += n;
	*line += strspn(*line, " ");
	return true;
}

static const struct word *find_word(const char *text)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(words[i].text, text) == 0)
			return &words[i];
	return NULL;
}

static enum th_err parse_name(struct th_emu_command *c, const char *name, char why[static TH_OPTION_MESSAGE])
{
	const struct th_option *near;

	c->param = th_emu_param_find(name, c->ways);
	if (c->param)
		return TH_OK;
	near = th_option_like(&th_emu_params, name);
	if (near)
		return wrong(why, "there is no parameter %s (did you mean %s?)", name, near->name);
	return wrong(why, "there is no parameter %s; get lists them, up. or down. in front names one direction", name);
}

static enum th_err parse_set(struct th_emu_command *c, const char *rest, char why[static TH_OPTION_MESSAGE])
{
	char name[WORD_MAX], allowed[TH_OPTION_TEXT];

	if (!take_word(&rest, name) || !*rest)
		return wrong(why, "use: set NAME VALUE, as in set loss 20 %%");
	if (parse_name(c, name, why) != TH_OK)
		return TH_ERR_INVALID;
	assert(c->param->size <= sizeof(c->value));
	if (th_option_parse(c->param, rest, c->value) != TH_OK)
		return wrong(why, "%s %.100s: must be %s", name, rest, th_option_allowed(c->param, allowed));
	return TH_OK;
}

static enum th_err parse_preset(struct th_emu_command *c, const char *rest, char why[static TH_OPTION_MESSAGE])
{
	size_t n;

	c->preset = th_emu_preset_named(rest);
	if (c->preset)
		return TH_OK;
	n = (size_t)snprintf(why, TH_OPTION_MESSAGE, "there is no preset %.60s; there are:", rest);
	for (size_t i = 0; i < th_emu_preset_count && n < TH_OPTION_MESSAGE; i++)
		n += (size_t)snprintf(why + n, TH_OPTION_MESSAGE - n, " %s", th_emu_presets[i].name);
	return TH_ERR_INVALID;
}

/* `rest` is what stands after the word. */
static enum th_err parse_rest(struct th_emu_command *c, const struct word *w, const char *rest,
			      char why[static TH_OPTION_MESSAGE])
{
	char name[WORD_MAX];

	switch (w->kind) {
	case TH_EMU_SET:
		return parse_set(c, rest, why);
	case TH_EMU_PRESET:
		return parse_preset(c, rest, why);
	case TH_EMU_GET:
		c->ways[TH_EMU_UP] = c->ways[TH_EMU_DOWN] = true;
		if (!*rest)
			return TH_OK;
		if (!take_word(&rest, name) || *rest)
			return wrong(why, "use: %s", w->use);
		return parse_name(c, name, why);
	default:
		return *rest ? wrong(why, "use: %s", w->use) : TH_OK;
	}
}

/* "at 60s …" or "at 60 s …". */
static bool parse_time(const char **line, th_time *out)
{
	static const struct th_option time = { .type = TH_OPTION_DURATION, .size = sizeof(*out), .max = TH_NEVER / 4 };
	char first[WORD_MAX], second[WORD_MAX], both[2 * WORD_MAX];
	const char *rest;

	if (!take_word(line, first))
		return false;
	rest = *line;
	if (take_word(&rest, second) && strspn(first, "0123456789") == strlen(first)) {
		snprintf(both, sizeof(both), "%s %s", first, second);
		if (th_option_parse(&time, both, out) == TH_OK) {
			*line = rest;
			return true;
		}
	}
	return th_option_parse(&time, first, out) == TH_OK;
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

enum th_err th_emu_command_parse(struct th_emu_command *out, const char *line, char why[static TH_OPTION_MESSAGE])
{
	struct th_emu_command c = { .kind = TH_EMU_HELP };
	char text[WORD_MAX];
	const struct word *w;
	enum th_err err;

	if (strlen(line) > TH_EMU_LINE_MAX)
		return wrong(why, "a command has at most %d bytes", (int)TH_EMU_LINE_MAX);
	if (!printable(line))
		return wrong(why, "a command is ASCII text");
	line += strspn(line, " ");
	if (strncmp(line, "at ", 3) == 0) {
		line += 3;
		line += strspn(line, " ");
		if (!parse_time(&line, &c.at))
			return wrong(why, "use: at TIME COMMAND, as in at 60s down");
		c.scheduled = true;
	}
	if (!take_word(&line, text))
		return wrong(why, "no command; try help");
	w = find_word(text);
	if (!w)
		return wrong(why, "there is no command %s; try help", text);
	if (c.scheduled && !w->may_wait)
		return wrong(why, "%s cannot be scheduled", text);
	c.kind = w->kind;
	err = parse_rest(&c, w, line, why);
	if (err == TH_OK)
		*out = c;
	return err;
}
