/* What the tests of a session's life share: two ends, a tape of what they sent, a session in use. */
#ifndef TH_SESSION_LIFE_H
#define TH_SESSION_LIFE_H

#include "rig.h"

enum { KEPT_DATAGRAMS = 4096, YEAR_S = 365 * 24 * 3600 };

#define HOUR (3600 * TH_SEC)
#define PATIENCE HOUR

static struct rig r;
static unsigned rounds = 1; /* how many times the usual number of seeds */

/* What was sent, for replays. */
static struct rig_datagram tape[KEPT_DATAGRAMS];
static size_t tape_n;

static inline void record(struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	(void)rig, (void)e;
	if (tape_n < KEPT_DATAGRAMS)
		tape[tape_n++] = *d;
}

static inline void set_up(uint64_t seed)
{
	rig_init(&r, seed);
	tape_n = 0;
	r.on_send = record;
}

static inline void start(void)
{
	rig_start(&r.a);
	rig_start(&r.b);
}

static inline const struct th_session_stats *stats(const struct rig_end *e)
{
	return th_sessions_stats(e->s);
}

/* A session that both ends have confirmed. */
static inline th_session_id warm(enum th_session_pattern pattern)
{
	th_session_id id;

	start();
	id = rig_connect(&r.a, pattern, NULL);
	rig_exchange(&r, &r.a, id, PATIENCE);
	rig_exchange(&r, &r.a, id, PATIENCE);
	return id;
}

static inline struct th_addr address_of(const struct rig_end *e, th_session_id id)
{
	struct th_session_info info = { 0 };

	assert_true(th_session_look(e->s, id, &info, r.now));
	return info.address;
}

/* Drops the n-th datagram of one end, counted from 1. */
static struct {
	struct rig_end *of;
	uint64_t n;
} drop;

static inline void drop_one(struct rig *rig, struct rig_end *e, const struct rig_datagram *d)
{
	(void)d;
	rig->down = e == drop.of && e->sent == drop.n;
}

/* The argument ROUNDS of some of the tests. */
static inline void take_rounds(int argc, char **argv)
{
	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 0);
}

#endif
