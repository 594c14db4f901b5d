#include "unit.h"
#include "failmem.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"

/* One end of a pair of sockets under watch. */
struct end {
	struct th_watch watch;
	struct th_loop *loop;
	struct end *victim; /* unwatched when this one is ready */
	int fd, other;
	unsigned calls;
	uint32_t events;
	bool read;
};

static void on_ready(struct th_watch *w, uint32_t events)
{
	struct end *e = TH_OWNER(w, struct end, watch);
	char c;

	e->calls++;
	e->events = events;
	if (e->read)
		assert_int_equal(read(e->fd, &c, 1), 1);
	if (e->victim) {
		th_loop_unwatch(e->loop, &e->victim->watch);
		th_loop_unwatch(e->loop, &e->victim->watch); /* twice is safe */
	}
}

static void end_open(struct end *e, struct th_loop *l, uint32_t events)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	*e = (struct end){ .watch = { .ready = on_ready }, .loop = l, .fd = fds[0], .other = fds[1], .read = true };
	assert_int_equal(th_loop_watch(l, &e->watch, e->fd, events), TH_OK);
}

static void end_close(struct end *e)
{
	th_loop_unwatch(e->loop, &e->watch);
	close(e->fd);
	close(e->other);
}

static void a_byte_wakes_its_watch(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct end a, b;

	(void)state;
	end_open(&a, l, EPOLLIN);
	end_open(&b, l, EPOLLIN);
	assert_int_equal(th_loop_step(l, 0), TH_OK);
	assert_int_equal(a.calls + b.calls, 0);
	assert_int_equal(write(a.other, "x", 1), 1);
	assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	assert_int_equal(a.events, EPOLLIN);
	assert_int_equal(th_loop_step(l, 0), TH_OK);
	assert_int_equal(a.calls, 1);
	end_close(&a);
	end_close(&b);
	th_loop_del(l);
}

static void it_is_level_triggered_and_tells_the_end(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct end a;

	(void)state;
	end_open(&a, l, EPOLLIN | EPOLLRDHUP);
	assert_int_equal(write(a.other, "xy", 2), 2);
	assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(a.calls, 2); /* what is left unread is told again */
	assert_int_equal(shutdown(a.other, SHUT_WR), 0);
	a.read = false;
	assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(a.calls, 3);
	assert_true(a.events & EPOLLRDHUP);
	end_close(&a);
	th_loop_del(l);
}

static void change_turns_events_on_and_off(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct end a;

	(void)state;
	end_open(&a, l, EPOLLIN);
	a.read = false;
	assert_int_equal(th_loop_change(l, &a.watch, EPOLLIN | EPOLLOUT), TH_OK);
	assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(a.events, EPOLLOUT);
	assert_int_equal(th_loop_change(l, &a.watch, 0), TH_OK);
	assert_int_equal(write(a.other, "x", 1), 1);
	assert_int_equal(th_loop_step(l, 0), TH_OK);
	assert_int_equal(a.calls, 1);
	end_close(&a);
	th_loop_del(l);
}

/* Two are ready in one batch; whichever comes first takes the other out, which then must not hear of it. */
static void unwatched_in_a_batch_is_not_called(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct end a, b;

	(void)state;
	end_open(&a, l, EPOLLIN);
	end_open(&b, l, EPOLLIN);
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(write(a.other, "x", 1), 1);
	assert_int_equal(write(b.other, "x", 1), 1);
	assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(a.calls + b.calls, 1);
	assert_int_equal(th_loop_step(l, 0), TH_OK);
	assert_int_equal(a.calls + b.calls, 1);
	end_close(&a);
	end_close(&b);
	th_loop_del(l);
}

static void a_watch_may_take_itself_out(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct end a;

	(void)state;
	end_open(&a, l, EPOLLIN);
	a.victim = &a;
	assert_int_equal(write(a.other, "xy", 2), 2);
	assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(th_loop_step(l, 0), TH_OK);
	assert_int_equal(a.calls, 1);
	end_close(&a);
	th_loop_del(l);
}

static void a_pipe_shows_its_hang_up(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct end e = { .watch = { .ready = on_ready }, .loop = l };
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(th_loop_watch(l, &e.watch, fds[0], EPOLLIN), TH_OK);
	close(fds[1]);
	assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(e.calls, 1);
	assert_true(e.events & EPOLLHUP);
	th_loop_unwatch(l, &e.watch);
	close(fds[0]);
	th_loop_del(l);
}

static void a_bad_descriptor_is_an_error(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct th_watch w = { .ready = on_ready };

	(void)state;
	assert_int_equal(th_loop_watch(l, &w, -1, EPOLLIN), TH_ERR_IO);
	th_loop_unwatch(l, &w); /* harmless */
	th_loop_del(l);
}

struct ring {
	struct th_alarm alarm;
	struct th_loop *loop;
	struct ring *victim;
	th_time again; /* sets itself anew by this much */
	th_time fired_at, asked;
	unsigned calls, order;
};

static unsigned rings;

static void on_fire(struct th_alarm *a, th_time now)
{
	struct ring *r = TH_OWNER(a, struct ring, alarm);

	r->calls++;
	r->order = ++rings;
	r->fired_at = now;
	assert_true(now >= r->asked);
	assert_true(now == th_loop_now(r->loop) && now == *th_loop_clock(r->loop));
	if (r->victim)
		th_loop_cancel(r->loop, &r->victim->alarm);
	if (r->again != TH_NEVER)
		assert_int_equal(th_loop_alarm(r->loop, a, now + r->again), TH_OK);
}

