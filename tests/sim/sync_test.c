/* Sync push (docs/internals/sync.md) on virtual time: what each step must look like, datagram by datagram. */
#include "sim/sync_stand.h"

static bool sliding; /* else /sync */
static bool model;   /* of new stands */

static uint64_t bytes(const struct stand *s)
{
	return s->world.up.counts[SIM_SENT].bytes + s->world.down.counts[SIM_SENT].bytes;
}

/* The loop has its first two answers, and the registration stands. */
static struct stand *running(bool push)
{
	struct stand *s = stand_new(7, push, model, 0);

	s->loop.sliding = sliding;
	stand_send(s);
	sync_loop_start(&s->loop);
	stand_run(s, 40 * TH_SEC);
	stand_send(s);
	stand_run(s, 5 * TH_SEC);
	CHECK(s->loop.taken == 2);
	return s;
}

static void measure(const char *what, struct stand *s, uint64_t n0, uint64_t b0)
{
	printf("%-44s %4" PRIu64 " datagrams %6" PRIu64 " bytes\n", what, stand_datagrams(s) - n0, bytes(s) - b0);
}

/* A batch: a notification and its ACK. An hour of nothing: nothing. */
static void figures(bool push)
{
	struct stand *s = running(push);
	uint64_t n0 = stand_datagrams(s), b0 = bytes(s), polls;

	printf("sync push %s\n", push ? "on" : "off");
	stand_send(s);
	stand_run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 3);
	measure("  a batch", s, n0, b0);
	if (push)
		CHECK(stand_datagrams(s) - n0 == 2);
	stand_run(s, 60 * TH_SEC);
	n0 = stand_datagrams(s), b0 = bytes(s), polls = s->loop.polls;
	stand_run(s, 30 * TH_SEC);
	measure("  an idle poll", s, n0, b0);
	stand_run(s, 3570 * TH_SEC);
	measure("  an idle hour", s, n0, b0);
	CHECK(s->loop.polls - polls >= 110);
	if (push)
		CHECK(stand_datagrams(s) == n0 && stand_far(s).sync_pollers == 1 && stand_near(s).sync_idle >= 110);
	stand_send(s);
	stand_run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 4 && s->loop.doubled == 0 && s->loop.failures == 0);
	stand_del(s);
}

/* What one notification tells is history for the next. */
static void each_builds_on_the_last(void)
{
	struct stand *s = running(true);
	uint64_t cost[4], before;

	s->home.said = "lvAe7Qk0ZrXh3mYc9TnUo2WgJb5SdPf8iEx1qRj6VtKy4GaNuHz7CwLs0BpMoDFI2rT9vXq5ZkYe3hJnWb8cUg";
	for (unsigned i = 0; i < 4; i++) {
		before = bytes(s);
		stand_send(s);
		stand_run(s, 5 * TH_SEC);
		cost[i] = bytes(s) - before;
		CHECK(s->loop.taken == 3 + i);
	}
	printf("a notification of 88 random characters: %" PRIu64 " bytes, then %" PRIu64 ", %" PRIu64 ", %" PRIu64
	       "\n",
	       cost[0], cost[1], cost[2], cost[3]);
	for (unsigned i = 1; i < 4; i++)
		CHECK(cost[i] + 50 < cost[0]);
	CHECK(stand_near(s).wrong_texts == 0 && stand_far(s).wrong_texts == 0);
	stand_del(s);
}

