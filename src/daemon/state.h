/* The folder of what must outlive a daemon: its secret key, the keys of known peers, the mark of early data.
 *
 * Two daemons that run at once must not share one if both are egress halves: each would undo the other's mark. */
#ifndef TH_DAEMON_STATE_H
#define TH_DAEMON_STATE_H

#include "daemon/options.h"

enum { TH_STATE_PATH = TH_OPTION_PATH_MAX + 16 }; /* room for a file's path in it */

#define TH_STATE_KEY "key"
#define TH_STATE_KNOWN_PEERS "known-peers"
#define TH_STATE_MARK "mark"

/* The path of a file in the folder `configured`; when that is empty, in $STATE_DIRECTORY (systemd), else in
 * /var/lib/thimble for root, else in $XDG_STATE_HOME/thimble or ~/.local/state/thimble. Returns out. */
const char *th_state_path(char out[TH_STATE_PATH], const char *configured, const char *file);

/* Makes the folder, and those above it, where they are missing: mode 0700. TH_ERR_IO, complained. */
enum th_err th_state_make(const char *configured, struct th_complaints *c);

/* The mark of early data: all with a time up to it is refused after a restart (docs/internals/session.md). 0 when there
 * is no file. TH_ERR_MALFORMED, TH_ERR_INVALID, TH_ERR_IO, complained. */
enum th_err th_state_mark_load(const char *path, uint64_t *mark, struct th_complaints *c);
/* On disk when this returns TH_OK. TH_ERR_IO, complained. */
enum th_err th_state_mark_save(const char *path, uint64_t mark, struct th_complaints *c);

#endif
