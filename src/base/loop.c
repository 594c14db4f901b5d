#include "base/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { LOOP_BATCH = 64, LOOP_SLEEP_MAX_MS = 60000 };

struct th_loop {
	const struct th_mem *mem; /* borrowed */
	int epfd;
	bool stop;
	th_time now;
	struct th_heap alarms;
	struct th_list hooks;
	struct epoll_event batch[LOOP_BATCH];
	int batch_n, batch_at;
};

static th_time clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (th_time)ts.tv_sec * TH_SEC + (th_time)ts.tv_nsec;
}

struct th_loop *th_loop_new(const struct th_mem *mem)
{
	struct th_loop *l = th_alloc(mem, sizeof(*l));

	if (!l)
		return NULL;
	l->mem = mem;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0) {
		th_free(mem, l);
		return NULL;
	}
	th_heap_init(&l->alarms, mem);
	th_list_init(&l->hooks);
	l->now = clock_now();
	return l;
}

void th_loop_del(struct th_loop *l)
{
	if (!l)
		return;
	th_heap_free(&l->alarms);
	close(l->epfd);
	th_free(l->mem, l);
}

static enum th_err control(struct th_loop *l, struct th_watch *w, int op)
{
	struct epoll_event ev = { .events = w->events, .data.ptr = w };

	return epoll_ctl(l->epfd, op, w->fd, &ev) == 0 ? TH_OK : TH_ERR_IO;
}

enum th_err th_loop_watch(struct th_loop *l, struct th_watch *w, int fd, uint32_t events)
{
	enum th_err err;

	w->fd = fd;
	w->events = events;
	err = control(l, w, EPOLL_CTL_ADD);
	if (err != TH_OK)
		w->fd = -1;
	return err;
}

enum th_err th_loop_change(struct th_loop *l, struct th_watch *w, uint32_t events)
{
	if (w->events == events)
		return TH_OK;
	w->events = events;
	return control(l, w, EPOLL_CTL_MOD);
}

void th_loop_unwatch(struct th_loop *l, struct th_watch *w)
{
	if (w->fd < 0)
		return;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	w->fd = -1;
	for (int i = l->batch_at; i < l->batch_n; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

enum th_err th_loop_alarm(struct th_loop *l, struct th_alarm *a, th_time at)
{
	return th_heap_set(&l->alarms, &a->timer, at);
}

void th_loop_cancel(struct th_loop *l, struct th_alarm *a)
{
	th_heap_cancel(&l->alarms, &a->timer);
}

void th_loop_hook(struct th_loop *l, struct th_hook *h)
{
	th_list_push(&l->hooks, &h->link);
}

const th_time *th_loop_clock(const struct th_loop *l)
{
	return &l->now;
}

th_time th_loop_now(const struct th_loop *l)
{
	return l->now;
}

/* Rounded up, so that an alarm is due when the sleep ends. */
static int sleep_ms(const struct th_loop *l, th_time patience)
{
	th_time d = th_time_min(th_time_until(th_heap_next(&l->alarms), clock_now()), patience);

	if (d >= LOOP_SLEEP_MAX_MS * TH_MS)
		return LOOP_SLEEP_MAX_MS;
	return (int)((d + TH_MS - 1) / TH_MS);
}

/* No more than there were: an alarm that sets itself anew for now waits for the next batch, sockets come in between. */
static void fire_alarms(struct th_loop *l)
{
	for (size_t left = l->alarms.n; left > 0; left--) {
		struct th_timer *t = th_heap_pop(&l->alarms, l->now);
		struct th_alarm *a;

		if (!t)
			return;
		a = TH_OWNER(t, struct th_alarm, timer);
		a->fire(a, l->now);
	}
}

static void run_hooks(struct th_loop *l)
{
	TH_LIST_EACH(it, &l->hooks)
	{
		struct th_hook *h = TH_OWNER(it, struct th_hook, link);

		h->run(h, l->now);
	}
}

enum th_err th_loop_step(struct th_loop *l, th_time patience)
{
	int n = epoll_wait(l->epfd, l->batch, LOOP_BATCH, sleep_ms(l, patience));

	if (n < 0 && errno != EINTR)
		return TH_ERR_IO;
	l->now = clock_now();
	l->batch_n = n > 0 ? n : 0;
	for (l->batch_at = 0; l->batch_at < l->batch_n;) {
		struct epoll_event *ev = &l->batch[l->batch_at++];
		struct th_watch *w = ev->data.ptr;

		if (w)
			w->ready(w, ev->events);
	}
	fire_alarms(l);
	run_hooks(l);
	return TH_OK;
}

enum th_err th_loop_run(struct th_loop *l)
{
	enum th_err err = TH_OK;

	for (l->stop = false; !l->stop && err == TH_OK;)
		err = th_loop_step(l, TH_NEVER);
	return err;
}

void th_loop_stop(struct th_loop *l)
{
	l->stop = true;
}
