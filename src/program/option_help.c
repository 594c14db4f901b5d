/* The table as --help shows it. */
#include "program/option.h"

#include <string.h>

enum { WIDTH = 96, HELP_COLUMN = 34 };

void th_option_wrap(FILE *out, const char *text, int column, const char *lead)
{
	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column + 1 + n > WIDTH) {
			fprintf(out, "\n%s", lead);
			column = (int)strlen(lead);
		}
		fprintf(out, " %.*s", n, text);
		column += 1 + n;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void help_option(const void *defaults, const struct th_option *opt, FILE *out)
{
	char value[TH_OPTION_TEXT], text[2 * TH_OPTION_TEXT], lead[HELP_COLUMN + 1];
	int column = fprintf(out, "  --%s%s%s", opt->name, opt->arg ? " " : "", opt->arg ? opt->arg : "");

	memset(lead, ' ', HELP_COLUMN);
	lead[HELP_COLUMN] = '\0';
	if (column < HELP_COLUMN)
		fprintf(out, "%*s", HELP_COLUMN - column, "");
	else
		fprintf(out, "\n%s", lead);
	th_option_format(opt, (const char *)defaults + opt->at, value);
	if (opt->type == TH_OPTION_BOOL || !*value)
		snprintf(text, sizeof(text), "%s", opt->help);
	else
		snprintf(text, sizeof(text), "%s (%s)", opt->help, value);
	th_option_wrap(out, text, HELP_COLUMN, lead);
}

void th_option_help(const struct th_option_schema *s, const void *defaults, FILE *out)
{
	for (size_t section = 0; section < s->n_sections; section++) {
		fprintf(out, "\n%s [%s]:\n", s->section_help[section], s->sections[section]);
		for (size_t i = 0; i < s->n; i++)
			if (s->rows[i].section == section && !(s->rows[i].flags & TH_OPTION_HIDDEN))
				help_option(defaults, &s->rows[i], out);
	}
}