/* What a poll in vain gets is what the homeserver would say, by the byte. */
static void idle_answer(void)
{
	struct stand *s = running(true);
	char direct[512];

	stand_run(s, 100 * TH_SEC);
	if (sliding)
		snprintf(
			direct, sizeof(direct),
			"{\"pos\":\"7/%s\",\"lists\":{\"a\":{\"count\":1}},\"rooms\":{},\"extensions\":{\"to_device\":{"
			"\"next_batch\":\"d%.*s\",\"events\":[]},\"e2ee\":{\"device_one_time_keys_count\":{"
			"\"signed_curve25519\":50}}}}",
			s->loop.since, (int)strcspn(s->loop.since + 1, "_"), s->loop.since + 1);
	else
		snprintf(direct, sizeof(direct),
			 "{\"next_batch\":\"%s\",\"device_one_time_keys_count\":{\"signed_curve25519\":50}}",
			 s->loop.since);
	CHECK(strcmp(s->loop.last, direct) == 0);
	/* that keys were used up is news, though it wakes nobody */
	s->home.keys = 49;
	stand_run(s, 110 * TH_SEC);
	CHECK(strstr(s->loop.last, "49") != NULL);
	/* that the stream has moved on is none: the client keeps its token */
	snprintf(direct, sizeof(direct), "%s", s->loop.since);
	sync_home_move(&s->home);
	uint64_t n0 = stand_datagrams(s);
	stand_run(s, 200 * TH_SEC);
	CHECK(strcmp(direct, s->loop.since) == 0 && stand_datagrams(s) == n0);
	stand_send(s);
	stand_run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 3);
	stand_del(s);
}

struct copies {
	struct sim_dgram first;
	unsigned sent, same;
};

static enum sim_gate_verdict lose_first(void *user, const struct sim_dgram *d)
{
	struct copies *c = user;

	if (c->sent++ == 0) {
		c->first = *d;
		return SIM_GATE_LOSE;
	}
	c->same += d->n == c->first.n && memcmp(d->bytes, c->first.bytes, d->n) == 0;
	return SIM_GATE_PASS;
}

/* A copy is the datagram that was sent, also when the request that it answers is so long ago that its name is long. */
static void copies_are_the_same(void)
{
	struct stand *s = running(true);
	struct copies c = { .sent = 0 };

	for (unsigned i = 0; i < 100; i++) {
		stand_send(s);
		stand_run(s, 3 * TH_SEC);
	}
	CHECK(s->loop.taken == 102 && stand_far(s).sync_pollers == 1);
	s->world.down.gate = lose_first;
	s->world.down.gate_user = &c;
	stand_send(s);
	stand_run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 103 && s->loop.doubled == 0);
	CHECK(c.sent == 2 && c.same == 1);
	s->world.down.gate = NULL;
	stand_del(s);
}

/* A client that does not come back: the notification is reset, nobody polls for it any more; when it returns it has
 * lost nothing. */
static void client_leaves(void)
{
	struct stand *s = running(true);

	sync_loop_stop(&s->loop);
	stand_run(s, 60 * TH_SEC);
	CHECK(stand_far(s).sync_pollers == 1);
	stand_send(s);
	stand_run(s, 30 * TH_SEC);
	CHECK(stand_far(s).sync_pollers == 0 && stand_near(s).sync_refused == 1);
	stand_send(s);
	stand_run(s, 30 * TH_SEC);
	sync_loop_start(&s->loop);
	stand_run(s, 10 * TH_SEC);
	CHECK(s->loop.taken == 4 && s->loop.doubled == 0 && s->home.lost == 0 && stand_far(s).sync_pollers == 1);
	stand_del(s);
}

/* One that is gone for good is not polled for: to others it would seem to be online for ever. What comes then it gets
 * when it returns. */
static void client_is_gone(void)
{
	struct stand *s = running(true);
	uint64_t n0;

	sync_loop_stop(&s->loop);
	stand_run(s, 300 * TH_SEC);
	CHECK(stand_far(s).sync_pollers == 0);
	n0 = stand_datagrams(s);
	stand_send(s);
	stand_run(s, 300 * TH_SEC);
	CHECK(stand_datagrams(s) == n0);
	sync_loop_start(&s->loop);
	stand_run(s, 10 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0 && s->home.lost == 0 && stand_far(s).sync_pollers == 1);
	stand_del(s);
}

/* So is one whose ingress half died without a word. */
static void near_is_gone(void)
{
	struct stand *s = stand_new(7, true, model, 0);

	s->world.config.sync_check = 600 * TH_SEC;
	sim_world_kill(&s->world, SIM_NEAR);
	sim_world_start(&s->world, SIM_NEAR);
	sim_world_kill(&s->world, SIM_FAR);
	sim_world_start(&s->world, SIM_FAR);
	sync_loop_start(&s->loop);
	stand_run(s, 3600 * TH_SEC);
	CHECK(stand_far(s).sync_pollers == 1 && s->loop.failures == 0);
	sim_world_kill(&s->world, SIM_NEAR);
	stand_run(s, 1800 * TH_SEC);
	CHECK(stand_far(s).sync_pollers == 0);
	stand_del(s);
}