static void ring_set(struct ring *r, struct th_loop *l, th_time at)
{
	*r = (struct ring){ .alarm = { .fire = on_fire }, .loop = l, .again = TH_NEVER, .asked = at };
	assert_int_equal(th_loop_alarm(l, &r->alarm, at), TH_OK);
}

static void alarms_fire_in_order_and_never_early(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct ring r[3];
	th_time now = th_loop_now(l);

	(void)state;
	rings = 0;
	ring_set(&r[0], l, now + 3 * TH_MS);
	ring_set(&r[1], l, now + 1 * TH_MS);
	ring_set(&r[2], l, now + 2 * TH_MS);
	for (int i = 0; i < 10 && rings < 3; i++)
		assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(r[1].order, 1);
	assert_int_equal(r[2].order, 2);
	assert_int_equal(r[0].order, 3);
	th_loop_del(l);
}

static void a_cancelled_alarm_is_silent(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct ring a, b, c;
	th_time now = th_loop_now(l);

	(void)state;
	ring_set(&a, l, now);
	ring_set(&b, l, now + 1);
	ring_set(&c, l, now);
	a.victim = &b; /* due in the same batch */
	c.victim = &b;
	th_loop_cancel(l, &c.alarm);
	th_loop_cancel(l, &c.alarm);
	assert_int_equal(th_loop_step(l, 0), TH_OK);
	assert_int_equal(th_loop_step(l, 0), TH_OK);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	assert_int_equal(c.calls, 0);
	th_loop_del(l);
}

static void an_alarm_may_be_moved(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct ring a;
	th_time now = th_loop_now(l);

	(void)state;
	ring_set(&a, l, now + 3600 * TH_SEC);
	assert_int_equal(th_loop_alarm(l, &a.alarm, now), TH_OK);
	a.asked = now;
	assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
	assert_int_equal(a.calls, 1);
	th_loop_del(l);
}

/* An alarm that is always due must not keep sockets from being served. */
static void an_alarm_set_anew_for_now_waits_for_the_next_batch(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct ring a;

	(void)state;
	ring_set(&a, l, th_loop_now(l));
	a.again = 0;
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(th_loop_step(l, TH_SEC), TH_OK);
		assert_int_equal(a.calls, i);
	}
	th_loop_del(l);
}

struct count {
	struct th_hook hook;
	struct th_loop *loop;
	unsigned calls, stop_at;
};

static void on_hook(struct th_hook *h, th_time now)
{
	struct count *c = TH_OWNER(h, struct count, hook);

	c->calls++;
	assert_true(now == th_loop_now(c->loop));
	if (c->calls == c->stop_at)
		th_loop_stop(c->loop);
}

static void hooks_run_after_each_batch_and_run_stops(void **state)
{
	struct th_loop *l = th_loop_new(&th_mem_libc);
	struct count a = { .hook = { .run = on_hook }, .loop = l, .stop_at = 4 };
	struct count b = { .hook = { .run = on_hook }, .loop = l };
	struct ring tick;

	(void)state;
	th_loop_hook(l, &a.hook);
	th_loop_hook(l, &b.hook);
	ring_set(&tick, l, 0);
	tick.again = TH_MS;
	assert_int_equal(th_loop_run(l), TH_OK);
	assert_int_equal(a.calls, 4);
	assert_int_equal(b.calls, 4);
	th_loop_del(l);
}

static void many_descriptors_take_several_batches(void **state)
{
	enum { MANY = 150 };
	struct th_loop *l = th_loop_new(&th_mem_libc);
	static struct end e[MANY];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		end_open(&e[i], l, EPOLLIN);
		assert_int_equal(write(e[i].other, "x", 1), 1);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(th_loop_step(l, 0), TH_OK);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(e[i].calls, 1);
		end_close(&e[i]);
	}
	th_loop_del(l);
}

static void without_memory_there_is_no_loop(void **state)
{
	struct failmem f;
	struct th_loop *l;
	struct th_alarm a = { .fire = on_fire };

	(void)state;
	failmem_init(&f, 1);
	assert_null(th_loop_new(&f.mem));
	failmem_init(&f, 2);
	l = th_loop_new(&f.mem);
	assert_non_null(l);
	assert_int_equal(th_loop_alarm(l, &a, 1), TH_ERR_NO_MEMORY);
	assert_int_equal(th_loop_alarm(l, &a, TH_NEVER), TH_OK);
	th_loop_del(l);
	assert_int_equal(f.live, 0);
	th_loop_del(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_byte_wakes_its_watch),
		cmocka_unit_test(it_is_level_triggered_and_tells_the_end),
		cmocka_unit_test(change_turns_events_on_and_off),
		cmocka_unit_test(unwatched_in_a_batch_is_not_called),
		cmocka_unit_test(a_watch_may_take_itself_out),
		cmocka_unit_test(a_pipe_shows_its_hang_up),
		cmocka_unit_test(a_bad_descriptor_is_an_error),
		cmocka_unit_test(alarms_fire_in_order_and_never_early),
		cmocka_unit_test(a_cancelled_alarm_is_silent),
		cmocka_unit_test(an_alarm_may_be_moved),
		cmocka_unit_test(an_alarm_set_anew_for_now_waits_for_the_next_batch),
		cmocka_unit_test(hooks_run_after_each_batch_and_run_stops),
		cmocka_unit_test(many_descriptors_take_several_batches),
		cmocka_unit_test(without_memory_there_is_no_loop),
	};

	alarm(20); /* a loop that never comes back ends here, not at the runner's patience */
	return cmocka_run_group_tests_name("base/loop", tests, NULL, NULL);
}
