/* The table as people read it: --help and --dump-config. tools/mkdoc.c makes the manual pages. */
#include "daemon/options.h"

#include "daemon/key_command.h"
#include "explain/command.h"

#include <string.h>

static void dump_option(const struct th_options *o, const struct th_options *defaults, const struct th_option *opt,
			FILE *out)
{
	bool given = o->origin[opt - th_option_table] != TH_FROM_DEFAULT;
	char value[TH_OPTION_TEXT], allowed[TH_OPTION_TEXT], text[3 * TH_OPTION_TEXT];

	snprintf(text, sizeof(text), "%s.", opt->help);
	fputc('#', out);
	th_option_wrap(out, text, 1, "#");
	th_option_format(opt, th_option_field(defaults, opt), value);
	snprintf(text, sizeof(text), "Allowed: %s%s. Default: %s.%s",
		 opt->flags & TH_OPTION_OPTIONAL ? "nothing, or " : "", th_option_allowed(opt, allowed),
		 *value ? value : "nothing", opt->flags & TH_OPTION_RELOAD ? " SIGHUP applies it." : "");
	fputc('#', out);
	th_option_wrap(out, text, 1, "#");
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

void th_options_help(FILE *out)
{
	struct th_options defaults;

	th_options_init(&defaults);
	fputs("Usage: thimble [OPTION]...\n"
	      "       thimble keygen|pubkey [FILE]\n"
	      "       thimble explain FILE|--live PATH\n"
	      "Carries Matrix over CoAP: HTTP in at one daemon, CoAP between two, HTTP out at the other.\n"
	      "Options are --name VALUE or --name=VALUE, switches --name or --no-name.\n"
	      "Defaults stand in parentheses.\n",
	      out);
	th_option_help(&th_options_schema, &defaults, out);
	th_key_command_help(out);
	th_explain_command_help(out);
	fputs("\nSee thimble(1) and thimble.conf(5).\n", out);
}
