/* The command line: --name value, --name=value, --flag, --no-flag. The last one of a name wins. */
#include "program/option.h"

#include <string.h>

enum { NAME_ROOM = 64 };

struct arg {
	const struct th_option *opt;
	const char *value; /* NULL: none was attached */
	bool negated;
};

static void complain_unknown(const struct th_option_schema *s, const char *name, struct th_complaints *c)
{
	const struct th_option *near = th_option_like(s, name);

	if (near)
		th_complain(c, "command line: unknown option --%s (did you mean --%s?)", name, near->name);
	else
		th_complain(c, "command line: unknown option --%s (see --help)", name);
}

/* `text` begins after the two dashes. */
static bool split(const struct th_option_schema *s, const char *text, struct arg *out, struct th_complaints *c)
{
	char name[NAME_ROOM];
	const char *eq = strchr(text, '=');
	size_t n = eq ? (size_t)(eq - text) : strlen(text);

	if (n >= sizeof(name))
		n = sizeof(name) - 1;
	memcpy(name, text, n);
	name[n] = '\0';
	*out = (struct arg){ .opt = th_option_named(s, name), .value = eq ? eq + 1 : NULL };
	if (!out->opt && strncmp(name, "no-", 3) == 0) {
		out->opt = th_option_named(s, name + 3);
		out->negated = true;
	}
	if (!out->opt || (out->negated && out->opt->type != TH_OPTION_BOOL)) {
		complain_unknown(s, name, c);
		return false;
	}
	if (out->negated && eq) {
		th_complain(c, "command line: --%s takes no value", name);
		return false;
	}
	return true;
}

static void take(const struct th_option_values *v, const struct arg *a, struct th_complaints *c)
{
	char where[TH_OPTION_MESSAGE / 2];
	const char *value = a->value;

	if (!value)
		value = a->negated ? "false" : "true"; /* bool: others have got theirs */
	snprintf(where, sizeof(where), "command line: --%s %.200s", a->opt->name, value);
	th_option_take(v, a->opt, value, TH_FROM_COMMAND_LINE, 0, where, c);
}

/* The attached value and all words up to the next option as one line; returns how many words that were. */
static int gather(struct arg *a, char out[static TH_OPTION_TEXT], int argc, char *const argv[])
{
	size_t n = (size_t)snprintf(out, TH_OPTION_TEXT, "%s", a->value ? a->value : "");
	int i = 0;

	for (; i < argc && strncmp(argv[i], "--", 2) != 0; i++)
		if (n < TH_OPTION_TEXT)
			n += (size_t)snprintf(out + n, TH_OPTION_TEXT - n, "%s%s", n ? " " : "", argv[i]);
	a->value = out;
	return i;
}

enum th_err th_option_args(const struct th_option_values *v, int argc, char *const argv[], struct th_complaints *c)
{
	char words[TH_OPTION_TEXT];
	unsigned before = c->n;
	struct arg a;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0 || argv[i][2] == '\0') {
			th_complain(c, "command line: %.200s is not an option (options begin with --, see --help)",
				    argv[i]);
			continue;
		}
		if (!split(v->schema, argv[i] + 2, &a, c)) {
			i += i + 1 < argc && argv[i + 1][0] != '-' &&
			     !strchr(argv[i], '='); /* its value, most likely */
			continue;
		}
		if (a.opt->type == TH_OPTION_LINES) {
			i += gather(&a, words, argc - i - 1, argv + i + 1);
		} else if (!a.value && a.opt->type != TH_OPTION_BOOL) {
			if (i + 1 == argc || strncmp(argv[i + 1], "--", 2) == 0) {
				th_complain(c, "command line: --%s needs a value: --%s %s", a.opt->name, a.opt->name,
					    a.opt->arg);
				continue;
			}
			a.value = argv[++i];
		}
		take(v, &a, c);
	}
	return c->n == before ? TH_OK : TH_ERR_INVALID;
}
