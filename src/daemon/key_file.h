/* The file with this daemon's static key: one line, "thimble-secret-key-1 " and the secret as th_key_text() writes it.
 */
#ifndef TH_DAEMON_KEY_FILE_H
#define TH_DAEMON_KEY_FILE_H

#include "daemon/options.h"
#include "session/noise.h"

/* What is wrong is complained about with the path and what to do; `out` is then wiped. */

/* Refused unless it is a regular file of this user that nobody else may read. TH_ERR_NOT_FOUND, TH_ERR_INVALID,
 * TH_ERR_MALFORMED, TH_ERR_IO. */
enum th_err th_key_file_load(struct th_noise_pair *out, const char *path, struct th_complaints *c);

/* A fresh key in a new file, mode 0600. An existing file is never touched: TH_ERR_FULL. TH_ERR_IO. */
enum th_err th_key_file_make(struct th_noise_pair *out, const char *path, const struct th_rng *rng,
			     struct th_complaints *c);

/* For the daemon's start: loads, or makes one when there is none (*made says so). */
enum th_err th_key_file_obtain(struct th_noise_pair *out, bool *made, const char *path, const struct th_rng *rng,
			       struct th_complaints *c);

#endif
