#include "daemon/key_command.h"

#include <string.h>

#include "base/mem.h"
#include "daemon/key_file.h"
#include "daemon/state.h"
#include "session/key.h"
#include "session/suite.h"

bool th_key_command_asked(int argc, char *const argv[])
{
	return argc > 1 && (strcmp(argv[1], "keygen") == 0 || strcmp(argv[1], "pubkey") == 0);
}

enum th_err th_key_command(int argc, char *const argv[], const struct th_rng *rng, FILE *out, struct th_complaints *c)
{
	char text[TH_KEY_TEXT], usual[TH_STATE_PATH];
	const char *path = argc > 2 ? argv[2] : th_state_path(usual, "", TH_STATE_KEY);
	struct th_noise_pair pair;
	enum th_err err;

	if (argc > 3 || path[0] == '\0' || path[0] == '-' || strlen(path) >= TH_OPTION_PATH_MAX) {
		th_complain(c, "command line: use: thimble %s [FILE] (a FILE that begins with - is written ./-)",
			    argv[1]);
		return TH_ERR_INVALID;
	}
	if (strcmp(argv[1], "keygen") == 0) {
		err = argc > 2 ? TH_OK : th_state_make("", c);
		if (err == TH_OK)
			err = th_key_file_make(&pair, path, rng, c);
	} else {
		err = th_key_file_load(&pair, path, c);
	}
	if (err == TH_OK)
		fprintf(out, "%s\n", th_key_text(text, pair.public));
	th_wipe(&pair, sizeof(pair));
	th_suite_release();
	return err;
}

void th_key_command_help(FILE *out)
{
	fputs("\nKeys (FILE is the one of the daemon's state folder, option state-dir, unless given):\n"
	      "  thimble keygen [FILE]            Make a secret key in a new file and print its public key\n"
	      "  thimble pubkey [FILE]            Print the public key of the secret key in a file\n",
	      out);
}
