/* The explain socket: tells its readers (`thimble explain --live`) what each message costs that the model codes.
 *
 * Off unless the option names a path. Only the daemon's own user may connect; credentials are left out
 * (explain/cost.h). Without a reader nothing is computed. A reader that is too slow loses messages, and is told how
 * many. */
#ifndef TH_DAEMON_EXPLAIN_FEED_H
#define TH_DAEMON_EXPLAIN_FEED_H

#include "base/loop.h"
#include "program/option.h"
#include "proxy/node.h"

enum { TH_FEED_READERS = 4 };

struct th_explain_feed;

/* Loop, mem and node are borrowed. NULL, complained: the socket cannot be made. */
struct th_explain_feed *th_explain_feed_new(struct th_loop *loop, const struct th_mem *mem, struct th_node *node,
					    const char *path, struct th_complaints *c);
/* Removes the socket's file too. May be NULL. */
void th_explain_feed_del(struct th_explain_feed *f);

#endif
