/* The running thimble-link: sockets on both sides of the emulator. */
#ifndef TH_RELAY_RELAY_H
#define TH_RELAY_RELAY_H

#include "base/mem.h"
#include "relay/options.h"

struct th_relay;

/* Opens everything; NULL after complaining of what the system refused. */
struct th_relay *th_relay_new(const struct th_mem *mem, const struct th_relay_options *o, struct th_complaints *c);
/* Until SIGTERM or SIGINT; the exit status. */
int th_relay_run(struct th_relay *r);
void th_relay_del(struct th_relay *r);

#endif
