/* Makes what is documentation out of the option tables: manual pages from their templates, and the example
 * configuration.
 *
 *     mkdoc docs/man/thimble.1.in              the template; a line @OPTIONS@ becomes the command line's options,
 *                                              @SETTINGS@ the file's
 *     mkdoc --link docs/man/thimble-link.1.in  the same with the options of thimble-link; @PRESETS@ becomes its presets
 *     mkdoc --explain docs/man/thimble-explain.1.in   the same with the options of thimble explain
 *     mkdoc --example                          dist/thimble.conf */
#include <stdio.h>
#include <string.h>

#include "daemon/options.h"
#include "explain/options.h"
#include "relay/options.h"

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

/* The table that the page is about, and its defaults. */
struct subject {
	const struct th_option_schema *schema;
	const void *defaults;
};

static void body(const struct subject *s, const struct th_option *opt)
{
	char value[TH_OPTION_TEXT], allowed[TH_OPTION_TEXT];

	roff(opt->help);
	puts(".");
	if (opt->flags & TH_OPTION_COMMAND_LINE)
		return;
	th_option_format(opt, (const char *)s->defaults + opt->at, value);
	puts(".br");
	fputs("Allowed: ", stdout);
	roff(opt->flags & TH_OPTION_OPTIONAL ? "nothing, or " : "");
	roff(th_option_allowed(opt, allowed));
	fputs(". Default: ", stdout);
	roff(*value ? value : "nothing");
	puts(opt->flags & TH_OPTION_RELOAD ? ". SIGHUP applies it." : ".");
}

static void option(const struct subject *s, const struct th_option *opt, bool setting)
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
	body(s, opt);
}

static void options(const struct subject *s, bool settings)
{
	unsigned without = TH_OPTION_HIDDEN | (settings ? TH_OPTION_COMMAND_LINE : 0);

	for (size_t section = 0; section < s->schema->n_sections; section++) {
		printf(".SS ");
		if (settings)
			printf("[%s] ", s->schema->sections[section]);
		roff(s->schema->section_help[section]);
		putchar('\n');
		for (size_t i = 0; i < s->schema->n; i++) {
			const struct th_option *opt = &s->schema->rows[i];

			if (opt->section == section && !(opt->flags & without))
				option(s, opt, settings);
		}
	}
}

static void presets(void)
{
	for (size_t i = 0; i < th_emu_preset_count; i++) {
		const struct th_emu_preset *p = &th_emu_presets[i];

		fputs(".TP\n.B ", stdout);
		roff(p->name);
		putchar('\n');
		roff(p->about);
		fputs(":\n", stdout);
		for (const char *const *s = p->settings; *s; s++) {
			roff(*s);
			puts(s[1] ? "," : ".");
		}
		fputs(".br\nSources: ", stdout);
		roff(p->source);
		puts(".");
	}
}

static int page(const struct subject *s, const char *path)
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
			options(s, false);
		else if (strcmp(line, "@SETTINGS@\n") == 0)
			options(s, true);
		else if (strcmp(line, "@PRESETS@\n") == 0)
			presets();
		else
			fputs(line, stdout);
	}
	fclose(in);
	return 0;
}

int main(int argc, char *argv[])
{
	static struct th_relay_options link;
	struct th_options defaults;
	struct th_explain_options explain;
	const struct subject explain_subject = { &th_explain_schema, &explain };
	const struct subject daemon_subject = { &th_options_schema, &defaults };
	const struct subject link_subject = { th_relay_schema(), &link };

	th_options_init(&defaults);
	th_relay_options_init(&link);
	th_explain_options_init(&explain);
	if (argc == 3 && strcmp(argv[1], "--explain") == 0)
		return page(&explain_subject, argv[2]);
	if (argc == 3 && strcmp(argv[1], "--link") == 0)
		return page(&link_subject, argv[2]);
	if (argc != 2) {
		fputs("usage: mkdoc [--link | --explain] TEMPLATE | --example\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "--example") != 0)
		return page(&daemon_subject, argv[1]);
	th_options_dump(&defaults, stdout);
	return 0;
}
