/* Signals as events of the loop, by signalfd(2). They stay blocked in every thread started later. */
#ifndef TH_PROGRAM_SIGNALS_H
#define TH_PROGRAM_SIGNALS_H

#include "base/err.h"
#include "base/loop.h"

struct th_signals {
	struct th_loop *loop; /* borrowed */
	struct th_watch watch;
	void (*got)(void *user, int signal); /* SIGTERM, SIGINT, SIGHUP, SIGUSR1 */
	void *user;
};

/* TH_ERR_IO with errno set. The caller has set got and user. */
enum th_err th_signals_init(struct th_signals *s, struct th_loop *loop);
void th_signals_free(struct th_signals *s);

#endif
