#include "explain/command.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "explain/file.h"
#include "explain/live.h"

bool th_explain_command_asked(int argc, char *const argv[])
{
	return argc > 1 && strcmp(argv[1], "explain") == 0;
}

static enum th_err of_file(const struct th_explain_options *o, FILE *out, struct th_complaints *c)
{
	struct stat st;
	enum th_err err;
	FILE *in;

	if (strcmp(o->file, "-") == 0)
		return th_explain_file(&th_mem_libc, o, stdin, "standard input", !o->top, out, c);
	in = fopen(o->file, "r");
	if (in && fstat(fileno(in), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(in);
		in = NULL;
		errno = EISDIR;
	}
	if (!in) {
		th_complain(c, "%s: %s%s", o->file, strerror(errno),
			    errno == ENOENT ? " (a file of recorded exchanges is expected; tools/record makes one)"
					    : "");
		return TH_ERR_IO;
	}
	err = th_explain_file(&th_mem_libc, o, in, o->file, false, out, c);
	fclose(in);
	return err;
}

enum th_err th_explain_command(int argc, char *const argv[], FILE *out, struct th_complaints *c)
{
	struct th_explain_options o = { .help = false };
	enum th_err err = th_explain_options_load(&o, argc, argv, c);

	if (err != TH_OK)
		return err;
	if (o.help) {
		th_explain_help(out);
		return TH_OK;
	}
	return o.live[0] ? th_explain_live(&th_mem_libc, &o, out, c) : of_file(&o, out, c);
}

void th_explain_command_help(FILE *out)
{
	fputs("\nWhere the bytes went (thimble explain --help says more):\n"
	      "  thimble explain FILE             Show what recorded exchanges cost, character by character\n"
	      "  thimble explain --live PATH      The same of what a running daemon codes (explain-socket)\n",
	      out);
}
