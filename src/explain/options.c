#include "explain/options.h"

#include <string.h>

#define FIELD(m) .at = offsetof(struct th_explain_options, m), .size = sizeof(((struct th_explain_options *)0)->m)

enum { ARGS_MAX = 64 };

static const char *const sections[] = { "explain" };
static const char *const section_help[] = { "What is shown, and how" };
static const char *const colours[] = { "auto", "always", "never", NULL };

static const struct th_option rows[TH_EXPLAIN_OPTIONS] = {
	{ .name = "help",
	  .type = TH_OPTION_BOOL,
	  .flags = TH_OPTION_COMMAND_LINE,
	  FIELD(help),
	  .def = "false",
	  .help = "Print the options and end" },
	{ .name = "summary",
	  .type = TH_OPTION_BOOL,
	  FIELD(summary),
	  .def = "false",
	  .help = "Print the tables alone, not the messages" },
	{ .name = "top",
	  .type = TH_OPTION_COUNT,
	  FIELD(top),
	  .max = 1000,
	  .def = "0",
	  .arg = "N",
	  .help = "Show the N messages that cost most, dearest first, and as many fields; 0 shows all messages in "
		  "their order" },
	{ .name = "only",
	  .type = TH_OPTION_FILE,
	  .flags = TH_OPTION_OPTIONAL | TH_OPTION_COMMAND_LINE,
	  FIELD(only),
	  .def = "",
	  .arg = "TEXT",
	  .help = "Show and count exchanges whose request line has this in it, as in --only /sync. All others are "
		  "coded too, as history" },
	{ .name = "history",
	  .type = TH_OPTION_BOOL,
	  FIELD(history),
	  .def = "true",
	  .help = "Code each message against those before it, as a session does; --no-history codes each by itself" },
	{ .name = "cut",
	  .type = TH_OPTION_COUNT,
	  FIELD(cut),
	  .max = 10000000,
	  .def = "2000",
	  .arg = "N",
	  .help = "Show so many characters of a message, 0 for all" },
	{ .name = "color",
	  .type = TH_OPTION_CHOICE,
	  FIELD(colour),
	  .choices = colours,
	  .def = "auto",
	  .arg = "WHEN",
	  .help = "Colours: auto for terminals unless NO_COLOR is set. Without them a digit beneath each character "
		  "says what it costs" },
	{ .name = "live",
	  .type = TH_OPTION_FILE,
	  .flags = TH_OPTION_OPTIONAL | TH_OPTION_COMMAND_LINE,
	  FIELD(live),
	  .def = "",
	  .arg = "PATH",
	  .help = "Show what a running daemon codes, until Ctrl-C, instead of a FILE: PATH is its option "
		  "explain-socket" },
};

const struct th_option_schema th_explain_schema = { rows, TH_EXPLAIN_OPTIONS, sections, section_help, 1 };

void th_explain_options_init(struct th_explain_options *o)
{
	memset(o, 0, sizeof(*o));
	th_option_defaults(&th_explain_schema, o);
}

/* Whether the word after this one is its value. */
static bool wants_value(const char *arg)
{
	const struct th_option *opt = strncmp(arg, "--", 2) == 0 ? th_option_named(&th_explain_schema, arg + 2) : NULL;

	return opt && opt->type != TH_OPTION_BOOL;
}

static void take_file(struct th_explain_options *o, const char *word, struct th_complaints *c)
{
	if (o->file[0])
		th_complain(c, "command line: %.200s: one FILE at a time (there is %.200s already)", word, o->file);
	else if (word[0] == '\0' || strlen(word) >= sizeof(o->file))
		th_complain(c, "command line: a FILE has a name of 1 to %d bytes", (int)sizeof(o->file) - 1);
	else
		memcpy(o->file, word, strlen(word) + 1);
}

enum th_err th_explain_options_load(struct th_explain_options *o, int argc, char *const argv[], struct th_complaints *c)
{
	struct th_option_values v = { &th_explain_schema, o, o->origin, o->line };
	char *options[ARGS_MAX];
	unsigned before = c->n;
	int n = 0;

	th_explain_options_init(o);
	options[n++] = argv[0];
	for (int i = 2; i < argc && n + 2 < ARGS_MAX; i++) {
		if (argv[i][0] != '-' || strcmp(argv[i], "-") == 0) {
			take_file(o, argv[i], c);
			continue;
		}
		options[n++] = argv[i];
		if (wants_value(argv[i]) && i + 1 < argc)
			options[n++] = argv[++i];
	}
	(void)th_option_args(&v, n, options, c);
	if (c->n > before)
		return TH_ERR_INVALID;
	if (!o->help && !o->file[0] && !o->live[0])
		th_complain(c,
			    "command line: use: thimble explain [OPTION]... FILE, or thimble explain --live PATH; FILE "
			    "holds recorded exchanges, - is standard input (see thimble explain --help)");
	else if (o->file[0] && o->live[0])
		th_complain(c, "command line: --live shows a daemon, %.200s is a FILE: one of them at a time", o->file);
	else if (o->live[0] && o->top)
		th_complain(c,
			    "command line: --top sorts what is all there; with --live messages are shown as they come");
	return c->n == before ? TH_OK : TH_ERR_INVALID;
}

void th_explain_help(FILE *out)
{
	struct th_explain_options defaults;

	th_explain_options_init(&defaults);
	fputs("Usage: thimble explain [OPTION]... FILE\n"
	      "       thimble explain [OPTION]... --live PATH\n"
	      "Shows which characters of exchanges cost how many bits on the link, and totals per field.\n"
	      "FILE has one exchange a line, as tools/record writes them; - is standard input.\n"
	      "Options are --name VALUE or --name=VALUE, switches --name or --no-name.\n"
	      "Defaults stand in parentheses.\n",
	      out);
	th_option_help(&th_explain_schema, &defaults, out);
	fputs("\nSee thimble-explain(1).\n", out);
}
