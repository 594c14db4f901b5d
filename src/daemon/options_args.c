/* The command line: --name value, --name=value, --flag, --no-flag. The last one of a name wins. */
#include "daemon/options.h"

#include <string.h>

enum { NAME_ROOM = 64 };

struct arg {
	const struct th_option *opt;
	const char *value; /* NULL: none was attached */
	bool negated;
};

static void complain_unknown(const char *name, struct th_complaints *c)
{
	const struct th_option *near = th_option_nearest(name);

	if (near)
		th_complain(c, "command line: unknown option --%s (did you mean --%s?)", name, near->name);
	else
		th_complain(c, "command line: unknown option --%s (see --help)", name);
}

/* `text` begins after the two dashes. */
static bool split(const char *text, struct arg *out, struct th_complaints *c)
{
	char name[NAME_ROOM];
	const char *eq = strchr(text, '=');
	size_t n = eq ? (size_t)(eq - text) : strlen(text);

	if (n >= sizeof(name))
		n = sizeof(name) - 1;
	memcpy(name, text, n);
	name[n] = '\0';
	*out = (struct arg){ .opt = th_option_find(name), .value = eq ? eq + 1 : NULL };
	if (!out->opt && strncmp(name, "no-", 3) == 0) {
		out->opt = th_option_find(name + 3);
		out->negated = true;
	}
	if (!out->opt || (out->negated && out->opt->type != TH_OPTION_BOOL)) {
		complain_unknown(name, c);
		return false;
	}
	if (out->negated && eq) {
		th_complain(c, "command line: --%s takes no value", name);
		return false;
	}
	return true;
}

static void take(struct th_options *o, const struct arg *a, struct th_complaints *c)
{
	char where[TH_OPTION_MESSAGE / 2];
	const char *value = a->value;

	if (!value)
		value = a->negated ? "false" : "true"; /* bool: others have got theirs */
	snprintf(where, sizeof(where), "command line: --%s %.200s", a->opt->name, value);
	th_options_set(o, a->opt, value, TH_FROM_COMMAND_LINE, 0, where, c);
}

enum th_err th_options_args(struct th_options *o, int argc, char *const argv[], struct th_complaints *c)
{
	unsigned before = c->n;
	struct arg a;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0 || argv[i][2] == '\0') {
			th_complain(c, "command line: %.200s is not an option (options begin with --, see --help)",
				    argv[i]);
			continue;
		}
		if (!split(argv[i] + 2, &a, c)) {
			i += i + 1 < argc && argv[i + 1][0] != '-' &&
			     !strchr(argv[i], '='); /* its value, most likely */
			continue;
		}
		if (!a.value && a.opt->type != TH_OPTION_BOOL) {
			if (i + 1 == argc || strncmp(argv[i + 1], "--", 2) == 0) {
				th_complain(c, "command line: --%s needs a value: --%s %s", a.opt->name, a.opt->name,
					    a.opt->arg);
				continue;
			}
			a.value = argv[++i];
		}
		take(o, &a, c);
	}
	return c->n == before ? TH_OK : TH_ERR_INVALID;
}
