/* The parts of the daemon, tied together on one loop:
 *
 *     listener ⇄ node ⇄ upstream        flows
 *                 ⇕
 *                udp                    datagrams in by rx, out by a hook at the end of each batch; the node's deadline
 *                                       is an alarm */
#ifndef TH_DAEMON_WIRE_H
#define TH_DAEMON_WIRE_H

#include "base/mem.h"
#include "daemon/options.h"

struct th_wire;

/* Opens all sockets. `o` is copied; argv is borrowed for life (SIGHUP reads it again). On failure NULL, and `c` has
 * heard what failed, where, and what to do; `*status` is the exit status: 1 when the system refused, 2 for a setting
 * that is no good. */
struct th_wire *th_wire_new(const struct th_mem *mem, const struct th_options *o, int argc, char *const argv[],
			    struct th_complaints *c, int *status);
void th_wire_del(struct th_wire *w);

/* Until SIGTERM or SIGINT and what that leaves to finish. Returns the exit status. */
int th_wire_run(struct th_wire *w);

#endif