/* One that thinks for longer than its turn may take registers anew, every time. */
static void client_is_slow(void)
{
	struct stand *s = running(true);

	s->loop.think_most = 20 * TH_SEC;
	for (unsigned i = 0; i < 200; i++) {
		stand_send(s);
		stand_run(s, 13 * TH_SEC);
	}
	stand_run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 202 && s->loop.doubled == 0 && s->home.lost == 0 && !s->home.bug);
	CHECK(stand_near(s).sync_refused > 20);
	stand_del(s);
}

/* 401 reaches the client; so does the way back. */
static void logged_out(void)
{
	struct stand *s = running(true);

	s->home.status = 401;
	sync_home_crash(&s->home);
	stand_run(s, 100 * TH_SEC);
	CHECK(s->loop.last_status == 401 && strstr(s->loop.last, "M_UNKNOWN_TOKEN"));
	s->home.status = 0;
	stand_send(s);
	stand_run(s, 30 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

/* A client that logs out itself: its next poll gets 401, and so does the one that is held, no later than without us. */
static void logs_out(bool held)
{
	struct stand *s = running(true);
	struct sync_loop other;

	if (!held)
		sync_loop_stop(&s->loop);
	sync_loop_init(&other, &s->world.net, &s->home, stand_door, s);
	other.target = "/_matrix/client/v3/logout";
	sync_loop_start(&other);
	stand_run(s, 2 * TH_SEC);
	CHECK(other.last_status == 200);
	sync_loop_stop(&other);
	sync_loop_start(&s->loop);
	stand_run(s, 2 * TH_SEC);
	CHECK(s->loop.last_status == 401 && strstr(s->loop.last, "M_UNKNOWN_TOKEN"));
	stand_run(s, 200 * TH_SEC);
	CHECK(stand_far(s).sync_pollers == 0 && s->loop.last_status == 401);
	stand_del(s);
}

struct nth {
	unsigned n, lost;
};

static enum sim_gate_verdict lose_nth(void *user, const struct sim_dgram *d)
{
	struct nth *x = user;

	(void)d;
	return x->n++ == x->lost ? SIM_GATE_LOSE : SIM_GATE_PASS;
}

/* The 401 to the registration that a logout ends is lost, and the near half has let go of it before the copy comes: the
 * answers that follow must not build on what nobody has read. `lost`: which datagram after the logout. */
static void logs_out_at_once(unsigned lost)
{
	struct stand *s = running(true);
	struct nth nth = { .lost = lost };
	struct sync_loop other;

	s->home.wakes = true;
	sync_loop_init(&other, &s->world.net, &s->home, stand_door, s);
	other.target = "/_matrix/client/v3/logout";
	s->world.down.gate = lose_nth;
	s->world.down.gate_user = &nth;
	sync_loop_start(&other);
	stand_run(s, TH_SEC);
	sync_loop_stop(&other);
	stand_run(s, 4 * TH_SEC);
	CHECK(s->loop.last_status == 401 && strstr(s->loop.last, "M_UNKNOWN_TOKEN"));
	s->world.down.gate = NULL;
	stand_del(s);
}

/* A client that changes its request with every poll has no more than a few registrations. */
static void restless(void)
{
	struct stand *s = running(true);
	char query[32];

	s->loop.query = query;
	s->loop.timeout_ms = 1000;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(query, sizeof(query), "x=%u&", i);
		stand_run(s, TH_SEC);
	}
	stand_send(s);
	stand_run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0 && s->loop.failures == 0 && s->home.lost == 0);
	CHECK(stand_far(s).sync_pollers <= 8);
	stand_del(s);
}

