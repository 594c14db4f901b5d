/* A thin link between two ends, on the time it is told: no socket, no clock.
 *
 *     enter ─▶ queue ─▶ on the air (airtime = bits / rate) ─▶ under way (latency) ─▶ deliver        once per direction
 *
 * Events happen at their own time, not at the time of the call: th_emu_run(e, now) plays all that were due until `now`
 * in order, so a late caller makes arrivals late but never the link slow. Chance follows from seed, direction and the
 * number of the datagram in its direction alone: the n-th one sent meets the same fate however the calls are timed. */
#ifndef TH_EMULATOR_EMULATOR_H
#define TH_EMULATOR_EMULATOR_H

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "emulator/profile.h"

enum {
	TH_EMU_HELD_MAX = 200000,		   /* datagrams, both directions */
	TH_EMU_HELD_BYTES_MAX = 256 * 1024 * 1024, /* their payload */
};

struct th_emu;

/* What happens to a datagram. All but the first two are ends of it. */
enum th_emu_event_kind {
	TH_EMU_STARTED, /* its first bit is sent */
	TH_EMU_DOUBLED, /* a copy of it is under way too */
	TH_EMU_DELIVERED,
	TH_EMU_LOST,	  /* by chance or burst, after its airtime */
	TH_EMU_OVERFLOW,  /* the queue was full, or memory was */
	TH_EMU_TOO_LARGE, /* larger than the MTU */
	TH_EMU_OUTAGE,	  /* sent or under way during an outage */
	TH_EMU_KINDS,
};

const char *th_emu_kind_text(enum th_emu_event_kind kind);

struct th_emu_event {
	struct th_timer timer;
	void (*fire)(struct th_emu *e, struct th_emu_event *ev);
};

/* Borrowed by ops during the call. Of one that did not get into the queue `bytes` must not be read. */
struct th_emu_dgram {
	struct th_list link; /* while it waits */
	struct th_emu_event arrival;
	enum th_emu_way way;
	uint64_t client; /* whatever the caller entered it with */
	uint64_t order;	 /* of entering, both directions together */
	uint64_t number; /* 1, 2, … of those sent in this direction; 0 while not sent */
	th_time entered, started, departs;
	bool lost, doomed, twin, held_back;
	uint64_t cuts;		       /* of its direction when it was sent */
	th_time latency, twin_latency; /* as drawn; twin_latency TH_NEVER: no twin */
	size_t n;
	uint8_t bytes[];
};

struct th_emu_count {
	uint64_t dgrams, bytes; /* at the IP level */
};

/* Of one direction since the start: `entered` and doubled ones are delivered, lost in one of the ways, or among
 * `waiting` and `under_way` (the one on the air included). A reset sets all to 0 but those two. */
struct th_emu_stats {
	th_time elapsed;
	struct th_emu_count entered, counts[TH_EMU_KINDS];
	struct th_emu_count waiting, under_way;
	th_time airtime;	    /* the air was used for so long */
	th_time waited, waited_max; /* in the queue: all together, the longest */
};

struct th_emu_direction {
	struct th_emu_profile profile;
	struct th_list queue;
	struct th_emu_dgram *on_air; /* owned; NULL: none */
	struct th_emu_event air_end;
	th_time last_arrival; /* the latest so far of those that keep order */
	size_t in_order;      /* those of them that are under way */
	bool bad;	      /* Gilbert-Elliott state */
	uint64_t cuts;	      /* outages begun */
	uint64_t sent;	      /* datagrams so far, never reset */
	struct th_emu_stats stats;
};

/* `at` is the time of the event. The callee must not call the emulator. */
struct th_emu_ops {
	void (*deliver)(void *user, const struct th_emu_dgram *d, th_time at);
	void (*seen)(void *user, enum th_emu_event_kind kind, const struct th_emu_dgram *d,
		     th_time at); /* may be NULL */
};

struct th_emu {
	const struct th_mem *mem;     /* borrowed */
	const struct th_emu_ops *ops; /* borrowed */
	void *user;
	uint64_t seed;
	size_t overhead;	   /* IP and UDP header bytes of each datagram */
	th_time begun, now, since; /* since: of the accounting */
	struct th_heap events;
	struct th_emu_direction way[TH_EMU_WAYS];
	uint64_t order;
	size_t held, held_bytes;
	int talked; /* half duplex: who sent last, -1 for nobody */
	th_time silent_since;
};

void th_emu_init(struct th_emu *e, const struct th_mem *mem, const struct th_emu_ops *ops, void *user, uint64_t seed,
		 size_t overhead, th_time now);
void th_emu_free(struct th_emu *e);

/* The whole datagram of a client, or for it. Time does not go back: `now` is at least that of the last call. */
void th_emu_enter(struct th_emu *e, enum th_emu_way way, uint64_t client, const uint8_t *p, size_t n, th_time now);
/* Plays what is due until `now`. */
void th_emu_run(struct th_emu *e, th_time now);
/* The same, but leaves what is due at `now` itself: for what is to happen before that. */
void th_emu_run_before(struct th_emu *e, th_time now);
/* When it wants to be run next. */
th_time th_emu_deadline(const struct th_emu *e);

/* Counts from now on, before what is due at `now`. A rate holds for datagrams that are not on the air yet, a latency
 * for those not sent yet. */
void th_emu_set_profile(struct th_emu *e, enum th_emu_way way, const struct th_emu_profile *p, th_time now);

void th_emu_stats(const struct th_emu *e, enum th_emu_way way, struct th_emu_stats *out);
void th_emu_reset_stats(struct th_emu *e);

/* How long `n` bytes of payload are on the air; 0 when the rate has no limit. */
th_time th_emu_airtime(const struct th_emu *e, enum th_emu_way way, size_t n);

#endif
