/* Makes what is documentation out of the option table: manual pages from their templates, and the example
 * configuration.
 *
 *     mkdoc docs/man/thimble.1.in      the template; a line @OPTIONS@ becomes the command line's options, @SETTINGS@
 * the file's mkdoc --example                  dist/thimble.conf */
#include <stdio.h>
#include <string.h>

#include "daemon/options.h"

enum { LINE = 512 };

/* Text as roff prints it: a bare '-' may become a typographic hyphen. */
static void roff(const char *text)
{
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
}

static void body(const struct th_options *defaults, const struct th_option *opt)
{
	char value[TH_OPTION_TEXT], allowed[TH_OPTION_TEXT];

	roff(opt->help);
	puts(".");
	if (opt->flags & TH_OPTION_COMMAND_LINE)
		return;
	th_option_format(opt, th_option_field(defaults, opt), value);
	puts(".br");
	fputs("Allowed: ", stdout);
	roff(opt->flags & TH_OPTION_OPTIONAL ? "nothing, or " : "");
	roff(th_option_allowed(opt, allowed));
	fputs(". Default: ", stdout);
	roff(*value ? value : "nothing");
	puts(opt->flags & TH_OPTION_RELOAD ? ". SIGHUP applies it." : ".");
}

static void option(const struct th_options *defaults, const struct th_option *opt, bool setting)
{
	puts(".TP");
	fputs(".B ", stdout);
	roff(setting ? "" : "--");
	roff(opt->name);
	if (opt->arg) {
		fputs(setting ? " = \\fI" : " \\fI", stdout);
		roff(opt->arg);
		fputs("\\fR", stdout);
	} else if (setting) {
		fputs(" = \\fItrue\\fR|\\fIfalse\\fR", stdout);
	}
	putchar('\n');
	body(defaults, opt);
}

static void options(const struct th_options *defaults, bool settings)
{
	for (int s = 0; s < TH_SECTION_LAST; s++) {
		printf(".SS ");
		if (settings)
			printf("[%s] ", th_section_names[s]);
		puts(th_section_help[s]);
		for (size_t i = 0; i < th_option_count; i++) {
			const struct th_option *opt = &th_option_table[i];

			if ((int)opt->section == s && !(settings && (opt->flags & TH_OPTION_COMMAND_LINE)))
				option(defaults, opt, settings);
		}
	}
}

static int page(const struct th_options *defaults, const char *path)
{
	char line[LINE];
	FILE *in = fopen(path, "r");

	if (!in) {
		perror(path);
		return 1;
	}
	printf(".\\\" Made by tools/mkdoc.c from %s and the option table: change those.\n",
	       strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	while (fgets(line, sizeof(line), in)) {
		if (strcmp(line, "@OPTIONS@\n") == 0)
			options(defaults, false);
		else if (strcmp(line, "@SETTINGS@\n") == 0)
			options(defaults, true);
		else
			fputs(line, stdout);
	}
	fclose(in);
	return 0;
}

int main(int argc, char *argv[])
{
	struct th_options defaults;

	th_options_init(&defaults);
	if (argc != 2) {
		fputs("usage: mkdoc TEMPLATE | --example\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "--example") != 0)
		return page(&defaults, argv[1]);
	th_options_dump(&defaults, stdout);
	return 0;
}
