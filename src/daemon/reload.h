/* SIGHUP: reads the options anew and takes over what can change while the daemon runs. */
#ifndef TH_DAEMON_RELOAD_H
#define TH_DAEMON_RELOAD_H

#include "daemon/options.h"

/* `running` gets the new values of options with TH_OPTION_RELOAD; changes of others are logged as needing a restart.
 * TH_ERR_INVALID or TH_ERR_IO, logged, when the new options are no good: nothing has changed then. */
enum th_err th_reload(struct th_options *running, int argc, char *const argv[]);

#endif