/* A homeserver that restarts is waited for; one that is gone for long is reported. */
static void homeserver_restarts(void)
{
	struct stand *s = running(true);
	uint64_t failures = s->loop.failures, n0;

	s->home.down = true;
	sync_home_crash(&s->home);
	stand_run(s, 60 * TH_SEC);
	s->home.down = false;
	n0 = stand_datagrams(s);
	stand_run(s, 60 * TH_SEC);
	CHECK(s->loop.failures == failures && stand_datagrams(s) == n0);
	stand_send(s);
	stand_run(s, 3 * TH_SEC);
	CHECK(s->loop.taken == 3);
	s->home.down = true;
	sync_home_crash(&s->home);
	stand_run(s, 300 * TH_SEC);
	CHECK(s->loop.failures > failures && s->loop.last_status == 502);
	s->home.down = false;
	stand_send(s);
	stand_run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 4 && s->loop.doubled == 0);
	stand_del(s);
}

/* More than a message holds: the answer ends the observation, streams, and the next poll begins another. */
static void large_batches(void)
{
	struct stand *s = running(true);

	s->home.padding = 3000;
	for (unsigned i = 0; i < 20; i++) {
		stand_send(s);
		stand_run(s, 20 * TH_SEC);
	}
	CHECK(s->loop.taken == 22 && s->loop.doubled == 0);
	s->home.padding = 8000; /* ten of them are no notification at all */
	for (unsigned i = 0; i < 10; i++)
		sync_home_send(&s->home);
	sim_net_flush(&s->world.net);
	stand_run(s, 1200 * TH_SEC);
	CHECK(s->loop.taken == 32 && s->loop.doubled == 0 && s->loop.failures == 0);
	s->home.padding = 0;
	stand_send(s);
	stand_run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 33 && stand_far(s).sync_pollers == 1);
	stand_del(s);
}

/* timeout=0, full_state and another filter are asked over the link, and give what the homeserver says now. */
static void other_polls(void)
{
	struct stand *s = running(true);
	uint64_t asked = s->home.asked;

	s->loop.timeout_ms = 0;
	s->loop.think_most = 10 * TH_SEC;
	stand_run(s, 120 * TH_SEC);
	CHECK(s->home.asked > asked + 5);
	asked = s->home.asked;
	s->loop.query = "full_state=true&";
	stand_run(s, 120 * TH_SEC);
	CHECK(s->home.asked > asked + 5 && s->loop.failures == 0);
	s->loop.query = "filter=1&";
	s->loop.timeout_ms = 30000;
	s->loop.think_most = 0;
	stand_run(s, 60 * TH_SEC);
	stand_send(s);
	stand_run(s, 5 * TH_SEC);
	CHECK(s->loop.taken == 3 && stand_far(s).sync_pollers == 1 && stand_near(s).sync_watches == 2);
	s->loop.token = "Bearer other";
	stand_run(s, 120 * TH_SEC);
	stand_send(s);
	stand_run(s, 20 * TH_SEC);
	CHECK(s->loop.taken == 4 && stand_near(s).sync_watches == 3);
	stand_del(s);
}

/* A far half that knows nothing of this: the homeserver itself answers each poll. */
static void deaf(void)
{
	struct stand *s = stand_new(7, true, model, 0);
	uint64_t asked;

	s->world.config.sync_push = false;
	sim_world_kill(&s->world, SIM_FAR);
	sim_world_start(&s->world, SIM_FAR);
	stand_send(s);
	sync_loop_start(&s->loop);
	stand_run(s, 40 * TH_SEC);
	asked = s->home.asked;
	stand_run(s, 300 * TH_SEC);
	CHECK(stand_near(s).sync_idle == 0 && s->home.asked >= asked + 9);
	stand_send(s);
	stand_run(s, 2 * TH_SEC);
	CHECK(s->loop.taken == 2 && s->loop.doubled == 0 && s->loop.failures == 0);
	stand_del(s);
}

/* A homeserver that has the same news again and again: not all the time over the link, and only while somebody polls.
 */
