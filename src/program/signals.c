#include "program/signals.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void ready(struct th_watch *w, uint32_t events)
{
	struct th_signals *s = TH_OWNER(w, struct th_signals, watch);
	struct signalfd_siginfo info;

	(void)events;
	while (read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		s->got(s->user, (int)info.ssi_signo);
}

enum th_err th_signals_init(struct th_signals *s, struct th_loop *loop)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	s->loop = loop;
	s->watch.fd = -1;
	s->watch.ready = ready;
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return TH_ERR_IO;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return TH_ERR_IO;
	if (th_loop_watch(loop, &s->watch, fd, EPOLLIN) == TH_OK)
		return TH_OK;
	close(fd);
	return TH_ERR_IO;
}

void th_signals_free(struct th_signals *s)
{
	int fd = s->watch.fd;

	th_loop_unwatch(s->loop, &s->watch);
	if (fd >= 0)
		close(fd);
}
