/* The line an exchange leaves in the log, and the figures SIGUSR1 asks for. */
#ifndef TH_DAEMON_REPORT_H
#define TH_DAEMON_REPORT_H

#include "http/listener.h"
#include "http/upstream.h"
#include "proxy/node.h"

/* struct th_node_config's report. */
void th_report_log(void *user, const struct th_report *r);

/* Either of listener and upstream may be NULL: that half is off. */
void th_report_stats(const struct th_listener *l, const struct th_upstream *u, const struct th_node *n);

#endif