static void stuck(void)
{
	struct stand *s = running(true);
	uint64_t n0;

	s->home.stuck = true;
	stand_send(s);
	stand_run(s, 60 * TH_SEC);
	n0 = stand_datagrams(s);
	stand_run(s, 300 * TH_SEC);
	CHECK(stand_datagrams(s) - n0 < 150);
	sync_loop_stop(&s->loop);
	stand_run(s, 300 * TH_SEC);
	n0 = stand_datagrams(s);
	stand_run(s, 300 * TH_SEC);
	CHECK(stand_datagrams(s) == n0 && stand_far(s).sync_pollers == 0);
	s->home.stuck = false;
	sync_loop_start(&s->loop);
	stand_run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

/* The far half stops in order: it says so, and the poll that is held asks anew at once. */
static void far_drains(void)
{
	struct stand *s = running(true);

	sim_node_drain(s->world.side[SIM_FAR].node);
	sim_net_flush(&s->world.net);
	stand_run(s, TH_SEC);
	sim_world_kill(&s->world, SIM_FAR);
	stand_run(s, 2 * TH_SEC);
	sim_world_start(&s->world, SIM_FAR);
	stand_run(s, 60 * TH_SEC);
	stand_send(s);
	stand_run(s, 5 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

/* An outage longer than the far half's patience: it tries again now and then. When the near half is heard before, at
 * once. */
static void outage(bool heard)
{
	struct stand *s = running(true);
	th_time now = s->world.net.now;

	sim_pipe_outage(&s->world.up, now, now + 600 * TH_SEC);
	sim_pipe_outage(&s->world.down, now, now + 600 * TH_SEC);
	stand_send(s);
	stand_run(s, 599 * TH_SEC);
	CHECK(s->loop.taken == 2);
	if (heard) {
		s->loop.timeout_ms = 0; /* makes it say something */
		stand_run(s, 31 * TH_SEC);
		s->loop.timeout_ms = 30000;
		stand_run(s, 30 * TH_SEC);
	} else {
		stand_run(s, 700 * TH_SEC);
	}
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

static void roams(void)
{
	struct stand *s = running(true);

	sim_world_move(&s->world, SIM_NEAR);
	stand_send(s); /* to the old address: nobody gets it, until the near half says something */
	stand_run(s, 100 * TH_SEC);
	s->loop.timeout_ms = 0;
	stand_run(s, 31 * TH_SEC);
	s->loop.timeout_ms = 30000;
	stand_run(s, 60 * TH_SEC);
	CHECK(s->loop.taken == 3 && s->loop.doubled == 0);
	stand_del(s);
}

/* Sliding sync: a client leaves its poll to ask for more rooms. What it asked before is asked no more; what another of
 * its loops asks goes on. */
static void asks_otherwise(void)
{
	struct stand *s = running(true);

	for (unsigned i = 1; i <= 5; i++) {
		sync_loop_stop(&s->loop);
		s->loop.rooms += 10;
		sync_loop_start(&s->loop);
		stand_run(s, 5 * TH_SEC);
		CHECK(stand_far(s).sync_pollers == 1);
		stand_send(s);
		stand_run(s, 5 * TH_SEC);
		CHECK(s->loop.taken == 2 + i && s->loop.doubled == 0 && stand_far(s).sync_pollers == 1);
	}
	CHECK(stand_near(s).sync_refused == 0);
	s->loop.connection = "encryption";
	stand_run(s, 60 * TH_SEC);
	CHECK(stand_far(s).sync_pollers == 2);
	stand_del(s);
}

static void all(void)
{
	model = true; /* as daemons do */
	printf("%s:\n", sliding ? "sliding sync" : "sync");
	figures(false);
	figures(true);
	each_builds_on_the_last();
	for (unsigned lost = 0; lost < 4; lost++)
		logs_out_at_once(lost);
	model = false;
	idle_answer();
	copies_are_the_same();
	client_leaves();
	client_is_gone();
	near_is_gone();
	client_is_slow();
	logged_out();
	logs_out(true);
	logs_out(false);
	restless();
	homeserver_restarts();
	large_batches();
	other_polls();
	deaf();
	stuck();
	far_drains();
	outage(true);
	outage(false);
	roams();
	if (sliding)
		asks_otherwise();
}

int main(void)
{
	all();
	sliding = true;
	all();
	return 0;
}
