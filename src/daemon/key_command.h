/* The sub-commands that deal with keys: thimble keygen [FILE], thimble pubkey [FILE]. */
#ifndef TH_DAEMON_KEY_COMMAND_H
#define TH_DAEMON_KEY_COMMAND_H

#include "base/rng.h"
#include "daemon/options.h"

/* Whether argv asks for one of them. */
bool th_key_command_asked(int argc, char *const argv[]);

/* Does it: the public key on `out`. TH_OK, TH_ERR_INVALID for wrong use, else what th_key_file_*() return; complained.
 */
enum th_err th_key_command(int argc, char *const argv[], const struct th_rng *rng, FILE *out, struct th_complaints *c);

/* What --help says about them. */
void th_key_command_help(FILE *out);

#endif
