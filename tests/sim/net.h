/* A network on virtual time: hosts that are machines without I/O, joined by one-way pipes that delay, lose, double and
 * reorder datagrams. Everything follows from the seed and from the calls made: the same run gives the same bytes.
 *
 *     host near ──pipe──▶ (pipe ──▶ …) host far        one direction; the other one has its own pipe
 *
 * Nobody sleeps: time jumps from one event to the next. Which host a datagram reaches, its destination address says;
 * which pipe it takes, its sender. */
#ifndef TH_SIM_NET_H
#define TH_SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/rng.h"

enum {
	SIM_DGRAM_MAX = 2048,
	SIM_OUTAGES_MAX = 32, /* per pipe */
	SIM_OVERHEAD_V4 = 28, /* IPv4 + UDP header */
	SIM_OVERHEAD_V6 = 48,
};

/* Something that happens at a time. Lives inside its owner. */
struct sim_event {
	struct th_timer timer;
	void (*fire)(struct sim_event *e);
};

/* One direction of a link. All zero: instant and perfect. */
struct sim_profile {
	uint64_t rate_bps; /* serialisation, IP headers included; 0: instant */
	th_time latency;
	unsigned jitter_percent; /* each latency is drawn from latency × [1 - j, 1 + j] */
	bool in_order;		 /* jitter delays but never reorders */
	unsigned loss_permille, dup_permille;
	unsigned reorder_permille; /* this many are held back by reorder_delay */
	th_time reorder_delay;
	size_t queue_bytes; /* waiting and on the wire; what does not fit is dropped; 0: no limit */
	/* Gilbert-Elliott: per datagram, the chances to enter and leave the bad state, and to be lost inside it */
	unsigned burst_enter_permille, burst_leave_permille, burst_loss_permille;
};

/* What became of a datagram, for taps and counters. */
enum sim_fate {
	SIM_SENT, /* entered the pipe */
	SIM_DELIVERED,
	SIM_LOST,     /* by chance, by burst, by a gate */
	SIM_OVERFLOW, /* the queue was full */
	SIM_OUTAGE,
	SIM_UNROUTED, /* nobody has this address (any more) */
	SIM_DOUBLED,  /* one more copy is under way */
	SIM_FATES,
};

const char *sim_fate_text(enum sim_fate fate);

struct sim_net;
struct sim_host;

/* A gate looks at each datagram as it enters a pipe. */
enum sim_gate_verdict { SIM_GATE_PASS, SIM_GATE_LOSE, SIM_GATE_TAKE /* the gate keeps it */ };

struct sim_dgram {
	struct sim_event event;
	struct sim_net *net;
	struct sim_pipe *pipe;
	struct sim_host *sender; /* NULL for what a test injects */
	struct th_addr from, to;
	th_time sent, departs;
	size_t n;
	uint8_t bytes[SIM_DGRAM_MAX];
	struct sim_dgram *free_next;
};

struct sim_count {
	uint64_t dgrams, bytes; /* bytes at the IP level */
};

struct sim_pipe {
	const char *name;
	struct sim_net *net;
	struct sim_profile profile;
	struct sim_pipe *next; /* what leaves this one enters that one; NULL: to the host with the address */
	enum sim_gate_verdict (*gate)(void *user, const struct sim_dgram *d); /* NULL: none */
	void *gate_user;
	struct sim_count counts[SIM_FATES];
	/* state */
	th_time free_at;  /* when the wire is idle again */
	th_time last_out; /* latest arrival so far */
	bool bad;	  /* Gilbert-Elliott state */
	struct {
		th_time from, to;
	} outages[SIM_OUTAGES_MAX];
	size_t n_outages;
};

/* The four verbs of a machine without I/O. The host's clock is set before each. */
struct sim_machine {
	void (*rx)(void *ctx, const struct th_addr *from, const uint8_t *p, size_t n);
	size_t (*tx)(void *ctx, struct th_addr *to, uint8_t *out, size_t cap);
	th_time (*deadline)(void *ctx);
	void (*tick)(void *ctx);
	void *ctx;
};

struct sim_host {
	struct th_list link;
	const char *name;
	struct sim_net *net;
	struct sim_machine machine;
	struct th_addr addr;  /* as others see it */
	struct sim_pipe *out; /* borrowed */
	th_time clock, skew;  /* clock = the network's time + skew */
	struct sim_event wake;
	th_time last_tick;
	unsigned idle_ticks;
};

struct sim_tap {
	void (*see)(void *user, enum sim_fate fate, const struct sim_dgram *d);
	void *user;
};

struct sim_net {
	th_time now;
	struct th_heap heap;
	struct th_list hosts;
	uint64_t rng_state;
	struct th_rng rng;
	size_t overhead; /* IP + UDP header bytes per datagram */
	struct sim_tap tap;
	struct sim_dgram *free_dgrams;
	uint64_t events;
};

void sim_net_init(struct sim_net *net, uint64_t seed);
void sim_net_free(struct sim_net *net); /* hosts and pipes are their owners' */

void sim_pipe_init(struct sim_pipe *p, struct sim_net *net, const char *name, const struct sim_profile *profile);
/* Loses everything that departs or is under way within [from, to). */
void sim_pipe_outage(struct sim_pipe *p, th_time from, th_time to);

void sim_host_init(struct sim_host *h, struct sim_net *net, const char *name, const struct th_addr *addr,
		   struct sim_pipe *out);
void sim_host_remove(struct sim_host *h);
/* A NAT gives the host another address: what goes to the old one is lost. */
void sim_host_rebind(struct sim_host *h, const struct th_addr *addr);
/* The host's clock moves on by `by` at once. */
void sim_host_jump(struct sim_host *h, th_time by);

/* 192.0.2.<host>:<port>. */
struct th_addr sim_addr(uint8_t host, uint16_t port);

void sim_net_at(struct sim_net *net, struct sim_event *e, th_time at); /* sets or moves */
void sim_net_cancel(struct sim_net *net, struct sim_event *e);

/* Puts a datagram into the hands of the host with that address, now. */
void sim_net_deliver(struct sim_net *net, const struct th_addr *from, const struct th_addr *to, const uint8_t *p,
		     size_t n);
/* Sends what machines have to send. To be called after a verb was called on one from outside of an event. */
void sim_net_flush(struct sim_net *net);
/* One event, if it comes due until `limit`; else time moves to `limit` and false is returned. */
bool sim_net_step(struct sim_net *net, th_time limit);
void sim_net_run(struct sim_net *net, th_time until);

#endif
