/* The peers' keys seen so far: trust on first use, as ssh has it.
 *
 * One peer a line, "HOST:PORT KEY", IPv6 addresses in brackets, KEY as session/key.h writes it. Empty lines and lines
 * that begin with # stay as they are. The file belongs to this user, and nobody else may change it. */
#ifndef TH_DAEMON_KNOWN_PEERS_H
#define TH_DAEMON_KNOWN_PEERS_H

#include "daemon/options.h"
#include "session/noise.h"

enum {
	TH_KNOWN_PEERS_LINES = 1024,
	TH_KNOWN_PEERS_BYTES = 256 * 1024,
};

/* What is wrong is complained about with file, line and what to do. */

/* The key that is known for this target. TH_ERR_NOT_FOUND, said to nobody: none is, or there is no file.
 * TH_ERR_MALFORMED: a line of the file is wrong, and none counts. TH_ERR_INVALID: the file is not ours alone.
 * TH_ERR_TOO_LARGE, TH_ERR_NO_MEMORY, TH_ERR_IO. */
enum th_err th_known_peers_find(const char *path, const struct th_target *target, uint8_t key[TH_NOISE_DH],
				struct th_complaints *c);

/* A peer has proven that it has `key`. TH_OK: known, or new and now remembered (*added). TH_ERR_RESET: another key is
 * known for this target, and nothing may be sent there. Errors as above, TH_ERR_FULL when the file has all the lines it
 * may have. */
enum th_err th_known_peers_meet(const char *path, const struct th_target *target, const uint8_t key[TH_NOISE_DH],
				bool *added, struct th_complaints *c);

#endif
