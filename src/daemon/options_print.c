/* The table as people read it: --help and --dump-config. tools/mkdoc.c makes the manual pages. */
#include "daemon/options.h"

#include "daemon/key_command.h"

#include <string.h>

enum { WIDTH = 96, HELP_COLUMN = 34 };

/* Words of `text` into lines of at most WIDTH, the first of which starts at `column`; each further one after `lead`. */
static void wrap(FILE *out, const char *text, int column, const char *lead)
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

static void dump_option(const struct th_options *o, const struct th_options *defaults, const struct th_option *opt,
			FILE *out)
{
	bool given = o->origin[opt - th_option_table] != TH_FROM_DEFAULT;
	char value[TH_OPTION_TEXT], allowed[TH_OPTION_TEXT], text[3 * TH_OPTION_TEXT];

	snprintf(text, sizeof(text), "%s.", opt->help);
	fputc('#', out);
	wrap(out, text, 1, "#");
	th_option_format(opt, th_option_field(defaults, opt), value);
	snprintf(text, sizeof(text), "Allowed: %s%s. Default: %s.%s",
		 opt->flags & TH_OPTION_OPTIONAL ? "nothing, or " : "", th_option_allowed(opt, allowed),
		 *value ? value : "nothing", opt->flags & TH_OPTION_RELOAD ? " SIGHUP applies it." : "");
	fputc('#', out);
	wrap(out, text, 1, "#");
	th_option_format(opt, th_option_field(o, opt), value);
	fprintf(out, "%s%s =%s%s\n\n", given ? "" : "#", opt->name, *value ? " " : "", value);
}

void th_options_dump(const struct th_options *o, FILE *out)
{
	struct th_options defaults;

	th_options_init(&defaults);
	fputs("# Configuration of thimble, as thimble --dump-config writes it. See thimble.conf(5).\n"
	      "# A line with # in front shows what holds without it.\n\n",
	      out);
	for (int s = 0; s < TH_SECTION_LAST; s++) {
		fprintf(out, "# %s.\n[%s]\n\n", th_section_help[s], th_section_names[s]);
		for (size_t i = 0; i < th_option_count; i++) {
			const struct th_option *opt = &th_option_table[i];

			if ((int)opt->section == s && !(opt->flags & TH_OPTION_COMMAND_LINE))
				dump_option(o, &defaults, opt, out);
		}
	}
}

static void help_option(const struct th_options *defaults, const struct th_option *opt, FILE *out)
{
	char value[TH_OPTION_TEXT], text[2 * TH_OPTION_TEXT], lead[HELP_COLUMN + 1];
	int column = fprintf(out, "  --%s%s%s", opt->name, opt->arg ? " " : "", opt->arg ? opt->arg : "");

	memset(lead, ' ', HELP_COLUMN);
	lead[HELP_COLUMN] = '\0';
	if (column < HELP_COLUMN)
		fprintf(out, "%*s", HELP_COLUMN - column, "");
	else
		fprintf(out, "\n%s", lead);
	th_option_format(opt, th_option_field(defaults, opt), value);
	if (opt->type == TH_OPTION_BOOL || !*value)
		snprintf(text, sizeof(text), "%s", opt->help);
	else
		snprintf(text, sizeof(text), "%s (%s)", opt->help, value);
	wrap(out, text, HELP_COLUMN, lead);
}

void th_options_help(FILE *out)
{
	struct th_options defaults;

	th_options_init(&defaults);
	fputs("Usage: thimble [OPTION]...\n"
	      "       thimble keygen|pubkey [FILE]\n"
	      "Carries Matrix over CoAP: HTTP in at one daemon, CoAP between two, HTTP out at the other.\n"
	      "Options are --name VALUE or --name=VALUE, switches --name or --no-name.\n"
	      "Defaults stand in parentheses.\n",
	      out);
	for (int s = 0; s < TH_SECTION_LAST; s++) {
		fprintf(out, "\n%s [%s]:\n", th_section_help[s], th_section_names[s]);
		for (size_t i = 0; i < th_option_count; i++)
			if ((int)th_option_table[i].section == s)
				help_option(&defaults, &th_option_table[i], out);
	}
	th_key_command_help(out);
	fputs("\nSee thimble(1) and thimble.conf(5).\n", out);
}
