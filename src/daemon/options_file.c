/* The configuration file, read by inih: [section], then name = value; comments begin with # or ;. */
#include "daemon/options.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

struct reading {
	FILE *in; /* borrowed */
	struct th_options *o;
	struct th_complaints *c;
	const char *name; /* of the file, for messages */
	unsigned line;	  /* the one read last */
	bool too_long;	  /* a line was, and the rest of the file is not read */
};

/* Of the lines that it cannot read inih tells only the first; so they are found here. */
static bool understood(const char *line)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf"; /* which inih skips */
	size_t n;

	if (strncmp(line, byte_order_mark, sizeof(byte_order_mark) - 1) == 0)
		line += sizeof(byte_order_mark) - 1;
	n = strcspn(line, "\r\n");
	if (n == 0 || *line == '#' || *line == ';')
		return true;
	return *line == '[' ? memchr(line, ']', n) != NULL : memchr(line, '=', n) || memchr(line, ':', n);
}

/* inih's way to get a line. Leading white space goes: inih would take such a line for the last value's continuation. */
static char *next_line(char *out, int cap, void *stream)
{
	struct reading *r = stream;
	size_t n, blank;

	if (r->too_long || !fgets(out, cap, r->in))
		return NULL;
	r->line++;
	n = strlen(out);
	if (n + 1 == (size_t)cap && out[n - 1] != '\n') {
		th_complain(r->c, "%s:%u: the line is too long, at most %d bytes fit", r->name, r->line, cap - 2);
		r->too_long = true;
		return NULL;
	}
	blank = strspn(out, " \t");
	memmove(out, out + blank, n - blank + 1);
	if (!understood(out)) {
		th_complain(r->c, "%s:%u: neither [section] nor name = value", r->name, r->line);
		*out = '\0'; /* inih sees an empty line */
	}
	return out;
}

static bool known_section(struct reading *r, const char *section)
{
	for (int i = 0; i < TH_SECTION_LAST; i++)
		if (strcmp(th_section_names[i], section) == 0)
			return true;
	if (*section)
		th_complain(r->c,
			    "%s:%u: unknown section [%.40s]: there are [daemon], [http], [upstream], [session] and "
			    "[coap]",
			    r->name, r->line, section);
	else
		th_complain(r->c,
			    "%s:%u: a section must come first: [daemon], [http], [upstream], [session] or [coap]",
			    r->name, r->line);
	return false;
}

static const struct th_option *lookup(struct reading *r, const char *section, const char *name)
{
	const struct th_option *opt = th_option_find(name), *near;

	if (!known_section(r, section))
		return NULL;
	if (opt && (opt->flags & TH_OPTION_COMMAND_LINE)) {
		th_complain(r->c, "%s:%u: %s belongs on the command line, not into the file", r->name, r->line, name);
		return NULL;
	}
	if (opt && strcmp(th_section_names[opt->section], section) != 0) {
		th_complain(r->c, "%s:%u: %s belongs into section [%s]", r->name, r->line, name,
			    th_section_names[opt->section]);
		return NULL;
	}
	if (opt)
		return opt;
	near = th_option_nearest(name);
	if (near)
		th_complain(r->c, "%s:%u: unknown option %.80s (did you mean %s?)", r->name, r->line, name, near->name);
	else
		th_complain(r->c, "%s:%u: unknown option %.80s", r->name, r->line, name);
	return NULL;
}

/* inih's handler; nonzero for success, which it always is: what is wrong was complained about. */
static int take(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	const struct th_option *opt = lookup(r, section, name);
	char where[TH_OPTION_MESSAGE / 2];
	size_t i;

	if (!opt)
		return 1;
	i = (size_t)(opt - th_option_table);
	if (r->o->line[i] != 0 && opt->type != TH_OPTION_KEYS) { /* a list may go on in further lines */
		th_complain(r->c, "%s:%u: %s stands in line %u already", r->name, r->line, name, r->o->line[i]);
		return 1;
	}
	snprintf(where, sizeof(where), "%.200s:%u: %s = %.200s", r->name, r->line, name, value);
	th_options_set(r->o, opt, value, TH_FROM_FILE, r->line, where, r->c);
	return 1;
}

enum th_err th_options_stream(struct th_options *o, FILE *in, const char *name, struct th_complaints *c)
{
	struct reading r = { .in = in, .o = o, .c = c, .name = name };
	unsigned before = c->n;
	int bad = ini_parse_stream(next_line, &r, take, &r);

	if (bad > 0 && !r.too_long)
		th_complain(c, "%s:%d: neither [section] nor name = value", name, bad);
	if (bad < 0 || ferror(in)) {
		th_complain(c, "%s: cannot be read: %s", name, strerror(errno));
		return TH_ERR_IO;
	}
	return c->n == before ? TH_OK : TH_ERR_INVALID;
}

enum th_err th_options_file(struct th_options *o, const char *path, struct th_complaints *c)
{
	FILE *in = fopen(path, "re");
	enum th_err err;

	if (!in) {
		th_complain(c, "%s: cannot be opened: %s", path, strerror(errno));
		return TH_ERR_IO;
	}
	err = th_options_stream(o, in, path, c);
	fclose(in);
	return err;
}
