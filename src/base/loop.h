/* The event loop: file descriptors by epoll(7), alarms by a heap, and hooks that run once after each batch of events.
 *
 * One loop, one thread. Everything here is called from that thread. The clock is CLOCK_MONOTONIC, read once per batch. */
#ifndef TH_BASE_LOOP_H
#define TH_BASE_LOOP_H

#include <stdint.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/clock.h"

struct th_loop;

/* One file descriptor. Lives inside its owner; the owner closes the descriptor after th_loop_unwatch(). */
struct th_watch {
	void (*ready)(struct th_watch *w, uint32_t events); /* EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR */
	int fd;
	uint32_t events;
};

/* One moment. Lives inside its owner. */
struct th_alarm {
	struct th_timer timer;
	void (*fire)(struct th_alarm *a, th_time now);
};

/* Called after each batch of events, before the loop sleeps: flush what was gathered, free what has died. */
struct th_hook {
	struct th_list link;
	void (*run)(struct th_hook *h, th_time now);
};

struct th_loop *th_loop_new(const struct th_mem *mem); /* NULL when the system has no memory or descriptors */
void th_loop_del(struct th_loop *l);

/* TH_ERR_IO with errno set. `w->ready` is set by the caller before. */
enum th_err th_loop_watch(struct th_loop *l, struct th_watch *w, int fd, uint32_t events);
enum th_err th_loop_change(struct th_loop *l, struct th_watch *w, uint32_t events);
/* Pending events of this batch are forgotten too: after this, `ready` is not called again. Safe to call twice. */
void th_loop_unwatch(struct th_loop *l, struct th_watch *w);

/* Sets or moves. Cancelling twice is safe. `a->fire` is set by the caller before. */
enum th_err th_loop_alarm(struct th_loop *l, struct th_alarm *a, th_time at);
void th_loop_cancel(struct th_loop *l, struct th_alarm *a);

void th_loop_hook(struct th_loop *l, struct th_hook *h);

/* The variable behind th_loop_now(), for who keeps the clock as a pointer. */
const th_time *th_loop_clock(const struct th_loop *l);

/* Time of the current batch. */
th_time th_loop_now(const struct th_loop *l);

/* Runs until th_loop_stop(). TH_ERR_IO when epoll itself fails. */
enum th_err th_loop_run(struct th_loop *l);

/* One batch: waits at most `patience`, then returns. For tests and tools that own their outer loop. */
enum th_err th_loop_step(struct th_loop *l, th_time patience);
void th_loop_stop(struct th_loop *l);

#endif
